// SPDX-License-Identifier: Apache-2.0
/*
 * token: where a token comes from that somebody else got: the environment, a file that something
 * renews, or a program that prints one (for vaults). One thread at a time reads it; any thread may
 * call token_cancel(). Nothing of a token is ever logged.
 */
#ifndef IMSFS_TOKEN_H
#define IMSFS_TOKEN_H

#include "imsfs/strbuf.h"

#define TOKEN_MAX 32768

struct token_config {
    const char *fixed; /* copied; NULL: none */
    const char *file;  /* absolute path; copied; NULL: none */
    const char
        *command; /* for sh -c; copied; NULL: none. The first of the three that is there counts */
};

struct token;

/* Reads nothing yet. -EINVAL: the fixed token is none, and why says so; -ENOMEM. */
MUST_CHECK int token_new(struct token **out, const struct token_config *config, struct strbuf *why);
void token_free(struct token *t);

/*
 * The token as it is now: the file is read, the program run (for at most timeout_ms; its standard
 * error goes to the log, its environment is ours). One line of at most TOKEN_MAX visible ASCII
 * characters (RFC 9110, 5.5); the caller frees value with secret_free(). -errno: why says in one
 * line what is wrong and what to do; -ECANCELED after token_cancel().
 */
MUST_CHECK int token_read(struct token *t, int64_t timeout_ms, char **value, struct strbuf *why);
/* True when another token_read() may bring another token. */
bool token_renews(const struct token *t);
/* True when reading it runs a program. */
bool token_is_program(const struct token *t);
/* What a user can do when the service refuses the token: the end of an error line. Owned by t. */
const char *token_advice(const struct token *t);
/* Ends a running token_read() soon, and all later ones. Any thread. */
void token_cancel(struct token *t);

#endif
