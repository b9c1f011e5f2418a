// SPDX-License-Identifier: Apache-2.0
/*
 * facts: what the data file says beside the records: the caller's project, members of images,
 * flavors. Worked out once for each image when the file is loaded; never changes afterwards.
 */
#ifndef SIM_FACTS_H
#define SIM_FACTS_H

#include "imsfs/base.h"

struct data;
struct facts; /* opaque */

/* What the caller may do with an image, by Glance's rules. */
enum facts_access {
    FACTS_OPEN,      /* public, one's own, or nothing is known of projects */
    FACTS_SHARED,    /* somebody else's, visibility shared: facts_status() tells */
    FACTS_COMMUNITY, /* somebody else's, listed only when asked for */
    FACTS_HIDDEN,    /* somebody else's private one */
};

/* text is the whole file, valid JSON; d has its images already. 0, -EPROTO or -ENOMEM. */
MUST_CHECK int facts_new(struct facts **out, struct bytes text, const struct data *d);
void facts_free(struct facts *f);

/* The caller's project id, empty when the file has none. */
struct bytes facts_project(const struct facts *f);
enum facts_access facts_access(const struct facts *f, uint32_t index);
/* The caller's membership in an image, or NULL. */
const char *facts_status(const struct facts *f, uint32_t index);
bool facts_fits(const struct facts *f, uint32_t index, struct bytes flavor);

#endif
