// SPDX-License-Identifier: Apache-2.0
#include "imsfs/entries.h"

#include <errno.h>

/*
 * Cookies: 1 behind ".", 2 behind "..", then 3 + the mark of an entry behind that entry: a slot, an
 * entry's mark in its directory (directory.h), or behind these a page.
 */
#define COOKIE_DOT 1
#define COOKIE_DOTDOT 2
#define COOKIE_FIRST 3

#define MARK_QUERY_LINK LAYOUT_VIEWS_MAX /* behind the views in the root directory */
#define MARK_STATUS 0
#define MARK_QUERIES 1
#define MARK_PAGES ORDER_END

static const struct node root = {.kind = NODE_ROOT};

struct listing {
    const struct tree *t;
    const struct catalog *c;
    const struct node *dir;
    uint64_t cookie;
    entries_fn *fn;
    void *ctx;
};

/* The smallest mark that is not behind the reader. */
static uint64_t first_mark(const struct listing *l)
{
    return l->cookie < COOKIE_FIRST ? 0 : l->cookie - COOKIE_FIRST + 1;
}

/* False: stop. */
static bool give(const struct listing *l, const char *name, struct node node, uint64_t mark)
{
    return mark < first_mark(l) || l->fn(l->ctx, name, &node, mark + COOKIE_FIRST);
}

/* "." and "..". False: stop. */
static bool give_dots(const struct listing *l, struct node parent)
{
    if (l->cookie < COOKIE_DOT && !l->fn(l->ctx, ".", l->dir, COOKIE_DOT))
        return false;
    return l->cookie >= COOKIE_DOTDOT || l->fn(l->ctx, "..", &parent, COOKIE_DOTDOT);
}

static void give_root(const struct listing *l)
{
    const struct layout *layout = l->t->numbers->layout;
    bool go_on = give_dots(l, root);
    for (uint32_t i = 0; go_on && i < layout->view_count; i++)
        go_on = give(l, layout->views[i].name, (struct node){.kind = NODE_DIR, .dir = i}, i);
    if (go_on && l->t->queries)
        give(l, TREE_QUERY_NAME, (struct node){.kind = NODE_QUERY_LINK}, MARK_QUERY_LINK);
}

static void give_meta(const struct listing *l)
{
    if (give_dots(l, root) &&
        give(l, TREE_STATUS_NAME, (struct node){.kind = NODE_STATUS}, MARK_STATUS) && l->t->queries)
        give(l, TREE_QUERY_NAME, (struct node){.kind = NODE_QUERIES}, MARK_QUERIES);
}

/* False: there is no such entry. */
static bool name_entry(const struct listing *l, const struct directory *d, uint32_t slot,
                       char out[static 256])
{
    if (d->leaf) {
        const struct image *img = catalog_image(l->c, slot);
        if (img)
            directory_entry_name(d, img, out);
        return img != NULL; /* else its page is not whole: the listing failed there */
    }
    struct bytes last = directory_name(catalog_dir(l->c, slot));
    memcpy(out, last.data, last.len);
    out[last.len] = '\0';
    return true;
}

/* False: stop. */
static bool give_all(const struct listing *l, const struct directory *d)
{
    char name[256];
    bool go_on = true;
    for (uint32_t i = directory_lower(d, first_mark(l)); go_on && i < d->count; i++) {
        uint32_t slot = d->entries[i];
        if (name_entry(l, d, slot, name))
            go_on = give(l, name, tree_entry(l->t, d, l->dir, slot), directory_mark(d, i));
    }
    return go_on;
}

static int give_dir(const struct listing *l)
{
    const struct directory *d = catalog_dir(l->c, l->dir->dir);
    if (!d)
        return -ESTALE;
    bool top = d->parent == DIRECTORY_ROOT;
    if (give_dots(l, top ? root : (struct node){.kind = NODE_DIR, .dir = d->parent}))
        give_all(l, d);
    return 0;
}

/* While it grows, more images may come, which a reader of the links would have behind him. */
static void give_query(const struct listing *l)
{
    bool go_on = give_dots(l, (struct node){.kind = NODE_QUERIES}) &&
                 give_all(l, catalog_dir(l->c, 0)) && catalog_is_whole(l->c);
    for (enum node_page page = NODE_PAGE_FIRST; go_on && page <= NODE_PAGE_NEXT; page++)
        if (page_exists(l->t->query->criteria, l->c, page))
            go_on = give(l, page_name(page), tree_page(l->t, l->c, page), MARK_PAGES + page);
}

static struct node parent_of_image(const struct listing *l)
{
    if (!l->t->query)
        return (struct node){.kind = NODE_DIR, .dir = catalog_home(l->c, l->dir->image)};
    return (struct node){.kind = NODE_QUERY,
                         .query = l->dir->query,
                         .generation = l->t->query->generation,
                         .spelling = l->dir->spelling};
}

/* file is one of the image, whichever. */
static bool give_file(const struct listing *l, const char *name, struct node file, uint32_t attr)
{
    file.attr = attr;
    return give(l, name, file, attr);
}

static int give_image(const struct listing *l)
{
    const struct image *img = catalog_image(l->c, l->dir->image);
    char name[256];
    if (!img)
        return -ESTALE;
    bool go_on = give_dots(l, parent_of_image(l)) && first_mark(l) <= IMAGE_JSON_SLOT;
    const struct node any = tree_file(l->t, l->c, l->dir->image, IMAGE_JSON_SLOT);
    size_t i = go_on ? image_attr_lower(img, (uint32_t)first_mark(l)) : 0;
    for (; go_on && i < image_attr_count(img); i++) {
        uint32_t slot = image_attr_at(img, i)->slot;
        struct bytes file = slot_get(l->t->numbers->attrs, slot);
        memcpy(name, file.data, file.len);
        name[file.len] = '\0';
        go_on = give_file(l, name, any, slot);
    }
    if (go_on)
        give_file(l, TREE_JSON_NAME, any, IMAGE_JSON_SLOT);
    return 0;
}

int entries_give(const struct tree *t, const struct catalog *c, const struct node *dir,
                 uint64_t cookie, entries_fn *fn, void *ctx)
{
    const struct listing l = {t, c, dir, cookie, fn, ctx};
    if (!tree_owns(t, dir))
        return -ESTALE;
    switch (dir->kind) {
    case NODE_ROOT:
        give_root(&l);
        return 0;
    case NODE_META:
        give_meta(&l);
        return 0;
    case NODE_DIR:
        return give_dir(&l);
    case NODE_QUERY:
        give_query(&l);
        return 0;
    case NODE_IMAGE:
        return give_image(&l);
    default:
        return -ENOTDIR;
    }
}

void entries_give_queries(const struct entries_query *queries, size_t count, uint64_t cookie,
                          entries_fn *fn, void *ctx)
{
    const struct node dir = {.kind = NODE_QUERIES};
    const struct listing l = {.dir = &dir, .cookie = cookie, .fn = fn, .ctx = ctx};
    bool go_on = give_dots(&l, (struct node){.kind = NODE_META});
    for (size_t i = 0; go_on && i < count; i++)
        go_on = give(&l, queries[i].name, queries[i].node, queries[i].mark);
}
