// SPDX-License-Identifier: Apache-2.0
#include "imsfs/snapshot.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>

#include <cmocka.h>

#define THREADS 4
#define TEXTS 500

static uint32_t add(struct snapshots *s, const char *text)
{
    struct strbuf b = STRBUF_INIT;
    uint32_t number;
    strbuf_add_str(&b, text);
    assert_int_equal(snapshot_add(s, &b, &number), 0);
    assert_null(b.data); /* taken over */
    return number;
}

static void assert_text(struct snapshots *s, uint32_t number, const char *text)
{
    CLEANUP(strbuf_free) struct strbuf b = STRBUF_INIT;
    size_t size;
    assert_int_equal(snapshot_read(s, number, &b), 0);
    assert_string_equal(strbuf_str(&b), text);
    assert_int_equal(snapshot_size(s, number, &size), 0);
    assert_int_equal(size, b.len);
}

static void a_text_stays_until_it_is_forgotten(void **state)
{
    (void)state;
    struct snapshots s;
    CLEANUP(strbuf_free) struct strbuf b = STRBUF_INIT;
    snapshots_init(&s);
    uint32_t first = add(&s, "first"), second = add(&s, "second"), empty = add(&s, "");
    assert_true(first != 0 && second != 0 && first != second && empty != second);
    assert_text(&s, first, "first");
    assert_text(&s, second, "second");
    assert_text(&s, first, "first");
    assert_text(&s, empty, "");
    snapshot_forget(&s, first);
    size_t size;
    assert_int_equal(snapshot_read(&s, first, &b), -ESTALE);
    assert_int_equal(b.len, 0);
    assert_int_equal(snapshot_size(&s, first, &size), -ESTALE);
    assert_text(&s, second, "second");
    snapshot_forget(&s, first);
    snapshot_forget(&s, 0);
    assert_int_equal(snapshot_read(&s, 0, &b), -ESTALE);
    snapshots_deinit(&s); /* frees the others */
}

static void numbers_fit_a_node_and_are_not_taken_twice(void **state)
{
    (void)state;
    struct snapshots s;
    snapshots_init(&s);
    uint32_t first = add(&s, "first");
    assert_int_equal(first, 1);
    s.last = 0xFFFFFE;
    assert_int_equal(add(&s, "last"), 0xFFFFFF);
    assert_int_equal(add(&s, "wrapped"), 2);
    assert_text(&s, first, "first");
    snapshots_deinit(&s);
}

/* Somebody who opens status.json again and again and closes nothing. */
static void the_oldest_go_when_there_are_too_many(void **state)
{
    (void)state;
    struct snapshots s;
    uint32_t numbers[5];
    CLEANUP(strbuf_free) struct strbuf b = STRBUF_INIT;
    snapshots_init(&s);
    for (size_t i = 0; i < ARRAY_SIZE(numbers); i++) {
        struct strbuf text = STRBUF_INIT;
        assert_true(strbuf_reserve(&text, SNAPSHOTS_BYTES_MAX / 3));
        strbuf_printf(&text, "%zu", i);
        assert_int_equal(snapshot_add(&s, &text, &numbers[i]), 0);
    }
    assert_int_equal(snapshot_read(&s, numbers[0], &b), -ESTALE);
    assert_text(&s, numbers[3], "3");
    assert_text(&s, numbers[4], "4");
    assert_true(s.bytes < 2 * SNAPSHOTS_BYTES_MAX);
    for (size_t i = 0; i < ARRAY_SIZE(numbers); i++)
        snapshot_forget(&s, numbers[i]);
    assert_int_equal(s.bytes, 0);
    snapshots_deinit(&s);
}

struct worker {
    pthread_t thread;
    struct snapshots *all;
    unsigned number, wrong;
};

static void *work(void *ctx)
{
    struct worker *w = ctx;
    for (unsigned i = 0; i < TEXTS; i++) {
        struct strbuf text = STRBUF_INIT, back = STRBUF_INIT;
        char expected[32];
        uint32_t number = 0;
        snprintf(expected, sizeof(expected), "%u of %u", i, w->number);
        strbuf_add_str(&text, expected);
        if (snapshot_add(w->all, &text, &number) < 0 || snapshot_read(w->all, number, &back) < 0 ||
            !streq(strbuf_str(&back), expected))
            w->wrong++;
        snapshot_forget(w->all, number);
        strbuf_free(&back);
        strbuf_free(&text);
    }
    return NULL;
}

static void threads_keep_their_texts_apart(void **state)
{
    (void)state;
    struct snapshots s;
    struct worker workers[THREADS] = {0};
    snapshots_init(&s);
    for (unsigned i = 0; i < THREADS; i++) {
        workers[i] = (struct worker){.all = &s, .number = i};
        assert_int_equal(pthread_create(&workers[i].thread, NULL, work, &workers[i]), 0);
    }
    for (unsigned i = 0; i < THREADS; i++) {
        pthread_join(workers[i].thread, NULL);
        assert_int_equal(workers[i].wrong, 0);
    }
    assert_null(s.table);
    snapshots_deinit(&s);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_text_stays_until_it_is_forgotten),
        cmocka_unit_test(numbers_fit_a_node_and_are_not_taken_twice),
        cmocka_unit_test(the_oldest_go_when_there_are_too_many),
        cmocka_unit_test(threads_keep_their_texts_apart),
    };
    return cmocka_run_group_tests_name("snapshot", tests, NULL, NULL);
}
