// SPDX-License-Identifier: Apache-2.0
/*
 * ranges: what is kept of the last listing, so that the next one need not wait for each page before
 * it asks for the one behind it. A list is cut into ranges of a page each; a range ends with an id,
 * which is the marker of the next one, and of the ids in it there is a digest.
 *
 * What was asked for ahead counts only while everything before it is as it was: a range must have
 * exactly the ids of last time, in their order. New ones before all others are the exception, and
 * what comes behind the last range may be anything. So a listing is the same as one that asks page
 * by page, whatever comes, goes or moves meanwhile: the first range that is not as it was goes on
 * page by page, to the end of the list, and nothing behind it counts.
 *
 * Belongs to one list, whose rules of threads hold. Makes no request: pager does.
 */
#ifndef IMSFS_RANGES_H
#define IMSFS_RANGES_H

#include "imsfs/digest.h"

/* Requests at a time. */
#define RANGES_WIDTH_MAX 4
/* A list with fewer ranges before the last is not worth it. */
#define RANGES_MIN 3
/* Of a list with more of them nothing is kept. */
#define RANGES_MAX 65536
/* After an odd refresh the next one asks page by page; after more of them in a row 2, 4 .. these.
 */
#define RANGES_SERIAL_MAX 64

struct range {
    char *end; /* its last id */
    uint32_t images;
    struct digest ids; /* of all of them, in their order */
};

struct ranges_list {
    struct range *all; /* without the last one, which has no end */
    size_t count, cap;
    struct digest first; /* of the first id */
    size_t page;         /* the most images that a page had which another followed */
};

struct ranges {
    unsigned width; /* requests at a time */
    bool busy;      /* a listing is on its way through them */
    struct digest_key key;
    struct ranges_list last; /* of the last complete listing */
    unsigned serial;         /* so many refreshes more ask page by page */
    unsigned penalty;        /* what serial was set to after the last one that was cut */
};

/* What the next page is. */
enum ranges_step {
    RANGES_NEXT,   /* the beginning of the next range; or of any page, where there are no ranges */
    RANGES_INSIDE, /* more of this range: what was asked for ahead is for later */
    RANGES_LOST,   /* that of a list that is not as it was: what was asked for ahead before the page
                      at hand came does not count */
};

/* One listing on its way through the ranges. All zeros: a listing that has nothing to do with them.
 */
struct ranges_walk {
    struct ranges *ranges;
    bool on;       /* all was as last time so far */
    bool cut;      /* on, at the beginning */
    bool odd;      /* something was not as it should be */
    bool lost;     /* since ranges_go_on(): not on any more */
    bool begun;    /* the first id of last time was there */
    bool met;      /* the range's end was there */
    size_t at;     /* the range that comes; count: the last one */
    size_t asked;  /* the first range whose end was not given out as a marker */
    uint32_t came; /* of that range, as the next */
    struct digest ids;
    size_t split;            /* pages that a range needed beyond its first */
    struct ranges_list next; /* what this listing leaves; the rest is the last range's so far */
    uint32_t rest;
    struct digest rest_ids;
    size_t pages;
    bool opaque; /* markers are no ids, or there is too much to keep */
};

/* width: 1 is page by page always. */
void ranges_init(struct ranges *r, unsigned width);
void ranges_deinit(struct ranges *r);

/* A listing begins; ranges_end() follows. Of two at the same time the second has nothing to do
 * with them. */
void ranges_begin(struct ranges_walk *w, struct ranges *r);
/* It is complete, or not. last_empty: its last page had no image. */
void ranges_end(struct ranges_walk *w, bool complete, bool last_empty);
/* Begins again at the first page, which then is one by one. */
void ranges_start_over(struct ranges_walk *w);

/* An image came. True: with it its range ends as last time, and what is behind it is the next's. */
bool ranges_take(struct ranges_walk *w, struct bytes id);
/*
 * The page is over, and had so many images; marker is where the next one begins, last_id that of
 * the last image that the server had on it (NULL: none).
 */
MUST_CHECK enum ranges_step ranges_go_on(struct ranges_walk *w, struct bytes marker,
                                         const char *last_id, size_t images);
/* Somebody asks for patience, or cannot be asked: from now on page by page. */
void ranges_slow_down(struct ranges_walk *w);

/* How many requests may be on their way. */
unsigned ranges_width(const struct ranges_walk *w);
/* The marker behind the range that comes, if a page with so many records and this last id is
 * expected to have its end; else NULL. */
const char *ranges_after(const struct ranges_walk *w, size_t records, const char *last_id);
/* The next marker to ask ahead for, once all before it are on their way; NULL: none. */
const char *ranges_ahead(const struct ranges_walk *w);
void ranges_asked(struct ranges_walk *w);
/* None of them is on its way any more. */
void ranges_ask_again(struct ranges_walk *w);

#endif
