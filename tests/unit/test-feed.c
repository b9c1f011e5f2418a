// SPDX-License-Identifier: Apache-2.0
/* feed: what the kernel is given, and when that ends. */
#include "imsfs/feed.h"

#include <errno.h>
#include <unistd.h>

#include "fake-source.h"

#define PID 100
#define GIVEN_MAX 1000
#define LARGE (FEED_FILE_MAX + 1)
#define MORE                                                                                  \
    "\"status\":\"active\",\"a1\":\"1\",\"a2\":\"2\",\"a3\":\"3\",\"a4\":\"4\",\"a5\":\"5\"," \
    "\"a6\":\"6\",\"a7\":\"7\",\"nothing\":null,\"none\":[]"
#define IMAGE(id, group) "{\"id\":\"" id "\",\"os_distro\":\"" group "\"," MORE "}"
#define FILES 10 /* of such an image, that are not empty, but for image.json */

static struct lists l;
static struct fake_source source;
static struct cache *cache;
static struct scene_stage stage;
static struct feed feed;

static struct {
    uint64_t inos[GIVEN_MAX];
    size_t sizes[GIVEN_MAX];
    size_t count;
    int result; /* of a store; after the first `good` of them */
    size_t good;
} given;

static int store(void *ctx, uint64_t ino, struct bytes contents)
{
    assert_ptr_equal(ctx, &given);
    assert_true(given.count < GIVEN_MAX && contents.len > 0);
    given.inos[given.count] = ino;
    given.sizes[given.count] = contents.len;
    return given.count++ < given.good ? 0 : given.result;
}

static bool was_given(const struct node *node)
{
    for (size_t i = 0; i < given.count; i++)
        if (given.inos[i] == node_id(node))
            return true;
    return false;
}

static void make_feed(unsigned workers)
{
    feed_init(&feed, &stage, workers, store, &given);
}

static int setup(void **state)
{
    (void)state;
    lists_init(&l, "os_distro");
    fake_init(&source, &l);
    const struct cache_config config = {
        .source = &source.head,
        .numbers = &l.numbers,
        .clock = &clock_boottime,
        .listener = {fake_published, fake_woken, NULL, NULL},
        .ttl_ms = 60000,
        .stale_ms = 60000,
    };
    assert_int_equal(cache_new(&cache, &config), 0);
    assert_int_equal(cache_start(cache), 0);
    stage = (struct scene_stage){&l.tree, cache, NULL};
    memset(&given, 0, sizeof(given));
    given.good = GIVEN_MAX;
    make_feed(2);
    return 0;
}

static int teardown(void **state)
{
    (void)state;
    feed_deinit(&feed);
    cache_stop(cache);
    cache_free(cache);
    fake_deinit(&source);
    lists_deinit(&l);
    return 0;
}

static void list(const char *const *page)
{
    struct list_view view;
    assert_int_equal(cache_view(cache, 0, LIST_FRESH, &view), LIST_WAIT);
    fake_wait_begun(&source, 1);
    fake_page(&source, page);
    fake_end(&source, 0);
    while (cache_view(cache, 0, LIST_FRESH, &view) != 0 || !view.complete) {
        if (view.catalog)
            cache_release(cache, 0);
        usleep(1000);
    }
    cache_release(cache, 0);
}

static struct node file_of(const char *id, const char *name)
{
    struct node file = {.kind = NODE_FILE, .image = lists_slot(&l, id), .attr = IMAGE_JSON_SLOT};
    if (strcmp(name, TREE_JSON_NAME) != 0)
        assert_int_equal(slot_find(l.attrs, bytes_of(name), &file.attr), 0);
    return file;
}

static void reads(const struct node *file)
{
    const struct call call = {.kind = CALL_READ, .node = *file, .size = 4096, .pid = PID};
    feed_before_sending(&feed, &call, &(struct answer){.text = STRBUF_INIT});
}

static void lists_image_dir(const char *id, size_t bytes)
{
    const struct call call = {
        .kind = CALL_LIST, .node = {.kind = NODE_IMAGE, .image = lists_slot(&l, id)}, .pid = PID};
    feed_before_sending(&feed, &call, &(struct answer){.text = {.len = bytes}});
}

