// SPDX-License-Identifier: Apache-2.0
/*
 * name: how a value of the server becomes one path component, and back.
 *
 * '/', control bytes, bytes that are not UTF-8 and characters that deceive a reader become %XX, a
 * '%' that two hex digits follow becomes %25, "." and ".." become %2E and %2E%2E. Everything else
 * stays. So decoding is unique where nothing was cut. Pure functions.
 */
#ifndef IMSFS_NAME_H
#define IMSFS_NAME_H

#include "imsfs/base.h"

#define NAME_MAX_BYTES 255
#define NAME_ID_MAX_BYTES 128
#define NAME_SIZE (NAME_MAX_BYTES + 1)

/*
 * One component for any value; over 255 bytes it is cut to at most 246 and gets '~' and the 32-bit
 * FNV-1a of the whole value in hex. Returns the length; an empty value gives 0 and "".
 */
size_t name_encode(char out[static NAME_SIZE], struct bytes value);
/* The same for an attribute's file: "image.json" becomes image%2Ejson, the place of the record
 * itself. */
size_t name_encode_attr(char out[static NAME_SIZE], struct bytes key);
/* An image's id: '@' is escaped too. 0: no usable id (empty, or over 128 bytes when encoded). */
size_t name_encode_id(char out[static NAME_SIZE], struct bytes id);
/* name@id, where only the name is cut, so that the whole fits. id is encoded already. */
size_t name_encode_image(char out[static NAME_SIZE], struct bytes name, struct bytes id);
/* %XX back to bytes; anything else is itself. out holds at least component.len bytes. */
size_t name_decode(char *out, struct bytes component);
/* The id in a directory name of the form name@id: what follows the last '@'. False: there is none.
 */
bool name_split_image(struct bytes component, struct bytes *id);

uint32_t name_fnv1a(struct bytes value);
/* A wider hash of a value, to tell two values whose names became equal. */
uint64_t name_fnv1a_64(struct bytes value);

#endif
