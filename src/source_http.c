// SPDX-License-Identifier: Apache-2.0
#include "imsfs/source_http.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>

#include "imsfs/batch.h"
#include "imsfs/decode.h"
#include "imsfs/failure.h"
#include "imsfs/log.h"
#include "imsfs/query.h"

/* How often a listing whose marker has vanished starts over. */
#define RESTARTS_MAX 2

struct api {
    const char *name;
    const char *path;
    bool by_last_id; /* no "next": go on from the last id until a page is empty */
};

static const struct api apis[] = {
    {"images", "/v2/images", false},
    {"cloudimages", "/v2/cloudimages", true},
};

struct source_http {
    struct source base; /* first: the head of every source */
    struct source_http_config config;
    const struct api *api;
    struct url endpoint;
    char *list_url;
    char *api_version;
    struct http *http;
    const struct clock *clock;
};

/* One call of source_list(). */
struct listing {
    struct source_http *s;
    const struct query *query;
    const struct source_sink *sink;
    struct source_error *error;
    int64_t deadline_ms;
    struct strbuf marker;    /* where the next page starts; empty: the first page */
    struct slot_table *seen; /* the markers so far */
    size_t images;
    unsigned restarts;
};

struct page {
    struct http_response response;
    struct decode_result result;
    struct batch batch;
};

/* --- What went wrong, for people --- */

/* Says what is wrong with a listing, in one line; returns error. advice NULL: the usual one. */
static int PRINTF_LIKE(4, 5)
    fail(struct listing *l, int error, const char *advice, const char *fmt, ...)
{
    char what[320];
    va_list ap;
    va_start(ap, fmt);
    vsnprintf(what, sizeof(what), fmt, ap);
    va_end(ap);
    snprintf(l->error->text, sizeof(l->error->text), "%.120s: %s; %s", l->s->list_url, what,
             advice ? advice : failure_advice(0, error));
    return error;
}

/* The same for a request that failed. */
static int fail_request(struct listing *l, int error, struct http_response *r)
{
    const struct auth *auth = l->s->config.auth;
    char what[320];
    if (auth) {
        auth_redact(auth, r->body.data, r->body.len);
        auth_redact(auth, r->fields.request_id, strlen(r->fields.request_id));
    }
    failure_describe(r, error, what, sizeof(what));
    return fail(l, error,
                r->status == 401 && auth ? auth_advice(auth) : failure_advice(r->status, error),
                "%s", what);
}

/* --- One request --- */

/* Adds the criteria and, behind the first page, the marker. */
static int add_query(const struct listing *l, struct strbuf *url)
{
    struct query *moved = NULL;
    if (l->query && l->marker.len) {
        int r = query_set(&moved, l->query, "marker", strbuf_bytes(&l->marker));
        if (r < 0)
            return r;
    }
    if (l->query) {
        query_add_url(moved ? moved : l->query, url);
    } else if (l->marker.len) {
        strbuf_add_str(url, "marker=");
        url_add_encoded(url, strbuf_bytes(&l->marker));
    }
    query_free(moved);
    return 0;
}

static int build_url(const struct listing *l, bool with_limit, struct strbuf *url)
{
    CLEANUP(strbuf_free) struct strbuf query = STRBUF_INIT;
    int r = add_query(l, &query);
    if (r < 0)
        return r;
    if (with_limit)
        strbuf_printf(&query, "%slimit=%u", query.len ? "&" : "", l->s->config.page_size);
    strbuf_printf(url, "%s%s%s", l->s->list_url, query.len ? "?" : "", strbuf_str(&query));
    return strbuf_error(&query) < 0 ? -ENOMEM : strbuf_error(url);
}

static int add_headers(struct source_http *s, struct http_request *request)
{
    int r = s->api_version ? header_add(&request->headers, "X-Api-Version", s->api_version) : 0;
    if (r == 0 && s->config.auth)
        r = auth_headers(s->config.auth, &s->endpoint, request);
    return r;
}

/* Criteria with a limit of their own ask for exactly one page. */
static bool one_page(const struct listing *l)
{
    return l->query && query_limit(l->query) > 0;
}

static int send_request(struct listing *l, bool with_limit, int64_t deadline_ms,
                        struct http_response *out)
{
    CLEANUP(strbuf_free) struct strbuf url = STRBUF_INIT;
    struct http_request request = {.deadline_ms = deadline_ms};
    http_response_free(out);
    *out = (struct http_response){.fields = HEADER_FIELDS_INIT};
    int r = build_url(l, with_limit, &url);
    if (r < 0)
        return r;
    request.url = url.data;
    r = add_headers(l->s, &request);
    if (r == 0)
        r = http_send(l->s->http, &request, out);
    header_lines_free(&request.headers);
    return r;
}

