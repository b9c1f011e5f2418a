// SPDX-License-Identifier: Apache-2.0
#include "imsfs/source_http.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>

#include "imsfs/batch.h"
#include "imsfs/decode.h"
#include "imsfs/endpoint.h"
#include "imsfs/failure.h"
#include "imsfs/log.h"

/* How often a listing whose marker has vanished starts over. */
#define RESTARTS_MAX 2

struct source_http {
    struct source base; /* first: the head of every source */
    struct source_http_config config;
    struct endpoint endpoint; /* without an url of its own it is where auth says */
    char *api_version;
    struct http *http;
    const struct clock *clock;
};

struct listing {
    struct source_listing base; /* first: the head of every listing */
    struct source_http *s;
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
    snprintf(l->base.error.text, sizeof(l->base.error.text), "%.120s: %s; %s",
             l->s->endpoint.list_url, what, advice ? advice : failure_advice(0, error));
    return error;
}

/* The same for a request that failed. */
static int fail_request(struct listing *l, int error, struct http_response *r)
{
    const struct auth *auth = l->s->config.auth;
    char what[320];
    if (auth)
        auth_describe(auth, r, error, what, sizeof(what));
    else
        failure_describe(r, error, what, sizeof(what));
    return fail(l, error,
                r->status == 401 && auth ? auth_advice(auth) : failure_advice(r->status, error),
                "%s", what);
}

/* --- One request --- */

/* Signs in where that is needed, and learns from it where the service is. */
static int get_ready(struct listing *l, int64_t deadline_ms)
{
    struct source_http *s = l->s;
    struct auth *auth = s->config.auth;
    struct auth_error why = {""};
    int r = auth ? auth_prepare(auth, deadline_ms, &why) : 0;
    bool moved = r == 0 && !s->config.endpoint &&
                 !(s->endpoint.url.base && streq(s->endpoint.url.base, auth->image.base));
    if (moved)
        r = endpoint_set(&s->endpoint, &auth->image);
    if (r == 0 && auth && !auth_may_send(auth, &s->endpoint.url, &why))
        r = -EPERM;
    if (r < 0)
        snprintf(l->base.error.text, sizeof(l->base.error.text), "%s",
                 why.text[0] ? why.text : strerror(-r));
    return r;
}

static int add_headers(struct source_http *s, struct http_request *request)
{
    int r = s->api_version ? header_add(&request->headers, "X-Api-Version", s->api_version) : 0;
    if (r == 0 && s->config.auth)
        r = auth_headers(s->config.auth, &s->endpoint.url, request);
    return r;
}

/* Criteria with a limit of their own ask for exactly one page. */
static bool one_page(const struct listing *l)
{
    return l->base.query && query_limit(l->base.query) > 0;
}

