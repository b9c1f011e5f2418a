// SPDX-License-Identifier: Apache-2.0
/* ranges: what of a list counts as what it was, and what is kept of it. */
#include "imsfs/ranges.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>

#include <cmocka.h>

static struct ranges r;
static struct ranges_walk w;

static int set_up(void **state)
{
    (void)state;
    ranges_init(&r, 4);
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    ranges_end(&w, false, false);
    ranges_deinit(&r);
    return 0;
}

static char last_id[16];

static bool take(int id)
{
    snprintf(last_id, sizeof(last_id), "%d", id);
    return ranges_take(&w, bytes_of(last_id));
}

/* Goes on behind the last id that was taken. */
static enum ranges_step go_on(size_t images)
{
    return ranges_go_on(&w, bytes_of(last_id), last_id, images);
}

/* A whole listing of pages of three: the ids from first on. */
static void list(int first, int count)
{
    ranges_begin(&w, &r);
    for (int i = 0; i < count; i++) {
        bool met = take(first + i);
        if (met || i % 3 == 2)
            (void)go_on(3);
    }
    ranges_end(&w, true, count % 3 == 0);
}

static void what_is_as_it_was_is_cut(void **state)
{
    (void)state;
    list(0, 12);
    assert_int_equal(r.last.count, 4);
    ranges_begin(&w, &r);
    assert_int_equal(ranges_width(&w), 4);
    for (int i = 0; i < 12; i++) {
        char end[16];
        snprintf(end, sizeof(end), "%d", i / 3 * 3 + 2);
        assert_string_equal(ranges_after(&w, 3, NULL) ? end : "", i ? end : "");
        assert_int_equal(take(i), i % 3 == 2);
        if (i % 3 == 2)
            assert_int_equal(go_on(3), RANGES_NEXT);
    }
    assert_int_equal(ranges_width(&w), 1); /* behind the last end */
    assert_null(ranges_after(&w, 3, NULL));
}

static void ends_are_given_out_in_order(void **state)
{
    (void)state;
    list(0, 12);
    ranges_begin(&w, &r);
    for (int i = 2; i < 12; i += 3) {
        assert_int_equal(atoi(ranges_ahead(&w)), i);
        ranges_asked(&w);
    }
    assert_null(ranges_ahead(&w));
    ranges_ask_again(&w);
    assert_string_equal(ranges_ahead(&w), "2");
}

static void new_ids_come_before_the_first(void **state)
{
    (void)state;
    list(0, 12);
    ranges_begin(&w, &r);
    assert_false(take(100));
    assert_false(take(0));
    assert_false(take(1));
    assert_int_equal(go_on(3), RANGES_INSIDE);
    assert_true(take(2));
    assert_int_equal(go_on(3), RANGES_NEXT);
    assert_int_equal(w.at, 1);
}

/* Each first page is not the one of last time. */
static void what_is_not_as_it_was_is_lost(void **state)
{
    (void)state;
    static const int pages[][3] = {{1, 2, 3}, {0, 2, 3}, {0, 2, 1},
                                   {0, 7, 2}, {7, 8, 9}, {1, 0, 2}};
    for (size_t i = 0; i < ARRAY_SIZE(pages); i++) {
        list(0, 12);
        r.serial = 0;
        ranges_begin(&w, &r);
        for (int k = 0; k < 3; k++)
            assert_false(take(pages[i][k]));
        assert_int_equal(go_on(3), RANGES_LOST);
        assert_int_equal(go_on(3), RANGES_NEXT); /* page by page */
        assert_int_equal(ranges_width(&w), 1);
        ranges_end(&w, true, false);
    }
}

static void a_page_goes_on_behind_an_end_only_if_it_is_cut_there(void **state)
{
    (void)state;
    list(0, 12);
    ranges_begin(&w, &r);
    assert_false(take(0) || take(1));
    assert_true(take(2));
    assert_false(take(3));
    assert_int_equal(go_on(4), RANGES_LOST);
}

static void what_is_kept_is_bounded(void **state)
{
    (void)state;
    ranges_begin(&w, &r);
    for (int i = 0; i <= RANGES_MAX + 1; i++) {
        take(i);
        (void)go_on(1);
    }
    assert_int_equal(w.next.count, 0);
    ranges_end(&w, true, false);
    list(0, 8); /* three pages, of which the last is not full */
    assert_true(r.last.count < RANGES_MIN);
    ranges_begin(&w, &r);
    assert_int_equal(ranges_width(&w), 1);
}

static void of_two_listings_the_second_has_none(void **state)
{
    (void)state;
    struct ranges_walk other;
    list(0, 12);
    ranges_begin(&w, &r);
    ranges_begin(&other, &r);
    assert_int_equal(ranges_width(&other), 1);
    assert_false(ranges_take(&other, bytes_of("0")));
    ranges_end(&other, true, false);
    assert_int_equal(ranges_width(&w), 4);
    assert_int_equal(r.last.count, 4);
}

static void a_listing_that_fails_leaves_the_last_one(void **state)
{
    (void)state;
    list(0, 12);
    ranges_begin(&w, &r);
    take(77);
    ranges_end(&w, false, false);
    assert_int_equal(r.last.count, 4);
    ranges_begin(&w, &r);
    assert_int_equal(ranges_width(&w), 1); /* but it was odd */
    ranges_end(&w, false, false);
    ranges_begin(&w, &r);
    assert_int_equal(ranges_width(&w), 4);
}

static void careful_for_a_while(void **state)
{
    (void)state;
    static const unsigned expected[] = {1, 2, 4, 8, 16, 32, 64, 64, 64};
    list(0, 12);
    for (size_t i = 0; i < ARRAY_SIZE(expected); i++) {
        ranges_begin(&w, &r);
        ranges_slow_down(&w);
        assert_int_equal(ranges_width(&w), 1);
        ranges_end(&w, false, false);
        assert_int_equal(r.serial, expected[i]);
        r.serial = 0;
    }
    list(0, 12);
    assert_int_equal(r.penalty, 0);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
    const struct CMUnitTest tests[] = {
        TEST(what_is_as_it_was_is_cut),
        TEST(ends_are_given_out_in_order),
        TEST(new_ids_come_before_the_first),
        TEST(what_is_not_as_it_was_is_lost),
        TEST(a_page_goes_on_behind_an_end_only_if_it_is_cut_there),
        TEST(what_is_kept_is_bounded),
        TEST(of_two_listings_the_second_has_none),
        TEST(a_listing_that_fails_leaves_the_last_one),
        TEST(careful_for_a_while),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
