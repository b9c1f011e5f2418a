// SPDX-License-Identifier: Apache-2.0
#include "imsfs/strbuf.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

static void an_empty_buffer_is_an_empty_string(void **state)
{
    (void)state;
    struct strbuf b = STRBUF_INIT;
    assert_string_equal(strbuf_str(&b), "");
    assert_int_equal(strbuf_bytes(&b).len, 0);
    assert_non_null(strbuf_bytes(&b).data);
    strbuf_add(&b, NULL, 0);
    assert_int_equal(strbuf_error(&b), 0);
    CLEANUP(free_ptr) char *stolen = strbuf_steal(&b);
    assert_string_equal(stolen, "");
    strbuf_free(&b);
}

static void all_additions_are_kept_in_order(void **state)
{
    (void)state;
    CLEANUP(strbuf_free) struct strbuf b = STRBUF_INIT;
    strbuf_add(&b, "a\0b", 3);
    strbuf_add_str(&b, "cd");
    strbuf_add_char(&b, '\0');
    strbuf_printf(&b, "%03d|%s", 7, "x");
    strbuf_add(&b, "\xff", 1);
    static const char expected[] = "a\0bcd\000007|x\xff";
    assert_int_equal(b.len, sizeof(expected) - 1);
    assert_memory_equal(b.data, expected, sizeof(expected));
}

/* Each length that a capacity may end at, by each way of adding. */
static void the_nul_behind_the_content_always_fits(void **state)
{
    (void)state;
    for (size_t len = 1; len < 300; len++) {
        CLEANUP(strbuf_free) struct strbuf chars = STRBUF_INIT;
        CLEANUP(strbuf_free) struct strbuf printed = STRBUF_INIT;
        for (size_t i = 0; i < len; i++)
            strbuf_add_char(&chars, 'x');
        strbuf_printf(&printed, "%s", strbuf_str(&chars));
        assert_int_equal(strlen(strbuf_str(&chars)), len);
        assert_int_equal(strlen(strbuf_str(&printed)), len);
        assert_int_equal(printed.len, len);
    }
}

static void reset_keeps_the_memory_and_clears_the_content(void **state)
{
    (void)state;
    CLEANUP(strbuf_free) struct strbuf b = STRBUF_INIT;
    strbuf_reset(&b);
    strbuf_add_str(&b, "old");
    char *data = b.data;
    strbuf_reset(&b);
    assert_string_equal(strbuf_str(&b), "");
    strbuf_add_str(&b, "new");
    assert_ptr_equal(b.data, data);
    assert_string_equal(strbuf_str(&b), "new");
}

static void reserve_gives_room_and_adds_nothing(void **state)
{
    (void)state;
    CLEANUP(strbuf_free) struct strbuf b = STRBUF_INIT;
    strbuf_add_str(&b, "ab");
    assert_true(strbuf_reserve(&b, 1000));
    assert_int_equal(b.len, 2);
    assert_string_equal(b.data, "ab");
    memset(b.data + b.len, 'x', 1000);
}

static void running_out_of_memory_is_sticky(void **state)
{
    (void)state;
    struct strbuf b = STRBUF_INIT;
    strbuf_add_str(&b, "ab");
    assert_false(strbuf_reserve(&b, SIZE_MAX - 10));
    assert_int_equal(strbuf_error(&b), -ENOMEM);
    strbuf_add_str(&b, "c");
    strbuf_printf(&b, "d");
    assert_false(strbuf_reserve(&b, 0));
    assert_string_equal(strbuf_str(&b), "ab");
    assert_null(strbuf_steal(&b));
    strbuf_add_str(&b, "again");
    assert_int_equal(strbuf_error(&b), 0);
    strbuf_free(&b);
}

static void what_is_stolen_belongs_to_the_thief(void **state)
{
    (void)state;
    struct strbuf b = STRBUF_INIT;
    strbuf_add_str(&b, "mine");
    CLEANUP(free_ptr) char *stolen = strbuf_steal(&b);
    assert_string_equal(stolen, "mine");
    assert_null(b.data);
    strbuf_add_str(&b, "other");
    assert_string_equal(stolen, "mine");
    strbuf_free(&b);
    strbuf_free(&b);
}

static void a_quoted_word_is_one_for_a_shell(void **state)
{
    (void)state;
    static const char *const words[][2] = {
        {"", "''"},       {"/mnt/a b", "'/mnt/a b'"},       {"/mnt/it's", "'/mnt/it'\\''s'"},
        {"'", "''\\'''"}, {"$(id) \"`\\", "'$(id) \"`\\'"},
    };
    for (size_t i = 0; i < ARRAY_SIZE(words); i++) {
        CLEANUP(strbuf_free) struct strbuf b = STRBUF_INIT;
        strbuf_add_quoted(&b, words[i][0]);
        assert_string_equal(strbuf_str(&b), words[i][1]);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(an_empty_buffer_is_an_empty_string),
        cmocka_unit_test(all_additions_are_kept_in_order),
        cmocka_unit_test(the_nul_behind_the_content_always_fits),
        cmocka_unit_test(reset_keeps_the_memory_and_clears_the_content),
        cmocka_unit_test(reserve_gives_room_and_adds_nothing),
        cmocka_unit_test(running_out_of_memory_is_sticky),
        cmocka_unit_test(what_is_stolen_belongs_to_the_thief),
        cmocka_unit_test(a_quoted_word_is_one_for_a_shell),
    };
    return cmocka_run_group_tests_name("strbuf", tests, NULL, NULL);
}
