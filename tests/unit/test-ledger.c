// SPDX-License-Identifier: Apache-2.0
#include "imsfs/ledger.h"

#include <errno.h>
#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>

#include <cmocka.h>

#define THREADS 4
#define STRINGS 5000
#define MANY 200000

static struct ledger *table_of(uint32_t limit, size_t extra)
{
    struct ledger *t;
    assert_int_equal(ledger_new(&t, limit, extra), 0);
    return t;
}

static uint32_t add(struct ledger *t, struct bytes text)
{
    uint32_t number;
    assert_int_equal(ledger_add(t, text, &number), 0);
    return number;
}

static void numbers_are_given_in_order_and_for_good(void **state)
{
    (void)state;
    struct ledger *t = table_of(10, 0);
    assert_int_equal(add(t, bytes_of("a")), 0);
    assert_int_equal(add(t, bytes_of("b")), 1);
    assert_int_equal(add(t, bytes_of("a")), 0);
    assert_int_equal(add(t, bytes_of("c")), 2);
    ledger_free(t);
}

static void any_bytes_are_a_text(void **state)
{
    (void)state;
    struct ledger *t = table_of(10, 0);
    const struct bytes all[] = {{"", 0}, {"\0", 1}, {"\0\0", 2}, {"a\0b", 3}, {"\xff", 1}};
    for (uint32_t i = 0; i < ARRAY_SIZE(all); i++)
        assert_int_equal(add(t, all[i]), i);
    for (uint32_t i = 0; i < ARRAY_SIZE(all); i++)
        assert_int_equal(add(t, all[i]), i);
    ledger_free(t);
}

static void what_is_not_there_is_not_found(void **state)
{
    (void)state;
    struct ledger *t = table_of(10, 0);
    uint32_t number = 77;
    assert_int_equal(ledger_find(t, bytes_of("a"), &number), -ENOENT);
    assert_int_equal(number, 77);
    ledger_free(t);
    ledger_free(NULL);
}

static void a_full_table_keeps_what_it_has(void **state)
{
    (void)state;
    struct ledger *t = table_of(2, 0);
    add(t, bytes_of("a"));
    add(t, bytes_of("b"));
    uint32_t number = 77;
    assert_int_equal(ledger_add(t, bytes_of("c"), &number), -ENOSPC);
    assert_int_equal(number, 77);
    assert_int_equal(add(t, bytes_of("b")), 1);
    ledger_free(t);
}

static struct bytes nth(uint32_t i, char text[static 16])
{
    return (struct bytes){text, (size_t)snprintf(text, 16, "%x", i * 2654435761u)};
}

/* With what users keep and without. */
static void each_text_is_found_again(void **state)
{
    (void)state;
    static const size_t extras[] = {0, 12};
    char text[16];
    for (size_t k = 0; k < ARRAY_SIZE(extras); k++) {
        struct ledger *t = table_of(LEDGER_LIMIT, extras[k]);
        for (uint32_t i = 0; i < MANY; i++)
            assert_int_equal(add(t, nth(i, text)), i);
        for (uint32_t i = 0; i < MANY; i++) {
            uint32_t number;
            assert_int_equal(ledger_find(t, nth(i, text), &number), 0);
            assert_int_equal(number, i);
        }
        ledger_free(t);
    }
}

/* First zeros, then what was written there, wherever the table has grown to. */
static void what_is_kept_stays(void **state)
{
    (void)state;
    struct ledger *t = table_of(LEDGER_LIMIT, 2 * sizeof(uint32_t));
    uint32_t *kept[STRINGS];
    char text[16];
    for (uint32_t i = 0; i < STRINGS; i++) {
        kept[i] = ledger_extra(t, add(t, nth(i, text)));
        assert_int_equal(kept[i][0] | kept[i][1], 0);
        kept[i][0] = i;
        kept[i][1] = ~i;
    }
    for (uint32_t i = 0; i < STRINGS; i++) {
        assert_ptr_equal(ledger_extra(t, i), kept[i]);
        assert_int_equal(kept[i][0], i);
        assert_int_equal(kept[i][1], ~i);
    }
    ledger_free(t);
}

struct worker {
    pthread_t thread;
    struct ledger *table;
    uint32_t numbers[STRINGS];
    unsigned wrong;
};

/* Every thread adds the same texts, and finds them again. */
static void *add_all(void *arg)
{
    struct worker *w = arg;
    for (uint32_t i = 0; i < STRINGS; i++) {
        char text[16];
        uint32_t found;
        if (ledger_add(w->table, nth(i, text), &w->numbers[i]) < 0 ||
            ledger_find(w->table, nth(i, text), &found) < 0 || found != w->numbers[i])
            w->wrong++;
    }
    return NULL;
}

static void threads_agree_on_numbers(void **state)
{
    (void)state;
    struct ledger *t = table_of(STRINGS + 1, 0);
    struct worker *workers = calloc(THREADS, sizeof(*workers));
    assert_non_null(workers);
    for (size_t i = 0; i < THREADS; i++) {
        workers[i].table = t;
        assert_int_equal(pthread_create(&workers[i].thread, NULL, add_all, &workers[i]), 0);
    }
    for (size_t i = 0; i < THREADS; i++)
        pthread_join(workers[i].thread, NULL);
    for (size_t i = 0; i < THREADS; i++) {
        assert_int_equal(workers[i].wrong, 0);
        assert_memory_equal(workers[i].numbers, workers[0].numbers, sizeof(workers[0].numbers));
    }
    assert_int_equal(add(t, bytes_of("one more")), STRINGS);
    free(workers);
    ledger_free(t);
}

/* --- Whoever looks up does not wait while the table grows --- */

static struct ledger *looked_up; /* NULL: nothing is in a test of this */
static size_t grown;             /* times */

static void *look_up(void *arg)
{
    (void)arg;
    uint32_t number;
    assert_int_equal(ledger_find(looked_up, bytes_of("here"), &number), 0);
    assert_int_equal(ledger_find(looked_up, bytes_of("not here"), &number), -ENOENT);
    return NULL;
}

/* In the midst of what makes room. */
void *__real_calloc(size_t count, size_t size);
void *__wrap_calloc(size_t count, size_t size);

void *__wrap_calloc(size_t count, size_t size)
{
    if (looked_up) {
        pthread_t thread;
        struct timespec end;
        clock_gettime(CLOCK_REALTIME, &end);
        end.tv_sec += 30;
        assert_int_equal(pthread_create(&thread, NULL, look_up, NULL), 0);
        assert_int_equal(pthread_timedjoin_np(thread, NULL, &end), 0);
        grown++;
    }
    return __real_calloc(count, size);
}

static void nobody_waits_while_it_grows(void **state)
{
    (void)state;
    char text[16];
    struct ledger *t = table_of(LEDGER_LIMIT, 0);
    add(t, bytes_of("here"));
    looked_up = t;
    for (uint32_t i = 0; i < STRINGS; i++)
        add(t, nth(i, text));
    looked_up = NULL;
    assert_in_range(grown, 10, 100);
    ledger_free(t);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(numbers_are_given_in_order_and_for_good),
        cmocka_unit_test(any_bytes_are_a_text),
        cmocka_unit_test(what_is_not_there_is_not_found),
        cmocka_unit_test(a_full_table_keeps_what_it_has),
        cmocka_unit_test(each_text_is_found_again),
        cmocka_unit_test(what_is_kept_stays),
        cmocka_unit_test(threads_agree_on_numbers),
        cmocka_unit_test(nobody_waits_while_it_grows),
    };
    return cmocka_run_group_tests_name("ledger", tests, NULL, NULL);
}
