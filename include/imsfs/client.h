// SPDX-License-Identifier: Apache-2.0
/*
 * client: asks one image service for pages of its list calls. It finds out where the service is
 * (from the user, or by signing in) and which call criteria go to, proves who we are, and gets a
 * new token when the service refuses the one it had.
 *
 * It belongs to the fetcher thread; any thread may call client_cancel(), client_dialect() and
 * client_forget().
 */
#ifndef IMSFS_CLIENT_H
#define IMSFS_CLIENT_H

#include "imsfs/auth.h"
#include "imsfs/http.h"
#include "imsfs/route.h"

struct client_config {
    const char *endpoint;        /* see url.h; NULL: what auth finds out when it signs in */
    const struct list_call *api; /* of the mount */
    const char *api_version;     /* for X-Api-Version; NULL: not sent */
    unsigned page_size;          /* our limit; 0: the server's default */
    enum query_dialect dialect;  /* as the user says; see route.h */
    int64_t missing_ms; /* then a list call that was not there is tried again; 0: at client_forget()
                         */
    struct auth *auth;  /* outlives the client; NULL: no proof is sent */
    struct http_config http;
};

struct client {
    struct client_config config;
    char *api_version;
    struct url service; /* base NULL: not known yet */
    struct route route;
    bool takes_limit[2], takes_none[2]; /* our limit; what is known of each call, see limit_at() */
    bool missing; /* cloudimages was not there, when last asked at missing_at_ms */
    int64_t missing_at_ms;
    struct http *http;
    const struct clock *clock;
};

/* One request. */
struct client_page {
    const struct list_call *call;
    const struct query *query; /* NULL: no criteria */
    struct bytes marker;       /* empty: the first page */
    bool limited;              /* with our limit, if the call takes it */
};

/*
 * Makes no request. -EINVAL: why says what is wrong with the configuration; -ENOMEM. Strings are
 * copied. client_deinit() follows in any case.
 */
MUST_CHECK int client_init(struct client *c, const struct client_config *config,
                           struct auth_error *why);
void client_deinit(struct client *c);
/* Ends a running request at once, and all later ones. */
void client_cancel(struct client *c);

/* Unknown until a request needed to know. */
enum query_dialect client_dialect(const struct client *c);
/* The list calls of the service are found out about again. */
void client_forget(struct client *c);

/*
 * The dialect, with one request where only that can tell. 0: it is not unknown. What why and out
 * have after a failure is as for client_choose().
 */
MUST_CHECK int client_find_dialect(struct client *c, int64_t deadline_ms,
                                   enum query_dialect *dialect, const struct list_call **call,
                                   struct http_response *out, struct auth_error *why);
/*
 * Decides on the call for criteria (NULL: that of the mount), with one request where only that can
 * tell. -EINVAL, -EOPNOTSUPP: they are refused. When it fails, why has a line, or is empty and out
 * has the answer of *call that tells.
 */
MUST_CHECK int client_choose(struct client *c, const struct query *q, int64_t deadline_ms,
                             const struct list_call **call, struct http_response *out,
                             struct auth_error *why);
/*
 * Asks for a page; out is emptied first. What http_send() says, or, with a line in why, what kept
 * it from being sent. A refusal is worth another request when there may be a new token, and a 400
 * to a first page where it may mean our limit; whether a call takes that is kept.
 */
MUST_CHECK int client_ask(struct client *c, const struct client_page *page, int64_t deadline_ms,
                          struct http_response *out, struct auth_error *why);
/* Our limit for pages of a call; 0: none, or it takes none. */
unsigned client_page_size(const struct client *c, const struct list_call *call);
/* Adds the address of a call, for people. */
void client_add_call(const struct client *c, const struct list_call *call, struct strbuf *out);

#endif
