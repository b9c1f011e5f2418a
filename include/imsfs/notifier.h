// SPDX-License-Identifier: Apache-2.0
/*
 * notifier: a thread that tells the kernel what to forget.
 *
 * A notification may have to wait for a directory that a look-up holds, and the look-up for us; so
 * it happens on a thread of its own, without a lock of ours, and nobody waits for it. Each batch is
 * told twice: at once, and a second later, because an answer that was made from the old list may
 * have been on its way. What is told already, or waits to be, is not told once more for each time
 * that it is posted: told() is called with the last generation, if the notes are the same.
 *
 * Where lists change faster than the kernel can be told, and not in the same things, what waits of
 * a list is folded into one batch when it is over 1 MiB and much more than the largest: it has each
 * inode and each name once, and is of the last generation. So what waits has a bound that time has
 * no part in: some three times what there is to forget. Any thread posts.
 */
#ifndef IMSFS_NOTIFIER_H
#define IMSFS_NOTIFIER_H

#include "imsfs/notes.h"

struct notifier_ops {
    const struct slot_table *attrs; /* names of files; borrowed */
    /* Tells the kernel of one DIFF_DATA or DIFF_ENTRY. -ENOENT: it does not know the inode or the
     * name. */
    diff_fn *tell;
    /* All of a batch, of a generation of a list, was told: for the first time or again. Those
     * before it may never be, when what they had is in this one. */
    void (*told)(void *ctx, uint32_t list, uint64_t generation, bool again);
    void *ctx;
};

struct notifier;

MUST_CHECK int notifier_new(struct notifier **out, const struct notifier_ops *ops);
MUST_CHECK int notifier_start(struct notifier *n);
/* Drops what is left and ends the thread. The kernel must still be answered meanwhile. */
void notifier_stop(struct notifier *n);
void notifier_free(struct notifier *n);

/* A batch, of a generation of a list. What notes holds is taken over, also on failure. -ENOMEM. */
MUST_CHECK int notifier_post(struct notifier *n, uint32_t list, uint64_t generation,
                             struct notes *notes);

/*
 * For what the kernel keeps without a lease of its own: after that time, or soon when there are
 * very many, it is told to forget the attributes and contents of ino, and again a second later;
 * told() is not called. Of several times for one ino the earliest counts. -ENOMEM.
 */
MUST_CHECK int notifier_lapse(struct notifier *n, uint64_t ino, int64_t after_ms);

#endif
