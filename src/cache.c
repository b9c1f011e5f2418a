// SPDX-License-Identifier: Apache-2.0
#include "imsfs/cache.h"

#include <errno.h>
#include <stdatomic.h>
#include <stdio.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include "imsfs/fetcher.h"
#include "imsfs/patience.h"

struct cache {
    const struct clock *clock;
    struct list_listener listener; /* the owner's; ours stands before it */
    struct roster roster;
    struct fetcher fetcher;
    struct patience patience;
    int first_fd; /* readable when the first listing has brought a page, or has failed */
};

/* --- Life --- */

static void on_published(void *ctx, uint32_t list, const struct catalog *before,
                         const struct catalog *now, uint64_t generation)
{
    const struct list_listener *listener = &((struct cache *)ctx)->listener;
    listener->published(listener->ctx, list, before, now, generation);
}

/* Whether the first listing has got somewhere. That readers were told not to wait is no answer. */
static bool has_begun(struct cache *c)
{
    pthread_mutex_lock(&c->roster.lock);
    const struct list *l = roster_at(&c->roster, 0);
    bool begun = l->freshness.have_list || l->pages || l->last_error;
    pthread_mutex_unlock(&c->roster.lock);
    return begun;
}

static void on_woken(void *ctx, uint32_t list, unsigned events, int error)
{
    struct cache *c = ctx;
    if (list == 0 && has_begun(c))
        eventfd_write(c->first_fd, 1);
    c->listener.woken(c->listener.ctx, list, events, error);
}

static void on_emptied(void *ctx, uint32_t list, uint32_t tenure, const struct catalog *last,
                       bool gone)
{
    const struct list_listener *listener = &((struct cache *)ctx)->listener;
    if (listener->emptied)
        listener->emptied(listener->ctx, list, tenure, last, gone);
}

static int set_up(struct cache *c, const struct cache_config *config)
{
    const struct roster_config roster = {
        .list = {config->numbers, config->ttl_ms, config->stale_ms},
        .listener = {on_published, on_woken, on_emptied, c},
        .query = config->query,
        .bytes_max = config->max_bytes,
    };
    const struct fetcher_config fetcher = {config->source, &c->roster, config->clock,
                                           config->log_first};
    const struct patience_config patience = {&c->roster, config->clock, config->timeout_ms};
    int r = roster_init(&c->roster, &roster);
    if (r < 0)
        return r;
    fetcher_init(&c->fetcher, &fetcher);
    patience_init(&c->patience, &patience);
    return 0;
}

int cache_new(struct cache **out, const struct cache_config *config)
{
    struct cache *c = calloc(1, sizeof(*c));
    int fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
    int r = !c ? -ENOMEM : fd < 0 ? -errno : 0;
    if (r < 0) {
        query_free(config->query);
    } else {
        c->clock = config->clock;
        c->listener = config->listener;
        c->first_fd = fd;
        r = set_up(c, config);
    }
    if (r < 0) {
        if (fd >= 0)
            close(fd);
        free(c);
        return r;
    }
    *out = c;
    return 0;
}

void cache_free(struct cache *c)
{
    if (!c)
        return;
    close(c->first_fd);
    patience_deinit(&c->patience);
    fetcher_deinit(&c->fetcher);
    roster_deinit(&c->roster);
    free(c);
}

int cache_start(struct cache *c)
{
    int r = fetcher_start(&c->fetcher);
    return r < 0 ? r : patience_start(&c->patience);
}

void cache_stop(struct cache *c)
{
    patience_stop(&c->patience);
    fetcher_stop(&c->fetcher);
}

/* With the lock held. */
static void nudge(struct cache *c)
{
    fetcher_nudge(&c->fetcher);
    patience_nudge(&c->patience);
}

/* The list with this number, with the lock held; NULL: there is none, and no lock. */
static struct list *lock_list(struct cache *c, uint32_t list)
{
    pthread_mutex_lock(&c->roster.lock);
    struct list *l = roster_at(&c->roster, list);
    if (!l)
        pthread_mutex_unlock(&c->roster.lock);
    return l;
}

static void unlock(struct cache *c)
{
    pthread_mutex_unlock(&c->roster.lock);
}

/* --- Which lists there are --- */

int cache_open_list(struct cache *c, struct list_query of, bool pinned, uint32_t *list,
                    uint32_t *tenure)
{
    return roster_open(&c->roster, of, pinned, list, tenure);
}

int cache_hold(struct cache *c, uint32_t list, uint32_t tenure)
{
    return roster_hold(&c->roster, list, tenure);
}

void cache_let_go(struct cache *c, uint32_t list)
{
    roster_let_go(&c->roster, list);
}

void cache_unpin(struct cache *c, uint32_t list, uint32_t tenure)
{
    roster_unpin(&c->roster, list, tenure);
}

bool cache_shows(struct cache *c, uint32_t list, uint32_t tenure)
{
    struct list *l = lock_list(c, list);
    if (!l)
        return false;
    bool shows = l->tenure == tenure && list_is_shown(l);
    unlock(c);
    return shows;
}

uint64_t cache_changes(struct cache *c)
{
    return atomic_load(&c->roster.changes);
}

uint32_t cache_next_list(struct cache *c, uint32_t list)
{
    pthread_mutex_lock(&c->roster.lock);
    while (++list < ROSTER_NUMBERS && !roster_at(&c->roster, list))
        ;
    unlock(c);
    return list < ROSTER_NUMBERS ? list : 0;
}

