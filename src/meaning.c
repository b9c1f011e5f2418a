// SPDX-License-Identifier: Apache-2.0
#include "imsfs/meaning.h"

#include <errno.h>

#include "imsfs/filter.h"

void meaning_clear(struct meaning *m)
{
    named_criteria_clear(&m->what);
    query_free(m->copy);
}

/* Both forms of a named query. While nobody knows the dialect, it is enough that one works. */
static int filter_forms(const struct query *filter, enum query_dialect dialect, struct meaning *m,
                        struct query_error *err)
{
    int glance = m->what.lacks_project ? -EOPNOTSUPP : 0;
    int ims = filter_restrict(filter, &m->what.query, err);
    int r = filter_restrict(filter, &m->what.glance, err);
    if (ims == -ENOMEM || r == -ENOMEM)
        return -ENOMEM;
    glance = glance < 0 ? glance : r;
    if (dialect != QUERY_DIALECT_UNKNOWN || (ims < 0 && glance < 0)) {
        r = dialect == QUERY_DIALECT_GLANCE ? glance : ims;
        if (r < 0)
            return r;
    }
    if (ims < 0 || glance < 0)
        m->refused_in = ims < 0 ? QUERY_DIALECT_IMS : QUERY_DIALECT_GLANCE;
    m->refusal = ims < 0 ? ims : glance;
    return 0;
}

int meaning_of(struct meaning *m, const struct criteria *c, struct bytes name,
               enum query_dialect dialect, struct bytes project, struct query_error *err)
{
    size_t i;
    int r;
    m->named = named_find(c->named, name, &i) ? (uint32_t)i + 1 : 0;
    if (m->named)
        r = named_criteria(c->named, i, dialect, project, &m->what, err);
    else
        r = query_parse(&m->what.query, name, dialect, err);
    if (r == 0 && m->what.glance)
        m->name = named_name(c->named, i);
    if (r == 0)
        r = m->name ? filter_forms(c->filter, dialect, m, err)
                    : filter_restrict(c->filter, &m->what.query, err);
    if (r == 0)
        r = filter_rest(&m->copy, c->filter, m->what.query);
    return r;
}

struct list_query meaning_take(struct meaning *m)
{
    return (struct list_query){
        .query = STEAL(m->what.query),
        .leave_out = STEAL(m->what.leave_out),
        .glance = STEAL(m->what.glance),
        .name = m->name,
        .refused_in = m->refused_in,
        .refusal = m->refusal,
    };
}
