// SPDX-License-Identifier: Apache-2.0
#include "imsfs/page.h"

#include <errno.h>

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

/* NULL: the list is empty. */
static const struct image *last_image(const struct catalog *list)
{
    const struct directory *d = catalog_dir(list, 0);
    return d && d->count ? catalog_image(list, d->entries[d->count - 1]) : NULL;
}

bool page_exists(const struct query *criteria, const struct catalog *list, enum node_page page)
{
    if (query_limit(criteria) == 0)
        return false;
    return page == NODE_PAGE_FIRST ||
           (list && catalog_is_whole(list) && catalog_has_more(list) && last_image(list));
}

static void free_query(struct query **q)
{
    query_free(*q);
}

int page_add_criteria(const struct query *criteria, const struct catalog *list, enum node_page page,
                      struct strbuf *out)
{
    CLEANUP(strbuf_free) struct strbuf id = STRBUF_INIT;
    CLEANUP(free_query) struct query *other = NULL;
    struct bytes marker = {NULL, 0};
    if (!page_exists(criteria, list, page))
        return -ENOENT;
    if (page == NODE_PAGE_NEXT) {
        image_add_raw_id(last_image(list), &id);
        marker = strbuf_bytes(&id);
    }
    int r = strbuf_error(&id);
    if (r == 0)
        r = query_set(&other, criteria, MARKER, marker);
    if (r < 0)
        return r;
    query_add_name(other, out);
    return strbuf_error(out);
}
