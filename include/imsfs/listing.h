// SPDX-License-Identifier: Apache-2.0
/*
 * listing: one listing of an image service, page by page through a list call: source_http's, with
 * the rules of source.h.
 *
 * The next page is asked for before the one at hand is decoded. What comes of it is for the next
 * listing_next() to tell, and the same as if it had been asked for then. So it is with the pages
 * that are asked for side by side, see ranges.h.
 *
 * The first images of a listing whose first page is long come before that (begun, see source.h).
 * What vouches for them: the answer was good (status 200) and came whole, and each of their records
 * was read to its end. What does not: that the rest of the page is a page. If it is none, the
 * listing fails after them.
 */
#ifndef IMSFS_LISTING_H
#define IMSFS_LISTING_H

#include "imsfs/client.h"
#include "imsfs/ranges.h"
#include "imsfs/source.h"

/* What the listings of one source share. */
struct listing_setup {
    struct source *source;
    struct client *client;
    const struct clock *clock;
    const struct limits *limits;
    int64_t timeout_ms;      /* for one page: connection, transfer and all retries */
    int64_t list_timeout_ms; /* for a whole listing */
    struct auth *auth;       /* NULL: no proof is sent */
    struct slot_table *attrs;
    const atomic_bool *cancelled;
    struct ranges *ranges; /* of listings without criteria; NULL: pages are asked for one by one */
};

/* See source_begin(); the setup outlives the listing. */
MUST_CHECK int listing_begin(const struct listing_setup *s, const struct query *q,
                             const struct source_sink *sink, struct source_listing **out);
/* See source_next() and source_end(). */
MUST_CHECK int listing_next(struct source_listing *l);
void listing_end(struct source_listing *base);

#endif
