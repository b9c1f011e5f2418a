// SPDX-License-Identifier: Apache-2.0
/*
 * outcome: all that came of decoding a text, kept to compare it with what came of another way.
 * One thread; the owner frees it.
 */
#ifndef TESTS_OUTCOME_H
#define TESTS_OUTCOME_H

#include "imsfs/decode.h"

struct outcome {
    int result;
    struct decode_result info; /* of the last call; skipped and records of all */
    size_t at;                 /* the byte that the error names */
    struct image **images;
    size_t count, cap;
};

/* Adds what one call gives; text has a block of its own while it is read, and begins at origin of
 * what errors count bytes of. known may be NULL. */
void outcome_add(struct outcome *o, struct bytes text, size_t origin, enum decode_shape shape,
                 struct slot_table *attrs, const struct decode_known *known);
void outcome_free(struct outcome *o);
/* Whether both have the same images, down to the index of their files. */
bool outcome_same_images(const struct outcome *a, const struct outcome *b);
/* The same, and all else that decoding answers. */
bool outcome_same(const struct outcome *a, const struct outcome *b);
/* Checks what must hold of any image: names, sizes, times. */
void outcome_check_images(const struct outcome *o, const struct slot_table *attrs);

#endif
