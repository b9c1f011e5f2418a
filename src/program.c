// SPDX-License-Identifier: Apache-2.0
#include "imsfs/program.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <spawn.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "imsfs/clock.h"
#include "imsfs/log.h"
#include "imsfs/secret.h"

#define REAP_MS 500 /* until a killed program is gone */

/* What the command writes to one of its descriptors. */
struct stream {
    int fd; /* -1: it has ended */
    size_t max;
    struct strbuf *text; /* at most max + 1 bytes: then there was more */
};

struct run {
    pid_t pid;   /* 0: not started */
    int exit_fd; /* readable when it has ended */
    struct stream output, messages;
};

static void close_fd(int *fd)
{
    if (*fd >= 0)
        close(*fd);
    *fd = -1;
}

static void close_run(struct run *r)
{
    close_fd(&r->exit_fd);
    close_fd(&r->output.fd);
    close_fd(&r->messages.fd);
}

/* --- start --- */

/* A pipe of which only our end does not block: the command expects nothing like that. */
static int open_pipe(int *ours, int *theirs)
{
    int fds[2];
    if (pipe2(fds, O_CLOEXEC))
        return -errno;
    *ours = fds[0];
    *theirs = fds[1];
    return fcntl(fds[0], F_SETFL, O_NONBLOCK) < 0 ? -errno : 0;
}

/* All descriptors are closed: libraries do not open each of theirs with O_CLOEXEC. */
static int plan_files(posix_spawn_file_actions_t *plan, int output, int messages)
{
    int error = posix_spawn_file_actions_addopen(plan, STDIN_FILENO, "/dev/null", O_RDONLY, 0);
    if (!error)
        error = posix_spawn_file_actions_adddup2(plan, output, STDOUT_FILENO);
    if (!error)
        error = posix_spawn_file_actions_adddup2(plan, messages, STDERR_FILENO);
    if (!error)
        error = posix_spawn_file_actions_addclosefrom_np(plan, STDERR_FILENO + 1);
    return error;
}

/* In a session of its own it is a process group, which can be killed, and has no terminal to ask.
 */
static int plan_process(posix_spawnattr_t *plan)
{
    sigset_t none, all;
    sigemptyset(&none);
    sigfillset(&all);
    int error = posix_spawnattr_setflags(plan, POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETSIGDEF |
                                                   POSIX_SPAWN_SETSID);
    if (!error)
        error = posix_spawnattr_setsigmask(plan, &none);
    if (!error)
        error = posix_spawnattr_setsigdefault(plan, &all);
    return error;
}

/* fork(2) would copy the locks that other threads hold; posix_spawn(3) does not. */
static int spawn(const char *command, int output, int messages, pid_t *pid)
{
    char *const argv[] = {(char[]){"sh"}, (char[]){"-c"}, (char[]){"--"},
                          (char *)(uintptr_t)command, NULL};
    posix_spawn_file_actions_t files;
    posix_spawnattr_t process;
    int error = posix_spawn_file_actions_init(&files);
    if (error)
        return -error;
    error = posix_spawnattr_init(&process);
    if (error)
        goto out_files;
    error = plan_files(&files, output, messages);
    if (!error)
        error = plan_process(&process);
    if (!error)
        error = posix_spawn(pid, "/bin/sh", &files, &process, argv, environ);
    posix_spawnattr_destroy(&process);
out_files:
    posix_spawn_file_actions_destroy(&files);
    return -error;
}

static int start(struct run *r, const char *command)
{
    CLEANUP(close_fd) int output = -1;
    CLEANUP(close_fd) int messages = -1;
    int rc = open_pipe(&r->output.fd, &output);
    if (!rc)
        rc = open_pipe(&r->messages.fd, &messages);
    if (!rc)
        rc = spawn(command, output, messages, &r->pid);
    if (rc)
        return rc;
    r->exit_fd = (int)syscall(SYS_pidfd_open, r->pid, 0);
    return r->exit_fd < 0 ? -errno : 0;
}

/* --- run --- */

/* Reads once, up to max + 1 bytes in all. Returns as read(2), or -errno. */
static ssize_t read_some(struct stream *s)
{
    size_t room = s->max + 1 - s->text->len;
    if (!strbuf_reserve(s->text, room))
        return -ENOMEM;
    ssize_t n = read(s->fd, s->text->data + s->text->len, room);
    if (n < 0)
        return -errno;
    s->text->len += (size_t)n;
    s->text->data[s->text->len] = '\0';
    return n;
}

/* Of what is too much, so that the command can go on. */
static ssize_t forget_some(struct stream *s)
{
    char piece[4096];
    ssize_t n = read(s->fd, piece, sizeof(piece));
    int error = errno;
    explicit_bzero(piece, sizeof(piece));
    return n < 0 ? -error : n;
}

/* Takes what is there: all up to the maximum, and a little of the rest. */
static int take(struct stream *s)
{
    ssize_t n = 1;
    if (s->fd < 0)
        return 0;
    while (n > 0 && s->text->len <= s->max)
        n = read_some(s);
    if (n > 0)
        n = forget_some(s);
    if (n == 0)
        close_fd(&s->fd);
    return n >= 0 || n == -EAGAIN || n == -EINTR ? 0 : (int)n;
}

