// SPDX-License-Identifier: Apache-2.0
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <errno.h>

#include "fake-server.h"
#include "imsfs/http.h"

/* Numbers of <curl/curl.h>, which only src/http.c may include. */
enum {
    COULDNT_RESOLVE = 6,
    COULDNT_CONNECT = 7,
    PARTIAL = 18,
    TIMED_OUT = 28,
    TLS = 35,
    EMPTY = 52,
    RECEIVE = 56,
    BAD_CERTIFICATE = 60,
    TOO_LARGE = 63
};

struct world {
    struct fake_server server;
    struct http *http;
    struct http_response response;
    atomic_ullong requests, bytes;
    char url[128];
};

static void open_world(struct world *w, fake_answer_fn *answer, struct http_config config)
{
    memset(w, 0, sizeof(*w));
    fake_start(&w->server, answer, w);
    snprintf(w->url, sizeof(w->url), "http://127.0.0.1:%u/v2/images?limit=1", w->server.port);
    config.requests = &w->requests;
    config.bytes = &w->bytes;
    if (!config.backoff_ms)
        config.backoff_ms = 2;
    assert_int_equal(http_new(&w->http, &config), 0);
}

static void close_world(struct world *w)
{
    http_response_free(&w->response);
    http_free(w->http);
    fake_stop(&w->server);
}

static int get_within(struct world *w, int64_t ms)
{
    struct http_request request = {.url = w->url};
    request.deadline_ms = clock_now_ms(&clock_boottime) + ms;
    http_response_free(&w->response);
    return http_get(w->http, &request, &w->response);
}

static int get(struct world *w)
{
    return get_within(w, 20000);
}

/* --- the table --- */

static void one_table_says_what_outcomes_mean(void **state)
{
    (void)state;
    static const struct {
        enum http_outcome outcome;
        int code, error;
        bool retry;
    } rows[] = {
        {HTTP_STATUS, 200, 0, false},
        {HTTP_STATUS, 204, -EIO, false},
        {HTTP_STATUS, 302, -EIO, false},
        {HTTP_STATUS, 400, -EINVAL, false},
        {HTTP_STATUS, 401, -EACCES, false},
        {HTTP_STATUS, 403, -EACCES, false},
        {HTTP_STATUS, 404, -EIO, false},
        {HTTP_STATUS, 414, -ENAMETOOLONG, false},
        {HTTP_STATUS, 418, -EIO, false},
        {HTTP_STATUS, 429, -EIO, true},
        {HTTP_STATUS, 500, -EIO, false},
        {HTTP_STATUS, 501, -EIO, false},
        {HTTP_STATUS, 502, -EIO, true},
        {HTTP_STATUS, 503, -EIO, true},
        {HTTP_STATUS, 504, -EIO, true},
        {HTTP_CURL, COULDNT_RESOLVE, -EHOSTUNREACH, false},
        {HTTP_CURL, COULDNT_CONNECT, -EHOSTUNREACH, false},
        {HTTP_CURL, TLS, -EHOSTUNREACH, false},
        {HTTP_CURL, BAD_CERTIFICATE, -EHOSTUNREACH, false},
        {HTTP_CURL, TIMED_OUT, -ETIMEDOUT, false},
        {HTTP_CURL, PARTIAL, -EIO, true},
        {HTTP_CURL, EMPTY, -EIO, true},
        {HTTP_CURL, RECEIVE, -EIO, true},
        {HTTP_CURL, TOO_LARGE, -EIO, false},
    };
    for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
        struct http_verdict v = http_verdict(rows[i].outcome, rows[i].code);
        assert_int_equal(v.error, rows[i].error);
        assert_int_equal(v.retry, rows[i].retry);
    }
}

/* --- what is sent and received --- */

static enum fake_end say_hello(struct fake_server *s, unsigned n, const char *request,
                               struct strbuf *out)
{
    (void)s, (void)n, (void)request;
    fake_reply(out, 200, "X-Openstack-Request-Id: req-1\x1b[31m\r\nRetry-After: 7\r\n", "hello");
    return FAKE_KEEP;
}

