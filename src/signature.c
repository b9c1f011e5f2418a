// SPDX-License-Identifier: Apache-2.0
#include "imsfs/signature.h"

#include <ctype.h>
#include <errno.h>
#include <stdio.h>
#include <strings.h>

#include <openssl/evp.h>

#include "imsfs/url.h"

#define ALGORITHM "SDK-HMAC-SHA256"
#define DAY_LENGTH 8 /* of a date: YYYYMMDD */
#define HASH_SIZE 32

struct hash {
    uint8_t bytes[HASH_SIZE];
};

static void hash_wipe(struct hash *h)
{
    explicit_bzero(h, sizeof(*h));
}

/* A parameter of the query string, decoded. */
struct param {
    struct bytes name, value;
};

/* The headers that are signed, in the order of their lower-case names. */
struct headers {
    struct signature_header items[SIGNATURE_HEADERS_MAX + 1];
    size_t count;
};

/* --- Hashes --- */

static int sha256(struct bytes data, struct hash *out)
{
    size_t len = sizeof(out->bytes);
    if (EVP_Q_digest(NULL, "SHA256", NULL, data.data, data.len, out->bytes, &len) != 1)
        return -EIO;
    return 0;
}

static int hmac(struct bytes key, struct bytes data, struct hash *out)
{
    size_t len = 0;
    if (!EVP_Q_mac(NULL, "HMAC", NULL, "SHA256", NULL, key.data, key.len,
                   (const unsigned char *)data.data, data.len, out->bytes, sizeof(out->bytes),
                   &len))
        return -EIO;
    return 0;
}

static struct bytes hash_bytes(const struct hash *h)
{
    return (struct bytes){(const char *)h->bytes, sizeof(h->bytes)};
}

static void add_hex(struct strbuf *out, const struct hash *h)
{
    for (size_t i = 0; i < sizeof(h->bytes); i++)
        strbuf_printf(out, "%02x", h->bytes[i]);
}

/* --- The canonical query --- */

static int compare_params(const void *a, const void *b)
{
    const struct param *p = a, *q = b;
    int order = bytes_compare(p->name, q->name);
    return order ? order : bytes_compare(p->value, q->value);
}

/* The scoped form does not tell upper from lower case in names. */
static int compare_params_caseless(const void *a, const void *b)
{
    const struct param *p = a, *q = b;
    size_t len = p->name.len < q->name.len ? p->name.len : q->name.len;
    int order = len ? strncasecmp(p->name.data, q->name.data, len) : 0;
    if (!order)
        order = (p->name.len > q->name.len) - (p->name.len < q->name.len);
    return order ? order : compare_params(a, b);
}

/* text decoded; the bytes are out's, which has room for them. */
static struct bytes decoded(struct bytes text, struct strbuf *out)
{
    size_t start = out->len;
    url_add_decoded(out, text, true);
    return (struct bytes){out->data + start, out->len - start};
}

/* The next parameter of the query string at *rest, which is not empty. */
static struct param next_param(struct bytes *rest, struct strbuf *store)
{
    const char *end = memchr(rest->data, '&', rest->len);
    size_t len = end ? (size_t)(end - rest->data) : rest->len;
    const char *equals = len ? memchr(rest->data, '=', len) : NULL;
    size_t name_len = equals ? (size_t)(equals - rest->data) : len;
    size_t value_at = equals ? name_len + 1 : len;
    struct param p = {
        .name = decoded((struct bytes){rest->data, name_len}, store),
        .value = decoded((struct bytes){rest->data + value_at, len - value_at}, store),
    };
    size_t used = len + (end ? 1 : 0);
    *rest = (struct bytes){rest->data + used, rest->len - used};
    return p;
}

static size_t count_params(struct bytes query)
{
    size_t count = 1;
    for (size_t i = 0; i < query.len; i++)
        count += query.data[i] == '&';
    return count;
}

