// SPDX-License-Identifier: Apache-2.0
/*
 * selection: the images that a list call with these criteria would answer, out of records that we
 * have: filter, order, marker and limit.
 *
 * The order is that of the documents, whatever order the records come in: by sort_key and sort_dir,
 * and without them by created_at, the newest first, as both list calls have it by default. So a
 * page has the same images as a server's, and a marker means the same. The images are borrowed:
 * they must live as long as the selection. Pure; one thread.
 */
#ifndef IMSFS_SELECTION_H
#define IMSFS_SELECTION_H

#include "imsfs/match.h"

struct selection {
    struct image **images; /* in order */
    size_t count;
    bool more; /* the limit left some out: a page follows */
};

/* -EOPNOTSUPP: records alone do not tell, and err names the parameter. */
MUST_CHECK int selection_check(const struct query *q, struct query_error *err);
/*
 * Selects from count images, in which each id comes once. -EOPNOTSUPP: a criterion that only a
 * server can tell (param.h); -EINVAL: no image has the marker's id, which a server
 * refuses too; err is filled for both. -ENOMEM. The caller frees *out with selection_free().
 */
MUST_CHECK int selection_make(struct selection *out, const struct query *q,
                              struct image *const *images, size_t count,
                              const struct slot_table *attrs, const struct match_facts *facts,
                              struct query_error *err);
void selection_free(struct selection *s);

/* Adds the raw id of the last image, the marker of the page behind. False: there is none. */
bool selection_add_last_id(const struct selection *s, struct strbuf *out);

#endif
