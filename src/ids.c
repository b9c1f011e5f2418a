// SPDX-License-Identifier: Apache-2.0
#include "imsfs/ids.h"

#include <errno.h>

struct ids {
    struct ledger *ledger;
};

/* What the ledger keeps for each id. In halves, for it aligns to 4 bytes. */
struct last {
    uint32_t contents[2]; /* digest of the last ones */
    uint32_t versions;    /* how many there were */
};

int ids_new(struct ids **out, uint32_t limit)
{
    struct ids *t = malloc(sizeof(*t));
    if (!t)
        return -ENOMEM;
    int r = ledger_new(&t->ledger, limit, sizeof(struct last));
    if (r < 0)
        free(t);
    else
        *out = t;
    return r;
}

void ids_free(struct ids *t)
{
    if (t)
        ledger_free(t->ledger);
    free(t);
}

int ids_add(struct ids *t, struct bytes id, uint32_t *slot)
{
    return ledger_add(t->ledger, id, slot);
}

int ids_find(const struct ids *t, struct bytes id, uint32_t *slot)
{
    return ledger_find(t->ledger, id, slot);
}

uint32_t ids_version(struct ids *t, uint32_t slot, struct bytes contents)
{
    uint64_t low = ledger_digest(t->ledger, contents).low;
    const uint32_t digest[2] = {(uint32_t)low, (uint32_t)(low >> 32)};
    struct last *last = ledger_extra(t->ledger, slot);
    if (last->versions == 0 || memcmp(last->contents, digest, sizeof(digest)) != 0) {
        memcpy(last->contents, digest, sizeof(digest));
        last->versions++;
    }
    return last->versions - 1;
}
