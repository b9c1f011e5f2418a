// SPDX-License-Identifier: Apache-2.0
/*
 * keeper: a small process that does what the daemon gives up the right to do: to unmount, which
 * takes CAP_SYS_ADMIN or the setuid fusermount3.
 *
 * It has nothing of the daemon's: neither its secrets nor its descriptors, and reads nothing that
 * comes from outside. It waits to be told, does that, and ends; it also ends, and unmounts nothing,
 * when the daemon does. One thread.
 */
#ifndef IMSFS_KEEPER_H
#define IMSFS_KEEPER_H

#include <sys/types.h>

#include "imsfs/base.h"

struct keeper {
    int fd; /* to it; -1: there is none */
    pid_t pid;
};
#define KEEPER_INIT \
    (struct keeper) \
    {               \
        .fd = -1    \
    }

/*
 * Before threads start. mountpoint is without links. forget is called in the new process, for what
 * it shall not have in its memory; argv is overwritten there, so that ps(1) tells it from the
 * daemon. All that is done when this returns. -errno.
 */
MUST_CHECK int keeper_start(struct keeper *k, const char *mountpoint, char *const argv[],
                            void (*forget)(void *ctx), void *ctx);
/*
 * Detaches what is at the mount point if our mount is on_top there, and then does what
 * mountpoint_leave() does; device 0: it is not known. Once. Nothing is asked of our file system,
 * which nobody may answer any more. -ECHILD: the keeper is gone.
 */
MUST_CHECK int keeper_unmount(struct keeper *k, dev_t device, bool on_top);
/* Ends it, if it is there. */
void keeper_stop(struct keeper *k);

#endif
