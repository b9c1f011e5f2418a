// SPDX-License-Identifier: Apache-2.0
/*
 * fetcher: the threads that ask the source, its lanes. They run the listings of all lists that want
 * one: lane 0 those of list 0 alone, so that queries which hang do not make it old, and the others
 * those of queries, page by page in turn, so that a page comes while a long listing is under way. A
 * list is listed once at a time, however many readers wait (single flight).
 *
 * Lanes only wait for the network together; otherwise one works at a time (turn.h), in the order in
 * which they are ready. So what only they touch needs no lock: the source and what belongs to it,
 * the writers' side of shelves and numbers.
 */
#ifndef IMSFS_FETCHER_H
#define IMSFS_FETCHER_H

#include "imsfs/roster.h"

/* Listings at a time. The first place is list 0's; queries that find none wait, in the order in
 * which they came. */
#define FETCHER_PLACES 16
/* Threads. */
#define FETCHER_LANES SOURCE_LANES

struct fetcher_config {
    struct source *source; /* borrowed, as the next two; gets our turn */
    struct roster *roster;
    const struct clock *clock;
    bool log_first; /* a failure of list 0's first listing is logged too: nobody else tells */
};

struct fetcher;

/* A thread. */
struct lane {
    struct fetcher *fetcher;
    unsigned number;
    pthread_t thread;
    bool started;
};

/* A listing under way. */
struct fetch {
    struct fetcher *fetcher;
    struct list *list; /* busy; NULL: the place is free */
    bool taken;        /* a lane works on it; the next are for that lane, or who has the turn */
    struct source_listing *listing;
    int64_t began_ms;
};

struct fetcher {
    struct fetcher_config config;
    struct lane lanes[FETCHER_LANES];
    struct turn turn;
    pthread_cond_t changed; /* with the roster's lock: there is work to do */
    bool stop;              /* under that lock, as the next two */
    struct fetch fetches[FETCHER_PLACES];
    unsigned last;              /* the place of a query that was last worked on */
    unsigned long long skipped; /* what was last logged; for who has the turn */
    unsigned over;              /* likewise */
};

void fetcher_init(struct fetcher *f, const struct fetcher_config *config);
/* After fetcher_stop(), before the roster's end. */
void fetcher_deinit(struct fetcher *f);
/* After the fork. */
MUST_CHECK int fetcher_start(struct fetcher *f);
/* Cancels the source, wakes all who wait with an error and ends the threads. Safe when not started.
 */
void fetcher_stop(struct fetcher *f);
/* With the roster's lock held: a list was wanted or used that was not before. */
void fetcher_nudge(struct fetcher *f);

#endif
