// SPDX-License-Identifier: Apache-2.0
#include "imsfs/secret.h"

#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

#include "imsfs/strbuf.h"

static void every_place_is_redacted(void **state)
{
    (void)state;
    char text[] = "abc xabcabc ab";
    secret_redact("abc", text, strlen(text));
    assert_string_equal(text, "*** x****** ab");
    secret_redact("", text, strlen(text));
    secret_redact(NULL, text, strlen(text));
    assert_string_equal(text, "*** x****** ab");
    secret_redact("abc", NULL, 0);
}

static void a_secret_is_redacted_as_json_writes_it(void **state)
{
    (void)state;
    char slash[] =
        "{\"message\":\"a\\/b+c: a/b\\u002bc \\u0061\\u002F\\u0062\\u002b\\u0063 a\\/b\"}";
    secret_redact("a/b+c", slash, strlen(slash));
    assert_string_equal(
        slash, "{\"message\":\"******: ********** ****************************** a\\/b\"}");
    char quote[] = "x\\\"y\\\\z x\"y\\z";
    secret_redact("x\"y\\z", quote, strlen(quote));
    assert_string_equal(quote, "******* *****");
    char wide[] = "\\u00f6\\ud83d\\ude00. \\u00f6\xF0\x9F\x98\x80.";
    secret_redact("\xC3\xB6\xF0\x9F\x98\x80", wide, strlen(wide));
    assert_string_equal(wide, "******************. **********.");
}

static void an_escape_that_is_none_is_left_alone(void **state)
{
    (void)state;
    static const char *const texts[] = {"\\",      "\\u",     "\\u00",          "\\u006", "\\u 061",
                                        "\\u-061", "\\ud83d", "\\ud83d\\u0061", "\\x61",  "a\\"};
    for (size_t i = 0; i < ARRAY_SIZE(texts); i++) {
        char *text = strdup(texts[i]);
        secret_redact("ab", text, strlen(text));
        assert_string_equal(text, texts[i]);
        free(text);
    }
}

static void freeing_forgets(void **state)
{
    (void)state;
    char *s = strdup("secret");
    secret_free(&s);
    assert_null(s);
    secret_free(&s);
}

static void a_secret_buffer_is_wiped(void **state)
{
    (void)state;
    struct strbuf b = STRBUF_SECRET;
    strbuf_add_str(&b, "secret");
    strbuf_reset(&b);
    for (size_t i = 0; i < b.cap; i++)
        assert_int_equal(b.data[i], 0);
    for (int i = 0; i < 100; i++) /* it moves as it grows */
        strbuf_add_str(&b, "secret");
    assert_int_equal(b.len, 600);
    char *text = strbuf_steal(&b);
    assert_int_equal(strlen(text), 600);
    assert_true(b.secret);
    secret_free(&text);
    strbuf_free(&b);
    assert_true(b.secret);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_place_is_redacted),
        cmocka_unit_test(a_secret_is_redacted_as_json_writes_it),
        cmocka_unit_test(an_escape_that_is_none_is_left_alone),
        cmocka_unit_test(freeing_forgets),
        cmocka_unit_test(a_secret_buffer_is_wiped),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
