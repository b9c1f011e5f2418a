// SPDX-License-Identifier: Apache-2.0
/*
 * traffic: how many requests of each kind the kernel has sent, and what it was given unasked. What
 * the kernel answers from its own caches is not here, so it shows what the caches are worth. Any
 * thread.
 */
#ifndef IMSFS_TRAFFIC_H
#define IMSFS_TRAFFIC_H

#include <stdatomic.h>
#include <stdint.h>

#include "imsfs/strbuf.h"

#define TRAFFIC_KINDS 64 /* more than enum fuse_opcode of linux/fuse.h has */

struct traffic {
    atomic_ullong requests[TRAFFIC_KINDS]; /* by opcode; what has no place, at 0 */
    atomic_ullong stores;                  /* files whose contents the kernel took unasked */
};

/* Counts one. opcode as in struct fuse_in_header: the kernel may be newer than we are. */
void traffic_count(struct traffic *t, uint32_t opcode);
void traffic_count_store(struct traffic *t);
/* Adds {"LOOKUP": 12, ...}, one line: the kinds that came, by opcode. One that we have no name for
 * is its number, "OTHER" what is beyond the table. */
void traffic_add(const struct traffic *t, struct strbuf *out);

#endif
