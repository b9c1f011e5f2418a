// SPDX-License-Identifier: Apache-2.0
#include "imsfs/order.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>

#include <cmocka.h>

#define MOST 64

/* A list in the server's order, and where everybody in it stands. */
struct list {
    uint32_t names[MOST];
    uint64_t places[MOST];
    uint32_t count;
};

static uint32_t chance(uint32_t *seed, uint32_t below)
{
    *seed = *seed * 1664525u + 1013904223u;
    return (*seed >> 8) % below;
}

static void check_rising(const uint64_t *places, uint32_t count)
{
    for (uint32_t i = 0; i < count; i++) {
        assert_true(places[i] > 0 && places[i] < ORDER_END);
        if (i && places[i] <= places[i - 1])
            fail_msg("entry %u does not stand behind the one before it", i);
    }
}

static void settle(struct list *l)
{
    assert_int_equal(order_settle(l->places, l->count), 0);
    check_rising(l->places, l->count);
}

static void insert(struct list *l, uint32_t at, uint32_t name, uint64_t place)
{
    assert_true(l->count < MOST && at <= l->count);
    memmove(&l->names[at + 1], &l->names[at], (l->count - at) * sizeof(l->names[0]));
    memmove(&l->places[at + 1], &l->places[at], (l->count - at) * sizeof(l->places[0]));
    l->names[at] = name;
    l->places[at] = place;
    l->count++;
}

static void take_out(struct list *l, uint32_t at)
{
    l->count--;
    memmove(&l->names[at], &l->names[at + 1], (l->count - at) * sizeof(l->names[0]));
    memmove(&l->places[at], &l->places[at + 1], (l->count - at) * sizeof(l->places[0]));
}

static void a_first_list_stands_as_it_comes(void **state)
{
    (void)state;
    uint64_t places[5] = {0}, last = 0;
    assert_int_equal(order_settle(places, 5), 0);
    for (int i = 0; i < 5; i++) {
        last = order_next(last);
        assert_int_equal(places[i], last);
    }
    assert_int_equal(order_settle(places, 0), 0);
}

static void who_keeps_the_order_keeps_the_place(void **state)
{
    (void)state;
    static const struct {
        const char *before, *now, *kept;
    } rows[] = {
        {"abc", "abc", "abc"},       {"abc", "xabc", "abc"},   {"abc", "abcx", "abc"},
        {"abc", "axbc", "abc"},      {"abc", "ac", "ac"},      {"abcd", "bcda", "bcd"},
        {"abcd", "dabc", "abc"},     {"abcd", "acxbd", "a?d"}, {"abcdef", "defabc", "???"},
        {"abcdef", "fedcba", "?"},   {"abc", "xyz", ""},       {"abc", "", ""},
        {"abcde", "eabxcd", "abcd"},
    };
    for (size_t n = 0; n < ARRAY_SIZE(rows); n++) {
        uint64_t before[8] = {0}, places[8] = {0};
        uint32_t count = (uint32_t)strlen(rows[n].now);
        size_t kept = 0;
        assert_int_equal(order_settle(before, (uint32_t)strlen(rows[n].before)), 0);
        for (uint32_t i = 0; i < count; i++) {
            const char *was = strchr(rows[n].before, rows[n].now[i]);
            places[i] = was ? before[was - rows[n].before] : 0;
        }
        assert_int_equal(order_settle(places, count), 0);
        check_rising(places, count);
        for (uint32_t i = 0; i < count; i++) {
            const char *was = strchr(rows[n].before, rows[n].now[i]);
            bool keeps = was && places[i] == before[was - rows[n].before];
            kept += keeps;
            if (!keeps && strchr(rows[n].kept, rows[n].now[i]))
                fail_msg("%s -> %s: %c moved", rows[n].before, rows[n].now, rows[n].now[i]);
        }
        if (kept != strlen(rows[n].kept))
            fail_msg("%s -> %s: %zu kept", rows[n].before, rows[n].now, kept);
    }
}

/* Somebody who stopped behind an entry, and what he must still get. */
struct reader {
    uint64_t stopped;
    bool had[4096], behind[4096]; /* by name; false in both: it came or moved since */
};

static void stop(struct reader *r, const struct list *l, uint32_t at)
{
    *r = (struct reader){.stopped = l->places[at]};
    for (uint32_t i = 0; i < l->count; i++)
        *(i <= at ? &r->had[l->names[i]] : &r->behind[l->names[i]]) = true;
}

static void check_reader(const struct reader *r, const struct list *l)
{
    for (uint32_t i = 0; i < l->count; i++) {
        bool gets = l->places[i] > r->stopped;
        if (gets && r->had[l->names[i]])
            fail_msg("entry %u comes twice", l->names[i]);
        if (!gets && r->behind[l->names[i]])
            fail_msg("entry %u is missed", l->names[i]);
    }
}

