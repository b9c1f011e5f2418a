// SPDX-License-Identifier: Apache-2.0
#include "imsfs/json.h"

#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

#define B(literal)                   \
    {                                \
        literal, sizeof(literal) - 1 \
    }

static void assert_text(struct strbuf *b, struct bytes expected)
{
    if (strbuf_error(b) < 0 || !bytes_equal(strbuf_bytes(b), expected))
        fail_msg("got '%s', not '%.*s'", strbuf_str(b), (int)expected.len, expected.data);
    strbuf_reset(b);
}

static void a_value_ends_where_it_ends(void **state)
{
    (void)state;
    static const struct {
        const char *text, *value;
    } rows[] = {
        {"1,2]", "1"},
        {"-1.5e+10}", "-1.5e+10"},
        {"null", "null"},
        {"true]", "true"},
        {"\"\",1", "\"\""},
        {"\"a,]}\\\"\\\\\",1", "\"a,]}\\\"\\\\\""},
        {"[],[]", "[]"},
        {"{},1", "{}"},
        {"[1,[2,{\"a]\":3}]],4", "[1,[2,{\"a]\":3}]]"},
        {"{\"a\":\"}\",\"b\":[]}}", "{\"a\":\"}\",\"b\":[]}"},
    };
    for (size_t i = 0; i < ARRAY_SIZE(rows); i++)
        assert_true(bytes_are(json_value(bytes_of(rows[i].text)), rows[i].value));
}

static void strings_stand_for_bytes(void **state)
{
    (void)state;
    static const struct {
        const char *token;
        struct bytes value;
    } rows[] = {
        {"\"\"", B("")},
        {"\"plain \303\274\"", B("plain \303\274")},
        {"\"\\\"\\\\\\/\\b\\f\\n\\r\\t\"", B("\"\\/\b\f\n\r\t")},
        {"\"a\\u0000b\"", B("a\0b")},
        {"\"\\u0041\\u00fc\\u4E2D\\u00e9\"", B("A\303\274\344\270\255\303\251")},
        {"\"\\ud83d\\ude00\"", B("\360\237\230\200")},
        {"\"\\uD800\\uDC00\\uDBFF\\uDFFF\"", B("\360\220\200\200\364\217\277\277")},
        {"\"\\ud800\"", B("\357\277\275")},
        {"\"\\udc00x\"", B("\357\277\275x")},
        {"\"\\ud800\\ud83d\\ude00\"", B("\357\277\275\360\237\230\200")},
        {"\"\\ud800\\u0041\"", B("\357\277\275A")},
        {"\"\\ud800\\n\"", B("\357\277\275\n")},
        {"\"\\ude00\\ud83d\"", B("\357\277\275\357\277\275")},
        {"\"\\ude00\\ude00\"", B("\357\277\275\357\277\275")},
        {"\"\\ud800\\ue000\"", B("\357\277\275\356\200\200")},
        {"\"\\\\u0041\"", B("\\u0041")},
        {"\"\xff\x01\"", B("\xff\x01")}, /* not ours to change */
    };
    CLEANUP(strbuf_free) struct strbuf out = STRBUF_INIT;
    for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
        struct bytes token = bytes_of(rows[i].token), value = rows[i].value;
        json_add_string(&out, token);
        assert_text(&out, value);
        if (memchr(value.data, '\0', value.len)) {
            assert_false(json_string_is(token, value.data)); /* only its start */
            continue;
        }
        assert_true(json_string_is(token, value.data));
        strbuf_printf(&out, "%sx", value.data);
        assert_false(json_string_is(token, strbuf_str(&out)));
        out.data[value.len] = '\0';
        if (value.len) {
            out.data[value.len - 1] ^= 1;
            assert_false(json_string_is(token, strbuf_str(&out)));
            out.data[value.len - 1] = '\0';
            assert_false(json_string_is(token, strbuf_str(&out)));
        }
        strbuf_reset(&out);
    }
}

static void walks_see_every_member(void **state)
{
    (void)state;
    struct bytes key, value;
    CLEANUP(strbuf_free) struct strbuf seen = STRBUF_INIT;
    struct json_walk w =
        json_walk(bytes_of("{\"a\":1,\"\":[2,3],\"a\":{\"b\":\",\"},\"c:\":\"\"}"));
    while (json_next(&w, &key, &value))
        strbuf_printf(&seen, "%.*s=%.*s;", (int)key.len, key.data, (int)value.len, value.data);
    assert_text(&seen, bytes_of("\"a\"=1;\"\"=[2,3];\"a\"={\"b\":\",\"};\"c:\"=\"\";"));

    w = json_walk(bytes_of("[1,[],\"]\",null]"));
    while (json_next(&w, &key, &value)) {
        assert_null(key.data);
        strbuf_printf(&seen, "%.*s;", (int)value.len, value.data);
    }
    assert_text(&seen, bytes_of("1;[];\"]\";null;"));
    w = json_walk(bytes_of("[]"));
    assert_false(json_next(&w, &key, &value));
    w = json_walk(bytes_of("{}"));
    assert_false(json_next(&w, &key, &value));
}

