// SPDX-License-Identifier: Apache-2.0
#include "imsfs/armor.h"

#include <ctype.h>
#include <errno.h>

static bool is_number(const char *s, size_t len)
{
    const char *end = s + len;
    if (s < end && *s == '-')
        s++;
    if (s < end && *s == '0')
        s++;
    else if (s < end && isdigit((unsigned char)*s))
        while (s < end && isdigit((unsigned char)*s))
            s++;
    else
        return false;
    if (s + 1 < end && *s == '.' && isdigit((unsigned char)s[1]))
        for (s++; s < end && isdigit((unsigned char)*s);)
            s++;
    if (s + 1 < end && (*s == 'e' || *s == 'E')) {
        s += s[1] == '+' || s[1] == '-' ? 2 : 1;
        if (s == end || !isdigit((unsigned char)*s))
            return false;
        while (s < end && isdigit((unsigned char)*s))
            s++;
    }
    return s == end;
}

/* The length of the escape at s, or 0: no such escape in JSON. */
static size_t escape_length(const char *s, const char *end)
{
    if (end - s < 2)
        return 0;
    if (s[1] != 'u')
        return strchr("\"\\/bfnrt", s[1]) && s[1] ? 2 : 0;
    if (end - s < 6)
        return 0;
    for (int i = 2; i < 6; i++)
        if (!isxdigit((unsigned char)s[i]))
            return 0;
    return 6;
}

/* Rewrites the string at s and moves s behind it. False: it is not one. */
static bool rewrite_string(struct strbuf *out, const char **s, const char *end)
{
    const char *p = *s + 1;
    strbuf_add_char(out, '"');
    strbuf_add_char(out, ARMOR_STRING);
    while (p < end && *p != '"') {
        if (*p == '\0') { /* no JSON, but nobody's image is lost for it */
            strbuf_add_str(out, "\\\\u0000");
            p++;
        } else if (*p != '\\') {
            const char *plain = p;
            while (p < end && *p != '"' && *p != '\\' && *p != '\0')
                p++;
            strbuf_add(out, plain, (size_t)(p - plain));
        } else {
            size_t len = escape_length(p, end);
            if (!len)
                return false;
            strbuf_add(out, "\\\\", 2);
            if (p[1] == '"' || p[1] == '\\')
                strbuf_add_char(out, '\\');
            strbuf_add(out, p + 1, len - 1);
            p += len;
        }
    }
    if (p >= end)
        return false;
    strbuf_add_char(out, '"');
    *s = p + 1;
    return true;
}

/* True when a colon follows. Spelled as a string, a number would pass for a member's name. */
static bool is_key(const char *s, const char *end)
{
    while (s < end && memchr(" \t\r\n", *s, 4))
        s++;
    return s < end && *s == ':';
}

static bool rewrite_number(struct strbuf *out, const char **s, const char *end)
{
    const char *p = *s;
    while (p < end && (isalnum((unsigned char)*p) || strchr("+-.", *p)) && *p)
        p++;
    if (!is_number(*s, (size_t)(p - *s)) || is_key(p, end))
        return false;
    strbuf_add_char(out, '"');
    strbuf_add_char(out, ARMOR_NUMBER);
    strbuf_add(out, *s, (size_t)(p - *s));
    strbuf_add_char(out, '"');
    *s = p;
    return true;
}

/* What may stand outside strings and numbers: the parser takes any control byte for a blank. */
static bool is_structure(char c)
{
    switch (c) {
    case '{':
    case '}':
    case '[':
    case ']':
    case ':':
    case ',':
    case ' ':
    case '\t':
    case '\r':
    case '\n':
        return true;
    default:
        return strchr("truefalsn", c) && c; /* of true, false and null */
    }
}

int armor_text(struct strbuf *out, struct bytes text, size_t max_depth, size_t max_values)
{
    size_t depth = 0, values = 0;
    const char *s = text.data, *end = text.data + text.len;
    strbuf_reset(out);
    while (s < end) {
        if (*s == '"') {
            if (!rewrite_string(out, &s, end))
                return -EPROTO;
            continue;
        }
        if (*s == '-' || isdigit((unsigned char)*s)) {
            if (!rewrite_number(out, &s, end))
                return -EPROTO;
            continue;
        }
        if (!is_structure(*s))
            return -EPROTO;
        if (*s == '{' || *s == '[')
            depth++;
        else if ((*s == '}' || *s == ']') && depth > 0)
            depth--;
        values += *s == ',' || *s == '{' || *s == '[';
        if (depth > max_depth)
            return -ELOOP;
        if (values > max_values)
            return -E2BIG;
        strbuf_add_char(out, *s++);
    }
    return strbuf_error(out);
}
