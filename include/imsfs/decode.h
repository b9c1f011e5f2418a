// SPDX-License-Identifier: Apache-2.0
/*
 * decode: bytes that somebody sent -> images and the next link. The only user of cJSON.
 *
 * cJSON checks the syntax, but its numbers are doubles and its strings end at a NUL. So each record
 * is first rewritten so that every scalar becomes a string that spells the token; cJSON then
 * carries all tokens through unharmed. The input is hostile: bytes, depth, values and records are
 * bounded before anything is built. No state; any thread.
 */
#ifndef IMSFS_DECODE_H
#define IMSFS_DECODE_H

#include <stdatomic.h>

#include "imsfs/image.h"
#include "imsfs/limits.h"

enum decode_shape {
    DECODE_PAGE, /* {"images": [...], "next": ...}: what a list call answers */
    DECODE_FILE, /* that, or a bare array, or one record after the other */
};

struct decode_result {
    char *next;     /* the "next" string, or NULL; the caller frees it */
    char *last_id;  /* id of the last image that was handed over, or NULL; the caller frees it */
    size_t records; /* as received */
    size_t skipped; /* records without a usable id, over a limit, or not objects */
    unsigned over;  /* the limits that were exceeded: 1u << enum limit */
    struct image_notes notes;
    char error[160]; /* for people, when the call failed */
};
void decode_result_free(struct decode_result *r);

/* Takes over the reference. A negative answer ends the decoding with that error. */
typedef int decode_image_fn(void *ctx, struct image *img);
/*
 * Whoever has images may know the record that is spelled so: then he gives a reference to the image
 * that decoding it would make (image_is_spelled()), with the same limits and table of names, and
 * nothing is parsed or allocated. NULL: it is news to him.
 */
typedef struct image *decode_known_fn(void *ctx, struct bytes record);

struct decode_known {
    decode_known_fn *find; /* NULL: nobody knows any */
    void *ctx;
};

/* Where images go. */
struct decode_sink {
    decode_image_fn *image;
    void *ctx;
    struct decode_known known;
    /* True: the decoding ends at the next record with -ECANCELED. NULL: nobody says so. */
    const atomic_bool *cancelled;
};

/*
 * Calls sink->image for each usable record, in order. A record that is over a limit by itself is
 * skipped; a file may have any number of them. A negative answer: -EPROTO, not JSON or not of this
 * shape; -E2BIG, over a limit; -ENOMEM; -ECANCELED; or what the sink answered. Errors count bytes
 * from origin on (modulo 2^n), where the text is a part of another. Images may have been handed
 * over before an error was seen, so whoever wants whole pages collects first. out is filled in
 * either case and must be freed.
 */
MUST_CHECK int decode_text_at(struct bytes text, size_t origin, enum decode_shape shape,
                              const struct limits *limits, struct slot_table *attrs,
                              const struct decode_sink *sink, struct decode_result *out);
/* The same for a text that is no part of another. */
MUST_CHECK static inline int decode_text(struct bytes text, enum decode_shape shape,
                                         const struct limits *limits, struct slot_table *attrs,
                                         const struct decode_sink *sink, struct decode_result *out)
{
    return decode_text_at(text, 0, shape, limits, attrs, sink, out);
}

#endif
