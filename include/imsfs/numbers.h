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

#include "imsfs/ids.h"
#include "imsfs/layout.h"

#define NUMBERS_LIMIT 0xFFFFFFu /* 24 bits in an inode number */
#define NUMBERS_VERSION_BITS 10 /* of a version in an inode number, the lowest */

struct numbers {
    const struct layout *layout;
    struct slot_table *attrs; /* file names of attributes */
    struct ids *ids;          /* ids as path components, and the versions of their images */
    struct slot_table *dirs;  /* paths of directories below the mount root */
    struct timespec born;     /* when the mount began */
    _Atomic int64_t stamp_ns; /* the youngest mtime given, since 1970 */
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

/* As far as an inode number can tell. */
bool numbers_same_version(uint32_t a, uint32_t b);

/* The path of a directory below the mount root, and its last component. */
struct bytes numbers_dir_path(const struct numbers *n, uint32_t slot);
struct bytes numbers_dir_name(const struct numbers *n, uint32_t slot);

#endif
