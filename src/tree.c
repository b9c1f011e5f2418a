// SPDX-License-Identifier: Apache-2.0
#include "imsfs/tree.h"

#include <errno.h>

#include "imsfs/name.h"

/* Cookies: 1 behind ".", 2 behind "..", then 3 + the slot of an entry behind that entry. */
#define COOKIE_DOT 1
#define COOKIE_DOTDOT 2
#define COOKIE_FIRST 3

/* The node that stands for an image in a leaf directory. */
static struct node entry_node(const struct directory *d, uint32_t slot)
{
    if (!d->leaf)
        return (struct node){.kind = NODE_DIR, .dir = slot};
    if (d->view->kind == LAYOUT_IMAGES)
        return (struct node){.kind = NODE_IMAGE, .image = slot};
    return (struct node){.kind = NODE_LINK, .dir = d->slot, .image = slot};
}

/* --- Looking up --- */

static int lookup_root(const struct tree *t, struct bytes name, struct node *out)
{
    const struct layout *layout = t->numbers->layout;
    if (bytes_are(name, TREE_META_NAME)) {
        *out = (struct node){.kind = NODE_META};
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

static int lookup_image(const struct tree *t, const struct catalog *c, const struct directory *d,
                        struct bytes name, struct node *out)
{
    char entry[256];
    uint32_t slot;
    struct bytes id = name;
    bool id_only = d->view->kind == LAYOUT_BY_ID || d->view->kind == LAYOUT_BY_NAME;
    if (!id_only && !name_split_image(name, &id))
        return -ENOENT;
    if (slot_find(t->numbers->ids, id, &slot) < 0 || !catalog_has(c, d, slot))
        return -ENOENT;
    const struct image *img = catalog_image(c, slot);
    if (!img || !bytes_equal(name, (struct bytes){entry, directory_entry_name(d, img, entry)}))
        return -ENOENT;
    *out = entry_node(d, slot);
    return 0;
}

static int lookup_dir(const struct tree *t, const struct catalog *c, const struct directory *d,
                      struct bytes name, struct node *out)
{
    CLEANUP(strbuf_free) struct strbuf path = STRBUF_INIT;
    struct bytes parent = numbers_dir_path(t->numbers, d->slot);
    uint32_t slot;
    strbuf_add(&path, parent.data, parent.len);
    strbuf_add_char(&path, '/');
    strbuf_add(&path, name.data, name.len);
    if (strbuf_error(&path) < 0)
        return -ENOMEM;
    if (slot_find(t->numbers->dirs, strbuf_bytes(&path), &slot) < 0 || !catalog_dir(c, slot))
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
    *out = (struct node){NODE_FILE, .image = image, .attr = slot};
    out->version = catalog_version(c, image);
    return 0;
}

int tree_lookup(const struct tree *t, const struct catalog *c, const struct node *parent,
                struct bytes name, struct node *out)
{
    const struct directory *d;
    switch (parent->kind) {
    case NODE_ROOT:
        return lookup_root(t, name, out);
    case NODE_META:
        *out = (struct node){.kind = NODE_STATUS};
        return bytes_are(name, TREE_STATUS_NAME) ? 0 : -ENOENT;
    case NODE_DIR:
        d = catalog_dir(c, parent->dir);
        if (!d)
            return -ESTALE;
        return d->leaf ? lookup_image(t, c, d, name, out) : lookup_dir(t, c, d, name, out);
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

static int stat_dir(const struct tree *t, const struct catalog *c, uint32_t slot, struct stat *st)
{
    const struct directory *d = c ? catalog_dir(c, slot) : NULL;
    if (!d && slot >= t->numbers->layout->view_count)
        return -ESTALE;
    if (!d) { /* a view while there is no list; its mtime must not go back either */
        fill_dir(t, st, 0, numbers_last_stamp(t->numbers));
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

int tree_stat_file(const struct tree *t, const struct image *img, const struct node *n,
                   struct stat *st)
{
    const struct image_attr *a = image_attr_find(img, n->attr);
    if (!a && n->attr != IMAGE_JSON_SLOT)
        return -ESTALE;
    fill_owner(t, n, st);
    st->st_mode = S_IFREG | (0444 & ~t->umask);
    st->st_nlink = 1;
    set_size(st, a ? a->size : image_pretty_size(img));
    fill_image_times(t, st, img);
    return 0;
}

static int stat_link(const struct tree *t, const struct catalog *c, const struct node *n,
                     const struct image *img, struct stat *st)
{
    CLEANUP(strbuf_free) struct strbuf target = STRBUF_INIT;
    int r = tree_target(t, c, n, &target);
    if (r < 0)
        return r;
    st->st_mode = S_IFLNK | 0777;
    st->st_nlink = 1;
    set_size(st, target.len);
    fill_image_times(t, st, img);
    return 0;
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
    if (n->kind == NODE_LINK)
        return stat_link(t, c, n, img, st);
    fill_dir(t, st, 0, t->numbers->born);
    fill_image_times(t, st, img);
    return 0;
}

int tree_stat(const struct tree *t, const struct catalog *c, const struct node *n, struct stat *st)
{
    fill_owner(t, n, st);
    switch (n->kind) {
    case NODE_ROOT:
        fill_dir(t, st, t->numbers->layout->view_count, t->numbers->born);
        return 0;
    case NODE_META:
        fill_dir(t, st, 0, t->numbers->born);
        return 0;
    case NODE_STATUS:
        st->st_mode = S_IFREG | (0444 & ~t->umask);
        st->st_nlink = 1;
        st->st_mtim = st->st_ctim = st->st_atim = t->numbers->born;
        return 0;
    case NODE_DIR:
        return stat_dir(t, c, n->dir, st);
    default:
        return stat_of_image(t, c, n, st);
    }
}

/* --- Listing --- */

struct listing {
    const struct tree *t;
    const struct catalog *c;
    uint64_t cookie;
    tree_entry_fn *fn;
    void *ctx;
};

/* The smallest slot that is not behind the reader. */
static uint32_t first_slot(uint64_t cookie)
{
    return cookie < COOKIE_FIRST ? 0 : (uint32_t)(cookie - COOKIE_FIRST + 1);
}

static bool give(const struct listing *l, const char *name, struct node node, uint32_t slot)
{
    return l->fn(l->ctx, name, &node, (uint64_t)slot + COOKIE_FIRST);
}

static void list_root(const struct listing *l)
{
    const struct layout *layout = l->t->numbers->layout;
    for (uint32_t i = first_slot(l->cookie); i < layout->view_count; i++)
        if (!give(l, layout->views[i].name, (struct node){.kind = NODE_DIR, .dir = i}, i))
            return;
}

static void list_dir(const struct listing *l, const struct directory *d)
{
    char name[256];
    for (uint32_t i = directory_lower(d, first_slot(l->cookie)); i < d->count; i++) {
        uint32_t slot = d->entries[i];
        if (d->leaf) {
            const struct image *img = catalog_image(l->c, slot);
            if (!img)
                continue; /* its page is not whole: the listing failed there */
            directory_entry_name(d, img, name);
        } else {
            struct bytes last = numbers_dir_name(l->t->numbers, slot);
            memcpy(name, last.data, last.len);
            name[last.len] = '\0';
        }
        if (!give(l, name, entry_node(d, slot), slot))
            return;
    }
}

static void list_image(const struct listing *l, uint32_t image, const struct image *img)
{
    char name[256];
    struct node node = {NODE_FILE, .image = image, .version = catalog_version(l->c, image)};
    uint32_t from = first_slot(l->cookie);
    for (size_t i = image_attr_lower(img, from); i < image_attr_count(img); i++) {
        node.attr = image_attr_at(img, i)->slot;
        struct bytes file = slot_get(l->t->numbers->attrs, node.attr);
        memcpy(name, file.data, file.len);
        name[file.len] = '\0';
        if (!give(l, name, node, node.attr))
            return;
    }
    node.attr = IMAGE_JSON_SLOT;
    if (from <= IMAGE_JSON_SLOT)
        give(l, TREE_JSON_NAME, node, IMAGE_JSON_SLOT);
}

/* "." and "..". False: stop. */
static bool list_dots(const struct listing *l, const struct node *self, const struct node *parent)
{
    if (l->cookie < COOKIE_DOT && !l->fn(l->ctx, ".", self, COOKIE_DOT))
        return false;
    return l->cookie >= COOKIE_DOTDOT || l->fn(l->ctx, "..", parent, COOKIE_DOTDOT);
}

static struct node parent_node(const struct directory *d)
{
    if (d->parent == DIRECTORY_ROOT)
        return (struct node){.kind = NODE_ROOT};
    return (struct node){.kind = NODE_DIR, .dir = d->parent};
}

int tree_list(const struct tree *t, const struct catalog *c, const struct node *n, uint64_t cookie,
              tree_entry_fn *fn, void *ctx)
{
    const struct listing l = {t, c, cookie, fn, ctx};
    const struct node root = {.kind = NODE_ROOT};
    if (n->kind == NODE_ROOT) {
        if (list_dots(&l, n, &root))
            list_root(&l);
    } else if (n->kind == NODE_META) {
        if (list_dots(&l, n, &root) && first_slot(cookie) == 0)
            give(&l, TREE_STATUS_NAME, (struct node){.kind = NODE_STATUS}, 0);
    } else if (n->kind == NODE_DIR) {
        const struct directory *d = catalog_dir(c, n->dir);
        if (!d)
            return -ESTALE;
        struct node parent = parent_node(d);
        if (list_dots(&l, n, &parent))
            list_dir(&l, d);
    } else if (n->kind == NODE_IMAGE) {
        const struct image *img = catalog_image(c, n->image);
        if (!img)
            return -ESTALE;
        struct node parent = {.kind = NODE_DIR, .dir = catalog_home(c, n->image)};
        if (list_dots(&l, n, &parent))
            list_image(&l, n->image, img);
    } else {
        return -ENOTDIR;
    }
    return 0;
}

/* --- Contents --- */

int tree_target(const struct tree *t, const struct catalog *c, const struct node *n,
                struct strbuf *out)
{
    if (n->kind != NODE_LINK)
        return -EINVAL;
    const struct directory *d = catalog_dir(c, n->dir);
    const struct image *img = catalog_image(c, n->image);
    if (!d || !img || !catalog_has(c, d, n->image))
        return -ESTALE;
    char name[256];
    struct bytes home = numbers_dir_path(t->numbers, catalog_home(c, n->image));
    size_t len = image_dir_name(img, name);
    strbuf_add_str(out, d->parent == DIRECTORY_ROOT ? "../" : "../../");
    strbuf_add(out, home.data, home.len);
    strbuf_add_char(out, '/');
    strbuf_add(out, name, len);
    return strbuf_error(out);
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
