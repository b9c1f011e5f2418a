// SPDX-License-Identifier: Apache-2.0
#include "imsfs/queries.h"

#include <errno.h>
#include <unistd.h>

#include "fake-source.h"
#include "imsfs/log.h"
#include "imsfs/rejects.h"

static struct lists l;
static struct fake_source source;
static struct fake_clock clock_;
static struct cache *cache;
static struct criteria criteria;
static struct queries *queries;
static enum query_dialect dialect;
static size_t forgotten, reconsidered;
static const char *project;

static int forget(void *ctx, struct bytes name)
{
    (void)ctx, (void)name;
    forgotten++;
    return 0;
}

static void on_emptied(void *ctx, uint32_t list, uint32_t tenure, const struct catalog *last,
                       bool gone)
{
    (void)ctx, (void)last;
    assert_int_equal(queries_emptied(queries, list, tenure, gone, forget, NULL), 0);
}

static enum query_dialect dialect_of(void *ctx)
{
    (void)ctx;
    return dialect;
}

static struct bytes project_of(void *ctx)
{
    (void)ctx;
    return bytes_of(project);
}

static int set_up_with(const char *filter)
{
    CLEANUP(strbuf_free) struct strbuf why = STRBUF_INIT;
    const struct criteria_text text = {.filter = filter};
    lists_init(&l, "status");
    fake_init(&source, &l);
    fake_clock_init(&clock_);
    dialect = QUERY_DIALECT_IMS;
    forgotten = 0;
    project = "p1";
    assert_int_equal(criteria_make(&criteria, &text, &why), 0);
    const struct queries_config config = {
        .criteria = &criteria, .project = project_of, .dialect = dialect_of};
    assert_int_equal(queries_new(&queries, &config), 0);
    const struct cache_config cc = {
        .source = &source.head,
        .numbers = &l.numbers,
        .clock = &clock_.clock,
        .listener = {fake_published, fake_woken, on_emptied, NULL},
        .ttl_ms = 60000,
        .stale_ms = 60000,
    };
    assert_int_equal(cache_new(&cache, &cc), 0);
    queries_attach(queries, cache);
    return 0;
}

static int set_up(void **state)
{
    (void)state;
    return set_up_with(NULL);
}

static int set_up_filtered(void **state)
{
    (void)state;
    return set_up_with("visibility=public");
}

static int set_up_unprotected(void **state)
{
    (void)state;
    return set_up_with("protected=false");
}

static int tear_down(void **state)
{
    (void)state;
    cache_free(cache);
    queries_free(queries);
    criteria_clear(&criteria);
    fake_deinit(&source);
    lists_deinit(&l);
    return 0;
}

static bool reconsider(struct source *s)
{
    (void)s;
    reconsidered++;
    dialect = QUERY_DIALECT_UNKNOWN;
    return true;
}

static struct node look_up(const char *name)
{
    struct node node;
    int r = queries_lookup(queries, bytes_of(name), &node);
    if (r != 0)
        fail_msg("%s: %d", name, r);
    assert_int_equal(node.kind, NODE_QUERY);
    return node;
}

static void assert_refused(const char *name, int error, const char *word)
{
    struct node node;
    CLEANUP(strbuf_free) struct strbuf why = STRBUF_INIT;
    assert_int_equal(queries_lookup(queries, bytes_of(name), &node), error);
    queries_add_refused(queries, &why);
    assert_non_null(strstr(strbuf_str(&why), word));
}

static size_t count_listed(const char *name)
{
    CLEANUP(queries_listing_clear) struct queries_listing found = {0};
    size_t count = 0;
    assert_int_equal(queries_list(queries, &found), 0);
    for (size_t i = 0; i < found.count; i++) {
        count += streq(found.items[i].name, name);
        assert_true(i == 0 || found.items[i - 1].mark < found.items[i].mark);
    }
    return count;
}

/* Somebody asks for what is in it. */
static struct node use(const char *name)
{
    struct list_view view;
    struct node node = look_up(name);
    assert_int_equal(cache_view(cache, node.query, LIST_FRESH, &view), LIST_WAIT);
    return node;
}

