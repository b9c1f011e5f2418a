// SPDX-License-Identifier: Apache-2.0
#include "lists.h"

#define A RECORD("a", "Debian", "active")
#define B RECORD("b", "Debian", "active")
#define C RECORD("c", "Fedora", "queued")

static struct catalog *growing(struct lists *l)
{
    struct catalog *c;
    assert_int_equal(catalog_new(&c, &l->numbers, CATALOG_GROUPED, NULL, true), 0);
    return c;
}

/* The directory's images are exactly these, a string of one-letter ids in the order of slots. */
static void assert_images(struct lists *l, const struct catalog *c, const char *path,
                          const char *ids)
{
    const struct directory *d = lists_dir(l, c, path);
    if (!d)
        fail_msg("%s is not there", path);
    assert_true(d->leaf);
    if (d->count != strlen(ids))
        fail_msg("%s has %u entries, not %s", path, d->count, ids);
    for (uint32_t i = 0; i < d->count; i++) {
        struct bytes id = image_id(catalog_image(c, d->entries[i]));
        if (!bytes_equal(id, (struct bytes){&ids[i], 1}))
            fail_msg("%s: entry %u is %.*s", path, i, (int)id.len, id.data);
    }
}

static void images_are_in_their_groups(void **state)
{
    struct lists *l = *state;
    struct catalog *c = lists_catalog(l, NULL, PAGE(A, B, C));
    assert_int_equal(catalog_counts(c)->images, 3);
    assert_images(l, c, "images/active", "ab");
    assert_images(l, c, "images/queued", "c");
    assert_images(l, c, "by-id", "abc");
    assert_images(l, c, "by-name/Debian", "ab");
    assert_images(l, c, "by-name/Fedora", "c");
    assert_images(l, c, "by-status/active", "ab");
    assert_images(l, c, "by-platform/none", "abc");
    assert_images(l, c, "by-tags/none", "abc");
    assert_null(lists_dir(l, c, "by-name/none"));
    const struct directory *home = catalog_dir(c, catalog_home(c, lists_slot(l, "c")));
    assert_ptr_equal(home, lists_dir(l, c, "images/queued"));
    assert_int_equal(home->parent, lists_dir(l, c, "images")->slot);
    assert_int_equal(lists_dir(l, c, "images")->parent, DIRECTORY_ROOT);
    assert_int_equal(lists_dir(l, c, "images")->count, 2);
    catalog_free(c);
}

static void arrays_put_an_image_under_each_element_once(void **state)
{
    struct lists *l = *state;
    struct catalog *c =
        lists_catalog(l, NULL,
                      PAGE("{\"id\":\"a\",\"tags\":[\"x\",\"y\",\"x\",\"\"]}",
                           "{\"id\":\"b\",\"tags\":[]}", "{\"id\":\"c\",\"tags\":\"x\"}"));
    assert_images(l, c, "by-tags/x", "ac");
    assert_images(l, c, "by-tags/y", "a");
    assert_images(l, c, "by-tags/none", "ab");
    assert_images(l, c, "images/none", "abc");
    assert_images(l, c, "by-name/none", "abc");
    assert_int_equal(catalog_counts(c)->names_equal, 0);
    catalog_free(c);
}

static void of_two_records_with_one_id_the_first_wins(void **state)
{
    struct lists *l = *state;
    struct catalog *c = growing(l);
    assert_int_equal(lists_add(l, c, PAGE(A, RECORD("a", "other", "queued"), B)), 2);
    assert_int_equal(lists_add(l, c, PAGE(A, B)), 0);
    assert_int_equal(lists_add(l, c, PAGE(B, C)), 1);
    assert_int_equal(lists_add(l, c, PAGE(NULL)), 0);
    catalog_finish(c);
    assert_int_equal(catalog_counts(c)->images, 3);
    assert_int_equal(catalog_counts(c)->duplicates, 4);
    assert_images(l, c, "by-id", "abc");
    assert_images(l, c, "by-name/Debian", "ab");
    assert_null(lists_dir(l, c, "by-name/other"));
    catalog_free(c);
}

