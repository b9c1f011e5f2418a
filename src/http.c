// SPDX-License-Identifier: Apache-2.0
#include "imsfs/http.h"

#include <curl/curl.h>
#include <errno.h>
#include <stdio.h>
#include <sys/random.h>

#include "imsfs/log.h"
#include "imsfs/retry.h"

#define TRIES 4
#define BACKOFF_MS 500
#define HEADERS_LIMIT 65536
/* Fewer bytes than this in a period, once an answer has begun, is a broken connection. */
#define STALL_BYTES 1000
#define STALL_PERIOD_MS 10000
/* The longest sleep: a suspended machine's deadline is noticed this soon after waking. */
#define POLL_MS 1000

struct http {
    struct http_config config;
    CURLM *multi;
    CURL *easy;
    atomic_bool cancelled;
};

/* One try, as the callbacks see it. */
struct attempt {
    struct http *http;
    struct http_response *out;
    const char *refused; /* why we ended the transfer ourselves */
    size_t header_bytes;
    bool begun;
    int64_t period_start_ms;
    size_t period_bytes;
};

/* --- What outcomes mean --- */

static const struct {
    enum http_outcome outcome;
    int code;
    struct http_verdict verdict;
} verdicts[] = {
    {HTTP_STATUS, 200, {0, false}},
    {HTTP_STATUS, 400, {-EINVAL, false}},
    {HTTP_STATUS, 401, {-EACCES, false}},
    {HTTP_STATUS, 403, {-EACCES, false}},
    {HTTP_STATUS, 414, {-ENAMETOOLONG, false}},
    {HTTP_STATUS, 429, {-EIO, true}},
    {HTTP_STATUS, 502, {-EIO, true}},
    {HTTP_STATUS, 503, {-EIO, true}},
    {HTTP_STATUS, 504, {-EIO, true}},
    {HTTP_CURL, CURLE_OUT_OF_MEMORY, {-ENOMEM, false}},
    {HTTP_CURL, CURLE_OPERATION_TIMEDOUT, {-ETIMEDOUT, false}},
    /* Nobody there: asking again at once would only make the reader wait. */
    {HTTP_CURL, CURLE_COULDNT_RESOLVE_HOST, {-EHOSTUNREACH, false}},
    {HTTP_CURL, CURLE_COULDNT_CONNECT, {-EHOSTUNREACH, false}},
    {HTTP_CURL, CURLE_SSL_CONNECT_ERROR, {-EHOSTUNREACH, false}},
    {HTTP_CURL, CURLE_PEER_FAILED_VERIFICATION, {-EHOSTUNREACH, false}},
    {HTTP_CURL, CURLE_SSL_CACERT_BADFILE, {-EHOSTUNREACH, false}},
    {HTTP_CURL, CURLE_SSL_CERTPROBLEM, {-EHOSTUNREACH, false}},
    {HTTP_CURL, CURLE_SSL_CIPHER, {-EHOSTUNREACH, false}},
    {HTTP_CURL, CURLE_SSL_CRL_BADFILE, {-EHOSTUNREACH, false}},
    {HTTP_CURL, CURLE_SSL_INVALIDCERTSTATUS, {-EHOSTUNREACH, false}},
    {HTTP_CURL, CURLE_SSL_ISSUER_ERROR, {-EHOSTUNREACH, false}},
    {HTTP_CURL, CURLE_SSL_ENGINE_INITFAILED, {-EHOSTUNREACH, false}},
    /* Broken connections. */
    {HTTP_CURL, CURLE_GOT_NOTHING, {-EIO, true}},
    {HTTP_CURL, CURLE_SEND_ERROR, {-EIO, true}},
    {HTTP_CURL, CURLE_RECV_ERROR, {-EIO, true}},
    {HTTP_CURL, CURLE_PARTIAL_FILE, {-EIO, true}},
    {HTTP_CURL, CURLE_HTTP2, {-EIO, true}},
    {HTTP_CURL, CURLE_HTTP2_STREAM, {-EIO, true}},
};

