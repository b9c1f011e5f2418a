// SPDX-License-Identifier: Apache-2.0
#include "imsfs/directory.h"

#include <errno.h>

struct directory *directory_new(uint32_t slot, uint32_t parent, const struct layout_view *view,
                                struct bytes name)
{
    struct directory *d = malloc(sizeof(*d) + name.len);
    if (!d)
        return NULL;
    *d = (struct directory){.slot = slot, .parent = parent, .view = view};
    d->entries = &d->only;
    d->cap = 1;
    d->name_len = (uint8_t)name.len;
    if (name.len)
        memcpy(d->name, name.data, name.len);
    return d;
}

void directory_free(struct directory *d)
{
    if (d) {
        if (d->entries != &d->only)
            free(d->entries);
        free(d->places);
    }
    free(d);
}

static int grow(struct directory *d)
{
    uint32_t cap = d->cap < 4 ? 4 : d->cap * 2;
    bool first = d->entries == &d->only;
    uint32_t *entries = realloc(first ? NULL : d->entries, cap * sizeof(*entries));
    if (!entries)
        return -ENOMEM;
    if (first)
        entries[0] = d->only;
    d->entries = entries;
    if (d->ordered) {
        uint64_t *places = realloc(d->places, cap * sizeof(*places));
        if (!places)
            return -ENOMEM;
        d->places = places;
    }
    d->cap = cap;
    return 0;
}

int directory_add(struct directory *d, uint32_t slot)
{
    bool full = d->count == d->cap || (d->ordered && !d->places);
    int r = full ? grow(d) : 0;
    if (r < 0)
        return r;
    if (d->ordered)
        d->places[d->count] = order_next(d->count ? d->places[d->count - 1] : 0);
    else if (d->count && d->entries[d->count - 1] >= slot)
        d->unsorted = true;
    d->entries[d->count++] = slot;
    return 0;
}

static int compare_slots(const void *a, const void *b)
{
    uint32_t x = *(const uint32_t *)a, y = *(const uint32_t *)b;
    return x < y ? -1 : x > y;
}

void directory_sort(struct directory *d)
{
    if (!d->unsorted)
        return;
    d->unsorted = false;
    qsort(d->entries, d->count, sizeof(*d->entries), compare_slots);
    uint32_t kept = 0;
    for (uint32_t i = 0; i < d->count; i++)
        if (kept == 0 || d->entries[i] != d->entries[kept - 1])
            d->entries[kept++] = d->entries[i];
    d->count = kept;
}

struct kept {
    uint32_t slot;
    uint64_t place;
};

static int compare_kept(const void *a, const void *b)
{
    return compare_slots(&((const struct kept *)a)->slot, &((const struct kept *)b)->slot);
}

int directory_keep_places(struct directory *d, const struct directory *before)
{
    if (!d->ordered || !before->ordered || d->count == 0 || before->count == 0)
        return 0;
    CLEANUP(free_ptr) struct kept *kept = calloc(before->count, sizeof(*kept));
    CLEANUP(free_ptr) uint64_t *places = calloc(d->cap, sizeof(*places));
    if (!kept || !places)
        return -ENOMEM;
    for (uint32_t i = 0; i < before->count; i++)
        kept[i] = (struct kept){before->entries[i], before->places[i]};
    qsort(kept, before->count, sizeof(*kept), compare_kept);
    for (uint32_t i = 0; i < d->count; i++) {
        const struct kept key = {.slot = d->entries[i]};
        const struct kept *had = bsearch(&key, kept, before->count, sizeof(*kept), compare_kept);
        places[i] = had ? had->place : 0;
    }
    int r = order_settle(places, d->count);
    if (r < 0)
        return r;
    free(d->places);
    d->places = STEAL(places);
    return 0;
}

uint64_t directory_mark(const struct directory *d, uint32_t i)
{
    return d->ordered ? d->places[i] : d->entries[i];
}

uint32_t directory_lower(const struct directory *d, uint64_t mark)
{
    uint32_t low = 0, high = d->count;
    while (low < high) {
        uint32_t middle = low + (high - low) / 2;
        if (directory_mark(d, middle) < mark)
            low = middle + 1;
        else
            high = middle;
    }
    return low;
}

bool directory_has(const struct directory *d, uint32_t slot)
{
    uint32_t i = directory_lower(d, slot);
    return i < d->count && d->entries[i] == slot;
}

size_t directory_entry_name(const struct directory *d, const struct image *img,
                            char out[static 256])
{
    if (d->view->kind != LAYOUT_BY_ID && d->view->kind != LAYOUT_BY_NAME)
        return image_dir_name(img, out);
    struct bytes id = image_id(img);
    memcpy(out, id.data, id.len);
    out[id.len] = '\0';
    return id.len;
}

struct bytes directory_name(const struct directory *d)
{
    return (struct bytes){d->name, d->name_len};
}

bool directory_is(const struct directory *d, uint32_t parent, struct bytes name)
{
    return d->parent == parent && bytes_equal(directory_name(d), name);
}

size_t directory_bytes(const struct directory *d)
{
    size_t entries = d->entries == &d->only ? 0 : d->cap * sizeof(*d->entries);
    return sizeof(*d) + d->name_len + entries + (d->ordered ? d->cap * sizeof(*d->places) : 0);
}