static void slots_stay_in_later_lists(void **state)
{
    struct lists *l = *state;
    struct catalog *first = lists_catalog(l, NULL, PAGE(A, B, C));
    uint32_t a = lists_slot(l, "a"), c = lists_slot(l, "c");
    uint32_t active = lists_dir(l, first, "images/active")->slot;
    struct catalog *without = lists_catalog(l, first, PAGE(C));
    assert_null(catalog_image(without, a));
    assert_null(catalog_dir(without, active));
    assert_non_null(catalog_image(without, c));
    struct catalog *again = lists_catalog(l, without, PAGE(RECORD("d", "new", "active"), C, B, A));
    assert_int_equal(lists_slot(l, "a"), a);
    assert_int_equal(lists_slot(l, "c"), c);
    assert_int_equal(lists_dir(l, again, "images/active")->slot, active);
    assert_images(l, again, "images/active", "abd");
    assert_images(l, again, "by-id", "abcd");
    assert_images(l, again, "by-name/Debian", "ab");
    catalog_free(again);
    catalog_free(without);
    catalog_free(first);
}

static void an_image_that_did_not_change_is_shared(void **state)
{
    struct lists *l = *state;
    struct catalog *before = lists_catalog(l, NULL, PAGE(A, B));
    struct catalog *now = lists_catalog(l, before, PAGE(RECORD("b", "Debian", "queued"), A, C));
    uint32_t a = lists_slot(l, "a"), b = lists_slot(l, "b");
    const struct image *shared = catalog_image(before, a);
    assert_ptr_equal(catalog_image(now, a), shared);
    assert_ptr_not_equal(catalog_image(now, b), catalog_image(before, b));
    catalog_free(before);
    assert_true(bytes_are(image_json(shared), A)); /* it lives on */
    catalog_free(now);
}

static struct timespec mtime(struct lists *l, const struct catalog *c, const char *path)
{
    const struct directory *d = lists_dir(l, c, path);
    if (!d)
        fail_msg("%s is not there", path);
    return d->mtime;
}

/* 1: the directory's mtime rose; 0: it is the same; -1: it went back. */
static int rose(struct lists *l, const struct catalog *before, const struct catalog *now,
                const char *path)
{
    return compare_times(mtime(l, now, path), mtime(l, before, path));
}

static const char *const paths[] = {
    "images",           "images/active",    "images/queued", "by-id",
    "by-name",          "by-name/Debian",   "by-status",     "by-status/active",
    "by-tags",          "by-tags/none",     "by-platform",   "by-imagetype",
    "by-platform/none", "by-status/queued",
};

static void assert_none_rose(struct lists *l, const struct catalog *before,
                             const struct catalog *now)
{
    for (size_t i = 0; i < ARRAY_SIZE(paths); i++)
        if (rose(l, before, now, paths[i]) != 0)
            fail_msg("the mtime of %s changed", paths[i]);
}

static void mtimes_stay_while_the_names_do(void **state)
{
    struct lists *l = *state;
    struct catalog *first = lists_catalog(l, NULL, PAGE(A, B, C));
    struct catalog *same = lists_catalog(l, first, PAGE(C, A, B));
    assert_none_rose(l, first, same);
    struct catalog *values =
        lists_catalog(l, same,
                      PAGE("{\"id\":\"a\",\"name\":\"Debian\",\"status\":\"active\",\"x\":1,"
                           "\"updated_at\":\"2026-01-01T00:00:00Z\"}",
                           B, C));
    assert_none_rose(l, first, values);
    catalog_free(values);
    catalog_free(same);
    catalog_free(first);
}

static void mtimes_rise_where_names_changed(void **state)
{
    struct lists *l = *state;
    const struct {
        const char *const *page;
        const char *risen; /* one character for each of paths */
    } rows[] = {
        /* a is queued: it moves, no directory comes or goes */
        {PAGE(RECORD("a", "Debian", "queued"), B, C), "01100001000001"},
        /* a is called otherwise: its links too, and by-name has one more, Debian one less */
        {PAGE(RECORD("a", "x", "active"), B, C), "01001101010010"},
        {PAGE(B, C), "01010101010010"},
        {PAGE(A, B, C, RECORD("d", "Debian", "new")), "10010110010010"},
    };
    for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
        struct catalog *before = lists_catalog(l, NULL, PAGE(A, B, C));
        struct catalog *now = lists_catalog(l, before, rows[i].page);
        for (size_t p = 0; p < ARRAY_SIZE(paths); p++)
            if (rose(l, before, now, paths[p]) != rows[i].risen[p] - '0')
                fail_msg("row %zu: mtime of %s: %d", i, paths[p], rose(l, before, now, paths[p]));
        catalog_free(now);
        catalog_free(before);
    }
}

