// SPDX-License-Identifier: Apache-2.0
#include "imsfs/filter.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

static int parse(struct query **out, const char *text, enum query_dialect dialect,
                 struct query_error *err)
{
    return filter_parse(out, bytes_of(text), dialect, err);
}

static void test_parse(void **state)
{
    static const struct {
        const char *text;
        enum query_dialect dialect;
        int error;
    } rows[] = {
        {"__imagetype=gold&tag=a&tag=b", QUERY_DIALECT_IMS, 0},
        {"__whole_image=true&flavor_id=x", QUERY_DIALECT_UNKNOWN, 0},
        {"my_property=x", QUERY_DIALECT_GLANCE, 0},
        {"my_property=x", QUERY_DIALECT_IMS, -EINVAL},
        {"__whole_image=true", QUERY_DIALECT_GLANCE, -EOPNOTSUPP},
        {"status=active&limit=5", QUERY_DIALECT_IMS, -EINVAL},
        {"marker=x", QUERY_DIALECT_IMS, -EINVAL},
        {"sort_key=name", QUERY_DIALECT_IMS, -EINVAL},
        {"sort_dir=asc", QUERY_DIALECT_GLANCE, -EINVAL},
        {"status", QUERY_DIALECT_IMS, -ENOENT},
        {"status=a&status=b", QUERY_DIALECT_IMS, -EINVAL},
    };
    (void)state;
    for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
        struct query *q = NULL;
        struct query_error err = {""};
        if (parse(&q, rows[i].text, rows[i].dialect, &err) != rows[i].error)
            fail_msg("%s: %s", rows[i].text, err.text);
        assert_int_equal(q == NULL, rows[i].error != 0);
        assert_int_equal(err.text[0] != '\0', rows[i].error != 0);
        query_free(q);
    }
}

static void test_apply(void **state)
{
    static const struct {
        const char *criteria, *result; /* or why not */
    } rows[] = {
        {"", "protected=true&status=active&tag=a"},
        {"limit=5&sort_key=name", "limit=5&protected=true&sort_key=name&status=active&tag=a"},
        {"protected=TRUE", "protected=true&status=active&tag=a"},
        {"tag=b", "protected=true&status=active&tag=a&tag=b"},
        {"name=x&status=queued", "status: the mount's filter has only 'active'"},
        {"protected=false", "protected: the mount's filter has only 'true'"},
    };
    struct query_error err = {""};
    struct query *filter = NULL;
    (void)state;
    assert_int_equal(parse(&filter, "status=active&protected=True&tag=a", QUERY_DIALECT_IMS, &err),
                     0);
    for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
        CLEANUP(strbuf_free) struct strbuf got = STRBUF_INIT;
        struct query *q = NULL, *both = NULL;
        assert_int_equal(query_parse(&q, bytes_of(rows[i].criteria), QUERY_DIALECT_IMS, &err), 0);
        int r = filter_apply(&both, filter, q, &err);
        if (r == 0)
            query_add_name(both, &got);
        else
            strbuf_add_str(&got, err.text);
        assert_true(r == 0 || r == -EINVAL);
        assert_string_equal(strbuf_str(&got), rows[i].result);
        query_free(both);
        query_free(q);
    }
    query_free(filter);
}

static void test_rest(void **state)
{
    static const struct {
        const char *criteria, *rest;
    } rows[] = {
        {"limit=5&sort_key=name", "limit=5&sort_key=name"},
        {"limit=5&status=active", "limit=5"},
        {"tag=b&tag=a", "tag=b"},
        {"name=x&protected=TRUE&tag=a&status=active", "name=x"},
        {"", "protected=true&status=active&tag=a"},
        {"tag=a&status=active", "protected=true&status=active&tag=a"},
    };
    struct query_error err = {""};
    struct query *filter = NULL;
    (void)state;
    assert_int_equal(parse(&filter, "status=active&protected=True&tag=a", QUERY_DIALECT_IMS, &err),
                     0);
    for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
        CLEANUP(strbuf_free) struct strbuf got = STRBUF_INIT;
        struct query *q = NULL, *rest = NULL, *all = NULL;
        assert_int_equal(query_parse(&q, bytes_of(rows[i].criteria), QUERY_DIALECT_IMS, &err), 0);
        assert_int_equal(filter_restrict(filter, &q, &err), 0);
        assert_int_equal(filter_rest(&rest, filter, q), 0);
        query_add_name(rest, &got);
        assert_string_equal(strbuf_str(&got), rows[i].rest);
        assert_int_equal(filter_rest(&all, NULL, q), 0);
        assert_ptr_equal(all, q);
        query_free(all);
        query_free(rest);
        query_free(q);
    }
    query_free(filter);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_parse),
        cmocka_unit_test(test_apply),
        cmocka_unit_test(test_rest),
    };
    return cmocka_run_group_tests_name("filter", tests, NULL, NULL);
}
