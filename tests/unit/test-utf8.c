// SPDX-License-Identifier: Apache-2.0
#include "imsfs/utf8.h"

#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

static bool is_character(uint32_t code)
{
    return code <= 0x10FFFF && (code < 0xD800 || code > 0xDFFF);
}

static void every_code_point_goes_both_ways(void **state)
{
    (void)state;
    for (uint32_t code = 0; code <= 0x10FFFF; code++) {
        char text[4];
        uint32_t back = 0;
        size_t len = utf8_encode(text, code);
        size_t used = utf8_decode(text, len, &back);
        if (used != (is_character(code) ? len : 0) || (used && back != code))
            fail_msg("U+%04X: %zu bytes, back as U+%04X", code, used, back);
    }
}

static void what_is_no_character_is_refused(void **state)
{
    (void)state;
    static const struct {
        const char *text;
        size_t bad; /* bytes that one U+FFFD stands for */
    } rows[] = {
        {"\x80", 1},             /* a continuation alone */
        {"\xC0\xAF", 1},         /* '/' too long */
        {"\xC1\xBF", 1},         /* */
        {"\xE0\x80\xAF", 1},     /* */
        {"\xE0\x9F\xBF", 1},     /* */
        {"\xF0\x80\x80\xAF", 1}, /* */
        {"\xF0\x8F\xBF\xBF", 1}, /* */
        {"\xED\xA0\x80", 1},     /* a surrogate */
        {"\xED\xBF\xBF", 1},     /* */
        {"\xF4\x90\x80\x80", 1}, /* over U+10FFFF */
        {"\xF5\x80\x80\x80", 1}, /* */
        {"\xFE", 1},             /* */
        {"\xFF\xFF", 1},         /* */
        {"\xC3", 1},             /* cut short */
        {"\xE4\xB8", 2},         /* */
        {"\xF0\x9F\x98", 3},     /* */
        {"\xF0\x9F\x41", 2},     /* broken off */
        {"\xE1\x80\xC3\xA4", 2}, /* */
    };
    for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
        size_t len = strlen(rows[i].text);
        uint32_t code = 77;
        CLEANUP(free_ptr) char *copy = malloc(len);
        assert_non_null(copy);
        memcpy(copy, rows[i].text, len);
        if (utf8_decode(copy, len, &code) != 0 || utf8_bad_length(copy, len) != rows[i].bad)
            fail_msg("row %zu", i);
    }
}

static void what_deceives_is_known(void **state)
{
    (void)state;
    static const struct {
        uint32_t first, last;
    } ranges[] = {
        {0, 0x1F},        {0x7F, 0x9F},     {0x61C, 0x61C},   {0x200E, 0x200F},
        {0x2028, 0x202E}, {0x2066, 0x2069}, {0xFEFF, 0xFEFF},
    };
    for (uint32_t code = 0; code <= 0x10FFFF; code++) {
        bool expected = false;
        for (size_t i = 0; i < ARRAY_SIZE(ranges); i++)
            expected |= code >= ranges[i].first && code <= ranges[i].last;
        if (utf8_is_deceptive(code) != expected)
            fail_msg("U+%04X", code);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_code_point_goes_both_ways),
        cmocka_unit_test(what_is_no_character_is_refused),
        cmocka_unit_test(what_deceives_is_known),
    };
    return cmocka_run_group_tests_name("utf8", tests, NULL, NULL);
}
