// SPDX-License-Identifier: Apache-2.0
/*
 * ids: every image id ever seen: its number, for good, and which contents its image had last.
 *
 * Inode numbers are computed from these numbers, so an id that comes back has its old one, and ids
 * are never forgotten: 20 bytes for each of them and some 5 to find it, however long it is. The ids
 * themselves are not kept, see ledger.h. A full table is an error that the caller counts.
 *
 * Any thread; the table has its own lock. Versions are for one thread at a time, whose business it
 * is to take turns.
 */
#ifndef IMSFS_IDS_H
#define IMSFS_IDS_H

#include "imsfs/ledger.h"

struct ids; /* opaque */

/* A table for at most limit ids (limit <= LEDGER_LIMIT). */
MUST_CHECK int ids_new(struct ids **out, uint32_t limit);
void ids_free(struct ids *t);

/* The number of id, made now if it is new: 0, 1, … -ENOSPC: the table is full; -ENOMEM. */
MUST_CHECK int ids_add(struct ids *t, struct bytes id, uint32_t *slot);
/* The number of id, or -ENOENT. */
MUST_CHECK int ids_find(const struct ids *t, struct bytes id, uint32_t *slot);
/*
 * The version of contents for the id in this slot, which was given out: the last one, if it had the
 * same (by 64 bits of their digest), else one that it never had, counted from 0.
 */
uint32_t ids_version(struct ids *t, uint32_t slot, struct bytes contents);

#endif