struct http_verdict http_verdict(enum http_outcome outcome, int code)
{
    for (size_t i = 0; i < ARRAY_SIZE(verdicts); i++) {
        if (verdicts[i].outcome == outcome && verdicts[i].code == code)
            return verdicts[i].verdict;
    }
    return (struct http_verdict){-EIO, false};
}

/* --- One try --- */

static void free_slist(struct curl_slist **list)
{
    for (struct curl_slist *l = *list; l; l = l->next)
        explicit_bzero(l->data, strlen(l->data));
    curl_slist_free_all(*list);
}

static int append(struct curl_slist **list, const char *line)
{
    struct curl_slist *longer = curl_slist_append(*list, line);
    if (!longer)
        return -ENOMEM;
    *list = longer;
    return 0;
}

/* The header lines in libcurl's form. *list is freed by the caller, also on failure. */
static int header_list(const struct header_lines *headers, struct curl_slist **list)
{
    int r = append(list, "Accept: application/json");
    for (size_t i = 0; r == 0 && i < headers->count; i++)
        r = append(list, headers->lines[i]);
    return r;
}

/* Forgets an earlier try, or the headers of an interim answer (1xx). */
static void response_restart(struct http_response *r)
{
    r->status = 0;
    r->fields = HEADER_FIELDS_INIT;
    r->cause[0] = '\0';
    strbuf_reset(&r->body);
}

void http_response_free(struct http_response *r)
{
    strbuf_free(&r->body);
}

static size_t on_header(char *data, size_t size, size_t count, void *ctx)
{
    struct attempt *a = ctx;
    size_t len = size * count;
    a->begun = true;
    a->header_bytes += len;
    a->period_bytes += len;
    if (a->header_bytes > HEADERS_LIMIT) {
        a->refused = "the answer's headers are over 64 KiB";
        return 0;
    }
    if (len >= 5 && memcmp(data, "HTTP/", 5) == 0)
        response_restart(a->out);
    else
        header_fields_take(&a->out->fields, (struct bytes){data, len});
    return len;
}

static size_t on_body(char *data, size_t size, size_t count, void *ctx)
{
    struct attempt *a = ctx;
    struct http_config *c = &a->http->config;
    size_t len = size * count;
    a->period_bytes += len;
    if (c->bytes)
        atomic_fetch_add(c->bytes, len);
    if (len > c->body_limit - a->out->body.len) {
        a->refused = "the answer is larger than is allowed";
        return 0;
    }
    strbuf_add(&a->out->body, data, len);
    if (strbuf_error(&a->out->body) < 0) {
        a->refused = "out of memory";
        return 0;
    }
    return len;
}

/* True when an answer that had begun has stopped coming. */
static bool stalled(struct attempt *a, int64_t now)
{
    if (!a->begun || a->period_start_ms == 0) {
        a->period_start_ms = now; /* the first bytes may all come before the first look */
        return false;
    }
    if (now - a->period_start_ms < STALL_PERIOD_MS)
        return false;
    bool slow = a->period_bytes < STALL_BYTES;
    a->period_start_ms = now;
    a->period_bytes = 0;
    return slow;
}

static CURLcode transfer_result(struct http *h)
{
    int left;
    for (CURLMsg *m; (m = curl_multi_info_read(h->multi, &left));) {
        if (m->msg == CURLMSG_DONE)
            return m->data.result;
    }
    return CURLE_RECV_ERROR;
}

/* Runs the transfer that was added to the multi handle. 0 and *code, or -ECANCELED. */
static int drive(struct http *h, struct attempt *a, int64_t deadline_ms, CURLcode *code)
{
    int running = 1;
    while (!atomic_load(&h->cancelled)) {
        if (curl_multi_perform(h->multi, &running) != CURLM_OK) {
            *code = CURLE_OUT_OF_MEMORY;
            return 0;
        }
        int64_t now = clock_now_ms(h->config.clock);
        if (!running)
            *code = transfer_result(h);
        else if (now >= deadline_ms)
            *code = CURLE_OPERATION_TIMEDOUT;
        else if (stalled(a, now))
            *code = CURLE_RECV_ERROR;
        else {
            int64_t left = deadline_ms - now;
            curl_multi_poll(h->multi, NULL, 0, left < POLL_MS ? (int)left : POLL_MS, NULL);
            continue;
        }
        return 0;
    }
    return -ECANCELED;
}

