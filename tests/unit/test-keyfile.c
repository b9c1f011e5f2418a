// SPDX-License-Identifier: Apache-2.0
#include "imsfs/keyfile.h"

#include <errno.h>

#include "home.h"

#define SECRET "S3CR3T"
#define PROFILE                                                                         \
    "{\"name\": \"a\", \"mode\": \"AKSK\", \"accessKeyId\": \"A\", "                    \
    "\"secretAccessKey\": \"" SECRET "\", \"securityToken\": \"\", \"region\": \"r\", " \
    "\"projectId\": \"p\", \"domainId\": \"d\", \"agencyName\": \"\"}"
#define OTHER                                                                         \
    "{\"name\": \"b\", \"accessKeyId\": \"B\", \"secretAccessKey\": \"" SECRET "\", " \
    "\"securityToken\": \"" SECRET "t\"}"
#define CONFIG(more) "{\"current\": \"a\", " more "\"profiles\": [" PROFILE ", " OTHER "]}"

static struct draft read_keys(void)
{
    struct draft d;
    bool found;
    CLEANUP(strbuf_free) struct strbuf why = STRBUF_INIT;
    assert_int_equal(draft_read_variables(&d, &found), 0);
    assert_true(found);
    if (keyfile_read(&d, &why) < 0)
        fail_msg("%s", strbuf_str(&why));
    return d;
}

static void assert_fails(int error, const char *part)
{
    CLEANUP(draft_free) struct draft d;
    bool found;
    CLEANUP(strbuf_free) struct strbuf why = STRBUF_INIT;
    assert_int_equal(draft_read_variables(&d, &found), 0);
    assert_int_equal(keyfile_read(&d, &why), error);
    if (!strstr(strbuf_str(&why), part) || strstr(strbuf_str(&why), SECRET) ||
        !strstr(strbuf_str(&why), "/home/keys") || strchr(strbuf_str(&why), '\n'))
        fail_msg("expected \"%s\" in \"%s\"", part, strbuf_str(&why));
}

static void profiles_of_hcloud(void **state)
{
    (void)state;
    home_write("home/keys.json", CONFIG("\"authEncrypt\": \"false\", "));
    setenv("HW_SHARED_CONFIG_FILE", "~/keys.json", 1);
    setenv("HW_REGION_NAME", "other", 1);
    struct draft d = read_keys();
    assert_string_equal(d.values[DRAFT_ACCESS_KEY], "A");
    assert_string_equal(d.values[DRAFT_SECRET_KEY], SECRET);
    assert_null(d.values[DRAFT_SECURITY_TOKEN]);
    assert_string_equal(d.values[DRAFT_REGION], "r"); /* the file's, as in Terraform */
    assert_string_equal(d.values[DRAFT_PROJECT_ID], "p");
    assert_null(d.values[DRAFT_AGENCY]);
    assert_non_null(strstr(strbuf_str(&d.origin), "/home/keys.json, a"));
    draft_free(&d);
    setenv("HW_PROFILE", "b", 1);
    d = read_keys();
    assert_string_equal(d.values[DRAFT_ACCESS_KEY], "B");
    assert_string_equal(d.values[DRAFT_SECURITY_TOKEN], SECRET "t");
    assert_string_equal(d.values[DRAFT_REGION], "other");
    draft_free(&d);
    assert_int_equal(home_logged("imsfs:"), 0);
    chmod(home_path("home/keys.json"), 0644);
    d = read_keys();
    assert_int_equal(home_logged("keys.json has access keys and can be read"), 1);
    draft_free(&d);
}

