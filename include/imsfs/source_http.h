// SPDX-License-Identifier: Apache-2.0
/*
 * source_http: pages through a list call of an image service.
 *
 * The native call ends where there is no "next", whatever a page's length; cloudimages, which has
 * none, where a page is empty. A token that expires on the way is renewed, and the listing goes on
 * from its marker. Criteria go to the call that can answer them (route.h), and those with a limit
 * are exactly one page. Threads: see source.h.
 */
#ifndef IMSFS_SOURCE_HTTP_H
#define IMSFS_SOURCE_HTTP_H

#include "imsfs/auth.h"
#include "imsfs/http.h"
#include "imsfs/source.h"

struct source_http_config {
    const char *endpoint;       /* see url.h; NULL: what auth finds out when it signs in */
    const char *api;            /* "images" or "cloudimages" */
    const char *api_version;    /* for X-Api-Version; NULL: not sent */
    enum query_dialect dialect; /* as the user says; unknown: to be found out */
    int64_t missing_ms;         /* see client.h */
    unsigned page_size;         /* 0: the server's default */
    unsigned parallel;          /* requests at a time for the list without criteria, up to
                                   RANGES_WIDTH_MAX; 0: one */
    int64_t timeout_ms;         /* for one page: connection, transfer and all retries */
    int64_t list_timeout_ms;    /* for a whole listing */
    struct auth *auth;          /* outlives the source; NULL: no proof is sent */
    struct slot_table *attrs;   /* of attribute names; outlives the source */
    struct http_config http;    /* clock, user agent, limits; the counters are the source's own */
};

/*
 * Makes no request. -EINVAL: error says what is wrong with the configuration; -ENOMEM. Strings are
 * copied. The caller frees with source_free().
 */
MUST_CHECK int source_http_new(struct source **out, const struct source_http_config *config,
                               struct source_error *error);

#endif
