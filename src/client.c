// SPDX-License-Identifier: Apache-2.0
#include "imsfs/client.h"

#include <errno.h>
#include <stdio.h>

#include "imsfs/decode.h"
#include "imsfs/log.h"

/* --- Where the service is --- */

/* Takes over service. */
static void move_to(struct client *c, struct url service)
{
    url_free(&c->service);
    c->service = service;
    route_set_service(&c->route, c->config.dialect, service.base);
}

/* To where auth says. -ENOMEM. */
static int follow(struct client *c, const struct url *image)
{
    struct url copy = *image;
    if (c->service.base && streq(c->service.base, image->base))
        return 0;
    copy.base = strdup(image->base);
    if (!copy.base)
        return -ENOMEM;
    move_to(c, copy);
    return 0;
}

/* Signs in where that is needed, and learns from it where the service is. */
static int get_ready(struct client *c, int64_t deadline_ms, struct auth_error *why)
{
    struct auth *auth = c->config.auth;
    int r = auth ? auth_prepare(auth, deadline_ms, why) : 0;
    if (r == 0 && !c->config.endpoint)
        r = follow(c, &auth->image);
    if (r == 0 && auth && !auth_may_send(auth, &c->service, why))
        r = -EPERM;
    if (r < 0 && !why->text[0])
        snprintf(why->text, sizeof(why->text), "%s", strerror(-r));
    return r;
}

/* --- One request --- */

static int add_headers(struct client *c, struct http_request *request)
{
    int r = c->api_version ? header_add(&request->headers, "X-Api-Version", c->api_version) : 0;
    if (r == 0 && c->config.auth)
        r = auth_headers(c->config.auth, &c->service, request);
    return r;
}

/* Signs the request for page; a has it then, but no desk. */
static int compose(struct client *c, const struct client_page *page, unsigned limit,
                   struct client_ahead *a)
{
    int r = endpoint_add_page(&c->service, page->call, page->query, page->marker, limit, &a->url);
    if (r < 0)
        return r;
    a->request.url = a->url.data;
    r = add_headers(c, &a->request);
    a->proof = c->config.auth ? auth_proof(c->config.auth) : 0;
    return r;
}

static void put_away(struct client *c, struct client_ahead *a)
{
    if (a->desk)
        desk_give(&c->desks, a->desk, a->line);
    header_lines_free(&a->request.headers);
    strbuf_free(&a->url);
    *a = (struct client_ahead){0};
}

/* The others work while the network is slow. What belongs to all may be another afterwards. */
static int send_meanwhile(struct client *c, struct client_try *t, struct client_ahead *a)
{
    const struct auth *auth = c->config.auth;
    struct turn *turn = auth && auth_is_delicate(auth) ? NULL : t->turn;
    a->request.deadline_ms = t->deadline_ms;
    turn_give(turn);
    int r = http_finish(a->desk->http, a->line, &a->request, t->answer);
    turn_take(turn);
    t->requests += t->answer->requests;
    if (r < 0)
        auth_redact_sent(&a->request, t->answer);
    return r;
}

/* *proof: what was sent, if anything was. */
static int send_request(struct client *c, struct client_try *t, const struct client_page *page,
                        unsigned limit, unsigned *proof)
{
    struct client_ahead mine = {0}, *a = t->ahead && t->ahead->desk ? t->ahead : &mine;
    http_response_free(t->answer);
    *t->answer = (struct http_response){.fields = HEADER_FIELDS_INIT};
    int r = a->desk ? 0 : get_ready(c, t->deadline_ms, &t->why);
    if (r == 0 && !a->desk)
        r = compose(c, page, limit, a);
    if (r == 0) {
        *proof = a->proof;
        a->desk = a->desk ? a->desk : desk_take(&c->desks, t->beside, &a->line);
        r = send_meanwhile(c, t, a);
    }
    put_away(c, a);
    return r;
}

int client_begin(struct client *c, const struct client_page *page, int64_t deadline_ms,
                 struct desk *beside, struct client_ahead *ahead)
{
    const struct auth *auth = c->config.auth;
    struct auth_error why = {""};
    unsigned limit = page->limited ? client_page_size(c, page->call) : 0;
    if (auth && (!auth_is_ready(auth) || auth_is_delicate(auth)))
        return -EAGAIN;
    if (!desk_may_stay(&c->desks, beside))
        return -EAGAIN;
    int r = get_ready(c, deadline_ms, &why);
    if (r == 0)
        r = compose(c, page, limit, ahead);
    if (r == 0) {
        ahead->desk = desk_take(&c->desks, beside, &ahead->line);
        ahead->request.deadline_ms = deadline_ms;
        r = http_begin(ahead->desk->http, ahead->line, &ahead->request);
    }
    if (r < 0)
        put_away(c, ahead);
    return r;
}

