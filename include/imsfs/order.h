// SPDX-License-Identifier: Apache-2.0
/*
 * order: the places of a list's entries on one long line, for lists in an order of the server's.
 *
 * A reader goes on behind the place of the entry that he had last. An entry that keeps its order in
 * a later list keeps its place, one that comes or moves gets another between its neighbours'. So
 * the place of an entry that has left, or was elsewhere then, still tells what its reader has had:
 * in any later list, without any memory of the earlier ones. Pure.
 */
#ifndef IMSFS_ORDER_H
#define IMSFS_ORDER_H

#include "imsfs/base.h"

/* Places are between 0 and this, without either. */
#define ORDER_END ((uint64_t)1 << 62)

/* The most entries of a list. */
#define ORDER_MAX ((uint32_t)1 << 24)

/* The place behind last at the end of a list; last 0: of its first entry. */
uint64_t order_next(uint64_t last);
/*
 * places[i] is the one that entry i had in an earlier list, each another; 0: it was not there.
 * Gives all of them rising places, to as few as possible another than before. Where entries come
 * between the same two again and again, the room ends there after some 20 times and their
 * neighbours move too: only who stops just there may then get an entry twice or miss one. -ENOMEM:
 * as before.
 */
MUST_CHECK int order_settle(uint64_t *places, uint32_t count);

#endif
