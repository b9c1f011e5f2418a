// SPDX-License-Identifier: Apache-2.0
/* Records that a list knows are not read again: whatever comes, the next list must be the one that
 * reading everything makes. */
#include <errno.h>
#include <stdio.h>

#include "imsfs/decode.h"
#include "lists.h"

#define ROUNDS 600
#define RECORDS 8
#define TAKEN_MAX 64

/* What one decoding gave. */
struct outcome {
    int result;
    struct decode_result info;
    struct image *images[TAKEN_MAX];
    size_t count;
};

struct teller {
    const struct catalog *list;
    size_t asked, knew;
};

static struct image *tell(void *ctx, struct bytes record)
{
    struct teller *t = ctx;
    struct image *img = catalog_known(t->list, record);
    t->asked++;
    t->knew += img != NULL;
    return img;
}

static int take(void *ctx, struct image *img)
{
    struct outcome *o = ctx;
    assert_true(o->count < TAKEN_MAX);
    o->images[o->count++] = img;
    return 0;
}

static struct outcome decoded(struct lists *l, struct bytes text, struct teller *teller,
                              const struct limits *limits)
{
    struct outcome o = {0};
    struct decode_sink sink = {.image = take, .ctx = &o};
    if (teller)
        sink.known = (struct decode_known){tell, teller};
    /* From a block of exactly its bytes, so that a sanitizer sees a read behind them. */
    CLEANUP(free_ptr) char *copy = malloc(text.len + !text.len);
    assert_non_null(copy);
    memcpy(copy, text.data, text.len);
    o.result =
        decode_text((struct bytes){copy, text.len}, DECODE_FILE, limits, l->attrs, &sink, &o.info);
    return o;
}

static void put(struct outcome *o)
{
    for (size_t i = 0; i < o->count; i++)
        image_unref(o->images[i]);
    decode_result_free(&o->info);
}

static struct catalog *list_of(struct lists *l, struct outcome *o, const struct catalog *previous)
{
    struct catalog *c;
    assert_int_equal(catalog_new(&c, &l->numbers, CATALOG_GROUPED, previous, false), 0);
    assert_true(catalog_add_page(c, o->images, o->count) >= 0);
    o->count = 0;
    catalog_finish(c);
    return c;
}

static bool same_text(const char *a, const char *b)
{
    return a && b ? streq(a, b) : a == b;
}

static bool same_outcome(const struct outcome *a, const struct outcome *b)
{
    if (a->result != b->result || a->count != b->count || a->info.records != b->info.records ||
        a->info.skipped != b->info.skipped ||
        memcmp(&a->info.notes, &b->info.notes, sizeof(a->info.notes)) != 0 ||
        !same_text(a->info.last_id, b->info.last_id) || !same_text(a->info.next, b->info.next) ||
        !streq(a->info.error, b->info.error))
        return false;
    for (size_t i = 0; i < a->count; i++) {
        const struct image *x = a->images[i], *y = b->images[i];
        size_t n = image_attr_count(x);
        if (!image_equal(x, y) || !bytes_equal(image_id(x), image_id(y)) ||
            n != image_attr_count(y) || image_pretty_size(x) != image_pretty_size(y))
            return false;
        for (size_t k = 0; k < n; k++) {
            const struct image_attr *p = image_attr_at(x, k), *q = image_attr_at(y, k);
            if (p->slot != q->slot || p->offset != q->offset || p->size != q->size ||
                image_attr_type(x, p) != image_attr_type(y, q))
                return false;
        }
    }
    return true;
}

static bool same_lists(const struct catalog *a, const struct catalog *b)
{
    if (memcmp(catalog_counts(a), catalog_counts(b), sizeof(struct catalog_counts)) != 0 ||
        catalog_image_limit(a) != catalog_image_limit(b) ||
        catalog_dir_limit(a) != catalog_dir_limit(b))
        return false;
    for (uint32_t slot = 0; slot < catalog_image_limit(a); slot++) {
        const struct image *x = catalog_image(a, slot), *y = catalog_image(b, slot);
        if (!x != !y ||
            (x && (!image_equal(x, y) || catalog_home(a, slot) != catalog_home(b, slot))))
            return false;
        if (catalog_version(a, slot) != catalog_version(b, slot))
            return false;
    }
    for (uint32_t slot = 0; slot < catalog_dir_limit(a); slot++) {
        const struct directory *x = catalog_dir(a, slot), *y = catalog_dir(b, slot);
        if (!x != !y || (x && x->count != y->count))
            return false;
        if (x && x->count && memcmp(x->entries, y->entries, x->count * sizeof(*x->entries)) != 0)
            return false;
    }
    return true;
}

