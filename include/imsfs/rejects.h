// SPDX-License-Identifier: Apache-2.0
/*
 * rejects: the names that were refused in .imsfs/query, for whoever wonders: each is logged once,
 * and not too often for all together, because anybody may look up anything; the last one is kept.
 * The owner serialises the calls.
 */
#ifndef IMSFS_REJECTS_H
#define IMSFS_REJECTS_H

#include "imsfs/base.h"

#define REJECTS_MAX 64 /* so many are remembered, to log each once */
#define REJECTS_LINE_SIZE 600
#define REJECTS_PAUSE_MS 5000

struct rejects {
    uint64_t hashes[REJECTS_MAX]; /* of names */
    unsigned count;
    bool logged;
    int64_t logged_ms;            /* when the last one was */
    char last[REJECTS_LINE_SIZE]; /* name and reason, in one line; empty: there was none */
};

/* why is in plain words. True: r->last, which says so, is to be logged. */
bool rejects_note(struct rejects *r, struct bytes name, const char *why, int64_t now_ms);

#endif
