// SPDX-License-Identifier: Apache-2.0
#include "imsfs/feed.h"

#include <errno.h>

#define UNKNOWN_MAX 4 /* files one after the other that the kernel does not know, then no more */

/* An image whose files are given. */
struct item {
    struct image *img; /* owned */
    struct node file;  /* one of them */
};

/* What is being given. */
struct meal {
    struct feed *f;
    uint64_t asked; /* the number of the file that is just being read, or 0 */
    unsigned unknown;
    bool landed, over;
};

void feed_init(struct feed *f, const struct scene_stage *stage, unsigned workers,
               feed_store_fn *store, void *ctx)
{
    *f = (struct feed){.stage = stage, .store = store, .ctx = ctx, .text = STRBUF_INIT};
    push_init(&f->push, workers < 2);
}

void feed_deinit(struct feed *f)
{
    push_deinit(&f->push);
    strbuf_free(&f->text);
}

void feed_stop(struct feed *f)
{
    push_end(&f->push);
}

/* --- Storing --- */

static void note_result(struct meal *m, int r)
{
    m->unknown = r == -ENOENT ? m->unknown + 1 : 0;
    m->landed |= r == 0;
    m->over = m->unknown >= UNKNOWN_MAX || (r < 0 && r != -ENOENT);
    if (r == -ENOSYS || r == -EINVAL)
        push_stop(&m->f->push);
}

/* Whether its number may have stood for an earlier version: the kernel tells these apart when it is
 * told of one by name, but not when it is given contents, and somebody may have the old one open.
 */
static bool is_ambiguous(const struct node *file)
{
    return file->version >> NUMBERS_VERSION_BITS != 0;
}

static void give_file(struct meal *m, const struct image *img, const struct node *file)
{
    const struct image_attr *a = image_attr_find(img, file->attr);
    struct strbuf *text = &m->f->text;
    if (m->over || node_id(file) == m->asked || (!a && file->attr != IMAGE_JSON_SLOT) ||
        is_ambiguous(file))
        return;
    /* The kernel never reads what is empty. */
    size_t size = a ? a->size : image_pretty_size(img);
    if (size == 0 || size > FEED_FILE_MAX)
        return;
    strbuf_reset(text);
    int r = tree_content(img, file, text);
    note_result(m, r < 0 ? r : m->f->store(m->f->ctx, node_id(file), strbuf_bytes(text)));
}

static void give_image(struct meal *m, const struct item *item, bool whole)
{
    struct node file = item->file;
    for (size_t i = 0; i < image_attr_count(item->img); i++) {
        file.attr = image_attr_at(item->img, i)->slot;
        give_file(m, item->img, &file);
    }
    file.attr = IMAGE_JSON_SLOT;
    if (whole)
        give_file(m, item->img, &file);
}

/* --- What of the list is given --- */

static void take(const struct scene *s, uint32_t image, uint32_t attr, struct item *item)
{
    const struct image *img = catalog_image(s->view.catalog, image);
    item->img = image_ref((struct image *)img);
    item->file = tree_file(&s->tree, s->view.catalog, image, attr);
}

/* The image itself, unless the reader has another version of it. How many. */
static size_t take_image(const struct scene *s, const struct node *node, struct item *item)
{
    bool other = node->kind == NODE_FILE && !tree_image(s->view.catalog, node);
    if (other || !catalog_image(s->view.catalog, node->image))
        return 0;
    take(s, node->image, 0, item);
    return 1;
}

/* Where an entry stands in its directory. */
static uint32_t index_of(const struct directory *d, uint32_t slot)
{
    uint32_t i = 0;
    if (!d->ordered)
        return directory_lower(d, slot);
    while (i < d->count && d->entries[i] != slot)
        i++;
    return i;
}

/* The first directory with images, from d on downwards. */
static const struct directory *first_leaf(const struct catalog *c, const struct directory *d)
{
    while (d && !d->leaf)
        d = d->count > 0 ? catalog_dir(c, d->entries[0]) : NULL;
    return d;
}

/* The one to which a walk comes after leaf d, or NULL. */
static const struct directory *next_leaf(const struct catalog *c, const struct directory *d)
{
    while (d && d->parent != DIRECTORY_ROOT) {
        const struct directory *parent = catalog_dir(c, d->parent);
        uint32_t i = parent ? index_of(parent, d->slot) + 1 : 0;
        if (parent && i < parent->count)
            return first_leaf(c, catalog_dir(c, parent->entries[i]));
        d = parent;
    }
    return NULL;
}

/* Those that follow when somebody walks through all, but none from image until on. How many. */
static size_t take_next(const struct scene *s, const struct node *file, uint32_t until,
                        struct item *items)
{
    const struct catalog *c = s->view.catalog;
    size_t count = 0;
    const struct directory *d =
        catalog_image(c, file->image) ? catalog_dir(c, catalog_home(c, file->image)) : NULL;
    uint32_t i = d ? index_of(d, file->image) + 1 : 0;
    for (; d; d = next_leaf(c, d), i = 0)
        for (; i < d->count; i++) {
            if (count == FEED_AHEAD || d->entries[i] == until)
                return count;
            if (catalog_image(c, d->entries[i]))
                take(s, d->entries[i], file->attr, &items[count++]);
        }
    return count;
}

static size_t take_items(const struct feed *f, enum push_what what, const struct node *node,
                         struct item *items)
{
    struct scene s;
    size_t count = 0;
    int r = scene_enter(&s, f->stage, node);
    if (r == 0 && scene_look(&s, LIST_NOW) == 0) {
        if (s.view.catalog)
            count = what == PUSH_AHEAD ? take_next(&s, node, f->push.until, items)
                                       : take_image(&s, node, items);
        scene_look_away(&s);
    }
    scene_leave(&s);
    return count;
}

/* True when the kernel had use for some of it. */
static bool give(struct feed *f, enum push_what what, const struct call *call)
{
    struct item items[FEED_AHEAD];
    struct meal m = {.f = f, .asked = call->kind == CALL_READ ? node_id(&call->node) : 0};
    size_t count = take_items(f, what, &call->node, items);
    for (size_t i = 0; i < count; i++) {
        if (what == PUSH_AHEAD)
            give_file(&m, items[i].img, &items[i].file);
        else
            give_image(&m, &items[i], what == PUSH_WHOLE);
        image_unref(items[i].img);
    }
    return m.landed;
}

static enum push_what due(struct feed *f, const struct call *call, const struct answer *a)
{
    const struct node *node = &call->node;
    if (call->kind == CALL_READ && node->kind == NODE_FILE && call->offset == 0)
        return push_read(&f->push, call->pid, node);
    if (call->kind == CALL_LIST && node->kind == NODE_IMAGE && a->text.len == 0)
        return push_listed(&f->push, call->pid, node);
    return PUSH_NOTHING;
}

void feed_before_sending(struct feed *f, const struct call *call, const struct answer *a)
{
    enum push_what what = due(f, call, a);
    if (what != PUSH_NOTHING)
        push_done(&f->push, give(f, what, call));
}