static void what_is_wrong_with_a_config_is_told(void **state)
{
    (void)state;
    setenv("HW_SHARED_CONFIG_FILE", home_path("home/keys.json"), 1);
    assert_fails(-ENOENT, "no such file");
    home_write("home/keys.json", CONFIG("\"authEncrypt\": \"true\", "));
    assert_fails(-EINVAL, "hcloud configure set --cli-auth-encrypt=false");
    home_write("home/keys.json", CONFIG("\"authEncrypt\": true, "));
    assert_fails(-EINVAL, "hcloud configure set --cli-auth-encrypt=false");
    home_write("home/keys.json", CONFIG(""));
    setenv("HW_PROFILE", "x\ny", 1);
    assert_fails(-ENOENT, "x\\x0ay: there is no profile of this name");
    unsetenv("HW_PROFILE");
    static const struct {
        const char *text, *part;
        int error;
    } cases[] = {
        {"{}", "no profile", -ENOENT},
        {"[]", "", -EINVAL},
        {"{\"profiles\": {\"default\": {}}}", "no profile", -ENOENT},
        {"{\"profiles\": [1, [], {\"name\": []}]}", "no profile", -ENOENT},
        {"{\"profiles\": [{\"name\": \"default\"}]}", "has no accessKeyId", -EINVAL},
        {"{\"profiles\": [{\"name\": \"default\", \"accessKeyId\": [\"" SECRET "\"]}]}",
         "accessKeyId must be one text", -EINVAL},
        {"{\"profiles\": [" SECRET, "", -EINVAL},
    };
    for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
        home_write("home/keys.json", cases[i].text);
        assert_fails(cases[i].error, cases[i].part);
    }
}

static void the_section_basic_of_an_ini_file(void **state)
{
    (void)state;
    home_write("home/keys", "ak = none\n[global]\nak = G\nsk = " SECRET "g\ndomain_id = d\n"
                            "; ak = x\n  [basic]  \r\n# ak = y\nak = A\r\nsk:" SECRET "==\n"
                            "project_id=p\nsecurity_token =\nak\n=\nregion = r\n[other]\nak = O");
    setenv("HUAWEICLOUD_SDK_CREDENTIALS_FILE", "~/keys", 1);
    struct draft d = read_keys();
    assert_string_equal(d.values[DRAFT_ACCESS_KEY], "A");
    assert_string_equal(d.values[DRAFT_SECRET_KEY], SECRET "==");
    assert_string_equal(d.values[DRAFT_PROJECT_ID], "p");
    assert_null(d.values[DRAFT_SECURITY_TOKEN]);
    assert_null(d.values[DRAFT_REGION]);
    draft_free(&d);
    assert_int_equal(home_logged("imsfs:"), 0);
    chmod(home_path("home/keys"), 0640);
    d = read_keys();
    assert_int_equal(home_logged("keys has access keys and can be read"), 1);
    draft_free(&d);
}

static void what_is_wrong_with_an_ini_file_is_told(void **state)
{
    (void)state;
    setenv("HUAWEICLOUD_SDK_CREDENTIALS_FILE", home_path("home/keys"), 1);
    assert_fails(-ENOENT, "No such file");
    static const char *const without[] = {"", "[basic]", "[global]\nak = A\nsk = x", "ak = A",
                                          "[basic]\nak =\n"};
    for (size_t i = 0; i < ARRAY_SIZE(without); i++) {
        home_write("home/keys", without[i]);
        assert_fails(-EINVAL, "there is no ak in a section [basic]");
    }
    assert_return_code(truncate(home_path("home/keys"), 65537), 0);
    assert_fails(-EFBIG, "too large");
    assert_return_code(truncate(home_path("home/keys"), 65536), 0);
    assert_fails(-EINVAL, "there is no ak");
    unlink(home_path("home/keys"));
    assert_return_code(mkfifo(home_path("home/keys"), 0600), 0);
    assert_fails(-EINVAL, "not a regular file");
}

static void variables_with_a_credential_need_no_file(void **state)
{
    (void)state;
    setenv("HW_SHARED_CONFIG_FILE", home_path("home/missing"), 1);
    setenv("HW_ACCESS_KEY", "V", 1);
    struct draft d = read_keys();
    assert_string_equal(d.values[DRAFT_ACCESS_KEY], "V");
    draft_free(&d);
    setenv("OS_USERNAME", "u", 1); /* another family */
    d = read_keys();
    assert_null(d.values[DRAFT_ACCESS_KEY]);
    draft_free(&d);
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, home_begin, home_end)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(profiles_of_hcloud),
        TEST(what_is_wrong_with_a_config_is_told),
        TEST(the_section_basic_of_an_ini_file),
        TEST(what_is_wrong_with_an_ini_file_is_told),
        TEST(variables_with_a_credential_need_no_file),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