/* Makes PID one who reads all of an image; the last file that it reads is a7. */
static void read_all(const char *id)
{
    static const char *const names[PUSH_FILES] = {"id", "a1", "a2", "a3", "a4", "a5", "a6", "a7"};
    for (size_t i = 0; i < PUSH_FILES; i++) {
        const struct node file = file_of(id, names[i]);
        reads(&file);
    }
}

static void all_but_what_is_being_read_and_what_is_empty(void **state)
{
    (void)state;
    list(PAGE(IMAGE("x", "A"), IMAGE("y", "A")));
    read_all("x");
    assert_int_equal(given.count, FILES); /* without a7, with image.json */
    const struct node read = file_of("x", "a7"), none = file_of("x", "none"),
                      nothing = file_of("x", "nothing"), json = file_of("x", TREE_JSON_NAME);
    assert_false(was_given(&read) || was_given(&none) || was_given(&nothing));
    assert_true(was_given(&json));
    lists_image_dir("y", 100); /* not yet all of it */
    assert_int_equal(given.count, FILES);
    lists_image_dir("y", 0);
    assert_int_equal(given.count, FILES + FILES + 1);
}

static void what_is_large_is_left_out(void **state)
{
    (void)state;
    CLEANUP(strbuf_free) struct strbuf json = STRBUF_INIT;
    strbuf_add_str(&json, "{\"id\":\"x\"," MORE ",\"body\":\"");
    for (size_t i = 0; i < LARGE - 1; i++)
        strbuf_add_char(&json, 'x');
    strbuf_add_str(&json, "\"}");
    list(PAGE(strbuf_str(&json)));
    read_all("x");
    const struct node body = file_of("x", "body"), record = file_of("x", TREE_JSON_NAME);
    assert_false(was_given(&body) || was_given(&record));
    assert_true(given.count > 0);
}

static void a_kernel_that_does_not_know_the_files_is_left_alone(void **state)
{
    (void)state;
    list(PAGE(IMAGE("x", "A"), IMAGE("y", "A"), IMAGE("z", "A")));
    given.good = 0;
    given.result = -ENOENT;
    read_all("x");
    size_t tries = given.count;
    assert_true(tries > 0 && tries < FILES);
    lists_image_dir("y", 0);
    assert_int_equal(given.count, tries);
    given.good = GIVEN_MAX;
    read_all("z"); /* it may know these */
    assert_true(given.count > tries);
}

static void one_that_it_does_not_know_ends_nothing(void **state)
{
    (void)state;
    list(PAGE(IMAGE("x", "A"), IMAGE("y", "A")));
    read_all("x");
    size_t before = given.count;
    given.good = before + FILES; /* all but the last */
    given.result = -ENOENT;
    lists_image_dir("y", 0);
    assert_int_equal(given.count, before + FILES + 1);
}

static void a_kernel_that_knows_no_stores_is_never_asked_again(void **state)
{
    (void)state;
    list(PAGE(IMAGE("x", "A"), IMAGE("y", "A")));
    given.good = 0;
    given.result = -ENOSYS;
    read_all("x");
    assert_int_equal(given.count, 1);
    read_all("y");
    lists_image_dir("y", 0);
    assert_int_equal(given.count, 1);
}

static void one_attribute_goes_to_those_that_follow_in_a_walk(void **state)
{
    (void)state;
    list(PAGE(IMAGE("p", "A"), IMAGE("q", "B"), IMAGE("r", "A"), IMAGE("s", "B"), IMAGE("t", "C"),
              IMAGE("u", "A"), IMAGE("v", "B"), IMAGE("w", "C")));
    static const char *const walk[] = {"p", "r", "u", "q", "s", "v", "t", "w"};
    for (size_t i = 0; i < PUSH_IMAGES; i++) {
        const struct node file = file_of(walk[i], "a1");
        assert_int_equal(given.count, 0);
        reads(&file);
    }
    assert_int_equal(given.count, ARRAY_SIZE(walk) - PUSH_IMAGES);
    for (size_t i = PUSH_IMAGES; i < ARRAY_SIZE(walk); i++) {
        const struct node file = file_of(walk[i], "a1");
        assert_int_equal(given.inos[i - PUSH_IMAGES], node_id(&file));
        assert_int_equal(given.sizes[i - PUSH_IMAGES], 2);
    }
}

