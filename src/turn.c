// SPDX-License-Identifier: Apache-2.0
#include "imsfs/turn.h"

void turn_init(struct turn *t)
{
    *t = (struct turn){0};
    pthread_mutex_init(&t->lock, NULL);
    pthread_cond_init(&t->changed, NULL);
}

void turn_deinit(struct turn *t)
{
    pthread_cond_destroy(&t->changed);
    pthread_mutex_destroy(&t->lock);
}

void turn_take(struct turn *t)
{
    if (!t)
        return;
    pthread_mutex_lock(&t->lock);
    uint64_t mine = t->next++;
    while (t->served != mine)
        pthread_cond_wait(&t->changed, &t->lock);
    pthread_mutex_unlock(&t->lock);
}

void turn_give(struct turn *t)
{
    if (!t)
        return;
    pthread_mutex_lock(&t->lock);
    t->served++;
    pthread_cond_broadcast(&t->changed);
    pthread_mutex_unlock(&t->lock);
}
