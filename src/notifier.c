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

struct note {
    uint64_t ino;
    uint32_t name_at; /* in names */
    uint16_t name_len;
    uint8_t kind;
};

struct notes {
    struct notes *next;
    uint32_t list;
    uint64_t generation;
    int64_t due_ms; /* 0: at once */
    bool again;     /* it was told once */
    bool lapses;    /* no change of a list: one item, whose time is over then */
    struct note *items;
    size_t count, cap;
    struct strbuf names;
};

struct notifier {
    struct notifier_ops ops;
    pthread_t thread;
    bool started;
    pthread_mutex_t lock; /* protects: everything below */
    pthread_cond_t posted;
    struct notes *queue; /* by due time */
    size_t lapses;       /* in the queue */
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

void notifier_free(struct notifier *n)
{
    if (!n)
        return;
    while (n->queue) {
        struct notes *next = n->queue->next;
        notes_free(n->queue);
        n->queue = next;
    }
    pthread_cond_destroy(&n->posted);
    pthread_mutex_destroy(&n->lock);
    free(n);
}

struct notes *notes_new(uint32_t list, uint64_t generation)
{
    struct notes *notes = calloc(1, sizeof(*notes));
    if (!notes)
        return NULL;
    notes->list = list;
    notes->generation = generation;
    return notes;
}

void notes_free(struct notes *notes)
{
    if (!notes)
        return;
    strbuf_free(&notes->names);
    free(notes->items);
    free(notes);
}

int notes_add(void *ctx, const struct diff_item *item)
{
    struct notes *notes = ctx;
    if (notes->count == notes->cap) {
        size_t cap = notes->cap ? notes->cap * 2 : 4; /* most have few */
        struct note *items = realloc(notes->items, cap * sizeof(*items));
        if (!items)
            return -ENOMEM;
        notes->items = items;
        notes->cap = cap;
    }
    notes->items[notes->count++] = (struct note){
        .ino = item->ino,
        .kind = (uint8_t)item->kind,
        .name_at = (uint32_t)notes->names.len,
        .name_len = (uint16_t)item->name_len,
    };
    if (item->name_len) {
        strbuf_add(&notes->names, item->name, item->name_len);
        strbuf_add_char(&notes->names, '\0');
    }
    return strbuf_error(&notes->names);
}

static int64_t monotonic_ms(void)
{
    struct timespec ts;
    clock_gettime(CLOCK_MONOTONIC, &ts);
    return (int64_t)ts.tv_sec * 1000 + ts.tv_nsec / 1000000;
}

/* With the lock held. */
static void enqueue(struct notifier *n, struct notes *notes)
{
    struct notes **place = &n->queue;
    while (*place && (*place)->due_ms <= notes->due_ms)
        place = &(*place)->next;
    notes->next = *place;
    *place = notes;
    n->lapses += notes->lapses;
}

/* With the lock held. */
static struct notes *take_out(struct notifier *n, struct notes **place)
{
    struct notes *notes = *place;
    *place = notes->next;
    n->lapses -= notes->lapses;
    return notes;
}

void notifier_post(struct notifier *n, struct notes *notes)
{
    pthread_mutex_lock(&n->lock);
    enqueue(n, notes);
    pthread_cond_signal(&n->posted);
    pthread_mutex_unlock(&n->lock);
}

/* The one of ino that lapses, out of the queue, or NULL. With the lock held. */
static struct notes *take_lapsing(struct notifier *n, uint64_t ino)
{
    for (struct notes **place = &n->queue; *place; place = &(*place)->next) {
        if ((*place)->lapses && (*place)->items[0].ino == ino)
            return take_out(n, place);
    }
    return NULL;
}

static struct notes *lapsing(uint64_t ino)
{
    const struct diff_item item = {.kind = DIFF_DATA, .ino = ino};
    struct notes *notes = notes_new(0, 0);
    if (notes && notes_add(notes, &item) < 0) {
        notes_free(notes);
        return NULL;
    }
    if (notes)
        notes->lapses = true;
    return notes;
}

int notifier_lapse(struct notifier *n, uint64_t ino, int64_t after_ms)
{
    int64_t now_ms = monotonic_ms();
    pthread_mutex_lock(&n->lock);
    struct notes *notes = take_lapsing(n, ino);
    bool soon = after_ms < LAPSE_MIN_MS || n->lapses >= LAPSES_MAX;
    int64_t due_ms = now_ms + (soon ? LAPSE_MIN_MS : after_ms);
    if (notes && notes->due_ms < due_ms)
        due_ms = notes->due_ms;
    else if (!notes)
        notes = lapsing(ino);
    if (notes) {
        notes->due_ms = due_ms;
        notes->again = false; /* what is on its way now must not come behind the last telling */
        enqueue(n, notes);
        pthread_cond_signal(&n->posted);
    }
    pthread_mutex_unlock(&n->lock);
    return notes ? 0 : -ENOMEM;
}

static bool stopping(struct notifier *n)
{
    pthread_mutex_lock(&n->lock);
    bool stop = n->stop;
    pthread_mutex_unlock(&n->lock);
    return stop;
}

static void tell(struct notifier *n, const struct notes *notes)
{
    for (size_t i = 0; i < notes->count && !stopping(n); i++) {
        const struct note *note = &notes->items[i];
        const struct diff_item item = {
            .kind = (enum diff_kind)note->kind,
            .ino = note->ino,
            .name = note->name_len ? notes->names.data + note->name_at : NULL,
            .name_len = note->name_len,
        };
        n->ops.tell(n->ops.ctx, &item);
    }
}

/* The next batch that is due, waiting for it; NULL: stop. With the lock held. */
static struct notes *next_due(struct notifier *n)
{
    while (!n->stop) {
        int64_t left_ms = n->queue ? n->queue->due_ms - monotonic_ms() : INT64_MAX;
        if (left_ms <= 0)
            return take_out(n, &n->queue);
        clock_cond_wait(&n->posted, &n->lock, left_ms);
    }
    return NULL;
}

static void handle(struct notifier *n, struct notes *notes)
{
    tell(n, notes);
    if (!notes->lapses)
        n->ops.told(n->ops.ctx, notes->list, notes->generation, notes->again);
    if (notes->again) {
        notes_free(notes);
        return;
    }
    notes->again = true;
    notes->due_ms = monotonic_ms() + AGAIN_MS;
    notifier_post(n, notes);
}

static void *run(void *ctx)
{
    struct notifier *n = ctx;
    struct notes *notes;
    pthread_mutex_lock(&n->lock);
    while ((notes = next_due(n))) {
        pthread_mutex_unlock(&n->lock);
        handle(n, notes);
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
