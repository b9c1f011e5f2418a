// SPDX-License-Identifier: Apache-2.0
#include "imsfs/groups.h"

#include <errno.h>
#include <stdio.h>

#include "lists.h"

#define TAGGED(id, name, status, tags) \
    "{\"id\":\"" id "\",\"name\":\"" name "\",\"status\":\"" status "\",\"tags\":" tags "}"

static struct lists l;
static struct groups g;
static struct image *images[16];
static size_t count;

static int set_up_form(bool flat)
{
    lists_init(&l, "status");
    count = 0;
    return groups_init(&g, &l.numbers, flat, NULL);
}

static int set_up(void **state)
{
    (void)state;
    return set_up_form(false);
}

static int set_up_flat(void **state)
{
    (void)state;
    return set_up_form(true);
}

static int tear_down(void **state)
{
    (void)state;
    groups_deinit(&g);
    while (count)
        image_unref(images[--count]);
    lists_deinit(&l);
    return 0;
}

/* In this slot; what its place is comes back. */
static struct roll_item place(uint32_t slot, const char *json)
{
    struct roll_item item = {.img = images[count++] = lists_image(&l, json), .slot = slot};
    assert_int_equal(groups_place(&g, &item), 0);
    return item;
}

/* NULL: none. */
static const struct directory *dir(const char *path)
{
    uint32_t slot;
    return lists_dir_slot(&l, path, &slot) ? groups_dir(&g, slot) : NULL;
}

static void assert_entries(const struct directory *d, const uint32_t *entries, uint32_t n)
{
    assert_non_null(d);
    assert_int_equal(d->count, n);
    for (uint32_t i = 0; i < n; i++)
        assert_int_equal(d->entries[i], entries[i]);
}

static void test_an_image_is_where_it_belongs(void **state)
{
    (void)state;
    struct roll_item item = place(5, TAGGED("a", "n", "active", "[\"x\",\"y\",\"x\"]"));
    const uint32_t alone[] = {5};
    static const char *const leaves[] = {"images/active", "by-id", "by-name/n", "by-tags/x",
                                         "by-tags/y"};
    for (size_t i = 0; i < ARRAY_SIZE(leaves); i++)
        assert_true(dir(leaves[i]) && dir(leaves[i])->leaf);
    groups_settle(&g);
    assert_entries(dir("images/active"), alone, 1);
    assert_entries(dir("by-id"), alone, 1);
    assert_entries(dir("by-tags/y"), alone, 1);
    assert_int_equal(item.home, dir("images/active")->slot);
    assert_int_equal(dir("images/active")->parent, dir("images")->slot);
    assert_int_equal(dir("images")->parent, DIRECTORY_ROOT);
    assert_null(dir("by-tags/none"));
    place(6, TAGGED("b", "", "active", "[]"));
    assert_non_null(dir("by-tags/none"));
    assert_non_null(dir("by-name/none"));
}

/* Sorted, and each once, when readers see it. */
static void test_settling(void **state)
{
    (void)state;
    const uint32_t sorted[] = {3, 5, 9};
    place(9, RECORD("a", "n", "active"));
    assert_false(dir("images/active")->unsorted);
    place(3, RECORD("b", "n", "active"));
    assert_true(dir("images/active")->unsorted);
    place(5, RECORD("c", "n", "active"));
    groups_settle(&g);
    assert_entries(dir("images/active"), sorted, 3);
    assert_int_equal(g.touched_count, 0);
    struct timespec before = dir("images/active")->mtime, others;
    place(10, RECORD("d", "m", "queued"));
    others = dir("by-name/n")->mtime;
    groups_settle(&g);
    assert_int_equal(compare_times(dir("images/active")->mtime, before), 0);
    assert_int_equal(compare_times(dir("by-name/n")->mtime, others), 0);
    assert_true(compare_times(dir("images")->mtime, before) > 0);
    assert_true(compare_times(dir("images/queued")->mtime, before) > 0);
}

