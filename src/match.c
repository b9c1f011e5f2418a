// SPDX-License-Identifier: Apache-2.0
#include "imsfs/match.h"

#include <errno.h>

#include "imsfs/content.h"
#include "imsfs/json.h"
#include "imsfs/name.h"
#include "imsfs/timestamp.h"

/* One criterion against one record. */
struct test {
    struct bytes name, value;
    const struct image *img;
    const struct slot_table *attrs;
    const struct match_facts *facts;
    int *error; /* -ENOMEM, once a value could not be read; what a test answers then is nothing */
};

static const struct image_attr *find_attr(const struct image *img, const struct slot_table *attrs,
                                          struct bytes name)
{
    char file[NAME_SIZE];
    uint32_t slot;
    size_t len = name_encode_attr(file, name);
    if (len == 0 || slot_find(attrs, (struct bytes){file, len}, &slot) < 0)
        return NULL;
    const struct image_attr *a = image_attr_find(img, slot);
    return a && image_attr_type(img, a) != CONTENT_NULL ? a : NULL;
}

/* The text of a token; decoded into scratch where it holds escapes. */
static struct bytes token_text(struct bytes token, struct strbuf *scratch, int *error)
{
    if (token.data[0] == '"' && !memchr(token.data, '\\', token.len))
        return (struct bytes){token.data + 1, token.len - 2};
    strbuf_reset(scratch);
    content_add_text(token, scratch);
    if (strbuf_error(scratch) < 0)
        *error = -ENOMEM;
    return strbuf_bytes(scratch);
}

/* False: the record does not have it, or has null. */
static bool attr_text(const struct image *img, const struct slot_table *attrs, struct bytes name,
                      struct strbuf *scratch, int *error, struct bytes *text)
{
    const struct image_attr *a = find_attr(img, attrs, name);
    if (!a)
        return false;
    *text = token_text(image_attr_json(img, a), scratch, error);
    return true;
}

static bool attr_is(const struct test *t, const char *name, struct bytes want)
{
    CLEANUP(strbuf_free) struct strbuf scratch = STRBUF_INIT;
    struct bytes text;
    return attr_text(t->img, t->attrs, bytes_of(name), &scratch, t->error, &text) &&
           bytes_equal(text, want);
}

static bool attr_true(const struct test *t, struct bytes name)
{
    CLEANUP(strbuf_free) struct strbuf scratch = STRBUF_INIT;
    struct bytes text;
    bool b;
    return attr_text(t->img, t->attrs, name, &scratch, t->error, &text) &&
           param_boolean(text, &b) && b;
}

static bool attr_integer(const struct image *img, const struct slot_table *attrs, struct bytes name,
                         int *error, int64_t *n)
{
    CLEANUP(strbuf_free) struct strbuf scratch = STRBUF_INIT;
    struct bytes text;
    return attr_text(img, attrs, name, &scratch, error, &text) && param_integer(text, n);
}

static bool attr_time(const struct image *img, const struct slot_table *attrs, struct bytes name,
                      int *error, int64_t *at)
{
    CLEANUP(strbuf_free) struct strbuf scratch = STRBUF_INIT;
    struct bytes text;
    time_t t;
    if (!attr_text(img, attrs, name, &scratch, error, &text) || !timestamp_parse(text, &t))
        return false;
    *at = t;
    return true;
}

static bool test_text(const struct test *t)
{
    CLEANUP(strbuf_free) struct strbuf scratch = STRBUF_INIT;
    struct bytes text;
    return attr_text(t->img, t->attrs, t->name, &scratch, t->error, &text) &&
           bytes_equal(text, t->value);
}

static bool test_integer(const struct test *t)
{
    int64_t have, want;
    return param_integer(t->value, &want) &&
           attr_integer(t->img, t->attrs, t->name, t->error, &have) && have == want;
}

static bool test_boolean(const struct test *t)
{
    bool want;
    return param_boolean(t->value, &want) && attr_true(t, t->name) == want;
}

static bool test_time(const struct test *t)
{
    enum param_operator op;
    int64_t have, want;
    if (!param_time(t->value, &op, &want) || !attr_time(t->img, t->attrs, t->name, t->error, &have))
        return false;
    switch (op) {
    case PARAM_GT:
        return have > want;
    case PARAM_GTE:
        return have >= want;
    case PARAM_LT:
        return have < want;
    case PARAM_LTE:
        return have <= want;
    case PARAM_NEQ:
        return have != want;
    default:
        return have == want;
    }
}

static bool test_tag(const struct test *t)
{
    CLEANUP(strbuf_free) struct strbuf scratch = STRBUF_INIT;
    struct bytes key, element;
    const struct image_attr *a = find_attr(t->img, t->attrs, bytes_of("tags"));
    if (!a || image_attr_type(t->img, a) != CONTENT_ARRAY)
        return false;
    for (struct json_walk w = json_walk(image_attr_json(t->img, a)); json_next(&w, &key, &element);)
        if (bytes_equal(token_text(element, &scratch, t->error), t->value))
            return true;
    return false;
}

static bool test_visibility(const struct test *t)
{
    return bytes_are(t->value, "all") || test_text(t);
}

/* Says which shared images are meant; others are left to the criterion visibility=shared, as on
 * Glance. */
