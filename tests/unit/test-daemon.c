// SPDX-License-Identifier: Apache-2.0
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "imsfs/daemon.h"

#define TIMEOUT_MS 10000

/* What a command built on the module did, seen from its caller. */
struct outcome {
    int status; /* of wait(2) */
    char err[4096];
    char report[256]; /* what the child wrote to its second channel */
};

/* Runs in the process that goes on. Ends with _exit(), or returns the status. */
typedef int scenario(struct daemon *d, int signal_fd, int report);

static void read_all(int fd, char *out, size_t size)
{
    size_t len = 0;
    struct pollfd p = {.fd = fd, .events = POLLIN};
    while (len < size - 1 && poll(&p, 1, TIMEOUT_MS) == 1) {
        ssize_t n = read(fd, out + len, size - 1 - len);
        if (n <= 0)
            break;
        len += (size_t)n;
    }
    out[len] = '\0';
}

static int command(scenario *body, bool foreground, int report)
{
    struct daemon d;
    int status = 0;
    daemon_harden();
    int signal_fd = daemon_signals();
    if (signal_fd < 0)
        return 90;
    int rc = daemon_fork(&d, foreground, &status);
    if (rc < 0)
        return 91;
    return rc ? status : body(&d, signal_fd, report);
}

/* The command as a process of its own, with stderr and the report on pipes. */
static pid_t start(scenario *body, bool foreground, int err[2], int report[2])
{
    assert_int_equal(pipe2(err, O_CLOEXEC), 0);
    assert_int_equal(pipe2(report, O_CLOEXEC), 0);
    pid_t pid = fork();
    assert_true(pid >= 0);
    if (pid == 0) {
        dup2(err[1], STDERR_FILENO);
        close(err[0]);
        close(err[1]);
        close(report[0]);
        _exit(command(body, foreground, report[1]));
    }
    close(err[1]);
    close(report[1]);
    return pid;
}

static void finish(pid_t pid, int err, int report, struct outcome *out)
{
    read_all(err, out->err, sizeof(out->err));
    assert_int_equal(waitpid(pid, &out->status, 0), pid);
    read_all(report, out->report, sizeof(out->report));
    close(err);
    close(report);
}

static struct outcome run(scenario *body, bool foreground)
{
    struct outcome out;
    int err[2], report[2];
    pid_t pid = start(body, foreground, err, report);
    finish(pid, err[0], report[0], &out);
    return out;
}

static void say(int fd, const char *text)
{
    ssize_t n = write(fd, text, strlen(text));
    (void)n;
}

static void assert_exit(const struct outcome *out, int status)
{
    assert_true(WIFEXITED(out->status));
    assert_int_equal(WEXITSTATUS(out->status), status);
}

/* --- scenarios --- */

static int is_ready(struct daemon *d, int signal_fd, int report)
{
    (void)signal_fd;
    char cwd[8] = "";
    int rc = daemon_ready(d);
    bool home = getcwd(cwd, sizeof(cwd)) && streq(cwd, "/");
    struct stat null, err;
    stat("/dev/null", &null);
    fstat(STDERR_FILENO, &err);
    say(report,
        rc == 0 && home && getsid(0) == getpid() && err.st_rdev == null.st_rdev ? "good" : "bad");
    return 7; /* nobody is to see this */
}

static void test_ready(void **state)
{
    (void)state;
    struct outcome out = run(is_ready, false);
    assert_exit(&out, 0);
    assert_string_equal(out.err, "");
    assert_string_equal(out.report, "good");
}

static int fails(struct daemon *d, int signal_fd, int report)
{
    (void)signal_fd;
    daemon_failed(d, DAEMON_FAILURE, "x.json: no such\nfile");
    usleep(100000);
    say(report, "gone");
    return 0;
}

static void test_failed(void **state)
{
    (void)state;
    struct outcome out = run(fails, false);
    assert_exit(&out, DAEMON_FAILURE);
    assert_string_equal(out.err, "imsfs: x.json: no such\\x0afile\n");
    assert_string_equal(out.report, "gone");
}

static int fails_with_usage(struct daemon *d, int signal_fd, int report)
{
    (void)signal_fd, (void)report;
    char reason[3 * DAEMON_REASON_MAX];
    memset(reason, 'a', sizeof(reason) - 1);
    reason[sizeof(reason) - 1] = '\0';
    daemon_failed(d, DAEMON_USAGE, reason);
    return 0;
}

static void test_long_reason(void **state)
{
    (void)state;
    struct outcome out = run(fails_with_usage, false);
    assert_exit(&out, DAEMON_USAGE);
    assert_memory_equal(out.err, "imsfs: aaaa", 11);
    assert_true(strlen(out.err) < 3 * DAEMON_REASON_MAX);
    assert_ptr_equal(strchr(out.err, '\n'), out.err + strlen(out.err) - 1);
}

static int exits_silently(struct daemon *d, int signal_fd, int report)
{
    (void)d, (void)signal_fd, (void)report;
    return 0;
}

static int is_killed(struct daemon *d, int signal_fd, int report)
{
    (void)d, (void)signal_fd, (void)report;
    raise(SIGKILL);
    return 0;
}

static void test_dies(void **state)
{
    (void)state;
    struct outcome out = run(exits_silently, false);
    assert_exit(&out, DAEMON_FAILURE);
    assert_string_equal(out.err, "imsfs: died before it was ready\n");
    out = run(is_killed, false);
    assert_exit(&out, DAEMON_FAILURE);
    assert_string_equal(out.err, "imsfs: died before it was ready (signal 9)\n");
}

