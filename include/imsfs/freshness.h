// SPDX-License-Identifier: Apache-2.0
/*
 * freshness: the arithmetic of how old a list may be. Pure; the owner serialises the calls. All
 * times are milliseconds of one struct clock.
 *
 * A list is valid for max(ttl, twice the time that its listing took), counted from its end. Leases
 * end at 3/4 of that. A failed renewal is tried again after 1 s, doubling up to ttl.
 */
#ifndef IMSFS_FRESHNESS_H
#define IMSFS_FRESHNESS_H

#include "imsfs/base.h"

struct freshness {
    int64_t ttl_ms, stale_ms; /* set once */
    bool have_list;
    int64_t list_end_ms, valid_ms;
    unsigned failures; /* in a row */
    int64_t retry_ms;  /* when the next attempt is due */
    bool retrying;     /* it is under way, and began while readers were still there */
};

enum freshness_answer {
    FRESHNESS_LIST,  /* answer from the list */
    FRESHNESS_WAIT,  /* only a listing can answer */
    FRESHNESS_ERROR, /* there is no list, or it is too old, and asking again so soon would not help
                      */
};

struct freshness_verdict {
    enum freshness_answer answer;
    bool renew;       /* a listing is due */
    int64_t lease_ms; /* for how long the answer need not be asked for again */
};

/* A listing begins. */
void freshness_began(struct freshness *f, int64_t now_ms);
/* It has ended well; it began at began_ms. */
void freshness_succeeded(struct freshness *f, int64_t began_ms, int64_t now_ms);
/* What there is counts as old from now on; the source is no worse for that. */
void freshness_expire(struct freshness *f);
void freshness_failed(struct freshness *f, int64_t now_ms);
/* any_age: a list that is no longer valid will do. */
struct freshness_verdict freshness_judge(const struct freshness *f, bool any_age, int64_t now_ms);
/* What is left of the lease; 0: nothing. */
int64_t freshness_lease(const struct freshness *f, int64_t now_ms);

#endif
