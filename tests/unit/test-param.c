// SPDX-License-Identifier: Apache-2.0
/* param: the table itself, and the values that it lets pass; test-query has whole criteria. */
#include "imsfs/param.h"

#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

#include "imsfs/strbuf.h"

/* What "Querying Images" and its native twin document, in all their versions, word by word. */
static const char native[] =
    "__isregistered __imagetype protected visibility owner id status name container_format "
    "disk_format min_ram min_disk __os_bit __platform marker limit sort_key sort_dir __os_type tag "
    "member_status __support_kvm __support_xen __support_largememory __support_diskintensive "
    "__support_highperformance __support_xen_gpu_type __support_kvm_gpu_type __support_xen_hana "
    "__support_kvm_infiniband created_at updated_at __support_* ";
static const char cloud_only[] = "__whole_image __system__cmkid flavor_id virtual_env_type "
                                 "enterprise_project_id architecture ";
static const char glance_too[] = "architecture os_hidden size_min size_max ";

static void test_rows(void **state)
{
    CLEANUP(strbuf_free) struct strbuf both = STRBUF_INIT;
    CLEANUP(strbuf_free) struct strbuf cloud = STRBUF_INIT;
    CLEANUP(strbuf_free) struct strbuf glance = STRBUF_INIT;
    (void)state;
    for (size_t i = 0; param_at(i); i++) {
        const struct param *p = param_at(i);
        assert_true(p->kind < PARAM_KINDS && param_kind_name(p->kind)[0]);
        if (p->calls & PARAM_NATIVE)
            strbuf_printf(&both, "%s ", p->name);
        else if (p->calls & PARAM_CLOUD)
            strbuf_printf(&cloud, "%s ", p->name);
        if (p->calls & PARAM_GLANCE)
            strbuf_printf(&glance, "%s ", p->name);
        assert_true(!(p->calls & PARAM_NATIVE) || (p->calls & PARAM_CLOUD));
        if (!strchr(p->name, '*'))
            assert_ptr_equal(param_find(bytes_of(p->name)), p);
        assert_int_equal(p->server_only,
                         streq(p->name, "member_status") || streq(p->name, "flavor_id"));
    }
    assert_string_equal(strbuf_str(&both), native);
    assert_string_equal(strbuf_str(&cloud), cloud_only);
    assert_string_equal(strbuf_str(&glance), glance_too);
}

static void test_find(void **state)
{
    static const char *const none[] = {"",           "Name",        "name ", "nam",
                                       "__support_", "__SUPPORT_x", "tags"};
    (void)state;
    for (size_t i = 0; i < ARRAY_SIZE(none); i++)
        assert_null(param_find(bytes_of(none[i])));
    const struct param *any = param_find(bytes_of("__support_s3"));
    assert_string_equal(any->name, "__support_*");
    assert_ptr_equal(param_find(bytes_of("__support_*")), any);
    assert_ptr_not_equal(param_find(bytes_of("__support_kvm")), any);
}

static void test_values(void **state)
{
    static const struct {
        const char *name, *value;
        enum param_verdict documents, check;
    } rows[] = {
        {"__imagetype", "market", PARAM_GOOD, PARAM_GOOD},
        {"__imagetype", "silver", PARAM_BAD, PARAM_GOOD},
        {"__platform", "Red Hat", PARAM_GOOD, PARAM_GOOD},
        {"__platform", "RedHat", PARAM_GOOD, PARAM_GOOD},
        {"__platform", "Huawei Cloud EulerOS", PARAM_GOOD, PARAM_GOOD},
        {"virtual_env_type", "IsoImage", PARAM_GOOD, PARAM_GOOD},
        {"virtual_env_type", "Iso", PARAM_BAD, PARAM_GOOD},
        {"disk_format", "zvhd2", PARAM_GOOD, PARAM_GOOD},
        {"visibility", "community", PARAM_GLANCE_ONLY, PARAM_GOOD},
        {"member_status", "pending", PARAM_GOOD, PARAM_GOOD},
        {"member_status", "all", PARAM_GLANCE_ONLY, PARAM_GLANCE_ONLY},
        {"member_status", "Pending", PARAM_BAD, PARAM_BAD},
        {"sort_key", "create_at", PARAM_GOOD, PARAM_GOOD},
        {"sort_key", "updated_at", PARAM_GLANCE_ONLY, PARAM_GLANCE_ONLY},
        {"sort_key", "name|status", PARAM_BAD, PARAM_BAD},
        {"sort_key", "", PARAM_BAD, PARAM_BAD},
        {"sort_dir", "desc", PARAM_GOOD, PARAM_GOOD},
        {"sort_dir", "asc|desc", PARAM_BAD, PARAM_BAD},
        {"owner", "", PARAM_GOOD, PARAM_GOOD},
        {"limit", "0", PARAM_GOOD, PARAM_BAD},
        {"min_disk", "x", PARAM_GOOD, PARAM_BAD},
    };
    (void)state;
    for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
        const struct param *p = param_find(bytes_of(rows[i].name));
        bool closed = param_is_closed(p);
        if (param_documents(p, bytes_of(rows[i].value)) != rows[i].documents ||
            param_check(p, bytes_of(rows[i].value)) != rows[i].check)
            fail_msg("%s=%s", rows[i].name, rows[i].value);
        assert_int_equal(closed, p->kind == PARAM_MEMBER_STATUS || p->kind == PARAM_SORT_KEY ||
                                     p->kind == PARAM_SORT_DIR);
    }
}

