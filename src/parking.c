// SPDX-License-Identifier: Apache-2.0
#include "imsfs/parking.h"

void parking_init(struct parking *lot)
{
    pthread_mutex_init(&lot->lock, NULL);
    lot->list = (struct parked){.next = &lot->list, .prev = &lot->list};
    lot->count = 0;
}

void parking_deinit(struct parking *lot)
{
    pthread_mutex_destroy(&lot->lock);
}

static void unlink_parked(struct parking *lot, struct parked *p)
{
    p->prev->next = p->next;
    p->next->prev = p->prev;
    p->next = p->prev = NULL;
    lot->count--;
}

/* By address alone: p may be gone. */
static struct parked *find(struct parking *lot, const struct parked *p, const void *key)
{
    for (struct parked *i = lot->list.next; i != &lot->list; i = i->next)
        if (i == p || (key && i->key == key))
            return i;
    return NULL;
}

void parking_add(struct parking *lot, struct parked *p)
{
    pthread_mutex_lock(&lot->lock);
    p->armed = p->interrupted = false;
    p->next = &lot->list;
    p->prev = lot->list.prev;
    p->prev->next = p;
    lot->list.prev = p;
    lot->count++;
    pthread_mutex_unlock(&lot->lock);
}

bool parking_arm(struct parking *lot, struct parked *p)
{
    pthread_mutex_lock(&lot->lock);
    bool interrupted = p->interrupted;
    if (interrupted)
        unlink_parked(lot, p);
    else
        p->armed = true;
    pthread_mutex_unlock(&lot->lock);
    return !interrupted;
}

bool parking_take(struct parking *lot, const struct parked *p)
{
    pthread_mutex_lock(&lot->lock);
    struct parked *found = find(lot, p, NULL);
    bool taken =
        found && found->armed; /* another request, at the address of one that is gone, may not be */
    if (taken)
        unlink_parked(lot, found);
    pthread_mutex_unlock(&lot->lock);
    return taken;
}

struct parked *parking_interrupt(struct parking *lot, const void *key)
{
    pthread_mutex_lock(&lot->lock);
    struct parked *found = find(lot, NULL, key);
    if (found && !found->armed) {
        found->interrupted = true;
        found = NULL;
    }
    if (found)
        unlink_parked(lot, found);
    pthread_mutex_unlock(&lot->lock);
    return found;
}

struct parked *parking_take_all(struct parking *lot, uint32_t list, unsigned events)
{
    struct parked *taken = NULL, **end = &taken;
    pthread_mutex_lock(&lot->lock);
    for (struct parked *p = lot->list.next, *next; p != &lot->list; p = next) {
        next = p->next;
        if (!p->armed || p->list != list || !(p->events & events))
            continue;
        unlink_parked(lot, p);
        *end = p;
        end = &p->next;
    }
    pthread_mutex_unlock(&lot->lock);
    return taken;
}

size_t parking_count(struct parking *lot)
{
    pthread_mutex_lock(&lot->lock);
    size_t count = lot->count;
    pthread_mutex_unlock(&lot->lock);
    return count;
}
