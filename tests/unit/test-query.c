// SPDX-License-Identifier: Apache-2.0
/* query and param: every parameter of both list calls, by tables. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>

#include <cmocka.h>

#include "imsfs/query.h"

#define IMS QUERY_DIALECT_IMS
#define GLANCE QUERY_DIALECT_GLANCE
#define UNKNOWN QUERY_DIALECT_UNKNOWN

static int parse(struct query **out, const char *text, enum query_dialect dialect)
{
    struct query_error err = {""};
    int r = query_parse(out, bytes_of(text), dialect, &err);
    if (r < 0)
        assert_true(err.text[0] != '\0');
    return r;
}

static struct query *parsed(const char *text, enum query_dialect dialect)
{
    struct query *q = NULL;
    int r = parse(&q, text, dialect);
    if (r < 0)
        fail_msg("%s: %s", text, strerror(-r));
    return q;
}

static void assert_same(const struct query *a, const struct query *b)
{
    assert_int_equal(query_count(a), query_count(b));
    for (size_t i = 0; i < query_count(a); i++) {
        assert_ptr_equal(query_at(a, i)->param, query_at(b, i)->param);
        assert_true(bytes_equal(query_at(a, i)->name, query_at(b, i)->name));
        assert_true(bytes_equal(query_at(a, i)->value, query_at(b, i)->value));
    }
}

/* The list of names, and which call knows them. */
static const struct {
    const char *name, *value;
    bool cloud_only;
} parameters[] = {
    {"__isregistered", "true", false},
    {"__imagetype", "gold", false},
    {"protected", "true", false},
    {"visibility", "public", false},
    {"owner", "0123", false},
    {"id", "a-b", false},
    {"status", "active", false},
    {"name", "x y", false},
    {"container_format", "bare", false},
    {"disk_format", "zvhd2", false},
    {"min_ram", "0", false},
    {"min_disk", "40", false},
    {"__os_bit", "64", false},
    {"__platform", "Red Hat", false},
    {"marker", "a-b", false},
    {"limit", "1", false},
    {"sort_key", "name", false},
    {"sort_dir", "asc", false},
    {"__os_type", "Linux", false},
    {"tag", "a=b", false},
    {"member_status", "pending", false},
    {"__support_kvm", "true", false},
    {"__support_xen", "true", false},
    {"__support_largememory", "true", false},
    {"__support_diskintensive", "true", false},
    {"__support_highperformance", "true", false},
    {"__support_xen_gpu_type", "M60", false},
    {"__support_kvm_gpu_type", "V100", false},
    {"__support_xen_hana", "true", false},
    {"__support_kvm_infiniband", "true", false},
    {"__support_new_thing", "x", false},
    {"created_at", "gt:2018-10-28T10:00:00Z", false},
    {"updated_at", "neq:2018-10-28 10:00:00", false},
    {"__whole_image", "true", true},
    {"__system__cmkid", "k", true},
    {"flavor_id", "f", true},
    {"virtual_env_type", "Ironic", true},
    {"enterprise_project_id", "0", true},
    {"architecture", "x86", true},
};

static void test_every_parameter(void **state)
{
    (void)state;
    for (size_t i = 0; i < ARRAY_SIZE(parameters); i++) {
        char text[200];
        snprintf(text, sizeof(text), "%s=%s", parameters[i].name, parameters[i].value);
        struct query *q = parsed(text, IMS), *again = NULL;
        CLEANUP(strbuf_free) struct strbuf url = STRBUF_INIT;
        assert_int_equal(query_count(q), 1);
        assert_non_null(query_at(q, 0)->param);
        assert_true(bytes_are(query_at(q, 0)->name, parameters[i].name));
        assert_true(bytes_are(query_at(q, 0)->value, parameters[i].value));
        assert_int_equal(query_needs_cloudimages(q), parameters[i].cloud_only);
        assert_int_equal(query_needs_dialect(q), parameters[i].cloud_only);
        query_add_url(q, &url);
        again = parsed(strbuf_str(&url), IMS);
        assert_same(q, again);
        query_free(again);
        query_free(q);
    }
}

