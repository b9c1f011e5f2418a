// SPDX-License-Identifier: Apache-2.0
#include "imsfs/cache.h"

#include <errno.h>
#include <pthread.h>
#include <stdio.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include "imsfs/failure.h"
#include "imsfs/freshness.h"
#include "imsfs/log.h"
#include "imsfs/shelf.h"

struct cache {
    struct cache_config config;
    pthread_t thread;
    bool started;

    pthread_mutex_t state;  /* protects: everything down to `shelf` */
    pthread_cond_t changed; /* with state: there is work to do */
    bool stop, wanted;      /* somebody wants a listing */
    bool loading;           /* a listing is under way */
    bool used;              /* somebody used the list since the last listing ended */
    struct freshness freshness;
    uint64_t events;
    uint64_t failed_event; /* with which a first listing failed */
    uint64_t generation, settled;
    uint64_t listings;
    unsigned long long listing_pages;
    int last_error;
    char last_error_text[512];
    struct timespec last_error_at;

    struct shelf shelf;         /* has a lock of its own, taken after `state` */
    unsigned long long skipped; /* the fetcher's alone: what it last logged */
    int first_fd; /* readable when the first listing has brought a page, or has failed */
};

int cache_new(struct cache **out, const struct cache_config *config)
{
    struct cache *c = calloc(1, sizeof(*c));
    if (!c)
        return -ENOMEM;
    c->config = *config;
    c->freshness = (struct freshness){.ttl_ms = config->ttl_ms, .stale_ms = config->stale_ms};
    pthread_mutex_init(&c->state, NULL);
    shelf_init(&c->shelf, config->numbers);
    pthread_condattr_t attr;
    pthread_condattr_init(&attr);
    pthread_condattr_setclock(&attr, CLOCK_MONOTONIC);
    pthread_cond_init(&c->changed, &attr);
    pthread_condattr_destroy(&attr);
    c->first_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
    if (c->first_fd < 0) {
        int r = -errno;
        cache_free(c);
        return r;
    }
    *out = c;
    return 0;
}

void cache_free(struct cache *c)
{
    if (!c)
        return;
    if (c->first_fd >= 0)
        close(c->first_fd);
    shelf_deinit(&c->shelf);
    pthread_cond_destroy(&c->changed);
    pthread_mutex_destroy(&c->state);
    free(c);
}

static int64_t now_ms(const struct cache *c)
{
    return clock_now_ms(c->config.clock);
}

/* --- What a reader gets; with `state` held --- */

static void want_listing(struct cache *c)
{
    if (c->loading || c->wanted || c->stop)
        return;
    c->wanted = true;
    pthread_cond_broadcast(&c->changed);
}

static void note_use(struct cache *c)
{
    if (!c->used)
        pthread_cond_broadcast(&c->changed); /* a failed renewal is tried again for users only */
    c->used = true;
}

static int decide(struct cache *c, enum cache_need need, struct cache_view *view)
{
    int64_t now = now_ms(c);
    if (need == CACHE_NOW) {
        if (c->settled == c->generation)
            view->lease_ms = freshness_lease(&c->freshness, now);
        return 0;
    }
    if (c->stop)
        return -EIO;
    note_use(c);
    if (need == CACHE_REST && !c->freshness.have_list && !c->loading && c->last_error)
        return c->last_error;
    struct freshness_verdict v = freshness_judge(&c->freshness, need == CACHE_KNOWN, now);
    if (v.renew)
        want_listing(c);
    if (need == CACHE_SETTLED && c->settled != c->generation)
        return CACHE_WAIT;
    view->lease_ms = c->settled == c->generation ? v.lease_ms : 0;
    if (v.answer == FRESHNESS_LIST)
        return 0;
    if (!c->loading && !c->wanted)
        return c->last_error;
    return c->freshness.have_list ? CACHE_WAIT : 0; /* the first one may be growing already */
}

int cache_view(struct cache *c, enum cache_need need, struct cache_view *view)
{
    pthread_mutex_lock(&c->state);
    *view = (struct cache_view){.event = c->events, .attic = &c->shelf.attic};
    int r = decide(c, need, view);
    if (r == 0) {
        view->catalog = shelf_open(&c->shelf, &view->complete);
        if (!view->catalog && need != CACHE_NOW) {
            shelf_close(&c->shelf);
            r = CACHE_WAIT;
        }
    }
    pthread_mutex_unlock(&c->state);
    return r;
}

