// SPDX-License-Identifier: Apache-2.0
#include "imsfs/freshness.h"

#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

#define TTL 60000
#define STALE 86400000
#define BEGAN 1000000

/* A list whose listing ended at BEGAN and took no time. */
static struct freshness fresh(void)
{
    struct freshness f = {.ttl_ms = TTL, .stale_ms = STALE};
    freshness_succeeded(&f, BEGAN, BEGAN);
    return f;
}

static void assert_verdict(const struct freshness *f, bool any_age, int64_t at_ms,
                           enum freshness_answer answer, bool renew)
{
    struct freshness_verdict v = freshness_judge(f, any_age, at_ms);
    if (v.answer != answer || v.renew != renew)
        fail_msg("at %lld: answer %d, renew %d", (long long)at_ms, v.answer, v.renew);
    if (answer != FRESHNESS_LIST)
        assert_int_equal(v.lease_ms, 0);
}

static void a_slow_listing_is_valid_for_longer(void **state)
{
    (void)state;
    static const struct {
        int64_t took_ms, valid_ms;
    } rows[] = {{0, TTL}, {TTL / 2, TTL}, {TTL / 2 + 1, TTL + 2}, {10 * TTL, 20 * TTL}};
    for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
        struct freshness f = {.ttl_ms = TTL, .stale_ms = STALE};
        freshness_succeeded(&f, BEGAN, BEGAN + rows[i].took_ms);
        assert_int_equal(f.valid_ms, rows[i].valid_ms);
        assert_int_equal(f.list_end_ms, BEGAN + rows[i].took_ms);
    }
}

static void leases_end_at_three_quarters(void **state)
{
    (void)state;
    struct freshness f = fresh();
    assert_int_equal(freshness_lease(&f, BEGAN), 45000);
    assert_int_equal(freshness_lease(&f, BEGAN + 44999), 1);
    assert_int_equal(freshness_lease(&f, BEGAN + 45000), 0);
    assert_int_equal(freshness_lease(&f, BEGAN + 10 * TTL), 0);
    freshness_succeeded(&f, BEGAN, BEGAN + 100000);
    assert_int_equal(freshness_lease(&f, BEGAN + 100000), 150000);
    struct freshness none = {.ttl_ms = TTL};
    assert_int_equal(freshness_lease(&none, 0), 0);
}

static void the_last_quarter_is_answered_and_renews(void **state)
{
    (void)state;
    struct freshness f = fresh();
    assert_verdict(&f, false, BEGAN + 44999, FRESHNESS_LIST, false);
    assert_int_equal(freshness_judge(&f, false, BEGAN + 44999).lease_ms, 1);
    assert_verdict(&f, false, BEGAN + 45000, FRESHNESS_LIST, true);
    assert_int_equal(freshness_judge(&f, false, BEGAN + 45000).lease_ms, 0);
    assert_verdict(&f, false, BEGAN + TTL - 1, FRESHNESS_LIST, true);
    assert_verdict(&f, false, BEGAN + TTL, FRESHNESS_WAIT, true);
    assert_verdict(&f, false, BEGAN + 100 * TTL, FRESHNESS_WAIT, true);
}

static void what_was_looked_up_may_be_older(void **state)
{
    (void)state;
    struct freshness f = fresh();
    assert_verdict(&f, true, BEGAN + TTL, FRESHNESS_LIST, true);
    assert_verdict(&f, true, BEGAN + TTL + STALE - 1, FRESHNESS_LIST, true);
    assert_verdict(&f, true, BEGAN + TTL + STALE, FRESHNESS_WAIT, true);
}

static void retries_double_up_to_ttl(void **state)
{
    (void)state;
    static const int64_t pauses[] = {1000, 2000, 4000, 8000, 16000, 32000, TTL, TTL};
    struct freshness f = fresh();
    int64_t now = BEGAN + TTL;
    for (size_t i = 0; i < ARRAY_SIZE(pauses); i++) {
        freshness_failed(&f, now);
        assert_verdict(&f, false, now + pauses[i] - 1, FRESHNESS_LIST, false);
        /* Nobody waits for the next attempt either. */
        assert_verdict(&f, false, now + pauses[i], FRESHNESS_LIST, true);
        now += pauses[i];
    }
    for (int i = 0; i < 100; i++)
        freshness_failed(&f, now);
    assert_verdict(&f, false, now + TTL - 1, FRESHNESS_LIST, false);
    assert_verdict(&f, false, now + TTL, FRESHNESS_LIST, true);
    freshness_succeeded(&f, now, now);
    freshness_failed(&f, now + TTL);
    assert_verdict(&f, false, now + TTL + 1000, FRESHNESS_LIST, true);
}

