// SPDX-License-Identifier: Apache-2.0
#include "imsfs/groups.h"

#include <errno.h>

#include "imsfs/name.h"

#define MIN_BITS 3

/* The directory of a flat list. */
static const struct layout_view flat_view = {.kind = LAYOUT_IMAGES};

/* An image on its way into the directories. */
struct placing {
    struct groups *groups;
    const struct image *img;
    struct roll_item *item;
    struct directory *dir;
};

/* Where slot is, or the free place where it belongs. */
static struct directory **place_of(const struct groups *g, uint32_t slot)
{
    uint32_t i = slot * 0x9E3779B1u >> (32 - g->bits);
    while (g->dirs[i] && g->dirs[i]->slot != slot)
        i = (i + 1) & (g->limit - 1);
    return &g->dirs[i];
}

struct directory *groups_dir(const struct groups *g, uint32_t slot)
{
    return slot < g->slots ? *place_of(g, slot) : NULL;
}

/* Room for one more. */
static int reserve(struct groups *g)
{
    if (g->count < g->limit / 4 * 3)
        return 0;
    struct groups grown = {.bits = g->bits ? g->bits + 1 : MIN_BITS};
    grown.limit = (uint32_t)1 << grown.bits;
    grown.dirs = calloc(grown.limit, sizeof(struct directory *));
    if (!grown.dirs)
        return -ENOMEM;
    for (uint32_t i = 0; i < g->limit; i++)
        if (g->dirs[i])
            *place_of(&grown, g->dirs[i]->slot) = g->dirs[i];
    free(g->dirs);
    g->dirs = grown.dirs;
    g->limit = grown.limit;
    g->bits = grown.bits;
    return 0;
}

static int touch(struct groups *g, struct directory *d)
{
    if (d->touched)
        return 0;
    if (g->touched_count == g->touched_cap) {
        size_t cap = g->touched_cap ? g->touched_cap * 2 : 1;
        struct directory **grown = realloc(g->touched, cap * sizeof(struct directory *));
        if (!grown)
            return -ENOMEM;
        g->touched = grown;
        g->touched_cap = cap;
    }
    d->touched = true;
    g->touched[g->touched_count++] = d;
    return 0;
}

static int add_entry(struct groups *g, struct directory *d, uint32_t slot)
{
    if (d->count && d->entries[d->count - 1] == slot)
        return 0; /* an image with the same tag twice */
    int r = touch(g, d);
    return r < 0 ? r : directory_add(d, slot);
}

/* parent: NULL: the mount's root directory. */
static int new_dir(struct groups *g, uint32_t slot, struct directory *parent,
                   const struct layout_view *view, struct bytes name, struct directory **out)
{
    struct directory *d;
    if (reserve(g) < 0 ||
        !(d = directory_new(slot, parent ? parent->slot : DIRECTORY_ROOT, view, name)))
        return -ENOMEM;
    d->mtime = numbers_last_stamp(g->numbers);
    *place_of(g, slot) = d;
    g->count++;
    if (g->slots <= slot)
        g->slots = slot + 1;
    *out = d;
    return parent ? add_entry(g, parent, slot) : 0;
}

static int add_view_roots(struct groups *g)
{
    const struct layout *layout = g->numbers->layout;
    /* Readers may have seen one that failed or started over. */
    struct timespec stamp = numbers_stamp(g->numbers);
    int r = 0;
    for (uint32_t i = 0; r == 0 && i < layout->view_count; i++) {
        struct directory *d;
        const struct layout_view *view = &layout->views[i];
        r = new_dir(g, i, NULL, view, bytes_of(view->name), &d);
        if (r == 0) {
            d->leaf = view->kind == LAYOUT_BY_ID;
            d->mtime = stamp;
        }
    }
    return r;
}

static int add_flat_root(struct groups *g)
{
    struct directory *d;
    struct timespec stamp = numbers_stamp(g->numbers);
    int r = new_dir(g, 0, NULL, &flat_view, bytes_of(flat_view.name), &d);
    if (r < 0)
        return r;
    d->leaf = true;
    d->ordered = true;
    d->mtime = stamp;
    return 0;
}

int groups_init(struct groups *g, struct numbers *numbers, bool flat, const struct groups *previous)
{
    *g = (struct groups){.numbers = numbers, .flat = flat, .previous = previous};
    return flat ? add_flat_root(g) : add_view_roots(g);
}

static void stamp_roots(struct groups *g, struct timespec stamp)
{
    for (uint32_t i = 0; i < g->limit; i++)
        if (g->dirs[i] && g->dirs[i]->parent == DIRECTORY_ROOT)
            g->dirs[i]->mtime = stamp;
}

void groups_grow(struct groups *g, struct timespec since)
{
    g->growing = true;
    stamp_roots(g, since);
}

