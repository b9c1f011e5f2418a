// SPDX-License-Identifier: Apache-2.0
#include "imsfs/hold.h"

#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

static void pauses_double_up_to_half_an_hour(void **state)
{
    (void)state;
    static const int64_t minutes[] = {1, 2, 4, 8, 16, 30, 30, 30};
    struct hold h = {0};
    int64_t now = 5000;
    assert_int_equal(hold_left_ms(&h, now), 0);
    for (size_t i = 0; i < ARRAY_SIZE(minutes); i++) {
        hold_refused(&h, now);
        assert_int_equal(hold_left_ms(&h, now), minutes[i] * 60000);
        assert_int_equal(hold_left_ms(&h, now + minutes[i] * 60000 - 1), 1);
        now += minutes[i] * 60000;
        assert_int_equal(hold_left_ms(&h, now), 0);
    }
}

static void a_success_ends_it(void **state)
{
    (void)state;
    struct hold h = {0};
    hold_refused(&h, 0);
    hold_refused(&h, 0);
    hold_accepted(&h);
    assert_int_equal(hold_left_ms(&h, 0), 0);
    hold_refused(&h, 0);
    assert_int_equal(hold_left_ms(&h, 0), HOLD_FIRST_MS);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(pauses_double_up_to_half_an_hour),
        cmocka_unit_test(a_success_ends_it),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
