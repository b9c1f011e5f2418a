// SPDX-License-Identifier: Apache-2.0
/*
 * client: asks one image service for pages of its list calls. It finds out where the service is
 * (from the user, or by signing in) and which call criteria go to, proves who we are, and gets a
 * new token when the service refuses the one it had.
 *
 * Its threads (lanes) work one at a time: whoever calls has the turn, and the client gives it up
 * while a request for a page is on its way, but not while it signs in, for which all must wait. Any
 * thread may call client_cancel(), client_dialect(), client_reconsider() and client_forget().
 */
#ifndef IMSFS_CLIENT_H
#define IMSFS_CLIENT_H

#include "imsfs/auth.h"
#include "imsfs/desk.h"
#include "imsfs/route.h"
#include "imsfs/slot.h"
#include "imsfs/turn.h"

struct client_config {
    const char *endpoint;        /* see url.h; NULL: what auth finds out when it signs in */
    const struct list_call *api; /* of the mount */
    const char *api_version;     /* for X-Api-Version; NULL: not sent */
    unsigned page_size;          /* our limit; 0: the server's default */
    enum query_dialect dialect;  /* as the user says; see route.h */
    int64_t missing_ms; /* then a list call that was not there is tried again; 0: at client_forget()
                         */
    unsigned lanes;     /* that may have a request out at the same time; 0: one */
    unsigned parallel;  /* requests of one listing at a time; 0: one */
    struct auth *auth;  /* outlives the client; NULL: no proof is sent */
    struct slot_table *attrs; /* of attribute names; outlives the client */
    struct http_config http;
};

struct client {
    struct client_config config;
    char *api_version;
    struct url service; /* base NULL: not known yet */
    struct route route;
    bool takes_limit[2], takes_none[2]; /* our limit; what is known of each call, see limit_at() */
    atomic_bool missing; /* cloudimages was not there, when last asked at missing_at_ms */
    _Atomic int64_t missing_at_ms;
    struct desks desks;
    const struct clock *clock;
};

/* One request. */
struct client_page {
    const struct list_call *call;
    const struct query *query; /* NULL: no criteria */
    struct bytes marker;       /* empty: the first page */
    bool limited;              /* with our limit, if the call takes it */
};

/* A request for a page that is on its way before anybody waits for it. All zeros: none. */
struct client_ahead {
    struct desk *desk; /* NULL: none */
    unsigned line;     /* of the desk */
    struct strbuf url;
    struct http_request request;
    unsigned proof; /* that it carries; see auth.h */
};

/* Who asks and until when, and what came of it. */
struct client_try {
    struct turn *turn; /* NULL: there is one thread */
    int64_t deadline_ms;
    struct client_ahead *ahead; /* taken up if it has a request, which must be for the page that is
                                   asked for, and empty afterwards. NULL: there is none */
    struct desk *beside; /* the caller has requests on their way there, which go on meanwhile; NULL:
                            nowhere */
    struct http_response *answer; /* to the last request; emptied before each. The caller frees */
    unsigned requests;            /* this many more were sent */
    struct auth_error why; /* after a failure: one line; empty: the answer tells, or the lack of one
                            */
};

/*
 * Makes no request. -EINVAL: why says what is wrong with the configuration; -ENOMEM. Strings are
 * copied. client_deinit() follows in any case.
 */
MUST_CHECK int client_init(struct client *c, const struct client_config *config,
                           struct auth_error *why);
void client_deinit(struct client *c);
/* Ends the running requests at once, and all later ones. */
void client_cancel(struct client *c);

/* Unknown until a request needed to know. */
enum query_dialect client_dialect(const struct client *c);
/* True: a list call was not there, but that was missing_ms ago, so it is forgotten; what was
 * refused for that may be asked again. */
bool client_reconsider(struct client *c);
/* The list calls of the service are found out about again. */
void client_forget(struct client *c);

/*
 * The dialect, with one request where only that can tell. 0: it is not unknown. When the answer of
 * a call tells of a failure, *call is that one. Lanes that need to know at the same time may each
 * ask: the answers are the same, and which lane waited for which would cost more than it saves.
 */
MUST_CHECK int client_find_dialect(struct client *c, struct client_try *t,
                                   enum query_dialect *dialect, const struct list_call **call);
/*
 * Decides on the call for criteria (NULL: that of the mount), with one request where only that can
 * tell. -EINVAL, -EOPNOTSUPP: they are refused. Else as client_find_dialect().
 */
MUST_CHECK int client_choose(struct client *c, struct client_try *t, const struct query *q,
                             const struct list_call **call);
/*
 * Asks for a page. What http_send() says, or, with a line in why, what kept it from being sent. A
 * refusal is worth another request when there may be a new token, and a 400 to a first page where
 * it may mean our limit; whether a call takes that is kept.
 */
MUST_CHECK int client_ask(struct client *c, struct client_try *t, const struct client_page *page);
/*
 * Sends the request for a page, without waiting for anything, so that a
 * client_ask() for the same page finds its answer on the way. -EAGAIN: not now, because something
 * else must come first, such as a sign-in, or too many are on their way; -errno: it cannot be sent.
 * Nothing is begun then, and client_ask() tells what there is to tell. beside: see client_try.
 */
MUST_CHECK int client_begin(struct client *c, const struct client_page *page, int64_t deadline_ms,
                            struct desk *beside, struct client_ahead *ahead);
/* See http_has_failed(). */
bool client_has_failed(const struct client_ahead *ahead);
/* Moves it on, without waiting: to be called now and then. */
void client_push(const struct client_ahead *ahead);
/* The answer is not wanted. Returns how many requests that makes: 1, or 0 if there was none. */
unsigned client_drop(struct client *c, struct client_ahead *ahead);
/* Our limit for pages of a call; 0: none, or it takes none. */
unsigned client_page_size(const struct client *c, const struct list_call *call);
/* Adds the address of a call, for people. */
void client_add_call(const struct client *c, const struct list_call *call, struct strbuf *out);

#endif
