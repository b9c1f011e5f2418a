// SPDX-License-Identifier: Apache-2.0
/*
 * trail: the way of one listing from page to page: where the next one starts, and which markers
 * there were, so that the way ends whatever a server answers. One thread.
 */
#ifndef IMSFS_TRAIL_H
#define IMSFS_TRAIL_H

#include "imsfs/decode.h"
#include "imsfs/endpoint.h"

/* A page's marker may not be longer than this. */
#define TRAIL_MARKER_MAX 4096
/*
 * So many pages in a row may bring no image that the listing lacks. Some do in good faith: an image
 * that is updated while a list is read in the order of updated_at comes again at its end. But a
 * server can make up markers for ever.
 */
#define TRAIL_IDLE_MAX 16

struct trail {
    struct strbuf marker;    /* where the next page starts; empty: the first page */
    struct slot_table *seen; /* the markers so far */
    unsigned idle;           /* pages in a row without news */
};

/* To the first page; all zeros before, or used. -ENOMEM. */
MUST_CHECK int trail_start(struct trail *t);
void trail_free(struct trail *t);

/*
 * Adds the marker of the page behind the one that holds result; nothing when there is none. full:
 * with so many records a page of a call without "next" must have an id to go on from. -EIO: why
 * says what is wrong; -ENOMEM too.
 */
MUST_CHECK int trail_add_marker(const struct list_call *call, const struct decode_result *result,
                                size_t full, struct strbuf *marker, const char **why);
/*
 * Goes to that page. news: whether this one had any. 1; 0: there is none; an error as above, also
 * when the way leads back or is not worth going on.
 */
MUST_CHECK int trail_go_on(struct trail *t, const struct list_call *call,
                           const struct decode_result *result, size_t full, bool news,
                           const char **why);
/* The same to a page that begins elsewhere, as the caller knows. */
MUST_CHECK int trail_jump(struct trail *t, struct bytes where, bool news, const char **why);
/* Whether one more page without news would be worth going on. */
bool trail_may_idle(const struct trail *t);
/* Whether a page began there. */
bool trail_was_at(const struct trail *t, struct bytes marker);

#endif
