// SPDX-License-Identifier: Apache-2.0
/*
 * ledger: a table that gives each distinct byte string a small number, for good, and forgets the
 * string.
 *
 * Of each it keeps 72 bits of a digest (digest.h): 8 bytes, 4.6 to 5.2 to find that again, in which
 * the last 8 bits are, and what its user has for it. Of a million strings two are alike by chance
 * with a probability of 2^-33, of 2^24, as many as there can be, with 2^-25. So a user that has the
 * string compares it with what it has under the number, and does without where another one is.
 *
 * A full table is an error that the caller counts. Any thread; the table has its own locks, and
 * whoever looks up does not wait while it grows.
 */
#ifndef IMSFS_LEDGER_H
#define IMSFS_LEDGER_H

#include "imsfs/digest.h"

#define LEDGER_LIMIT 0xFFFFFFu /* 24 bits in an inode number */

struct ledger; /* opaque */

/*
 * A table for at most limit strings (limit <= LEDGER_LIMIT), with so many bytes of its user's for
 * each of them, a multiple of 4.
 */
MUST_CHECK int ledger_new(struct ledger **out, uint32_t limit, size_t extra);
void ledger_free(struct ledger *t);

/* The number of text, made now if it is new: 0, 1, … -ENOSPC: the table is full; -ENOMEM. */
MUST_CHECK int ledger_add(struct ledger *t, struct bytes text, uint32_t *number);
/* The number of text, or -ENOENT. */
MUST_CHECK int ledger_find(const struct ledger *t, struct bytes text, uint32_t *number);
/*
 * What the user keeps for a number that was given out, at first zeros. It stays where it is, at an
 * address that 4 divides; the table's lock does not protect it.
 */
void *ledger_extra(struct ledger *t, uint32_t number);
/* With the table's key, which nobody can guess. */
struct digest ledger_digest(const struct ledger *t, struct bytes text);

#endif
