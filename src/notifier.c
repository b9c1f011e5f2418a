// SPDX-License-Identifier: Apache-2.0
#include "imsfs/notifier.h"

#include <errno.h>
#include <pthread.h>

#include "imsfs/clock.h"

#define AGAIN_MS 1000
/* No sooner does anything lapse: its answer has to reach the kernel first. */
#define LAPSE_MIN_MS 200
/* Then the others lapse at once: directories of queries come and go, however long their leases. */
#define LAPSES_MAX 4096
/* The due time of what was posted first; it leaves room to reckon. */
#define FIRST_MS (INT64_MIN / 2)
/* What waits of a list is folded when it is more than this, and than so many times the largest
 * batch: then each folding is paid for by what was posted since the last. */
#define FOLD_BYTES ((size_t)1 << 20)
#define FOLD_TIMES 3

/* What is told together. */
struct batch {
    struct batch *next;
    uint32_t list;
    uint64_t generation;
    int64_t due_ms;  /* negative: at once, in the order in which they were posted */
    bool again;      /* it was told once */
    uint64_t lapses; /* no change of a list: the one inode whose time is over then; 0: no */
    struct notes notes;
};

struct notifier {
    struct notifier_ops ops;
    pthread_t thread;
    bool started;
    pthread_mutex_t lock; /* protects: everything below */
    pthread_cond_t posted;
    struct batch *queue; /* by due time */
    size_t lapses;       /* in the queue */
    uint64_t posts;      /* so far */
    bool stop;
};

int notifier_new(struct notifier **out, const struct notifier_ops *ops)
{
    struct notifier *n = calloc(1, sizeof(*n));
    if (!n)
        return -ENOMEM;
    n->ops = *ops;
    pthread_mutex_init(&n->lock, NULL);
    clock_cond_init(&n->posted);
    *out = n;
    return 0;
}

static void batch_free(struct batch *b)
{
    if (!b)
        return;
    notes_free(&b->notes);
    free(b);
}

void notifier_free(struct notifier *n)
{
    if (!n)
        return;
    while (n->queue) {
        struct batch *next = n->queue->next;
        batch_free(n->queue);
        n->queue = next;
    }
    pthread_cond_destroy(&n->posted);
    pthread_mutex_destroy(&n->lock);
    free(n);
}

static int64_t monotonic_ms(void)
{
    struct timespec ts;
    clock_gettime(CLOCK_MONOTONIC, &ts);
    return (int64_t)ts.tv_sec * 1000 + ts.tv_nsec / 1000000;
}

/* With the lock held. */
static void enqueue(struct notifier *n, struct batch *b)
{
    struct batch **place = &n->queue;
    while (*place && (*place)->due_ms <= b->due_ms)
        place = &(*place)->next;
    b->next = *place;
    *place = b;
    n->lapses += b->lapses != 0;
}

/* With the lock held. */
static struct batch *take_out(struct notifier *n, struct batch **place)
{
    struct batch *b = *place;
    *place = b->next;
    n->lapses -= b->lapses != 0;
    return b;
}

/* Whether they say the same of the same list, so that to tell one of them is enough. */
static bool are_alike(const struct batch *a, const struct batch *b)
{
    return !a->lapses && !b->lapses && a->list == b->list &&
           bytes_equal(strbuf_bytes(&a->notes.text), strbuf_bytes(&b->notes.text));
}

/* Where the next one in the queue is that is like b, or the end. With the lock held. */
static struct batch **find_like(struct batch **place, const struct batch *b)
{
    while (*place && !are_alike(*place, b))
        place = &(*place)->next;
    return place;
}

/* Whether it is of this list's changes, and was not told yet. */
static bool is_news(const struct batch *b, uint32_t list)
{
    return b->list == list && !b->again && !b->lapses;
}

/*
 * Where lists change faster than the kernel can be told, the same things are told once for all
 * changes, or there would be no end to what waits. b is the newer one: it goes where its list has
 * waited long, but what is told last must be the last generation; and an older one that was told
 * waits no longer, for b will be told twice. Returns what is not needed. With the lock held.
 */
