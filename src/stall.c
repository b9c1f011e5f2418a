// SPDX-License-Identifier: Apache-2.0
#include "imsfs/stall.h"

void stall_add(struct stall *s, size_t bytes)
{
    s->begun = true;
    s->bytes += bytes;
}

bool stall_look(struct stall *s, int64_t now_ms)
{
    if (!s->begun)
        return false; /* a server may think for as long as the deadline lets it */
    if (!s->looking) {
        s->looking = true; /* the whole answer may come before the second look */
        s->start_ms = now_ms;
        return false;
    }
    if (now_ms - s->start_ms < STALL_PERIOD_MS)
        return false;
    bool slow = s->bytes < STALL_BYTES;
    s->start_ms = now_ms;
    s->bytes = 0;
    return slow;
}
