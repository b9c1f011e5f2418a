// SPDX-License-Identifier: Apache-2.0
/*
 * batch: images on their way from decode to a sink. It owns the references that it holds. One
 * thread.
 */
#ifndef IMSFS_BATCH_H
#define IMSFS_BATCH_H

#include "imsfs/decode.h"
#include "imsfs/source.h"

struct batch {
    struct image **images;
    size_t count, cap;
};

/* Takes over the reference, also on failure; ctx is a struct batch. A decode_image_fn. 0 or
 * -ENOMEM. */
int batch_add(void *ctx, struct image *img);
/* Gives all of it to the sink and is empty then. What sink->page() answers. */
MUST_CHECK int batch_give(struct batch *b, const struct source_sink *sink);
/* Counts what a decoding left out, beside what was counted since batch_count_anew(). */
void batch_count(struct source_counters *counters, const struct decode_result *result);
/* A listing begins. */
void batch_count_anew(struct source_counters *counters);
void batch_free(struct batch *b);

#endif
