// SPDX-License-Identifier: Apache-2.0
/*
 * location: what kind of thing SOURCE names. No state; any thread.
 */
#ifndef IMSFS_LOCATION_H
#define IMSFS_LOCATION_H

#include "imsfs/strbuf.h"

enum location {
    LOCATION_URL,
    LOCATION_FILE,
    LOCATION_CLOUD, /* a name in clouds.yaml */
    LOCATION_ANY,   /* none given: what the environment and clouds.yaml say */
};

/*
 * What has "://" is a URL; what has a slash, is empty or ends in .json, .ndjson or .jsonl is a
 * file; the rest is a cloud. *kind is set in any case. -EINVAL: a URL that is no endpoint, and why
 * says what is wrong with it.
 */
MUST_CHECK int location_check(const char *source, enum location *kind, struct strbuf *why);

#endif
