// SPDX-License-Identifier: Apache-2.0
#include "imsfs/token.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdio.h>
#include <sys/eventfd.h>
#include <sys/stat.h>
#include <unistd.h>

#include "imsfs/log.h"
#include "imsfs/program.h"
#include "imsfs/secret.h"

/* A token and the line ends behind it, which are trimmed. */
#define TEXT_MAX (TOKEN_MAX + 16)

/* Appends what may be a token to text, and more than TOKEN_MAX bytes when it is longer. */
typedef int token_reader(struct token *t, int64_t timeout_ms, struct strbuf *text,
                         struct strbuf *why);

struct token_kind {
    token_reader *read;
    bool renews;
    const char *refusal; /* after the file's name; why it is no token */
    const char *advice;  /* before the file's name */
};

struct token {
    const struct token_kind *kind;
    char *fixed;   /* the token; NULL unless it is of this kind, as the next two */
    char *file;    /* its path */
    char *command; /* for sh -c */
    char *advice;
    mode_t warned_mode; /* of the file, when the log last warned of it; 0: it need not */
    struct program program;
    int cancel_fd; /* readable from token_cancel() on */
};

static void close_fd(const int *fd)
{
    if (*fd >= 0)
        close(*fd);
}

/* Header values: visible ASCII, nothing that could end the line (RFC 9110, 5.5). */
static bool is_token(struct bytes text)
{
    for (size_t i = 0; i < text.len; i++)
        if (text.data[i] <= 0x20 || text.data[i] >= 0x7F)
            return false;
    return text.len > 0 && text.len <= TOKEN_MAX;
}

static struct bytes without_line_ends(struct bytes text)
{
    while (text.len && (text.data[text.len - 1] == '\n' || text.data[text.len - 1] == '\r'))
        text.len--;
    return text;
}

/* --- a fixed token --- */

static int read_fixed(struct token *t, int64_t timeout_ms, struct strbuf *text, struct strbuf *why)
{
    (void)timeout_ms;
    (void)why;
    strbuf_add_str(text, t->fixed);
    return strbuf_error(text);
}

/* --- a file --- */

static void warn_of_mode(struct token *t, mode_t mode)
{
    bool open = mode & (S_IRGRP | S_IROTH);
    if (open && mode != t->warned_mode)
        log_warning("%s can be read by others (mode %04o); chmod 600 keeps the token secret",
                    t->file, (unsigned)(mode & 07777));
    t->warned_mode = open ? mode : 0;
}

