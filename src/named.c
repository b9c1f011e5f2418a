// SPDX-License-Identifier: Apache-2.0
#include "imsfs/named.h"

#include <errno.h>

#include "imsfs/filter.h"
#include "imsfs/name.h"
#include "imsfs/selection.h"

/* What a method is in one dialect. */
struct form {
    const char *criteria;
    bool of_project;  /* and owner=<the caller's project> */
    bool without_own; /* the answer has one's own images, which do not belong there */
};

struct method {
    const char *name;
    bool of_members; /* records alone do not tell */
    struct form ims, glance;
};

static const struct method methods[] = {
    {"public",
     false,
     {"__imagetype=gold&visibility=public&protected=true", false, false},
     {"visibility=public", false, false}},
    {"private", false, {"", true, false}, {"", true, false}},
    {"shared-accepted",
     true,
     {"member_status=accepted&visibility=shared&__imagetype=shared", false, false},
     {"member_status=accepted&visibility=shared", false, false}},
    {"shared-rejected",
     true,
     {"member_status=rejected&visibility=shared&__imagetype=shared", false, false},
     {"member_status=rejected&visibility=shared", false, false}},
    {"shared-pending",
     true,
     {"member_status=pending&visibility=shared&__imagetype=shared", false, false},
     {"member_status=pending&visibility=shared", false, true}},
};

/* One that the user has named. */
struct own {
    char *name;
    struct query *query;
};

struct named {
    struct own *own;
    size_t count; /* of own; they stand behind the methods */
    bool records; /* see struct named_config */
};

void named_free(struct named *n)
{
    if (!n)
        return;
    for (size_t i = 0; i < n->count; i++) {
        free(n->own[i].name);
        query_free(n->own[i].query);
    }
    free(n->own);
    free(n);
}

static void free_named(struct named **n)
{
    named_free(*n);
}

/* As a component of a path it is itself. */
static bool is_plain(struct bytes name)
{
    char encoded[NAME_SIZE];
    size_t len = name_encode(encoded, name);
    return len && bytes_equal(name, (struct bytes){encoded, len}) && !memchr(name.data, '=', len);
}

static int check_name(const struct named *n, struct bytes name, struct query_error *err)
{
    size_t i;
    if (!is_plain(name))
        return query_refuse(err, -EINVAL, name, "not a plain file name without '='");
    return named_find(n, name, &i) ? query_refuse(err, -EINVAL, name, "the name is taken") : 0;
}

/* The name in front of what is wrong with its criteria. */
static int refuse_criteria(struct query_error *err, struct bytes name)
{
    struct query_error reason = *err;
    return query_refuse(err, -EINVAL, name, reason.text);
}

static int add_own(struct named *n, const char *text, const struct named_config *config,
                   struct query_error *err)
{
    CLEANUP(query_clear) struct query *q = NULL;
    CLEANUP(query_clear) struct query *joined = NULL;
    struct bytes name = {text, strcspn(text, ":")};
    if (!text[name.len])
        return query_refuse(err, -EINVAL, name, "no ':' behind the name");
    int r = check_name(n, name, err);
    if (r < 0)
        return r;
    r = query_parse(&q, bytes_of(text + name.len + 1), config->dialect, err);
    if (r == 0 && config->filter)
        r = filter_apply(&joined, config->filter, q, err);
    if (r < 0)
        return r == -ENOMEM ? r : refuse_criteria(err, name);
    char *copy = strndup(name.data, name.len);
    if (!copy)
        return -ENOMEM;
    n->own[n->count++] = (struct own){copy, STEAL(q)};
    return 0;
}

int named_new(struct named **out, const struct named_config *config, struct query_error *err)
{
    CLEANUP(free_named) struct named *n = calloc(1, sizeof(*n));
    if (n)
        n->own = calloc(config->count + 1, sizeof(*n->own));
    if (!n || !n->own)
        return -ENOMEM;
    n->records = config->records;
    for (size_t i = 0; i < config->count; i++) {
        int r = add_own(n, config->own[i], config, err);
        if (r < 0)
            return r;
    }
    *out = STEAL(n);
    return 0;
}

