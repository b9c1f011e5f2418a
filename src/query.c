// SPDX-License-Identifier: Apache-2.0
#include "imsfs/query.h"

#include <errno.h>
#include <stdatomic.h>
#include <stdio.h>

#include "imsfs/log.h"
#include "imsfs/url.h"
#include "imsfs/utf8.h"

struct query {
    atomic_uint refs;
    size_t count;
    char *text; /* decoded names and values, behind the items */
    struct query_item items[];
};

struct query *query_ref(struct query *q)
{
    if (q)
        atomic_fetch_add_explicit(&q->refs, 1, memory_order_relaxed);
    return q;
}

void query_free(struct query *q)
{
    if (q && atomic_fetch_sub_explicit(&q->refs, 1, memory_order_acq_rel) == 1)
        free(q);
}

void query_clear(struct query **q)
{
    query_free(*q);
}

int query_refuse(struct query_error *err, int code, struct bytes name, const char *why)
{
    char shown[120];
    log_escape(shown, sizeof(shown), name);
    snprintf(err->text, sizeof(err->text), "%s: %s", shown, why);
    return code;
}

static int refuse_value(struct query_error *err, const struct query_item *item,
                        enum query_dialect dialect)
{
    char why[260], shown[60];
    const struct param *p = item->param;
    log_escape(shown, sizeof(shown), item->value);
    if (p->kind == PARAM_TIME)
        snprintf(why, sizeof(why),
                 "'%s' is not gt, gte, lt, lte, eq or neq, a colon, and "
                 "yyyy-MM-ddThh:mm:ssZ or 'yyyy-MM-dd hh:mm:ss'",
                 shown);
    else if (param_is_closed(p))
        snprintf(why, sizeof(why), "'%s' is not one of %s%s%s", shown, p->values,
                 p->glance_values && dialect != QUERY_DIALECT_IMS ? "|" : "",
                 p->glance_values && dialect != QUERY_DIALECT_IMS ? p->glance_values : "");
    else
        snprintf(why, sizeof(why), "'%s' is not allowed: %s", shown, param_kind_name(p->kind));
    return query_refuse(err, -EINVAL, item->name, why);
}