/* Waits until something happens. 0, or why the run is over: -ETIMEDOUT, -ECANCELED. */
static int wait_for(const struct program *p, const struct run *r, int64_t end_ms, bool *ended)
{
    struct pollfd fds[] = {
        {.fd = p->cancel_fd, .events = POLLIN},
        {.fd = r->exit_fd, .events = POLLIN},
        {.fd = r->output.fd, .events = POLLIN},
        {.fd = r->messages.fd, .events = POLLIN},
    };
    int64_t left = end_ms - clock_now_ms(&clock_boottime);
    left = left < 0 ? 0 : left > INT32_MAX ? INT32_MAX : left;
    int ready = poll(fds, ARRAY_SIZE(fds), (int)left);
    if (ready < 0)
        return errno == EINTR ? 0 : -errno;
    *ended = fds[1].revents;
    if (fds[0].revents)
        return -ECANCELED;
    return ready == 0 && left == 0 ? -ETIMEDOUT : 0;
}

/* Takes what the command writes until it has ended. Children of it may hold its descriptors longer.
 */
static int collect(const struct program *p, struct run *r, int64_t timeout_ms)
{
    int64_t end_ms = clock_now_ms(&clock_boottime) + timeout_ms;
    bool ended = false;
    while (!ended) {
        int rc = wait_for(p, r, end_ms, &ended);
        if (!rc)
            rc = take(&r->output);
        if (!rc)
            rc = take(&r->messages);
        if (!rc && r->output.text->len > r->output.max)
            rc = -EMSGSIZE;
        if (rc)
            return rc;
    }
    return 0;
}

/* Ends what is left of the command and its children. Writes its status as waitpid(2) tells it. */
static int finish(struct program *p, const struct run *r, int *status)
{
    struct pollfd ended = {.fd = r->exit_fd, .events = POLLIN};
    kill(-r->pid, SIGKILL);
    while (r->exit_fd >= 0 && poll(&ended, 1, REAP_MS) < 0 && errno == EINTR)
        continue;
    pid_t gone = waitpid(r->pid, status, r->exit_fd >= 0 ? WNOHANG : 0);
    if (gone < 0)
        return -errno;
    p->left = gone ? 0 : r->pid;
    return gone ? 0 : -EBUSY;
}

/* --- what came of it --- */

struct reason {
    int error;
    const char *text;
};

static const struct reason reasons[] = {
    {-ETIMEDOUT, "it did not end in time"},
    {-ECANCELED, "stopped"},
    {-EMSGSIZE, "it prints too much"},
    {-EBUSY, "it cannot be ended"},
};

static int explain(const struct program *p, int rc, struct strbuf *why)
{
    const char *text = strerror(-rc);
    for (size_t i = 0; i < ARRAY_SIZE(reasons); i++)
        if (reasons[i].error == rc)
            text = reasons[i].text;
    strbuf_printf(why, "%s failed: %s", p->name, text);
    return rc;
}

static int judge(const struct program *p, int status, struct strbuf *why)
{
    if (WIFEXITED(status) && WEXITSTATUS(status) == 0)
        return 0;
    if (WIFSIGNALED(status))
        strbuf_printf(why, "%s was ended by signal %d", p->name, WTERMSIG(status));
    else
        strbuf_printf(why, "%s failed with status %d", p->name, WEXITSTATUS(status));
    return -EIO;
}

/* Writes asterisks where the messages repeat the output. */
static void redact(const struct run *r, struct strbuf *messages)
{
    CLEANUP(secret_free) char *secret = strdup(strbuf_str(r->output.text));
    if (!secret) {
        strbuf_reset(messages);
        return;
    }
    secret[strcspn(secret, "\r\n")] = '\0';
    if (messages->data)
        secret_redact(secret, messages->data, messages->len);
}

/* Whole lines only, so that no part of what must not be shown remains at a cut. */
static void log_messages(const struct program *p, const struct run *r, enum log_level level)
{
    struct strbuf *messages = r->messages.text;
    bool cut = messages->len > r->messages.max;
    while (cut && messages->len && messages->data[messages->len - 1] != '\n')
        messages->len--;
    redact(r, messages);
    size_t lines = 0;
    for (size_t at = 0; at < messages->len && lines < PROGRAM_LINES_MAX; lines++) {
        const char *line = messages->data + at;
        const char *end = memchr(line, '\n', messages->len - at);
        size_t len = end ? (size_t)(end - line) : messages->len - at;
        if (len)
            log_line(level, "%s: %.*s", p->name, (int)len, line);
        at += len + 1;
    }
    if (cut || lines == PROGRAM_LINES_MAX)
        log_line(level, "%s: (and more)", p->name);
}

int program_run(struct program *p, int64_t timeout_ms, struct strbuf *output, struct strbuf *why)
{
    CLEANUP(strbuf_free) struct strbuf messages = STRBUF_SECRET;
    CLEANUP(close_run)
    struct run r = {
        .exit_fd = -1,
        .output = {.fd = -1, .max = p->output_max, .text = output},
        .messages = {.fd = -1, .max = PROGRAM_MESSAGES_MAX, .text = &messages},
    };
    int status = 0;
    if (p->left && waitpid(p->left, NULL, WNOHANG) == 0)
        return explain(p, -EBUSY, why);
    p->left = 0;
    int rc = start(&r, p->command);
    if (!rc)
        rc = collect(p, &r, timeout_ms);
    int finished = r.pid ? finish(p, &r, &status) : 0;
    rc = rc ? rc : finished;
    rc = rc ? explain(p, rc, why) : judge(p, status, why);
    log_messages(p, &r, rc ? LOG_LEVEL_WARNING : LOG_LEVEL_INFO);
    if (rc && messages.len)
        strbuf_add_str(why, "; the log has what it says");
    return rc;
}
