// SPDX-License-Identifier: Apache-2.0
/*
 * query: criteria of a list call, as somebody wrote them, checked and in one canonical form.
 *
 * The text is a query string, name=value joined by '&'. %XX is decoded once, '+' is a plus, an
 * invalid % is itself. Parameters are sorted by name, tags by value; create_at, which is what one
 * of the documents calls it, becomes created_at, as a name and as a sort key; booleans become lower
 * case; every other value stays as written. A query never changes after it was made, so
 * whoever wants to keep it has a reference of his own. Any thread; no I/O.
 */
#ifndef IMSFS_QUERY_H
#define IMSFS_QUERY_H

#include "imsfs/param.h"
#include "imsfs/strbuf.h"

#define QUERY_MAX_BYTES 65536

struct query; /* opaque */

/*
 * Which names are parameters. On IMS unknown names are errors (it might ignore them and answer too
 * much), on a plain Glance they are filters on properties. While nobody knows, both are let pass;
 * query_check() tells later.
 */
enum query_dialect { QUERY_DIALECT_UNKNOWN, QUERY_DIALECT_IMS, QUERY_DIALECT_GLANCE };

struct query_item {
    const struct param *param; /* NULL: a property filter */
    struct bytes name, value;
};

/* Which parameter was refused and what is allowed, in one line that holds no control bytes of the
 * text's. */
struct query_error {
    char text[400];
};

/* Says in err what is wrong with the parameter of that name; returns code. */
int query_refuse(struct query_error *err, int code, struct bytes name, const char *why);

/*
 * -ENOENT: a piece without '='; -EINVAL: an empty name, a name or value that is refused here, a
 * parameter given twice (but tag); -EOPNOTSUPP: on Glance, a name that only /v2/cloudimages knows;
 * -ENAMETOOLONG: over QUERY_MAX_BYTES; -ENOMEM. err is filled for all but -ENOMEM. The empty text
 * is a query without criteria. The caller frees *out, as everywhere below.
 */
MUST_CHECK int query_parse(struct query **out, struct bytes text, enum query_dialect dialect,
                           struct query_error *err);
/* Another reference to it; NULL stays NULL. */
struct query *query_ref(struct query *q);
/* Gives up a reference. */
void query_free(struct query *q);
void query_clear(struct query **q); /* the same, for CLEANUP */

/* True when query_check() may answer differently for the two dialects. */
bool query_needs_dialect(const struct query *q);
/* The part of query_parse()'s checks that the dialect decides. 0, -EINVAL or -EOPNOTSUPP. */
MUST_CHECK int query_check(const struct query *q, enum query_dialect dialect,
                           struct query_error *err);
/* True when, on IMS, only /v2/cloudimages can answer. */
bool query_needs_cloudimages(const struct query *q);

/* The canonical form for a URL: all but unreserved characters as %XX (RFC 3986, 2.3). Added to out.
 */
void query_add_url(const struct query *q, struct strbuf *out);
/* The canonical form for people and directories: only what must be is %XX (see name.h). Parses back
 * to the same query. */
void query_add_name(const struct query *q, struct strbuf *out);

size_t query_count(const struct query *q);
const struct query_item *query_at(const struct query *q, size_t i);
/* The first item of that kind, or NULL. */
const struct query_item *query_find(const struct query *q, enum param_kind kind);
/* The page size asked for; 0: none. Larger than INT64_MAX is INT64_MAX. */
int64_t query_limit(const struct query *q);
/* The sort key in its canonical spelling, "created_at" without one. */
struct bytes query_sort_key(const struct query *q);
bool query_sort_ascending(const struct query *q);

/*
 * A copy of q with one parameter set, or left out when value.data is NULL: how pages are asked for
 * and how first and next come about. -EINVAL when value is not allowed; -ENAMETOOLONG; -ENOMEM.
 */
MUST_CHECK int query_set(struct query **out, const struct query *q, const char *name,
                         struct bytes value);
/* The criteria of both. -EINVAL: one parameter with two values; -ENAMETOOLONG; err is filled for
 * both. -ENOMEM. */
MUST_CHECK int query_join(struct query **out, const struct query *a, const struct query *b,
                          struct query_error *err);
/* The criteria of q that other lacks, values compared. -ENOMEM. */
MUST_CHECK int query_without(struct query **out, const struct query *q, const struct query *other);

#endif