static const struct {
    const char *text;
    int unknown, ims, glance;
} answers[] = {
    {"", 0, 0, 0},
    {"name", -ENOENT, -ENOENT, -ENOENT},
    {"a=b&", -ENOENT, -EINVAL, -ENOENT},
    {"&status=active", -ENOENT, -ENOENT, -ENOENT},
    {"=x", -EINVAL, -EINVAL, -EINVAL},
    {"foo=bar", 0, -EINVAL, 0},
    {"create_at=x", -EINVAL, -EINVAL, -EINVAL},
    {"create_at=gt:2018-10-28T10:00:00Z", 0, 0, 0},
    {"create_at=2018-10-28T10:00:00Z&created_at=2018-10-28T10:00:00Z", -EINVAL, -EINVAL, -EINVAL},
    {"offset=5", 0, -EINVAL, 0},
    {"status=a&status=b", -EINVAL, -EINVAL, -EINVAL},
    {"status=a&status=a", -EINVAL, -EINVAL, -EINVAL},
    {"foo=1&foo=2", -EINVAL, -EINVAL, -EINVAL},
    {"status=a&st%61tus=b", -EINVAL, -EINVAL, -EINVAL},
    {"tag=a&tag=b&tag=a", 0, 0, 0},
    {"name=", 0, 0, 0},
    {"tag=", 0, 0, 0},
    {"min_ram=abc", -EINVAL, -EINVAL, -EINVAL},
    {"min_ram=", -EINVAL, -EINVAL, -EINVAL},
    {"min_ram=1.5", -EINVAL, -EINVAL, -EINVAL},
    {"min_ram=+1", -EINVAL, -EINVAL, -EINVAL},
    {"min_disk=-1", 0, 0, 0},
    {"min_disk= 1", -EINVAL, -EINVAL, -EINVAL},
    {"min_disk=-", -EINVAL, -EINVAL, -EINVAL},
    {"limit=0", -EINVAL, -EINVAL, -EINVAL},
    {"limit=-1", -EINVAL, -EINVAL, -EINVAL},
    {"limit=1_0", -EINVAL, -EINVAL, -EINVAL},
    {"limit=99999999999999999999999999", 0, 0, 0},
    {"protected=TRUE", 0, 0, 0},
    {"protected=yes", -EINVAL, -EINVAL, -EINVAL},
    {"protected=", -EINVAL, -EINVAL, -EINVAL},
    {"__whole_image=1", -EINVAL, -EINVAL, -EOPNOTSUPP},
    {"__whole_image=False", 0, 0, -EOPNOTSUPP},
    {"sort_dir=up", -EINVAL, -EINVAL, -EINVAL},
    {"sort_dir=ASC", -EINVAL, -EINVAL, -EINVAL},
    {"sort_key=create_at", 0, 0, 0},
    {"sort_key=__imagetype", -EINVAL, -EINVAL, -EINVAL},
    {"sort_key=updated_at", 0, -EINVAL, 0},
    {"sort_key=", -EINVAL, -EINVAL, -EINVAL},
    {"sort_key=nam", -EINVAL, -EINVAL, -EINVAL},
    {"member_status=foo", -EINVAL, -EINVAL, -EINVAL},
    {"member_status=all", 0, -EINVAL, 0},
    {"visibility=community", 0, 0, 0},
    {"__imagetype=silver", 0, 0, 0},
    {"__os_bit=128", 0, 0, 0},
    {"created_at=gt:2018-10-28T10:00:00Z", 0, 0, 0},
    {"created_at=lte:2018-10-28 10:00:00", 0, 0, 0},
    {"created_at=eq%3A2018-10-28%2010%3A00%3A00", 0, 0, 0},
    {"created_at=2018-10-28T10:00:00Z", 0, 0, 0},
    {"created_at=in:2018-10-28T10:00:00Z", -EINVAL, -EINVAL, -EINVAL},
    {"created_at=gt:", -EINVAL, -EINVAL, -EINVAL},
    {"created_at=gt:2018-10-28", -EINVAL, -EINVAL, -EINVAL},
    {"created_at=gt:2018-13-28T10:00:00Z", -EINVAL, -EINVAL, -EINVAL},
    {"updated_at=gt:2018-02-30T10:00:00Z", -EINVAL, -EINVAL, -EINVAL},
    {"updated_at=gt:2018-10-28+10:00:00", -EINVAL, -EINVAL, -EINVAL},
    {"updated_at=GT:2018-10-28T10:00:00Z", -EINVAL, -EINVAL, -EINVAL},
    {"updated_at=gt:2018-10-28T10:00:00.5Z", -EINVAL, -EINVAL, -EINVAL},
    {"flavor_id=x", 0, 0, -EOPNOTSUPP},
    {"architecture=riscv", 0, 0, 0},
    {"os_hidden=true", 0, -EINVAL, 0},
    {"os_hidden=1", -EINVAL, -EINVAL, -EINVAL},
    {"size_min=1", 0, -EINVAL, 0},
    {"size_max=a", -EINVAL, -EINVAL, -EINVAL},
};

