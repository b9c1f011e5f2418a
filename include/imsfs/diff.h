// SPDX-License-Identifier: Apache-2.0
/*
 * diff: what the kernel must forget when one catalog takes the place of another: exactly what
 * changed, and the listings of directories (above the images, and of the groups of by-*), so that
 * the next walk renews the leases of these in bulk. Pure.
 */
#ifndef IMSFS_DIFF_H
#define IMSFS_DIFF_H

#include "imsfs/tree.h"

enum diff_kind {
    DIFF_DATA,  /* the attributes of ino and its contents: link target or listing */
    DIFF_ENTRY, /* the name in the directory ino */
    DIFF_FILES, /* files in the directory ino of an image, then as DIFF_DATA */
};

struct diff_item {
    enum diff_kind kind;
    uint64_t ino;
    const char *name; /* for DIFF_ENTRY */
    size_t name_len;
    const uint16_t *attrs; /* for DIFF_FILES: the slots of attributes, and IMAGE_JSON_SLOT */
    uint16_t attr_count;
};

/* 0, or -errno, which ends the comparison. */
typedef int diff_fn(void *ctx, const struct diff_item *item);

/*
 * Both are lists of the mount, or with t->query of that query: then of all its spellings that were
 * given out before this began. before NULL: now is the first list, and readers may have seen it
 * grow. before == now: nothing changed.
 */
MUST_CHECK int diff_catalogs(const struct tree *t, const struct catalog *before,
                             const struct catalog *now, diff_fn *fn, void *ctx);

/*
 * Besides: of a list that was emptied once, so that nobody knows any more what the kernel keeps of
 * its images. What now has and before has not, and the links. Names end with their leases, files
 * with their versions; but not listings and link targets.
 */
MUST_CHECK int diff_emptied(const struct tree *t, const struct catalog *before,
                            const struct catalog *now, diff_fn *fn, void *ctx);

#endif
