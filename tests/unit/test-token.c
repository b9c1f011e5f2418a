// SPDX-License-Identifier: Apache-2.0
#include "imsfs/token.h"

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#include "imsfs/log.h"
#include "imsfs/secret.h"
#include "programs.h"

#define FOREVER_MS (3600 * 1000)

static char path[] = "/tmp/imsfs-test-XXXXXX";
static char log_path[] = "/tmp/imsfs-test-XXXXXX";
static int real_stderr;

static void write_bytes(const char *data, size_t len)
{
    FILE *f = fopen(path, "w");
    assert_non_null(f);
    assert_int_equal(fwrite(data, 1, len, f), len);
    fclose(f);
}

static void write_text(const char *text)
{
    write_bytes(text, strlen(text));
}

static struct token *token_of(struct token_config config)
{
    struct token *t;
    CLEANUP(strbuf_free) struct strbuf why = STRBUF_INIT;
    if (token_new(&t, &config, &why) < 0)
        fail_msg("%s", strbuf_str(&why));
    assert_int_equal(why.len, 0);
    return t;
}

static void assert_reads(struct token *t, const char *expected)
{
    CLEANUP(secret_free) char *value = NULL;
    CLEANUP(strbuf_free) struct strbuf why = STRBUF_INIT;
    if (token_read(t, FOREVER_MS, &value, &why) < 0)
        fail_msg("%s", strbuf_str(&why));
    assert_string_equal(value, expected);
}

/* The reason is one line that has hint in it, and nothing of what was read. */
static void assert_reason(const struct strbuf *why, const char *hint)
{
    if (!strstr(strbuf_str(why), hint))
        fail_msg("'%s' is not in: %s", hint, strbuf_str(why));
    assert_null(strchr(strbuf_str(why), '\n'));
    assert_null(strstr(strbuf_str(why), "canary"));
}

static void assert_fails(struct token *t, int rc, const char *hint)
{
    char untouched, *value = &untouched;
    CLEANUP(strbuf_free) struct strbuf why = STRBUF_INIT;
    assert_int_equal(token_read(t, FOREVER_MS, &value, &why), rc);
    assert_ptr_equal(value, &untouched);
    assert_reason(&why, hint);
}

static void assert_not_given(struct token_config config)
{
    struct token *t;
    CLEANUP(strbuf_free) struct strbuf why = STRBUF_INIT;
    assert_int_equal(token_new(&t, &config, &why), -EINVAL);
    assert_reason(&why, "token");
}

static void a_fixed_token_stays(void **state)
{
    (void)state;
    struct token *t = token_of((struct token_config){.fixed = "gAAAA-_=="});
    assert_reads(t, "gAAAA-_==");
    assert_reads(t, "gAAAA-_==");
    assert_false(token_renews(t));
    assert_false(token_is_program(t));
    assert_non_null(strstr(token_advice(t), "OS_TOKEN"));
    token_free(t);
    token_free(NULL);
}

static void a_fixed_token_is_checked_at_once(void **state)
{
    (void)state;
    char large[TOKEN_MAX + 2];
    memset(large, 'x', sizeof(large));
    large[TOKEN_MAX + 1] = '\0';
    assert_not_given((struct token_config){0});
    assert_not_given((struct token_config){.fixed = ""});
    assert_not_given((struct token_config){.fixed = "canary\r\nEvil: 1"});
    assert_not_given((struct token_config){.fixed = "canary\n"});
    assert_not_given((struct token_config){.fixed = "canary\x7f"});
    assert_not_given((struct token_config){.fixed = "canary\xc3\xa4"});
    assert_not_given((struct token_config){.fixed = large});
    large[TOKEN_MAX] = '\0';
    struct token *t = token_of((struct token_config){.fixed = large});
    assert_reads(t, large);
    token_free(t);
}

static void the_first_of_the_three_counts(void **state)
{
    (void)state;
    write_text("of-file");
    struct token *t = token_of((struct token_config){"fixed", path, "echo of-command"});
    assert_reads(t, "fixed");
    token_free(t);
    t = token_of((struct token_config){NULL, path, "echo of-command"});
    assert_reads(t, "of-file");
    token_free(t);
    t = token_of((struct token_config){NULL, NULL, "echo of-command"});
    assert_reads(t, "of-command");
    token_free(t);
}

static void what_was_given_is_copied(void **state)
{
    (void)state;
    char fixed[] = "fixed", command[] = "echo of-command";
    struct token *t = token_of((struct token_config){.fixed = fixed});
    memset(fixed, 'x', sizeof(fixed) - 1);
    assert_reads(t, "fixed");
    token_free(t);
    t = token_of((struct token_config){.command = command});
    memset(command, 'x', sizeof(command) - 1);
    assert_reads(t, "of-command");
    token_free(t);
}

