// SPDX-License-Identifier: Apache-2.0
/*
 * data: what the simulated service knows: images, the caller's project, who shares what with whom.
 *
 * The file is a list response, a bare array, or one record a line; the first form may also have
 * "project_id": the caller's, "members": {image id: [{"member_id", "status"}]} and "flavors":
 * {flavor id: [image ids]}. Data never change once loaded; they are reference-counted, and any
 * thread may read them.
 */
#ifndef SIM_DATA_H
#define SIM_DATA_H

#include "imsfs/match.h"

struct data; /* opaque */

/* One reference, or -errno with a reason in error. Of two records with one id the first counts. */
MUST_CHECK int data_load(struct data **out, const char *path, char *error, size_t size);
struct data *data_ref(struct data *d);
void data_unref(struct data *d);

size_t data_count(const struct data *d);
const struct image *data_image(const struct data *d, uint32_t index);
const struct slot_table *data_attrs(const struct data *d);
/* The number of an id; false: there is no such image. */
bool data_find(const struct data *d, struct bytes id, uint32_t *index);
/* For match_image(); ctx is d. */
struct match_facts data_facts(const struct data *d);
/* The caller may know that the image exists (false: it is somebody else's private one). */
bool data_may_see(const struct data *d, uint32_t index);
/*
 * Whether a list call with these criteria would show the image at all, as Glance does: public,
 * one's own, shared with the wanted membership (accepted by default), community only when asked
 * for. Without project_id everything is shown.
 */
bool data_is_listed(const struct data *d, uint32_t index, const struct query *q);

/* All images in ascending order of q's sort key, and the place of each in it. Made at the first
 * use. */
struct data_order {
    uint32_t *at;   /* place -> image */
    uint32_t *rank; /* image -> place */
};
const struct data_order *data_order(struct data *d, const struct query *q);

#endif
