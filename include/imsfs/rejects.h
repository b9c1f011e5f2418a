// SPDX-License-Identifier: Apache-2.0
/*
 * rejects: the names that were refused in .imsfs/query, for whoever wonders: each is logged once,
 * and not too many of all together, because anybody may look up anything; the last one is kept.
 * The owner serialises the calls.
 */
#ifndef IMSFS_REJECTS_H
#define IMSFS_REJECTS_H

#include "imsfs/base.h"

#define REJECTS_MAX 64 /* so many are remembered, to log each once */
#define REJECTS_LINE_SIZE 600
#define REJECTS_BURST 10      /* so many are logged at once, */
#define REJECTS_PAUSE_MS 5000 /* then one in that time */

struct rejects {
    uint64_t hashes[REJECTS_MAX]; /* of names */
    unsigned count;
    int64_t paid_ms;              /* a line costs REJECTS_PAUSE_MS; up to here they are used up */
    char last[REJECTS_LINE_SIZE]; /* name and reason, in one line; empty: there was none */
};

/*
 * why is in plain words; where it begins with the name and a colon, that is left out of the line.
 * True: r->last, which says so, is to be logged.
 */
bool rejects_note(struct rejects *r, struct bytes name, const char *why, int64_t now_ms);

#endif
