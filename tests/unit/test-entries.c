// SPDX-License-Identifier: Apache-2.0
/* The directories of queries; those of the mount's own list are in test-tree.c. */
#include <errno.h>

#include "lists.h"

#define ENTRIES_MAX 40

#define A "{\"id\":\"a\",\"name\":\"next\",\"updated_at\":\"2021-01-01T00:00:00Z\"}"
#define B RECORD("b", "De/bian", "active")
#define C RECORD("c", "", "active")
#define D RECORD("d", "x", "queued")

struct entry {
    char name[256];
    struct node node;
    uint64_t next;
};

struct entries {
    struct entry list[ENTRIES_MAX];
    size_t count, most;
};

static struct lists l;
static struct query *criteria;
static struct tree_query query;
static struct catalog *images;
/* Two spellings of one query. */
static const struct node dir = {NODE_QUERY, .query = 0xFFF, .generation = 2, .spelling = 0};
static const struct node other = {NODE_QUERY, .query = 0xFFF, .generation = 2, .spelling = 8};
static const struct node root = {.kind = NODE_ROOT}, meta = {.kind = NODE_META};
static const struct node queries = {.kind = NODE_QUERIES};

static struct catalog *page_until(const char *marker, const struct catalog *previous,
                                  const char *const *page)
{
    struct catalog *c;
    assert_int_equal(catalog_new(&c, &l.numbers, CATALOG_FLAT, previous, false), 0);
    assert_true(lists_add(&l, c, page) >= 0);
    catalog_set_more(c, marker ? strdup(marker) : NULL);
    catalog_finish(c);
    return c;
}

static struct catalog *list_of(const struct catalog *previous, const char *const *page)
{
    return page_until(page[0] ? "b" : NULL, previous, page);
}

static int setup(void **state)
{
    struct query_error err;
    (void)state;
    lists_init(&l, LAYOUT_DEFAULT);
    catalog_free(lists_catalog(&l, NULL, PAGE(A, B, C, D)));
    assert_int_equal(
        query_parse(&criteria, bytes_of("limit=4&marker=0"), QUERY_DIALECT_UNKNOWN, &err), 0);
    query = (struct tree_query){.number = 0xFFF, .generation = 2, .criteria = criteria};
    l.tree.queries = true;
    l.tree.query = &query;
    images = list_of(NULL, PAGE(C, A, D, B));
    return 0;
}

static int teardown(void **state)
{
    (void)state;
    catalog_free(images);
    query_free(criteria);
    lists_deinit(&l);
    return 0;
}

static bool collect(void *ctx, const char *name, const struct node *node, uint64_t next)
{
    struct entries *e = ctx;
    assert_true(e->count < ENTRIES_MAX);
    struct entry *entry = &e->list[e->count++];
    strcpy(entry->name, name);
    entry->node = *node;
    entry->next = next;
    return e->count < e->most;
}

static void list(const struct catalog *c, const struct node *node, uint64_t cookie, size_t most,
                 struct entries *e)
{
    *e = (struct entries){.most = most};
    assert_int_equal(entries_give(&l.tree, c, node, cookie, collect, e), 0);
}

static void assert_names(const struct entries *e, const char *const *names)
{
    size_t i = 0;
    for (; names[i]; i++) {
        assert_true(i < e->count);
        assert_string_equal(e->list[i].name, names[i]);
    }
    assert_int_equal(e->count, i);
}

/* The listing goes on behind any of its entries, and one entry at a time. */
static void check_resuming(const struct catalog *c, const struct node *node,
                           const struct entries *all)
{
    for (size_t i = 0; i < all->count; i++) {
        struct entries rest;
        list(c, node, all->list[i].next, ENTRIES_MAX, &rest);
        assert_int_equal(rest.count, all->count - i - 1);
        for (size_t k = 0; k < rest.count; k++)
            assert_string_equal(rest.list[k].name, all->list[i + 1 + k].name);
        list(c, node, i ? all->list[i - 1].next : 0, 1, &rest);
        assert_int_equal(rest.count, 1);
        assert_string_equal(rest.list[0].name, all->list[i].name);
        assert_true(all->list[i].next <= INT64_MAX);
    }
}

static void a_query_lists_its_images_and_pages(void **state)
{
    (void)state;
    struct entries e;
    list(images, &dir, 0, ENTRIES_MAX, &e);
    assert_names(&e, PAGE(".", "..", "@c", "next@a", "x@d", "De%2Fbian@b", "first", "next"));
    assert_int_equal(node_ino(&e.list[0].node), node_ino(&dir));
    assert_int_equal(node_ino(&e.list[1].node), node_ino(&queries));
    check_resuming(images, &dir, &e);
}

