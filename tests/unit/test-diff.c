// SPDX-License-Identifier: Apache-2.0
/*
 * The kernel's caches are modelled here: what it may hold of a list that was walked through
 * entirely. Inodes stay after their names are gone, as those of open files and working directories
 * do.
 */
#include "imsfs/notes.h"

#include <errno.h>
#include <stdio.h>

#include "lists.h"

#define IDS 10
#define ROUNDS 40
#define LISTS 6 /* in a round, each in the place of the one before */

struct inode {
    uint64_t ino;
    struct node node;
    bool attr, data; /* it has them */
    struct stat st;
    struct strbuf text; /* a file's pages, a link's target, a directory's listing */
};

struct dentry {
    uint64_t parent, ino;
    char *name;
    size_t name_len;
};

struct kernel {
    struct inode *inodes;
    size_t inode_count, inode_cap;
    struct dentry *dentries;
    size_t dentry_count, dentry_cap;
    size_t told; /* items */
};

static struct lists l;
static enum catalog_form form;
/* Where paths begin: the root directory, or the directories of a query. */
static struct node tops[2];
static size_t top_count;

static int setup(void **state)
{
    (void)state;
    lists_init(&l, "status/os");
    form = CATALOG_GROUPED;
    top_count = 1;
    tops[0] = (struct node){.kind = NODE_ROOT};
    return 0;
}

static const uint32_t spellings[] = {3, 77};
static struct tree_query page_query = {
    .number = 5, .generation = 9, .spellings = spellings, .spelling_count = 2};

static int setup_query(void **state)
{
    struct query *criteria;
    struct query_error err;
    setup(state);
    assert_int_equal(
        query_parse(&criteria, bytes_of("limit=9&marker=m"), QUERY_DIALECT_UNKNOWN, &err), 0);
    page_query.criteria = criteria;
    l.tree.query = &page_query;
    top_count = 2;
    for (size_t i = 0; i < 2; i++)
        tops[i] = (struct node){NODE_QUERY, .query = 5, .generation = 9, .spelling = spellings[i]};
    return 0;
}

static int setup_flat(void **state)
{
    setup_query(state);
    form = CATALOG_FLAT;
    return 0;
}

static int teardown(void **state)
{
    (void)state;
    if (l.tree.query)
        query_free((struct query *)page_query.criteria);
    lists_deinit(&l);
    return 0;
}

static void kernel_free(struct kernel *k)
{
    for (size_t i = 0; i < k->inode_count; i++)
        strbuf_free(&k->inodes[i].text);
    for (size_t i = 0; i < k->dentry_count; i++)
        free(k->dentries[i].name);
    free(k->inodes);
    free(k->dentries);
}

/* Room for one more in an array. */
static void *grow(void *array, size_t count, size_t *cap, size_t item)
{
    if (count < *cap)
        return array;
    *cap = *cap ? *cap * 2 : 256;
    array = realloc(array, *cap * item);
    assert_non_null(array);
    return array;
}

static struct inode *inode_of(struct kernel *k, uint64_t ino)
{
    for (size_t i = 0; i < k->inode_count; i++)
        if (k->inodes[i].ino == ino)
            return &k->inodes[i];
    return NULL;
}

/* --- Learning a list --- */

static bool add_to_listing(void *ctx, const char *name, const struct node *node, uint64_t next)
{
    strbuf_printf(ctx, "%s\n%llx %llx\n", name, (unsigned long long)node_id(node),
                  (unsigned long long)next);
    return true;
}

/* What a node's inode holds besides attributes. */
static int add_data(const struct catalog *c, const struct node *node, struct strbuf *out)
{
    if (node_is_dir(node))
        return entries_give(&l.tree, c, node, 0, add_to_listing, out);
    if (node->kind == NODE_LINK || node->kind == NODE_PAGE)
        return tree_target(&l.tree, c, node, out);
    return tree_content(tree_image(c, node), node, out);
}

/* One number of a file never has other bytes. */
static void check_same_file(const struct inode *i, const struct catalog *c)
{
    CLEANUP(strbuf_free) struct strbuf text = STRBUF_INIT;
    if (i->node.kind != NODE_FILE)
        return;
    assert_int_equal(add_data(c, &i->node, &text), 0);
    if (!bytes_equal(strbuf_bytes(&text), strbuf_bytes(&i->text)))
        fail_msg("%llx: has had other bytes", (unsigned long long)i->ino);
}

