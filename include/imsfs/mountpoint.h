// SPDX-License-Identifier: Apache-2.0
/*
 * mountpoint: what the kernel says about the directory that imsfs is mounted on.
 *
 * Before mounting it tells whether the place is fit; afterwards whether the mount is still there,
 * so that a lazy unmount ends the daemon even while readers wait. No state; any thread.
 */
#ifndef IMSFS_MOUNTPOINT_H
#define IMSFS_MOUNTPOINT_H

#include <sys/types.h>

#include "imsfs/strbuf.h"

/* The type that a mount of ours has in /proc/self/mountinfo. */
#define MOUNTPOINT_TYPE "fuse.imsfs"

/*
 * 0: the directory can be mounted on, and real is its path without links, malloc()ed. Else why has
 * one line that says what to do: -ENOENT, -ENOTDIR, -ENOTEMPTY (unless nonempty), -ENOTCONN (a dead
 * mount is there), -EACCES, -EBUSY (an imsfs is mounted there, unless nonempty), or what the system
 * said. An autofs placeholder is fit, and is not triggered.
 */
MUST_CHECK int mountpoint_check(const char *path, bool nonempty, char **real, struct strbuf *why);

/*
 * Detaches the mounts at the path that are of imsfs and dead: their process has ended without
 * unmounting, so the kernel answers ENOTCONN there. All others are left to mountpoint_check().
 * -errno and a line in why: one could not be detached (-EIO: fusermount3 refused). Blocks as long
 * as a file system does that is mounted there.
 */
MUST_CHECK int mountpoint_recover(const char *path, struct strbuf *why);

/* Adds the command that removes a dead mount, for a shell. */
void mountpoint_add_removal(struct strbuf *out, const char *path);

/*
 * Adds what mount(8) would take with -o, as libfuse wants it: always read-only, and without what a
 * stranger's data must not have. source is what the mount shows as its source.
 */
void mountpoint_add_options(struct strbuf *out, const char *source, bool allow_other,
                            bool allow_root);

/*
 * The device number of the newest imsfs mount at a path without links. It is the mount's identity:
 * unlike a mount id the kernel does not give it to another one while the file system lives, and a
 * moved mount keeps it. -ENOENT: there is none; else what reading /proc/self/mountinfo gave.
 */
MUST_CHECK int mountpoint_find(const char *real, dev_t *device);
/*
 * 1: the device is mounted somewhere in our name space; 0: not; or -errno. A lazily unmounted one
 * is not, even while files in it are open.
 */
MUST_CHECK int mountpoint_present(dev_t device);
/*
 * A descriptor (the caller closes it) on which poll() gives POLLPRI when any mount has changed
 * since the last poll(), or -errno. Open it before mountpoint_find(), so that nothing is missed.
 */
MUST_CHECK int mountpoint_watch(void);

/*
 * Unmounts lazily: umount2(2), or where that is not ours to do fusermount3. It acts on whatever is
 * on top at the path, so ask mountpoint_present() first. 0, or -errno (-EIO: fusermount3 refused).
 * Blocks for the helper.
 */
int mountpoint_detach(const char *real);

/*
 * The same for a dead mount only. -ENOENT: what is there is not dead, so it is not ours any more.
 * Waits for whoever answers there; our own connection must have ended.
 */
MUST_CHECK int mountpoint_detach_dead(const char *path);

/*
 * After the end of a file system: detaches it everywhere in our name space where it is on top, for
 * what is left is of no use to anybody. Such are a mount that was moved with its parent directory,
 * and one whose connection the kernel has ended (umount -f with somebody inside, "abort" in
 * fusectl), which libfuse leaves. A number without a file system is the next one's, maybe at once:
 * what is not dead stays. 0: nothing of it is left; -EBUSY: something is mounted over it; or
 * -errno.
 */
MUST_CHECK int mountpoint_leave(dev_t device);

/* The same questions for a text in the format of proc(5), mountinfo; for tests. */
int mountpoint_find_in(struct bytes mountinfo, const char *real, dev_t *device);
int mountpoint_present_in(struct bytes mountinfo, dev_t device);
/* A path at which the device is mounted, and nothing over it. Replaces path. -ENOENT: there is
 * none.
 */
int mountpoint_where_in(struct bytes mountinfo, dev_t device, struct strbuf *path);

/*
 * Whether unmounting what is at a path unmounts the mount of this device (0: whatever it is), and
 * not what somebody has mounted over it. Asks no file system, ours or another, so it cannot hang.
 */
bool mountpoint_on_top(const char *real, dev_t device);

#endif
