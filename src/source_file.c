// SPDX-License-Identifier: Apache-2.0
#include "imsfs/source_file.h"

#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

#include "imsfs/batch.h"
#include "imsfs/decode.h"
#include "imsfs/selection.h"
#include "imsfs/stock.h"

/* Read in pieces, so that a cancelled listing ends soon. */
#define PIECE_BYTES ((size_t)1 << 20)

/* What tells that a file is still the same. All zeros: of no file. */
struct version {
    dev_t dev;
    ino_t ino;
    off_t size;
    struct timespec mtime, ctime;
};

struct source_file {
    struct source base; /* first: the head of every source */
    struct source_file_config config;
    char *path;
    atomic_bool cancelled;
    struct version listed;  /* of the last complete listing without criteria */
    struct version stocked; /* of what is in stock, for criteria, and what it left out */
    struct stock stock;
    struct source_left_out left_out;
};

struct listing {
    struct source_listing base; /* first: the head of every listing */
    struct source_file *s;
    struct batch batch;
    size_t images;
};

/* Says what is wrong, in one line; returns error. */
static int PRINTF_LIKE(3, 4) fail(struct listing *l, int error, const char *fmt, ...)
{
    char what[256];
    va_list ap;
    va_start(ap, fmt);
    vsnprintf(what, sizeof(what), fmt, ap);
    va_end(ap);
    snprintf(l->base.error.text, sizeof(l->base.error.text), "%.200s: %s", l->s->path, what);
    return error;
}

static int fail_decode(struct listing *l, int r, const struct decode_result *result)
{
    if (l->base.error.text[0]) /* the sink's error, told already */
        return r;
    if (r == -EPROTO || r == -E2BIG)
        return fail(l, -EIO,
                    "this is no list of images in JSON (%s); a list call's answer, an array "
                    "of records or one record a line is wanted",
                    result->error);
    return fail(l, r, "%s", result->error[0] ? result->error : strerror(-r));
}

static struct version version_of(const struct stat *st)
{
    return (struct version){st->st_dev, st->st_ino, st->st_size, st->st_mtim, st->st_ctim};
}

static bool same_time(struct timespec a, struct timespec b)
{
    return a.tv_sec == b.tv_sec && a.tv_nsec == b.tv_nsec;
}

static bool same_version(const struct version *a, const struct version *b)
{
    return a->dev == b->dev && a->ino == b->ino && a->size == b->size &&
           same_time(a->mtime, b->mtime) && same_time(a->ctime, b->ctime);
}

static void close_fd(int *fd)
{
    if (*fd >= 0)
        close(*fd);
}

