// SPDX-License-Identifier: Apache-2.0
/*
 * groups: the directories of one list: those that the layout makes, or a single one with all
 * images. They belong to their catalog, whose rules of who may write hold.
 */
#ifndef IMSFS_GROUPS_H
#define IMSFS_GROUPS_H

#include "imsfs/directory.h"
#include "imsfs/numbers.h"
#include "imsfs/roll.h"

struct groups {
    struct numbers *numbers; /* borrowed */
    bool flat;
    bool growing;            /* see groups_grow() */
    size_t unnumbered;       /* see struct catalog_counts */
    size_t names_equal;      /* likewise */
    struct directory **dirs; /* by slot */
    uint32_t cap, count, limit;
    struct directory **touched; /* since the last groups_settle() */
    size_t touched_count, touched_cap;
};

/* flat: one directory, with slot 0, in the order of arrival. -ENOMEM: deinit it too. */
MUST_CHECK int groups_init(struct groups *g, struct numbers *numbers, bool flat);
void groups_deinit(struct groups *g);

/*
 * Readers see the list grow. The directories that were there before it had this mtime, and keep it:
 * that their entries come is no change.
 */
void groups_grow(struct groups *g, struct timespec since);
/*
 * Puts an image where it belongs, and fills in its home. -ENOSPC: it can have none, because a table
 * is full; a place in a view that cannot be had is counted. -ENOMEM.
 */
MUST_CHECK int groups_place(struct groups *g, struct roll_item *item);
/* Makes -ENOSPC a count; anything else stays. */
int groups_count_full(struct groups *g, int r);
/* Brings what was touched into order, with a new mtime: before readers see it. */
void groups_settle(struct groups *g);
/* Whether the list has all directories up to the one with the highest slot. */
bool groups_have_no_gap(const struct groups *g);
/* About the memory that they need. */
size_t groups_bytes(const struct groups *g);

#endif
