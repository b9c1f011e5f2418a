// SPDX-License-Identifier: Apache-2.0
#include "imsfs/strbuf.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>

static void wipe(struct strbuf *b)
{
    if (b->secret && b->data)
        explicit_bzero(b->data, b->cap);
}

void strbuf_free(struct strbuf *b)
{
    wipe(b);
    free(b->data);
    *b = (struct strbuf){.secret = b->secret};
}

void strbuf_reset(struct strbuf *b)
{
    wipe(b);
    b->len = 0;
    b->failed = false;
    if (b->data)
        b->data[0] = '\0';
}

/* realloc(3) would leave a copy behind. */
static char *resize(struct strbuf *b, size_t cap)
{
    if (!b->secret)
        return realloc(b->data, cap);
    char *data = malloc(cap);
    if (!data)
        return NULL;
    if (b->len)
        memcpy(data, b->data, b->len);
    wipe(b);
    free(b->data);
    return data;
}

bool strbuf_grow(struct strbuf *b, size_t more)
{
    if (b->failed || b->fixed) {
        b->failed = true;
        return false;
    }
    size_t cap = b->cap ? b->cap : 64;
    while (cap - b->len <= more) {
        if (cap > SIZE_MAX / 2) {
            b->failed = true;
            return false;
        }
        cap *= 2;
    }
    char *data = resize(b, cap);
    if (!data) {
        b->failed = true;
        return false;
    }
    b->data = data;
    b->cap = cap;
    return true;
}

void strbuf_add(struct strbuf *b, const void *data, size_t len)
{
    bool cut = b->fixed && !b->failed;
    if (!strbuf_reserve(b, len)) {
        if (!cut)
            return;
        len = b->cap - b->len - 1;
    }
    if (len)
        memcpy(b->data + b->len, data, len);
    b->len += len;
    b->data[b->len] = '\0';
}

void strbuf_add_str(struct strbuf *b, const char *s)
{
    strbuf_add(b, s, strlen(s));
}

void strbuf_add_quoted(struct strbuf *b, const char *s)
{
    strbuf_add_char(b, '\'');
    for (; *s; s++)
        if (*s == '\'') /* none can stand between two of them */
            strbuf_add_str(b, "'\\''");
        else
            strbuf_add_char(b, *s);
    strbuf_add_char(b, '\'');
}

void strbuf_printf(struct strbuf *b, const char *fmt, ...)
{
    va_list ap;
    va_start(ap, fmt);
    int n = vsnprintf(NULL, 0, fmt, ap);
    va_end(ap);
    if (n < 0 || !strbuf_reserve(b, (size_t)n)) {
        b->failed = true;
        return;
    }
    va_start(ap, fmt);
    vsnprintf(b->data + b->len, (size_t)n + 1, fmt, ap);
    va_end(ap);
    b->len += (size_t)n;
}

const char *strbuf_str(const struct strbuf *b)
{
    return b->data ? b->data : "";
}

struct bytes strbuf_bytes(const struct strbuf *b)
{
    return (struct bytes){strbuf_str(b), b->len};
}

int strbuf_error(const struct strbuf *b)
{
    return b->failed ? -ENOMEM : 0;
}

char *strbuf_steal(struct strbuf *b)
{
    if (!strbuf_reserve(b, 0) || b->failed) {
        strbuf_free(b);
        return NULL;
    }
    b->data[b->len] = '\0';
    char *data = b->data;
    *b = (struct strbuf){.secret = b->secret};
    return data;
}
