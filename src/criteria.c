// SPDX-License-Identifier: Apache-2.0
#include "imsfs/criteria.h"

#include <errno.h>

#include "imsfs/filter.h"
#include "imsfs/route.h"
#include "imsfs/selection.h"

/* query_parse() has several errors; on a command line all but one are slips of the user. */
static int refuse(const char *option, int error, const struct query_error *err, struct strbuf *why)
{
    if (error == -ENOMEM) {
        strbuf_add_str(why, "out of memory");
        return error;
    }
    strbuf_printf(why, "%s: %s", option, err->text);
    return -EINVAL;
}

int criteria_make(struct criteria *out, const struct criteria_text *text, struct strbuf *why)
{
    CLEANUP(criteria_clear) struct criteria c = {.dialect = route_dialect_called(text->dialect)};
    struct query_error err;
    int r = 0;
    if (text->records && c.dialect == QUERY_DIALECT_UNKNOWN)
        c.dialect = QUERY_DIALECT_IMS;
    if (text->filter)
        r = filter_parse(&c.filter, bytes_of(text->filter), c.dialect, &err);
    if (r == 0 && c.filter && text->records)
        r = selection_check(c.filter, &err);
    if (r < 0)
        return refuse("filter", r, &err, why);
    const struct named_config named = {text->queries, text->count, c.dialect, c.filter,
                                       text->records};
    r = named_new(&c.named, &named, &err);
    if (r < 0)
        return refuse("query", r, &err, why);
    *out = c;
    c = (struct criteria){0};
    return 0;
}

void criteria_clear(struct criteria *c)
{
    query_free(c->filter);
    named_free(c->named);
    *c = (struct criteria){0};
}
