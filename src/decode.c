// SPDX-License-Identifier: Apache-2.0
#include "imsfs/decode.h"

#include <cjson/cJSON.h>
#include <errno.h>
#include <stdio.h>

#include "imsfs/armor.h"
#include "imsfs/compact.h"
#include "imsfs/json.h"
#include "imsfs/span.h"

/* One call of decode_text(). */
struct decoder {
    const char *start;
    size_t origin;
    bool pages;
    struct span_rest rest;
    const struct limits *limits;
    enum limit over; /* the last that was exceeded */
    struct keys keys;
    const struct decode_sink *sink;
    struct decode_result *out;
    struct image *last;             /* that was handed over; NULL: none */
    struct strbuf armored, compact; /* reused from record to record */
};

static int fail(struct decoder *d, int error, const char *what)
{
    snprintf(d->out->error, sizeof(d->out->error), "%s at byte %zu", what,
             (size_t)(d->rest.s - d->start) + d->origin);
    return error;
}

/* Notes which limit it was. */
static bool is_over(struct decoder *d, enum limit which, size_t amount)
{
    if (!limits_exceeded(d->limits, which, amount))
        return false;
    d->out->over |= 1u << which;
    d->over = which;
    return true;
}

static int fail_over(struct decoder *d)
{
    char what[120];
    limits_describe(d->limits, d->over, what);
    return fail(d, -E2BIG, what);
}

/* False: it has too many attributes, or one is too large. */
static bool add_record(struct decoder *d, const cJSON *record)
{
    struct strbuf *out = &d->compact;
    size_t attributes = 0;
    strbuf_reset(out);
    strbuf_add_char(out, '{');
    for (const cJSON *child = record->child; child; child = child->next) {
        if (attributes)
            strbuf_add_char(out, ',');
        compact_add_token(out, child->string);
        strbuf_add_char(out, ':');
        size_t start = out->len;
        compact_add(out, child);
        if (is_over(d, LIMIT_VALUE_BYTES, out->len - start) ||
            is_over(d, LIMIT_ATTRIBUTES, ++attributes))
            return false;
    }
    strbuf_add_char(out, '}');
    return true;
}

/* --- Finding the records --- */

static int hand_over(struct decoder *d, struct image *img)
{
    image_unref(d->last);
    d->last = image_ref(img);
    return d->sink->image(d->sink->ctx, img);
}

static int keep_last_id(struct decoder *d)
{
    struct strbuf id = STRBUF_INIT;
    if (!d->last)
        return 0;
    image_add_raw_id(d->last, &id);
    d->out->last_id = strbuf_steal(&id);
    return d->out->last_id ? 0 : -ENOMEM;
}

/* The record as somebody knows it already, or NULL. */
static struct image *find_known(const struct decoder *d, struct bytes span)
{
    const struct decode_known *known = &d->sink->known;
    bool fits = span.len <= (size_t)d->limits->max[LIMIT_RECORD_BYTES];
    return fits && known->find ? known->find(known->ctx, span) : NULL;
}

/* As compact_parse(), and it is noted which limit was exceeded. */
static int parse_within(struct decoder *d, struct bytes text, cJSON **out)
{
    const char *end;
    int r = compact_parse(&d->armored, text, d->limits, out, &end);
    if (r != -E2BIG && r != -ELOOP)
        return r;
    is_over(d, r == -E2BIG ? LIMIT_NODES : LIMIT_DEPTH, SIZE_MAX);
    return -E2BIG;
}

static int build_image(struct decoder *d, struct bytes span, struct image **img)
{
    if (is_over(d, LIMIT_RECORD_BYTES, span.len))
        return -E2BIG;
    CLEANUP(compact_delete) cJSON *record = NULL;
    int r = parse_within(d, span, &record);
    if (r < 0)
        return r;
    if (!cJSON_IsObject(record))
        return -EINVAL;
    if (!add_record(d, record))
        return -E2BIG;
    if (strbuf_error(&d->compact) < 0)
        return -ENOMEM;
    return image_make(img, strbuf_bytes(&d->compact), &d->keys, &d->out->notes);
}

/* The record at d->rest.s. */
static int take_record(struct decoder *d)
{
    struct bytes span;
    struct image *img = NULL;
    const char *start = d->rest.s;
    if (d->sink->cancelled && atomic_load_explicit(d->sink->cancelled, memory_order_relaxed))
        return -ECANCELED;
    d->out->records++;
    if (d->pages && is_over(d, LIMIT_RECORDS, d->out->records))
        return fail_over(d);
    if (!span_value(&d->rest, &span))
        return fail(d, -EPROTO, "cut short or not JSON");
    img = find_known(d, span);
    int r = img ? 0 : build_image(d, span, &img);
    if (r == -EINVAL || r == -E2BIG) {
        d->out->skipped++;
        return 0;
    }
    if (r < 0) {
        d->rest.s = start;
        return fail(d, r, r == -EPROTO ? "not JSON" : "out of memory");
    }
    return hand_over(d, img);
}

