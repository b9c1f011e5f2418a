// SPDX-License-Identifier: Apache-2.0
#include "imsfs/image.h"

#include <errno.h>
#include <stdatomic.h>

#include "imsfs/json.h"
#include "imsfs/name.h"
#include "imsfs/span.h"
#include "imsfs/timestamp.h"

#define NO_TIME INT64_MIN

struct image {
    atomic_uint refs;
    uint32_t json_len;
    uint32_t pretty_size;
    uint16_t attr_count;
    uint8_t id_len;
    bool noted;                /* making it was worth a note */
    int64_t mtime, atime;      /* NO_TIME: not known */
    struct image_attr attrs[]; /* then the id as a path component, then the JSON text */
};

static const char *const fixed_names[IMAGE_SLOTS_FIXED] = {
    [IMAGE_SLOT_ID] = "id",
    [IMAGE_SLOT_NAME] = "name",
    [IMAGE_SLOT_STATUS] = "status",
    [IMAGE_SLOT_VISIBILITY] = "visibility",
    [IMAGE_SLOT_IMAGETYPE] = "__imagetype",
    [IMAGE_SLOT_PLATFORM] = "__platform",
    [IMAGE_SLOT_OS_DISTRO] = "os_distro",
    [IMAGE_SLOT_CREATED_AT] = "created_at",
    [IMAGE_SLOT_UPDATED_AT] = "updated_at",
};

int image_attrs_new(struct slot_table **out)
{
    struct slot_table *t = NULL;
    int r = slot_table_new(&t, IMAGE_ATTR_LIMIT);
    for (size_t i = 0; r == 0 && i < ARRAY_SIZE(fixed_names); i++) {
        uint32_t slot;
        r = slot_add(t, bytes_of(fixed_names[i]), &slot);
    }
    if (r < 0) {
        slot_table_free(t);
        return r;
    }
    *out = t;
    return 0;
}

struct draft { /* an attribute while its image is made */
    struct image_attr attr;
    uint32_t order;
    struct bytes key;
};

struct drafts {
    struct draft *items;
    size_t count, cap;
};

static void drafts_free(struct drafts *d)
{
    free(d->items);
}

static int drafts_add(struct drafts *d, const struct draft *item)
{
    if (d->count == d->cap) {
        size_t cap = d->cap ? d->cap * 2 : 64;
        struct draft *items = realloc(d->items, cap * sizeof(*items));
        if (!items)
            return -ENOMEM;
        d->items = items;
        d->cap = cap;
    }
    d->items[d->count++] = *item;
    return 0;
}

static int draft_attrs(struct bytes json, struct keys *keys, struct drafts *drafts,
                       struct strbuf *scratch, struct image_notes *notes)
{
    struct bytes key, value;
    for (struct json_walk w = json_walk(json); json_next(&w, &key, &value);) {
        struct draft d = {.key = key, .order = (uint32_t)drafts->count};
        uint16_t slot;
        int r = keys_find(keys, key, &slot);
        if (r == -ENOENT) {
            notes->attrs_unnamed++;
            continue;
        }
        if (r < 0)
            return r;
        size_t size = content_size(value, scratch);
        if (size > IMAGE_BYTES_MAX)
            return -E2BIG;
        d.attr.offset = (uint32_t)(value.data - json.data) & IMAGE_BYTES_MAX;
        d.attr.size = (uint32_t)size & IMAGE_BYTES_MAX;
        d.attr.slot = slot & IMAGE_ATTR_LIMIT;
        r = drafts_add(drafts, &d);
        if (r < 0)
            return r;
    }
    return strbuf_error(scratch);
}

static int by_slot_then_order(const void *a, const void *b)
{
    const struct draft *x = a, *y = b;
    if (x->attr.slot != y->attr.slot)
        return x->attr.slot < y->attr.slot ? -1 : 1;
    return x->order < y->order ? -1 : 1;
}