static bool test_member_status(const struct test *t)
{
    const struct match_facts *f = t->facts;
    if (!attr_is(t, "visibility", bytes_of("shared")))
        return true;
    if (f->project.len && attr_is(t, "owner", f->project))
        return f->own_is_member;
    const char *status = f->member_status ? f->member_status(f->ctx, t->img) : NULL;
    return status && (bytes_are(t->value, "all") || bytes_are(t->value, status));
}

static bool test_flavor(const struct test *t)
{
    const struct match_facts *f = t->facts;
    return f->fits_flavor && f->fits_flavor(f->ctx, t->img, t->value);
}

static bool test_architecture(const struct test *t)
{
    return bytes_are(t->value, attr_true(t, bytes_of("__support_arm")) ? "arm" : "x86");
}

static bool test_project(const struct test *t)
{
    CLEANUP(strbuf_free) struct strbuf scratch = STRBUF_INIT;
    struct bytes have;
    if (bytes_are(t->value, "all_granted_eps"))
        return true;
    if (!attr_text(t->img, t->attrs, bytes_of("enterprise_project_id"), &scratch, t->error,
                   &have) &&
        !attr_text(t->img, t->attrs, bytes_of("_sys_enterprise_project_id"), &scratch, t->error,
                   &have))
        have = bytes_of("0");
    return bytes_equal(have.len ? have : bytes_of("0"), t->value);
}

static bool test_size_min(const struct test *t)
{
    int64_t have, want;
    return param_integer(t->value, &want) &&
           attr_integer(t->img, t->attrs, bytes_of("size"), t->error, &have) && have >= want;
}

static bool test_size_max(const struct test *t)
{
    int64_t have, want;
    return param_integer(t->value, &want) &&
           attr_integer(t->img, t->attrs, bytes_of("size"), t->error, &have) && have <= want;
}

/* NULL: selects nothing. */
static bool (*const tests[PARAM_KINDS])(const struct test *t) = {
    [PARAM_TEXT] = test_text,
    [PARAM_INTEGER] = test_integer,
    [PARAM_BOOLEAN] = test_boolean,
    [PARAM_TIME] = test_time,
    [PARAM_TAG] = test_tag,
    [PARAM_VISIBILITY] = test_visibility,
    [PARAM_MEMBER_STATUS] = test_member_status,
    [PARAM_FLAVOR] = test_flavor,
    [PARAM_ARCHITECTURE] = test_architecture,
    [PARAM_PROJECT] = test_project,
    [PARAM_SIZE_MIN] = test_size_min,
    [PARAM_SIZE_MAX] = test_size_max,
};

static bool is_property(const struct param *p, const struct match_facts *facts)
{
    return !p || (!facts->cloudimages && (p->calls & PARAM_CLOUD) && !(p->calls & PARAM_NATIVE));
}

int match_image(const struct query *q, const struct image *img, const struct slot_table *attrs,
                const struct match_facts *facts)
{
    int error = 0;
    bool found = true;
    for (size_t i = 0; found && error == 0 && i < query_count(q); i++) {
        const struct query_item *item = query_at(q, i);
        struct test t = {item->name, item->value, img, attrs, facts, &error};
        enum param_kind kind = is_property(item->param, facts) ? PARAM_TEXT : item->param->kind;
        found = !tests[kind] || tests[kind](&t);
    }
    return error < 0 ? error : found;
}

static int compare_int64(bool has_a, int64_t a, bool has_b, int64_t b)
{
    if (!has_a || !has_b)
        return has_a - has_b;
    return (a > b) - (a < b);
}

static int compare_text(struct bytes key, const struct image *a, const struct image *b,
                        const struct slot_table *attrs, int *error)
{
    CLEANUP(strbuf_free) struct strbuf scratch_a = STRBUF_INIT;
    CLEANUP(strbuf_free) struct strbuf scratch_b = STRBUF_INIT;
    struct bytes x, y;
    bool has_x = attr_text(a, attrs, key, &scratch_a, error, &x);
    bool has_y = attr_text(b, attrs, key, &scratch_b, error, &y);
    if (!has_x || !has_y)
        return has_x - has_y;
    return bytes_compare(x, y);
}

static int compare_created(const struct image *a, const struct image *b)
{
    time_t x = 0, y = 0;
    bool has_x = image_atime(a, &x), has_y = image_atime(b, &y);
    return compare_int64(has_x, x, has_y, y);
}

static int compare_key(struct bytes key, const struct image *a, const struct image *b,
                       const struct slot_table *attrs, int *error)
{
    int64_t x = 0, y = 0;
    if (bytes_are(key, "created_at"))
        return compare_created(a, b);
    if (bytes_are(key, "size")) {
        bool has_x = attr_integer(a, attrs, key, error, &x),
             has_y = attr_integer(b, attrs, key, error, &y);
        return compare_int64(has_x, x, has_y, y);
    }
    if (bytes_are(key, "updated_at")) {
        bool has_x = attr_time(a, attrs, key, error, &x),
             has_y = attr_time(b, attrs, key, error, &y);
        return compare_int64(has_x, x, has_y, y);
    }
    return compare_text(key, a, b, attrs, error);
}

int match_compare(const struct query *q, const struct image *a, const struct image *b,
                  const struct slot_table *attrs, int *error)
{
    int r = compare_key(query_sort_key(q), a, b, attrs, error);
    if (!r)
        r = compare_created(a, b);
    if (!r)
        r = compare_text(bytes_of("id"), a, b, attrs, error);
    return query_sort_ascending(q) ? r : -r;
}
