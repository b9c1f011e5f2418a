// SPDX-License-Identifier: Apache-2.0
/*
 * base: the few words that every module shares: byte spans, cleanup attributes, small macros.
 * Nothing that has state or knows imsfs belongs here.
 */
#ifndef IMSFS_BASE_H
#define IMSFS_BASE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#define ARRAY_SIZE(a) (sizeof(a) / sizeof((a)[0]))

/* Frees on leaving the scope: CLEANUP(free_ptr) char *p = NULL; */
#define CLEANUP(fn) __attribute__((cleanup(fn)))
#define PRINTF_LIKE(fmt, args) __attribute__((format(printf, fmt, args)))
#define MUST_CHECK __attribute__((warn_unused_result))

/* Hands the pointer over and forgets it, so that its cleanup does nothing. */
#define STEAL(p)                \
    ({                          \
        __typeof__(p) t_ = (p); \
        (p) = NULL;             \
        t_;                     \
    })

/* A span of bytes that somebody else owns. Not terminated; may hold NUL. */
struct bytes {
    const char *data;
    size_t len;
};

static inline void free_ptr(void *p)
{
    free(*(void **)p);
}

static inline bool streq(const char *a, const char *b)
{
    return strcmp(a, b) == 0;
}

static inline struct bytes bytes_of(const char *s)
{
    return (struct bytes){s, strlen(s)};
}

static inline bool bytes_equal(struct bytes a, struct bytes b)
{
    return a.len == b.len && (a.len == 0 || memcmp(a.data, b.data, a.len) == 0);
}

/* By bytes, then by length: less than, equal to or greater than 0. */
static inline int bytes_compare(struct bytes a, struct bytes b)
{
    size_t len = a.len < b.len ? a.len : b.len;
    int order = len ? memcmp(a.data, b.data, len) : 0;
    return order ? order : (a.len > b.len) - (a.len < b.len);
}

static inline bool bytes_are(struct bytes a, const char *s)
{
    return bytes_equal(a, bytes_of(s));
}

#endif