static void a_file_is_read_each_time(void **state)
{
    (void)state;
    struct token *t = token_of((struct token_config){.file = path});
    write_text("one\r\n\n");
    assert_reads(t, "one");
    write_text("two");
    assert_reads(t, "two");
    write_text("canary three\n");
    assert_fails(t, -EINVAL, path);
    assert_true(token_renews(t));
    assert_false(token_is_program(t));
    assert_non_null(strstr(token_advice(t), path));
    unlink(path);
    assert_fails(t, -ENOENT, path);
    write_text("four\n");
    assert_reads(t, "four");
    token_free(t);
}

static void assert_bad_file(const char *data, size_t len)
{
    struct token *t = token_of((struct token_config){.file = path});
    write_bytes(data, len);
    assert_fails(t, -EINVAL, path);
    token_free(t);
}

static void a_file_without_a_token_is_refused(void **state)
{
    (void)state;
    static char large[TOKEN_MAX + 100];
    memset(large, 'x', sizeof(large));
    assert_bad_file("", 0);
    assert_bad_file("\n", 1);
    assert_bad_file("canary\nsecond: line\n", 20);
    assert_bad_file("can\0ary", 7);
    assert_bad_file("canary\0", 7);
    assert_bad_file("canary\x1b", 7);
    assert_bad_file("canary ", 7);
    assert_bad_file(large, sizeof(large));
    assert_bad_file(large, TOKEN_MAX + 1);
    write_bytes(large, TOKEN_MAX);
    large[TOKEN_MAX] = '\0';
    struct token *t = token_of((struct token_config){.file = path});
    assert_reads(t, large);
    token_free(t);
}

static void only_a_regular_file_is_read(void **state)
{
    (void)state;
    static const char *const paths[] = {"/dev/zero", "/tmp"};
    for (size_t i = 0; i < ARRAY_SIZE(paths); i++) {
        struct token *t = token_of((struct token_config){.file = paths[i]});
        assert_fails(t, -EINVAL, "not a regular file");
        token_free(t);
    }
    unlink(path);
    assert_int_equal(mkfifo(path, 0600), 0); /* opening it would wait for a writer */
    struct token *t = token_of((struct token_config){.file = path});
    assert_fails(t, -EINVAL, "not a regular file");
    token_free(t);
    unlink(path);
}

/* Reads the file with this mode; returns how many lines were logged. */
static size_t lines_with_mode(struct token *t, mode_t mode)
{
    char text[1000];
    size_t lines = 0;
    assert_int_equal(chmod(path, mode), 0);
    int fd = open(log_path, O_RDWR | O_TRUNC | O_CLOEXEC);
    assert_true(dup2(fd, STDERR_FILENO) >= 0);
    assert_reads(t, "token");
    ssize_t n = pread(fd, text, sizeof(text), 0);
    dup2(real_stderr, STDERR_FILENO);
    close(fd);
    for (ssize_t i = 0; i < n; i++)
        lines += text[i] == '\n';
    if (lines)
        assert_non_null(memmem(text, (size_t)n, path, strlen(path)));
    return lines;
}

static void a_file_that_others_can_read_is_named_once(void **state)
{
    (void)state;
    write_text("token");
    struct token *t = token_of((struct token_config){.file = path});
    assert_int_equal(lines_with_mode(t, 0600), 0);
    assert_int_equal(lines_with_mode(t, 0640), 1);
    assert_int_equal(lines_with_mode(t, 0640), 0);
    assert_int_equal(lines_with_mode(t, 0644), 1);
    assert_int_equal(lines_with_mode(t, 0644), 0);
    assert_int_equal(lines_with_mode(t, 0400), 0);
    assert_int_equal(lines_with_mode(t, 0644), 1);
    assert_int_equal(lines_with_mode(t, 0711), 0);
    token_free(t);
}

static void a_program_is_run_each_time(void **state)
{
    (void)state;
    char command[100], expected[20];
    unlink(path);
    snprintf(command, sizeof(command), "echo x >>%s; wc -l <%s", path, path);
    struct token *t = token_of((struct token_config){.command = command});
    for (int i = 1; i <= 3; i++) {
        snprintf(expected, sizeof(expected), "%d", i);
        assert_reads(t, expected);
    }
    assert_true(token_renews(t));
    assert_true(token_is_program(t));
    assert_non_null(strstr(token_advice(t), "token_command"));
    token_free(t);
}

