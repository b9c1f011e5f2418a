// SPDX-License-Identifier: Apache-2.0
/*
 * pager: goes through the pages of a list call, one after the other, and asks for the next one as
 * soon as the one at hand says which that is; for those behind it too, where the last listing tells
 * where they will begin (ranges). What is on its way are guesses, by peek and by ranges: the way
 * (trail) is decided by what decode finds, and a guess that turns out wrong is dropped.
 *
 * Belongs to one listing, whose rules of threads hold.
 */
#ifndef IMSFS_PAGER_H
#define IMSFS_PAGER_H

#include "imsfs/client.h"
#include "imsfs/peek.h"
#include "imsfs/ranges.h"
#include "imsfs/trail.h"

/* A page that is on its way. */
struct pager_guess {
    struct client_ahead ahead;
    struct strbuf marker;
    bool by_page; /* the page before it said so, else the last listing */
};

struct pager {
    struct client *client;
    const struct list_call *call; /* NULL: not decided yet */
    const struct query *query;    /* borrowed; NULL: no criteria */
    bool one_page;                /* the criteria have a limit of their own */
    struct trail trail;
    struct ranges_walk walk;
    struct pager_guess guesses[RANGES_WIDTH_MAX]; /* in the order of their pages */
    unsigned count;
    const char *ends_at; /* id in the page at hand behind which the next page begins, though this
                            one has more; NULL: none. Of walk's */
};

/* To the first page, with nothing seen and nothing on its way. -ENOMEM. */
MUST_CHECK int pager_start(struct pager *p);
/* Nothing is on its way. */
void pager_free(struct pager *p);

/* Sends the requests for the first pages, where the last listing tells which these are. */
void pager_fan_out(struct pager *p, int64_t deadline_ms);
/* Asks for the page that is next, as client_ask() does; once more if it failed because it was asked
 * for before its time. */
MUST_CHECK int pager_ask(struct pager *p, struct client_try *t);
/*
 * Sends the request for the page behind this one, where it is sure that the listing will want it if
 * it may have room more images and the page is what it seems to be; and for those behind it where
 * the last listing tells.
 */
void pager_look_ahead(struct pager *p, struct bytes page, size_t room, int64_t deadline_ms);
/* Moves that on, without waiting. */
void pager_push(const struct pager *p);
/* Gives it up. Returns how many requests it made that no answer will count. */
unsigned pager_drop(struct pager *p);
/* An image of the page came. True: the rest of the page is the next one's, see
 * pager_go_on_inside().
 */
bool pager_take(struct pager *p, struct bytes id);
/*
 * Goes to the page behind the one that result is of, which had so many images; see trail_go_on().
 * *wasted: as pager_drop(), when something else was on its way.
 */
MUST_CHECK int pager_go_on(struct pager *p, const struct decode_result *result, size_t images,
                           bool news, unsigned *wasted, const char **why);
/* The same after pager_take() said so. */
MUST_CHECK int pager_go_on_inside(struct pager *p, bool news, unsigned *wasted, const char **why);
/* Where the page behind it begins, when it is somebody else's to ask for; see trail_add_marker().
 */
MUST_CHECK int pager_add_next(const struct pager *p, const struct decode_result *result,
                              struct strbuf *marker, const char **why);

#endif
