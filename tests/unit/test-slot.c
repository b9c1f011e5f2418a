// SPDX-License-Identifier: Apache-2.0
#include "imsfs/slot.h"

#include <errno.h>
#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>

#include <cmocka.h>

#define THREADS 4
#define STRINGS 5000

static struct slot_table *table_of(uint32_t limit)
{
    struct slot_table *t;
    assert_int_equal(slot_table_new(&t, limit), 0);
    return t;
}

static uint32_t add(struct slot_table *t, struct bytes key)
{
    uint32_t slot;
    assert_int_equal(slot_add(t, key, &slot), 0);
    return slot;
}

static void numbers_are_given_in_order_and_for_good(void **state)
{
    (void)state;
    struct slot_table *t = table_of(10);
    assert_int_equal(add(t, bytes_of("a")), 0);
    assert_int_equal(add(t, bytes_of("b")), 1);
    assert_int_equal(add(t, bytes_of("a")), 0);
    assert_int_equal(slot_count(t), 2);
    slot_table_free(t);
}

static void any_bytes_are_a_key(void **state)
{
    (void)state;
    struct slot_table *t = table_of(10);
    const struct bytes keys[] = {{"", 0}, {"\0", 1}, {"\0\0", 2}, {"a\0b", 3}, {"\xff", 1}};
    for (uint32_t i = 0; i < ARRAY_SIZE(keys); i++)
        assert_int_equal(add(t, keys[i]), i);
    for (uint32_t i = 0; i < ARRAY_SIZE(keys); i++) {
        uint32_t slot;
        assert_int_equal(slot_find(t, keys[i], &slot), 0);
        assert_int_equal(slot, i);
        assert_true(bytes_equal(slot_get(t, i), keys[i]));
    }
    slot_table_free(t);
}

static void what_is_not_there_is_not_found(void **state)
{
    (void)state;
    struct slot_table *t = table_of(10);
    uint32_t slot = 77;
    assert_int_equal(slot_find(t, bytes_of("a"), &slot), -ENOENT);
    assert_int_equal(slot, 77);
    assert_null(slot_get(t, 0).data);
    slot_table_free(t);
    slot_table_free(NULL);
}

static void a_full_table_keeps_what_it_has(void **state)
{
    (void)state;
    struct slot_table *t = table_of(2);
    add(t, bytes_of("a"));
    add(t, bytes_of("b"));
    uint32_t slot = 77;
    assert_int_equal(slot_add(t, bytes_of("c"), &slot), -ENOSPC);
    assert_int_equal(slot, 77);
    assert_int_equal(add(t, bytes_of("b")), 1);
    slot_table_free(t);
}

static void long_keys_and_growth(void **state)
{
    (void)state;
    struct slot_table *t = table_of(STRINGS);
    CLEANUP(free_ptr) char *large = malloc(200000);
    assert_non_null(large);
    memset(large, 'x', 200000);
    add(t, (struct bytes){large, 200000});
    struct bytes first = slot_get(t, 0);
    for (int i = 1; i < STRINGS; i++) {
        char key[16];
        snprintf(key, sizeof(key), "key %d", i);
        assert_int_equal(add(t, bytes_of(key)), i);
    }
    /* What slot_get() returned stays where it was. */
    assert_ptr_equal(slot_get(t, 0).data, first.data);
    assert_true(bytes_equal(first, (struct bytes){large, 200000}));
    assert_true(bytes_are(slot_get(t, STRINGS - 1), "key 4999"));
    slot_table_free(t);
}

struct worker {
    pthread_t thread;
    struct slot_table *table;
    uint32_t slots[STRINGS];
    unsigned wrong;
};

/* Every thread adds the same strings, and reads them back. */
static void *add_all(void *arg)
{
    struct worker *w = arg;
    for (int i = 0; i < STRINGS; i++) {
        char key[16];
        uint32_t found;
        snprintf(key, sizeof(key), "key %d", i);
        if (slot_add(w->table, bytes_of(key), &w->slots[i]) < 0 ||
            slot_find(w->table, bytes_of(key), &found) < 0 || found != w->slots[i] ||
            !bytes_are(slot_get(w->table, found), key))
            w->wrong++;
    }
    return NULL;
}

static void threads_agree_on_numbers(void **state)
{
    (void)state;
    struct slot_table *t = table_of(STRINGS);
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
        assert_memory_equal(workers[i].slots, workers[0].slots, sizeof(workers[0].slots));
    }
    assert_int_equal(slot_count(t), STRINGS);
    free(workers);
    slot_table_free(t);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(numbers_are_given_in_order_and_for_good),
        cmocka_unit_test(any_bytes_are_a_key),
        cmocka_unit_test(what_is_not_there_is_not_found),
        cmocka_unit_test(a_full_table_keeps_what_it_has),
        cmocka_unit_test(long_keys_and_growth),
        cmocka_unit_test(threads_agree_on_numbers),
    };
    return cmocka_run_group_tests_name("slot", tests, NULL, NULL);
}
