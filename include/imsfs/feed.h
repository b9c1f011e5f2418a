// SPDX-License-Identifier: Apache-2.0
/*
 * feed: gives the kernel the contents of files before it asks for them, as push says.
 *
 * A store waits in the kernel for the page, and who reads that page at the moment holds it until he
 * is answered. So it is for workers only, of which there are others to answer; it is done without
 * any lock of ours, by one at a time, for whom nobody waits; and the file whose READ is being
 * answered is left out. What is stored under a number is what the number stands for (node.h), so it
 * can be useless but never wrong; an image that has changed so often that its numbers come again is
 * left out.
 *
 * Only what is in memory is given: contents that would need a request to the server are not.
 */
#ifndef IMSFS_FEED_H
#define IMSFS_FEED_H

#include "imsfs/answer.h"
#include "imsfs/push.h"

#define FEED_FILE_MAX 65536 /* bytes; what is larger the kernel may ask for */
#define FEED_AHEAD 64       /* images, of which one attribute is given */

/* As session_store(). */
typedef int feed_store_fn(void *ctx, uint64_t ino, struct bytes contents);

struct feed {
    const struct scene_stage *stage; /* borrowed */
    feed_store_fn *store;
    void *ctx; /* of store */
    struct push push;
    struct strbuf text; /* of one file; belongs to who stores */
};

/* workers: how many answer requests. With fewer than two nothing is ever stored. */
void feed_init(struct feed *f, const struct scene_stage *stage, unsigned workers,
               feed_store_fn *store, void *ctx);
void feed_deinit(struct feed *f);

/* Ends what is being stored, and all storing. While the workers still answer: a store may wait for
 * one of them, and no signal ends that. Once. */
void feed_stop(struct feed *f);

/* After call was answered well with a, and before that is sent. On a worker, without a lock. */
void feed_before_sending(struct feed *f, const struct call *call, const struct answer *a);

#endif