static void test_answers(void **state)
{
    (void)state;
    for (size_t i = 0; i < ARRAY_SIZE(answers); i++) {
        const int want[] = {answers[i].unknown, answers[i].ims, answers[i].glance};
        for (int dialect = UNKNOWN; dialect <= GLANCE; dialect++) {
            struct query *q = NULL;
            struct query_error err;
            int r = parse(&q, answers[i].text, (enum query_dialect)dialect);
            if (r != want[dialect])
                fail_msg("%s in dialect %d: %d", answers[i].text, dialect, r);
            /* What was let pass undecided is decided the same way later. */
            for (int later = IMS; r == 0 && dialect == UNKNOWN && later <= GLANCE; later++) {
                assert_int_equal(query_check(q, (enum query_dialect)later, &err), want[later]);
                if (want[later])
                    assert_true(query_needs_dialect(q));
            }
            query_free(q);
        }
    }
}

static const struct {
    const char *text, *name, *url;
} spellings[] = {
    {"min_ram=0&__os_type=Linux", "__os_type=Linux&min_ram=0", "__os_type=Linux&min_ram=0"},
    {"tag=b&name=x&tag=a&tag=b", "name=x&tag=a&tag=b", "name=x&tag=a&tag=b"},
    {"tag=a=b", "tag=a=b", "tag=a%3Db"},
    {"protected=True", "protected=true", "protected=true"},
    {"__isregistered=True", "__isregistered=True", "__isregistered=True"},
    {"sort_key=create_at", "sort_key=created_at", "sort_key=created_at"},
    {"name=create_at", "name=create_at", "name=create_at"},
    {"updated_at=2018-10-28 10:00:00&create_at=gt:2018-10-28 10:00:00",
     "created_at=gt:2018-10-28 10:00:00&updated_at=2018-10-28 10:00:00",
     "created_at=gt%3A2018-10-28%2010%3A00%3A00&updated_at=2018-10-28%2010%3A00%3A00"},
    {"name=a%20b", "name=a b", "name=a%20b"},
    {"name=a b", "name=a b", "name=a%20b"},
    {"name=a+b", "name=a+b", "name=a%2Bb"},
    {"name=a%2Bb", "name=a+b", "name=a%2Bb"},
    {"name=a%26b", "name=a%26b", "name=a%26b"},
    {"name=a%2fb", "name=a%2Fb", "name=a%2Fb"},
    {"name=%2541", "name=%2541", "name=%2541"},
    {"name=100%", "name=100%", "name=100%25"},
    {"name=%zz%4", "name=%zz%4", "name=%25zz%254"},
    {"n%61me=x", "name=x", "name=x"},
    {"name=\xC3\xBC", "name=\xC3\xBC", "name=%C3%BC"},
    {"name=%C3%BC", "name=\xC3\xBC", "name=%C3%BC"},
    {"name=%FF\n", "name=%FF%0A", "name=%FF%0A"},
    {"name=%E2%80%AE", "name=%E2%80%AE", "name=%E2%80%AE"},
    {"name='\"$", "name='\"$", "name=%27%22%24"},
    {"a%3Db=c", "a%3Db=c", "a%3Db=c"},
    {"x%26=1", "x%26=1", "x%26=1"},
    {"limit=007", "limit=007", "limit=007"},
    {"created_at=gt:2018-10-28 10:00:00", "created_at=gt:2018-10-28 10:00:00",
     "created_at=gt%3A2018-10-28%2010%3A00%3A00"},
};

static void test_canonical(void **state)
{
    (void)state;
    for (size_t i = 0; i < ARRAY_SIZE(spellings); i++) {
        struct query *q = parsed(spellings[i].text, UNKNOWN);
        CLEANUP(strbuf_free) struct strbuf name = STRBUF_INIT;
        CLEANUP(strbuf_free) struct strbuf url = STRBUF_INIT;
        query_add_name(q, &name);
        query_add_url(q, &url);
        assert_string_equal(strbuf_str(&name), spellings[i].name);
        assert_string_equal(strbuf_str(&url), spellings[i].url);
        struct query *again = parsed(strbuf_str(&name), UNKNOWN);
        assert_same(q, again);
        query_free(again);
        query_free(q);
    }
}

