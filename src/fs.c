// SPDX-License-Identifier: Apache-2.0
#include "imsfs/fs.h"

#include <errno.h>
#include <stdio.h>
#include <sys/statvfs.h>
#include <time.h>

#include "imsfs/log.h"
#include "imsfs/request.h"
#include "imsfs/session.h"

#define LIST_MAX_BYTES (1u << 20)
#define KEPT_MAX 64 /* images of an emptied list, of which the kernel need forget nothing */
#define POST_TRIES 50
#define POST_PAUSE_NS 10000000
#define NO_LIST UINT32_MAX /* of notes that no list waits for */

struct fs {
    struct fs_config config;
    struct answerer answerer;
    struct feed feed;
    struct requests requests;
    _Atomic(struct session *) session; /* set by fs_mount() while the notifier may look */
    struct notifier *notifier;
};

/* --- libfuse's callbacks --- */

static void begin_on(fuse_req_t req, fuse_ino_t ino, struct call *call)
{
    struct fs *fs = fuse_req_userdata(req);
    if (!node_of(ino, &call->node)) {
        fuse_reply_err(req, ESTALE);
        return;
    }
    requests_begin(&fs->requests, req, call);
}

static void fs_lookup(fuse_req_t req, fuse_ino_t parent, const char *name)
{
    struct call call = {.kind = CALL_LOOKUP, .pid = fuse_req_ctx(req)->pid};
    if (strlen(name) > NAME_MAX_BYTES) {
        fuse_reply_err(req, ENAMETOOLONG);
        return;
    }
    strcpy(call.name, name);
    begin_on(req, parent, &call);
}

static void fs_getattr(fuse_req_t req, fuse_ino_t ino, struct fuse_file_info *fi)
{
    (void)fi;
    begin_on(req, ino, &(struct call){.kind = CALL_GETATTR, .pid = fuse_req_ctx(req)->pid});
}

static void fs_readlink(fuse_req_t req, fuse_ino_t ino)
{
    begin_on(req, ino, &(struct call){.kind = CALL_READLINK});
}

static void fs_read(fuse_req_t req, fuse_ino_t ino, size_t size, off_t offset,
                    struct fuse_file_info *fi)
{
    (void)fi;
    begin_on(req, ino,
             &(struct call){.kind = CALL_READ,
                            .size = size,
                            .offset = (uint64_t)offset,
                            .pid = fuse_req_ctx(req)->pid});
}

static void fs_readdirplus(fuse_req_t req, fuse_ino_t ino, size_t size, off_t offset,
                           struct fuse_file_info *fi)
{
    (void)fi;
    if (size > LIST_MAX_BYTES)
        size = LIST_MAX_BYTES;
    begin_on(req, ino,
             &(struct call){.kind = CALL_LIST,
                            .size = size,
                            .offset = (uint64_t)offset,
                            .pid = fuse_req_ctx(req)->pid});
}

/* The kernel asks once, and then opens by itself. */
static void fs_open(fuse_req_t req, fuse_ino_t ino, struct fuse_file_info *fi)
{
    (void)ino;
    (void)fi;
    fuse_reply_err(req, ENOSYS);
}

static void fs_forget(fuse_req_t req, fuse_ino_t ino, uint64_t nlookup)
{
    struct fs *fs = fuse_req_userdata(req);
    (void)nlookup;
    answer_forget(&fs->answerer, ino);
    fuse_reply_none(req);
}

static void fs_forget_multi(fuse_req_t req, size_t count, struct fuse_forget_data *forgets)
{
    struct fs *fs = fuse_req_userdata(req);
    for (size_t i = 0; i < count; i++)
        answer_forget(&fs->answerer, forgets[i].ino);
    fuse_reply_none(req);
}

static void fs_statfs(fuse_req_t req, fuse_ino_t ino)
{
    struct fs *fs = fuse_req_userdata(req);
    (void)ino;
    const struct statvfs st = {
        .f_bsize = 4096,
        .f_frsize = 4096,
        .f_files = cache_image_count(fs->answerer.stage.cache),
        .f_namemax = NAME_MAX_BYTES,
        .f_flag = ST_RDONLY | ST_NOSUID,
    };
    fuse_reply_statfs(req, &st);
}

static void fs_init(void *userdata, struct fuse_conn_info *conn)
{
    struct fs *fs = userdata;
    session_want(atomic_load(&fs->session), conn);
}

static const struct fuse_lowlevel_ops operations = {
    .init = fs_init,
    .lookup = fs_lookup,
    .getattr = fs_getattr,
    .readlink = fs_readlink,
    .read = fs_read,
    .readdirplus = fs_readdirplus,
    .open = fs_open,
    .opendir = fs_open,
    .forget = fs_forget,
    .forget_multi = fs_forget_multi,
    .statfs = fs_statfs,
};

/* --- Telling the kernel --- */

static int tell_kernel(void *ctx, const struct diff_item *item)
{
    struct fs *fs = ctx;
    return session_forget(atomic_load(&fs->session), item->ino, item->name, item->name_len);
}

static int give_kernel(void *ctx, uint64_t ino, struct bytes contents)
{
    struct fs *fs = ctx;
    return session_store(atomic_load(&fs->session), ino, contents);
}

static void kernel_told(void *ctx, uint32_t list, uint64_t generation, bool again)
{
    struct fs *fs = ctx;
    if (list == NO_LIST)
        return;
    if (again)
        cache_clear_out(fs->answerer.stage.cache, list, generation);
    else
        cache_settled(fs->answerer.stage.cache, list, generation);
}

