// SPDX-License-Identifier: Apache-2.0
/*
 * armor: rewrites JSON so that a parser that alters scalars cannot harm them.
 *
 * Every string and number becomes a string that spells the token as it came: "a\\u0000b" becomes
 * "$a\\\\u0000b", 1e400 becomes "#1e400". Structure and literals stay, for the parser to check. The
 * input may be anything; escapes and numbers are checked here against RFC 8259. Pure.
 */
#ifndef IMSFS_ARMOR_H
#define IMSFS_ARMOR_H

#include "imsfs/strbuf.h"

/* The first byte of a spelled token: the inside of a string token, or a number token. */
#define ARMOR_STRING '$'
#define ARMOR_NUMBER '#'

/* Replaces out. -EPROTO: not JSON; -ELOOP: nested deeper than allowed; -E2BIG: more values inside
 * it than allowed, where an array or object counts twice if it is empty; -ENOMEM. */
MUST_CHECK int armor_text(struct strbuf *out, struct bytes text, size_t max_depth,
                          size_t max_values);

#endif
