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
    assert_true(rejects_note(&r, bytes_of("b"), "neither", 0));
    assert_string_equal(r.last, "query/b: neither");
    assert_false(rejects_note(&r, bytes_of("a"), "no", 10 * REJECTS_PAUSE_MS));
    assert_string_equal(r.last, "query/a: no");
}

static int count_news(struct rejects *r, int from, int to, int64_t now_ms)
{
    char name[16];
    int news = 0;
    for (int i = from; i < to; i++) {
        snprintf(name, sizeof(name), "%d", i);
        news += rejects_note(r, bytes_of(name), "no", now_ms);
        assert_non_null(strstr(r->last, name));
    }
    return news;
}

static void too_many_are_left_out(void **state)
{
    (void)state;
    struct rejects r = {0};
    assert_int_equal(count_news(&r, 0, 100, 7), REJECTS_BURST);
    assert_int_equal(count_news(&r, 100, 200, 6 + REJECTS_PAUSE_MS), 0);
    assert_int_equal(count_news(&r, 200, 300, 7 + REJECTS_PAUSE_MS), 1);
    assert_int_equal(count_news(&r, 300, 400, 7 + 4 * REJECTS_PAUSE_MS), 3);
    assert_int_equal(count_news(&r, 400, 500, 1000 * REJECTS_PAUSE_MS), REJECTS_BURST);
}

static void a_name_is_said_once(void **state)
{
    (void)state;
    struct rejects r = {0};
    rejects_note(&r, bytes_of("a\nb"), "a\\x0ab: no", 0);
    assert_string_equal(r.last, "query/a\\x0ab: no");
    rejects_note(&r, bytes_of("a"), "ab: no", 0);
    assert_string_equal(r.last, "query/a: ab: no");
    rejects_note(&r, bytes_of("a"), "a", 0);
    assert_string_equal(r.last, "query/a: a");
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
        cmocka_unit_test(each_is_news_once),    cmocka_unit_test(too_many_are_left_out),
        cmocka_unit_test(a_name_is_said_once),  cmocka_unit_test(old_ones_are_forgotten),
        cmocka_unit_test(the_line_is_one_line),
    };
    return cmocka_run_group_tests_name("rejects", tests, NULL, NULL);
}