static void test_spellings_share_a_list(void **state)
{
    (void)state;
    struct node a = look_up("name=x&min_ram=0"), b = look_up("min_ram=0&name=%78");
    assert_int_equal(a.query, b.query);
    assert_int_equal(a.generation, b.generation);
    assert_int_not_equal(a.spelling, b.spelling);
    struct node again = look_up("name=x&min_ram=0");
    assert_int_equal(node_id(&a), node_id(&again));
    assert_int_not_equal(look_up("name=y").query, a.query);
    assert_int_equal(fake_begun(&source), 0);
    use("name=x&min_ram=0");
    assert_int_equal(count_listed("min_ram=0&name=x"), 1);
    assert_int_equal(count_listed("name=x&min_ram=0"), 0);
}

/* Anybody may look up anything. */
static void test_what_was_only_looked_up_is_not_listed(void **state)
{
    (void)state;
    look_up("name=x");
    assert_int_equal(count_listed("name=x"), 0);
    struct timespec before = queries_changed(queries);
    assert_int_equal(compare_times(before, queries_changed(queries)), 0);
    use("name=x");
    assert_int_equal(compare_times(before, queries_changed(queries)), -1);
    assert_int_equal(count_listed("name=x"), 1);
    before = queries_changed(queries);
    assert_int_equal(compare_times(before, queries_changed(queries)), 0);
}

static void test_refusals(void **state)
{
    (void)state;
    assert_refused("foo", -ENOENT, "no query has this name");
    assert_refused("foo&tag=a", -ENOENT, "foo: no '=' in it");
    assert_refused("tag=a&", -ENOENT, "&: joins two criteria");
    assert_refused("foo=1", -EINVAL, "foo");
    assert_refused("min_ram=x", -EINVAL, "min_ram");
    dialect = QUERY_DIALECT_GLANCE;
    assert_refused("__whole_image=true", -EOPNOTSUPP, "__whole_image");
    assert_int_equal(cache_next_list(cache, 0), 0);
}

/* That there is no call which knows the name may have been found out long ago. */
static void test_reconsideration(void **state)
{
    (void)state;
    static struct source_ops ops;
    ops = *source.head.ops;
    reconsidered = 0;
    ops.reconsider = reconsider;
    source.head.ops = &ops;
    dialect = QUERY_DIALECT_GLANCE;
    assert_refused("min_ram=x", -EINVAL, "min_ram");
    look_up("color=red");
    assert_int_equal(reconsidered, 0);
    look_up("__whole_image=true");
    assert_int_equal(reconsidered, 1);
    assert_int_equal(fake_begun(&source), 0);
}

static void test_filter(void **state)
{
    (void)state;
    assert_refused("visibility=private", -EINVAL, "filter");
    assert_int_equal(look_up("min_ram=1").query, look_up("visibility=public&min_ram=1").query);
    use("min_ram=1");
    assert_int_equal(count_listed("min_ram=1&visibility=public"), 0);
    assert_int_equal(count_listed("min_ram=1"), 1);
    use("visib%69lity=public"); /* what the filter has, and no more */
    assert_int_equal(count_listed("visibility=public"), 1);
}

static void test_named_and_dialect(void **state)
{
    (void)state;
    static const enum query_dialect dialects[] = {QUERY_DIALECT_UNKNOWN, QUERY_DIALECT_IMS,
                                                  QUERY_DIALECT_GLANCE};
    struct node first = {0};
    for (size_t i = 0; i < ARRAY_SIZE(dialects); i++) {
        dialect = dialects[i];
        struct node node = look_up("public");
        first = i ? first : node;
        assert_int_equal(node_id(&node), node_id(&first));
        assert_int_equal(count_listed("public"), 1);
    }
    assert_int_not_equal(look_up("visibility=public").query, first.query);
    assert_int_equal(fake_begun(&source), 0);
}

