// SPDX-License-Identifier: Apache-2.0
/*
 * stock: the images of a file, each id once, kept so that criteria can be put to them again and
 * again. It owns a reference to each. One thread.
 */
#ifndef IMSFS_STOCK_H
#define IMSFS_STOCK_H

#include "imsfs/batch.h"

struct stock {
    struct image **images; /* by id */
    size_t count;
};

/*
 * Takes over the references of all that was read; the batch is empty then. Of one id the first
 * image stays, as in a list. An image that the stock has already, with the same bytes, stays the
 * same object, so that lists which hold it hold no copy. -ENOMEM: the stock and the batch are as
 * before.
 */
MUST_CHECK int stock_take(struct stock *s, struct batch *read);
void stock_free(struct stock *s);

#endif