static void assert_bad_command(const char *command, int rc, const char *hint)
{
    struct token *t = token_of((struct token_config){.command = command});
    assert_fails(t, rc, hint);
    token_free(t);
}

static void a_program_that_prints_no_token_is_named(void **state)
{
    (void)state;
    assert_bad_command("true", -EINVAL, "token_command prints no token");
    assert_bad_command("echo; echo", -EINVAL, "token_command prints no token");
    assert_bad_command("echo canary 2", -EINVAL, "token_command prints no token");
    assert_bad_command("echo canary; echo 2", -EINVAL, "token_command prints no token");
    assert_bad_command("printf 'canary\\000'", -EINVAL, "token_command prints no token");
    assert_bad_command("yes canary", -EINVAL, "token_command prints no token");
    assert_bad_command("tr '\\000' x </dev/zero", -EINVAL, "token_command prints no token");
    assert_bad_command("echo canary; exit 3", -EIO, "status 3");
    assert_bad_command("echo canary; kill -9 $$", -EIO, "signal 9");
}

static void a_long_token_passes(void **state)
{
    (void)state;
    char expected[TOKEN_MAX + 1], command[100];
    memset(expected, '0', TOKEN_MAX);
    expected[TOKEN_MAX] = '\0';
    snprintf(command, sizeof(command), "printf '%%0%dd\\r\\n\\n' 0", TOKEN_MAX);
    struct token *t = token_of((struct token_config){.command = command});
    assert_reads(t, expected);
    token_free(t);
    snprintf(command, sizeof(command), "printf '%%0%dd\\n' 0", TOKEN_MAX + 1);
    assert_bad_command(command, -EINVAL, "token_command prints no token");
}

static void a_program_may_take_no_longer_than_it_may(void **state)
{
    (void)state;
    char *value;
    CLEANUP(strbuf_free) struct strbuf why = STRBUF_INIT;
    struct token *t = token_of((struct token_config){.command = "echo canary; sleep 3600"});
    assert_int_equal(token_read(t, 50, &value, &why), -ETIMEDOUT);
    assert_reason(&why, "token_command failed");
    strbuf_reset(&why);
    assert_int_equal(token_read(t, -1, &value, &why), -ETIMEDOUT);
    token_free(t);
    strbuf_free(&why);
}

static void *cancel(void *arg)
{
    while (access(path, F_OK)) /* until the program runs */
        usleep(1000);
    token_cancel(arg);
    return NULL;
}

static void cancelling_ends_it_and_all_that_follow(void **state)
{
    (void)state;
    char command[100];
    pthread_t thread;
    snprintf(command, sizeof(command), "touch %s; sleep 3600", path);
    unlink(path);
    struct token *t = token_of((struct token_config){.command = command});
    assert_int_equal(pthread_create(&thread, NULL, cancel, t), 0);
    assert_fails(t, -ECANCELED, "stopped");
    pthread_join(thread, NULL);
    unlink(path);
    assert_fails(t, -ECANCELED, "stopped");
    assert_int_equal(access(path, F_OK), -1); /* it was not run again */
    token_free(t);
    t = token_of((struct token_config){.fixed = "token"});
    token_cancel(t);
    token_cancel(t);
    assert_fails(t, -ECANCELED, "stopped");
    token_free(t);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_fixed_token_stays),
        cmocka_unit_test(a_fixed_token_is_checked_at_once),
        PROGRAM_TEST(the_first_of_the_three_counts),
        PROGRAM_TEST(what_was_given_is_copied),
        cmocka_unit_test(a_file_is_read_each_time),
        cmocka_unit_test(a_file_without_a_token_is_refused),
        cmocka_unit_test(only_a_regular_file_is_read),
        cmocka_unit_test(a_file_that_others_can_read_is_named_once),
        PROGRAM_TEST(a_program_is_run_each_time),
        PROGRAM_TEST(a_program_that_prints_no_token_is_named),
        PROGRAM_TEST(a_long_token_passes),
        PROGRAM_TEST(a_program_may_take_no_longer_than_it_may),
        PROGRAM_TEST(cancelling_ends_it_and_all_that_follow),
    };
    umask(077);
    close(mkstemp(path));
    close(mkstemp(log_path));
    real_stderr = fcntl(STDERR_FILENO, F_DUPFD_CLOEXEC, 3);
    log_setup(LOG_SINK_STDERR, LOG_LEVEL_WARNING);
    int failed = cmocka_run_group_tests(tests, NULL, NULL);
    unlink(path);
    unlink(log_path);
    return failed;
}
