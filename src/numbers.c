// SPDX-License-Identifier: Apache-2.0
#include "imsfs/numbers.h"

#include <errno.h>
#include <stdatomic.h>
#include <sys/random.h>

#include "imsfs/clock.h"

#define SECOND_NS 1000000000

static int64_t nanoseconds(struct timespec t)
{
    return (int64_t)t.tv_sec * SECOND_NS + t.tv_nsec;
}

int numbers_init(struct numbers *n, const struct layout *layout, struct slot_table *attrs)
{
    *n = (struct numbers){.layout = layout, .attrs = attrs, .born = clock_wall()};
    if (getrandom(&n->seed, sizeof(n->seed), GRND_NONBLOCK) < 0)
        n->seed = (uintptr_t)n; /* too early in the boot: hard to guess will have to do */
    atomic_init(&n->stamp_ns, nanoseconds(n->born));
    int r = slot_table_new(&n->ids, NUMBERS_LIMIT);
    if (r == 0)
        r = slot_table_new(&n->dirs, NUMBERS_LIMIT);
    for (size_t i = 0; r == 0 && i < layout->view_count; i++) {
        uint32_t slot;
        r = slot_add(n->dirs, bytes_of(layout->views[i].name), &slot);
    }
    if (r < 0)
        numbers_deinit(n);
    return r;
}

void numbers_deinit(struct numbers *n)
{
    slot_table_free(n->ids);
    slot_table_free(n->dirs);
    free(n->versions);
    n->ids = n->dirs = NULL;
    n->versions = NULL;
}

struct timespec numbers_last_stamp(const struct numbers *n)
{
    int64_t ns = atomic_load(&n->stamp_ns);
    return (struct timespec){ns / SECOND_NS, ns % SECOND_NS};
}

struct timespec numbers_stamp(struct numbers *n)
{
    int64_t now = nanoseconds(clock_wall()), last = atomic_load(&n->stamp_ns), stamp;
    do
        stamp = now > last ? now : last + 1;
    while (!atomic_compare_exchange_weak(&n->stamp_ns, &last, stamp));
    return (struct timespec){stamp / SECOND_NS, stamp % SECOND_NS};
}

static bool reserve(struct numbers *n, uint32_t slot)
{
    size_t cap = n->version_cap ? n->version_cap : 64;
    if (slot < n->version_cap)
        return true;
    while (cap <= slot)
        cap *= 2;
    struct numbers_last *grown = realloc(n->versions, cap * sizeof(*grown));
    if (!grown)
        return false;
    memset(grown + n->version_cap, 0, (cap - n->version_cap) * sizeof(*grown));
    n->versions = grown;
    n->version_cap = cap;
    return true;
}

/* FNV-1a from a secret start: strangers choose contents, and must not be able to make two alike. */
static uint64_t hash_of(const struct numbers *n, struct bytes contents)
{
    uint64_t hash = n->seed;
    for (size_t i = 0; i < contents.len; i++)
        hash = (hash ^ (uint8_t)contents.data[i]) * 1099511628211u;
    return hash;
}

int numbers_version(struct numbers *n, uint32_t slot, struct bytes contents, uint32_t *version)
{
    if (!reserve(n, slot))
        return -ENOMEM;
    struct numbers_last *last = &n->versions[slot];
    uint64_t hash = hash_of(n, contents);
    if (last->count == 0 || last->hash != hash)
        *last = (struct numbers_last){hash, last->count + 1};
    *version = last->count - 1;
    return 0;
}

bool numbers_same_version(uint32_t a, uint32_t b)
{
    return ((a ^ b) & ((1u << NUMBERS_VERSION_BITS) - 1)) == 0;
}

struct bytes numbers_dir_path(const struct numbers *n, uint32_t slot)
{
    return slot_get(n->dirs, slot);
}

struct bytes numbers_dir_name(const struct numbers *n, uint32_t slot)
{
    struct bytes path = slot_get(n->dirs, slot);
    const char *slash = memrchr(path.data, '/', path.len);
    if (!slash)
        return path;
    return (struct bytes){slash + 1, (size_t)(path.data + path.len - slash - 1)};
}
