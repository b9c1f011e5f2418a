// SPDX-License-Identifier: Apache-2.0
/*
 * source: where records come from, behind one small interface.
 *
 * source_file reads a JSON file, source_http pages through a list call. A listing is taken page by
 * page, and what a page brings goes to a sink; so several listings of one source can take turns.
 * The next page may be on its way meanwhile.
 *
 * A source and its listings belong to SOURCE_LANES threads, of which one at a time works: who calls
 * has the turn, and source_next() gives it up while it waits for the network (not: while it calls
 * the sink, or signs in). One thread at a time works on one listing. Any thread may call
 * source_cancel(), source_dialect(), source_reconsider() and source_forget() and read the counters.
 */
#ifndef IMSFS_SOURCE_H
#define IMSFS_SOURCE_H

#include <stdatomic.h>
#include <stdio.h>

#include "imsfs/decode.h"
#include "imsfs/query.h"
#include "imsfs/turn.h"

/* Threads that may wait for the network at the same time. */
#define SOURCE_LANES 4

struct source;

/* What source_next() answers beyond -errno. */
enum source_next {
    SOURCE_DONE,      /* the sink has all of it */
    SOURCE_UNCHANGED, /* the data are those of the last complete listing; the sink got nothing */
    SOURCE_MORE,      /* another page follows */
};

struct source_sink {
    /*
     * One page in the server's order, or its beginning (begun), or the rest of it. The sink takes
     * over the references (not the array). Returns how many of the images the listing did not have
     * yet, or -errno to end the listing with that error.
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

/* Criteria that one of the dialects cannot answer. */
struct source_refusal {
    enum query_dialect in; /* unknown: both can */
    int error;
    char *why; /* one line; the owner says whose it is */
};

struct source_counters {
    atomic_ullong requests; /* sent, retries included */
    atomic_ullong pages;    /* good answers */
    atomic_ullong bytes;    /* of bodies */
};

/* What of the records a listing does not show. */
struct source_left_out {
    unsigned long long skipped; /* records without a usable id, over a limit, or not objects */
    unsigned over;              /* the limits: 1u << enum limit */
    unsigned long long attrs_unnamed; /* attributes without a file */
    unsigned long long attrs_equal;   /* the same, because another's name became equal */
};

/* A listing under way, from source_begin() to source_end(). The kinds embed it. */
struct source_listing {
    struct source *source;
    const struct query *query; /* borrowed; NULL: the whole list */
    /* What to ask a plain Glance for instead; NULL: the same. Borrowed, and set before the first
     * source_next(), which then finds the dialect out and leaves in query what it asks for. */
    const struct query *glance;
    /* With glance: where this is the dialect the listing fails, before it asks for a page. NULL:
     * nowhere. Borrowed, and set as glance is. */
    const struct source_refusal *refusal;
    /* What need not be read again, see decode.h; called when the sink may be. Set before the first
     * source_next(). */
    struct decode_known known;
    struct source_sink sink;
    /* Set before each source_next(). */
    int64_t asked_ms;  /* since when the page is due, on the source's clock; 0: since the call. Its
                          deadline counts from then, so that waiting for others who sign in does not
                          add up */
    unsigned requests; /* sent for it so far, retries included */
    struct source_error error; /* after a failure */
    struct source_left_out left_out;
    bool begun; /* while the sink is called: with the beginning of a page that may yet turn out to
                   be none */
    /*
     * After the last page: the id to go on from when the server has more, as it can after criteria
     * with a limit of their own; NULL: nothing follows.
     */
    char *next_marker;
};

struct source_ops {
    int (*begin)(struct source *s, const struct query *q, const struct source_sink *sink,
                 struct source_listing **out);
    int (*next)(struct source_listing *l);
    void (*end)(struct source_listing *l);
    void (*cancel)(struct source *s);
    enum query_dialect (*dialect)(const struct source *s); /* NULL: unknown */
    bool (*reconsider)(struct source *s);                  /* NULL: there is nothing to forget */
    void (*forget)(struct source *s);                      /* the same */
    void (*free)(struct source *s);
};

/* The head of every source; the kinds embed it. */
struct source {
    const struct source_ops *ops;
    struct turn *turn;     /* of its threads; set by who starts them; NULL: there is one */
    const char *kind;      /* "file" or "http" */
    const char *api;       /* "images", "cloudimages" or "file" */
    atomic_uint page_size; /* asked for; 0: none */
    struct source_counters counters;
};

/*
 * A listing of everything that q selects (of one page, when q has a limit). Makes no request; the
 * deadline of the whole listing counts from here. -ENOMEM.
 */
MUST_CHECK static inline int source_begin(struct source *s, const struct query *q,
                                          const struct source_sink *sink,
                                          struct source_listing **out)
{
    return s->ops->begin(s, q, sink, out);
}

/*
 * Gives the next page to the sink, or several where that costs no waiting. An enum source_next;
 * -errno: the listing failed, and l->error says why (empty: there is no more to say);
 * -ECANCELED after source_cancel(). After anything but SOURCE_MORE only source_end() may follow.
 * Blocks for as long as the network takes, bounded by the source's own deadlines.
 */
MUST_CHECK static inline int source_next(struct source_listing *l)
{
    return l->source->ops->next(l);
}

/* At any time; frees the listing. NULL is none. */
static inline void source_end(struct source_listing *l)
{
    if (l)
        l->source->ops->end(l);
}

/* Ends all running listings at once, and all later ones. Any thread; not a signal handler. */
static inline void source_cancel(struct source *s)
{
    s->ops->cancel(s);
}

/* Which parameters there are; unknown until somebody needs it. Any thread. */
static inline enum query_dialect source_dialect(const struct source *s)
{
    return s->ops->dialect ? s->ops->dialect(s) : QUERY_DIALECT_UNKNOWN;
}

/* For the kinds: once the dialect is known. An error is that of l->refusal. */
MUST_CHECK static inline int source_choose_form(struct source_listing *l,
                                                enum query_dialect dialect)
{
    const struct source_refusal *refusal = l->refusal;
    if (l->glance && dialect == QUERY_DIALECT_GLANCE)
        l->query = l->glance;
    if (!refusal || refusal->in == QUERY_DIALECT_UNKNOWN || refusal->in != dialect)
        return 0;
    snprintf(l->error.text, sizeof(l->error.text), "%s", refusal->why);
    return refusal->error;
}

/*
 * Parameters were refused in the dialect of now. True: that was found out so long ago that it is
 * forgotten, and they may be asked again. Any thread.
 */
static inline bool source_reconsider(struct source *s)
{
    return s->ops->reconsider && s->ops->reconsider(s);
}

/* What was found out about the service may have changed. Any thread. */
static inline void source_forget(struct source *s)
{
    if (s->ops->forget)
        s->ops->forget(s);
}

/* After its threads have ended. */
static inline void source_free(struct source *s)
{
    if (s)
        s->ops->free(s);
}

#endif
