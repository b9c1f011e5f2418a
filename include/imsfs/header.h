// SPDX-License-Identifier: Apache-2.0
/*
 * header: header lines of HTTP. Those that we send may be secrets and are wiped; of those that we
 * receive a few fields are kept, bounded and safe to print. Pure but for the wall clock (dates in
 * Retry-After).
 */
#ifndef IMSFS_HEADER_H
#define IMSFS_HEADER_H

#include "imsfs/strbuf.h"

#define HEADER_LINES_MAX 16

/* What a request says. The owner frees with header_lines_free(). */
struct header_lines {
    char *lines[HEADER_LINES_MAX]; /* "Name: value" */
    size_t count;
};

/* Adds a copy. -EINVAL: the value has control bytes, or there are too many lines; -ENOMEM. */
MUST_CHECK int header_add(struct header_lines *h, const char *name, const char *value);
/* Wipes and frees. */
void header_lines_free(struct header_lines *h);

/* What we keep of an answer's headers. */
struct header_fields {
    char request_id[80];    /* X-Openstack-Request-Id or X-Request-Id; "" if none */
    char content_type[64];  /* lower case, without parameters; "" if none */
    int64_t retry_after_ms; /* clamped as in retry.h; -1: the server did not say */
};
#define HEADER_FIELDS_INIT ((struct header_fields){.retry_after_ms = -1})

/* line is one line of the answer's head, with or without its end; any bytes. */
void header_fields_take(struct header_fields *f, struct bytes line);

#endif
