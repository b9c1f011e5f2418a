// SPDX-License-Identifier: Apache-2.0
#include "imsfs/decode.h"

#include <cjson/cJSON.h>
#include <errno.h>
#include <stdio.h>

#include "imsfs/armor.h"
#include "imsfs/json.h"

const struct decode_limits decode_default_limits = {
    .records = 100000,
    .record_bytes = 4 << 20,
    .values = 100000,
    .depth = 64,
};

/* One call of decode_text(). */
struct decoder {
    const char *start, *s, *end;
    const struct decode_limits *limits;
    struct keys keys;
    decode_image_fn *fn;
    void *ctx;
    struct decode_result *out;
    struct strbuf armored, compact; /* reused from record to record */
};

static int fail(struct decoder *d, int error, const char *what)
{
    snprintf(d->out->error, sizeof(d->out->error), "%s at byte %zu", what,
             (size_t)(d->s - d->start));
    return error;
}

static void delete_json(cJSON **j)
{
    cJSON_Delete(*j);
}

/* Parses text with every token intact. The caller deletes *out. *end: where in armored it stops to
 * be JSON, when it does. */
static int parse(struct strbuf *armored, struct bytes text, const struct decode_limits *limits,
                 cJSON **out, const char **end)
{
    int r = armor_text(armored, text, limits->depth, limits->values);
    *end = strbuf_str(armored) + armored->len;
    if (r < 0)
        return r;
    *out = cJSON_ParseWithLengthOpts(armored->data, armored->len + 1, end, 1);
    return *out ? 0 : -EPROTO;
}

/* --- Writing a parsed value as compact text, in the tokens that came --- */

static void add_token(struct strbuf *out, const char *spelled)
{
    if (spelled[0] == ARMOR_NUMBER) {
        strbuf_add_str(out, spelled + 1);
        return;
    }
    strbuf_add_char(out, '"');
    strbuf_add_str(out, spelled + 1);
    strbuf_add_char(out, '"');
}

static void add_compact(struct strbuf *out, const cJSON *value)
{
    if (cJSON_IsString(value)) {
        add_token(out, value->valuestring);
        return;
    }
    if (!cJSON_IsObject(value) && !cJSON_IsArray(value)) {
        strbuf_add_str(out, cJSON_IsNull(value) ? "null" : cJSON_IsTrue(value) ? "true" : "false");
        return;
    }
    strbuf_add_char(out, cJSON_IsObject(value) ? '{' : '[');
    for (const cJSON *child = value->child; child; child = child->next) {
        if (child != value->child)
            strbuf_add_char(out, ',');
        if (cJSON_IsObject(value)) {
            add_token(out, child->string);
            strbuf_add_char(out, ':');
        }
        add_compact(out, child);
    }
    strbuf_add_char(out, cJSON_IsObject(value) ? '}' : ']');
}

/* The tree's copies of the tokens: settings and answers have secrets in them. */
static void wipe(cJSON *value)
{
    if (cJSON_IsString(value))
        explicit_bzero(value->valuestring, strlen(value->valuestring));
    for (cJSON *child = value->child; child; child = child->next)
        wipe(child);
}

static void wipe_and_delete(cJSON **value)
{
    if (*value)
        wipe(*value);
    cJSON_Delete(*value);
}

int decode_compact_at(struct bytes text, const struct decode_limits *limits, struct strbuf *out,
                      size_t *line)
{
    CLEANUP(strbuf_free) struct strbuf armored = STRBUF_SECRET;
    CLEANUP(wipe_and_delete) cJSON *value = NULL;
    const char *end;
    int r = parse(&armored, text, limits, &value, &end);
    if (r < 0) {
        *line = 1;
        for (const char *s = strbuf_str(&armored); s < end; s++)
            *line += *s == '\n';
        return r;
    }
    strbuf_reset(out);
    add_compact(out, value);
    return strbuf_error(out);
}

int decode_compact(struct bytes text, const struct decode_limits *limits, struct strbuf *out)
{
    size_t line;
    return decode_compact_at(text, limits, out, &line);
}

