// SPDX-License-Identifier: Apache-2.0
/*
 * match: evaluates a query against a record, as the documents of the list calls say the server
 * does.
 *
 * For a file as the source, and for the simulator; what a server answers is never second-guessed
 * with this. limit, marker and the sorting select nothing. Pure functions over immutable things:
 * any thread.
 */
#ifndef IMSFS_MATCH_H
#define IMSFS_MATCH_H

#include "imsfs/image.h"
#include "imsfs/query.h"

/* What records alone do not tell. Owned by the caller; all zero is "nothing is known". */
struct match_facts {
    bool cloudimages;   /* false: what only /v2/cloudimages knows is a filter on a property of that
                           name */
    bool own_is_member; /* Glance: member_status lets one's own shared images pass, IMS: not */
    struct bytes project; /* the caller's project id; empty: unknown */
    /* The caller's membership in an image ("accepted", "rejected", "pending"), or NULL. May be NULL
     * itself. */
    const char *(*member_status)(void *ctx, const struct image *img);
    /* Whether an image fits an ECS flavor. May be NULL: none does. */
    bool (*fits_flavor)(void *ctx, const struct image *img, struct bytes flavor);
    void *ctx;
};

/*
 * 1 when every criterion holds, else 0; -ENOMEM. Values are compared exactly; integers as numbers;
 * booleans in any case, where an absent attribute is false; times need the attribute to be a time.
 * A criterion on an attribute that the record lacks, or has as null, does not hold.
 * enterprise_project_id: "0" is absent, "" or "0", "all_granted_eps" is any.
 */
MUST_CHECK int match_image(const struct query *q, const struct image *img,
                           const struct slot_table *attrs, const struct match_facts *facts);

/*
 * The order of a list call: less than 0 when a comes before b. By the sort key, then by created_at
 * and id, all in the query's direction (as Glance does); an absent or null value is the lowest,
 * size is a number, times are times. Writes -ENOMEM to *error when it cannot tell.
 */
int match_compare(const struct query *q, const struct image *a, const struct image *b,
                  const struct slot_table *attrs, int *error);

#endif
