// SPDX-License-Identifier: Apache-2.0
/*
 * stall: tells when an answer that had begun has stopped coming, or only drips. Pure; one thread at
 * a time. Times are milliseconds of one struct clock.
 */
#ifndef IMSFS_STALL_H
#define IMSFS_STALL_H

#include "imsfs/base.h"

/* Fewer bytes than this in a period is a broken connection. */
#define STALL_BYTES 1000
#define STALL_PERIOD_MS 10000

/* Begins as zeros. */
struct stall {
    bool begun, looking;
    int64_t start_ms; /* of the period */
    size_t bytes;     /* in it */
};

/* So many bytes of the answer have come. */
void stall_add(struct stall *s, size_t bytes);
/* True: too few came in the period that has just ended. To be called every second or so. */
bool stall_look(struct stall *s, int64_t now_ms);

#endif
