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

#include "imsfs/image.h"

struct decode_limits {
    size_t records;      /* in one call */
    size_t record_bytes; /* of one record; a larger one is skipped and counted */
    size_t values;       /* in one record; a record with more is skipped and counted */
    unsigned depth;      /* of nesting, in one record */
    size_t origin;       /* of the text in what errors count bytes of, modulo 2^n */
};
extern const struct decode_limits decode_default_limits;

enum decode_shape {
    DECODE_PAGE, /* {"images": [...], "next": ...}: what a list call answers */
    DECODE_FILE, /* that, or a bare array, or one record after the other */
};

struct decode_result {
    char *next;     /* the "next" string, or NULL; the caller frees it */
    char *last_id;  /* id of the last image that was handed over, or NULL; the caller frees it */
    size_t records; /* as received */
    size_t skipped; /* records without a usable id, too large, or not objects */
    struct image_notes notes;
    char error[128]; /* for people, when the call failed */
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
};

/*
 * Calls sink->image for each usable record, in order. A negative answer: -EPROTO, not JSON or not
 * of this shape; -E2BIG, over a limit; -ENOMEM; or what the sink answered. Images may have been
 * handed over before an error was seen, so whoever wants whole pages collects first. out is filled
 * in either case and must be freed.
 */
MUST_CHECK int decode_text(struct bytes text, enum decode_shape shape,
                           const struct decode_limits *limits, struct slot_table *attrs,
                           const struct decode_sink *sink, struct decode_result *out);

/*
 * Any JSON text -> the same value as compact text, in the tokens that came (what json.h works on).
 * Replaces out. -EPROTO, -E2BIG, -ENOMEM as above. Our own copies of text are wiped: it may be
 * settings, or what an identity service answers.
 */
MUST_CHECK int decode_compact(struct bytes text, const struct decode_limits *limits,
                              struct strbuf *out);
/* The same; after an error line is the one of text up to which it was well, from 1. */
MUST_CHECK int decode_compact_at(struct bytes text, const struct decode_limits *limits,
                                 struct strbuf *out, size_t *line);

#endif
