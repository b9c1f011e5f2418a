// SPDX-License-Identifier: Apache-2.0
#include "imsfs/recordfile.h"

#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdio.h>
#include <unistd.h>

#include "imsfs/batch.h"
#include "imsfs/cutter.h"
#include "imsfs/failure.h"

/* Read at a time; between two of these a cancelled listing ends. */
#define WINDOW_BYTES ((size_t)1 << 20)

struct job {
    const struct recordfile *file;
    struct source_listing *listing;
    const struct recordfile_taker *taker;
};

int recordfile_fail(const struct recordfile *f, struct source_listing *l, int error,
                    const char *fmt, ...)
{
    char what[256];
    va_list ap;
    va_start(ap, fmt);
    vsnprintf(what, sizeof(what), fmt, ap);
    va_end(ap);
    snprintf(l->error.text, sizeof(l->error.text), "%.200s: %s", f->path, what);
    return error;
}

#define fail(j, ...) recordfile_fail((j)->file, (j)->listing, __VA_ARGS__)

static int fail_size(const struct job *j)
{
    return fail(j, -EFBIG, "the file is over %zu bytes", j->file->max_bytes);
}

static int fail_decode(const struct job *j, int r, const struct decode_result *result)
{
    if (j->listing->error.text[0]) /* the sink's error, told already */
        return r;
    if (r == -EPROTO || r == -E2BIG)
        return fail(j, -EIO,
                    "this is no list of images in JSON (%s); a list call's answer, an array "
                    "of records or one record a line is wanted",
                    result->error);
    return fail(j, r, "%s", result->error[0] ? result->error : strerror(-r));
}

static struct recordfile_version version_of(const struct stat *st)
{
    return (struct recordfile_version){st->st_dev, st->st_ino, st->st_size, st->st_mtim,
                                       st->st_ctim};
}

static bool same_time(struct timespec a, struct timespec b)
{
    return a.tv_sec == b.tv_sec && a.tv_nsec == b.tv_nsec;
}

static bool same_version(const struct recordfile_version *a, const struct recordfile_version *b)
{
    return a->dev == b->dev && a->ino == b->ino && a->size == b->size &&
           same_time(a->mtime, b->mtime) && same_time(a->ctime, b->ctime);
}

static void close_fd(const int *fd)
{
    if (*fd >= 0)
        close(*fd);
}

static int open_file(const struct job *j, int *fd, struct stat *st)
{
    *fd = open(j->file->path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
    if (*fd < 0 || fstat(*fd, st) < 0) {
        int r = -errno;
        const char *scarcity = failure_scarcity(r);
        return fail(j, r, "cannot open the file: %s; %s", strerror(-r),
                    scarcity ? scarcity : "check the path and its permissions");
    }
    if (S_ISDIR(st->st_mode))
        return fail(j, -EISDIR, "this is a directory; name a JSON file in it");
    if (!S_ISREG(st->st_mode))
        return fail(j, -EINVAL, "this is not a regular file; save the records to one first");
    if (st->st_size == 0)
        return fail(j, -EIO, "the file is empty; a list without images is {\"images\": []}");
    return (uintmax_t)st->st_size > j->file->max_bytes ? fail_size(j) : 0;
}

/* One window. Returns its length, 0 at the end of the file, or -errno. */
static ssize_t read_window(const struct job *j, int fd, struct cutter *c)
{
    if (atomic_load(j->file->cancelled))
        return -ECANCELED;
    struct strbuf *text = cutter_window(c, WINDOW_BYTES);
    if (!text)
        return -ENOMEM;
    ssize_t n;
    do
        n = read(fd, text->data + text->len, text->cap - text->len - 1);
    while (n < 0 && errno == EINTR);
    if (n < 0)
        return -errno;
    text->len += (size_t)n;
    text->data[text->len] = '\0';
    atomic_fetch_add(&j->file->counters->bytes, (unsigned long long)n);
    return n;
}

static int decode_piece(const struct job *j, const struct cutter_piece *piece)
{
    struct decode_result result;
    const struct decode_sink sink = {j->taker->image, j->taker->ctx, j->listing->known,
                                     j->file->cancelled};
    int r = decode_text_at(piece->text, piece->origin, DECODE_FILE, j->file->limits, j->file->attrs,
                           &sink, &result);
    if (r == 0 && piece->bad) {
        r = -EPROTO;
        snprintf(result.error, sizeof(result.error), "not JSON at byte %zu", piece->origin + 1);
    }
    if (r < 0)
        r = fail_decode(j, r, &result);
    batch_count(&j->listing->left_out, &result);
    decode_result_free(&result);
    return r;
}

static int decode_pieces(const struct job *j, struct cutter *c, bool last)
{
    struct cutter_piece piece;
    int r;
    while ((r = cutter_next(c, last, &piece)) > 0)
        if ((r = decode_piece(j, &piece)) < 0)
            return r;
    return r < 0 ? fail(j, r, "%s", strerror(-r)) : 0;
}

static int read_file(const struct job *j, int fd)
{
    CLEANUP(cutter_free) struct cutter c = CUTTER_INIT;
    size_t total = 0;
    ssize_t n;
    do {
        n = read_window(j, fd, &c);
        if (n < 0)
            return fail(j, (int)n, "cannot read the file: %s", strerror((int)-n));
        total += (size_t)n;
        if (total > j->file->max_bytes)
            return fail_size(j);
        int r = decode_pieces(j, &c, n == 0);
        if (r < 0)
            return r;
    } while (n > 0);
    return 0;
}

/* *changed: somebody wrote to the file meanwhile. */
static int read_once(const struct job *j, const struct recordfile_version *have,
                     struct recordfile_version *version, bool *changed)
{
    CLEANUP(close_fd) int fd = -1;
    struct stat st;
    *changed = false;
    int r = open_file(j, &fd, &st);
    if (r < 0)
        return r;
    const struct recordfile_version before = version_of(&st);
    if (same_version(have, &before))
        return SOURCE_UNCHANGED;
    r = read_file(j, fd);
    *version = fstat(fd, &st) == 0 ? version_of(&st) : (struct recordfile_version){0};
    *changed = !same_version(&before, version);
    return r < 0 ? r : SOURCE_DONE;
}

int recordfile_read(const struct recordfile *f, struct source_listing *l,
                    const struct recordfile_version *have, const struct recordfile_taker *taker,
                    struct recordfile_version *version)
{
    const struct job j = {f, l, taker};
    const struct recordfile_version none = {0};
    struct recordfile_version was = none;
    bool changed;
    int r = read_once(&j, have, &was, &changed);
    bool half = r == -EIO || r == SOURCE_DONE; /* it is no list, or may be of two lists */
    if (half && changed && !atomic_load(f->cancelled)) {
        taker->restart(taker->ctx);
        l->left_out = (struct source_left_out){0};
        l->error.text[0] = '\0';
        r = read_once(&j, have, &was, &changed);
    }
    if (r == SOURCE_DONE)
        *version = changed ? none : was;
    return r;
}
