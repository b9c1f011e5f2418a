// SPDX-License-Identifier: Apache-2.0
#include "imsfs/tree.h"

#include <errno.h>

#include "imsfs/name.h"

bool tree_owns(const struct tree *t, const struct node *n)
{
    uint32_t list = t->query ? t->query->number : 0;
    switch (n->kind) {
    case NODE_DIR:
    case NODE_LINK:
    case NODE_IMAGE:
    case NODE_FILE:
        return n->query == list;
    case NODE_QUERY:
    case NODE_PAGE:
        return t->query && n->query == list && n->generation == t->query->generation;
    default:
        return true;
    }
}

/* What is below a query's directory. */
static struct node below(const struct tree *t, struct node node)
{
    if (t->query) {
        node.query = t->query->number;
        node.generation = t->query->generation;
    }
    return node;
}

struct node tree_entry(const struct tree *t, const struct directory *d, const struct node *dir,
                       uint32_t slot)
{
    if (!d->leaf)
        return (struct node){.kind = NODE_DIR, .dir = slot};
    if (d->view->kind != LAYOUT_IMAGES)
        return (struct node){.kind = NODE_LINK, .dir = d->slot, .image = slot};
    return below(t, (struct node){NODE_IMAGE, .image = slot, .spelling = dir->spelling});
}

struct node tree_file(const struct tree *t, const struct catalog *c, uint32_t image, uint32_t attr)
{
    return below(t, (struct node){NODE_FILE, .image = image, .attr = attr,
                                  .version = catalog_version(c, image)});
}

struct node tree_page(const struct tree *t, const struct catalog *c, enum node_page page)
{
    return below(t,
                 (struct node){.kind = NODE_PAGE, .page = page, .version = page_version(c, page)});
}

/* --- Looking up --- */

static int lookup_root(const struct tree *t, struct bytes name, struct node *out)
{
    const struct layout *layout = t->numbers->layout;
    if (bytes_are(name, TREE_META_NAME)) {
        *out = (struct node){.kind = NODE_META};
        return 0;
    }
    if (t->queries && bytes_are(name, TREE_QUERY_NAME)) {
        *out = (struct node){.kind = NODE_QUERY_LINK};
        return 0;
    }
    for (uint32_t i = 0; i < layout->view_count; i++) {
        if (bytes_are(name, layout->views[i].name)) {
            *out = (struct node){.kind = NODE_DIR, .dir = i};
            return 0;
        }
    }
    return -ENOENT;
}

static int lookup_meta(const struct tree *t, struct bytes name, struct node *out)
{
    if (bytes_are(name, TREE_STATUS_NAME))
        *out = (struct node){.kind = NODE_STATUS};
    else if (t->queries && bytes_are(name, TREE_QUERY_NAME))
        *out = (struct node){.kind = NODE_QUERIES};
    else
        return -ENOENT;
    return 0;
}

static int lookup_image(const struct tree *t, const struct catalog *c, const struct directory *d,
                        const struct node *dir, struct bytes name, struct node *out)
{
    char entry[256];
    uint32_t slot;
    struct bytes id = name;
    bool id_only = d->view->kind == LAYOUT_BY_ID || d->view->kind == LAYOUT_BY_NAME;
    if (!id_only && !name_split_image(name, &id))
        return -ENOENT;
    if (ids_find(t->numbers->ids, id, &slot) < 0 || !catalog_has(c, d, slot))
        return -ENOENT;
    const struct image *img = catalog_image(c, slot);
    if (!img || !bytes_equal(name, (struct bytes){entry, directory_entry_name(d, img, entry)}))
        return -ENOENT;
    *out = tree_entry(t, d, dir, slot);
    return 0;
}

static int lookup_dir(const struct tree *t, const struct catalog *c, const struct directory *d,
                      struct bytes name, struct node *out)
{
    uint32_t slot;
    if (numbers_find_dir(t->numbers, d->slot, name, &slot) < 0)
        return -ENOENT;
    const struct directory *found = catalog_dir(c, slot);
    if (!found || !directory_is(found, d->slot, name))
        return -ENOENT;
    *out = (struct node){.kind = NODE_DIR, .dir = slot};
    return 0;
}

static int lookup_file(const struct tree *t, const struct catalog *c, uint32_t image,
                       struct bytes name, struct node *out)
{
    const struct image *img = catalog_image(c, image);
    uint32_t slot = IMAGE_JSON_SLOT;
    if (!img)
        return -ESTALE;
    if (!bytes_are(name, TREE_JSON_NAME) &&
        (slot_find(t->numbers->attrs, name, &slot) < 0 || !image_attr_find(img, slot)))
        return -ENOENT;
    *out = tree_file(t, c, image, slot);
    return 0;
}

