// SPDX-License-Identifier: Apache-2.0
#include "imsfs/compact.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

#define B(literal)                   \
    {                                \
        literal, sizeof(literal) - 1 \
    }

static void compact_text_of_anything(void **state)
{
    (void)state;
    static const struct {
        struct bytes text;
        int result;
        const char *compact;
    } rows[] = {
        {B(" 1 "), 0, "1"},
        {B("\n\"a\"\t"), 0, "\"a\""},
        {B(" null"), 0, "null"},
        {B("[ 1 , { \"a\" : 2 } ]"), 0, "[1,{\"a\":2}]"},
        {B(""), -EPROTO, NULL},
        {B(" "), -EPROTO, NULL},
        {B("1 2"), -EPROTO, NULL},
        {B("[] []"), -EPROTO, NULL},
        {B("[]\0"), -EPROTO, NULL},
        {B("<html>"), -EPROTO, NULL},
        {B("\xef\xbb\xbf[]"), -EPROTO, NULL},
    };
    for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
        CLEANUP(strbuf_free) struct strbuf out = STRBUF_INIT;
        strbuf_add_str(&out, "old");
        assert_int_equal(compact_text(rows[i].text, &limits_standard, &out), rows[i].result);
        if (rows[i].compact)
            assert_string_equal(strbuf_str(&out), rows[i].compact);
    }
}

static void an_error_names_its_line(void **state)
{
    (void)state;
    CLEANUP(strbuf_free) struct strbuf out = STRBUF_INIT;
    size_t line = 0;
    assert_int_equal(compact_text_at(bytes_of("[1,\n2,\n+]"), &limits_standard, &out, &line),
                     -EPROTO);
    assert_int_equal(line, 3);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(compact_text_of_anything),
        cmocka_unit_test(an_error_names_its_line),
    };
    return cmocka_run_group_tests_name("compact", tests, NULL, NULL);
}
