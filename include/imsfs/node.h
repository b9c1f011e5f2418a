// SPDX-License-Identifier: Apache-2.0
/*
 * node: what an inode number stands for. Numbers are computed from a node's kind and slots, so
 * there is no table of them, and a number means the same in every list. Pure.
 *
 * A file has two: the one that people see never changes; the one by which the kernel asks has a
 * version too, so that what the kernel keeps under it never changes: neither size nor bytes. So has
 * the link next, for its target.
 */
#ifndef IMSFS_NODE_H
#define IMSFS_NODE_H

#include "imsfs/base.h"

#define NODE_ROOT_INO 1           /* FUSE_ROOT_ID */
#define NODE_PAGE_VERSION_BITS 23 /* all that its number has room for */

enum node_kind {
    NODE_ROOT,
    NODE_DIR,        /* images/, by-x/ and what groups images below them: dir */
    NODE_IMAGE,      /* an image's own directory: image */
    NODE_FILE,       /* one of its files: image, attr (IMAGE_JSON_SLOT: image.json) */
    NODE_LINK,       /* a link to it in a view: dir, image */
    NODE_META,       /* .imsfs, found by name and not listed */
    NODE_STATUS,     /* .imsfs/status.json, or one snapshot of it: dir is its number, 0 for the name
                        itself */
    NODE_QUERIES,    /* .imsfs/query */
    NODE_QUERY,      /* a directory in it: query, generation, spelling */
    NODE_PAGE,       /* a link to one in such a directory: query, generation, page */
    NODE_QUERY_LINK, /* query in the root directory, a link to .imsfs/query */
};

enum node_page {
    NODE_PAGE_FIRST, /* the first page of the same criteria */
    NODE_PAGE_NEXT,
};

/*
 * In a query's list, images and files have a query too. One query may be spelled in several ways,
 * which are directories with the same entries; images' own directories belong to a spelling,
 * because the kernel can have a directory in one place only. Files and pages are in all of them.
 */
struct node {
    enum node_kind kind;
    uint32_t query;      /* the number of the list (12 bits); 0: the mount's own */
    uint32_t generation; /* how often that number was used before (24 bits); node_of() knows it of
                            NODE_QUERY and NODE_PAGE only */
    uint32_t spelling;   /* of NODE_QUERY, and of NODE_IMAGE with a query (24 bits) */
    uint32_t dir, image, attr;
    enum node_page page;
    uint32_t version; /* of a file, see catalog_version(), of which node_of() knows the lowest 10
                         bits; of a page, see page_version() */
};

/*
 * The number for people, 64 bits: the kind (4), the query (12), then two fields of 24 bits:
 * 0 and dir; image and spelling; image and attr (14) with 0 (10); dir and image of a link;
 * generation and spelling of a query's directory; generation and page (1) with 0 (23).
 */
uint64_t node_ino(const struct node *node);
/*
 * The number for the kernel: the same, with a page's version or the lowest 10 bits of a file's at
 * the end. The others are in the generation, as is the query's: when it differs, the kernel knows
 * that the number was used before.
 */
uint64_t node_id(const struct node *node);
uint64_t node_generation(const struct node *node);
/* False: no node has this number for the kernel. */
bool node_of(uint64_t id, struct node *node);
bool node_is_dir(const struct node *node);
/* True when looking a name up there needs no catalog. */
bool node_names_are_fixed(const struct node *parent);

#endif
