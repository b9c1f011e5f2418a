// SPDX-License-Identifier: Apache-2.0
#include "imsfs/patience.h"

#include <errno.h>

void patience_init(struct patience *p, const struct patience_config *config)
{
    *p = (struct patience){.config = *config};
    clock_cond_init(&p->changed);
}

void patience_deinit(struct patience *p)
{
    pthread_cond_destroy(&p->changed);
}

void patience_nudge(struct patience *p)
{
    pthread_cond_broadcast(&p->changed);
}

/* A list whose readers have waited for too long, or NULL; *left_ms: until there may be one.
 * With the roster's lock held, as the next. */
static struct list *next_overdue(const struct patience *p, int64_t *left_ms)
{
    int64_t now = clock_now_ms(p->config.clock);
    *left_ms = INT64_MAX;
    for (uint32_t i = 0; i < ROSTER_NUMBERS; i++) {
        struct list *l = p->config.roster->lists[i];
        if (l && list_is_overdue(l, p->config.timeout_ms, now, left_ms))
            return l;
    }
    return NULL;
}

static void let_go(const struct patience *p, struct list *l)
{
    struct roster *roster = p->config.roster;
    uint32_t number = l->number;
    int error = list_give_up_waiting(l, clock_now_ms(p->config.clock));
    pthread_mutex_unlock(&roster->lock);
    roster_tell(roster, number, LIST_EVENT_ALL, error);
    pthread_mutex_lock(&roster->lock);
}

static void *run(void *ctx)
{
    struct patience *p = ctx;
    pthread_mutex_lock(&p->config.roster->lock);
    while (!p->stop) {
        int64_t left_ms;
        struct list *l = next_overdue(p, &left_ms);
        if (l)
            let_go(p, l);
        else
            clock_cond_wait(&p->changed, &p->config.roster->lock, left_ms);
    }
    pthread_mutex_unlock(&p->config.roster->lock);
    return NULL;
}

int patience_start(struct patience *p)
{
    if (!p->config.timeout_ms)
        return 0;
    int r = -pthread_create(&p->thread, NULL, run, p);
    p->started = r == 0;
    return r;
}

void patience_stop(struct patience *p)
{
    pthread_mutex_lock(&p->config.roster->lock);
    p->stop = true;
    patience_nudge(p);
    pthread_mutex_unlock(&p->config.roster->lock);
    if (p->started)
        pthread_join(p->thread, NULL);
    p->started = false;
}
