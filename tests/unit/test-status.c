// SPDX-License-Identifier: Apache-2.0
#include "imsfs/status.h"

#include "fake-source.h"
#include "imsfs/compact.h"
#include "imsfs/json.h"

#define FOREVER_MS 1000000000

struct fixture {
    struct lists lists;
    struct fake_source source;
    struct fake_clock clock;
    struct cache *cache;
    struct auth auth;
    struct status status;
};

static void on_published(void *ctx, uint32_t list, const struct catalog *before,
                         const struct catalog *now, uint64_t generation)
{
    struct fixture *f = ctx;
    (void)before;
    (void)now;
    cache_settled(f->cache, list, generation);
}

static void on_woken(void *ctx, uint32_t list, unsigned events, int error)
{
    (void)ctx;
    (void)list;
    (void)events;
    (void)error;
}

static int setup(void **state)
{
    static struct fixture f;
    memset(&f, 0, sizeof(f));
    *state = &f;
    lists_init(&f.lists, "status");
    fake_init(&f.source, &f.lists);
    fake_clock_init(&f.clock);
    const struct cache_config config = {
        .source = &f.source.head,
        .numbers = &f.lists.numbers,
        .clock = &f.clock.clock,
        .listener = {on_published, on_woken, NULL, &f},
        .ttl_ms = 60000,
        .stale_ms = FOREVER_MS,
    };
    assert_int_equal(cache_new(&f.cache, &config), 0);
    assert_int_equal(cache_start(f.cache), 0);
    f.auth = (struct auth){.kind = "keystone", .clock = &f.clock.clock};
    f.status = (struct status){.cache = f.cache,
                               .source = &f.source.head,
                               .version = "1.2",
                               .location = "https://ims.example.com/v2",
                               .auth = &f.auth};
    return 0;
}

static int teardown(void **state)
{
    struct fixture *f = *state;
    cache_stop(f->cache);
    cache_free(f->cache);
    fake_deinit(&f->source);
    lists_deinit(&f->lists);
    return 0;
}

/* A whole listing that answers result. */
static void list(struct fixture *f, unsigned number, int result)
{
    cache_refresh(f->cache);
    fake_wait_begun(&f->source, number);
    fake_page(&f->source, PAGE(RECORD("a", "x", "y"), RECORD("a", "x", "y")));
    fake_page(&f->source, PAGE(RECORD("b", "x", "y")));
    fake_end(&f->source, result);
    for (struct list_status s = {.loading = true}; s.loading;)
        cache_status(f->cache, 0, &s);
}

/* The status as compact JSON; it must be valid, and end in a newline. */
static void get(struct fixture *f, struct strbuf *compact)
{
    CLEANUP(strbuf_free) struct strbuf text = STRBUF_INIT;
    status_add(&f->status, &text);
    assert_int_equal(strbuf_error(&text), 0);
    if (compact_text(strbuf_bytes(&text), &limits_standard, compact) != 0)
        fail_msg("not JSON: %s", strbuf_str(&text));
    assert_int_equal(text.data[text.len - 1], '\n');
}

static void assert_member(const struct strbuf *json, const char *key, const char *value)
{
    CLEANUP(strbuf_free) struct strbuf quoted = STRBUF_INIT;
    struct bytes name, token;
    struct json_walk w = json_walk(strbuf_bytes(json));
    json_add_quoted(&quoted, bytes_of(key));
    while (json_next(&w, &name, &token)) {
        if (!bytes_equal(name, strbuf_bytes(&quoted)))
            continue;
        if (!bytes_are(token, value))
            fail_msg("%s is %.*s, not %s", key, (int)token.len, token.data, value);
        return;
    }
    fail_msg("there is no %s", key);
}

static void who_signs_in(void **state)
{
    struct fixture *f = *state;
    CLEANUP(strbuf_free) struct strbuf json = STRBUF_INIT;
    get(f, &json);
    assert_member(&json, "auth", "\"keystone\"");
    assert_member(&json, "sign_ins", "0");
    assert_member(&json, "token_expires_in", "null");
    f->auth.sign_ins = 2;
    f->auth.expires_ms = clock_now_ms(&f->clock.clock) + 12500;
    strbuf_reset(&json);
    get(f, &json);
    assert_member(&json, "sign_ins", "2");
    assert_member(&json, "token_expires_in", "12.500");
    f->status.auth = NULL; /* a file */
    strbuf_reset(&json);
    get(f, &json);
    assert_null(strstr(json.data, "\"auth\""));
}

static void before_any_list(void **state)
{
    struct fixture *f = *state;
    CLEANUP(strbuf_free) struct strbuf json = STRBUF_INIT;
    get(f, &json);
    assert_member(&json, "version", "\"1.2\"");
    assert_member(&json, "source", "\"https://ims.example.com/v2\"");
    assert_member(&json, "images", "0");
    assert_member(&json, "listings", "0");
    assert_member(&json, "listing_now", "false");
    assert_member(&json, "age", "null");
    assert_member(&json, "expires_in", "null");
    assert_member(&json, "ttl_effective", "null");
    assert_member(&json, "failing", "false");
    assert_member(&json, "last_error", "null");
    assert_member(&json, "last_error_at", "null");
}