void groups_deinit(struct groups *g)
{
    for (uint32_t i = 0; i < g->limit; i++)
        directory_free(g->dirs[i]);
    free(g->dirs);
    free(g->touched);
}

/* Whether what has the slot is another directory: two that are alike for the table (ledger.h). */
static bool is_anothers(const struct directory *d, uint32_t parent, struct bytes name)
{
    return d && !directory_is(d, parent, name);
}

/*
 * Goes from p->dir to its subdirectory for a value. Returns 1; 0 when another value has that name
 * in a view, where the image is left out; or -errno.
 */
static int enter(struct placing *p, struct bytes value, bool leaf)
{
    struct groups *g = p->groups;
    struct directory *d;
    char name[NAME_SIZE];
    uint32_t slot;
    const struct bytes encoded = {name, name_encode(name, value)};
    int r = numbers_add_dir(g->numbers, p->dir->slot, encoded, &slot);
    if (r < 0)
        return r;
    const struct directory *before = g->previous ? groups_dir(g->previous, slot) : NULL;
    d = groups_dir(g, slot);
    if (is_anothers(d, p->dir->slot, encoded) || is_anothers(before, p->dir->slot, encoded))
        return -ENOSPC;
    if (!d) {
        r = new_dir(g, slot, p->dir, p->dir->view, encoded, &d);
        if (r < 0)
            return r;
        d->leaf = leaf;
        d->value_hash = name_fnv1a_64(value);
    } else if (d->value_hash != name_fnv1a_64(value)) {
        g->names_equal++;
        if (d->view->kind != LAYOUT_IMAGES)
            return 0;
    }
    p->dir = d;
    return 1;
}

static int enter_level(void *ctx, struct bytes value)
{
    return enter(ctx, value, false);
}

static int link_value(void *ctx, struct bytes value)
{
    struct placing p = *(struct placing *)ctx;
    int r = enter(&p, value, true);
    return r <= 0 ? r : add_entry(p.groups, p.dir, p.item->slot);
}

int groups_count_full(struct groups *g, int r)
{
    if (r != -ENOSPC)
        return r;
    g->unnumbered++;
    return 0;
}

static int place_in_view(struct placing p, const struct layout_view *view)
{
    static const struct layout_level by_name = {LAYOUT_ATTR, IMAGE_SLOT_NAME};
    switch (view->kind) {
    case LAYOUT_BY_ID:
        return add_entry(p.groups, p.dir, p.item->slot);
    case LAYOUT_BY_NAME:
        return layout_values(&by_name, p.img, false, link_value, &p);
    default:
        return layout_values(&view->levels[0], p.img, true, link_value, &p);
    }
}

/* The image's own directory. -ENOSPC: there is no place for it. */
static int place_home(struct placing p)
{
    const struct layout_view *view = &p.groups->numbers->layout->views[0];
    for (size_t i = 0; i < view->level_count; i++) {
        int r = layout_values(&view->levels[i], p.img, false, enter_level, &p);
        if (r < 0)
            return r;
    }
    p.dir->leaf = true;
    p.item->home = p.dir->slot;
    return add_entry(p.groups, p.dir, p.item->slot);
}

int groups_place(struct groups *g, struct roll_item *item)
{
    struct placing p = {g, item->img, item, groups_dir(g, 0)};
    if (g->flat)
        return add_entry(g, p.dir, item->slot);
    const struct layout *layout = g->numbers->layout;
    int r = place_home(p);
    for (uint32_t i = 1; r == 0 && i < layout->view_count; i++) {
        p.dir = groups_dir(g, i);
        r = groups_count_full(g, place_in_view(p, &layout->views[i]));
    }
    return r;
}

void groups_add_path(const struct groups *g, const struct directory *d, struct strbuf *out)
{
    if (d->parent != DIRECTORY_ROOT) {
        groups_add_path(g, groups_dir(g, d->parent), out);
        strbuf_add_char(out, '/');
    }
    strbuf_add(out, d->name, d->name_len);
}

void groups_settle(struct groups *g)
{
    struct timespec now = numbers_stamp(g->numbers);
    for (size_t i = 0; i < g->touched_count; i++) {
        g->touched[i]->touched = false;
        if (!g->growing || g->touched[i]->parent != DIRECTORY_ROOT)
            g->touched[i]->mtime = now;
        directory_sort(g->touched[i]);
    }
    g->touched_count = 0;
}

bool groups_have_no_gap(const struct groups *g)
{
    return g->count == g->slots;
}

size_t groups_bytes(const struct groups *g)
{
    size_t bytes =
        g->limit * sizeof(struct directory *) + g->touched_cap * sizeof(struct directory *);
    for (uint32_t i = 0; i < g->limit; i++)
        if (g->dirs[i])
            bytes += directory_bytes(g->dirs[i]);
    return bytes;
}
