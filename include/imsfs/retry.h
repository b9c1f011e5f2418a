// SPDX-License-Identifier: Apache-2.0
/*
 * retry: how long to wait before a request is sent again. Pure functions.
 */
#ifndef IMSFS_RETRY_H
#define IMSFS_RETRY_H

#include <time.h>

#include "imsfs/base.h"

/* No Retry-After makes us wait longer than this. */
#define RETRY_AFTER_MAX_MS 60000
/* Nor does the back-off grow beyond this. */
#define RETRY_BACKOFF_MAX_MS 16000

/*
 * A Retry-After header's value (RFC 9110, 10.2.3: seconds or a date) in milliseconds from now,
 * clamped to 0 and RETRY_AFTER_MAX_MS; -1: it is neither.
 */
int64_t retry_parse_after(struct bytes value, time_t now);

/*
 * The pause before try number done + 1, in milliseconds: what the server asked for (after_ms, -1
 * for nothing) and up to first_ms more; else first_ms doubled with each try, of which random takes
 * away up to a half, so that many clients do not come back together. random is any 32 bits.
 */
int64_t retry_delay_ms(unsigned done, int64_t after_ms, int64_t first_ms, uint32_t random);

#endif