static void check_link(const struct catalog *c, const struct node *node, const struct stat *st,
                       const char *target)
{
    CLEANUP(strbuf_free) struct strbuf text = STRBUF_INIT;
    assert_int_equal(st->st_mode, S_IFLNK | 0777);
    assert_int_equal(tree_target(&l.tree, c, node, &text), 0);
    assert_string_equal(strbuf_str(&text), target);
    assert_int_equal(text.len, st->st_size);
}

static void check_files(const struct node *image)
{
    struct entries e;
    struct stat st;
    list(images, image, 0, ENTRIES_MAX, &e);
    assert_int_equal(node_ino(&e.list[0].node), node_ino(image));
    assert_int_equal(node_ino(&e.list[1].node), node_ino(&dir));
    check_resuming(images, image, &e);
    for (size_t i = 2; i < e.count; i++) {
        CLEANUP(strbuf_free) struct strbuf text = STRBUF_INIT;
        struct node file;
        assert_int_equal(tree_lookup(&l.tree, images, image, bytes_of(e.list[i].name), &file), 0);
        assert_memory_equal(&file, &e.list[i].node, sizeof(file));
        assert_int_equal(tree_stat(&l.tree, images, &file, &st), 0);
        assert_int_equal(tree_content(tree_image(images, &file), &file, &text), 0);
        assert_int_equal(text.len, st.st_size);
        assert_int_equal(st.st_ino, node_ino(&file));
        assert_int_equal(file.query, 0xFFF);
    }
    assert_string_equal(e.list[e.count - 1].name, TREE_JSON_NAME);
}

static void what_a_query_lists_can_be_looked_up(void **state)
{
    (void)state;
    struct entries e;
    struct stat st;
    list(images, &dir, 0, ENTRIES_MAX, &e);
    for (size_t i = 2; i < e.count; i++) {
        struct node node, back;
        assert_int_equal(tree_lookup(&l.tree, images, &dir, bytes_of(e.list[i].name), &node), 0);
        assert_memory_equal(&node, &e.list[i].node, sizeof(node));
        assert_true(node_of(node_id(&node), &back));
        assert_int_equal(tree_stat(&l.tree, images, &back, &st), 0);
        assert_int_equal(st.st_ino, node_ino(&node));
        if (node.kind == NODE_IMAGE)
            check_files(&node);
        else
            check_link(images, &back, &st,
                       node.page == NODE_PAGE_NEXT ? "../limit=4&marker=b" : "../limit=4");
    }
    assert_int_equal(tree_stat(&l.tree, images, &dir, &st), 0);
    assert_int_equal(st.st_mode, S_IFDIR | 0555);
    assert_int_equal(st.st_nlink, 2 + 4);
    assert_int_equal(compare_times(st.st_mtim, catalog_dir(images, 0)->mtime), 0);
    struct node node;
    assert_int_equal(tree_lookup(&l.tree, images, &dir, bytes_of("y@d"), &node), -ENOENT);
    assert_int_equal(tree_lookup(&l.tree, images, &dir, bytes_of("d"), &node), -ENOENT);
}

static void spellings_have_directories_of_their_own(void **state)
{
    (void)state;
    struct node a, b, x, y;
    assert_int_not_equal(node_ino(&dir), node_ino(&other));
    assert_int_equal(tree_lookup(&l.tree, images, &dir, bytes_of("x@d"), &a), 0);
    assert_int_equal(tree_lookup(&l.tree, images, &other, bytes_of("x@d"), &b), 0);
    assert_int_not_equal(node_ino(&a), node_ino(&b));
    assert_int_equal(tree_lookup(&l.tree, images, &a, bytes_of("status"), &x), 0);
    assert_int_equal(tree_lookup(&l.tree, images, &b, bytes_of("status"), &y), 0);
    assert_int_equal(node_id(&x), node_id(&y));
    struct entries e;
    list(images, &b, 0, ENTRIES_MAX, &e);
    assert_int_equal(node_ino(&e.list[1].node), node_ino(&other));
}

