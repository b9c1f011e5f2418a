// SPDX-License-Identifier: Apache-2.0
/*
 * status: the text of .imsfs/status.json: what is mounted, how fresh it is, what it cost and what
 * went wrong; and a row with the most of that for each query's list. Any thread.
 */
#ifndef IMSFS_STATUS_H
#define IMSFS_STATUS_H

#include "imsfs/auth.h"
#include "imsfs/cache.h"
#include "imsfs/traffic.h"

struct status {
    struct cache *cache;         /* borrowed */
    const struct source *source; /* borrowed */
    const char *version;
    const char *location;               /* the endpoint, cloud or file, without secrets; borrowed */
    const struct auth *auth;            /* borrowed; NULL: nobody signs in */
    const struct traffic *traffic;      /* borrowed; NULL: not shown */
    const struct limits_counters *over; /* borrowed; NULL: not shown */
    const struct query *filter;         /* of the mount; borrowed; NULL: there is none */
    enum query_dialect (*dialect)(void *ctx); /* NULL: not shown */
    /* Adds the last criteria that were refused, and why; nothing: none were. NULL: not shown. */
    void (*add_refused)(void *ctx, struct strbuf *out);
    void *ctx;
};

/* Adds the text, indented JSON. */
void status_add(const struct status *s, struct strbuf *out);

#endif
