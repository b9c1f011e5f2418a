// SPDX-License-Identifier: Apache-2.0
#include "imsfs/roster.h"

#include <errno.h>
#include <stdio.h>

#include "lists.h"

#define A RECORD("a", "Debian", "active")

struct fixture {
    struct lists lists;
    struct roster roster;
    unsigned woken, evicted;
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

static void on_evicted(void *ctx, uint32_t list, uint32_t tenure, const struct catalog *last)
{
    struct fixture *f = ctx;
    f->evicted++;
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
        .listener = {NULL, on_woken, on_evicted, &f},
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
    return roster_open(&f->roster, (struct list_query){.query = q}, pinned, number, tenure);
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
    assert_int_equal(f->last_images, -1);
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
    roster_weigh(&f->roster, l);
}

static void what_holds_too_much_goes(void **state)
{
    struct fixture *f = *state;
    size_t before = f->roster.bytes;
    fill(f, 0);
    assert_int_equal(f->roster.bytes, before); /* list 0 does not count */
    for (unsigned i = 1; i <= 10; i++)
        fill(f, open_number(f, i));
    size_t each = f->roster.bytes / 10;
    assert_true(each > sizeof(struct list));
    open_number(f, 1);
    f->roster.bytes_max = 3 * each + each / 2;
    roster_make_room(&f->roster);
    assert_int_equal(f->evicted, 7);
    assert_int_equal(f->last_evicted, 8);
    assert_int_equal(f->last_images, 1);
    assert_non_null(roster_at(&f->roster, 1));
    assert_non_null(roster_at(&f->roster, 9));
    f->roster.bytes_max = 1; /* somebody is about to read the last one */
    roster_make_room(&f->roster);
    assert_non_null(roster_at(&f->roster, 1));
    assert_null(roster_at(&f->roster, 10));
    assert_int_equal(f->evicted, 9);
    assert_int_equal(open_number(f, 20), 11); /* numbers rest for as long as possible */
    assert_null(roster_at(&f->roster, 1));
    assert_int_equal(f->roster.bytes, roster_at(&f->roster, 11)->bytes);
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
        TEST(what_holds_too_much_goes),
        TEST(a_list_that_is_gone_can_still_be_told),
    };
    return cmocka_run_group_tests_name("roster", tests, NULL, NULL);
}