static int same_key(struct bytes a, struct bytes b, bool *same)
{
    CLEANUP(strbuf_free) struct strbuf x = STRBUF_INIT;
    CLEANUP(strbuf_free) struct strbuf y = STRBUF_INIT;
    json_add_string(&x, a);
    json_add_string(&y, b);
    *same = bytes_equal(strbuf_bytes(&x), strbuf_bytes(&y));
    return strbuf_error(&x) < 0 ? -ENOMEM : strbuf_error(&y);
}

/* Sorts by slot; of one key the last value stays, of two keys with one file name the first. */
static int merge_drafts(struct drafts *d, struct image_notes *notes)
{
    if (d->count == 0)
        return 0;
    qsort(d->items, d->count, sizeof(*d->items), by_slot_then_order);
    size_t last = 0;
    for (size_t i = 1; i < d->count; i++) {
        bool same;
        if (d->items[i].attr.slot != d->items[last].attr.slot) {
            d->items[++last] = d->items[i];
            continue;
        }
        if (same_key(d->items[i].key, d->items[last].key, &same) < 0)
            return -ENOMEM;
        if (same)
            d->items[last] = d->items[i];
        else
            notes->names_equal++;
    }
    d->count = last + 1;
    return 0;
}

static size_t encode_id(const struct drafts *d, struct bytes json, char out[static NAME_SIZE])
{
    char space[2 * NAME_SIZE];
    struct strbuf id = STRBUF_IN(space);
    if (d->count == 0 || d->items[0].attr.slot != IMAGE_SLOT_ID)
        return 0;
    size_t offset = d->items[0].attr.offset;
    if (json.data[offset] != '"')
        return 0;
    json_add_string(&id, json_value((struct bytes){json.data + offset, json.len - offset}));
    return strbuf_error(&id) < 0 ? 0 : name_encode_id(out, strbuf_bytes(&id)); /* else too long */
}

static char *id_place(const struct image *img)
{
    return (char *)(img->attrs + img->attr_count);
}

static char *json_place(const struct image *img)
{
    return id_place(img) + img->id_len;
}

static int64_t time_in(const struct image *img, uint32_t slot)
{
    const struct image_attr *a = image_attr_find(img, slot);
    if (!a || image_attr_type(img, a) != CONTENT_STRING)
        return NO_TIME;
    struct bytes token = image_attr_json(img, a);
    time_t t;
    return timestamp_parse((struct bytes){token.data + 1, token.len - 2}, &t) ? t : NO_TIME;
}

static struct image *assemble(const struct drafts *d, struct bytes json, struct bytes id)
{
    size_t attrs_size = d->count * sizeof(struct image_attr);
    struct image *img = malloc(sizeof(*img) + attrs_size + id.len + json.len);
    if (!img)
        return NULL;
    *img = (struct image){
        .json_len = (uint32_t)json.len,
        .attr_count = (uint16_t)d->count,
        .id_len = (uint8_t)id.len,
    };
    atomic_init(&img->refs, 1);
    for (size_t i = 0; i < d->count; i++)
        img->attrs[i] = d->items[i].attr;
    memcpy(id_place(img), id.data, id.len);
    memcpy(json_place(img), json.data, json.len);
    img->atime = time_in(img, IMAGE_SLOT_CREATED_AT);
    img->mtime = time_in(img, IMAGE_SLOT_UPDATED_AT);
    img->mtime = img->mtime == NO_TIME ? img->atime : img->mtime;
    return img;
}

