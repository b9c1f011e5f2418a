// SPDX-License-Identifier: Apache-2.0
#include "imsfs/roster.h"

#include <errno.h>
#include <stdio.h>

#include "lists.h"

#define A RECORD("a", "Debian", "active")

struct fixture {
    struct lists lists;
    struct roster roster;
    unsigned woken, emptied, evicted;
    uint32_t last_evicted, last_tenure;
    int last_images; /* -1: no catalog */
};

static void on_woken(void *ctx, uint32_t list, unsigned events, int error)
{
    struct fixture *f = ctx;
    (void)list;
    (void)events;
    (void)error;
    f->woken++;
}

static void on_emptied(void *ctx, uint32_t list, uint32_t tenure, const struct catalog *last,
                       bool gone)
{
    struct fixture *f = ctx;
    f->emptied += !gone;
    f->evicted += gone;
    f->last_evicted = list;
    f->last_tenure = tenure;
    f->last_images = last ? (int)catalog_counts(last)->images : -1;
}

static int setup(void **state)
{
    static struct fixture f;
    memset(&f, 0, sizeof(f));
    lists_init(&f.lists, "status");
    const struct roster_config config = {
        .list = {.numbers = &f.lists.numbers, .ttl_ms = 60000, .stale_ms = 600000},
        .listener = {NULL, on_woken, on_emptied, &f},
    };
    assert_int_equal(roster_init(&f.roster, &config), 0);
    *state = &f;
    return 0;
}

static int teardown(void **state)
{
    struct fixture *f = *state;
    roster_deinit(&f->roster);
    lists_deinit(&f->lists);
    return 0;
}

static int try_text(struct fixture *f, const char *text, bool pinned, uint32_t *number,
                    uint32_t *tenure)
{
    struct query *q;
    struct query_error why;
    assert_int_equal(query_parse(&q, bytes_of(text), QUERY_DIALECT_UNKNOWN, &why), 0);
    int r = roster_open(&f->roster, (struct list_query){.query = q}, pinned, number, tenure);
    if (r == 0)
        roster_let_go(&f->roster, *number);
    return r;
}

static uint32_t open_text(struct fixture *f, const char *text)
{
    uint32_t number, tenure;
    assert_int_equal(try_text(f, text, false, &number, &tenure), 0);
    return number;
}

static uint32_t open_number(struct fixture *f, unsigned name)
{
    char text[32];
    snprintf(text, sizeof(text), "name=%u", name);
    return open_text(f, text);
}

static void spellings_share_a_list(void **state)
{
    struct fixture *f = *state;
    uint32_t list = open_text(f, "tag=a&name=x%2Fy&tag=b");
    assert_int_equal(list, 1);
    assert_int_equal(open_text(f, "tag=b&tag=a&name=x/y"), list);
    assert_int_equal(open_text(f, "tag=b&name=x/y"), 2);
    assert_int_equal(open_text(f, ""), 3);
    assert_int_equal(open_text(f, ""), 3);
    assert_int_equal(f->evicted, 0);
    assert_null(roster_at(&f->roster, 4));
    assert_null(roster_at(&f->roster, UINT32_MAX));
    assert_non_null(roster_at(&f->roster, 0));
}

/* When numbers run out, the list goes that nobody has used for the longest time. */
static void the_least_recently_used_makes_room(void **state)
{
    struct fixture *f = *state;
    uint32_t number, tenure;
    for (unsigned i = 1; i < ROSTER_NUMBERS; i++)
        assert_int_equal(open_number(f, i), i);
    assert_int_equal(open_number(f, 1), 1);
    assert_int_equal(try_text(f, "name=2", true, &number, &tenure), 0);
    assert_int_equal(tenure, 1);
    struct list *three = roster_at(&f->roster, 3), *four = roster_at(&f->roster, 4);
    three->wanted = four->busy = true;
    roster_at(&f->roster, 5)->holds = 1;
    roster_at(&f->roster, 6)->generation = 1; /* the kernel is being told */
    uint64_t event = roster_at(&f->roster, 7)->event;
    assert_int_equal(try_text(f, "name=fresh", false, &number, &tenure), 0);
    assert_int_equal(number, 7);
    assert_int_equal(tenure, 2);
    assert_true(roster_at(&f->roster, 7)->event > event);
    assert_int_equal(f->evicted, 1);
    assert_int_equal(f->last_evicted, 7);
    assert_int_equal(f->last_tenure, 1);
    assert_int_equal(open_number(f, 7), 8); /* it has become another's */
    assert_int_equal(open_number(f, 1), 1);
    assert_int_equal(open_number(f, 2), 2);
}

