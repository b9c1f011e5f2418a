// SPDX-License-Identifier: Apache-2.0
#include "imsfs/shelf.h"

#include "lists.h"

#define READERS 3
#define IMAGES 300

#define A RECORD("a", "Debian", "active")
#define B RECORD("b", "Debian", "active")

struct fixture {
    struct lists lists;
    struct shelf shelf;
};

static int setup(void **state)
{
    static struct fixture f;
    lists_init(&f.lists, "status");
    shelf_init(&f.shelf, &f.lists.numbers, CATALOG_GROUPED);
    *state = &f;
    return 0;
}

static int teardown(void **state)
{
    struct fixture *f = *state;
    shelf_deinit(&f->shelf);
    lists_deinit(&f->lists);
    return 0;
}

static void add(struct fixture *f, const char *const *page, bool visible)
{
    size_t count;
    CLEANUP(free_ptr) struct image **images = lists_images(&f->lists, page, &count);
    bool seen = !visible;
    assert_true(shelf_add(&f->shelf, images, count, &seen) >= 0);
    assert_int_equal(seen, visible);
}

/* The number of images that readers see, -1: no list. */
static int visible_images(struct fixture *f, bool *complete)
{
    const struct catalog *c = shelf_open(&f->shelf, complete);
    int count = c ? (int)catalog_counts(c)->images : -1;
    shelf_close(&f->shelf);
    return count;
}

static void assert_shown(struct fixture *f, int images, bool complete)
{
    bool is_complete;
    assert_int_equal(visible_images(f, &is_complete), images);
    assert_int_equal(is_complete, complete);
}

static void publish(struct fixture *f)
{
    shelf_finish(&f->shelf, NULL);
    struct shelf_change change = shelf_show(&f->shelf, true);
    shelf_clear(&f->shelf, &change);
}

static void a_first_list_grows_in_sight(void **state)
{
    struct fixture *f = *state;
    assert_shown(f, -1, false);
    assert_false(shelf_has_next(&f->shelf));
    assert_int_equal(shelf_begin(&f->shelf), 0);
    assert_true(shelf_has_next(&f->shelf));
    assert_shown(f, 0, false);
    add(f, PAGE(A), true);
    assert_shown(f, 1, false);
    add(f, PAGE(B), true);
    shelf_finish(&f->shelf, NULL);
    assert_shown(f, 2, false);
    struct shelf_change change = shelf_show(&f->shelf, true);
    assert_null(change.before);
    assert_int_equal(catalog_counts(change.now)->images, 2);
    shelf_clear(&f->shelf, &change);
    assert_shown(f, 2, true);
    assert_false(shelf_has_next(&f->shelf));
}

/* As people see it, with a list or without. */
static struct timespec mtime(struct fixture *f)
{
    bool complete;
    const struct catalog *c = shelf_open(&f->shelf, &complete);
    struct timespec time = c ? catalog_dir(c, 0)->mtime : shelf_since(&f->shelf);
    shelf_close(&f->shelf);
    return time;
}

/* To list what is there without a list does not change it; to lose the list does. */
static void the_first_list_is_no_change(void **state)
{
    struct fixture *f = *state;
    struct timespec since = mtime(f), later;
    numbers_stamp(&f->lists.numbers);
    assert_int_equal(compare_times(mtime(f), since), 0);
    assert_int_equal(shelf_begin(&f->shelf), 0);
    add(f, PAGE(A), true);
    assert_int_equal(compare_times(mtime(f), since), 0);
    struct shelf_change change = shelf_abandon(&f->shelf);
    shelf_clear(&f->shelf, &change);
    later = mtime(f);
    assert_true(compare_times(later, since) > 0);
    assert_int_equal(shelf_begin(&f->shelf), 0);
    add(f, PAGE(B), true);
    add(f, PAGE(A), true);
    publish(f);
    assert_int_equal(compare_times(mtime(f), later), 0);
    change = shelf_empty(&f->shelf);
    shelf_change_free(&change);
    assert_true(compare_times(mtime(f), later) > 0);
}

/* A list that is out of sight because an entry came late is dated as when it is whole. */
static void no_mtime_goes_back(void **state)
{
    struct fixture *f = *state;
    assert_int_equal(shelf_begin(&f->shelf), 0);
    add(f, PAGE(A, B), true);
    publish(f);
    struct shelf_change change = shelf_empty(&f->shelf);
    shelf_change_free(&change);
    struct timespec since = mtime(f), out_of_sight;
    assert_int_equal(shelf_begin(&f->shelf), 0);
    add(f, PAGE(RECORD("b", "Debian", "queued")), true);
    assert_shown(f, -1, false);
    out_of_sight = mtime(f);
    assert_true(compare_times(out_of_sight, since) >= 0);
    publish(f);
    assert_true(compare_times(mtime(f), out_of_sight) >= 0);
}