/* A look-up's answer renews the attributes; what else the inode holds stays. */
static void learn_inode(struct kernel *k, const struct catalog *c, const struct node *node)
{
    struct inode *i = inode_of(k, node_id(node));
    if (!i) {
        k->inodes = grow(k->inodes, k->inode_count, &k->inode_cap, sizeof(*k->inodes));
        i = &k->inodes[k->inode_count++];
        *i = (struct inode){.ino = node_id(node), .node = *node};
    }
    i->attr = true;
    assert_int_equal(tree_stat(&l.tree, c, node, &i->st), 0);
    if (i->data) {
        check_same_file(i, c);
        return;
    }
    i->data = true;
    strbuf_reset(&i->text);
    assert_int_equal(add_data(c, node, &i->text), 0);
}

static bool has_dentry(const struct kernel *k, uint64_t parent, struct bytes name)
{
    for (size_t i = 0; i < k->dentry_count; i++) {
        const struct dentry *d = &k->dentries[i];
        if (d->parent == parent && bytes_equal((struct bytes){d->name, d->name_len}, name))
            return true;
    }
    return false;
}

static void learn_dentry(struct kernel *k, const struct node *parent, struct bytes name,
                         const struct node *node)
{
    if (has_dentry(k, node_id(parent), name))
        return;
    k->dentries = grow(k->dentries, k->dentry_count, &k->dentry_cap, sizeof(*k->dentries));
    struct dentry *d = &k->dentries[k->dentry_count++];
    *d = (struct dentry){node_id(parent), node_id(node), malloc(name.len), name.len};
    assert_non_null(d->name);
    memcpy(d->name, name.data, name.len);
}

struct learning {
    struct kernel *k;
    const struct catalog *c;
    const struct node *dir;
};

static void learn(struct kernel *k, const struct catalog *c, const struct node *node);

static bool learn_entry(void *ctx, const char *name, const struct node *node, uint64_t next)
{
    const struct learning *x = ctx;
    if (next <= 2)
        return true;
    learn_dentry(x->k, x->dir, bytes_of(name), node);
    learn(x->k, x->c, node);
    return true;
}

/* Goes through everything from node on. */
static void learn(struct kernel *k, const struct catalog *c, const struct node *node)
{
    struct learning x = {k, c, node};
    learn_inode(k, c, node);
    if (node_is_dir(node))
        assert_int_equal(entries_give(&l.tree, c, node, 0, learn_entry, &x), 0);
}

static void learn_all(struct kernel *k, const struct catalog *c)
{
    for (size_t i = 0; i < top_count; i++)
        learn(k, c, &tops[i]);
}

/* --- Forgetting --- */

static void drop_name(struct kernel *k, uint64_t parent, struct bytes name);

static void drop_names_below(struct kernel *k, uint64_t parent)
{
    for (size_t i = k->dentry_count; i-- > 0;) {
        if (i >= k->dentry_count || k->dentries[i].parent != parent)
            continue;
        struct bytes name = {k->dentries[i].name, k->dentries[i].name_len};
        drop_name(k, parent, name);
    }
}

static void drop_name(struct kernel *k, uint64_t parent, struct bytes name)
{
    for (size_t i = 0; i < k->dentry_count; i++) {
        struct dentry d = k->dentries[i];
        if (d.parent != parent || !bytes_equal((struct bytes){d.name, d.name_len}, name))
            continue;
        k->dentries[i] = k->dentries[--k->dentry_count];
        free(d.name);
        drop_names_below(k, d.ino);
        return;
    }
}

static int forget(void *ctx, const struct diff_item *item)
{
    struct kernel *k = ctx;
    k->told++;
    struct inode *i = inode_of(k, item->ino);
    if (item->kind == DIFF_ENTRY)
        drop_name(k, item->ino, (struct bytes){item->name, item->name_len});
    else if (i)
        i->attr = false;
    if (i && item->kind == DIFF_DATA)
        i->data = false;
    return i ? 0 : -ENOENT;
}

/* As the notifier does it: written down, and told. */
static int tell_diff(struct kernel *k, const struct catalog *before, const struct catalog *now)
{
    CLEANUP(notes_free) struct notes notes = NOTES_INIT;
    assert_int_equal(diff_catalogs(&l.tree, before, now, notes_add, &notes), 0);
    return notes_tell(&notes, l.numbers.attrs, forget, k);
}

