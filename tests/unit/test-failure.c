// SPDX-License-Identifier: Apache-2.0
#include "imsfs/failure.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>

#include <cmocka.h>

#include "imsfs/utf8.h"

static void test_descriptions(void **state)
{
    static const struct {
        int status, error;
        const char *body, *request_id, *cause, *text;
    } rows[] = {
        {404, -EIO, "", "", "", "HTTP 404"},
        {404, -EIO, "{\"error\":{\"message\":\"no <b>such</b> call\"}}", "", "",
         "HTTP 404: no such call"},
        {403, -EACCES, "{\"error_msg\":\"no\",\"request_id\":\"r1\"}", "", "",
         "HTTP 403: no (request r1)"},
        {403, -EACCES, "{\"error_msg\":\"no\",\"request_id\":\"r1\"}", "r2", "",
         "HTTP 403: no (request r2)"},
        {500, -EIO, "", "r3", "", "HTTP 500 (request r3)"},
        {0, -EHOSTUNREACH, "", "", "could not\x1b[1m resolve",
         "no answer: could not\\x1b[1m resolve"},
        {0, -ETIMEDOUT, "", "", "", "no answer: Connection timed out"},
    };
    (void)state;
    for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
        char text[300];
        struct http_response r = {.status = rows[i].status, .fields = HEADER_FIELDS_INIT};
        strbuf_add_str(&r.body, rows[i].body);
        snprintf(r.fields.request_id, sizeof(r.fields.request_id), "%s", rows[i].request_id);
        snprintf(r.cause, sizeof(r.cause), "%s", rows[i].cause);
        failure_describe(&r, rows[i].error, text, sizeof(text));
        assert_string_equal(text, rows[i].text);
        http_response_free(&r);
    }
}

/* What is cut says so, and is cut between two characters. */
static void test_a_long_message(void **state)
{
    char text[400], small[12];
    struct http_response r = {.status = 500, .fields = HEADER_FIELDS_INIT};
    (void)state;
    strbuf_add_str(&r.body, "{\"message\":\"x");
    for (int i = 0; i < 300; i++)
        strbuf_add_str(&r.body, "\xe6\xb5\x8b");
    strbuf_add_str(&r.body, "\"}");
    failure_describe(&r, -EIO, text, sizeof(text));
    size_t len = strlen(text);
    assert_true(len < 270);
    assert_string_equal(text + len - 3, "...");
    for (size_t at = 0, used; at < len; at += used) {
        uint32_t code;
        used = utf8_decode(text + at, len - at, &code);
        assert_true(used > 0);
    }
    failure_describe(&r, -EIO, small, sizeof(small));
    assert_int_equal(strlen(small), sizeof(small) - 1);
    http_response_free(&r);
}

static void test_advice(void **state)
{
    static const struct {
        int status, error;
        const char *list, *identity; /* a word of it */
    } rows[] = {
        {302, -EIO, "redirect", "redirect"},
        {300, -EIO, "image service", "auth_url"},
        {400, -EINVAL, "api=", "auth_url"},
        {403, -EACCES, "roles", "auth_url"},
        {404, -EIO, "api=", "auth_url"},
        {414, -ENAMETOOLONG, "shorter criteria", "auth_url"},
        {429, -EIO, "ttl=", "auth_url"},
        {503, -EIO, "image service", "auth_url"},
        {0, -EHOSTUNREACH, "certificate", "certificate"},
        {0, -ETIMEDOUT, "timeout=", "timeout="},
        {0, -EFBIG, "raise the limit", "raise the limit"},
        {0, -EAGAIN, "ulimit -u", "ulimit -u"},
        {0, -EMFILE, "ulimit -n", "ulimit -n"},
        {0, -ENFILE, "fs.file-max", "fs.file-max"},
        {0, -ENOMEM, "ulimit -v", "ulimit -v"},
        {0, -EIO, "image service", "auth_url"},
    };
    (void)state;
    for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
        if (!strstr(failure_advice(rows[i].status, rows[i].error), rows[i].list) ||
            !strstr(failure_advice_identity(rows[i].status, rows[i].error), rows[i].identity))
            fail_msg("%d %d", rows[i].status, rows[i].error);
    }
}

static void test_errors_for_readers(void **state)
{
    static const struct {
        int error, shown;
    } rows[] = {
        {-EACCES, -EACCES},       {-EINVAL, -EINVAL}, {-ENAMETOOLONG, -ENAMETOOLONG},
        {-ETIMEDOUT, -ETIMEDOUT}, {-EPERM, -EACCES},  {-EOPNOTSUPP, -EOPNOTSUPP},
        {-ENOMEM, -ENOMEM},       {-ENOENT, -EIO},    {-EISDIR, -EIO},
        {-ESTALE, -EIO},          {-EPROTO, -EIO},    {-EHOSTUNREACH, -EHOSTUNREACH},
    };
    (void)state;
    for (size_t i = 0; i < ARRAY_SIZE(rows); i++)
        assert_int_equal(failure_errno(rows[i].error), rows[i].shown);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_descriptions),
        cmocka_unit_test(test_a_long_message),
        cmocka_unit_test(test_advice),
        cmocka_unit_test(test_errors_for_readers),
    };
    return cmocka_run_group_tests_name("failure", tests, NULL, NULL);
}
