// SPDX-License-Identifier: Apache-2.0
/*
 * desk: where requests of one listing are on their way, and all the desks that there are. A lane
 * takes one for a request; a listing keeps its desk for as long as a request for its next page is
 * on its way there, whichever lane comes back for it. The desk that was given back last is taken
 * first, so that its connection is used again. A desk has lines, for several requests of one
 * listing at a time.
 *
 * Who has the turn takes and gives; the desk itself is his who took it. Any thread may cancel.
 */
#ifndef IMSFS_DESK_H
#define IMSFS_DESK_H

#include "imsfs/http.h"

struct desk {
    struct http *http;
    unsigned busy;     /* a bit for each line of http that is taken */
    struct desk *next; /* of those that are free */
};

struct desks {
    struct desk *all, *free;
    unsigned lines;              /* of each */
    unsigned lanes, count, left; /* left: free ones */
};

/* For so many lanes, and as many listings that have a request on its way and no lane. -ENOMEM:
 * desks_deinit() follows all the same. */
MUST_CHECK int desks_init(struct desks *d, unsigned lanes, const struct http_config *http);
void desks_deinit(struct desks *d);
/* See http_cancel(). */
void desks_cancel(struct desks *d);

/*
 * Takes a line: of beside, if that is a desk (of the caller's) which has one, so that both requests
 * are moved on together; else of a desk that was free. A lane always finds one, if listings keep
 * theirs only while desk_may_stay() says so.
 */
struct desk *desk_take(struct desks *d, struct desk *beside, unsigned *line);
/* The desk is free with its last line. */
void desk_give(struct desks *d, struct desk *desk, unsigned line);
/* Whether enough are left that a listing may take one to keep, or a line of beside. */
bool desk_may_stay(const struct desks *d, const struct desk *beside);

#endif
