// SPDX-License-Identifier: Apache-2.0
/* match: every kind of parameter against one record, and the order of records. */
#include "imsfs/match.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>

#include <cmocka.h>

static struct query *parsed(const char *text)
{
    struct query *q = NULL;
    struct query_error err;
    if (query_parse(&q, bytes_of(text), QUERY_DIALECT_UNKNOWN, &err) < 0)
        fail_msg("%s: %s", text, err.text);
    return q;
}

#define RECORD(rest) "{\"id\":\"i1\"," rest "}"

static struct image *image_of(const char *json, struct slot_table *attrs)
{
    struct image *img = NULL;
    struct image_notes notes = {0};
    assert_int_equal(image_new(&img, bytes_of(json), attrs, &notes), 0);
    return img;
}

static const char *pending(void *ctx, const struct image *img)
{
    (void)ctx;
    (void)img;
    return "pending";
}

static bool fits(void *ctx, const struct image *img, struct bytes flavor)
{
    (void)ctx;
    (void)img;
    return bytes_are(flavor, "s6.large");
}

static const struct {
    const char *text;
    bool native, cloud;
} criteria[] = {
    {"", true, true},
    {"id=i1", true, true},
    {"id=i2", false, false},
    {"name=abc", true, true},
    {"name=ab", false, false},
    {"name=", false, false},
    {"empty=", true, true},
    {"nothing=", false, false},
    {"absent=", false, false},
    {"status=active&min_ram=2048", true, true},
    {"status=active&min_ram=0", false, false},
    {"min_ram=02048", true, true},
    {"min_disk=40", true, true},
    {"protected=TRUE", true, true},
    {"protected=false", false, false},
    {"os_hidden=false", true, true},
    {"tag=x", true, true},
    {"tag=x&tag=a=b", true, true},
    {"tag=x&tag=y", false, false},
    {"tag=", true, true},
    {"tag=a", false, false},
    {"created_at=gt:2019-12-31T23:59:59Z", true, true},
    {"created_at=gt:2020-01-01T00:00:00Z", false, false},
    {"created_at=gte:2020-01-01T00:00:00Z", true, true},
    {"created_at=lt:2020-01-01 00:00:01", true, true},
    {"created_at=lte:2019-12-31T23:59:59Z", false, false},
    {"created_at=eq:2020-01-01 00:00:00", true, true},
    {"created_at=2020-01-01T00:00:00Z", true, true},
    {"created_at=neq:2020-01-01T00:00:00Z", false, false},
    {"updated_at=neq:2020-01-01T00:00:00Z", false, false},
    {"size_min=100&size_max=100", true, true},
    {"size_min=101", false, false},
    {"visibility=shared", true, true},
    {"visibility=all", true, true},
    {"visibility=public", false, false},
    {"__isregistered=true", true, true},
    {"member_status=pending", true, true},
    {"member_status=accepted", false, false},
    {"member_status=all", true, true},
    {"limit=1&marker=z&sort_key=name&sort_dir=asc", true, true},
    {"__support_kvm=true", true, true},
    {"__support_xen=true", false, false},
    {"architecture=arm", false, true},
    {"architecture=x86", false, false},
    {"architecture=aarch64", true, false},
    {"flavor_id=s6.large", false, true},
    {"flavor_id=c7", false, false},
    {"virtual_env_type=Ironic", true, true},
    {"enterprise_project_id=0", false, true},
    {"enterprise_project_id=all_granted_eps", false, true},
    {"enterprise_project_id=x", false, false},
    {"__whole_image=true", false, true},
    {"__whole_image=True", false, true},
    {"__whole_image=false", false, false},
};

