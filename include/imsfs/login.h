// SPDX-License-Identifier: Apache-2.0
/*
 * login: how this mount gets at its images: reads the account that the options name, and makes the
 * source for it. Used by main, once; the parts then belong to the fetcher's threads.
 */
#ifndef IMSFS_LOGIN_H
#define IMSFS_LOGIN_H

#include "imsfs/account.h"
#include "imsfs/auth.h"
#include "imsfs/options.h"
#include "imsfs/sandbox.h"
#include "imsfs/source.h"
#include "imsfs/token.h"

struct login {
    struct account account;
    struct token *token; /* NULL: the account has more than a token, or less */
    struct auth *auth;   /* NULL: the source is a file */
};

/*
 * Reads what there is about the account, and wipes the secrets in the environment. Before the fork,
 * where the working directory is still the user's. -errno: why has one line; nothing to free.
 */
MUST_CHECK int login_load(struct login *l, const struct options *o, struct strbuf *why);
/* Makes the source; sends nothing. After the last fork. attrs outlives it. */
MUST_CHECK int login_open(struct login *l, const struct options *o, struct slot_table *attrs,
                          struct source **out, struct strbuf *why);
/*
 * What a sandbox must leave us: the files that are read later, and the ports. False: there must be
 * none, for token_command may need any right that we have. What out points to is o's or l's.
 */
bool login_needs(const struct login *l, const struct options *o, struct sandbox_config *out);
/* What the mount shows as its source: the URL, the file or the cloud. Owned by o or l. */
const char *login_location(const struct login *l, const struct options *o);
/*
 * The id of the caller's project: as the user says, else as sign-in tells, which may come later,
 * else as the account has it. Empty: not known (yet). Stays until login_free(). Any thread.
 */
struct bytes login_project(const struct login *l, const struct options *o);
/* After the source was freed. */
void login_free(struct login *l);

#endif
