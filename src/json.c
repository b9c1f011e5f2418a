// SPDX-License-Identifier: Apache-2.0
#include "imsfs/json.h"

#include "imsfs/utf8.h"

#define REPLACEMENT 0xFFFD

static size_t string_length(struct bytes text)
{
    size_t i = 1;
    while (text.data[i] != '"')
        i += text.data[i] == '\\' ? 2 : 1;
    return i + 1;
}

struct bytes json_value(struct bytes text)
{
    size_t depth = 0, i = 0;
    do {
        char c = text.data[i];
        if (c == '"')
            i += string_length((struct bytes){text.data + i, text.len - i});
        else if (c == '{' || c == '[')
            depth++, i++;
        else if (c == '}' || c == ']')
            depth--, i++;
        else if (depth > 0)
            i++;
        else
            while (i < text.len && !strchr(",]}", text.data[i]))
                i++;
    } while (depth > 0);
    return (struct bytes){text.data, i};
}

struct json_walk json_walk(struct bytes value)
{
    /* Without the brackets around it. */
    return (struct json_walk){{value.data + 1, value.len - 2}, value.data[0] == '{'};
}

static void skip(struct bytes *rest, size_t n)
{
    rest->data += n;
    rest->len -= n;
}

bool json_next(struct json_walk *w, struct bytes *key, struct bytes *value)
{
    if (w->rest.len == 0)
        return false;
    *key = (struct bytes){NULL, 0};
    if (w->object) {
        *key = (struct bytes){w->rest.data, string_length(w->rest)};
        skip(&w->rest, key->len + 1);
    }
    *value = json_value(w->rest);
    skip(&w->rest, value->len);
    if (w->rest.len)
        skip(&w->rest, 1);
    return true;
}

static uint32_t hex4(const char *s)
{
    uint32_t code = 0;
    for (int i = 0; i < 4; i++) {
        char c = s[i];
        code = code << 4 | (uint32_t)(c <= '9' ? c - '0' : (c | 0x20) - 'a' + 10);
    }
    return code;
}

/* The character behind "\u" at s, with its second half if it has one; returns the bytes used. */
static size_t unicode_escape(const char *s, size_t len, uint32_t *code)
{
    *code = hex4(s + 2);
    if (*code < 0xD800 || *code > 0xDFFF)
        return 6;
    if (*code <= 0xDBFF && len >= 12 && s[6] == '\\' && s[7] == 'u') {
        uint32_t low = hex4(s + 8);
        if (low >= 0xDC00 && low <= 0xDFFF) {
            *code = 0x10000 + ((*code - 0xD800) << 10) + (low - 0xDC00);
            return 12;
        }
    }
    *code = REPLACEMENT;
    return 6;
}

static char simple_escape(char c)
{
    static const char from[] = "bfnrt", to[] = "\b\f\n\r\t";
    const char *p = strchr(from, c);
    return p ? to[p - from] : c; /* the others stand for themselves: " \ / */
}

void json_add_string(struct strbuf *out, struct bytes token)
{
    const char *s = token.data + 1, *end = token.data + token.len - 1;
    while (s < end) {
        const char *plain = memchr(s, '\\', (size_t)(end - s));
        strbuf_add(out, s, (size_t)((plain ? plain : end) - s));
        if (!plain)
            return;
        s = plain;
        if (s[1] != 'u') {
            strbuf_add_char(out, simple_escape(s[1]));
            s += 2;
            continue;
        }
        uint32_t code;
        char utf8[4];
        s += unicode_escape(s, (size_t)(end - s), &code);
        strbuf_add(out, utf8, utf8_encode(utf8, code));
    }
}

/* A string token as it came, made valid where it was not. */
static void add_token(struct strbuf *out, struct bytes token)
{
    for (size_t i = 0; i < token.len;) {
        uint32_t code;
        size_t used = utf8_decode(token.data + i, token.len - i, &code);
        if (!used) {
            char utf8[4];
            strbuf_add(out, utf8, utf8_encode(utf8, REPLACEMENT));
            used = utf8_bad_length(token.data + i, token.len - i);
        } else if (code < 0x20) {
            strbuf_printf(out, "\\u%04x", code);
        } else {
            strbuf_add(out, token.data + i, used);
        }
        i += used;
    }
}

static void add_indent(struct strbuf *out, int depth)
{
    strbuf_add_char(out, '\n');
    for (int i = 0; i < depth; i++)
        strbuf_add(out, "  ", 2);
}

/* depth < 0: all on one line. Recursion ends: decode bounds the depth. */
static void add_value(struct strbuf *out, struct bytes value, int depth)
{
    char open = value.data[0];
    if ((open != '{' && open != '[') || value.len == 2) {
        add_token(out, value);
        return;
    }
    bool first = true;
    struct bytes key, member;
    strbuf_add_char(out, open);
    for (struct json_walk w = json_walk(value); json_next(&w, &key, &member); first = false) {
        if (!first)
            strbuf_add_char(out, ',');
        if (depth >= 0)
            add_indent(out, depth + 1);
        if (key.data) {
            add_token(out, key);
            strbuf_add_str(out, depth >= 0 ? ": " : ":");
        }
        add_value(out, member, depth >= 0 ? depth + 1 : -1);
    }
    if (depth >= 0)
        add_indent(out, depth);
    strbuf_add_char(out, open == '{' ? '}' : ']');
}

void json_add_compact(struct strbuf *out, struct bytes value)
{
    add_value(out, value, -1);
}

void json_add_pretty(struct strbuf *out, struct bytes value)
{
    add_value(out, value, 0);
    strbuf_add_char(out, '\n');
}

void json_add_quoted(struct strbuf *out, struct bytes text)
{
    strbuf_add_char(out, '"');
    for (size_t i = 0; i < text.len; i++) {
        char c = text.data[i];
        if (c == '"' || c == '\\') {
            strbuf_add_char(out, '\\');
            strbuf_add_char(out, c);
            continue;
        }
        size_t start = i;
        while (i + 1 < text.len && text.data[i + 1] != '"' && text.data[i + 1] != '\\')
            i++;
        add_token(out, (struct bytes){text.data + start, i - start + 1});
    }
    strbuf_add_char(out, '"');
}
