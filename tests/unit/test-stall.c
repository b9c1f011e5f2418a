// SPDX-License-Identifier: Apache-2.0
#include "imsfs/stall.h"

#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

static void before_the_first_byte_nothing_stalls(void **state)
{
    (void)state;
    struct stall s = {0};
    for (int64_t now = 0; now < 10 * STALL_PERIOD_MS; now += 1000)
        assert_false(stall_look(&s, now));
}

static void each_period_is_counted_by_itself(void **state)
{
    (void)state;
    static const struct {
        size_t bytes;
        bool stalls;
    } periods[] = {{STALL_BYTES, false}, {STALL_BYTES - 1, true}, {0, true}, {100000, false}};
    struct stall s = {0};
    int64_t now = 0;
    stall_add(&s, 0);
    assert_false(stall_look(&s, now));
    for (size_t i = 0; i < ARRAY_SIZE(periods); i++) {
        stall_add(&s, periods[i].bytes);
        now += STALL_PERIOD_MS;
        assert_false(stall_look(&s, now - 1));
        assert_int_equal(stall_look(&s, now), periods[i].stalls);
    }
}

static void what_came_before_the_first_look_counts(void **state)
{
    (void)state;
    struct stall s = {0};
    stall_add(&s, STALL_BYTES);
    assert_false(stall_look(&s, 123456));
    assert_false(stall_look(&s, 123456 + STALL_PERIOD_MS));
    assert_true(stall_look(&s, 123456 + 2 * STALL_PERIOD_MS));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(before_the_first_byte_nothing_stalls),
        cmocka_unit_test(each_period_is_counted_by_itself),
        cmocka_unit_test(what_came_before_the_first_look_counts),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