void client_push(const struct client_ahead *ahead)
{
    if (ahead->desk)
        http_push(ahead->desk->http);
}

bool client_has_failed(const struct client_ahead *ahead)
{
    return ahead->desk && http_has_failed(ahead->desk->http, ahead->line);
}

unsigned client_drop(struct client *c, struct client_ahead *ahead)
{
    unsigned sent = ahead->desk != NULL;
    if (sent)
        http_drop(ahead->desk->http, ahead->line);
    put_away(c, ahead);
    return sent;
}

static int drop(void *ctx, struct image *img)
{
    (void)ctx;
    image_unref(img);
    return 0;
}

static bool is_list(const struct client *c, const struct http_response *answer)
{
    const struct decode_sink sink = {.image = drop};
    struct decode_result result;
    int r = decode_text(strbuf_bytes(&answer->body), DECODE_PAGE, c->config.http.limits,
                        c->config.attrs, &sink, &result);
    decode_result_free(&result);
    return r == 0;
}

/* Only the first page tells whether the call is there; a page to sign in at, or a proxy's, tells
 * nothing. */
static void learn(struct client *c, const struct client_page *page,
                  const struct http_response *answer)
{
    if (page->call != list_call_find("cloudimages") || page->marker.len)
        return;
    if (answer->status == 200 && !route_has_cloudimages(&c->route) && !is_list(c, answer))
        return;
    if (!route_learn(&c->route, answer->status))
        return;
    atomic_store(&c->missing_at_ms, clock_now_ms(c->clock));
    atomic_store(&c->missing, answer->status == 404);
}

/* With one more try where there may be a new token. */
static int send_limited(struct client *c, struct client_try *t, const struct client_page *page,
                        unsigned limit)
{
    struct auth *auth = c->config.auth;
    unsigned proof = 0;
    t->why.text[0] = '\0';
    for (bool renewed = false;; renewed = true) {
        int r = send_request(c, t, page, limit, &proof);
        bool denied = auth && (t->answer->status == 401 || t->answer->status == 403);
        if (denied && auth_refused(auth, proof, t->answer) && !renewed)
            continue;
        if (r == 0 && auth)
            auth_accepted(auth, proof);
        learn(c, page, t->answer);
        return r;
    }
}

/* --- Our limit --- */

static size_t limit_at(const struct list_call *call)
{
    return call->by_last_id; /* there are two calls */
}

unsigned client_page_size(const struct client *c, const struct list_call *call)
{
    return c->takes_none[limit_at(call)] ? 0 : c->config.page_size;
}

/* Whether the call takes our limit is still to be found out. */
static bool limit_unknown(const struct client *c, const struct list_call *call)
{
    return client_page_size(c, call) && !c->takes_limit[limit_at(call)];
}

/* A page came with our limit, or without (0). */
static void note_limit(struct client *c, const struct list_call *call, unsigned limit)
{
    CLEANUP(strbuf_free) struct strbuf url = STRBUF_INIT;
    c->takes_limit[limit_at(call)] = limit > 0;
    c->takes_none[limit_at(call)] = limit == 0;
    if (limit)
        return;
    client_add_call(c, call, &url);
    log_info("%s: takes no limit; its own page size is used", strbuf_str(&url));
}

int client_ask(struct client *c, struct client_try *t, const struct client_page *page)
{
    unsigned limit = page->limited ? client_page_size(c, page->call) : 0;
    bool sent = limit > 0;
    int r = send_limited(c, t, page, limit);
    /* Another lane may have found out meanwhile that it takes none. */
    bool may_take_none = sent && !c->takes_limit[limit_at(page->call)];
    if (t->answer->status == 400 && may_take_none && page->marker.len == 0) {
        limit = 0;
        r = send_limited(c, t, page, limit);
    }
    if (r == 0 && sent && limit_unknown(c, page->call))
        note_limit(c, page->call, limit);
    return r;
}

/* --- Which call --- */

bool client_reconsider(struct client *c)
{
    int64_t passed_ms = clock_now_ms(c->clock) - atomic_load(&c->missing_at_ms);
    if (!c->config.missing_ms || passed_ms < c->config.missing_ms ||
        !atomic_exchange(&c->missing, false))
        return false;
    route_forget(&c->route);
    return true;
}