/* Links come last, so a reader of a list that grows must not be given them. */
static void pages_wait_until_the_list_is_whole(void **state)
{
    (void)state;
    struct catalog *c;
    struct node node;
    struct entries e;
    assert_int_equal(catalog_new(&c, &l.numbers, CATALOG_FLAT, NULL, true), 0);
    assert_int_equal(lists_add(&l, c, PAGE(D)), 1);
    list(c, &dir, 0, ENTRIES_MAX, &e);
    assert_names(&e, PAGE(".", "..", "x@d"));
    assert_int_equal(tree_lookup(&l.tree, c, &dir, bytes_of("first"), &node), 0);
    assert_int_equal(tree_lookup(&l.tree, c, &dir, bytes_of("next"), &node), -ENOENT);
    assert_int_equal(lists_add(&l, c, PAGE(A)), 1);
    uint64_t behind_d = e.list[2].next;
    catalog_finish(c);
    list(c, &dir, behind_d, ENTRIES_MAX, &e);
    assert_names(&e, PAGE("next@a", "first"));
    catalog_free(c);
}

static void a_listing_goes_on_in_the_next_list(void **state)
{
    (void)state;
    struct entries e, rest;
    struct catalog *now = list_of(images, PAGE(D, C, B));
    list(images, &dir, 0, ENTRIES_MAX, &e);
    list(now, &dir, e.list[3].next, ENTRIES_MAX, &rest); /* behind a, which has left */
    assert_string_equal(rest.list[rest.count - 3].name, "De%2Fbian@b");
    for (size_t i = 0; i < rest.count; i++)
        assert_string_not_equal(rest.list[i].name, "@c");
    list(now, &dir, e.list[7].next, ENTRIES_MAX, &rest);
    assert_int_equal(rest.count, 0);
    catalog_free(now);
}

static int stale(const struct node *node)
{
    CLEANUP(strbuf_free) struct strbuf text = STRBUF_INIT;
    struct stat st;
    struct node out;
    int r = tree_stat(&l.tree, images, node, &st);
    assert_int_equal(tree_lookup(&l.tree, images, node, bytes_of("x"), &out), r);
    assert_int_equal(entries_give(&l.tree, images, node, 0, collect, NULL), r);
    assert_int_equal(tree_target(&l.tree, images, node, &text), r);
    return r;
}

static void nodes_of_other_lists_are_stale(void **state)
{
    (void)state;
    struct node rows[] = {dir,
                          dir,
                          tree_page(&l.tree, images, NODE_PAGE_FIRST),
                          {NODE_IMAGE, .query = 0xFFE, .image = lists_slot(&l, "a")},
                          {NODE_IMAGE, .image = lists_slot(&l, "a")},
                          {NODE_FILE, .image = lists_slot(&l, "a"), .attr = IMAGE_JSON_SLOT},
                          {.kind = NODE_DIR},
                          {NODE_LINK, .dir = 1, .image = lists_slot(&l, "a")}};
    rows[0].generation++;
    rows[1].query--;
    rows[2].generation++;
    for (size_t i = 0; i < ARRAY_SIZE(rows); i++)
        if (stale(&rows[i]) != -ESTALE)
            fail_msg("row %zu", i);
    l.tree.query = NULL;
    const struct node image = {NODE_IMAGE, .query = 0xFFF, .image = lists_slot(&l, "a")};
    const struct node page = {NODE_PAGE, .query = 0xFFF, .generation = 2};
    assert_int_equal(stale(&dir), -ESTALE);
    assert_int_equal(stale(&image), -ESTALE);
    assert_int_equal(stale(&page), -ESTALE);
}

static void links_without_a_list_or_a_page(void **state)
{
    (void)state;
    CLEANUP(strbuf_free) struct strbuf text = STRBUF_INIT;
    struct stat st;
    struct node next = tree_page(&l.tree, images, NODE_PAGE_NEXT);
    struct catalog *empty = list_of(images, PAGE(NULL));
    assert_int_equal(tree_stat(&l.tree, NULL, &dir, &st), 0);
    assert_int_equal(st.st_nlink, 2);
    assert_int_equal(tree_stat(&l.tree, NULL, &next, &st), -ESTALE);
    assert_int_equal(tree_stat(&l.tree, empty, &next, &st), -ESTALE);
    assert_int_equal(tree_target(&l.tree, empty, &next, &text), -ESTALE);
    catalog_free(empty);
}

/* So the kernel, which keeps the old target under the old number, cannot show it for the new one.
 */