static void when_all_are_at_work_there_is_no_room(void **state)
{
    struct fixture *f = *state;
    uint32_t number, tenure;
    for (unsigned i = 1; i < ROSTER_NUMBERS; i++)
        roster_at(&f->roster, open_number(f, i))->wanted = true;
    assert_int_equal(try_text(f, "name=fresh", false, &number, &tenure), -EBUSY);
    assert_int_equal(open_number(f, 1), 1);
    roster_at(&f->roster, 9)->wanted = false;
    assert_int_equal(try_text(f, "name=fresh", false, &number, &tenure), 0);
    assert_int_equal(number, 9);
}

/* Gives a list something to hold. */
static void fill(struct fixture *f, uint32_t number)
{
    struct list *l = roster_at(&f->roster, number);
    size_t count;
    bool visible;
    CLEANUP(free_ptr) struct image **images = lists_images(&f->lists, PAGE(A), &count);
    assert_int_equal(shelf_begin(&l->shelf), 0);
    assert_true(shelf_add(&l->shelf, images, count, &visible) >= 0);
    shelf_finish(&l->shelf, NULL);
    struct shelf_change change = shelf_show(&l->shelf, true);
    shelf_clear(&l->shelf, &change);
    l->freshness.have_list = true;
    roster_weigh(&f->roster, l, 0);
}

/* How many lists hold something. */
static unsigned count_full(const struct fixture *f)
{
    unsigned count = 0;
    for (uint32_t i = 1; i < ROSTER_NUMBERS; i++) {
        struct list *l = roster_at(&f->roster, i);
        count += l && shelf_counts(&l->shelf).images > 0;
    }
    return count;
}

static bool holds(const struct fixture *f, uint32_t number)
{
    return shelf_counts(&roster_at(&f->roster, number)->shelf).images > 0;
}

static void what_holds_too_much_is_emptied(void **state)
{
    struct fixture *f = *state;
    fill(f, 0);
    assert_int_equal(f->roster.bytes, 0); /* list 0 does not count */
    for (unsigned i = 1; i <= 10; i++) {
        fill(f, open_number(f, i));
        roster_look(&f->roster, roster_at(&f->roster, i));
    }
    size_t base = f->roster.base_bytes / 10, each = f->roster.bytes / 10 - base;
    assert_int_equal(count_full(f), 10);
    uint64_t changes = f->roster.changes;
    open_number(f, 1);
    roster_at(&f->roster, 2)->pinned = true;
    f->roster.bytes_max = (3 * each + each / 2) / 3 * 4; /* a quarter is the lists' own */
    roster_make_room(&f->roster);
    assert_int_equal(count_full(f), 3);
    assert_true(holds(f, 1) && holds(f, 9) && holds(f, 10));
    assert_int_equal(f->roster.changes, changes + 7);
    assert_int_equal(f->emptied, 7);
    assert_int_equal(f->last_evicted, 8);
    assert_int_equal(f->last_images, 1);
    assert_int_equal(f->roster.bytes, 3 * each + 10 * base);
    f->roster.bytes_max = 1; /* somebody is about to read the last one */
    roster_make_room(&f->roster);
    assert_int_equal(count_full(f), 1);
    assert_true(holds(f, 1));
    for (uint32_t i = 1; i <= 10; i++) {
        assert_int_equal(open_number(f, i), i); /* all are there as they were */
        assert_int_equal(roster_at(&f->roster, i)->tenure, 1);
    }
    assert_int_equal(f->evicted, 0);
    assert_int_equal(f->roster.bytes, 10 * base);
}