static int tell_emptied(struct kernel *k, const struct catalog *before, const struct catalog *now)
{
    CLEANUP(notes_free) struct notes notes = NOTES_INIT;
    assert_int_equal(diff_emptied(&l.tree, before, now, notes_add, &notes), 0);
    return notes_tell(&notes, l.numbers.attrs, forget, k);
}

/* --- What it shows must be what the list says --- */

static bool same_stat(const struct stat *a, const struct stat *b)
{
    return a->st_ino == b->st_ino && a->st_mode == b->st_mode && a->st_nlink == b->st_nlink &&
           a->st_size == b->st_size && compare_times(a->st_mtim, b->st_mtim) == 0 &&
           compare_times(a->st_atim, b->st_atim) == 0 && compare_times(a->st_ctim, b->st_ctim) == 0;
}

static void check_inode(struct kernel *k, const struct catalog *c, uint64_t ino)
{
    CLEANUP(strbuf_free) struct strbuf text = STRBUF_INIT;
    const struct inode *i = inode_of(k, ino);
    struct stat st;
    assert_non_null(i);
    assert_int_equal(tree_stat(&l.tree, c, &i->node, &st), 0);
    if (i->attr && !same_stat(&st, &i->st))
        fail_msg("%llx: stale attributes", (unsigned long long)ino);
    assert_int_equal(add_data(c, &i->node, &text), 0);
    if (i->data && !bytes_equal(strbuf_bytes(&text), strbuf_bytes(&i->text)))
        fail_msg("%llx: stale data: %s", (unsigned long long)ino, strbuf_str(&i->text));
}

/* All that paths from dir on lead to. */
static void check(struct kernel *k, const struct catalog *c, const struct node *dir)
{
    check_inode(k, c, node_id(dir));
    for (size_t i = 0; i < k->dentry_count; i++) {
        const struct dentry *d = &k->dentries[i];
        struct node node;
        if (d->parent != node_id(dir))
            continue;
        if (tree_lookup(&l.tree, c, dir, (struct bytes){d->name, d->name_len}, &node) != 0 ||
            node_id(&node) != d->ino)
            fail_msg("a stale name: %.*s", (int)d->name_len, d->name);
        if (node_is_dir(&node))
            check(k, c, &node);
        else
            check_inode(k, c, d->ino);
    }
}

static void check_all(struct kernel *k, const struct catalog *c)
{
    for (size_t i = 0; i < top_count; i++)
        check(k, c, &tops[i]);
}

/* Files of images that are the same in both lists keep their names and pages. */
static void check_kept(const struct kernel *k, const struct catalog *before,
                       const struct catalog *now)
{
    for (size_t n = 0; n < k->inode_count; n++) {
        const struct inode *i = &k->inodes[n];
        if (i->node.kind != NODE_FILE || !tree_image(before, &i->node) ||
            !tree_image(now, &i->node))
            continue;
        bool named = false;
        for (size_t d = 0; d < k->dentry_count; d++)
            named = named || k->dentries[d].ino == i->ino;
        if (!named || !i->data)
            fail_msg("%llx was forgotten", (unsigned long long)i->ino);
    }
}

/* --- Lists by chance --- */

static uint32_t chance(uint32_t *seed, uint32_t below)
{
    *seed = *seed * 1664525u + 1013904223u;
    return (*seed >> 8) % below;
}

static void add_attr(struct strbuf *out, uint32_t *seed, const char *key, uint32_t values)
{
    uint32_t value = chance(seed, values + 2);
    if (value >= values)
        return; /* it has none */
    strbuf_printf(out, ",\"%s\":\"%s%u\"", key, key, value);
}

static struct image *image_by_chance(uint32_t *seed, uint32_t id)
{
    CLEANUP(strbuf_free) struct strbuf json = STRBUF_INIT;
    strbuf_printf(&json, "{\"id\":\"id%u\"", id);
    add_attr(&json, seed, "name", 3);
    add_attr(&json, seed, "status", 2);
    add_attr(&json, seed, "os", 2);
    add_attr(&json, seed, "os_distro", 2);
    add_attr(&json, seed, "x", 4);
    if (chance(seed, 2))
        strbuf_printf(&json, ",\"tags\":[\"t%u\",\"t%u\"]", chance(seed, 3), chance(seed, 3));
    if (chance(seed, 2))
        strbuf_printf(&json, ",\"updated_at\":\"2026-01-0%uT00:00:00Z\"", 1 + chance(seed, 3));
    strbuf_add_char(&json, '}');
    return lists_image(&l, strbuf_str(&json));
}