size_t named_count(const struct named *n)
{
    return ARRAY_SIZE(methods) + n->count;
}

/* NULL: the user's own. */
static const struct method *method_at(size_t i)
{
    return i < ARRAY_SIZE(methods) ? &methods[i] : NULL;
}

static const struct own *own_at(const struct named *n, size_t i)
{
    return &n->own[i - ARRAY_SIZE(methods)];
}

const char *named_name(const struct named *n, size_t i)
{
    const struct method *m = method_at(i);
    return m ? m->name : own_at(n, i)->name;
}

bool named_find(const struct named *n, struct bytes name, size_t *i)
{
    for (size_t k = 0; k < named_count(n); k++) {
        if (bytes_are(name, named_name(n, k))) {
            *i = k;
            return true;
        }
    }
    return false;
}

static bool same_form(const struct form *a, const struct form *b)
{
    return streq(a->criteria, b->criteria) && a->of_project == b->of_project &&
           a->without_own == b->without_own;
}

static bool needs_project(const struct form *f)
{
    return f->of_project || f->without_own;
}

/* There is a service where it needs one. */
static bool can_be_told(const struct named *n, size_t i)
{
    const struct method *m = method_at(i);
    struct query_error err;
    if (!n->records)
        return true;
    return m ? !m->of_members : selection_check(own_at(n, i)->query, &err) == 0;
}

bool named_is_usable(const struct named *n, size_t i, enum query_dialect dialect,
                     struct bytes project)
{
    const struct method *m = method_at(i);
    if (!can_be_told(n, i))
        return false;
    if (!m || project.len)
        return true;
    return !needs_project(dialect == QUERY_DIALECT_GLANCE ? &m->glance : &m->ims);
}

static int fill_form(const struct form *f, struct bytes project, struct query **out,
                     struct query_error *err)
{
    CLEANUP(query_clear) struct query *fixed = NULL;
    int r = query_parse(&fixed, bytes_of(f->criteria), QUERY_DIALECT_UNKNOWN, err);
    if (r < 0)
        return r;
    if (f->of_project)
        return query_set(out, fixed, "owner", project);
    *out = STEAL(fixed);
    return 0;
}

static int leave_own_out(struct query **out, struct bytes project, struct query_error *err)
{
    CLEANUP(query_clear) struct query *none = NULL;
    int r = query_parse(&none, bytes_of(""), QUERY_DIALECT_UNKNOWN, err);
    return r < 0 ? r : query_set(out, none, "owner", project);
}

static int fill_method(const struct method *m, struct bytes project, struct named_criteria *out,
                       struct query_error *err)
{
    CLEANUP(named_criteria_clear) struct named_criteria c = {0};
    int r = fill_form(&m->ims, project, &c.query, err);
    if (r == 0 && !same_form(&m->ims, &m->glance))
        r = fill_form(&m->glance, project, &c.glance, err);
    c.lacks_project = m->glance.without_own && !project.len;
    if (r == 0 && m->glance.without_own && project.len)
        r = leave_own_out(&c.leave_out, project, err);
    if (r < 0)
        return r;
    *out = c;
    c = (struct named_criteria){0};
    return 0;
}

void named_criteria_clear(struct named_criteria *c)
{
    query_free(c->query);
    query_free(c->glance);
    query_free(c->leave_out);
    *c = (struct named_criteria){0};
}

int named_criteria(const struct named *n, size_t i, enum query_dialect dialect,
                   struct bytes project, struct named_criteria *out, struct query_error *err)
{
    const struct method *m = method_at(i);
    struct bytes name = bytes_of(named_name(n, i));
    if (!can_be_told(n, i))
        return query_refuse(err, -EOPNOTSUPP, name, "records do not tell, only a server does");
    if (!m) {
        *out = (struct named_criteria){.query = query_ref(own_at(n, i)->query)};
        return 0;
    }
    int r = -EOPNOTSUPP;
    if (named_is_usable(n, i, dialect, project))
        r = fill_method(m, project, out, err);
    if (r == -EOPNOTSUPP || (r == 0 && out->lacks_project))
        query_refuse(err, r, name,
                     "needs the project id: sign in, OS_PROJECT_ID or -o project_id=");
    return r;
}