static void set_request(struct attempt *a, const char *url, struct curl_slist *headers, long left,
                        char *error)
{
    CURL *e = a->http->easy;
    curl_easy_setopt(e, CURLOPT_URL, url);
    curl_easy_setopt(e, CURLOPT_HTTPHEADER, headers);
    /* A limit for the connection lets libcurl try the second address of a host in time. */
    curl_easy_setopt(e, CURLOPT_CONNECTTIMEOUT_MS, left);
    curl_easy_setopt(e, CURLOPT_TIMEOUT_MS, left);
    curl_easy_setopt(e, CURLOPT_HEADERDATA, a);
    curl_easy_setopt(e, CURLOPT_WRITEDATA, a);
    curl_easy_setopt(e, CURLOPT_ERRORBUFFER, error);
}

static struct http_verdict judge(struct attempt *a, CURLcode code, const char *error)
{
    struct http_response *out = a->out;
    if (code == CURLE_OK) {
        long status = 0;
        curl_easy_getinfo(a->http->easy, CURLINFO_RESPONSE_CODE, &status);
        out->status = (int)status;
        return http_verdict(HTTP_STATUS, out->status);
    }
    if (strbuf_error(&out->body) < 0)
        code = CURLE_OUT_OF_MEMORY;
    const char *why = a->refused ? a->refused : *error ? error : curl_easy_strerror(code);
    snprintf(out->cause, sizeof(out->cause), "%s", why);
    return http_verdict(HTTP_CURL, (int)code);
}

static struct http_verdict try_once(struct http *h, const struct http_request *request,
                                    struct http_response *out)
{
    CLEANUP(free_slist) struct curl_slist *headers = NULL;
    struct attempt a = {.http = h, .out = out};
    char error[CURL_ERROR_SIZE] = "";
    CURLcode code = CURLE_OUT_OF_MEMORY;
    int64_t start = clock_now_ms(h->config.clock);
    response_restart(out);
    if (request->deadline_ms <= start) {
        snprintf(out->cause, sizeof(out->cause), "no time left");
        return http_verdict(HTTP_CURL, CURLE_OPERATION_TIMEDOUT);
    }
    if (header_list(&request->headers, &headers) < 0)
        return (struct http_verdict){-ENOMEM, false};
    set_request(&a, request->url, headers, (long)(request->deadline_ms - start), error);
    if (h->config.requests)
        atomic_fetch_add(h->config.requests, 1);
    if (curl_multi_add_handle(h->multi, h->easy) != CURLM_OK)
        return (struct http_verdict){-ENOMEM, false};
    int r = drive(h, &a, request->deadline_ms, &code);
    curl_multi_remove_handle(h->multi, h->easy);
    struct http_verdict verdict = r < 0 ? (struct http_verdict){r, false} : judge(&a, code, error);
    set_request(&a, NULL, NULL, 0, NULL); /* they end with this function */
    log_debug("GET %s: %d %s, %zu bytes in %lld ms", request->url, out->status,
              r < 0 ? "canceled" : out->cause, out->body.len,
              (long long)(clock_now_ms(h->config.clock) - start));
    return verdict;
}

/* --- A request --- */

/* Sleeps; false: cancelled. */
static bool pause_until(struct http *h, int64_t until_ms)
{
    for (;;) {
        int64_t left = until_ms - clock_now_ms(h->config.clock);
        if (atomic_load(&h->cancelled))
            return false;
        if (left <= 0)
            return true;
        curl_multi_poll(h->multi, NULL, 0, left < POLL_MS ? (int)left : POLL_MS, NULL);
    }
}

