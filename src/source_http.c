// SPDX-License-Identifier: Apache-2.0
#include "imsfs/source_http.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>

#include "imsfs/batch.h"
#include "imsfs/client.h"
#include "imsfs/decode.h"
#include "imsfs/failure.h"
#include "imsfs/log.h"
#include "imsfs/trail.h"

/* How often a listing whose marker has vanished starts over. */
#define RESTARTS_MAX 2

struct source_http {
    struct source base; /* first: the head of every source */
    struct source_http_config config;
    struct client client;
    const struct clock *clock;
};

struct listing {
    struct source_listing base; /* first: the head of every listing */
    struct source_http *s;
    const struct list_call *call; /* NULL: not decided yet */
    int64_t deadline_ms;
    struct trail trail;
    size_t images;
    unsigned restarts;
};

struct page {
    struct http_response response;
    struct decode_result result;
    struct batch batch;
    bool news; /* it brought images that the listing did not have */
};

/* --- What went wrong, for people --- */

/* The address of its call. */
static void describe(const struct listing *l, char out[static 121])
{
    CLEANUP(strbuf_free) struct strbuf url = STRBUF_INIT;
    client_add_call(&l->s->client, l->call ? l->call : l->s->client.config.api, &url);
    snprintf(out, 121, "%s", strbuf_str(&url));
}

/* Says what is wrong with a listing, in one line; returns error. advice NULL: the usual one. */
static int PRINTF_LIKE(4, 5)
    fail(struct listing *l, int error, const char *advice, const char *fmt, ...)
{
    char what[320], where[121];
    va_list ap;
    va_start(ap, fmt);
    vsnprintf(what, sizeof(what), fmt, ap);
    va_end(ap);
    describe(l, where);
    snprintf(l->base.error.text, sizeof(l->base.error.text), "%s: %s; %s", where, what,
             advice ? advice : failure_advice(0, error));
    return error;
}

/* The same for a request that failed. */
static int fail_request(struct listing *l, int error, struct http_response *r)
{
    const struct auth *auth = l->s->config.auth;
    const char *advice = failure_advice(r->status, error);
    char what[320];
    if (auth)
        auth_describe(auth, r, error, what, sizeof(what));
    else
        failure_describe(r, error, what, sizeof(what));
    if (r->status == 401 && auth)
        advice = auth_advice(auth);
    if (r->status == 400 && l->base.query)
        advice = "the service does not take these criteria";
    return fail(l, error, advice, "%s", what);
}

/* --- One request --- */

/* Criteria with a limit of their own ask for exactly one page. */
static bool one_page(const struct listing *l)
{
    return l->base.query && query_limit(l->base.query) > 0;
}

static int fetch_page(struct listing *l, struct client_try *t)
{
    struct client *client = &l->s->client;
    const struct client_page page = {l->call, l->base.query, strbuf_bytes(&l->trail.marker),
                                     !one_page(l)};
    int r = client_ask(client, t, &page);
    if (l->call == client->config.api)
        atomic_store(&l->s->base.page_size, client_page_size(client, l->call));
    return r;
}

/* Decides on the form and the call. */
static int choose(struct listing *l, struct client_try *t)
{
    enum query_dialect dialect = QUERY_DIALECT_UNKNOWN;
    int r = 0;
    if (l->base.glance)
        r = client_find_dialect(&l->s->client, t, &dialect, &l->call);
    if (r == 0)
        r = source_choose_form(&l->base, dialect);
    return r < 0 ? r : client_choose(&l->s->client, t, l->base.query, &l->call);
}

/* Where cloudimages is found to be missing, there may be another way. */
static int choose_and_fetch(struct listing *l, struct client_try *t)
{
    int r = l->call ? 0 : choose(l, t);
    if (r < 0)
        return r;
    r = fetch_page(l, t);
    if (t->answer->status != 404 || !l->base.query || l->trail.marker.len)
        return r;
    const struct list_call *missing = l->call;
    int chosen = choose(l, t);
    if (chosen < 0)
        return chosen;
    return l->call != missing ? fetch_page(l, t) : r;
}

