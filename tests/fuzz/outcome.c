// SPDX-License-Identifier: Apache-2.0
#include "outcome.h"

#include <errno.h>

#include "fuzz.h"

static int take(void *ctx, struct image *img)
{
    struct outcome *o = ctx;
    if (o->count == o->cap) {
        o->cap = 2 * o->cap + 8;
        o->images = realloc(o->images, o->cap * sizeof(struct image *));
        CHECK(o->images);
    }
    o->images[o->count++] = img;
    return 0;
}

void outcome_add(struct outcome *o, struct bytes text, size_t origin, enum decode_shape shape,
                 struct slot_table *attrs, const struct decode_known *known)
{
    struct decode_sink sink = {.image = take, .ctx = o};
    size_t records = o->info.records, skipped = o->info.skipped;
    CLEANUP(free_ptr) char *copy = malloc(text.len + !text.len);
    CHECK(copy);
    if (text.len)
        memcpy(copy, text.data, text.len);
    if (known)
        sink.known = *known;
    decode_result_free(&o->info);
    o->result = decode_text_at((struct bytes){copy, text.len}, origin, shape, &limits_standard,
                               attrs, &sink, &o->info);
    CHECK(o->result == 0 || o->result == -EPROTO || o->result == -E2BIG);
    CHECK((o->result < 0) == (o->info.error[0] != '\0'));
    CHECK(fuzz_is_plain(bytes_of(o->info.error)));
    const char *at = strstr(o->info.error, " at byte ");
    o->at = at ? strtoul(at + 9, NULL, 10) : 0;
    o->info.records += records;
    o->info.skipped += skipped;
}

void outcome_free(struct outcome *o)
{
    for (size_t i = 0; i < o->count; i++)
        image_unref(o->images[i]);
    free(o->images);
    decode_result_free(&o->info);
    *o = (struct outcome){0};
}

static bool same_attrs(const struct image *a, const struct image *b)
{
    size_t n = image_attr_count(a);
    for (size_t i = 0; n == image_attr_count(b) && i < n; i++) {
        const struct image_attr *x = image_attr_at(a, i), *y = image_attr_at(b, i);
        if (x->slot != y->slot || x->offset != y->offset || x->size != y->size)
            return false;
    }
    return n == image_attr_count(b);
}

bool outcome_same_images(const struct outcome *a, const struct outcome *b)
{
    for (size_t i = 0; a->count == b->count && i < a->count; i++) {
        const struct image *x = a->images[i], *y = b->images[i];
        if (!image_equal(x, y) || !bytes_equal(image_id(x), image_id(y)) || !same_attrs(x, y) ||
            image_pretty_size(x) != image_pretty_size(y))
            return false;
    }
    return a->count == b->count;
}

static bool same_text(const char *a, const char *b)
{
    return a && b ? streq(a, b) : a == b;
}

bool outcome_same(const struct outcome *a, const struct outcome *b)
{
    return a->result == b->result && a->info.records == b->info.records &&
           a->info.skipped == b->info.skipped &&
           memcmp(&a->info.notes, &b->info.notes, sizeof(a->info.notes)) == 0 &&
           same_text(a->info.last_id, b->info.last_id) && same_text(a->info.next, b->info.next) &&
           streq(a->info.error, b->info.error) && outcome_same_images(a, b);
}

static void check_image(const struct image *img, const struct slot_table *attrs)
{
    CLEANUP(strbuf_free) struct strbuf text = STRBUF_INIT;
    char name[256];
    CHECK(fuzz_is_component(image_id(img)) && image_id(img).len <= 128);
    size_t len = image_dir_name(img, name);
    CHECK(len == strlen(name) && fuzz_is_component(bytes_of(name)));
    for (size_t i = 0; i < image_attr_count(img); i++) {
        const struct image_attr *a = image_attr_at(img, i);
        CHECK(i == 0 || a[-1].slot < a->slot);
        CHECK(fuzz_is_component(slot_get(attrs, a->slot)));
        strbuf_reset(&text);
        image_add_content(img, a, &text);
        CHECK(text.len == a->size);
    }
    strbuf_reset(&text);
    image_add_pretty(img, &text);
    CHECK(text.len == image_pretty_size(img));
}

void outcome_check_images(const struct outcome *o, const struct slot_table *attrs)
{
    for (size_t i = 0; i < o->count; i++)
        check_image(o->images[i], attrs);
}
