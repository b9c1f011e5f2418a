// SPDX-License-Identifier: Apache-2.0
/*
 * A scripted HTTP server on loopback, in threads of the test, one for each connection: each request
 * is answered with raw bytes by a function of the test, one at a time. It can say what no correct
 * server says.
 */
#ifndef IMSFS_FAKE_SERVER_H
#define IMSFS_FAKE_SERVER_H

#include <arpa/inet.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <sys/socket.h>
#include <unistd.h>

#include "imsfs/strbuf.h"

/* What happens after the bytes of an answer were sent. */
enum fake_end { FAKE_KEEP, FAKE_CLOSE, FAKE_RESET, FAKE_HANG, FAKE_DRIP };

struct fake_server;
/* n counts from 0; request is head and body as received, cut at 8191 bytes. Answers by adding bytes
 * to out. */
typedef enum fake_end fake_answer_fn(struct fake_server *s, unsigned n, const char *request,
                                     struct strbuf *out);

#define FAKE_CONNECTIONS 64

struct fake_connection {
    struct fake_server *server;
    pthread_t thread;
    int fd; /* -1: it is over */
};

struct fake_server {
    fake_answer_fn *answer;
    /* Called with each request before its turn; NULL. */
    void (*arrived)(struct fake_server *s, int fd, const char *request);
    void *ctx;
    int listener;
    uint16_t port;
    pthread_t thread;
    atomic_bool stop;
    atomic_uint connections, requests;
    pthread_mutex_t lock; /* protects: the fd of each, last */
    pthread_mutex_t turn; /* held while the test answers */
    struct fake_connection each[FAKE_CONNECTIONS];
    char last[8192]; /* the last request */
};

/* The last request, as received: head and body, cut at 8191 bytes. */
static inline void fake_last_request(struct fake_server *s, char out[static 8192])
{
    pthread_mutex_lock(&s->lock);
    memcpy(out, s->last, sizeof(s->last));
    pthread_mutex_unlock(&s->lock);
}

/* Adds a whole answer with the length of its body. extra: further header lines, or "". */
static inline void fake_reply(struct strbuf *out, int status, const char *extra, const char *body)
{
    strbuf_printf(out,
                  "HTTP/1.1 %d Any\r\nContent-Type: application/json; charset=UTF-8\r\n"
                  "Content-Length: %zu\r\n%s\r\n%s",
                  status, strlen(body), extra, body);
}

/* The rest of a body of which some bytes came with the head; what has no room is dropped. */
static inline bool fake_read_body(struct fake_server *s, int fd, char head[static 8192], size_t len)
{
    const char *field = strcasestr(head, "\r\nContent-Length:");
    const char *body = strstr(head, "\r\n\r\n") + 4;
    size_t length = field ? strtoul(field + strlen("\r\nContent-Length:"), NULL, 10) : 0;
    size_t whole = (size_t)(body - head) + length;
    for (size_t got = len; got < whole;) {
        char dropped[4096];
        size_t room = sizeof(s->last) - 1 - len;
        size_t left = whole - got;
        char *to = room ? head + len : dropped;
        size_t most = room ? room : sizeof(dropped);
        ssize_t n = recv(fd, to, left < most ? left : most, 0);
        if (n <= 0)
            return false;
        got += (size_t)n;
        len += room ? (size_t)n : 0;
        head[len] = '\0';
    }
    return true;
}

static inline bool fake_read_request(struct fake_server *s, int fd, char head[static 8192])
{
    size_t len = 0;
    head[0] = '\0';
    while (!strstr(head, "\r\n\r\n")) {
        ssize_t n = recv(fd, head + len, sizeof(s->last) - 1 - len, 0);
        if (n <= 0)
            return false;
        len += (size_t)n;
        head[len] = '\0';
    }
    if (!fake_read_body(s, fd, head, len))
        return false;
    pthread_mutex_lock(&s->lock);
    strcpy(s->last, head);
    pthread_mutex_unlock(&s->lock);
    return true;
}