static void a_later_list_replaces_the_old_one_at_once(void **state)
{
    struct fixture *f = *state;
    assert_int_equal(shelf_begin(&f->shelf), 0);
    add(f, PAGE(A), true);
    publish(f);
    assert_int_equal(shelf_begin(&f->shelf), 0);
    add(f, PAGE(A, B), false);
    assert_shown(f, 1, true);
    shelf_finish(&f->shelf, NULL);
    assert_shown(f, 1, true);
    struct shelf_change change = shelf_show(&f->shelf, true);
    assert_int_equal(catalog_counts(change.before)->images, 1);
    assert_int_equal(catalog_counts(change.now)->images, 2);
    assert_shown(f, 2, true);
    shelf_clear(&f->shelf, &change);
    assert_shown(f, 2, true);
}

static void an_unchanged_list_stays(void **state)
{
    struct fixture *f = *state;
    assert_int_equal(shelf_begin(&f->shelf), 0);
    add(f, PAGE(A), true);
    publish(f);
    assert_int_equal(shelf_begin(&f->shelf), 0);
    struct shelf_change change = shelf_show(&f->shelf, false);
    assert_ptr_equal(change.before, change.now);
    assert_non_null(change.now);
    shelf_clear(&f->shelf, &change);
    assert_shown(f, 1, true);
}

static void of_a_first_list_that_failed_nothing_stays(void **state)
{
    struct fixture *f = *state;
    assert_int_equal(shelf_begin(&f->shelf), 0);
    add(f, PAGE(A), true);
    struct shelf_change change = shelf_abandon(&f->shelf);
    assert_int_equal(catalog_counts(change.before)->images, 1);
    assert_int_equal(catalog_counts(change.now)->images, 0);
    assert_shown(f, -1, false);
    shelf_clear(&f->shelf, &change);
    assert_shown(f, -1, false);
    assert_int_equal(shelf_begin(&f->shelf), 0);
    add(f, PAGE(A), true);
    assert_shown(f, 1, false);
}

static int left(struct fixture *f)
{
    const struct catalog *c = shelf_open_left(&f->shelf);
    int images = c ? (int)catalog_counts(c)->images : -1;
    shelf_close(&f->shelf);
    return images;
}

static void abandon(struct fixture *f)
{
    struct shelf_change change = shelf_abandon(&f->shelf);
    shelf_clear(&f->shelf, &change);
}

/* Until the next one begins, somebody empties the shelf or takes it. */
static void of_a_first_list_that_failed_the_rest_can_be_read(void **state)
{
    struct fixture *f = *state;
    struct shelf_change (*const ends[])(struct shelf *) = {shelf_take_left, shelf_empty};
    for (size_t i = 0; i < ARRAY_SIZE(ends); i++) {
        assert_int_equal(shelf_begin(&f->shelf), 0);
        assert_int_equal(left(f), -1);
        add(f, PAGE(A, B), true);
        abandon(f);
        assert_int_equal(left(f), 2);
        assert_shown(f, -1, false);
        size_t bytes = shelf_bytes(&f->shelf);
        struct shelf_change change = ends[i](&f->shelf);
        assert_true(shelf_bytes(&f->shelf) < bytes);
        shelf_change_free(&change);
        assert_int_equal(left(f), -1);
    }
    for (int i = 0; i < 2; i++) {
        assert_int_equal(shelf_begin(&f->shelf), 0);
        assert_int_equal(left(f), -1);
        add(f, PAGE(A, B), true);
        abandon(f);
    }
    assert_int_equal(left(f), 2);
}

/* A reader of it could have missed an entry. */
static void what_was_not_shown_is_not_left(void **state)
{
    struct fixture *f = *state;
    assert_int_equal(shelf_begin(&f->shelf), 0);
    add(f, PAGE(A, B), true);
    abandon(f);
    assert_int_equal(shelf_begin(&f->shelf), 0);
    add(f, PAGE(B), true);
    assert_shown(f, -1, false);
    abandon(f);
    assert_int_equal(left(f), -1);
}

static void a_later_list_that_failed_leaves_the_old_one(void **state)
{
    struct fixture *f = *state;
    assert_int_equal(shelf_begin(&f->shelf), 0);
    add(f, PAGE(A), true);
    publish(f);
    assert_int_equal(shelf_begin(&f->shelf), 0);
    add(f, PAGE(B), false);
    struct shelf_change change = shelf_abandon(&f->shelf);
    assert_ptr_equal(change.before, change.now);
    shelf_clear(&f->shelf, &change);
    assert_shown(f, 1, true);
}

