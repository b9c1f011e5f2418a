// SPDX-License-Identifier: Apache-2.0
#include "lists.h"

static struct directory *filled(const uint32_t *slots, size_t count)
{
    static const struct layout_view view = {.kind = LAYOUT_IMAGES};
    struct directory *d = directory_new(5, DIRECTORY_ROOT, &view, bytes_of("of 5"));
    assert_non_null(d);
    for (size_t i = 0; i < count; i++)
        assert_int_equal(directory_add(d, slots[i]), 0);
    return d;
}

static void entries_are_sorted_and_single(void **state)
{
    (void)state;
    static const uint32_t slots[] = {9, 3, 7, 3, 0, 9, 9, 0xFFFFFE, 1};
    static const uint32_t sorted[] = {0, 1, 3, 7, 9, 0xFFFFFE};
    struct directory *d = filled(slots, ARRAY_SIZE(slots));
    directory_sort(d);
    assert_int_equal(d->count, ARRAY_SIZE(sorted));
    assert_memory_equal(d->entries, sorted, sizeof(sorted));
    directory_free(d);
}

static void an_entry_or_the_next_one_is_found(void **state)
{
    (void)state;
    static const uint32_t slots[] = {2, 4, 8};
    struct directory *d = filled(slots, ARRAY_SIZE(slots));
    static const uint32_t lower[] = {0, 0, 0, 1, 1, 2, 2, 2, 2, 3};
    for (uint32_t i = 0; i < ARRAY_SIZE(lower); i++) {
        assert_int_equal(directory_lower(d, i), lower[i]);
        assert_int_equal(directory_has(d, i), i == 2 || i == 4 || i == 8);
    }
    directory_free(d);
}

static struct directory *in_order(const uint32_t *slots, size_t count)
{
    struct directory *d = filled(NULL, 0);
    d->ordered = true;
    for (size_t i = 0; i < count; i++)
        assert_int_equal(directory_add(d, slots[i]), 0);
    return d;
}

/* Who stopped behind each entry of before goes on at the entry of now with this index. */
static void check_going_on(const struct directory *before, const struct directory *now,
                           const uint32_t *at)
{
    for (uint32_t i = 0; i < before->count; i++)
        assert_int_equal(directory_lower(now, directory_mark(before, i) + 1), at[i]);
}

static void the_order_of_arrival_can_stay(void **state)
{
    (void)state;
    static const uint32_t first[] = {9, 3, 7, 1, 5}, second[] = {5, 9, 4, 7, 1};
    struct directory *before = in_order(first, ARRAY_SIZE(first));
    struct directory *now = in_order(second, ARRAY_SIZE(second));
    assert_memory_equal(before->entries, first, sizeof(first));
    check_going_on(before, before, (const uint32_t[]){1, 2, 3, 4, 5});
    assert_int_equal(directory_keep_places(now, before), 0);
    assert_memory_equal(now->entries, second, sizeof(second));
    /* 3 has left, 5 has moved, 4 is new between 9 and 7 */
    check_going_on(now, now, (const uint32_t[]){1, 2, 3, 4, 5});
    uint32_t behind_9 = directory_lower(now, directory_mark(before, 0) + 1);
    uint32_t behind_3 = directory_lower(now, directory_mark(before, 1) + 1);
    assert_int_equal(behind_9, 2);
    assert_true(behind_3 == 2 || behind_3 == 3);
    assert_int_equal(directory_mark(now, 3), directory_mark(before, 2));
    assert_int_equal(directory_mark(now, 4), directory_mark(before, 3));
    assert_int_equal(directory_lower(now, directory_mark(before, 4) + 1), 5);
    assert_true(directory_bytes(now) > sizeof(*now) + sizeof(second) * 3);
    directory_free(now);
    directory_free(before);
}

static void an_empty_directory_has_nothing(void **state)
{
    (void)state;
    struct directory *d = filled(NULL, 0);
    assert_false(directory_has(d, 0));
    assert_int_equal(directory_lower(d, 0), 0);
    directory_free(d);
    struct directory *before = in_order(NULL, 0), *now = in_order((const uint32_t[]){4}, 1);
    assert_int_equal(directory_lower(before, 0), 0);
    assert_int_equal(directory_keep_places(now, before), 0);
    assert_int_equal(directory_keep_places(before, now), 0);
    directory_free(now);
    directory_free(before);
    directory_free(NULL);
}

static void an_image_is_called_as_its_view_says(void **state)
{
    (void)state;
    static const struct {
        enum layout_kind kind;
        const char *name;
    } rows[] = {
        {LAYOUT_IMAGES, "De%2Fbian@a%40b"},
        {LAYOUT_BY_ATTR, "De%2Fbian@a%40b"},
        {LAYOUT_BY_ID, "a%40b"},
        {LAYOUT_BY_NAME, "a%40b"},
    };
    struct lists l;
    lists_init(&l, LAYOUT_DEFAULT);
    struct image *img = lists_image(&l, RECORD("a@b", "De/bian", "active"));
    for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
        const struct layout_view view = {.kind = rows[i].kind};
        struct directory *d = directory_new(0, DIRECTORY_ROOT, &view, bytes_of(""));
        char name[256];
        assert_int_equal(directory_entry_name(d, img, name), strlen(rows[i].name));
        assert_string_equal(name, rows[i].name);
        directory_free(d);
    }
    image_unref(img);
    lists_deinit(&l);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(entries_are_sorted_and_single),
        cmocka_unit_test(an_entry_or_the_next_one_is_found),
        cmocka_unit_test(the_order_of_arrival_can_stay),
        cmocka_unit_test(an_empty_directory_has_nothing),
        cmocka_unit_test(an_image_is_called_as_its_view_says),
    };
    return cmocka_run_group_tests_name("directory", tests, NULL, NULL);
}
