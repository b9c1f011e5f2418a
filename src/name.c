// SPDX-License-Identifier: Apache-2.0
#include "imsfs/name.h"

#include <stdio.h>

#include "imsfs/utf8.h"

#define CUT_MAX_BYTES 246
#define PIECE_MAX 12 /* four bytes as %XX */

enum rule { RULE_VALUE, RULE_ID };

static int hex_digit(char c)
{
    if (c >= '0' && c <= '9')
        return c - '0';
    c |= 0x20;
    return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

static bool is_escape(struct bytes s)
{
    return s.len >= 3 && s.data[0] == '%' && hex_digit(s.data[1]) >= 0 && hex_digit(s.data[2]) >= 0;
}

static bool must_escape(struct bytes rest, uint32_t code, enum rule rule)
{
    return code == '/' || utf8_is_deceptive(code) || is_escape(rest) ||
           (rule == RULE_ID && code == '@');
}

/* The next character of rest as it stands in a name; returns the bytes of rest used. */
static size_t next_piece(char piece[static PIECE_MAX + 1], size_t *piece_len, struct bytes rest,
                         enum rule rule)
{
    uint32_t code = 0;
    size_t used = utf8_decode(rest.data, rest.len, &code);
    if (used && !must_escape(rest, code, rule)) {
        memcpy(piece, rest.data, used);
        *piece_len = used;
        return used;
    }
    if (!used)
        used = 1;
    *piece_len = 0;
    for (size_t i = 0; i < used; i++)
        *piece_len += (size_t)sprintf(piece + *piece_len, "%%%02X", (uint8_t)rest.data[i]);
    return used;
}

/* How many bytes from the start of s, up to max, stay as they are, because each is a character that
 * is never escaped. */
static size_t plain_run(struct bytes s, size_t max)
{
    size_t i = 0;
    while (i < s.len && i < max && (unsigned char)s.data[i] - 0x20u < 0x5Fu && s.data[i] != '/' &&
           s.data[i] != '%' && s.data[i] != '@')
        i++;
    return i;
}

/* Encodes at most max bytes, whole pieces only; sets *whole when the value fitted. */
static size_t encode(char *out, size_t max, struct bytes value, enum rule rule, bool *whole)
{
    size_t len = 0;
    *whole = true;
    for (size_t i = 0; i < value.len;) {
        char piece[PIECE_MAX + 1];
        size_t piece_len;
        struct bytes rest = {value.data + i, value.len - i};
        size_t plain = plain_run(rest, max - len);
        if (plain) {
            memcpy(out + len, rest.data, plain);
            len += plain;
            i += plain;
            continue;
        }
        size_t used = next_piece(piece, &piece_len, rest, rule);
        if (len + piece_len > max) {
            *whole = false;
            break;
        }
        memcpy(out + len, piece, piece_len);
        len += piece_len;
        i += used;
    }
    out[len] = '\0';
    return len;
}

static size_t copy_str(char *out, const char *s)
{
    size_t len = strlen(s);
    memcpy(out, s, len + 1);
    return len;
}

static size_t encode_dots(char *out, struct bytes value)
{
    if (bytes_are(value, "."))
        return copy_str(out, "%2E");
    if (bytes_are(value, ".."))
        return copy_str(out, "%2E%2E");
    return 0;
}

size_t name_encode(char out[static NAME_SIZE], struct bytes value)
{
    size_t len = encode_dots(out, value);
    if (len)
        return len;
    bool whole;
    len = encode(out, NAME_MAX_BYTES, value, RULE_VALUE, &whole);
    if (whole)
        return len;
    len = encode(out, CUT_MAX_BYTES, value, RULE_VALUE, &whole);
    return len + (size_t)sprintf(out + len, "~%08x", name_fnv1a(value));
}

size_t name_encode_attr(char out[static NAME_SIZE], struct bytes key)
{
    if (bytes_are(key, "image.json"))
        return copy_str(out, "image%2Ejson");
    return name_encode(out, key);
}

size_t name_encode_id(char out[static NAME_SIZE], struct bytes id)
{
    size_t len = encode_dots(out, id);
    if (len)
        return len;
    bool whole;
    len = encode(out, NAME_ID_MAX_BYTES, id, RULE_ID, &whole);
    return whole ? len : 0;
}

size_t name_encode_image(char out[static NAME_SIZE], struct bytes name, struct bytes id)
{
    bool whole;
    size_t len = encode_dots(out, name);
    if (!len)
        len = encode(out, NAME_MAX_BYTES - 1 - id.len, name, RULE_VALUE, &whole);
    out[len++] = '@';
    memcpy(out + len, id.data, id.len);
    len += id.len;
    out[len] = '\0';
    return len;
}

size_t name_decode(char *out, struct bytes component)
{
    size_t len = 0;
    for (size_t i = 0; i < component.len; i++) {
        struct bytes rest = {component.data + i, component.len - i};
        if (is_escape(rest)) {
            out[len++] = (char)(hex_digit(rest.data[1]) << 4 | hex_digit(rest.data[2]));
            i += 2;
        } else {
            out[len++] = component.data[i];
        }
    }
    return len;
}

bool name_split_image(struct bytes component, struct bytes *id)
{
    const char *at = memrchr(component.data, '@', component.len);
    if (!at)
        return false;
    *id = (struct bytes){at + 1, (size_t)(component.data + component.len - at - 1)};
    return true;
}

uint32_t name_fnv1a(struct bytes value)
{
    uint32_t hash = 2166136261u;
    for (size_t i = 0; i < value.len; i++)
        hash = (hash ^ (uint8_t)value.data[i]) * 16777619u;
    return hash;
}

uint64_t name_fnv1a_64(struct bytes value)
{
    uint64_t hash = 14695981039346656037u;
    for (size_t i = 0; i < value.len; i++)
        hash = (hash ^ (uint8_t)value.data[i]) * 1099511628211u;
    return hash;
}
