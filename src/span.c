// SPDX-License-Identifier: Apache-2.0
#include "imsfs/span.h"

static bool is_space(char c)
{
    return c == ' ' || c == '\t' || c == '\r' || c == '\n';
}

void span_skip_space(struct span_rest *rest)
{
    while (rest->s < rest->end && is_space(*rest->s))
        rest->s++;
}

/* Behind the string that begins at s; NULL: it does not end. */
static const char *string_end(const char *s, const char *end)
{
    for (const char *quote = s + 1; quote < end; quote++) {
        quote = memchr(quote, '"', (size_t)(end - quote));
        if (!quote)
            return NULL;
        const char *before = quote;
        while (before - 1 > s && before[-1] == '\\')
            before--;
        if ((quote - before) % 2 == 0) /* not escaped */
            return quote + 1;
    }
    return NULL;
}

static const char *scalar_end(const char *s, const char *end)
{
    while (s < end && !(*s == ',' || *s == ']' || *s == '}' || is_space(*s)))
        s++;
    return s;
}

static const char *nested_end(const char *s, const char *end)
{
    size_t depth = 0;
    while (s && s < end) {
        if (*s == '"') {
            s = string_end(s, end);
            continue;
        }
        if (*s == '{' || *s == '[')
            depth++;
        else if (*s == '}' || *s == ']')
            depth--;
        s++;
        if (depth == 0)
            return s;
    }
    return NULL;
}

bool span_value(struct span_rest *rest, struct bytes *value)
{
    const char *s = rest->s, *end = rest->end;
    if (s >= end)
        return false;
    if (*s == '"')
        s = string_end(s, end);
    else if (*s == '{' || *s == '[')
        s = nested_end(s, end);
    else
        s = scalar_end(s, end);
    if (!s || s == rest->s)
        return false;
    *value = (struct bytes){rest->s, (size_t)(s - rest->s)};
    rest->s = s;
    return true;
}

bool span_key(struct span_rest *rest, struct bytes *key)
{
    if (rest->s == rest->end || (*rest->s != '{' && *rest->s != ','))
        return false;
    rest->s++;
    span_skip_space(rest);
    if (rest->s == rest->end || *rest->s != '"' || !span_value(rest, key))
        return false;
    span_skip_space(rest);
    if (rest->s == rest->end || *rest->s++ != ':')
        return false;
    span_skip_space(rest);
    return rest->s < rest->end;
}

bool span_member(struct bytes object, const char *key, struct bytes *value)
{
    struct span_rest rest = {object.data, object.data + object.len};
    struct bytes name;
    while (span_key(&rest, &name)) {
        if (!span_value(&rest, value))
            return false;
        if (bytes_are(name, key))
            return true;
        span_skip_space(&rest);
    }
    return false;
}

/* Of the token that begins checked text without white space. */
static size_t token_length(const char *s, const char *end)
{
    switch (*s) {
    case '"':
        return (size_t)(string_end(s, end) - s);
    case '{':
    case '}':
    case '[':
    case ']':
    case ':':
    case ',':
        return 1;
    default:
        return (size_t)(scalar_end(s, end) - s);
    }
}

bool span_spells(struct bytes value, struct bytes compact)
{
    struct span_rest rest = {value.data, value.data + value.len};
    const char *c = compact.data, *end = compact.data + compact.len;
    if (value.len <= compact.len) /* there is no room for white space */
        return bytes_equal(value, compact);
    while (c < end) {
        size_t len = token_length(c, end);
        span_skip_space(&rest);
        if ((size_t)(rest.end - rest.s) < len || memcmp(rest.s, c, len) != 0)
            return false;
        rest.s += len;
        c += len;
    }
    span_skip_space(&rest);
    return rest.s == rest.end;
}