/* Tokens and order stay; what is not JSON or not UTF-8 in them is mended. */
static void both_forms_keep_every_token(void **state)
{
    (void)state;
    static const struct {
        const char *value, *compact, *pretty;
    } rows[] = {
        {"1.50", "1.50", "1.50\n"},
        {"{}", "{}", "{}\n"},
        {"[]", "[]", "[]\n"},
        {"[[],{}]", "[[],{}]", "[\n  [],\n  {}\n]\n"},
        {"[[[1]],\"[]\"]", "[[[1]],\"[]\"]", "[\n  [\n    [\n      1\n    ]\n  ],\n  \"[]\"\n]\n"},
        {"{\"b\":1e400,\"a\":-0,\"b\":18446744073709551616}",
         "{\"b\":1e400,\"a\":-0,\"b\":18446744073709551616}",
         "{\n  \"b\": 1e400,\n  \"a\": -0,\n  \"b\": 18446744073709551616\n}\n"},
        {"{\"a\":[1,{\"b\":null}],\"c\":\"x, y: [z]\"}",
         "{\"a\":[1,{\"b\":null}],\"c\":\"x, y: [z]\"}",
         "{\n  \"a\": [\n    1,\n    {\n      \"b\": null\n    }\n  ],\n  \"c\": \"x, y: "
         "[z]\"\n}\n"},
        {"\"\\u0041\\/\\ud800\\u0000\"", "\"\\u0041\\/\\ud800\\u0000\"",
         "\"\\u0041\\/\\ud800\\u0000\"\n"},
        {"\"a\xff\xe4\xb8z\"", "\"a\357\277\275\357\277\275z\"",
         "\"a\357\277\275\357\277\275z\"\n"},
        {"\"\xe4\xb8\"", "\"\357\277\275\"", "\"\357\277\275\"\n"},
        {"\"\x01\n\x1b\x7f\"", "\"\\u0001\\u000a\\u001b\x7f\"", "\"\\u0001\\u000a\\u001b\x7f\"\n"},
        {"{\"\xff\":true}", "{\"\357\277\275\":true}", "{\n  \"\357\277\275\": true\n}\n"},
    };
    CLEANUP(strbuf_free) struct strbuf out = STRBUF_INIT;
    for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
        json_add_compact(&out, bytes_of(rows[i].value));
        assert_text(&out, bytes_of(rows[i].compact));
        json_add_pretty(&out, bytes_of(rows[i].value));
        assert_text(&out, bytes_of(rows[i].pretty));
        assert_int_equal(json_pretty_size(bytes_of(rows[i].value)), strlen(rows[i].pretty));
    }
}

static void what_we_write_is_valid(void **state)
{
    (void)state;
    static const struct {
        struct bytes text;
        const char *token;
    } rows[] = {
        {B(""), "\"\""},
        {B("plain \303\274/"), "\"plain \303\274/\""},
        {B("\"\\\"\\"), "\"\\\"\\\\\\\"\\\\\""},
        {B("a\"b\\c"), "\"a\\\"b\\\\c\""},
        {B("\0\n\x1f"), "\"\\u0000\\u000a\\u001f\""},
        {B("\xff\xe4\xb8\"\xc3"), "\"\357\277\275\357\277\275\\\"\357\277\275\""},
    };
    CLEANUP(strbuf_free) struct strbuf out = STRBUF_INIT;
    for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
        json_add_quoted(&out, rows[i].text);
        assert_text(&out, bytes_of(rows[i].token));
    }
}

static void depth_and_values_are_measured(void **state)
{
    (void)state;
    static const struct {
        const char *value;
        unsigned depth;
        size_t values;
    } rows[] = {
        {"1", 0, 1},
        {"\"[,{\\\"[\"", 0, 1},
        {"[]", 1, 1},
        {"{}", 1, 1},
        {"[1]", 1, 2},
        {"[1,\"],\",null]", 1, 4},
        {"{\"a\":1,\"b\":[[],[2]]}", 3, 6},
        {"[[[]],[]]", 3, 4},
    };
    for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
        unsigned depth;
        size_t values;
        json_measure(bytes_of(rows[i].value), &depth, &values);
        if (depth != rows[i].depth || values != rows[i].values)
            fail_msg("%s: depth %u, values %zu", rows[i].value, depth, values);
    }
}

static void one_member_of_each_name_is_kept(void **state)
{
    (void)state;
    static const struct {
        const char *object, *first, *last;
    } rows[] = {
        {"{}", "{}", "{}"},
        {"{\"a\":1}", "{\"a\":1}", "{\"a\":1}"},
        {"{\"a\":1,\"b\":2,\"a\":[3],\"\":4}", "{\"a\":1,\"b\":2,\"\":4}",
         "{\"b\":2,\"a\":[3],\"\":4}"},
        {"{\"a\":1,\"a\":2,\"a\":3}", "{\"a\":1}", "{\"a\":3}"},
        {"{\"ab\":1,\"a\":2,\"a\\\"\":3}", "{\"ab\":1,\"a\":2,\"a\\\"\":3}",
         "{\"ab\":1,\"a\":2,\"a\\\"\":3}"},
    };
    CLEANUP(strbuf_free) struct strbuf out = STRBUF_INIT;
    for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
        struct bytes object = bytes_of(rows[i].object);
        assert_int_equal(json_add_unique(&out, object, JSON_FIRST), 0);
        assert_text(&out, bytes_of(rows[i].first));
        assert_int_equal(json_add_unique(&out, object, JSON_LAST), 0);
        assert_text(&out, bytes_of(rows[i].last));
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_value_ends_where_it_ends),
        cmocka_unit_test(strings_stand_for_bytes),
        cmocka_unit_test(walks_see_every_member),
        cmocka_unit_test(both_forms_keep_every_token),
        cmocka_unit_test(what_we_write_is_valid),
        cmocka_unit_test(depth_and_values_are_measured),
        cmocka_unit_test(one_member_of_each_name_is_kept),
    };
    return cmocka_run_group_tests_name("json", tests, NULL, NULL);
}
