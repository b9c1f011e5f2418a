// SPDX-License-Identifier: Apache-2.0
/*
 * mount: our mount itself: at which directory it is, whether it is still there, and how it goes,
 * by ourselves or by a keeper where we gave up the right to.
 *
 * One thread, the first of the process that has the mount.
 */
#ifndef IMSFS_MOUNT_H
#define IMSFS_MOUNT_H

#include "imsfs/keeper.h"
#include "imsfs/mountpoint.h"

struct mount {
    char *point;  /* without links, from mountpoint_check(); owned; NULL: not checked yet */
    int watch_fd; /* -1: not open */
    bool mounted; /* there was a mount, at least */
    dev_t device; /* of it; 0: not known */
    struct keeper keeper;
};
#define MOUNT_INIT                            \
    (struct mount)                            \
    {                                         \
        .watch_fd = -1, .keeper = {.fd = -1 } \
    }

/* Before the mount: opens watch_fd (mountpoint_watch()). -errno, and why. */
MUST_CHECK int mount_watch(struct mount *m, struct strbuf *why);
/* Before threads: whoever unmounts is another process from here on, see keeper_start(). */
MUST_CHECK int mount_keep(struct mount *m, char *const argv[], void (*forget)(void *ctx),
                          void *ctx);
/* What to do when mounting failed with rc: the end of a line. for_others: with allow_other or
 * allow_root. */
const char *mount_advice(int rc, bool for_others);
/* When it is mounted: which one it is. -errno, and why; -ENOENT: it is gone already. */
MUST_CHECK int mount_find(struct mount *m, struct strbuf *why);
/* Whether it is still there; true where that cannot be told. */
bool mount_present(const struct mount *m);
/* Whether unmounting what is at its directory unmounts nobody else's. */
bool mount_on_top(const struct mount *m);
/* Whether it is the keeper who unmounts. */
bool mount_is_kept(const struct mount *m);
/* At the end: what is mounted of it even now goes, for it is of no use to anybody; on_top is what
 * mount_on_top() said before it ended. -errno: it stays; logged, with the command that removes it.
 */
MUST_CHECK int mount_leave(struct mount *m, bool on_top);
void mount_deinit(struct mount *m);

#endif