static void who_reads_backwards_is_given_nothing_again(void **state)
{
    (void)state;
    list(PAGE(IMAGE("p", "A"), IMAGE("q", "A"), IMAGE("r", "A"), IMAGE("s", "B"), IMAGE("t", "B"),
              IMAGE("u", "B"), IMAGE("v", "B")));
    static const char *const back[] = {"v", "u", "t", "s", "r", "q", "p"};
    for (size_t i = 0; i < ARRAY_SIZE(back); i++) {
        const struct node file = file_of(back[i], "a1");
        reads(&file);
    }
    assert_int_equal(given.count, 0);
}

/* Somebody may have a file of the first version open, which has the same number for the kernel. */
static void an_image_whose_numbers_come_again_is_left_out(void **state)
{
    (void)state;
    uint32_t slot;
    assert_int_equal(ids_add(l.numbers.ids, bytes_of("x"), &slot), 0);
    for (uint32_t i = 0; i < 1u << NUMBERS_VERSION_BITS; i++)
        ids_version(l.numbers.ids, slot, (struct bytes){(const char *)&i, sizeof(i)});
    list(PAGE(IMAGE("x", "A"), IMAGE("y", "A")));
    read_all("x");
    assert_int_equal(given.count, 0);
    read_all("y");
    assert_int_equal(given.count, FILES);
}

/* An old version, by a name that the kernel has still to forget. */
static void what_is_read_of_an_earlier_list_is_not_followed(void **state)
{
    (void)state;
    list(PAGE(IMAGE("x", "A")));
    for (uint32_t attr = 0; attr < 2 * PUSH_FILES; attr++) {
        const struct node file = {
            .kind = NODE_FILE, .image = lists_slot(&l, "x"), .attr = attr, .version = 1};
        reads(&file);
    }
    assert_int_equal(given.count, 0);
}

static void an_image_that_has_gone_brings_nothing(void **state)
{
    (void)state;
    list(PAGE(IMAGE("x", "A")));
    for (uint32_t i = 0; i < 5 * PUSH_FILES; i++) {
        const struct node file = {
            .kind = NODE_FILE, .image = 50 + i / (2 * PUSH_FILES), .attr = 1 + i % PUSH_FILES};
        reads(&file);
    }
    assert_int_equal(given.count, 0);
}

static void without_a_list_there_is_nothing(void **state)
{
    (void)state;
    for (uint32_t attr = 0; attr < 2 * PUSH_FILES; attr++)
        reads(&(struct node){.kind = NODE_FILE, .image = 1, .attr = attr});
    assert_int_equal(given.count, 0);
}

/* Nobody would answer what a store waits for. */
static void a_single_worker_never_stores(void **state)
{
    (void)state;
    feed_deinit(&feed);
    make_feed(1);
    list(PAGE(IMAGE("x", "A"), IMAGE("y", "A")));
    read_all("x");
    lists_image_dir("y", 0);
    assert_int_equal(given.count, 0);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
    const struct CMUnitTest tests[] = {
        TEST(all_but_what_is_being_read_and_what_is_empty),
        TEST(what_is_large_is_left_out),
        TEST(a_kernel_that_does_not_know_the_files_is_left_alone),
        TEST(one_that_it_does_not_know_ends_nothing),
        TEST(a_kernel_that_knows_no_stores_is_never_asked_again),
        TEST(one_attribute_goes_to_those_that_follow_in_a_walk),
        TEST(who_reads_backwards_is_given_nothing_again),
        TEST(an_image_whose_numbers_come_again_is_left_out),
        TEST(what_is_read_of_an_earlier_list_is_not_followed),
        TEST(an_image_that_has_gone_brings_nothing),
        TEST(without_a_list_there_is_nothing),
        TEST(a_single_worker_never_stores),
    };
    return cmocka_run_group_tests_name("feed", tests, NULL, NULL);
}
