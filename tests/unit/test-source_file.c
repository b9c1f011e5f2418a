// SPDX-License-Identifier: Apache-2.0
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

#include "imsfs/log.h"
#include "imsfs/source_file.h"
#include "whole-list.h"

static char dir[] = "/tmp/imsfs-test-XXXXXX";
static char path[64];

struct world {
    struct source *source;
    struct limits limits;
    struct slot_table *attrs;
    struct whole_list last;
    unsigned images, pages, largest;
    char ids[64]; /* of the first ones, with a space behind each */
    int refuse;   /* what the sink says instead of taking a page; 0: it takes them */
    const char
        *rewrite;      /* what the file holds after the first page that it takes; NULL: the same */
    unsigned rewrites; /* so many pages more */
    unsigned restarts;
};

static void write_file(const char *text)
{
    FILE *f = fopen(path, "w");
    assert_non_null(f);
    assert_int_equal(fwrite(text, 1, strlen(text), f), strlen(text));
    fclose(f);
}

static int take(void *ctx, struct image **images, size_t count)
{
    struct world *w = ctx;
    for (size_t i = 0; i < count; i++) {
        struct bytes id = image_id(images[i]);
        size_t len = strlen(w->ids);
        snprintf(w->ids + len, sizeof(w->ids) - len, "%.*s ", (int)id.len, id.data);
        image_unref(images[i]);
    }
    if (w->refuse)
        return w->refuse;
    w->images += (unsigned)count;
    w->pages++;
    if (count > w->largest)
        w->largest = (unsigned)count;
    if (w->rewrites > 0) {
        w->rewrites--;
        write_file(w->rewrite);
    }
    return (int)count;
}

static void restart(void *ctx)
{
    struct world *w = ctx;
    w->restarts++;
    w->images = 0;
    w->ids[0] = '\0';
}

static int list_query(struct world *w, const struct query *q)
{
    const struct source_sink sink = {take, restart, w};
    w->images = w->pages = 0;
    w->ids[0] = '\0';
    return whole_list(w->source, q, &sink, &w->last);
}

static int list(struct world *w)
{
    return list_query(w, NULL);
}

static int ask(struct world *w, const char *criteria)
{
    struct query *q;
    struct query_error err;
    assert_int_equal(query_parse(&q, bytes_of(criteria), QUERY_DIALECT_UNKNOWN, &err), 0);
    int r = list_query(w, q);
    query_free(q);
    return r;
}

static void open_world_as(struct world *w, const char *at, enum query_dialect dialect)
{
    memset(w, 0, sizeof(*w));
    assert_int_equal(image_attrs_new(&w->attrs), 0);
    w->limits = limits_standard;
    w->limits.max[LIMIT_IMAGES] = 5000;
    struct source_file_config config = {.path = at,
                                        .limits = &w->limits,
                                        .max_bytes = 1 << 20,
                                        .attrs = w->attrs,
                                        .dialect = dialect};
    assert_int_equal(source_file_new(&w->source, &config), 0);
}

static void open_world_at(struct world *w, const char *at)
{
    open_world_as(w, at, QUERY_DIALECT_IMS);
}

static void open_world(struct world *w)
{
    open_world_at(w, path);
}

static void close_world(struct world *w)
{
    source_free(w->source);
    slot_table_free(w->attrs);
}

static void three_shapes_are_read(void **state)
{
    (void)state;
    static const char *const shapes[] = {
        "{\"images\": [{\"id\": \"a\"}, {\"id\": \"b\"}], \"next\": \"/v2/images?marker=b\"}",
        "[{\"id\": \"a\"}, {\"id\": \"b\"}]\n",
        "{\"id\": \"a\"}\n{\"id\": \"b\"}\n",
    };
    for (size_t i = 0; i < ARRAY_SIZE(shapes); i++) {
        struct world w;
        write_file(shapes[i]);
        open_world(&w);
        assert_int_equal(list(&w), 0);
        assert_int_equal(w.images, 2);
        close_world(&w);
    }
}

