// SPDX-License-Identifier: Apache-2.0
#include "imsfs/meaning.h"

#include <errno.h>

#include "imsfs/filter.h"

void meaning_clear(struct meaning *m)
{
    named_criteria_clear(&m->what);
    query_free(m->copy);
    free(m->refusal.why);
}

/* What a dialect says to its form. */
struct verdict {
    int error;
    struct query_error why;
};

static int refuse_in(struct meaning *m, enum query_dialect dialect, const struct verdict *v)
{
    char *why = strdup(v->why.text);
    if (!why)
        return -ENOMEM;
    m->refusal = (struct source_refusal){dialect, v->error, why};
    return 0;
}

/* Both forms of a named query. While nobody knows the dialect, it is enough that one works. err
 * says why there is no project. */
static int filter_forms(const struct query *filter, enum query_dialect dialect, struct meaning *m,
                        struct query_error *err)
{
    struct verdict ims = {.error = 0}, glance = {.error = 0};
    ims.error = filter_restrict(filter, &m->what.query, &ims.why);
    glance.error = filter_restrict(filter, &m->what.glance, &glance.why);
    if (ims.error == -ENOMEM || glance.error == -ENOMEM)
        return -ENOMEM;
    if (m->what.lacks_project)
        glance = (struct verdict){-EOPNOTSUPP, *err};
    bool known = dialect != QUERY_DIALECT_UNKNOWN;
    if (known || (ims.error < 0 && glance.error < 0)) {
        const struct verdict *v = dialect == QUERY_DIALECT_GLANCE ? &glance : &ims;
        *err = v->why;
        if (v->error < 0)
            return v->error;
    }
    if (ims.error < 0)
        return refuse_in(m, QUERY_DIALECT_IMS, &ims);
    return glance.error < 0 ? refuse_in(m, QUERY_DIALECT_GLANCE, &glance) : 0;
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
    if (r == -ENOENT && !memchr(name.data, '&', name.len))
        query_refuse(err, r, name, "no query has this name; criteria are name=value joined by '&'");
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
        .refusal = {m->refusal.in, m->refusal.error, STEAL(m->refusal.why)},
    };
}
