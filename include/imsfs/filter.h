// SPDX-License-Identifier: Apache-2.0
/*
 * filter: criteria that restrict a whole mount (-o filter=), added to every other query. Pure.
 */
#ifndef IMSFS_FILTER_H
#define IMSFS_FILTER_H

#include "imsfs/query.h"

/*
 * As query_parse(), and -EINVAL for what chooses a page or an order: limit, marker, sort_key,
 * sort_dir. The caller frees *out.
 */
MUST_CHECK int filter_parse(struct query **out, struct bytes text, enum query_dialect dialect,
                            struct query_error *err);
/*
 * The criteria of both, tags added up. -EINVAL: q gives a parameter of the filter's another value,
 * and err names it; -ENAMETOOLONG; -ENOMEM. The caller frees *out.
 */
MUST_CHECK int filter_apply(struct query **out, const struct query *filter, const struct query *q,
                            struct query_error *err);
/* The same in place. filter NULL: nothing changes. */
MUST_CHECK int filter_restrict(const struct query *filter, struct query **query,
                               struct query_error *err);
/*
 * What q, which is filter_apply()'s, has beyond the filter: how it is called inside the mount,
 * where the filter goes without saying. All of q where nothing would be left. filter may be NULL.
 * The caller frees *out. -ENOMEM.
 */
MUST_CHECK int filter_rest(struct query **out, const struct query *filter, struct query *q);

#endif
