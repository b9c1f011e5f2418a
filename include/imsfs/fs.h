// SPDX-License-Identifier: Apache-2.0
/*
 * fs: the FUSE side: callbacks that answer from the tree, requests that are parked until the list
 * has come, and notifications of what changed. Of libfuse it uses the requests; see answer and
 * session.
 *
 * Workers never wait for the network. Order of life: fs_new(), cache_new() with fs_listener(),
 * fs_attach(), fs_mount(), fs_start(); then cache_stop(), fs_stop(), fs_free(). All from one
 * thread, after the fork.
 */
#ifndef IMSFS_FS_H
#define IMSFS_FS_H

#include "imsfs/queries.h"
#include "imsfs/status.h"

struct fs;

struct fs_config {
    const struct tree *tree; /* borrowed */
    unsigned workers; /* at least 2: one may be inside the kernel while another must answer it */
    bool follow;      /* they go where a client is that is alone (follower.h) */
    bool debug;       /* libfuse's own trace on stderr */
    struct traffic *traffic; /* borrowed; counts the kernel's requests */
    struct queries *queries; /* borrowed; NULL: there is no .imsfs/query */
};

MUST_CHECK int fs_new(struct fs **out, const struct fs_config *config);
struct list_listener fs_listener(struct fs *fs);
/* Borrows both until fs_free(). Starts the thread that tells the kernel, so it comes after the
 * fork. */
MUST_CHECK int fs_attach(struct fs *fs, struct cache *cache, const struct status *status);

/* options is what mount(8) would take with -o, escaped as libfuse wants it. -errno. */
MUST_CHECK int fs_mount(struct fs *fs, const char *mountpoint, const char *options);
/* Starts the threads. */
MUST_CHECK int fs_start(struct fs *fs);
/* Readable when the kernel ended the session: the file system was unmounted. */
int fs_ended_fd(const struct fs *fs);
/* After cache_stop(). Ends the threads; with unmount, detaches the mount too. Nobody is left
 * waiting. */
void fs_stop(struct fs *fs, bool unmount);
void fs_free(struct fs *fs);

#endif