/* --- Finding the records --- */

static void skip_space(struct decoder *d)
{
    while (d->s < d->end && strchr(" \t\r\n", *d->s) && *d->s)
        d->s++;
}

static const char *string_end(const char *s, const char *end)
{
    for (s++; s < end && *s != '"'; s++)
        if (*s == '\\')
            s++;
    return s < end ? s + 1 : NULL;
}

/* The value at d->s by its brackets and quotes alone; moves behind it. False: it does not end. */
static bool span_value(struct decoder *d, struct bytes *span)
{
    size_t depth = 0;
    const char *s = d->s;
    do {
        if (s >= d->end)
            return false;
        if (*s == '"') {
            s = string_end(s, d->end);
            if (!s)
                return false;
            continue;
        }
        if (depth == 0 && !strchr("{[", *s)) {
            while (s < d->end && !strchr(",]} \t\r\n", *s))
                s++;
            break;
        }
        if (*s == '{' || *s == '[')
            depth++;
        else if (*s == '}' || *s == ']')
            depth--;
        s++;
    } while (depth > 0);
    *span = (struct bytes){d->s, (size_t)(s - d->s)};
    d->s = s;
    return span->len > 0;
}

static int keep_last_id(struct decoder *d, const struct image *img)
{
    struct strbuf id = STRBUF_INIT;
    image_add_raw_id(img, &id);
    free(d->out->last_id);
    d->out->last_id = strbuf_steal(&id);
    return d->out->last_id ? 0 : -ENOMEM;
}

static int build_image(struct decoder *d, struct bytes span, struct image **img)
{
    if (span.len > d->limits->record_bytes)
        return -E2BIG;
    CLEANUP(delete_json) cJSON *record = NULL;
    const char *end;
    int r = parse(&d->armored, span, d->limits, &record, &end);
    if (r < 0)
        return r;
    if (!cJSON_IsObject(record))
        return -EINVAL;
    strbuf_reset(&d->compact);
    add_compact(&d->compact, record);
    if (strbuf_error(&d->compact) < 0)
        return -ENOMEM;
    return image_make(img, strbuf_bytes(&d->compact), &d->keys, &d->out->notes);
}

/* The record at d->s. */
static int take_record(struct decoder *d)
{
    struct bytes span;
    struct image *img = NULL;
    const char *start = d->s;
    if (d->out->records++ >= d->limits->records)
        return fail(d, -E2BIG, "too many records");
    if (!span_value(d, &span))
        return fail(d, -EPROTO, "cut short or not JSON");
    int r = build_image(d, span, &img);
    if (r == -EINVAL || r == -E2BIG) {
        d->out->skipped++;
        return 0;
    }
    if (r < 0) {
        d->s = start;
        return fail(d, r, r == -EPROTO ? "not JSON" : "out of memory");
    }
    r = keep_last_id(d, img);
    if (r < 0) {
        image_unref(img);
        return r;
    }
    return d->fn(d->ctx, img);
}

/* The array of records at d->s. */
static int take_array(struct decoder *d)
{
    d->s++;
    skip_space(d);
    if (d->s < d->end && *d->s == ']') {
        d->s++;
        return 0;
    }
    for (;;) {
        skip_space(d);
        int r = take_record(d);
        if (r < 0)
            return r;
        skip_space(d);
        if (d->s == d->end || (*d->s != ',' && *d->s != ']'))
            return fail(d, -EPROTO, "cut short or not JSON");
        if (*d->s++ == ']')
            return 0;
    }
}

/* Moves from '{' or ',' in the outer object to its next value. False: there is none. */
static bool next_member(struct decoder *d, struct bytes *key)
{
    if (d->s == d->end || (*d->s != '{' && *d->s != ','))
        return false;
    d->s++;
    skip_space(d);
    if (d->s == d->end || *d->s != '"' || !span_value(d, key))
        return false;
    skip_space(d);
    if (d->s == d->end || *d->s++ != ':')
        return false;
    skip_space(d);
    return d->s < d->end;
}

