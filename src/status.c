// SPDX-License-Identifier: Apache-2.0
#include "imsfs/status.h"

#include <time.h>

#include "imsfs/json.h"
#include "imsfs/route.h"

static void add_string(struct strbuf *out, const char *key, const char *value)
{
    strbuf_printf(out, "  \"%s\": ", key);
    json_add_quoted(out, bytes_of(value));
    strbuf_add_str(out, ",\n");
}

static void add_number(struct strbuf *out, const char *key, unsigned long long value)
{
    strbuf_printf(out, "  \"%s\": %llu,\n", key, value);
}

static void add_bool(struct strbuf *out, const char *key, bool value)
{
    strbuf_printf(out, "  \"%s\": %s,\n", key, value ? "true" : "false");
}

/* Milliseconds as seconds; null where there is nothing to measure. */
static void add_seconds(struct strbuf *out, const char *key, bool known, int64_t ms)
{
    if (known)
        strbuf_printf(out, "  \"%s\": %.3f,\n", key, (double)ms / 1000);
    else
        strbuf_printf(out, "  \"%s\": null,\n", key);
}

static void add_error(struct strbuf *out, const struct list_status *cs)
{
    char when[32];
    struct tm tm;
    add_bool(out, "failing", cs->last_error != 0);
    if (!cs->last_error_text[0]) {
        strbuf_add_str(out, "  \"last_error\": null,\n  \"last_error_at\": null,\n");
        return;
    }
    gmtime_r(&cs->last_error_at.tv_sec, &tm);
    strftime(when, sizeof(when), "%Y-%m-%dT%H:%M:%SZ", &tm);
    add_string(out, "last_error", cs->last_error_text);
    strbuf_printf(out, "  \"last_error_at\": \"%s\",\n", when);
}

static void add_auth(struct strbuf *out, const struct auth *a)
{
    int64_t expires_ms = a ? atomic_load(&a->expires_ms) : 0;
    if (!a)
        return;
    add_string(out, "auth", a->kind);
    add_number(out, "sign_ins", atomic_load(&a->sign_ins));
    add_seconds(out, "token_expires_in", expires_ms != 0, expires_ms - clock_now_ms(a->clock));
}

static void add_traffic(const struct traffic *traffic, struct strbuf *out)
{
    if (!traffic)
        return;
    strbuf_add_str(out, "  \"kernel_requests\": ");
    traffic_add(traffic, out);
    strbuf_add_str(out, ",\n");
    add_number(out, "kernel_stores", atomic_load(&traffic->stores));
}

static void add_over(const struct limits_counters *over, struct strbuf *out)
{
    if (!over)
        return;
    strbuf_add_str(out, "  \"over_limits\": ");
    limits_add_counters(over, out);
    strbuf_add_str(out, ",\n");
}

/* --- Queries --- */

static void add_refused(const struct status *s, struct strbuf *out)
{
    CLEANUP(strbuf_free) struct strbuf text = STRBUF_INIT;
    if (!s->add_refused)
        return;
    s->add_refused(s->ctx, &text);
    if (text.len)
        add_string(out, "last_refused_query", strbuf_str(&text));
    else
        strbuf_add_str(out, "  \"last_refused_query\": null,\n");
}

/* One line, without a newline. */
static void add_query(const struct list_status *cs, struct bytes criteria, struct strbuf *out)
{
    strbuf_add_str(out, "{\"criteria\": ");
    json_add_quoted(out, criteria);
    strbuf_printf(out, ", \"images\": %zu, \"skipped\": %llu, \"age\": ", cs->counts.images,
                  cs->left_out.skipped);
    if (cs->have_list)
        strbuf_printf(out, "%.3f", (double)cs->age_ms / 1000);
    else
        strbuf_add_str(out, "null");
    strbuf_printf(out, ", \"listings\": %llu, \"requests\": %llu, \"bytes\": %zu",
                  (unsigned long long)cs->listings, cs->requests, cs->bytes);
    strbuf_printf(out, ", \"failing\": %s, \"last_error\": ", cs->last_error ? "true" : "false");
    if (cs->last_error_text[0])
        json_add_quoted(out, bytes_of(cs->last_error_text));
    else
        strbuf_add_str(out, "null");
    strbuf_add_char(out, '}');
}

/* Whether somebody asked it for something, and it has anything to say. */
static bool has_row(const struct list_status *cs)
{
    return cs->have_list || cs->loading || cs->wanted || cs->last_error;
}

/* A list may go while we look, and is left out then. */
static void add_queries(const struct status *s, struct strbuf *out)
{
    CLEANUP(strbuf_free) struct strbuf criteria = STRBUF_INIT;
    struct list_status cs;
    const char *between = "\n    ";
    strbuf_add_str(out, "  \"queries\": [");
    for (uint32_t list = 0; (list = cache_next_list(s->cache, list));) {
        strbuf_reset(&criteria);
        if (cache_describe(s->cache, list, &criteria, &cs) < 0 || !has_row(&cs))
            continue;
        strbuf_add_str(out, between);
        add_query(&cs, strbuf_bytes(&criteria), out);
        between = ",\n    ";
    }
    strbuf_add_str(out, *between == ',' ? "\n  ]\n" : "]\n");
}

/* --- */

void status_add(const struct status *s, struct strbuf *out)
{
    struct list_status cs;
    const struct source_counters *sc = &s->source->counters;
    enum query_dialect dialect = s->dialect ? s->dialect(s->ctx) : QUERY_DIALECT_UNKNOWN;
    cache_status(s->cache, 0, &cs);
    strbuf_add_str(out, "{\n");
    add_string(out, "version", s->version);
    add_string(out, "source", s->location);
    add_string(out, "source_kind", s->source->kind);
    add_string(out, "api", route_own_api(s->source->api, dialect, s->filter));
    if (s->dialect)
        add_string(out, "dialect", route_dialect_name(dialect));
    add_auth(out, s->auth);
    add_number(out, "page_size", s->source->page_size);
    add_number(out, "images", cs.counts.images);
    add_number(out, "skipped", cs.left_out.skipped);
    add_over(s->over, out);
    add_number(out, "duplicates", cs.counts.duplicates);
    add_number(out, "names_equal", cs.counts.names_equal + cs.left_out.attrs_equal);
    add_number(out, "unnumbered", cs.counts.unnumbered);
    add_number(out, "attributes_without_file", cs.left_out.attrs_unnamed);
    add_number(out, "requests", atomic_load(&sc->requests));
    add_number(out, "pages", atomic_load(&sc->pages));
    add_number(out, "bytes", atomic_load(&sc->bytes));
    add_number(out, "listings", cs.listings);
    add_number(out, "lists_published", cs.generation);
    add_bool(out, "listing_now", cs.loading);
    add_number(out, "listing_pages", cs.listing_pages);
    add_seconds(out, "age", cs.have_list, cs.age_ms);
    add_seconds(out, "expires_in", cs.have_list, cs.expires_ms);
    add_seconds(out, "ttl_effective", cs.have_list, cs.ttl_effective_ms);
    add_error(out, &cs);
    add_traffic(s->traffic, out);
    add_refused(s, out);
    add_queries(s, out);
    strbuf_add_str(out, "}\n");
}
