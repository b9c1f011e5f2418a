// SPDX-License-Identifier: Apache-2.0
/*
 * Cells in chunks that never move, and an open-addressing hash of their numbers. What grows by
 * copying is the hash alone, 4 bytes a bucket: 28 bytes a cell, 5.3 to 10.7 for buckets, and the
 * old half of these while they grow.
 */
#include "imsfs/ids.h"

#include <errno.h>
#include <pthread.h>

#include "imsfs/digest.h"

#define CHUNK_CELLS 4096
#define MIN_BITS 6
/* A bucket: the slot + 1, or 0 for a free one, and above it bits of the digest, so that few cells
 * are looked at in vain. */
#define SLOT_BITS 24
#define SLOT_MASK ((1u << SLOT_BITS) - 1)

/* In halves, because 64-bit fields would be padded to 32 bytes. */
struct cell {
    uint32_t id[4];       /* digest */
    uint32_t contents[2]; /* digest of the last ones */
    uint32_t versions;    /* how many there were */
};

struct ids {
    struct digest_key key;
    pthread_mutex_t lock; /* protects: everything below; chunks stay where they are */
    uint32_t limit, count;
    uint32_t *buckets; /* 2^bits */
    unsigned bits;
    struct cell **chunks;
};

static size_t chunk_limit(const struct ids *t)
{
    return (t->limit + CHUNK_CELLS - 1) / CHUNK_CELLS;
}

int ids_new(struct ids **out, uint32_t limit)
{
    struct ids *t = calloc(1, sizeof(*t));
    if (!t)
        return -ENOMEM;
    t->key = digest_key_new();
    t->limit = limit;
    t->bits = MIN_BITS;
    pthread_mutex_init(&t->lock, NULL);
    t->buckets = calloc((size_t)1 << t->bits, sizeof(*t->buckets));
    t->chunks = calloc(chunk_limit(t), sizeof(*t->chunks));
    if (!t->buckets || !t->chunks) {
        ids_free(t);
        return -ENOMEM;
    }
    *out = t;
    return 0;
}

void ids_free(struct ids *t)
{
    if (!t)
        return;
    for (size_t i = 0; t->chunks && i < chunk_limit(t) && t->chunks[i]; i++)
        free(t->chunks[i]);
    pthread_mutex_destroy(&t->lock);
    free(t->chunks);
    free(t->buckets);
    free(t);
}

static struct cell *cell_at(const struct ids *t, uint32_t slot)
{
    return &t->chunks[slot / CHUNK_CELLS][slot % CHUNK_CELLS];
}

static void split(uint32_t out[2], uint64_t value)
{
    out[0] = (uint32_t)value;
    out[1] = (uint32_t)(value >> 32);
}

static struct cell new_cell(const struct ids *t, struct bytes id)
{
    struct cell cell = {0};
    struct digest digest = digest_of(&t->key, id);
    split(cell.id, digest.low);
    split(cell.id + 2, digest.high);
    return cell;
}

/* What a bucket of this cell has above its slot. */
static uint32_t tag(const struct cell *cell)
{
    return cell->id[1] & ~SLOT_MASK;
}

static bool is_of(const struct ids *t, uint32_t bucket, const struct cell *cell)
{
    return (bucket & ~SLOT_MASK) == tag(cell) &&
           memcmp(cell_at(t, (bucket & SLOT_MASK) - 1)->id, cell->id, sizeof(cell->id)) == 0;
}

/* The bucket of the same id, or the free one where it belongs. */
static uint32_t *bucket_of(const struct ids *t, const struct cell *cell)
{
    uint32_t i = cell->id[0] >> (32 - t->bits), mask = ((uint32_t)1 << t->bits) - 1;
    while (t->buckets[i] && !is_of(t, t->buckets[i], cell))
        i = (i + 1) & mask;
    return &t->buckets[i];
}

static void fill_bucket(uint32_t *bucket, const struct cell *cell, uint32_t slot)
{
    *bucket = tag(cell) | (slot + 1);
}

