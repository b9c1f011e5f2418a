// SPDX-License-Identifier: Apache-2.0
/*
 * An open-addressing hash of slot numbers over strings in an arena: some 16 bytes for each string
 * beyond its own, because ids are kept for the life of the mount.
 */
#include "imsfs/slot.h"

#include <errno.h>
#include <pthread.h>
#include <sys/random.h>

#define CHUNK_BYTES 65536

struct chunk {
    struct chunk *next;
    char data[];
};

struct slot_table {
    pthread_mutex_t lock; /* protects: everything below; the arena's bytes never change */
    uint32_t limit;
    uint32_t count;
    uint32_t *buckets; /* slot + 1, or 0; 2^bucket_bits of them */
    unsigned bucket_bits;
    uint64_t seed;
    const char **keys; /* by slot: a 32-bit length, then the bytes */
    uint32_t keys_cap;
    struct chunk *chunks;
    size_t chunk_used, chunk_size;
};

int slot_table_new(struct slot_table **out, uint32_t limit)
{
    struct slot_table *t = calloc(1, sizeof(*t));
    if (!t)
        return -ENOMEM;
    t->limit = limit;
    t->bucket_bits = 6;
    t->buckets = calloc((size_t)1 << t->bucket_bits, sizeof(*t->buckets));
    if (getrandom(&t->seed, sizeof(t->seed), GRND_NONBLOCK) < 0)
        t->seed = (uintptr_t)t; /* too early in the boot: hard to guess will have to do */
    if (!t->buckets) {
        free(t);
        return -ENOMEM;
    }
    pthread_mutex_init(&t->lock, NULL);
    *out = t;
    return 0;
}

void slot_table_free(struct slot_table *t)
{
    if (!t)
        return;
    while (t->chunks) {
        struct chunk *next = t->chunks->next;
        free(t->chunks);
        t->chunks = next;
    }
    pthread_mutex_destroy(&t->lock);
    free(t->keys);
    free(t->buckets);
    free(t);
}

static struct bytes key_at(const struct slot_table *t, uint32_t slot)
{
    uint32_t len;
    memcpy(&len, t->keys[slot], sizeof(len));
    return (struct bytes){t->keys[slot] + sizeof(len), len};
}

/*
 * FNV-1a from a secret start, and of the product's high bits, which depend on all of it: strangers
 * choose names, and must not be able to choose their buckets.
 */
static uint32_t first_bucket(const struct slot_table *t, struct bytes key)
{
    uint64_t hash = t->seed;
    for (size_t i = 0; i < key.len; i++)
        hash = (hash ^ (uint8_t)key.data[i]) * 1099511628211u;
    return (uint32_t)(hash * 0x9E3779B97F4A7C15u >> (64 - t->bucket_bits));
}

/* The bucket that holds key, or the free one where it belongs. */
static uint32_t *bucket_of(const struct slot_table *t, struct bytes key)
{
    uint32_t i = first_bucket(t, key), mask = ((uint32_t)1 << t->bucket_bits) - 1;
    while (t->buckets[i] && !bytes_equal(key_at(t, t->buckets[i] - 1), key))
        i = (i + 1) & mask;
    return &t->buckets[i];
}

static int grow_buckets(struct slot_table *t)
{
    uint32_t *buckets = calloc((size_t)2 << t->bucket_bits, sizeof(*buckets));
    if (!buckets)
        return -ENOMEM;
    free(t->buckets);
    t->buckets = buckets;
    t->bucket_bits++;
    for (uint32_t slot = 0; slot < t->count; slot++)
        *bucket_of(t, key_at(t, slot)) = slot + 1;
    return 0;
}

static int grow_keys(struct slot_table *t)
{
    uint32_t cap = t->keys_cap ? t->keys_cap + t->keys_cap / 2 : 64;
    const char **keys = realloc(t->keys, cap * sizeof(*keys));
    if (!keys)
        return -ENOMEM;
    t->keys = keys;
    t->keys_cap = cap;
    return 0;
}

/* Copies key with its length into the arena. */
static const char *store_key(struct slot_table *t, struct bytes key)
{
    uint32_t len = (uint32_t)key.len;
    size_t need = sizeof(len) + key.len;
    if (!t->chunks || t->chunk_size - t->chunk_used < need) {
        size_t size = need > CHUNK_BYTES ? need : CHUNK_BYTES;
        struct chunk *chunk = malloc(sizeof(*chunk) + size);
        if (!chunk)
            return NULL;
        chunk->next = t->chunks;
        t->chunks = chunk;
        t->chunk_used = 0;
        t->chunk_size = size;
    }
    char *place = t->chunks->data + t->chunk_used;
    memcpy(place, &len, sizeof(len));
    if (key.len)
        memcpy(place + sizeof(len), key.data, key.len);
    t->chunk_used += need;
    return place;
}

static int add_locked(struct slot_table *t, struct bytes key, uint32_t *slot)
{
    uint32_t *bucket = bucket_of(t, key);
    if (*bucket) {
        *slot = *bucket - 1;
        return 0;
    }
    if (t->count >= t->limit)
        return -ENOSPC;
    if (t->count == t->keys_cap && grow_keys(t) < 0)
        return -ENOMEM;
    if (t->count >= ((uint32_t)1 << t->bucket_bits) / 4 * 3) {
        if (grow_buckets(t) < 0)
            return -ENOMEM;
        bucket = bucket_of(t, key);
    }
    const char *place = store_key(t, key);
    if (!place)
        return -ENOMEM;
    t->keys[t->count] = place;
    *slot = t->count++;
    *bucket = *slot + 1;
    return 0;
}

int slot_add(struct slot_table *t, struct bytes key, uint32_t *slot)
{
    pthread_mutex_lock(&t->lock);
    int r = add_locked(t, key, slot);
    pthread_mutex_unlock(&t->lock);
    return r;
}

int slot_find(const struct slot_table *t, struct bytes key, uint32_t *slot)
{
    pthread_mutex_t *lock = (pthread_mutex_t *)&t->lock;
    pthread_mutex_lock(lock);
    uint32_t found = *bucket_of(t, key);
    pthread_mutex_unlock(lock);
    if (!found)
        return -ENOENT;
    *slot = found - 1;
    return 0;
}

struct bytes slot_get(const struct slot_table *t, uint32_t slot)
{
    pthread_mutex_t *lock = (pthread_mutex_t *)&t->lock;
    struct bytes key = {NULL, 0};
    pthread_mutex_lock(lock);
    if (slot < t->count)
        key = key_at(t, slot);
    pthread_mutex_unlock(lock);
    return key;
}

uint32_t slot_count(const struct slot_table *t)
{
    pthread_mutex_t *lock = (pthread_mutex_t *)&t->lock;
    pthread_mutex_lock(lock);
    uint32_t count = t->count;
    pthread_mutex_unlock(lock);
    return count;
}
