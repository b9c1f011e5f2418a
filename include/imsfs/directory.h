// SPDX-License-Identifier: Apache-2.0
/*
 * directory: the entries of one directory of a catalog, by slot. It belongs to its catalog, whose
 * rules of who may write hold.
 */
#ifndef IMSFS_DIRECTORY_H
#define IMSFS_DIRECTORY_H

#include <stdatomic.h>
#include <time.h>

#include "imsfs/layout.h"

#define DIRECTORY_ROOT UINT32_MAX /* as a parent: the mount's root directory */

struct directory {
    uint32_t slot;   /* its own number */
    uint32_t parent; /* its parent's */
    const struct layout_view *view;
    bool leaf;           /* entries are images (or links to them), not directories */
    bool touched;        /* among those that the current page changed */
    uint64_t value_hash; /* tells two values with one name apart */
    uint32_t *entries;   /* slots of images, or of directories; sorted when readers see it */
    uint32_t count, cap;
    struct timespec mtime;
    atomic_bool listed; /* a reader got entries of it while it was growing */
};

/* NULL: out of memory. */
struct directory *directory_new(uint32_t slot, uint32_t parent, const struct layout_view *view);
void directory_free(struct directory *d);

/* At the end, in any order. -ENOMEM. */
MUST_CHECK int directory_add(struct directory *d, uint32_t slot);
/* Sorts, and drops what is there twice. */
void directory_sort(struct directory *d);

/* The index of the first entry that is at least slot. */
uint32_t directory_lower(const struct directory *d, uint32_t slot);
bool directory_has(const struct directory *d, uint32_t slot);
/* What an image is called in a leaf directory: name@id, or id. Returns the length. */
size_t directory_entry_name(const struct directory *d, const struct image *img,
                            char out[static 256]);

#endif
