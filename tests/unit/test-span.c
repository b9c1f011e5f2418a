// SPDX-License-Identifier: Apache-2.0
#include "imsfs/span.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>

#include <cmocka.h>

#define B(literal)                   \
    {                                \
        literal, sizeof(literal) - 1 \
    }

/* From a block of exactly its bytes, so that a sanitizer sees a read outside them. */
static struct bytes copy_of(struct bytes text)
{
    char *copy = malloc(text.len + !text.len);
    assert_non_null(copy);
    memcpy(copy, text.data, text.len);
    return (struct bytes){copy, text.len};
}

static void a_value_ends_by_its_brackets_and_quotes(void **state)
{
    (void)state;
    static const struct {
        struct bytes text;
        int len; /* of the value; -1: it does not end */
    } rows[] = {
        {B(""), -1},
        {B("{}"), 2},
        {B("{} x"), 2},
        {B("{\"}\":[1,{}]},"), 12},
        {B("{\"a\":\"\\\"}\"}]"), 11},
        {B("{\"a\":\"\\\\\"}]"), 10},
        {B("{\"a\":\"\\\\\\\"}\"}"), 13},
        {B("{\"a\0}\":1}"), 9},
        {B("[1,2"), -1},
        {B("{\"a"), -1},
        {B("{\"a\\\""), -1},
        {B("{\"a\\"), -1},
        {B("\""), -1},
        {B("\"\\"), -1},
        {B("\"\\\""), -1},
        {B("\"\\\\\""), 4},
        {B("\"a\" "), 3},
        {B("12,"), 2},
        {B("12"), 2},
        {B("nonsense]"), 8},
        {B("1\t2"), 1},
        {B(",1"), -1},
        {B("]"), -1},
        {B("}"), -1},
        {B("{]"), 2}, /* for a parser to see */
    };
    for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
        struct bytes text = copy_of(rows[i].text), value = {NULL, 0};
        struct span_rest rest = {text.data, text.data + text.len};
        bool ends = span_value(&rest, &value);
        if (ends != (rows[i].len >= 0) || (ends && value.len != (size_t)rows[i].len))
            fail_msg("%s: %d %zu", rows[i].text.data, ends, value.len);
        assert_ptr_equal(rest.s, text.data + (ends ? value.len : 0));
        free((char *)text.data);
    }
}

static void a_member_is_found_on_the_first_level(void **state)
{
    (void)state;
    static const struct {
        const char *text, *value; /* NULL: none */
    } rows[] = {
        {"{\"id\":\"a\"}", "\"a\""},
        {" {\"id\":\"a\"}", NULL},
        {"{ \"x\" : {\"id\":1} , \"id\" : 2 }", "2"},
        {"{\"x\":\"\\\"id\\\":3\",\"id\":4}", "4"},
        {"{\"id\":1,\"id\":2}", "1"},
        {"{\"\\u0069d\":1}", NULL},
        {"{\"x\":[{\"id\":1}]}", NULL},
        {"{}", NULL},
        {"[\"id\",1]", NULL},
        {"{\"x\" 1,\"id\":1}", NULL},
        {"{\"x\":,\"id\":1}", NULL},
        {"{\"id\"", NULL},
        {"{\"id\":", NULL},
        {"{\"id\":\"a", NULL},
        {"", NULL},
    };
    for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
        struct bytes text = copy_of(bytes_of(rows[i].text)), value;
        bool found = span_member(text, "\"id\"", &value);
        if (found != (rows[i].value != NULL) || (found && !bytes_are(value, rows[i].value)))
            fail_msg("%s", rows[i].text);
        free((char *)text.data);
    }
}

static void white_space_may_differ_and_nothing_else(void **state)
{
    (void)state;
    static const char compact[] =
        "{\"id\":\"a b\",\"n\":-12.5e3,\"l\":[true,null,{}],\"e\":\"\\\\\"}";
    static const struct {
        struct bytes text;
        bool same;
    } rows[] = {
        {B("{\"id\":\"a b\",\"n\":-12.5e3,\"l\":[true,null,{}],\"e\":\"\\\\\"}"), true},
        {B("{\"id\": \"a b\", \"n\": -12.5e3, \"l\": [true, null, {}], \"e\": \"\\\\\"}"), true},
        {B("\n{\r\n\t\"id\" :\"a b\" ,\"n\":-12.5e3 ,\"l\":[ true ,null,{ } ] ,\"e\":\"\\\\\" } "
           "\n"),
         true},
        {B("{\"id\":\"a  b\",\"n\":-12.5e3,\"l\":[true,null,{}],\"e\":\"\\\\\"}"), false},
        {B("{\"id\":\"a b\",\"n\":-12.5e 3,\"l\":[true,null,{}],\"e\":\"\\\\\"}"), false},
        {B("{\"id\":\"a b\",\"n\":- 12.5e3,\"l\":[true,null,{}],\"e\":\"\\\\\"}"), false},
        {B("{\"id\":\"a b\",\"n\":-12.5e3,\"l\":[tr ue,null,{}],\"e\":\"\\\\\"}"), false},
        {B("{\"id\":\"a b\",\"n\":-12.5e3,\"l\":[true,null,{}],\"e\":\"\\ \\\"}"), false},
        {B("{\"id\":\"a b\",\"n\":-12.5e3,\"l\":[true,null,{}],\"e\":\"\\\\\" x}"), false},
        {B("{\"id\":\"a b\",\"n\":-12.5e3,\"l\":[true,null,{}],\"e\":\"\\\\\"}}"), false},
        {B("{\"id\":\"a b\",\"n\":-12.5E3,\"l\":[true,null,{}],\"e\":\"\\\\\"}"), false},
        {B("{\"id\":\"a b\",\"n\":-12.5e3,\"l\":[true,null,{}],\"e\":\"\\\\\"\f}"), false},
        {B("{\"id\":\"a b\",\"n\":-12.5e3,\"l\":[true,null,{}],\"e\":\"\\\\\"\0}"), false},
        {B("{\"id\":\"a\\u0020b\",\"n\":-12.5e3,\"l\":[true,null,{}],\"e\":\"\\\\\"}"), false},
        {B("{ \"id\":\"a b\",\"n\":-12.5e3,\"l\":[true,null,{}],\"e\":\"\\\\\""), false},
        {B("{     \"id\":\"a b\",\"n\":-12.5e3,\"l\":[true,null,{}]"), false},
        {B(""), false},
    };
    for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
        struct bytes text = copy_of(rows[i].text);
        if (span_spells(text, bytes_of(compact)) != rows[i].same)
            fail_msg("%s", rows[i].text.data);
        free((char *)text.data);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_value_ends_by_its_brackets_and_quotes),
        cmocka_unit_test(a_member_is_found_on_the_first_level),
        cmocka_unit_test(white_space_may_differ_and_nothing_else),
    };
    return cmocka_run_group_tests_name("span", tests, NULL, NULL);
}
