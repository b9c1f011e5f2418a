// SPDX-License-Identifier: Apache-2.0
#include "imsfs/secret.h"

#include "imsfs/utf8.h"

/* Nobody reads further into an answer that is an error (refusal.h). */
#define ESCAPED_MAX ((size_t)65536)

void secret_free(char **secret)
{
    if (*secret)
        explicit_bzero(*secret, strlen(*secret));
    free(*secret);
    *secret = NULL;
}

/* "\uXXXX" */
static bool read_unit(const char *text, size_t len, uint32_t *unit)
{
    char digits[5] = "", *end;
    if (len < 6 || text[0] != '\\' || text[1] != 'u')
        return false;
    memcpy(digits, text + 2, 4);
    *unit = (uint32_t)strtoul(digits, &end, 16);
    return *end == '\0' && strspn(digits, "0123456789abcdefABCDEF") == 4;
}

/* What an escape of JSON (RFC 8259, 7) stands for, in UTF-8. Returns its bytes in text; 0: there is
 * none. */
static size_t read_escape(const char *text, size_t len, char out[static 4], size_t *out_len)
{
    static const char letters[] = "\"\\/bfnrt", meanings[] = "\"\\/\b\f\n\r\t";
    uint32_t code, low;
    size_t used = 6;
    const char *letter =
        len >= 2 && text[0] == '\\' ? memchr(letters, text[1], strlen(letters)) : NULL;
    if (letter) {
        out[0] = meanings[letter - letters];
        *out_len = 1;
        return 2;
    }
    if (!read_unit(text, len, &code))
        return 0;
    bool is_pair = code >= 0xD800 && code < 0xDC00 && read_unit(text + 6, len - 6, &low) &&
                   low >= 0xDC00 && low < 0xE000;
    if (is_pair) {
        code = 0x10000 + ((code - 0xD800) << 10) + (low - 0xDC00);
        used = 12;
    }
    *out_len = utf8_encode(out, code);
    return used;
}

/* How much of text spells the secret, some or all of it in escapes; 0: it does not. */
static size_t spelled(const char *secret, const char *text, size_t len)
{
    size_t at = 0;
    while (*secret) {
        char piece[4];
        size_t piece_len = 1;
        size_t used = read_escape(text + at, len - at, piece, &piece_len);
        if (!used && at < len) {
            piece[0] = text[at];
            used = 1;
        }
        if (!used || strncmp(secret, piece, piece_len) != 0)
            return 0;
        secret += piece_len;
        at += used;
    }
    return at;
}

static void redact_plain(const char *secret, char *text, size_t len)
{
    size_t secret_len = strlen(secret);
    for (char *end = text + len; text;) {
        text = memmem(text, (size_t)(end - text), secret, secret_len);
        if (text)
            memset(text, '*', secret_len);
    }
}

static void redact_escaped(const char *secret, char *text, size_t len)
{
    len = len < ESCAPED_MAX ? len : ESCAPED_MAX;
    if (!memchr(text, '\\', len))
        return;
    for (size_t at = 0, used; at < len; at += used ? used : 1) {
        used = spelled(secret, text + at, len - at);
        memset(text + at, '*', used);
    }
}

void secret_redact(const char *secret, char *text, size_t len)
{
    if (!secret || !*secret || !text)
        return;
    redact_plain(secret, text, len);
    redact_escaped(secret, text, len);
}
