// SPDX-License-Identifier: Apache-2.0
/*
 * limits: how much of anything is taken from outside. One table says what is bounded, by which
 * option and how far; whoever takes something in has a pointer to the limits of this mount.
 *
 * What is exactly at a limit is fine. Beyond one the listing fails, or the record is skipped where
 * only that is too large; it is counted here, and told with the option's name. The limits
 * themselves never change once they are made; any thread may ask and count.
 */
#ifndef IMSFS_LIMITS_H
#define IMSFS_LIMITS_H

#include <stdatomic.h>

#include "imsfs/setting.h"

enum limit {
    LIMIT_BODY_BYTES,   /* of one answer, decompressed */
    LIMIT_HEADER_BYTES, /* of one answer, those of interim answers included */
    LIMIT_PAGES,        /* of one listing */
    LIMIT_IMAGES,       /* of one listing */
    LIMIT_RECORDS,      /* of one page, usable or not; a file has no pages */
    LIMIT_RECORD_BYTES, /* of one record, as it comes. From here on only the record is skipped */
    LIMIT_ATTRIBUTES,   /* of one record, a name that comes twice counted twice */
    LIMIT_VALUE_BYTES,  /* of one attribute's value, as compact JSON */
    LIMIT_NODES, /* values in one record at any depth; an empty array or object counts twice */
    LIMIT_DEPTH, /* arrays and objects inside each other, the record itself included */
    LIMITS,      /* their number; also: none of them */
};

/* How often each was exceeded. */
struct limits_counters {
    atomic_ullong over[LIMITS];
};

struct limits {
    int64_t max[LIMITS];
    struct limits_counters *counters; /* NULL: nobody counts */
};

/* The defaults; nobody counts. */
extern const struct limits limits_standard;

/* LIMITS rows of options, in the order of the enum, for a struct limits. */
const struct setting *limits_rows(void);
/* The name of its option. */
const char *limits_name(enum limit which);

/* Whether amount is beyond the limit; then it is counted. */
bool limits_exceeded(const struct limits *l, enum limit which, size_t amount);
/* "more pages of a listing than max_pages=3 allows" */
void limits_describe(const struct limits *l, enum limit which, char out[static 120]);
/* The names in a set of (1u << enum limit), with commas between them. */
void limits_add_names(unsigned set, struct strbuf *out);
/* The counters as a JSON object on one line: name -> how often. */
void limits_add_counters(const struct limits_counters *c, struct strbuf *out);

#endif
