// SPDX-License-Identifier: Apache-2.0
/*
 * fake-source: a source whose listings do what the test says, step by step, and a clock that stands
 * still until the test moves it. A listing waits for its next step; the test waits until a step is
 * done.
 */
#ifndef IMSFS_TEST_FAKE_SOURCE_H
#define IMSFS_TEST_FAKE_SOURCE_H

#include <errno.h>
#include <pthread.h>
#include <stdio.h>

#include "imsfs/clock.h"
#include "imsfs/source.h"
#include "lists.h"

#define FAKE_STEPS 256
#define FAKE_PATIENCE_S 30 /* only to end a test that hangs */

enum fake_kind { FAKE_PAGE, FAKE_RESTART, FAKE_END };

struct fake_step {
    enum fake_kind kind;
    struct image **images; /* of a page */
    size_t count;
    int result; /* of the listing's end */
};

struct fake_source {
    struct source head; /* first: the source is this */
    struct lists *lists;
    pthread_mutex_t lock; /* protects: everything below */
    pthread_cond_t moved;
    struct fake_step steps[FAKE_STEPS];
    size_t added, done;
    unsigned begun;   /* listings */
    unsigned running; /* at this time */
    bool overlapped, cancelled;
    struct source_left_out left_out; /* of every listing */
};

static inline struct timespec fake_deadline(void)
{
    struct timespec until;
    clock_gettime(CLOCK_REALTIME, &until);
    until.tv_sec += FAKE_PATIENCE_S;
    return until;
}

static inline int fake_do_step(const struct fake_step *step, struct source_listing *l)
{
    const struct source_sink *sink = &l->sink;
    if (step->kind == FAKE_PAGE) {
        int r = sink->page(sink->ctx, step->images, step->count);
        free(step->images);
        return r < 0 ? r : SOURCE_MORE;
    }
    if (step->kind == FAKE_RESTART) {
        sink->restart(sink->ctx);
        return SOURCE_MORE;
    }
    if (step->result < 0)
        snprintf(l->error.text, sizeof(l->error.text), "the fake failed: %d", step->result);
    return step->result;
}

static inline int fake_next(struct source_listing *l)
{
    struct fake_source *f = (struct fake_source *)l->source;
    pthread_mutex_lock(&f->lock);
    while (f->done == f->added && !f->cancelled)
        pthread_cond_wait(&f->moved, &f->lock);
    int r = -ECANCELED;
    if (!f->cancelled) {
        struct fake_step step = f->steps[f->done];
        l->left_out = f->left_out;
        pthread_mutex_unlock(&f->lock);
        r = fake_do_step(&step, l);
        pthread_mutex_lock(&f->lock);
        f->done++;
        pthread_cond_broadcast(&f->moved);
    }
    pthread_mutex_unlock(&f->lock);
    return r;
}

static inline int fake_begin(struct source *s, const struct query *q,
                             const struct source_sink *sink, struct source_listing **out)
{
    struct fake_source *f = (struct fake_source *)s;
    *out = calloc(1, sizeof(**out));
    assert_non_null(*out);
    **out = (struct source_listing){.source = s, .query = q, .sink = *sink};
    pthread_mutex_lock(&f->lock);
    f->begun++;
    if (f->running++)
        f->overlapped = true;
    pthread_cond_broadcast(&f->moved);
    pthread_mutex_unlock(&f->lock);
    return 0;
}

static inline void fake_listing_end(struct source_listing *l)
{
    struct fake_source *f = (struct fake_source *)l->source;
    pthread_mutex_lock(&f->lock);
    f->running--;
    pthread_mutex_unlock(&f->lock);
    free(l);
}

static inline void fake_cancel(struct source *s)
{
    struct fake_source *f = (struct fake_source *)s;
    pthread_mutex_lock(&f->lock);
    f->cancelled = true;
    pthread_cond_broadcast(&f->moved);
    pthread_mutex_unlock(&f->lock);
}

