// SPDX-License-Identifier: Apache-2.0
/*
 * request: a request of the kernel from its coming to its answer. One that needs a list which is
 * not here yet is parked, so that no worker waits for the network; whoever brings news of the list
 * answers it.
 *
 * Of libfuse it uses the requests. Made and ended by one thread; the others as they say.
 */
#ifndef IMSFS_REQUEST_H
#define IMSFS_REQUEST_H

#include "imsfs/feed.h"
#include "imsfs/notifier.h"
#include "imsfs/parking.h"

struct requests {
    struct answerer *answerer; /* borrowed, as the next */
    struct notifier *notifier;
    struct feed *feed;
    struct parking lot;
};

void requests_init(struct requests *rs, struct answerer *answerer, struct notifier *notifier,
                   struct feed *feed);
/* Nothing is parked any more. */
void requests_deinit(struct requests *rs);

/* Answers req, now or later. On a worker. */
void requests_begin(struct requests *rs, fuse_req_t req, const struct call *call);
/* As woken() of struct list_listener: what waits for one of these events is answered, parked anew,
 * or fails. Any thread. */
void requests_woken(struct requests *rs, uint32_t list, unsigned events, int error);

#endif
