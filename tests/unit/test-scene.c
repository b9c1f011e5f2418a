// SPDX-License-Identifier: Apache-2.0
/* scene: which list and which tree a request is answered from. */
#include "imsfs/scene.h"

#include <errno.h>

#include "fake-source.h"

static struct lists l;
static struct fake_source source;
static struct cache *cache;
static struct criteria criteria;
static struct queries *queries;
static struct scene_stage stage;

static void on_emptied(void *ctx, uint32_t list, uint32_t tenure, const struct catalog *last,
                       bool gone)
{
    (void)ctx, (void)last;
    assert_int_equal(queries_emptied(queries, list, tenure, gone, NULL, NULL), 0);
}

static enum query_dialect dialect(void *ctx)
{
    (void)ctx;
    return QUERY_DIALECT_IMS;
}

static struct bytes project(void *ctx)
{
    (void)ctx;
    return bytes_of("p1");
}

static int setup(void **state)
{
    CLEANUP(strbuf_free) struct strbuf why = STRBUF_INIT;
    const struct criteria_text text = {0};
    (void)state;
    lists_init(&l, "status");
    fake_init(&source, &l);
    assert_int_equal(criteria_make(&criteria, &text, &why), 0);
    const struct queries_config config = {
        .criteria = &criteria, .project = project, .dialect = dialect};
    assert_int_equal(queries_new(&queries, &config), 0);
    const struct cache_config cc = {
        .source = &source.head,
        .numbers = &l.numbers,
        .clock = &clock_boottime,
        .listener = {fake_published, fake_woken, on_emptied, NULL},
        .ttl_ms = 60000,
        .stale_ms = 60000,
    };
    assert_int_equal(cache_new(&cache, &cc), 0);
    queries_attach(queries, cache);
    stage = (struct scene_stage){&l.tree, cache, queries};
    return 0;
}

static int teardown(void **state)
{
    (void)state;
    cache_free(cache);
    queries_free(queries);
    criteria_clear(&criteria);
    fake_deinit(&source);
    lists_deinit(&l);
    return 0;
}

static struct node look_up(const char *name)
{
    struct node node;
    assert_int_equal(queries_lookup(queries, bytes_of(name), &node), 0);
    return node;
}

static void the_mount_has_a_scene_of_its_own(void **state)
{
    (void)state;
    struct scene s;
    const struct node images = {.kind = NODE_DIR};
    assert_int_equal(scene_enter(&s, &stage, &images), 0);
    assert_null(s.tree.query);
    assert_true(s.tree.queries);
    assert_int_equal(scene_look(&s, LIST_NOW), 0);
    assert_null(s.view.catalog);
    scene_look_away(&s);
    assert_int_equal(scene_look(&s, LIST_FRESH), LIST_WAIT);
    scene_leave(&s);
}

static void a_query_has_its_list_and_its_tree(void **state)
{
    (void)state;
    struct scene s;
    struct list_status status;
    const struct node node = look_up("limit=3");
    assert_int_equal(scene_enter(&s, &stage, &node), 0);
    assert_non_null(s.tree.query);
    assert_int_equal(s.tree.query->number, node.query);
    assert_int_equal(query_limit(s.tree.query->criteria), 3);
    assert_int_equal(scene_look(&s, LIST_FRESH), LIST_WAIT);
    assert_int_equal(scene_look(&s, LIST_NOW), 0);
    scene_look_away(&s);
    scene_leave(&s);
    assert_int_equal(cache_status(cache, node.query, &status), 0);
    assert_true(status.wanted);
    assert_int_equal(cache_status(cache, 0, &status), 0);
    assert_false(status.wanted);
}

static void what_nobody_was_told_of_has_none(void **state)
{
    (void)state;
    struct scene s;
    struct node node = look_up("limit=3");
    node.spelling += 100;
    assert_int_equal(scene_enter(&s, &stage, &node), -ESTALE);
    scene_leave(&s);
    node = look_up("limit=3");
    stage.queries = NULL;
    assert_int_equal(scene_enter(&s, &stage, &node), -ESTALE);
    scene_leave(&s);
}

/* The place is held, but the number is another's by now. */
static void a_list_that_has_gone_has_none(void **state)
{
    (void)state;
    struct scene s;
    char name[32];
    const struct node node = look_up("limit=3");
    assert_int_equal(scene_enter(&s, &stage, &node), 0);
    for (unsigned i = 1; i <= ROSTER_NUMBERS; i++) {
        snprintf(name, sizeof(name), "name=%u", i);
        look_up(name);
    }
    assert_int_equal(scene_look(&s, LIST_FRESH), -ESTALE);
    assert_int_equal(scene_look(&s, LIST_NOW), -ESTALE);
    assert_int_equal(query_limit(s.tree.query->criteria), 3);
    scene_leave(&s);
    assert_int_equal(scene_enter(&s, &stage, &node), -ESTALE);
    scene_leave(&s);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
    const struct CMUnitTest tests[] = {
        TEST(the_mount_has_a_scene_of_its_own),
        TEST(a_query_has_its_list_and_its_tree),
        TEST(what_nobody_was_told_of_has_none),
        TEST(a_list_that_has_gone_has_none),
    };
    return cmocka_run_group_tests_name("scene", tests, NULL, NULL);
}