static bool was_emptied(const struct fs *fs, uint32_t list)
{
    struct list_status status;
    return cache_status(fs->answerer.stage.cache, list, &status) == 0 && status.emptied;
}

/* What changed in a list. One of a query that nobody was told of changed nothing for the kernel. */
static int compare(struct fs *fs, uint32_t list, const struct catalog *before,
                   const struct catalog *now, struct notes *notes)
{
    struct queries *queries = fs->config.queries;
    struct queries_use use = {0};
    struct tree tree = *fs->config.tree;
    if (!list)
        return diff_catalogs(&tree, before, now, notes_add, notes);
    int r = queries ? queries_of_list(queries, list, &use) : -ESTALE;
    if (r < 0)
        return r == -ESTALE ? 0 : r;
    tree.query = &use.query;
    r = diff_catalogs(&tree, before, now, notes_add, notes);
    if (r == 0 && was_emptied(fs, list))
        r = diff_emptied(&tree, before, now, notes_add, notes);
    queries_done(queries, &use);
    return r;
}

static void on_woken(void *ctx, uint32_t list, unsigned events, int error)
{
    struct fs *fs = ctx;
    requests_woken(&fs->requests, list, events, error);
}

static int post_changes(struct fs *fs, uint32_t list, const struct catalog *before,
                        const struct catalog *now, uint64_t generation)
{
    CLEANUP(notes_free) struct notes notes = NOTES_INIT;
    int r = compare(fs, list, before, now, &notes);
    return r < 0 ? r : notifier_post(fs->notifier, list, generation, &notes);
}

/* What the kernel is not told it may keep for ever, so memory that is short is waited for, but no
 * longer than somebody who ends us would like. */
static void on_published(void *ctx, uint32_t list, const struct catalog *before,
                         const struct catalog *now, uint64_t generation)
{
    const struct timespec pause = {.tv_nsec = POST_PAUSE_NS};
    struct fs *fs = ctx;
    for (int tries = 0; tries < POST_TRIES; tries++) {
        if (tries > 0)
            nanosleep(&pause, NULL);
        int r = post_changes(fs, list, before, now, generation);
        if (r == 0)
            return;
        if (r != -ENOMEM)
            break;
    }
    log_error("out of memory for telling the kernel what changed; unmount and mount again");
    cache_settled(fs->answerer.stage.cache, list, generation);
}

static int note_name(void *ctx, struct bytes name)
{
    const struct node dir = {.kind = NODE_QUERIES};
    const struct diff_item item = {DIFF_ENTRY, node_id(&dir), .name = name.data,
                                   .name_len = name.len};
    return notes_add(ctx, &item);
}

/*
 * The kernel would keep all that it knows of the images. Of some it may: who is in a directory
 * whose name is forgotten has nothing for getcwd() until somebody comes by that name. What cannot
 * be told is not lost: it is wrong nowhere.
 */
static void on_emptied(void *ctx, uint32_t list, uint32_t tenure, const struct catalog *last,
                       bool gone)
{
    struct fs *fs = ctx;
    bool many = last && catalog_counts(last)->images > KEPT_MAX;
    if (!fs->config.queries || !(gone || many))
        return;
    CLEANUP(notes_free) struct notes notes = NOTES_INIT;
    int r = queries_emptied(fs->config.queries, list, tenure, gone, note_name, &notes);
    if (r == 0 && notifier_post(fs->notifier, NO_LIST, 0, &notes) < 0)
        return; /* what cannot be told is not lost, see above */
}

/* --- Life --- */

int fs_new(struct fs **out, const struct fs_config *config)
{
    struct fs *fs = calloc(1, sizeof(*fs));
    if (!fs)
        return -ENOMEM;
    const struct notifier_ops notifier = {config->tree->numbers->attrs, tell_kernel, kernel_told,
                                          fs};
    fs->config = *config;
    fs->answerer.stage.tree = config->tree;
    fs->answerer.stage.queries = config->queries;
    snapshots_init(&fs->answerer.snapshots);
    int r = notifier_new(&fs->notifier, &notifier);
    feed_init(&fs->feed, &fs->answerer.stage, config->workers, give_kernel, fs);
    requests_init(&fs->requests, &fs->answerer, fs->notifier, &fs->feed);
    if (r < 0) {
        fs_free(fs);
        return r;
    }
    *out = fs;
    return 0;
}

void fs_free(struct fs *fs)
{
    if (!fs)
        return;
    session_free(fs->session);
    notifier_free(fs->notifier);
    snapshots_deinit(&fs->answerer.snapshots);
    requests_deinit(&fs->requests);
    feed_deinit(&fs->feed);
    free(fs);
}

struct list_listener fs_listener(struct fs *fs)
{
    return (struct list_listener){on_published, on_woken, on_emptied, fs};
}

int fs_attach(struct fs *fs, struct cache *cache, const struct status *status)
{
    fs->answerer.stage.cache = cache;
    fs->answerer.status = status;
    return notifier_start(fs->notifier);
}

int fs_mount(struct fs *fs, const char *mountpoint, const char *options)
{
    struct session *session;
    int r = session_new(&session, &operations, fs, mountpoint, options, fs->config.debug,
                        fs->config.traffic);
    if (r == 0)
        atomic_store(&fs->session, session);
    return r;
}

int fs_start(struct fs *fs)
{
    return session_start(fs->session, fs->config.workers, fs->config.follow);
}

int fs_ended_fd(const struct fs *fs)
{
    return session_ended_fd(fs->session);
}

void fs_stop(struct fs *fs, bool unmount)
{
    /* While the workers still answer what these may wait for. */
    notifier_stop(fs->notifier);
    feed_stop(&fs->feed);
    session_stop(fs->session, unmount);
}
