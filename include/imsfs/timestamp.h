// SPDX-License-Identifier: Apache-2.0
/*
 * timestamp: the times that the list calls write and take, both forms of their documents:
 * yyyy-MM-ddThh:mm:ssZ and "yyyy-MM-dd hh:mm:ss"; a fraction and an offset (+hh:mm) are understood
 * too. And the one that HTTP writes. Pure.
 */
#ifndef IMSFS_TIMESTAMP_H
#define IMSFS_TIMESTAMP_H

#include <time.h>

#include "imsfs/base.h"

/* Seconds since 1970, the fraction dropped; without an offset it is UTC. False: not such a time of
 * the years 1601-9999. */
bool timestamp_parse(struct bytes text, time_t *t);

/* A date of HTTP (IMF-fixdate of RFC 9110, 5.6.7: "Wed, 22 Jul 2026 16:00:00 GMT"), from 1970 on.
 */
bool timestamp_parse_http(struct bytes text, time_t *t);

#endif
