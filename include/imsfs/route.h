// SPDX-License-Identifier: Apache-2.0
/*
 * route: which list call criteria go to, and whether the service is an IMS or a plain Glance.
 *
 * The dialect is what the user says, else what is known of the host, else what a probe of
 * /v2/cloudimages told; until somebody needs it nobody asks. The module decides and remembers, its
 * caller sends. One thread at a time sets it up and learns; any thread may ask at the same time.
 */
#ifndef IMSFS_ROUTE_H
#define IMSFS_ROUTE_H

#include <stdatomic.h>

#include "imsfs/endpoint.h"

struct route {
    const struct list_call *api; /* of the mount; does not change */
    atomic_int given;            /* enum query_dialect: by the user, the mount or the host's name */
    atomic_int learned;          /* the same, by /v2/cloudimages; IMS: it is there, GLANCE: not */
};

/* The dialect called "ims" or "glance"; unknown for NULL and anything else. */
enum query_dialect route_dialect_called(const char *name);
/* "ims", "glance" or "unknown". */
const char *route_dialect_name(enum query_dialect dialect);

/* Knows nothing but api. */
void route_init(struct route *r, const struct list_call *api);
/*
 * The dialect is the one that the user says; when that is unknown, a mount of cloudimages is IMS,
 * and so is a service on a host of Huawei Cloud or the Open Telekom Cloud (profile.h). service is
 * its address, NULL while only sign-in will tell. What was learned is forgotten.
 */
void route_set_service(struct route *r, enum query_dialect said, const char *service);

/*
 * The name of the call that a mount of api ("images", "cloudimages", or anything else that is none)
 * with this filter (NULL: none) makes for its own list.
 */
const char *route_own_api(const char *api, enum query_dialect dialect, const struct query *filter);

/* Unknown: a probe would tell. */
enum query_dialect route_dialect(const struct route *r);
/* True: it has answered. */
bool route_has_cloudimages(const struct route *r);

enum route_step {
    ROUTE_SEND,   /* the criteria to the call */
    ROUTE_PROBE,  /* the criterion limit=1 to the call; then route_learn(), and ask again */
    ROUTE_REFUSE, /* nothing */
};

struct route_plan {
    enum route_step step;
    const struct list_call *call; /* NULL: refused */
    int error;                    /* refused: -EINVAL or -EOPNOTSUPP; else 0 */
};

/* What is to be sent next for these criteria. Refused: err says why. */
struct route_plan route_query(const struct route *r, const struct query *q,
                              struct query_error *err);

/*
 * The status of an answer of /v2/cloudimages, to a probe or to criteria. 200 (with a list, as the
 * caller has seen) and 400: the call is there; 404: it is not. Anything else, and 0 for none, says
 * nothing (a 401 comes from either, which look at the token first). False: nothing was learned, so
 * that asking again at once would lead to the same probe.
 */
bool route_learn(struct route *r, int status);
/* At SIGHUP, and when it is time to try again what was missing. */
void route_forget(struct route *r);

#endif
