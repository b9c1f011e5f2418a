// SPDX-License-Identifier: Apache-2.0
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <errno.h>

#include "fake-server.h"
#include "imsfs/http.h"
#include "imsfs/log.h"
#include "imsfs/verdict.h"

/* Numbers of <curl/curl.h>, which is for attempt, http and verdict. */
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
    return http_send(w->http, &request, &w->response);
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
        enum verdict_kind kind;
        int code, error;
        bool retry;
    } rows[] = {
        {VERDICT_STATUS, 200, 0, false},
        {VERDICT_STATUS, 201, 0, false},
        {VERDICT_STATUS, 204, -EIO, false},
        {VERDICT_STATUS, 302, -EIO, false},
        {VERDICT_STATUS, 400, -EINVAL, false},
        {VERDICT_STATUS, 401, -EACCES, false},
        {VERDICT_STATUS, 403, -EACCES, false},
        {VERDICT_STATUS, 404, -EIO, false},
        {VERDICT_STATUS, 414, -ENAMETOOLONG, false},
        {VERDICT_STATUS, 418, -EIO, false},
        {VERDICT_STATUS, 429, -EIO, true},
        {VERDICT_STATUS, 500, -EIO, false},
        {VERDICT_STATUS, 501, -EIO, false},
        {VERDICT_STATUS, 502, -EIO, true},
        {VERDICT_STATUS, 503, -EIO, true},
        {VERDICT_STATUS, 504, -EIO, true},
        {VERDICT_CURL, COULDNT_RESOLVE, -EHOSTUNREACH, false},
        {VERDICT_CURL, COULDNT_CONNECT, -EHOSTUNREACH, false},
        {VERDICT_CURL, TLS, -EHOSTUNREACH, false},
        {VERDICT_CURL, BAD_CERTIFICATE, -EHOSTUNREACH, false},
        {VERDICT_CURL, TIMED_OUT, -ETIMEDOUT, false},
        {VERDICT_CURL, PARTIAL, -EIO, true},
        {VERDICT_CURL, EMPTY, -EIO, true},
        {VERDICT_CURL, RECEIVE, -EIO, true},
        {VERDICT_CURL, TOO_LARGE, -EIO, false},
    };
    for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
        struct verdict v = verdict_of(rows[i].kind, rows[i].code);
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

