// SPDX-License-Identifier: Apache-2.0
/*
 * snapshot: texts that stay what they were when somebody looked them up, so that a file's size and
 * its bytes always agree. Each has a number from 1 on and is freed when the kernel forgets it, or
 * when there are too many: then the oldest goes, and who still reads it gets ESTALE. Any thread.
 */
#ifndef IMSFS_SNAPSHOT_H
#define IMSFS_SNAPSHOT_H

#include <pthread.h>

#include "imsfs/strbuf.h"

#define SNAPSHOTS_BYTES_MAX ((size_t)32 << 20)

struct snapshot;

struct snapshots {
    pthread_mutex_t lock;   /* protects: everything below */
    struct snapshot *table; /* by number */
    size_t bytes;           /* of all texts; the last one may come on top */
    uint32_t last;
};

void snapshots_init(struct snapshots *s);
void snapshots_deinit(struct snapshots *s);

/* Takes over the content of text, and counts one look-up. -ENOMEM. */
MUST_CHECK int snapshot_add(struct snapshots *s, struct strbuf *text, uint32_t *number);
/* Adds the text to out. -ESTALE: there is no such number; -ENOMEM. */
MUST_CHECK int snapshot_read(struct snapshots *s, uint32_t number, struct strbuf *out);
/* How long the text is. -ESTALE. */
MUST_CHECK int snapshot_size(struct snapshots *s, uint32_t number, size_t *size);
void snapshot_forget(struct snapshots *s, uint32_t number);

#endif
