// SPDX-License-Identifier: Apache-2.0
/*
 * desk: where requests of one listing are on their way, and all the desks that there are. A lane
 * takes one for a request; a listing keeps its desk for as long as a request for its next page is
 * on its way there, whichever lane comes back for it. The desk that was given back last is taken
 * first, so that its connection is used again.
 *
 * Who has the turn takes and gives; the desk itself is his who took it. Any thread may cancel.
 */
#ifndef IMSFS_DESK_H
#define IMSFS_DESK_H

#include "imsfs/http.h"

struct desk {
    struct http *http;
    struct desk *next; /* of those that are free */
};

struct desks {
    struct desk *all, *free;
    unsigned lanes, count, left; /* left: free ones */
};

/* For so many lanes, and as many listings that have a request on its way and no lane. -ENOMEM:
 * desks_deinit() follows all the same. */
MUST_CHECK int desks_init(struct desks *d, unsigned lanes, const struct http_config *http);
void desks_deinit(struct desks *d);
/* See http_cancel(). */
void desks_cancel(struct desks *d);

/* A lane always finds one, if listings keep theirs only while desk_may_stay() says so. */
struct desk *desk_take(struct desks *d);
void desk_give(struct desks *d, struct desk *desk);
/* Whether enough are left that a listing may take one to keep. */
bool desk_may_stay(const struct desks *d);

#endif
