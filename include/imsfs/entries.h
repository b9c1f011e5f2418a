// SPDX-License-Identifier: Apache-2.0
/*
 * entries: what a directory of the mount lists, as a pure function of a catalog. Any thread, as
 * long as the catalog may be read.
 */
#ifndef IMSFS_ENTRIES_H
#define IMSFS_ENTRIES_H

#include "imsfs/tree.h"

/* next is the cookie that goes on behind this entry, below 2^63. False: stop. */
typedef bool entries_fn(void *ctx, const char *name, const struct node *node, uint64_t next);

/*
 * Calls fn for the entries behind cookie (0: from the start), "." and ".." first. Not for
 * NODE_QUERIES. A query's links stand behind its images, once its list is whole. c may be NULL for
 * what needs no list. -ESTALE, -ENOTDIR.
 */
MUST_CHECK int entries_give(const struct tree *t, const struct catalog *c, const struct node *dir,
                            uint64_t cookie, entries_fn *fn, void *ctx);

/* A directory in .imsfs/query: its name, and its node of kind NODE_QUERY. */
struct entries_query {
    const char *name;
    struct node node;
    uint32_t mark; /* tells it from all others, also from those of other times */
};

/* The same for .imsfs/query. queries are all that is listed, by their marks, which rise. */
void entries_give_queries(const struct entries_query *queries, size_t count, uint64_t cookie,
                          entries_fn *fn, void *ctx);

#endif
