// SPDX-License-Identifier: Apache-2.0
#include "imsfs/attempt.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <strings.h>
#include <unistd.h>

#include "imsfs/log.h"

/* --- What is sent --- */

static bool is_post(const struct http_request *request)
{
    return request->body.data != NULL;
}

static void free_slist(struct curl_slist **list)
{
    for (struct curl_slist *l = *list; l; l = l->next)
        explicit_bzero(l->data, strlen(l->data));
    curl_slist_free_all(*list);
    *list = NULL;
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

/* --- What comes --- */

/* Forgets an earlier try, or the headers of an interim answer (1xx). */
static void response_restart(struct http_response *r)
{
    r->status = 0;
    header_fields_free(&r->fields);
    r->cause[0] = '\0';
    strbuf_reset(&r->body);
}

/* Ends the transfer: what the callbacks return for it. */
static size_t out_of_memory(struct attempt *a)
{
    a->refused = "out of memory";
    a->no_memory = true;
    return 0;
}

/* Whether text starts so; moves behind that and the blanks that follow. */
static bool skip(struct bytes *text, const char *start)
{
    size_t len = strlen(start);
    if (text->len < len || strncasecmp(text->data, start, len) != 0)
        return false;
    while (len < text->len && (text->data[len] == ' ' || text->data[len] == '\t'))
        len++;
    *text = (struct bytes){text->data + len, text->len - len};
    return true;
}

/*
 * libcurl undoes up to five codings in a row, of the content and of the transfer, those that an
 * interim answer names included, and what lies between two of them is counted by nobody: a few
 * bytes could keep it busy for hours. Servers use one.
 */
static bool is_coded_again(struct attempt *a, struct bytes line)
{
    bool transfer = skip(&line, "transfer-encoding:");
    if (!transfer && !skip(&line, "content-encoding:"))
        return false;
    if (memchr(line.data, ',', line.len))
        return true;
    return !(transfer && skip(&line, "chunked")) && a->codings++;
}

/* What is too much ends the transfer. */
static bool is_over(struct attempt *a, enum limit which, size_t amount)
{
    if (!limits_exceeded(a->config.limits, which, amount))
        return false;
    a->over = which;
    return true;
}

static size_t on_header(char *data, size_t size, size_t count, void *ctx)
{
    struct attempt *a = ctx;
    size_t len = size * count;
    a->header_bytes += len;
    stall_add(&a->stall, len);
    if (is_over(a, LIMIT_HEADER_BYTES, a->header_bytes))
        return 0;
    if (is_coded_again(a, (struct bytes){data, len})) {
        a->refused = "the answer is compressed more than once";
        return 0;
    }
    if (len >= 5 && memcmp(data, "HTTP/", 5) == 0)
        response_restart(a->out);
    if (header_fields_take(&a->out->fields, (struct bytes){data, len}) < 0)
        return out_of_memory(a);
    return len;
}

static size_t on_body(char *data, size_t size, size_t count, void *ctx)
{
    struct attempt *a = ctx;
    const struct attempt_config *c = &a->config;
    size_t len = size * count;
    stall_add(&a->stall, len);
    if (c->bytes)
        atomic_fetch_add(c->bytes, len);
    if (is_over(a, LIMIT_BODY_BYTES, a->out->body.len + len))
        return 0;
    strbuf_add(&a->out->body, data, len);
    return strbuf_error(&a->out->body) < 0 ? out_of_memory(a) : len;
}

static void set_request(struct attempt *a, const struct http_request *request)
{
    CURL *e = a->easy;
    curl_easy_setopt(e, CURLOPT_URL, request->url);
    curl_easy_setopt(e, CURLOPT_HTTPHEADER, a->headers);
    /* Not COPYPOSTFIELDS: that would be a copy which nobody wipes. */
    curl_easy_setopt(e, CURLOPT_POSTFIELDSIZE_LARGE, (curl_off_t)request->body.len);
    curl_easy_setopt(e, CURLOPT_POSTFIELDS, request->body.data);
    if (!is_post(request))
        curl_easy_setopt(e, CURLOPT_HTTPGET, 1L);
    /* "": all that it can undo. Not of what may be secret, for it would leave copies behind. */
    curl_easy_setopt(e, CURLOPT_ACCEPT_ENCODING, is_post(request) || a->plain ? NULL : "");
}

/* What it points to may go. */
static void forget_request(struct attempt *a)
{
    free_slist(&a->headers);
    set_request(a, &(struct http_request){0});
}

/* A limit for the connection lets libcurl try the second address of a host in time. */
static void set_timeout(struct attempt *a, int64_t timeout_ms, bool whole)
{
    curl_easy_setopt(a->easy, CURLOPT_CONNECTTIMEOUT_MS, (long)timeout_ms);
    curl_easy_setopt(a->easy, CURLOPT_TIMEOUT_MS, whole ? (long)timeout_ms : 0L);
}

/* --- One try --- */

/* Forgets the try before this one. */
static void restart(struct attempt *a, const struct http_request *request,
                    struct http_response *out)
{
    response_restart(out);
    a->out = out;
    a->done = a->no_memory = false;
    a->refused = NULL;
    a->over = LIMITS;
    a->header_bytes = 0;
    a->codings = 0;
    a->stall = (struct stall){0};
    a->error[0] = '\0';
    a->what = is_post(request) ? "POST" : "GET";
    a->start_ms = clock_now_ms(a->config.clock);
}

struct verdict attempt_begin(struct attempt *a, CURLM *multi, const struct http_request *request,
                             int64_t timeout_ms, bool whole, struct http_response *out)
{
    const struct verdict no_memory = {-ENOMEM, false};
    restart(a, request, out);
    if (timeout_ms <= 0) {
        snprintf(out->cause, sizeof(out->cause), "no time left");
        return verdict_of(VERDICT_CURL, CURLE_OPERATION_TIMEDOUT);
    }
    if (header_list(request, &a->headers) < 0) {
        free_slist(&a->headers);
        return no_memory;
    }
    set_request(a, request);
    set_timeout(a, timeout_ms, whole);
    if (curl_multi_add_handle(multi, a->easy) != CURLM_OK) {
        forget_request(a);
        return no_memory;
    }
    a->multi = multi;
    out->requests++;
    if (a->config.requests)
        atomic_fetch_add(a->config.requests, 1);
    return (struct verdict){0};
}

void attempt_note_ends(CURLM *multi)
{
    int left;
    for (CURLMsg *m; (m = curl_multi_info_read(multi, &left));) {
        struct attempt *a = NULL;
        curl_easy_getinfo(m->easy_handle, CURLINFO_PRIVATE, (char **)&a);
        if (m->msg != CURLMSG_DONE || !a)
            continue;
        a->done = true;
        a->code = m->data.result;
    }
}

bool attempt_has_failed(const struct attempt *a)
{
    long status = 0;
    curl_easy_getinfo(a->easy, CURLINFO_RESPONSE_CODE, &status);
    bool fine = status == 200 || status == 201 || status == 401 || status == 403;
    return a->done && (a->code != CURLE_OK || !fine);
}

/*
 * libcurl says "out of memory", and nothing else, about a header line over its own limit of 100
 * KiB, which comes to no callback (newer ones have a code of their own); and it ends a body whose
 * length it knows before a callback sees any of it.
 */
static void tell_too_much(struct attempt *a, CURLcode *code)
{
    curl_off_t first_byte_us = 0;
    curl_easy_getinfo(a->easy, CURLINFO_STARTTRANSFER_TIME_T, &first_byte_us);
    if (*code == CURLE_FILESIZE_EXCEEDED)
        is_over(a, LIMIT_BODY_BYTES, SIZE_MAX);
    if (*code != CURLE_OUT_OF_MEMORY || a->no_memory || !first_byte_us || a->out->body.len)
        return;
    *code = CURLE_WRITE_ERROR;
    is_over(a, LIMIT_HEADER_BYTES, SIZE_MAX);
}

/* With TLS 1.3 a server refuses our certificate, or the lack of one, after we are connected. */
static void tell_refused_handshake(const char *error, CURLcode *code)
{
    if (*code == CURLE_RECV_ERROR && strstr(error, " alert "))
        *code = CURLE_SSL_CONNECT_ERROR;
}

/* libcurl tells a server that cannot be reached where it was given no socket. */
static int find_scarcity(CURLcode code)
{
    if (code != CURLE_COULDNT_CONNECT && code != CURLE_COULDNT_RESOLVE_HOST)
        return 0;
    int fd = fcntl(STDERR_FILENO, F_DUPFD_CLOEXEC, 0);
    int error = errno;
    if (fd >= 0)
        close(fd);
    return fd < 0 && (error == EMFILE || error == ENFILE) ? -error : 0;
}

static struct verdict judge(struct attempt *a, CURLcode code)
{
    const char *error = a->error;
    struct http_response *out = a->out;
    if (code == CURLE_OK) {
        long status = 0;
        curl_easy_getinfo(a->easy, CURLINFO_RESPONSE_CODE, &status);
        out->status = (int)status;
        return verdict_of(VERDICT_STATUS, out->status);
    }
    /* Some call "utf-8" a coding. What is not to be undone comes as it is. */
    a->plain |= code == CURLE_BAD_CONTENT_ENCODING;
    tell_too_much(a, &code);
    tell_refused_handshake(error, &code);
    if (a->no_memory)
        code = CURLE_OUT_OF_MEMORY;
    int scarcity = a->refused ? 0 : find_scarcity(code);
    if (scarcity) {
        snprintf(out->cause, sizeof(out->cause), "%s", strerror(-scarcity));
        return (struct verdict){scarcity, false};
    }
    char over[120] = "";
    if (a->over != LIMITS)
        limits_describe(a->config.limits, a->over, over);
    const char *why = *over        ? over
                      : a->refused ? a->refused
                      : *error     ? error
                                   : curl_easy_strerror(code);
    snprintf(out->cause, sizeof(out->cause), "%s", why);
    return *over ? (struct verdict){-EFBIG, false} : verdict_of(VERDICT_CURL, (int)code);
}

static void leave(struct attempt *a)
{
    curl_multi_remove_handle(a->multi, a->easy);
    a->multi = NULL;
}

static void log_end(const struct attempt *a, const char *cause)
{
    char *url = NULL;
    curl_easy_getinfo(a->easy, CURLINFO_EFFECTIVE_URL, &url);
    log_debug("%s %s: %d %s, %zu bytes in %lld ms", a->what, url ? url : "", a->out->status, cause,
              a->out->body.len, (long long)(clock_now_ms(a->config.clock) - a->start_ms));
}

struct verdict attempt_end(struct attempt *a, CURLcode code)
{
    leave(a);
    struct verdict verdict = judge(a, code);
    log_end(a, a->out->cause);
    forget_request(a);
    return verdict;
}

void attempt_cancel(struct attempt *a)
{
    leave(a);
    log_end(a, "canceled");
    forget_request(a);
}

/* --- Life --- */

static void set_once(CURL *e, const struct attempt_config *c)
{
    curl_easy_setopt(e, CURLOPT_NOSIGNAL, 1L);
    curl_easy_setopt(e, CURLOPT_QUICK_EXIT, 1L); /* no wait for a resolver that hangs */
    /* Each new connection asks where the host is now: libcurl would go to an old place for 60 s. */
    curl_easy_setopt(e, CURLOPT_DNS_CACHE_TIMEOUT, 0L);
    curl_easy_setopt(e, CURLOPT_PROTOCOLS_STR, "http,https");
    curl_easy_setopt(e, CURLOPT_REDIR_PROTOCOLS_STR, "https");
    curl_easy_setopt(e, CURLOPT_FOLLOWLOCATION, 0L);
    curl_easy_setopt(e, CURLOPT_MAXREDIRS, 0L);
    curl_easy_setopt(e, CURLOPT_NETRC, (long)CURL_NETRC_IGNORED);
    curl_easy_setopt(e, CURLOPT_PROXY, "");
    curl_easy_setopt(e, CURLOPT_DISALLOW_USERNAME_IN_URL, 1L);
    curl_easy_setopt(e, CURLOPT_TCP_KEEPALIVE, 1L);
    curl_easy_setopt(e, CURLOPT_HTTP_VERSION, (long)CURL_HTTP_VERSION_2TLS);
    curl_easy_setopt(e, CURLOPT_BUFFERSIZE, 128L * 1024);
    /* Only an honest Content-Length is seen by this one; on_body() counts, after decompression. */
    curl_easy_setopt(e, CURLOPT_MAXFILESIZE_LARGE, (curl_off_t)c->limits->max[LIMIT_BODY_BYTES]);
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

int attempt_init(struct attempt *a, const struct attempt_config *config)
{
    *a = (struct attempt){.config = *config, .easy = curl_easy_init()};
    if (!a->easy)
        return -ENOMEM;
    set_once(a->easy, config);
    set_tls(a->easy, config->tls);
    a->config.tls = NULL; /* the caller's */
    curl_easy_setopt(a->easy, CURLOPT_PRIVATE, (void *)a);
    curl_easy_setopt(a->easy, CURLOPT_HEADERDATA, a);
    curl_easy_setopt(a->easy, CURLOPT_WRITEDATA, a);
    curl_easy_setopt(a->easy, CURLOPT_ERRORBUFFER, a->error);
    return 0;
}

void attempt_deinit(struct attempt *a)
{
    if (a->multi)
        attempt_cancel(a);
    curl_easy_cleanup(a->easy);
    a->easy = NULL;
}
