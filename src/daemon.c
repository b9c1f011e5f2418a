// SPDX-License-Identifier: Apache-2.0
#include "imsfs/daemon.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/signalfd.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "imsfs/log.h"

/* What the child writes, once, in one piece (pipe(7): up to PIPE_BUF bytes). */
struct answer {
    enum daemon_status status;
    char reason[DAEMON_REASON_MAX]; /* "" when ready */
};

static const int handled_signals[] = {SIGHUP, SIGINT, SIGTERM, SIGUSR1};

void daemon_close_inherited(void)
{
    closefrom(STDERR_FILENO + 1);
}

void daemon_harden(void)
{
    const struct rlimit none = {0, 0};
    umask(077);
    prctl(PR_SET_DUMPABLE, 0, 0, 0, 0);
    setrlimit(RLIMIT_CORE, &none);
    int fd;
    do {
        fd = open("/dev/null", O_RDWR | O_CLOEXEC);
    } while (fd >= 0 && fd <= STDERR_FILENO);
    if (fd >= 0)
        close(fd);
}

/* --- signals --- */

int daemon_signals(void)
{
    sigset_t handled, blocked;
    sigemptyset(&handled);
    for (size_t i = 0; i < ARRAY_SIZE(handled_signals); i++)
        sigaddset(&handled, handled_signals[i]);
    blocked = handled;
    sigaddset(&blocked, SIGPIPE); /* writers get EPIPE */
    sigaddset(&blocked, SIGXFSZ); /* the log may be a file, which gets too long: EFBIG */
    int error = pthread_sigmask(SIG_BLOCK, &blocked, NULL);
    if (error)
        return -error;
    signal(SIGCHLD, SIG_DFL); /* ignored, as some start us, there would be no child to wait for */
    int fd = signalfd(-1, &handled, SFD_CLOEXEC | SFD_NONBLOCK);
    return fd < 0 ? -errno : fd;
}

int daemon_next_signal(int signal_fd)
{
    struct signalfd_siginfo info;
    ssize_t n = read(signal_fd, &info, sizeof(info));
    return n == (ssize_t)sizeof(info) ? (int)info.ssi_signo : 0;
}

/* --- the parent --- */

static bool read_answer(int fd, struct answer *out)
{
    ssize_t n;
    do {
        n = read(fd, out, sizeof(*out));
    } while (n < 0 && errno == EINTR);
    out->reason[sizeof(out->reason) - 1] = '\0';
    return n == (ssize_t)sizeof(*out);
}

static int wait_for(pid_t child)
{
    int status = 0;
    while (waitpid(child, &status, 0) < 0)
        if (errno != EINTR)
            break;
    return status;
}

/* A failed child is waited for: when the caller gets the reason, nothing of it is left. */
static int parent_status(int fd, pid_t child)
{
    struct answer answer;
    if (!read_answer(fd, &answer)) {
        int status = wait_for(child);
        if (WIFSIGNALED(status))
            log_error("died before it was ready (signal %d)", WTERMSIG(status));
        else
            log_error("died before it was ready");
        return DAEMON_FAILURE;
    }
    if (answer.status == DAEMON_OK)
        return DAEMON_OK;
    log_error("%s", answer.reason);
    wait_for(child);
    return (int)answer.status;
}

/* ^C and kill act on the parent as on any command; the child then gets SIGTERM (see child_begin).
 */
static void parent_unblock_signals(void)
{
    sigset_t none;
    sigemptyset(&none);
    sigprocmask(SIG_SETMASK, &none, NULL);
}

/* --- the child --- */

static void child_begin(pid_t parent)
{
    prctl(PR_SET_PDEATHSIG, SIGTERM, 0, 0, 0);
    if (getppid() != parent) /* it died before the line above */
        raise(SIGTERM);
    setsid();
    if (chdir("/"))
        log_warning("cannot change to /: %s", strerror(errno));
}

int daemon_fork(struct daemon *d, bool foreground, int *status)
{
    *d = DAEMON_INIT;
    if (foreground)
        return 0;
    int fds[2];
    if (pipe2(fds, O_CLOEXEC))
        return -errno;
    pid_t parent = getpid();
    pid_t child = fork();
    if (child < 0) {
        int rc = -errno;
        close(fds[0]);
        close(fds[1]);
        return rc;
    }
    if (child == 0) {
        close(fds[0]);
        d->report_fd = fds[1];
        child_begin(parent);
        return 0;
    }
    close(fds[1]);
    parent_unblock_signals();
    *status = parent_status(fds[0], child);
    close(fds[0]);
    return 1;
}

static int answer_parent(struct daemon *d, enum daemon_status status, const char *reason)
{
    struct answer answer;
    memset(&answer, 0, sizeof(answer));
    answer.status = status;
    snprintf(answer.reason, sizeof(answer.reason), "%s", reason);
    ssize_t n = write(d->report_fd, &answer, sizeof(answer));
    int rc = n < 0 ? -errno : 0;
    close(d->report_fd);
    d->report_fd = -1;
    return rc;
}

int daemon_ready(struct daemon *d)
{
    if (d->report_fd < 0)
        return 0;
    int null = open("/dev/null", O_RDWR | O_CLOEXEC);
    if (null < 0)
        return -errno;
    int rc = 0;
    for (int fd = STDIN_FILENO; fd <= STDERR_FILENO && !rc; fd++)
        if (dup2(null, fd) < 0)
            rc = -errno;
    close(null);
    if (rc)
        return rc;
    prctl(PR_SET_PDEATHSIG, 0, 0, 0, 0);
    return answer_parent(d, DAEMON_OK, "");
}

void daemon_failed(struct daemon *d, enum daemon_status status, const char *reason)
{
    if (d->report_fd >= 0)
        answer_parent(d, status, reason);
    else
        log_error("%s", reason);
}
