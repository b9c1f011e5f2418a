// SPDX-License-Identifier: Apache-2.0
#include "imsfs/diff.h"

struct differ {
    const struct tree *t;
    const struct catalog *before, *now;
    diff_fn *fn;
    void *ctx;
};

static int emit_data(const struct differ *x, struct node node)
{
    const struct diff_item item = {.kind = DIFF_DATA, .ino = node_id(&node)};
    return x->fn(x->ctx, &item);
}

static int emit_entry(const struct differ *x, struct node dir, struct bytes name)
{
    const struct diff_item item = {DIFF_ENTRY, node_id(&dir), .name = name.data,
                                   .name_len = name.len};
    return x->fn(x->ctx, &item);
}

/*
 * A directory: one in the mount's own list; in a query's, one for each of its spellings. i counts
 * them. False: no more.
 */
static bool spelled(const struct differ *x, size_t i, struct node *node)
{
    const struct tree_query *q = x->t->query;
    if (!q)
        return i == 0;
    if (i == q->spelling_count)
        return false;
    if (node->kind == NODE_DIR)
        *node = (struct node){.kind = NODE_QUERY};
    node->query = q->number;
    node->generation = q->generation;
    node->spelling = q->spellings[i];
    return true;
}

static int emit_dir_data(const struct differ *x, struct node dir)
{
    int r = 0;
    for (size_t i = 0; r == 0 && spelled(x, i, &dir); i++)
        r = emit_data(x, dir);
    return r;
}

static int emit_dir_entry(const struct differ *x, struct node dir, struct bytes name)
{
    int r = 0;
    for (size_t i = 0; r == 0 && spelled(x, i, &dir); i++)
        r = emit_entry(x, dir, name);
    return r;
}

static struct node dir_node(uint32_t slot)
{
    return (struct node){.kind = NODE_DIR, .dir = slot};
}

/* --- One image that changed --- */

/*
 * The files, which have another number now, and the directory that lists them. Of an image that is
 * gone too: somebody may be in its directory, whose names would lead to the old files when it comes
 * back.
 */
static int diff_files(const struct differ *x, uint32_t slot, const struct image *before)
{
    uint16_t attrs[IMAGE_ATTR_LIMIT + 1];
    struct diff_item item = {.kind = DIFF_FILES, .attrs = attrs};
    attrs[item.attr_count++] = IMAGE_JSON_SLOT;
    for (size_t i = 0; i < image_attr_count(before); i++)
        attrs[item.attr_count++] = image_attr_at(before, i)->slot;
    struct node dir = {.kind = NODE_IMAGE, .image = slot};
    int r = 0;
    for (size_t i = 0; r == 0 && spelled(x, i, &dir); i++) {
        item.ino = node_id(&dir);
        r = x->fn(x->ctx, &item);
    }
    return r;
}

/* --- One directory --- */

static struct bytes entry_name(const struct catalog *c, const struct directory *d, uint32_t slot,
                               char buffer[static 256])
{
    if (!d->leaf)
        return directory_name(catalog_dir(c, slot));
    const struct image *img = catalog_image(c, slot);
    return (struct bytes){buffer, img ? directory_entry_name(d, img, buffer) : 0};
}

/* An entry of the directory before; is is the directory now, or NULL. */
static int diff_entry(const struct differ *x, const struct directory *was,
                      const struct directory *is, uint32_t slot)
{
    char a[256], b[256];
    struct bytes name = entry_name(x->before, was, slot, a);
    if (!is || !catalog_has(x->now, is, slot) ||
        !bytes_equal(name, entry_name(x->now, is, slot, b)))
        return emit_dir_entry(x, dir_node(was->slot), name);
    return 0;
}

/* A link to an image that changed: its times, and where it points when the image moved. */
static int diff_link(const struct differ *x, const struct directory *d, uint32_t slot)
{
    if (catalog_image(x->before, slot) == catalog_image(x->now, slot))
        return 0;
    return emit_data(x, (struct node){.kind = NODE_LINK, .dir = d->slot, .image = slot});
}

static bool same_time(struct timespec a, struct timespec b)
{
    return a.tv_sec == b.tv_sec && a.tv_nsec == b.tv_nsec;
}

/*
 * The links of a query whose entries or marker changed: their times, and the name of one that
 * points elsewhere, which is another inode, or is gone.
 */
