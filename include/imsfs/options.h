// SPDX-License-Identifier: Apache-2.0
/*
 * options: the command line of imsfs, also as mount(8) and mount.fuse3(8) write it.
 *
 * One table says what options there are; parsing, bounds and --help (help.h) come from it. The
 * result is plain data and owns its strings. Nothing is opened or looked at but the user data base
 * and the working directory. Before threads start.
 */
#ifndef IMSFS_OPTIONS_H
#define IMSFS_OPTIONS_H

#include <sys/types.h>

#include "imsfs/criteria.h"
#include "imsfs/limits.h"
#include "imsfs/location.h"
#include "imsfs/strbuf.h"

#define OPTIONS_USAGE "imsfs [options] [SOURCE] MOUNTPOINT"

enum options_action { OPTIONS_MOUNT, OPTIONS_HELP, OPTIONS_HELP_QUERY, OPTIONS_VERSION };

struct options {
    enum options_action action; /* unless it is OPTIONS_MOUNT, source and mountpoint may be NULL */
    bool foreground;            /* -f, -d */
    bool debug;                 /* -d */

    enum location source_kind;
    char *source;     /* the URL as given (http or https, a host, no user, no query), an absolute
                         path, or the name of a cloud; NULL: LOCATION_ANY */
    char *mountpoint; /* absolute; links and dots stay: mountpoint_check() resolves them */

    const char *api;       /* "images" or "cloudimages" */
    const char *dialect;   /* "ims" or "glance"; NULL: not said */
    char *project_id;      /* the caller's; NULL: not said */
    char *api_version;     /* for X-Api-Version; NULL: none */
    char *token_file;      /* absolute; NULL: none */
    char *token_command;   /* NULL: none; never both */
    const char *signature; /* "plain" or "scoped" */
    bool insecure_http;
    unsigned page_size;
    unsigned parallel;
    struct limits limits; /* without counters */

    int64_t ttl_ms;
    int64_t stale_ms;
    int64_t timeout_ms;
    int64_t list_timeout_ms;

    char *filter;                /* criteria of the whole mount; NULL: none */
    struct setting_list queries; /* NAME:CRITERIA */
    int64_t cache_max;           /* bytes */

    char *layout;           /* as given; the layout module checks it */
    struct setting_list by; /* as given, in order; may be empty */
    bool lazy;
    bool nofollow;
    bool nonempty;
    bool nosandbox;
    bool recover;

    uid_t uid; /* by default those of the caller */
    gid_t gid;
    unsigned umask;
    bool allow_other;
    bool allow_root; /* never both */
};

/*
 * Reads argv (argv[0] is skipped). 0: out is filled, and the caller frees it. -EINVAL: a usage
 * error; why has one line without "imsfs: " and the newline. -ENOMEM likewise. On failure there is
 * nothing to free. A value that may be a secret is never repeated in why; nor are those of options
 * that do not exist.
 */
MUST_CHECK int options_parse(struct options *out, int argc, char *const argv[], struct strbuf *why);
void options_free(struct options *o);
/* What they say about queries, as criteria_make() has it; options_parse() has checked it. */
MUST_CHECK int options_criteria(const struct options *o, struct criteria *out, struct strbuf *why);

/* All that -o takes, but for limits_rows(), in the order of --help. */
const struct setting *options_rows(size_t *count);
/* What it takes and ignores; one that ends in '-' stands for all names that begin so. */
const char *const *options_ignored(size_t *count);

#endif
