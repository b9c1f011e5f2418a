// SPDX-License-Identifier: Apache-2.0
/*
 * tree: what the mount looks like, as a pure function of a catalog: nodes and inode numbers,
 * look-up, listing, contents.
 *
 * It knows neither FUSE nor the network. Any thread, as long as the catalog may be read.
 */
#ifndef IMSFS_TREE_H
#define IMSFS_TREE_H

#include <sys/stat.h>

#include "imsfs/catalog.h"
#include "imsfs/node.h"

#define TREE_META_NAME ".imsfs"
#define TREE_STATUS_NAME "status.json"
#define TREE_JSON_NAME "image.json"

struct tree {
    const struct numbers *numbers;
    uid_t uid;
    gid_t gid;
    mode_t umask;
};

/* -ENOENT: the list does not have it; -ESTALE: the list does not have parent; -ENOTDIR. */
MUST_CHECK int tree_lookup(const struct tree *t, const struct catalog *c, const struct node *parent,
                           struct bytes name, struct node *out);
/* c may be NULL for what needs no list. -ESTALE: the list does not have it, or not in this version.
 */
MUST_CHECK int tree_stat(const struct tree *t, const struct catalog *c, const struct node *node,
                         struct stat *st);
/* The same for a file, when its image is known. */
MUST_CHECK int tree_stat_file(const struct tree *t, const struct image *img,
                              const struct node *node, struct stat *st);
/* The image that a file is of; NULL: the list does not have it, or not in this version. */
const struct image *tree_image(const struct catalog *c, const struct node *file);

/* next is the cookie that goes on behind this entry. False: stop. */
typedef bool tree_entry_fn(void *ctx, const char *name, const struct node *node, uint64_t next);
/* Calls fn for the entries behind cookie (0: from the start), "." and ".." first. -ESTALE,
 * -ENOTDIR. */
MUST_CHECK int tree_list(const struct tree *t, const struct catalog *c, const struct node *node,
                         uint64_t cookie, tree_entry_fn *fn, void *ctx);

/* Where a link points, relative to itself. Added to out. -ESTALE, -EINVAL. */
MUST_CHECK int tree_target(const struct tree *t, const struct catalog *c, const struct node *node,
                           struct strbuf *out);
/* What a file of this image holds. Added to out. -ESTALE, -ENOMEM. Any thread, any time. */
MUST_CHECK int tree_content(const struct image *img, const struct node *file, struct strbuf *out);

#endif