static int diff_pages(const struct differ *x)
{
    const struct query *criteria = x->t->query->criteria;
    int r = 0;
    for (enum node_page page = NODE_PAGE_FIRST; r == 0 && page <= NODE_PAGE_NEXT; page++) {
        if (!page_exists(criteria, x->before, page))
            continue;
        const struct node was = tree_page(x->t, x->before, page);
        r = emit_data(x, was); /* also for the day when it comes back */
        if (r == 0 &&
            (!page_exists(criteria, x->now, page) || page_version(x->now, page) != was.version))
            r = emit_dir_entry(x, dir_node(0), bytes_of(page_name(page)));
    }
    return r;
}

static int diff_dir(const struct differ *x, uint32_t slot)
{
    const struct directory *was = catalog_dir(x->before, slot), *is = catalog_dir(x->now, slot);
    bool links = was && was->leaf && was->view->kind != LAYOUT_IMAGES;
    bool changed = !was || !is || !same_time(was->mtime, is->mtime);
    int r = 0;
    if (was && x->before != x->now) {
        for (uint32_t i = 0; r == 0 && changed && i < was->count; i++)
            r = diff_entry(x, was, is, was->entries[i]);
        for (uint32_t i = 0; r == 0 && links && i < was->count; i++)
            r = diff_link(x, was, was->entries[i]);
        if (r == 0 && changed && x->t->query)
            r = diff_pages(x);
    }
    /* Listed anew, a directory of directories renews the leases of all that are in it. */
    bool renews = is && (is->view->kind == LAYOUT_IMAGES || !is->leaf);
    if (r == 0 && (changed || renews))
        r = emit_dir_data(x, dir_node(slot));
    return r;
}

/* What readers listed while it was not whole yet. */
static int diff_first(const struct differ *x)
{
    int r = 0;
    for (uint32_t i = 0; r == 0 && i < catalog_dir_limit(x->now); i++) {
        const struct directory *d = catalog_dir_at(x->now, i);
        if (d && (atomic_load(&d->listed) || d->parent == DIRECTORY_ROOT))
            r = emit_dir_data(x, dir_node(d->slot));
    }
    return r;
}

static int diff_images(const struct differ *x)
{
    int r = 0;
    for (uint32_t i = 0; r == 0 && i < catalog_image_limit(x->before); i++) {
        const struct roll_item *was = catalog_image_at(x->before, i);
        if (was && (!catalog_image(x->now, was->slot) ||
                    was->version != catalog_version(x->now, was->slot)))
            r = diff_files(x, was->slot, was->img);
    }
    return r;
}

int diff_catalogs(const struct tree *t, const struct catalog *before, const struct catalog *now,
                  diff_fn *fn, void *ctx)
{
    const struct differ x = {t, before, now, fn, ctx};
    if (!before)
        return diff_first(&x);
    int r = before == now ? 0 : diff_images(&x);
    for (uint32_t i = 0; r == 0 && i < catalog_dir_limit(now); i++) {
        const struct directory *is = catalog_dir_at(now, i);
        if (is)
            r = diff_dir(&x, is->slot);
    }
    for (uint32_t i = 0; r == 0 && i < catalog_dir_limit(before); i++) {
        const struct directory *was = catalog_dir_at(before, i);
        if (was && !catalog_dir(now, was->slot))
            r = diff_dir(&x, was->slot);
    }
    return r;
}

int diff_emptied(const struct tree *t, const struct catalog *before, const struct catalog *now,
                 diff_fn *fn, void *ctx)
{
    const struct differ x = {t, before, now, fn, ctx};
    int r = 0;
    for (enum node_page page = NODE_PAGE_FIRST; r == 0 && page <= NODE_PAGE_NEXT; page++)
        r = emit_data(&x, tree_page(t, now, page));
    /* Who saw the first pages of a listing may have had the directories from long ago. */
    bool whole = before && catalog_is_whole(before);
    for (uint32_t i = 0; r == 0 && i < catalog_image_limit(now); i++) {
        const struct roll_item *is = catalog_image_at(now, i);
        if (is && !(whole && catalog_image(before, is->slot)))
            r = emit_dir_data(&x, (struct node){.kind = NODE_IMAGE, .image = is->slot});
    }
    return r;
}
