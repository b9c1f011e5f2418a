// SPDX-License-Identifier: Apache-2.0
#include "imsfs/notifier.h"

#include <errno.h>
#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>

#include <cmocka.h>

#define LOG_MAX 4000
#define PATIENCE_S 30 /* only to end a test that hangs */

/* What the notifier did: the inode of each item, and OF_GENERATION of each batch that was told. */
#define OF_GENERATION (1ull << 63)
#define AGAIN (1ull << 62 | OF_GENERATION)

#define ONE_LIST 7
#define SPAN 10000 /* inodes in a batch that is large */

struct record {
    pthread_mutex_t lock;
    pthread_cond_t more;
    uint64_t log[LOG_MAX];
    size_t count;
    char names[LOG_MAX]; /* of all entries, each followed by a space */
    bool hold;           /* tell() does not return */
    bool one_list;       /* all batches are of ONE_LIST */
    bool folded;         /* only generations are kept, and inodes are marked in seen */
    bool seen[SPAN * 2];
    size_t told; /* inodes */
};

/* Each batch is of a list of its own. */
static uint32_t list_of(uint64_t generation)
{
    return (uint32_t)generation * 3;
}

static void note(struct record *r, uint64_t what)
{
    assert_true(r->count < LOG_MAX);
    r->log[r->count++] = what;
    pthread_cond_broadcast(&r->more);
}

static int tell(void *ctx, const struct diff_item *item)
{
    struct record *r = ctx;
    pthread_mutex_lock(&r->lock);
    if (r->folded) {
        r->seen[item->ino] = true;
        r->told++;
    } else {
        note(r, item->ino);
    }
    if (item->kind == DIFF_ENTRY) {
        strncat(r->names, item->name, item->name_len);
        strcat(r->names, " ");
    }
    while (r->hold)
        pthread_cond_wait(&r->more, &r->lock);
    pthread_mutex_unlock(&r->lock);
    return 0;
}

static void told(void *ctx, uint32_t list, uint64_t generation, bool again)
{
    struct record *r = ctx;
    assert_int_equal(list, r->one_list ? ONE_LIST : list_of(generation));
    pthread_mutex_lock(&r->lock);
    note(r, (again ? AGAIN : OF_GENERATION) | generation);
    pthread_mutex_unlock(&r->lock);
}

static struct notifier *notifier_of(struct record *r, bool start)
{
    struct notifier *n;
    const struct notifier_ops ops = {.tell = tell, .told = told, .ctx = r};
    pthread_mutex_init(&r->lock, NULL);
    pthread_cond_init(&r->more, NULL);
    assert_int_equal(notifier_new(&n, &ops), 0);
    if (start)
        assert_int_equal(notifier_start(n), 0);
    return n;
}

/* Whether tell() waits after each. */
static void set_hold(struct record *r, bool hold)
{
    pthread_mutex_lock(&r->lock);
    r->hold = hold;
    pthread_cond_broadcast(&r->more);
    pthread_mutex_unlock(&r->lock);
}

static void wait_for(struct record *r, size_t count)
{
    struct timespec until;
    clock_gettime(CLOCK_REALTIME, &until);
    until.tv_sec += PATIENCE_S;
    pthread_mutex_lock(&r->lock);
    int error = 0;
    while (r->count < count && error != ETIMEDOUT)
        error = pthread_cond_timedwait(&r->more, &r->lock, &until);
    size_t came = r->count;
    pthread_mutex_unlock(&r->lock);
    if (came < count)
        fail_msg("%zu of %zu came", came, count);
}

/* With exactly this. */
static void ends(struct notifier *n, struct record *r, const uint64_t *expected, size_t count)
{
    wait_for(r, count);
    notifier_stop(n);
    assert_int_equal(r->count, count);
    assert_memory_equal(r->log, expected, count * sizeof(*expected));
    notifier_free(n);
}

/* A batch of inodes from first on. */
static void post_of(struct notifier *n, uint32_t list, uint64_t generation, uint64_t first,
                    size_t count)
{
    struct notes notes = NOTES_INIT;
    for (size_t i = 0; i < count; i++) {
        const struct diff_item item = {.kind = DIFF_DATA, .ino = first + i};
        assert_int_equal(notes_add(&notes, &item), 0);
    }
    assert_int_equal(notifier_post(n, list, generation, &notes), 0);
    assert_null(notes.text.data); /* it was taken over */
}

static void post(struct notifier *n, uint64_t generation, uint64_t first, size_t count)
{
    post_of(n, list_of(generation), generation, first, count);
}

static void a_batch_is_told_twice(void **state)
{
    (void)state;
    static const uint64_t expected[] = {10, 11, 12, OF_GENERATION | 1, 10, 11, 12, AGAIN | 1};
    struct record r = {0};
    struct notifier *n = notifier_of(&r, true);
    post(n, 1, 10, 3);
    ends(n, &r, expected, ARRAY_SIZE(expected));
}

