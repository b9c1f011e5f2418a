// SPDX-License-Identifier: Apache-2.0
#include "imsfs/filter.h"

#include <errno.h>
#include <stdio.h>

#include "imsfs/log.h"

int filter_parse(struct query **out, struct bytes text, enum query_dialect dialect,
                 struct query_error *err)
{
    CLEANUP(query_clear) struct query *q = NULL;
    int r = query_parse(&q, text, dialect, err);
    if (r < 0)
        return r;
    for (size_t i = 0; i < query_count(q); i++) {
        const struct query_item *item = query_at(q, i);
        if (item->param && item->param->kind >= PARAM_LIMIT)
            return query_refuse(err, -EINVAL, item->name, "chooses a page or an order, not images");
    }
    *out = STEAL(q);
    return 0;
}

/* The filter's value of a parameter that the item gives another one, or NULL. */
static const struct query_item *find_conflict(const struct query *filter,
                                              const struct query_item *item)
{
    if (item->param && item->param->kind == PARAM_TAG)
        return NULL;
    for (size_t i = 0; i < query_count(filter); i++) {
        const struct query_item *own = query_at(filter, i);
        if (bytes_equal(own->name, item->name) && !bytes_equal(own->value, item->value))
            return own;
    }
    return NULL;
}

int filter_apply(struct query **out, const struct query *filter, const struct query *q,
                 struct query_error *err)
{
    char value[120], why[160];
    for (size_t i = 0; i < query_count(q); i++) {
        const struct query_item *item = query_at(q, i), *own = find_conflict(filter, item);
        if (!own)
            continue;
        log_escape(value, sizeof(value), own->value);
        snprintf(why, sizeof(why), "the mount's filter has only '%s'", value);
        return query_refuse(err, -EINVAL, own->name, why);
    }
    return query_join(out, filter, q, err);
}

int filter_restrict(const struct query *filter, struct query **query, struct query_error *err)
{
    struct query *joined = NULL;
    int r = filter ? filter_apply(&joined, filter, *query, err) : 0;
    if (r < 0 || !filter)
        return r;
    query_free(*query);
    *query = joined;
    return 0;
}

int filter_rest(struct query **out, const struct query *filter, struct query *q)
{
    CLEANUP(query_clear) struct query *rest = NULL;
    int r = filter ? query_without(&rest, q, filter) : 0;
    if (r == 0)
        *out = filter && query_count(rest) ? STEAL(rest) : query_ref(q);
    return r;
}