/* Goes to the value of "images" in the object at d->s. False: it has none. */
static bool find_images(struct decoder *d)
{
    struct bytes key, value;
    while (next_member(d, &key)) {
        if (bytes_are(key, "\"images\""))
            return true;
        if (!span_value(d, &value))
            return false;
        skip_space(d);
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
    add_token(&token, next->valuestring);
    if (strbuf_error(&token) < 0)
        return -ENOMEM;
    json_add_string(&text, strbuf_bytes(&token));
    if (text.len && memchr(text.data, '\0', text.len)) {
        strbuf_free(&text);
        return fail(d, -EPROTO, "\"next\" has a NUL");
    }
    if (text.len == 0) {
        strbuf_free(&text);
        return 0;
    }
    d->out->next = strbuf_steal(&text);
    return d->out->next ? 0 : -ENOMEM;
}

/* What stands around the records from start to d->end must be one whole JSON object with one
 * "images". */
static int check_envelope(struct decoder *d, const char *start, const char *array, const char *tail)
{
    CLEANUP(strbuf_free) struct strbuf text = STRBUF_INIT;
    CLEANUP(delete_json) cJSON *envelope = NULL;
    strbuf_add(&text, start, (size_t)(array - start));
    strbuf_add(&text, "[]", 2);
    strbuf_add(&text, tail, (size_t)(d->end - tail));
    if (strbuf_error(&text) < 0)
        return -ENOMEM;
    const char *end;
    int r = parse(&d->armored, strbuf_bytes(&text), d->limits, &envelope, &end);
    if (r < 0)
        return fail(d, r,
                    r == -EPROTO ? "not JSON behind the records" : "too much beside the records");
    unsigned arrays = 0;
    for (const cJSON *child = envelope->child; child; child = child->next)
        arrays += streq(child->string, "$images");
    if (arrays != 1)
        return fail(d, -EPROTO, "more than one \"images\"");
    return take_next(d, envelope);
}

static int take_envelope(struct decoder *d, const char *start)
{
    const char *array = d->s;
    if (*array != '[')
        return fail(d, -EPROTO, "\"images\" is no array");
    int r = take_array(d);
    return r < 0 ? r : check_envelope(d, start, array, d->s);
}

static int take_lines(struct decoder *d)
{
    int r = 0;
    for (; r == 0 && d->s < d->end; skip_space(d)) {
        if (*d->s != '{')
            return fail(d, -EPROTO, "not a record");
        r = take_record(d);
    }
    return r;
}

static int take_text(struct decoder *d, enum decode_shape shape)
{
    skip_space(d);
    const char *start = d->s;
    if (start == d->end)
        return fail(d, -EPROTO, "empty");
    if (*start == '[' && shape == DECODE_FILE) {
        int r = take_array(d);
        skip_space(d);
        return r < 0 ? r : d->s < d->end ? fail(d, -EPROTO, "not JSON behind the records") : 0;
    }
    if (*start != '{')
        return fail(d, -EPROTO, "not a JSON object");
    if (find_images(d))
        return take_envelope(d, start);
    if (shape == DECODE_PAGE)
        return fail(d, -EPROTO, "no array \"images\"");
    d->s = start;
    return take_lines(d);
}

int decode_text(struct bytes text, enum decode_shape shape, const struct decode_limits *limits,
                struct slot_table *attrs, decode_image_fn *fn, void *ctx, struct decode_result *out)
{
    struct decoder d = {
        .start = text.data,
        .s = text.data,
        .end = text.data + text.len,
        .limits = limits,
        .keys = keys_init(attrs),
        .fn = fn,
        .ctx = ctx,
        .out = out,
    };
    *out = (struct decode_result){0};
    int r = take_text(&d, shape);
    strbuf_free(&d.armored);
    strbuf_free(&d.compact);
    keys_deinit(&d.keys);
    return r;
}

void decode_result_free(struct decode_result *r)
{
    free(r->next);
    free(r->last_id);
    *r = (struct decode_result){0};
}