static struct batch *enqueue_change(struct notifier *n, struct batch *b)
{
    struct batch **place = find_like(&n->queue, b);
    struct batch *like = *place ? take_out(n, place) : NULL;
    b->due_ms = like && !like->again ? like->due_ms : FIRST_MS + (int64_t)n->posts++;
    for (const struct batch *other = n->queue; other; other = other->next)
        if (is_news(other, b->list) && other->due_ms > b->due_ms)
            b->due_ms = other->due_ms;
    enqueue(n, b);
    return like;
}

/* --- Folding --- */

/* Whether batches that differ take more room than what they are about. With the lock held. */
static bool is_too_much(const struct notifier *n, uint32_t list)
{
    size_t bytes = 0, largest = 0;
    for (const struct batch *b = n->queue; b; b = b->next) {
        size_t len = b->list == list && !b->lapses ? b->notes.text.len : 0;
        bytes += len;
        largest = len > largest ? len : largest;
    }
    return bytes > FOLD_BYTES && bytes > FOLD_TIMES * largest;
}

/* All of a list, also what was told once, in a queue of their own. With the lock held. */
static struct batch *take_list(struct notifier *n, uint32_t list)
{
    struct batch *taken = NULL, **end = &taken, **place = &n->queue;
    while (*place) {
        if ((*place)->list != list || (*place)->lapses) {
            place = &(*place)->next;
            continue;
        }
        *end = take_out(n, place);
        end = &(*end)->next;
        *end = NULL;
    }
    return taken;
}

/* One batch for all of them: it waits where the first one did, and is the last generation. NULL: no
 * memory. */
static struct batch *fold(const struct batch *all)
{
    size_t count = 0;
    for (const struct batch *b = all; b; b = b->next)
        count++;
    struct batch *one = calloc(1, sizeof(*one));
    struct notes *notes = calloc(count, sizeof(*notes));
    if (one && notes) {
        *one = (struct batch){.list = all->list, .due_ms = all->due_ms};
        for (size_t i = 0; i < count; i++, all = all->next) {
            notes[i] = all->notes; /* borrowed */
            one->generation = all->generation > one->generation ? all->generation : one->generation;
        }
    }
    if (!one || !notes || notes_fold(&one->notes, notes, count) < 0) {
        free(one);
        one = NULL;
    }
    free(notes);
    return one;
}

static void enqueue_all(struct notifier *n, struct batch *all)
{
    pthread_mutex_lock(&n->lock);
    while (all) {
        struct batch *b = all;
        all = all->next;
        enqueue(n, b);
    }
    pthread_cond_signal(&n->posted);
    pthread_mutex_unlock(&n->lock);
}

/* It takes a while, so the lock is not held; without memory they wait as they are. */
static void fold_and_enqueue(struct notifier *n, struct batch *all)
{
    struct batch *one = fold(all);
    enqueue_all(n, one ? one : all);
    while (one && all) {
        struct batch *next = all->next;
        batch_free(all);
        all = next;
    }
}

static void post(struct notifier *n, struct batch *b)
{
    uint32_t list = b->list;
    pthread_mutex_lock(&n->lock);
    struct batch *like = enqueue_change(n, b);
    struct batch *all = is_too_much(n, list) ? take_list(n, list) : NULL;
    pthread_cond_signal(&n->posted);
    pthread_mutex_unlock(&n->lock);
    batch_free(like);
    if (all)
        fold_and_enqueue(n, all);
}

/* b was told for the first time. If one like it came meanwhile, that will be told twice. */
static void post_again(struct notifier *n, struct batch *b)
{
    b->again = true;
    b->due_ms = monotonic_ms() + AGAIN_MS;
    pthread_mutex_lock(&n->lock);
    bool needed = !*find_like(&n->queue, b);
    if (needed)
        enqueue(n, b);
    pthread_mutex_unlock(&n->lock);
    if (!needed)
        batch_free(b);
}

