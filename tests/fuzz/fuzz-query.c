// SPDX-License-Identifier: Apache-2.0
/* The name of a directory in query/ -> criteria: parsed, checked, printed, parsed again, combined,
 * and put to a few images. */
#include <errno.h>

#include "fuzz.h"
#include "imsfs/filter.h"
#include "imsfs/selection.h"

static const char *const records[] = {
    "{\"id\":\"a\",\"name\":\"x\",\"status\":\"active\",\"__imagetype\":\"gold\",\"min_ram\":0,"
    "\"created_at\":\"2026-07-22T16:00:00Z\",\"tags\":[\"t\",\"u=v\"],\"size\":12}",
    "{\"id\":\"b\",\"name\":null,\"visibility\":\"public\",\"__platform\":\"Linux\","
    "\"created_at\":\"2026-07-22 16:00:00\",\"protected\":true,\"size\":\"900\"}",
    "{\"id\":\"c\",\"visibility\":\"shared\",\"owner\":\"p\",\"min_disk\":\"40\",\"tags\":[],"
    "\"__support_kvm\":\"true\",\"updated_at\":\"never\",\"enterprise_project_id\":\"0\"}",
};

static struct slot_table *attrs;
static struct image *images[ARRAY_SIZE(records)];

void fuzz_begin(void)
{
    struct image_notes notes = {0};
    CHECK(image_attrs_new(&attrs) == 0);
    for (size_t i = 0; i < ARRAY_SIZE(records); i++)
        CHECK(image_new(&images[i], bytes_of(records[i]), attrs, &notes) == 0);
}

static bool same(const struct query *a, const struct query *b)
{
    CLEANUP(strbuf_free) struct strbuf x = STRBUF_INIT;
    CLEANUP(strbuf_free) struct strbuf y = STRBUF_INIT;
    query_add_url(a, &x);
    query_add_url(b, &y);
    return bytes_equal(strbuf_bytes(&x), strbuf_bytes(&y));
}

static int parse(struct query **out, struct bytes text, enum query_dialect dialect)
{
    struct query_error err = {""};
    int r = query_parse(out, text, dialect, &err);
    CHECK(r == 0 || r == -ENOENT || r == -EINVAL || r == -EOPNOTSUPP || r == -ENAMETOOLONG);
    CHECK((r < 0) == (err.text[0] != '\0'));
    for (const char *c = err.text; *c; c++)
        CHECK((unsigned char)*c >= 0x20 && *c != 0x7F);
    return r;
}

static void check_parses_back(const struct query *q, const struct strbuf *text)
{
    CLEANUP(query_clear) struct query *again = NULL;
    CHECK(strbuf_error(text) == 0);
    if (text->len > QUERY_MAX_BYTES)
        return;
    CHECK(parse(&again, strbuf_bytes(text), QUERY_DIALECT_UNKNOWN) == 0);
    CHECK(same(q, again));
}

static void check_printed(const struct query *q)
{
    CLEANUP(strbuf_free) struct strbuf name = STRBUF_INIT;
    CLEANUP(strbuf_free) struct strbuf url = STRBUF_INIT;
    query_add_name(q, &name);
    query_add_url(q, &url);
    CHECK(fuzz_is_plain(strbuf_bytes(&name)) && !strchr(strbuf_str(&name), '/'));
    for (const char *c = strbuf_str(&url); *c; c++)
        CHECK(*c > ' ' && *c < 0x7F && !strchr("/?#+", *c));
    check_parses_back(q, &name);
    check_parses_back(q, &url);
}

/* What is refused at once when the dialect is known is refused later when it becomes known. */
static void check_dialects(const struct query *q, struct bytes text)
{
    int results[2];
    for (int i = 0; i < 2; i++) {
        enum query_dialect dialect = i ? QUERY_DIALECT_GLANCE : QUERY_DIALECT_IMS;
        struct query_error err = {""};
        CLEANUP(query_clear) struct query *at_once = NULL;
        results[i] = query_check(q, dialect, &err);
        int r = parse(&at_once, text, dialect);
        CHECK((r < 0) == (results[i] < 0));
        CHECK(r < 0 || same(q, at_once));
    }
    CHECK(query_needs_dialect(q) || results[0] == results[1]);
}

static void check_combined(const struct query *q)
{
    CLEANUP(query_clear) struct query *both = NULL;
    CLEANUP(query_clear) struct query *rest = NULL;
    CLEANUP(query_clear) struct query *one = NULL;
    struct query_error err;
    int r = query_join(&both, q, q, &err);
    CHECK(r == -ENAMETOOLONG || (r == 0 && same(both, q)));
    CHECK(query_without(&rest, q, q) == 0 && query_count(rest) == 0);
    r = query_set(&one, q, "limit", bytes_of("2"));
    CHECK(r == -ENAMETOOLONG || (r == 0 && query_limit(one) == 2));
}

static void check_selected(const struct query *q)
{
    const struct match_facts facts = {.cloudimages = true, .project = bytes_of("p")};
    struct selection s = {0};
    struct query_error err;
    for (size_t i = 0; i < ARRAY_SIZE(images); i++)
        for (size_t k = 0; k < ARRAY_SIZE(images); k++) {
            int error = 0;
            int r = match_compare(q, images[i], images[k], attrs, &error);
            int back = match_compare(q, images[k], images[i], attrs, &error);
            CHECK(error == 0 && (r < 0) == (back > 0) && (r == 0) == (i == k));
        }
    int r = selection_make(&s, q, images, ARRAY_SIZE(images), attrs, &facts, &err);
    CHECK(r == 0 || r == -EOPNOTSUPP || r == -EINVAL);
    if (r < 0)
        return;
    int64_t limit = query_limit(q);
    CHECK(s.count <= ARRAY_SIZE(images) && (limit == 0 || (int64_t)s.count <= limit));
    for (size_t i = 0; i < s.count; i++)
        CHECK(match_image(q, s.images[i], attrs, &facts));
    selection_free(&s);
}

static void check_filter(struct bytes text, const struct query *q)
{
    CLEANUP(query_clear) struct query *filter = NULL;
    CLEANUP(query_clear) struct query *restricted = NULL;
    struct query_error err;
    if (filter_parse(&filter, text, QUERY_DIALECT_UNKNOWN, &err) < 0)
        return;
    CHECK(same(filter, q));
    int r = filter_apply(&restricted, filter, q, &err);
    CHECK(r == -ENAMETOOLONG || (r == 0 && same(restricted, q)));
}

void fuzz_one(struct bytes text)
{
    CLEANUP(query_clear) struct query *q = NULL;
    if (parse(&q, text, QUERY_DIALECT_UNKNOWN) < 0) {
        CLEANUP(query_clear) struct query *ims = NULL;
        CHECK(parse(&ims, text, QUERY_DIALECT_IMS) < 0);
        return;
    }
    check_printed(q);
    check_dialects(q, text);
    check_combined(q);
    check_filter(text, q);
    check_selected(q);
}
