// SPDX-License-Identifier: Apache-2.0
/*
 * attempt: one try of a request, on an easy handle of libcurl: what the callbacks collect, within
 * limits, and what came of it. http decides when there is another.
 *
 * Belongs to its struct http, whose rules of threads hold. An attempt is at rest or on its way; it
 * is at rest after attempt_init() and attempt_end().
 */
#ifndef IMSFS_ATTEMPT_H
#define IMSFS_ATTEMPT_H

#include <curl/curl.h>
#include <stdatomic.h>

#include "imsfs/clock.h"
#include "imsfs/limits.h"
#include "imsfs/message.h"
#include "imsfs/stall.h"
#include "imsfs/verdict.h"

struct attempt_config {
    const struct clock *clock;
    const char *user_agent;
    const struct limits *limits;
    const struct http_tls *tls; /* libcurl copies it */
    atomic_ullong *requests;    /* see struct http_config */
    atomic_ullong *bytes;
};

struct attempt {
    struct attempt_config config;
    CURL *easy;
    CURLM *multi; /* where it is on its way; NULL: it is at rest */
    bool plain;   /* the server names a coding in vain: none is asked for, none undone */
    bool done;    /* code is what became of it */
    CURLcode code;
    struct http_response *out;
    struct curl_slist *headers;
    const char *what; /* for the log */
    int64_t start_ms;
    const char *refused; /* why we ended the transfer ourselves */
    bool no_memory;      /* that was why */
    enum limit over;     /* the answer is beyond this one; LIMITS: beyond none */
    size_t header_bytes;
    unsigned codings; /* of the body, that the headers name */
    struct stall stall;
    char error[CURL_ERROR_SIZE];
};

/* 0 or -ENOMEM. Stays where it is: libcurl knows its address. */
MUST_CHECK int attempt_init(struct attempt *a, const struct attempt_config *config);
/* All zeros are fine. Ends it if it is on its way. */
void attempt_deinit(struct attempt *a);

/*
 * Hands the request to multi, which is to be performed then. out is where the answer goes, without
 * what an earlier try left there; both out and the request's body stay until attempt_end().
 * timeout_ms is for the connection and, if whole, for all of it. An error: it is at rest as before.
 */
MUST_CHECK struct verdict attempt_begin(struct attempt *a, CURLM *multi,
                                        const struct http_request *request, int64_t timeout_ms,
                                        bool whole, struct http_response *out);
/* Keeps what multi has to say of the attempts that are on their way there. */
void attempt_note_ends(CURLM *multi);
/* See http_has_failed(); it is on its way. */
bool attempt_has_failed(const struct attempt *a);
/* Ends it, in whatever state it is, with the code of its end. out then has what came. */
struct verdict attempt_end(struct attempt *a, CURLcode code);
/* The same without anything to conclude: somebody else wants it to end. */
void attempt_cancel(struct attempt *a);

#endif
