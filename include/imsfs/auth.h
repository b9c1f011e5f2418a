// SPDX-License-Identifier: Apache-2.0
/*
 * auth: proves to the service who we are.
 *
 * Today with a token, from the environment or from a file that something else renews. The fetcher
 * thread calls it. Secrets live in here and in the header lines that it adds; they are wiped when
 * they are freed, and never logged. They go over https, to this machine, or anywhere when the user
 * insists, and never elsewhere.
 */
#ifndef IMSFS_AUTH_H
#define IMSFS_AUTH_H

#include "imsfs/http.h"
#include "imsfs/url.h"

#define AUTH_TOKEN_MAX 32768

struct auth;

struct auth_config {
    const char *token;      /* copied (the caller wipes its own); NULL or "": none */
    const char *token_file; /* absolute path, used when there is no token; copied; NULL: none */
    bool insecure_http;     /* send secrets over http to any host */
};

/*
 * Reads the token file now. With neither token nor file the requests carry no proof. -EINVAL: what
 * is there is no token; another -errno: the file cannot be read; error says so in one line;
 * -ENOMEM. The caller frees with auth_free().
 */
MUST_CHECK int auth_new(struct auth **out, const struct auth_config *config, char *error,
                        size_t size);
void auth_free(struct auth *a);

/* True when requests to the endpoint may carry what we have. Else error says in one line what to
 * do. */
bool auth_may_send(const struct auth *a, const struct url *endpoint, char *error, size_t size);
/*
 * Adds the headers that prove who we are to a request, whose url is final. -EPERM: not to this
 * endpoint, see auth_may_send(); -ENOMEM.
 */
MUST_CHECK int auth_headers(struct auth *a, const struct url *endpoint,
                            struct http_request *request);
/*
 * The service answered 401 to what auth_headers() gave. True: there is something new now (the token
 * file has changed), so one more try makes sense.
 */
bool auth_refused(struct auth *a);
/* Writes asterisks over our secrets in text: some services repeat a token that they refuse. */
void auth_redact(const struct auth *a, char *text, size_t len);
/* What a user can do when the service refuses us: the end of an error line. Static or owned by a.
 */
const char *auth_advice(const struct auth *a);

#endif
