// SPDX-License-Identifier: Apache-2.0
#include "imsfs/project.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>

#include <cmocka.h>

#define ONE "{\"id\": \"0123ab\", \"name\": \"eu-de\", \"domain_id\": \"d\"}"
#define TWO "{\"name\": \"eu-de_test\", \"id\": \"45-6_F\", \"parent\": {\"id\": \"x\"}}"

static int read_id(const char *body, const char *name, char **id, struct strbuf *why)
{
    *id = NULL;
    return project_read_id(bytes_of(body), name, id, why);
}

static void the_one_of_the_name_is_found(void **state)
{
    (void)state;
    static const struct {
        const char *body, *name, *id;
    } rows[] = {
        {"{\"projects\": [" ONE "], \"links\": {\"self\": \"x\"}}", "eu-de", "0123ab"},
        {"{\"links\": {}, \"projects\": [" TWO ", " ONE "]}", "eu-de_test", "45-6_F"},
        {"{\"projects\": [" TWO ", " ONE "]}", "eu-de", "0123ab"},
        {"{\"projects\": [{\"id\": \"a\", \"name\": \"\\u00e9/\\\"\"}]}", "\303\251/\"", "a"},
    };
    for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
        CLEANUP(strbuf_free) struct strbuf why = STRBUF_INIT;
        CLEANUP(free_ptr) char *id = NULL;
        if (read_id(rows[i].body, rows[i].name, &id, &why) < 0)
            fail_msg("%s: %s", rows[i].body, strbuf_str(&why));
        assert_string_equal(id, rows[i].id);
    }
}

static void assert_none(const char *body, const char *name, const char *expected)
{
    CLEANUP(strbuf_free) struct strbuf why = STRBUF_INIT;
    char *id;
    assert_int_equal(read_id(body, name, &id, &why), -ENOENT);
    assert_string_equal(strbuf_str(&why), expected);
    assert_null(id);
}

static void none_or_several_are_listed(void **state)
{
    (void)state;
    assert_none("{\"projects\": []}", "eu-de", "no project is called eu-de");
    assert_none("{\"projects\": [" TWO "]}", "eu-de",
                "no project is called eu-de; there are: eu-de_test (45-6_F)");
    assert_none("{\"projects\": [" ONE ", {\"id\": \"b\", \"name\": \"eu-de\"}]}", "eu-de",
                "more than one project is called eu-de; there are: eu-de (0123ab), eu-de (b)");
    assert_none("{\"projects\": [{\"id\": \"b\", \"name\": \"a\\nb\\u001b\"}]}", "x\033y",
                "no project is called x\\x1by; there are: a\\x0ab\\x1b (b)");
}

static void long_lists_are_cut(void **state)
{
    (void)state;
    CLEANUP(strbuf_free) struct strbuf body = STRBUF_INIT, why = STRBUF_INIT;
    char *id;
    strbuf_add_str(&body, "{\"projects\": [");
    for (int i = 0; i < 1000; i++)
        strbuf_printf(&body, "%s{\"id\": \"i%d\", \"name\": \"%0200d\"}", i ? "," : "", i, i);
    strbuf_add_str(&body, "]}");
    assert_int_equal(read_id(strbuf_str(&body), "x", &id, &why), -ENOENT);
    assert_non_null(strstr(strbuf_str(&why), "(i7) and more"));
    assert_null(strstr(strbuf_str(&why), "(i8)"));
    assert_in_range(why.len, 100, 1000);
}

static void what_is_no_list_is_refused(void **state)
{
    (void)state;
    static const char *const bodies[] = {
        "",
        "<html>",
        "[]",
        "7",
        "{}",
        "{\"projects\": null}",
        "{\"projects\": {}}",
        "{\"projects\": [7]}",
        "{\"projects\": [{\"id\": \"a\"}]}",
        "{\"projects\": [{\"name\": \"eu-de\"}]}",
        "{\"projects\": [{\"id\": 7, \"name\": \"eu-de\"}]}",
        "{\"projects\": [{\"id\": \"\", \"name\": \"eu-de\"}]}",
        "{\"projects\": [{\"id\": \"a b\", \"name\": \"eu-de\"}]}",
        "{\"projects\": [{\"id\": \"a\\r\\nX: y\", \"name\": \"eu-de\"}]}",
        "{\"projects\": [{\"id\": \"a\\u0000\", \"name\": \"eu-de\"}]}",
        "{\"projects\": [{\"id\": "
        "\"0123456789012345678901234567890123456789012345678901234567890123"
        "4\", \"name\": \"eu-de\"}]}",
        "{\"projects\": [" ONE "]} x",
    };
    for (size_t i = 0; i < ARRAY_SIZE(bodies); i++) {
        CLEANUP(strbuf_free) struct strbuf why = STRBUF_INIT;
        char *id;
        if (read_id(bodies[i], "eu-de", &id, &why) != -EPROTO)
            fail_msg("taken: %s", bodies[i]);
        assert_true(why.len > 0);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_one_of_the_name_is_found),
        cmocka_unit_test(none_or_several_are_listed),
        cmocka_unit_test(long_lists_are_cut),
        cmocka_unit_test(what_is_no_list_is_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
