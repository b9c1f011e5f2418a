// SPDX-License-Identifier: Apache-2.0
#include "imsfs/catalog.h"

#include <errno.h>

#include "imsfs/name.h"

struct place {
    uint32_t home; /* the directory in images/ */
    uint32_t version;
};

struct catalog {
    struct numbers *numbers;
    const struct catalog *previous;
    struct catalog_counts counts;
    bool streaming;
    bool streamable;
    struct image **images; /* by slot */
    struct place *places;  /* by slot */
    uint32_t image_cap, image_limit;
    struct directory **dirs; /* by slot */
    uint32_t dir_cap, dir_limit;
    struct directory **touched; /* what the current page changed */
    size_t touched_count, touched_cap;
};

/* An image on its way into the directories. */
struct placing {
    struct catalog *catalog;
    const struct image *img;
    uint32_t slot;
    struct directory *dir;
};

static int reserve(void **array, uint32_t *cap, uint32_t index, size_t item)
{
    if (index < *cap)
        return 0;
    uint32_t wanted = *cap ? *cap : 64;
    while (wanted <= index)
        wanted *= 2;
    char *grown = realloc(*array, wanted * item);
    if (!grown)
        return -ENOMEM;
    memset(grown + *cap * item, 0, (wanted - *cap) * item);
    *array = grown;
    *cap = wanted;
    return 0;
}

static int touch(struct catalog *c, struct directory *d)
{
    if (d->touched)
        return 0;
    if (c->touched_count == c->touched_cap) {
        size_t cap = c->touched_cap ? c->touched_cap * 2 : 64;
        struct directory **grown = realloc(c->touched, cap * sizeof(struct directory *));
        if (!grown)
            return -ENOMEM;
        c->touched = grown;
        c->touched_cap = cap;
    }
    d->touched = true;
    c->touched[c->touched_count++] = d;
    return 0;
}

static int add_entry(struct catalog *c, struct directory *d, uint32_t slot)
{
    if (d->count && d->entries[d->count - 1] == slot)
        return 0; /* an image with the same tag twice */
    if (d->count && d->entries[d->count - 1] > slot)
        c->streamable = false;
    int r = touch(c, d);
    return r < 0 ? r : directory_add(d, slot);
}

static int new_dir(struct catalog *c, uint32_t slot, uint32_t parent,
                   const struct layout_view *view, struct directory **out)
{
    uint32_t cap = c->dir_cap;
    int r = reserve((void **)&c->dirs, &cap, slot, sizeof(struct directory *));
    if (r < 0)
        return r;
    c->dir_cap = cap;
    struct directory *d = directory_new(slot, parent, view);
    if (!d)
        return -ENOMEM;
    d->mtime = numbers_last_stamp(c->numbers);
    c->dirs[slot] = d;
    if (c->dir_limit <= slot)
        c->dir_limit = slot + 1;
    *out = d;
    return parent == DIRECTORY_ROOT ? 0 : add_entry(c, c->dirs[parent], slot);
}

static int add_view_roots(struct catalog *c)
{
    const struct layout *layout = c->numbers->layout;
    /* Readers may have seen one that failed or started over. */
    struct timespec stamp = numbers_stamp(c->numbers);
    int r = 0;
    for (uint32_t i = 0; r == 0 && i < layout->view_count; i++) {
        struct directory *d;
        r = new_dir(c, i, DIRECTORY_ROOT, &layout->views[i], &d);
        if (r == 0) {
            d->leaf = layout->views[i].kind == LAYOUT_BY_ID;
            d->mtime = stamp;
        }
    }
    return r;
}

int catalog_new(struct catalog **out, struct numbers *numbers, const struct catalog *previous,
                bool streaming)
{
    struct catalog *c = calloc(1, sizeof(*c));
    if (!c)
        return -ENOMEM;
    c->numbers = numbers;
    c->previous = previous;
    c->streaming = streaming;
    c->streamable = true;
    int r = add_view_roots(c);
    if (r < 0) {
        catalog_free(c);
        return r;
    }
    *out = c;
    return 0;
}

