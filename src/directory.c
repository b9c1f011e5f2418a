// SPDX-License-Identifier: Apache-2.0
#include "imsfs/directory.h"

#include <errno.h>

struct directory *directory_new(uint32_t slot, uint32_t parent, const struct layout_view *view)
{
    struct directory *d = calloc(1, sizeof(*d));
    if (d)
        *d = (struct directory){.slot = slot, .parent = parent, .view = view};
    return d;
}

void directory_free(struct directory *d)
{
    if (d)
        free(d->entries);
    free(d);
}

int directory_add(struct directory *d, uint32_t slot)
{
    if (d->count == d->cap) {
        uint32_t cap = d->cap ? d->cap * 2 : 4;
        uint32_t *entries = realloc(d->entries, cap * sizeof(*entries));
        if (!entries)
            return -ENOMEM;
        d->entries = entries;
        d->cap = cap;
    }
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
    qsort(d->entries, d->count, sizeof(*d->entries), compare_slots);
    uint32_t kept = 0;
    for (uint32_t i = 0; i < d->count; i++)
        if (kept == 0 || d->entries[i] != d->entries[kept - 1])
            d->entries[kept++] = d->entries[i];
    d->count = kept;
}

uint32_t directory_lower(const struct directory *d, uint32_t slot)
{
    uint32_t low = 0, high = d->count;
    while (low < high) {
        uint32_t middle = low + (high - low) / 2;
        if (d->entries[middle] < slot)
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