/*
 * Gets the page at the marker. A 400 to the first page may mean our limit, so it asks without; what
 * then worked is kept. A 401 is worth another request when there is a new token.
 */
static int fetch_page(struct listing *l, struct http_response *out)
{
    struct source_http *s = l->s;
    int64_t deadline_ms = clock_now_ms(s->clock) + s->config.timeout_ms;
    bool ours = s->config.page_size > 0 && !one_page(l); /* else a limit is the user's */
    bool with_limit = ours;
    bool renewed = false;
    if (deadline_ms > l->deadline_ms)
        deadline_ms = l->deadline_ms;
    for (;;) {
        int r = send_request(l, with_limit, deadline_ms, out);
        if (out->status == 401 && !renewed && s->config.auth && auth_refused(s->config.auth)) {
            renewed = true;
        } else if (out->status == 400 && with_limit && l->marker.len == 0) {
            with_limit = false;
        } else {
            if (r == 0 && ours && !with_limit) {
                log_info("%s: takes no limit; its own page size is used", s->list_url);
                s->config.page_size = 0;
                atomic_store(&s->base.page_size, 0);
            }
            return r;
        }
    }
}

/* --- One page --- */

static void page_free(struct page *p)
{
    batch_free(&p->batch);
    decode_result_free(&p->result);
    http_response_free(&p->response);
}

static int decode_page(struct listing *l, struct page *p)
{
    struct source_http *s = l->s;
    const struct http_response *answer = &p->response;
    const char *type = answer->fields.content_type;
    int r = decode_text(strbuf_bytes(&answer->body), DECODE_PAGE, &decode_default_limits,
                        s->config.attrs, batch_add, &p->batch, &p->result);
    if (r == -ENOMEM)
        return fail(l, r, NULL, "out of memory");
    if (r < 0)
        return fail(l, -EIO, NULL, "the answer is no list of images: %s (%s)",
                    p->result.error[0] ? p->result.error : strerror(-r),
                    *type ? type : "without a content type");
    atomic_fetch_add(&s->base.counters.pages, 1);
    batch_count(&s->base.counters, &p->result);
    return 0;
}

/* Gives the whole page to the sink. */
static int hand_over(struct listing *l, struct page *p)
{
    size_t count = p->batch.count;
    int fresh = batch_give(&p->batch, l->sink);
    if (fresh < 0)
        return fail(l, fresh, NULL, "a page of images was not taken: %s", strerror(-fresh));
    if (count > 0 && fresh == 0)
        return fail(l, -EIO, NULL, "the server sends the same images again and again");
    l->images += (size_t)fresh;
    if (l->images > l->s->config.max_images)
        return fail(l, -EIO, "a larger max_images= allows more", "there are more than %zu images",
                    l->s->config.max_images);
    return 0;
}

/* The marker of the page after p, added to marker; nothing when there is no such page. */
static int next_marker(struct listing *l, const struct page *p, struct strbuf *marker)
{
    const struct decode_result *r = &p->result;
    if (!l->s->api->by_last_id) {
        if (r->next && (!url_query_value(bytes_of(r->next), "marker", marker) || !marker->len))
            return fail(l, -EIO, NULL, "the link to the next page has no marker");
        return 0;
    }
    if (r->last_id)
        strbuf_add_str(marker, r->last_id);
    else if (r->records && (!l->s->config.page_size || r->records >= l->s->config.page_size))
        return fail(l, -EIO, NULL, "no record of a page has an id to go on from");
    return 0;
}

/* Moves the listing to the page after p; *more: there is one. */
static int go_on(struct listing *l, const struct page *p, bool *more)
{
    CLEANUP(strbuf_free) struct strbuf marker = STRBUF_INIT;
    uint32_t slot, seen = slot_count(l->seen);
    int r = one_page(l) ? 0 : next_marker(l, p, &marker);
    if (r < 0)
        return r;
    *more = marker.len > 0;
    if (!*more)
        return 0;
    if (marker.len > SOURCE_HTTP_MARKER_MAX)
        return fail(l, -EIO, NULL, "the marker of the next page is too long");
    if (strbuf_error(&marker) < 0 || slot_add(l->seen, strbuf_bytes(&marker), &slot) < 0)
        return fail(l, -ENOMEM, NULL, "out of memory");
    if (slot_count(l->seen) == seen)
        return fail(l, -EIO, NULL, "the pages lead back to one that came before");
    strbuf_free(&l->marker);
    l->marker = marker;
    marker = STRBUF_INIT;
    return 0;
}

