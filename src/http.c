// SPDX-License-Identifier: Apache-2.0
#include "imsfs/http.h"

#include <curl/curl.h>
#include <errno.h>
#include <stdio.h>
#include <sys/random.h>

#include "imsfs/log.h"
#include "imsfs/retry.h"
#include "imsfs/stall.h"
#include "imsfs/verdict.h"

#define TRIES 4
#define BACKOFF_MS 500
#define HEADERS_LIMIT 65536
/* The longest sleep: a suspended machine's deadline is noticed this soon after waking. */
#define POLL_MS 1000

static const char headers_too_long[] = "the answer's headers are over 64 KiB";

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
    bool no_memory;      /* that was why */
    size_t header_bytes;
    struct stall stall;
};

/* --- One try --- */

static bool is_post(const struct http_request *request)
{
    return request->body.data != NULL;
}

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
static int header_list(const struct http_request *request, struct curl_slist **list)
{
    int r = append(list, "Accept: application/json");
    if (r == 0 && is_post(request))
        r = append(list, "Content-Type: application/json");
    if (r == 0 && is_post(request))
        r = append(list, "Expect:"); /* no pause before a long body for a "100 Continue" */
    for (size_t i = 0; r == 0 && i < request->headers.count; i++)
        r = append(list, request->headers.lines[i]);
    return r;
}

/* Forgets an earlier try, or the headers of an interim answer (1xx). */
static void response_restart(struct http_response *r)
{
    r->status = 0;
    header_fields_free(&r->fields);
    r->cause[0] = '\0';
    strbuf_reset(&r->body);
}

void http_response_free(struct http_response *r)
{
    strbuf_free(&r->body);
    header_fields_free(&r->fields);
}

/* Ends the transfer: what the callbacks return for it. */
static size_t out_of_memory(struct attempt *a)
{
    a->refused = "out of memory";
    a->no_memory = true;
    return 0;
}

static size_t on_header(char *data, size_t size, size_t count, void *ctx)
{
    struct attempt *a = ctx;
    size_t len = size * count;
    a->header_bytes += len;
    stall_add(&a->stall, len);
    if (a->header_bytes > HEADERS_LIMIT) {
        a->refused = headers_too_long;
        return 0;
    }
    if (len >= 5 && memcmp(data, "HTTP/", 5) == 0)
        response_restart(a->out);
    else if (header_fields_take(&a->out->fields, (struct bytes){data, len}) < 0)
        return out_of_memory(a);
    return len;
}