static void a_request_says_what_it_must_and_no_more(void **state)
{
    (void)state;
    struct world w;
    struct http_request request = {0};
    open_world(&w, say_hello, (struct http_config){0});
    request.url = w.url;
    request.deadline_ms = clock_now_ms(&clock_boottime) + 20000;
    assert_int_equal(header_add(&request.headers, "X-Auth-Token", "secret"), 0);
    assert_int_equal(header_add(&request.headers, "X-Auth-Token", "a\r\nEvil: yes"), -EINVAL);
    assert_int_equal(http_get(w.http, &request, &w.response), 0);
    header_lines_free(&request.headers);
    assert_int_equal(w.response.status, 200);
    assert_string_equal(strbuf_str(&w.response.body), "hello");
    assert_string_equal(w.response.fields.request_id, "req-1");
    assert_string_equal(w.response.fields.content_type, "application/json");
    assert_int_equal(w.response.fields.retry_after_ms, 7000);
    char expected[256], sent[8192];
    snprintf(expected, sizeof(expected),
             "GET /v2/images?limit=1 HTTP/1.1\r\nHost: 127.0.0.1:%u\r\n"
             "Accept: application/json\r\nX-Auth-Token: secret\r\n\r\n",
             w.server.port);
    fake_last_request(&w.server, sent);
    assert_string_equal(sent, expected);
    /* The header does not stay behind, the connection does. */
    assert_int_equal(get(&w), 0);
    fake_last_request(&w.server, sent);
    assert_null(strstr(sent, "secret"));
    assert_int_equal(w.server.connections, 1);
    assert_int_equal(w.requests, 2);
    assert_int_equal(w.bytes, 10);
    close_world(&w);
}

/* --- retries --- */

struct script {
    const char *name;
    int status; /* 0: a broken connection, by end */
    enum fake_end end;
    const char *bytes; /* of a broken answer */
    unsigned requests; /* in all, when the next answer is good */
    int result;
};

static const struct script *running; /* the test's thread writes it while no request runs */

static enum fake_end fail_once(struct fake_server *s, unsigned n, const char *request,
                               struct strbuf *out)
{
    (void)s, (void)request;
    if (n > 0)
        fake_reply(out, 200, "", "{}");
    else if (running->status)
        fake_reply(out, running->status, "", "{\"message\": \"no\"}");
    else
        strbuf_add_str(out, running->bytes);
    return n > 0 ? FAKE_KEEP : running->end;
}

static void only_what_may_pass_is_retried(void **state)
{
    (void)state;
    static const struct script scripts[] = {
        {"429", 429, FAKE_KEEP, "", 2, 0},
        {"502", 502, FAKE_KEEP, "", 2, 0},
        {"503", 503, FAKE_CLOSE, "", 2, 0},
        {"504", 504, FAKE_KEEP, "", 2, 0},
        {"500", 500, FAKE_KEEP, "", 1, -EIO},
        {"400", 400, FAKE_KEEP, "", 1, -EINVAL},
        {"401", 401, FAKE_KEEP, "", 1, -EACCES},
        {"403", 403, FAKE_KEEP, "", 1, -EACCES},
        {"404", 404, FAKE_KEEP, "", 1, -EIO},
        {"414", 414, FAKE_CLOSE, "", 1, -ENAMETOOLONG},
        {"empty reply", 0, FAKE_CLOSE, "", 2, 0},
        {"reset", 0, FAKE_RESET, "HTTP/1.1 200 OK\r\n", 2, 0},
        {"short body", 0, FAKE_CLOSE, "HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\n{}", 2, 0},
        {"short chunk", 0, FAKE_CLOSE,
         "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n9\r\n{}", 2, 0},
        {"not HTTP", 0, FAKE_CLOSE, "220 smtp.example.com ESMTP\r\n", 1, -EIO},
    };
    for (size_t i = 0; i < ARRAY_SIZE(scripts); i++) {
        struct world w;
        running = &scripts[i];
        open_world(&w, fail_once, (struct http_config){0});
        int r = get(&w);
        if (r != running->result || w.server.requests != running->requests)
            fail_msg("%s: %d after %u requests (%s)", running->name, r, w.server.requests,
                     w.response.cause);
        assert_int_equal(w.response.status, r ? running->status : 200);
        assert_string_equal(strbuf_str(&w.response.body), r == 0 ? "{}"
                                                          : running->status
                                                              ? "{\"message\": \"no\"}"
                                                              : "");
        close_world(&w);
    }
}

static enum fake_end always_busy(struct fake_server *s, unsigned n, const char *request,
                                 struct strbuf *out)
{
    (void)s, (void)n, (void)request;
    fake_reply(out, 503, "", "busy");
    return FAKE_KEEP;
}

static void tries_end(void **state)
{
    (void)state;
    struct world w;
    open_world(&w, always_busy, (struct http_config){.tries = 3});
    assert_int_equal(get(&w), -EIO);
    assert_int_equal(w.response.status, 503);
    assert_string_equal(strbuf_str(&w.response.body), "busy");
    assert_int_equal(w.server.requests, 3);
    close_world(&w);
}

static enum fake_end busy_for_ages(struct fake_server *s, unsigned n, const char *request,
                                   struct strbuf *out)
{
    (void)s, (void)n, (void)request;
    fake_reply(out, 429, "Retry-After: 1000000000\r\n", "busy");
    return FAKE_KEEP;
}

