// SPDX-License-Identifier: Apache-2.0
#include "lists.h"

#include <errno.h>

#include "imsfs/name.h"

#define ENTRIES_MAX 200
#define NODES_MAX 1000

/* Values that servers and strangers may send. */
static const char *const odd[] = {
    "{\"id\":\"a\"}",
    "{\"id\":\"b\",\"name\":\"\",\"status\":null,\"tags\":[]}",
    "{\"id\":\"c\",\"name\":\".\",\"status\":\"..\",\"__os_distro\":true}",
    "{\"id\":\"..\",\"name\":\"..\",\"status\":\"none\",\"tags\":[\".\",\"..\",\"\",\"none\"]}",
    "{\"id\":\"d@e\",\"name\":\"x@y/z\",\"status\":\"a/b\",\"image.json\":\"mine\",\"a/b\":{}}",
    "{\"id\":\"d%40e\",\"name\":\"%2F%zz%\",\"status\":\"a%2Fb\",\".\":1,\"..\":2,\"\":3}",
    "{\"id\":\"\\u0000\",\"name\":\"\\u202egnp\\n\\u0007\",\"status\":\"\\ud800\",\"\\n\":-1e5}",
    "{\"id\":\"\xff\",\"name\":\"\xc3\xa9\xc3\",\"status\":\"\xe2\x80\xa8\",\"\xfe\":[1,[2]]}",
    "{\"id\":\"f\",\"name\":\"none\",\"status\":\"none\",\"image%2Ejson\":0,\"n\":null}",
    "{\"id\":\"g\",\"name\":[\"x\"],\"status\":{\"a\":1},\"tags\":{\"b\":2},\"s\":\"\\n\"}",
    "{\"id\":\"image.json\",\"name\":\"by-id\",\"status\":\"images\",\"tags\":[\"@\",\"%\"]}",
    "{\"id\":\"h\",\"name\":\"n\",\"status\":\"active\",\"created_at\":\"2020-01-01T00:00:00Z\","
    "\"updated_at\":\"2021-01-01T00:00:00Z\",\"visibility\":\"public\",\"__imagetype\":\"gold\"}",
    NULL,
};

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
static struct catalog *odd_list;

static struct image *long_image(char letter)
{
    CLEANUP(strbuf_free) struct strbuf json = STRBUF_INIT;
    strbuf_printf(&json, "{\"id\":\"%c", letter);
    for (int i = 0; i < 127; i++)
        strbuf_add_char(&json, '0');
    for (int key = 0; key < 3; key++) {
        static const char *const keys[] = {"name", "status", "key"};
        strbuf_printf(&json, "\",\"%s\":\"", keys[key]);
        for (int i = 0; i < 300; i++)
            strbuf_add_str(&json, "\xc3\xa9");
        strbuf_add_char(&json, letter);
    }
    strbuf_add_str(&json, "\"}");
    return lists_image(&l, strbuf_str(&json));
}

static int setup(void **state)
{
    (void)state;
    lists_init(&l, "status/name/os_version");
    assert_int_equal(catalog_new(&odd_list, &l.numbers, CATALOG_GROUPED, NULL, false), 0);
    assert_int_equal(lists_add(&l, odd_list, odd), ARRAY_SIZE(odd) - 1);
    assert_int_equal(catalog_add_page(odd_list, (struct image *[]){long_image('x')}, 1), 1);
    assert_int_equal(catalog_add_page(odd_list, (struct image *[]){long_image('y')}, 1), 1);
    catalog_finish(odd_list);
    return 0;
}

static int teardown(void **state)
{
    (void)state;
    catalog_free(odd_list);
    lists_deinit(&l);
    return 0;
}

static bool collect(void *ctx, const char *name, const struct node *node, uint64_t next)
{
    struct entries *e = ctx;
    assert_true(e->count < ENTRIES_MAX);
    assert_true(strlen(name) < sizeof(e->list[0].name));
    struct entry *entry = &e->list[e->count++];
    memcpy(entry->name, name, strlen(name) + 1);
    entry->node = *node;
    entry->next = next;
    return e->count < e->most;
}

