// SPDX-License-Identifier: Apache-2.0
/*
 * patience: a thread that ends the waiting of those whose list gets no page for too long, although
 * no lane of the fetcher can tell them: requests of other lists keep them all. The listing itself
 * stays wanted.
 */
#ifndef IMSFS_PATIENCE_H
#define IMSFS_PATIENCE_H

#include "imsfs/roster.h"

struct patience_config {
    struct roster *roster; /* borrowed, as the next */
    const struct clock *clock;
    int64_t timeout_ms; /* without a page; 0: for ever */
};

struct patience {
    struct patience_config config;
    pthread_t thread;
    bool started;
    pthread_cond_t changed; /* with the roster's lock: somebody may have begun to wait */
    bool stop;              /* under that lock too */
};

void patience_init(struct patience *p, const struct patience_config *config);
/* After patience_stop(), before the roster's end. */
void patience_deinit(struct patience *p);
/* After the fork. */
MUST_CHECK int patience_start(struct patience *p);
/* Ends the thread. Safe when not started. */
void patience_stop(struct patience *p);
/* With the roster's lock held: somebody begins to wait. */
void patience_nudge(struct patience *p);

#endif