/* The array of records at d->rest.s. */
static int take_array(struct decoder *d)
{
    d->rest.s++;
    span_skip_space(&d->rest);
    if (d->rest.s < d->rest.end && *d->rest.s == ']') {
        d->rest.s++;
        return 0;
    }
    for (;;) {
        span_skip_space(&d->rest);
        int r = take_record(d);
        if (r < 0)
            return r;
        span_skip_space(&d->rest);
        if (d->rest.s == d->rest.end || (*d->rest.s != ',' && *d->rest.s != ']'))
            return fail(d, -EPROTO, "cut short or not JSON");
        if (*d->rest.s++ == ']')
            return 0;
    }
}

/* Goes to the value of "images" in the object at d->rest.s. False: it has none. */
static bool find_images(struct decoder *d)
{
    struct bytes key, value;
    while (span_key(&d->rest, &key)) {
        if (bytes_are(key, "\"images\""))
            return true;
        if (!span_value(&d->rest, &value))
            return false;
        span_skip_space(&d->rest);
    }
    return false;
}

static int take_next(struct decoder *d, const cJSON *envelope)
{
    const cJSON *next = cJSON_GetObjectItemCaseSensitive(envelope, "$next");
    if (!next || cJSON_IsNull(next))
        return 0;
    if (!cJSON_IsString(next) || next->valuestring[0] != ARMOR_STRING)
        return fail(d, -EPROTO, "\"next\" is not a string");
    CLEANUP(strbuf_free) struct strbuf token = STRBUF_INIT;
    struct strbuf text = STRBUF_INIT;
    compact_add_token(&token, next->valuestring);
    if (strbuf_error(&token) < 0)
        return -ENOMEM;
    json_add_string(&text, strbuf_bytes(&token));
    if (strbuf_error(&text) < 0) { /* "" would be the end of the list */
        strbuf_free(&text);
        return -ENOMEM;
    }
    bool nul = text.len && memchr(text.data, '\0', text.len);
    if (nul || text.len == 0) {
        strbuf_free(&text);
        return nul ? fail(d, -EPROTO, "\"next\" has a NUL") : 0;
    }
    d->out->next = strbuf_steal(&text);
    return d->out->next ? 0 : -ENOMEM;
}

/* What stands around the records from start to d->rest.end must be one whole JSON object with one
 * "images". */
static int check_envelope(struct decoder *d, const char *start, const char *array, const char *tail)
{
    CLEANUP(strbuf_free) struct strbuf text = STRBUF_INIT;
    CLEANUP(compact_delete) cJSON *envelope = NULL;
    strbuf_add(&text, start, (size_t)(array - start));
    strbuf_add(&text, "[]", 2);
    strbuf_add(&text, tail, (size_t)(d->rest.end - tail));
    if (strbuf_error(&text) < 0)
        return -ENOMEM;
    int r = parse_within(d, strbuf_bytes(&text), &envelope);
    if (r < 0)
        return r == -E2BIG ? fail_over(d) : fail(d, r, "not JSON behind the records");
    unsigned arrays = 0;
    for (const cJSON *child = envelope->child; child; child = child->next)
        arrays += streq(child->string, "$images");
    if (arrays != 1)
        return fail(d, -EPROTO, "more than one \"images\"");
    return take_next(d, envelope);
}

static int take_envelope(struct decoder *d, const char *start)
{
    const char *array = d->rest.s;
    if (*array != '[')
        return fail(d, -EPROTO, "\"images\" is no array");
    int r = take_array(d);
    return r < 0 ? r : check_envelope(d, start, array, d->rest.s);
}

static int take_lines(struct decoder *d)
{
    int r = 0;
    for (; r == 0 && d->rest.s < d->rest.end; span_skip_space(&d->rest)) {
        if (*d->rest.s != '{')
            return fail(d, -EPROTO, "not a record");
        r = take_record(d);
    }
    return r;
}

static int take_text(struct decoder *d, enum decode_shape shape)
{
    span_skip_space(&d->rest);
    const char *start = d->rest.s;
    if (start == d->rest.end)
        return fail(d, -EPROTO, "empty");
    if (*start == '[' && shape == DECODE_FILE) {
        int r = take_array(d);
        span_skip_space(&d->rest);
        return r < 0                     ? r
               : d->rest.s < d->rest.end ? fail(d, -EPROTO, "not JSON behind the records")
                                         : 0;
    }
    if (*start != '{')
        return fail(d, -EPROTO, "not a JSON object");
    if (find_images(d))
        return take_envelope(d, start);
    if (shape == DECODE_PAGE)
        return fail(d, -EPROTO, "no array \"images\"");
    d->rest.s = start;
    return take_lines(d);
}

int decode_text_at(struct bytes text, size_t origin, enum decode_shape shape,
                   const struct limits *limits, struct slot_table *attrs,
                   const struct decode_sink *sink, struct decode_result *out)
{
    struct decoder d = {
        .start = text.data,
        .origin = origin,
        .pages = shape == DECODE_PAGE,
        .rest = {text.data, text.data + text.len},
        .limits = limits,
        .keys = keys_init(attrs),
        .sink = sink,
        .out = out,
    };
    *out = (struct decode_result){0};
    int r = take_text(&d, shape);
    int kept = keep_last_id(&d);
    image_unref(d.last);
    strbuf_free(&d.armored);
    strbuf_free(&d.compact);
    keys_deinit(&d.keys);
    return r < 0 ? r : kept;
}

void decode_result_free(struct decode_result *r)
{
    free(r->next);
    free(r->last_id);
    *r = (struct decode_result){0};
}