/* For caches whose news nobody waits for. */
static inline void fake_published(void *ctx, uint32_t list, const struct catalog *before,
                                  const struct catalog *now, uint64_t generation)
{
    (void)ctx, (void)list, (void)before, (void)now, (void)generation;
}

static inline void fake_woken(void *ctx, uint32_t list, unsigned events, int error)
{
    (void)ctx, (void)list, (void)events, (void)error;
}

static inline void fake_init(struct fake_source *f, struct lists *lists)
{
    static const struct source_ops ops = {
        .begin = fake_begin, .next = fake_next, .end = fake_listing_end, .cancel = fake_cancel};
    memset(f, 0, sizeof(*f));
    f->head.ops = &ops;
    f->head.kind = "file";
    f->head.api = "file";
    f->lists = lists;
    pthread_mutex_init(&f->lock, NULL);
    pthread_cond_init(&f->moved, NULL);
}

static inline void fake_deinit(struct fake_source *f)
{
    for (size_t i = f->done; i < f->added; i++) {
        for (size_t n = 0; n < f->steps[i].count; n++)
            image_unref(f->steps[i].images[n]);
        free(f->steps[i].images);
    }
}

/* Adds a step, and returns the number of steps so far, for fake_wait_done(). */
static inline size_t fake_add(struct fake_source *f, struct fake_step step)
{
    pthread_mutex_lock(&f->lock);
    assert_true(f->added < FAKE_STEPS);
    f->steps[f->added] = step;
    size_t added = ++f->added;
    pthread_cond_broadcast(&f->moved);
    pthread_mutex_unlock(&f->lock);
    return added;
}

static inline void fake_wait(struct fake_source *f, size_t done, unsigned begun)
{
    struct timespec until = fake_deadline();
    int error = 0;
    pthread_mutex_lock(&f->lock);
    while ((f->done < done || f->begun < begun) && error != ETIMEDOUT)
        error = pthread_cond_timedwait(&f->moved, &f->lock, &until);
    bool came = f->done >= done && f->begun >= begun;
    pthread_mutex_unlock(&f->lock);
    if (!came)
        fail_msg("the source has not come to %zu steps in %u listings", done, begun);
}

/* Each of these is done when it returns, if a listing runs or is about to. */
static inline void fake_page(struct fake_source *f, const char *const *page)
{
    struct fake_step step = {.kind = FAKE_PAGE};
    step.images = lists_images(f->lists, page, &step.count);
    fake_wait(f, fake_add(f, step), 0);
}

static inline void fake_restart(struct fake_source *f)
{
    fake_wait(f, fake_add(f, (struct fake_step){.kind = FAKE_RESTART}), 0);
}

static inline void fake_end(struct fake_source *f, int result)
{
    fake_wait(f, fake_add(f, (struct fake_step){.kind = FAKE_END, .result = result}), 0);
}

/* The number of listings begun, after there were at least so many. */
static inline void fake_wait_begun(struct fake_source *f, unsigned begun)
{
    fake_wait(f, 0, begun);
}

static inline unsigned fake_begun(struct fake_source *f)
{
    pthread_mutex_lock(&f->lock);
    unsigned begun = f->begun;
    pthread_mutex_unlock(&f->lock);
    return begun;
}

/* --- The clock --- */

struct fake_clock {
    struct clock clock;
    _Atomic int64_t ms;
};

static inline int64_t fake_clock_now(void *ctx)
{
    return atomic_load(&((struct fake_clock *)ctx)->ms);
}

static inline void fake_clock_init(struct fake_clock *c)
{
    c->clock = (struct clock){fake_clock_now, c};
    atomic_store(&c->ms, 5000000);
}

static inline void fake_clock_pass(struct fake_clock *c, int64_t ms)
{
    atomic_fetch_add(&c->ms, ms);
}

#endif
