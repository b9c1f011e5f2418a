// SPDX-License-Identifier: Apache-2.0
#include "imsfs/roll.h"

#include <errno.h>

#define MIN_BITS 3

void roll_deinit(struct roll *r)
{
    for (uint32_t i = 0; i < r->limit; i++)
        image_unref(r->items[i].img);
    free(r->items);
    *r = (struct roll){0};
}

/* Where slot is, or the free place where it belongs. */
static uint32_t place_of(const struct roll *r, uint32_t slot)
{
    uint32_t i = slot * 0x9E3779B1u >> (32 - r->bits);
    while (r->items[i].img && r->items[i].slot != slot)
        i = (i + 1) & (r->limit - 1);
    return i;
}

int roll_reserve(struct roll *r)
{
    if (r->count < r->limit / 4 * 3)
        return 0;
    struct roll grown = {.bits = r->bits ? r->bits + 1 : MIN_BITS};
    grown.limit = (uint32_t)1 << grown.bits;
    grown.items = calloc(grown.limit, sizeof(*grown.items));
    if (!grown.items)
        return -ENOMEM;
    for (uint32_t i = 0; i < r->limit; i++)
        if (r->items[i].img)
            roll_put(&grown, &r->items[i]);
    free(r->items);
    *r = grown;
    return 0;
}

void roll_put(struct roll *r, const struct roll_item *item)
{
    r->items[place_of(r, item->slot)] = *item;
    r->count++;
    if (r->slots <= item->slot)
        r->slots = item->slot + 1;
}

const struct roll_item *roll_find(const struct roll *r, uint32_t slot)
{
    return slot < r->slots ? roll_at(r, place_of(r, slot)) : NULL;
}

const struct roll_item *roll_at(const struct roll *r, uint32_t i)
{
    return r->items[i].img ? &r->items[i] : NULL;
}

size_t roll_bytes(const struct roll *r)
{
    return r->limit * sizeof(*r->items);
}

size_t roll_image_bytes(const struct image *img)
{
    return image_json(img).len + image_attr_count(img) * sizeof(struct image_attr) + 64;
}
