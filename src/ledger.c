// SPDX-License-Identifier: Apache-2.0
/*
 * Cells in chunks that never move, and an open-addressing hash of their numbers. What grows by
 * copying is the hash alone, 4 bytes a bucket, and by an eighth only: these tables are for the life
 * of the mount, so room that is not used yet costs more than to fill in the hash more often.
 */
#include "imsfs/ledger.h"

#include <errno.h>
#include <pthread.h>

#define CHUNK_CELLS 4096
#define MIN_BUCKETS 64
#define DIGEST_WORDS 2
/* A bucket: the number + 1, or 0 for a free one, and above it the part of the digest that the cell
 * does not have; so few cells are looked at in vain. */
#define NUMBER_BITS 24
#define NUMBER_MASK ((1u << NUMBER_BITS) - 1)

struct key {
    uint32_t words[DIGEST_WORDS]; /* what the cell has; 64-bit fields would be padded */
    uint32_t tag;                 /* what the bucket has, above the number */
};

struct buckets {
    uint32_t *items;
    uint32_t count;
};

struct ledger {
    struct digest_key secret;
    size_t cell_words; /* the words of the key, then the user's */
    uint32_t limit;
    pthread_mutex_t adding; /* protects: count and chunks, and who may change buckets */
    uint32_t count;
    uint32_t **chunks;    /* they stay where they are; a cell's key is there before its bucket */
    pthread_mutex_t lock; /* protects: buckets; taken with adding or alone, and for short */
    struct buckets buckets;
};

static size_t chunk_limit(const struct ledger *t)
{
    return (t->limit + CHUNK_CELLS - 1) / CHUNK_CELLS;
}

int ledger_new(struct ledger **out, uint32_t limit, size_t extra)
{
    struct ledger *t = calloc(1, sizeof(*t));
    if (!t)
        return -ENOMEM;
    t->secret = digest_key_new();
    t->cell_words = DIGEST_WORDS + extra / sizeof(uint32_t);
    t->limit = limit;
    t->buckets.count = MIN_BUCKETS;
    pthread_mutex_init(&t->adding, NULL);
    pthread_mutex_init(&t->lock, NULL);
    t->buckets.items = calloc(MIN_BUCKETS, sizeof(*t->buckets.items));
    t->chunks = calloc(chunk_limit(t), sizeof(*t->chunks));
    if (!t->buckets.items || !t->chunks) {
        ledger_free(t);
        return -ENOMEM;
    }
    *out = t;
    return 0;
}

void ledger_free(struct ledger *t)
{
    if (!t)
        return;
    for (size_t i = 0; t->chunks && i < chunk_limit(t) && t->chunks[i]; i++)
        free(t->chunks[i]);
    pthread_mutex_destroy(&t->lock);
    pthread_mutex_destroy(&t->adding);
    free(t->chunks);
    free(t->buckets.items);
    free(t);
}

static uint32_t *cell_at(const struct ledger *t, uint32_t number)
{
    return t->chunks[number / CHUNK_CELLS] + number % CHUNK_CELLS * t->cell_words;
}

struct digest ledger_digest(const struct ledger *t, struct bytes text)
{
    return digest_of(&t->secret, text);
}

static struct key key_of(const struct ledger *t, struct bytes text)
{
    struct digest d = ledger_digest(t, text);
    return (struct key){{(uint32_t)d.low, (uint32_t)(d.low >> 32)},
                        (uint32_t)d.high & ~NUMBER_MASK};
}

static uint32_t first_bucket(const struct buckets *b, const uint32_t *words)
{
    return (uint32_t)((uint64_t)words[0] * b->count >> 32);
}

static uint32_t next_bucket(const struct buckets *b, uint32_t i)
{
    return i + 1 < b->count ? i + 1 : 0;
}

static bool is_of(const struct ledger *t, uint32_t bucket, const struct key *key)
{
    return (bucket & ~NUMBER_MASK) == key->tag &&
           memcmp(cell_at(t, (bucket & NUMBER_MASK) - 1), key->words, sizeof(key->words)) == 0;
}

/* The bucket of the same key; 0: it is not there. */
static uint32_t bucket_of(const struct ledger *t, const struct key *key)
{
    const struct buckets *b = &t->buckets;
    uint32_t i = first_bucket(b, key->words);
    while (b->items[i] && !is_of(t, b->items[i], key))
        i = next_bucket(b, i);
    return b->items[i];
}

/* Of a key that is known to be in no bucket. */
static void fill_bucket(struct buckets *b, const uint32_t *words, uint32_t bucket)
{
    uint32_t i = first_bucket(b, words);
    while (b->items[i])
        i = next_bucket(b, i);
    b->items[i] = bucket;
}

/* Whoever looks up goes on with the old ones meanwhile. */
static int grow_buckets(struct ledger *t)
{
    const struct buckets old = t->buckets;
    struct buckets grown = {.count = old.count + old.count / 8};
    grown.items = calloc(grown.count, sizeof(*grown.items));
    if (!grown.items)
        return -ENOMEM;
    for (uint32_t i = 0; i < old.count; i++)
        if (old.items[i])
            fill_bucket(&grown, cell_at(t, (old.items[i] & NUMBER_MASK) - 1), old.items[i]);
    pthread_mutex_lock(&t->lock);
    t->buckets = grown;
    pthread_mutex_unlock(&t->lock);
    free(old.items);
    return 0;
}

/* Room for one more. */
static int reserve(struct ledger *t)
{
    uint32_t **chunk = &t->chunks[t->count / CHUNK_CELLS];
    if (!*chunk)
        *chunk = calloc(CHUNK_CELLS * t->cell_words, sizeof(**chunk));
    if (!*chunk)
        return -ENOMEM;
    return t->count < t->buckets.count / 8 * 7 ? 0 : grow_buckets(t);
}

/* By whoever holds adding. */
static int add_only(struct ledger *t, const struct key *key, uint32_t *number)
{
    uint32_t found = bucket_of(t, key);
    if (found) {
        *number = (found & NUMBER_MASK) - 1;
        return 0;
    }
    if (t->count >= t->limit)
        return -ENOSPC;
    int r = reserve(t);
    if (r < 0)
        return r;
    *number = t->count++;
    memcpy(cell_at(t, *number), key->words, sizeof(key->words));
    pthread_mutex_lock(&t->lock);
    fill_bucket(&t->buckets, key->words, key->tag | (*number + 1));
    pthread_mutex_unlock(&t->lock);
    return 0;
}

int ledger_add(struct ledger *t, struct bytes text, uint32_t *number)
{
    const struct key key = key_of(t, text);
    pthread_mutex_lock(&t->adding);
    int r = add_only(t, &key, number);
    pthread_mutex_unlock(&t->adding);
    return r;
}

int ledger_find(const struct ledger *t, struct bytes text, uint32_t *number)
{
    pthread_mutex_t *lock = (pthread_mutex_t *)&t->lock;
    const struct key key = key_of(t, text);
    pthread_mutex_lock(lock);
    uint32_t found = bucket_of(t, &key);
    pthread_mutex_unlock(lock);
    if (!found)
        return -ENOENT;
    *number = (found & NUMBER_MASK) - 1;
    return 0;
}

void *ledger_extra(struct ledger *t, uint32_t number)
{
    return cell_at(t, number) + DIGEST_WORDS;
}
