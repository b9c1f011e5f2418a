// SPDX-License-Identifier: Apache-2.0
/*
 * auth: proves to the image service who we are, behind one small interface.
 *
 * auth_token has a token that somebody else got, auth_keystone signs in, auth_keys signs each
 * request. An auth belongs to whichever fetcher thread has the turn (turn.h); any thread may call
 * auth_cancel() and auth_project() and read the counters. Secrets live in the kinds and in the
 * header lines that they add; they are wiped when they are freed, and never logged. They go over
 * https, to this machine, or anywhere when the user insists, and never elsewhere.
 */
#ifndef IMSFS_AUTH_H
#define IMSFS_AUTH_H

#include <stdatomic.h>

#include "imsfs/hold.h"
#include "imsfs/http.h"
#include "imsfs/token.h"
#include "imsfs/url.h"

struct auth;

/* What a token goes in. */
#define AUTH_TOKEN_HEADER "X-Auth-Token"

/* For people: one line that names the object, the cause and what to do; no secret. */
struct auth_error {
    char text[512];
};

/* What the kinds implement. */
struct auth_ops {
    /* See auth_prepare(). NULL: there is nothing to do. */
    int (*prepare)(struct auth *a, int64_t deadline_ms, struct auth_error *error);
    /* Whether prepare() would have nothing to do. NULL: it never has. */
    bool (*ready)(const struct auth *a);
    /* Adds the proof to a request that may carry it; its url is final. 0 or -ENOMEM. */
    int (*headers)(struct auth *a, const struct url *endpoint, struct http_request *request);
    /* See auth_refused(). */
    bool (*refused)(struct auth *a, struct http_response *answer);
    /* Writes asterisks over our secrets. */
    void (*redact)(const struct auth *a, char *text, size_t len);
    /* What a user can do when the service refuses us: the end of an error line. Owned by a. */
    const char *(*advice)(const struct auth *a);
    void (*cancel)(struct auth *a); /* NULL: nothing ever waits */
    void (*free)(struct auth *a);
};

/* The head of every auth; the kinds embed it. */
struct auth {
    const struct auth_ops *ops;
    const char *kind; /* "none", "token", "keystone" or "keys" */
    const struct clock *clock;
    bool insecure_http; /* send secrets over http to any host */
    bool has_proof;     /* there is something that must not go just anywhere */
    struct url image;   /* where the service is; base NULL: the kind does not know (yet) */
    bool locks;         /* wrong proofs in a row lock the account */
    unsigned proof;     /* see auth_proof() */
    bool accepted;      /* the service has taken what we have now */
    bool early;         /* what we had before was refused although it was new */
    int64_t since_ms;   /* when we got it */
    struct hold hold;   /* after a refusal */
    int hold_error;
    char hold_reason[401];
    atomic_ullong sign_ins;   /* tokens that we got */
    atomic_llong expires_ms;  /* of our token, on the clock; 0: unknown or never */
    char *_Atomic project_id; /* see auth_project(); owned */
};

/*
 * Gets ready for a request: signs in, or renews what is about to expire. 0; else error says why:
 * -EACCES, we were refused (and for a while nothing more is tried, see hold.h); -ECANCELED; what
 * http_send() says; -EPROTO, -ENOENT: the answer is no use. Blocks until deadline_ms at most.
 */
MUST_CHECK int auth_prepare(struct auth *a, int64_t deadline_ms, struct auth_error *error);

/* True: auth_prepare() answers 0 at once. */
bool auth_is_ready(const struct auth *a);

/* For the kinds: the project that we are in, of which it takes a copy; "" and NULL say nothing. The
 * first one stays, for a mount is of one project and readers may hold it. -ENOMEM. */
MUST_CHECK int auth_set_project(struct auth *a, const char *id);
/* The id of the project that we are in, as far as the kind knows (yet); NULL: it does not. Stays
 * until auth_free(). Any thread. */
const char *auth_project(const struct auth *a);

/* For the kinds: "PLACE: what; HINT" becomes the error's text; returns code. */
int auth_fail(struct auth_error *error, int code, const char *place, const char *hint,
              const char *fmt, ...) PRINTF_LIKE(5, 6);

/* For the kinds: we have a token, good until expires_ms (0: nobody knows). */
void auth_took(struct auth *a, int64_t expires_ms);
/*
 * For the kinds: the service has refused our token. True: it was good once, so a new one is worth a
 * try. False: it was new, or the one before it lived as short; then there is a pause.
 */
bool auth_lost(struct auth *a, struct http_response *answer);

/* For the kinds: we were refused, so for a while nothing is sent; the error or the answer says why.
 */
void auth_hold(struct auth *a, int error, const struct auth_error *why);
void auth_hold_answer(struct auth *a, struct http_response *answer);
/* The same if the identity service's answer says no to us; one that is away, busy or being
 * upgraded (404) is asked again, so that we are back when it is. */
void auth_hold_if_no(struct auth *a, const struct http_response *answer,
                     const struct auth_error *why);
/* While that lasts what it began with: -errno, and the error says why and for how long. Else 0. */
int auth_held(const struct auth *a, struct auth_error *error);

/*
 * For the kinds: reads a token that somebody else got into *last, in place of the one of last time.
 * While we are to keep away, that one is not given again (-EACCES) and no program is run, but a
 * file or the like may have another. Else as token_read(); error says why.
 */
MUST_CHECK int auth_read_token(struct auth *a, struct token *origin, char **last,
                               int64_t deadline_ms, struct auth_error *error);

/* True when requests to the endpoint may carry what we have. Else error says what to do. */
bool auth_may_send(const struct auth *a, const struct url *endpoint, struct auth_error *error);
/*
 * Adds the headers that prove who we are to a request, whose url is final. -EPERM: not to this
 * endpoint, see auth_may_send(); -ENOMEM.
 */
MUST_CHECK int auth_headers(struct auth *a, const struct url *endpoint,
                            struct http_request *request);
/*
 * Which proof auth_headers() gives now: another number as soon as it was refused or replaced. While
 * a request is on its way, an answer to another may do that.
 */
unsigned auth_proof(const struct auth *a);
/*
 * True: nobody has taken this proof yet, and wrong ones in a row would lock the account. So no
 * other may be sent until the answer has come.
 */
bool auth_is_delicate(const struct auth *a);
/*
 * The service answered 401 or 403 to a request with that proof. True: auth_prepare() can bring
 * something new, so one more try makes sense. When the proof is an old one, nothing is concluded
 * from its refusal. Our secrets in the answer's body are redacted.
 */
bool auth_refused(struct auth *a, unsigned proof, struct http_response *answer);
/* The service has taken that proof. */
void auth_accepted(struct auth *a, unsigned proof);
/* Writes asterisks over the token that a request carried, where its answer repeats it: by now we
 * may have another one. */
void auth_redact_sent(const struct http_request *sent, struct http_response *answer);
/* failure_describe() of an answer, with asterisks over our secrets there and in the answer: some
 * services repeat a token that they refuse. */
void auth_describe(const struct auth *a, struct http_response *answer, int error, char *out,
                   size_t size);
const char *auth_advice(const struct auth *a);
/* Ends a running auth_prepare() soon, and all later ones. Any thread; not a signal handler. */
void auth_cancel(struct auth *a);
/* NULL is fine. After the fetcher threads have ended. */
void auth_free(struct auth *a);

#endif