/* --- Texts --- */

static uint32_t seed;

static uint32_t draw(uint32_t below)
{
    seed = seed * 1664525 + 1013904223;
    return (uint32_t)((uint64_t)(seed >> 8) * below >> 24);
}

/* Every kind of value, and what is worth a note. */
static void add_record(struct strbuf *out, unsigned number)
{
    strbuf_printf(out,
                  "{\"id\":\"%08x-aa\",\"name\":\"image %u\",\"status\":\"active\",\"min_ram\":%u,"
                  "\"size\":-12.50e+3,\"protected\":%s,\"checksum\":null,"
                  "\"tags\":[\"a\",\"b %u\",[],{}],\"deep\":{\"x\":[1,2,{\"y\":\"z\"}],\"k\":%u},"
                  "\"escaped\":\"\\u0041\\n\\\"\\\\\\ud800 \\/\",\"raw\":\"\303\274\xff\",%s"
                  "\"colour\":\"red\",\"colour\":\"blue\"}",
                  number, number % 3, number, number % 2 ? "true" : "false", number, number,
                  number == 3 ? "\"\":\"no file\"," : "");
}

static void add_list(struct strbuf *out)
{
    strbuf_add_str(out, "{\"images\":[");
    for (unsigned i = 0; i < RECORDS; i++) {
        if (i)
            strbuf_add_char(out, ',');
        add_record(out, i);
    }
    strbuf_add_str(out, ",{\"name\":\"without an id\"}],\"next\":\"/v2/images?marker=7\"}");
}

/* The same with white space, as most servers write it. */
static void add_spaced(struct strbuf *out, struct bytes text)
{
    bool inside = false;
    for (size_t i = 0; i < text.len; i++) {
        char c = text.data[i];
        strbuf_add_char(out, c);
        if (c == '\\')
            strbuf_add_char(out, text.data[++i]);
        else if (c == '"')
            inside = !inside;
        else if (!inside && (c == ',' || c == ':'))
            strbuf_add_char(out, ' ');
    }
}

static void replace(struct strbuf *text, size_t at, size_t len, const char *with)
{
    struct strbuf out = STRBUF_INIT;
    len = len < text->len - at ? len : text->len - at;
    strbuf_add(&out, text->data, at);
    strbuf_add_str(&out, with);
    strbuf_add(&out, text->data + at + len, text->len - at - len);
    strbuf_free(text);
    *text = out;
}

/* One small change, somewhere. */
static void mutate(struct strbuf *text)
{
    static const char *const pieces[] = {" ", "\n", "\t\r", "  ",      "\"",       "\\",   ",",
                                         ":", "{",  "}",    "[",       "]",        "0",    "1",
                                         "-", "e",  ".",    "\\u0041", "A",        "a",    "\\n",
                                         "n", "\f", "\x01", "\xff",    "\303\274", "null", "true"};
    size_t at = draw((uint32_t)text->len);
    char byte[2] = {(char)(1 + draw(255)), '\0'};
    switch (draw(8)) {
    case 0:
        replace(text, at, 0, pieces[draw(ARRAY_SIZE(pieces))]);
        break;
    case 1:
        replace(text, at, 1, pieces[draw(ARRAY_SIZE(pieces))]);
        break;
    case 2:
        replace(text, at, 1, "");
        break;
    case 3:
        replace(text, at, 1, byte);
        break;
    case 4: { /* white space where it does no harm, and where it does */
        const char *place = strpbrk(text->data + at, ",:{}[]");
        if (place)
            replace(text, (size_t)(place - text->data) + draw(2), 0, draw(2) ? " " : "\r\n\t");
        break;
    }
    case 5: /* a NUL, which a C string cannot spell */
        text->data[at] = '\0';
        break;
    case 6: { /* another value of the same length */
        char *digit = strpbrk(text->data + at, "0123456789");
        for (; digit && digit[1] >= '0' && digit[1] <= '9' && draw(2);)
            digit++;
        if (digit)
            *digit = (char)('0' + draw(10));
        break;
    }
    default: { /* a record out, or one before another */
        struct strbuf record = STRBUF_INIT;
        const char *place = strstr(text->data + at, "{\"id\"");
        add_record(&record, draw(RECORDS + 2));
        strbuf_add_char(&record, ',');
        if (place)
            replace(text, (size_t)(place - text->data), 0, strbuf_str(&record));
        strbuf_free(&record);
    }
    }
}

/* --- Tests --- */