static int lookup_in_query(const struct tree *t, const struct catalog *c, const struct node *dir,
                           struct bytes name, struct node *out)
{
    enum node_page page;
    if (!page_of_name(name, &page))
        return lookup_image(t, c, catalog_dir(c, 0), dir, name, out);
    if (!page_exists(t->query->criteria, c, page))
        return -ENOENT;
    *out = tree_page(t, c, page);
    return 0;
}

int tree_lookup(const struct tree *t, const struct catalog *c, const struct node *parent,
                struct bytes name, struct node *out)
{
    const struct directory *d;
    if (!tree_owns(t, parent))
        return -ESTALE;
    switch (parent->kind) {
    case NODE_ROOT:
        return lookup_root(t, name, out);
    case NODE_META:
        return lookup_meta(t, name, out);
    case NODE_QUERIES:
        return -ENOENT;
    case NODE_QUERY:
        return lookup_in_query(t, c, parent, name, out);
    case NODE_DIR:
        d = catalog_dir(c, parent->dir);
        if (!d)
            return -ESTALE;
        return d->leaf ? lookup_image(t, c, d, parent, name, out) : lookup_dir(t, c, d, name, out);
    case NODE_IMAGE:
        return lookup_file(t, c, parent->image, name, out);
    default:
        return -ENOTDIR;
    }
}

/* --- Attributes --- */

static void fill_dir(const struct tree *t, struct stat *st, nlink_t subdirs, struct timespec mtime)
{
    st->st_mode = S_IFDIR | (0555 & ~t->umask);
    st->st_nlink = 2 + subdirs;
    st->st_mtim = st->st_ctim = mtime;
    st->st_atim = t->numbers->born;
}

static void fill_image_times(const struct tree *t, struct stat *st, const struct image *img)
{
    st->st_mtim = st->st_atim = t->numbers->born;
    if (image_mtime(img, &st->st_mtim.tv_sec))
        st->st_mtim.tv_nsec = 0;
    else
        st->st_mtim = t->numbers->born;
    if (image_atime(img, &st->st_atim.tv_sec))
        st->st_atim.tv_nsec = 0;
    else
        st->st_atim = t->numbers->born;
    st->st_ctim = st->st_mtim;
}

/* named: it is there without a list too. */
static int stat_dir(const struct tree *t, const struct catalog *c, uint32_t slot, bool named,
                    struct stat *st)
{
    const struct directory *d = c ? catalog_dir(c, slot) : NULL;
    if (!d && !named)
        return -ESTALE;
    if (!d) {
        fill_dir(t, st, 0, t->since);
        return 0;
    }
    bool has_subdirs = !d->leaf || d->view->kind == LAYOUT_IMAGES;
    fill_dir(t, st, has_subdirs ? d->count : 0, d->mtime);
    return 0;
}

static void set_size(struct stat *st, size_t size)
{
    st->st_size = (off_t)size;
    st->st_blocks = (blkcnt_t)((size + 511) / 512);
}

static void fill_owner(const struct tree *t, const struct node *n, struct stat *st)
{
    *st = (struct stat){
        .st_ino = node_ino(n), .st_uid = t->uid, .st_gid = t->gid, .st_blksize = 4096};
}

int tree_stat_sibling(const struct image *img, const struct node *n, struct stat *st)
{
    const struct image_attr *a = image_attr_find(img, n->attr);
    if (!a && n->attr != IMAGE_JSON_SLOT)
        return -ESTALE;
    st->st_ino = node_ino(n);
    set_size(st, a ? a->size : image_pretty_size(img));
    return 0;
}

int tree_stat_file(const struct tree *t, const struct image *img, const struct node *n,
                   struct stat *st)
{
    fill_owner(t, n, st);
    st->st_mode = S_IFREG | (0444 & ~t->umask);
    st->st_nlink = 1;
    fill_image_times(t, st, img);
    return tree_stat_sibling(img, n, st);
}

static int stat_link(const struct tree *t, const struct catalog *c, const struct node *n,
                     struct stat *st)
{
    CLEANUP(strbuf_free) struct strbuf target = STRBUF_INIT;
    int r = tree_target(t, c, n, &target);
    if (r < 0)
        return r;
    st->st_mode = S_IFLNK | 0777;
    st->st_nlink = 1;
    st->st_mtim = st->st_ctim = st->st_atim = t->numbers->born;
    set_size(st, target.len);
    return 0;
}