static void test_match(void **state)
{
    (void)state;
    static const char record[] = RECORD("\"name\":\"a\\u0062c\",\"status\":\"active\","
                                        "\"protected\":true,\"min_ram\":2048,\"min_disk\":\"40\","
                                        "\"tags\":[\"x\",\"a=b\",\"\"],\"owner\":\"them\","
                                        "\"visibility\":\"shared\",\"__isregistered\":\"true\","
                                        "\"empty\":\"\",\"nothing\":null,\"created_at\":\"2020-01-"
                                        "01T00:00:00Z\",\"updated_at\":\"never\","
                                        "\"size\":100,\"__support_kvm\":\"true\",\"architecture\":"
                                        "\"aarch64\",\"__support_arm\":\"true\","
                                        "\"enterprise_project_id\":\"\",\"__whole_image\":\"True\","
                                        "\"virtual_env_type\":\"Ironic\"");
    struct slot_table *attrs = NULL;
    assert_int_equal(image_attrs_new(&attrs), 0);
    struct image *img = image_of(record, attrs);
    for (size_t i = 0; i < ARRAY_SIZE(criteria); i++) {
        struct query *q = parsed(criteria[i].text);
        struct match_facts facts = {
            .project = bytes_of("me"), .member_status = pending, .fits_flavor = fits};
        if (match_image(q, img, attrs, &facts) != criteria[i].native)
            fail_msg("native: %s", criteria[i].text);
        facts.cloudimages = true;
        if (match_image(q, img, attrs, &facts) != criteria[i].cloud)
            fail_msg("cloudimages: %s", criteria[i].text);
        query_free(q);
    }
    image_unref(img);
    slot_table_free(attrs);
}

static void test_own_shared_images(void **state)
{
    (void)state;
    struct slot_table *attrs = NULL;
    assert_int_equal(image_attrs_new(&attrs), 0);
    struct image *img = image_of(RECORD("\"owner\":\"me\",\"visibility\":\"shared\""), attrs);
    struct query *q = parsed("member_status=pending&visibility=shared");
    struct match_facts facts = {.project = bytes_of("me"), .member_status = pending};
    assert_int_equal(match_image(q, img, attrs, &facts), 0);
    facts.own_is_member = true;
    assert_int_equal(match_image(q, img, attrs, &facts), 1);
    query_free(q);
    image_unref(img);
    slot_table_free(attrs);
}

static void test_compare(void **state)
{
    static const char *const records[] = {
        "{\"id\":\"a\",\"name\":\"z\",\"size\":9,\"created_at\":\"2020-01-01T00:00:00Z\"}",
        "{\"id\":\"b\",\"name\":\"a\",\"size\":10,\"created_at\":\"2021-01-01T00:00:00Z\"}",
        "{\"id\":\"c\",\"name\":null,\"size\":null,\"created_at\":\"2020-01-01T00:00:00Z\"}",
    };
    static const struct {
        const char *text, *order; /* of the ids */
    } rows[] = {
        {"", "bca"},
        {"sort_dir=asc", "acb"},
        {"sort_key=name", "abc"},
        {"sort_key=name&sort_dir=asc", "cba"},
        {"sort_key=size&sort_dir=asc", "cab"},
        {"sort_key=id", "cba"},
        {"sort_key=status", "bca"},
        {"sort_key=updated_at&sort_dir=asc", "acb"},
    };
    struct slot_table *attrs = NULL;
    struct image *images[3];
    int error = 0;
    (void)state;
    assert_int_equal(image_attrs_new(&attrs), 0);
    for (size_t i = 0; i < 3; i++)
        images[i] = image_of(records[i], attrs);
    for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
        struct query *q = parsed(rows[i].text);
        for (int k = 0; k < 2; k++)
            if (match_compare(q, images[rows[i].order[k] - 'a'], images[rows[i].order[k + 1] - 'a'],
                              attrs, &error) >= 0)
                fail_msg("%s: %.2s", rows[i].text, rows[i].order + k);
        query_free(q);
    }
    assert_int_equal(error, 0);
    for (size_t i = 0; i < 3; i++)
        image_unref(images[i]);
    slot_table_free(attrs);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_match),
        cmocka_unit_test(test_own_shared_images),
        cmocka_unit_test(test_compare),
    };
    return cmocka_run_group_tests_name("match", tests, NULL, NULL);
}
