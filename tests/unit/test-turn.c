// SPDX-License-Identifier: Apache-2.0
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <sched.h>

#include "imsfs/turn.h"

#define THREADS 8
#define ROUNDS 2000

struct ground {
    struct turn turn;
    unsigned inside, most, visits; /* for who has the turn */
    unsigned order[THREADS];
};

static void *visit(void *ctx)
{
    struct ground *g = ctx;
    for (unsigned i = 0; i < ROUNDS; i++) {
        turn_take(&g->turn);
        if (++g->inside > g->most)
            g->most = g->inside;
        g->visits++;
        g->inside--;
        turn_give(&g->turn);
    }
    return NULL;
}

static void one_works_at_a_time(void **state)
{
    (void)state;
    struct ground g = {0};
    pthread_t threads[THREADS];
    turn_init(&g.turn);
    for (unsigned i = 0; i < THREADS; i++)
        assert_int_equal(pthread_create(&threads[i], NULL, visit, &g), 0);
    for (unsigned i = 0; i < THREADS; i++)
        pthread_join(threads[i], NULL);
    assert_int_equal(g.most, 1);
    assert_int_equal(g.visits, THREADS * ROUNDS);
    turn_deinit(&g.turn);
}

struct comer {
    struct ground *ground;
    unsigned number;
};

static void *come_once(void *ctx)
{
    struct comer *c = ctx;
    turn_take(&c->ground->turn);
    c->ground->order[c->ground->visits++] = c->number;
    turn_give(&c->ground->turn);
    return NULL;
}

static uint64_t waiting(struct turn *t)
{
    pthread_mutex_lock(&t->lock);
    uint64_t waiting = t->next - t->served - 1;
    pthread_mutex_unlock(&t->lock);
    return waiting;
}

static void who_came_first_is_first(void **state)
{
    (void)state;
    struct ground g = {0};
    struct comer comers[THREADS];
    pthread_t threads[THREADS];
    turn_init(&g.turn);
    turn_take(&g.turn);
    for (unsigned i = 0; i < THREADS; i++) {
        comers[i] = (struct comer){&g, i};
        assert_int_equal(pthread_create(&threads[i], NULL, come_once, &comers[i]), 0);
        while (waiting(&g.turn) <= i)
            sched_yield();
    }
    assert_int_equal(g.visits, 0);
    turn_give(&g.turn);
    turn_take(&g.turn); /* behind all of them */
    assert_int_equal(g.visits, THREADS);
    turn_give(&g.turn);
    for (unsigned i = 0; i < THREADS; i++) {
        pthread_join(threads[i], NULL);
        assert_int_equal(g.order[i], i);
    }
    turn_deinit(&g.turn);
}

static void one_thread_needs_none(void **state)
{
    (void)state;
    turn_take(NULL);
    turn_give(NULL);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(one_works_at_a_time),
        cmocka_unit_test(who_came_first_is_first),
        cmocka_unit_test(one_thread_needs_none),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
