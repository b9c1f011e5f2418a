// SPDX-License-Identifier: Apache-2.0
#include "imsfs/roll.h"

#include <errno.h>

#define ARRAY_MIN 64
#define HASH_MIN_BITS 3

struct roll roll_init(bool some)
{
    return (struct roll){.some = some};
}

void roll_deinit(struct roll *r)
{
    for (uint32_t i = 0; i < r->limit; i++)
        image_unref(r->items[i].img);
    free(r->items);
    *r = (struct roll){.some = r->some};
}

static int reserve_in_array(struct roll *r, uint32_t slot)
{
    if (slot < r->cap)
        return 0;
    uint32_t cap = r->cap ? r->cap : ARRAY_MIN;
    while (cap <= slot)
        cap *= 2;
    struct roll_item *items = realloc(r->items, cap * sizeof(*items));
    if (!items)
        return -ENOMEM;
    memset(items + r->cap, 0, (cap - r->cap) * sizeof(*items));
    r->items = items;
    r->cap = cap;
    return 0;
}

/* Where slot is, or the free place where it belongs. */
static uint32_t place_of(const struct roll *r, uint32_t slot)
{
    uint32_t i = slot * 0x9E3779B1u >> (32 - r->bits);
    while (r->items[i].img && r->items[i].slot != slot)
        i = (i + 1) & (r->cap - 1);
    return i;
}

static int reserve_in_hash(struct roll *r)
{
    if (r->count < r->cap / 4 * 3)
        return 0;
    struct roll grown = {.some = true, .bits = r->bits ? r->bits + 1 : HASH_MIN_BITS};
    grown.cap = grown.limit = (uint32_t)1 << grown.bits;
    grown.items = calloc(grown.cap, sizeof(*grown.items));
    if (!grown.items)
        return -ENOMEM;
    for (uint32_t i = 0; i < r->cap; i++)
        if (r->items[i].img)
            roll_put(&grown, &r->items[i]);
    free(r->items);
    *r = grown;
    return 0;
}

int roll_reserve(struct roll *r, uint32_t slot)
{
    return r->some ? reserve_in_hash(r) : reserve_in_array(r, slot);
}

void roll_put(struct roll *r, const struct roll_item *item)
{
    r->items[r->some ? place_of(r, item->slot) : item->slot] = *item;
    r->count++;
    if (!r->some && r->limit <= item->slot)
        r->limit = item->slot + 1;
}

const struct roll_item *roll_find(const struct roll *r, uint32_t slot)
{
    if (r->some)
        return r->count ? roll_at(r, place_of(r, slot)) : NULL;
    return slot < r->limit ? roll_at(r, slot) : NULL;
}

const struct roll_item *roll_at(const struct roll *r, uint32_t i)
{
    return r->items[i].img ? &r->items[i] : NULL;
}

size_t roll_bytes(const struct roll *r)
{
    return r->cap * sizeof(*r->items);
}

size_t roll_image_bytes(const struct image *img)
{
    return image_json(img).len + image_attr_count(img) * sizeof(struct image_attr) + 64;
}