/* What was not there is tried again after a while. */
static struct route_plan plan(struct client *c, const struct query *q, struct query_error *err)
{
    struct route_plan p = route_query(&c->route, q, err);
    return p.error == -EOPNOTSUPP && client_reconsider(c) ? route_query(&c->route, q, err) : p;
}

/* 0: the route knows more than before. */
static int probe(struct client *c, struct client_try *t, const struct list_call *call)
{
    CLEANUP(strbuf_free) struct strbuf url = STRBUF_INIT;
    const struct client_page page = {.call = call};
    int r = send_limited(c, t, &page, 1);
    if (route_dialect(&c->route) != QUERY_DIALECT_UNKNOWN)
        return 0;
    if (r < 0)
        return r;
    const char *type = t->answer->fields.content_type;
    client_add_call(c, call, &url);
    snprintf(t->why.text, sizeof(t->why.text),
             "%.120s: the answer is no list of images (%.60s), so the kind of service is unknown; "
             "check the endpoint, or say it with dialect=",
             strbuf_str(&url), *type ? type : "without a content type");
    return -EIO;
}

int client_find_dialect(struct client *c, struct client_try *t, enum query_dialect *dialect,
                        const struct list_call **call)
{
    t->why.text[0] = '\0';
    int r = get_ready(c, t->deadline_ms, &t->why);
    enum query_dialect found = client_dialect(c);
    if (r == 0 && found == QUERY_DIALECT_UNKNOWN) {
        const struct list_call *probed = list_call_find("cloudimages");
        r = probe(c, t, probed);
        if (r < 0)
            *call = probed;
        found = client_dialect(c);
    }
    if (r < 0)
        return r;
    if (found == QUERY_DIALECT_UNKNOWN)
        return -EIO; /* somebody made us forget it */
    *dialect = found;
    return 0;
}

int client_choose(struct client *c, struct client_try *t, const struct query *q,
                  const struct list_call **call)
{
    struct query_error refused = {""};
    struct route_plan p = {ROUTE_SEND, c->config.api, 0};
    t->why.text[0] = '\0';
    int r = q ? get_ready(c, t->deadline_ms, &t->why) : 0;
    if (r == 0 && q)
        p = plan(c, q, &refused);
    if (r == 0 && p.step == ROUTE_PROBE) {
        *call = p.call;
        r = probe(c, t, p.call);
        if (r == 0)
            p = plan(c, q, &refused);
    }
    if (r < 0)
        return r;
    if (p.step == ROUTE_SEND)
        *call = p.call;
    else
        snprintf(t->why.text, sizeof(t->why.text), "%s", refused.text);
    /* A second probe: somebody made us forget the first one. */
    return p.step == ROUTE_PROBE ? -EIO : p.error;
}

enum query_dialect client_dialect(const struct client *c)
{
    return route_dialect(&c->route);
}

void client_forget(struct client *c)
{
    route_forget(&c->route);
}

void client_add_call(const struct client *c, const struct list_call *call, struct strbuf *out)
{
    endpoint_add_call(&c->service, call, out);
}

/* --- Life --- */

static int set_service(struct client *c, struct auth_error *why)
{
    const struct client_config *config = &c->config;
    CLEANUP(url_free) struct url url = {0};
    route_init(&c->route, config->api);
    route_set_service(&c->route, config->dialect, NULL);
    if (!config->endpoint)
        return 0;
    int r = url_parse_endpoint(&url, config->endpoint, why->text, sizeof(why->text));
    if (r < 0)
        return r;
    if (config->auth && !auth_may_send(config->auth, &url, why))
        return -EINVAL;
    move_to(c, url);
    url = (struct url){0};
    return 0;
}

int client_init(struct client *c, const struct client_config *config, struct auth_error *why)
{
    *c = (struct client){.config = *config};
    c->config.http.lines = config->parallel;
    if (!config->http.limits)
        c->config.http.limits = &limits_standard;
    c->clock = config->http.clock ? config->http.clock : &clock_boottime;
    int r = set_service(c, why);
    if (r < 0)
        return r;
    snprintf(why->text, sizeof(why->text), "out of memory");
    if (config->api_version && !(c->api_version = strdup(config->api_version)))
        return -ENOMEM;
    return desks_init(&c->desks, config->lanes ? config->lanes : 1, &c->config.http);
}

void client_deinit(struct client *c)
{
    desks_deinit(&c->desks);
    url_free(&c->service);
    free(c->api_version);
}

void client_cancel(struct client *c)
{
    desks_cancel(&c->desks);
    if (c->config.auth)
        auth_cancel(c->config.auth);
}