static void without_time_for_a_pause_the_last_error_comes_at_once(void **state)
{
    (void)state;
    struct world w;
    open_world(&w, busy_for_ages, (struct http_config){0});
    int64_t start = clock_now_ms(&clock_boottime);
    assert_int_equal(get_within(&w, 20000), -EIO);
    assert_in_range(clock_now_ms(&clock_boottime) - start, 0, 5000);
    assert_int_equal(w.response.status, 429);
    assert_int_equal(w.server.requests, 1);
    close_world(&w);
}

static enum fake_end wait_a_second(struct fake_server *s, unsigned n, const char *request,
                                   struct strbuf *out)
{
    (void)s, (void)request;
    fake_reply(out, n ? 200 : 503, "Retry-After: 1\r\n", "{}");
    return FAKE_KEEP;
}

static void retry_after_is_honoured(void **state)
{
    (void)state;
    struct world w;
    open_world(&w, wait_a_second, (struct http_config){0});
    int64_t start = clock_now_ms(&clock_boottime);
    assert_int_equal(get(&w), 0);
    assert_in_range(clock_now_ms(&clock_boottime) - start, 1000, 5000);
    close_world(&w);
}

/* --- limits --- */

static enum fake_end large_chunks(struct fake_server *s, unsigned n, const char *request,
                                  struct strbuf *out)
{
    (void)s, (void)n, (void)request;
    strbuf_add_str(out, "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n");
    for (int i = 0; i < 100; i++)
        strbuf_printf(out, "3e8\r\n%01000d\r\n", 0);
    return FAKE_HANG;
}

static enum fake_end large_length(struct fake_server *s, unsigned n, const char *request,
                                  struct strbuf *out)
{
    (void)s, (void)n, (void)request;
    strbuf_add_str(out, "HTTP/1.1 200 OK\r\nContent-Length: 1000000000\r\n\r\n{");
    return FAKE_HANG;
}

static enum fake_end many_headers(struct fake_server *s, unsigned n, const char *request,
                                  struct strbuf *out)
{
    (void)s, (void)n, (void)request;
    strbuf_add_str(out, "HTTP/1.1 200 OK\r\n");
    for (int i = 0; i < 1000; i++)
        strbuf_printf(out, "X-Header-%d: %090d\r\n", i, 0);
    return FAKE_HANG;
}

static enum fake_end many_interim(struct fake_server *s, unsigned n, const char *request,
                                  struct strbuf *out)
{
    (void)s, (void)n, (void)request;
    for (int i = 0; i < 5000; i++)
        strbuf_add_str(out, "HTTP/1.1 100 Continue\r\n\r\n");
    return FAKE_HANG;
}

static void large_answers_are_cut_off(void **state)
{
    (void)state;
    static fake_answer_fn *const answers[] = {large_chunks, large_length, many_headers,
                                              many_interim};
    for (size_t i = 0; i < ARRAY_SIZE(answers); i++) {
        struct world w;
        open_world(&w, answers[i], (struct http_config){.body_limit = 50000});
        assert_int_equal(get(&w), -EIO);
        assert_int_equal(w.response.status, 0);
        assert_true(w.response.cause[0] != '\0');
        assert_true(w.response.body.len <= 50000);
        assert_int_equal(w.server.requests, 1);
        close_world(&w);
    }
}

static enum fake_end hang(struct fake_server *s, unsigned n, const char *request,
                          struct strbuf *out)
{
    (void)s, (void)n, (void)request, (void)out;
    return FAKE_HANG;
}

static void the_deadline_holds(void **state)
{
    (void)state;
    struct world w;
    open_world(&w, hang, (struct http_config){0});
    int64_t start = clock_now_ms(&clock_boottime);
    assert_int_equal(get_within(&w, 200), -ETIMEDOUT);
    assert_in_range(clock_now_ms(&clock_boottime) - start, 190, 3000);
    assert_int_equal(w.response.status, 0);
    assert_int_equal(get_within(&w, 0), -ETIMEDOUT);
    assert_int_equal(w.requests, 1);
    close_world(&w);
}

static enum fake_end drip_once(struct fake_server *s, unsigned n, const char *request,
                               struct strbuf *out)
{
    (void)s, (void)request;
    if (n > 0) {
        fake_reply(out, 200, "", "{}");
        return FAKE_KEEP;
    }
    strbuf_add_str(out, "HTTP/1.1 200 OK\r\nContent-Length: 100000\r\n\r\n{");
    return FAKE_DRIP;
}

static int64_t fast_now(void *ctx)
{
    (void)ctx;
    return clock_now_ms(&clock_boottime) * 50;
}

static void an_answer_that_drips_is_asked_for_again(void **state)
{
    (void)state;
    static const struct clock fast = {.now_ms = fast_now};
    struct world w;
    open_world(&w, drip_once, (struct http_config){.clock = &fast});
    struct http_request request = {.url = w.url, .deadline_ms = fast_now(NULL) + 500000};
    assert_int_equal(http_get(w.http, &request, &w.response), 0);
    assert_int_equal(w.server.requests, 2);
    close_world(&w);
}

