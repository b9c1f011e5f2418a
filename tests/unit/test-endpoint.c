// SPDX-License-Identifier: Apache-2.0
#include "imsfs/endpoint.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

static void test_calls(void **state)
{
    (void)state;
    assert_string_equal(list_call_find("images")->path, "/v2/images");
    assert_false(list_call_find("images")->by_last_id);
    assert_string_equal(list_call_find("cloudimages")->path, "/v2/cloudimages");
    assert_true(list_call_find("cloudimages")->by_last_id);
    assert_null(list_call_find("file"));
    assert_null(list_call_find(""));
}

static void test_pages(void **state)
{
    static const struct {
        const char *endpoint, *call, *criteria, *marker;
        unsigned limit;
        const char *url;
    } rows[] = {
        {"https://a.example.com", "images", NULL, "", 0, "https://a.example.com/v2/images"},
        {"https://a.example.com/v2", "images", NULL, "", 5,
         "https://a.example.com/v2/images?limit=5"},
        {"https://a.example.com/image/", "cloudimages", NULL, "b", 5,
         "https://a.example.com/image/v2/cloudimages?marker=b&limit=5"},
        {"https://a.example.com", "images", NULL, "a/b&limit=9", 0,
         "https://a.example.com/v2/images?marker=a%2Fb%26limit%3D9"},
        {"https://a.example.com", "images", "", "b", 5,
         "https://a.example.com/v2/images?marker=b&limit=5"},
        {"https://a.example.com", "images", "tag=b&tag=a&name=\xc3\xa9 x", "", 7,
         "https://a.example.com/v2/images?name=%C3%A9%20x&tag=a&tag=b&limit=7"},
        {"https://a.example.com", "images", "tag=b&tag=a", "m", 7,
         "https://a.example.com/v2/images?marker=m&tag=a&tag=b&limit=7"},
        /* The criteria's own marker is where the first page begins. */
        {"https://a.example.com", "images", "marker=old&limit=2", "", 0,
         "https://a.example.com/v2/images?limit=2&marker=old"},
        {"https://a.example.com", "images", "marker=old&status=active", "new", 3,
         "https://a.example.com/v2/images?marker=new&status=active&limit=3"},
    };
    (void)state;
    for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
        CLEANUP(strbuf_free) struct strbuf out = STRBUF_INIT;
        CLEANUP(url_free) struct url service = {0};
        char why[256];
        struct query *q = NULL;
        struct query_error err;
        assert_int_equal(url_parse_endpoint(&service, rows[i].endpoint, why, sizeof(why)), 0);
        if (rows[i].criteria)
            assert_int_equal(
                query_parse(&q, bytes_of(rows[i].criteria), QUERY_DIALECT_UNKNOWN, &err), 0);
        assert_int_equal(endpoint_add_page(&service, list_call_find(rows[i].call), q,
                                           bytes_of(rows[i].marker), rows[i].limit, &out),
                         0);
        assert_string_equal(strbuf_str(&out), rows[i].url);
        query_free(q);
    }
}

static void test_no_service_yet(void **state)
{
    const struct url nowhere = {0};
    CLEANUP(strbuf_free) struct strbuf out = STRBUF_INIT;
    (void)state;
    endpoint_add_call(&nowhere, list_call_find("images"), &out);
    assert_string_equal(strbuf_str(&out), "/v2/images");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_calls),
        cmocka_unit_test(test_pages),
        cmocka_unit_test(test_no_service_yet),
    };
    return cmocka_run_group_tests_name("endpoint", tests, NULL, NULL);
}
