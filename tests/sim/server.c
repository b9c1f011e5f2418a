// SPDX-License-Identifier: Apache-2.0
#include "server.h"

#include <arpa/inet.h>
#include <errno.h>
#include <microhttpd.h>
#include <poll.h>
#include <pthread.h>
#include <stdatomic.h>
#include <sys/socket.h>
#include <time.h>

#include "imsfs/clock.h"

#define CONNECTION_MEMORY (256 * 1024)

struct server {
    const struct server_options *options;
    struct store *store;
    struct MHD_Daemon *daemon;
    int64_t started;
    atomic_ullong requests;
    atomic_bool stopping;
    pthread_mutex_t log_lock; /* protects: the order of lines in the log */
};

/* What libmicrohttpd keeps for us while a request is read. */
struct arrival {
    bool headers_seen;
    char target[];
};

struct request {
    struct server *server;
    struct MHD_Connection *connection;
    const char *method;
    const char *target; /* as it came: path and query */
    uint64_t number;
    int64_t at_ms;
};

static const char *header_of(const struct request *r, const char *name)
{
    return MHD_lookup_connection_value(r->connection, MHD_HEADER_KIND, name);
}

/* Names the service that a path belongs to. False: none. */
static bool route(const struct request *r, enum answer_service *service, struct bytes *query)
{
    static const struct {
        const char *path;
        enum answer_service service;
    } routes[] = {{"/v2/images", ANSWER_GLANCE}, {"/v2/cloudimages", ANSWER_CLOUDIMAGES}};
    const struct server_options *o = r->server->options;
    size_t prefix = strlen(o->prefix), path = strcspn(r->target, "?");
    *service = ANSWER_GLANCE;
    if (path < prefix || memcmp(r->target, o->prefix, prefix) != 0)
        return false;
    struct bytes rest = {r->target + prefix, path - prefix};
    *query = bytes_of(r->target[path] ? r->target + path + 1 : "");
    for (size_t i = 0; i < ARRAY_SIZE(routes); i++)
        if (bytes_are(rest, routes[i].path)) {
            *service = o->no_cloudimages ? ANSWER_GLANCE : routes[i].service;
            return !o->no_cloudimages || routes[i].service == ANSWER_GLANCE;
        }
    return false;
}

static void answer_request(const struct request *r, const struct fault *fault, struct answer *out)
{
    const struct server_options *o = r->server->options;
    const char *accept = header_of(r, "Accept"), *token = header_of(r, "X-Auth-Token");
    enum answer_service service;
    struct bytes query;
    bool found = route(r, &service, &query);
    if (fault && fault->kind == FAULT_STATUS) {
        answer_error(out, service, fault->status, NULL, NULL, accept);
        out->retry_after = fault->number;
    } else if (fault && fault->kind == FAULT_GARBAGE) {
        *out = (struct answer){.status = 200, .content_type = "text/html"};
        strbuf_add_str(&out->body, "<html><body>It works!</body></html>\n");
    } else if (o->token && !(token && streq(token, o->token))) {
        answer_error(out, service, 401, NULL, NULL, accept);
    } else if (!found) {
        answer_error(out, service, 404, NULL, NULL, accept);
    } else if (!streq(r->method, "GET")) {
        answer_error(out, service, 405, NULL, NULL, accept);
    } else {
        struct data *d = store_get(r->server->store);
        listing_answer(out, d, &o->rules, service, query, accept);
        data_unref(d);
    }
}

static void log_request(const struct request *r, const struct answer *a, const char *status)
{
    FILE *log = r->server->options->log;
    if (!log)
        return;
    pthread_mutex_lock(&r->server->log_lock);
    fprintf(log, "%llu %lld %s %s ", (unsigned long long)r->number, (long long)r->at_ms, r->method,
            r->target);
    if (status)
        fprintf(log, "%s 0\n", status);
    else
        fprintf(log, "%u %zu\n", a->status, a->count);
    pthread_mutex_unlock(&r->server->log_lock);
}

/* Waits; false when the client or the server is gone before. ms < 0: for ever. */
static bool wait_ms(const struct request *r, int64_t ms)
{
    const union MHD_ConnectionInfo *info =
        MHD_get_connection_info(r->connection, MHD_CONNECTION_INFO_CONNECTION_FD);
    struct pollfd fd = {.fd = info->connect_fd, .events = POLLRDHUP};
    int64_t end = clock_now_ms(&clock_boottime) + ms;
    for (;;) {
        int64_t left = ms < 0 ? 50 : end - clock_now_ms(&clock_boottime);
        if (left <= 0)
            return true;
        if (atomic_load(&r->server->stopping) || poll(&fd, 1, left < 50 ? (int)left : 50) > 0)
            return false;
    }
}

static enum MHD_Result reset(const struct request *r)
{
    const union MHD_ConnectionInfo *info =
        MHD_get_connection_info(r->connection, MHD_CONNECTION_INFO_CONNECTION_FD);
    struct linger linger = {.l_onoff = 1, .l_linger = 0};
    setsockopt(info->connect_fd, SOL_SOCKET, SO_LINGER, &linger, sizeof(linger));
    return MHD_NO;
}

struct truncated {
    struct strbuf body;
};

static ssize_t read_half(void *ctx, uint64_t pos, char *buf, size_t max)
{
    struct truncated *t = ctx;
    size_t half = t->body.len / 2;
    if (pos >= half)
        return MHD_CONTENT_READER_END_WITH_ERROR;
    size_t left = half - (size_t)pos, n = left < max ? left : max;
    memcpy(buf, t->body.data + pos, n);
    return (ssize_t)n;
}

static void free_truncated(void *ctx)
{
    struct truncated *t = ctx;
    strbuf_free(&t->body);
    free(t);
}

