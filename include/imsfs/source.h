// SPDX-License-Identifier: Apache-2.0
/*
 * source: where records come from, behind one small interface.
 *
 * source_file reads a JSON file, source_http pages through a list call. A source belongs to the
 * fetcher thread, which alone calls source_list(); any thread may call source_cancel() and read the
 * counters. What a listing brings goes to a sink page by page, before the next request is made.
 */
#ifndef IMSFS_SOURCE_H
#define IMSFS_SOURCE_H

#include <stdatomic.h>

#include "imsfs/image.h"

struct query; /* criteria; NULL is the whole list */
struct source;

/* What source_list() answers beyond 0 and -errno: the data are those of the last complete listing.
 */
#define SOURCE_UNCHANGED 1

struct source_sink {
    /*
     * One page in the server's order. The sink takes over the references (not the array). Returns
     * how many of the images the listing did not have yet, or -errno to end the listing with that
     * error.
     */
    int (*page)(void *ctx, struct image **images, size_t count);
    /* The listing starts over: what came so far does not count. */
    void (*restart)(void *ctx);
    void *ctx;
};

/* Why a listing failed, for people: one line that names the object, the cause and what to do; no
 * secret. */
struct source_error {
    char text[512];
};

struct source_counters {
    atomic_ullong requests; /* sent, retries included */
    atomic_ullong pages;    /* good answers */
    atomic_ullong bytes;    /* of bodies */
    atomic_ullong
        skipped; /* of the last listing: records without a usable id, too large, or not objects */
    atomic_ullong attrs_unnamed; /* of the last listing: attributes without a file */
    atomic_ullong attrs_equal;   /* the same, because another's name became equal */
};

struct source_ops {
    int (*list)(struct source *s, const struct query *q, const struct source_sink *sink,
                struct source_error *error);
    void (*cancel)(struct source *s);
    void (*free)(struct source *s);
};

/* The head of every source; the kinds embed it. */
struct source {
    const struct source_ops *ops;
    const char *kind;      /* "file" or "http" */
    const char *api;       /* "images", "cloudimages" or "file" */
    atomic_uint page_size; /* asked for; 0: none */
    struct source_counters counters;
};

/*
 * Lists everything that q selects. 0: the sink has all of it. SOURCE_UNCHANGED: it is what the last
 * complete listing brought, and the sink was not called. -errno: the listing failed, at any point,
 * and error says why; -ECANCELED after source_cancel(). Blocks for as long as the network takes,
 * bounded by the source's own deadlines.
 */
static inline int source_list(struct source *s, const struct query *q,
                              const struct source_sink *sink, struct source_error *error)
{
    return s->ops->list(s, q, sink, error);
}

/* Ends a running listing at once, and all later ones. Any thread; not a signal handler. */
static inline void source_cancel(struct source *s)
{
    s->ops->cancel(s);
}

/* After the fetcher thread has ended. */
static inline void source_free(struct source *s)
{
    if (s)
        s->ops->free(s);
}

#endif