static void list(const struct node *dir, uint64_t cookie, size_t most, struct entries *e)
{
    *e = (struct entries){.most = most};
    int r = entries_give(&l.tree, odd_list, dir, cookie, collect, e);
    if (r != 0)
        fail_msg("listing %llx: %d", (unsigned long long)node_ino(dir), r);
}

static bool is_dots(const char *name)
{
    return streq(name, ".") || streq(name, "..");
}

static struct node look_up(const struct node *dir, struct bytes name)
{
    struct node node;
    int r = tree_lookup(&l.tree, odd_list, dir, name, &node);
    if (r != 0)
        fail_msg("%.*s: %d", (int)name.len, name.data, r);
    return node;
}

/* Goes through all directories but .imsfs. */
typedef void dir_visit(const struct node *dir, const struct entries *e);

static void walk(const struct node *dir, dir_visit *visit)
{
    struct entries *e = malloc(sizeof(*e));
    assert_non_null(e);
    list(dir, 0, ENTRIES_MAX, e);
    visit(dir, e);
    for (size_t i = 2; i < e->count; i++)
        if (node_is_dir(&e->list[i].node))
            walk(&e->list[i].node, visit);
    free(e);
}

static const struct node root = {.kind = NODE_ROOT};

/* --- Every entry can be looked up, and its attributes agree with what it holds --- */

static void check_file(const struct node *node, const struct stat *st)
{
    CLEANUP(strbuf_free) struct strbuf text = STRBUF_INIT;
    assert_int_equal(st->st_mode, S_IFREG | 0444);
    assert_int_equal(tree_content(tree_image(odd_list, node), node, &text), 0);
    assert_int_equal(text.len, st->st_size);
}

/* A path from a directory leads to the image. */
static void check_target(const struct node *dir, const struct node *link, struct bytes path)
{
    struct node at = *dir;
    for (const char *s = path.data, *end = s + path.len; s < end;) {
        const char *slash = memchr(s, '/', (size_t)(end - s));
        struct bytes part = {s, (size_t)((slash ? slash : end) - s)};
        struct entries *e = malloc(sizeof(*e));
        assert_non_null(e);
        list(&at, 0, 2, e);
        at = bytes_are(part, "..") ? e->list[1].node : look_up(&at, part);
        free(e);
        s += part.len + 1;
    }
    assert_int_equal(at.kind, NODE_IMAGE);
    assert_int_equal(at.image, link->image);
}

static void check_link(const struct node *dir, const struct node *link, const struct stat *st)
{
    CLEANUP(strbuf_free) struct strbuf target = STRBUF_INIT;
    assert_int_equal(st->st_mode, S_IFLNK | 0777);
    assert_int_equal(tree_target(&l.tree, odd_list, link, &target), 0);
    assert_int_equal(target.len, st->st_size);
    check_target(dir, link, strbuf_bytes(&target));
}

static void check_entry(const struct node *dir, const struct entry *entry)
{
    struct stat st;
    struct node node = look_up(dir, bytes_of(entry->name));
    assert_int_equal(node_ino(&node), node_ino(&entry->node));
    assert_false(entry->name[0] == '\0' || strchr(entry->name, '/') || is_dots(entry->name));
    assert_int_equal(tree_stat(&l.tree, odd_list, &node, &st), 0);
    assert_int_equal(st.st_ino, node_ino(&node));
    assert_int_equal(st.st_uid, 7);
    assert_int_equal(st.st_gid, 8);
    if (node.kind == NODE_FILE)
        check_file(&node, &st);
    else if (node.kind == NODE_LINK)
        check_link(dir, &node, &st);
    else
        assert_int_equal(st.st_mode, S_IFDIR | 0555);
}

