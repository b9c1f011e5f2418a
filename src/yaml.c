// SPDX-License-Identifier: Apache-2.0
#include "imsfs/yaml.h"

#include <errno.h>
#include <yaml.h>

#include "imsfs/json.h"

#define TAG "tag:yaml.org,2002:"
#define ANCHORS_MAX 1000 /* each alias looks through them */

static const char bad_tag[] = "a tag that does not fit here";

struct anchor {
    char *name;
    struct strbuf json; /* the value it stands for */
};

/* One call of yaml_to_json(). */
struct reader {
    yaml_parser_t parser;
    struct strbuf *why;
    unsigned depth;
    size_t values, bytes; /* so far, aliases included */
    struct anchor *anchors;
    size_t anchor_count;
};

static int add_value(struct reader *r, const yaml_event_t *event, struct strbuf *out);

/* --- Events --- */

static int fail(struct reader *r, yaml_mark_t at, const char *what)
{
    strbuf_printf(r->why, "line %zu: %s", at.line + 1, what);
    return -EINVAL;
}

static void delete_event(yaml_event_t *event)
{
    if (event->type == YAML_SCALAR_EVENT)
        explicit_bzero(event->data.scalar.value, event->data.scalar.length);
    yaml_event_delete(event);
}

/* The caller deletes the event. */
static int next_event(struct reader *r, yaml_event_t *event)
{
    if (yaml_parser_parse(&r->parser, event))
        return 0;
    if (r->parser.error == YAML_MEMORY_ERROR)
        return -ENOMEM;
    if (r->parser.error == YAML_READER_ERROR)
        return fail(r, r->parser.mark, "not text in UTF-8, or with control characters");
    /* libyaml's problems are fixed texts: nothing of the file is in them. */
    return fail(r, r->parser.problem_mark, r->parser.problem ? r->parser.problem : "not YAML");
}

/* Counts what comes now, so many levels below here. */
static int charge(struct reader *r, yaml_mark_t at, unsigned levels, size_t values, size_t bytes)
{
    r->values += values;
    r->bytes += bytes;
    if (r->depth + levels > YAML_DEPTH_MAX)
        return fail(r, at, "nested too deep");
    if (r->values > YAML_VALUES_MAX || r->bytes > YAML_BYTES_MAX)
        return fail(r, at, "more values than any configuration has");
    return 0;
}

/* --- Scalars --- */

/* What a plain scalar means that is no string (YAML 1.1, as PyYAML's resolver has it). */
static const char *literal_of(struct bytes text)
{
    static const struct {
        const char *spelling, *json;
    } rows[] = {
        {"", "null"},     {"~", "null"},    {"null", "null"},   {"Null", "null"},
        {"NULL", "null"}, {"true", "true"}, {"True", "true"},   {"TRUE", "true"},
        {"yes", "true"},  {"Yes", "true"},  {"YES", "true"},    {"on", "true"},
        {"On", "true"},   {"ON", "true"},   {"false", "false"}, {"False", "false"},
        {"no", "false"},  {"No", "false"},  {"NO", "false"},    {"FALSE", "false"},
        {"off", "false"}, {"Off", "false"}, {"OFF", "false"},
    };
    for (size_t i = 0; i < ARRAY_SIZE(rows); i++)
        if (bytes_are(text, rows[i].spelling))
            return rows[i].json;
    return NULL;
}

enum meaning { MEANING_OTHER, MEANING_TEXT, MEANING_LITERAL, MEANING_SEQUENCE, MEANING_MAPPING };

static enum meaning meaning_of(const char *tag)
{
    static const struct {
        const char *tag;
        enum meaning meaning;
    } rows[] = {
        {TAG "str", MEANING_TEXT},     {TAG "int", MEANING_TEXT},
        {TAG "float", MEANING_TEXT},   {TAG "timestamp", MEANING_TEXT},
        {TAG "null", MEANING_LITERAL}, {TAG "bool", MEANING_LITERAL},
        {TAG "seq", MEANING_SEQUENCE}, {TAG "map", MEANING_MAPPING},
    };
    for (size_t i = 0; i < ARRAY_SIZE(rows); i++)
        if (streq(tag, rows[i].tag))
            return rows[i].meaning;
    return MEANING_OTHER;
}

static struct bytes scalar_text(const yaml_event_t *event)
{
    return (struct bytes){(const char *)event->data.scalar.value, event->data.scalar.length};
}

static int add_scalar(struct reader *r, const yaml_event_t *event, struct strbuf *out)
{
    struct bytes text = scalar_text(event);
    const char *literal = literal_of(text);
    if (!event->data.scalar.plain_implicit) { /* quoted, or with a tag other than "!" */
        const char *tag = (const char *)event->data.scalar.tag;
        enum meaning meaning = tag ? meaning_of(tag) : MEANING_TEXT;
        if (meaning != MEANING_TEXT && (meaning != MEANING_LITERAL || !literal))
            return fail(r, event->start_mark, bad_tag);
        if (meaning == MEANING_TEXT)
            literal = NULL;
    }
    if (literal)
        strbuf_add_str(out, literal);
    else
        json_add_quoted(out, text);
    return charge(r, event->start_mark, 0, 0, text.len);
}