static void test_times(void **state)
{
    static const struct {
        const char *value;
        bool good;
        enum param_operator op;
        int64_t time;
    } rows[] = {
        {"gt:1970-01-01T00:00:01Z", true, PARAM_GT, 1},
        {"gte:1970-01-01 00:00:01", true, PARAM_GTE, 1},
        {"lt:1970-01-02T00:00:00Z", true, PARAM_LT, 86400},
        {"lte:2018-10-28 10:00:00", true, PARAM_LTE, 1540720800},
        {"eq:2018-10-28T10:00:00Z", true, PARAM_EQ, 1540720800},
        {"neq:2018-10-28T10:00:00Z", true, PARAM_NEQ, 1540720800},
        {"2018-10-28T10:00:00Z", true, PARAM_EQ, 1540720800},
        {"2018-10-28 10:00:00Z", false, PARAM_EQ, 0},
        {"2018-10-28T10:00:00", false, PARAM_EQ, 0},
        {"gt:", false, PARAM_EQ, 0},
        {"gt:gt:2018-10-28T10:00:00Z", false, PARAM_EQ, 0},
        {"ne:2018-10-28T10:00:00Z", false, PARAM_EQ, 0},
        {"", false, PARAM_EQ, 0},
    };
    (void)state;
    for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
        enum param_operator op;
        int64_t time;
        if (param_time(bytes_of(rows[i].value), &op, &time) != rows[i].good)
            fail_msg("%s", rows[i].value);
        assert_true(!rows[i].good || (op == rows[i].op && time == rows[i].time));
    }
}

static void test_integers_and_booleans(void **state)
{
    static const struct {
        const char *value;
        bool good;
        int64_t n;
    } rows[] = {
        {"0", true, 0},
        {"007", true, 7},
        {"-1", true, -1},
        {"9223372036854775807", true, INT64_MAX},
        {"9223372036854775808", true, INT64_MAX},
        {"-9223372036854775808", true, INT64_MIN},
        {"-99999999999999999999", true, INT64_MIN},
        {"", false, 0},
        {"-", false, 0},
        {"+1", false, 0},
        {"--1", false, 0},
        {"1 ", false, 0},
        {"0x1", false, 0},
    };
    bool b;
    (void)state;
    for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
        int64_t n;
        if (param_integer(bytes_of(rows[i].value), &n) != rows[i].good)
            fail_msg("%s", rows[i].value);
        assert_true(!rows[i].good || n == rows[i].n);
    }
    assert_true(param_boolean(bytes_of("tRuE"), &b) && b);
    assert_true(param_boolean(bytes_of("FALSE"), &b) && !b);
    assert_false(param_boolean(bytes_of("1"), &b));
    assert_false(param_boolean(bytes_of("truex"), &b));
    assert_false(param_boolean(bytes_of(""), &b));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_rows),
        cmocka_unit_test(test_find),
        cmocka_unit_test(test_values),
        cmocka_unit_test(test_times),
        cmocka_unit_test(test_integers_and_booleans),
    };
    return cmocka_run_group_tests_name("param", tests, NULL, NULL);
}