static int open_file(struct listing *l, int *fd, struct stat *st)
{
    *fd = open(l->s->path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
    if (*fd < 0 || fstat(*fd, st) < 0) {
        int r = -errno;
        return fail(l, r, "cannot open the file: %s; check the path and its permissions",
                    strerror(-r));
    }
    if (S_ISDIR(st->st_mode))
        return fail(l, -EISDIR, "this is a directory; name a JSON file in it");
    if (!S_ISREG(st->st_mode))
        return fail(l, -EINVAL, "this is not a regular file; save the records to one first");
    if (st->st_size == 0)
        return fail(l, -EIO, "the file is empty; a list without images is {\"images\": []}");
    return 0;
}

/* One piece. Returns its length, 0 at the end of the file, or -errno. */
static ssize_t read_piece(struct listing *l, int fd, struct strbuf *text)
{
    if (atomic_load(&l->s->cancelled))
        return -ECANCELED;
    if (!strbuf_reserve(text, PIECE_BYTES))
        return -ENOMEM;
    ssize_t n = read(fd, text->data + text->len, PIECE_BYTES);
    if (n < 0)
        return -errno;
    text->len += (size_t)n;
    text->data[text->len] = '\0';
    atomic_fetch_add(&l->s->base.counters.bytes, (unsigned long long)n);
    return n;
}

static int read_file(struct listing *l, int fd, struct strbuf *text)
{
    ssize_t n;
    do {
        n = read_piece(l, fd, text);
        if (n < 0 && n != -EINTR)
            return fail(l, (int)n, "cannot read the file: %s", strerror((int)-n));
        if (text->len > l->s->config.max_bytes)
            return fail(l, -EFBIG, "the file is over %zu bytes", l->s->config.max_bytes);
    } while (n != 0);
    return 0;
}

static int refuse_more(struct listing *l)
{
    return fail(l, -EIO, "there are more than %zu images; a larger max_images= allows more",
                l->s->config.max_images);
}

/* Gives what was collected to the sink. */
static int flush(struct listing *l)
{
    if (l->batch.count == 0)
        return 0;
    if (atomic_load(&l->s->cancelled))
        return fail(l, -ECANCELED, "the listing was cancelled");
    if (l->images + l->batch.count > l->s->config.max_images)
        return refuse_more(l);
    int fresh = batch_give(&l->batch, &l->base.sink);
    if (fresh < 0)
        return fail(l, fresh, "a page of images was not taken: %s", strerror(-fresh));
    l->images += (size_t)fresh;
    atomic_fetch_add(&l->s->base.counters.pages, 1);
    return 0;
}

static int take_image(void *ctx, struct image *img)
{
    struct listing *l = ctx;
    int r = batch_add(&l->batch, img);
    return r < 0 || l->batch.count < SOURCE_FILE_BATCH ? r : flush(l);
}

static int decode_file(struct listing *l, struct bytes text, decode_image_fn *take, void *ctx)
{
    struct decode_limits limits = decode_default_limits;
    struct decode_result result;
    limits.records = SIZE_MAX; /* the file is bounded, and so are the images */
    const struct decode_sink sink = {take, ctx, l->base.known};
    int r = decode_text(text, DECODE_FILE, &limits, l->s->config.attrs, &sink, &result);
    if (r < 0)
        r = fail_decode(l, r, &result);
    batch_count(&l->base.left_out, &result);
    decode_result_free(&result);
    return r;
}

/*
 * Gives the images of the file to take, unless it is of the version *have. *version is then what
 * was read; all zeros when somebody wrote to the file meanwhile, so that it is read again.
 */
static int read_images(struct listing *l, const struct version *have, decode_image_fn *take,
                       void *ctx, struct version *version)
{
    CLEANUP(close_fd) int fd = -1;
    CLEANUP(strbuf_free) struct strbuf text = STRBUF_INIT;
    struct stat st;
    int r = open_file(l, &fd, &st);
    if (r < 0)
        return r;
    struct version before = version_of(&st);
    if (same_version(have, &before))
        return SOURCE_UNCHANGED;
    r = read_file(l, fd, &text);
    if (r == 0)
        r = decode_file(l, strbuf_bytes(&text), take, ctx);
    if (r < 0)
        return r;
    struct version after = fstat(fd, &st) == 0 ? version_of(&st) : (struct version){0};
    *version = same_version(&before, &after) ? after : (struct version){0};
    return SOURCE_DONE;
}

/* --- Without criteria: the images go on as they are read --- */

static int list_all(struct listing *l)
{
    struct version version;
    int r = read_images(l, &l->s->listed, take_image, l, &version);
    if (r == SOURCE_DONE && (r = flush(l)) == 0)
        l->s->listed = version;
    return r;
}

/* --- With criteria: they are put to all there are --- */

static int keep_image(void *ctx, struct image *img)
{
    struct listing *l = ctx;
    int r = batch_add(&l->batch, img);
    return r == 0 && atomic_load(&l->s->cancelled) ? -ECANCELED : r;
}

static int fill_stock(struct listing *l)
{
    struct source_file *s = l->s;
    struct version version;
    int r = read_images(l, &s->stocked, keep_image, l, &version);
    if (r == SOURCE_UNCHANGED) {
        l->base.left_out = s->left_out;
        return 0;
    }
    if (r == SOURCE_DONE)
        r = stock_take(&s->stock, &l->batch);
    if (r < 0)
        return l->base.error.text[0] ? r : fail(l, r, "%s", strerror(-r));
    s->stocked = version;
    s->left_out = l->base.left_out;
    return 0;
}

static int give_selection(struct listing *l, const struct selection *selection)
{
    CLEANUP(strbuf_free) struct strbuf marker = STRBUF_INIT;
    int r = 0;
    for (size_t i = 0; r == 0 && i < selection->count; i++)
        r = take_image(l, image_ref(selection->images[i]));
    if (r == 0)
        r = flush(l);
    if (r < 0)
        return l->base.error.text[0] ? r : fail(l, r, "%s", strerror(-r));
    if (!selection->more || !selection_add_last_id(selection, &marker))
        return SOURCE_DONE;
    l->base.next_marker = strbuf_steal(&marker);
    return l->base.next_marker ? SOURCE_DONE : fail(l, -ENOMEM, "%s", strerror(ENOMEM));
}

/* Records are no service: it is for the user to say, or they are as the documents have them. */
static enum query_dialect dialect(const struct source *base)
{
    bool glance = ((const struct source_file *)base)->config.dialect == QUERY_DIALECT_GLANCE;
    return glance ? QUERY_DIALECT_GLANCE : QUERY_DIALECT_IMS;
}

static int list_query(struct listing *l)
{
    struct source_file *s = l->s;
    CLEANUP(selection_free) struct selection selection = {0};
    const struct match_facts facts = {.cloudimages = dialect(&s->base) == QUERY_DIALECT_IMS};
    struct query_error err = {""};
    int r = fill_stock(l);
    if (r < 0)
        return r;
    if (s->stock.count > s->config.max_images)
        return refuse_more(l);
    r = selection_make(&selection, l->base.query, s->stock.images, s->stock.count, s->config.attrs,
                       &facts, &err);
    if (r < 0)
        return fail(l, r, "%s", err.text[0] ? err.text : strerror(-r));
    return give_selection(l, &selection);
}

/* The whole file: it costs no waiting but for the disk. */
static int next(struct source_listing *base)
{
    struct listing *l = (struct listing *)base;
    if (atomic_load(&l->s->cancelled))
        return fail(l, -ECANCELED, "the listing was cancelled");
    int r = source_choose_form(&l->base, dialect(&l->s->base));
    if (r < 0)
        return r;
    return l->base.query ? list_query(l) : list_all(l);
}

static void end(struct source_listing *base)
{
    struct listing *l = (struct listing *)base;
    batch_free(&l->batch);
    free(l->base.next_marker);
    free(l);
}

static int begin(struct source *base, const struct query *q, const struct source_sink *sink,
                 struct source_listing **out)
{
    struct listing *l = calloc(1, sizeof(*l));
    if (!l)
        return -ENOMEM;
    l->base = (struct source_listing){.source = base, .query = q, .sink = *sink};
    l->s = (struct source_file *)base;
    *out = &l->base;
    return 0;
}

static void cancel(struct source *base)
{
    atomic_store(&((struct source_file *)base)->cancelled, true);
}

static void destroy(struct source *base)
{
    struct source_file *s = (struct source_file *)base;
    stock_free(&s->stock);
    free(s->path);
    free(s);
}

static const struct source_ops ops = {.begin = begin,
                                      .next = next,
                                      .end = end,
                                      .cancel = cancel,
                                      .dialect = dialect,
                                      .free = destroy};

int source_file_new(struct source **out, const struct source_file_config *config)
{
    struct source_file *s = calloc(1, sizeof(*s));
    if (!s)
        return -ENOMEM;
    s->config = *config;
    if (!s->config.max_bytes)
        s->config.max_bytes = SOURCE_FILE_MAX_BYTES;
    s->path = strdup(config->path);
    if (!s->path) {
        free(s);
        return -ENOMEM;
    }
    s->base.ops = &ops;
    s->base.kind = "file";
    s->base.api = "file";
    *out = &s->base;
    return 0;
}