/* --- Anchors and aliases --- */

static const struct anchor *find_anchor(const struct reader *r, const yaml_char_t *name)
{
    for (size_t i = 0; i < r->anchor_count; i++)
        if (streq(r->anchors[i].name, (const char *)name))
            return &r->anchors[i];
    return NULL;
}

static int keep_anchor(struct reader *r, yaml_mark_t at, const yaml_char_t *name, struct bytes json)
{
    if (find_anchor(r, name))
        return fail(r, at, "an anchor whose name is taken");
    int error = charge(r, at, 0, 0, json.len);
    if (error < 0)
        return error;
    if (r->anchor_count >= ANCHORS_MAX)
        return fail(r, at, "too many anchors");
    void *grown = reallocarray(r->anchors, r->anchor_count + 1, sizeof(*r->anchors));
    if (!grown)
        return -ENOMEM;
    r->anchors = grown;
    struct anchor a = {strdup((const char *)name), STRBUF_SECRET};
    strbuf_add(&a.json, json.data, json.len);
    r->anchors[r->anchor_count++] = a;
    return a.name ? strbuf_error(&a.json) : -ENOMEM;
}

static int add_alias(struct reader *r, const yaml_event_t *event, struct strbuf *out)
{
    unsigned depth;
    size_t values;
    const struct anchor *a = find_anchor(r, event->data.alias.anchor);
    if (!a)
        return fail(r, event->start_mark, "an alias without an anchor before it");
    struct bytes json = strbuf_bytes(&a->json);
    json_measure(json, &depth, &values);
    int error = charge(r, event->start_mark, depth, values, json.len);
    if (error < 0)
        return error;
    strbuf_add(out, json.data, json.len);
    return strbuf_error(out);
}

/* --- Collections --- */

static void add_comma(struct strbuf *out)
{
    if (out->len)
        strbuf_add_char(out, ',');
}

/* Adds the members of object to a list of members. */
static void splice(struct strbuf *members, struct bytes object)
{
    if (object.len <= 2)
        return;
    add_comma(members);
    strbuf_add(members, object.data + 1, object.len - 2);
}

/* Adds the object of these members. */
static int add_object(struct strbuf *out, const struct strbuf *members, enum json_which which)
{
    CLEANUP(strbuf_free) struct strbuf whole = STRBUF_SECRET;
    strbuf_add_char(&whole, '{');
    strbuf_add(&whole, members->data, members->len);
    strbuf_add_char(&whole, '}');
    if (strbuf_error(members) < 0 || strbuf_error(&whole) < 0)
        return -ENOMEM;
    return json_add_unique(out, strbuf_bytes(&whole), which);
}

static int next_value(struct reader *r, struct strbuf *out)
{
    CLEANUP(delete_event) yaml_event_t event = {0};
    int error = next_event(r, &event);
    return error < 0 ? error : add_value(r, &event, out);
}

/* What follows "<<" is a mapping, or a list of them in which the first one wins. */
static int add_merged(struct reader *r, yaml_mark_t at, struct strbuf *members)
{
    CLEANUP(strbuf_free) struct strbuf value = STRBUF_SECRET;
    CLEANUP(strbuf_free) struct strbuf list = STRBUF_SECRET;
    CLEANUP(strbuf_free) struct strbuf first = STRBUF_SECRET;
    int error = next_value(r, &value);
    if (error < 0)
        return error;
    struct bytes json = strbuf_bytes(&value), key, item;
    if (json.data[0] == '{') {
        splice(members, json);
        return 0;
    }
    bool fits = json.data[0] == '[';
    for (struct json_walk w = json_walk(json); fits && json_next(&w, &key, &item);) {
        fits = item.data[0] == '{';
        splice(&list, item);
    }
    if (!fits)
        return fail(r, at, "'<<' needs a mapping or a list of mappings");
    error = add_object(&first, &list, JSON_FIRST);
    splice(members, strbuf_bytes(&first));
    return error;
}

/* A key's text is its spelling, whatever it would mean as a value. */
static int add_key(struct reader *r, const yaml_event_t *event, struct strbuf *members)
{
    if (event->type != YAML_SCALAR_EVENT)
        return fail(r, event->start_mark, "a key that is no plain text");
    struct bytes text = scalar_text(event);
    add_comma(members);
    json_add_quoted(members, text);
    strbuf_add_char(members, ':');
    return charge(r, event->start_mark, 0, 1, text.len);
}

static bool is_merge(const yaml_event_t *event)
{
    return event->type == YAML_SCALAR_EVENT && event->data.scalar.plain_implicit &&
           bytes_are(scalar_text(event), "<<");
}

