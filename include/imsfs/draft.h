// SPDX-License-Identifier: Apache-2.0
/*
 * draft: an account as somebody wrote it down, field by field, before anything is made of it.
 *
 * One table says what each field is called in clouds.yaml and in each family of variables. Families
 * are never mixed: half an account of one with half of another would send a secret to a stranger.
 * Values are secrets or might be: draft_free() wipes them. Before threads start.
 */
#ifndef IMSFS_DRAFT_H
#define IMSFS_DRAFT_H

#include "imsfs/cloud.h"

enum draft_field {
    DRAFT_AUTH_TYPE,
    DRAFT_AUTH_URL,
    DRAFT_IMAGE_ENDPOINT,
    DRAFT_ENDPOINT, /* of auth types that ask no Keystone */
    DRAFT_USERNAME,
    DRAFT_USER_ID,
    DRAFT_USER_DOMAIN_NAME,
    DRAFT_USER_DOMAIN_ID,
    DRAFT_PASSWORD,
    DRAFT_PASSCODE,
    DRAFT_CREDENTIAL_ID,
    DRAFT_CREDENTIAL_NAME,
    DRAFT_CREDENTIAL_SECRET,
    DRAFT_TOKEN,
    DRAFT_ACCESS_KEY,
    DRAFT_SECRET_KEY,
    DRAFT_SECURITY_TOKEN,
    DRAFT_PROJECT_NAME,
    DRAFT_PROJECT_ID,
    DRAFT_PROJECT_DOMAIN_NAME,
    DRAFT_PROJECT_DOMAIN_ID,
    DRAFT_DOMAIN_NAME, /* of the user and the project */
    DRAFT_DOMAIN_ID,
    DRAFT_DEFAULT_DOMAIN_NAME, /* where nothing else says */
    DRAFT_DEFAULT_DOMAIN_ID,
    DRAFT_REGION,
    DRAFT_IMAGE_REGION, /* of the image service alone */
    DRAFT_INTERFACE,
    DRAFT_CACERT,
    DRAFT_CERT,
    DRAFT_KEY,
    DRAFT_INSECURE,
    DRAFT_VERIFY,
    DRAFT_HUAWEI_DOMAIN, /* HW_CLOUD */
    DRAFT_KEYFILE,       /* a file with access keys (keyfile.h) */
    DRAFT_KEYFILE_PROFILE,
    DRAFT_AGENCY, /* to be refused: another identity than ours */
    DRAFT_TRUST,
    DRAFT_SYSTEM_SCOPE,
    DRAFT_FIELDS,
};

/* Families of variables, from the one that is asked first. */
enum draft_family { DRAFT_OS, DRAFT_HW, DRAFT_SDK, DRAFT_FAMILIES };

struct draft {
    char *values[DRAFT_FIELDS];      /* NULL: not given; never "" */
    const char *names[DRAFT_FIELDS]; /* what the field is called where it is given, or would be */
    char *cloud;                     /* NULL: from variables */
    enum draft_family family;        /* if from variables */
    const struct profile *profile;   /* NULL: none */
    struct strbuf origin;            /* for errors: cloud "x" in FILE */
};

/* The cloud. Warns about a file that others can read and that has one of its secrets. -EINVAL: a
 * value is a list or a mapping, and why names its key; -ENOMEM. The caller frees out. */
MUST_CHECK int draft_read_cloud(struct draft *out, const struct cloud *c, struct strbuf *why);
/*
 * The variables of the first family that has a credential, and of OS when none has. found says
 * whether one has. -ENOMEM. The caller frees out.
 */
MUST_CHECK int draft_read_variables(struct draft *out, bool *found);
void draft_free(struct draft *d);

/* Takes over value, which may be NULL, in place of what the field has. */
void draft_set(struct draft *d, enum draft_field field, char *value);
/* Copies from where to has nothing. -ENOMEM. */
MUST_CHECK int draft_default(struct draft *d, enum draft_field to, const char *value);

/* Makes the field, if it is given, a path from the root: ~/ is $HOME. -EINVAL with why; -ENOMEM. */
MUST_CHECK int draft_make_absolute(struct draft *d, enum draft_field field, struct strbuf *why);
/* Adds "ORIGIN: " and the text to why; returns -EINVAL. */
int draft_refuse(const struct draft *d, struct strbuf *why, const char *fmt, ...) PRINTF_LIKE(3, 4);

/* Wipes the secrets of all families in the environment and unsets them. */
void draft_wipe_environment(void);

#endif