/* Which criteria the filter must fit is known with the dialect. */
static void test_a_filter_may_fit_one_dialect(void **state)
{
    (void)state;
    dialect = QUERY_DIALECT_IMS;
    assert_refused("public", -EINVAL, "protected");
    dialect = QUERY_DIALECT_UNKNOWN;
    struct node node = look_up("public");
    dialect = QUERY_DIALECT_GLANCE;
    assert_int_equal(look_up("public").query, node.query);
}

/* On a plain Glance the pending ones need the project id, which comes with signing in. */
static void test_the_project_comes_later(void **state)
{
    struct queries_use use = {0};
    (void)state;
    dialect = QUERY_DIALECT_UNKNOWN;
    project = "";
    struct node early = look_up("shared-pending");
    assert_int_equal(queries_of(queries, &early, &use), 0);
    assert_true(use.provisional);
    queries_done(queries, &use);
    assert_int_equal(look_up("shared-pending").query, early.query);
    assert_int_equal(count_listed("shared-pending"), 1);
    dialect = QUERY_DIALECT_GLANCE;
    assert_int_equal(count_listed("shared-pending"), 0);
    project = "p1";
    assert_int_equal(count_listed("shared-pending"), 1);
    struct node node = look_up("shared-pending");
    assert_int_not_equal(node.query, early.query);
    assert_int_equal(queries_of(queries, &node, &use), 0);
    assert_false(use.provisional);
    queries_done(queries, &use);
    struct list_status status;
    cache_status(cache, node.query, &status);
    assert_true(status.pinned);
    cache_status(cache, early.query, &status);
    assert_int_equal(status.tenure, early.generation);
    assert_false(status.pinned); /* it has no name any more, and goes as others do */
}

static void test_marks_stay(void **state)
{
    CLEANUP(queries_listing_clear) struct queries_listing before = {0};
    CLEANUP(queries_listing_clear) struct queries_listing after = {0};
    (void)state;
    dialect = QUERY_DIALECT_UNKNOWN;
    assert_int_equal(queries_list(queries, &before), 0);
    dialect = QUERY_DIALECT_IMS;
    assert_int_equal(queries_list(queries, &after), 0);
    assert_int_equal(before.count, after.count);
    for (size_t i = 0; i < before.count; i++) {
        assert_string_equal(before.items[i].name, after.items[i].name);
        assert_int_equal(before.items[i].mark, after.items[i].mark);
        assert_int_not_equal(after.items[i].node.query, 0);
    }
}

static void test_what_a_tree_needs(void **state)
{
    struct queries_use one = {0}, all = {0};
    struct node a = look_up("name=x&min_ram=0"), image = {.kind = NODE_IMAGE, .query = a.query};
    (void)state;
    assert_int_equal(queries_of(queries, &a, &one), 0);
    assert_int_equal(one.query.number, a.query);
    assert_int_equal(one.query.generation, a.generation);
    assert_int_equal(query_count(one.query.criteria), 2);
    assert_int_equal(queries_of_list(queries, a.query, &all), 0);
    assert_int_equal(all.query.spelling_count, 2);
    image.spelling = a.spelling;
    queries_done(queries, &all);
    assert_int_equal(queries_of(queries, &image, &all), 0);
    queries_done(queries, &all);
    image.spelling = a.spelling + 100;
    assert_int_equal(queries_of(queries, &image, &all), -ESTALE);
    a.generation++;
    assert_int_equal(queries_of(queries, &a, &all), -ESTALE);
    queries_emptied(queries, one.query.number, one.query.generation + 1, true, forget, NULL);
    assert_int_equal(forgotten, 0);
    queries_emptied(queries, one.query.number, one.query.generation, false, forget, NULL);
    assert_int_equal(forgotten, 2);
    assert_int_equal(queries_of_list(queries, one.query.number, &all), 0);
    queries_done(queries, &all);
    queries_emptied(queries, one.query.number, one.query.generation, true, forget, NULL);
    assert_int_equal(forgotten, 4);
    assert_int_equal(queries_of_list(queries, one.query.number, &all), -ESTALE);
    assert_int_equal(query_count(one.query.criteria), 2); /* still held */
    queries_done(queries, &one);
}

