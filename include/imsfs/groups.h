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
    struct numbers *numbers;       /* borrowed */
    const struct groups *previous; /* see groups_init() */
    bool flat;
    bool growing;            /* see groups_grow() */
    size_t unnumbered;       /* see struct catalog_counts */
    size_t names_equal;      /* likewise */
    struct directory **dirs; /* those that the list has, hashed by slot: as many as there ever were
                                would be too many */
    uint32_t limit;          /* of dirs, 2^bits; NULL: nobody there */
    unsigned bits;
    uint32_t count, slots;      /* slots: one more than the largest one */
    struct directory **touched; /* since the last groups_settle() */
    size_t touched_count, touched_cap;
};

/*
 * flat: one directory, with slot 0, in the order of arrival. previous: of the list that this one
 * will replace, as long as images are placed, or NULL. -ENOMEM: deinit it too.
 */
MUST_CHECK int groups_init(struct groups *g, struct numbers *numbers, bool flat,
                           const struct groups *previous);
void groups_deinit(struct groups *g);

/*
 * Readers see the list grow. The directories that were there before it had this mtime, and keep it:
 * that their entries come is no change.
 */
void groups_grow(struct groups *g, struct timespec since);
/*
 * Puts an image where it belongs, and fills in its home. -ENOSPC: it can have none, because a table
 * is full or the number is that of another directory here or in previous (ledger.h); a place in a
 * view that cannot be had is counted. -ENOMEM.
 */
MUST_CHECK int groups_place(struct groups *g, struct roll_item *item);
/* Makes -ENOSPC a count; anything else stays. */
int groups_count_full(struct groups *g, int r);
/* The directory with this slot, or NULL. */
struct directory *groups_dir(const struct groups *g, uint32_t slot);
/* Adds its path below the mount root. */
void groups_add_path(const struct groups *g, const struct directory *d, struct strbuf *out);
/* Brings what was touched into order, with a new mtime: before readers see it. */
void groups_settle(struct groups *g);
/* Whether the list has all directories up to the one with the highest slot. */
bool groups_have_no_gap(const struct groups *g);
/* About the memory that they need. */
size_t groups_bytes(const struct groups *g);

#endif