static void a_directory_that_returns_is_newer(void **state)
{
    struct lists *l = *state;
    struct catalog *first = lists_catalog(l, NULL, PAGE(A, B, C));
    struct catalog *without = lists_catalog(l, first, PAGE(A, B));
    struct catalog *again = lists_catalog(l, without, PAGE(A, B, C));
    assert_int_equal(rose(l, first, again, "images/queued"), 1);
    assert_int_equal(rose(l, without, again, "images"), 1);
    catalog_free(again);
    catalog_free(without);
    catalog_free(first);
}

static void empty_lists_are_lists(void **state)
{
    struct lists *l = *state;
    struct catalog *first = lists_catalog(l, NULL, PAGE(NULL));
    assert_int_equal(catalog_counts(first)->images, 0);
    assert_int_equal(lists_dir(l, first, "by-id")->count, 0);
    struct catalog *same = lists_catalog(l, first, PAGE(NULL));
    assert_int_equal(rose(l, first, same, "images"), 0);
    struct catalog *more = lists_catalog(l, same, PAGE(A));
    assert_int_equal(rose(l, same, more, "images"), 1);
    struct catalog *less = lists_catalog(l, more, PAGE(NULL));
    assert_int_equal(rose(l, more, less, "images"), 1);
    catalog_free(less);
    catalog_free(more);
    catalog_free(same);
    catalog_free(first);
    catalog_free(NULL);
}

static void a_growing_list_is_seen_page_by_page(void **state)
{
    struct lists *l = *state;
    struct catalog *c = growing(l);
    assert_int_equal(lists_add(l, c, PAGE(A)), 1);
    assert_images(l, c, "images/active", "a");
    struct timespec images = mtime(l, c, "images"), active = mtime(l, c, "images/active");
    struct timespec by_id = mtime(l, c, "by-id");
    assert_int_equal(lists_add(l, c, PAGE(B)), 1);
    assert_images(l, c, "images/active", "ab");
    assert_int_equal(compare_times(mtime(l, c, "images"), images), 0);
    assert_int_equal(compare_times(mtime(l, c, "images/active"), active), 1);
    assert_int_equal(compare_times(mtime(l, c, "by-id"), by_id), 1);
    active = mtime(l, c, "images/active");
    assert_int_equal(lists_add(l, c, PAGE(C)), 1);
    assert_int_equal(compare_times(mtime(l, c, "images"), images), 1);
    catalog_finish(c);
    assert_int_equal(compare_times(mtime(l, c, "images/active"), active), 0);
    assert_true(catalog_streamable(c));
    catalog_free(c);
}

static struct catalog *flat(struct lists *l, const struct catalog *previous,
                            const char *const *page)
{
    struct catalog *c;
    assert_int_equal(catalog_new(&c, &l->numbers, CATALOG_FLAT, previous, false), 0);
    assert_true(lists_add(l, c, page) >= 0);
    catalog_finish(c);
    return c;
}

static void what_may_still_come_before_others_is_waited_for(void **state)
{
    struct lists *l = *state;
    struct catalog *failed = growing(l);
    assert_int_equal(lists_add(l, failed, PAGE(A, B)), 2);
    catalog_free(failed);
    struct catalog *c = growing(l);
    assert_int_equal(lists_add(l, c, PAGE(B)), 1);
    assert_false(catalog_streamable(c));
    assert_int_equal(lists_add(l, c, PAGE(A, C)), 2);
    assert_true(catalog_streamable(c));
    /* A query has found x; images that come after it sort behind it. */
    struct catalog *query = flat(l, NULL, PAGE(RECORD("x", "Debian", "active")));
    assert_int_equal(lists_add(l, c, PAGE(RECORD("d", "Debian", "active"))), 1);
    assert_false(catalog_streamable(c));
    catalog_free(query);
    catalog_finish(c);
    assert_images(l, c, "images/active", "abd");
    assert_images(l, c, "by-id", "abcd");
    catalog_free(c);
}

/* The first listing started over, or failed and was begun again. */
static void no_mtime_is_older_in_a_list_that_starts_over(void **state)
{
    struct lists *l = *state;
    struct catalog *seen = growing(l);
    assert_int_equal(lists_add(l, seen, PAGE(A, B)), 2);
    struct catalog *again = lists_catalog(l, NULL, PAGE(NULL));
    for (uint32_t i = 0; i < l->layout->view_count; i++)
        if (rose(l, seen, again, l->layout->views[i].name) <= 0)
            fail_msg("the mtime of %s did not rise", l->layout->views[i].name);
    catalog_free(again);
    catalog_free(seen);
}