void catalog_free(struct catalog *c)
{
    if (!c)
        return;
    for (uint32_t i = 0; i < c->image_limit; i++)
        image_unref(c->images[i]);
    for (uint32_t i = 0; i < c->dir_limit; i++)
        directory_free(c->dirs[i]);
    free(c->images);
    free(c->places);
    free(c->dirs);
    free(c->touched);
    free(c);
}

/*
 * Goes from p->dir to its subdirectory for a value. Returns 1; 0 when another value has that name
 * in a view, where the image is left out; or -errno.
 */
static int enter(struct placing *p, struct bytes value, bool leaf)
{
    struct catalog *c = p->catalog;
    struct directory *d;
    char name[NAME_SIZE];
    uint32_t slot;
    CLEANUP(strbuf_free) struct strbuf path = STRBUF_INIT;
    struct bytes parent = numbers_dir_path(c->numbers, p->dir->slot);
    strbuf_add(&path, parent.data, parent.len);
    strbuf_add_char(&path, '/');
    strbuf_add(&path, name, name_encode(name, value));
    if (strbuf_error(&path) < 0)
        return -ENOMEM;
    int r = slot_add(c->numbers->dirs, strbuf_bytes(&path), &slot);
    if (r < 0)
        return r;
    d = (struct directory *)catalog_dir(c, slot);
    if (!d) {
        r = new_dir(c, slot, p->dir->slot, p->dir->view, &d);
        if (r < 0)
            return r;
        d->leaf = leaf;
        d->value_hash = name_fnv1a_64(value);
    } else if (d->value_hash != name_fnv1a_64(value)) {
        c->counts.names_equal++;
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
    return r <= 0 ? r : add_entry(p.catalog, p.dir, p.slot);
}

/* A directory that cannot be had because the table is full costs the image that place only. */
static int count_full(struct catalog *c, int r)
{
    if (r != -ENOSPC)
        return r;
    c->counts.unnumbered++;
    return 0;
}

static int place_in_view(struct placing p, const struct layout_view *view)
{
    static const struct layout_level by_name = {LAYOUT_ATTR, IMAGE_SLOT_NAME};
    switch (view->kind) {
    case LAYOUT_BY_ID:
        return add_entry(p.catalog, p.dir, p.slot);
    case LAYOUT_BY_NAME:
        return layout_values(&by_name, p.img, false, link_value, &p);
    default:
        return layout_values(&view->levels[0], p.img, true, link_value, &p);
    }
}

/* The image's own directory. -ENOSPC: there is no place for it. */
static int place_home(struct placing p)
{
    const struct layout_view *view = &p.catalog->numbers->layout->views[0];
    for (size_t i = 0; i < view->level_count; i++) {
        int r = layout_values(&view->levels[i], p.img, false, enter_level, &p);
        if (r < 0)
            return r;
    }
    p.dir->leaf = true;
    p.catalog->places[p.slot].home = p.dir->slot;
    return add_entry(p.catalog, p.dir, p.slot);
}

static int place(struct catalog *c, const struct image *img, uint32_t slot)
{
    const struct layout *layout = c->numbers->layout;
    int r = place_home((struct placing){c, img, slot, c->dirs[0]});
    for (uint32_t i = 1; r == 0 && i < layout->view_count; i++)
        r = count_full(
            c, place_in_view((struct placing){c, img, slot, c->dirs[i]}, &layout->views[i]));
    return r;
}

static int reserve_image(struct catalog *c, uint32_t slot)
{
    uint32_t cap = c->image_cap;
    int r = reserve((void **)&c->places, &cap, slot, sizeof(*c->places));
    cap = c->image_cap;
    if (r == 0)
        r = reserve((void **)&c->images, &cap, slot, sizeof(struct image *));
    if (r == 0)
        c->image_cap = cap;
    return r;
}

/* The same record as before is the same object as before, and the same version. */
static int share(struct catalog *c, struct image **img, uint32_t slot)
{
    const struct image *before = c->previous ? catalog_image(c->previous, slot) : NULL;
    if (!before || !image_equal(before, *img))
        return numbers_version(c->numbers, slot, &c->places[slot].version);
    c->places[slot].version = catalog_version(c->previous, slot);
    image_unref(*img);
    *img = image_ref((struct image *)before);
    return 0;
}

/* Returns 1 when the image is new to this listing, 0 when not. Takes over the reference. */
static int add_image(struct catalog *c, struct image *img)
{
    uint32_t slot;
    int r = slot_add(c->numbers->ids, image_id(img), &slot);
    if (r == 0 && catalog_image(c, slot)) {
        c->counts.duplicates++;
        image_unref(img);
        return 0;
    }
    if (r == 0)
        r = reserve_image(c, slot);
    if (r == 0)
        r = share(c, &img, slot);
    if (r == 0)
        r = place(c, img, slot);
    if (r < 0) {
        image_unref(img);
        return count_full(c, r) < 0 ? r : 1;
    }
    c->images[slot] = img;
    if (c->image_limit <= slot)
        c->image_limit = slot + 1;
    c->counts.images++;
    return 1;
}

/* Brings what was touched into order, with a new mtime. */
static void settle(struct catalog *c)
{
    struct timespec stamp = numbers_stamp(c->numbers);
    for (size_t i = 0; i < c->touched_count; i++) {
        c->touched[i]->touched = false;
        c->touched[i]->mtime = stamp;
        if (!c->streamable)
            directory_sort(c->touched[i]);
    }
    c->touched_count = 0;
}

int catalog_add_page(struct catalog *c, struct image **images, size_t count)
{
    int fresh = 0, r = 0;
    for (size_t i = 0; i < count; i++) {
        if (r >= 0)
            r = add_image(c, images[i]);
        else
            image_unref(images[i]);
        if (r > 0)
            fresh++;
    }
    if (c->streaming)
        settle(c);
    return r < 0 ? r : fresh;
}

bool catalog_streamable(const struct catalog *c)
{
    return c->streamable;
}

static bool same_names(const struct catalog *c, const struct directory *a,
                       const struct directory *b)
{
    if (a->count != b->count)
        return false;
    if (a->count && memcmp(a->entries, b->entries, a->count * sizeof(*a->entries)) != 0)
        return false;
    for (uint32_t i = 0; a->leaf && i < a->count; i++) {
        const struct image *now = catalog_image(c, a->entries[i]);
        const struct image *before = catalog_image(c->previous, a->entries[i]);
        char x[256], y[256];
        if (now == before)
            continue;
        size_t len = directory_entry_name(a, now, x);
        if (len != directory_entry_name(b, before, y) || memcmp(x, y, len) != 0)
            return false;
    }
    return true;
}

void catalog_finish(struct catalog *c)
{
    settle(c);
    if (!c->previous)
        return;
    struct timespec stamp = numbers_stamp(c->numbers);
    for (uint32_t i = 0; i < c->dir_limit; i++) {
        const struct directory *before = c->dirs[i] ? catalog_dir(c->previous, i) : NULL;
        if (before)
            c->dirs[i]->mtime = same_names(c, c->dirs[i], before) ? before->mtime : stamp;
    }
    c->previous = NULL;
}

const struct catalog_counts *catalog_counts(const struct catalog *c)
{
    return &c->counts;
}

const struct image *catalog_image(const struct catalog *c, uint32_t slot)
{
    return slot < c->image_limit ? c->images[slot] : NULL;
}

uint32_t catalog_home(const struct catalog *c, uint32_t slot)
{
    return c->places[slot].home;
}

uint32_t catalog_version(const struct catalog *c, uint32_t slot)
{
    return slot < c->image_limit ? c->places[slot].version : 0;
}

const struct directory *catalog_dir(const struct catalog *c, uint32_t slot)
{
    return slot < c->dir_limit ? c->dirs[slot] : NULL;
}

uint32_t catalog_image_limit(const struct catalog *c)
{
    return c->image_limit;
}

uint32_t catalog_dir_limit(const struct catalog *c)
{
    return c->dir_limit;
}
