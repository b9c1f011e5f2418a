// SPDX-License-Identifier: Apache-2.0
/*
 * digest: 128 bits that stand for a string of any length, so that the string need not be kept.
 *
 * SipHash-2-4 with a secret key (Aumasson and Bernstein): strangers choose ids and contents, and
 * without the key nobody can look for two that are alike. Of 2^24 strings two are alike by chance
 * with a probability of 2^-81. Pure.
 */
#ifndef IMSFS_DIGEST_H
#define IMSFS_DIGEST_H

#include "imsfs/base.h"

struct digest_key {
    uint64_t k[2];
};

struct digest {
    uint64_t low, high;
};

/* A key that nobody can guess. */
struct digest_key digest_key_new(void);
struct digest digest_of(const struct digest_key *key, struct bytes text);

#endif