int cache_status(struct cache *c, uint32_t list, struct list_status *status)
{
    struct list *l = lock_list(c, list);
    *status = (struct list_status){0};
    if (!l)
        return -ESTALE;
    list_status(l, clock_now_ms(c->clock), status);
    unlock(c);
    return 0;
}

int cache_describe(struct cache *c, uint32_t list, struct strbuf *name, struct list_status *status)
{
    struct list *l = lock_list(c, list);
    *status = (struct list_status){0};
    if (!l)
        return -ESTALE;
    struct bytes criteria = list_criteria(l);
    strbuf_add(name, criteria.data, criteria.len);
    list_status(l, clock_now_ms(c->clock), status);
    unlock(c);
    return strbuf_error(name);
}

size_t cache_image_count(struct cache *c)
{
    return shelf_counts(&c->roster.lists[0]->shelf).images;
}

/* --- What is in a list --- */

/* With the lock held. */
static int view_list(struct cache *c, struct list *l, enum list_need need, struct list_view *view)
{
    bool wanted = l->wanted, used = l->used;
    if (c->fetcher.stop && need != LIST_NOW) {
        *view = (struct list_view){.event = l->event};
        return -EIO;
    }
    if (need != LIST_NOW)
        roster_use(&c->roster, l);
    int r = list_view(l, need, clock_now_ms(c->clock), view);
    roster_look(&c->roster, l);
    if (l->wanted != wanted || l->used != used)
        fetcher_nudge(&c->fetcher);
    if (r == LIST_WAIT)
        patience_nudge(&c->patience);
    if (r == 0 && l->number)
        l->holds++;
    return r;
}

int cache_view(struct cache *c, uint32_t list, enum list_need need, struct list_view *view)
{
    struct list *l = lock_list(c, list);
    *view = (struct list_view){0};
    if (!l)
        return -ESTALE;
    int r = view_list(c, l, need, view);
    unlock(c);
    return r;
}

void cache_release(struct cache *c, uint32_t list)
{
    struct list *l = c->roster.lists[list]; /* it is held, so it stays */
    list_release(l);
    if (list > 0)
        roster_let_go(&c->roster, list);
}

uint64_t cache_event_count(struct cache *c, uint32_t list)
{
    struct list *l = lock_list(c, list);
    if (!l)
        return UINT64_MAX;
    uint64_t event = l->event;
    unlock(c);
    return event;
}

int cache_failed_since(struct cache *c, uint32_t list, uint64_t event)
{
    struct list *l = lock_list(c, list);
    if (!l)
        return -ESTALE;
    int error = l->failed_event > event ? l->last_error : 0;
    unlock(c);
    return error;
}

void cache_settled(struct cache *c, uint32_t list, uint64_t generation)
{
    struct list *l = lock_list(c, list);
    if (!l)
        return;
    if (generation > l->settled && generation <= l->generation)
        l->settled = generation;
    roster_use(&c->roster, l); /* who waited for it comes back now */
    unlock(c);
    roster_tell(&c->roster, list, LIST_EVENT_SETTLED, 0);
    roster_make_room(&c->roster); /* until now it could not go */
}

void cache_clear_out(struct cache *c, uint32_t list, uint64_t generation)
{
    struct list *l = lock_list(c, list);
    if (!l)
        return;
    struct shelf_change left = {0};
    bool last = generation == l->generation;
    l->holds += last;
    if (last && !l->busy) /* else the fetcher may be at it */
        left = shelf_take_left(&l->shelf);
    unlock(c);
    shelf_change_free(&left);
    if (!last)
        return;
    shelf_clear_out(&l->shelf);
    roster_weigh(&c->roster, l, 0); /* a listing under way is weighed again with its next page */
    roster_let_go(&c->roster, list);
}

/* --- Renewal and the first listing --- */

/*
 * Whether readers count on what the list is or will be, even when a listing is under way: that may
 * have begun before what the caller of cache_refresh() knows. What is no longer valid nobody uses
 * without asking for a listing.
 */
static bool is_in_use(const struct list *l, int64_t now_ms)
{
    const struct freshness *f = &l->freshness;
    bool valid = now_ms - f->list_end_ms < f->valid_ms;
    return l->number == 0 || l->loading || (l->used && (valid || f->failures > 0));
}

void cache_refresh(struct cache *c)
{
    int64_t now_ms = clock_now_ms(c->clock);
    source_forget(c->fetcher.config.source);
    pthread_mutex_lock(&c->roster.lock);
    for (uint32_t i = 0; i < ROSTER_NUMBERS; i++) {
        struct list *l = roster_at(&c->roster, i);
        if (!l)
            continue;
        if (is_in_use(l, now_ms))
            list_want_anew(l, now_ms);
        else
            freshness_expire(&l->freshness);
    }
    nudge(c);
    unlock(c);
}

bool cache_reconsider(struct cache *c)
{
    return source_reconsider(c->fetcher.config.source);
}

int cache_first_fd(struct cache *c)
{
    struct list *l = lock_list(c, 0);
    list_want(l, clock_now_ms(c->clock));
    nudge(c);
    unlock(c);
    return c->first_fd;
}

int cache_first_page(struct cache *c, char reason[static 512])
{
    struct list *l = lock_list(c, 0);
    int r = l->last_error;
    const char *text = l->last_error_text ? l->last_error_text : strerror(-r);
    snprintf(reason, 512, "%s", r ? text : "");
    unlock(c);
    return r;
}
