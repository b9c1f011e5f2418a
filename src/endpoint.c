// SPDX-License-Identifier: Apache-2.0
#include "imsfs/endpoint.h"

#include <errno.h>

static const struct list_call calls[] = {
    {"images", "/v2/images", false},
    {"cloudimages", "/v2/cloudimages", true},
};

const struct list_call *list_call_find(const char *name)
{
    for (size_t i = 0; i < ARRAY_SIZE(calls); i++) {
        if (streq(calls[i].name, name))
            return &calls[i];
    }
    return NULL;
}

void endpoint_add_call(const struct url *service, const struct list_call *call, struct strbuf *out)
{
    strbuf_printf(out, "%s%s", service->base ? service->base : "", call->path);
}

/* Adds the criteria and, behind the first page, the marker. */
static int add_criteria(const struct query *query, struct bytes marker, struct strbuf *out)
{
    struct query *moved = NULL;
    if (query && marker.len) {
        int r = query_set(&moved, query, "marker", marker);
        if (r < 0)
            return r;
    }
    if (query) {
        query_add_url(moved ? moved : query, out);
    } else if (marker.len) {
        strbuf_add_str(out, "marker=");
        url_add_encoded(out, marker);
    }
    query_free(moved);
    return 0;
}

int endpoint_add_page(const struct url *service, const struct list_call *call,
                      const struct query *query, struct bytes marker, unsigned limit,
                      struct strbuf *out)
{
    CLEANUP(strbuf_free) struct strbuf text = STRBUF_INIT;
    int r = add_criteria(query, marker, &text);
    if (r < 0)
        return r;
    if (limit)
        strbuf_printf(&text, "%slimit=%u", text.len ? "&" : "", limit);
    endpoint_add_call(service, call, out);
    strbuf_printf(out, "%s%s", text.len ? "?" : "", strbuf_str(&text));
    return strbuf_error(&text) < 0 ? -ENOMEM : strbuf_error(out);
}
