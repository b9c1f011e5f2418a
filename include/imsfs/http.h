// SPDX-License-Identifier: Apache-2.0
/*
 * http: GET and POST with limits, retries and one deadline. The only user of libcurl but verdict.
 *
 * One thread at a time may call http_send() of a struct http; any thread may call
 * http_cancel(). Connections are kept between requests. Never a redirect (libcurl would send
 * X-Auth-Token along to the other host), never a proxy or credentials from the environment or
 * ~/.netrc, never a body over the limit. Make it after the last fork.
 */
#ifndef IMSFS_HTTP_H
#define IMSFS_HTTP_H

#include <stdatomic.h>

#include "imsfs/clock.h"
#include "imsfs/header.h"

#define HTTP_BODY_LIMIT ((size_t)16 << 20)

struct http;

/* Whom we trust and who we are, as curl's options of these names. */
struct http_tls {
    const char *cacert; /* file of certificates, instead of the system's; NULL: the system's */
    const char *cert;   /* file with our certificate; NULL: none */
    const char *key;    /* file with its key, not encrypted; NULL: it is in cert too */
    bool insecure;      /* take any certificate of a server */
};

/* A zero stands for the default. */
struct http_config {
    const struct clock *clock;     /* of the deadlines; default: the real one */
    const char *user_agent;        /* static; default: none is sent */
    size_t body_limit;             /* bytes as received; default HTTP_BODY_LIMIT */
    struct http_tls tls;           /* copied; the files are read with each connection */
    unsigned tries;                /* of one http_send(); default 4 */
    int64_t backoff_ms;            /* before the second try; default 500 */
    uint32_t (*random)(void *ctx); /* any 32 bits, for the jitter; default getrandom(2) */
    void *random_ctx;
    atomic_ullong *requests; /* counts requests sent; default: not counted */
    atomic_ullong *bytes;    /* counts bytes of bodies received */
};

struct http_request {
    const char *url;
    struct bytes body; /* data is NULL: GET. Else POST of this JSON, which may be a secret */
    struct header_lines headers; /* beside "Accept: application/json", which is always sent */
    int64_t deadline_ms; /* on the config's clock: for connection, transfer and all retries */
};

/* An answer, or the lack of one. Freed with http_response_free(), whatever http_send() said. */
struct http_response {
    int status;         /* of the last try; 0: no whole answer came */
    unsigned requests;  /* sent, retries included */
    struct strbuf body; /* wiped when freed if the request had one */
    struct header_fields fields;
    char cause[256]; /* if status is 0: why, for people; may hold any bytes */
};
void http_response_free(struct http_response *r);

MUST_CHECK int http_new(struct http **out, const struct http_config *config);
/* No http_send() may be running, and nobody may call http_cancel() any more. */
void http_free(struct http *h);

/*
 * Sends the request, and again after a pause where that may help: a POST, too, must do no harm when
 * it arrives twice. 0: the status is 200 or 201 and the body whole. Else what verdict_of() says
 * about the last try; -ECANCELED after http_cancel(); -ENOMEM; -EIO. out is filled in any case.
 * When the pause would not end before the deadline, the last try's error is the answer at once.
 */
MUST_CHECK int http_send(struct http *h, const struct http_request *request,
                         struct http_response *out);

/* Ends a running http_send() within a millisecond, and all later ones. Any thread; not a signal
 * handler. */
void http_cancel(struct http *h);

#endif