void cache_release(struct cache *c)
{
    shelf_close(&c->shelf);
}

uint64_t cache_event_count(struct cache *c)
{
    pthread_mutex_lock(&c->state);
    uint64_t events = c->events;
    pthread_mutex_unlock(&c->state);
    return events;
}

int cache_failed_since(struct cache *c, uint64_t event)
{
    pthread_mutex_lock(&c->state);
    int error = c->failed_event > event ? c->last_error : 0;
    pthread_mutex_unlock(&c->state);
    return error;
}

void cache_refresh(struct cache *c)
{
    pthread_mutex_lock(&c->state);
    /* Even when one is under way: it may have begun before what the caller knows. */
    c->wanted = true;
    pthread_cond_broadcast(&c->changed);
    pthread_mutex_unlock(&c->state);
}

/* --- Telling --- */

/* Counts an event and tells the listener. Without a lock held. */
static void tell(struct cache *c, unsigned events, int error)
{
    pthread_mutex_lock(&c->state);
    c->events++;
    pthread_mutex_unlock(&c->state);
    eventfd_write(c->first_fd, 1);
    c->config.listener.woken(c->config.listener.ctx, events, error);
}

void cache_settled(struct cache *c, uint64_t generation)
{
    pthread_mutex_lock(&c->state);
    if (generation > c->settled)
        c->settled = generation;
    pthread_mutex_unlock(&c->state);
    tell(c, CACHE_EVENT_SETTLED, 0);
}

void cache_clear_out(struct cache *c, uint64_t generation)
{
    pthread_mutex_lock(&c->state);
    bool last = generation == c->generation;
    pthread_mutex_unlock(&c->state);
    if (last)
        shelf_clear_out(&c->shelf);
}

/* --- The fetcher --- */

static int take_page(void *ctx, struct image **images, size_t count)
{
    struct cache *c = ctx;
    bool visible;
    int r = shelf_add(&c->shelf, images, count, &visible);
    if (r < 0)
        return r;
    pthread_mutex_lock(&c->state);
    c->listing_pages++;
    pthread_mutex_unlock(&c->state);
    tell(c, visible ? CACHE_EVENT_DATA | CACHE_EVENT_SETTLED : 0, 0);
    return r;
}

static void start_over(void *ctx)
{
    struct cache *c = ctx;
    shelf_start_over(&c->shelf);
}

/* Once, until their number changes. */
static void log_skipped(struct cache *c)
{
    unsigned long long skipped = atomic_load(&c->config.source->counters.skipped);
    if (skipped && skipped != c->skipped)
        log_warning("%llu records are not shown: they have no usable id, or are no records",
                    skipped);
    c->skipped = skipped;
}

static void publish(struct cache *c, bool changed, int64_t began_ms)
{
    if (changed)
        shelf_finish(&c->shelf);
    pthread_mutex_lock(&c->state);
    struct shelf_change change = shelf_show(&c->shelf, changed);
    freshness_succeeded(&c->freshness, began_ms, now_ms(c));
    uint64_t generation = ++c->generation;
    c->last_error = 0;
    c->loading = c->used = false;
    pthread_mutex_unlock(&c->state);
    tell(c, CACHE_EVENT_DATA, 0);
    c->config.listener.published(c->config.listener.ctx, change.before, change.now, generation);
    shelf_clear(&c->shelf, &change);
    log_skipped(c);
}

static void give_up(struct cache *c, int error, const char *text)
{
    bool cancelled = error == -ECANCELED;
    error = failure_errno(error);
    struct shelf_change change = shelf_abandon(&c->shelf); /* those who come now wait for `tell` */
    pthread_mutex_lock(&c->state);
    freshness_failed(&c->freshness, now_ms(c));
    c->last_error = error;
    snprintf(c->last_error_text, sizeof(c->last_error_text), "%s", text);
    c->last_error_at = clock_wall();
    c->loading = c->used = false;
    uint64_t generation = c->generation;
    bool have_list = c->freshness.have_list;
    c->events++;
    c->failed_event = have_list ? c->failed_event : c->events;
    pthread_mutex_unlock(&c->state);
    tell(c, CACHE_EVENT_DATA | CACHE_EVENT_SETTLED, have_list ? 0 : error);
    if (!cancelled && change.now && change.before != change.now) /* readers saw it grow */
        c->config.listener.published(c->config.listener.ctx, change.before, change.now, generation);
    shelf_clear(&c->shelf, &change);
    if (!cancelled && (c->config.log_first || c->listings > 1))
        log_warning("%s", text);
}