static void check_entries(const struct node *dir, const struct entries *e)
{
    struct stat st;
    nlink_t subdirs = 0;
    assert_string_equal(e->list[0].name, ".");
    assert_string_equal(e->list[1].name, "..");
    assert_int_equal(node_ino(&e->list[0].node), node_ino(dir));
    for (size_t i = 2; i < e->count; i++) {
        check_entry(dir, &e->list[i]);
        subdirs += node_is_dir(&e->list[i].node);
        for (size_t other = 2; other < i; other++)
            if (streq(e->list[i].name, e->list[other].name))
                fail_msg("%s is listed twice", e->list[i].name);
        if (node_is_dir(&e->list[i].node)) {
            struct entries *below = malloc(sizeof(*below));
            assert_non_null(below);
            list(&e->list[i].node, 0, 2, below);
            assert_int_equal(node_ino(&below->list[1].node), node_ino(dir));
            free(below);
        }
    }
    assert_int_equal(tree_stat(&l.tree, odd_list, dir, &st), 0);
    assert_int_equal(st.st_nlink, 2 + subdirs);
}

static void what_is_listed_can_be_looked_up(void **state)
{
    (void)state;
    walk(&root, check_entries);
}

/* --- Numbers --- */

static uint64_t seen[NODES_MAX];
static size_t seen_count;

static void note_numbers(const struct node *dir, const struct entries *e)
{
    (void)dir;
    for (size_t i = 2; i < e->count; i++) {
        uint64_t ino = node_ino(&e->list[i].node);
        for (size_t other = 0; other < seen_count; other++)
            if (seen[other] == ino)
                fail_msg("%s has the number of something else", e->list[i].name);
        assert_true(seen_count < NODES_MAX);
        seen[seen_count++] = ino;
    }
}

static void everything_has_a_number_of_its_own(void **state)
{
    (void)state;
    seen_count = 0;
    walk(&root, note_numbers);
    assert_true(seen_count > 200);
}

/* --- Listing in parts --- */

static void check_resuming(const struct node *dir, const struct entries *e)
{
    struct entries *rest = malloc(sizeof(*rest)), *one = malloc(sizeof(*one));
    assert_non_null(rest);
    assert_non_null(one);
    for (size_t i = 0; i < e->count; i++) {
        list(dir, e->list[i].next, ENTRIES_MAX, rest);
        assert_int_equal(rest->count, e->count - i - 1);
        for (size_t j = 0; j < rest->count; j++) {
            assert_string_equal(rest->list[j].name, e->list[i + 1 + j].name);
            assert_int_equal(rest->list[j].next, e->list[i + 1 + j].next);
        }
        list(dir, i ? e->list[i - 1].next : 0, 1, one);
        assert_int_equal(one->count, 1);
        assert_string_equal(one->list[0].name, e->list[i].name);
    }
    free(one);
    free(rest);
}

static void a_listing_goes_on_at_any_cookie(void **state)
{
    (void)state;
    walk(&root, check_resuming);
}

/* --- What is not there --- */

static int error_of(const struct catalog *c, struct node parent, const char *name)
{
    struct node out;
    return tree_lookup(&l.tree, c, &parent, bytes_of(name), &out);
}

static void other_names_are_not_found(void **state)
{
    (void)state;
    const struct node images = look_up(&root, bytes_of("images"));
    const struct node by_id = look_up(&root, bytes_of("by-id"));
    const struct node none = look_up(&images, bytes_of("none"));
    const struct node h = {.kind = NODE_IMAGE, .image = lists_slot(&l, "h")};
    assert_int_equal(error_of(odd_list, root, "image"), -ENOENT);
    assert_int_equal(error_of(odd_list, root, "."), -ENOENT);
    assert_int_equal(error_of(odd_list, images, "nobody"), -ENOENT);
    assert_int_equal(error_of(odd_list, images, ""), -ENOENT);
    assert_int_equal(error_of(odd_list, none, "active"), -ENOENT);
    assert_int_equal(error_of(odd_list, by_id, "n@h"), -ENOENT);
    assert_int_equal(error_of(odd_list, by_id, "H"), -ENOENT);
    assert_int_equal(error_of(odd_list, by_id, "h"), 0);
    assert_int_equal(error_of(odd_list, h, "tags"), -ENOENT);
    assert_int_equal(error_of(odd_list, h, "Name"), -ENOENT);
    assert_int_equal(error_of(odd_list, h, "name"), 0);
}

