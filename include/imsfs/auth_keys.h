// SPDX-License-Identifier: Apache-2.0
/*
 * auth_keys: signs each request with an access key and a secret key (signature.h). There is no
 * sign-in and nothing expires, but temporary keys do. Without a project id, that of the project's
 * name is asked of the identity service once, with a signed request.
 *
 * Five wrong signatures in a row lock a key pair for five minutes (Huawei Cloud). So after one
 * refusal nothing is sent until the hold ends (hold.h), whoever asks. Threads: see auth.h.
 */
#ifndef IMSFS_AUTH_KEYS_H
#define IMSFS_AUTH_KEYS_H

#include "imsfs/account.h"
#include "imsfs/auth.h"
#include "imsfs/signature.h"

struct auth_keys_config {
    /* With access_key and secret_key; and with project_id, or auth_url and one of project_name and
     * region (where projects are called as regions). Outlives the auth. */
    const struct account *account;
    enum signature_form form;
    bool insecure_http;
    struct http_config http; /* clock, user agent, TLS; without counters */
};

/*
 * Makes no request. -EINVAL: error says what is wrong with the account; -ENOMEM. The caller frees
 * with auth_free().
 */
MUST_CHECK int auth_keys_new(struct auth **out, const struct auth_keys_config *config,
                             struct auth_error *error);

#endif
