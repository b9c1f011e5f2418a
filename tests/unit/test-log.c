// SPDX-License-Identifier: Apache-2.0
#include "imsfs/log.h"

#include <poll.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
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

/* Nobody reads: those that find no room are dropped, and the next one that does tells how many. */
static void nobody_waits_for_a_full_pipe(void **state)
{
    (void)state;
    int ends[2], saved = dup(STDERR_FILENO);
    assert_int_equal(pipe(ends), 0);
    dup2(ends[1], STDERR_FILENO);
    close(ends[1]);
    alarm(30); /* ends who waits for ever */
    for (unsigned i = 0; i < MANY; i++)
        log_error("%0900u", i);
    static char out[MANY * 1000];
    size_t len = 0;
    for (unsigned rest = 0; rest < 2; rest++) {
        for (ssize_t n = 1; n > 0 && poll(&(struct pollfd){ends[0], POLLIN, 0}, 1, 0) == 1;
             len += (size_t)n)
            n = read(ends[0], out + len, sizeof(out) - 1 - len);
        if (rest == 0)
            log_error("the next");
    }
    alarm(0);
    dup2(saved, STDERR_FILENO);
    close(saved);
    close(ends[0]);
    unsigned lines = 0, lost = 0;
    char *line = strtok(out, "\n");
    for (; line && !strstr(line, "missing"); line = strtok(NULL, "\n"))
        lines++;
    assert_non_null(line);
    assert_int_equal(sscanf(line, "imsfs: %u lines", &lost), 1);
    assert_int_equal(lines + lost, MANY);
    assert_string_equal(strtok(NULL, "\n"), "imsfs: the next");
    assert_null(strtok(NULL, "\n"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_a_terminal_obeys_is_escaped),
        cmocka_unit_test(a_cut_is_never_inside_an_escape_or_a_character),
        cmocka_unit_test(one_event_is_one_line),
        cmocka_unit_test(a_long_line_is_cut_at_1000_bytes),
        cmocka_unit_test(nobody_waits_for_a_full_pipe),
    };
    return cmocka_run_group_tests_name("log", tests, NULL, NULL);
}
