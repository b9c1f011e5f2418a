// SPDX-License-Identifier: Apache-2.0
#include "imsfs/endpoint.h"

#include <errno.h>
#include <stdio.h>

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

int endpoint_set(struct endpoint *e, const struct url *service)
{
    CLEANUP(url_free) struct url copy = *service;
    char *list_url;
    copy.base = strdup(service->base);
    if (!copy.base || asprintf(&list_url, "%s%s", copy.base, e->call->path) < 0)
        return -ENOMEM;
    endpoint_free(e);
    e->url = copy;
    e->list_url = list_url;
    copy = (struct url){0};
    return 0;
}

void endpoint_free(struct endpoint *e)
{
    url_free(&e->url);
    free(e->list_url);
    e->list_url = NULL;
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

int endpoint_add_page(const struct endpoint *e, const struct query *query, struct bytes marker,
                      unsigned limit, struct strbuf *out)
{
    CLEANUP(strbuf_free) struct strbuf text = STRBUF_INIT;
    int r = add_criteria(query, marker, &text);
    if (r < 0)
        return r;
    if (limit)
        strbuf_printf(&text, "%slimit=%u", text.len ? "&" : "", limit);
    strbuf_printf(out, "%s%s%s", e->list_url, text.len ? "?" : "", strbuf_str(&text));
    return strbuf_error(&text) < 0 ? -ENOMEM : strbuf_error(out);
}