static void next_is_another_inode_when_it_moves(void **state)
{
    (void)state;
    CLEANUP(strbuf_free) struct strbuf text = STRBUF_INIT;
    struct catalog *now = page_until("c", images, PAGE(D, A, B, C));
    struct node was, is, back;
    struct stat st, st_now;
    assert_int_equal(tree_lookup(&l.tree, images, &dir, bytes_of("next"), &was), 0);
    assert_int_equal(tree_lookup(&l.tree, now, &dir, bytes_of("next"), &is), 0);
    assert_true(node_id(&was) != node_id(&is));
    assert_int_equal(tree_stat(&l.tree, images, &was, &st), 0);
    assert_int_equal(tree_stat(&l.tree, now, &is, &st_now), 0);
    assert_int_equal(st.st_ino, st_now.st_ino);
    assert_true(node_of(node_id(&was), &back));
    assert_int_equal(tree_stat(&l.tree, now, &back, &st), -ESTALE);
    assert_int_equal(tree_target(&l.tree, now, &back, &text), -ESTALE);
    assert_int_equal(text.len, 0);
    assert_true(node_of(node_id(&is), &back));
    check_link(now, &back, &st_now, "../limit=4&marker=c");
    assert_int_equal(tree_lookup(&l.tree, images, &dir, bytes_of("first"), &was), 0);
    assert_int_equal(tree_lookup(&l.tree, now, &dir, bytes_of("first"), &is), 0);
    assert_true(node_id(&was) == node_id(&is));
    catalog_free(now);
}

static void query_is_a_link_into_the_hidden_directory(void **state)
{
    (void)state;
    struct entries e;
    struct stat st;
    struct node node;
    l.tree.query = NULL;
    list(NULL, &root, 0, ENTRIES_MAX, &e);
    assert_int_equal(e.count, 2 + l.layout->view_count + 1);
    assert_string_equal(e.list[e.count - 1].name, "query");
    check_resuming(NULL, &root, &e);
    assert_int_equal(tree_lookup(&l.tree, NULL, &root, bytes_of("query"), &node), 0);
    assert_int_equal(node.kind, NODE_QUERY_LINK);
    assert_int_equal(tree_stat(&l.tree, NULL, &node, &st), 0);
    check_link(NULL, &node, &st, ".imsfs/query");
    assert_int_equal(tree_stat(&l.tree, NULL, &root, &st), 0);
    assert_int_equal(st.st_nlink, 2 + l.layout->view_count);
    list(NULL, &meta, 0, ENTRIES_MAX, &e);
    assert_names(&e, PAGE(".", "..", "status.json", "query"));
    check_resuming(NULL, &meta, &e);
    assert_int_equal(tree_lookup(&l.tree, NULL, &meta, bytes_of("query"), &node), 0);
    assert_int_equal(node.kind, NODE_QUERIES);
    assert_int_equal(tree_stat(&l.tree, NULL, &meta, &st), 0);
    assert_int_equal(st.st_nlink, 3);
    assert_int_equal(tree_lookup(&l.tree, NULL, &queries, bytes_of("a=b"), &node), -ENOENT);
    l.tree.queries = false;
    assert_int_equal(tree_lookup(&l.tree, NULL, &root, bytes_of("query"), &node), -ENOENT);
    assert_int_equal(tree_lookup(&l.tree, NULL, &meta, bytes_of("query"), &node), -ENOENT);
}

static void queries_are_listed_by_spelling(void **state)
{
    (void)state;
    const struct entries_query list[] = {{"public", dir, dir.spelling},
                                         {"limit=4", other, other.spelling}};
    const struct {
        uint64_t cookie;
        const char *const *names;
    } rows[] = {
        {0, PAGE(".", "..", "public", "limit=4")},
        {1, PAGE("..", "public", "limit=4")},
        {2, PAGE("public", "limit=4")},
        {3, PAGE("limit=4")},
        {10, PAGE("limit=4")}, /* the one behind which it goes on may have gone */
        {11, PAGE(NULL)},
    };
    for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
        struct entries e = {.most = ENTRIES_MAX};
        entries_give_queries(list, 2, rows[i].cookie, collect, &e);
        assert_names(&e, rows[i].names);
    }
    struct entries e = {.most = 3};
    entries_give_queries(list, 2, 0, collect, &e);
    assert_names(&e, PAGE(".", "..", "public"));
    assert_int_equal(node_ino(&e.list[0].node), node_ino(&queries));
    assert_int_equal(node_ino(&e.list[1].node), node_ino(&meta));
    assert_int_equal(node_ino(&e.list[2].node), node_ino(&dir));
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(a_query_lists_its_images_and_pages),
        TEST(what_a_query_lists_can_be_looked_up),
        TEST(spellings_have_directories_of_their_own),
        TEST(pages_wait_until_the_list_is_whole),
        TEST(a_listing_goes_on_in_the_next_list),
        TEST(nodes_of_other_lists_are_stale),
        TEST(links_without_a_list_or_a_page),
        TEST(next_is_another_inode_when_it_moves),
        TEST(query_is_a_link_into_the_hidden_directory),
        TEST(queries_are_listed_by_spelling),
    };
    return cmocka_run_group_tests_name("entries", tests, NULL, NULL);
}
