// SPDX-License-Identifier: Apache-2.0
#include "imsfs/roster.h"

#include <errno.h>
#include <stdatomic.h>

/* Its queries and, outside, its place and names: measured, 1.1 KiB for an empty list in all. */
#define NAMES_WEIGHT 450

/* What a list costs that has no images. */
static size_t base_weight(const struct list *l)
{
    return sizeof(*l) + 2 * l->identity.cap + NAMES_WEIGHT;
}

static uint32_t count_max(size_t bytes_max)
{
    size_t count = bytes_max / ROSTER_BYTES_EACH;
    if (bytes_max == 0 || count > ROSTER_NUMBERS - 1)
        return ROSTER_NUMBERS - 1;
    return count < ROSTER_LISTS_MIN ? ROSTER_LISTS_MIN : (uint32_t)count;
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
    r->count_max = count_max(config->bytes_max);
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

void roster_look(struct roster *r, struct list *l)
{
    bool shown = list_is_shown(l);
    if (shown != l->shown && l->number)
        atomic_fetch_add(&r->changes, 1);
    l->shown = shown;
}

/* --- Who goes; with the lock held --- */

/* The list that may go and whose last use is the longest ago, before the use given, or NULL. */
static struct list *oldest(const struct roster *r, uint64_t before,
                           bool (*may_go)(const struct list *l))
{
    struct list *found = NULL;
    for (uint32_t i = 1; i < ROSTER_NUMBERS; i++) {
        struct list *l = r->lists[i];
        if (l && l->last_use < before && list_is_idle(l) && may_go(l)) {
            before = l->last_use;
            found = l;
        }
    }
    return found;
}

static bool holds_something(const struct list *l)
{
    return l->bytes > base_weight(l);
}

static bool was_listed(const struct list *l)
{
    return l->listed && !l->pinned;
}

static bool was_looked_up_only(const struct list *l)
{
    return !l->listed && !l->pinned;
}

static bool most_were_looked_up_only(const struct roster *r)
{
    uint32_t count = 0;
    for (uint32_t i = 1; i < ROSTER_NUMBERS; i++)
        count += r->lists[i] && was_looked_up_only(r->lists[i]);
    return count > r->count_max / 2;
}

/* Who must go before another one can come; NULL: nobody must, or can. */
static struct list *leaver(const struct roster *r)
{
    if (r->count < r->count_max)
        return NULL;
    bool most = most_were_looked_up_only(r);
    struct list *l = oldest(r, UINT64_MAX, most ? was_looked_up_only : was_listed);
    return l ? l : oldest(r, UINT64_MAX, most ? was_listed : was_looked_up_only);
}

/* The lists themselves count too, but not for so much that they leave no room. */
static bool is_full(const struct roster *r)
{
    size_t max = r->bytes_max, held = r->bytes - r->base_bytes;
    return max && held + (r->base_bytes < max / 4 ? r->base_bytes : max / 4) > max;
}

static void set_bytes(struct roster *r, struct list *l, size_t bytes)
{
    if (l->number)
        r->bytes += bytes - l->bytes;
    l->bytes = bytes;
}

static void take_out(struct roster *r, struct list *l)
{
    set_bytes(r, l, 0);
    r->base_bytes -= base_weight(l);
    r->count--;
    if (l->shown)
        atomic_fetch_add(&r->changes, 1);
    HASH_DEL(r->by_identity, l);
    r->lists[l->number] = NULL;
}

static void tell_emptied(const struct roster *r, uint32_t number, uint32_t tenure,
                         const struct catalog *last, bool gone)
{
    if (r->listener.emptied)
        r->listener.emptied(r->listener.ctx, number, tenure, last, gone);
}

/* Without the lock: nobody else knows it any more. */
static void drop(struct roster *r, struct list *l)
{
    tell_emptied(r, l->number, l->tenure, l->shelf.current, true);
    list_free(l);
}

void roster_make_room(struct roster *r)
{
    struct list *l;
    do {
        struct shelf_change rest = {0};
        uint32_t number = 0, tenure = 0;
        pthread_mutex_lock(&r->lock);
        l = is_full(r) ? oldest(r, r->uses, holds_something) : NULL;
        if (l) {
            number = l->number;
            tenure = l->tenure;
            rest = list_empty(l);
            set_bytes(r, l, base_weight(l));
            roster_look(r, l);
        }
        pthread_mutex_unlock(&r->lock);
        if (number)
            tell_emptied(r, number, tenure, rest.before, false);
        shelf_change_free(&rest);
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

static int enrol(struct roster *r, struct list *l)
{
    l->number = free_number(r);
    if (!l->number)
        return -EBUSY;
    HASH_ADD_KEYPTR(hh, r->by_identity, l->identity.data, l->identity.len, l);
    if (!l->hh.tbl)
        return -ENOMEM;
    r->tenures[l->number] = r->tenures[l->number] % ROSTER_TENURE_MAX + 1;
    l->tenure = r->tenures[l->number];
    l->event = ++r->events; /* nobody who waits for an event takes it for the list before */
    set_bytes(r, l, base_weight(l));
    r->base_bytes += l->bytes;
    r->lists[l->number] = l;
    r->last_number = l->number;
    r->count++;
    return 0;
}

/* Takes *fresh over when it is needed. *leaves: who must go first. */
static int find_or_enrol(struct roster *r, struct list **fresh, struct list **found,
                         struct list **leaves)
{
    int rc = 0;
    *found = find(r, strbuf_bytes(&(*fresh)->identity));
    *leaves = *found ? NULL : leaver(r);
    if (*leaves)
        take_out(r, *leaves);
    else if (!*found && (rc = enrol(r, *fresh)) == 0)
        *found = STEAL(*fresh);
    return rc;
}

int roster_open(struct roster *r, struct list_query of, bool pinned, uint32_t *number,
                uint32_t *tenure)
{
    struct list *fresh, *l, *leaves;
    int rc = list_new(&fresh, of, CATALOG_FLAT, &r->config);
    if (rc < 0)
        return rc;
    do {
        pthread_mutex_lock(&r->lock);
        rc = find_or_enrol(r, &fresh, &l, &leaves);
        if (l) {
            roster_use(r, l);
            l->holds++;
            l->pinned = l->pinned || pinned;
            *number = l->number;
            *tenure = l->tenure;
        }
        pthread_mutex_unlock(&r->lock);
        if (leaves)
            drop(r, leaves); /* its names go before others come */
    } while (leaves);
    list_free(fresh);
    roster_make_room(r);
    return rc;
}

int roster_hold(struct roster *r, uint32_t number, uint32_t tenure)
{
    pthread_mutex_lock(&r->lock);
    struct list *l = roster_at(r, number);
    int rc = l && l->tenure == tenure ? 0 : -ESTALE;
    if (rc == 0) {
        roster_use(r, l);
        l->holds++;
    }
    pthread_mutex_unlock(&r->lock);
    return rc;
}

void roster_let_go(struct roster *r, uint32_t number)
{
    pthread_mutex_lock(&r->lock);
    r->lists[number]->holds--;
    pthread_mutex_unlock(&r->lock);
}

void roster_unpin(struct roster *r, uint32_t number, uint32_t tenure)
{
    pthread_mutex_lock(&r->lock);
    struct list *l = roster_at(r, number);
    if (l && l->tenure == tenure)
        l->pinned = false;
    pthread_mutex_unlock(&r->lock);
}

/* --- What happens to them --- */

void roster_tell(struct roster *r, uint32_t number, unsigned events, int error)
{
    pthread_mutex_lock(&r->lock);
    struct list *l = roster_at(r, number);
    if (l) {
        l->event = ++r->events;
        roster_look(r, l);
    }
    pthread_mutex_unlock(&r->lock);
    r->listener.woken(r->listener.ctx, number, events, error);
}

void roster_weigh(struct roster *r, struct list *l, size_t loading)
{
    size_t bytes = base_weight(l) + shelf_bytes(&l->shelf) + loading;
    pthread_mutex_lock(&r->lock);
    set_bytes(r, l, bytes);
    pthread_mutex_unlock(&r->lock);
}
