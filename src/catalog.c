// SPDX-License-Identifier: Apache-2.0
#include "imsfs/catalog.h"

#include <errno.h>

#include "imsfs/name.h"
#include "imsfs/span.h"

struct catalog {
    struct numbers *numbers;
    enum catalog_form form;
    const struct catalog *previous;
    const struct catalog *lender;
    struct catalog_counts counts;
    bool streaming;
    bool whole;
    char *marker; /* NULL: the server has no more */
    struct roll roll;
    size_t image_bytes;
    struct groups groups;
};

int catalog_new(struct catalog **out, struct numbers *numbers, enum catalog_form form,
                const struct catalog *previous, bool streaming)
{
    struct catalog *c = calloc(1, sizeof(*c));
    if (!c)
        return -ENOMEM;
    c->numbers = numbers;
    c->form = form;
    c->previous = previous;
    c->streaming = streaming;
    int r =
        groups_init(&c->groups, numbers, form == CATALOG_FLAT, previous ? &previous->groups : NULL);
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
    roll_deinit(&c->roll);
    groups_deinit(&c->groups);
    free(c->marker);
    free(c);
}

/* list may be NULL: it has nothing. */
static const struct roll_item *find_in(const struct catalog *list, uint32_t slot)
{
    return list ? roll_find(&list->roll, slot) : NULL;
}

/* The record in that list, if it is the same. */
static const struct roll_item *same_in(const struct catalog *list, const struct roll_item *item)
{
    const struct roll_item *other = find_in(list, item->slot);
    return other && image_equal(other->img, item->img) ? other : NULL;
}

/*
 * The same record as before is the same object as before, and the same version; or those of the
 * lender. A list that was emptied has no before; ids knows the last version.
 */
static void share(struct catalog *c, struct roll_item *item)
{
    const struct roll_item *before = same_in(c->previous, item), *lent = same_in(c->lender, item);
    const struct roll_item *object = lent ? lent : before, *version = before ? before : lent;
    size_t bytes = roll_image_bytes(item->img);
    item->version = version ? version->version
                            : ids_version(c->numbers->ids, item->slot, image_json(item->img));
    if (object) {
        image_unref(item->img);
        item->img = image_ref(object->img);
    }
    c->image_bytes += lent ? bytes / 2 : bytes;
}

/* Whether what has the image's slot has another id: two that are alike for the table (ledger.h). */
static bool is_anothers(const struct roll_item *other, const struct image *img)
{
    return other && !bytes_equal(image_id(other->img), image_id(img));
}

/* Returns 1 when the image is new to this listing, 0 when not. Takes over the reference. */
static int add_image(struct catalog *c, struct image *img)
{
    struct roll_item item = {.img = img};
    int r = ids_add(c->numbers->ids, image_id(img), &item.slot);
    const struct roll_item *here = r == 0 ? find_in(c, item.slot) : NULL;
    if (r == 0 && (is_anothers(here, img) || is_anothers(find_in(c->previous, item.slot), img)))
        r = -ENOSPC;
    if (r == 0 && here) {
        c->counts.duplicates++;
        image_unref(img);
        return 0;
    }
    if (r == 0)
        r = roll_reserve(&c->roll);
    if (r == 0) {
        share(c, &item);
        r = groups_place(&c->groups, &item);
    }
    if (r < 0) {
        image_unref(item.img);
        return groups_count_full(&c->groups, r) < 0 ? r : 1;
    }
    roll_put(&c->roll, &item);
    c->counts.images++;
    return 1;
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
    /* Else nobody reads it yet: to sort it after each page would take the square of its length. */
    if (c->streaming && catalog_streamable(c))
        groups_settle(&c->groups);
    c->counts.unnumbered = c->groups.unnumbered;
    c->counts.names_equal = c->groups.names_equal;
    return r < 0 ? r : fresh;
}

void catalog_grow(struct catalog *c, struct timespec since)
{
    groups_grow(&c->groups, since);
}

bool catalog_streamable(const struct catalog *c)
{
    bool flat = c->form == CATALOG_FLAT;
    return flat || (c->roll.count == c->roll.slots && groups_have_no_gap(&c->groups));
}

void catalog_set_lender(struct catalog *c, const struct catalog *lender)
{
    c->lender = lender;
}