static int send_request(struct listing *l, bool with_limit, int64_t deadline_ms,
                        struct http_response *out)
{
    CLEANUP(strbuf_free) struct strbuf url = STRBUF_INIT;
    struct http_request request = {.deadline_ms = deadline_ms};
    http_response_free(out);
    *out = (struct http_response){.fields = HEADER_FIELDS_INIT};
    int r = get_ready(l, deadline_ms);
    if (r == 0)
        r = endpoint_add_page(&l->s->endpoint, l->base.query, strbuf_bytes(&l->marker),
                              with_limit ? l->s->config.page_size : 0, &url);
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
 * then worked is kept. A refusal is worth another request when there may be a new token.
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
        bool denied = s->config.auth && (out->status == 401 || out->status == 403);
        if (denied && auth_refused(s->config.auth, out) && !renewed) {
            renewed = true;
        } else if (out->status == 400 && with_limit && l->marker.len == 0) {
            with_limit = false;
        } else {
            if (r == 0 && s->config.auth)
                auth_accepted(s->config.auth);
            if (r == 0 && ours && !with_limit) {
                log_info("%s: takes no limit; its own page size is used", s->endpoint.list_url);
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
    batch_count(&l->base.left_out, &p->result);
    return 0;
}

/* Gives the whole page to the sink. */
static int hand_over(struct listing *l, struct page *p)
{
    size_t count = p->batch.count;
    int fresh = batch_give(&p->batch, &l->base.sink);
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
    if (!l->s->endpoint.call->by_last_id) {
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

/* Moves the listing to the page after p. An enum source_next. */
static int go_on(struct listing *l, const struct page *p)
{
    CLEANUP(strbuf_free) struct strbuf marker = STRBUF_INIT;
    uint32_t slot, seen = slot_count(l->seen);
    int r = next_marker(l, p, &marker);
    if (r < 0 || marker.len == 0)
        return r < 0 ? r : SOURCE_DONE;
    if (marker.len > SOURCE_HTTP_MARKER_MAX)
        return fail(l, -EIO, NULL, "the marker of the next page is too long");
    if (strbuf_error(&marker) < 0 || slot_add(l->seen, strbuf_bytes(&marker), &slot) < 0)
        return fail(l, -ENOMEM, NULL, "out of memory");
    if (slot_count(l->seen) == seen)
        return fail(l, -EIO, NULL, "the pages lead back to one that came before");
    strbuf_free(&l->marker);
    l->marker = marker;
    marker = STRBUF_INIT;
    return SOURCE_MORE;
}

/* Of criteria with a limit p is all; the next page is somebody else's to ask for. */
static int stop_here(struct listing *l, struct page *p)
{
    if (p->result.next || l->s->endpoint.call->by_last_id)
        l->base.next_marker = STEAL(p->result.last_id);
    return SOURCE_DONE;
}

/* --- A listing --- */

/* Goes to the first page, with nothing seen. */
static int rewind_listing(struct listing *l)
{
    slot_table_free(l->seen);
    l->seen = NULL;
    l->images = 0;
    l->base.left_out = (struct source_left_out){0};
    strbuf_reset(&l->marker);
    return slot_table_new(&l->seen, INT32_MAX);
}

/* The image that the last page ended with is gone from the server: what came is no longer one list.
 */
static int start_over(struct listing *l)
{
    if (l->restarts++ == RESTARTS_MAX)
        return fail(l, -EIO, "try again when fewer images change",
                    "images vanish while the list is read, for the third time");
    log_info("%s: the marker has vanished, the list is read again", l->s->endpoint.list_url);
    l->base.sink.restart(l->base.sink.ctx);
    int r = rewind_listing(l);
    return r < 0 ? r : SOURCE_MORE;
}

static int next(struct source_listing *base)
{
    struct listing *l = (struct listing *)base;
    CLEANUP(page_free) struct page p = {0};
    int r = fetch_page(l, &p.response);
    if (p.response.status == 400 && l->marker.len)
        return start_over(l);
    if (r == -ETIMEDOUT && clock_now_ms(l->s->clock) >= l->deadline_ms)
        return fail(l, r, "a longer list_timeout= or a larger page_size= may help",
                    "the list is not complete after %lld s",
                    (long long)(l->s->config.list_timeout_ms / 1000));
    if (r < 0)
        return l->base.error.text[0] ? r : fail_request(l, r, &p.response);
    r = decode_page(l, &p);
    if (r == 0)
        r = hand_over(l, &p);
    if (r < 0)
        return r;
    return one_page(l) ? stop_here(l, &p) : go_on(l, &p);
}

static void end(struct source_listing *base)
{
    struct listing *l = (struct listing *)base;
    slot_table_free(l->seen);
    strbuf_free(&l->marker);
    free(l->base.next_marker);
    free(l);
}

static int begin(struct source *base, const struct query *q, const struct source_sink *sink,
                 struct source_listing **out)
{
    struct source_http *s = (struct source_http *)base;
    struct listing *l = calloc(1, sizeof(*l));
    if (!l)
        return -ENOMEM;
    l->base = (struct source_listing){.source = base, .query = q, .sink = *sink};
    l->s = s;
    l->deadline_ms = clock_now_ms(s->clock) + s->config.list_timeout_ms;
    int r = rewind_listing(l);
    if (r < 0) {
        end(&l->base);
        return r;
    }
    *out = &l->base;
    return 0;
}

/* --- Life --- */

static void cancel(struct source *base)
{
    struct source_http *s = (struct source_http *)base;
    http_cancel(s->http);
    if (s->config.auth)
        auth_cancel(s->config.auth);
}

static void destroy(struct source *base)
{
    struct source_http *s = (struct source_http *)base;
    http_free(s->http);
    endpoint_free(&s->endpoint);
    free(s->api_version);
    free(s);
}

static const struct source_ops ops = {
    .begin = begin, .next = next, .end = end, .cancel = cancel, .free = destroy};

static int set_endpoint(struct source_http *s, struct source_error *error)
{
    const struct source_http_config *c = &s->config;
    CLEANUP(url_free) struct url url = {0};
    struct auth_error why;
    if (!c->endpoint)
        return 0;
    int r = url_parse_endpoint(&url, c->endpoint, error->text, sizeof(error->text));
    if (r == 0 && c->auth && !auth_may_send(c->auth, &url, &why)) {
        snprintf(error->text, sizeof(error->text), "%s", why.text);
        r = -EINVAL;
    }
    return r < 0 ? r : endpoint_set(&s->endpoint, &url);
}

static int set_up(struct source_http *s, struct source_error *error)
{
    struct source_http_config *c = &s->config;
    s->endpoint.call = list_call_find(c->api);
    if (!s->endpoint.call) {
        snprintf(error->text, sizeof(error->text), "api= is images or cloudimages");
        return -EINVAL;
    }
    int r = set_endpoint(s, error);
    if (r < 0)
        return r;
    snprintf(error->text, sizeof(error->text), "out of memory");
    if (c->api_version && !(s->api_version = strdup(c->api_version)))
        return -ENOMEM;
    c->http.requests = &s->base.counters.requests;
    c->http.bytes = &s->base.counters.bytes;
    s->clock = c->http.clock ? c->http.clock : &clock_boottime;
    s->base.api = s->endpoint.call->name;
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
