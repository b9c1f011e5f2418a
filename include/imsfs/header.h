// SPDX-License-Identifier: Apache-2.0
/*
 * header: header lines of HTTP. Those that we send may be secrets and are wiped; of those that we
 * receive a few fields are kept, bounded and, but for the token, safe to print. Pure but for the
 * wall clock (dates in Retry-After).
 */
#ifndef IMSFS_HEADER_H
#define IMSFS_HEADER_H

#include <time.h>

#include "imsfs/strbuf.h"

#define HEADER_LINES_MAX 16
/* Fernet tokens have some 200 characters, signed ones (PKI) with a catalog in them tens of
 * thousands. */
#define HEADER_TOKEN_MAX 32768

/* What a request says. The owner frees with header_lines_free(). */
struct header_lines {
    char *lines[HEADER_LINES_MAX]; /* "Name: value" */
    size_t count;
};

/* Adds a copy. -EINVAL: the value has control bytes, or there are too many lines; -ENOMEM. */
MUST_CHECK int header_add(struct header_lines *h, const char *name, const char *value);
/* Wipes and frees. */
void header_lines_free(struct header_lines *h);

/* What we keep of an answer's headers. The owner frees with header_fields_free(); a copy of the
 * struct is none of the token. */
struct header_fields {
    char request_id[80];    /* X-Openstack-Request-Id or X-Request-Id; "" if none */
    char content_type[64];  /* lower case, without parameters; "" if none */
    int64_t retry_after_ms; /* clamped as in retry.h; -1: the server did not say */
    time_t date;            /* Date: the server's wall clock; -1: the server did not say */
    char *subject_token;    /* X-Subject-Token: a secret; NULL if none */
};
#define HEADER_FIELDS_INIT ((struct header_fields){.retry_after_ms = -1, .date = -1})

/*
 * line is one line of the answer's head, with or without its end; any bytes. A value that makes no
 * sense is not taken; a token is up to HEADER_TOKEN_MAX characters of visible ASCII. -ENOMEM.
 */
MUST_CHECK int header_fields_take(struct header_fields *f, struct bytes line);
/* Wipes and frees the token; f is then as HEADER_FIELDS_INIT. */
void header_fields_free(struct header_fields *f);

#endif