static void run_listing(struct cache *c)
{
    struct source_error error = {""};
    const struct source_sink sink = {take_page, start_over, c};
    int64_t began_ms = now_ms(c);
    int r = shelf_begin(&c->shelf);
    if (r == 0)
        r = source_list(c->config.source, NULL, &sink, &error);
    if (r >= 0 && !shelf_has_next(&c->shelf))
        r = -ENOMEM;
    if (r == SOURCE_UNCHANGED && !c->freshness.have_list)
        r = -EIO; /* a source must not say so before it listed once */
    if (r < 0)
        give_up(c, r, error.text[0] ? error.text : strerror(-r));
    else
        publish(c, r != SOURCE_UNCHANGED, began_ms);
}

/* Waits on the condition, for at most ms. */
static void wait_ms(struct cache *c, int64_t ms)
{
    struct timespec until;
    clock_gettime(CLOCK_MONOTONIC, &until);
    int64_t ns = until.tv_nsec + ms % 1000 * 1000000;
    until.tv_sec += ms / 1000 + ns / 1000000000;
    until.tv_nsec = ns % 1000000000;
    pthread_cond_timedwait(&c->changed, &c->state, &until);
}

/* With `state` held. A failed renewal is tried again by itself while readers come. */
static void wait_for_work(struct cache *c)
{
    while (!c->stop && !c->wanted) {
        if (!c->freshness.have_list || c->freshness.failures == 0 || !c->used) {
            pthread_cond_wait(&c->changed, &c->state);
            continue;
        }
        int64_t left = c->freshness.retry_ms - now_ms(c);
        if (left <= 0)
            c->wanted = true;
        else
            wait_ms(c, left < 1000 ? left : 1000);
    }
}

static void *fetch(void *ctx)
{
    struct cache *c = ctx;
    pthread_mutex_lock(&c->state);
    for (;;) {
        wait_for_work(c);
        if (c->stop)
            break;
        c->wanted = false;
        c->loading = true;
        freshness_began(&c->freshness, now_ms(c));
        c->listings++;
        c->listing_pages = 0;
        pthread_mutex_unlock(&c->state);
        run_listing(c);
        pthread_mutex_lock(&c->state);
    }
    pthread_mutex_unlock(&c->state);
    return NULL;
}

int cache_start(struct cache *c)
{
    int r = -pthread_create(&c->thread, NULL, fetch, c);
    c->started = r == 0;
    return r;
}

void cache_stop(struct cache *c)
{
    pthread_mutex_lock(&c->state);
    c->stop = true;
    pthread_cond_broadcast(&c->changed);
    pthread_mutex_unlock(&c->state);
    source_cancel(c->config.source);
    tell(c, CACHE_EVENT_DATA | CACHE_EVENT_SETTLED, -EIO);
    if (c->started)
        pthread_join(c->thread, NULL);
    c->started = false;
}

int cache_first_fd(struct cache *c)
{
    pthread_mutex_lock(&c->state);
    want_listing(c);
    pthread_mutex_unlock(&c->state);
    return c->first_fd;
}

int cache_first_page(struct cache *c, char reason[static 512])
{
    pthread_mutex_lock(&c->state);
    int r = c->last_error;
    snprintf(reason, 512, "%s", r ? c->last_error_text : "");
    pthread_mutex_unlock(&c->state);
    return r;
}

void cache_status(struct cache *c, struct cache_status *status)
{
    pthread_mutex_lock(&c->state);
    int64_t age = now_ms(c) - c->freshness.list_end_ms;
    *status = (struct cache_status){
        .loading = c->loading,
        .generation = c->generation,
        .listings = c->listings,
        .listing_pages = c->listing_pages,
        .last_error = c->last_error,
        .last_error_at = c->last_error_at,
        .have_list = c->freshness.have_list,
        .age_ms = age,
        .expires_ms = c->freshness.valid_ms - age,
        .ttl_effective_ms = c->freshness.valid_ms,
    };
    memcpy(status->last_error_text, c->last_error_text, sizeof(status->last_error_text));
    status->counts = shelf_counts(&c->shelf);
    pthread_mutex_unlock(&c->state);
}

size_t cache_image_count(struct cache *c)
{
    return shelf_counts(&c->shelf).images;
}
