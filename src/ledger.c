// SPDX-License-Identifier: Apache-2.0
/*
 * Cells in chunks that never move, and an open-addressing hash of their numbers. What grows by
 * copying is the hash alone, 4 bytes a bucket, and by a quarter only: these tables are for the life
 * of the mount, so room that is not used yet costs more than to fill in the hash more often.
 */
#include "imsfs/ledger.h"

#include <errno.h>
#include <pthread.h>

#define CHUNK_CELLS 4096
#define MIN_BUCKETS 64
#define DIGEST_WORDS 3
/* A bucket: the number + 1, or 0 for a free one, and above it bits of the digest, so that few cells
 * are looked at in vain. */
#define NUMBER_BITS 24
#define NUMBER_MASK ((1u << NUMBER_BITS) - 1)

/* In 32 bits each: 64-bit fields would be padded. */
struct key {
    uint32_t words[DIGEST_WORDS];
};

struct ledger {
    struct digest_key secret;
    size_t cell_words;    /* the key, then the user's */
    pthread_mutex_t lock; /* protects: everything below; chunks stay where they are */
    uint32_t limit, count;
    uint32_t *buckets;
    uint32_t bucket_count;
    uint32_t **chunks;
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
    t->bucket_count = MIN_BUCKETS;
    pthread_mutex_init(&t->lock, NULL);
    t->buckets = calloc(t->bucket_count, sizeof(*t->buckets));
    t->chunks = calloc(chunk_limit(t), sizeof(*t->chunks));
    if (!t->buckets || !t->chunks) {
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
    free(t->chunks);
    free(t->buckets);
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
    return (struct key){{(uint32_t)d.low, (uint32_t)(d.low >> 32), (uint32_t)d.high}};
}

/* What a bucket of this key has above its number. */
static uint32_t tag(const uint32_t words[DIGEST_WORDS])
{
    return words[1] & ~NUMBER_MASK;
}

static uint32_t first_bucket(const struct ledger *t, const uint32_t words[DIGEST_WORDS])
{
    return (uint32_t)((uint64_t)words[0] * t->bucket_count >> 32);
}

static uint32_t next_bucket(const struct ledger *t, uint32_t i)
{
    return i + 1 < t->bucket_count ? i + 1 : 0;
}

static bool is_of(const struct ledger *t, uint32_t bucket, const struct key *key)
{
    return (bucket & ~NUMBER_MASK) == tag(key->words) &&
           memcmp(cell_at(t, (bucket & NUMBER_MASK) - 1), key, sizeof(*key)) == 0;
}

/* The bucket of the same key; 0: it is not there. */
static uint32_t bucket_of(const struct ledger *t, const struct key *key)
{
    uint32_t i = first_bucket(t, key->words);
    while (t->buckets[i] && !is_of(t, t->buckets[i], key))
        i = next_bucket(t, i);
    return t->buckets[i];
}

/* Of a key that is known to be in no bucket. */
static void fill_bucket(struct ledger *t, const uint32_t words[DIGEST_WORDS], uint32_t number)
{
    uint32_t i = first_bucket(t, words);
    while (t->buckets[i])
        i = next_bucket(t, i);
    t->buckets[i] = tag(words) | (number + 1);
}

static int grow_buckets(struct ledger *t)
{
    uint32_t count = t->bucket_count + t->bucket_count / 4;
    uint32_t *buckets = calloc(count, sizeof(*buckets));
    if (!buckets)
        return -ENOMEM;
    free(t->buckets);
    t->buckets = buckets;
    t->bucket_count = count;
    for (uint32_t number = 0; number < t->count; number++)
        fill_bucket(t, cell_at(t, number), number);
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
    return t->count < t->bucket_count / 5 * 4 ? 0 : grow_buckets(t);
}

static int add_locked(struct ledger *t, const struct key *key, uint32_t *number)
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
    memcpy(cell_at(t, *number), key, sizeof(*key));
    fill_bucket(t, key->words, *number);
    return 0;
}

int ledger_add(struct ledger *t, struct bytes text, uint32_t *number)
{
    const struct key key = key_of(t, text);
    pthread_mutex_lock(&t->lock);
    int r = add_locked(t, &key, number);
    pthread_mutex_unlock(&t->lock);
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
    pthread_mutex_lock(&t->lock);
    uint32_t *cell = cell_at(t, number);
    pthread_mutex_unlock(&t->lock);
    return cell + DIGEST_WORDS;
}