static int add_query(enum signature_form form, struct bytes query, struct strbuf *out)
{
    CLEANUP(strbuf_free) struct strbuf store = STRBUF_INIT;
    CLEANUP(free_ptr) struct param *params = calloc(count_params(query), sizeof(*params));
    size_t count = 0;
    /* Decoding makes nothing longer, so the store never moves. */
    if (!params || !strbuf_reserve(&store, query.len))
        return -ENOMEM;
    while (query.len) {
        struct param p = next_param(&query, &store);
        if (p.name.len || p.value.len)
            params[count++] = p;
    }
    qsort(params, count, sizeof(*params),
          form == SIGNATURE_PLAIN ? compare_params : compare_params_caseless);
    for (size_t i = 0; i < count; i++) {
        if (i)
            strbuf_add_char(out, '&');
        url_add_encoded(out, params[i].name);
        strbuf_add_char(out, '=');
        url_add_encoded(out, params[i].value);
    }
    return 0;
}

/* --- The canonical path --- */

/* Each segment encoded in the one way, with a slash at the end (which is not on the wire). */
static int add_path(struct bytes path, struct strbuf *out)
{
    CLEANUP(strbuf_free) struct strbuf plain = STRBUF_INIT;
    url_add_decoded(&plain, path, false);
    struct bytes rest = strbuf_bytes(&plain);
    while (rest.len) {
        const char *slash = memchr(rest.data, '/', rest.len);
        size_t len = slash ? (size_t)(slash - rest.data) : rest.len;
        url_add_encoded(out, (struct bytes){rest.data, len});
        strbuf_add_char(out, '/');
        len += slash ? 1 : 0;
        rest = (struct bytes){rest.data + len, rest.len - len};
    }
    if (!plain.len)
        strbuf_add_char(out, '/');
    return strbuf_error(&plain);
}

/* --- The canonical headers --- */

/* Gateways rewrite content types and drop names with an underscore, so the plain form signs
 * neither. */
static bool is_signed(enum signature_form form, const char *name)
{
    return form == SIGNATURE_SCOPED ||
           (strncasecmp(name, "content-type", 12) != 0 && !strchr(name, '_'));
}

static void insert(struct headers *h, struct signature_header item)
{
    size_t at = h->count++;
    for (; at > 0 && strcasecmp(h->items[at - 1].name, item.name) > 0; at--)
        h->items[at] = h->items[at - 1];
    h->items[at] = item;
}

static int collect_headers(enum signature_form form, const struct signature_request *request,
                           const char *date, struct headers *out)
{
    if (request->header_count > SIGNATURE_HEADERS_MAX)
        return -EINVAL;
    *out = (struct headers){0};
    insert(out, (struct signature_header){"x-sdk-date", date});
    for (size_t i = 0; i < request->header_count; i++) {
        if (is_signed(form, request->headers[i].name))
            insert(out, request->headers[i]);
    }
    return 0;
}

static void add_lower(struct strbuf *out, const char *name)
{
    for (; *name; name++)
        strbuf_add_char(out, (char)tolower((uint8_t)*name));
}

static void add_trimmed(struct strbuf *out, const char *value)
{
    value += strspn(value, " \t");
    size_t len = strlen(value);
    while (len && (value[len - 1] == ' ' || value[len - 1] == '\t'))
        len--;
    strbuf_add(out, value, len);
}

/* "name: value" of each in a line of its own. */
static void add_headers(const struct headers *h, struct strbuf *out)
{
    for (size_t i = 0; i < h->count; i++) {
        add_lower(out, h->items[i].name);
        strbuf_add_char(out, ':');
        add_trimmed(out, h->items[i].value);
        strbuf_add_char(out, '\n');
    }
}

static void add_names(const struct headers *h, struct strbuf *out)
{
    for (size_t i = 0; i < h->count; i++) {
        if (i)
            strbuf_add_char(out, ';');
        add_lower(out, h->items[i].name);
    }
}

/* --- The steps --- */

void signature_date(time_t now, char out[static SIGNATURE_DATE_SIZE])
{
    struct tm utc = {0};
    gmtime_r(&now, &utc);
    strftime(out, SIGNATURE_DATE_SIZE, "%Y%m%dT%H%M%SZ", &utc);
}