static void a_file_that_did_not_change_is_not_read(void **state)
{
    (void)state;
    struct world w;
    write_file("[{\"id\": \"a\"}]");
    open_world(&w);
    assert_int_equal(list(&w), 0);
    assert_int_equal(list(&w), SOURCE_UNCHANGED);
    assert_int_equal(w.images, 0);
    write_file("[{\"id\": \"a\"}, {\"id\": \"b\"}]");
    assert_int_equal(list(&w), 0);
    assert_int_equal(w.images, 2);
    write_file("[{\"id\": \"a\"}, {\"id\":");
    assert_int_equal(list(&w), -EIO);
    assert_int_equal(list(&w), -EIO); /* a listing that failed is never the last good one */
    close_world(&w);
}

static void many_images_come_in_batches(void **state)
{
    (void)state;
    struct world w;
    FILE *f = fopen(path, "w");
    assert_non_null(f);
    for (int i = 0; i < 2500; i++)
        fprintf(f, "{\"id\": \"%d\"}\n{\"name\": \"without an id\"}\n", i);
    fclose(f);
    open_world(&w);
    assert_int_equal(list(&w), 0);
    assert_int_equal(w.images, 2500);
    assert_int_equal(w.pages, 3);
    assert_int_equal(w.largest, SOURCE_FILE_BATCH);
    assert_int_equal(w.last.left_out.skipped, 2500);
    close_world(&w);
}

/* With so many that a page is taken before the end is read. */
static void write_many(void)
{
    CLEANUP(strbuf_free) struct strbuf text = STRBUF_INIT;
    for (int i = 0; i < 1500; i++)
        strbuf_printf(&text, "{\"id\": \"%d\"}\n", i);
    write_file(strbuf_str(&text));
}

/* Neither half of the old list nor one out of two is shown. */
static void what_is_written_meanwhile_is_read_anew(void **state)
{
    (void)state;
    static const char *const now[] = {NULL, "[{\"id\": \"new\"}]", "[{\"id\": \"half"};
    for (size_t i = 0; i < ARRAY_SIZE(now); i++) {
        struct world w;
        bool half = i == 2;
        write_many();
        open_world(&w);
        w.rewrite = now[i];
        w.rewrites = now[i] != NULL;
        assert_int_equal(list(&w), half ? -EIO : 0);
        assert_int_equal(w.restarts, now[i] != NULL);
        assert_int_equal(w.images, !now[i] ? 1500 : half ? 0 : 1);
        assert_int_equal(list(&w), half ? -EIO : SOURCE_UNCHANGED);
        close_world(&w);
    }
}

static void limits_hold(void **state)
{
    (void)state;
    struct world w;
    FILE *f = fopen(path, "w");
    assert_non_null(f);
    for (int i = 0; i < 6000; i++)
        fprintf(f, "{\"id\": \"%d\"}\n", i);
    fclose(f);
    open_world(&w);
    assert_int_equal(list(&w), -EIO);
    assert_non_null(strstr(w.last.error.text, "max_images="));
    w.refuse = -ENOSPC;
    assert_int_equal(list(&w), -ENOSPC);
    assert_int_equal(truncate(path, 2 << 20), 0);
    assert_int_equal(list(&w), -EFBIG);
    source_cancel(w.source);
    assert_int_equal(list(&w), -ECANCELED);
    close_world(&w);
}

static void assert_fails(const char *at, int error, const char *text)
{
    struct world w;
    open_world_at(&w, at);
    assert_int_equal(list(&w), error);
    if (!strstr(w.last.error.text, text) || !strstr(w.last.error.text, at))
        fail_msg("no \"%s\" in: %s", text, w.last.error.text);
    assert_null(strchr(w.last.error.text, '\n'));
    close_world(&w);
}

