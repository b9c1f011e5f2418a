// SPDX-License-Identifier: Apache-2.0
/*
 * named: the queries that have a name: the documents' common query methods, and those of
 * -o query=NAME:CRITERIA.
 *
 * Sources: "Common Query Methods" of both list calls; for a plain Glance, which has no image types
 * and whose answer to member_status=pending holds one's own shared images too, what a real one was
 * seen to answer. The set never changes after it was made; the owner frees it, any thread reads it.
 */
#ifndef IMSFS_NAMED_H
#define IMSFS_NAMED_H

#include "imsfs/query.h"

struct named; /* opaque */

struct named_config {
    char *const *own; /* the user's, "NAME:CRITERIA", in the order given */
    size_t count;
    enum query_dialect dialect; /* as for query_parse() */
    const struct query *filter; /* of the mount, which the user's criteria must fit; NULL: none */
    bool records;               /* they are put to records alone: there is no service */
};

/*
 * The common methods and the user's own. A name is a plain file name without '=', and given once.
 * -EINVAL: err says which one and why; -ENOMEM. Nothing of config is kept.
 */
MUST_CHECK int named_new(struct named **out, const struct named_config *config,
                         struct query_error *err);
void named_free(struct named *n);

size_t named_count(const struct named *n);
/* A file name as it is; shown in this order. */
const char *named_name(const struct named *n, size_t i);
/* False: none is called so. */
bool named_find(const struct named *n, struct bytes name, size_t *i);
/* False: it cannot work and is not listed. It needs the caller's project id, which is not known
 * (empty), or a service where there are only records. The dialect may be unknown. */
bool named_is_usable(const struct named *n, size_t i, enum query_dialect dialect,
                     struct bytes project);

/* What to ask for, without the mount's filter. */
struct named_criteria {
    struct query *query;  /* on IMS, and where glance is NULL everywhere */
    struct query *glance; /* on a plain Glance */
    /* What Glance's answer is not to show (match_image()); NULL: nothing. */
    struct query *leave_out;
    bool lacks_project; /* it does not work on a plain Glance: leave_out needs the project id */
};

/*
 * What the name stands for, in both dialects. -EOPNOTSUPP: it is not named_is_usable(). -ENOMEM.
 * err is filled for the former and with lacks_project. The caller clears *out.
 */
MUST_CHECK int named_criteria(const struct named *n, size_t i, enum query_dialect dialect,
                              struct bytes project, struct named_criteria *out,
                              struct query_error *err);
void named_criteria_clear(struct named_criteria *c);

#endif