/* The members up to the end of the mapping: merged gets those that "<<" brings. */
static int add_members(struct reader *r, struct strbuf *merged, struct strbuf *own)
{
    for (;;) {
        CLEANUP(delete_event) yaml_event_t event = {0};
        int error = next_event(r, &event);
        if (error < 0 || event.type == YAML_MAPPING_END_EVENT)
            return error;
        if (is_merge(&event)) {
            error = add_merged(r, event.start_mark, merged);
        } else {
            error = add_key(r, &event, own);
            if (error == 0)
                error = next_value(r, own);
        }
        if (error < 0)
            return error;
    }
}

static int add_mapping(struct reader *r, struct strbuf *out)
{
    CLEANUP(strbuf_free) struct strbuf members = STRBUF_SECRET;
    CLEANUP(strbuf_free) struct strbuf own = STRBUF_SECRET;
    int error = add_members(r, &members, &own);
    if (error < 0)
        return error;
    /* Behind the merged ones, so that they win. */
    if (own.len)
        add_comma(&members);
    strbuf_add(&members, own.data, own.len);
    return strbuf_error(&own) < 0 ? -ENOMEM : add_object(out, &members, JSON_LAST);
}

static int add_sequence(struct reader *r, struct strbuf *out)
{
    strbuf_add_char(out, '[');
    for (bool first = true;; first = false) {
        CLEANUP(delete_event) yaml_event_t event = {0};
        int error = next_event(r, &event);
        if (error < 0)
            return error;
        if (event.type == YAML_SEQUENCE_END_EVENT)
            break;
        if (!first)
            strbuf_add_char(out, ',');
        error = add_value(r, &event, out);
        if (error < 0)
            return error;
    }
    strbuf_add_char(out, ']');
    return 0;
}

/* event starts the collection. */
static int add_collection(struct reader *r, const yaml_event_t *event, struct strbuf *out)
{
    bool mapping = event->type == YAML_MAPPING_START_EVENT;
    const char *tag =
        (const char *)(mapping ? event->data.mapping_start.tag : event->data.sequence_start.tag);
    if (tag && !streq(tag, "!") &&
        meaning_of(tag) != (mapping ? MEANING_MAPPING : MEANING_SEQUENCE))
        return fail(r, event->start_mark, bad_tag);
    int error = charge(r, event->start_mark, 1, 0, 0);
    if (error < 0)
        return error;
    r->depth++;
    error = mapping ? add_mapping(r, out) : add_sequence(r, out);
    r->depth--;
    return error;
}

/* Adds the value that begins with event. */
static int add_value(struct reader *r, const yaml_event_t *event, struct strbuf *out)
{
    const yaml_char_t *anchor;
    size_t start = out->len;
    int error = charge(r, event->start_mark, 0, 1, 0);
    if (error < 0)
        return error;
    if (event->type == YAML_ALIAS_EVENT)
        return add_alias(r, event, out);
    if (event->type == YAML_SCALAR_EVENT) {
        anchor = event->data.scalar.anchor;
        error = add_scalar(r, event, out);
    } else {
        anchor = event->type == YAML_MAPPING_START_EVENT ? event->data.mapping_start.anchor
                                                         : event->data.sequence_start.anchor;
        error = add_collection(r, event, out);
    }
    if (error == 0)
        error = strbuf_error(out);
    if (error < 0 || !anchor)
        return error;
    struct bytes json = {out->data + start, out->len - start};
    return keep_anchor(r, event->start_mark, anchor, json);
}

/* --- The whole text --- */

static int expect(struct reader *r, yaml_event_type_t type, const char *otherwise)
{
    CLEANUP(delete_event) yaml_event_t event = {0};
    int error = next_event(r, &event);
    return error < 0 || event.type == type ? error : fail(r, event.start_mark, otherwise);
}

static int read_document(struct reader *r, struct strbuf *out)
{
    int error = expect(r, YAML_STREAM_START_EVENT, "not YAML");
    CLEANUP(delete_event) yaml_event_t event = {0};
    if (error == 0)
        error = next_event(r, &event);
    if (error == 0 && event.type == YAML_STREAM_END_EVENT) {
        strbuf_add_str(out, "null");
        return 0;
    }
    if (error == 0)
        error = next_value(r, out);
    if (error == 0)
        error = expect(r, YAML_DOCUMENT_END_EVENT, "not YAML");
    return error < 0 ? error : expect(r, YAML_STREAM_END_EVENT, "a second document begins here");
}

int yaml_to_json(struct bytes text, struct strbuf *out, struct strbuf *why)
{
    struct reader r = {.why = why};
    strbuf_reset(out);
    if (!yaml_parser_initialize(&r.parser))
        return -ENOMEM;
    yaml_parser_set_input_string(&r.parser, (const yaml_char_t *)text.data, text.len);
    int error = read_document(&r, out);
    yaml_parser_delete(&r.parser);
    for (size_t i = 0; i < r.anchor_count; i++) {
        free(r.anchors[i].name);
        strbuf_free(&r.anchors[i].json);
    }
    free(r.anchors);
    return error < 0 ? error : strbuf_error(out);
}
