// SPDX-License-Identifier: Apache-2.0
/*
 * services: the catalog in Keystone's answer: which services a cloud has, and where (Identity API
 * v3, "Service catalog and endpoints"). Pure functions; the text is hostile but is JSON (json.h).
 */
#ifndef IMSFS_SERVICES_H
#define IMSFS_SERVICES_H

#include "imsfs/strbuf.h"

/*
 * The address of the image service (type "image") with this interface, "public", "publicURL" and so
 * on, in this region. Without an interface the public one; without a region the first one, and a
 * warning when there are several. -ENOENT: there is none, and why says what is missing and lists
 * what there is; -ENOMEM. The caller frees out, which is text as it came: url.h checks it.
 */
MUST_CHECK int services_find_image(struct bytes catalog, const char *interface, const char *region,
                                   char **out, struct strbuf *why);

#endif
