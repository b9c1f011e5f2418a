// SPDX-License-Identifier: Apache-2.0
#include "imsfs/program.h"

#include <errno.h>
#include <fcntl.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <sys/eventfd.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "imsfs/log.h"
#include "programs.h"

#define FOREVER_MS (3600 * 1000)

static char log_path[] = "/tmp/imsfs-test-XXXXXX";
static char log_text[65536];
static int real_stderr;

/* What a test sees of one run. The caller frees output and why. */
struct outcome {
    int rc;
    struct strbuf output, why;
    size_t log_lines;
};

static struct program program_of(const char *command, size_t output_max)
{
    return (struct program){.name = "it",
                            .command = command,
                            .output_max = output_max,
                            .cancel_fd = eventfd(0, EFD_CLOEXEC)};
}

/* The log goes to a file meanwhile. */
static void begin_log(void)
{
    int fd = open(log_path, O_RDWR | O_TRUNC | O_CLOEXEC);
    assert_true(fd >= 0);
    assert_true(dup2(fd, STDERR_FILENO) >= 0);
    close(fd);
}

static size_t end_log(void)
{
    size_t lines = 0;
    ssize_t n = pread(STDERR_FILENO, log_text, sizeof(log_text) - 1, 0);
    assert_true(n >= 0);
    log_text[n] = '\0';
    assert_true(dup2(real_stderr, STDERR_FILENO) >= 0);
    for (const char *c = log_text; *c; c++)
        lines += *c == '\n';
    return lines;
}

static struct outcome run_program(struct program *p, int64_t timeout_ms)
{
    struct outcome o = {.output = STRBUF_SECRET};
    begin_log();
    o.rc = program_run(p, timeout_ms, &o.output, &o.why);
    o.log_lines = end_log();
    assert_int_equal(o.rc != 0, o.why.len > 0);
    assert_null(memchr(strbuf_str(&o.why), '\n', o.why.len));
    return o;
}

static struct outcome run_command(const char *command)
{
    struct program p = program_of(command, 100);
    struct outcome o = run_program(&p, FOREVER_MS);
    close(p.cancel_fd);
    assert_int_equal(waitpid(-1, NULL, WNOHANG), -1); /* it was reaped */
    assert_int_equal(errno, ECHILD);
    return o;
}

static void outcome_free(struct outcome *o)
{
    strbuf_free(&o->output);
    strbuf_free(&o->why);
}

static void assert_output(const char *command, const char *expected)
{
    CLEANUP(outcome_free) struct outcome o = run_command(command);
    assert_int_equal(o.rc, 0);
    assert_string_equal(strbuf_str(&o.output), expected);
    assert_string_equal(log_text, "");
}

static void assert_failure(const char *command, int rc, const char *why)
{
    CLEANUP(outcome_free) struct outcome o = run_command(command);
    assert_int_equal(o.rc, rc);
    assert_string_equal(strbuf_str(&o.why), why);
}

static void what_it_prints_is_the_output(void **state)
{
    (void)state;
    assert_output("printf 'one\\ntwo'", "one\ntwo");
    assert_output("true", "");
    assert_output("-x 2>/dev/null; echo $?", "127\n"); /* not an option of the shell's */
    assert_output("echo \"$0 $#\"", "sh 0\n");
    assert_output("printf %0100d 0 | tail -c 100; exec >&-; sleep 0.1",
                  "00000000000000000000000000000000000000000000000000"
                  "00000000000000000000000000000000000000000000000000");
}

/* The test has the environment, descriptors, mask and ignored signals of a daemon; the program none
 * of them but the environment. */
static void it_begins_clean(void **state)
{
    (void)state;
    sigset_t all, old;
    sigfillset(&all);
    int open_fd = dup(STDOUT_FILENO); /* without O_CLOEXEC */
    sigprocmask(SIG_BLOCK, &all, &old);
    signal(SIGPIPE, SIG_IGN);
    setenv("IMSFS_TEST_VARIABLE", "kept", 1);
    assert_output("echo $IMSFS_TEST_VARIABLE", "kept\n");
    assert_output("readlink /proc/self/fd/0", "/dev/null\n");
    assert_output("ls /proc/$$/fd; true", "0\n1\n2\n");
    /* The C library has uses of its own for 32 and 33. */
    assert_output("while read -r name set; do case $name in SigBlk:|SigIgn:) "
                  "echo $((0x$set & ~0x180000000));; esac; done </proc/self/status",
                  "0\n0\n");
    assert_output("yes | head -n 1", "y\n");
    assert_output("set -- $(cat /proc/$$/stat); echo $(($1 - $$)) $(($5 - $$)) $(($6 - $$)) $7",
                  "0 0 0 0\n"); /* pid, process group and session are its own; no terminal */
    assert_output("true 2>/dev/null </dev/tty || echo none", "none\n");
    signal(SIGPIPE, SIG_DFL);
    sigprocmask(SIG_SETMASK, &old, NULL);
    close(open_fd);
}

