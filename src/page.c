// SPDX-License-Identifier: Apache-2.0
#include "imsfs/page.h"

#include <errno.h>

#include "imsfs/name.h"

#define MARKER "marker"

static const char *const names[] = {
    [NODE_PAGE_FIRST] = "first",
    [NODE_PAGE_NEXT] = "next",
};

const char *page_name(enum node_page page)
{
    return names[page];
}

bool page_of_name(struct bytes name, enum node_page *page)
{
    for (size_t i = 0; i < ARRAY_SIZE(names); i++) {
        if (bytes_are(name, names[i])) {
            *page = (enum node_page)i;
            return true;
        }
    }
    return false;
}

bool page_exists(const struct query *criteria, const struct catalog *list, enum node_page page)
{
    if (query_limit(criteria) == 0)
        return false;
    return page == NODE_PAGE_FIRST || (list && catalog_is_whole(list) && catalog_marker(list));
}

uint32_t page_version(const struct catalog *list, enum node_page page)
{
    const char *marker = page == NODE_PAGE_NEXT && list ? catalog_marker(list) : NULL;
    if (!marker)
        return 0;
    uint32_t hash = name_fnv1a(bytes_of(marker));
    /* What is above is folded in, as FNV wants it for fewer bits than it has. */
    return (hash >> NODE_PAGE_VERSION_BITS ^ hash) & ((1u << NODE_PAGE_VERSION_BITS) - 1);
}

int page_add_criteria(const struct query *criteria, const struct catalog *list, enum node_page page,
                      struct strbuf *out)
{
    CLEANUP(query_clear) struct query *other = NULL;
    struct bytes marker = {NULL, 0};
    if (!page_exists(criteria, list, page))
        return -ENOENT;
    if (page == NODE_PAGE_NEXT)
        marker = bytes_of(catalog_marker(list));
    int r = query_set(&other, criteria, MARKER, marker);
    if (r < 0)
        return r;
    query_add_name(other, out);
    return strbuf_error(out);
}