static void readers_keep_what_they_saw_when_it_starts_over(void **state)
{
    struct fixture *f = *state;
    assert_int_equal(shelf_begin(&f->shelf), 0);
    add(f, PAGE(A), true);
    shelf_start_over(&f->shelf);
    assert_shown(f, 1, false);
    add(f, PAGE(B, A), false);
    shelf_start_over(&f->shelf);
    add(f, PAGE(B), false);
    assert_shown(f, 1, false);
    shelf_finish(&f->shelf, NULL);
    struct shelf_change change = shelf_show(&f->shelf, true);
    assert_non_null(catalog_image(change.before, lists_slot(&f->lists, "a")));
    assert_null(catalog_image(change.now, lists_slot(&f->lists, "a")));
    assert_shown(f, 1, true);
    shelf_clear(&f->shelf, &change);
    assert_shown(f, 1, true);
}

static void one_that_started_over_may_fail(void **state)
{
    struct fixture *f = *state;
    assert_int_equal(shelf_begin(&f->shelf), 0);
    add(f, PAGE(A), true);
    shelf_start_over(&f->shelf);
    add(f, PAGE(B), false);
    struct shelf_change change = shelf_abandon(&f->shelf);
    assert_non_null(catalog_image(change.before, lists_slot(&f->lists, "a")));
    assert_int_equal(catalog_counts(change.now)->images, 0);
    shelf_clear(&f->shelf, &change);
    assert_shown(f, -1, false);
    assert_int_equal(shelf_begin(&f->shelf), 0);
    shelf_start_over(&f->shelf);
    /* Ends in the middle: everything is freed. */
}

/* A reader half-way through could miss an entry, so nobody begins to read. */
static void what_cannot_stream_is_not_shown(void **state)
{
    struct fixture *f = *state;
    assert_int_equal(shelf_begin(&f->shelf), 0);
    add(f, PAGE(A, B), true);
    struct shelf_change change = shelf_abandon(&f->shelf);
    shelf_clear(&f->shelf, &change);
    assert_int_equal(shelf_begin(&f->shelf), 0);
    size_t bytes = shelf_bytes(&f->shelf);
    add(f, PAGE(B), true); /* A may still come before it */
    assert_shown(f, -1, false);
    assert_true(shelf_bytes(&f->shelf) > bytes); /* it is here all the same */
    add(f, PAGE(A), true);
    assert_shown(f, 2, false);
    publish(f);
    assert_shown(f, 2, true);
}

/* --- What the kernel may still ask for --- */

/* Whether a version of the image is kept. */
static bool kept(struct fixture *f, const char *id, uint32_t version)
{
    bool complete;
    shelf_open(&f->shelf, &complete);
    bool has = attic_find(&f->shelf.attic, lists_slot(&f->lists, id), version) != NULL;
    shelf_close(&f->shelf);
    return has;
}

static void what_leaves_the_list_is_kept(void **state)
{
    struct fixture *f = *state;
    assert_int_equal(shelf_begin(&f->shelf), 0);
    add(f, PAGE(A, B), true);
    publish(f);
    assert_false(kept(f, "a", 0));
    assert_int_equal(shelf_begin(&f->shelf), 0);
    add(f, PAGE(RECORD("a", "Debian", "queued"), B), false);
    shelf_finish(&f->shelf, NULL);
    assert_false(kept(f, "a", 0)); /* it has not left yet */
    struct shelf_change change = shelf_show(&f->shelf, true);
    assert_true(kept(f, "a", 0));
    assert_false(kept(f, "b", 0));
    shelf_clear(&f->shelf, &change);
    shelf_clear_out(&f->shelf);
    assert_true(kept(f, "a", 0)); /* there is room */
    assert_int_equal(shelf_counts(&f->shelf).images, 2);
}

static void of_a_first_list_that_failed_too(void **state)
{
    struct fixture *f = *state;
    assert_int_equal(shelf_begin(&f->shelf), 0);
    add(f, PAGE(A), true);
    struct shelf_change change = shelf_abandon(&f->shelf);
    shelf_clear(&f->shelf, &change);
    assert_true(kept(f, "a", 0));
    assert_int_equal(shelf_counts(&f->shelf).images, 0);
    assert_int_equal(shelf_begin(&f->shelf), 0);
    add(f, PAGE(A), true);
    shelf_start_over(&f->shelf);
    add(f, PAGE(B), false);
    publish(f);
    assert_true(kept(f, "a", 0));
    assert_false(kept(f, "b", 0));
}

