// SPDX-License-Identifier: Apache-2.0
#include "imsfs/header.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>

#include <cmocka.h>

static void take(struct header_fields *f, const char *line)
{
    assert_int_equal(header_fields_take(f, bytes_of(line)), 0);
}

static void lines_are_bounded_and_without_control_bytes(void **state)
{
    (void)state;
    struct header_lines h = {0};
    assert_int_equal(header_add(&h, "X", "a\r\nEvil: yes"), -EINVAL);
    assert_int_equal(h.count, 0);
    for (int i = 0; i < HEADER_LINES_MAX; i++)
        assert_int_equal(header_add(&h, "X-Auth-Token", "secret"), 0);
    assert_int_equal(header_add(&h, "X", "one more"), -EINVAL);
    assert_string_equal(h.lines[0], "X-Auth-Token: secret");
    header_lines_free(&h);
    assert_int_equal(h.count, 0);
    assert_null(h.lines[0]);
}

static void fields_are_found_whatever_their_case(void **state)
{
    (void)state;
    struct header_fields f = HEADER_FIELDS_INIT;
    take(&f, "x-OPENSTACK-request-ID:req-1\x1b[31m");
    take(&f, "CONTENT-TYPE:  Application/JSON; charset=UTF-8\r\n");
    take(&f, "retry-after: 7 \r\n");
    take(&f, "dAtE: Wed, 22 Jul 2026 16:00:00 GMT\r\n");
    take(&f, "x-subject-TOKEN: gAAAA_-=\r\n");
    take(&f, "Dates: Wed, 22 Jul 2026 16:00:01 GMT\r\n");
    take(&f, "X-Subject-Token-Not: evil\r\n");
    take(&f, "");
    take(&f, "\r\n");
    assert_string_equal(f.request_id, "req-1");
    assert_string_equal(f.content_type, "application/json");
    assert_int_equal(f.retry_after_ms, 7000);
    assert_int_equal(f.date, 1784736000);
    assert_string_equal(f.subject_token, "gAAAA_-=");
    header_fields_free(&f);
    assert_null(f.subject_token);
    assert_int_equal(f.retry_after_ms, -1);
    assert_int_equal(f.date, -1);
    assert_string_equal(f.request_id, "");
}

static void a_date_that_is_none_is_not_said(void **state)
{
    (void)state;
    static const char *const wrong[] = {"",
                                        "now",
                                        "2026-07-22T16:00:00Z",
                                        "Wed, 22 Jul 2026 16:00:00 CEST",
                                        "Wed, 22 Jul 2026 16:00:00 GMT, or so",
                                        "Wed, 22 Jul 1626 16:00:00 GMT"};
    for (size_t i = 0; i < ARRAY_SIZE(wrong); i++) {
        struct header_fields f = HEADER_FIELDS_INIT;
        char line[128];
        snprintf(line, sizeof(line), "Date: %s\r\n", wrong[i]);
        take(&f, line);
        if (f.date != -1)
            fail_msg("%s: %lld", wrong[i], (long long)f.date);
    }
}

/* X-Subject-Token with so many characters, of which the last is c. */
static void take_token(struct header_fields *f, size_t len, char c)
{
    CLEANUP(strbuf_free) struct strbuf line = STRBUF_INIT;
    strbuf_add_str(&line, "X-Subject-Token: ");
    for (size_t i = 1; i < len; i++)
        strbuf_add_char(&line, 't');
    if (len)
        strbuf_add_char(&line, c);
    assert_int_equal(strbuf_error(&line), 0);
    assert_int_equal(header_fields_take(f, strbuf_bytes(&line)), 0);
}

static void a_token_is_visible_ascii_of_bounded_length(void **state)
{
    (void)state;
    static const struct {
        size_t len;
        char last;
        bool taken;
    } rows[] = {
        {0, 0, false},          {1, '!', true},
        {1, '~', true},         {HEADER_TOKEN_MAX, 't', true},
        {8, '\x7f', false},     {HEADER_TOKEN_MAX + 1, 't', false},
        {8, '\x1f', false},     {8, '\0', false},
        {8, (char)0xc3, false}, {60000, 't', false},
    };
    for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
        struct header_fields f = HEADER_FIELDS_INIT;
        take_token(&f, rows[i].len, rows[i].last);
        if (!!f.subject_token != rows[i].taken)
            fail_msg("row %zu", i);
        if (f.subject_token)
            assert_int_equal(strlen(f.subject_token), rows[i].len);
        header_fields_free(&f);
    }
    struct header_fields f = HEADER_FIELDS_INIT;
    take(&f, "X-Subject-Token: two words\r\n");
    assert_null(f.subject_token);
}

static void of_two_tokens_the_last_good_one_counts(void **state)
{
    (void)state;
    struct header_fields f = HEADER_FIELDS_INIT;
    take(&f, "X-Subject-Token: one\r\n");
    take(&f, "X-Subject-Token: two\r\n");
    take(&f, "X-Subject-Token: \xff\r\n");
    assert_string_equal(f.subject_token, "two");
    header_fields_free(&f);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(lines_are_bounded_and_without_control_bytes),
        cmocka_unit_test(fields_are_found_whatever_their_case),
        cmocka_unit_test(a_date_that_is_none_is_not_said),
        cmocka_unit_test(a_token_is_visible_ascii_of_bounded_length),
        cmocka_unit_test(of_two_tokens_the_last_good_one_counts),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
