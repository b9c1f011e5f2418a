// SPDX-License-Identifier: Apache-2.0
#include "imsfs/source_http.h"

#include <errno.h>
#include <stdio.h>

#include "imsfs/client.h"
#include "imsfs/listing.h"

struct source_http {
    struct source base; /* first: the head of every source */
    struct source_http_config config;
    struct client client;
    struct ranges ranges;
    struct listing_setup setup;
    atomic_bool cancelled;
};

static void cancel(struct source *base)
{
    struct source_http *s = (struct source_http *)base;
    atomic_store(&s->cancelled, true);
    client_cancel(&s->client);
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
    ranges_deinit(&s->ranges);
    free(s);
}

static int begin(struct source *base, const struct query *q, const struct source_sink *sink,
                 struct source_listing **out)
{
    return listing_begin(&((struct source_http *)base)->setup, q, sink, out);
}

static const struct source_ops ops = {.begin = begin,
                                      .next = listing_next,
                                      .end = listing_end,
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
    c->http.limits = c->http.limits ? c->http.limits : &limits_standard;
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
        .parallel = c->parallel,
        .auth = c->auth,
        .attrs = c->attrs,
        .http = c->http,
    };
    s->setup = (struct listing_setup){
        .source = &s->base,
        .client = &s->client,
        .clock = c->http.clock ? c->http.clock : &clock_boottime,
        .limits = c->http.limits,
        .timeout_ms = c->timeout_ms,
        .list_timeout_ms = c->list_timeout_ms,
        .auth = c->auth,
        .attrs = c->attrs,
        .ranges = &s->ranges,
        .cancelled = &s->cancelled,
    };
    ranges_init(&s->ranges, c->parallel);
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
