// SPDX-License-Identifier: Apache-2.0
/* named: the documents' common query methods, by a table, and those of the user. */
#include "imsfs/named.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>

#include <cmocka.h>

#include "imsfs/filter.h"
#include "imsfs/selection.h"

#define IMS QUERY_DIALECT_IMS
#define GLANCE QUERY_DIALECT_GLANCE
#define UNKNOWN QUERY_DIALECT_UNKNOWN

static int make(struct named **out, const char *const *own, size_t count, const char *filter_text,
                struct query_error *err)
{
    char *items[8];
    struct query *filter = NULL;
    for (size_t i = 0; i < count; i++)
        items[i] = (char *)(uintptr_t)own[i];
    if (filter_text)
        assert_int_equal(filter_parse(&filter, bytes_of(filter_text), IMS, err), 0);
    const struct named_config config = {items, count, IMS, filter, false};
    int r = named_new(out, &config, err);
    query_free(filter);
    return r;
}

/* "NAME: criteria", with what is to be left out, or "-errno". */
static void describe(const struct named *n, const char *name, enum query_dialect dialect,
                     const char *project, struct strbuf *out)
{
    size_t i;
    struct query_error err = {""};
    struct named_criteria c = {0};
    assert_true(named_find(n, bytes_of(name), &i));
    assert_string_equal(named_name(n, i), name);
    int r = named_criteria(n, i, dialect, bytes_of(project), &c, &err);
    assert_int_equal(named_is_usable(n, i, dialect, bytes_of(project)), r == 0);
    if (r < 0 || c.lacks_project)
        assert_true(err.text[0]);
    if (r < 0)
        strbuf_add_str(out, r == -EOPNOTSUPP ? "EOPNOTSUPP" : "?");
    else if (dialect != GLANCE)
        query_add_name(c.query, out);
    if (r == 0 && dialect == UNKNOWN && c.glance)
        strbuf_add_str(out, " or ");
    if (r == 0 && (dialect == GLANCE || (dialect == UNKNOWN && c.glance)))
        query_add_name(c.glance ? c.glance : c.query, out);
    if (c.leave_out && dialect != IMS) {
        strbuf_add_str(out, " without ");
        query_add_name(c.leave_out, out);
    }
    if (c.lacks_project && dialect != IMS)
        strbuf_add_str(out, " refused");
    named_criteria_clear(&c);
}

#define SHARED(status) "__imagetype=shared&member_status=" status "&visibility=shared"
#define GLANCE_SHARED(status) "member_status=" status "&visibility=shared"

static const struct {
    const char *name;
    enum query_dialect dialect;
    const char *project, *result;
} methods[] = {
    {"public", IMS, "", "__imagetype=gold&protected=true&visibility=public"},
    {"public", GLANCE, "", "visibility=public"},
    {"public", UNKNOWN, "me",
     "__imagetype=gold&protected=true&visibility=public or visibility=public"},
    {"private", IMS, "me", "owner=me"},
    {"private", GLANCE, "a/b&c", "owner=a%2Fb%26c"},
    {"private", UNKNOWN, "me", "owner=me"},
    {"private", IMS, "", "EOPNOTSUPP"},
    {"private", GLANCE, "", "EOPNOTSUPP"},
    {"private", UNKNOWN, "", "EOPNOTSUPP"},
    {"shared-accepted", IMS, "", SHARED("accepted")},
    {"shared-accepted", GLANCE, "", GLANCE_SHARED("accepted")},
    {"shared-rejected", IMS, "", SHARED("rejected")},
    {"shared-rejected", GLANCE, "", GLANCE_SHARED("rejected")},
    {"shared-pending", IMS, "", SHARED("pending")},
    {"shared-pending", GLANCE, "me", GLANCE_SHARED("pending") " without owner=me"},
    {"shared-pending", GLANCE, "", "EOPNOTSUPP"},
    {"shared-pending", UNKNOWN, "me",
     SHARED("pending") " or " GLANCE_SHARED("pending") " without owner=me"},
    {"shared-pending", UNKNOWN, "", SHARED("pending") " or " GLANCE_SHARED("pending") " refused"},
};

static void test_methods(void **state)
{
    struct query_error err;
    struct named *n = NULL;
    size_t i;
    (void)state;
    assert_int_equal(make(&n, NULL, 0, NULL, &err), 0);
    assert_int_equal(named_count(n), 5);
    for (size_t k = 0; k < ARRAY_SIZE(methods); k++) {
        CLEANUP(strbuf_free) struct strbuf got = STRBUF_INIT;
        describe(n, methods[k].name, methods[k].dialect, methods[k].project, &got);
        assert_string_equal(strbuf_str(&got), methods[k].result);
    }
    assert_false(named_find(n, bytes_of("shared"), &i));
    assert_false(named_find(n, bytes_of(""), &i));
    named_free(n);
}

/* Every criterion of a method is one that both the parser and the dialect take. */
static void test_methods_are_valid(void **state)
{
    static const enum query_dialect dialects[] = {IMS, GLANCE};
    struct query_error err;
    struct named *n = NULL;
    (void)state;
    assert_int_equal(make(&n, NULL, 0, NULL, &err), 0);
    for (size_t i = 0; i < named_count(n); i++)
        for (size_t k = 0; k < ARRAY_SIZE(dialects); k++) {
            struct named_criteria c;
            assert_int_equal(named_criteria(n, i, dialects[k], bytes_of("me"), &c, &err), 0);
            const struct query *q = k && c.glance ? c.glance : c.query;
            assert_int_equal(query_check(q, dialects[k], &err), 0);
            for (size_t j = 0; j < query_count(q); j++)
                assert_int_equal(param_documents(query_at(q, j)->param, query_at(q, j)->value),
                                 PARAM_GOOD);
            named_criteria_clear(&c);
        }
    named_free(n);
}