static inline void fake_send(int fd, struct bytes b)
{
    while (b.len) {
        ssize_t n = send(fd, b.data, b.len, MSG_NOSIGNAL);
        if (n <= 0)
            return;
        b = (struct bytes){b.data + n, b.len - (size_t)n};
    }
}

/* False: the connection is over. */
static inline bool fake_end(struct fake_server *s, int fd, enum fake_end end)
{
    char byte;
    if (end == FAKE_HANG)
        (void)!recv(fd, &byte, 1, 0); /* until the client gives up */
    while (end == FAKE_DRIP && !atomic_load(&s->stop)) {
        usleep(10000);
        if (send(fd, " ", 1, MSG_NOSIGNAL) <= 0)
            break;
    }
    if (end == FAKE_RESET)
        setsockopt(fd, SOL_SOCKET, SO_LINGER, &(struct linger){1, 0}, sizeof(struct linger));
    return end == FAKE_KEEP;
}

static inline void fake_serve(struct fake_server *s, int fd)
{
    char head[sizeof(s->last)];
    bool more = true;
    while (more && fake_read_request(s, fd, head)) {
        struct strbuf out = STRBUF_INIT;
        if (s->arrived)
            s->arrived(s, fd, head);
        pthread_mutex_lock(&s->turn);
        enum fake_end end = s->answer(s, atomic_fetch_add(&s->requests, 1), head, &out);
        pthread_mutex_unlock(&s->turn);
        fake_send(fd, strbuf_bytes(&out));
        strbuf_free(&out);
        more = fake_end(s, fd, end);
    }
}

static inline void *fake_talk(void *arg)
{
    struct fake_connection *c = arg;
    if (!atomic_load(&c->server->stop))
        fake_serve(c->server, c->fd);
    pthread_mutex_lock(&c->server->lock);
    close(c->fd);
    c->fd = -1;
    pthread_mutex_unlock(&c->server->lock);
    return NULL;
}

static inline void *fake_run(void *arg)
{
    struct fake_server *s = arg;
    unsigned i = 0;
    while (!atomic_load(&s->stop) && i < FAKE_CONNECTIONS) {
        int fd = accept(s->listener, NULL, NULL);
        if (fd < 0)
            break;
        struct fake_connection *c = &s->each[i++];
        pthread_mutex_lock(&s->lock);
        *c = (struct fake_connection){.server = s, .fd = fd};
        pthread_mutex_unlock(&s->lock);
        atomic_fetch_add(&s->connections, 1);
        pthread_create(&c->thread, NULL, fake_talk, c);
    }
    return NULL;
}

static inline void fake_start(struct fake_server *s, fake_answer_fn *answer, void *ctx)
{
    struct sockaddr_in at = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t len = sizeof(at);
    memset(s, 0, sizeof(*s));
    s->answer = answer;
    s->ctx = ctx;
    pthread_mutex_init(&s->lock, NULL);
    pthread_mutex_init(&s->turn, NULL);
    s->listener = socket(AF_INET, SOCK_STREAM, 0);
    if (bind(s->listener, (struct sockaddr *)&at, sizeof(at)) < 0 || listen(s->listener, 16) < 0 ||
        getsockname(s->listener, (struct sockaddr *)&at, &len) < 0)
        abort();
    s->port = ntohs(at.sin_port);
    pthread_create(&s->thread, NULL, fake_run, s);
}

static inline void fake_stop(struct fake_server *s)
{
    atomic_store(&s->stop, true);
    shutdown(s->listener, SHUT_RDWR);
    pthread_join(s->thread, NULL);
    for (unsigned i = 0; i < s->connections; i++) {
        pthread_mutex_lock(&s->lock);
        if (s->each[i].fd >= 0)
            shutdown(s->each[i].fd, SHUT_RDWR);
        pthread_mutex_unlock(&s->lock);
        pthread_join(s->each[i].thread, NULL);
    }
    pthread_mutex_destroy(&s->lock);
    pthread_mutex_destroy(&s->turn);
    close(s->listener);
}

#endif
