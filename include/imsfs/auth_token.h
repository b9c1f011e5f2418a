// SPDX-License-Identifier: Apache-2.0
/*
 * auth_token: a token that somebody else got, sent as X-Auth-Token; or nothing at all. The token is
 * read again when the service refuses it. Threads: see auth.h.
 */
#ifndef IMSFS_AUTH_TOKEN_H
#define IMSFS_AUTH_TOKEN_H

#include "imsfs/auth.h"
#include "imsfs/token.h"

struct auth_token_config {
    struct token *token; /* outlives the auth; NULL: requests carry no proof */
    const struct clock *clock;
    bool insecure_http;
};

/* Reads nothing yet. -ENOMEM. The caller frees with auth_free(). */
MUST_CHECK int auth_token_new(struct auth **out, const struct auth_token_config *config);

#endif