static void test_nul_and_length(void **state)
{
    (void)state;
    struct query *q = parsed("name=a%00b", IMS);
    CLEANUP(strbuf_free) struct strbuf name = STRBUF_INIT;
    static char text[QUERY_MAX_BYTES + 2] = "name=";
    assert_int_equal(query_at(q, 0)->value.len, 3);
    query_add_name(q, &name);
    assert_string_equal(strbuf_str(&name), "name=a%00b");
    query_free(q);
    memset(text + 5, 'x', QUERY_MAX_BYTES - 4);
    assert_int_equal(parse(&q, text, IMS), -ENAMETOOLONG);
    text[QUERY_MAX_BYTES] = '\0';
    query_free(parsed(text, IMS));
}

static void test_accessors(void **state)
{
    (void)state;
    struct query *q = parsed("limit=25&marker=m&sort_key=create_at&sort_dir=asc&tag=a", IMS);
    struct query *plain = parsed("", IMS), *huge = parsed("limit=99999999999999999999", IMS);
    assert_int_equal(query_limit(q), 25);
    assert_int_equal(query_limit(plain), 0);
    assert_true(query_limit(huge) == INT64_MAX);
    assert_true(bytes_are(query_sort_key(q), "created_at"));
    assert_true(bytes_are(query_sort_key(plain), "created_at"));
    assert_true(query_sort_ascending(q));
    assert_false(query_sort_ascending(plain));
    assert_true(bytes_are(query_find(q, PARAM_MARKER)->value, "m"));
    assert_null(query_find(plain, PARAM_TAG));
    query_free(q);
    query_free(plain);
    query_free(huge);
}

static void test_references(void **state)
{
    (void)state;
    struct query *q = parsed("name=x&sort_key=create_at", IMS), *other = query_ref(q);
    query_free(q);
    assert_true(bytes_are(query_at(other, 0)->value, "x"));
    query_free(other);
    assert_null(query_ref(NULL));
    query_free(NULL);
}

static void assert_name(const struct query *q, const char *want)
{
    CLEANUP(strbuf_free) struct strbuf name = STRBUF_INIT;
    query_add_name(q, &name);
    assert_string_equal(strbuf_str(&name), want);
}

static void test_set_and_join(void **state)
{
    (void)state;
    struct query_error err;
    struct query *q = parsed("tag=b&tag=a&limit=2&marker=old", IMS), *made = NULL;
    struct query *filter = parsed("tag=c&status=active&limit=2", IMS),
                 *other = parsed("limit=3", IMS);
    assert_int_equal(query_set(&made, q, "marker", bytes_of("n&w/%")), 0);
    assert_name(made, "limit=2&marker=n%26w%2F%&tag=a&tag=b");
    query_free(made);
    assert_int_equal(query_set(&made, q, "marker", (struct bytes){NULL, 0}), 0);
    assert_name(made, "limit=2&tag=a&tag=b");
    query_free(made);
    assert_int_equal(query_set(&made, q, "limit", bytes_of("0")), -EINVAL);
    assert_int_equal(query_join(&made, q, filter, &err), 0);
    assert_name(made, "limit=2&marker=old&status=active&tag=a&tag=b&tag=c");
    query_free(made);
    assert_int_equal(query_join(&made, q, other, &err), -EINVAL);
    assert_int_equal(query_without(&made, q, filter), 0);
    assert_name(made, "marker=old&tag=a&tag=b");
    query_free(made);
    assert_int_equal(query_without(&made, q, q), 0);
    assert_name(made, "");
    query_free(made);
    query_free(q);
    query_free(filter);
    query_free(other);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_every_parameter), cmocka_unit_test(test_answers),
        cmocka_unit_test(test_canonical),       cmocka_unit_test(test_nul_and_length),
        cmocka_unit_test(test_accessors),       cmocka_unit_test(test_references),
        cmocka_unit_test(test_set_and_join),
    };
    return cmocka_run_group_tests_name("query", tests, NULL, NULL);
}
