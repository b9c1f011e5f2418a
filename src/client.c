// SPDX-License-Identifier: Apache-2.0
#include "imsfs/client.h"

#include <errno.h>
#include <stdio.h>

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

static int send_request(struct client *c, const struct client_page *page, unsigned limit,
                        int64_t deadline_ms, struct http_response *out, struct auth_error *why)
{
    CLEANUP(strbuf_free) struct strbuf url = STRBUF_INIT;
    struct http_request request = {.deadline_ms = deadline_ms};
    http_response_free(out);
    *out = (struct http_response){.fields = HEADER_FIELDS_INIT};
    int r = get_ready(c, deadline_ms, why);
    if (r == 0)
        r = endpoint_add_page(&c->service, page->call, page->query, page->marker, limit, &url);
    if (r < 0)
        return r;
    request.url = url.data;
    r = add_headers(c, &request);
    if (r == 0)
        r = http_send(c->http, &request, out);
    header_lines_free(&request.headers);
    return r;
}

/* Only the first page tells whether the call is there. */
static void learn(struct client *c, const struct client_page *page, int status)
{
    if (page->call != list_call_find("cloudimages") || page->marker.len)
        return;
    if (!route_learn(&c->route, status))
        return;
    c->missing = status == 404;
    c->missing_at_ms = clock_now_ms(c->clock);
}

/* With one more try where there may be a new token. */
static int send_limited(struct client *c, const struct client_page *page, unsigned limit,
                        int64_t deadline_ms, struct http_response *out, struct auth_error *why)
{
    struct auth *auth = c->config.auth;
    why->text[0] = '\0';
    for (bool renewed = false;; renewed = true) {
        int r = send_request(c, page, limit, deadline_ms, out, why);
        bool denied = auth && (out->status == 401 || out->status == 403);
        if (denied && auth_refused(auth, out) && !renewed)
            continue;
        if (r == 0 && auth)
            auth_accepted(auth);
        learn(c, page, out->status);
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

int client_ask(struct client *c, const struct client_page *page, int64_t deadline_ms,
               struct http_response *out, struct auth_error *why)
{
    unsigned limit = page->limited ? client_page_size(c, page->call) : 0;
    bool unknown = limit && !c->takes_limit[limit_at(page->call)];
    int r = send_limited(c, page, limit, deadline_ms, out, why);
    if (out->status == 400 && unknown && page->marker.len == 0) {
        limit = 0;
        r = send_limited(c, page, limit, deadline_ms, out, why);
    }
    if (r == 0 && unknown)
        note_limit(c, page->call, limit);
    return r;
}

/* --- Which call --- */

/* What was not there is tried again after a while. */
static struct route_plan plan(struct client *c, const struct query *q, struct query_error *err)
{
    struct route_plan p = route_query(&c->route, q, err);
    int64_t passed_ms = clock_now_ms(c->clock) - c->missing_at_ms;
    if (p.error != -EOPNOTSUPP || !c->missing || !c->config.missing_ms ||
        passed_ms < c->config.missing_ms)
        return p;
    c->missing = false;
    route_forget(&c->route);
    return route_query(&c->route, q, err);
}

/* 0: the route knows more than before. */
static int probe(struct client *c, const struct list_call *call, int64_t deadline_ms,
                 struct http_response *out, struct auth_error *why)
{
    const struct client_page page = {.call = call};
    int r = send_limited(c, &page, 1, deadline_ms, out, why);
    if (route_dialect(&c->route) != QUERY_DIALECT_UNKNOWN)
        return 0;
    return r < 0 ? r : -EIO;
}

int client_find_dialect(struct client *c, int64_t deadline_ms, enum query_dialect *dialect,
                        const struct list_call **call, struct http_response *out,
                        struct auth_error *why)
{
    why->text[0] = '\0';
    int r = get_ready(c, deadline_ms, why);
    enum query_dialect found = client_dialect(c);
    if (r == 0 && found == QUERY_DIALECT_UNKNOWN) {
        const struct list_call *probed = list_call_find("cloudimages");
        r = probe(c, probed, deadline_ms, out, why);
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

int client_choose(struct client *c, const struct query *q, int64_t deadline_ms,
                  const struct list_call **call, struct http_response *out, struct auth_error *why)
{
    struct query_error refused = {""};
    struct route_plan p = {ROUTE_SEND, c->config.api, 0};
    why->text[0] = '\0';
    int r = q ? get_ready(c, deadline_ms, why) : 0;
    if (r == 0 && q)
        p = plan(c, q, &refused);
    if (r == 0 && p.step == ROUTE_PROBE) {
        *call = p.call;
        r = probe(c, p.call, deadline_ms, out, why);
        if (r == 0)
            p = plan(c, q, &refused);
    }
    if (r < 0)
        return r;
    if (p.step == ROUTE_SEND)
        *call = p.call;
    else
        snprintf(why->text, sizeof(why->text), "%s", refused.text);
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
    c->clock = config->http.clock ? config->http.clock : &clock_boottime;
    int r = set_service(c, why);
    if (r < 0)
        return r;
    snprintf(why->text, sizeof(why->text), "out of memory");
    if (config->api_version && !(c->api_version = strdup(config->api_version)))
        return -ENOMEM;
    return http_new(&c->http, &config->http);
}

void client_deinit(struct client *c)
{
    http_free(c->http);
    url_free(&c->service);
    free(c->api_version);
}

void client_cancel(struct client *c)
{
    http_cancel(c->http);
    if (c->config.auth)
        auth_cancel(c->config.auth);
}