static void batches_are_told_in_order(void **state)
{
    (void)state;
    static const uint64_t expected[] = {
        10, 11, OF_GENERATION | 1, 20, OF_GENERATION | 2, OF_GENERATION | 3};
    static const uint64_t again[] = {10, 11, AGAIN | 1, 20, AGAIN | 2, AGAIN | 3};
    struct record r = {0};
    struct notifier *n = notifier_of(&r, false);
    post(n, 1, 10, 2);
    post(n, 2, 20, 1);
    post(n, 3, 30, 0);
    assert_int_equal(notifier_start(n), 0);
    wait_for(&r, ARRAY_SIZE(expected) + ARRAY_SIZE(again));
    notifier_stop(n);
    assert_memory_equal(r.log, expected, sizeof(expected));
    assert_memory_equal(r.log + ARRAY_SIZE(expected), again, sizeof(again));
    notifier_free(n);
}

/* A hundred changes of the same things: once for what waits, and in the order of generations. */
static void the_same_is_told_once_for_all_that_wait(void **state)
{
    (void)state;
    static const uint64_t expected[] = {10, 11, OF_GENERATION | 199, 20, OF_GENERATION | 200,
                                        10, 11, AGAIN | 199,         20, AGAIN | 200};
    struct record r = {.one_list = true};
    struct notifier *n = notifier_of(&r, false);
    for (uint64_t generation = 1; generation <= 200; generation += 2) {
        post_of(n, ONE_LIST, generation, 10, 2);
        post_of(n, ONE_LIST, generation + 1, 20, 1);
    }
    assert_int_equal(notifier_start(n), 0);
    ends(n, &r, expected, ARRAY_SIZE(expected));
}

/* What waits for its second time, or is being told, is told anew, and then again. */
static void the_same_is_told_twice_after_the_last(void **state)
{
    (void)state;
    static const uint64_t expected[] = {10, OF_GENERATION | 1, 10, OF_GENERATION | 2,
                                        10, OF_GENERATION | 4, 10, AGAIN | 4};
    struct record r = {.one_list = true};
    struct notifier *n = notifier_of(&r, true);
    post_of(n, ONE_LIST, 1, 10, 1);
    wait_for(&r, 2);
    set_hold(&r, true);
    post_of(n, ONE_LIST, 2, 10, 1);
    wait_for(&r, 3);
    post_of(n, ONE_LIST, 3, 10, 1);
    post_of(n, ONE_LIST, 4, 10, 1);
    set_hold(&r, false);
    ends(n, &r, expected, ARRAY_SIZE(expected));
}

/*
 * A thousand batches of 90 kB, of which no two are alike, while the kernel does not listen: 90 MB,
 * and yet there are 20,000 inodes in all. What is told has all of them, once for each batch that
 * is left, and the last generation comes last.
 */
static void what_differs_does_not_pile_up(void **state)
{
    (void)state;
    static struct record r = {.one_list = true, .folded = true, .hold = true};
    struct notifier *n = notifier_of(&r, true);
    post_of(n, ONE_LIST, 1, 0, 1); /* which is being told */
    for (uint64_t generation = 2; generation <= 1000; generation++)
        post_of(n, ONE_LIST, generation, generation * 7919 % SPAN, SPAN);
    pthread_mutex_lock(&r.lock);
    r.hold = false;
    r.told = 0;
    pthread_cond_broadcast(&r.more);
    while (!r.count || r.log[r.count - 1] != (OF_GENERATION | 1000))
        pthread_cond_wait(&r.more, &r.lock);
    assert_in_range(r.told, 2 * SPAN - 100, 20 * SPAN);
    assert_in_range(r.count, 2, 16);
    for (size_t i = 1; i < r.count; i++)
        assert_true(r.log[i] > r.log[i - 1]); /* each a later one, and none again yet */
    for (size_t i = 7919 * 2 % SPAN; i < SPAN * 2 - 100; i++)
        assert_true(r.seen[i]);
    pthread_mutex_unlock(&r.lock);
    notifier_stop(n);
    notifier_free(n);
}

/* Not the same: another list, other things. */
static void what_differs_is_told_each(void **state)
{
    (void)state;
    static const uint64_t expected[] = {10, OF_GENERATION | 1, 10, 11, OF_GENERATION | 2,
                                        10, OF_GENERATION | 3};
    struct record r = {0};
    struct notifier *n = notifier_of(&r, false);
    post(n, 1, 10, 1);
    post(n, 2, 10, 2);
    post(n, 3, 10, 1);
    assert_int_equal(notifier_start(n), 0);
    wait_for(&r, ARRAY_SIZE(expected));
    notifier_stop(n);
    assert_memory_equal(r.log, expected, sizeof(expected));
    notifier_free(n);
}

static void items_come_as_they_were_written(void **state)
{
    (void)state;
    struct record r = {0};
    struct notifier *n = notifier_of(&r, false);
    struct notes notes = NOTES_INIT;
    for (unsigned i = 0; i < 300; i++) {
        char name[16];
        int len = snprintf(name, sizeof(name), "n%u-rest", i);
        const struct diff_item item = {DIFF_ENTRY, i, .name = name, .name_len = (size_t)len - 5};
        assert_int_equal(notes_add(&notes, &item), 0);
        memset(name, 'x', sizeof(name)); /* it was copied */
    }
    assert_int_equal(notifier_post(n, list_of(1), 1, &notes), 0);
    assert_int_equal(notifier_start(n), 0);
    wait_for(&r, 301);
    notifier_stop(n);
    char expected[LOG_MAX] = "";
    for (unsigned i = 0; i < 300; i++)
        snprintf(expected + strlen(expected), 16, "n%u ", i);
    assert_memory_equal(r.names, expected, strlen(expected));
    notifier_free(n);
}

