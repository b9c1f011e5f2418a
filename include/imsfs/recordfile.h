// SPDX-License-Identifier: Apache-2.0
/*
 * recordfile: reads the records of a JSON file, in windows, so that a large one is never in memory
 * beside the images that are made of it.
 *
 * A mapping would kill us when somebody shortens the file. Reading takes as long as decoding, so
 * when somebody writes to the file meanwhile it starts over, once. No state; source_file's threads.
 */
#ifndef IMSFS_RECORDFILE_H
#define IMSFS_RECORDFILE_H

#include <sys/stat.h>

#include "imsfs/decode.h"
#include "imsfs/source.h"

struct recordfile {
    const char *path;
    size_t max_bytes; /* a larger file is an error */
    const struct limits *limits;
    struct slot_table *attrs; /* of attribute names */
    const atomic_bool *cancelled;
    struct source_counters *counters;
};

/* What tells that a file is still the same. All zeros: of no file. */
struct recordfile_version {
    dev_t dev;
    ino_t ino;
    off_t size;
    struct timespec mtime, ctime;
};

/* Where the images go. */
struct recordfile_taker {
    decode_image_fn *image;
    void (*restart)(void *ctx); /* what came so far does not count */
    void *ctx;
};

/* Says in the listing what is wrong with the file, in one line; returns error. */
int PRINTF_LIKE(4, 5) recordfile_fail(const struct recordfile *f, struct source_listing *l,
                                      int error, const char *fmt, ...);
/*
 * Gives the images of the file to the taker; SOURCE_DONE, or SOURCE_UNCHANGED when the file is of
 * the version *have. *version is then what was read; all zeros when somebody wrote to it meanwhile,
 * so that it is read again. -errno: the listing's error says why. Counts what is left out in the
 * listing.
 */
MUST_CHECK int recordfile_read(const struct recordfile *f, struct source_listing *l,
                               const struct recordfile_version *have,
                               const struct recordfile_taker *taker,
                               struct recordfile_version *version);

#endif