static void a_failure_is_named(void **state)
{
    (void)state;
    assert_failure("echo secret; exit 7", -EIO, "it failed with status 7");
    assert_failure("kill -9 $$", -EIO, "it was ended by signal 9");
    assert_failure("kill -TERM $$", -EIO, "it was ended by signal 15");
    assert_failure("exit 127", -EIO, "it failed with status 127");
    assert_failure("echo bad >&2; exit 1", -EIO,
                   "it failed with status 1; the log has what it says");
}

static void standard_error_goes_to_the_log(void **state)
{
    (void)state;
    CLEANUP(outcome_free)
    struct outcome o = run_command("printf 'one\\n\\n\\033[2Jtwo\\r\\nthree' >&2; echo out");
    assert_int_equal(o.rc, 0);
    assert_string_equal(strbuf_str(&o.output), "out\n");
    assert_string_equal(log_text,
                        "imsfs: it: one\nimsfs: it: \\x1b[2Jtwo\\x0d\nimsfs: it: three\n");
}

static void the_log_is_bounded(void **state)
{
    (void)state;
    CLEANUP(outcome_free) struct outcome lines = run_command("seq 100000 >&2; echo out");
    assert_int_equal(lines.rc, 0);
    assert_string_equal(strbuf_str(&lines.output), "out\n"); /* it was not held up */
    assert_int_equal(lines.log_lines, PROGRAM_LINES_MAX + 1);
    assert_non_null(strstr(log_text, "imsfs: it: 1\n"));
    assert_non_null(strstr(log_text, "imsfs: it: (and more)\n"));
    CLEANUP(outcome_free)
    struct outcome bytes = run_command("printf 'begin\\n%0100000d' 0 >&2; echo out");
    assert_int_equal(bytes.rc, 0);
    assert_string_equal(strbuf_str(&bytes.output), "out\n");
    assert_string_equal(log_text, "imsfs: it: begin\nimsfs: it: (and more)\n");
}

static void the_log_does_not_repeat_the_output(void **state)
{
    (void)state;
    CLEANUP(outcome_free) struct outcome x = run_command("set -x; echo canary");
    assert_int_equal(x.rc, 0);
    assert_string_equal(log_text, "imsfs: it: + echo ******\n");
    CLEANUP(outcome_free)
    struct outcome failed = run_command("echo canary | tee /dev/stderr; false");
    assert_int_equal(failed.rc, -EIO);
    assert_string_equal(log_text, "imsfs: it: ******\n");
    CLEANUP(outcome_free)
    struct outcome cut = run_command("printf '\\n%04090d canary' 0 >&2; echo canary");
    assert_int_equal(cut.rc, 0);
    assert_string_equal(log_text, "imsfs: it: (and more)\n"); /* nor a part of it */
}

static void too_much_output_ends_it(void **state)
{
    (void)state;
    assert_failure("yes", -EMSGSIZE, "it failed: it prints too much");
    assert_failure("head -c 101 /dev/zero; sleep 3600", -EMSGSIZE, "it failed: it prints too much");
    struct program p = program_of("head -c 1000000 /dev/zero", 1000000);
    CLEANUP(outcome_free) struct outcome o = run_program(&p, FOREVER_MS);
    assert_int_equal(o.rc, 0);
    assert_int_equal(o.output.len, 1000000);
    close(p.cancel_fd);
}

/* True when nothing of the session with this leader is left. */
static bool is_gone(const char *pid)
{
    char command[100];
    snprintf(command, sizeof(command), "ps -o stat= -s %d | grep -qv Z", atoi(pid));
    for (int i = 0; i < 3000; i++) {
        if (system(command) != 0)
            return true;
        usleep(10000);
    }
    return false;
}

