// SPDX-License-Identifier: Apache-2.0
/*
 * turn: lets one of several threads work at a time, in the order in which they came. Who works
 * gives the turn up while he waits for something slow that needs nobody's data, such as a network;
 * then another works meanwhile.
 *
 * It is no data lock, and is held for as long as a piece of work takes, other locks and calls of
 * listeners included: never wait for the turn with a lock held. Between taking and giving it up
 * nobody else changes what only its threads touch; whoever gives it up must look again afterwards.
 */
#ifndef IMSFS_TURN_H
#define IMSFS_TURN_H

#include <pthread.h>

#include "imsfs/base.h"

struct turn {
    pthread_mutex_t lock; /* protects: the numbers below */
    pthread_cond_t changed;
    uint64_t next;   /* given to whoever comes */
    uint64_t served; /* who has the turn, or will when he comes */
};

void turn_init(struct turn *t);
/* Nobody has it or waits for it. */
void turn_deinit(struct turn *t);

/* Any thread that does not have it. NULL: there is one thread only, and nothing to do. */
void turn_take(struct turn *t);
/* The thread that has it. NULL as above. */
void turn_give(struct turn *t);

#endif
