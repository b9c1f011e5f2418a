// SPDX-License-Identifier: Apache-2.0
#include "imsfs/attic.h"

#include <stdatomic.h>

/* An image as it was. */
struct item {
    struct image *img;
    uint32_t slot, version;
    uint32_t home;       /* the directory in images/ that held it */
    _Atomic pid_t asker; /* who was last sent back from there */
};

struct attic_box {
    struct attic_box *next;
    size_t bytes; /* about what its images need */
    size_t count, cap;
    struct item *items; /* by slot */
};

size_t attic_box_bytes(const struct attic_box *box)
{
    size_t bytes = 0;
    for (; box; box = box->next)
        bytes += box->bytes;
    return bytes;
}

size_t attic_bytes(const struct attic *a)
{
    return attic_box_bytes(a->boxes);
}

/* False: no memory. */
static bool add(struct attic_box *box, const struct roll_item *image)
{
    if (box->count == box->cap) {
        size_t cap = box->cap ? box->cap * 2 : 16;
        struct item *grown = realloc(box->items, cap * sizeof(*grown));
        if (!grown)
            return false;
        box->items = grown;
        box->cap = cap;
    }
    struct item *item = &box->items[box->count++];
    item->img = image_ref(image->img);
    item->slot = image->slot;
    item->version = image->version;
    item->home = image->home;
    atomic_init(&item->asker, 0);
    box->bytes += roll_image_bytes(item->img) + sizeof(*item);
    return true;
}

static bool is_in(const struct catalog *now, const struct roll_item *image)
{
    return catalog_image(now, image->slot) && catalog_version(now, image->slot) == image->version;
}

static int by_slot(const void *a, const void *b)
{
    uint32_t x = ((const struct item *)a)->slot, y = ((const struct item *)b)->slot;
    return x < y ? -1 : x > y;
}

struct attic_box *attic_pack(const struct catalog *before, const struct catalog *now)
{
    struct attic_box *box = calloc(1, sizeof(*box));
    bool whole = box != NULL;
    for (uint32_t i = 0; whole && i < catalog_image_limit(before); i++) {
        const struct roll_item *image = catalog_image_at(before, i);
        if (image && !is_in(now, image))
            whole = add(box, image);
    }
    if (box && box->count > 0) {
        qsort(box->items, box->count, sizeof(*box->items), by_slot);
        return box;
    }
    attic_free(box);
    return NULL;
}

/* Takes out, from *place on, what is too much when bytes and boxes are there already. */
static struct attic_box *cut(struct attic_box **place, size_t bytes, unsigned boxes)
{
    for (; *place; place = &(*place)->next) {
        bytes += (*place)->bytes;
        if (bytes > ATTIC_BYTES || ++boxes > ATTIC_BOXES)
            break;
    }
    return STEAL(*place);
}

struct attic_box *attic_put(struct attic *a, struct attic_box *box)
{
    if (!box)
        return NULL;
    box->next = a->boxes;
    a->boxes = box;
    a->recent++;
    return cut(&box->next, 0, 1);
}

struct attic_box *attic_clear_out(struct attic *a)
{
    a->recent = 0;
    return cut(&a->boxes, 0, 0);
}

void attic_free(struct attic_box *box)
{
    while (box) {
        struct attic_box *next = box->next;
        for (size_t i = 0; i < box->count; i++)
            image_unref(box->items[i].img);
        free(box->items);
        free(box);
        box = next;
    }
}

/* The box's item with this slot, or NULL. */
static struct item *item_of(const struct attic_box *box, uint32_t slot)
{
    size_t low = 0, high = box->count;
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        if (box->items[middle].slot < slot)
            low = middle + 1;
        else
            high = middle;
    }
    return low < box->count && box->items[low].slot == slot ? &box->items[low] : NULL;
}

const struct image *attic_find(const struct attic *a, uint32_t slot, uint32_t version)
{
    for (const struct attic_box *box = a->boxes; box; box = box->next) {
        const struct item *item = item_of(box, slot);
        if (item && numbers_same_version(item->version, version))
            return item->img;
    }
    return NULL;
}

static bool was_called(const struct image *img, struct bytes name)
{
    char was[256];
    return bytes_equal(name, (struct bytes){was, image_dir_name(img, was)});
}

bool attic_send_back(const struct attic *a, uint32_t slot, uint32_t home, struct bytes name,
                     pid_t pid)
{
    const struct attic_box *box = a->boxes;
    for (size_t i = 0; box && i < a->recent; i++, box = box->next) {
        struct item *item = item_of(box, slot);
        if (!item || item->home != home || !was_called(item->img, name))
            continue;
        pid_t last = atomic_load(&item->asker);
        atomic_store(&item->asker, last == pid ? 0 : pid);
        return last != pid;
    }
    return false;
}