int image_make(struct image **out, struct bytes json, struct keys *keys, struct image_notes *notes)
{
    CLEANUP(strbuf_free) struct strbuf scratch = STRBUF_INIT;
    CLEANUP(drafts_free) struct drafts drafts = {0};
    char id[NAME_SIZE];

    if (json.len > IMAGE_BYTES_MAX)
        return -E2BIG;
    struct image_notes before = *notes;
    int r = draft_attrs(json, keys, &drafts, &scratch, notes);
    if (r < 0)
        return r;
    r = merge_drafts(&drafts, notes);
    if (r < 0)
        return r;
    size_t id_len = encode_id(&drafts, json, id);
    if (id_len == 0)
        return -EINVAL;
    size_t pretty_size = json_pretty_size(json);
    if (pretty_size > INT32_MAX)
        return -E2BIG;
    struct image *img = assemble(&drafts, json, (struct bytes){id, id_len});
    if (!img)
        return -ENOMEM;
    img->pretty_size = (uint32_t)pretty_size;
    img->noted = memcmp(&before, notes, sizeof(before)) != 0;
    *out = img;
    return 0;
}

int image_new(struct image **out, struct bytes json, struct slot_table *attrs,
              struct image_notes *notes)
{
    struct keys keys = keys_init(attrs);
    int r = image_make(out, json, &keys, notes);
    keys_deinit(&keys);
    return r;
}

struct image *image_ref(struct image *img)
{
    atomic_fetch_add_explicit(&img->refs, 1, memory_order_relaxed);
    return img;
}

void image_unref(struct image *img)
{
    if (img && atomic_fetch_sub_explicit(&img->refs, 1, memory_order_acq_rel) == 1)
        free(img);
}

struct bytes image_json(const struct image *img)
{
    return (struct bytes){json_place(img), img->json_len};
}

bool image_equal(const struct image *a, const struct image *b)
{
    return a == b || bytes_equal(image_json(a), image_json(b));
}

bool image_is_spelled(const struct image *img, struct bytes record)
{
    return !img->noted && span_spells(record, image_json(img));
}

struct bytes image_id(const struct image *img)
{
    return (struct bytes){id_place(img), img->id_len};
}

void image_add_raw_id(const struct image *img, struct strbuf *out)
{
    json_add_string(out, image_attr_json(img, image_attr_find(img, IMAGE_SLOT_ID)));
}

size_t image_dir_name(const struct image *img, char out[static 256])
{
    char space[2 * NAME_SIZE]; /* no byte of a name becomes less than one */
    struct strbuf name = STRBUF_IN(space);
    const struct image_attr *a = image_attr_find(img, IMAGE_SLOT_NAME);
    if (a)
        content_add_text(image_attr_json(img, a), &name);
    return name_encode_image(out, strbuf_bytes(&name), image_id(img));
}

size_t image_attr_count(const struct image *img)
{
    return img->attr_count;
}

const struct image_attr *image_attr_at(const struct image *img, size_t i)
{
    return &img->attrs[i];
}

size_t image_attr_lower(const struct image *img, uint32_t slot)
{
    size_t low = 0, high = img->attr_count;
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        if (img->attrs[middle].slot < slot)
            low = middle + 1;
        else
            high = middle;
    }
    return low;
}

const struct image_attr *image_attr_find(const struct image *img, uint32_t slot)
{
    size_t i = image_attr_lower(img, slot);
    return i < img->attr_count && img->attrs[i].slot == slot ? &img->attrs[i] : NULL;
}

struct bytes image_attr_json(const struct image *img, const struct image_attr *a)
{
    struct bytes json = image_json(img);
    return json_value((struct bytes){json.data + a->offset, json.len - a->offset});
}

enum content_type image_attr_type(const struct image *img, const struct image_attr *a)
{
    return content_type((struct bytes){json_place(img) + a->offset, 1});
}

void image_add_content(const struct image *img, const struct image_attr *a, struct strbuf *out)
{
    content_add(image_attr_json(img, a), out);
}

void image_add_pretty(const struct image *img, struct strbuf *out)
{
    json_add_pretty(out, image_json(img));
}

size_t image_pretty_size(const struct image *img)
{
    return img->pretty_size;
}

bool image_mtime(const struct image *img, time_t *t)
{
    *t = img->mtime;
    return img->mtime != NO_TIME;
}

bool image_atime(const struct image *img, time_t *t)
{
    *t = img->atime;
    return img->atime != NO_TIME;
}