static void test_own(void **state)
{
    static const char *const own[] = {"arm servers:architecture=arm&__os_type=Linux",
                                      "newest:limit=5", "all:", "ü.x:tag=a:b&tag=c"};
    static const struct {
        const char *name, *criteria;
    } rows[] = {
        {"arm servers", "__os_type=Linux&architecture=arm"},
        {"newest", "limit=5"},
        {"all", ""},
        {"ü.x", "tag=a:b&tag=c"},
    };
    struct query_error err;
    struct named *n = NULL;
    (void)state;
    assert_int_equal(make(&n, own, ARRAY_SIZE(own), "__os_type=Linux", &err), 0);
    assert_int_equal(named_count(n), 5 + ARRAY_SIZE(own));
    for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
        CLEANUP(strbuf_free) struct strbuf got = STRBUF_INIT;
        assert_string_equal(named_name(n, 5 + i), rows[i].name);
        describe(n, rows[i].name, UNKNOWN, "", &got);
        assert_string_equal(strbuf_str(&got), rows[i].criteria);
    }
    named_free(n);
}

static void test_refused(void **state)
{
    static const char plain[] = "not a plain file name without '='";
    static const struct {
        const char *own[2];
        const char *filter, *why;
    } rows[] = {
        {{"name"}, NULL, "name: no ':' behind the name"},
        {{":limit=5"}, NULL, plain},
        {{".:limit=5"}, NULL, plain},
        {{"..:limit=5"}, NULL, plain},
        {{"a/b:limit=5"}, NULL, plain},
        {{"a%2Fb:limit=5"}, NULL, plain},
        {{"a=b:limit=5"}, NULL, plain},
        {{"status=active"}, NULL, "no ':' behind the name"},
        {{"a\nb:limit=5"}, NULL, plain},
        {{"a\xff:limit=5"}, NULL, plain},
        {{"a\u202eb:limit=5"}, NULL, plain},
        {{"public:limit=5"}, NULL, "public: the name is taken"},
        {{"a:limit=5", "a:limit=6"}, NULL, "a: the name is taken"},
        {{"a:limit=0"}, NULL, "a: limit: '0' is not allowed: integer, at least 1"},
        {{"a:foo=1"}, NULL, "a: foo: no such parameter"},
        {{"a:b"}, NULL, "a: b: no '=' in it"},
        {{"a:status=active&"}, NULL, "a: &: joins two criteria; here one is missing"},
        {{"a:status=queued"}, "status=active", "a: status: the mount's filter has only 'active'"},
    };
    (void)state;
    for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
        struct query_error err = {""};
        struct named *n = NULL;
        assert_int_equal(make(&n, rows[i].own, rows[i].own[1] ? 2 : 1, rows[i].filter, &err),
                         -EINVAL);
        assert_null(n);
        if (!strstr(err.text, rows[i].why))
            fail_msg("row %zu: %s", i, err.text);
        for (const char *c = err.text; *c; c++)
            assert_true((unsigned char)*c >= ' ');
    }
}

static void test_long_name(void **state)
{
    char item[300];
    const char *own[] = {item};
    struct query_error err = {""};
    struct named *n = NULL;
    (void)state;
    memset(item, 'a', sizeof(item));
    snprintf(item + 255, sizeof(item) - 255, ":limit=5");
    assert_int_equal(make(&n, own, 1, NULL, &err), 0);
    named_free(n);
    n = NULL;
    memset(item, 'a', sizeof(item));
    snprintf(item + 256, sizeof(item) - 256, ":limit=5");
    assert_int_equal(make(&n, own, 1, NULL, &err), -EINVAL);
    assert_null(n);
}

/* Out of records, whatever else is known. */
static void test_records(void **state)
{
    static char mine[] = "mine:member_status=pending", big[] = "big:min_disk=100";
    static char *const own[] = {mine, big};
    static const struct {
        const char *name;
        bool usable;
    } rows[] = {
        {"public", true},
        {"private", true},
        {"shared-accepted", false},
        {"shared-rejected", false},
        {"shared-pending", false},
        {"mine", false},
        {"big", true},
    };
    const struct named_config config = {.own = own, .count = 2, .dialect = IMS, .records = true};
    struct named *n = NULL;
    size_t i;
    (void)state;
    struct query_error err = {""};
    assert_int_equal(named_new(&n, &config, &err), 0);
    assert_int_equal(named_count(n), ARRAY_SIZE(rows));
    for (size_t k = 0; k < ARRAY_SIZE(rows); k++) {
        struct named_criteria c = {0};
        assert_true(named_find(n, bytes_of(rows[k].name), &i));
        assert_int_equal(named_is_usable(n, i, IMS, bytes_of("me")), rows[k].usable);
        int r = named_criteria(n, i, IMS, bytes_of("me"), &c, &err);
        assert_int_equal(r, rows[k].usable ? 0 : -EOPNOTSUPP);
        assert_true(rows[k].usable || strstr(err.text, "records do not tell"));
        if (r == 0)
            assert_int_equal(selection_check(c.query, &err), 0);
        named_criteria_clear(&c);
    }
    named_free(n);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_methods),   cmocka_unit_test(test_methods_are_valid),
        cmocka_unit_test(test_own),       cmocka_unit_test(test_refused),
        cmocka_unit_test(test_long_name), cmocka_unit_test(test_records),
    };
    return cmocka_run_group_tests_name("named", tests, NULL, NULL);
}
