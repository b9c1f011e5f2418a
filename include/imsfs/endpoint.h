// SPDX-License-Identifier: Apache-2.0
/*
 * endpoint: where a list call is, and the addresses of its pages.
 *
 * Every address is made of our own endpoint and our own parameters; from the server comes only the
 * marker, so a path prefix and repeated parameters survive and no link leads elsewhere. One thread.
 */
#ifndef IMSFS_ENDPOINT_H
#define IMSFS_ENDPOINT_H

#include "imsfs/query.h"
#include "imsfs/url.h"

struct list_call {
    const char *name; /* as in api= */
    const char *path;
    bool by_last_id; /* no "next": go on from the last id until a page is empty */
};
/* NULL: there is none of this name. */
const struct list_call *list_call_find(const char *name);

struct endpoint {
    const struct list_call *call;
    struct url url; /* of the service */
    char *list_url; /* of the call; NULL: not known yet */
};

/* Points the endpoint (with its call set) at a service, of which it takes a copy. -ENOMEM: as
 * before. */
MUST_CHECK int endpoint_set(struct endpoint *e, const struct url *service);
void endpoint_free(struct endpoint *e);

/*
 * Adds the address of the page at the marker (empty: the first), with our limit unless it is 0.
 * query may be NULL. -ENOMEM.
 */
MUST_CHECK int endpoint_add_page(const struct endpoint *e, const struct query *query,
                                 struct bytes marker, unsigned limit, struct strbuf *out);

#endif