/* --- nobody else --- */

static enum fake_end go_elsewhere(struct fake_server *s, unsigned n, const char *request,
                                  struct strbuf *out)
{
    (void)request;
    char location[128];
    static const int statuses[] = {301, 302, 303, 307, 308};
    snprintf(location, sizeof(location), "Location: http://127.0.0.1:%u/evil\r\n",
             *(uint16_t *)s->ctx);
    fake_reply(out, statuses[n % ARRAY_SIZE(statuses)], location, "");
    return FAKE_KEEP;
}

static void nobody_else_is_talked_to(void **state)
{
    (void)state;
    struct fake_server evil;
    struct world w;
    char proxy[64];
    fake_start(&evil, say_hello, NULL);
    snprintf(proxy, sizeof(proxy), "http://127.0.0.1:%u", evil.port);
    setenv("http_proxy", proxy, 1);
    setenv("ALL_PROXY", proxy, 1);
    open_world(&w, go_elsewhere, (struct http_config){0});
    w.server.ctx = &evil.port;
    for (int i = 0; i < 5; i++) {
        assert_int_equal(get(&w), -EIO);
        assert_in_range(w.response.status, 301, 308);
    }
    assert_int_equal(w.server.requests, 5);
    snprintf(w.url, sizeof(w.url), "file:///etc/passwd");
    assert_int_equal(get(&w), -EIO);
    assert_int_equal(w.response.body.len, 0);
    unsetenv("http_proxy");
    unsetenv("ALL_PROXY");
    close_world(&w);
    assert_int_equal(evil.connections, 0);
    fake_stop(&evil);
}

static void a_closed_port_is_told_at_once(void **state)
{
    (void)state;
    struct fake_server gone;
    struct world w;
    fake_start(&gone, hang, NULL);
    fake_stop(&gone);
    open_world(&w, hang, (struct http_config){0});
    snprintf(w.url, sizeof(w.url), "http://127.0.0.1:%u/", gone.port);
    int64_t start = clock_now_ms(&clock_boottime);
    assert_int_equal(get(&w), -EHOSTUNREACH);
    assert_in_range(clock_now_ms(&clock_boottime) - start, 0, 1000);
    assert_int_equal(w.requests, 1);
    snprintf(w.url, sizeof(w.url), "https://127.0.0.1:%u/", w.server.port);
    assert_int_equal(get_within(&w, 300), -ETIMEDOUT); /* no TLS there, only silence */
    close_world(&w);
}

/* --- cancel --- */

struct canceller {
    struct http *http;
    struct fake_server *server;
    atomic_llong at_us;
};

static long long now_us(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return t.tv_sec * 1000000LL + t.tv_nsec / 1000;
}

static void *cancel_soon(void *arg)
{
    struct canceller *c = arg;
    while (atomic_load(&c->server->requests) == 0)
        usleep(1000);
    usleep(50000);
    atomic_store(&c->at_us, now_us());
    http_cancel(c->http);
    return NULL;
}

static void check_cancel(fake_answer_fn *answer)
{
    struct world w;
    pthread_t thread;
    open_world(&w, answer, (struct http_config){.backoff_ms = 15000});
    struct canceller c = {.http = w.http, .server = &w.server};
    pthread_create(&thread, NULL, cancel_soon, &c);
    assert_int_equal(get(&w), -ECANCELED);
    long long latency = now_us() - atomic_load(&c.at_us);
    pthread_join(thread, NULL);
    print_message("# cancelled within %lld us\n", latency);
    assert_in_range(latency, 0, 100000);
    assert_int_equal(get(&w), -ECANCELED);
    assert_int_equal(w.server.requests, 1);
    close_world(&w);
}

static void cancel_ends_transfers_and_pauses(void **state)
{
    (void)state;
    check_cancel(hang);        /* in a transfer */
    check_cancel(always_busy); /* in a pause */
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(one_table_says_what_outcomes_mean),
        cmocka_unit_test(a_request_says_what_it_must_and_no_more),
        cmocka_unit_test(only_what_may_pass_is_retried),
        cmocka_unit_test(tries_end),
        cmocka_unit_test(without_time_for_a_pause_the_last_error_comes_at_once),
        cmocka_unit_test(retry_after_is_honoured),
        cmocka_unit_test(large_answers_are_cut_off),
        cmocka_unit_test(the_deadline_holds),
        cmocka_unit_test(an_answer_that_drips_is_asked_for_again),
        cmocka_unit_test(nobody_else_is_talked_to),
        cmocka_unit_test(a_closed_port_is_told_at_once),
        cmocka_unit_test(cancel_ends_transfers_and_pauses),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
