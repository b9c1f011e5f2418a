// SPDX-License-Identifier: Apache-2.0
/*
 * utf8: what is a character and which ones may trick a reader (Unicode Standard, table 3-7; RFC
 * 3629). Pure functions.
 */
#ifndef IMSFS_UTF8_H
#define IMSFS_UTF8_H

#include "imsfs/base.h"

/*
 * The length in bytes (1 to 4) of the character at s, and its code point; 0 when the bytes there
 * are not UTF-8 (overlong forms and surrogates are not). s has at least one byte.
 */
size_t utf8_decode(const char *s, size_t len, uint32_t *code);
/*
 * How many bytes at s one U+FFFD stands for, when utf8_decode() gave 0: the longest start of a
 * character, else one byte (Unicode Standard, 3.9, "maximal subpart").
 */
size_t utf8_bad_length(const char *s, size_t len);
/* Writes a code point, 1 to 4 bytes. */
size_t utf8_encode(char out[static 4], uint32_t code);
/*
 * True for what changes how text around it is shown: C0, DEL, C1, direction marks and overrides,
 * line and paragraph separators, the byte order mark.
 */
bool utf8_is_deceptive(uint32_t code);

#endif
