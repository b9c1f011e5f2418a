// SPDX-License-Identifier: Apache-2.0
/*
 * compact: JSON text without white space, in the tokens that came (what json.h works on), by way of
 * cJSON, which alone would neither keep numbers nor NULs.
 *
 * No state; any thread. Trees are cJSON's, see compact_delete().
 */
#ifndef IMSFS_COMPACT_H
#define IMSFS_COMPACT_H

#include "imsfs/limits.h"

struct cJSON;

/*
 * Parses text into a tree in which each string and number is armored (armor.h). The caller deletes
 * *out. armored is what cJSON read; *end: where in it it stops to be JSON, when it does. -EPROTO:
 * no JSON; -E2BIG: more values than max_nodes; -ELOOP: nested deeper than max_depth; -ENOMEM.
 */
MUST_CHECK int compact_parse(struct strbuf *armored, struct bytes text, const struct limits *limits,
                             struct cJSON **out, const char **end);
/* For CLEANUP(). */
void compact_delete(struct cJSON **value);

/* Adds a value of such a tree; and an armored string or number. */
void compact_add(struct strbuf *out, const struct cJSON *value);
void compact_add_token(struct strbuf *out, const char *armored);

/*
 * Any JSON text -> the same value as compact text. Replaces out. -EPROTO, -E2BIG (too deep as
 * well), -ENOMEM as above. Our own copies of text are wiped: it may be settings, or what an
 * identity service answers.
 */
MUST_CHECK int compact_text(struct bytes text, const struct limits *limits, struct strbuf *out);
/* The same; after an error line is the one of text up to which it was well, from 1. */
MUST_CHECK int compact_text_at(struct bytes text, const struct limits *limits, struct strbuf *out,
                               size_t *line);

#endif