/* Most images as they were, some changed, some gone, some new; in an order of its own. */
static void fill_by_chance(struct catalog *c, const struct catalog *before, uint32_t *seed)
{
    uint32_t first = chance(seed, IDS), change = chance(seed, 4);
    for (uint32_t n = 0; n < IDS; n++) {
        uint32_t id = (first + n * 3) % IDS, slot;
        char name[16];
        snprintf(name, sizeof(name), "id%u", id);
        const struct image *was = before && ids_find(l.numbers.ids, bytes_of(name), &slot) == 0
                                      ? catalog_image(before, slot)
                                      : NULL;
        struct image *img;
        if (chance(seed, 5) == 0)
            continue;
        if (was && chance(seed, 4) > change)
            img = image_ref((struct image *)was);
        else
            img = image_by_chance(seed, id);
        assert_int_equal(catalog_add_page(c, &img, 1), 1);
    }
}

static struct catalog *list_by_chance(const struct catalog *before, const struct catalog *previous,
                                      uint32_t *seed)
{
    struct catalog *c;
    assert_int_equal(catalog_new(&c, &l.numbers, form, previous, false), 0);
    fill_by_chance(c, before, seed);
    if (chance(seed, 3))
        catalog_set_more(c, strdup(chance(seed, 2) ? "a" : "b"));
    catalog_finish(c);
    return c;
}

/* The kernel is told of a change, and walks through all again. */
static void change_lists(struct kernel *k, const struct catalog *before, const struct catalog *now)
{
    assert_int_equal(tell_diff(k, before, now), 0);
    check_all(k, now);
    check_kept(k, before, now);
    learn_all(k, now);
    check_all(k, now);
}

static void nothing_stale_is_left_and_nothing_lost(void **state)
{
    (void)state;
    for (uint32_t round = 0; round < ROUNDS; round++) {
        uint32_t seed = round;
        struct kernel k = {0};
        struct catalog *before = list_by_chance(NULL, NULL, &seed);
        learn_all(&k, before);
        for (int i = 0; i < LISTS; i++) {
            struct catalog *now = list_by_chance(before, before, &seed);
            change_lists(&k, before, now);
            catalog_free(before);
            before = now;
        }
        catalog_free(before);
        kernel_free(&k);
    }
}

/* Of a first listing that failed nothing stays; of one that started over, the last list. */
static void what_was_seen_growing_goes(void **state)
{
    (void)state;
    for (uint32_t round = 0; round < ROUNDS; round++) {
        uint32_t seed = round;
        struct kernel k = {0};
        struct catalog *seen, *now;
        assert_int_equal(catalog_new(&seen, &l.numbers, form, NULL, true), 0);
        fill_by_chance(seen, NULL, &seed);
        if (!catalog_streamable(seen))
            catalog_finish(seen); /* nobody reads it before */
        learn_all(&k, seen);
        if (round % 2)
            assert_int_equal(catalog_new(&now, &l.numbers, form, NULL, false), 0);
        else
            now = list_by_chance(seen, NULL, &seed);
        assert_int_equal(tell_diff(&k, seen, now), 0);
        check_all(&k, now);
        learn_all(&k, now);
        check_all(&k, now);
        catalog_free(now);
        catalog_free(seen);
        kernel_free(&k);
    }
}

/* --- Which items --- */

static bool told_of(const struct kernel *k, const char *path)
{
    uint32_t slot;
    assert_true(lists_dir_slot(&l, path, &slot));
    const struct node node = {.kind = NODE_DIR, .dir = slot};
    const struct inode *i = inode_of((struct kernel *)k, node_id(&node));
    return i && !i->data;
}

