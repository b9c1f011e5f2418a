// SPDX-License-Identifier: Apache-2.0
#include "imsfs/hold.h"

void hold_refused(struct hold *h, int64_t now_ms)
{
    int64_t pause_ms = HOLD_FIRST_MS;
    for (unsigned i = 0; i < h->refusals && pause_ms < HOLD_MAX_MS; i++)
        pause_ms *= 2;
    h->refusals++;
    h->until_ms = now_ms + (pause_ms < HOLD_MAX_MS ? pause_ms : HOLD_MAX_MS);
}

void hold_accepted(struct hold *h)
{
    *h = (struct hold){0};
}

int64_t hold_left_ms(const struct hold *h, int64_t now_ms)
{
    return h->refusals && h->until_ms > now_ms ? h->until_ms - now_ms : 0;
}