static void a_short_ttl_bounds_the_first_retry(void **state)
{
    (void)state;
    struct freshness f = {.ttl_ms = 400, .stale_ms = STALE};
    freshness_succeeded(&f, BEGAN, BEGAN);
    freshness_failed(&f, BEGAN + 400);
    assert_verdict(&f, false, BEGAN + 799, FRESHNESS_LIST, false);
    assert_verdict(&f, false, BEGAN + 800, FRESHNESS_LIST, true);
}

static void after_a_pause_without_readers_one_waits(void **state)
{
    (void)state;
    struct freshness f = fresh();
    freshness_failed(&f, BEGAN + TTL);
    assert_verdict(&f, false, BEGAN + 60 * TTL, FRESHNESS_WAIT, true);
    assert_verdict(&f, true, BEGAN + 60 * TTL, FRESHNESS_LIST, true);
}

static void a_list_that_is_too_old_is_an_error(void **state)
{
    (void)state;
    struct freshness f = {.ttl_ms = TTL, .stale_ms = 5000};
    freshness_succeeded(&f, BEGAN, BEGAN);
    for (int i = 0; i < 4; i++)
        freshness_failed(&f, BEGAN + TTL); /* tried again 8 s later */
    assert_verdict(&f, false, BEGAN + TTL + 4999, FRESHNESS_LIST, false);
    assert_verdict(&f, false, BEGAN + TTL + 5000, FRESHNESS_ERROR, false);
    assert_verdict(&f, true, BEGAN + TTL + 5000, FRESHNESS_ERROR, false);
    assert_verdict(&f, false, BEGAN + TTL + 8000, FRESHNESS_WAIT, true);
}

static void without_a_list_the_first_failure_is_forgiven(void **state)
{
    (void)state;
    struct freshness f = {.ttl_ms = TTL, .stale_ms = STALE};
    assert_verdict(&f, false, BEGAN, FRESHNESS_WAIT, true);
    assert_verdict(&f, true, BEGAN, FRESHNESS_WAIT, true);
    freshness_failed(&f, BEGAN);
    assert_verdict(&f, false, BEGAN, FRESHNESS_WAIT, true);
    freshness_failed(&f, BEGAN);
    assert_verdict(&f, false, BEGAN, FRESHNESS_ERROR, false);
    assert_verdict(&f, false, BEGAN + 1999, FRESHNESS_ERROR, false);
    assert_verdict(&f, false, BEGAN + 2000, FRESHNESS_WAIT, true);
    freshness_failed(&f, BEGAN + 2000);
    assert_verdict(&f, false, BEGAN + 5999, FRESHNESS_ERROR, false);
}

static void nobody_waits_for_a_retry_however_long_it_takes(void **state)
{
    (void)state;
    struct freshness f = fresh();
    freshness_failed(&f, BEGAN + TTL);
    freshness_began(&f, f.retry_ms);
    assert_verdict(&f, false, f.retry_ms + 10 * TTL, FRESHNESS_LIST, true);
    freshness_failed(&f, f.retry_ms + 10 * TTL);
    freshness_began(&f, f.retry_ms + TTL); /* so late that readers had gone */
    assert_verdict(&f, false, f.retry_ms + TTL, FRESHNESS_WAIT, true);
}

static void what_expired_is_not_shown_and_not_a_failure(void **state)
{
    (void)state;
    struct freshness f = fresh();
    freshness_expire(&f);
    assert_int_equal(freshness_lease(&f, f.list_end_ms), 0);
    assert_verdict(&f, false, f.list_end_ms, FRESHNESS_WAIT, true);
    assert_verdict(&f, true, f.list_end_ms, FRESHNESS_LIST, true);
    freshness_succeeded(&f, f.list_end_ms, f.list_end_ms);
    assert_int_equal(f.valid_ms, TTL);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(nobody_waits_for_a_retry_however_long_it_takes),
        cmocka_unit_test(a_slow_listing_is_valid_for_longer),
        cmocka_unit_test(leases_end_at_three_quarters),
        cmocka_unit_test(the_last_quarter_is_answered_and_renews),
        cmocka_unit_test(what_was_looked_up_may_be_older),
        cmocka_unit_test(retries_double_up_to_ttl),
        cmocka_unit_test(a_short_ttl_bounds_the_first_retry),
        cmocka_unit_test(after_a_pause_without_readers_one_waits),
        cmocka_unit_test(a_list_that_is_too_old_is_an_error),
        cmocka_unit_test(what_expired_is_not_shown_and_not_a_failure),
        cmocka_unit_test(without_a_list_the_first_failure_is_forgiven),
    };
    return cmocka_run_group_tests_name("freshness", tests, NULL, NULL);
}
