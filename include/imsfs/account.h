// SPDX-License-Identifier: Apache-2.0
/*
 * account: who we are to a cloud and where its services are, as its user has written it down
 * already: in clouds.yaml or in the environment.
 *
 * One table says for each field what it is called in the files and in each family of variables.
 * Plain data that owns its strings; account_free() wipes them. Before threads start.
 */
#ifndef IMSFS_ACCOUNT_H
#define IMSFS_ACCOUNT_H

#include "imsfs/strbuf.h"

/* How the account signs in. */
enum account_method {
    ACCOUNT_NONE,       /* nothing to prove, or nothing to prove it with */
    ACCOUNT_TOKEN,      /* a token that somebody else got */
    ACCOUNT_PASSWORD,   /* Keystone; with a passcode it is TOTP too */
    ACCOUNT_CREDENTIAL, /* Keystone; an application credential */
    ACCOUNT_KEYS,       /* AK/SK: each request is signed */
};

/* NULL: not given. A field that is given is never "". */
struct account {
    enum account_method method;
    char *cloud;          /* its name in clouds.yaml; NULL: from the environment */
    char *auth_url;       /* of Keystone or IAM, as given */
    char *image_endpoint; /* instead of what the catalog says */

    char *username, *user_id, *user_domain_name, *user_domain_id;
    char *password, *passcode;
    char *credential_id, *credential_name, *credential_secret;
    char *token;
    char *access_key, *secret_key, *security_token;
    char *project_name, *project_id, *project_domain_name, *project_domain_id;

    char *region;              /* NULL: the only one */
    char *interface;           /* "public", "internal" or "admin" */
    char *cacert, *cert, *key; /* absolute paths */
    bool insecure;             /* certificates are not checked */
};

/* Where to look. */
enum account_origin {
    ACCOUNT_CLOUD,       /* the cloud of this name, and nothing from the environment's account */
    ACCOUNT_ENVIRONMENT, /* the variables only; when they say nothing the method is ACCOUNT_NONE */
    ACCOUNT_ANY,         /* OS_CLOUD, else the variables, else the only cloud there is */
};

struct account_request {
    enum account_origin origin;
    const char *cloud; /* for ACCOUNT_CLOUD */
    bool has_token;    /* a token comes from elsewhere: the method is ACCOUNT_TOKEN, whatever else
                          there is, and variables need only say where to use it */
};

/*
 * Reads the files and variables. 0: the caller frees out. -ENOENT: there is no such cloud, none at
 * all, or several to choose from, and why lists them; -EINVAL: a file, a variable or the account as
 * a whole makes no sense; -EPERM: a file in the working directory is somebody else's; -EIO and
 * others: a file cannot be read; -ENOMEM. why has one line that names the
 * culprit, and never a secret. Warns (log) about files with secrets that others can read.
 */
MUST_CHECK int account_load(struct account *out, const struct account_request *request,
                            struct strbuf *why);
void account_free(struct account *a);

/* Wipes the secrets in our own environment, where /proc/PID/environ shows them, and unsets them, so
 * that no child gets them. */
void account_wipe_environment(void);

#endif
