// SPDX-License-Identifier: Apache-2.0
#include "imsfs/keys.h"

#include <errno.h>

#include "imsfs/json.h"
#include "imsfs/name.h"

#define BITS 9
#define ROOM ((size_t)1 << BITS)
/* Names that are kept at most, and how far from its place one may be: a server that sends others
 * for ever, or ones that fall on one place, gains nothing. */
#define KEPT_MAX (ROOM / 2)
#define STEPS_MAX 8
#define SPELLED_MAX 255

struct keys_entry {
    uint32_t offset; /* in spelled */
    uint16_t slot;
    uint8_t len; /* 0: nobody */
};

struct keys keys_init(struct slot_table *attrs)
{
    return (struct keys){.attrs = attrs};
}

void keys_deinit(struct keys *k)
{
    free(k->kept);
    strbuf_free(&k->spelled);
    strbuf_free(&k->scratch);
    *k = (struct keys){.attrs = k->attrs};
}

/* Of the length and both ends: names differ there, and it is found without a walk. */
static size_t place_of(struct bytes token)
{
    uint64_t first = 0, last = 0;
    if (token.len >= sizeof(first)) {
        memcpy(&first, token.data, sizeof(first));
        memcpy(&last, token.data + token.len - sizeof(last), sizeof(last));
    } else {
        memcpy(&first, token.data, token.len);
    }
    uint64_t hash = (first ^ last * 0x9E3779B97F4A7C15u ^ token.len) * 0xD6E8FEB86659FD93u;
    return (size_t)(hash >> (64 - BITS));
}

/* Where token is, or the free place where it belongs; NULL: too far away. */
static struct keys_entry *entry_of(const struct keys *k, struct bytes token)
{
    size_t place = place_of(token);
    for (size_t step = 0; step < STEPS_MAX; step++) {
        struct keys_entry *e = &k->kept[(place + step) & (ROOM - 1)];
        if (!e->len || (e->len == token.len &&
                        memcmp(k->spelled.data + e->offset, token.data, token.len) == 0))
            return e;
    }
    return NULL;
}

static int find_slot(struct keys *k, struct bytes token, uint16_t *slot)
{
    char name[NAME_SIZE];
    uint32_t found;
    strbuf_reset(&k->scratch);
    json_add_string(&k->scratch, token);
    if (strbuf_error(&k->scratch) < 0)
        return -ENOMEM;
    size_t len = name_encode_attr(name, strbuf_bytes(&k->scratch));
    int r = len == 0 ? -ENOENT : slot_add(k->attrs, (struct bytes){name, len}, &found);
    if (r < 0)
        return r == -ENOMEM ? r : -ENOENT;
    *slot = (uint16_t)found;
    return 0;
}

static void keep(struct keys *k, struct keys_entry *e, struct bytes token, uint16_t slot)
{
    size_t offset = k->spelled.len;
    strbuf_add(&k->spelled, token.data, token.len);
    if (strbuf_error(&k->spelled) < 0)
        return;
    *e = (struct keys_entry){(uint32_t)offset, slot, (uint8_t)token.len};
    k->count++;
}

int keys_find(struct keys *k, struct bytes token, uint16_t *slot)
{
    if (!k->kept)
        k->kept = calloc(ROOM, sizeof(*k->kept));
    struct keys_entry *e = k->kept && token.len <= SPELLED_MAX ? entry_of(k, token) : NULL;
    if (e && e->len) {
        *slot = e->slot;
        return 0;
    }
    int r = find_slot(k, token, slot);
    if (r == 0 && e && k->count < KEPT_MAX)
        keep(k, e, token, *slot);
    return r;
}
