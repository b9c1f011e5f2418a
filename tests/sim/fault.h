// SPDX-License-Identifier: Apache-2.0
/*
 * fault: which request is to go wrong, and how. Filled before the server starts, only read
 * afterwards.
 *
 * A rule is N=WHAT, N-M=WHAT, N-=WHAT or *=WHAT; requests count from 1. WHAT is a status with an
 * optional Retry-After (503, 429:2), or a word: hang (no answer), reset (the connection is broken),
 * truncate (half of the answer), garbage (200 and not JSON), delay:MS (a right answer, late).
 */
#ifndef SIM_FAULT_H
#define SIM_FAULT_H

#include "imsfs/base.h"

#define FAULT_MAX 64

enum fault_kind {
    FAULT_NONE,
    FAULT_STATUS,
    FAULT_HANG,
    FAULT_RESET,
    FAULT_TRUNCATE,
    FAULT_GARBAGE,
    FAULT_DELAY,
};

struct fault {
    uint64_t first, last;
    enum fault_kind kind;
    unsigned status;
    unsigned number; /* Retry-After in seconds, or the delay in ms */
};

struct fault_list {
    struct fault items[FAULT_MAX];
    size_t count;
};

/* False: not a rule, or one too many. */
bool fault_add(struct fault_list *list, const char *text);
/* The first rule for a request, NULL when it goes right. */
const struct fault *fault_of(const struct fault_list *list, uint64_t request);

#endif
