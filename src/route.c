// SPDX-License-Identifier: Apache-2.0
#include "imsfs/route.h"

#include <errno.h>

#include "imsfs/profile.h"

static const struct {
    const char *name;
    enum query_dialect dialect;
} names[] = {
    {"ims", QUERY_DIALECT_IMS},
    {"glance", QUERY_DIALECT_GLANCE},
};

static const struct {
    int status;
    enum query_dialect dialect;
} lessons[] = {
    {200, QUERY_DIALECT_IMS},
    {400, QUERY_DIALECT_IMS},
    {404, QUERY_DIALECT_GLANCE},
};

enum query_dialect route_dialect_called(const char *name)
{
    for (size_t i = 0; name && i < ARRAY_SIZE(names); i++)
        if (streq(name, names[i].name))
            return names[i].dialect;
    return QUERY_DIALECT_UNKNOWN;
}

const char *route_dialect_name(enum query_dialect dialect)
{
    for (size_t i = 0; i < ARRAY_SIZE(names); i++)
        if (dialect == names[i].dialect)
            return names[i].name;
    return "unknown";
}

static const struct list_call *images(void)
{
    return list_call_find("images");
}

static const struct list_call *cloudimages(void)
{
    return list_call_find("cloudimages");
}

void route_init(struct route *r, const struct list_call *api)
{
    r->api = api;
    atomic_init(&r->given, QUERY_DIALECT_UNKNOWN);
    atomic_init(&r->learned, QUERY_DIALECT_UNKNOWN);
}

void route_set_service(struct route *r, enum query_dialect said, const char *service)
{
    /* All profiles whose hosts can be recognized are those of an IMS. */
    bool known = r->api == cloudimages() || (service && profile_serving(service));
    if (said == QUERY_DIALECT_UNKNOWN && known)
        said = QUERY_DIALECT_IMS;
    atomic_store(&r->given, (int)said);
    route_forget(r);
}

const char *route_own_api(const char *api, enum query_dialect dialect, const struct query *filter)
{
    bool moved = filter && dialect != QUERY_DIALECT_GLANCE && query_needs_cloudimages(filter);
    return moved && list_call_find(api) ? cloudimages()->name : api;
}

enum query_dialect route_dialect(const struct route *r)
{
    enum query_dialect given = (enum query_dialect)atomic_load(&r->given);
    return given ? given : (enum query_dialect)atomic_load(&r->learned);
}

bool route_has_cloudimages(const struct route *r)
{
    return atomic_load(&r->learned) == QUERY_DIALECT_IMS;
}

static struct route_plan refuse(int error)
{
    return (struct route_plan){ROUTE_REFUSE, NULL, error};
}

static struct route_plan send_to_cloudimages(const struct route *r, const struct query *q,
                                             struct query_error *err)
{
    if (atomic_load(&r->learned) != QUERY_DIALECT_GLANCE)
        return (struct route_plan){ROUTE_SEND, cloudimages(), 0};
    for (size_t i = 0; i < query_count(q); i++) {
        const struct query_item *item = query_at(q, i);
        if (item->param && !(item->param->calls & PARAM_NATIVE))
            query_refuse(err, -EOPNOTSUPP, item->name,
                         "only /v2/cloudimages knows this, and the service has no such call");
    }
    return refuse(-EOPNOTSUPP);
}

struct route_plan route_query(const struct route *r, const struct query *q, struct query_error *err)
{
    enum query_dialect dialect = route_dialect(r);
    if (dialect == QUERY_DIALECT_UNKNOWN && query_needs_dialect(q))
        return (struct route_plan){ROUTE_PROBE, cloudimages(), 0};
    int error = query_check(q, dialect, err);
    if (error < 0)
        return refuse(error);
    if (dialect == QUERY_DIALECT_GLANCE)
        return (struct route_plan){ROUTE_SEND, images(), 0};
    if (query_needs_cloudimages(q))
        return send_to_cloudimages(r, q, err);
    return (struct route_plan){ROUTE_SEND, r->api, 0};
}

bool route_learn(struct route *r, int status)
{
    for (size_t i = 0; i < ARRAY_SIZE(lessons); i++) {
        if (lessons[i].status != status)
            continue;
        atomic_store(&r->learned, (int)lessons[i].dialect);
        return true;
    }
    return false;
}

void route_forget(struct route *r)
{
    atomic_store(&r->learned, QUERY_DIALECT_UNKNOWN);
}