static void what_is_no_list_is_told(void **state)
{
    (void)state;
    char fifo[80];
    snprintf(fifo, sizeof(fifo), "%s/fifo", dir);
    assert_int_equal(mkfifo(fifo, 0600), 0);
    assert_fails("/nonexistent/images.json", -ENOENT, "No such file");
    assert_fails(dir, -EISDIR, "directory");
    assert_fails(fifo, -EINVAL, "regular file"); /* and does not wait for a writer */
    unlink(fifo);
    write_file("");
    assert_fails(path, -EIO, "empty");
    write_file("name: not JSON\n");
    assert_fails(path, -EIO, "JSON");
    write_file("{\"id\": \"a\"}\nrubbish\n");
    assert_fails(path, -EIO, "JSON");
}

static const char five[] =
    "{\"id\": \"a\", \"name\": \"n3\", \"min_ram\": 1, \"created_at\": \"2020-01-01T00:00:00Z\"}\n"
    "{\"id\": \"b\", \"name\": \"n2\", \"min_ram\": 1, \"created_at\": \"2020-01-02T00:00:00Z\"}\n"
    "{\"id\": \"c\", \"name\": \"n1\", \"min_ram\": 2, \"created_at\": \"2020-01-03T00:00:00Z\"}\n"
    "{\"id\": \"a\", \"name\": \"n9\", \"min_ram\": 2}\n{\"name\": \"without an id\"}\n"
    "{\"id\": \"@d\", \"name\": \"n0\", \"__support_arm\": \"true\"}\n"
    "{\"id\": \"e\", \"name\": \"n4\", \"architecture\": \"x86\", \"__support_arm\": \"true\"}\n";

static void criteria_are_evaluated(void **state)
{
    (void)state;
    static const struct {
        const char *criteria, *ids, *next;
    } rows[] = {
        {"min_ram=1", "b a ", ""}, /* the newest first, as both calls have it */
        {"min_ram=1&sort_dir=asc", "a b ", ""},
        {"name=n9", "", ""}, /* the first record of an id is the image */
        {"limit=2&sort_key=name&sort_dir=asc", "%40d c ", "c"},
        {"limit=2&sort_key=name&sort_dir=asc&marker=c", "b a ", "a"},
        {"limit=2&sort_key=name&sort_dir=asc&marker=a", "e ", ""},
        {"limit=1&sort_key=name&sort_dir=asc", "%40d ", "@d"}, /* as a server spells it */
        {"sort_key=name&marker=%40d", "", ""},
        {"architecture=arm&sort_key=name", "e %40d ", ""},
    };
    struct world w;
    write_file(five);
    open_world(&w);
    for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
        assert_int_equal(ask(&w, rows[i].criteria), SOURCE_DONE);
        assert_string_equal(w.ids, rows[i].ids);
        assert_string_equal(w.last.next_marker, rows[i].next);
        assert_int_equal(w.last.left_out.skipped, 1);
    }
    close_world(&w);
}

static void the_dialect_says_what_a_name_means(void **state)
{
    (void)state;
    struct world w;
    write_file(five);
    open_world_as(&w, path, QUERY_DIALECT_GLANCE);
    assert_int_equal(source_dialect(w.source), QUERY_DIALECT_GLANCE);
    assert_int_equal(ask(&w, "architecture=arm"), SOURCE_DONE);
    assert_string_equal(w.ids, "");
    assert_int_equal(ask(&w, "architecture=x86"), SOURCE_DONE);
    assert_string_equal(w.ids, "e ");
    close_world(&w);
    open_world_as(&w, path, QUERY_DIALECT_UNKNOWN);
    assert_int_equal(source_dialect(w.source), QUERY_DIALECT_IMS);
    assert_int_equal(ask(&w, "architecture=arm"), SOURCE_DONE);
    assert_int_equal(w.images, 2);
    close_world(&w);
}

static void what_records_do_not_tell_is_refused(void **state)
{
    (void)state;
    struct world w;
    write_file(five);
    open_world(&w);
    assert_int_equal(ask(&w, "member_status=accepted"), -EOPNOTSUPP);
    assert_non_null(strstr(w.last.error.text, "member_status"));
    assert_int_equal(ask(&w, "flavor_id=s6.small.1"), -EOPNOTSUPP);
    assert_non_null(strstr(w.last.error.text, "flavor_id"));
    assert_int_equal(ask(&w, "marker=nobody"), -EINVAL);
    assert_non_null(strstr(w.last.error.text, "nobody"));
    assert_int_equal(ask(&w, "min_ram=1"), SOURCE_DONE);
    close_world(&w);
}

