// SPDX-License-Identifier: Apache-2.0
#include "imsfs/roster.h"

#include <errno.h>

/* What a list costs that has no images. */
static size_t base_weight(const struct list *l)
{
    return sizeof(*l) + 2 * l->identity.cap;
}

int roster_init(struct roster *r, const struct roster_config *config)
{
    memset(r, 0, sizeof(*r));
    int rc = list_new(&r->lists[0], (struct list_query){.query = config->query}, CATALOG_GROUPED,
                      &config->list);
    if (rc < 0)
        return rc;
    r->lists[0]->pinned = true;
    r->config = config->list;
    r->listener = config->listener;
    r->bytes_max = config->bytes_max;
    pthread_mutex_init(&r->lock, NULL);
    return 0;
}

void roster_deinit(struct roster *r)
{
    HASH_CLEAR(hh, r->by_identity);
    for (uint32_t i = 0; i < ROSTER_NUMBERS; i++)
        list_free(r->lists[i]);
    pthread_mutex_destroy(&r->lock);
}

struct list *roster_at(const struct roster *r, uint32_t number)
{
    return number < ROSTER_NUMBERS ? r->lists[number] : NULL;
}

void roster_use(struct roster *r, struct list *l)
{
    if (l->number)
        l->last_use = ++r->uses;
}

/* --- Who goes; with the lock held --- */

/* The idle list whose last use is the longest ago, before the use given; NULL: there is none. */
static struct list *oldest_idle(const struct roster *r, uint64_t before)
{
    struct list *oldest = NULL;
    for (uint32_t i = 1; i < ROSTER_NUMBERS; i++) {
        struct list *l = r->lists[i];
        if (l && l->last_use < before && list_is_idle(l)) {
            before = l->last_use;
            oldest = l;
        }
    }
    return oldest;
}

static void take_out(struct roster *r, struct list *l)
{
    HASH_DEL(r->by_identity, l);
    r->lists[l->number] = NULL;
    r->bytes -= l->bytes;
}

/* Without the lock: nobody else knows it any more. */
static void drop(struct roster *r, struct list *l)
{
    if (!l)
        return;
    if (r->listener.evicted)
        r->listener.evicted(r->listener.ctx, l->number, l->tenure, l->shelf.current);
    list_free(l);
}

void roster_make_room(struct roster *r)
{
    struct list *l;
    do {
        pthread_mutex_lock(&r->lock);
        bool full = r->bytes_max && r->bytes > r->bytes_max;
        l = full ? oldest_idle(r, r->uses) : NULL;
        if (l)
            take_out(r, l);
        pthread_mutex_unlock(&r->lock);
        drop(r, l);
    } while (l);
}

/* --- Who comes; with the lock held --- */

static struct list *find(const struct roster *r, struct bytes identity)
{
    struct list *l;
    HASH_FIND(hh, r->by_identity, identity.data, identity.len, l);
    return l;
}

/* A number that nobody has, the one that has been free for the longest time; 0: there is none. */
static uint32_t free_number(const struct roster *r)
{
    for (uint32_t i = 0; i < ROSTER_NUMBERS - 1; i++) {
        uint32_t number = (r->last_number + i) % (ROSTER_NUMBERS - 1) + 1;
        if (!r->lists[number])
            return number;
    }
    return 0;
}

/* Gives the list a number, perhaps that of *evicted. */
static int enrol(struct roster *r, struct list *l, struct list **evicted)
{
    l->number = free_number(r);
    if (!l->number && (*evicted = oldest_idle(r, UINT64_MAX))) {
        l->number = (*evicted)->number;
        take_out(r, *evicted);
    }
    if (!l->number)
        return -EBUSY;
    HASH_ADD_KEYPTR(hh, r->by_identity, l->identity.data, l->identity.len, l);
    if (!l->hh.tbl)
        return -ENOMEM;
    r->tenures[l->number] = r->tenures[l->number] % ROSTER_TENURE_MAX + 1;
    l->tenure = r->tenures[l->number];
    l->event = ++r->events; /* nobody who waits for an event takes it for the list before */
    l->bytes = base_weight(l);
    r->bytes += l->bytes;
    r->lists[l->number] = l;
    r->last_number = l->number;
    return 0;
}

int roster_open(struct roster *r, struct list_query of, bool pinned, uint32_t *number,
                uint32_t *tenure)
{
    struct list *fresh, *evicted = NULL;
    int rc = list_new(&fresh, of, list_form(of.query), &r->config);
    if (rc < 0)
        return rc;
    pthread_mutex_lock(&r->lock);
    struct list *l = find(r, strbuf_bytes(&fresh->identity));
    if (!l && (rc = enrol(r, fresh, &evicted)) == 0)
        l = STEAL(fresh);
    if (l) {
        roster_use(r, l);
        l->pinned = l->pinned || pinned;
        *number = l->number;
        *tenure = l->tenure;
    }
    pthread_mutex_unlock(&r->lock);
    drop(r, evicted);
    list_free(fresh);
    roster_make_room(r);
    return rc;
}

/* --- What happens to them --- */

void roster_tell(struct roster *r, uint32_t number, unsigned events, int error)
{
    pthread_mutex_lock(&r->lock);
    struct list *l = roster_at(r, number);
    if (l)
        l->event = ++r->events;
    pthread_mutex_unlock(&r->lock);
    r->listener.woken(r->listener.ctx, number, events, error);
}

void roster_weigh(struct roster *r, struct list *l)
{
    size_t bytes = base_weight(l) + shelf_bytes(&l->shelf);
    pthread_mutex_lock(&r->lock);
    if (l->number)
        r->bytes += bytes - l->bytes;
    l->bytes = bytes;
    pthread_mutex_unlock(&r->lock);
}
