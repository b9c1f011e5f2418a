// SPDX-License-Identifier: Apache-2.0
/*
 * span: finds its way in JSON text that nobody has checked yet, by brackets and quotes alone: where
 * values begin and end, and whether one is spelled like another. It neither checks nor changes
 * anything, and reads nothing outside the text. Pure.
 */
#ifndef IMSFS_SPAN_H
#define IMSFS_SPAN_H

#include "imsfs/base.h"

/* What is left of a text. */
struct span_rest {
    const char *s, *end;
};

void span_skip_space(struct span_rest *rest);
/* The value at rest->s; moves behind it. False: it does not end. */
bool span_value(struct span_rest *rest, struct bytes *value);
/*
 * Moves from '{' or ',' in an object to its next value; key is that member's name as it is
 * spelled. False: there is none.
 */
bool span_key(struct span_rest *rest, struct bytes *key);
/* The value of an object's first member whose name is spelled so, quotes included. False: none. */
bool span_member(struct bytes object, const char *key, struct bytes *value);
/*
 * Whether value has the tokens of compact, which is checked JSON without white space, with nothing
 * but white space between them: then it is JSON, and compact is what it becomes.
 */
bool span_spells(struct bytes value, struct bytes compact);

#endif
