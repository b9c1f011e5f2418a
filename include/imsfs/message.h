// SPDX-License-Identifier: Apache-2.0
/*
 * message: a request of http, the answer to it, and whom it is sent to. Data only: http and what it
 * is made of share it.
 */
#ifndef IMSFS_MESSAGE_H
#define IMSFS_MESSAGE_H

#include "imsfs/header.h"

/* Whom we trust and who we are, as curl's options of these names. */
struct http_tls {
    const char *cacert; /* file of certificates, instead of the system's; NULL: the system's */
    const char *cert;   /* file with our certificate; NULL: none */
    const char *key;    /* file with its key, not encrypted; NULL: it is in cert too */
    bool insecure;      /* take any certificate of a server */
};

struct http_request {
    const char *url;
    struct bytes body; /* data is NULL: GET. Else POST of this JSON, which may be a secret */
    struct header_lines headers; /* beside "Accept: application/json", which is always sent */
    int64_t deadline_ms; /* on the config's clock: for connection, transfer and all retries */
};

/* An answer, or the lack of one. Freed with http_response_free(), whatever
 * http_send() said. */
struct http_response {
    int status;         /* of the last try; 0: no whole answer came */
    unsigned requests;  /* sent, retries included */
    struct strbuf body; /* wiped when freed if the request had one */
    struct header_fields fields;
    char cause[256]; /* if status is 0: why, for people; may hold any bytes */
};
static inline void http_response_free(struct http_response *r)
{
    strbuf_free(&r->body);
    header_fields_free(&r->fields);
}

#endif