static void a_full_table_of_ids_costs_images(void **state)
{
    struct lists *l = *state;
    ids_free(l->numbers.ids);
    assert_int_equal(ids_new(&l->numbers.ids, 2), 0);
    struct catalog *first = lists_catalog(l, NULL, PAGE(A, B, C));
    assert_int_equal(catalog_counts(first)->images, 2);
    assert_int_equal(catalog_counts(first)->unnumbered, 1);
    assert_images(l, first, "by-id", "ab");
    struct catalog *now = lists_catalog(l, first, PAGE(C, B, A));
    assert_images(l, now, "by-id", "ab");
    catalog_free(now);
    catalog_free(first);
}

static void a_full_table_of_directories_costs_places(void **state)
{
    struct lists *l = *state;
    uint32_t views = (uint32_t)l->layout->view_count, slot;
    ledger_free(l->numbers.dirs);
    assert_int_equal(ledger_new(&l->numbers.dirs, views + 1, 0), 0);
    for (uint32_t i = 0; i < views; i++) {
        struct bytes name = bytes_of(l->layout->views[i].name);
        assert_int_equal(numbers_add_dir(&l->numbers, DIRECTORY_ROOT, name, &slot), 0);
    }
    struct catalog *first = lists_catalog(l, NULL, PAGE(A, C));
    assert_int_equal(catalog_counts(first)->images, 1);
    assert_images(l, first, "images/active", "a");
    assert_images(l, first, "by-id", "a");
    assert_int_equal(lists_dir(l, first, "by-name")->count, 0);
    assert_true(catalog_counts(first)->unnumbered > 1);
    struct catalog *now = lists_catalog(l, first, PAGE(C, B));
    assert_images(l, now, "images/active", "b");
    catalog_free(now);
    catalog_free(first);
}

/* --- Flat lists --- */

#define D RECORD("d", "Debian", "queued")
#define E RECORD("e", "Fedora", "queued")

/* Its images in their order, as a string of one-letter ids. */
static void assert_flat(const struct catalog *c, const char *ids)
{
    const struct directory *d = catalog_dir(c, 0);
    assert_true(d->leaf);
    for (uint32_t i = 0; i < catalog_dir_limit(c); i++)
        assert_true(!catalog_dir_at(c, i) || catalog_dir_at(c, i) == d);
    assert_int_equal(catalog_counts(c)->images, strlen(ids));
    if (d->count != strlen(ids))
        fail_msg("%u entries, not %s", d->count, ids);
    for (uint32_t i = 0; i < d->count; i++) {
        const struct image *img = catalog_image(c, d->entries[i]);
        if (!bytes_equal(image_id(img), (struct bytes){&ids[i], 1}))
            fail_msg("entry %u is not %c", i, ids[i]);
        assert_true(catalog_has(c, d, d->entries[i]));
        assert_int_equal(catalog_home(c, d->entries[i]), 0);
        if (i > 0)
            assert_true(directory_mark(d, i) > directory_mark(d, i - 1));
    }
}

/* How many directories there ever were. Another name each time. */
static uint32_t next_dir(struct lists *l, const char *name)
{
    uint32_t slot;
    assert_int_equal(numbers_add_dir(&l->numbers, DIRECTORY_ROOT, bytes_of(name), &slot), 0);
    return slot;
}

static void a_flat_list_is_one_directory(void **state)
{
    struct lists *l = *state;
    uint32_t dirs = next_dir(l, "1");
    struct catalog *base = lists_catalog(l, NULL, PAGE(A, B));
    uint32_t with_base = next_dir(l, "2");
    assert_true(with_base > dirs + 1);
    struct catalog *ordered = flat(l, NULL, PAGE(C, D, B, C, A));
    assert_int_equal(next_dir(l, "3"), with_base + 1);
    assert_flat(ordered, "cdba");
    assert_int_equal(catalog_counts(ordered)->duplicates, 1);
    assert_false(catalog_dir(base, 0)->leaf);
    assert_false(catalog_has(base, lists_dir(l, base, "by-id"), lists_slot(l, "c")));
    assert_true(catalog_has(base, lists_dir(l, base, "by-id"), lists_slot(l, "a")));
    struct catalog *less = flat(l, ordered, PAGE(B));
    assert_false(catalog_has(less, catalog_dir(less, 0), lists_slot(l, "a")));
    assert_null(catalog_image(less, lists_slot(l, "a")));
    assert_int_equal(catalog_version(less, lists_slot(l, "a")), 0);
    catalog_free(less);
    catalog_free(ordered);
    catalog_free(base);
}