/* The next list is a first one again; its images are as they were. */
static void an_empty_shelf_is_as_new(void **state)
{
    struct fixture *f = *state;
    assert_int_equal(shelf_begin(&f->shelf), 0);
    add(f, PAGE(A), true);
    publish(f);
    assert_int_equal(shelf_begin(&f->shelf), 0);
    add(f, PAGE(RECORD("a", "Debian", "queued")), false);
    publish(f);
    assert_true(kept(f, "a", 0));
    struct shelf_change rest = shelf_empty(&f->shelf);
    assert_int_equal(catalog_version(rest.before, lists_slot(&f->lists, "a")), 1);
    shelf_change_free(&rest);
    assert_int_equal(shelf_bytes(&f->shelf), 0);
    assert_false(kept(f, "a", 0));
    assert_int_equal(shelf_begin(&f->shelf), 0);
    add(f, PAGE(RECORD("a", "Debian", "queued")), true);
    publish(f);
    assert_int_equal(catalog_version(f->shelf.current, lists_slot(&f->lists, "a")), 1);
}

static void the_next_list_weighs_before_it_is_seen(void **state)
{
    struct fixture *f = *state;
    assert_int_equal(shelf_begin(&f->shelf), 0);
    add(f, PAGE(A), true);
    assert_int_equal(shelf_next_bytes(&f->shelf), 0); /* readers see it, so it is counted */
    publish(f);
    size_t bytes = shelf_bytes(&f->shelf);
    assert_int_equal(shelf_begin(&f->shelf), 0);
    add(f, PAGE(A, B), false);
    assert_true(shelf_next_bytes(&f->shelf) > 0);
    assert_int_equal(shelf_bytes(&f->shelf), bytes);
    publish(f);
    assert_int_equal(shelf_next_bytes(&f->shelf), 0);
}

/* --- Threads --- */

struct reader {
    pthread_t thread;
    struct fixture *fixture;
    unsigned wrong;
};

/* Until the list is complete, it only grows. */
static void *read_all(void *ctx)
{
    struct reader *r = ctx;
    bool complete = false;
    int last = -1;
    while (!complete) {
        const struct catalog *c = shelf_open(&r->fixture->shelf, &complete);
        int count = c ? (int)catalog_counts(c)->images : -1;
        const struct directory *by_id = c ? catalog_dir(c, 1) : NULL;
        for (uint32_t i = 0; by_id && i < by_id->count; i++)
            if (!catalog_image(c, by_id->entries[i]))
                r->wrong++;
        if (count < last || (by_id && (int)by_id->count != count))
            r->wrong++;
        last = count;
        shelf_close(&r->fixture->shelf);
    }
    if (last != IMAGES)
        r->wrong++;
    return NULL;
}

static void readers_and_the_fetcher_meet(void **state)
{
    struct fixture *f = *state;
    struct reader readers[READERS];
    for (size_t i = 0; i < READERS; i++) {
        readers[i] = (struct reader){.fixture = f};
        assert_int_equal(pthread_create(&readers[i].thread, NULL, read_all, &readers[i]), 0);
    }
    assert_int_equal(shelf_begin(&f->shelf), 0);
    for (unsigned i = 0; i < IMAGES; i++) {
        CLEANUP(strbuf_free) struct strbuf json = STRBUF_INIT;
        strbuf_printf(&json, "{\"id\":\"%u\",\"status\":\"%u\"}", i, i % 7);
        add(f, PAGE(strbuf_str(&json)), true);
    }
    publish(f);
    for (size_t i = 0; i < READERS; i++) {
        pthread_join(readers[i].thread, NULL);
        assert_int_equal(readers[i].wrong, 0);
    }
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(a_first_list_grows_in_sight),
        TEST(the_first_list_is_no_change),
        TEST(no_mtime_goes_back),
        TEST(a_later_list_replaces_the_old_one_at_once),
        TEST(an_unchanged_list_stays),
        TEST(of_a_first_list_that_failed_nothing_stays),
        TEST(of_a_first_list_that_failed_the_rest_can_be_read),
        TEST(what_was_not_shown_is_not_left),
        TEST(a_later_list_that_failed_leaves_the_old_one),
        TEST(readers_keep_what_they_saw_when_it_starts_over),
        TEST(one_that_started_over_may_fail),
        TEST(what_cannot_stream_is_not_shown),
        TEST(what_leaves_the_list_is_kept),
        TEST(of_a_first_list_that_failed_too),
        TEST(an_empty_shelf_is_as_new),
        TEST(the_next_list_weighs_before_it_is_seen),
        TEST(readers_and_the_fetcher_meet),
    };
    return cmocka_run_group_tests_name("shelf", tests, NULL, NULL);
}
