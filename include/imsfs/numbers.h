// SPDX-License-Identifier: Apache-2.0
/*
 * numbers: what all lists of a mount share, so that an inode number means the same in each of them:
 * a slot for every attribute name, image id and directory path ever seen. The root directories of
 * the views have the slots 0, 1, … of their views. What a directory is called, lists know that
 * have it: names come and go by the thousand, and a name that comes back has its old slot.
 *
 * Made once. Any thread may look up, add, and make stamps; versions are made by whoever makes
 * catalogs, one thread at a time: the one of the fetcher's that has the turn (turn.h).
 */
#ifndef IMSFS_NUMBERS_H
#define IMSFS_NUMBERS_H

#include <time.h>

#include "imsfs/directory.h"
#include "imsfs/ids.h"

#define NUMBERS_VERSION_BITS 10 /* of a version in an inode number, the lowest */

struct numbers {
    const struct layout *layout;
    struct slot_table *attrs; /* file names of attributes */
    struct ids *ids;          /* ids as path components, and the versions of their images */
    struct ledger *dirs;      /* directories, as their parents' slots and their own names */
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

/*
 * The slot of the directory with this name in that parent, which may be DIRECTORY_ROOT. Made now if
 * it is new. -ENOSPC, -ENOMEM; -ENAMETOOLONG: no directory has such a name.
 */
MUST_CHECK int numbers_add_dir(struct numbers *n, uint32_t parent, struct bytes name,
                               uint32_t *slot);
/* The same, or -ENOENT. */
MUST_CHECK int numbers_find_dir(const struct numbers *n, uint32_t parent, struct bytes name,
                                uint32_t *slot);

#endif
