// SPDX-License-Identifier: Apache-2.0
#include "imsfs/utf8.h"

/* How a lead byte goes on: its length and the range that its second byte must lie in. */
static const struct lead {
    uint8_t first, last, length, second_min, second_max;
} leads[] = {
    {0xC2, 0xDF, 2, 0x80, 0xBF}, {0xE0, 0xE0, 3, 0xA0, 0xBF}, {0xE1, 0xEC, 3, 0x80, 0xBF},
    {0xED, 0xED, 3, 0x80, 0x9F}, {0xEE, 0xEF, 3, 0x80, 0xBF}, {0xF0, 0xF0, 4, 0x90, 0xBF},
    {0xF1, 0xF3, 4, 0x80, 0xBF}, {0xF4, 0xF4, 4, 0x80, 0x8F},
};

static const struct lead *lead_of(uint8_t byte)
{
    for (size_t i = 0; i < ARRAY_SIZE(leads); i++)
        if (byte >= leads[i].first && byte <= leads[i].last)
            return &leads[i];
    return NULL;
}

/* How many bytes at s are as the lead byte wants them, itself included. */
static size_t good_bytes(const struct lead *lead, const uint8_t *s, size_t len)
{
    size_t n = 1;
    uint8_t min = lead->second_min, max = lead->second_max;
    while (n < lead->length && n < len && s[n] >= min && s[n] <= max) {
        n++;
        min = 0x80;
        max = 0xBF;
    }
    return n;
}

size_t utf8_decode(const char *s, size_t len, uint32_t *code)
{
    const uint8_t *u = (const uint8_t *)s;
    if (u[0] < 0x80) {
        *code = u[0];
        return 1;
    }
    const struct lead *lead = lead_of(u[0]);
    if (!lead || good_bytes(lead, u, len) < lead->length)
        return 0;
    uint32_t c = u[0] & (0xFFu >> (lead->length + 1));
    for (size_t i = 1; i < lead->length; i++)
        c = c << 6 | (u[i] & 0x3Fu);
    *code = c;
    return lead->length;
}

size_t utf8_bad_length(const char *s, size_t len)
{
    const uint8_t *u = (const uint8_t *)s;
    const struct lead *lead = lead_of(u[0]);
    return lead ? good_bytes(lead, u, len) : 1;
}

size_t utf8_encode(char out[static 4], uint32_t code)
{
    if (code < 0x80) {
        out[0] = (char)code;
        return 1;
    }
    size_t n = code < 0x800 ? 2 : code < 0x10000 ? 3 : 4;
    for (size_t i = n - 1; i > 0; i--) {
        out[i] = (char)(0x80 | (code & 0x3F));
        code >>= 6;
    }
    out[0] = (char)((0xF00u >> n & 0xF0) | code);
    return n;
}

bool utf8_is_deceptive(uint32_t code)
{
    return code < 0x20 || (code >= 0x7F && code <= 0x9F) || code == 0x061C || code == 0x200E ||
           code == 0x200F || (code >= 0x2028 && code <= 0x202E) ||
           (code >= 0x2066 && code <= 0x2069) || code == 0xFEFF;
}
