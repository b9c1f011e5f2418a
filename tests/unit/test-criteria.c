// SPDX-License-Identifier: Apache-2.0
#include "imsfs/criteria.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

static char mine[] = "mine:min_ram=0";
static char property[] = "mine:my_property=x";
static char queued[] = "mine:status=queued";

static void test_good(void **state)
{
    static const struct criteria_text none = {0};
    char *const queries[] = {mine};
    const struct criteria_text all = {"ims", "status=active", queries, 1, false};
    CLEANUP(strbuf_free) struct strbuf why = STRBUF_INIT;
    struct criteria c;
    (void)state;
    assert_int_equal(criteria_make(&c, &none, &why), 0);
    assert_int_equal(c.dialect, QUERY_DIALECT_UNKNOWN);
    assert_null(c.filter);
    assert_int_equal(named_count(c.named), 5);
    criteria_clear(&c);
    assert_int_equal(criteria_make(&c, &all, &why), 0);
    assert_int_equal(c.dialect, QUERY_DIALECT_IMS);
    assert_int_equal(query_count(c.filter), 1);
    assert_int_equal(named_count(c.named), 6);
    criteria_clear(&c);
    assert_int_equal(why.len, 0);
}

static void test_refused(void **state)
{
    static const struct {
        const char *dialect, *filter;
        char *query;
        const char *why; /* the start; NULL: good */
    } rows[] = {
        {"glance", NULL, property, NULL},
        {NULL, NULL, property, NULL},
        {"records", NULL, property, "query: mine: my_property: no such parameter"},
        {"records", "my_property=x", NULL, "filter: my_property: no such parameter"},
        {"ims", NULL, property, "query: mine: my_property: no such parameter"},
        {NULL, "my_property=x", NULL, NULL},
        {"ims", "my_property=x", NULL, "filter: my_property: no such parameter"},
        {NULL, "member_status=pending", NULL, NULL},
        {"records", "member_status=pending", NULL, "filter: member_status: records do not tell"},
        {"glance", "flavor_id=x", NULL, "filter: flavor_id: only /v2/cloudimages knows this"},
        {NULL, "limit=5", NULL, "filter: limit: chooses a page or an order"},
        {NULL, "active", NULL, "filter: active: no '=' in it"},
        {NULL, "status=active", queued, "query: mine: status: the mount's filter has only"},
        {NULL, "status=active", mine, NULL},
    };
    (void)state;
    for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
        CLEANUP(strbuf_free) struct strbuf why = STRBUF_INIT;
        char *const queries[] = {rows[i].query};
        bool records = rows[i].dialect && streq(rows[i].dialect, "records");
        const struct criteria_text text = {records ? NULL : rows[i].dialect, rows[i].filter,
                                           queries, rows[i].query ? 1 : 0, records};
        struct criteria c = {0};
        assert_int_equal(criteria_make(&c, &text, &why), rows[i].why ? -EINVAL : 0);
        assert_int_equal(strncmp(strbuf_str(&why), rows[i].why ? rows[i].why : "x",
                                 rows[i].why ? strlen(rows[i].why) : 0),
                         0);
        assert_int_equal(why.len == 0, rows[i].why == NULL);
        criteria_clear(&c);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_good),
        cmocka_unit_test(test_refused),
    };
    return cmocka_run_group_tests_name("criteria", tests, NULL, NULL);
}
