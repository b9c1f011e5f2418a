// SPDX-License-Identifier: Apache-2.0
#include "imsfs/batch.h"

#include <errno.h>

int batch_add(void *ctx, struct image *img)
{
    struct batch *b = ctx;
    if (b->count == b->cap) {
        size_t cap = b->cap ? 2 * b->cap : 256;
        struct image **images = realloc(b->images, cap * sizeof(struct image *));
        if (!images) {
            image_unref(img);
            return -ENOMEM;
        }
        b->images = images;
        b->cap = cap;
    }
    b->images[b->count++] = img;
    return 0;
}

int batch_give(struct batch *b, const struct source_sink *sink)
{
    size_t count = b->count;
    b->count = 0;
    return sink->page(sink->ctx, b->images, count);
}

void batch_count(struct source_left_out *out, const struct decode_result *result)
{
    out->skipped += result->skipped;
    out->over |= result->over;
    out->attrs_unnamed += result->notes.attrs_unnamed;
    out->attrs_equal += result->notes.names_equal;
}

void batch_free(struct batch *b)
{
    for (size_t i = 0; i < b->count; i++)
        image_unref(b->images[i]);
    free(b->images);
    *b = (struct batch){0};
}
