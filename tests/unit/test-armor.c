// SPDX-License-Identifier: Apache-2.0
#include "imsfs/armor.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

#define B(literal)                   \
    {                                \
        literal, sizeof(literal) - 1 \
    }

/* From a block of exactly its bytes, so that a sanitizer sees a read behind them. */
static int armor(struct strbuf *out, struct bytes text, unsigned depth, size_t values)
{
    CLEANUP(free_ptr) char *copy = malloc(text.len + !text.len);
    assert_non_null(copy);
    memcpy(copy, text.data, text.len);
    return armor_text(out, (struct bytes){copy, text.len}, depth, values);
}

static void scalars_are_spelled(void **state)
{
    (void)state;
    static const struct {
        struct bytes text;
        const char *armored;
    } rows[] = {
        {B("{\"a\": [1, true, null]}"), "{\"$a\": [\"#1\", true, null]}"},
        {B("\"\""), "\"$\""},
        {B("\"$#\""), "\"$$#\""},
        {B("\"a\\u0000b\""), "\"$a\\\\u0000b\""},
        {B("\"\\\"\\\\\\/\\b\""), "\"$\\\\\\\"\\\\\\\\\\\\/\\\\b\""},
        {B("\"a\0b\""), "\"$a\\\\u0000b\""},
        {B("\"\xff\x01\n\""), "\"$\xff\x01\n\""},
        {B("\"{[,7\""), "\"${[,7\""},
        {B("[0,-0,10,1.5,-2.50e-07,1E400,0e0]"),
         "[\"#0\",\"#-0\",\"#10\",\"#1.5\",\"#-2.50e-07\",\"#1E400\",\"#0e0\"]"},
        {B(" \t\r\nfalse"), " \t\r\nfalse"},
    };
    CLEANUP(strbuf_free) struct strbuf out = STRBUF_INIT;
    for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
        assert_int_equal(armor(&out, rows[i].text, 8, 100), 0);
        assert_string_equal(strbuf_str(&out), rows[i].armored);
    }
}

static void what_is_no_token_is_refused(void **state)
{
    (void)state;
    static const struct bytes rows[] = {
        B("007"),
        B("-"),
        B("-a"),
        B("1."),
        B("1.e5"),
        B("1e"),
        B("1e+"),
        B("1e5.5"),
        B("0x10"),
        B("1a"),
        B("--1"),
        B("1-1"),
        B("-01"),
        B("1_000"),
        B("+1"),
        B(".5"),
        B("NaN"),
        B("-Infinity"),
        B("\""),
        B("\"a"),
        B("\"\\"),
        B("\"\\\""),
        B("\"\\x41\""),
        B("\"\\u12\""),
        B("\"\\u12G4\""),
        B("\"\\u123\\"),
        B("\"\\\0\""),
        B("'a'"),
        B("[1]\0"),
        B("\xef\xbb\xbf[]"),
        B("[\x0b]"),
        B("[\x01]"),
        B("[\x0c]"),
        B("// x\n[]"),
        B("\xc2\xa0[]"),
        B("{1:2}"),
        B("{-1.5e3 \t\r\n:2}"),
        B("7:"),
    };
    CLEANUP(strbuf_free) struct strbuf out = STRBUF_INIT;
    for (size_t i = 0; i < ARRAY_SIZE(rows); i++)
        if (armor(&out, rows[i], 8, 100) != -EPROTO)
            fail_msg("taken: %.*s", (int)rows[i].len, rows[i].data);
}

static void depth_and_values_are_bounded(void **state)
{
    (void)state;
    static const struct {
        const char *text;
        unsigned depth;
        size_t values;
        int result;
    } rows[] = {
        {"[[[]]]", 3, 100, 0},     {"[[[]]]", 2, 100, -ELOOP},
        {"[[],[],[]]", 2, 100, 0}, {"{\"a\":{\"b\":[]}}", 2, 100, -ELOOP},
        {"\"[[[[\"", 1, 100, 0},   {"[1,2,3]", 8, 3, 0},
        {"[1,2,3]", 8, 2, -E2BIG}, {"[[[[[[", 8, 5, -E2BIG},
        {"\",,,,,,\"", 8, 1, 0},   {"1", 0, 0, 0},
    };
    CLEANUP(strbuf_free) struct strbuf out = STRBUF_INIT;
    for (size_t i = 0; i < ARRAY_SIZE(rows); i++)
        assert_int_equal(armor(&out, bytes_of(rows[i].text), rows[i].depth, rows[i].values),
                         rows[i].result);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(scalars_are_spelled),
        cmocka_unit_test(what_is_no_token_is_refused),
        cmocka_unit_test(depth_and_values_are_bounded),
    };
    return cmocka_run_group_tests_name("armor", tests, NULL, NULL);
}
