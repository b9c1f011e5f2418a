// SPDX-License-Identifier: Apache-2.0
/*
 * numbers: what all lists of a mount share, so that an inode number means the same in each of them:
 * a slot for every attribute name, image id and directory path ever seen. The root directories of
 * the views have the slots 0, 1, … of their views.
 *
 * Made once. Any thread may look up, add, and make stamps; versions are made by whoever makes
 * catalogs, one thread at a time: the one of the fetcher's that has the turn (turn.h).
 */
#ifndef IMSFS_NUMBERS_H
#define IMSFS_NUMBERS_H

#include <time.h>

#include "imsfs/layout.h"

#define NUMBERS_LIMIT 0xFFFFFFu /* 24 bits in an inode number */
#define NUMBERS_VERSION_BITS 10 /* of a version in an inode number, the lowest */

struct numbers_last {
    uint64_t hash;  /* of its contents */
    uint32_t count; /* of versions that the image has had */
};

struct numbers {
    const struct layout *layout;
    struct slot_table *attrs;      /* file names of attributes */
    struct slot_table *ids;        /* ids as path components */
    struct slot_table *dirs;       /* paths of directories below the mount root */
    struct timespec born;          /* when the mount began */
    _Atomic int64_t stamp_ns;      /* the youngest mtime given, since 1970 */
    struct numbers_last *versions; /* the last one of each image, by slot */
    size_t version_cap;
    uint64_t seed; /* of the hashes */
};

/* Borrows layout and attrs. -ENOMEM. */
MUST_CHECK int numbers_init(struct numbers *n, const struct layout *layout,
                            struct slot_table *attrs);
void numbers_deinit(struct numbers *n);

/* A time later than any that was given before, the wall clock's if possible: mtimes never go back.
 */
struct timespec numbers_stamp(struct numbers *n);
/* The last one. */
struct timespec numbers_last_stamp(const struct numbers *n);

/*
 * The version of the image in this slot that has these contents: the last one, if it had the same,
 * so that an image which comes back as it was is what the kernel knows; else one that it never had,
 * counted from 0. -ENOMEM.
 */
MUST_CHECK int numbers_version(struct numbers *n, uint32_t slot, struct bytes contents,
                               uint32_t *version);
/* As far as an inode number can tell. */
bool numbers_same_version(uint32_t a, uint32_t b);

/* The path of a directory below the mount root, and its last component. */
struct bytes numbers_dir_path(const struct numbers *n, uint32_t slot);
struct bytes numbers_dir_name(const struct numbers *n, uint32_t slot);

#endif
