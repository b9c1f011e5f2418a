// SPDX-License-Identifier: Apache-2.0
/*
 * roster: the lists of a mount, by number. List 0 is the mount's own and stays; the others come
 * with the queries that people ask, and the least recently used go when numbers run out or when
 * they hold too much.
 *
 * It owns the lists and has the lock for them, which is held for decisions only: never while the
 * source or the listener runs. Any thread.
 */
#ifndef IMSFS_ROSTER_H
#define IMSFS_ROSTER_H

#include <pthread.h>

#include "imsfs/list.h"

#define ROSTER_NUMBERS 4096         /* 12 bits */
#define ROSTER_TENURE_MAX 0xFFFFFFu /* 24 bits */

struct roster_config {
    struct list_config list;
    struct list_listener listener;
    struct query *query; /* of list 0; taken over; NULL: no criteria */
    size_t bytes_max;    /* for all others together; 0: no bound */
};

struct roster {
    struct list_config config;
    struct list_listener listener;
    size_t bytes_max;
    pthread_mutex_t lock; /* protects: everything below, and in the lists all but the shelves */
    struct list *lists[ROSTER_NUMBERS];
    uint32_t tenures[ROSTER_NUMBERS];   /* of the last user of each number */
    struct list *by_identity;           /* without list 0 */
    uint32_t last_number;               /* that was given out */
    size_t bytes;                       /* held by all but list 0 */
    uint64_t uses, events, generations; /* the last ones; unique in the roster */
};

/* Takes over config->query in any case. -ENOMEM: nothing is to be freed. */
MUST_CHECK int roster_init(struct roster *r, const struct roster_config *config);
/* Nobody uses a list any more. */
void roster_deinit(struct roster *r);

/* --- With the lock held --- */

/* The list with this number, or NULL. It stays while it is not idle (see list.h). */
struct list *roster_at(const struct roster *r, uint32_t number);
/* It was used just now. */
void roster_use(struct roster *r, struct list *l);

/* --- Without it --- */

/*
 * The list of a query, made now if there is none. Takes over what of points to in any case. pinned:
 * it is never evicted. tenure changes whenever the number is given out again. -EBUSY: all numbers
 * are in use; -ENOMEM.
 */
MUST_CHECK int roster_open(struct roster *r, struct list_query of, bool pinned, uint32_t *number,
                           uint32_t *tenure);
/* Counts an event of a list that may be gone, and tells the listener. */
void roster_tell(struct roster *r, uint32_t number, unsigned events, int error);
/* Looks how much a list holds that cannot go meanwhile. */
void roster_weigh(struct roster *r, struct list *l);
/* Evicts what is too much. The list that was used last stays, however large. */
void roster_make_room(struct roster *r);

#endif
