// SPDX-License-Identifier: Apache-2.0
#include "imsfs/log.h"
#include "leave-out.h"

#include <fcntl.h>
#include <paths.h>
#include <poll.h>
#include <sched.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mount.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <syslog.h>
#include <unistd.h>

#include <cmocka.h>

#define B(literal)                   \
    {                                \
        literal, sizeof(literal) - 1 \
    }

static void what_a_terminal_obeys_is_escaped(void **state)
{
    (void)state;
    static const struct {
        struct bytes text;
        const char *shown;
    } rows[] = {
        {B(""), ""},
        {B("plain text, \303\274 \344\270\255"), "plain text, \303\274 \344\270\255"},
        {B("a\nb\r\tc"), "a\\x0ab\\x0d\\x09c"},
        {B("\x1b[31m"), "\\x1b[31m"},
        {B("a\0b"), "a\\x00b"},
        {B("\x7f"), "\\x7f"},
        {B("a\\x0ab"), "a\\x5cx0ab"}, /* so nobody can forge an escape */
        {B("\xff\xfe"), "\\xff\\xfe"},
        {B("\xe4\xb8"), "\\xe4\\xb8"},
        {B("\xc2\x9b"), "\\xc2\\x9b"},          /* C1: CSI */
        {B("\xe2\x80\xae"), "\\xe2\\x80\\xae"}, /* right-to-left override */
    };
    for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
        char out[64];
        assert_int_equal(log_escape(out, sizeof(out), rows[i].text), strlen(rows[i].shown));
        assert_string_equal(out, rows[i].shown);
    }
}

static void a_cut_is_never_inside_an_escape_or_a_character(void **state)
{
    (void)state;
    static const struct bytes text = B("a\n\344\270\255\xe2\x80\xae!");
    static const char shown[] = "a\\x0a\344\270\255\\xe2\\x80\\xae!";
    static const size_t ends[] = {0, 1, 5, 8, 20, 21};
    for (size_t size = 1; size <= sizeof(shown) + 2; size++) {
        size_t expected = 0;
        for (size_t i = 0; i < ARRAY_SIZE(ends); i++)
            if (ends[i] < size)
                expected = ends[i];
        CLEANUP(free_ptr) char *out = malloc(size);
        assert_non_null(out);
        assert_int_equal(log_escape(out, size, text), expected);
        assert_memory_equal(out, shown, expected);
        assert_int_equal(out[expected], '\0');
    }
}

/* What reaches stderr while fn runs. */
static size_t captured(void (*fn)(void), char *out, size_t size)
{
    int ends[2], saved = dup(STDERR_FILENO);
    assert_int_equal(pipe(ends), 0);
    dup2(ends[1], STDERR_FILENO);
    close(ends[1]);
    fn();
    dup2(saved, STDERR_FILENO);
    close(saved);
    size_t len = 0;
    for (ssize_t n; len < size - 1 && (n = read(ends[0], out + len, size - 1 - len)) > 0;)
        len += (size_t)n;
    close(ends[0]);
    out[len] = '\0';
    return len;
}

static void log_at_all_levels(void)
{
    log_setup(LOG_SINK_STDERR, LOG_LEVEL_INFO);
    log_error("an %s", "error\nimsfs: forged");
    log_info("a detail");
    log_debug("a trifle");
    log_setup(LOG_SINK_STDERR, LOG_LEVEL_WARNING);
    log_info("left out");
}

static void one_event_is_one_line(void **state)
{
    (void)state;
    char out[256];
    captured(log_at_all_levels, out, sizeof(out));
    assert_string_equal(out, "imsfs: an error\\x0aimsfs: forged\nimsfs: a detail\n");
}

static void log_much(void)
{
    char text[3001];
    memset(text, '\n', sizeof(text) - 1);
    text[sizeof(text) - 1] = '\0';
    log_error("%s", text);
}

static void a_long_line_is_cut_at_1000_bytes(void **state)
{
    (void)state;
    char out[8192];
    size_t len = captured(log_much, out, sizeof(out));
    assert_int_equal(len, strlen("imsfs: ") + 4 * 1000 + 1);
    assert_int_equal(out[len - 1], '\n');
    assert_ptr_equal(strchr(out, '\n'), out + len - 1);
}

#define MANY 1000

/* What is read from end once no more comes. */
static size_t drain(int end, char *out, size_t size)
{
    size_t len = 0;
    for (ssize_t n = 1; n > 0 && poll(&(struct pollfd){end, POLLIN, 0}, 1, 200) == 1;
         len += n > 0 ? (size_t)n : 0)
        n = read(end, out + len, size - 1 - len);
    out[len] = '\0';
    return len;
}

