// SPDX-License-Identifier: Apache-2.0
/*
 * What one request or one page costs in a long list, against one of a hundredth of its length, in
 * instructions. IMSFS_TEST_ALL=1: 1,000,000 images and 10,000.
 */
#include <stdio.h>

#include "lists.h"
#include "steps.h"

#define SHARE 100
#define TIMES 2 /* as many instructions are too many */
#define STEPS_MAX 2000000
#define LOOKUPS 2
#define ENTRIES 6
#define PAGE_SIZE 200
#define PAGE_IMAGES 1 /* of the one that counts */

static struct lists l;
static uint32_t images; /* of the long list */

/* By its number, as ids of clouds look. */
static void id_of(uint32_t n, char out[static 40])
{
    snprintf(out, 40, "%08x-%04x-4000-8000-%012x", n * 2654435761u, n & 0xffff, n);
}

static struct image *image_of(uint32_t n)
{
    char json[200], id[40];
    id_of(n, id);
    snprintf(json, sizeof(json), "{\"id\":\"%s\",\"name\":\"image %u\",\"status\":\"active\"}", id,
             n);
    return lists_image(&l, json);
}

/* Those from first on, by rising numbers or (step -1) falling ones. */
static void add(struct catalog *c, uint32_t first, uint32_t count, int step)
{
    CLEANUP(free_ptr) struct image **page = calloc(count, sizeof(struct image *));
    assert_non_null(page);
    for (uint32_t i = 0; i < count; i++)
        page[i] = image_of(first + i * (uint32_t)step);
    assert_int_equal(catalog_add_page(c, page, count), count);
}

static struct catalog *list_of(uint32_t count)
{
    struct catalog *c;
    assert_int_equal(catalog_new(&c, &l.numbers, CATALOG_GROUPED, NULL, true), 0);
    for (uint32_t i = 0; i < count; i += PAGE_SIZE)
        add(c, i, PAGE_SIZE, 1);
    return c;
}

struct work {
    struct catalog *c;
    const char *dir;
    char names[LOOKUPS][100]; /* in it */
    uint32_t told;            /* entries */
};

static void assert_alike(const char *what, uint64_t few, uint64_t many)
{
    print_message("# %s: %llu instructions in %u images, %llu in %u\n", what,
                  (unsigned long long)few, images / SHARE, (unsigned long long)many, images);
    if (many > few * TIMES)
        fail_msg("more than %d times as many", TIMES);
}

static struct work work_of(uint32_t count, const char *dir)
{
    struct work w = {.c = list_of(count), .dir = dir};
    for (uint32_t i = 0; i < LOOKUPS; i++) {
        char id[40];
        uint32_t n = count / LOOKUPS * i;
        id_of(n, id);
        if (streq(dir, "by-id"))
            snprintf(w.names[i], sizeof(w.names[i]), "%s", id);
        else
            snprintf(w.names[i], sizeof(w.names[i]), "image %u@%s", n, id);
    }
    return w;
}

static void compare(const char *what, void (*fn)(void *ctx), const char *dir)
{
    struct work many = work_of(images, dir), few = work_of(images / SHARE, dir);
    uint64_t less = steps_of(fn, &few, STEPS_MAX), more = steps_of(fn, &many, less * TIMES);
    catalog_free(few.c);
    catalog_free(many.c);
    assert_alike(what, less, more);
}

/* What a LOOKUP does: the name, and the attributes of what it leads to. */
static void look_up(void *ctx)
{
    struct work *w = ctx;
    struct node node, dir = {.kind = NODE_DIR, .dir = lists_dir(&l, w->c, w->dir)->slot};
    struct stat st;
    for (uint32_t i = 0; i < LOOKUPS; i++)
        if (tree_lookup(&l.tree, w->c, &dir, bytes_of(w->names[i]), &node) < 0 ||
            tree_stat(&l.tree, w->c, &node, &st) < 0)
            abort();
}

