// SPDX-License-Identifier: Apache-2.0
#include "imsfs/clock.h"

static int64_t boottime_ms(void *ctx)
{
    (void)ctx;
    struct timespec ts;
    clock_gettime(CLOCK_BOOTTIME, &ts);
    return (int64_t)ts.tv_sec * 1000 + ts.tv_nsec / 1000000;
}

const struct clock clock_boottime = {boottime_ms, NULL};

int64_t clock_now_ms(const struct clock *c)
{
    return c->now_ms(c->ctx);
}

struct timespec clock_wall(void)
{
    struct timespec ts;
    clock_gettime(CLOCK_REALTIME, &ts);
    return ts;
}