/* Which there are is libcurl's to say. */
static void hide_encodings(char *request)
{
    char *list = strstr(request, "Accept-Encoding: ");
    assert_non_null(list);
    list += strlen("Accept-Encoding: ");
    char *end = strstr(list, "\r\n");
    *list = 'X';
    memmove(list + 1, end, strlen(end) + 1);
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
    assert_int_equal(http_send(w.http, &request, &w.response), 0);
    header_lines_free(&request.headers);
    assert_int_equal(w.response.status, 200);
    assert_string_equal(strbuf_str(&w.response.body), "hello");
    assert_string_equal(w.response.fields.request_id, "req-1");
    assert_string_equal(w.response.fields.content_type, "application/json");
    assert_int_equal(w.response.fields.retry_after_ms, 7000);
    char expected[256], sent[8192];
    snprintf(expected, sizeof(expected),
             "GET /v2/images?limit=1 HTTP/1.1\r\nHost: 127.0.0.1:%u\r\n"
             "Accept-Encoding: X\r\n"
             "Accept: application/json\r\nX-Auth-Token: secret\r\n\r\n",
             w.server.port);
    fake_last_request(&w.server, sent);
    hide_encodings(sent);
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

static int post_within(struct world *w, const char *body, int64_t ms)
{
    struct http_request request = {.url = w->url, .body = bytes_of(body)};
    request.deadline_ms = clock_now_ms(&clock_boottime) + ms;
    http_response_free(&w->response);
    return http_send(w->http, &request, &w->response);
}

static int post(struct world *w, const char *body)
{
    return post_within(w, body, 20000);
}

static enum fake_end give_token(struct fake_server *s, unsigned n, const char *request,
                                struct strbuf *out)
{
    (void)s, (void)n, (void)request;
    fake_reply(out, 201, "X-Subject-Token: t0ken\r\nDate: Wed, 22 Jul 2026 16:00:00 GMT\r\n", "{}");
    return FAKE_KEEP;
}

static void a_post_has_its_body_and_the_next_get_none(void **state)
{
    (void)state;
    struct world w;
    char expected[256], sent[8192];
    open_world(&w, give_token, (struct http_config){0});
    assert_int_equal(post(&w, "{\"auth\": 1}"), 0);
    assert_int_equal(w.response.status, 201);
    assert_string_equal(w.response.fields.subject_token, "t0ken");
    assert_int_equal(w.response.fields.date, 1784736000);
    assert_true(w.response.body.secret);
    fake_last_request(&w.server, sent);
    snprintf(expected, sizeof(expected),
             "POST /v2/images?limit=1 HTTP/1.1\r\nHost: 127.0.0.1:%u\r\n"
             "Accept: application/json\r\nContent-Type: application/json\r\n"
             "Content-Length: 11\r\n\r\n{\"auth\": 1}",
             w.server.port);
    assert_string_equal(sent, expected);
    assert_int_equal(get(&w), 0);
    fake_last_request(&w.server, sent);
    assert_null(strstr(sent, "Content-"));
    assert_null(strstr(sent, "auth"));
    assert_int_equal(memcmp(sent, "GET ", 4), 0);
    assert_int_equal(post(&w, ""), 0); /* an empty body is one, too */
    fake_last_request(&w.server, sent);
    assert_non_null(strstr(sent, "Content-Length: 0\r\n"));
    assert_int_equal(w.server.connections, 1);
    assert_int_equal(w.server.requests, 3);
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

/* A POST is sent once, unless the server says that it may pass or the answer is lost. */
static void a_post_is_repeated_as_little_as_a_get(void **state)
{
    (void)state;
    static const struct script scripts[] = {
        {"503", 503, FAKE_KEEP, "", 2, 0},
        {"500", 500, FAKE_KEEP, "", 1, -EIO},
        {"400", 400, FAKE_CLOSE, "", 1, -EINVAL},
        {"401", 401, FAKE_KEEP, "", 1, -EACCES},
        {"401 and the end", 401, FAKE_CLOSE, "", 1, -EACCES},
        {"403", 403, FAKE_KEEP, "", 1, -EACCES},
        {"empty reply", 0, FAKE_CLOSE, "", 2, 0},
    };
    for (size_t i = 0; i < ARRAY_SIZE(scripts); i++) {
        struct world w;
        running = &scripts[i];
        open_world(&w, fail_once, (struct http_config){0});
        int r = post(&w, "{}");
        if (r != running->result || w.server.requests != running->requests)
            fail_msg("%s: %d after %u requests", running->name, r, w.server.requests);
        assert_int_equal(w.requests, running->requests);
        assert_int_equal(w.server.connections, running->end == FAKE_KEEP ? 1 : running->requests);
        assert_string_equal(strbuf_str(&w.response.body), r ? "{\"message\": \"no\"}" : "{}");
        close_world(&w);
    }
}

static enum fake_end drop_the_second(struct fake_server *s, unsigned n, const char *request,
                                     struct strbuf *out)
{
    (void)s, (void)request;
    if (n != 1)
        fake_reply(out, 201, "", "{}");
    return n == 1 ? FAKE_CLOSE : FAKE_KEEP;
}

/* The usual end of a connection that was kept: the server has not seen the request. */
static void a_post_survives_the_end_of_a_kept_connection(void **state)
{
    (void)state;
    struct world w;
    open_world(&w, drop_the_second, (struct http_config){.tries = 1});
    assert_int_equal(post(&w, "{}"), 0);
    assert_int_equal(post(&w, "{\"again\": 1}"), 0);
    char sent[8192];
    fake_last_request(&w.server, sent);
    assert_non_null(strstr(sent, "\r\n\r\n{\"again\": 1}"));
    assert_int_equal(w.server.requests, 3);
    assert_int_equal(w.server.connections, 2);
    close_world(&w);
}

static enum fake_end token_of_an_earlier_head(struct fake_server *s, unsigned n,
                                              const char *request, struct strbuf *out)
{
    (void)s, (void)request;
    if (n == 0) {
        fake_reply(out, 503, "X-Subject-Token: stale\r\nRetry-After: 0\r\n", "busy");
        return FAKE_KEEP;
    }
    strbuf_add_str(out, "HTTP/1.1 103 Early\r\nX-Subject-Token: early\r\n\r\n");
    fake_reply(out, 201, "", "{}");
    return FAKE_KEEP;
}

static void only_the_last_head_counts(void **state)
{
    (void)state;
    struct world w;
    open_world(&w, token_of_an_earlier_head, (struct http_config){0});
    assert_int_equal(post(&w, "{}"), 0);
    assert_int_equal(w.server.requests, 2);
    assert_null(w.response.fields.subject_token);
    assert_int_equal(w.response.fields.retry_after_ms, -1);
    close_world(&w);
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

static enum fake_end long_header(struct fake_server *s, unsigned n, const char *request,
                                 struct strbuf *out)
{
    (void)s, (void)n, (void)request;
    strbuf_printf(out, "HTTP/1.1 201 Any\r\nX-Subject-Token: %070000d\r\n", 0);
    return FAKE_HANG;
}

/* Over libcurl's own limit. */
static enum fake_end huge_header(struct fake_server *s, unsigned n, const char *request,
                                 struct strbuf *out)
{
    (void)s, (void)n, (void)request;
    strbuf_printf(out, "HTTP/1.1 201 Any\r\nX-Subject-Token: %0500000d\r\n", 0);
    return FAKE_HANG;
}

static enum fake_end huge_status_line(struct fake_server *s, unsigned n, const char *request,
                                      struct strbuf *out)
{
    (void)s, (void)n, (void)request;
    strbuf_printf(out, "HTTP/1.1 201 %0500000d\r\n", 0);
    return FAKE_HANG;
}

static void long_headers_are_called_that(void **state)
{
    (void)state;
    static fake_answer_fn *const answers[] = {many_headers, many_interim, long_header, huge_header,
                                              huge_status_line};
    for (size_t i = 0; i < ARRAY_SIZE(answers); i++) {
        struct world w;
        open_world(&w, answers[i], (struct http_config){0});
        assert_int_equal(get(&w), -EFBIG);
        assert_string_equal(w.response.cause,
                            "more bytes of an answer's headers than max_header_bytes=65536 allows");
        assert_null(w.response.fields.subject_token);
        assert_int_equal(w.server.requests, 1);
        close_world(&w);
    }
}

static enum fake_end give_long_token(struct fake_server *s, unsigned n, const char *request,
                                     struct strbuf *out)
{
    (void)s, (void)request;
    char extra[HEADER_TOKEN_MAX + 64];
    snprintf(extra, sizeof(extra), "X-Subject-Token: %0*d\r\n", HEADER_TOKEN_MAX + (int)n, 0);
    fake_reply(out, 201, extra, "{}");
    return FAKE_KEEP;
}

static void a_long_token_is_whole_or_not_there(void **state)
{
    (void)state;
    struct world w;
    open_world(&w, give_long_token, (struct http_config){0});
    assert_int_equal(post(&w, "{}"), 0);
    assert_non_null(w.response.fields.subject_token);
    assert_int_equal(strlen(w.response.fields.subject_token), HEADER_TOKEN_MAX);
    assert_int_equal(post(&w, "{}"), 0);
    assert_null(w.response.fields.subject_token);
    close_world(&w);
}

/* Longer than what libcurl sends without asking first (1 MiB): it would wait a second for leave. */
static void a_long_body_is_sent_without_asking(void **state)
{
    (void)state;
    struct world w;
    char sent[8192];
    CLEANUP(strbuf_free) struct strbuf body = STRBUF_INIT;
    strbuf_printf(&body, "\"%02000000d\"", 0);
    open_world(&w, give_token, (struct http_config){0});
    assert_int_equal(post(&w, strbuf_str(&body)), 0);
    fake_last_request(&w.server, sent);
    assert_non_null(strstr(sent, "Content-Length: 2000002\r\n"));
    assert_null(strcasestr(sent, "Expect"));
    close_world(&w);
}

static void large_answers_are_cut_off(void **state)
{
    (void)state;
    struct limits limits = limits_standard;
    limits.max[LIMIT_BODY_BYTES] = 50000;
    static fake_answer_fn *const answers[] = {large_chunks, large_length, many_headers,
                                              many_interim};
    for (size_t i = 0; i < ARRAY_SIZE(answers); i++) {
        struct world w;
        open_world(&w, answers[i], (struct http_config){.limits = &limits});
        assert_int_equal(get(&w), -EFBIG);
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
    assert_int_equal(http_send(w.http, &request, &w.response), 0);
    assert_int_equal(w.server.requests, 2);
    close_world(&w);
}

static int64_t asleep_from_ms; /* 0: awake */
static int64_t asleep_ms;

static int64_t suspended_now(void *ctx)
{
    (void)ctx;
    int64_t now = clock_now_ms(&clock_boottime);
    return asleep_from_ms && now >= asleep_from_ms ? now + asleep_ms : now;
}

/* For the pause before the next try. */
static uint32_t fall_asleep(void *ctx)
{
    (void)ctx;
    asleep_from_ms = clock_now_ms(&clock_boottime) + 10;
    return 0;
}

static void a_pause_that_lasts_too_long_hides_no_answer(void **state)
{
    (void)state;
    static const struct clock suspended = {.now_ms = suspended_now};
    /* Of the 20 s that there are: more than that, and nearly that, which is no time to try again.
     */
    static const int64_t sleeps_ms[] = {3600000, 19900};
    for (size_t i = 0; i < ARRAY_SIZE(sleeps_ms); i++) {
        struct world w;
        asleep_from_ms = 0;
        asleep_ms = sleeps_ms[i];
        open_world(
            &w, always_busy,
            (struct http_config){.clock = &suspended, .random = fall_asleep, .backoff_ms = 40});
        assert_int_equal(get(&w), -EIO);
        assert_int_equal(w.response.status, 503);
        assert_int_equal(w.server.requests, 1);
        close_world(&w);
    }
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

/* --- what is logged --- */

/* What reaches stderr while a POST runs, at the most talkative level. */
static void post_and_listen(struct world *w, char *out, size_t size)
{
    int ends[2], saved = dup(STDERR_FILENO);
    assert_int_equal(pipe(ends), 0);
    dup2(ends[1], STDERR_FILENO);
    close(ends[1]);
    log_setup(LOG_SINK_STDERR, LOG_LEVEL_DEBUG);
    int r = post(w, "{\"password\": \"pa55word\"}");
    log_setup(LOG_SINK_STDERR, LOG_LEVEL_WARNING);
    dup2(saved, STDERR_FILENO);
    close(saved);
    assert_int_equal(r, 0);
    ssize_t n = read(ends[0], out, size - 1);
    assert_true(n > 0);
    out[n] = '\0';
    close(ends[0]);
}

static void the_log_names_the_method_and_no_secret(void **state)
{
    (void)state;
    struct world w;
    char log[2000];
    open_world(&w, give_token, (struct http_config){0});
    post_and_listen(&w, log, sizeof(log));
    assert_non_null(strstr(log, "POST http://127.0.0.1:"));
    assert_non_null(strstr(log, "limit=1: 201 "));
    assert_null(strstr(log, "pa55word"));
    assert_null(strstr(log, "t0ken"));
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

/* --- compression --- */

/* "hello", a hundred thousand digits, and the first once more. */
static const uint8_t gzip_hello[] = {0x1f, 0x8b, 0x08, 0x00, 0x00, 0x00, 0x00, 0x00, 0x02,
                                     0x03, 0xcb, 0x48, 0xcd, 0xc9, 0xc9, 0x07, 0x00, 0x86,
                                     0xa6, 0x10, 0x36, 0x05, 0x00, 0x00, 0x00};
static const uint8_t gzip_digits[] = {
    0x1f, 0x8b, 0x08, 0x00, 0x00, 0x00, 0x00, 0x00, 0x02, 0x03, 0xed, 0xc1, 0x31, 0x01, 0x00,
    0x00, 0x00, 0xc2, 0xa0, 0x4a, 0xeb, 0x9f, 0xce, 0x1a, 0x1e, 0x40, 0x01, 0x00, 0x00, 0x00,
    0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00,
    0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00,
    0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00,
    0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00,
    0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00,
    0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00,
    0x00, 0x00, 0x00, 0xaf, 0x06, 0x85, 0xc2, 0x4d, 0xc5, 0xa0, 0x86, 0x01, 0x00};
static const uint8_t gzip_gzip[] = {
    0x1f, 0x8b, 0x08, 0x00, 0x00, 0x00, 0x00, 0x00, 0x02, 0x03, 0x93, 0xef, 0xe6, 0x60,
    0x00, 0x01, 0x26, 0xe6, 0xd3, 0x1e, 0x67, 0x4f, 0x9e, 0x64, 0x67, 0x68, 0x5b, 0x26,
    0x60, 0xc6, 0x0a, 0x14, 0x00, 0x00, 0xa7, 0x6f, 0xb4, 0x45, 0x19, 0x00, 0x00, 0x00};

static void reply_coded(struct strbuf *out, const char *headers, const uint8_t *body, size_t len)
{
    strbuf_printf(out, "HTTP/1.1 200 OK\r\nContent-Length: %zu\r\n%s\r\n", len, headers);
    strbuf_add(out, body, len);
}

static enum fake_end say_compressed(struct fake_server *s, unsigned n, const char *request,
                                    struct strbuf *out)
{
    (void)s;
    assert_non_null(strstr(request, "Accept-Encoding: "));
    assert_non_null(strstr(request, "gzip"));
    if (n == 0) {
        reply_coded(out, "Content-Encoding: gzip\r\n", gzip_hello, sizeof(gzip_hello));
        return FAKE_KEEP;
    }
    strbuf_printf(out,
                  "HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\n"
                  "Transfer-Encoding:Chunked\r\n\r\n%zx\r\n",
                  sizeof(gzip_hello));
    strbuf_add(out, gzip_hello, sizeof(gzip_hello));
    strbuf_add_str(out, "\r\n0\r\n\r\n");
    return FAKE_KEEP;
}

static void a_compressed_answer_is_read(void **state)
{
    (void)state;
    struct world w;
    open_world(&w, say_compressed, (struct http_config){0});
    for (unsigned i = 1; i <= 2; i++) {
        assert_int_equal(get(&w), 0);
        assert_string_equal(strbuf_str(&w.response.body), "hello");
        assert_int_equal(w.bytes, 5 * i);
    }
    close_world(&w);
}

static enum fake_end misname(struct fake_server *s, unsigned n, const char *request,
                             struct strbuf *out)
{
    (void)s, (void)request;
    strbuf_printf(out, "HTTP/1.1 200 OK\r\nContent-Encoding: %s\r\nContent-Length: 5\r\n\r\nhello",
                  n < 3 ? "utf-8" : "gzip");
    return FAKE_KEEP;
}

static void what_is_packed_in_name_alone_is_read(void **state)
{
    (void)state;
    struct world w;
    char sent[8192];
    open_world(&w, misname, (struct http_config){.backoff_ms = 1});
    for (unsigned i = 0; i < 3; i++) {
        assert_int_equal(get(&w), 0);
        assert_string_equal(strbuf_str(&w.response.body), "hello");
        assert_int_equal(w.server.requests, 2 + i); /* one in vain, the first time */
        fake_last_request(&w.server, sent);
        assert_null(strcasestr(sent, "Accept-Encoding"));
    }
    close_world(&w);
}

static enum fake_end bomb(struct fake_server *s, unsigned n, const char *request,
                          struct strbuf *out)
{
    (void)s, (void)n, (void)request;
    reply_coded(out, "Content-Encoding: gzip\r\n", gzip_digits, sizeof(gzip_digits));
    return FAKE_KEEP;
}

#define OK "HTTP/1.1 200 OK\r\nConnection: close\r\n"
static const char *const chains[] = {
    OK "Content-Encoding: gzip, gzip\r\n\r\n",
    OK "Content-Encoding: gzip\r\ncontent-encoding: gzip\r\n\r\n",
    OK "Transfer-Encoding: gzip, gzip\r\n\r\n",
    OK "Transfer-Encoding: gzip\r\ntransfer-encoding:gzip\r\n\r\n",
    OK "Content-Encoding: gzip\r\nTransfer-Encoding: gzip\r\n\r\n",
    "HTTP/1.1 103 Early Hints\r\nContent-Encoding: gzip\r\n\r\n" OK
    "Content-Encoding: gzip\r\n\r\n",
};

static enum fake_end chain(struct fake_server *s, unsigned n, const char *request,
                           struct strbuf *out)
{
    (void)s, (void)request;
    strbuf_add_str(out, chains[n]);
    strbuf_add(out, gzip_gzip, sizeof(gzip_gzip));
    return FAKE_CLOSE;
}

static void the_limit_counts_what_is_unpacked(void **state)
{
    (void)state;
    struct world w;
    struct limits limits = limits_standard;
    limits.max[LIMIT_BODY_BYTES] = 50000;
    open_world(&w, bomb, (struct http_config){.limits = &limits});
    assert_int_equal(get(&w), -EFBIG);
    assert_non_null(strstr(w.response.cause, "than max_body_bytes=50000 allows"));
    assert_true(w.response.body.len <= 50000);
    assert_int_equal(w.server.requests, 1);
    close_world(&w);
}

static void what_is_packed_twice_is_not_unpacked(void **state)
{
    (void)state;
    struct world w;
    open_world(&w, chain, (struct http_config){0});
    for (unsigned i = 0; i < ARRAY_SIZE(chains); i++) {
        assert_int_equal(get(&w), -EIO);
        assert_string_equal(w.response.cause, "the answer is compressed more than once");
    }
    close_world(&w);
}

/* What an identity service answers may have a token in it: no copies where nobody wipes them. */
static void a_post_asks_for_no_compression(void **state)
{
    (void)state;
    struct world w;
    char sent[8192];
    open_world(&w, give_token, (struct http_config){0});
    assert_int_equal(get(&w), 0);
    assert_int_equal(post(&w, "{}"), 0);
    fake_last_request(&w.server, sent);
    assert_null(strcasestr(sent, "Accept-Encoding"));
    close_world(&w);
}

/* --- a request on its way --- */

static struct http_request request_to(const struct world *w)
{
    return (struct http_request){.url = w->url,
                                 .deadline_ms = clock_now_ms(&clock_boottime) + 20000};
}

static void wait_for_requests(struct world *w, unsigned count)
{
    while (w->server.requests < count) {
        http_push(w->http);
        usleep(1000);
    }
}

/* The server has it. */
static void begin(struct world *w, fake_answer_fn *answer, struct http_request *request)
{
    open_world(w, answer, (struct http_config){0});
    *request = request_to(w);
    assert_int_equal(http_begin(w->http, 0, request), 0);
    wait_for_requests(w, 1);
}

static void what_was_begun_is_on_its_way_before_it_is_finished(void **state)
{
    (void)state;
    struct world w;
    struct http_request request;
    begin(&w, say_hello, &request);
    assert_int_equal(http_finish(w.http, 0, &request, &w.response), 0);
    assert_string_equal(strbuf_str(&w.response.body), "hello");
    assert_int_equal(w.response.requests, 1);
    assert_int_equal(w.server.requests, 1);
    assert_int_equal(get(&w), 0); /* nothing is left of it */
    assert_int_equal(w.server.requests, 2);
    assert_int_equal(w.server.connections, 1);
    close_world(&w);
}

static enum fake_end fail_first(struct fake_server *s, unsigned n, const char *request,
                                struct strbuf *out)
{
    (void)s, (void)request;
    fake_reply(out, n ? 200 : 503, "", n ? "second" : "first");
    return FAKE_KEEP;
}

static void what_was_begun_has_as_many_tries(void **state)
{
    (void)state;
    struct world w;
    struct http_request request;
    begin(&w, fail_first, &request);
    assert_int_equal(http_finish(w.http, 0, &request, &w.response), 0);
    assert_string_equal(strbuf_str(&w.response.body), "second");
    assert_int_equal(w.response.requests, 2);
    close_world(&w);
}

static void what_was_dropped_leaves_nothing(void **state)
{
    (void)state;
    struct world w;
    struct http_request request;
    begin(&w, fail_first, &request);
    http_drop(w.http, 0);
    assert_int_equal(http_finish(w.http, 0, &request, &w.response), 0);
    assert_string_equal(strbuf_str(&w.response.body), "second");
    assert_int_equal(w.response.requests, 1);
    close_world(&w);
}

static void what_cannot_begin_says_so_in_the_end(void **state)
{
    (void)state;
    struct world w;
    open_world(&w, say_hello, (struct http_config){0});
    struct http_request request = request_to(&w);
    request.deadline_ms = 1;
    assert_int_equal(http_begin(w.http, 0, &request), 0);
    assert_int_equal(http_finish(w.http, 0, &request, &w.response), -ETIMEDOUT);
    assert_string_equal(w.response.cause, "no time left");
    http_cancel(w.http);
    assert_int_equal(http_begin(w.http, 0, &request), -ECANCELED);
    assert_int_equal(w.requests, 0);
    close_world(&w);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(one_table_says_what_outcomes_mean),
        cmocka_unit_test(a_request_says_what_it_must_and_no_more),
        cmocka_unit_test(a_post_has_its_body_and_the_next_get_none),
        cmocka_unit_test(only_what_may_pass_is_retried),
        cmocka_unit_test(a_post_is_repeated_as_little_as_a_get),
        cmocka_unit_test(a_post_survives_the_end_of_a_kept_connection),
        cmocka_unit_test(only_the_last_head_counts),
        cmocka_unit_test(tries_end),
        cmocka_unit_test(without_time_for_a_pause_the_last_error_comes_at_once),
        cmocka_unit_test(retry_after_is_honoured),
        cmocka_unit_test(long_headers_are_called_that),
        cmocka_unit_test(a_long_token_is_whole_or_not_there),
        cmocka_unit_test(a_long_body_is_sent_without_asking),
        cmocka_unit_test(large_answers_are_cut_off),
        cmocka_unit_test(the_deadline_holds),
        cmocka_unit_test(an_answer_that_drips_is_asked_for_again),
        cmocka_unit_test(a_pause_that_lasts_too_long_hides_no_answer),
        cmocka_unit_test(nobody_else_is_talked_to),
        cmocka_unit_test(a_closed_port_is_told_at_once),
        cmocka_unit_test(the_log_names_the_method_and_no_secret),
        cmocka_unit_test(cancel_ends_transfers_and_pauses),
        cmocka_unit_test(a_compressed_answer_is_read),
        cmocka_unit_test(what_is_packed_in_name_alone_is_read),
        cmocka_unit_test(the_limit_counts_what_is_unpacked),
        cmocka_unit_test(what_is_packed_twice_is_not_unpacked),
        cmocka_unit_test(a_post_asks_for_no_compression),
        cmocka_unit_test(what_was_begun_is_on_its_way_before_it_is_finished),
        cmocka_unit_test(what_was_begun_has_as_many_tries),
        cmocka_unit_test(what_was_dropped_leaves_nothing),
        cmocka_unit_test(what_cannot_begin_says_so_in_the_end),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