static int stat_page(const struct tree *t, const struct catalog *c, const struct node *n,
                     struct stat *st)
{
    const struct directory *d = c ? catalog_dir(c, 0) : NULL;
    int r = d ? stat_link(t, c, n, st) : -ESTALE;
    if (r == 0)
        st->st_mtim = st->st_ctim = d->mtime;
    return r;
}

static int stat_of_image(const struct tree *t, const struct catalog *c, const struct node *n,
                         struct stat *st)
{
    const struct image *img = NULL;
    if (c)
        img = n->kind == NODE_FILE ? tree_image(c, n) : catalog_image(c, n->image);
    if (!img)
        return -ESTALE;
    if (n->kind == NODE_FILE)
        return tree_stat_file(t, img, n, st);
    int r = 0;
    if (n->kind == NODE_LINK)
        r = stat_link(t, c, n, st);
    else
        fill_dir(t, st, 0, t->numbers->born);
    fill_image_times(t, st, img);
    return r;
}

int tree_stat(const struct tree *t, const struct catalog *c, const struct node *n, struct stat *st)
{
    if (!tree_owns(t, n))
        return -ESTALE;
    fill_owner(t, n, st);
    switch (n->kind) {
    case NODE_ROOT:
        fill_dir(t, st, t->numbers->layout->view_count, t->numbers->born);
        return 0;
    case NODE_META:
    case NODE_QUERIES:
        fill_dir(t, st, n->kind == NODE_META && t->queries, t->numbers->born);
        return 0;
    case NODE_STATUS:
        st->st_mode = S_IFREG | (0444 & ~t->umask);
        st->st_nlink = 1;
        st->st_mtim = st->st_ctim = st->st_atim = t->numbers->born;
        return 0;
    case NODE_DIR:
        return stat_dir(t, c, n->dir, n->dir < t->numbers->layout->view_count, st);
    case NODE_QUERY:
        return stat_dir(t, c, 0, true, st);
    case NODE_PAGE:
        return stat_page(t, c, n, st);
    case NODE_QUERY_LINK:
        return stat_link(t, c, n, st);
    default:
        return stat_of_image(t, c, n, st);
    }
}

/* --- Contents --- */

static int add_image_target(const struct catalog *c, const struct node *n, struct strbuf *out)
{
    const struct directory *d = catalog_dir(c, n->dir);
    const struct image *img = catalog_image(c, n->image);
    if (!d || !img || !catalog_has(c, d, n->image))
        return -ESTALE;
    char name[256];
    size_t len = image_dir_name(img, name);
    strbuf_add_str(out, d->parent == DIRECTORY_ROOT ? "../" : "../../");
    catalog_add_path(c, catalog_dir(c, catalog_home(c, n->image)), out);
    strbuf_add_char(out, '/');
    strbuf_add(out, name, len);
    return strbuf_error(out);
}

static int add_page_target(const struct tree *t, const struct catalog *c, const struct node *n,
                           struct strbuf *out)
{
    if (n->version != page_version(c, n->page))
        return -ESTALE;
    strbuf_add_str(out, "../");
    int r = page_add_criteria(t->query->criteria, c, n->page, out);
    return r == -ENOENT ? -ESTALE : r;
}

int tree_target(const struct tree *t, const struct catalog *c, const struct node *n,
                struct strbuf *out)
{
    if (!tree_owns(t, n))
        return -ESTALE;
    switch (n->kind) {
    case NODE_LINK:
        return add_image_target(c, n, out);
    case NODE_PAGE:
        return add_page_target(t, c, n, out);
    case NODE_QUERY_LINK:
        strbuf_add_str(out, TREE_META_NAME "/" TREE_QUERY_NAME);
        return strbuf_error(out);
    default:
        return -EINVAL;
    }
}

const struct image *tree_image(const struct catalog *c, const struct node *n)
{
    bool same = numbers_same_version(catalog_version(c, n->image), n->version);
    return same ? catalog_image(c, n->image) : NULL;
}

int tree_content(const struct image *img, const struct node *n, struct strbuf *out)
{
    const struct image_attr *a = image_attr_find(img, n->attr);
    if (!a && n->attr != IMAGE_JSON_SLOT)
        return -ESTALE;
    if (a)
        image_add_content(img, a, out);
    else
        image_add_pretty(img, out);
    return strbuf_error(out);
}
