// SPDX-License-Identifier: Apache-2.0
#include "imsfs/json.h"

#include <errno.h>

#include "imsfs/utf8.h"

#define REPLACEMENT 0xFFFD

static size_t string_length(struct bytes text)
{
    const char *quote = text.data, *end = text.data + text.len, *before;
    do {
        quote = memchr(quote + 1, '"', (size_t)(end - quote - 1)); /* it is there */
        for (before = quote; before[-1] == '\\';)
            before--;
    } while ((quote - before) % 2 != 0); /* escaped */
    return (size_t)(quote - text.data) + 1;
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

/* The bytes that the escape at s stands for; returns how many of s it takes. */
static size_t unescape(const char *s, size_t len, char out[static 4], size_t *out_len)
{
    uint32_t code;
    if (s[1] != 'u') {
        out[0] = simple_escape(s[1]);
        *out_len = 1;
        return 2;
    }
    size_t used = unicode_escape(s, len, &code);
    *out_len = utf8_encode(out, code);
    return used;
}

void json_add_string(struct strbuf *out, struct bytes token)
{
    const char *s = token.data + 1, *end = token.data + token.len - 1;
    while (s < end) {
        const char *plain = memchr(s, '\\', (size_t)(end - s));
        strbuf_add(out, s, (size_t)((plain ? plain : end) - s));
        if (!plain)
            return;
        char bytes[4];
        size_t len;
        s = plain + unescape(plain, (size_t)(end - plain), bytes, &len);
        strbuf_add(out, bytes, len);
    }
}

bool json_string_is(struct bytes token, const char *text)
{
    const char *s = token.data + 1, *end = token.data + token.len - 1;
    size_t left = strlen(text);
    while (s < end) {
        char bytes[4] = {*s};
        size_t len = 1;
        s += *s == '\\' ? unescape(s, (size_t)(end - s), bytes, &len) : 1;
        if (len > left || memcmp(bytes, text, len) != 0)
            return false;
        text += len;
        left -= len;
    }
    return left == 0;
}

/* How many bytes from i on are characters that need no mending, by themselves. */
static size_t plain_run(struct bytes token, size_t i)
{
    size_t start = i;
    while (i < token.len && (unsigned char)token.data[i] - 0x20u < 0x60u)
        i++;
    return i - start;
}

/* A string token as it came, made valid where it was not. */
static void add_token(struct strbuf *out, struct bytes token)
{
    for (size_t i = 0; i < token.len;) {
        uint32_t code;
        size_t plain = plain_run(token, i);
        if (plain) {
            strbuf_add(out, token.data + i, plain);
            i += plain;
            continue;
        }
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

/* How many bytes add_token() adds. */
static size_t token_size(struct bytes token)
{
    size_t size = 0;
    for (size_t i = 0; i < token.len;) {
        uint32_t code;
        size_t used = plain_run(token, i);
        size += used;
        i += used;
        if (i == token.len)
            break;
        used = utf8_decode(token.data + i, token.len - i, &code);
        size += !used ? 3 : code < 0x20 ? 6 : used; /* U+FFFD, \\u00XX */
        i += used ? used : utf8_bad_length(token.data + i, token.len - i);
    }
    return size;
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

/* What a byte outside strings becomes; *depth is that behind it. An empty pair stays as it is. */
static size_t structure_size(const char *s, size_t *depth)
{
    switch (*s) {
    case '{':
    case '[':
        ++*depth;
        return s[1] == *s + 2 ? 1 : 2 + 2 * *depth; /* in ASCII the closing one is 2 further */
    case '}':
    case ']':
        --*depth;
        return s[-1] == *s - 2 ? 1 : 2 + 2 * *depth;
    case ',':
        return 2 + 2 * *depth;
    default:
        return *s == ':' ? 2 : 1;
    }
}

size_t json_pretty_size(struct bytes value)
{
    size_t size = 1, depth = 0; /* the newline at the end */
    for (size_t i = 0; i < value.len;) {
        struct bytes rest = {value.data + i, value.len - i};
        if (rest.data[0] != '"') {
            size += structure_size(rest.data, &depth);
            i++;
            continue;
        }
        rest.len = string_length(rest);
        size += token_size(rest);
        i += rest.len;
    }
    return size;
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

void json_measure(struct bytes value, unsigned *depth, size_t *values)
{
    unsigned level = 0;
    *depth = 0;
    *values = 1;
    for (size_t i = 0; i < value.len; i++) {
        char c = value.data[i];
        if (c == '"') {
            i += string_length((struct bytes){value.data + i, value.len - i}) - 1;
        } else if (c == '{' || c == '[') {
            level++;
            if (level > *depth)
                *depth = level;
            *values += !strchr("]}", value.data[i + 1]);
        } else if (c == '}' || c == ']') {
            level--;
        } else if (c == ',') {
            ++*values;
        }
    }
}

/* --- Objects in which a name comes more than once --- */

struct member {
    struct bytes key, value;
};

static int compare_places(const void *left, const void *right)
{
    const struct member *a = left, *b = right;
    return (a->key.data > b->key.data) - (a->key.data < b->key.data);
}

static int compare_keys(const void *left, const void *right)
{
    const struct member *a = left, *b = right;
    size_t len = a->key.len < b->key.len ? a->key.len : b->key.len;
    int order = memcmp(a->key.data, b->key.data, len);
    /* No string token starts with another one, so the lengths say nothing new. */
    return order ? order : compare_places(left, right);
}

/* Keeps one of each name, in their order; returns how many. */
static size_t keep_one_each(struct member *members, size_t n, enum json_which which)
{
    size_t kept = 0;
    qsort(members, n, sizeof(*members), compare_keys);
    for (size_t i = 0; i < n; i++) {
        bool first = i == 0 || !bytes_equal(members[i].key, members[i - 1].key);
        bool last = i + 1 == n || !bytes_equal(members[i].key, members[i + 1].key);
        if (which == JSON_FIRST ? first : last)
            members[kept++] = members[i];
    }
    qsort(members, kept, sizeof(*members), compare_places);
    return kept;
}

int json_add_unique(struct strbuf *out, struct bytes object, enum json_which which)
{
    struct member m;
    size_t n = 0;
    for (struct json_walk w = json_walk(object); json_next(&w, &m.key, &m.value);)
        n++;
    CLEANUP(free_ptr) struct member *members = calloc(n + 1, sizeof(*members));
    if (!members)
        return -ENOMEM;
    n = 0;
    for (struct json_walk w = json_walk(object); json_next(&w, &m.key, &m.value);)
        members[n++] = m;
    n = keep_one_each(members, n, which);
    strbuf_add_char(out, '{');
    for (size_t i = 0; i < n; i++) {
        if (i)
            strbuf_add_char(out, ',');
        strbuf_add(out, members[i].key.data, members[i].key.len);
        strbuf_add_char(out, ':');
        strbuf_add(out, members[i].value.data, members[i].value.len);
    }
    strbuf_add_char(out, '}');
    return strbuf_error(out);
}
