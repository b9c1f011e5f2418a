// SPDX-License-Identifier: Apache-2.0
/*
 * roll: the images of one list, found by their slots.
 *
 * A list of all has them in an array by slot. A list of some has a hash of them, so that few images
 * need little memory however high their slots are. It belongs to its catalog, whose rules of who
 * may write hold; it owns references to its images.
 */
#ifndef IMSFS_ROLL_H
#define IMSFS_ROLL_H

#include "imsfs/image.h"

struct roll_item {
    struct image *img; /* NULL: nobody */
    uint32_t slot;
    uint32_t version; /* see catalog_version() */
    uint32_t home;    /* see catalog_home() */
};

struct roll {
    bool some;
    struct roll_item *items; /* by slot, or the hash: 2^bits */
    uint32_t limit;          /* walking all ends here */
    uint32_t cap, count;
    unsigned bits;
};

/* some: a list of some. */
struct roll roll_init(bool some);
void roll_deinit(struct roll *r);

/* Makes room for one in a slot. -ENOMEM. */
MUST_CHECK int roll_reserve(struct roll *r, uint32_t slot);
/* Takes over the reference. The slot has nobody, but room. */
void roll_put(struct roll *r, const struct roll_item *item);
/* NULL: nobody. */
const struct roll_item *roll_find(const struct roll *r, uint32_t slot);
/* For walking all, i from 0 to r->limit; NULL: nobody there. By slot only in a list of all. */
const struct roll_item *roll_at(const struct roll *r, uint32_t i);
/* About the memory that the table needs, and that an image does. */
size_t roll_bytes(const struct roll *r);
size_t roll_image_bytes(const struct image *img);

#endif