/* "wrong@id" leads nowhere, though the id is there. */
static void a_name_must_be_whole(void **state)
{
    (void)state;
    const struct node by_status = look_up(&root, bytes_of("by-status"));
    const struct node active = look_up(&by_status, bytes_of("active"));
    assert_int_equal(error_of(odd_list, active, "n@h"), 0);
    assert_int_equal(error_of(odd_list, active, "m@h"), -ENOENT);
    assert_int_equal(error_of(odd_list, active, "@h"), -ENOENT);
    assert_int_equal(error_of(odd_list, active, "h"), -ENOENT);
    assert_int_equal(error_of(odd_list, active, "@a"), -ENOENT);
}

static void what_left_the_list_is_stale(void **state)
{
    (void)state;
    const struct node by_id = look_up(&root, bytes_of("by-id"));
    struct node link = look_up(&by_id, bytes_of("h"));
    const struct node h = {.kind = NODE_IMAGE, .image = link.image};
    const struct node file = look_up(&h, bytes_of("status"));
    struct catalog *empty = lists_catalog(&l, odd_list, PAGE(NULL));
    struct stat st;
    CLEANUP(strbuf_free) struct strbuf text = STRBUF_INIT;
    assert_int_equal(error_of(empty, h, "name"), -ESTALE);
    assert_int_equal(error_of(empty, by_id, "h"), -ENOENT);
    assert_int_equal(tree_stat(&l.tree, empty, &h, &st), -ESTALE);
    assert_int_equal(tree_stat(&l.tree, empty, &file, &st), -ESTALE);
    assert_int_equal(tree_stat(&l.tree, empty, &link, &st), -ESTALE);
    assert_null(tree_image(empty, &file));
    assert_int_equal(tree_target(&l.tree, empty, &link, &text), -ESTALE);
    assert_int_equal(entries_give(&l.tree, empty, &h, 0, collect, NULL), -ESTALE);
    link.dir = look_up(&root, bytes_of("by-name")).dir;
    assert_int_equal(tree_target(&l.tree, odd_list, &link, &text), -ESTALE);
    catalog_free(empty);
}

/* The file's number for people stays; the one for the kernel belongs to what the file holds. */
static void a_file_has_versions(void **state)
{
    (void)state;
    struct stat was, is;
    struct catalog *v0 = lists_catalog(&l, NULL, PAGE(RECORD("v", "n", "active")));
    struct catalog *v1 = lists_catalog(&l, v0, PAGE(RECORD("v", "n", "queued")));
    struct catalog *same = lists_catalog(&l, v1, PAGE(RECORD("v", "n", "queued")));
    const struct node dir = {.kind = NODE_IMAGE, .image = lists_slot(&l, "v")};
    struct node old, file;
    assert_int_equal(tree_lookup(&l.tree, v0, &dir, bytes_of("status"), &old), 0);
    assert_int_equal(tree_lookup(&l.tree, v1, &dir, bytes_of("status"), &file), 0);
    assert_int_not_equal(node_id(&old), node_id(&file));
    assert_int_equal(node_ino(&old), node_ino(&file));
    assert_ptr_equal(tree_image(v0, &old), catalog_image(v0, old.image));
    assert_null(tree_image(v1, &old));
    assert_null(tree_image(v0, &file));
    assert_ptr_equal(tree_image(same, &file), tree_image(v1, &file));
    assert_int_equal(tree_stat(&l.tree, v1, &old, &is), -ESTALE);
    assert_int_equal(tree_stat(&l.tree, v0, &old, &was), 0);
    assert_int_equal(tree_stat(&l.tree, v1, &file, &is), 0);
    assert_int_equal(was.st_ino, is.st_ino);
    assert_int_equal(tree_lookup(&l.tree, same, &dir, bytes_of("status"), &old), 0);
    assert_int_equal(node_id(&old), node_id(&file));
    catalog_free(same);
    catalog_free(v1);
    catalog_free(v0);
}

