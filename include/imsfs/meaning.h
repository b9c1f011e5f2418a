// SPDX-License-Identifier: Apache-2.0
/*
 * meaning: what a name in .imsfs/query stands for: criteria, or a named query, with the mount's
 * filter. It keeps nothing; any thread.
 */
#ifndef IMSFS_MEANING_H
#define IMSFS_MEANING_H

#include "imsfs/criteria.h"
#include "imsfs/list.h"

struct meaning {
    struct named_criteria what;    /* with the mount's filter */
    uint32_t named;                /* from 1; 0: it is not named */
    const char *name;              /* of what is not the same in both dialects; NULL: it is */
    struct source_refusal refusal; /* of what.query or what.glance; why is owned */
    struct query *copy; /* of what.query, but without the filter; for whoever wants to keep it */
};

/*
 * project: the caller's id, empty while it is not known. -ENOENT, -EINVAL, -EOPNOTSUPP: the name is
 * refused, and err says why; -ENOMEM. m is all zeros before; the caller clears it.
 */
MUST_CHECK int meaning_of(struct meaning *m, const struct criteria *c, struct bytes name,
                          enum query_dialect dialect, struct bytes project,
                          struct query_error *err);
/* The list that it is of. Gives away what that owns. */
struct list_query meaning_take(struct meaning *m);
void meaning_clear(struct meaning *m);

#endif
