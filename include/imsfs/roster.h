// SPDX-License-Identifier: Apache-2.0
/*
 * roster: the lists of a mount, by number. List 0 is the mount's own and stays as it is; the others
 * come with the queries that people ask. When they hold too much, the least recently used are
 * emptied: they keep their numbers, and whoever still uses one waits for a listing. Only when there
 * are too many, one goes for good (it is evicted): the least recently used of those that were only
 * looked up, as long as these are more than half of all, so that whoever looks up a lot takes
 * nothing away from those who read.
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
/* How many lists there may be: one for so many bytes of bytes_max, and never fewer than these. An
 * empty one needs about 1 KiB, with its names. */
#define ROSTER_BYTES_EACH 4096
#define ROSTER_LISTS_MIN 256

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
    uint32_t count_max;   /* of lists, without list 0 */
    pthread_mutex_t lock; /* protects: everything below, and in the lists all but the shelves */
    struct list *lists[ROSTER_NUMBERS];
    uint32_t count;
    uint32_t tenures[ROSTER_NUMBERS];   /* of the last user of each number */
    struct list *by_identity;           /* without list 0 */
    uint32_t last_number;               /* that was given out */
    size_t bytes, base_bytes;           /* of all but list 0; what they need when they are empty */
    _Atomic uint64_t changes;           /* how often another list was shown, or one no longer; read
                                           without the lock */
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
/* Something happened to it that list_is_shown() may depend on. */
void roster_look(struct roster *r, struct list *l);

/* --- Without it --- */

/*
 * The list of a query, made now if there is none. Takes over what of points to in any case. pinned:
 * it is never evicted. tenure changes whenever the number is given out again. It is held, so it
 * stays until roster_let_go(). -EBUSY: somebody is at work on each of them; -ENOMEM.
 */
MUST_CHECK int roster_open(struct roster *r, struct list_query of, bool pinned, uint32_t *number,
                           uint32_t *tenure);
/* Holds a list that is still there in this tenure, and counts that as a use; else -ESTALE. */
MUST_CHECK int roster_hold(struct roster *r, uint32_t number, uint32_t tenure);
void roster_let_go(struct roster *r, uint32_t number);
/* The list is not pinned any more. */
void roster_unpin(struct roster *r, uint32_t number, uint32_t tenure);
/* Counts an event of a list that may be gone, and tells the listener. */
void roster_tell(struct roster *r, uint32_t number, unsigned events, int error);
/* Looks how much a list holds that cannot go meanwhile. loading: what only the fetcher sees. */
void roster_weigh(struct roster *r, struct list *l, size_t loading);
/* Empties what is too much. The list that was used last stays, however large. */
void roster_make_room(struct roster *r);

#endif
