// SPDX-License-Identifier: Apache-2.0
#include "imsfs/retry.h"

#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

#define NOW 1784736000 /* Wed, 22 Jul 2026 16:00:00 GMT */

static void retry_after_is_seconds_or_a_date(void **state)
{
    (void)state;
    static const struct {
        const char *text;
        int64_t ms;
    } rows[] = {
        {"0", 0},
        {"5", 5000},
        {"60", 60000},
        {"61", 60000},
        {"1000000000", 60000},
        {"99999999999999999999999999", 60000},
        {"-1", -1},
        {"1.5", -1},
        {"soon", -1},
        {"", -1},
        {"Wed, 22 Jul 2026 16:00:07 GMT", 7000},
        {"Wed, 22 Jul 2026 15:00:00 GMT", 0},
        {"Wed, 22 Jul 2099 16:00:00 GMT", 60000},
        {"Wed, 22 Jul 2026 16:00:07 GMT and a very long rest that goes on and on and on", -1},
        {"Wed, 22 Jul 2026", -1},
    };
    for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
        int64_t ms = retry_parse_after(bytes_of(rows[i].text), NOW);
        if (ms != rows[i].ms)
            fail_msg("%s: %lld", rows[i].text, (long long)ms);
    }
}

static void pauses_double_and_are_jittered(void **state)
{
    (void)state;
    static const uint32_t least = UINT32_MAX, most = 0;
    assert_int_equal(retry_delay_ms(1, -1, 500, most), 500);
    assert_in_range(retry_delay_ms(1, -1, 500, least), 250, 251);
    assert_int_equal(retry_delay_ms(2, -1, 500, most), 1000);
    assert_int_equal(retry_delay_ms(3, -1, 500, most), 2000);
    assert_int_equal(retry_delay_ms(40, -1, 500, most), RETRY_BACKOFF_MAX_MS);
}

static void the_server_is_never_asked_sooner_than_it_says(void **state)
{
    (void)state;
    assert_int_equal(retry_delay_ms(1, 5000, 500, 0), 5000);
    assert_in_range(retry_delay_ms(3, 5000, 500, UINT32_MAX), 5000, 5500);
    assert_int_equal(retry_delay_ms(1, 0, 500, 0), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(retry_after_is_seconds_or_a_date),
        cmocka_unit_test(pauses_double_and_are_jittered),
        cmocka_unit_test(the_server_is_never_asked_sooner_than_it_says),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