int signature_add_canonical(enum signature_form form, const struct signature_request *request,
                            const char *date, struct strbuf *out)
{
    CLEANUP(strbuf_free) struct strbuf text = STRBUF_SECRET;
    struct headers headers;
    struct hash body;
    int r = collect_headers(form, request, date, &headers);
    if (r == 0)
        r = sha256(request->body, &body);
    if (r < 0)
        return r;
    strbuf_printf(&text, "%s\n", request->method);
    r = add_path(request->path, &text);
    strbuf_add_char(&text, '\n');
    if (r == 0)
        r = add_query(form, request->query, &text);
    if (r < 0)
        return r;
    strbuf_add_char(&text, '\n');
    add_headers(&headers, &text);
    strbuf_add_char(&text, '\n');
    add_names(&headers, &text);
    strbuf_add_char(&text, '\n');
    add_hex(&text, &body);
    if (strbuf_error(&text) == 0)
        strbuf_add(out, text.data, text.len);
    return strbuf_error(&text) < 0 ? -ENOMEM : strbuf_error(out);
}

/* What the key of the scoped form is good for: a day, and any region and service. */
static void add_scope(struct strbuf *out, const char *date)
{
    strbuf_add(out, date, DAY_LENGTH);
    strbuf_add_str(out, "///sdk_request");
}

int signature_add_string(enum signature_form form, const struct signature_request *request,
                         const char *date, struct strbuf *out)
{
    CLEANUP(strbuf_free) struct strbuf canonical = STRBUF_SECRET;
    struct hash hash;
    if (strlen(date) != SIGNATURE_DATE_SIZE - 1)
        return -EINVAL;
    int r = signature_add_canonical(form, request, date, &canonical);
    if (r == 0)
        r = sha256(strbuf_bytes(&canonical), &hash);
    if (r < 0)
        return r;
    strbuf_printf(out, ALGORITHM "\n%s\n", date);
    if (form == SIGNATURE_SCOPED) {
        add_scope(out, date);
        strbuf_add_char(out, '\n');
    }
    add_hex(out, &hash);
    return strbuf_error(out);
}

/* The key of the scoped form for one day: each step's result is the key of the next. */
static int derive_key(const char *secret, const char *date, struct hash *out)
{
    CLEANUP(strbuf_free) struct strbuf first = STRBUF_SECRET;
    const struct bytes steps[] = {{date, DAY_LENGTH},
                                  bytes_of("") /* region */,
                                  bytes_of("") /* service */,
                                  bytes_of("sdk_request")};
    strbuf_add_str(&first, "SDK");
    strbuf_add_str(&first, secret);
    if (strbuf_error(&first) < 0)
        return -ENOMEM;
    int r = hmac(strbuf_bytes(&first), steps[0], out);
    for (size_t i = 1; r == 0 && i < ARRAY_SIZE(steps); i++) {
        CLEANUP(hash_wipe) struct hash key = *out;
        r = hmac(hash_bytes(&key), steps[i], out);
    }
    return r;
}

static int compute(enum signature_form form, const char *secret, const char *date,
                   struct bytes string, struct hash *out)
{
    CLEANUP(hash_wipe) struct hash key = {{0}};
    if (form == SIGNATURE_PLAIN)
        return hmac(bytes_of(secret), string, out);
    int r = derive_key(secret, date, &key);
    return r < 0 ? r : hmac(hash_bytes(&key), string, out);
}

int signature_add(enum signature_form form, const struct signature_key *key,
                  const struct signature_request *request, const char *date, struct strbuf *out)
{
    CLEANUP(strbuf_free) struct strbuf string = STRBUF_INIT;
    struct headers headers;
    struct hash hash;
    int r = signature_add_string(form, request, date, &string);
    if (r == 0)
        r = collect_headers(form, request, date, &headers);
    if (r == 0)
        r = compute(form, key->secret, date, strbuf_bytes(&string), &hash);
    if (r < 0)
        return r;
    strbuf_printf(out, ALGORITHM " %s=%s", form == SIGNATURE_PLAIN ? "Access" : "Credential",
                  key->access);
    if (form == SIGNATURE_SCOPED) {
        strbuf_add_char(out, '/');
        add_scope(out, date);
    }
    strbuf_add_str(out, ", SignedHeaders=");
    add_names(&headers, out);
    strbuf_add_str(out, ", Signature=");
    add_hex(out, &hash);
    return strbuf_error(out);
}
