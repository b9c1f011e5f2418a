// SPDX-License-Identifier: Apache-2.0
/*
 * auth_keystone: signs in at Keystone (Identity API v3) and keeps the token good: it is renewed
 * before it expires, by its lifetime on a clock that does not jump, and once when the service does
 * not take it any more. A sign-in that is refused is tried again after minutes (hold.h); while the
 * identity service is away, the token that we have is used to its end. Threads: see auth.h.
 */
#ifndef IMSFS_AUTH_KEYSTONE_H
#define IMSFS_AUTH_KEYSTONE_H

#include "imsfs/account.h"
#include "imsfs/auth.h"
#include "imsfs/token.h"

struct auth_keystone_config {
    const struct account *account; /* with auth_url; outlives the auth */
    struct token *token;           /* for ACCOUNT_TOKEN; outlives the auth */
    bool want_endpoint;            /* look the image service up in the catalog */
    bool insecure_http;
    struct http_config http; /* clock, user agent, TLS; without counters */
};

/*
 * Makes no request. -EINVAL: error says what is wrong with the account; -ENOMEM. The caller frees
 * with auth_free().
 */
MUST_CHECK int auth_keystone_new(struct auth **out, const struct auth_keystone_config *config,
                                 struct auth_error *error);

#endif