static int hex_digit(char c)
{
    if (c >= '0' && c <= '9')
        return c - '0';
    c = (char)(c | 0x20);
    return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

/* Decodes %XX, appends to *to and moves it. */
static struct bytes decode(struct bytes raw, char **to)
{
    struct bytes out = {*to, 0};
    for (size_t i = 0; i < raw.len; i++) {
        char c = raw.data[i];
        if (c == '%' && i + 2 < raw.len && hex_digit(raw.data[i + 1]) >= 0 &&
            hex_digit(raw.data[i + 2]) >= 0) {
            c = (char)(hex_digit(raw.data[i + 1]) << 4 | hex_digit(raw.data[i + 2]));
            i += 2;
        }
        *(*to)++ = c;
        out.len++;
    }
    return out;
}

/* One of the documents calls it so, the others do not. */
static struct bytes rename_create_at(struct bytes word)
{
    return bytes_are(word, "create_at") ? bytes_of("created_at") : word;
}

/* The one spelling of values that have several. The bytes are the query's own, so they may be
 * changed in place. */
static void canonize(struct query_item *item)
{
    char *s = (char *)item->value.data;
    if (item->param && item->param->kind == PARAM_BOOLEAN)
        for (size_t i = 0; i < item->value.len; i++)
            s[i] = (char)(s[i] | 0x20);
    if (item->param && item->param->kind == PARAM_SORT_KEY)
        item->value = rename_create_at(item->value);
}

static int check_item(const struct query_item *item, enum query_dialect dialect,
                      struct query_error *err)
{
    const struct param *p = item->param;
    bool ims = dialect == QUERY_DIALECT_IMS, glance = dialect == QUERY_DIALECT_GLANCE;
    if (ims && (!p || !(p->calls & (PARAM_NATIVE | PARAM_CLOUD))))
        return query_refuse(err, -EINVAL, item->name,
                            "no such parameter of the list calls; see imsfs --help-query");
    if (glance && p && !(p->calls & (PARAM_NATIVE | PARAM_GLANCE)))
        return query_refuse(err, -EOPNOTSUPP, item->name,
                            "only /v2/cloudimages knows this, a plain Glance does not");
    enum param_verdict v = p ? param_check(p, item->value) : PARAM_GOOD;
    if (v == PARAM_BAD || (v == PARAM_GLANCE_ONLY && ims))
        return refuse_value(err, item, dialect);
    return 0;
}

static int add_piece(struct query *q, struct bytes piece, char **to, enum query_dialect dialect,
                     struct query_error *err)
{
    const char *equals = piece.len ? memchr(piece.data, '=', piece.len) : NULL;
    if (!piece.len)
        return query_refuse(err, -ENOENT, bytes_of("&"), "joins two criteria; here one is missing");
    if (!equals)
        return query_refuse(err, -ENOENT, piece,
                            "no '=' in it; criteria are name=value joined by '&'");
    size_t len = (size_t)(equals - piece.data);
    struct query_item item = {0};
    item.name = rename_create_at(decode((struct bytes){piece.data, len}, to));
    item.value = decode((struct bytes){equals + 1, piece.len - len - 1}, to);
    if (item.name.len == 0)
        return query_refuse(err, -EINVAL, piece, "a parameter without a name");
    item.param = param_find(item.name);
    int r = check_item(&item, dialect, err);
    if (r < 0)
        return r;
    canonize(&item);
    q->items[q->count++] = item;
    return 0;
}

static int by_name_then_value(const void *a, const void *b)
{
    const struct query_item *x = a, *y = b;
    int r = bytes_compare(x->name, y->name);
    return r ? r : bytes_compare(x->value, y->value);
}

/* Sorts; a tag given twice is one, anything else given twice is refused. */
static int sort_items(struct query *q, struct query_error *err)
{
    size_t kept = 0;
    qsort(q->items, q->count, sizeof(q->items[0]), by_name_then_value);
    for (size_t i = 0; i < q->count; i++) {
        const struct query_item *item = &q->items[i], *last = kept ? &q->items[kept - 1] : NULL;
        if (last && bytes_equal(item->name, last->name)) {
            if (!item->param || item->param->kind != PARAM_TAG)
                return query_refuse(err, -EINVAL, item->name, "given twice; only tag may be");
            if (bytes_equal(item->value, last->value))
                continue;
        }
        q->items[kept++] = *item;
    }
    q->count = kept;
    return 0;
}

static struct query *allocate(struct bytes text)
{
    size_t pieces = 1;
    for (size_t i = 0; i < text.len; i++)
        pieces += text.data[i] == '&';
    size_t items_size = sizeof(struct query) + pieces * sizeof(struct query_item);
    struct query *q = malloc(items_size + text.len + 1);
    if (!q)
        return NULL;
    *q = (struct query){.text = (char *)q + items_size};
    atomic_init(&q->refs, 1);
    return q;
}

int query_parse(struct query **out, struct bytes text, enum query_dialect dialect,
                struct query_error *err)
{
    if (text.len > QUERY_MAX_BYTES)
        return query_refuse(err, -ENAMETOOLONG, (struct bytes){text.data, 20}, "criteria too long");
    CLEANUP(query_clear) struct query *q = allocate(text);
    if (!q)
        return -ENOMEM;
    char *to = q->text;
    for (struct bytes rest = text; text.len;) {
        const char *end = rest.len ? memchr(rest.data, '&', rest.len) : NULL;
        struct bytes piece = {rest.data, end ? (size_t)(end - rest.data) : rest.len};
        int r = add_piece(q, piece, &to, dialect, err);
        if (r < 0)
            return r;
        if (!end)
            break;
        rest = (struct bytes){end + 1, rest.len - piece.len - 1};
    }
    int r = sort_items(q, err);
    if (r < 0)
        return r;
    *out = STEAL(q);
    return 0;
}

int query_check(const struct query *q, enum query_dialect dialect, struct query_error *err)
{
    for (size_t i = 0; i < q->count; i++) {
        int r = check_item(&q->items[i], dialect, err);
        if (r < 0)
            return r;
    }
    return 0;
}

bool query_needs_dialect(const struct query *q)
{
    for (size_t i = 0; i < q->count; i++) {
        const struct param *p = q->items[i].param;
        if (!p || !(p->calls & PARAM_NATIVE) ||
            param_check(p, q->items[i].value) == PARAM_GLANCE_ONLY)
            return true;
    }
    return false;
}

bool query_needs_cloudimages(const struct query *q)
{
    for (size_t i = 0; i < q->count; i++) {
        const struct param *p = q->items[i].param;
        if (p && (p->calls & PARAM_CLOUD) && !(p->calls & PARAM_NATIVE))
            return true;
    }
    return false;
}

/* A '%' at s would be taken for an escape. */
static bool starts_escape(const char *s, size_t len)
{
    return s[0] == '%' && len > 2 && hex_digit(s[1]) >= 0 && hex_digit(s[2]) >= 0;
}

static void add_for_name(struct strbuf *out, struct bytes text, const char *special)
{
    for (size_t i = 0; i < text.len;) {
        const char *s = text.data + i;
        size_t left = text.len - i;
        uint32_t code = 0;
        size_t used = utf8_decode(s, left, &code);
        if (!used || utf8_is_deceptive(code) || strchr(special, *s) || starts_escape(s, left)) {
            used = used ? used : 1;
            for (size_t k = 0; k < used; k++)
                strbuf_printf(out, "%%%02X", (unsigned char)s[k]);
        } else {
            strbuf_add(out, s, used);
        }
        i += used;
    }
}

static void add_pair(struct strbuf *out, const struct query_item *item)
{
    url_add_encoded(out, item->name);
    strbuf_add_char(out, '=');
    url_add_encoded(out, item->value);
}

void query_add_url(const struct query *q, struct strbuf *out)
{
    for (size_t i = 0; i < q->count; i++) {
        if (i)
            strbuf_add_char(out, '&');
        add_pair(out, &q->items[i]);
    }
}

void query_add_name(const struct query *q, struct strbuf *out)
{
    for (size_t i = 0; i < q->count; i++) {
        if (i)
            strbuf_add_char(out, '&');
        add_for_name(out, q->items[i].name, "/&=");
        strbuf_add_char(out, '=');
        add_for_name(out, q->items[i].value, "/&");
    }
}

static bool has_item(const struct query *q, const struct query_item *item)
{
    for (size_t i = 0; i < q->count; i++)
        if (bytes_equal(q->items[i].name, item->name) &&
            bytes_equal(q->items[i].value, item->value))
            return true;
    return false;
}

size_t query_count(const struct query *q)
{
    return q->count;
}

const struct query_item *query_at(const struct query *q, size_t i)
{
    return &q->items[i];
}

const struct query_item *query_find(const struct query *q, enum param_kind kind)
{
    for (size_t i = 0; i < q->count; i++)
        if (q->items[i].param && q->items[i].param->kind == kind)
            return &q->items[i];
    return NULL;
}

int64_t query_limit(const struct query *q)
{
    const struct query_item *item = query_find(q, PARAM_LIMIT);
    int64_t n;
    return item && param_integer(item->value, &n) ? n : 0;
}

struct bytes query_sort_key(const struct query *q)
{
    const struct query_item *item = query_find(q, PARAM_SORT_KEY);
    return item ? item->value : bytes_of("created_at");
}

bool query_sort_ascending(const struct query *q)
{
    const struct query_item *item = query_find(q, PARAM_SORT_DIR);
    return item && bytes_are(item->value, "asc");
}

static void add_to_url(struct strbuf *url, const struct query_item *item)
{
    if (url->len)
        strbuf_add_char(url, '&');
    add_pair(url, item);
}

/* q's items that other (NULL: nothing) lacks. */
static void add_others(struct strbuf *url, const struct query *q, const struct query *other)
{
    for (size_t i = 0; i < q->count; i++)
        if (!other || !has_item(other, &q->items[i]))
            add_to_url(url, &q->items[i]);
}

static int parse_url(struct query **out, const struct strbuf *url, struct query_error *err)
{
    int r = strbuf_error(url);
    return r < 0 ? r : query_parse(out, strbuf_bytes(url), QUERY_DIALECT_UNKNOWN, err);
}

int query_set(struct query **out, const struct query *q, const char *name, struct bytes value)
{
    struct query_error err;
    CLEANUP(strbuf_free) struct strbuf url = STRBUF_INIT;
    struct query_item item = {.name = bytes_of(name), .value = value};
    for (size_t i = 0; i < q->count; i++)
        if (!bytes_are(q->items[i].name, name))
            add_to_url(&url, &q->items[i]);
    if (value.data)
        add_to_url(&url, &item);
    return parse_url(out, &url, &err);
}

int query_join(struct query **out, const struct query *a, const struct query *b,
               struct query_error *err)
{
    CLEANUP(strbuf_free) struct strbuf url = STRBUF_INIT;
    add_others(&url, a, NULL);
    add_others(&url, b, a);
    return parse_url(out, &url, err);
}

int query_without(struct query **out, const struct query *q, const struct query *other)
{
    struct query_error err;
    CLEANUP(strbuf_free) struct strbuf url = STRBUF_INIT;
    add_others(&url, q, other);
    return parse_url(out, &url, &err);
}