/*
 * Nobody reads: those that find no room are dropped, and the next one that does tells how many.
 * Takes both ends; cut: how many may be there in part and are dropped all the same, each time. A
 * terminal finds more room by itself, meanwhile, so there may be more than one such gap.
 */
static void nobody_waits_for(const int ends[2], unsigned cut)
{
    static char out[MANY * 1000];
    int saved = dup(STDERR_FILENO);
    dup2(ends[1], STDERR_FILENO);
    close(ends[1]);
    alarm(30); /* ends who waits for ever */
    log_setup(LOG_SINK_STDERR, LOG_LEVEL_WARNING);
    for (unsigned i = 0; i < MANY; i++)
        log_error("%0900u", i);
    size_t len = drain(ends[0], out, sizeof(out));
    log_error("the next");
    drain(ends[0], out + len, sizeof(out) - len);
    alarm(0);
    dup2(saved, STDERR_FILENO);
    close(saved);
    close(ends[0]);
    unsigned lines = 0, lost = 0, gaps = 0;
    const char *line = strtok(out, "\r\n");
    for (; line && strcmp(line, "imsfs: the next"); line = strtok(NULL, "\r\n")) {
        unsigned n = 0;
        bool gap = strstr(line, "missing") && sscanf(line, "imsfs: %u", &n) == 1;
        lost += n;
        gaps += gap;
        lines += !gap;
    }
    assert_non_null(line);
    assert_null(strtok(NULL, "\r\n"));
    assert_true(gaps > 0);
    assert_in_range(lines + lost, MANY, MANY + gaps * cut);
}

static void nobody_waits_for_a_full_pipe(void **state)
{
    (void)state;
    int ends[2];
    assert_int_equal(pipe(ends), 0);
    nobody_waits_for(ends, 0);
}

/* It says that there is room when there is some, and then waits for room for the rest. */
static void nobody_waits_for_a_full_terminal(void **state)
{
    (void)state;
    int ends[2] = {posix_openpt(O_RDWR | O_NOCTTY), -1};
    if (ends[0] < 0)
        LEAVE_OUT("there are no terminals");
    assert_int_equal(unlockpt(ends[0]), 0);
    ends[1] = open(ptsname(ends[0]), O_RDWR | O_NOCTTY);
    assert_true(ends[1] >= 0);
    nobody_waits_for(ends, 1);
}

/* In name spaces of its own. */
static int flood_syslog(void)
{
    struct sockaddr_un address = {.sun_family = AF_UNIX, .sun_path = _PATH_LOG};
    int fd = socket(AF_UNIX, SOCK_DGRAM, 0);
    if (unshare(CLONE_NEWNS) || mount("none", "/", "none", MS_REC | MS_PRIVATE, NULL) ||
        mount("none", "/dev", "tmpfs", 0, NULL) ||
        bind(fd, (const struct sockaddr *)&address, sizeof(address)))
        return 2;
    char line[2000];
    unsigned lines = 0, lost = 0;
    ssize_t n;
    alarm(30); /* ends who waits for ever */
    log_setup(LOG_SINK_SYSLOG, LOG_LEVEL_INFO);
    for (unsigned i = 0; i < 5 * MANY; i++)
        log_info("line %u\n", i);
    for (; (n = recv(fd, line, sizeof(line) - 1, MSG_DONTWAIT)) > 0; lines++) {
        line[n] = '\0';
        if (strncmp(line, "<30>", 4) || !strstr(line, " imsfs[") || !strstr(line, "]: line "))
            return 1;
    }
    log_info("the next");
    n = recv(fd, line, sizeof(line) - 1, MSG_DONTWAIT);
    line[n > 0 ? n : 0] = '\0';
    const char *text = strstr(line, "]: ");
    return !text || sscanf(text, "]: %u lines are missing", &lost) != 1 || lines + lost != 5 * MANY;
}

static void nobody_waits_for_syslogd(void **state)
{
    (void)state;
    int status;
    pid_t pid = fork();
    if (pid == 0)
        _exit(flood_syslog());
    assert_int_equal(waitpid(pid, &status, 0), pid);
    if (WIFEXITED(status) && WEXITSTATUS(status) == 2)
        LEAVE_OUT("it takes root");
    assert_int_equal(status, 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_a_terminal_obeys_is_escaped),
        cmocka_unit_test(a_cut_is_never_inside_an_escape_or_a_character),
        cmocka_unit_test(one_event_is_one_line),
        cmocka_unit_test(a_long_line_is_cut_at_1000_bytes),
        cmocka_unit_test(nobody_waits_for_a_full_pipe),
        cmocka_unit_test(nobody_waits_for_a_full_terminal),
        cmocka_unit_test(nobody_waits_for_syslogd),
    };
    return cmocka_run_group_tests_name("log", tests, NULL, NULL);
}
