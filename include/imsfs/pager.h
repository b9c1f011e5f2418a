// SPDX-License-Identifier: Apache-2.0
/*
 * pager: goes through the pages of a list call, one after the other, and asks for the next one as
 * soon as the one at hand says which that is. The request that is on its way is a guess by peek;
 * the way (trail) is decided by what decode finds, and a guess that turns out wrong is dropped.
 *
 * Belongs to one listing, whose rules of threads hold.
 */
#ifndef IMSFS_PAGER_H
#define IMSFS_PAGER_H

#include "imsfs/client.h"
#include "imsfs/peek.h"
#include "imsfs/trail.h"

struct pager {
    struct client *client;
    const struct list_call *call; /* NULL: not decided yet */
    const struct query *query;    /* borrowed; NULL: no criteria */
    bool one_page;                /* the criteria have a limit of their own */
    struct trail trail;
    struct client_ahead ahead;
    struct strbuf guess; /* the marker of the page that is on its way */
};

/* To the first page, with nothing seen and nothing on its way. -ENOMEM. */
MUST_CHECK int pager_start(struct pager *p);
/* Nothing is on its way. */
void pager_free(struct pager *p);

/* Asks for the page that is next, as client_ask() does. */
MUST_CHECK int pager_ask(struct pager *p, struct client_try *t);
/*
 * Sends the request for the page behind this one, where it is sure that the listing will want it if
 * it may have room more images and the page is what it seems to be. True: it seems to be a whole
 * one.
 */
bool pager_look_ahead(struct pager *p, struct bytes page, size_t room, int64_t deadline_ms);
/* Moves that on, without waiting. */
void pager_push(const struct pager *p);
/* Gives it up. Returns how many requests it made that no answer will count. */
unsigned pager_drop(struct pager *p);
/*
 * Goes to the page behind the one that result is of; see trail_go_on(). *wasted: as pager_drop(),
 * when something else was on its way.
 */
MUST_CHECK int pager_go_on(struct pager *p, const struct decode_result *result, bool news,
                           unsigned *wasted, const char **why);
/* Where the page behind it begins, when it is somebody else's to ask for; see trail_add_marker().
 */
MUST_CHECK int pager_add_next(const struct pager *p, const struct decode_result *result,
                              struct strbuf *marker, const char **why);

#endif
