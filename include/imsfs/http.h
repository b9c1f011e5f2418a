// SPDX-License-Identifier: Apache-2.0
/*
 * http: GET and POST with limits, retries and one deadline; it uses libcurl through attempt.
 *
 * One thread at a time may use a struct http, but any thread may call http_cancel(). Connections
 * are kept between requests; a new one goes to where its host is by then. Never a redirect (libcurl
 * would send X-Auth-Token along to the other host), never a proxy or credentials from the
 * environment or ~/.netrc, never a body over the limit, which counts after decompression. HTTP/2
 * where the server offers it with TLS. Make it after the last fork.
 */
#ifndef IMSFS_HTTP_H
#define IMSFS_HTTP_H

#include <stdatomic.h>

#include "imsfs/clock.h"
#include "imsfs/limits.h"
#include "imsfs/message.h"

struct http;

/* A zero stands for the default. */
struct http_config {
    const struct clock *clock;     /* of the deadlines; default: the real one */
    const char *user_agent;        /* static; default: none is sent */
    const struct limits *limits;   /* outlive it; default limits_standard */
    struct http_tls tls;           /* copied; the files are read with each connection */
    unsigned lines;                /* requests that may be on their way at a time; default 1 */
    unsigned tries;                /* of one http_send(); default 4 */
    int64_t backoff_ms;            /* before the second try; default 500 */
    uint32_t (*random)(void *ctx); /* any 32 bits, for the jitter; default getrandom(2) */
    void *random_ctx;
    atomic_ullong *requests; /* counts requests sent; default: not counted */
    atomic_ullong *bytes;    /* counts bytes of bodies, decompressed */
};

MUST_CHECK int http_new(struct http **out, const struct http_config *config);
/* Nothing may be running, and nobody may call http_cancel() any more. */
void http_free(struct http *h);

/*
 * Sends the request, and again after a pause where that may help: a POST, too, must do no harm when
 * it arrives twice. 0: the status is 200 or 201 and the body whole. Else what verdict_of() says
 * about the last try; -ECANCELED after http_cancel(); -ENOMEM; -EFBIG: the answer is over a limit;
 * -EIO. out is filled in any case. When the pause would leave no time for a try before the
 * deadline, the last try's error is the answer at once; and when it has left none after all.
 */
MUST_CHECK int http_send(struct http *h, const struct http_request *request,
                         struct http_response *out);

/*
 * The same in two steps, with a request that is on its way meanwhile. http_begin() sends its first
 * try without waiting for anything, and keeps nothing of the request but its body; http_finish() is
 * for the same request, perhaps with a later deadline, and goes on as http_send() does. Without a
 * begin it does all of it. line: counted from 0; http_send() uses the first. -ECANCELED.
 */
MUST_CHECK int http_begin(struct http *h, unsigned line, const struct http_request *request);
MUST_CHECK int http_finish(struct http *h, unsigned line, const struct http_request *request,
                           struct http_response *out);
/* Moves what is on its way, without waiting: to be called now and then between the two. */
void http_push(struct http *h);
/* Whether the try that was begun has ended without an answer, or with one that is neither good nor
 * about who we are. */
bool http_has_failed(const struct http *h, unsigned line);
/* The answer to what was begun is not wanted any more, if there is such a thing. */
void http_drop(struct http *h, unsigned line);

/* Ends a running http_send() within a millisecond, and all later ones. Any thread; not a signal
 * handler. */
void http_cancel(struct http *h);

#endif