/* What the lists themselves need is taken from what they may hold, but not all of that. */
static void many_empty_lists_leave_some_room(void **state)
{
    struct fixture *f = *state;
    for (unsigned i = 1; i <= 200; i++)
        open_number(f, i);
    f->roster.bytes_max = f->roster.base_bytes;
    fill(f, open_number(f, 1));
    fill(f, open_number(f, 2));
    roster_make_room(&f->roster);
    assert_int_equal(count_full(f), 2);
}

/* Who is at work on a list keeps what it holds. */
static void what_somebody_is_at_is_not_emptied(void **state)
{
    struct fixture *f = *state;
    uint32_t number, tenure;
    for (unsigned i = 1; i <= 5; i++)
        fill(f, open_number(f, i));
    assert_int_equal(try_text(f, "name=1", false, &number, &tenure), 0);
    assert_int_equal(roster_hold(&f->roster, 2, tenure + 1), -ESTALE);
    assert_int_equal(roster_hold(&f->roster, 77, 1), -ESTALE);
    assert_int_equal(roster_hold(&f->roster, 2, tenure), 0);
    roster_at(&f->roster, 3)->busy = true;
    roster_at(&f->roster, 4)->generation = 1;
    open_number(f, 5);
    f->roster.bytes_max = 1;
    roster_make_room(&f->roster);
    assert_int_equal(count_full(f), 4);
    assert_false(holds(f, 1));
    roster_let_go(&f->roster, 2);
    roster_make_room(&f->roster);
    assert_false(holds(f, 2));
}

/* Somebody looks up all that he can think of. */
static void who_only_looks_up_takes_nothing_away(void **state)
{
    struct fixture *f = *state;
    enum { READ = 1000 };
    for (unsigned i = 1; i <= READ; i++)
        roster_at(&f->roster, open_number(f, i))->listed = true;
    for (unsigned i = 0; i < 3 * ROSTER_NUMBERS; i++)
        open_number(f, 10000 + i);
    for (unsigned i = 1; i <= READ; i++)
        assert_int_equal(open_number(f, i), i);
    /* And who looks one up among many who read has it for a while. */
    for (unsigned i = READ + 1; i < 2 * ROSTER_NUMBERS; i++)
        roster_at(&f->roster, open_number(f, i))->listed = true;
    uint32_t number = open_number(f, 77777);
    for (unsigned i = 0; i < ROSTER_NUMBERS / 2 - 1; i++)
        open_number(f, 20000 + i);
    assert_int_equal(open_number(f, 77777), number);
}

static void an_unpinned_list_may_go(void **state)
{
    struct fixture *f = *state;
    uint32_t number, tenure;
    assert_int_equal(try_text(f, "name=1", true, &number, &tenure), 0);
    for (unsigned i = 2; i <= ROSTER_NUMBERS; i++)
        open_number(f, i);
    assert_int_equal(open_number(f, 1), number);
    roster_unpin(&f->roster, number, tenure + 1);
    assert_true(roster_at(&f->roster, number)->pinned);
    roster_unpin(&f->roster, number, tenure);
    for (unsigned i = 2; i <= 2 * ROSTER_NUMBERS; i++)
        open_number(f, i);
    assert_int_not_equal(roster_at(&f->roster, number)->tenure, tenure);
}

static void a_list_that_is_gone_can_still_be_told(void **state)
{
    struct fixture *f = *state;
    uint64_t event = f->roster.events;
    roster_tell(&f->roster, 17, LIST_EVENT_DATA, 0);
    assert_int_equal(f->woken, 1);
    assert_int_equal(f->roster.events, event);
    roster_tell(&f->roster, 0, LIST_EVENT_DATA, 0);
    assert_int_equal(f->roster.events, event + 1);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(spellings_share_a_list),
        TEST(the_least_recently_used_makes_room),
        TEST(when_all_are_at_work_there_is_no_room),
        TEST(what_holds_too_much_is_emptied),
        TEST(many_empty_lists_leave_some_room),
        TEST(what_somebody_is_at_is_not_emptied),
        TEST(who_only_looks_up_takes_nothing_away),
        TEST(an_unpinned_list_may_go),
        TEST(a_list_that_is_gone_can_still_be_told),
    };
    return cmocka_run_group_tests_name("roster", tests, NULL, NULL);
}
