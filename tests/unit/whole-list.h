// SPDX-License-Identifier: Apache-2.0
/*
 * whole-list: a listing taken to its end by somebody who has nothing else to do.
 */
#ifndef IMSFS_TEST_WHOLE_LIST_H
#define IMSFS_TEST_WHOLE_LIST_H

#include "imsfs/source.h"

/* What is known after a listing. */
struct whole_list {
    struct source_error error;
    struct source_left_out left_out;
    char next_marker[64]; /* empty: none */
};

/* 0, SOURCE_UNCHANGED or -errno. glance: see struct source_listing. */
static inline int whole_list_of(struct source *s, const struct query *q, const struct query *glance,
                                const struct source_sink *sink, struct whole_list *out)
{
    struct source_listing *l;
    int r = source_begin(s, q, sink, &l);
    *out = (struct whole_list){0};
    if (r < 0)
        return r;
    l->glance = glance;
    do
        r = source_next(l);
    while (r == SOURCE_MORE);
    out->error = l->error;
    out->left_out = l->left_out;
    strncpy(out->next_marker, l->next_marker ? l->next_marker : "", sizeof(out->next_marker) - 1);
    source_end(l);
    return r;
}

static inline int whole_list(struct source *s, const struct query *q,
                             const struct source_sink *sink, struct whole_list *out)
{
    return whole_list_of(s, q, NULL, sink, out);
}

#endif
