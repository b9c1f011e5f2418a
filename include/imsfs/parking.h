// SPDX-License-Identifier: Apache-2.0
/*
 * parking: requests that wait for a list, so that no thread has to.
 *
 * Whoever takes a request off the lot owns it and answers it, exactly once. A request is parked
 * unarmed: only an interrupt finds it then, and leaves a mark; after parking_arm() everybody does.
 * So nobody touches a request that is already answered. Any thread; the lot's lock is held for some
 * instructions only.
 */
#ifndef IMSFS_PARKING_H
#define IMSFS_PARKING_H

#include <pthread.h>

#include "imsfs/base.h"

/* The head of what is parked; the owner embeds it. */
struct parked {
    struct parked *next, *prev;
    const void *key; /* what an interrupt knows it by */
    uint32_t list;   /* the number of the list that it waits for */
    unsigned events; /* what it waits for, a mask */
    bool armed, interrupted;
};

struct parking {
    pthread_mutex_t lock; /* protects: the list, and armed and interrupted of what is in it */
    struct parked list;   /* its head */
    size_t count;
};

void parking_init(struct parking *lot);
/* The lot must be empty. */
void parking_deinit(struct parking *lot);

void parking_add(struct parking *lot, struct parked *p);
/* False: it was interrupted before; it is off the lot and the caller's. */
bool parking_arm(struct parking *lot, struct parked *p);
/*
 * True: an armed request was on the lot at this address, and is the caller's now. It may be another
 * one than the caller means: then that one is the caller's to answer.
 */
bool parking_take(struct parking *lot, const struct parked *p);
/* The request that an interrupt is for, or NULL: it is not parked, or its parker was told. */
struct parked *parking_interrupt(struct parking *lot, const void *key);
/* All armed ones that wait for one of events of a list, linked by next; NULL: none. */
struct parked *parking_take_all(struct parking *lot, uint32_t list, unsigned events);
size_t parking_count(struct parking *lot);

#endif
