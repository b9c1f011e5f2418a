// SPDX-License-Identifier: Apache-2.0
/*
 * clock: the time that freshness is measured with. It neither jumps when somebody sets the wall
 * clock nor stops while the machine is suspended (CLOCK_BOOTTIME, clock_gettime(2)). Tests put a
 * clock of their own in its place. Any thread.
 */
#ifndef IMSFS_CLOCK_H
#define IMSFS_CLOCK_H

#include <pthread.h>
#include <stdint.h>
#include <time.h>

struct clock {
    int64_t (*now_ms)(void *ctx); /* milliseconds since an arbitrary start */
    void *ctx;
};

/* The real one. */
extern const struct clock clock_boottime;

int64_t clock_now_ms(const struct clock *c);
/* The wall clock, for what people read: mtimes and status.json. Never for freshness. */
struct timespec clock_wall(void);

/* For waits with a limit, which is real time whatever clock a test has. */
void clock_cond_init(pthread_cond_t *cond);
/*
 * As pthread_cond_wait(), for ms at most (INT64_MAX: for ever), and for a second at most: the clock
 * that the time is of may be another than the system's, or jump. Callers look again anyway.
 */
void clock_cond_wait(pthread_cond_t *cond, pthread_mutex_t *lock, int64_t ms);

#endif
