// SPDX-License-Identifier: Apache-2.0
/* rejects: what was refused is said once, and the last one can be asked for. */
#include "imsfs/rejects.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>

#include <cmocka.h>

static void each_is_news_once(void **state)
{
    (void)state;
    struct rejects r = {0};
    assert_true(rejects_note(&r, bytes_of("a"), "no", 0));
    assert_string_equal(r.last, "query/a: no");
    assert_false(rejects_note(&r, bytes_of("b"), "too soon", REJECTS_PAUSE_MS - 1));
    assert_string_equal(r.last, "query/b: too soon");
    assert_false(rejects_note(&r, bytes_of("a"), "no", 10 * REJECTS_PAUSE_MS));
    assert_true(rejects_note(&r, bytes_of("b"), "now", 10 * REJECTS_PAUSE_MS));
}

static void old_ones_are_forgotten(void **state)
{
    (void)state;
    struct rejects r = {0};
    char name[16];
    for (int i = 0; i <= REJECTS_MAX; i++) {
        snprintf(name, sizeof(name), "%d", i);
        assert_true(rejects_note(&r, bytes_of(name), "no", (int64_t)i * REJECTS_PAUSE_MS));
    }
    assert_false(rejects_note(&r, bytes_of("1"), "no", 100000 * REJECTS_PAUSE_MS));
    assert_true(rejects_note(&r, bytes_of("0"), "no", 100000 * REJECTS_PAUSE_MS));
}

static void the_line_is_one_line(void **state)
{
    (void)state;
    struct rejects r = {0};
    char why[2 * REJECTS_LINE_SIZE];
    rejects_note(&r, bytes_of("a\nb"), "no", 0);
    assert_string_equal(r.last, "query/a\\x0ab: no");
    memset(why, 'x', sizeof(why));
    why[sizeof(why) - 1] = '\0';
    rejects_note(&r, bytes_of("a"), why, 0);
    assert_int_equal(strlen(r.last), REJECTS_LINE_SIZE - 1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(each_is_news_once),
        cmocka_unit_test(old_ones_are_forgotten),
        cmocka_unit_test(the_line_is_one_line),
    };
    return cmocka_run_group_tests_name("rejects", tests, NULL, NULL);
}
