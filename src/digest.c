// SPDX-License-Identifier: Apache-2.0
#include "imsfs/digest.h"

#include <sys/random.h>
#include <time.h>

struct state {
    uint64_t v[4];
};

struct digest_key digest_key_new(void)
{
    struct digest_key key;
    if (getrandom(&key, sizeof(key), GRND_NONBLOCK) == sizeof(key))
        return key;
    /* Too early in the boot: hard to guess will have to do. */
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (struct digest_key){{(uintptr_t)&key, (uint64_t)now.tv_nsec}};
}

static uint64_t rotate(uint64_t x, unsigned bits)
{
    return x << bits | x >> (64 - bits);
}

static void mix(struct state *s, unsigned rounds)
{
    uint64_t a = s->v[0], b = s->v[1], c = s->v[2], d = s->v[3];
    while (rounds--) {
        a += b;
        c += d;
        b = rotate(b, 13) ^ a;
        d = rotate(d, 16) ^ c;
        a = rotate(a, 32) + d;
        c += b;
        d = rotate(d, 21) ^ a;
        b = rotate(b, 17) ^ c;
        c = rotate(c, 32);
    }
    *s = (struct state){{a, b, c, d}};
}

static void add_word(struct state *s, uint64_t word)
{
    s->v[3] ^= word;
    mix(s, 2);
    s->v[0] ^= word;
}

static uint64_t result(const struct state *s)
{
    return s->v[0] ^ s->v[1] ^ s->v[2] ^ s->v[3];
}

/* Little-endian, as the algorithm is defined. */
static uint64_t word_at(const char *data, size_t len)
{
    uint64_t word = 0;
    for (size_t i = 0; i < len; i++)
        word |= (uint64_t)(uint8_t)data[i] << (8 * i);
    return word;
}

struct digest digest_of(const struct digest_key *key, struct bytes text)
{
    struct digest digest;
    struct state s = {{key->k[0] ^ 0x736f6d6570736575u, key->k[1] ^ 0x646f72616e646f6du ^ 0xee,
                       key->k[0] ^ 0x6c7967656e657261u, key->k[1] ^ 0x7465646279746573u}};
    size_t i = 0;
    for (; i + 8 <= text.len; i += 8)
        add_word(&s, word_at(text.data + i, 8));
    add_word(&s, word_at(text.data + i, text.len - i) | (uint64_t)text.len << 56);
    s.v[2] ^= 0xee;
    mix(&s, 4);
    digest.low = result(&s);
    s.v[1] ^= 0xdd;
    mix(&s, 4);
    digest.high = result(&s);
    return digest;
}