static void a_program_that_hangs_ends_with_its_children(void **state)
{
    (void)state;
    struct program p = program_of("trap '' TERM; sleep 3600 & sleep 3600 & echo $$; wait", 100);
    CLEANUP(outcome_free) struct outcome o = run_program(&p, 1000);
    assert_int_equal(o.rc, -ETIMEDOUT);
    assert_string_equal(strbuf_str(&o.why), "it failed: it did not end in time");
    assert_int_equal(p.left, 0);
    assert_true(is_gone(strbuf_str(&o.output)));
    assert_int_equal(waitpid(-1, NULL, WNOHANG), -1);
    assert_int_equal(errno, ECHILD);
    close(p.cancel_fd);
}

/* What it leaves running holds its output open. */
static void the_end_of_the_program_is_the_end(void **state)
{
    (void)state;
    CLEANUP(outcome_free) struct outcome o = run_command("sleep 3600 & echo $$");
    assert_int_equal(o.rc, 0);
    assert_true(is_gone(strbuf_str(&o.output)));
    /* The other way round: it has closed its output and goes on. */
    assert_output("echo early; exec >&- 2>&-; sleep 0.2", "early\n");
}

static void it_can_be_cancelled(void **state)
{
    (void)state;
    struct program p = program_of("sleep 3600", 100);
    eventfd_write(p.cancel_fd, 1);
    CLEANUP(outcome_free) struct outcome o = run_program(&p, FOREVER_MS);
    assert_int_equal(o.rc, -ECANCELED);
    close(p.cancel_fd);
}

/* A child of ours that a kill does not reach stands for a program of another user. */
static void what_cannot_be_killed_is_not_started_twice(void **state)
{
    (void)state;
    struct program p = program_of("echo out", 100);
    p.left = fork();
    assert_true(p.left >= 0);
    if (p.left == 0) {
        pause();
        _exit(0);
    }
    CLEANUP(outcome_free) struct outcome busy = run_program(&p, FOREVER_MS);
    assert_int_equal(busy.rc, -EBUSY);
    assert_int_equal(busy.output.len, 0);
    kill(p.left, SIGKILL);
    siginfo_t info;
    assert_int_equal(waitid(P_PID, (id_t)p.left, &info, WEXITED | WNOWAIT), 0);
    CLEANUP(outcome_free) struct outcome o = run_program(&p, FOREVER_MS);
    assert_int_equal(o.rc, 0);
    assert_int_equal(p.left, 0);
    close(p.cancel_fd);
}

static size_t open_fds(void)
{
    size_t count = 0;
    for (int fd = 0; fd < 1024; fd++)
        count += fcntl(fd, F_GETFD) >= 0;
    return count;
}

static void no_descriptor_stays_open(void **state)
{
    (void)state;
    size_t before = open_fds();
    static const char *const commands[] = {"true", "false", "yes", "exec >&- 2>&-"};
    for (size_t i = 0; i < ARRAY_SIZE(commands); i++) {
        struct outcome o = run_command(commands[i]);
        assert_int_equal(open_fds(), before);
        outcome_free(&o);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_it_prints_is_the_output),
        cmocka_unit_test(it_begins_clean),
        cmocka_unit_test(a_failure_is_named),
        cmocka_unit_test(standard_error_goes_to_the_log),
        cmocka_unit_test(the_log_is_bounded),
        cmocka_unit_test(the_log_does_not_repeat_the_output),
        cmocka_unit_test(too_much_output_ends_it),
        cmocka_unit_test(a_program_that_hangs_ends_with_its_children),
        cmocka_unit_test(the_end_of_the_program_is_the_end),
        cmocka_unit_test(it_can_be_cancelled),
        cmocka_unit_test(what_cannot_be_killed_is_not_started_twice),
        cmocka_unit_test(no_descriptor_stays_open),
    };
    if (!programs_run()) {
        puts("1..0 # SKIP " PROGRAMS_MISSING);
        return 0;
    }
    close(mkstemp(log_path));
    real_stderr = fcntl(STDERR_FILENO, F_DUPFD_CLOEXEC, 3);
    log_setup(LOG_SINK_STDERR, LOG_LEVEL_INFO);
    int failed = cmocka_run_group_tests(tests, NULL, NULL);
    unlink(log_path);
    return failed;
}