static void an_unchanged_list_renews_directories_of_directories(void **state)
{
    (void)state;
    struct kernel k = {0};
    struct catalog *c = lists_catalog(&l, NULL, PAGE(RECORD("a", "n", "active")));
    learn_all(&k, c);
    assert_int_equal(tell_diff(&k, c, c), 0);
    assert_true(told_of(&k, "images"));
    assert_true(told_of(&k, "images/active"));
    assert_true(told_of(&k, "images/active/none"));
    assert_true(told_of(&k, "by-name"));
    assert_false(told_of(&k, "by-id"));
    assert_false(told_of(&k, "by-name/n"));
    assert_int_equal(k.told, 8); /* with by-imagetype, by-platform, by-status, by-tags */
    catalog_free(c);
    kernel_free(&k);
}

static void of_a_first_list_what_was_listed_is_told(void **state)
{
    (void)state;
    struct kernel k = {0};
    struct catalog *c =
        lists_catalog(&l, NULL, PAGE(RECORD("a", "n", "active"), RECORD("b", "n", "queued")));
    learn_all(&k, c);
    struct directory *d = (struct directory *)lists_dir(&l, c, "images/active");
    atomic_store(&d->listed, true);
    assert_int_equal(tell_diff(&k, NULL, c), 0);
    assert_true(told_of(&k, "images"));
    assert_true(told_of(&k, "by-id"));
    assert_true(told_of(&k, "images/active"));
    assert_false(told_of(&k, "images/queued"));
    assert_false(told_of(&k, "by-name/n"));
    catalog_free(c);
    kernel_free(&k);
}

static bool forgot(const struct kernel *k, struct node node)
{
    const struct inode *i = inode_of((struct kernel *)k, node_id(&node));
    assert_non_null(i);
    return !i->data;
}

static struct catalog *page_until(const char *marker, const struct catalog *previous,
                                  const char *const *page)
{
    struct catalog *c;
    assert_int_equal(catalog_new(&c, &l.numbers, form, previous, false), 0);
    assert_true(lists_add(&l, c, page) >= 0);
    catalog_set_more(c, marker ? strdup(marker) : NULL);
    catalog_finish(c);
    return c;
}

static struct catalog *page_of(const struct catalog *previous, const char *const *page)
{
    return page_until("last", previous, page);
}

static void a_query_is_told_of_in_all_its_spellings(void **state)
{
    (void)state;
    struct kernel k = {0};
    struct catalog *c = page_of(NULL, PAGE(RECORD("a", "n", "active"), RECORD("b", "n", "x")));
    struct catalog *same = page_of(c, PAGE(RECORD("a", "n", "active"), RECORD("b", "n", "x")));
    struct catalog *less = page_of(c, PAGE(RECORD("a", "n", "active")));
    const struct node next = tree_page(&l.tree, c, NODE_PAGE_NEXT);
    struct node a = {NODE_IMAGE, .query = 5, .image = lists_slot(&l, "a"), .spelling = 77}, b = a;
    learn_all(&k, c);
    assert_int_equal(tell_diff(&k, c, same), 0);
    assert_true(forgot(&k, tops[0]) && forgot(&k, tops[1])); /* as images/ always is */
    assert_int_equal(k.told, 2);
    learn_all(&k, same);
    assert_int_equal(tell_diff(&k, same, less), 0);
    assert_true(forgot(&k, tops[0]) && forgot(&k, tops[1]));
    assert_true(forgot(&k, next));
    assert_false(forgot(&k, a));
    b.image = lists_slot(&l, "b");
    assert_true(forgot(&k, b));
    b.spelling = 3;
    assert_true(forgot(&k, b));
    catalog_free(less);
    catalog_free(same);
    catalog_free(c);
    kernel_free(&k);
}

static bool knows_name(const struct kernel *k, const char *name)
{
    for (size_t i = 0; i < k->dentry_count; i++)
        if (bytes_are((struct bytes){k->dentries[i].name, k->dentries[i].name_len}, name))
            return true;
    return false;
}

/* The server may say another id although it gives the same images. */
static void of_a_next_that_moves_name_and_data_are_told(void **state)
{
    (void)state;
    static const char *const markers[] = {"other", NULL};
    for (size_t i = 0; i < ARRAY_SIZE(markers); i++) {
        struct kernel k = {0};
        const char *const *page = PAGE(RECORD("a", "n", "active"), RECORD("b", "n", "x"));
        struct catalog *c = page_of(NULL, page);
        struct catalog *now = page_until(markers[i], c, page);
        learn_all(&k, c);
        assert_true(knows_name(&k, "next"));
        assert_int_equal(tell_diff(&k, c, now), 0);
        assert_true(forgot(&k, tree_page(&l.tree, c, NODE_PAGE_NEXT)));
        assert_false(knows_name(&k, "next"));
        assert_true(knows_name(&k, "first"));
        learn_all(&k, now);
        check_all(&k, now);
        catalog_free(now);
        catalog_free(c);
        kernel_free(&k);
    }
}

