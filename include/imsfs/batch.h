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
/* Adds what a decoding left out. */
void batch_count(struct source_left_out *out, const struct decode_result *result);
void batch_free(struct batch *b);

#endif
