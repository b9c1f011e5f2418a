// SPDX-License-Identifier: Apache-2.0
/*
 * cutter: cuts a text of records between records, so that a large file need not be in memory whole.
 *
 * The text comes in windows and goes as pieces that decode_text() takes, which together mean what
 * the whole would: a list call's answer, an array, or one record after the other. A piece is an
 * array of whole records, or what stands around them. The cutter looks at brackets and quotes as
 * decode does; what it cannot cut it gives as it is, for decode to say what is wrong. One thread at
 * a time.
 */
#ifndef IMSFS_CUTTER_H
#define IMSFS_CUTTER_H

#include "imsfs/strbuf.h"

enum cutter_phase {
    CUTTER_HEAD,  /* what it is has not been seen yet */
    CUTTER_ARRAY, /* in an array of records */
    CUTTER_LINES, /* in one record after the other */
    CUTTER_TAIL,  /* behind the array */
    CUTTER_END,   /* all is cut, or something is wrong */
};

struct cutter {
    struct strbuf text;   /* what is not cut yet, and a byte before it */
    size_t start;         /* of that in text */
    size_t offset;        /* of text's first byte in the whole */
    struct strbuf around; /* what stands before the array, [] for it, and what stands behind */
    size_t tail_origin;   /* of around as a piece */
    enum cutter_phase phase;
    bool began;     /* the array had its first record */
    size_t ends_at; /* in text; where a piece was closed, over what is in end; 0: nowhere */
    char end;
};

struct cutter_piece {
    struct bytes text; /* of the cutter, until its next call */
    size_t origin;     /* add it to an offset in text, modulo 2^n, for that in the whole */
    bool bad;          /* decode_text() must find something wrong with it */
};

#define CUTTER_INIT ((struct cutter){0})

void cutter_free(struct cutter *c);
/* Room for a window of at least that size, to which the caller adds; NULL: out of memory. */
struct strbuf *cutter_window(struct cutter *c, size_t size);
/*
 * The next piece, 1; 0: another window is needed, or with last, which says that there is none,
 * everything was given; -ENOMEM.
 */
MUST_CHECK int cutter_next(struct cutter *c, bool last, struct cutter_piece *piece);

#endif
