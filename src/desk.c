// SPDX-License-Identifier: Apache-2.0
#include "imsfs/desk.h"

#include <errno.h>

int desks_init(struct desks *d, unsigned lanes, const struct http_config *http)
{
    *d = (struct desks){.lanes = lanes, .all = calloc(2 * (size_t)lanes, sizeof(struct desk))};
    int r = d->all ? 0 : -ENOMEM;
    while (r == 0 && d->count < 2 * lanes) {
        r = http_new(&d->all[d->count].http, http);
        d->count += r == 0;
    }
    for (unsigned i = d->count; i > 0; i--)
        desk_give(d, &d->all[i - 1]);
    return r;
}

void desks_deinit(struct desks *d)
{
    for (unsigned i = 0; i < d->count; i++)
        http_free(d->all[i].http);
    free(d->all);
    *d = (struct desks){0};
}

void desks_cancel(struct desks *d)
{
    for (unsigned i = 0; i < d->count; i++)
        http_cancel(d->all[i].http);
}

struct desk *desk_take(struct desks *d)
{
    struct desk *desk = d->free;
    d->free = desk->next;
    d->left--;
    return desk;
}

void desk_give(struct desks *d, struct desk *desk)
{
    desk->next = d->free;
    d->free = desk;
    d->left++;
}

bool desk_may_stay(const struct desks *d)
{
    return d->left > d->lanes;
}
