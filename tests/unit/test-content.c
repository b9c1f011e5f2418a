// SPDX-License-Identifier: Apache-2.0
#include "imsfs/content.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>

#include <cmocka.h>

#define B(literal)                   \
    {                                \
        literal, sizeof(literal) - 1 \
    }

static void a_size_is_that_of_the_content(void **state)
{
    (void)state;
    static const struct {
        const char *value;
        struct bytes content;
    } rows[] = {
        {"null", B("")},
        {"true", B("true\n")},
        {"-1.50e3", B("-1.50e3\n")},
        {"\"\"", B("\n")},
        {"\"a\"", B("a\n")},
        {"\"a\\n\"", B("a\n")},
        {"\"a\n\"", B("a\n")},
        {"\"\n\"", B("\n")},
        {"\"\n\n\"", B("\n\n")},
        {"\"\\n\n\"", B("\n\n")},
        {"\"n\"", B("n\n")},
        {"\"\\\\n\"", B("\\n\n")},
        {"\"\\u000a\"", B("\n")},
        {"\"\xff\"", B("\xff\n")},
        {"[]", B("")},
        {"[\"a\\n\",\"b\",[null,1]]", B("a\nb\n1\n")},
        {"{}", B("{}\n")},
        {"{\"a\":\"\xff\x01\"}", B("{\"a\":\"\357\277\275\\u0001\"}\n")},
    };
    CLEANUP(strbuf_free) struct strbuf scratch = STRBUF_INIT;
    for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
        CLEANUP(strbuf_free) struct strbuf out = STRBUF_INIT;
        content_add(bytes_of(rows[i].value), &out);
        if (!bytes_equal(strbuf_bytes(&out), rows[i].content))
            fail_msg("%s: %s", rows[i].value, strbuf_str(&out));
        assert_int_equal(content_size(bytes_of(rows[i].value), &scratch), out.len);
    }
    assert_int_equal(strbuf_error(&scratch), 0);
}

static void values_for_grouping(void **state)
{
    (void)state;
    static const struct {
        const char *value;
        struct bytes text; /* empty: none */
    } rows[] = {
        {"null", B("")},
        {"\"\"", B("")},
        {"\"a\\u0000/\"", B("a\0/")},
        {"1.50", B("1.50")},
        {"true", B("true")},
        {"[1,\"a\"]", B("[1,\"a\"]")},
        {"{\"a\":1}", B("{\"a\":1}")},
    };
    for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
        CLEANUP(strbuf_free) struct strbuf out = STRBUF_INIT;
        assert_int_equal(content_add_text(bytes_of(rows[i].value), &out), rows[i].text.len > 0);
        assert_true(bytes_equal(strbuf_bytes(&out), rows[i].text));
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_size_is_that_of_the_content),
        cmocka_unit_test(values_for_grouping),
    };
    return cmocka_run_group_tests_name("content", tests, NULL, NULL);
}
