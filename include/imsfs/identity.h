// SPDX-License-Identifier: Apache-2.0
/*
 * identity: the messages of Keystone v3 (Identity API v3, "Authentication and token management").
 * Makes the request for a token and reads the answer; sends nothing. Pure functions.
 */
#ifndef IMSFS_IDENTITY_H
#define IMSFS_IDENTITY_H

#include <time.h>

#include "imsfs/account.h"

/*
 * Adds the body of POST /v3/auth/tokens: with token the method token, which scopes that one anew;
 * with NULL the account's method, which is password (password, totp, or both) or application
 * credential. Scoped to the account's project, if it names one, but for application credentials,
 * which must not be. out should be a STRBUF_SECRET, and nothing is added on -EINVAL: the account
 * lacks something, or has what is not UTF-8, and why says what and where it is written; -ENOMEM.
 */
MUST_CHECK int identity_add_request(const struct account *a, const char *token, struct strbuf *out,
                                    struct strbuf *why);

/* What the answer to that, or to GET /v3/auth/tokens, says. */
struct identity_grant {
    char *project_id, *project_name; /* never NULL: a token without a project is refused */
    char *project_domain_id, *project_domain_name; /* NULL: it does not say */
    int64_t lifetime_ms;  /* from issued_at to expires_at, so no clock of ours has a part in it */
    time_t expires;       /* expires_at: by the service's wall clock */
    char *image_endpoint; /* of the catalog; NULL: not asked for */
};
void identity_grant_free(struct identity_grant *g);

/*
 * Reads the answer's body. With want_endpoint the catalog must have an image service: type "image",
 * the account's interface and region; without a region the first one, with a warning if there are
 * several. -EPROTO: no such answer; -EACCES: the token has no project; -ENOENT: no image service,
 * region or interface, and why lists those there are; -ENOMEM. out is written only on success.
 */
MUST_CHECK int identity_read_grant(struct bytes body, const struct account *a, bool want_endpoint,
                                   struct identity_grant *out, struct strbuf *why);

/* True: the token is for the account's project, or the account does not name one. An id is
 * compared, else the names, of its domain as far as both say one; without regard to case, as
 * Keystone does. */
bool identity_is_for(const struct identity_grant *g, const struct account *a);

#endif
