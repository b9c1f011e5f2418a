// SPDX-License-Identifier: Apache-2.0
/*
 * queries: the directories in .imsfs/query: which names were looked up there, and which list each
 * one shows.
 *
 * A name is a spelling of criteria, or the name of a named query. The same criteria in several
 * spellings are one list and several directories; each has a number of its own, which is not used
 * again as long as anybody may know it, so that an old directory is never taken for another. Names
 * go with their list. It makes no request. Any thread; its lock is held for some microseconds, and
 * never while the cache is called.
 */
#ifndef IMSFS_QUERIES_H
#define IMSFS_QUERIES_H

#include "imsfs/cache.h"
#include "imsfs/criteria.h"
#include "imsfs/places.h"

struct queries_config {
    struct cache *cache;             /* borrowed; may be given later, see queries_attach() */
    const struct criteria *criteria; /* borrowed */
    /* What the service speaks, and the caller's project id (empty: not known), as far as is known
     * by now. Any thread; the id stays. */
    enum query_dialect (*dialect)(void *ctx);
    struct bytes (*project)(void *ctx);
    void *ctx;
};

struct queries; /* opaque */

MUST_CHECK int queries_new(struct queries **out, const struct queries_config *config);
/* Before anybody looks a name up. */
void queries_attach(struct queries *q, struct cache *cache);
void queries_free(struct queries *q);

/*
 * The directory with this name, of kind NODE_QUERY; its list is made now if there is none. -ENOENT,
 * -EINVAL, -EOPNOTSUPP: it is refused, and why is in the log (once, and at most every few seconds)
 * and in queries_add_refused(); -EBUSY: all lists are in use; -ENOMEM.
 */
MUST_CHECK int queries_lookup(struct queries *q, struct bytes name, struct node *out);
/* Adds the last name that was refused and the reason, in one line; nothing when none was. */
void queries_add_refused(struct queries *q, struct strbuf *out);
/* When the set of what queries_list() lists last changed, on the wall clock; never goes back. Also
 * for whoever has a list of the cache open. */
struct timespec queries_changed(struct queries *q);

/*
 * What .imsfs/query lists: the named queries that can work, and the canonical names of lists that
 * hold something or are getting it.
 */
struct queries_listing {
    struct entries_query *items; /* by their marks */
    size_t count;
    struct strbuf names;
};

/* The caller clears *out. -ENOMEM. */
MUST_CHECK int queries_list(struct queries *q, struct queries_listing *out);
void queries_listing_clear(struct queries_listing *l);

/* What a tree needs to know of a list. Stays as it is until queries_done(), whatever happens to the
 * list. */
struct queries_use {
    struct tree_query query;
    struct place *place; /* held */
    bool provisional;    /* its names must be looked up again each time */
    uint32_t *spellings; /* owned, if asked for */
};

/*
 * The query of the list that has the node, which node.query says. -ESTALE: nobody was told of such
 * a list, or not in this generation or spelling (where the node's kind has them); -ENOMEM.
 */
MUST_CHECK int queries_of(struct queries *q, const struct node *node, struct queries_use *out);
/* The same for a list, with all spellings there are now. */
MUST_CHECK int queries_of_list(struct queries *q, uint32_t list, struct queries_use *out);
void queries_done(struct queries *q, struct queries_use *use);

/* The list was emptied, or is gone and with it its names: fn (NULL: nobody) is told those that the
 * kernel must forget. Returns fn's first error. */
int queries_emptied(struct queries *q, uint32_t list, uint32_t tenure, bool gone,
                    int (*fn)(void *ctx, struct bytes name), void *ctx);

#endif