static void test_many(void **state)
{
    char name[40];
    (void)state;
    struct node first = look_up("min_ram=0");
    struct timespec before = queries_changed(queries);
    for (int i = 1; i <= 5000; i++) {
        snprintf(name, sizeof(name), "min_ram=%d", i);
        look_up(name);
    }
    struct queries_use use = {0};
    assert_true(compare_times(before, queries_changed(queries)) < 0);
    assert_true(forgotten >= 5001 - ROSTER_NUMBERS);
    assert_int_equal(queries_of(queries, &first, &use), -ESTALE);
    struct node again = look_up("min_ram=0");
    assert_int_not_equal(node_id(&again), node_id(&first));
    assert_int_equal(queries_of(queries, &again, &use), 0);
    queries_done(queries, &use);
}

static size_t count_lines(const char *text)
{
    size_t n = 0;
    for (; (text = strchr(text, '\n')); text++)
        n++;
    return n;
}

/* Anybody may look up anything, in a loop: it must not fill the log. */
static void test_refusals_are_logged_sparingly(void **state)
{
    enum { NAMES = 300 };
    char line[20000], name[40];
    int ends[2], saved = dup(STDERR_FILENO);
    struct node node;
    (void)state;
    assert_int_equal(pipe(ends), 0);
    dup2(ends[1], STDERR_FILENO);
    close(ends[1]);
    log_setup(LOG_SINK_STDERR, LOG_LEVEL_INFO);
    for (int i = 0; i < NAMES; i++) {
        snprintf(name, sizeof(name), "a\n%d", i);
        if (queries_lookup(queries, bytes_of(name), &node) != -ENOENT)
            break;
    }
    log_setup(LOG_SINK_STDERR, LOG_LEVEL_ERROR);
    dup2(saved, STDERR_FILENO);
    close(saved);
    ssize_t len = read(ends[0], line, sizeof(line) - 1);
    close(ends[0]);
    assert_true(len > 0);
    line[len] = '\0';
    assert_memory_equal(line, "imsfs: query/a\\x0a0: ", 21);              /* escaped once */
    assert_in_range(count_lines(line), REJECTS_BURST, 2 * REJECTS_BURST); /* not 300 */
    assert_refused("b", -ENOENT, "query/b: ");
}

/* One query written in ever more ways: each letter of its value as itself or as %XX. */
static void test_many_spellings(void **state)
{
    char name[80];
    struct queries_use use = {0};
    (void)state;
    struct node canonical = look_up("name=xxxxxxxxxxxxxxx");
    struct node old = {0};
    for (int i = 1; i <= PLACES_NAMES_MAX; i++) {
        strcpy(name, "name=");
        for (int bit = 0; bit < 15; bit++)
            strcat(name, i >> bit & 1 ? "%78" : "x");
        struct node node = look_up(name);
        assert_int_equal(node.query, canonical.query);
        old = i == 1 ? node : old;
    }
    assert_int_equal(queries_of(queries, &old, &use), -ESTALE);
    assert_int_equal(queries_of(queries, &canonical, &use), 0);
    queries_done(queries, &use);
    assert_int_equal(queries_of_list(queries, canonical.query, &use), 0);
    assert_int_equal(use.query.spelling_count, PLACES_SPELLINGS_MAX);
    queries_done(queries, &use);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_spellings_share_a_list, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_what_was_only_looked_up_is_not_listed, set_up,
                                        tear_down),
        cmocka_unit_test_setup_teardown(test_refusals, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_reconsideration, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_filter, set_up_filtered, tear_down),
        cmocka_unit_test_setup_teardown(test_named_and_dialect, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_a_filter_may_fit_one_dialect, set_up_unprotected,
                                        tear_down),
        cmocka_unit_test_setup_teardown(test_the_project_comes_later, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_marks_stay, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_what_a_tree_needs, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_many, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_many_spellings, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_refusals_are_logged_sparingly, set_up, tear_down),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