/* Takes the body over. */
static struct MHD_Response *make_response(struct answer *a, bool truncate)
{
    size_t len = a->body.len;
    if (!truncate)
        return MHD_create_response_from_buffer(len, strbuf_steal(&a->body), MHD_RESPMEM_MUST_FREE);
    struct truncated *t = malloc(sizeof(*t));
    if (!t)
        return NULL;
    *t = (struct truncated){a->body};
    a->body = STRBUF_INIT;
    return MHD_create_response_from_callback(len, 65536, read_half, t, free_truncated);
}

static enum MHD_Result send_answer(const struct request *r, struct answer *a, bool truncate)
{
    char text[64];
    struct MHD_Response *response = make_response(a, truncate);
    if (!response)
        return MHD_NO;
    if (a->content_type)
        MHD_add_response_header(response, "Content-Type", a->content_type);
    if (a->retry_after) {
        snprintf(text, sizeof(text), "%u", a->retry_after);
        MHD_add_response_header(response, "Retry-After", text);
    }
    if (a->status == 401) {
        MHD_add_response_header(response, "Www-Authenticate",
                                "Keystone uri=\"http://127.0.0.1:5000\"");
    } else {
        snprintf(text, sizeof(text), "req-00000000-0000-4000-8000-%012llx",
                 (unsigned long long)r->number);
        MHD_add_response_header(response, "X-Openstack-Request-Id", text);
    }
    enum MHD_Result result = MHD_queue_response(r->connection, a->status, response);
    MHD_destroy_response(response);
    return result;
}

static enum MHD_Result handle(struct request *r)
{
    const struct server_options *o = r->server->options;
    const struct fault *fault = fault_of(&o->faults, r->number);
    enum fault_kind kind = fault ? fault->kind : FAULT_NONE;
    CLEANUP(answer_free) struct answer a = {0};
    if (kind == FAULT_HANG || kind == FAULT_RESET) {
        log_request(r, NULL, kind == FAULT_HANG ? "hang" : "reset");
        if (kind == FAULT_HANG)
            wait_ms(r, -1);
        return kind == FAULT_HANG ? MHD_NO : reset(r);
    }
    answer_request(r, fault, &a);
    if (strbuf_error(&a.body) < 0)
        return MHD_NO;
    log_request(r, &a, kind == FAULT_TRUNCATE ? "truncate" : NULL);
    if (!wait_ms(r, (int64_t)o->latency_ms + (kind == FAULT_DELAY ? fault->number : 0)))
        return MHD_NO;
    return send_answer(r, &a, kind == FAULT_TRUNCATE);
}

static void *keep_target(void *ctx, const char *uri, struct MHD_Connection *connection)
{
    (void)ctx;
    (void)connection;
    size_t len = strlen(uri) + 1;
    struct arrival *a = malloc(sizeof(*a) + len);
    if (!a)
        return NULL;
    a->headers_seen = false;
    memcpy(a->target, uri, len);
    return a;
}

static void forget_target(void *ctx, struct MHD_Connection *connection, void **arrival,
                          enum MHD_RequestTerminationCode code)
{
    (void)ctx;
    (void)connection;
    (void)code;
    free(STEAL(*arrival));
}

static enum MHD_Result on_request(void *ctx, struct MHD_Connection *connection, const char *url,
                                  const char *method, const char *version, const char *upload,
                                  size_t *upload_size, void **arrival)
{
    struct server *s = ctx;
    (void)url;
    (void)version;
    (void)upload;
    struct arrival *a = *arrival;
    if (!a)
        return MHD_NO;
    /* An answer before the request is read to its end would close the connection. */
    if (!a->headers_seen || *upload_size) {
        a->headers_seen = true;
        *upload_size = 0;
        return MHD_YES;
    }
    struct request r = {
        .server = s,
        .connection = connection,
        .method = method,
        .target = a->target,
        .number = atomic_fetch_add(&s->requests, 1) + 1,
        .at_ms = clock_now_ms(&clock_boottime) - s->started,
    };
    return handle(&r);
}

int server_start(struct server **out, const struct server_options *options, struct store *store)
{
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_port = htons(options->port)};
    struct server *s = calloc(1, sizeof(*s));
    if (!s)
        return -ENOMEM;
    s->options = options;
    s->store = store;
    s->started = clock_now_ms(&clock_boottime);
    pthread_mutex_init(&s->log_lock, NULL);
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    s->daemon = MHD_start_daemon(
        MHD_USE_THREAD_PER_CONNECTION | MHD_USE_INTERNAL_POLLING_THREAD | MHD_USE_POLL, 0, NULL,
        NULL, on_request, s, MHD_OPTION_SOCK_ADDR, (struct sockaddr *)&address,
        MHD_OPTION_URI_LOG_CALLBACK, keep_target, NULL, MHD_OPTION_NOTIFY_COMPLETED, forget_target,
        NULL, MHD_OPTION_CONNECTION_MEMORY_LIMIT, (size_t)CONNECTION_MEMORY,
        MHD_OPTION_LISTENING_ADDRESS_REUSE, 1u, MHD_OPTION_END);
    if (!s->daemon) {
        int r = errno ? -errno : -EADDRINUSE;
        pthread_mutex_destroy(&s->log_lock);
        free(s);
        return r;
    }
    *out = s;
    return 0;
}

unsigned short server_port(const struct server *s)
{
    return MHD_get_daemon_info(s->daemon, MHD_DAEMON_INFO_BIND_PORT)->port;
}

void server_stop(struct server *s)
{
    atomic_store(&s->stopping, true);
    MHD_stop_daemon(s->daemon);
    pthread_mutex_destroy(&s->log_lock);
    free(s);
}
