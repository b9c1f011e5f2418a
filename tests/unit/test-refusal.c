// SPDX-License-Identifier: Apache-2.0
#include "imsfs/refusal.h"

#include <setjmp.h>
#include <stdarg.h>
#include <time.h>

#include <cmocka.h>

#define B(literal)                   \
    {                                \
        literal, sizeof(literal) - 1 \
    }

static const struct {
    struct bytes body;
    const char *message, *request_id;
} known[] = {
    /* Image Management Service */
    {B("{\"error\": {\"message\": \"The imagetype is invalid.\", \"code\": \"IMG.0024\"}}"),
     "The imagetype is invalid.", ""},
    {B("{\"error\":{\"message\":\"The request message format is "
       "invalid.\",\"code\":\"IMG.0001\"}}"),
     "The request message format is invalid.", ""},
    {B("{\"error\":{\"code\":\"IMG.0212\","
       "\"message\":\"The value of architecture is not x86 or arm.\"}}"),
     "The value of architecture is not x86 or arm.", ""},
    /* Huawei API gateway */
    {B("{\"error_msg\": \"Incorrect IAM authentication information: verify aksk signature fail\","
       " \"error_code\": \"APIG.0301\", \"request_id\": \"******\"}"),
     "Incorrect IAM authentication information: verify aksk signature fail", "******"},
    {B("{\"error_msg\": \"Incorrect IAM authentication information: AK access failed to reach the "
       "limit,forbidden.\", \"error_code\": \"APIG.0301\", \"request_id\": \"******\"}"),
     "Incorrect IAM authentication information: AK access failed to reach the limit,forbidden.",
     "******"},
    {B("{\"error_msg\": \"Incorrect IAM authentication information: decrypt token fail\","
       " \"error_code\": \"APIG.0301\", \"request_id\": \"******\"}"),
     "Incorrect IAM authentication information: decrypt token fail", "******"},
    {B("{\"error_msg\": \"Incorrect IAM authentication information: Get secretKey failed,"
       "ak:******,err:ak not exist\", \"error_code\": \"APIG.0301\", \"request_id\": \"******\"}"),
     "Incorrect IAM authentication information: Get secretKey failed,ak:******,err:ak not exist",
     "******"},
    {B("{\"error_msg\": \"The throttling threshold has been reached: policy ip over ratelimit,"
       "limit:5,time:5 second\", \"error_code\": \"APIGW.0308\","
       " \"request_id\": \"c50619de20b0e70590f57a99dbed044f\"}"),
     "The throttling threshold has been reached: policy ip over ratelimit,limit:5,time:5 second",
     "c50619de20b0e70590f57a99dbed044f"},
    {B("{\"error_msg\": \"The throttling threshold has been reached: policy api over ratelimit,"
       "limit:2000,time:1 minute\", \"error_code\": \"APIGW.0308\","
       " \"request_id\": \"d58d1fe6196832aebb76f1c43c169128\"}"),
     "The throttling threshold has been reached: policy api over ratelimit,limit:2000,time:1 "
     "minute",
     "d58d1fe6196832aebb76f1c43c169128"},
    {B("{\"error_msg\": \"The format of message is error\", \"error_code\": \"AS.0001\"}"),
     "The format of message is error", ""},
    /* Nova's wrapper, whose key varies; Keystone */
    {B("{\"computeFault\": {\"message\": \"The server has either erred or is incapable of "
       "performing the requested operation.\", \"code\": 500}}"),
     "The server has either erred or is incapable of performing the requested operation.", ""},
    {B("{\"error\": {\"code\": 401, \"message\": \"The request you have made requires "
       "authentication.\", \"title\": \"Unauthorized\"}}"),
     "The request you have made requires authentication.", ""},
    /* Glance, with and without Accept: application/json; a load balancer */
    {B("{\"message\": \"The resource could not be found.<br /><br />\\n\\n\\n\", "
       "\"code\": \"404 Not Found\", \"title\": \"Not Found\"}"),
     "The resource could not be found.", ""},
    {B("<html>\n <head>\n  <title>400 Bad Request</title>\n </head>\n <body>\n  "
       "<h1>400 Bad Request</h1>\n  limit param must be an integer<br /><br />\n\n\n\n </body>\n"
       "</html>"),
     "400 Bad Request limit param must be an integer", ""},
    {B("<html><body><h1>503 Service Unavailable</h1>\nNo server is available to handle this "
       "request.\n</body></html>\n"),
     "503 Service Unavailable No server is available to handle this request.", ""},
};

