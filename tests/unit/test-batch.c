// SPDX-License-Identifier: Apache-2.0
#include "imsfs/batch.h"

#include <errno.h>

#include "lists.h"

#define IMAGES 700 /* more than it has room for at first */

static struct lists l;
static struct image *img;

static int set_up(void **state)
{
    (void)state;
    lists_init(&l, "status");
    img = lists_image(&l, RECORD("a", "n", "active"));
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    image_unref(img);
    lists_deinit(&l);
    return 0;
}

struct taker {
    size_t count;
    int answer;
};

static int take(void *ctx, struct image **images, size_t count)
{
    struct taker *t = ctx;
    for (size_t i = 0; i < count; i++)
        image_unref(images[i]);
    t->count += count;
    return t->answer;
}

/* The sink owns what it was given, whatever it answers; the batch begins anew. */
static void test_giving(void **state)
{
    CLEANUP(batch_free) struct batch b = {0};
    struct taker taker = {.answer = 5};
    const struct source_sink sink = {.page = take, .ctx = &taker};
    (void)state;
    for (int i = 0; i < IMAGES; i++)
        assert_int_equal(batch_add(&b, image_ref(img)), 0);
    assert_int_equal(b.count, IMAGES);
    assert_int_equal(batch_give(&b, &sink), 5);
    assert_int_equal(taker.count, IMAGES);
    assert_int_equal(b.count, 0);
    assert_int_equal(batch_add(&b, image_ref(img)), 0);
    taker.answer = -ECANCELED;
    assert_int_equal(batch_give(&b, &sink), -ECANCELED);
    assert_int_equal(taker.count, IMAGES + 1);
    /* What nobody was given goes with the batch; the sanitizer looks. */
    assert_int_equal(batch_add(&b, image_ref(img)), 0);
}

static void test_counting(void **state)
{
    struct source_left_out out = {.skipped = 1};
    const struct decode_result result = {.skipped = 2,
                                         .notes = {.attrs_unnamed = 3, .names_equal = 4}};
    (void)state;
    batch_count(&out, &result);
    batch_count(&out, &result);
    assert_int_equal(out.skipped, 5);
    assert_int_equal(out.attrs_unnamed, 6);
    assert_int_equal(out.attrs_equal, 8);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_giving, set_up, tear_down),
        cmocka_unit_test(test_counting),
    };
    return cmocka_run_group_tests_name("batch", tests, NULL, NULL);
}
