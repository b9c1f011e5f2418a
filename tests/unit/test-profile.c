// SPDX-License-Identifier: Apache-2.0
#include "imsfs/profile.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

static void assert_expands(const char *text, const char *region, const char *domain,
                           const char *expected)
{
    CLEANUP(strbuf_free) struct strbuf out = STRBUF_INIT;
    assert_int_equal(profile_expand(&out, text, region, domain), 0);
    assert_string_equal(strbuf_str(&out), expected);
}

static void assert_expands_not(const char *text, const char *region, const char *domain)
{
    CLEANUP(strbuf_free) struct strbuf out = STRBUF_INIT;
    assert_int_equal(profile_expand(&out, text, region, domain), -EINVAL);
}

static void profiles_are_found_by_name(void **state)
{
    (void)state;
    assert_string_equal(profile_find("otc")->domain, "otc.t-systems.com");
    assert_expands(profile_find("otc")->image_endpoint, "eu-de", NULL,
                   "https://ims.eu-de.otc.t-systems.com");
    assert_expands(profile_find("otc-swiss")->image_endpoint, "eu-ch2", NULL,
                   "https://ims.eu-ch2.sc.otc.t-systems.com");
    assert_expands(profile_find("huaweicloud")->image_endpoint, "cn-north-4", "example.com",
                   "https://ims.cn-north-4.example.com");
    assert_null(profile_find("ovh")->image_endpoint);
    assert_null(profile_find("OTC"));
    assert_null(profile_find(""));
}

static void assert_serves(const char *auth_url, const char *name, const char *region)
{
    const struct profile *p = profile_serving(auth_url);
    assert_non_null(p);
    assert_string_equal(p->name, name);
    assert_true(bytes_are(profile_region_in(p, auth_url), region));
}

static void profiles_are_found_by_address(void **state)
{
    (void)state;
    assert_serves("https://iam.eu-de.otc.t-systems.com/v3", "otc", "eu-de");
    assert_serves("https://iam-pub.eu-ch2.sc.otc.t-systems.com:443/v3", "otc-swiss", "eu-ch2");
    assert_serves("https://IAM.cn-north-4.MYHUAWEICLOUD.com", "huaweicloud", "cn-north-4");
    assert_serves("iam.eu-west-101.myhuaweicloud.eu/v3", "huawei", "eu-west-101");
    assert_serves("https://iam.myhuaweicloud.com/v3", "huaweicloud", "");
    assert_serves("https://a.b.c.myhuaweicloud.com/v3", "huaweicloud", "");
    assert_null(profile_serving("https://keystone.example.com/v3"));
    assert_null(profile_serving("https://iam.eu-de.otc.t-systems.com.example.com/v3"));
    assert_null(profile_serving("https://evil-otc.t-systems.com/v3"));
    assert_null(profile_serving("https://example.com/iam.eu-de.otc.t-systems.com"));
    assert_null(profile_serving("https://.otc.t-systems.com"));
    assert_null(profile_serving(""));
}

static void places_must_fit_a_host_name(void **state)
{
    (void)state;
    assert_expands("http://{region_name}.{cloud}/{x}", "r", "d", "http://r.d/{x}");
    assert_expands("http://plain", NULL, NULL, "http://plain");
    assert_expands_not("http://{region_name}", NULL, "d");
    assert_expands_not("http://{cloud}", "r", NULL);
    assert_expands_not("http://{region_name}", "", "d");
    assert_expands_not("http://iam.{region_name}.otc.t-systems.com", "evil.com/", "d");
    assert_expands_not("http://iam.{region_name}.otc.t-systems.com", "u@evil", "d");
    assert_expands_not("http://x.{cloud}/v3", "r", "evil.com#");
}

static void europe_has_a_domain_of_its_own(void **state)
{
    (void)state;
    assert_string_equal(profile_huawei_domain("eu-west-101"), "myhuaweicloud.eu");
    assert_string_equal(profile_huawei_domain("eu-west-0"), "myhuaweicloud.com");
    assert_string_equal(profile_huawei_domain("cn-north-4"), "myhuaweicloud.com");
    assert_string_equal(profile_huawei_domain(NULL), "myhuaweicloud.com");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(profiles_are_found_by_name),
        cmocka_unit_test(profiles_are_found_by_address),
        cmocka_unit_test(places_must_fit_a_host_name),
        cmocka_unit_test(europe_has_a_domain_of_its_own),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
