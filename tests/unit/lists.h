// SPDX-License-Identifier: Apache-2.0
/*
 * lists: what the tests of the upper modules share: the numbers of one mount, and lists made from
 * JSON text.
 */
#ifndef IMSFS_TEST_LISTS_H
#define IMSFS_TEST_LISTS_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "imsfs/entries.h"

/* The records of a page, compact as decode writes them; ends with NULL. */
#define PAGE(...) ((const char *const[]){__VA_ARGS__, NULL})
#define RECORD(id, name, status) \
    "{\"id\":\"" id "\",\"name\":\"" name "\",\"status\":\"" status "\"}"

struct lists {
    struct slot_table *attrs;
    struct layout *layout;
    struct numbers numbers;
    struct tree tree;
};

static inline void lists_init(struct lists *l, const char *levels)
{
    static char tags[] = "tags";
    static char *const by[] = {tags};
    char error[256];
    assert_int_equal(image_attrs_new(&l->attrs), 0);
    assert_int_equal(layout_new(&l->layout, levels, by, 1, l->attrs, error), 0);
    assert_int_equal(numbers_init(&l->numbers, l->layout, l->attrs), 0);
    l->tree = (struct tree){.numbers = &l->numbers, .uid = 7, .gid = 8};
}

static inline void lists_deinit(struct lists *l)
{
    numbers_deinit(&l->numbers);
    layout_free(l->layout);
    slot_table_free(l->attrs);
}

/* A test that finds *l as its state, grouped by status. */
#define LISTS_TEST(fn, l) \
    cmocka_unit_test_prestate_setup_teardown(fn, lists_setup, lists_teardown, l)

static inline int lists_setup(void **state)
{
    lists_init(*state, "status");
    return 0;
}

static inline int lists_teardown(void **state)
{
    lists_deinit(*state);
    return 0;
}

static inline struct image *lists_image(struct lists *l, const char *json)
{
    struct image *img;
    struct image_notes notes = {0};
    int r = image_new(&img, bytes_of(json), l->attrs, &notes);
    if (r < 0)
        fail_msg("%s: %d", json, r);
    return img;
}

/* The images of a page; the caller frees the array. */
static inline struct image **lists_images(struct lists *l, const char *const *page, size_t *count)
{
    for (*count = 0; page[*count];)
        ++*count;
    struct image **images = calloc(*count + 1, sizeof(struct image *));
    assert_non_null(images);
    for (size_t i = 0; i < *count; i++)
        images[i] = lists_image(l, page[i]);
    return images;
}

static inline int lists_add(struct lists *l, struct catalog *c, const char *const *page)
{
    size_t count;
    CLEANUP(free_ptr) struct image **images = lists_images(l, page, &count);
    return catalog_add_page(c, images, count);
}

/* A whole list of one page that takes the place of previous. */
static inline struct catalog *lists_catalog(struct lists *l, const struct catalog *previous,
                                            const char *const *page)
{
    struct catalog *c;
    assert_int_equal(catalog_new(&c, &l->numbers, CATALOG_GROUPED, previous, false), 0);
    assert_true(lists_add(l, c, page) >= 0);
    catalog_finish(c);
    return c;
}

/* The slot of an image by its id; it must have one. */
static inline uint32_t lists_slot(struct lists *l, const char *id)
{
    uint32_t slot;
    assert_int_equal(ids_find(l->numbers.ids, bytes_of(id), &slot), 0);
    return slot;
}

/* The slot of a directory by its path below the mount root. False: there was never one. */
static inline bool lists_dir_slot(struct lists *l, const char *path, uint32_t *slot)
{
    *slot = DIRECTORY_ROOT;
    for (const char *s = path;; s++) {
        struct bytes name = {s, strcspn(s, "/")};
        if (numbers_find_dir(&l->numbers, *slot, name, slot) < 0)
            return false;
        s += name.len;
        if (!*s)
            return true;
    }
}

/* The directory with a path below the mount root, or NULL. */
static inline const struct directory *lists_dir(struct lists *l, const struct catalog *c,
                                                const char *path)
{
    uint32_t slot;
    return lists_dir_slot(l, path, &slot) ? catalog_dir(c, slot) : NULL;
}

static inline int compare_times(struct timespec a, struct timespec b)
{
    if (a.tv_sec != b.tv_sec)
        return a.tv_sec < b.tv_sec ? -1 : 1;
    return a.tv_nsec < b.tv_nsec ? -1 : a.tv_nsec > b.tv_nsec;
}

#endif