static void what_arrives_in_order_can_be_read_while_it_grows(void **state)
{
    struct lists *l = *state;
    struct catalog *base = lists_catalog(l, NULL, PAGE(A, B, C));
    struct catalog *c;
    assert_int_equal(catalog_new(&c, &l->numbers, CATALOG_FLAT, NULL, true), 0);
    assert_int_equal(lists_add(l, c, PAGE(C)), 1);
    struct timespec grew = catalog_dir(c, 0)->mtime;
    uint64_t mark = directory_mark(catalog_dir(c, 0), 0);
    assert_true(catalog_streamable(c));
    assert_int_equal(lists_add(l, c, PAGE(A, C, B)), 2);
    assert_int_equal(compare_times(catalog_dir(c, 0)->mtime, grew), 1);
    assert_true(catalog_streamable(c));
    assert_false(catalog_is_whole(c));
    assert_int_equal(directory_lower(catalog_dir(c, 0), mark + 1), 1);
    catalog_finish(c);
    assert_true(catalog_is_whole(c));
    assert_flat(c, "cab");
    catalog_free(c);
    catalog_free(base);
}

/* What somebody who stopped behind an entry of before gets of now. */
static void assert_rest(struct lists *l, const struct catalog *before, char stopped,
                        const struct catalog *now, const char *rest)
{
    const struct directory *d = catalog_dir(before, 0), *is = catalog_dir(now, 0);
    uint32_t at = 0, slot = lists_slot(l, (const char[]){stopped, '\0'});
    while (d->entries[at] != slot)
        at++;
    uint32_t i = directory_lower(is, directory_mark(d, at) + 1);
    if (is->count - i != strlen(rest))
        fail_msg("behind %c: %u entries, not %s", stopped, is->count - i, rest);
    for (; i < is->count; i++, rest++)
        if (!bytes_equal(image_id(catalog_image(now, is->entries[i])), (struct bytes){rest, 1}))
            fail_msg("behind %c: not %s", stopped, rest);
}

static void a_reader_goes_on_in_later_lists(void **state)
{
    struct lists *l = *state;
    struct catalog *first = flat(l, NULL, PAGE(C, A, D, B));
    /* a has left, b came to the top */
    struct catalog *second = flat(l, first, PAGE(B, C, D, E));
    assert_rest(l, first, 'c', second, "de");
    assert_rest(l, first, 'a', second, "de");
    assert_rest(l, first, 'd', second, "e");
    assert_rest(l, second, 'b', second, "cde");
    struct catalog *third = flat(l, second, PAGE(B, A, D, E));
    assert_rest(l, first, 'd', third, "e");
    assert_rest(l, second, 'b', third, "ade");
    assert_rest(l, second, 'd', third, "e");
    struct catalog *none = flat(l, third, PAGE(NULL));
    assert_rest(l, third, 'b', none, "");
    catalog_free(none);
    catalog_free(third);
    catalog_free(second);
    catalog_free(first);
}

static void the_time_of_a_flat_list_rises_with_its_names_and_order(void **state)
{
    struct lists *l = *state;
    const struct {
        const char *const *page;
        bool more, rises;
    } rows[] = {
        {PAGE(A, B, C), false, false},
        {PAGE(A, RECORD("b", "Debian", "queued"), C), false, false},
        {PAGE(A, RECORD("b", "x", "active"), C), false, true},
        {PAGE(B, A, C), false, true},
        {PAGE(A, B), false, true},
        {PAGE(A, B, C, D), false, true},
        {PAGE(A, B, C), true, true},
    };
    for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
        struct catalog *before = flat(l, NULL, PAGE(A, B, C)), *now;
        assert_int_equal(catalog_new(&now, &l->numbers, CATALOG_FLAT, before, false), 0);
        assert_true(lists_add(l, now, rows[i].page) >= 0);
        if (rows[i].more)
            catalog_set_more(now, strdup("c"));
        catalog_finish(now);
        assert_int_equal(catalog_marker(now) != NULL, rows[i].more);
        if (compare_times(catalog_dir(now, 0)->mtime, catalog_dir(before, 0)->mtime) !=
            rows[i].rises)
            fail_msg("row %zu", i);
        catalog_free(now);
        catalog_free(before);
    }
}