static struct catalog *first_list(struct lists *l, struct strbuf *text)
{
    add_list(text);
    struct outcome o = decoded(l, strbuf_bytes(text), NULL, &limits_standard);
    assert_int_equal(o.result, 0);
    struct catalog *c = list_of(l, &o, NULL);
    assert_int_equal(catalog_counts(c)->images, RECORDS);
    put(&o);
    return c;
}

static void an_unchanged_list_is_known(void **state)
{
    struct lists *l = *state;
    CLEANUP(strbuf_free) struct strbuf text = STRBUF_INIT;
    struct catalog *old = first_list(l, &text);
    struct teller teller = {.list = old};
    struct outcome o = decoded(l, strbuf_bytes(&text), &teller, &limits_standard);
    assert_int_equal(o.result, 0);
    assert_int_equal(o.info.records, RECORDS + 1);
    assert_int_equal(o.info.skipped, 1);
    assert_int_equal(o.info.notes.attrs_unnamed, 1); /* so that record was read again */
    assert_string_equal(o.info.last_id, "00000007-aa");
    assert_int_equal(o.count, RECORDS);
    assert_int_equal(teller.asked, RECORDS + 1);
    assert_int_equal(teller.knew, RECORDS - 1);
    for (size_t i = 0; i < RECORDS; i++) {
        const struct image *before = catalog_image(old, (uint32_t)i);
        assert_true((before == o.images[i]) == (i != 3));
    }
    put(&o);
    catalog_free(old);
}

static void what_is_too_large_is_not_known(void **state)
{
    struct lists *l = *state;
    CLEANUP(strbuf_free) struct strbuf text = STRBUF_INIT;
    struct limits limits = limits_standard;
    struct catalog *old = first_list(l, &text);
    struct teller teller = {.list = old};
    size_t skipped = 0;
    limits.max[LIMIT_RECORD_BYTES] = 500; /* of which the first one needs half by itself */
    for (int spaces = 0; spaces < 500; spaces += 100) {
        struct strbuf padded = STRBUF_INIT;
        strbuf_printf(&padded, "{\"images\":[{%*s%s", spaces, "",
                      text.data + strlen("{\"images\":[{"));
        struct outcome with = decoded(l, strbuf_bytes(&padded), &teller, &limits);
        struct outcome without = decoded(l, strbuf_bytes(&padded), NULL, &limits);
        assert_int_equal(with.result, 0);
        assert_true(same_outcome(&with, &without));
        skipped += with.info.skipped - 1;
        put(&with);
        put(&without);
        strbuf_free(&padded);
    }
    assert_in_range(skipped, 1, 4);
    catalog_free(old);
}

static void whatever_comes_the_list_is_the_same(void **state)
{
    struct lists *l = *state;
    CLEANUP(strbuf_free) struct strbuf text = STRBUF_INIT;
    struct catalog *old = first_list(l, &text);
    struct teller teller = {.list = old};
    size_t whole = 0, images = 0;
    seed = 20261122;
    for (int round = 0; round < ROUNDS; round++) {
        struct strbuf changed = STRBUF_INIT;
        if (round % 2)
            strbuf_add(&changed, text.data, text.len);
        else
            add_spaced(&changed, strbuf_bytes(&text));
        for (uint32_t n = draw(4); n > 0; n--)
            mutate(&changed);
        struct outcome with = decoded(l, strbuf_bytes(&changed), &teller, &limits_standard);
        struct outcome without = decoded(l, strbuf_bytes(&changed), NULL, &limits_standard);
        if (!same_outcome(&with, &without))
            fail_msg("round %d: %s / %s\n%s", round, with.info.error, without.info.error,
                     strbuf_str(&changed));
        whole += with.result == 0;
        images += with.count;
        struct catalog *a = list_of(l, &with, old), *b = list_of(l, &without, old);
        if (!same_lists(a, b))
            fail_msg("round %d: other lists of\n%s", round, strbuf_str(&changed));
        catalog_free(a);
        catalog_free(b);
        put(&with);
        put(&without);
        strbuf_free(&changed);
    }
    /* Else it would have tested nothing. */
    assert_in_range(whole, ROUNDS / 4, ROUNDS - ROUNDS / 4);
    assert_in_range(teller.knew, images / 2, images - images / 20);
    catalog_free(old);
}

#define TEST(f) LISTS_TEST(f, &lists)

int main(void)
{
    static struct lists lists;
    const struct CMUnitTest tests[] = {
        TEST(an_unchanged_list_is_known),
        TEST(what_is_too_large_is_not_known),
        TEST(whatever_comes_the_list_is_the_same),
    };
    return cmocka_run_group_tests_name("decode-known", tests, NULL, NULL);
}