static size_t on_body(char *data, size_t size, size_t count, void *ctx)
{
    struct attempt *a = ctx;
    struct http_config *c = &a->http->config;
    size_t len = size * count;
    stall_add(&a->stall, len);
    if (c->bytes)
        atomic_fetch_add(c->bytes, len);
    if (len > c->body_limit - a->out->body.len) {
        a->refused = "the answer is larger than is allowed";
        return 0;
    }
    strbuf_add(&a->out->body, data, len);
    return strbuf_error(&a->out->body) < 0 ? out_of_memory(a) : len;
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
        else if (stall_look(&a->stall, now))
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

static void set_request(struct attempt *a, const struct http_request *request,
                        struct curl_slist *headers, long left, char *error)
{
    CURL *e = a->http->easy;
    curl_easy_setopt(e, CURLOPT_URL, request->url);
    curl_easy_setopt(e, CURLOPT_HTTPHEADER, headers);
    /* Not COPYPOSTFIELDS: that would be a copy which nobody wipes. */
    curl_easy_setopt(e, CURLOPT_POSTFIELDSIZE_LARGE, (curl_off_t)request->body.len);
    curl_easy_setopt(e, CURLOPT_POSTFIELDS, request->body.data);
    if (!is_post(request))
        curl_easy_setopt(e, CURLOPT_HTTPGET, 1L);
    /* A limit for the connection lets libcurl try the second address of a host in time. */
    curl_easy_setopt(e, CURLOPT_CONNECTTIMEOUT_MS, left);
    curl_easy_setopt(e, CURLOPT_TIMEOUT_MS, left);
    curl_easy_setopt(e, CURLOPT_HEADERDATA, a);
    curl_easy_setopt(e, CURLOPT_WRITEDATA, a);
    curl_easy_setopt(e, CURLOPT_ERRORBUFFER, error);
}

/*
 * libcurl says "out of memory", and nothing else, about a header line over its own limit of 100
 * KiB, which comes to no callback (newer ones have a code of their own).
 */
static void tell_long_header(struct attempt *a, CURLcode *code)
{
    curl_off_t first_byte_us = 0;
    curl_easy_getinfo(a->http->easy, CURLINFO_STARTTRANSFER_TIME_T, &first_byte_us);
    if (*code != CURLE_OUT_OF_MEMORY || a->no_memory || !first_byte_us || a->out->body.len)
        return;
    *code = CURLE_WRITE_ERROR;
    a->refused = headers_too_long;
}

/* With TLS 1.3 a server refuses our certificate, or the lack of one, after we are connected. */
static void tell_refused_handshake(const char *error, CURLcode *code)
{
    if (*code == CURLE_RECV_ERROR && strstr(error, " alert "))
        *code = CURLE_SSL_CONNECT_ERROR;
}

static struct verdict judge(struct attempt *a, CURLcode code, const char *error)
{
    struct http_response *out = a->out;
    if (code == CURLE_OK) {
        long status = 0;
        curl_easy_getinfo(a->http->easy, CURLINFO_RESPONSE_CODE, &status);
        out->status = (int)status;
        return verdict_of(VERDICT_STATUS, out->status);
    }
    tell_long_header(a, &code);
    tell_refused_handshake(error, &code);
    if (a->no_memory)
        code = CURLE_OUT_OF_MEMORY;
    const char *why = a->refused ? a->refused : *error ? error : curl_easy_strerror(code);
    snprintf(out->cause, sizeof(out->cause), "%s", why);
    return verdict_of(VERDICT_CURL, (int)code);
}

static struct verdict try_once(struct http *h, const struct http_request *request,
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
        return verdict_of(VERDICT_CURL, CURLE_OPERATION_TIMEDOUT);
    }
    if (header_list(request, &headers) < 0)
        return (struct verdict){-ENOMEM, false};
    set_request(&a, request, headers, (long)(request->deadline_ms - start), error);
    out->requests++;
    if (h->config.requests)
        atomic_fetch_add(h->config.requests, 1);
    if (curl_multi_add_handle(h->multi, h->easy) != CURLM_OK)
        return (struct verdict){-ENOMEM, false};
    int r = drive(h, &a, request->deadline_ms, &code);
    curl_multi_remove_handle(h->multi, h->easy);
    struct verdict verdict = r < 0 ? (struct verdict){r, false} : judge(&a, code, error);
    set_request(&a, &(struct http_request){0}, NULL, 0, NULL); /* they end with this function */
    log_debug("%s %s: %d %s, %zu bytes in %lld ms", is_post(request) ? "POST" : "GET", request->url,
              out->status, r < 0 ? "canceled" : out->cause, out->body.len,
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

int http_send(struct http *h, const struct http_request *request, struct http_response *out)
{
    const struct http_config *c = &h->config;
    *out = (struct http_response){.fields = HEADER_FIELDS_INIT};
    out->body.secret = is_post(request); /* the answer may repeat what it was told */
    for (unsigned done = 1;; done++) {
        struct verdict verdict = try_once(h, request, out);
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
    curl_easy_setopt(e, CURLOPT_TCP_KEEPALIVE, 1L);
    /* Only an honest Content-Length is seen by this one; on_body() counts. */
    curl_easy_setopt(e, CURLOPT_MAXFILESIZE_LARGE, (curl_off_t)c->body_limit);
    curl_easy_setopt(e, CURLOPT_USERAGENT, c->user_agent);
    curl_easy_setopt(e, CURLOPT_HEADERFUNCTION, on_header);
    curl_easy_setopt(e, CURLOPT_WRITEFUNCTION, on_body);
}

/* libcurl copies the strings. */
static void set_tls(CURL *e, const struct http_tls *tls)
{
    curl_easy_setopt(e, CURLOPT_SSLVERSION, (long)CURL_SSLVERSION_TLSv1_2);
    curl_easy_setopt(e, CURLOPT_SSL_VERIFYPEER, tls->insecure ? 0L : 1L);
    curl_easy_setopt(e, CURLOPT_SSL_VERIFYHOST, tls->insecure ? 0L : 2L);
    if (tls->cacert) {
        curl_easy_setopt(e, CURLOPT_CAINFO, tls->cacert);
        curl_easy_setopt(e, CURLOPT_CAPATH, NULL); /* the system's directory would count too */
    }
    curl_easy_setopt(e, CURLOPT_SSLCERT, tls->cert);
    curl_easy_setopt(e, CURLOPT_SSLKEY, tls->key);
    /* Without one OpenSSL would ask the terminal for the password of an encrypted key. */
    curl_easy_setopt(e, CURLOPT_KEYPASSWD, "");
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
    set_tls(h->easy, &c->tls);
    c->tls = (struct http_tls){0}; /* the caller's strings */
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
