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

/* The same two questions for a text in the format of proc(5), mountinfo; for tests. */
int mountpoint_find_in(struct bytes mountinfo, const char *real, dev_t *device);
int mountpoint_present_in(struct bytes mountinfo, dev_t device);

/*
 * Whether unmounting what is at a path unmounts the mount of this device (0: whatever it is), and
 * not what somebody has mounted over it.
 */
bool mountpoint_on_top(const char *real, dev_t device);

#endif
