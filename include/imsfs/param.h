// SPDX-License-Identifier: Apache-2.0
/*
 * param: the search parameters of both list calls, as one table.
 *
 * The rows are those of "Querying Images" (GET /v2/cloudimages) and "Querying Images (Native
 * OpenStack API)" (GET /v2/images) in all their versions, and what a plain Glance adds. Parsing,
 * checking, routing, local evaluation, help and the simulator read this table and nothing else.
 * Constant data and pure functions.
 */
#ifndef IMSFS_PARAM_H
#define IMSFS_PARAM_H

#include "imsfs/base.h"

/* Which call knows the parameter. */
enum param_call {
    PARAM_NATIVE = 1, /* GET /v2/images of IMS; of Glance too, as its own filter or a property */
    PARAM_CLOUD = 2,  /* GET /v2/cloudimages */
    PARAM_GLANCE = 4, /* GET /v2/images of a plain Glance */
};

/* What the value is and what it means. */
enum param_kind {
    PARAM_TEXT,          /* the attribute's exact value */
    PARAM_INTEGER,       /* the attribute's value as an integer */
    PARAM_BOOLEAN,       /* true or false, in any case; an attribute that is absent is false */
    PARAM_TIME,          /* operator:time over the attribute */
    PARAM_TAG,           /* one element of "tags"; may be repeated */
    PARAM_VISIBILITY,    /* as text, and Glance's "all" */
    PARAM_MEMBER_STATUS, /* the caller's membership in images that others share */
    PARAM_FLAVOR,        /* public images that fit a flavor */
    PARAM_ARCHITECTURE,  /* x86 or arm: "__support_arm" tells */
    PARAM_PROJECT,       /* an enterprise project; 0 is the default one */
    PARAM_SIZE_MIN,      /* bytes; "size" is at least that */
    PARAM_SIZE_MAX,
    PARAM_LIMIT, /* the rest selects nothing: the page and the order */
    PARAM_MARKER,
    PARAM_SORT_KEY,
    PARAM_SORT_DIR,
    PARAM_KINDS,
};

struct param {
    const char *name;
    unsigned calls; /* enum param_call, one bit each */
    enum param_kind kind;
    const char *values;        /* documented ones, '|' between them; NULL: any */
    const char *glance_values; /* further ones that only Glance takes, or NULL */
    bool server_only;          /* records alone cannot tell */
};

/* The row of a name, or NULL. Any name with the prefix __support_ has one. */
const struct param *param_find(struct bytes name);
/* All rows, for help. NULL behind the last. */
const struct param *param_at(size_t i);
/* The kind in a word, for help: "integer", "time"… */
const char *param_kind_name(enum param_kind kind);
/* True when values outside the row's lists are refused here (member_status, sort_key,
 * sort_dir). */
bool param_is_closed(const struct param *p);

enum param_verdict {
    PARAM_BAD,         /* no service takes that */
    PARAM_GOOD,        /* to be sent; the server may still refuse it */
    PARAM_GLANCE_ONLY, /* good on a plain Glance, bad on IMS */
};

/* Whether the row's lists have a value; a row without lists has any. */
enum param_verdict param_documents(const struct param *p, struct bytes value);
/* Whether a value may be sent. */
enum param_verdict param_check(const struct param *p, struct bytes value);

enum param_operator { PARAM_GT, PARAM_GTE, PARAM_LT, PARAM_LTE, PARAM_EQ, PARAM_NEQ };

/*
 * operator:time, with the time in one of the two documented forms (yyyy-MM-ddThh:mm:ssZ,
 * "yyyy-MM-dd hh:mm:ss"); a time alone is eq, as on Glance. False: neither. time is in seconds
 * since 1970.
 */
bool param_time(struct bytes value, enum param_operator *op, int64_t *time);
/* An integer with an optional '-'; larger ones become INT64_MAX or INT64_MIN. False: not an
 * integer. */
bool param_integer(struct bytes value, int64_t *n);
/* true or false in any case. */
bool param_boolean(struct bytes value, bool *b);

#endif
