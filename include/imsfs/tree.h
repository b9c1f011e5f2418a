// SPDX-License-Identifier: Apache-2.0
/*
 * tree: what the mount looks like, as a pure function of a catalog: nodes and inode numbers,
 * look-up, attributes, contents. Listing is in entries.
 *
 * It knows neither FUSE nor the network. Any thread, as long as the catalog may be read.
 */
#ifndef IMSFS_TREE_H
#define IMSFS_TREE_H

#include <sys/stat.h>

#include "imsfs/page.h"

#define TREE_META_NAME ".imsfs"
#define TREE_STATUS_NAME "status.json"
#define TREE_JSON_NAME "image.json"
#define TREE_QUERY_NAME "query" /* in .imsfs, and the link to it in the root directory */

/* Which query a flat catalog is the list of. */
struct tree_query {
    uint32_t number; /* 1 … 4095 */
    uint32_t generation;
    const struct query *criteria; /* as its directory is called where it is listed */
    const uint32_t *spellings;    /* of all directories that were given out, see struct node */
    size_t spelling_count;
};

/* The catalogs that are given with it are the mount's own list without query, else that query's. A
 * caller makes a copy for each query. */
struct tree {
    const struct numbers *numbers;
    uid_t uid;
    gid_t gid;
    mode_t umask;
    bool queries;          /* there is .imsfs/query */
    struct timespec since; /* without a catalog: the mtime of what is there all the same */
    const struct tree_query *query;
};

/* Whether a catalog that is given with t is of the list that the node belongs to, if it does to
 * any. What does not is -ESTALE everywhere. */
bool tree_owns(const struct tree *t, const struct node *node);
/* The nodes that stand for: entry slot of d, which is node dir; a file of an image; a page. */
struct node tree_entry(const struct tree *t, const struct directory *d, const struct node *dir,
                       uint32_t slot);
struct node tree_file(const struct tree *t, const struct catalog *c, uint32_t image, uint32_t attr);
struct node tree_page(const struct tree *t, const struct catalog *c, enum node_page page);

/*
 * -ENOENT: the list does not have it; -ESTALE: the list does not have parent; -ENOTDIR. Names in
 * .imsfs/query are not known here (-ENOENT).
 */
MUST_CHECK int tree_lookup(const struct tree *t, const struct catalog *c, const struct node *parent,
                           struct bytes name, struct node *out);
/* c may be NULL for what needs no list. -ESTALE: the list does not have it, or not in this version.
 */
MUST_CHECK int tree_stat(const struct tree *t, const struct catalog *c, const struct node *node,
                         struct stat *st);
/* The same for a file, when its image is known. */
MUST_CHECK int tree_stat_file(const struct tree *t, const struct image *img,
                              const struct node *node, struct stat *st);
/* The same when st is that of another file of the same image, which has nearly all in common. */
MUST_CHECK int tree_stat_sibling(const struct image *img, const struct node *node, struct stat *st);
/* The image that a file is of; NULL: the list does not have it, or not in this version. */
const struct image *tree_image(const struct catalog *c, const struct node *n);

/* Where a link points, relative to itself. Added to out. -ESTALE: there is none, or it is a page
 * that points elsewhere now, under another number; -EINVAL. */
MUST_CHECK int tree_target(const struct tree *t, const struct catalog *c, const struct node *node,
                           struct strbuf *out);
/* What a file of this image holds. Added to out. -ESTALE, -ENOMEM. Any thread, any time. */
MUST_CHECK int tree_content(const struct image *img, const struct node *file, struct strbuf *out);

#endif
