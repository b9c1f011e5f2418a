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
    struct slot_table *attrs;
    struct whole_list last;
    unsigned images, pages, largest;
    int refuse; /* what the sink says instead of taking a page; 0: it takes them */
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
    for (size_t i = 0; i < count; i++)
        image_unref(images[i]);
    if (w->refuse)
        return w->refuse;
    w->images += (unsigned)count;
    w->pages++;
    if (count > w->largest)
        w->largest = (unsigned)count;
    return (int)count;
}

static int list(struct world *w)
{
    const struct source_sink sink = {take, NULL, w};
    w->images = w->pages = 0;
    return whole_list(w->source, NULL, &sink, &w->last);
}

static void open_world_at(struct world *w, const char *at)
{
    memset(w, 0, sizeof(*w));
    assert_int_equal(image_attrs_new(&w->attrs), 0);
    struct source_file_config config = {
        .path = at, .max_images = 5000, .max_bytes = 1 << 20, .attrs = w->attrs};
    assert_int_equal(source_file_new(&w->source, &config), 0);
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

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(three_shapes_are_read),
        cmocka_unit_test(a_file_that_did_not_change_is_not_read),
        cmocka_unit_test(many_images_come_in_batches),
        cmocka_unit_test(limits_hold),
        cmocka_unit_test(what_is_no_list_is_told),
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