/* The free bucket where one belongs that is known to be in none. */
static uint32_t *free_bucket(const struct ids *t, const struct cell *cell)
{
    uint32_t i = cell->id[0] >> (32 - t->bits), mask = ((uint32_t)1 << t->bits) - 1;
    while (t->buckets[i])
        i = (i + 1) & mask;
    return &t->buckets[i];
}

/* Room for one more. */
static int reserve(struct ids *t)
{
    if (t->count % CHUNK_CELLS == 0 && !t->chunks[t->count / CHUNK_CELLS]) {
        struct cell *chunk = malloc(CHUNK_CELLS * sizeof(*chunk));
        if (!chunk)
            return -ENOMEM;
        t->chunks[t->count / CHUNK_CELLS] = chunk;
    }
    if (t->count < ((uint32_t)1 << t->bits) / 4 * 3)
        return 0;
    uint32_t *buckets = calloc((size_t)2 << t->bits, sizeof(*buckets));
    if (!buckets)
        return -ENOMEM;
    free(t->buckets);
    t->buckets = buckets;
    t->bits++;
    for (uint32_t slot = 0; slot < t->count; slot++)
        fill_bucket(free_bucket(t, cell_at(t, slot)), cell_at(t, slot), slot);
    return 0;
}

static int add_locked(struct ids *t, const struct cell *cell, uint32_t *slot)
{
    uint32_t found = *bucket_of(t, cell);
    if (found) {
        *slot = (found & SLOT_MASK) - 1;
        return 0;
    }
    if (t->count >= t->limit)
        return -ENOSPC;
    int r = reserve(t);
    if (r < 0)
        return r;
    *slot = t->count++;
    *cell_at(t, *slot) = *cell;
    fill_bucket(free_bucket(t, cell), cell, *slot);
    return 0;
}

int ids_add(struct ids *t, struct bytes id, uint32_t *slot)
{
    struct cell cell = new_cell(t, id);
    pthread_mutex_lock(&t->lock);
    int r = add_locked(t, &cell, slot);
    pthread_mutex_unlock(&t->lock);
    return r;
}

int ids_find(const struct ids *t, struct bytes id, uint32_t *slot)
{
    pthread_mutex_t *lock = (pthread_mutex_t *)&t->lock;
    struct cell cell = new_cell(t, id);
    pthread_mutex_lock(lock);
    uint32_t found = *bucket_of(t, &cell);
    pthread_mutex_unlock(lock);
    if (!found)
        return -ENOENT;
    *slot = (found & SLOT_MASK) - 1;
    return 0;
}

uint32_t ids_count(const struct ids *t)
{
    pthread_mutex_t *lock = (pthread_mutex_t *)&t->lock;
    pthread_mutex_lock(lock);
    uint32_t count = t->count;
    pthread_mutex_unlock(lock);
    return count;
}

uint32_t ids_version(struct ids *t, uint32_t slot, struct bytes contents)
{
    uint32_t digest[2];
    split(digest, digest_of(&t->key, contents).low);
    pthread_mutex_lock(&t->lock);
    struct cell *cell = cell_at(t, slot);
    pthread_mutex_unlock(&t->lock);
    if (cell->versions == 0 || memcmp(cell->contents, digest, sizeof(digest)) != 0) {
        memcpy(cell->contents, digest, sizeof(digest));
        cell->versions++;
    }
    return cell->versions - 1;
}

size_t ids_bytes(const struct ids *t)
{
    pthread_mutex_t *lock = (pthread_mutex_t *)&t->lock;
    pthread_mutex_lock(lock);
    size_t chunks = (t->count + CHUNK_CELLS - 1) / CHUNK_CELLS;
    size_t bytes = sizeof(*t) + chunk_limit(t) * sizeof(*t->chunks) +
                   chunks * CHUNK_CELLS * sizeof(struct cell) +
                   ((size_t)1 << t->bits) * sizeof(*t->buckets);
    pthread_mutex_unlock(lock);
    return bytes;
}
