// SPDX-License-Identifier: Apache-2.0
/*
 * server: HTTP around the listings: routes, tokens, delays, faults, the request log. The only user
 * of libmicrohttpd. One thread for each connection; requests share nothing but the store, a counter
 * and the log.
 */
#ifndef SIM_SERVER_H
#define SIM_SERVER_H

#include <stdio.h>

#include "fault.h"
#include "listing.h"
#include "store.h"

struct server_options {
    unsigned short port; /* 0: any */
    const char *prefix;  /* path in front of /v2, "" for none */
    const char *token;   /* X-Auth-Token must be this; NULL: anything is good */
    bool no_cloudimages;
    unsigned latency_ms;
    struct listing_rules rules;
    struct fault_list faults;
    FILE *log; /* one line a request, line-buffered; NULL: none */
};

struct server; /* opaque */

/* Starts to listen on 127.0.0.1. options and store must outlive it. 0 or -errno. */
MUST_CHECK int server_start(struct server **out, const struct server_options *options,
                            struct store *store);
unsigned short server_port(const struct server *s);
/* Ends all connections, also those that hang. */
void server_stop(struct server *s);

#endif
