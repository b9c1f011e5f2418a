// SPDX-License-Identifier: Apache-2.0
#include "imsfs/desk.h"

#include <errno.h>

static void put_back(struct desks *d, struct desk *desk)
{
    desk->next = d->free;
    d->free = desk;
    d->left++;
}

int desks_init(struct desks *d, unsigned lanes, const struct http_config *http)
{
    *d = (struct desks){.lanes = lanes,
                        .lines = http->lines ? http->lines : 1,
                        .all = calloc(2 * (size_t)lanes, sizeof(struct desk))};
    int r = d->all ? 0 : -ENOMEM;
    while (r == 0 && d->count < 2 * lanes) {
        r = http_new(&d->all[d->count].http, http);
        d->count += r == 0;
    }
    for (unsigned i = d->count; i > 0; i--)
        put_back(d, &d->all[i - 1]);
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

static bool has_line(const struct desks *d, const struct desk *desk, unsigned *line)
{
    for (*line = 0; desk && *line < d->lines; ++*line) {
        if (!(desk->busy & 1U << *line))
            return true;
    }
    return false;
}

struct desk *desk_take(struct desks *d, struct desk *beside, unsigned *line)
{
    struct desk *desk = beside;
    if (!has_line(d, beside, line)) {
        desk = d->free;
        d->free = desk->next;
        d->left--;
        *line = 0;
    }
    desk->busy |= 1U << *line;
    return desk;
}

void desk_give(struct desks *d, struct desk *desk, unsigned line)
{
    desk->busy &= ~(1U << line);
    if (!desk->busy)
        put_back(d, desk);
}

bool desk_may_stay(const struct desks *d, const struct desk *beside)
{
    unsigned line;
    return has_line(d, beside, &line) || d->left > d->lanes;
}