static void a_look_up_by_id_hardly_grows(void **state)
{
    (void)state;
    compare("look-ups in by-id", look_up, "by-id");
}

static void a_look_up_in_a_group_hardly_grows(void **state)
{
    (void)state;
    compare("look-ups in a group", look_up, "images/active");
}

static bool take(void *ctx, const char *name, const struct node *node, uint64_t next)
{
    struct work *w = ctx;
    struct stat st;
    (void)name;
    (void)next;
    if (tree_stat(&l.tree, w->c, node, &st) < 0)
        abort();
    return ++w->told < ENTRIES;
}

/* ENTRIES from the middle of the directory on. */
static void list_some(void *ctx)
{
    struct work *w = ctx;
    const struct directory *d = lists_dir(&l, w->c, w->dir);
    const struct node dir = {.kind = NODE_DIR, .dir = d->slot};
    w->told = 0;
    if (entries_give(&l.tree, w->c, &dir, 3 + directory_mark(d, d->count / 2), take, w) < 0 ||
        w->told != ENTRIES)
        abort();
}

static void a_part_of_a_listing_hardly_grows(void **state)
{
    (void)state;
    compare("entries of by-id", list_some, "by-id");
    compare("entries of by-name", list_some, "by-name");
}

/* --- Pages --- */

struct page {
    struct catalog *c;
    struct image *images[2 * PAGE_IMAGES];
};

/* The first half, then the other one, which counts. */
static void add_page(void *ctx)
{
    struct page *p = ctx;
    if (catalog_add_page(p->c, p->images, PAGE_IMAGES) != PAGE_IMAGES)
        abort();
    memmove(p->images, p->images + PAGE_IMAGES, PAGE_IMAGES * sizeof(*p->images));
}

/* The child's list takes the images over, not ours. */
static uint64_t page_steps(struct catalog *c, uint32_t first, int step, uint64_t limit)
{
    struct page p = {.c = c};
    for (uint32_t i = 0; i < 2 * PAGE_IMAGES; i++)
        p.images[i] = image_of(first + i * (uint32_t)step);
    uint64_t steps = steps_of(add_page, &p, limit);
    for (size_t i = 0; i < 2 * PAGE_IMAGES; i++)
        image_unref(p.images[i]);
    return steps;
}

static void a_page_costs_as_much_behind_many(void **state)
{
    (void)state;
    struct catalog *many = list_of(images), *few = list_of(images / SHARE);
    uint64_t less = page_steps(few, images, 1, STEPS_MAX);
    uint64_t more = page_steps(many, images, 1, less * TIMES);
    catalog_free(few);
    catalog_free(many);
    assert_alike("a page", less, more);
}

/* A listing after one that failed: the ids are known, and come in another order. */
static uint64_t reversed_steps(uint32_t count, uint64_t limit)
{
    struct catalog *c;
    assert_int_equal(catalog_new(&c, &l.numbers, CATALOG_GROUPED, NULL, true), 0);
    for (uint32_t i = 0; i < count; i += PAGE_SIZE)
        add(c, images - 1 - i, PAGE_SIZE, -1);
    uint64_t steps = page_steps(c, images - 1 - count, -1, limit);
    catalog_free(c);
    return steps;
}

static void a_page_costs_as_much_in_another_order(void **state)
{
    (void)state;
    catalog_free(list_of(images));
    uint64_t less = reversed_steps(images / SHARE, STEPS_MAX);
    assert_alike("a page in another order", less, reversed_steps(images - PAGE_SIZE, less * TIMES));
}

#define TEST(fn) LISTS_TEST(fn, &l)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(a_look_up_by_id_hardly_grows),          TEST(a_look_up_in_a_group_hardly_grows),
        TEST(a_part_of_a_listing_hardly_grows),      TEST(a_page_costs_as_much_behind_many),
        TEST(a_page_costs_as_much_in_another_order),
    };
    images = getenv("IMSFS_TEST_ALL") ? 1000000 : 20000;
    return cmocka_run_group_tests_name("scale", tests, NULL, NULL);
}
