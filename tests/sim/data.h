// SPDX-License-Identifier: Apache-2.0
/*
 * data: what the simulated service knows: images, the caller's project, who shares what with whom.
 *
 * The file is a list response, a bare array, or one record a line; the first form may also have
 * "project_id": the caller's, "members": {image id: [{"member_id", "status"}]} and "flavors":
 * {flavor id: [image ids]}. Or there is no file but a rule (rule.h), and nothing is stored. Data
 * never change once loaded; they are reference-counted, and any thread may read them.
 */
#ifndef SIM_DATA_H
#define SIM_DATA_H

#include "imsfs/match.h"
#include "rule.h"

struct data; /* opaque */

/* One reference, or -errno with a reason in error. Of two records with one id the first counts. */
MUST_CHECK int data_load(struct data **out, const char *path, char *error, size_t size);
/* The images of a rule. One reference, or -ENOMEM. */
MUST_CHECK int data_by_rule(struct data **out, struct rule rule);
struct data *data_ref(struct data *d);
void data_unref(struct data *d);

size_t data_count(const struct data *d);
/* One reference; NULL: out of memory. */
struct image *data_image(const struct data *d, uint32_t index);
/* The image's record, and its id. Added to out. */
void data_add_json(const struct data *d, uint32_t index, struct strbuf *out);
void data_add_id(const struct data *d, uint32_t index, struct strbuf *out);
/* All images are anybody's, registered and not hidden. */
bool data_is_plain(const struct data *d);
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

/*
 * All images in ascending order of q's sort key, made at the first use. NULL: there is no memory
 * for it, or the rule cannot sort by this key: it does by those that rise with an image's number.
 */
struct data_order; /* opaque */
const struct data_order *data_order(struct data *d, const struct query *q);
/* The image in a place; the place of an image. */
uint32_t data_order_at(const struct data_order *order, uint32_t place);
uint32_t data_order_place(const struct data_order *order, uint32_t index);

#endif
