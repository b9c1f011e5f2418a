// SPDX-License-Identifier: Apache-2.0
/*
 * content: what the file of an attribute holds, made from the attribute's JSON value: compact text
 * in the tokens that came (see json.h). Pure functions.
 */
#ifndef IMSFS_CONTENT_H
#define IMSFS_CONTENT_H

#include "imsfs/strbuf.h"

enum content_type {
    CONTENT_NULL,
    CONTENT_BOOL,
    CONTENT_NUMBER,
    CONTENT_STRING,
    CONTENT_ARRAY,
    CONTENT_OBJECT,
};

enum content_type content_type(struct bytes value);

/* What the file holds. Added to out. */
void content_add(struct bytes value, struct strbuf *out);
/* How many bytes that is. scratch is room for what must be written to be counted: its content is
 * lost, and its error is the caller's to see. */
size_t content_size(struct bytes value, struct strbuf *scratch);
/*
 * A value for grouping: a string's bytes, a number's digits, true or false, compact JSON for the
 * rest. False, and nothing added: null or "".
 */
bool content_add_text(struct bytes value, struct strbuf *out);

#endif