static const struct {
    struct bytes body;
    const char *message, *request_id;
} odd[] = {
    {{NULL, 0}, "", ""},
    {B(""), "", ""},
    {B("   \n"), "", ""},
    {B("Bad gateway"), "Bad gateway", ""},
    {B("{}"), "", ""},
    {B("[]"), "", ""},
    {B("null"), "", ""},
    {B("{\"message\":5,\"error_msg\":\"five\"}"), "five", ""},
    {B("{\"message\":{\"message\":\"inner\"}}"), "inner", ""},
    {B("{\"a\":{\"b\":{\"message\":\"too deep\"}}}"), "", ""},
    {B("{\"error\":{\"message\":\"m\",\"request_id\":\"r\"}}"), "m", "r"},
    {B("{\"requestId\":\"r-1\"}"), "", "r-1"},
    {B("{\"message\":\"a\\u001b[31mb\\r\\nc\\u0000d\\u202ee\"}"), "a [31mb c d e", ""},
    {B("{\"message\":\"\xff\xe4\xb8x\",\"request_id\":\"a\\nb\"}"), "x", "a b"},
    {B("cut <b"), "cut", ""},
    {B("<"), "", ""},
    {B("a\0b\x9b<i>c</i>"), "a b c", ""},
    {B("<HTML><HEAD><STYLE>x{}</STYLE></head><BODY>text"), "text", ""},
    {B("{\"message\":\"cut"), "{\"message\":\"cut", ""},
};

static void assert_reads(struct bytes body, const char *message, const char *request_id)
{
    char got[256] = "x", id[64] = "x";
    CLEANUP(free_ptr) char *copy = malloc(body.len + 1);
    assert_non_null(copy);
    if (body.data)
        memcpy(copy, body.data, body.len);
    refusal_read((struct bytes){body.data ? copy : NULL, body.len}, got, sizeof(got), id,
                 sizeof(id));
    assert_string_equal(got, message);
    assert_string_equal(id, request_id);
}

static void services_are_understood(void **state)
{
    (void)state;
    for (size_t i = 0; i < ARRAY_SIZE(known); i++)
        assert_reads(known[i].body, known[i].message, known[i].request_id);
}

static void anything_else_does_no_harm(void **state)
{
    (void)state;
    for (size_t i = 0; i < ARRAY_SIZE(odd); i++)
        assert_reads(odd[i].body, odd[i].message, odd[i].request_id);
}

static void both_answers_are_cut_to_their_sizes(void **state)
{
    (void)state;
    static const struct {
        size_t size;
        const char *message;
    } rows[] = {
        {1, ""},
        {2, "a"},
        {3, "a"},
        {4, "a b"},
        {6, "a b"},
        {7, "a b"},
        {8, "a b \344\270\255"},
        {9, "a b \344\270\255c"},
        {20, "a b \344\270\255c"},
    };
    for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
        CLEANUP(free_ptr) char *message = malloc(rows[i].size);
        char id[4];
        assert_non_null(message);
        refusal_read(bytes_of("{\"message\":\"a b  \344\270\255c\",\"request_id\":\"12345\"}"),
                     message, rows[i].size, id, sizeof(id));
        assert_string_equal(message, rows[i].message);
        assert_string_equal(id, "123");
    }
}

/* 10 MB of markup must not keep the fetcher from its work. */
static void a_large_body_is_read_quickly(void **state)
{
    (void)state;
    static const char *const units[] = {"<>", "<head>", "</head>", "<", "{", "[{\"a\":", "\xff"};
    enum { SIZE = 10000000 };
    CLEANUP(free_ptr) char *body = malloc(SIZE);
    assert_non_null(body);
    for (size_t i = 0; i < ARRAY_SIZE(units); i++) {
        char message[256], id[64];
        size_t len = strlen(units[i]);
        for (size_t at = 0; at < SIZE; at++)
            body[at] = units[i][at % len];
        clock_t start = clock();
        refusal_read((struct bytes){body, SIZE}, message, sizeof(message), id, sizeof(id));
        assert_true(clock() - start < 2 * CLOCKS_PER_SEC);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(services_are_understood),
        cmocka_unit_test(anything_else_does_no_harm),
        cmocka_unit_test(both_answers_are_cut_to_their_sizes),
        cmocka_unit_test(a_large_body_is_read_quickly),
    };
    return cmocka_run_group_tests_name("refusal", tests, NULL, NULL);
}