/* The next page. */
static int fetch(struct listing *l, struct http_response *out)
{
    struct source_http *s = l->s;
    int64_t since_ms = l->base.asked_ms ? l->base.asked_ms : clock_now_ms(s->clock);
    int64_t until_ms = since_ms + s->config.timeout_ms;
    struct client_try t = {
        .turn = s->base.turn,
        .lane = l->base.lane,
        .deadline_ms = until_ms < l->deadline_ms ? until_ms : l->deadline_ms,
        .answer = out,
    };
    int r = choose_and_fetch(l, &t);
    l->base.requests += t.requests;
    if (r < 0 && t.why.text[0]) /* what kept a request from being sent; else the answer tells */
        snprintf(l->base.error.text, sizeof(l->base.error.text), "%s", t.why.text);
    return r;
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
    const struct decode_sink sink = {batch_add, &p->batch, l->base.known};
    int r = decode_text(strbuf_bytes(&answer->body), DECODE_PAGE, &decode_default_limits,
                        s->config.attrs, &sink, &p->result);
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
    int fresh = batch_give(&p->batch, &l->base.sink);
    if (fresh < 0)
        return fail(l, fresh, NULL, "a page of images was not taken: %s", strerror(-fresh));
    p->news = fresh > 0;
    l->images += (size_t)fresh;
    if (l->images > l->s->config.max_images)
        return fail(l, -EIO, "a larger max_images= allows more", "there are more than %zu images",
                    l->s->config.max_images);
    return 0;
}

/* Moves the listing to the page after p. An enum source_next. */
static int go_on(struct listing *l, const struct page *p)
{
    const char *why;
    unsigned full = client_page_size(&l->s->client, l->call);
    int r = trail_go_on(&l->trail, l->call, &p->result, full, p->news, &why);
    if (r < 0)
        return fail(l, r, NULL, "%s", why);
    return r ? SOURCE_MORE : SOURCE_DONE;
}

/* Of criteria with a limit p is all; the next page is somebody else's to ask for. Any record means
 * that there may be one. */
static int stop_here(struct listing *l, const struct page *p)
{
    CLEANUP(strbuf_free) struct strbuf marker = STRBUF_INIT;
    const char *why;
    int r = trail_add_marker(l->call, &p->result, 1, &marker, &why);
    if (r < 0)
        return fail(l, r, NULL, "%s", why);
    if (marker.len)
        l->base.next_marker = strbuf_steal(&marker);
    return SOURCE_DONE;
}

/* --- A listing --- */

/* Goes to the first page, with nothing seen. */
static int rewind_listing(struct listing *l)
{
    l->images = 0;
    l->base.left_out = (struct source_left_out){0};
    return trail_start(&l->trail);
}

/* The image that the last page ended with is gone from the server: what came is no longer one list.
 */
static int start_over(struct listing *l)
{
    char where[121];
    if (l->restarts++ == RESTARTS_MAX)
        return fail(l, -EIO, "try again when fewer images change",
                    "images vanish while the list is read, for the third time");
    describe(l, where);
    log_info("%s: the marker has vanished, the list is read again", where);
    l->base.sink.restart(l->base.sink.ctx);
    int r = rewind_listing(l);
    return r < 0 ? r : SOURCE_MORE;
}

static int next(struct source_listing *base)
{
    struct listing *l = (struct listing *)base;
    CLEANUP(page_free) struct page p = {0};
    int r = fetch(l, &p.response);
    if (p.response.status == 400 && l->trail.marker.len)
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
    trail_free(&l->trail);
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
    client_cancel(&((struct source_http *)base)->client);
}

static enum query_dialect dialect(const struct source *base)
{
    return client_dialect(&((const struct source_http *)base)->client);
}

static bool reconsider(struct source *base)
{
    return client_reconsider(&((struct source_http *)base)->client);
}

static void forget(struct source *base)
{
    client_forget(&((struct source_http *)base)->client);
}

static void destroy(struct source *base)
{
    struct source_http *s = (struct source_http *)base;
    client_deinit(&s->client);
    free(s);
}

static const struct source_ops ops = {.begin = begin,
                                      .next = next,
                                      .end = end,
                                      .cancel = cancel,
                                      .dialect = dialect,
                                      .reconsider = reconsider,
                                      .forget = forget,
                                      .free = destroy};

static int set_up(struct source_http *s, struct source_error *error)
{
    struct source_http_config *c = &s->config;
    const struct list_call *api = list_call_find(c->api);
    struct auth_error why = {""};
    if (!api) {
        snprintf(error->text, sizeof(error->text), "api= is images or cloudimages");
        return -EINVAL;
    }
    c->http.requests = &s->base.counters.requests;
    c->http.bytes = &s->base.counters.bytes;
    s->clock = c->http.clock ? c->http.clock : &clock_boottime;
    s->base.api = api->name;
    atomic_store(&s->base.page_size, c->page_size);
    const struct client_config client = {
        .endpoint = c->endpoint,
        .api = api,
        .api_version = c->api_version,
        .page_size = c->page_size,
        .dialect = c->dialect,
        .missing_ms = c->missing_ms,
        .lanes = SOURCE_LANES,
        .auth = c->auth,
        .attrs = c->attrs,
        .http = c->http,
    };
    int r = client_init(&s->client, &client, &why);
    if (r < 0)
        snprintf(error->text, sizeof(error->text), "%s", why.text);
    return r;
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