/* Before its number is used again, the kernel must have nothing of a query any more. */
static void of_a_query_that_goes_nothing_stays(void **state)
{
    (void)state;
    struct kernel k = {0};
    struct catalog *c = page_of(NULL, PAGE(RECORD("a", "n", "active"), RECORD("b", "n", "x")));
    struct catalog *empty;
    assert_int_equal(catalog_new(&empty, &l.numbers, form, NULL, false), 0);
    learn_all(&k, c);
    assert_int_equal(tell_diff(&k, c, empty), 0);
    for (size_t i = 0; i < k.dentry_count; i++)
        assert_string_equal(strndupa(k.dentries[i].name, k.dentries[i].name_len), "first");
    catalog_free(empty);
    catalog_free(c);
    kernel_free(&k);
}

/* All leases end: those of names in a query, and of attributes of directories. */
static void expire(struct kernel *k)
{
    while (k->dentry_count > 0)
        free(k->dentries[--k->dentry_count].name);
    for (size_t i = 0; i < k->inode_count; i++)
        if (node_is_dir(&k->inodes[i].node))
            k->inodes[i].attr = false;
}

/* Nobody knows what it held; but who looks up everything again sees the new list alone. */
static void of_a_list_that_was_emptied_nothing_stale_is_left(void **state)
{
    (void)state;
    for (uint32_t round = 0; round < ROUNDS; round++) {
        uint32_t seed = round;
        struct kernel k = {0};
        struct catalog *last = list_by_chance(NULL, NULL, &seed);
        learn_all(&k, last);
        for (unsigned n = 0; n < LISTS; n++) {
            const struct catalog *before = n && chance(&seed, 2) ? last : NULL;
            struct catalog *now = list_by_chance(last, before, &seed);
            expire(&k);
            assert_int_equal(tell_diff(&k, before, now), 0);
            assert_int_equal(tell_emptied(&k, before, now), 0);
            learn_all(&k, now);
            check_all(&k, now);
            catalog_free(last);
            last = now;
        }
        catalog_free(last);
        kernel_free(&k);
    }
}

static int stop_at_third(void *ctx, const struct diff_item *item)
{
    (void)item;
    return ++*(int *)ctx == 3 ? -12 : 0;
}

static void an_error_ends_the_comparison(void **state)
{
    (void)state;
    int calls = 0;
    struct catalog *c = lists_catalog(&l, NULL, PAGE(RECORD("a", "n", "active")));
    struct catalog *now = lists_catalog(&l, c, PAGE(RECORD("a", "other", "queued")));
    assert_int_equal(diff_catalogs(&l.tree, c, now, stop_at_third, &calls), -12);
    assert_int_equal(calls, 3);
    calls = 0;
    assert_int_equal(diff_catalogs(&l.tree, NULL, now, stop_at_third, &calls), -12);
    assert_int_equal(calls, 3);
    catalog_free(now);
    catalog_free(c);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
#define IN_QUERY(name)                                        \
    {                                                         \
#name "_in_a_query", name, setup_flat, teardown, NULL \
    }

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(nothing_stale_is_left_and_nothing_lost),
        IN_QUERY(nothing_stale_is_left_and_nothing_lost),
        TEST(what_was_seen_growing_goes),
        IN_QUERY(what_was_seen_growing_goes),
        IN_QUERY(a_query_is_told_of_in_all_its_spellings),
        IN_QUERY(of_a_next_that_moves_name_and_data_are_told),
        IN_QUERY(of_a_query_that_goes_nothing_stays),
        IN_QUERY(of_a_list_that_was_emptied_nothing_stale_is_left),
        TEST(an_unchanged_list_renews_directories_of_directories),
        TEST(of_a_first_list_what_was_listed_is_told),
        TEST(an_error_ends_the_comparison),
    };
    return cmocka_run_group_tests_name("diff", tests, NULL, NULL);
}
