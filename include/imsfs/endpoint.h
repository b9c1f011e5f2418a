// SPDX-License-Identifier: Apache-2.0
/*
 * endpoint: where the list calls of a service are, and the addresses of their pages.
 *
 * Every address is made of our own endpoint and our own parameters; from the server comes only the
 * marker, so a path prefix and repeated parameters survive and no link leads elsewhere. Pure
 * functions.
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

/* Adds the address of a call of the service; its base may be NULL while it is not known. */
void endpoint_add_call(const struct url *service, const struct list_call *call, struct strbuf *out);
/*
 * Adds the address of the call's page at the marker (empty: the first), with our limit unless it is
 * 0. query may be NULL. -ENOMEM.
 */
MUST_CHECK int endpoint_add_page(const struct url *service, const struct list_call *call,
                                 const struct query *query, struct bytes marker, unsigned limit,
                                 struct strbuf *out);

#endif