static int reports_twice(struct daemon *d, int signal_fd, int report)
{
    (void)signal_fd;
    say(report, daemon_ready(d) == 0 && daemon_ready(d) == 0 ? "good" : "bad");
    daemon_failed(d, DAEMON_FAILURE, "too late");
    return 0;
}

static void test_first_answer_counts(void **state)
{
    (void)state;
    struct outcome out = run(reports_twice, false);
    assert_exit(&out, 0);
    assert_string_equal(out.err, "");
    assert_string_equal(out.report, "good");
}

static void test_foreground(void **state)
{
    (void)state;
    struct outcome out = run(exits_silently, true);
    assert_exit(&out, 0);
    assert_string_equal(out.err, "");
    out = run(fails, true);
    assert_exit(&out, 0); /* the scenario's own status: nobody stands between */
    assert_string_equal(out.err, "imsfs: x.json: no such\\x0afile\n");
}

/* Waits for a signal, then tells which one, and what it is like to be ready by then. */
static int waits_for_signal(struct daemon *d, int signal_fd, int report)
{
    char text[64];
    struct pollfd p = {.fd = signal_fd, .events = POLLIN};
    say(report, "waiting ");
    if (poll(&p, 1, TIMEOUT_MS) != 1)
        return 1;
    int first = daemon_next_signal(signal_fd);
    int second = daemon_next_signal(signal_fd);
    snprintf(text, sizeof(text), "signal %d, next %d, ready %d", first, second, daemon_ready(d));
    say(report, text);
    return 0;
}

static void wait_readable(int fd)
{
    struct pollfd p = {.fd = fd, .events = POLLIN};
    assert_int_equal(poll(&p, 1, TIMEOUT_MS), 1);
}

/* ^C before the mount is ready: the parent is gone at once, and the child does not stay behind. */
static void test_parent_is_interrupted(void **state)
{
    (void)state;
    struct outcome out;
    int err[2], report[2];
    pid_t pid = start(waits_for_signal, false, err, report);
    wait_readable(report[0]);
    kill(pid, SIGINT);
    finish(pid, err[0], report[0], &out);
    assert_true(WIFSIGNALED(out.status));
    assert_int_equal(WTERMSIG(out.status), SIGINT);
    char expected[64];
    snprintf(expected, sizeof(expected), "waiting signal %d, next 0, ready %d", SIGTERM, -EPIPE);
    assert_string_equal(out.report, expected);
}

static void test_signals_in_foreground(void **state)
{
    (void)state;
    static const int numbers[] = {SIGHUP, SIGINT, SIGTERM, SIGUSR1};
    for (size_t i = 0; i < ARRAY_SIZE(numbers); i++) {
        struct outcome out;
        int err[2], report[2];
        pid_t pid = start(waits_for_signal, true, err, report);
        wait_readable(report[0]);
        kill(pid, numbers[i]);
        kill(pid, SIGPIPE);
        finish(pid, err[0], report[0], &out);
        char expected[64];
        snprintf(expected, sizeof(expected), "waiting signal %d, next 0, ready 0", numbers[i]);
        assert_string_equal(out.report, expected);
        assert_exit(&out, 0);
    }
}

static int is_hardened(struct daemon *d, int signal_fd, int report)
{
    struct rlimit core;
    (void)signal_fd;
    getrlimit(RLIMIT_CORE, &core);
    bool good = prctl(PR_GET_DUMPABLE, 0, 0, 0, 0) == 0 && core.rlim_max == 0;
    say(report, good && daemon_ready(d) == 0 ? "good" : "bad");
    return 0;
}

static void test_harden(void **state)
{
    (void)state;
    struct outcome out = run(is_hardened, false);
    assert_exit(&out, 0);
    assert_string_equal(out.report, "good");
}

/* Closed standard descriptors must not become those of a pipe or of /dev/fuse. */
static void test_closed_stdio(void **state)
{
    (void)state;
    pid_t pid = fork();
    if (pid == 0) {
        close(STDIN_FILENO);
        close(STDOUT_FILENO);
        close(STDERR_FILENO);
        daemon_harden();
        struct stat st;
        bool good = fstat(0, &st) == 0 && fstat(1, &st) == 0 && fstat(2, &st) == 0;
        _exit(good && command(is_ready, false, -1) == 0 ? 0 : 1);
    }
    int status;
    assert_int_equal(waitpid(pid, &status, 0), pid);
    assert_int_equal(status, 0);
}

/* As some supervisors leave it to us. */
static void test_ignored_children(void **state)
{
    (void)state;
    pid_t pid = fork();
    if (pid == 0) {
        int status = 0;
        signal(SIGCHLD, SIG_IGN);
        if (daemon_signals() < 0)
            _exit(1);
        pid_t child = fork();
        if (child == 0)
            _exit(7);
        _exit(waitpid(child, &status, 0) == child && WEXITSTATUS(status) == 7 ? 0 : 2);
    }
    int status;
    assert_int_equal(waitpid(pid, &status, 0), pid);
    assert_int_equal(status, 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_ready),
        cmocka_unit_test(test_failed),
        cmocka_unit_test(test_long_reason),
        cmocka_unit_test(test_dies),
        cmocka_unit_test(test_first_answer_counts),
        cmocka_unit_test(test_foreground),
        cmocka_unit_test(test_parent_is_interrupted),
        cmocka_unit_test(test_signals_in_foreground),
        cmocka_unit_test(test_harden),
        cmocka_unit_test(test_closed_stdio),
        cmocka_unit_test(test_ignored_children),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