static void images_are_borrowed_from_another_list(void **state)
{
    struct lists *l = *state;
    struct catalog *base = lists_catalog(l, NULL, PAGE(A, B)), *c;
    struct catalog *old = lists_catalog(l, base, PAGE(RECORD("b", "Debian", "queued")));
    uint32_t a = lists_slot(l, "a"), b = lists_slot(l, "b");
    assert_int_equal(catalog_new(&c, &l->numbers, CATALOG_FLAT, NULL, false), 0);
    catalog_set_lender(c, base);
    assert_int_equal(lists_add(l, c, PAGE(A, RECORD("b", "Debian", "queued"))), 2);
    catalog_finish(c);
    assert_ptr_equal(catalog_image(c, a), catalog_image(base, a));
    assert_int_equal(catalog_version(c, a), catalog_version(base, a));
    assert_ptr_not_equal(catalog_image(c, b), catalog_image(base, b));
    assert_int_not_equal(catalog_version(c, b), catalog_version(base, b));
    /* The version that readers of this list know stays, the object is the lender's. */
    struct catalog *next;
    assert_int_equal(catalog_new(&next, &l->numbers, CATALOG_FLAT, c, false), 0);
    catalog_set_lender(next, old);
    assert_int_equal(lists_add(l, next, PAGE(A, RECORD("b", "Debian", "queued"))), 2);
    catalog_finish(next);
    assert_ptr_equal(catalog_image(next, b), catalog_image(old, b));
    assert_int_equal(catalog_version(next, b), catalog_version(c, b));
    assert_ptr_equal(catalog_image(next, a), catalog_image(c, a));
    catalog_free(base);
    catalog_free(old);
    catalog_free(c);
    assert_true(bytes_are(image_json(catalog_image(next, a)), A));
    catalog_free(next);
}

static void a_list_knows_what_it_weighs(void **state)
{
    struct lists *l = *state;
    struct catalog *base = lists_catalog(l, NULL, PAGE(A, B)), *own, *borrowed;
    size_t images = roll_image_bytes(catalog_image(base, lists_slot(l, "a"))) +
                    roll_image_bytes(catalog_image(base, lists_slot(l, "b")));
    struct catalog *empty = flat(l, NULL, PAGE(NULL));
    assert_true(catalog_bytes(empty) > 0 && catalog_bytes(empty) < 1024);
    own = flat(l, NULL, PAGE(A, B));
    assert_true(catalog_bytes(own) > catalog_bytes(empty) + images);
    assert_true(catalog_bytes(own) < catalog_bytes(empty) + images + 512);
    assert_true(catalog_bytes(base) > catalog_bytes(own));
    assert_int_equal(catalog_new(&borrowed, &l->numbers, CATALOG_FLAT, NULL, false), 0);
    catalog_set_lender(borrowed, base);
    assert_int_equal(lists_add(l, borrowed, PAGE(A, B)), 2);
    catalog_finish(borrowed);
    assert_true(catalog_bytes(borrowed) <= catalog_bytes(own) - images / 2);
    catalog_free(borrowed);
    catalog_free(own);
    catalog_free(empty);
    catalog_free(base);
}

#define TEST(name) LISTS_TEST(name, &lists)

int main(void)
{
    static struct lists lists;
    const struct CMUnitTest tests[] = {
        TEST(images_are_in_their_groups),
        TEST(arrays_put_an_image_under_each_element_once),
        TEST(of_two_records_with_one_id_the_first_wins),
        TEST(slots_stay_in_later_lists),
        TEST(an_image_that_did_not_change_is_shared),
        TEST(mtimes_stay_while_the_names_do),
        TEST(mtimes_rise_where_names_changed),
        TEST(a_directory_that_returns_is_newer),
        TEST(empty_lists_are_lists),
        TEST(a_growing_list_is_seen_page_by_page),
        TEST(what_may_still_come_before_others_is_waited_for),
        TEST(no_mtime_is_older_in_a_list_that_starts_over),
        TEST(a_full_table_of_ids_costs_images),
        TEST(a_full_table_of_directories_costs_places),
        TEST(a_flat_list_is_one_directory),
        TEST(what_arrives_in_order_can_be_read_while_it_grows),
        TEST(a_reader_goes_on_in_later_lists),
        TEST(the_time_of_a_flat_list_rises_with_its_names_and_order),
        TEST(images_are_borrowed_from_another_list),
        TEST(a_list_knows_what_it_weighs),
    };
    return cmocka_run_group_tests_name("catalog", tests, NULL, NULL);
}
