// SPDX-License-Identifier: Apache-2.0
#include "imsfs/freshness.h"

#define RETRY_FIRST_MS 1000
#define RETRY_DOUBLINGS_MAX 20

static bool failing(const struct freshness *f, int64_t now_ms)
{
    return f->failures > 0 && now_ms - f->retry_ms < f->ttl_ms;
}

void freshness_began(struct freshness *f, int64_t now_ms)
{
    f->retrying = failing(f, now_ms);
}

void freshness_succeeded(struct freshness *f, int64_t began_ms, int64_t now_ms)
{
    int64_t twice = 2 * (now_ms - began_ms);
    f->have_list = true;
    f->list_end_ms = now_ms;
    f->valid_ms = twice > f->ttl_ms ? twice : f->ttl_ms;
    f->failures = 0;
    f->retrying = false;
    f->retry_ms = 0;
}

void freshness_expire(struct freshness *f)
{
    f->valid_ms = 0;
}

void freshness_failed(struct freshness *f, int64_t now_ms)
{
    unsigned doublings = f->failures < RETRY_DOUBLINGS_MAX ? f->failures : RETRY_DOUBLINGS_MAX;
    int64_t delay = (int64_t)RETRY_FIRST_MS << doublings;
    f->failures++;
    f->retrying = false;
    f->retry_ms = now_ms + (delay < f->ttl_ms ? delay : f->ttl_ms);
}

int64_t freshness_lease(const struct freshness *f, int64_t now_ms)
{
    int64_t left = f->have_list ? f->valid_ms / 4 * 3 - (now_ms - f->list_end_ms) : 0;
    return left > 0 ? left : 0;
}

/* Without a list. The first failure may be asked about at once: it may have been a hiccup. */
static struct freshness_verdict judge_nothing(const struct freshness *f, int64_t now_ms)
{
    if (f->failures > 1 && now_ms < f->retry_ms)
        return (struct freshness_verdict){.answer = FRESHNESS_ERROR};
    return (struct freshness_verdict){.answer = FRESHNESS_WAIT, .renew = true};
}

struct freshness_verdict freshness_judge(const struct freshness *f, bool any_age, int64_t now_ms)
{
    if (!f->have_list)
        return judge_nothing(f, now_ms);
    int64_t lease = freshness_lease(f, now_ms);
    if (lease > 0)
        return (struct freshness_verdict){.answer = FRESHNESS_LIST, .lease_ms = lease};
    int64_t age = now_ms - f->list_end_ms;
    /* After a failed renewal nobody waits for the next one, until readers have stayed away for
     * long. */
    bool stale_will_do = any_age || f->retrying || failing(f, now_ms);
    struct freshness_verdict v = {.answer = FRESHNESS_WAIT, .renew = now_ms >= f->retry_ms};
    if (age < f->valid_ms || (age < f->valid_ms + f->stale_ms && stale_will_do))
        v.answer = FRESHNESS_LIST;
    else if (!v.renew)
        v.answer = FRESHNESS_ERROR;
    return v;
}
