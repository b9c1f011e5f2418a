// SPDX-License-Identifier: Apache-2.0
#include "imsfs/numbers.h"

#include <errno.h>
#include <stdatomic.h>

#include "imsfs/clock.h"

#define SECOND_NS 1000000000

static int64_t nanoseconds(struct timespec t)
{
    return (int64_t)t.tv_sec * SECOND_NS + t.tv_nsec;
}

int numbers_init(struct numbers *n, const struct layout *layout, struct slot_table *attrs)
{
    *n = (struct numbers){.layout = layout, .attrs = attrs, .born = clock_wall()};
    atomic_init(&n->stamp_ns, nanoseconds(n->born));
    int r = ids_new(&n->ids, IDS_LIMIT);
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
    ids_free(n->ids);
    slot_table_free(n->dirs);
    n->ids = NULL;
    n->dirs = NULL;
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
