// SPDX-License-Identifier: Apache-2.0
#include "imsfs/attic.h"

#include <stdatomic.h>

#define ASKERS 32 /* threads that look for what moved at the same time; of more, some twice */

/* An image as it was, or a directory in images/ that went. */
struct item {
    struct image *img; /* NULL: a directory */
    uint32_t slot, version;
    uint32_t home; /* the directory in images/ that held the image */
};

struct items {
    size_t count, cap;
    struct item *at; /* by slot */
};

struct attic_box {
    struct attic_box *next;
    size_t bytes; /* about what it needs */
    struct items images, dirs;
    _Atomic uint64_t askers[ASKERS]; /* who was sent back, and from where; 0: nobody */
    atomic_uint turn;                /* whose place the next one takes */
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

/* A place for one more; NULL: no memory. */
static struct item *add(struct items *items)
{
    if (items->count == items->cap) {
        size_t cap = items->cap ? items->cap * 2 : 16;
        struct item *grown = realloc(items->at, cap * sizeof(*grown));
        if (!grown)
            return NULL;
        items->at = grown;
        items->cap = cap;
    }
    struct item *item = &items->at[items->count++];
    *item = (struct item){0};
    return item;
}

/* False: no memory. */
static bool add_image(struct attic_box *box, const struct roll_item *image)
{
    struct item *item = add(&box->images);
    if (!item)
        return false;
    item->img = image_ref(image->img);
    item->slot = image->slot;
    item->version = image->version;
    item->home = image->home;
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

static void sort(struct items *items)
{
    if (items->count > 0)
        qsort(items->at, items->count, sizeof(*items->at), by_slot);
}

/* The images of before that now has not so. False: no memory. */
static bool pack_images(struct attic_box *box, const struct catalog *before,
                        const struct catalog *now)
{
    bool whole = true;
    for (uint32_t i = 0; whole && i < catalog_image_limit(before); i++) {
        const struct roll_item *image = catalog_image_at(before, i);
        if (image && !is_in(now, image))
            whole = add_image(box, image);
    }
    sort(&box->images);
    return whole;
}

/* The directories that went with their last image. False: no memory. */
static bool pack_dirs(struct attic_box *box, const struct catalog *before,
                      const struct catalog *now)
{
    for (uint32_t i = 0; i < catalog_dir_limit(before); i++) {
        const struct directory *dir = catalog_dir_at(before, i);
        if (!dir || dir->view->kind != LAYOUT_IMAGES || catalog_dir(now, dir->slot))
            continue;
        struct item *item = add(&box->dirs);
        if (!item)
            return false;
        item->slot = dir->slot;
        box->bytes += sizeof(*item);
    }
    sort(&box->dirs);
    return true;
}

struct attic_box *attic_pack(const struct catalog *before, const struct catalog *now)
{
    struct attic_box *box = calloc(1, sizeof(*box));
    bool whole = box && pack_images(box, before, now) && pack_dirs(box, before, now);
    if (whole && box->images.count > 0)
        return box;
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
        for (size_t i = 0; i < box->images.count; i++)
            image_unref(box->images.at[i].img);
        free(box->images.at);
        free(box->dirs.at);
        free(box);
        box = next;
    }
}

/* The one with this slot, or NULL. */
static const struct item *item_of(const struct items *items, uint32_t slot)
{
    size_t low = 0, high = items->count;
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        if (items->at[middle].slot < slot)
            low = middle + 1;
        else
            high = middle;
    }
    return low < items->count && items->at[low].slot == slot ? &items->at[low] : NULL;
}

const struct image *attic_find(const struct attic *a, uint32_t slot, uint32_t version)
{
    for (const struct attic_box *box = a->boxes; box; box = box->next) {
        const struct item *item = item_of(&box->images, slot);
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

/* A thread and the image or directory that it looked for. */
static uint64_t asker(const struct item *item, pid_t pid)
{
    return (uint64_t)pid << 32 | (item->img ? 0 : 1u << 31) | item->slot;
}

/* A thread's own place; who has none yet takes the one that was taken longest ago. */
static _Atomic uint64_t *place_of(struct attic_box *box, pid_t pid)
{
    for (size_t i = 0; i < ASKERS; i++)
        if (atomic_load(&box->askers[i]) >> 32 == (uint32_t)pid)
            return &box->askers[i];
    return &box->askers[atomic_fetch_add(&box->turn, 1) % ASKERS];
}

static bool send_back(struct attic_box *box, const struct item *item, pid_t pid)
{
    _Atomic uint64_t *place = place_of(box, pid);
    uint64_t now = asker(item, pid), last = atomic_load(place);
    atomic_store(place, last == now ? 0 : now);
    return pid && last != now;
}

bool attic_send_back(const struct attic *a, uint32_t slot, uint32_t home, struct bytes name,
                     pid_t pid)
{
    struct attic_box *box = a->boxes;
    for (size_t i = 0; box && i < a->recent; i++, box = box->next) {
        const struct item *item = item_of(&box->images, slot);
        if (item && item->home == home && was_called(item->img, name))
            return send_back(box, item, pid);
    }
    return false;
}

/* A directory that went, and the box of the last list that had it; NULL: it did not, or long ago.
 */
static const struct item *dir_of(const struct attic *a, uint32_t dir, struct attic_box **box)
{
    const struct item *item = NULL;
    *box = a->boxes;
    for (size_t i = 0; *box && i < a->recent; i++, *box = (*box)->next)
        if ((item = item_of(&(*box)->dirs, dir)))
            break;
    return item;
}

bool attic_send_back_from(const struct attic *a, uint32_t dir, pid_t pid)
{
    struct attic_box *box;
    const struct item *item = dir_of(a, dir, &box);
    return item && send_back(box, item, pid);
}

void attic_was_sent_back(const struct attic *a, uint32_t dir, pid_t pid)
{
    struct attic_box *box;
    const struct item *item = dir_of(a, dir, &box);
    if (item)
        atomic_store(place_of(box, pid), asker(item, pid));
}
