// SPDX-License-Identifier: Apache-2.0
#include "imsfs/numbers.h"

#include <errno.h>
#include <stdatomic.h>

#include "imsfs/clock.h"
#include "imsfs/name.h"

#define SECOND_NS 1000000000

static int64_t nanoseconds(struct timespec t)
{
    return (int64_t)t.tv_sec * SECOND_NS + t.tv_nsec;
}

/* A directory, as dirs knows it. */
struct place {
    char text[sizeof(uint32_t) + NAME_MAX_BYTES];
};

static struct bytes write_place(struct place *place, uint32_t parent, struct bytes name)
{
    memcpy(place->text, &parent, sizeof(parent));
    memcpy(place->text + sizeof(parent), name.data, name.len);
    return (struct bytes){place->text, sizeof(parent) + name.len};
}

int numbers_add_dir(struct numbers *n, uint32_t parent, struct bytes name, uint32_t *slot)
{
    struct place place;
    if (name.len > NAME_MAX_BYTES)
        return -ENAMETOOLONG;
    return ledger_add(n->dirs, write_place(&place, parent, name), slot);
}

int numbers_find_dir(const struct numbers *n, uint32_t parent, struct bytes name, uint32_t *slot)
{
    struct place place;
    if (name.len > NAME_MAX_BYTES)
        return -ENOENT;
    return ledger_find(n->dirs, write_place(&place, parent, name), slot);
}

int numbers_init(struct numbers *n, const struct layout *layout, struct slot_table *attrs)
{
    *n = (struct numbers){.layout = layout, .attrs = attrs, .born = clock_wall()};
    atomic_init(&n->stamp_ns, nanoseconds(n->born));
    int r = ids_new(&n->ids, LEDGER_LIMIT);
    if (r == 0)
        r = ledger_new(&n->dirs, LEDGER_LIMIT, 0);
    for (size_t i = 0; r == 0 && i < layout->view_count; i++) {
        uint32_t slot;
        r = numbers_add_dir(n, DIRECTORY_ROOT, bytes_of(layout->views[i].name), &slot);
    }
    if (r < 0)
        numbers_deinit(n);
    return r;
}

void numbers_deinit(struct numbers *n)
{
    ids_free(n->ids);
    ledger_free(n->dirs);
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
