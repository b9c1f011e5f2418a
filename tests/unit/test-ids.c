// SPDX-License-Identifier: Apache-2.0
#include "imsfs/ids.h"

#include <errno.h>
#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>

#include <cmocka.h>

#define THREADS 4
#define STRINGS 5000
/* What every id ever seen may cost, and what the table may have besides. */
#define BYTES_EACH 32
#define BYTES_FIXED (192 << 10)

static struct ids *table_of(uint32_t limit)
{
    struct ids *t;
    assert_int_equal(ids_new(&t, limit), 0);
    return t;
}

static uint32_t add(struct ids *t, struct bytes id)
{
    uint32_t slot;
    assert_int_equal(ids_add(t, id, &slot), 0);
    return slot;
}

static void numbers_are_given_in_order_and_for_good(void **state)
{
    (void)state;
    struct ids *t = table_of(10);
    assert_int_equal(add(t, bytes_of("a")), 0);
    assert_int_equal(add(t, bytes_of("b")), 1);
    assert_int_equal(add(t, bytes_of("a")), 0);
    assert_int_equal(ids_count(t), 2);
    ids_free(t);
}

static void any_bytes_are_an_id(void **state)
{
    (void)state;
    struct ids *t = table_of(10);
    const struct bytes all[] = {{"", 0}, {"\0", 1}, {"\0\0", 2}, {"a\0b", 3}, {"\xff", 1}};
    for (uint32_t i = 0; i < ARRAY_SIZE(all); i++)
        assert_int_equal(add(t, all[i]), i);
    for (uint32_t i = 0; i < ARRAY_SIZE(all); i++) {
        uint32_t slot;
        assert_int_equal(ids_find(t, all[i], &slot), 0);
        assert_int_equal(slot, i);
    }
    ids_free(t);
}

static void what_is_not_there_is_not_found(void **state)
{
    (void)state;
    struct ids *t = table_of(10);
    uint32_t slot = 77;
    assert_int_equal(ids_find(t, bytes_of("a"), &slot), -ENOENT);
    assert_int_equal(slot, 77);
    ids_free(t);
    ids_free(NULL);
}

static void a_full_table_keeps_what_it_has(void **state)
{
    (void)state;
    struct ids *t = table_of(2);
    add(t, bytes_of("a"));
    add(t, bytes_of("b"));
    uint32_t slot = 77;
    assert_int_equal(ids_add(t, bytes_of("c"), &slot), -ENOSPC);
    assert_int_equal(slot, 77);
    assert_int_equal(add(t, bytes_of("b")), 1);
    ids_free(t);
}

static void other_contents_have_another_version(void **state)
{
    (void)state;
    struct ids *t = table_of(10);
    uint32_t a = add(t, bytes_of("a")), b = add(t, bytes_of("b"));
    assert_int_equal(ids_version(t, b, bytes_of("")), 0);
    assert_int_equal(ids_version(t, b, bytes_of("x")), 1);
    assert_int_equal(ids_version(t, b, bytes_of("x")), 1);
    assert_int_equal(ids_version(t, b, bytes_of("y")), 2);
    /* The kernel may still know 1, but as it was. */
    assert_int_equal(ids_version(t, b, bytes_of("x")), 3);
    assert_int_equal(ids_version(t, a, bytes_of("x")), 0);
    assert_int_equal(ids_version(t, b, bytes_of("x")), 3);
    ids_free(t);
}

/* Whatever their form, and at any moment of the growth. */
static void an_id_costs_little(void **state)
{
    (void)state;
    static const int digits[] = {36, 128, 1};
    for (size_t k = 0; k < ARRAY_SIZE(digits); k++) {
        struct ids *t = table_of(LEDGER_LIMIT);
        for (uint32_t i = 0; i < 200000; i++) {
            char id[200];
            snprintf(id, sizeof(id), "%0*x", digits[k], i * 2654435761u);
            assert_int_equal(add(t, bytes_of(id)), i);
            if (ids_bytes(t) > (size_t)(i + 1) * BYTES_EACH + BYTES_FIXED)
                fail_msg("%u ids like %s need %zu bytes", i + 1, id, ids_bytes(t));
        }
        ids_free(t);
    }
}

struct worker {
    pthread_t thread;
    struct ids *table;
    uint32_t slots[STRINGS];
    unsigned wrong;
};

/* Every thread adds the same ids, and finds them again. */
static void *add_all(void *arg)
{
    struct worker *w = arg;
    for (int i = 0; i < STRINGS; i++) {
        char id[16];
        uint32_t found;
        snprintf(id, sizeof(id), "id %d", i);
        if (ids_add(w->table, bytes_of(id), &w->slots[i]) < 0 ||
            ids_find(w->table, bytes_of(id), &found) < 0 || found != w->slots[i])
            w->wrong++;
    }
    return NULL;
}

static void threads_agree_on_numbers(void **state)
{
    (void)state;
    struct ids *t = table_of(STRINGS);
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
    assert_int_equal(ids_count(t), STRINGS);
    free(workers);
    ids_free(t);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(numbers_are_given_in_order_and_for_good),
        cmocka_unit_test(any_bytes_are_an_id),
        cmocka_unit_test(what_is_not_there_is_not_found),
        cmocka_unit_test(a_full_table_keeps_what_it_has),
        cmocka_unit_test(other_contents_have_another_version),
        cmocka_unit_test(an_id_costs_little),
        cmocka_unit_test(threads_agree_on_numbers),
    };
    return cmocka_run_group_tests_name("ids", tests, NULL, NULL);
}
