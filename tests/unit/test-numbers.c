// SPDX-License-Identifier: Apache-2.0
#include "lists.h"

#include <stdio.h>

static void views_have_the_first_directory_numbers(void **state)
{
    (void)state;
    struct lists l;
    lists_init(&l, LAYOUT_DEFAULT);
    assert_true(l.layout->view_count > 5);
    for (uint32_t i = 0; i < l.layout->view_count; i++)
        assert_true(bytes_are(numbers_dir_path(&l.numbers, i), l.layout->views[i].name));
    assert_true(bytes_are(numbers_dir_name(&l.numbers, 0), "images"));
    assert_int_equal(slot_count(l.numbers.dirs), l.layout->view_count);
    lists_deinit(&l);
}

static void a_directory_is_called_by_the_end_of_its_path(void **state)
{
    (void)state;
    struct lists l;
    uint32_t slot;
    lists_init(&l, LAYOUT_DEFAULT);
    assert_int_equal(slot_add(l.numbers.dirs, bytes_of("images/gold/Debian 12"), &slot), 0);
    assert_true(bytes_are(numbers_dir_path(&l.numbers, slot), "images/gold/Debian 12"));
    assert_true(bytes_are(numbers_dir_name(&l.numbers, slot), "Debian 12"));
    lists_deinit(&l);
}

static void every_stamp_is_later(void **state)
{
    (void)state;
    struct lists l;
    lists_init(&l, LAYOUT_DEFAULT);
    struct timespec last = l.numbers.born;
    for (int i = 0; i < 1000; i++) {
        struct timespec stamp = numbers_stamp(&l.numbers);
        assert_int_equal(compare_times(last, stamp), -1);
        last = stamp;
    }
    lists_deinit(&l);
}

static void stamps_rise_when_the_wall_clock_went_back(void **state)
{
    (void)state;
    struct lists l;
    lists_init(&l, LAYOUT_DEFAULT);
    time_t future = l.numbers.born.tv_sec + 100000;
    l.numbers.stamp_ns = (int64_t)future * 1000000000 + 999999999;
    struct timespec stamp = numbers_stamp(&l.numbers);
    assert_int_equal(stamp.tv_sec, future + 1);
    assert_int_equal(stamp.tv_nsec, 0);
    assert_int_equal(numbers_stamp(&l.numbers).tv_nsec, 1);
    lists_deinit(&l);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(views_have_the_first_directory_numbers),
        cmocka_unit_test(a_directory_is_called_by_the_end_of_its_path),
        cmocka_unit_test(every_stamp_is_later),
        cmocka_unit_test(stamps_rise_when_the_wall_clock_went_back),
    };
    return cmocka_run_group_tests_name("numbers", tests, NULL, NULL);
}
