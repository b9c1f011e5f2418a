// SPDX-License-Identifier: Apache-2.0
/*
 * node: what an inode number stands for. Numbers are computed from a node's kind and slots, so
 * there is no table of them, and a number means the same in every list. Pure.
 *
 * A file has two: the one that people see never changes; the one by which the kernel asks has a
 * version too, so that what the kernel keeps under it never changes: neither size nor bytes.
 */
#ifndef IMSFS_NODE_H
#define IMSFS_NODE_H

#include "imsfs/base.h"

#define NODE_ROOT_INO 1 /* FUSE_ROOT_ID */

enum node_kind {
    NODE_ROOT,
    NODE_DIR,    /* images/, by-x/ and what groups images below them: dir */
    NODE_IMAGE,  /* an image's own directory: image */
    NODE_FILE,   /* one of its files: image, attr (IMAGE_JSON_SLOT: image.json) */
    NODE_LINK,   /* a link to it in a view: dir, image */
    NODE_META,   /* .imsfs, found by name and not listed */
    NODE_STATUS, /* .imsfs/status.json, or one snapshot of it: dir is its number, 0 for the name
                    itself */
};

struct node {
    enum node_kind kind;
    uint32_t dir, image, attr;
    uint32_t version; /* of a file, see catalog_version(); node_of() knows the lowest 10 bits */
};

/*
 * The number for people, 64 bits: the kind (4), room for a query (12), then dir or image (24),
 * image (24) or attr (14) and 0 (10).
 */
uint64_t node_ino(const struct node *node);
/*
 * The number for the kernel: the same, with the lowest 10 bits of a file's version at the end. The
 * others are in the generation: when it differs, the kernel knows that the number was used before.
 */
uint64_t node_id(const struct node *node);
uint64_t node_generation(const struct node *node);
/* False: no node has this number for the kernel. */
bool node_of(uint64_t id, struct node *node);
bool node_is_dir(const struct node *node);
/* True when looking a name up there needs no catalog. */
bool node_names_are_fixed(const struct node *parent);

#endif