static void forget(struct reader *r, uint32_t name)
{
    r->had[name] = r->behind[name] = false;
}

/* One entry comes, goes or moves by two and more (of two that change places nobody knows who did).
 * Returns its name. */
static uint32_t change(struct list *l, uint32_t *seed, uint32_t *names)
{
    uint32_t what = chance(seed, 4), at = chance(seed, l->count), name = l->names[at];
    if (what == 0 && l->count < MOST) {
        insert(l, chance(seed, l->count + 1), *names, 0);
        return (*names)++;
    }
    uint64_t place = l->places[at];
    if (what == 1 && l->count > 8) {
        take_out(l, at);
        return name;
    }
    uint32_t to = chance(seed, l->count);
    if (to + 1 < at || to > at + 1) {
        take_out(l, at);
        insert(l, to, name, place);
    }
    return name;
}

static void a_reader_gets_the_rest_of_any_later_list(void **state)
{
    (void)state;
    struct reader *r = malloc(sizeof(*r));
    assert_non_null(r);
    for (uint32_t round = 0; round < 400; round++) {
        uint32_t seed = round, names = 0;
        struct list l = {.count = 0};
        while (names < 20) {
            insert(&l, names, names, 0);
            names++;
        }
        settle(&l);
        for (uint32_t n = chance(&seed, 40); n > 0; n--) {
            change(&l, &seed, &names);
            settle(&l);
        }
        stop(r, &l, chance(&seed, l.count));
        for (uint32_t n = 0; n < 15; n++) {
            forget(r, change(&l, &seed, &names));
            settle(&l);
            check_reader(r, &l);
        }
    }
    free(r);
}

/* Entries that come between the same two need room there again and again. */
static void where_room_ends_few_move(void **state)
{
    (void)state;
    enum { COUNT = 2000 };
    static const bool behind[] = {false, true};
    for (size_t n = 0; n < ARRAY_SIZE(behind); n++) {
        CLEANUP(free_ptr) uint64_t *places = calloc(COUNT + 10, sizeof(*places));
        CLEANUP(free_ptr) uint64_t *before = calloc(COUNT + 10, sizeof(*before));
        uint32_t count = 10, moves = 0, at = 5;
        assert_true(places && before);
        assert_int_equal(order_settle(places, count), 0);
        for (uint32_t i = 0; i < COUNT; i++) {
            memmove(&places[at + 1], &places[at], (count - at) * sizeof(*places));
            places[at] = 0;
            count++;
            memcpy(before, places, count * sizeof(*places));
            assert_int_equal(order_settle(places, count), 0);
            check_rising(places, count);
            uint32_t moved = 0;
            for (uint32_t k = 0; k < count; k++)
                moved += before[k] && before[k] != places[k];
            moves += moved > 0;
            at += behind[n];
        }
        if (moves == 0 || moves > COUNT / 10)
            fail_msg("%u of %d times", moves, COUNT);
    }
}

static void there_is_room_at_both_ends(void **state)
{
    (void)state;
    uint64_t rows[][4] = {
        {0, 0, 1, 2},
        {ORDER_END - 2, ORDER_END - 1, 0, 0},
        {1, 0, 0, ORDER_END - 1},
        {0, 1, ORDER_END - 1, 0},
        {1, 0, 2, 3},
    };
    for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
        assert_int_equal(order_settle(rows[i], 4), 0);
        check_rising(rows[i], 4);
    }
    /* New images come first for years. */
    uint64_t places[2] = {0, order_next(0)}, first = places[1];
    for (uint32_t i = 0; i < 100000; i++) {
        places[0] = 0;
        assert_int_equal(order_settle(places, 2), 0);
        check_rising(places, 2);
        assert_int_equal(places[1], first);
        places[1] = first = places[0];
    }
}

static void the_largest_list_has_room(void **state)
{
    (void)state;
    CLEANUP(free_ptr) uint64_t *places = calloc(ORDER_MAX, sizeof(*places));
    assert_non_null(places);
    assert_int_equal(order_settle(places, ORDER_MAX), 0);
    check_rising(places, ORDER_MAX);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_first_list_stands_as_it_comes),
        cmocka_unit_test(who_keeps_the_order_keeps_the_place),
        cmocka_unit_test(a_reader_gets_the_rest_of_any_later_list),
        cmocka_unit_test(where_room_ends_few_move),
        cmocka_unit_test(there_is_room_at_both_ends),
        cmocka_unit_test(the_largest_list_has_room),
    };
    return cmocka_run_group_tests_name("order", tests, NULL, NULL);
}
