// SPDX-License-Identifier: Apache-2.0
/*
 * clouds: the files in which openstacksdk and the openstack command keep their clouds, found as
 * they find them (openstack/config/loader.py), and the names of the clouds in them. One of these is
 * a cloud (cloud.h). Files hold secrets, which clouds_free() wipes. One thread.
 */
#ifndef IMSFS_CLOUDS_H
#define IMSFS_CLOUDS_H

#include "imsfs/document.h"

enum clouds_file {
    CLOUDS_SECURE, /* secure.yaml: secrets, over clouds.yaml */
    CLOUDS_MAIN,   /* clouds.yaml */
    CLOUDS_PUBLIC, /* clouds-public.yaml: profiles besides the built-in ones */
    CLOUDS_FILES,
};

struct clouds {
    struct document files[CLOUDS_FILES]; /* path is NULL where there is none */
};

/*
 * Reads the first clouds.yaml, .yml or .json, secure and clouds-public of: OS_CLIENT_CONFIG_FILE
 * (for secure: OS_CLIENT_SECURE_FILE), the working directory, $XDG_CONFIG_HOME/openstack,
 * ~/.config/openstack, the openstack folders of $XDG_CONFIG_DIRS, /etc/openstack. One that may not
 * be read is passed over with a warning. 0 also when there is none. -EINVAL: a file makes no sense;
 * -EPERM: one in the working directory belongs to somebody else, and could send our password
 * anywhere; why names the file. The caller frees out.
 */
MUST_CHECK int clouds_read(struct clouds *out, struct strbuf *why);
void clouds_free(struct clouds *c);
/* How many clouds there are. */
size_t clouds_count(const struct clouds *c);

/* The file that has them; NULL: none. */
const char *clouds_path(const struct clouds *c);
/* The clouds (or profiles) in a file, as a JSON object; {NULL, 0}: it has none. */
struct bytes clouds_in(const struct clouds *c, enum clouds_file file);
/* Adds the path, printable. */
void clouds_add_path(const struct clouds *c, struct strbuf *out);

/*
 * The cloud called name; NULL: the only one. -ENOENT: there is none, or several, and why lists
 * them; -ENOMEM. The caller frees out.
 */
MUST_CHECK int clouds_pick(const struct clouds *c, const char *name, char **out,
                           struct strbuf *why);

#endif
