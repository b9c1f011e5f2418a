// SPDX-License-Identifier: Apache-2.0
/*
 * keys: which slots the attribute names of records have.
 *
 * A name becomes a file name, and that a slot. Records of one list have nearly the same names, so
 * what was found for one is kept, by the name as it is spelled, and found again without any of
 * that. It belongs to whoever decodes a page; one thread.
 */
#ifndef IMSFS_KEYS_H
#define IMSFS_KEYS_H

#include "imsfs/slot.h"
#include "imsfs/strbuf.h"

struct keys {
    struct slot_table *attrs; /* of file names; borrowed, grows */
    struct keys_entry *kept;  /* a hash by spelling; NULL: nothing yet */
    size_t count;
    struct strbuf spelled; /* the names that are kept, one behind the other */
    struct strbuf scratch;
};

/* Keeps nothing yet, and allocates nothing. */
struct keys keys_init(struct slot_table *attrs);
void keys_deinit(struct keys *k);

/* The slot of a name's file; token is the name as JSON. -ENOENT: it has no file, because it is ""
 * or there is no slot left; -ENOMEM. */
MUST_CHECK int keys_find(struct keys *k, struct bytes token, uint16_t *slot);

#endif