/* What is there without a list keeps its mtime while the list grows. */
static void test_growing(void **state)
{
    (void)state;
    struct timespec since = numbers_stamp(&l.numbers);
    groups_grow(&g, since);
    place(5, RECORD("a", "n", "active"));
    groups_settle(&g);
    place(9, RECORD("b", "n", "queued"));
    groups_settle(&g);
    assert_int_equal(compare_times(dir("images")->mtime, since), 0);
    assert_int_equal(compare_times(dir("by-id")->mtime, since), 0);
    assert_true(compare_times(dir("images/active")->mtime, since) > 0);
}

/* Directories have slots from an earlier list: those that have not come yet may come before. */
static void test_gaps(void **state)
{
    (void)state;
    uint32_t slot;
    assert_true(groups_have_no_gap(&g));
    assert_int_equal(numbers_add_dir(&l.numbers, 0, bytes_of("queued"), &slot), 0);
    assert_true(groups_have_no_gap(&g));
    place(1, RECORD("a", "n", "active"));
    assert_false(groups_have_no_gap(&g));
    place(2, RECORD("b", "n", "queued"));
    assert_true(groups_have_no_gap(&g));
}

/* An absent value is in none, as is one that says so: no two names that became equal. */
static void test_none(void **state)
{
    (void)state;
    struct roll_item first = place(1, TAGGED("a", "n", "", "[]"));
    struct roll_item second = place(2, TAGGED("b", "n", "none", "[\"none\"]"));
    groups_settle(&g);
    const uint32_t both[] = {1, 2};
    assert_int_equal(first.home, second.home);
    assert_entries(dir("images/none"), both, 2);
    assert_entries(dir("by-tags/none"), both, 2);
    assert_int_equal(g.names_equal, 0);
}

/* Two long values whose names are cut to the same, checksum included. */
static void test_two_values_with_one_name(void **state)
{
    static const char *const endings[] = {"0c28c", "482f0"};
    char value[320], json[800];
    struct roll_item items[2];
    const uint32_t both[] = {1, 2};
    (void)state;
    for (uint32_t i = 0; i < 2; i++) {
        memset(value, 'a', 300);
        strcpy(value + 300, endings[i]);
        snprintf(json, sizeof(json), "{\"id\":\"%u\",\"status\":\"%s\",\"tags\":[\"%s\"]}", i,
                 value, value);
        items[i] = place(i + 1, json);
    }
    groups_settle(&g);
    assert_int_equal(items[0].home, items[1].home); /* each needs one */
    assert_entries(groups_dir(&g, items[0].home), both, 2);
    assert_int_equal(g.names_equal, 3); /* in by-status and by-tags it is left out */
    assert_entries(dir("by-id"), both, 2);
}

static void test_a_full_table_is_counted(void **state)
{
    (void)state;
    assert_int_equal(groups_count_full(&g, 0), 0);
    assert_int_equal(groups_count_full(&g, -ENOMEM), -ENOMEM);
    assert_int_equal(g.unnumbered, 0);
    assert_int_equal(groups_count_full(&g, -ENOSPC), 0);
    assert_int_equal(g.unnumbered, 1);
}

static void test_flat(void **state)
{
    (void)state;
    const uint32_t arrived[] = {7, 2, 4};
    size_t bytes = groups_bytes(&g);
    for (size_t i = 0; i < ARRAY_SIZE(arrived); i++) {
        place(arrived[i], RECORD("a", "n", "active"));
        groups_settle(&g);
    }
    assert_entries(groups_dir(&g, 0), arrived, 3);
    assert_int_equal(g.count, 1);
    assert_true(groups_dir(&g, 0)->leaf);
    assert_true(groups_bytes(&g) > bytes);
}

#define TEST(test, setup) cmocka_unit_test_setup_teardown(test, setup, tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(test_an_image_is_where_it_belongs, set_up),
        TEST(test_growing, set_up),
        TEST(test_gaps, set_up),
        TEST(test_settling, set_up),
        TEST(test_none, set_up),
        TEST(test_two_values_with_one_name, set_up),
        TEST(test_a_full_table_is_counted, set_up),
        TEST(test_flat, set_up_flat),
    };
    return cmocka_run_group_tests_name("groups", tests, NULL, NULL);
}