/* Lets tell() go on, most likely while the notifier is being stopped. */
static void *let_go(void *ctx)
{
    struct record *r = ctx;
    const struct timespec a_little = {0, 50000000};
    nanosleep(&a_little, NULL);
    set_hold(r, false);
    return NULL;
}

static void what_lapses_is_told_when_its_time_is_over(void **state)
{
    (void)state;
    /* 40 before 30, which had less time at last; each once and once again, whatever was asked. */
    static const uint64_t expected[] = {40, 30, 40, 30};
    struct record r = {0};
    struct notifier *n = notifier_of(&r, false);
    assert_int_equal(notifier_lapse(n, 50, 3600000), 0); /* nobody waits for that */
    assert_int_equal(notifier_lapse(n, 30, 3600000), 0);
    assert_int_equal(notifier_lapse(n, 40, 0), 0);
    assert_int_equal(notifier_lapse(n, 30, 400), 0);
    assert_int_equal(notifier_lapse(n, 30, 3600000), 0);
    assert_int_equal(notifier_start(n), 0);
    ends(n, &r, expected, ARRAY_SIZE(expected));
}

static void when_many_lapse_more_do_so_at_once(void **state)
{
    (void)state;
    static const uint64_t expected[] = {7, 7};
    struct record r = {0};
    struct notifier *n = notifier_of(&r, false);
    for (uint64_t i = 0; i < 4096; i++)
        assert_int_equal(notifier_lapse(n, 10 + i, 3600000), 0);
    assert_int_equal(notifier_lapse(n, 10, 3600000), 0); /* it is one of them */
    assert_int_equal(notifier_lapse(n, 7, 3600000), 0);
    assert_int_equal(notifier_start(n), 0);
    ends(n, &r, expected, ARRAY_SIZE(expected));
}

static void stopping_drops_what_is_left(void **state)
{
    (void)state;
    struct record r = {.hold = true};
    struct notifier *n = notifier_of(&r, true);
    pthread_t helper;
    post(n, 1, 10, 1);
    post(n, 2, 20, 1000);
    wait_for(&r, 1);
    assert_int_equal(pthread_create(&helper, NULL, let_go, &r), 0);
    notifier_stop(n); /* waits for the one that is being told, not for the others */
    pthread_join(helper, NULL);
    assert_true(r.count < 1000);
    notifier_stop(n);
    notifier_free(n);
}

static void what_never_started_is_freed(void **state)
{
    (void)state;
    struct record r = {0};
    struct notifier *n = notifier_of(&r, false);
    post(n, 1, 10, 5);
    notifier_stop(n);
    assert_int_equal(r.count, 0);
    notifier_free(n);
    notifier_free(NULL);
}

#define POSTERS 3
#define BATCHES 50

struct poster {
    pthread_t thread;
    struct notifier *notifier;
    uint64_t first;
};

static void *post_all(void *ctx)
{
    struct poster *p = ctx;
    for (uint64_t i = 0; i < BATCHES; i++)
        post(p->notifier, p->first + i, p->first + i, 1);
    return NULL;
}

static void any_thread_posts(void **state)
{
    (void)state;
    struct record r = {0};
    struct notifier *n = notifier_of(&r, true);
    struct poster posters[POSTERS];
    for (size_t i = 0; i < POSTERS; i++) {
        posters[i] = (struct poster){.notifier = n, .first = 1000 * i};
        assert_int_equal(pthread_create(&posters[i].thread, NULL, post_all, &posters[i]), 0);
    }
    wait_for(&r, (size_t)POSTERS * BATCHES * 4);
    for (size_t i = 0; i < POSTERS; i++)
        pthread_join(posters[i].thread, NULL);
    notifier_stop(n);
    assert_int_equal(r.count, POSTERS * BATCHES * 4);
    notifier_free(n);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_batch_is_told_twice),
        cmocka_unit_test(batches_are_told_in_order),
        cmocka_unit_test(the_same_is_told_once_for_all_that_wait),
        cmocka_unit_test(the_same_is_told_twice_after_the_last),
        cmocka_unit_test(what_differs_is_told_each),
        cmocka_unit_test(what_differs_does_not_pile_up),
        cmocka_unit_test(items_come_as_they_were_written),
        cmocka_unit_test(what_lapses_is_told_when_its_time_is_over),
        cmocka_unit_test(when_many_lapse_more_do_so_at_once),
        cmocka_unit_test(stopping_drops_what_is_left),
        cmocka_unit_test(what_never_started_is_freed),
        cmocka_unit_test(any_thread_posts),
    };
    return cmocka_run_group_tests_name("notifier", tests, NULL, NULL);
}