static void with_a_list(void **state)
{
    struct fixture *f = *state;
    CLEANUP(strbuf_free) struct strbuf json = STRBUF_INIT;
    atomic_store(&f->source.head.counters.requests, 18446744073709551615ull);
    f->source.left_out.skipped = 3;
    list(f, 1, 0);
    fake_clock_pass(&f->clock, 61250);
    get(f, &json);
    assert_member(&json, "images", "2");
    assert_member(&json, "duplicates", "1");
    assert_member(&json, "skipped", "3");
    assert_member(&json, "requests", "18446744073709551615");
    assert_member(&json, "listings", "1");
    assert_member(&json, "lists_published", "1");
    assert_member(&json, "listing_pages", "2");
    assert_member(&json, "age", "61.250");
    assert_member(&json, "expires_in", "-1.250");
    assert_member(&json, "ttl_effective", "60.000");
}

static void when_a_listing_failed(void **state)
{
    struct fixture *f = *state;
    CLEANUP(strbuf_free) struct strbuf json = STRBUF_INIT;
    list(f, 1, 0);
    list(f, 2, -EIO);
    get(f, &json);
    assert_member(&json, "failing", "true");
    assert_member(&json, "last_error", "\"the fake failed: -5\"");
    assert_member(&json, "images", "2");
    list(f, 3, 0);
    strbuf_reset(&json);
    get(f, &json);
    assert_member(&json, "failing", "false");
    assert_member(&json, "lists_published", "2");
    assert_member(&json, "listings", "3");
}

static void any_text_is_escaped(void **state)
{
    struct fixture *f = *state;
    CLEANUP(strbuf_free) struct strbuf json = STRBUF_INIT;
    f->status.location = "\"\\\n\x01\xff\xc3\xa9";
    f->source.head.api = "\"},{";
    get(f, &json);
    assert_member(&json, "api", "\"\\\"},{\"");
    assert_member(&json, "source_kind", "\"file\"");
}

static uint32_t open_list(struct fixture *f, const char *criteria)
{
    struct query *q;
    struct query_error err;
    uint32_t number, tenure;
    assert_int_equal(query_parse(&q, bytes_of(criteria), QUERY_DIALECT_IMS, &err), 0);
    assert_int_equal(
        cache_open_list(f->cache, (struct list_query){.query = q}, false, &number, &tenure), 0);
    return number;
}

static void each_query_has_a_row(void **state)
{
    struct fixture *f = *state;
    CLEANUP(strbuf_free) struct strbuf json = STRBUF_INIT;
    struct list_view view;
    get(f, &json);
    assert_member(&json, "queries", "[]");
    uint32_t number = open_list(f, "name=\"&min_ram=0");
    open_list(f, "name=nobody-asked-for-this");
    assert_int_equal(cache_view(f->cache, number, LIST_FRESH, &view), LIST_WAIT);
    fake_wait_begun(&f->source, 1);
    fake_end(&f->source, -EIO);
    for (struct list_status s = {0}; !s.last_error;)
        cache_status(f->cache, number, &s);
    number = open_list(f, "tag=b&tag=a");
    assert_int_equal(cache_view(f->cache, number, LIST_FRESH, &view), LIST_WAIT);
    fake_wait_begun(&f->source, 2);
    strbuf_reset(&json);
    get(f, &json);
    const char *rows = strstr(json.data, "\"queries\":[{\"criteria\":\"min_ram=0&name=\\\"\",");
    if (!rows)
        fail_msg("%s", json.data);
    const char *second = strstr(rows, "},{\"criteria\":\"tag=a&tag=b\",\"images\":0,");
    assert_non_null(second);
    const char *failing = strstr(rows, "\"failing\":true,\"last_error\":\"the fake failed: -5\"}");
    assert_non_null(failing);
    assert_true(failing < second);
    assert_non_null(strstr(second, "\"age\":null,\"listings\":1,\"requests\":0,"));
    assert_non_null(strstr(second, "\"failing\":false,\"last_error\":null}]"));
    assert_member(&json, "failing", "false"); /* of the mount's own list */
    assert_null(strstr(json.data, "nobody-asked"));
}

static enum query_dialect say_dialect(void *ctx)
{
    (void)ctx;
    return QUERY_DIALECT_GLANCE;
}

static void say_refused(void *ctx, struct strbuf *out)
{
    strbuf_add_str(out, ctx ? ctx : "");
}

static void what_queries_are_like(void **state)
{
    struct fixture *f = *state;
    CLEANUP(strbuf_free) struct strbuf json = STRBUF_INIT;
    get(f, &json);
    assert_null(strstr(json.data, "dialect"));
    assert_null(strstr(json.data, "last_refused_query"));
    f->status.dialect = say_dialect;
    f->status.add_refused = say_refused;
    strbuf_reset(&json);
    get(f, &json);
    assert_member(&json, "dialect", "\"glance\"");
    assert_member(&json, "last_refused_query", "null");
    f->status.ctx = "limit=\"0\": at least 1";
    strbuf_reset(&json);
    get(f, &json);
    assert_member(&json, "last_refused_query", "\"limit=\\\"0\\\": at least 1\"");
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(who_signs_in),          TEST(before_any_list),     TEST(with_a_list),
        TEST(when_a_listing_failed), TEST(any_text_is_escaped), TEST(each_query_has_a_row),
        TEST(what_queries_are_like),
    };
    return cmocka_run_group_tests_name("status", tests, NULL, NULL);
}