int http_get(struct http *h, const struct http_request *request, struct http_response *out)
{
    const struct http_config *c = &h->config;
    *out = (struct http_response){.fields = HEADER_FIELDS_INIT};
    for (unsigned done = 1;; done++) {
        struct http_verdict verdict = try_once(h, request, out);
        if (!verdict.retry || done >= c->tries)
            return verdict.error;
        int64_t until =
            clock_now_ms(c->clock) + retry_delay_ms(done, out->fields.retry_after_ms, c->backoff_ms,
                                                    c->random(c->random_ctx));
        if (until >= request->deadline_ms)
            return verdict.error;
        if (!pause_until(h, until))
            return -ECANCELED;
    }
}

void http_cancel(struct http *h)
{
    atomic_store(&h->cancelled, true);
    curl_multi_wakeup(h->multi);
}

/* --- Life --- */

static uint32_t kernel_random(void *ctx)
{
    (void)ctx;
    uint32_t value = 0;
    /* Jitter is no secret: a short read is as good. */
    (void)!getrandom(&value, sizeof(value), GRND_NONBLOCK);
    return value;
}

static void set_once(CURL *e, const struct http_config *c)
{
    curl_easy_setopt(e, CURLOPT_NOSIGNAL, 1L);
    curl_easy_setopt(e, CURLOPT_QUICK_EXIT, 1L); /* no wait for a resolver that hangs */
    curl_easy_setopt(e, CURLOPT_PROTOCOLS_STR, "http,https");
    curl_easy_setopt(e, CURLOPT_REDIR_PROTOCOLS_STR, "https");
    curl_easy_setopt(e, CURLOPT_FOLLOWLOCATION, 0L);
    curl_easy_setopt(e, CURLOPT_MAXREDIRS, 0L);
    curl_easy_setopt(e, CURLOPT_NETRC, (long)CURL_NETRC_IGNORED);
    curl_easy_setopt(e, CURLOPT_PROXY, "");
    curl_easy_setopt(e, CURLOPT_DISALLOW_USERNAME_IN_URL, 1L);
    curl_easy_setopt(e, CURLOPT_SSL_VERIFYPEER, 1L);
    curl_easy_setopt(e, CURLOPT_SSL_VERIFYHOST, 2L);
    curl_easy_setopt(e, CURLOPT_SSLVERSION, (long)CURL_SSLVERSION_TLSv1_2);
    curl_easy_setopt(e, CURLOPT_TCP_KEEPALIVE, 1L);
    /* Only an honest Content-Length is seen by this one; on_body() counts. */
    curl_easy_setopt(e, CURLOPT_MAXFILESIZE_LARGE, (curl_off_t)c->body_limit);
    curl_easy_setopt(e, CURLOPT_USERAGENT, c->user_agent);
    curl_easy_setopt(e, CURLOPT_HEADERFUNCTION, on_header);
    curl_easy_setopt(e, CURLOPT_WRITEFUNCTION, on_body);
}

int http_new(struct http **out, const struct http_config *config)
{
    struct http *h = calloc(1, sizeof(*h));
    if (!h)
        return -ENOMEM;
    h->config = *config;
    struct http_config *c = &h->config;
    c->clock = c->clock ? c->clock : &clock_boottime;
    c->body_limit = c->body_limit ? c->body_limit : HTTP_BODY_LIMIT;
    c->tries = c->tries ? c->tries : TRIES;
    c->backoff_ms = c->backoff_ms ? c->backoff_ms : BACKOFF_MS;
    c->random = c->random ? c->random : kernel_random;
    if (curl_global_init(CURL_GLOBAL_DEFAULT) != CURLE_OK) {
        free(h);
        return -ENOMEM;
    }
    h->multi = curl_multi_init();
    h->easy = curl_easy_init();
    if (!h->multi || !h->easy) {
        http_free(h);
        return -ENOMEM;
    }
    set_once(h->easy, c);
    *out = h;
    return 0;
}

void http_free(struct http *h)
{
    if (!h)
        return;
    curl_easy_cleanup(h->easy);
    curl_multi_cleanup(h->multi);
    curl_global_cleanup();
    free(h);
}
