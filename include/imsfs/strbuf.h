// SPDX-License-Identifier: Apache-2.0
/*
 * strbuf: a byte buffer that grows.
 *
 * Running out of memory is sticky: later calls do nothing, and strbuf_error() tells at the end. The
 * content is always followed by a NUL that does not count. One thread at a time. The owner calls
 * strbuf_free(), or uses CLEANUP(strbuf_free). A buffer that begins as STRBUF_SECRET leaves no copy
 * of its content in freed memory.
 */
#ifndef IMSFS_STRBUF_H
#define IMSFS_STRBUF_H

#include "imsfs/base.h"

struct strbuf {
    char *data; /* NULL until the first byte */
    size_t len;
    size_t cap;
    bool failed;
    bool secret; /* wipe what is given back */
    bool fixed;  /* the memory is somebody else's, and there will be no more */
};

#define STRBUF_INIT ((struct strbuf){0})
#define STRBUF_SECRET ((struct strbuf){.secret = true})
/* In an array of the caller's: it allocates nothing, what does not fit is cut off, and
 * strbuf_error() says so. Not for strbuf_free() or strbuf_steal(). */
#define STRBUF_IN(array) ((struct strbuf){.data = (array), .cap = sizeof(array), .fixed = true})

void strbuf_free(struct strbuf *b);
/* Empties the buffer and keeps its memory (wiped, if it is a secret). */
void strbuf_reset(struct strbuf *b);
void strbuf_add(struct strbuf *b, const void *data, size_t len);
void strbuf_add_str(struct strbuf *b, const char *s);
/* As one word of a shell's: 'it'\''s'. */
void strbuf_add_quoted(struct strbuf *b, const char *s);
void strbuf_printf(struct strbuf *b, const char *fmt, ...) PRINTF_LIKE(2, 3);
/* strbuf_reserve() where there is no room yet. */
bool strbuf_grow(struct strbuf *b, size_t more);

/* Room for more bytes at data + len, without adding them. False: out of memory. */
static inline bool strbuf_reserve(struct strbuf *b, size_t more)
{
    /* strictly: one byte is the NUL's */
    return !b->failed && more < b->cap - b->len ? true : strbuf_grow(b, more);
}

static inline void strbuf_add_char(struct strbuf *b, char c)
{
    if (!strbuf_reserve(b, 1))
        return;
    b->data[b->len++] = c;
    b->data[b->len] = '\0';
}

/* The content as a C string, "" when there is none. */
const char *strbuf_str(const struct strbuf *b);
struct bytes strbuf_bytes(const struct strbuf *b);
/* 0, or -ENOMEM when an addition failed. */
int strbuf_error(const struct strbuf *b);
/* Hands the content over as a malloc()ed C string; NULL when out of memory. Empties the buffer.
 * Whoever takes a secret wipes it (secret.h). */
char *strbuf_steal(struct strbuf *b);

#endif