/* --- A listing --- */

/* Begins at the first page, with nothing seen. */
static int begin(struct listing *l)
{
    slot_table_free(l->seen);
    l->seen = NULL;
    l->images = 0;
    batch_count_anew(&l->s->base.counters);
    strbuf_reset(&l->marker);
    return slot_table_new(&l->seen, INT32_MAX);
}

/* The image that the last page ended with is gone from the server: what came is no longer one list.
 */
static int start_over(struct listing *l, bool *more)
{
    if (l->restarts++ == RESTARTS_MAX)
        return fail(l, -EIO, "try again when fewer images change",
                    "images vanish while the list is read, for the third time");
    log_info("%s: the marker has vanished, the list is read again", l->s->list_url);
    l->sink->restart(l->sink->ctx);
    *more = true;
    return begin(l);
}

static int list_page(struct listing *l, bool *more)
{
    CLEANUP(page_free) struct page p = {0};
    int r = fetch_page(l, &p.response);
    if (p.response.status == 400 && l->marker.len)
        return start_over(l, more);
    if (r == -ETIMEDOUT && clock_now_ms(l->s->clock) >= l->deadline_ms)
        return fail(l, r, "a longer list_timeout= or a larger page_size= may help",
                    "the list is not complete after %lld s",
                    (long long)(l->s->config.list_timeout_ms / 1000));
    if (r < 0)
        return fail_request(l, r, &p.response);
    r = decode_page(l, &p);
    if (r == 0)
        r = hand_over(l, &p);
    return r < 0 ? r : go_on(l, &p, more);
}

static int list(struct source *base, const struct query *q, const struct source_sink *sink,
                struct source_error *error)
{
    struct source_http *s = (struct source_http *)base;
    struct listing l = {.s = s, .query = q, .sink = sink, .error = error};
    bool more = true;
    l.deadline_ms = clock_now_ms(s->clock) + s->config.list_timeout_ms;
    int r = begin(&l);
    while (r == 0 && more)
        r = list_page(&l, &more);
    slot_table_free(l.seen);
    strbuf_free(&l.marker);
    return r;
}

/* --- Life --- */

static void cancel(struct source *base)
{
    http_cancel(((struct source_http *)base)->http);
}

static void destroy(struct source *base)
{
    struct source_http *s = (struct source_http *)base;
    http_free(s->http);
    url_free(&s->endpoint);
    free(s->list_url);
    free(s->api_version);
    free(s);
}

static const struct source_ops ops = {.list = list, .cancel = cancel, .free = destroy};

static const struct api *find_api(const char *name)
{
    for (size_t i = 0; i < ARRAY_SIZE(apis); i++) {
        if (streq(apis[i].name, name))
            return &apis[i];
    }
    return NULL;
}

static int set_up(struct source_http *s, struct source_error *error)
{
    struct source_http_config *c = &s->config;
    char *text = error->text;
    size_t size = sizeof(error->text);
    int r = url_parse_endpoint(&s->endpoint, c->endpoint, text, size);
    if (r < 0)
        return r;
    s->api = find_api(c->api);
    if (!s->api) {
        snprintf(text, size, "api= is images or cloudimages");
        return -EINVAL;
    }
    if (c->auth && !auth_may_send(c->auth, &s->endpoint, text, size))
        return -EINVAL;
    snprintf(text, size, "out of memory");
    if (asprintf(&s->list_url, "%s%s", s->endpoint.base, s->api->path) < 0) {
        s->list_url = NULL;
        return -ENOMEM;
    }
    if (c->api_version && !(s->api_version = strdup(c->api_version)))
        return -ENOMEM;
    c->http.requests = &s->base.counters.requests;
    c->http.bytes = &s->base.counters.bytes;
    s->clock = c->http.clock ? c->http.clock : &clock_boottime;
    s->base.api = s->api->name;
    atomic_store(&s->base.page_size, c->page_size);
    return http_new(&s->http, &c->http);
}

int source_http_new(struct source **out, const struct source_http_config *config,
                    struct source_error *error)
{
    struct source_http *s = calloc(1, sizeof(*s));
    snprintf(error->text, sizeof(error->text), "out of memory");
    if (!s)
        return -ENOMEM;
    s->base.ops = &ops;
    s->base.kind = "http";
    s->config = *config;
    int r = set_up(s, error);
    if (r < 0) {
        destroy(&s->base);
        return r;
    }
    *out = &s->base;
    return 0;
}
