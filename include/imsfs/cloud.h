// SPDX-License-Identifier: Apache-2.0
/*
 * cloud: one cloud of clouds.yaml, in the form of openstacksdk: its profile, its region, its
 * values.
 *
 * It is not merged into one value: its layers are kept, and a key is looked up in them in order. It
 * borrows from the files, which must outlive it. One thread.
 */
#ifndef IMSFS_CLOUD_H
#define IMSFS_CLOUD_H

#include "imsfs/clouds.h"
#include "imsfs/profile.h"

/* From the one that counts most. */
enum cloud_layer {
    CLOUD_REGION, /* `values` of the region */
    CLOUD_SECURE,
    CLOUD_MAIN,
    CLOUD_PROFILE, /* of clouds-public.yaml, else built in */
    CLOUD_LAYERS,
};

struct cloud {
    const struct clouds *files;
    char *name;
    char *region;                  /* the first of those it may have; NULL: it names none */
    const struct profile *profile; /* NULL: no built-in one */
    struct bytes layers[CLOUD_LAYERS];
};

/*
 * The cloud called name; NULL: the only one. -ENOENT: there is none, or several, and why lists
 * them; -EINVAL: it makes no sense; -ENOMEM. The caller frees out.
 */
MUST_CHECK int cloud_choose(struct cloud *out, const struct clouds *c, const char *name,
                            struct strbuf *why);
void cloud_free(struct cloud *c);

/*
 * The value of key in the first layer that has it, at the top of the cloud or in its section;
 * '-' and '_' in keys are the same. {NULL, 0}: none has it. from (NULL: nobody asks) is the layer.
 */
struct bytes cloud_member(const struct cloud *c, const char *section, const char *key,
                          enum cloud_layer *from);
/* The file behind a layer; NULL: none. */
const struct document *cloud_document(const struct cloud *c, enum cloud_layer layer);
/* Adds: cloud "NAME" in FILE; printable whatever the name is. */
void cloud_describe(const struct cloud *c, struct strbuf *out);

#endif
