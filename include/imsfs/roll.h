// SPDX-License-Identifier: Apache-2.0
/*
 * roll: the images of one list, found by their slots.
 *
 * A hash, so that few images need little memory however high their slots are: those of all ids that
 * the mount has ever seen count too. It belongs to its catalog, whose rules of who
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

/* All zeros: empty. */
struct roll {
    struct roll_item *items; /* 2^bits */
    uint32_t limit;          /* walking all ends here */
    uint32_t count;
    uint32_t slots; /* one more than the highest slot */
    unsigned bits;
};

void roll_deinit(struct roll *r);

/* Makes room for one. -ENOMEM. */
MUST_CHECK int roll_reserve(struct roll *r);
/* Takes over the reference. The slot has nobody, but room. */
void roll_put(struct roll *r, const struct roll_item *item);
/* NULL: nobody. */
const struct roll_item *roll_find(const struct roll *r, uint32_t slot);
/* For walking all, i from 0 to r->limit; NULL: nobody there. In no order. */
const struct roll_item *roll_at(const struct roll *r, uint32_t i);
/* About the memory that the table needs, and that an image does. */
size_t roll_bytes(const struct roll *r);
size_t roll_image_bytes(const struct image *img);

#endif
