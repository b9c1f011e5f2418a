// SPDX-License-Identifier: Apache-2.0
#include "imsfs/stock.h"

#include <errno.h>

static int compare_ids(const struct image *a, const struct image *b)
{
    return bytes_compare(image_id(a), image_id(b));
}

/* Items point into one array, so among equal ids their addresses tell what came first. */
static int compare_items(const void *a, const void *b)
{
    struct image *const *const *x = a, *const *const *y = b;
    int order = compare_ids(**x, **y);
    return order ? order : (*x > *y) - (*x < *y);
}

/* The old stock's image of the same record, or img. Walks the old stock from *at on. */
static struct image *find_same(const struct stock *old, size_t *at, struct image *img)
{
    int order = 1;
    while (*at < old->count && (order = compare_ids(old->images[*at], img)) < 0)
        ++*at;
    bool same = *at < old->count && order == 0 && image_equal(old->images[*at], img);
    return same ? old->images[*at] : img;
}

int stock_take(struct stock *s, struct batch *read)
{
    CLEANUP(free_ptr) struct image ***items = calloc(read->count + 1, sizeof(*items));
    struct stock now = {.images = calloc(read->count + 1, sizeof(*now.images))};
    size_t at = 0;
    if (!items || !now.images) {
        free(now.images);
        return -ENOMEM;
    }
    for (size_t i = 0; i < read->count; i++)
        items[i] = &read->images[i];
    qsort(items, read->count, sizeof(struct image **), compare_items);
    for (size_t i = 0; i < read->count; i++) {
        bool first = i == 0 || compare_ids(*items[i - 1], *items[i]) != 0;
        if (first)
            now.images[now.count++] = image_ref(find_same(s, &at, *items[i]));
    }
    batch_free(read);
    stock_free(s);
    *s = now;
    return 0;
}

void stock_free(struct stock *s)
{
    for (size_t i = 0; i < s->count; i++)
        image_unref(s->images[i]);
    free(s->images);
    *s = (struct stock){0};
}