static void kinds_are_not_mixed_up(void **state)
{
    (void)state;
    const struct node h = {.kind = NODE_IMAGE, .image = lists_slot(&l, "h")};
    const struct node file = look_up(&h, bytes_of("name"));
    CLEANUP(strbuf_free) struct strbuf text = STRBUF_INIT;
    assert_int_equal(error_of(odd_list, file, "x"), -ENOTDIR);
    assert_int_equal(entries_give(&l.tree, odd_list, &file, 0, collect, NULL), -ENOTDIR);
    assert_int_equal(tree_target(&l.tree, odd_list, &file, &text), -EINVAL);
}

/* --- Before any list, and beside it --- */

static void names_that_need_no_list(void **state)
{
    (void)state;
    struct stat st;
    struct entries e = {.most = ENTRIES_MAX};
    assert_int_equal(entries_give(&l.tree, NULL, &root, 0, collect, &e), 0);
    assert_int_equal(e.count, 2 + l.layout->view_count);
    for (size_t i = 2; i < e.count; i++) {
        assert_int_equal(error_of(NULL, root, e.list[i].name), 0);
        assert_int_equal(tree_stat(&l.tree, NULL, &e.list[i].node, &st), 0);
        assert_int_equal(st.st_mode, S_IFDIR | 0555);
        assert_string_not_equal(e.list[i].name, TREE_META_NAME);
    }
    const struct node meta = look_up(&root, bytes_of(TREE_META_NAME));
    e = (struct entries){.most = ENTRIES_MAX};
    assert_int_equal(entries_give(&l.tree, NULL, &meta, 0, collect, &e), 0);
    assert_int_equal(e.count, 3);
    assert_string_equal(e.list[2].name, TREE_STATUS_NAME);
    assert_int_equal(error_of(NULL, meta, TREE_STATUS_NAME), 0);
    assert_int_equal(error_of(NULL, meta, "other"), -ENOENT);
    check_resuming(&meta, &e);
}

static void times_and_umask(void **state)
{
    (void)state;
    struct stat st;
    const struct node h = {.kind = NODE_IMAGE, .image = lists_slot(&l, "h")};
    const struct node file = look_up(&h, bytes_of("image.json"));
    l.tree.umask = 0077;
    assert_int_equal(tree_stat(&l.tree, odd_list, &h, &st), 0);
    assert_int_equal(st.st_mode, S_IFDIR | 0500);
    assert_int_equal(tree_stat(&l.tree, odd_list, &file, &st), 0);
    assert_int_equal(st.st_mode, S_IFREG | 0400);
    l.tree.umask = 0;
    assert_int_equal(st.st_mtim.tv_sec, 1609459200);
    assert_int_equal(st.st_ctim.tv_sec, 1609459200);
    assert_int_equal(st.st_atim.tv_sec, 1577836800);
    assert_int_equal(st.st_mtim.tv_nsec, 0);
    const struct node a = {.kind = NODE_IMAGE, .image = lists_slot(&l, "a")};
    assert_int_equal(tree_stat(&l.tree, odd_list, &a, &st), 0);
    assert_int_equal(compare_times(st.st_mtim, l.numbers.born), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_is_listed_can_be_looked_up),
        cmocka_unit_test(everything_has_a_number_of_its_own),
        cmocka_unit_test(a_listing_goes_on_at_any_cookie),
        cmocka_unit_test(other_names_are_not_found),
        cmocka_unit_test(a_name_must_be_whole),
        cmocka_unit_test(what_left_the_list_is_stale),
        cmocka_unit_test(a_file_has_versions),
        cmocka_unit_test(kinds_are_not_mixed_up),
        cmocka_unit_test(names_that_need_no_list),
        cmocka_unit_test(times_and_umask),
    };
    return cmocka_run_group_tests_name("tree", tests, setup, teardown);
}