static void queries_read_the_file_once(void **state)
{
    (void)state;
    struct world w;
    struct source_counters *counters;
    write_file(five);
    open_world(&w);
    counters = &w.source->counters;
    assert_int_equal(ask(&w, "min_ram=1"), SOURCE_DONE);
    assert_int_equal(ask(&w, "min_ram=2"), SOURCE_DONE);
    assert_string_equal(w.ids, "c ");
    assert_int_equal(counters->bytes, strlen(five));
    assert_int_equal(list(&w), SOURCE_DONE); /* queries say nothing about the list */
    assert_int_equal(w.images, 6);
    assert_int_equal(list(&w), SOURCE_UNCHANGED);
    assert_int_equal(ask(&w, "min_ram=1"), SOURCE_DONE); /* nor the list about queries */
    assert_string_equal(w.ids, "b a ");
    write_file("[{\"id\": \"z\", \"min_ram\": 1}]");
    assert_int_equal(ask(&w, "min_ram=1"), SOURCE_DONE);
    assert_string_equal(w.ids, "z ");
    assert_int_equal(w.last.left_out.skipped, 0);
    assert_int_equal(list(&w), SOURCE_DONE);
    assert_int_equal(w.images, 1);
    write_file("rubbish");
    assert_int_equal(ask(&w, "min_ram=1"), -EIO);
    assert_non_null(strstr(w.last.error.text, "JSON"));
    close_world(&w);
}

static void limits_hold_for_queries(void **state)
{
    (void)state;
    struct world w;
    FILE *f = fopen(path, "w");
    assert_non_null(f);
    for (int i = 0; i < 5000; i++)
        fprintf(f, "{\"id\": \"%d\", \"n\": \"%s\"}\n{\"id\": \"%d\"}\n", i, i < 2500 ? "a" : "b",
                i);
    fclose(f);
    open_world(&w);
    assert_int_equal(ask(&w, "n=a"), SOURCE_DONE);
    assert_int_equal(w.images, 2500);
    assert_int_equal(w.largest, SOURCE_FILE_BATCH);
    w.refuse = -ENOSPC;
    assert_int_equal(ask(&w, "n=a"), -ENOSPC);
    assert_non_null(strstr(w.last.error.text, "not taken"));
    w.refuse = 0;
    f = fopen(path, "a");
    fputs("{\"id\": \"one too many\"}\n", f);
    fclose(f);
    assert_int_equal(ask(&w, "n=a"), -EIO);
    assert_non_null(strstr(w.last.error.text, "max_images="));
    source_cancel(w.source);
    assert_int_equal(ask(&w, "n=a"), -ECANCELED);
    close_world(&w);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(three_shapes_are_read),
        cmocka_unit_test(a_file_that_did_not_change_is_not_read),
        cmocka_unit_test(many_images_come_in_batches),
        cmocka_unit_test(what_is_written_meanwhile_is_read_anew),
        cmocka_unit_test(limits_hold),
        cmocka_unit_test(what_is_no_list_is_told),
        cmocka_unit_test(criteria_are_evaluated),
        cmocka_unit_test(the_dialect_says_what_a_name_means),
        cmocka_unit_test(what_records_do_not_tell_is_refused),
        cmocka_unit_test(queries_read_the_file_once),
        cmocka_unit_test(limits_hold_for_queries),
    };
    if (!mkdtemp(dir))
        return 1;
    snprintf(path, sizeof(path), "%s/images.json", dir);
    log_setup(LOG_SINK_STDERR, LOG_LEVEL_ERROR); /* failures are what is tested */
    int failed = cmocka_run_group_tests(tests, NULL, NULL);
    unlink(path);
    rmdir(dir);
    return failed;
}
