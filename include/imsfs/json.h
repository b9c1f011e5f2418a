// SPDX-License-Identifier: Apache-2.0
/*
 * json: works on compact JSON text that decode has already checked: no white space, every string,
 * number and literal as the server wrote it (RFC 8259), though strings may hold bytes that are not
 * UTF-8. Pure functions; text is trusted to be whole, so give these nothing that did not come from
 * decode.
 */
#ifndef IMSFS_JSON_H
#define IMSFS_JSON_H

#include "imsfs/strbuf.h"

/* The value that starts at text.data: its own bytes, without what follows. */
struct bytes json_value(struct bytes text);
/* The bytes that a string token stands for: \u0000 is NUL, a lone surrogate is U+FFFD. */
void json_add_string(struct strbuf *out, struct bytes token);
/* True when a string token stands for text; allocates nothing. */
bool json_string_is(struct bytes token, const char *text);
/* The value as valid JSON on one line: bytes that are not UTF-8 become U+FFFD, raw controls \u00XX.
 */
void json_add_compact(struct strbuf *out, struct bytes value);
/* The same, indented by two spaces a level, a newline at the end. */
void json_add_pretty(struct strbuf *out, struct bytes value);
/* How many bytes that adds. */
size_t json_pretty_size(struct bytes value);

/* Walks an array or an object: start with json_walk(value), then json_next() until it is false. */
struct json_walk {
    struct bytes rest;
    bool object;
};
struct json_walk json_walk(struct bytes value);
/* key is the member's name token, {NULL, 0} in an array. */
bool json_next(struct json_walk *w, struct bytes *key, struct bytes *value);

/* How deep the value is nested (a scalar: 0), and how many values it has, itself and those of
 * members. */
void json_measure(struct bytes value, unsigned *depth, size_t *values);

enum json_which { JSON_FIRST, JSON_LAST };
/*
 * Adds the object with one member of each name, the first or the last, in the order they are left
 * in. Names are compared as they are spelled. -ENOMEM: nothing of use was added.
 */
MUST_CHECK int json_add_unique(struct strbuf *out, struct bytes object, enum json_which which);

/* Adds text as a JSON string token, escaped; bytes that are not UTF-8 become U+FFFD. For what we
 * write. */
void json_add_quoted(struct strbuf *out, struct bytes text);

#endif
