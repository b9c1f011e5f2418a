// SPDX-License-Identifier: Apache-2.0
#include "imsfs/peek.h"

#include "imsfs/json.h"

/* What is left of the text. */
struct view {
    const char *s, *end;
};

static bool at(const struct view *v, char c)
{
    return v->s < v->end && *v->s == c;
}

static void skip_space(struct view *v)
{
    while (at(v, ' ') || at(v, '\n') || at(v, '\r') || at(v, '\t'))
        v->s++;
}

static bool skip_char(struct view *v, char c)
{
    bool there = at(v, c);
    v->s += there;
    return there;
}

/* At a quote. */
static bool skip_string(struct view *v)
{
    const char *start = v->s++;
    const char *quote;
    while (v->s < v->end && (quote = memchr(v->s, '"', (size_t)(v->end - v->s)))) {
        const char *before = quote;
        while (before - 1 > start && before[-1] == '\\')
            before--;
        v->s = quote + 1;
        if ((quote - before) % 2 == 0)
            return true;
    }
    return false;
}

static bool ends_scalar(char c)
{
    return c == ',' || c == '}' || c == ']' || c == ' ' || c == '\n' || c == '\r' || c == '\t';
}

/* At the bracket that opens it. */
static bool skip_nested(struct view *v)
{
    size_t depth = 0;
    while (v->s < v->end) {
        char c = *v->s;
        if (c == '"') {
            if (!skip_string(v))
                return false;
            continue;
        }
        v->s++;
        if (c == '{' || c == '[')
            depth++;
        else if ((c == '}' || c == ']') && --depth == 0)
            return true;
    }
    return false;
}

static bool skip_value(struct view *v, struct bytes *value)
{
    const char *start = v->s;
    bool whole = true;
    if (at(v, '"'))
        whole = skip_string(v);
    else if (at(v, '{') || at(v, '['))
        whole = skip_nested(v);
    else
        while (v->s < v->end && !ends_scalar(*v->s))
            v->s++;
    *value = (struct bytes){start, (size_t)(v->s - start)};
    return whole && value->len;
}

/* To the value of the next member; before the first of them *first. False: there is none. */
static bool next_member(struct view *v, bool *first, struct bytes *key)
{
    skip_space(v);
    if (!skip_char(v, *first ? '{' : ','))
        return false;
    *first = false;
    skip_space(v);
    if (!at(v, '"') || !skip_value(v, key))
        return false;
    skip_space(v);
    if (!skip_char(v, ':'))
        return false;
    skip_space(v);
    return true;
}

/* *text: what the token of a string spells, or NULL. */
static bool take_string(struct bytes token, char **text)
{
    struct strbuf spelled = STRBUF_INIT;
    if (token.data[0] != '"')
        return true;
    if (memmem(token.data, token.len, "\\u", 2)) /* nobody has checked what follows */
        return false;
    json_add_string(&spelled, token);
    free(*text);
    *text = spelled.len ? strbuf_steal(&spelled) : NULL;
    return strbuf_error(&spelled) == 0;
}

static bool find_id(struct bytes record, char **id)
{
    struct view v = {record.data, record.data + record.len};
    struct bytes key, value;
    for (bool first = true; next_member(&v, &first, &key);) {
        if (!skip_value(&v, &value))
            return false;
        if (bytes_are(key, "\"id\"") && !take_string(value, id))
            return false;
    }
    return true;
}

static bool look_at_records(struct view *v, struct decode_result *out)
{
    struct bytes record = {NULL, 0};
    if (!skip_char(v, '['))
        return false;
    skip_space(v);
    if (skip_char(v, ']'))
        return true;
    do {
        skip_space(v);
        if (!skip_value(v, &record))
            return false;
        out->records++;
        skip_space(v);
    } while (skip_char(v, ','));
    return skip_char(v, ']') && find_id(record, &out->last_id);
}

bool peek_page(struct bytes text, struct decode_result *out)
{
    struct view v = {text.data, text.data + text.len};
    struct bytes key, value;
    bool found = false;
    *out = (struct decode_result){0};
    skip_space(&v);
    for (bool first = true; next_member(&v, &first, &key);) {
        bool images = bytes_are(key, "\"images\"");
        if (images ? found || !look_at_records(&v, out) : !skip_value(&v, &value))
            return false;
        found |= images;
        if (bytes_are(key, "\"next\"") && !take_string(value, &out->next))
            return false;
    }
    skip_space(&v);
    if (!skip_char(&v, '}'))
        return false;
    skip_space(&v);
    return found && v.s == v.end;
}
