// SPDX-License-Identifier: Apache-2.0
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "imsfs/peek.h"

static bool peek(const char *text, struct decode_result *out)
{
    /* A copy without a NUL behind it, so that the sanitizer sees who reads too far. */
    size_t len = strlen(text);
    char *copy = malloc(len ? len : 1);
    memcpy(copy, text, len);
    bool whole = peek_page((struct bytes){copy, len}, out);
    free(copy);
    return whole;
}

static void assert_says(const char *text, size_t records, const char *next, const char *last_id)
{
    struct decode_result r;
    assert_true(peek(text, &r));
    assert_int_equal(r.records, records);
    assert_string_equal(r.next ? r.next : "none", next);
    assert_string_equal(r.last_id ? r.last_id : "none", last_id);
    decode_result_free(&r);
}

static void a_page_says_where_the_next_one_is(void **state)
{
    (void)state;
    assert_says("{\"images\": []}", 0, "none", "none");
    assert_says(" {\"next\":\"/v2?marker=b\", \"images\":[{\"id\":\"a\"} , {\"x\":{\"id\":\"c\"},"
                "\"id\":\"b\",\"y\":[1,{}]}]}\n",
                2, "/v2?marker=b", "b");
    assert_says("{\"images\":[{\"name\":\"\\\\\\\"]},{\\\\\",\"id\":\"a\"}],\"next\":\"\\/v2\"}", 1,
                "/v2", "a");
    assert_says("{\"images\":[{\"id\":7}],\"next\":null,\"n\":-1.5e3}", 1, "none", "none");
    assert_says("{\"images\":[7]}", 1, "none", "none");
}

static void whatever_else_is_no_page(void **state)
{
    (void)state;
    static const char *const texts[] = {
        "",
        "[]",
        "{}",
        "{\"images\"",
        "{\"images\":{}}",
        "{\"images\":[]",
        "{\"images\":[]}}",
        "{\"images\":[{]}",
        "{\"images\":[{\"id\":\"a]}",
        "{\"images\":[],\"images\":[]}",
        "{\"images\":[],\"next\":}",
        "{\"images\":[{\"id\":\"\\u12\"}]}",
        "{\"images\":[{\"id\":\"\\",
        "<html>",
    };
    for (size_t i = 0; i < ARRAY_SIZE(texts); i++) {
        struct decode_result r;
        if (peek(texts[i], &r))
            fail_msg("taken for a page: %s", texts[i]);
        decode_result_free(&r);
    }
}

/* Wherever it is cut, it is none, and nobody reads behind the cut. */
static void half_a_page_is_none(void **state)
{
    (void)state;
    static const char text[] = "{\"images\":[{\"id\":\"a\\\"\\\\\",\"b\":[1,true,null]},{\"id\":"
                               "\"c\"}],\"next\":\"/v2/images?marker=c\"}";
    for (size_t len = 0; len < sizeof(text) - 1; len++) {
        char cut[sizeof(text)] = "";
        struct decode_result r;
        memcpy(cut, text, len);
        assert_false(peek(cut, &r));
        decode_result_free(&r);
    }
    assert_says(text, 2, "/v2/images?marker=c", "c");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_page_says_where_the_next_one_is),
        cmocka_unit_test(whatever_else_is_no_page),
        cmocka_unit_test(half_a_page_is_none),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
