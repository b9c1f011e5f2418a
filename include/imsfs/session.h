// SPDX-License-Identifier: Apache-2.0
/*
 * session: the connection to the kernel: the mount, the worker threads that serve it, and its end.
 * It knows nothing of what is mounted. One thread makes and ends it; any thread may call
 * session_forget() and session_store().
 */
#ifndef IMSFS_SESSION_H
#define IMSFS_SESSION_H

#define FUSE_USE_VERSION 314
#include <fuse_lowlevel.h>

#include "imsfs/base.h"
#include "imsfs/traffic.h"

struct session;

/* Mounts. options is what mount(8) would take with -o, escaped as libfuse wants it. traffic
 * counts what comes, and is borrowed. -EINVAL, -EIO: libfuse said why on stderr. */
MUST_CHECK int session_new(struct session **out, const struct fuse_lowlevel_ops *ops,
                           void *userdata, const char *mountpoint, const char *options, bool debug,
                           struct traffic *traffic);
/* Starts the workers, at least 2 so that one can answer what another waits for in the kernel. With
 * follow they go to the CPU of a client that is alone. Call it in a process whose first thread
 * stays. Waits until the kernel has had the answer to its hello: -ENOMEM: there was no memory for
 * that, and the mount is good for nothing. */
MUST_CHECK int session_start(struct session *s, unsigned workers, bool follow);
/* Readable when the kernel ended the session: the file system was unmounted. */
int session_ended_fd(const struct session *s);
/* Ends the workers; with unmount, detaches the mount too. Then the kernel's requests fail. NULL is
 * fine. */
void session_stop(struct session *s, bool unmount);
void session_free(struct session *s);

/* What is asked of the kernel when it says hello; the init callback calls it. */
void session_want(struct session *s, struct fuse_conn_info *conn);

/*
 * Makes the kernel forget: with a name, that entry of the directory ino; else the attributes of ino
 * and its pages (contents, link target, listing). May wait for a request that is being answered:
 * not from a worker. -ENOENT: it knows no such inode, or name; -errno.
 */
int session_forget(struct session *s, uint64_t ino, const char *name, size_t name_len);

/*
 * Gives the kernel the contents of the file ino, all of them, as if it had read them. May wait for
 * a READ of that file that is being answered: see feed. -ENOENT: the kernel does not know ino;
 * -ENOSYS, -EINVAL: nor what a store is; -ENOMEM ...
 */
int session_store(struct session *s, uint64_t ino, struct bytes contents);

#endif
