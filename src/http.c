// SPDX-License-Identifier: Apache-2.0
#include "imsfs/http.h"

#include <errno.h>
#include <stdio.h>
#include <sys/random.h>

#include "imsfs/attempt.h"
#include "imsfs/retry.h"

#define TRIES 4
#define BACKOFF_MS 500
#define TRY_MIN_MS 100 /* with less time there comes no answer but a time-out in place of one */
/* The longest sleep: a suspended machine's deadline is noticed this soon after waking. */
#define POLL_MS 1000

/* What one request at a time is on its way on. */
struct line {
    struct attempt attempt; /* its easy handle is made when the line is first used */
    struct http_response answer;
    bool begun;              /* the first try, by http_begin() */
    struct verdict begun_as; /* why it is not on its way, then */
};

struct http {
    struct http_config config;
    CURLM *multi;
    struct line *lines;
    atomic_bool cancelled;
};

/* --- One try --- */

/* Moves everything that is on its way. */
static CURLMcode perform(struct http *h)
{
    int running;
    CURLMcode r = curl_multi_perform(h->multi, &running);
    attempt_note_ends(h->multi);
    return r;
}

/* Runs the try that is on its way. 0 and *code, or -ECANCELED. */
static int drive(struct http *h, struct attempt *a, int64_t deadline_ms, CURLcode *code)
{
    while (!atomic_load(&h->cancelled)) {
        if (perform(h) != CURLM_OK) {
            *code = CURLE_OUT_OF_MEMORY;
            return 0;
        }
        int64_t now = clock_now_ms(h->config.clock);
        if (a->done)
            *code = a->code;
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

static struct verdict begin_try(struct http *h, struct line *l, const struct http_request *request,
                                bool whole)
{
    const struct attempt_config config = {.clock = h->config.clock,
                                          .user_agent = h->config.user_agent,
                                          .limits = h->config.limits,
                                          .tls = &h->config.tls,
                                          .requests = h->config.requests,
                                          .bytes = h->config.bytes};
    if (!l->attempt.easy && attempt_init(&l->attempt, &config) < 0)
        return (struct verdict){-ENOMEM, false};
    return attempt_begin(&l->attempt, h->multi, request,
                         request->deadline_ms - clock_now_ms(h->config.clock), whole, &l->answer);
}

static struct verdict try_once(struct http *h, struct line *l, const struct http_request *request)
{
    CURLcode code = CURLE_OUT_OF_MEMORY;
    struct verdict begun = l->begun ? l->begun_as : begin_try(h, l, request, true);
    l->begun = false;
    if (!l->attempt.multi)
        return begun;
    if (drive(h, &l->attempt, request->deadline_ms, &code) == 0)
        return attempt_end(&l->attempt, code);
    attempt_cancel(&l->attempt);
    return (struct verdict){-ECANCELED, false};
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
        perform(h);
        curl_multi_poll(h->multi, NULL, 0, left < POLL_MS ? (int)left : POLL_MS, NULL);
    }
}

static int send_on(struct http *h, struct line *l, const struct http_request *request)
{
    const struct http_config *c = &h->config;
    for (unsigned done = 1;; done++) {
        struct verdict verdict = try_once(h, l, request);
        if (!verdict.retry || done >= c->tries)
            return verdict.error;
        int64_t until =
            clock_now_ms(c->clock) + retry_delay_ms(done, l->answer.fields.retry_after_ms,
                                                    c->backoff_ms, c->random(c->random_ctx));
        if (until + TRY_MIN_MS > request->deadline_ms)
            return verdict.error;
        if (!pause_until(h, until))
            return -ECANCELED;
        /* The pause may have lasted longer: a busy or a suspended machine. */
        if (clock_now_ms(c->clock) + TRY_MIN_MS > request->deadline_ms)
            return verdict.error;
    }
}

static void clear_answer(struct line *l, const struct http_request *request)
{
    http_response_free(&l->answer);
    l->answer = (struct http_response){.fields = HEADER_FIELDS_INIT};
    /* It may repeat what it was told. */
    l->answer.body.secret = request->body.data != NULL;
}

int http_begin(struct http *h, unsigned line, const struct http_request *request)
{
    struct line *l = &h->lines[line];
    if (atomic_load(&h->cancelled))
        return -ECANCELED;
    clear_answer(l, request);
    l->begun_as = begin_try(h, l, request, false);
    l->begun = true;
    http_push(h);
    return 0;
}

void http_push(struct http *h)
{
    perform(h);
}

bool http_has_failed(const struct http *h, unsigned line)
{
    const struct line *l = &h->lines[line];
    if (!l->begun)
        return false;
    return l->attempt.multi ? attempt_has_failed(&l->attempt) : true;
}

void http_drop(struct http *h, unsigned line)
{
    struct line *l = &h->lines[line];
    if (l->attempt.multi)
        attempt_cancel(&l->attempt);
    l->begun = false;
    http_response_free(&l->answer); /* as long as the body may be that came */
    l->answer = (struct http_response){.fields = HEADER_FIELDS_INIT};
}

int http_finish(struct http *h, unsigned line, const struct http_request *request,
                struct http_response *out)
{
    struct line *l = &h->lines[line];
    if (!l->begun)
        clear_answer(l, request);
    int r = send_on(h, l, request);
    *out = l->answer;
    l->answer = (struct http_response){.fields = HEADER_FIELDS_INIT};
    return r;
}

int http_send(struct http *h, const struct http_request *request, struct http_response *out)
{
    http_drop(h, 0);
    return http_finish(h, 0, request, out);
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

/* libcurl copies them when an easy handle is made, which is later. */
static int copy_tls(struct http_tls *out, const struct http_tls *tls)
{
    const char *const from[] = {tls->cacert, tls->cert, tls->key};
    const char **const to[] = {&out->cacert, &out->cert, &out->key};
    *out = (struct http_tls){.insecure = tls->insecure};
    for (size_t i = 0; i < ARRAY_SIZE(from); i++) {
        if (from[i] && !(*to[i] = strdup(from[i])))
            return -ENOMEM;
    }
    return 0;
}

static void set_defaults(struct http_config *c)
{
    c->clock = c->clock ? c->clock : &clock_boottime;
    c->limits = c->limits ? c->limits : &limits_standard;
    c->tries = c->tries ? c->tries : TRIES;
    c->backoff_ms = c->backoff_ms ? c->backoff_ms : BACKOFF_MS;
    c->random = c->random ? c->random : kernel_random;
    c->lines = c->lines ? c->lines : 1;
}

int http_new(struct http **out, const struct http_config *config)
{
    if (curl_global_init(CURL_GLOBAL_DEFAULT) != CURLE_OK)
        return -ENOMEM;
    struct http *h = calloc(1, sizeof(*h));
    if (!h) {
        curl_global_cleanup();
        return -ENOMEM;
    }
    h->config = *config;
    set_defaults(&h->config);
    h->multi = curl_multi_init();
    h->lines = calloc(h->config.lines, sizeof(struct line));
    int r = copy_tls(&h->config.tls, &config->tls);
    if (r < 0 || !h->multi || !h->lines) {
        http_free(h);
        return -ENOMEM;
    }
    *out = h;
    return 0;
}

void http_free(struct http *h)
{
    if (!h)
        return;
    for (unsigned i = 0; h->lines && i < h->config.lines; i++) {
        attempt_deinit(&h->lines[i].attempt);
        http_response_free(&h->lines[i].answer);
    }
    free(h->lines);
    curl_multi_cleanup(h->multi);
    free((char *)h->config.tls.cacert);
    free((char *)h->config.tls.cert);
    free((char *)h->config.tls.key);
    free(h);
    curl_global_cleanup();
}