static bool same_marker(const struct catalog *a, const struct catalog *b)
{
    return a->marker && b->marker ? streq(a->marker, b->marker) : a->marker == b->marker;
}

/* And the same next page. */
static bool same_names(const struct catalog *c, const struct directory *a,
                       const struct directory *b)
{
    if (a->count != b->count || !same_marker(c, c->previous))
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

/* A directory that previous had too: for its readers, as little as possible has changed. */
static void follow(struct catalog *c, struct directory *d, const struct directory *before,
                   struct timespec stamp)
{
    /* Without memory for places, readers half-way are better off with a listing anew. */
    bool kept = directory_keep_places(d, before) == 0;
    d->mtime = kept && same_names(c, d, before) ? before->mtime : stamp;
}

void catalog_finish(struct catalog *c)
{
    groups_settle(&c->groups);
    c->whole = true;
    c->lender = NULL;
    if (!c->previous)
        return;
    struct timespec stamp = numbers_stamp(c->numbers);
    for (uint32_t i = 0; i < c->groups.limit; i++) {
        struct directory *d = c->groups.dirs[i];
        const struct directory *before = d ? catalog_dir(c->previous, d->slot) : NULL;
        if (before)
            follow(c, d, before, stamp);
    }
    c->previous = NULL;
    c->groups.previous = NULL;
}

void catalog_set_more(struct catalog *c, char *marker)
{
    free(c->marker);
    c->marker = marker;
}

const char *catalog_marker(const struct catalog *c)
{
    return c->marker;
}

bool catalog_is_whole(const struct catalog *c)
{
    return c->whole;
}

const struct catalog_counts *catalog_counts(const struct catalog *c)
{
    return &c->counts;
}

const struct image *catalog_image(const struct catalog *c, uint32_t slot)
{
    const struct roll_item *item = roll_find(&c->roll, slot);
    return item ? item->img : NULL;
}

/* The slot of the id that a record which nobody has checked shows. An escape in it is not worth the
 * work. */
static bool find_slot(const struct catalog *c, struct bytes record, uint32_t *slot)
{
    struct bytes token;
    char id[NAME_SIZE];
    if (!span_member(record, "\"id\"", &token) || token.data[0] != '"' ||
        memchr(token.data, '\\', token.len))
        return false;
    size_t len = name_encode_id(id, (struct bytes){token.data + 1, token.len - 2});
    return ids_find(c->numbers->ids, (struct bytes){id, len}, slot) == 0;
}

struct image *catalog_known(const struct catalog *c, struct bytes record)
{
    uint32_t slot;
    const struct roll_item *item = find_slot(c, record, &slot) ? roll_find(&c->roll, slot) : NULL;
    return item && image_is_spelled(item->img, record) ? image_ref(item->img) : NULL;
}

uint32_t catalog_home(const struct catalog *c, uint32_t slot)
{
    return roll_find(&c->roll, slot)->home;
}

uint32_t catalog_version(const struct catalog *c, uint32_t slot)
{
    const struct roll_item *item = roll_find(&c->roll, slot);
    return item ? item->version : 0;
}

const struct directory *catalog_dir(const struct catalog *c, uint32_t slot)
{
    return groups_dir(&c->groups, slot);
}

bool catalog_has(const struct catalog *c, const struct directory *d, uint32_t slot)
{
    return d->ordered ? catalog_image(c, slot) != NULL : directory_has(d, slot);
}

const struct roll_item *catalog_image_at(const struct catalog *c, uint32_t i)
{
    return roll_at(&c->roll, i);
}

uint32_t catalog_image_limit(const struct catalog *c)
{
    return c->roll.limit;
}

void catalog_add_path(const struct catalog *c, const struct directory *d, struct strbuf *out)
{
    groups_add_path(&c->groups, d, out);
}

const struct directory *catalog_dir_at(const struct catalog *c, uint32_t i)
{
    return c->groups.dirs[i];
}

uint32_t catalog_dir_limit(const struct catalog *c)
{
    return c->groups.limit;
}

size_t catalog_bytes(const struct catalog *c)
{
    return sizeof(*c) + roll_bytes(&c->roll) + c->image_bytes + groups_bytes(&c->groups);
}
