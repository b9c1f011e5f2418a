// SPDX-License-Identifier: Apache-2.0
/*
 * slot: a table that gives each distinct byte string a small number, for good.
 *
 * Inode numbers are computed from such numbers (attributes, image ids, directories), so a table
 * only grows: a string that comes back has its old number. A full table is an error that the caller
 * counts. Any thread; the table has its own lock, and what slot_get() returns stays where it is.
 */
#ifndef IMSFS_SLOT_H
#define IMSFS_SLOT_H

#include "imsfs/base.h"

struct slot_table;

/* A table for at most limit strings (limit < 2^31). */
MUST_CHECK int slot_table_new(struct slot_table **out, uint32_t limit);
void slot_table_free(struct slot_table *t);

/* The number of key, made now if it is new. -ENOSPC: the table is full; -ENOMEM. */
MUST_CHECK int slot_add(struct slot_table *t, struct bytes key, uint32_t *slot);
/* The number of key, or -ENOENT. */
MUST_CHECK int slot_find(const struct slot_table *t, struct bytes key, uint32_t *slot);
/* The string of a slot that was given out; {NULL, 0} for any other number. */
struct bytes slot_get(const struct slot_table *t, uint32_t slot);
uint32_t slot_count(const struct slot_table *t);

#endif
