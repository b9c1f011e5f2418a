// SPDX-License-Identifier: Apache-2.0
#include "imsfs/auth.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

#include "imsfs/log.h"

struct auth {
    char *token;      /* NULL: none */
    char *token_file; /* NULL: the token is fixed */
    char *advice;     /* names the token file; NULL: without one */
    bool insecure_http;
};

static void wipe_free(char **secret)
{
    if (*secret)
        explicit_bzero(*secret, strlen(*secret));
    free(*secret);
    *secret = NULL;
}

static void close_fd(int *fd)
{
    if (*fd >= 0)
        close(*fd);
}

/* Header values: visible ASCII, nothing that could end the line (RFC 9110, 5.5). */
static bool is_token(const char *text)
{
    for (const char *c = text; *c; c++) {
        if (*c <= 0x20 || *c >= 0x7F)
            return false;
    }
    return *text != '\0' && strlen(text) <= AUTH_TOKEN_MAX;
}

/* Opens the token file, and not what may block or grow without end. */
static int open_token_file(const char *path)
{
    struct stat st;
    int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
    if (fd < 0)
        return -errno;
    if (fstat(fd, &st) < 0 || !S_ISREG(st.st_mode)) {
        close(fd);
        return -EINVAL;
    }
    if (st.st_mode & S_IRWXO)
        log_warning("%s can be read by everybody; chmod 600 keeps the token secret", path);
    return fd;
}

/* Up to size - 1 bytes of the file, and a NUL. Returns the length or -errno. */
static ssize_t read_up_to(int fd, char *out, size_t size)
{
    size_t len = 0;
    while (len + 1 < size) {
        ssize_t n = read(fd, out + len, size - 1 - len);
        if (n < 0 && errno != EINTR)
            return -errno;
        if (n == 0)
            break;
        len += n > 0 ? (size_t)n : 0;
    }
    out[len] = '\0';
    return (ssize_t)len;
}

/* The token in the file, without line ends behind it. The caller wipes it. */
static int read_token(const char *path, char **token)
{
    const size_t size = AUTH_TOKEN_MAX + 16;
    CLEANUP(close_fd) int fd = open_token_file(path);
    if (fd < 0)
        return fd;
    char *text = malloc(size);
    if (!text)
        return -ENOMEM;
    ssize_t len = read_up_to(fd, text, size);
    int r = len < 0 ? (int)len : 0;
    while (len > 0 && (text[len - 1] == '\n' || text[len - 1] == '\r'))
        text[--len] = '\0';
    if (r == 0 && (strlen(text) != (size_t)len || !is_token(text)))
        r = -EINVAL;
    if (r == 0 && !(*token = strdup(text)))
        r = -ENOMEM;
    explicit_bzero(text, size);
    free(text);
    return r;
}

static int first_read(struct auth *a, char *error, size_t size)
{
    int r = read_token(a->token_file, &a->token);
    if (r == -EINVAL)
        snprintf(error, size, "%s does not hold a token: one line of at most %d visible characters",
                 a->token_file, AUTH_TOKEN_MAX);
    else if (r < 0)
        snprintf(error, size, "cannot read the token file %s: %s", a->token_file, strerror(-r));
    return r;
}

static int fill(struct auth *a, const struct auth_config *c, char *error, size_t size)
{
    a->insecure_http = c->insecure_http;
    if (c->token && *c->token) {
        if (!is_token(c->token)) {
            snprintf(error, size,
                     "the token in the environment (OS_TOKEN, OS_AUTH_TOKEN) has "
                     "spaces or control characters, or is too long");
            return -EINVAL;
        }
        a->token = strdup(c->token);
        return a->token ? 0 : -ENOMEM;
    }
    if (!c->token_file)
        return 0;
    a->token_file = strdup(c->token_file);
    if (!a->token_file || asprintf(&a->advice, "put a new token into %s", c->token_file) < 0) {
        a->advice = NULL;
        return -ENOMEM;
    }
    return first_read(a, error, size);
}

int auth_new(struct auth **out, const struct auth_config *config, char *error, size_t size)
{
    struct auth *a = calloc(1, sizeof(*a));
    snprintf(error, size, "out of memory");
    if (!a)
        return -ENOMEM;
    int r = fill(a, config, error, size);
    if (r < 0) {
        auth_free(a);
        return r;
    }
    error[0] = '\0';
    *out = a;
    return 0;
}

void auth_free(struct auth *a)
{
    if (!a)
        return;
    wipe_free(&a->token);
    free(a->token_file);
    free(a->advice);
    free(a);
}

bool auth_may_send(const struct auth *a, const struct url *endpoint, char *error, size_t size)
{
    if (!a->token || endpoint->https || endpoint->loopback || a->insecure_http)
        return true;
    snprintf(error, size,
             "a token would go over the network unencrypted; use https://, or "
             "insecure_http if you really mean it");
    return false;
}

int auth_headers(struct auth *a, const struct url *endpoint, struct http_request *request)
{
    char error[128];
    if (!auth_may_send(a, endpoint, error, sizeof(error)))
        return -EPERM;
    return a->token ? header_add(&request->headers, "X-Auth-Token", a->token) : 0;
}

bool auth_refused(struct auth *a)
{
    CLEANUP(wipe_free) char *token = NULL;
    if (!a->token_file)
        return false;
    int r = read_token(a->token_file, &token);
    if (r < 0) {
        log_warning("cannot read a token from %s: %s", a->token_file, strerror(-r));
        return false;
    }
    if (a->token && streq(a->token, token))
        return false;
    wipe_free(&a->token);
    a->token = STEAL(token);
    return true;
}

void auth_redact(const struct auth *a, char *text, size_t len)
{
    size_t secret = a->token ? strlen(a->token) : 0;
    for (char *end = text + len; secret && text;) {
        text = memmem(text, (size_t)(end - text), a->token, secret);
        if (text)
            memset(text, '*', secret);
    }
}

const char *auth_advice(const struct auth *a)
{
    if (a->advice)
        return a->advice;
    return a->token ? "mount again with a new token in OS_TOKEN"
                    : "give a token in OS_TOKEN or with token_file=";
}
