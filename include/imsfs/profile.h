// SPDX-License-Identifier: Apache-2.0
/*
 * profile: what is known of public clouds without asking: where they sign people in, and, for those
 * whose requests can be signed, where their image service is. One table; pure functions.
 *
 * Sources: the vendor files of openstacksdk (openstack/config/vendors) as `profile:` in clouds.yaml
 * names them; the endpoint lists of Huawei Cloud's SDK and of the Open Telekom Cloud.
 */
#ifndef IMSFS_PROFILE_H
#define IMSFS_PROFILE_H

#include "imsfs/strbuf.h"

struct profile {
    const char *name;
    /* What the profile says, in the form of a cloud of clouds.yaml, as compact JSON (json.h). */
    const char *values;
    const char *image_endpoint; /* for profile_expand(); NULL: only a catalog knows */
    const char *domain;         /* what its hosts end in; NULL: of no use to recognize it */
};

/* NULL: there is none of this name. Case counts, as in openstacksdk. */
const struct profile *profile_find(const char *name);
/* The profile whose hosts auth_url names; NULL: none. */
const struct profile *profile_serving(const char *auth_url);
/* The region in a host like iam.REGION.DOMAIN; empty when auth_url is not of that form. */
struct bytes profile_region_in(const struct profile *p, const char *auth_url);
/* The domain of Huawei Cloud for a region; NULL is any region. */
const char *profile_huawei_domain(const char *region);

/*
 * Adds text with region and domain in place of {region_name} and {cloud}. -EINVAL: a place that
 * needs one that is NULL, or one that cannot be part of a host name; what was added is of no use.
 */
MUST_CHECK int profile_expand(struct strbuf *out, const char *text, const char *region,
                              const char *domain);

#endif