/* Opens the file, and not what may block or grow without end. */
static int open_file(struct token *t)
{
    struct stat st;
    int fd = open(t->file, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
    if (fd < 0)
        return -errno;
    int rc = fstat(fd, &st) < 0 ? -errno : S_ISREG(st.st_mode) ? 0 : -EINVAL;
    if (rc) {
        close(fd);
        return rc;
    }
    warn_of_mode(t, st.st_mode);
    return fd;
}

static int read_up_to(int fd, size_t max, struct strbuf *text)
{
    while (text->len < max) {
        if (!strbuf_reserve(text, max - text->len))
            return -ENOMEM;
        ssize_t n = read(fd, text->data + text->len, max - text->len);
        if (n < 0 && errno != EINTR)
            return -errno;
        if (n == 0)
            break;
        text->len += n > 0 ? (size_t)n : 0;
    }
    return 0;
}

static int read_file(struct token *t, int64_t timeout_ms, struct strbuf *text, struct strbuf *why)
{
    (void)timeout_ms;
    CLEANUP(close_fd) int fd = open_file(t);
    int rc = fd < 0 ? fd : read_up_to(fd, TEXT_MAX, text);
    if (rc == -EINVAL)
        strbuf_printf(why, "the token file %s is not a regular file", t->file);
    else if (rc)
        strbuf_printf(why, "cannot read the token file %s: %s", t->file, strerror(-rc));
    return rc;
}

/* --- a program --- */

static int read_command(struct token *t, int64_t timeout_ms, struct strbuf *text,
                        struct strbuf *why)
{
    return program_run(&t->program, timeout_ms, text, why);
}

/* --- all of them --- */

static const struct token_kind fixed_kind = {read_fixed, false, "what was given as token is none",
                                             "mount again with a new token in OS_TOKEN"};
static const struct token_kind file_kind = {read_file, true, " holds no token",
                                            "put a new token into "};
static const struct token_kind command_kind = {read_command, true, "token_command prints no token",
                                               "look at what token_command prints"};

/* The text itself is not shown: it may be two tokens, or another secret. */
static int refuse(const struct token *t, struct strbuf *why)
{
    strbuf_printf(why, "%s%s: a token is one line of at most %d visible characters",
                  t->file ? t->file : "", t->kind->refusal, TOKEN_MAX);
    return -EINVAL;
}

static int copy(char **out, const char *text)
{
    *out = strdup(text);
    return *out ? 0 : -ENOMEM;
}

static int copy_config(struct token *t, const struct token_config *config)
{
    if (config->fixed) {
        t->kind = &fixed_kind;
        return copy(&t->fixed, config->fixed);
    }
    if (config->file) {
        t->kind = &file_kind;
        return copy(&t->file, config->file);
    }
    t->kind = &command_kind;
    return copy(&t->command, config->command);
}

static int fill(struct token *t, const struct token_config *config)
{
    t->cancel_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
    int rc = t->cancel_fd < 0 ? -errno : copy_config(t, config);
    if (rc)
        return rc;
    t->program = (struct program){.name = "token_command",
                                  .command = t->command,
                                  .output_max = TEXT_MAX,
                                  .cancel_fd = t->cancel_fd};
    if (asprintf(&t->advice, "%s%s", t->kind->advice, t->file ? t->file : "") >= 0)
        return 0;
    t->advice = NULL;
    return -ENOMEM;
}

int token_new(struct token **out, const struct token_config *config, struct strbuf *why)
{
    if (!config->fixed && !config->file && !config->command) {
        strbuf_add_str(why, "no token was given");
        return -EINVAL;
    }
    struct token *t = calloc(1, sizeof(*t));
    if (!t)
        return -ENOMEM;
    int rc = fill(t, config);
    if (!rc && t->fixed && !is_token(bytes_of(t->fixed)))
        rc = refuse(t, why);
    if (rc) {
        token_free(t);
        return rc;
    }
    *out = t;
    return 0;
}

void token_free(struct token *t)
{
    if (!t)
        return;
    close_fd(&t->cancel_fd);
    secret_free(&t->fixed);
    free(t->file);
    free(t->command);
    free(t->advice);
    free(t);
}

static bool is_cancelled(const struct token *t)
{
    struct pollfd cancel = {.fd = t->cancel_fd, .events = POLLIN};
    return poll(&cancel, 1, 0) > 0;
}

int token_read(struct token *t, int64_t timeout_ms, char **value, struct strbuf *why)
{
    CLEANUP(strbuf_free) struct strbuf text = STRBUF_SECRET;
    if (is_cancelled(t)) {
        strbuf_add_str(why, "stopped");
        return -ECANCELED;
    }
    int rc = t->kind->read(t, timeout_ms, &text, why);
    struct bytes token = without_line_ends(strbuf_bytes(&text));
    if (rc == -EMSGSIZE || (!rc && !is_token(token))) {
        strbuf_reset(why);
        return refuse(t, why);
    }
    char *found = rc ? NULL : strndup(token.data, token.len);
    if (!rc && !found)
        rc = -ENOMEM;
    if (rc == -ENOMEM && !why->len)
        strbuf_add_str(why, "out of memory");
    if (!rc)
        *value = found;
    return rc;
}

bool token_renews(const struct token *t)
{
    return t->kind->renews;
}

bool token_is_program(const struct token *t)
{
    return t->kind == &command_kind;
}

const char *token_advice(const struct token *t)
{
    return t->advice;
}

void token_cancel(struct token *t)
{
    eventfd_write(t->cancel_fd, 1);
}
