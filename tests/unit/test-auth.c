// SPDX-License-Identifier: Apache-2.0
#include "imsfs/auth.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#include "imsfs/log.h"

static char path[] = "/tmp/imsfs-test-XXXXXX";
static const struct url safe = {.https = true};

static void write_bytes(const char *data, size_t len)
{
    FILE *f = fopen(path, "w");
    assert_non_null(f);
    assert_int_equal(fwrite(data, 1, len, f), len);
    fclose(f);
}

static void write_token(const char *text)
{
    write_bytes(text, strlen(text));
}

static struct auth *auth_of(struct auth_config config)
{
    struct auth *a;
    char error[256];
    if (auth_new(&a, &config, error, sizeof(error)) < 0)
        fail_msg("%s", error);
    assert_string_equal(error, ""); /* the caller shows it when anything else fails */
    return a;
}

static void assert_header(struct auth *a, const char *expected)
{
    struct http_request request = {0};
    assert_int_equal(auth_headers(a, &safe, &request), 0);
    assert_int_equal(request.headers.count, expected ? 1 : 0);
    if (expected)
        assert_string_equal(request.headers.lines[0], expected);
    header_lines_free(&request.headers);
}

static void a_token_is_a_header(void **state)
{
    (void)state;
    struct auth *a = auth_of((struct auth_config){.token = "gAAAA-_=="});
    assert_header(a, "X-Auth-Token: gAAAA-_==");
    assert_false(auth_refused(a));
    auth_free(a);
    a = auth_of((struct auth_config){.token = ""});
    assert_header(a, NULL);
    assert_false(auth_refused(a));
    auth_free(a);
}

static void a_token_file_is_read_again_when_refused(void **state)
{
    (void)state;
    write_token("one\r\n\n");
    struct auth *a = auth_of((struct auth_config){.token_file = path});
    assert_header(a, "X-Auth-Token: one");
    assert_false(auth_refused(a)); /* the same */
    write_token("two words\n");
    assert_false(auth_refused(a)); /* nothing to try */
    assert_header(a, "X-Auth-Token: one");
    write_token("two");
    assert_true(auth_refused(a));
    assert_header(a, "X-Auth-Token: two");
    assert_non_null(strstr(auth_advice(a), path));
    auth_free(a);
}

static void assert_bad_file(const char *data, size_t len)
{
    struct auth *a;
    char error[256];
    struct auth_config config = {.token_file = path};
    write_bytes(data, len);
    assert_int_equal(auth_new(&a, &config, error, sizeof(error)), -EINVAL);
    assert_non_null(strstr(error, path));
    assert_null(strstr(error, "secret"));
}

static void what_is_no_token_is_refused(void **state)
{
    (void)state;
    static char large[AUTH_TOKEN_MAX + 100];
    struct auth *a;
    char error[256];
    memset(large, 'x', sizeof(large));
    assert_bad_file("", 0);
    assert_bad_file("\n", 1);
    assert_bad_file("secret\nsecond: line\n", 20);
    assert_bad_file("sec\0ret", 7);
    assert_bad_file("secret\x1b", 7);
    assert_bad_file(large, sizeof(large));
    assert_bad_file(large, AUTH_TOKEN_MAX + 1);
    write_bytes(large, AUTH_TOKEN_MAX);
    auth_free(auth_of((struct auth_config){.token_file = path}));
    struct auth_config config = {.token = "secret\r\nEvil: 1"};
    assert_int_equal(auth_new(&a, &config, error, sizeof(error)), -EINVAL);
    assert_null(strstr(error, "secret"));
    config = (struct auth_config){.token_file = "/nonexistent"};
    assert_int_equal(auth_new(&a, &config, error, sizeof(error)), -ENOENT);
    config = (struct auth_config){.token_file = "/dev/zero"};
    assert_int_equal(auth_new(&a, &config, error, sizeof(error)), -EINVAL);
}

static void secrets_stay_off_open_networks(void **state)
{
    (void)state;
    const struct url open = {0}, local = {.loopback = true};
    char error[256] = "";
    struct http_request request = {0};
    struct auth *a = auth_of((struct auth_config){.token = "secret"});
    assert_true(auth_may_send(a, &safe, error, sizeof(error)));
    assert_true(auth_may_send(a, &local, error, sizeof(error)));
    assert_false(auth_may_send(a, &open, error, sizeof(error)));
    assert_non_null(strstr(error, "insecure_http"));
    assert_int_equal(auth_headers(a, &open, &request), -EPERM);
    assert_int_equal(request.headers.count, 0);
    auth_free(a);
    a = auth_of((struct auth_config){.token = "secret", .insecure_http = true});
    assert_true(auth_may_send(a, &open, error, sizeof(error)));
    auth_free(a);
    a = auth_of((struct auth_config){0});
    assert_true(auth_may_send(a, &open, error, sizeof(error)));
    auth_free(a);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_token_is_a_header),
        cmocka_unit_test(a_token_file_is_read_again_when_refused),
        cmocka_unit_test(what_is_no_token_is_refused),
        cmocka_unit_test(secrets_stay_off_open_networks),
    };
    close(mkstemp(path));
    log_setup(LOG_SINK_STDERR, LOG_LEVEL_ERROR);
    int failed = cmocka_run_group_tests(tests, NULL, NULL);
    unlink(path);
    return failed;
}
