// SPDX-License-Identifier: Apache-2.0
/*
 * allocator: malloc(3) and its like, each of which asks refuse() first. Whoever includes this says
 * there who gets nothing. They go on to the next library's, a sanitizer's if there is one. Any
 * thread, from before main.
 */
#ifndef IMSFS_TESTS_ALLOCATOR_H
#define IMSFS_TESTS_ALLOCATOR_H

#include <dlfcn.h>
#include <errno.h>
#include <malloc.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#define EXPORT __attribute__((visibility("default")))

/* True: this allocation fails; errno is set here. */
static bool refuse(void);

static bool refused(void)
{
    if (!refuse())
        return false;
    errno = ENOMEM;
    return true;
}

static void *next(const char *name)
{
    void *found = dlsym(RTLD_NEXT, name);
    if (!found)
        abort();
    return found;
}

/* Found at the first call, which may come before any constructor. */
#define NEXT(name)                 \
    static __typeof__(name) *real; \
    if (!real)                     \
    real = (__typeof__(name) *)next(#name)

EXPORT void *malloc(size_t size)
{
    NEXT(malloc);
    return refused() ? NULL : real(size);
}

EXPORT void *calloc(size_t count, size_t size)
{
    NEXT(calloc);
    return refused() ? NULL : real(count, size);
}

EXPORT void *realloc(void *old, size_t size)
{
    NEXT(realloc);
    return refused() ? NULL : real(old, size);
}

EXPORT void *reallocarray(void *old, size_t count, size_t size)
{
    NEXT(reallocarray);
    return refused() ? NULL : real(old, count, size);
}

EXPORT void *aligned_alloc(size_t alignment, size_t size)
{
    NEXT(aligned_alloc);
    return refused() ? NULL : real(alignment, size);
}

EXPORT void *memalign(size_t alignment, size_t size)
{
    NEXT(memalign);
    return refused() ? NULL : real(alignment, size);
}

EXPORT int posix_memalign(void **out, size_t alignment, size_t size)
{
    NEXT(posix_memalign);
    return refused() ? ENOMEM : real(out, alignment, size);
}

/* These would not come past us: a sanitizer, and libc itself, allocate for them on their own. */

EXPORT char *strndup(const char *text, size_t most)
{
    size_t len = strnlen(text, most);
    char *copy = malloc(len + 1);
    if (copy) {
        memcpy(copy, text, len);
        copy[len] = '\0';
    }
    return copy;
}

EXPORT char *strdup(const char *text)
{
    return strndup(text, strlen(text));
}

#endif
