// SPDX-License-Identifier: Apache-2.0
/*
 * peek: what a page of a list call says about the one behind it, found by brackets and quotes alone
 * before its records are built. A hint that costs little: decode decides, and may come to something
 * else. The input is hostile and may be anything. Pure; any thread.
 */
#ifndef IMSFS_PEEK_H
#define IMSFS_PEEK_H

#include "imsfs/decode.h"

/*
 * Fills in next, last_id (of the last record, usable or not) and records. False: it does not look
 * like a page, or memory is short. The caller frees *out in either case.
 */
bool peek_page(struct bytes text, struct decode_result *out);

#endif
