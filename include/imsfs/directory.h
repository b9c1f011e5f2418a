// SPDX-License-Identifier: Apache-2.0
/*
 * directory: the entries of one directory of a catalog, by slot or in the order of their arrival.
 * It belongs to its catalog, whose rules of who may write hold.
 */
#ifndef IMSFS_DIRECTORY_H
#define IMSFS_DIRECTORY_H

#include <stdatomic.h>
#include <time.h>

#include "imsfs/layout.h"
#include "imsfs/order.h"

#define DIRECTORY_ROOT UINT32_MAX /* as a parent: the mount's root directory */

/* There may be as many as images, one with a single entry for each name: so it is small. */
struct directory {
    uint32_t slot;   /* its own number */
    uint32_t parent; /* its parent's */
    const struct layout_view *view;
    uint64_t value_hash; /* tells two values with one name apart */
    struct timespec mtime;
    uint32_t *entries; /* slots of images, or of directories; sorted when readers see it, */
    uint64_t *places;  /* unless it is ordered: then those of the entries, see order.h; rising when
                          readers see it */
    uint32_t count, cap;
    uint32_t only;      /* where entries are as long as there is no room for two */
    bool leaf;          /* entries are images (or links to them), not directories */
    bool touched;       /* among those that the current page changed */
    bool unsorted;      /* entries wait for directory_sort() */
    bool ordered;       /* entries stay in the order of arrival */
    atomic_bool listed; /* a reader got entries of it while it was growing */
    uint8_t name_len;
    char name[]; /* in its parent; not terminated */
};

/* The name has at most 255 bytes. NULL: out of memory. */
struct directory *directory_new(uint32_t slot, uint32_t parent, const struct layout_view *view,
                                struct bytes name);
void directory_free(struct directory *d);

/* At the end, in any order. -ENOMEM. */
MUST_CHECK int directory_add(struct directory *d, uint32_t slot);
/* Sorts, and drops what is there twice. Where all entries came in order, or stay in that of their
 * arrival, there is nothing to do. */
void directory_sort(struct directory *d);

/*
 * Where entries are in the order of arrival: those that keep the order that they have in before,
 * where it is so too, keep their places. -ENOMEM: all have others.
 */
MUST_CHECK int directory_keep_places(struct directory *d, const struct directory *before);

/*
 * What rises along the directory and tells in any later one what lay before entry i: its slot, or
 * its place.
 */
uint64_t directory_mark(const struct directory *d, uint32_t i);
/* The index of the first entry whose mark is at least mark. */
uint32_t directory_lower(const struct directory *d, uint64_t mark);
/* Only where entries are sorted; catalog_has() knows of all. */
bool directory_has(const struct directory *d, uint32_t slot);
struct bytes directory_name(const struct directory *d);
/* Whether it has this name in that parent: its slot alone does not tell, see ledger.h. */
bool directory_is(const struct directory *d, uint32_t parent, struct bytes name);
/* About the memory that it needs. */
size_t directory_bytes(const struct directory *d);
/* What an image is called in a leaf directory: name@id, or id. Returns the length. */
size_t directory_entry_name(const struct directory *d, const struct image *img,
                            char out[static 256]);

#endif