int notifier_post(struct notifier *n, uint32_t list, uint64_t generation, struct notes *notes)
{
    struct batch *b = calloc(1, sizeof(*b));
    if (!b) {
        notes_free(notes);
        return -ENOMEM;
    }
    b->list = list;
    b->generation = generation;
    b->notes = *notes;
    *notes = NOTES_INIT;
    post(n, b);
    return 0;
}

/* The one of ino that lapses, out of the queue, or NULL. With the lock held. */
static struct batch *take_lapsing(struct notifier *n, uint64_t ino)
{
    for (struct batch **place = &n->queue; *place; place = &(*place)->next) {
        if ((*place)->lapses == ino)
            return take_out(n, place);
    }
    return NULL;
}

static struct batch *lapsing(uint64_t ino)
{
    struct batch *b = calloc(1, sizeof(*b));
    if (b)
        b->lapses = ino;
    return b;
}

int notifier_lapse(struct notifier *n, uint64_t ino, int64_t after_ms)
{
    int64_t now_ms = monotonic_ms();
    pthread_mutex_lock(&n->lock);
    struct batch *b = take_lapsing(n, ino);
    bool soon = after_ms < LAPSE_MIN_MS || n->lapses >= LAPSES_MAX;
    int64_t due_ms = now_ms + (soon ? LAPSE_MIN_MS : after_ms);
    if (b && b->due_ms < due_ms)
        due_ms = b->due_ms;
    else if (!b)
        b = lapsing(ino);
    if (b) {
        b->due_ms = due_ms;
        b->again = false; /* what is on its way now must not come behind the last telling */
        enqueue(n, b);
        pthread_cond_signal(&n->posted);
    }
    pthread_mutex_unlock(&n->lock);
    return b ? 0 : -ENOMEM;
}

static bool stopping(struct notifier *n)
{
    pthread_mutex_lock(&n->lock);
    bool stop = n->stop;
    pthread_mutex_unlock(&n->lock);
    return stop;
}

static int tell(void *ctx, const struct diff_item *item)
{
    struct notifier *n = ctx;
    return stopping(n) ? -ECANCELED : n->ops.tell(n->ops.ctx, item);
}

static void tell_all(struct notifier *n, const struct batch *b)
{
    const struct diff_item lapsed = {.kind = DIFF_DATA, .ino = b->lapses};
    if (b->lapses)
        tell(n, &lapsed);
    else
        notes_tell(&b->notes, n->ops.attrs, tell, n);
}

/* The next batch that is due, waiting for it; NULL: stop. With the lock held. */
static struct batch *next_due(struct notifier *n)
{
    while (!n->stop) {
        int64_t left_ms = n->queue ? n->queue->due_ms - monotonic_ms() : INT64_MAX;
        if (left_ms <= 0)
            return take_out(n, &n->queue);
        clock_cond_wait(&n->posted, &n->lock, left_ms);
    }
    return NULL;
}

static void handle(struct notifier *n, struct batch *b)
{
    tell_all(n, b);
    if (!b->lapses)
        n->ops.told(n->ops.ctx, b->list, b->generation, b->again);
    if (b->again)
        batch_free(b);
    else
        post_again(n, b);
}

static void *run(void *ctx)
{
    struct notifier *n = ctx;
    struct batch *b;
    pthread_mutex_lock(&n->lock);
    while ((b = next_due(n))) {
        pthread_mutex_unlock(&n->lock);
        handle(n, b);
        pthread_mutex_lock(&n->lock);
    }
    pthread_mutex_unlock(&n->lock);
    return NULL;
}

int notifier_start(struct notifier *n)
{
    int r = -pthread_create(&n->thread, NULL, run, n);
    n->started = r == 0;
    return r;
}

void notifier_stop(struct notifier *n)
{
    pthread_mutex_lock(&n->lock);
    n->stop = true;
    pthread_cond_signal(&n->posted);
    pthread_mutex_unlock(&n->lock);
    if (n->started)
        pthread_join(n->thread, NULL);
    n->started = false;
}
