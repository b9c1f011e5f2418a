// SPDX-License-Identifier: Apache-2.0
/*
 * defaults: what follows from the fields that an account gives: addresses from a profile and a
 * region, one domain from another, whole paths from relative ones. Before threads start.
 */
#ifndef IMSFS_DEFAULTS_H
#define IMSFS_DEFAULTS_H

#include "imsfs/draft.h"

/*
 * Completes the draft; signs: its requests will be signed, so there is no catalog to find the image
 * service in. After this DRAFT_AUTH_URL and DRAFT_IMAGE_ENDPOINT are URLs if they are given,
 * DRAFT_INTERFACE is "public", "internal" or "admin", files are absolute paths, and DRAFT_REGION is
 * that of the image service. -EINVAL: something makes no sense, and why says what and where it is
 * written; -ENOMEM.
 */
MUST_CHECK int defaults_apply(struct draft *d, bool signs, struct strbuf *why);

#endif
