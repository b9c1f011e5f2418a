// SPDX-License-Identifier: Apache-2.0
/*
 * fetcher: the one thread that asks the source. It runs the listings of all lists that want one,
 * page by page in turn, so that a query's page comes while a long listing is under way; list 0 has
 * every other turn, so that queries which hang do not make it old. A list is
 * listed once at a time, however many readers wait (single flight).
 */
#ifndef IMSFS_FETCHER_H
#define IMSFS_FETCHER_H

#include "imsfs/roster.h"

/* Listings at a time. The first place is list 0's; queries that find none wait, in the order in
 * which they came. */
#define FETCHER_PLACES 16

struct fetcher_config {
    struct source *source; /* borrowed, as the next two */
    struct roster *roster;
    const struct clock *clock;
    bool log_first; /* a failure of list 0's first listing is logged too: nobody else tells */
};

/* A listing under way; the fetcher thread's alone. */
struct fetch {
    struct fetcher *fetcher;
    struct list *list; /* busy; NULL: the place is free */
    struct source_listing *listing;
    int64_t began_ms;
};

struct fetcher {
    struct fetcher_config config;
    pthread_t thread;
    bool started;
    pthread_cond_t changed;               /* with the roster's lock: there is work to do */
    bool stop;                            /* under that lock too */
    struct fetch fetches[FETCHER_PLACES]; /* the thread's alone, as the next three */
    unsigned last;                        /* the query that had the last turn */
    bool list_0_had_turn;                 /* it has every other turn */
    unsigned long long skipped;           /* what it last logged */
};

void fetcher_init(struct fetcher *f, const struct fetcher_config *config);
/* After fetcher_stop(), before the roster's end. */
void fetcher_deinit(struct fetcher *f);
/* After the fork. */
MUST_CHECK int fetcher_start(struct fetcher *f);
/* Cancels the source, wakes all who wait with an error and ends the thread. Safe when not started.
 */
void fetcher_stop(struct fetcher *f);
/* With the roster's lock held: a list was wanted or used that was not before. */
void fetcher_nudge(struct fetcher *f);

#endif
