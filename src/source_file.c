// SPDX-License-Identifier: Apache-2.0
#include "imsfs/source_file.h"

#include <errno.h>
#include <stdio.h>

#include "imsfs/batch.h"
#include "imsfs/recordfile.h"
#include "imsfs/selection.h"
#include "imsfs/stock.h"

/* All zeros: of no file. */
struct source_file {
    struct source base; /* first: the head of every source */
    struct source_file_config config;
    struct recordfile file;
    char *path;
    atomic_bool cancelled;
    struct recordfile_version listed;  /* of the last complete listing without criteria */
    struct recordfile_version stocked; /* of what is in stock, for criteria, and what it left out */
    struct stock stock;
    struct source_left_out left_out;
};

struct listing {
    struct source_listing base; /* first: the head of every listing */
    struct source_file *s;
    struct batch batch;
    size_t images;
};

#define fail(l, ...) recordfile_fail(&(l)->s->file, &(l)->base, __VA_ARGS__)

static int check_count(struct listing *l, size_t images)
{
    const struct limits *limits = l->s->config.limits;
    char what[120];
    if (!limits_exceeded(limits, LIMIT_IMAGES, images))
        return 0;
    limits_describe(limits, LIMIT_IMAGES, what);
    return fail(l, -EIO, "%s; raise the limit if the file is right", what);
}

/* Gives what was collected to the sink. */
static int flush(struct listing *l)
{
    if (l->batch.count == 0)
        return 0;
    if (atomic_load(&l->s->cancelled))
        return fail(l, -ECANCELED, "the listing was cancelled");
    int r = check_count(l, l->images + l->batch.count);
    if (r < 0)
        return r;
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

/* --- Without criteria: the images go on as they are read --- */

static void drop_batch(void *ctx)
{
    struct listing *l = ctx;
    batch_free(&l->batch);
}

static void start_over(void *ctx)
{
    struct listing *l = ctx;
    drop_batch(l);
    l->images = 0;
    l->base.sink.restart(l->base.sink.ctx);
}

static int list_all(struct listing *l)
{
    const struct recordfile_taker taker = {take_image, start_over, l};
    struct recordfile_version version;
    int r = recordfile_read(&l->s->file, &l->base, &l->s->listed, &taker, &version);
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
    const struct recordfile_taker taker = {keep_image, drop_batch, l};
    struct source_file *s = l->s;
    struct recordfile_version version;
    int r = recordfile_read(&s->file, &l->base, &s->stocked, &taker, &version);
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
    if (r == 0)
        r = check_count(l, s->stock.count);
    if (r < 0)
        return r;
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
    if (!s->config.limits)
        s->config.limits = &limits_standard;
    s->path = strdup(config->path);
    if (!s->path) {
        free(s);
        return -ENOMEM;
    }
    s->file = (struct recordfile){s->path,       s->config.max_bytes, s->config.limits,
                                  config->attrs, &s->cancelled,       &s->base.counters};
    s->base.ops = &ops;
    s->base.kind = "file";
    s->base.api = "file";
    *out = &s->base;
    return 0;
}
