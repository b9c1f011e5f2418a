// SPDX-License-Identifier: Apache-2.0
#include "imsfs/signature.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

#define SCOPED_DATE "20240101T000000Z"

static const struct signature_key example_key = {"AccessKey", "SecretKey"};

/* Requests of public clients' own unit tests, and further ones that those clients sign alike. */
static const struct vector {
    const char *name, *method, *path, *query, *date, *body;
    struct signature_header headers[4];
    size_t header_count;
    const char *canonical; /* NULL: not published */
    const char *hash;      /* of the canonical request */
    const char *names, *signature;
} vectors[] = {
    {
        .name = "Huawei Cloud SDK for Go, test1",
        .method = "GET",
        .path = "/path",
        .query = "limit=1",
        .date = "20060102T150405Z",
        .body = "",
        .canonical = "GET\n/path/\nlimit=1\nx-sdk-date:20060102T150405Z\n\nx-sdk-date\n"
                     "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855",
        .hash = "85c3b7730f308aee452b16138a42a914397e43a8f0d732dfa521c0ef2afa98a4",
        .names = "x-sdk-date",
        .signature = "5a2ce64c865e0e6046321c6f3d5a77ba8413eeaf355c3166c03d58d02ac79624",
    },
    {
        .name = "the same with what is not signed",
        .method = "GET",
        .path = "/path",
        .query = "limit=1",
        .date = "20060102T150405Z",
        .body = "",
        .headers = {{"TEST_UNDERSCORE", "x"}, {"Content-Type", "text/plain"}},
        .header_count = 2,
        .hash = "85c3b7730f308aee452b16138a42a914397e43a8f0d732dfa521c0ef2afa98a4",
        .names = "x-sdk-date",
        .signature = "5a2ce64c865e0e6046321c6f3d5a77ba8413eeaf355c3166c03d58d02ac79624",
    },
    {
        .name = "Huawei Cloud SDK for Python, test_signer1",
        .method = "GET",
        .path = "/resources",
        .query = "size=1",
        .date = "20200608T023900Z",
        .body = "",
        .headers = {{"Host", "service.endpoint.myhuaweicloud.com"}},
        .header_count = 1,
        .canonical = "GET\n/resources/\nsize=1\nhost:service.endpoint.myhuaweicloud.com\n"
                     "x-sdk-date:20200608T023900Z\n\nhost;x-sdk-date\n"
                     "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855",
        .hash = "de94dd1e1ccdb730b403ce35d7e14f7c7b04337f6def1c3a3a2ba936852b133f",
        .names = "host;x-sdk-date",
        .signature = "cfb4171acec81de07d50e53d57eb77edd537414d66ddb1d7d780f128e12cd842",
    },
    {
        .name = "Huawei Cloud SDK for Python, test_signer2",
        .method = "POST",
        .path = "/resources",
        .query = "size=1",
        .date = "20200608T023900Z",
        .body = "{\"name\":\"test\",\"id\":1}",
        .headers = {{"host", " service.endpoint.myhuaweicloud.com\t"}},
        .header_count = 1,
        .hash = "2b1b2515e48cb55e043ff2ec5b93d3f13ec287e1da1d7a2e4e14b0611a341969",
        .names = "host;x-sdk-date",
        .signature = "436b1ac0a1ae03705934bb70ef2f2e09f7bfed2117d731a38235053199323a1f",
    },
    {
        .name = "public images of a project",
        .method = "GET",
        .path = "/v2/cloudimages",
        .query = "visibility=public&protected=true&limit=500&__imagetype=gold",
        .date = "20240101T000000Z",
        .body = "",
        .headers = {{"X-Project-Id", "0123456789abcdef0123456789abcdef"},
                    {"Host", "ims.cn-north-4.myhuaweicloud.com"}},
        .header_count = 2,
        .hash = "7c95b0b01c5e672e7d48a98356e710baa43f04bf0f84fd68242edf39d403d47a",
        .names = "host;x-project-id;x-sdk-date",
        .signature = "575b60aba50e1f250f8412926c86ae6010ba8acd09b339ed40db39d4dcfc4a2c",
    },
    {
        .name = "a marker, with temporary keys",
        .method = "GET",
        .path = "/v2/cloudimages",
        .query = "marker=bc6bed6e-ba3a-4447-afcc-449174a3eb52&limit=500",
        .date = "20240101T000000Z",
        .body = "",
        .headers = {{"X-Security-Token", "TOKENTOKEN"},
                    {"Host", "ims.cn-north-4.myhuaweicloud.com"},
                    {"X-Project-Id", "0123456789abcdef0123456789abcdef"}},
        .header_count = 3,
        .hash = "f2bba372fe2125577deb3efbc0793386babf3d3bc8ef8f38961febdd1a7575fc",
        .names = "host;x-project-id;x-sdk-date;x-security-token",
        .signature = "3b638c7af93d4359fa3d5e08d8cfd311432605088fd52b4e8f4d2fddcf9e6936",
    },
    {
        .name = "criteria that are encoded",
        .method = "GET",
        .path = "/v2/cloudimages",
        .query = "__platform=Oracle%20Linux&created_at=lt%3A2018-10-28T10%3A00%3A00Z&"
                 "name=CentOS%207.3%2064bit%20vivado&tag=a%3Db",
        .date = "20240101T000000Z",
        .body = "",
        .headers = {{"Host", "ims.cn-north-4.myhuaweicloud.com"}},
        .header_count = 1,
        .hash = "89ac3e4d8cfaa76fc4715d6e5f71d5893d2a03d3ae5816aa35cb22126c29d3a1",
        .names = "host;x-sdk-date",
        .signature = "a0b985feea7906f1c3d687aa69ad1734aa5c0ee193145735938801ba57a2a0d8",
    },
    {
        .name = "the same in other spellings",
        .method = "GET",
        .path = "/v2/%63loudimages/",
        .query = "tag=a=b&&name=CentOS+7.3%2064bit+vivado&"
                 "created_at=lt:2018-10-28T10%3a00:00Z&__platform=Oracle+Linux",
        .date = "20240101T000000Z",
        .body = "",
        .headers = {{"HOST", "ims.cn-north-4.myhuaweicloud.com"}},
        .header_count = 1,
        .hash = "89ac3e4d8cfaa76fc4715d6e5f71d5893d2a03d3ae5816aa35cb22126c29d3a1",
        .names = "host;x-sdk-date",
        .signature = "a0b985feea7906f1c3d687aa69ad1734aa5c0ee193145735938801ba57a2a0d8",
    },
};

static struct signature_request request_of(const struct vector *v)
{
    return (struct signature_request){
        .method = v->method,
        .path = bytes_of(v->path),
        .query = bytes_of(v->query),
        .headers = v->headers,
        .header_count = v->header_count,
        .body = bytes_of(v->body),
    };
}

static void assert_text(const char *name, struct strbuf *actual, const char *expected)
{
    if (!streq(strbuf_str(actual), expected))
        fail_msg("%s:\n%s\nexpected:\n%s", name, strbuf_str(actual), expected);
    strbuf_reset(actual);
}

static void assert_vector(const struct vector *v)
{
    CLEANUP(strbuf_free) struct strbuf out = STRBUF_INIT, expected = STRBUF_INIT;
    struct signature_request request = request_of(v);
    if (v->canonical) {
        assert_int_equal(signature_add_canonical(SIGNATURE_PLAIN, &request, v->date, &out), 0);
        assert_text(v->name, &out, v->canonical);
    }
    strbuf_printf(&expected, "SDK-HMAC-SHA256\n%s\n%s", v->date, v->hash);
    assert_int_equal(signature_add_string(SIGNATURE_PLAIN, &request, v->date, &out), 0);
    assert_text(v->name, &out, strbuf_str(&expected));
    strbuf_reset(&expected);
    strbuf_printf(&expected, "SDK-HMAC-SHA256 Access=AccessKey, SignedHeaders=%s, Signature=%s",
                  v->names, v->signature);
    assert_int_equal(signature_add(SIGNATURE_PLAIN, &example_key, &request, v->date, &out), 0);
    assert_text(v->name, &out, strbuf_str(&expected));
}

static void published_requests_have_their_signatures(void **state)
{
    (void)state;
    for (size_t i = 0; i < ARRAY_SIZE(vectors); i++)
        assert_vector(&vectors[i]);
}

/* The line of the canonical request that has the query. */
static void assert_query(enum signature_form form, const char *query, const char *expected)
{
    CLEANUP(strbuf_free) struct strbuf out = STRBUF_INIT;
    struct signature_request request = {
        .method = "GET", .path = bytes_of("/"), .query = bytes_of(query)};
    assert_int_equal(signature_add_canonical(form, &request, SCOPED_DATE, &out), 0);
    assert_memory_equal(out.data, "GET\n/\n", 6);
    const char *line = out.data + 6;
    size_t len = strcspn(line, "\n");
    if (len != strlen(expected) || memcmp(line, expected, len) != 0)
        fail_msg("%s: %.*s", query, (int)len, line);
}

static void queries_are_sorted_and_encoded_in_one_way(void **state)
{
    (void)state;
    /* Of the unit tests of both SDKs. */
    assert_query(SIGNATURE_PLAIN,
                 "limit=1&enable=true&test=%E4%B8%80%20(%26%3D%3F!%23%25.*)&path=/tmp/123&"
                 "multi=3&multi=1&multi=2",
                 "enable=true&limit=1&multi=1&multi=2&multi=3&path=%2Ftmp%2F123&"
                 "test=%E4%B8%80%20%28%26%3D%3F%21%23%25.%2A%29");
    assert_query(SIGNATURE_PLAIN, "b=1&_c=2&A=3&a=4", "A=3&_c=2&a=4&b=1");
    assert_query(SIGNATURE_SCOPED, "b=1&A=3&aa=5&a=4", "A=3&a=4&aa=5&b=1");
    assert_query(SIGNATURE_PLAIN, "b&a=", "a=&b=");
    assert_query(SIGNATURE_PLAIN, "m=%zz%4", "m=%25zz%254");
    assert_query(SIGNATURE_PLAIN, "m=%00%0a", "m=%00%0A");
    assert_query(SIGNATURE_PLAIN, "", "");
}

static void assert_path(const char *path, const char *expected)
{
    CLEANUP(strbuf_free) struct strbuf out = STRBUF_INIT, start = STRBUF_INIT;
    struct signature_request request = {.method = "GET", .path = bytes_of(path)};
    strbuf_printf(&start, "GET\n%s\n\n", expected);
    assert_int_equal(signature_add_canonical(SIGNATURE_PLAIN, &request, SCOPED_DATE, &out), 0);
    if (out.len < start.len || memcmp(out.data, start.data, start.len) != 0)
        fail_msg("%s: %s", path, strbuf_str(&out));
}

static void paths_end_in_a_slash(void **state)
{
    (void)state;
    assert_path("", "/");
    assert_path("/", "/");
    assert_path("/a", "/a/");
    assert_path("/a/", "/a/");
    assert_path("/a//b", "/a//b/");
    assert_path("/a+b/%7e%20!", "/a%2Bb/~%20%21/");
}

/* The example is one client's; no server has confirmed it. */
static void the_scoped_form_has_a_key_for_the_day(void **state)
{
    (void)state;
    static const struct signature_header headers[] = {
        {"Host", "ims.eu-de.otc.t-systems.com"},
        {"Accept", "application/json"},
    };
    const struct signature_request request = {
        .method = "GET",
        .path = bytes_of("/v2/cloudimages"),
        .query = bytes_of("limit=500"),
        .headers = headers,
        .header_count = ARRAY_SIZE(headers),
    };
    CLEANUP(strbuf_free) struct strbuf out = STRBUF_INIT;
    assert_int_equal(signature_add_string(SIGNATURE_SCOPED, &request, SCOPED_DATE, &out), 0);
    assert_text("string", &out,
                "SDK-HMAC-SHA256\n20240101T000000Z\n20240101///sdk_request\n"
                "11c4d7d398160bffcf987288f71dc803fa30b05327818b77ea08d9f27e2e43cc");
    assert_int_equal(signature_add(SIGNATURE_SCOPED, &example_key, &request, SCOPED_DATE, &out), 0);
    assert_text("header", &out,
                "SDK-HMAC-SHA256 Credential=AccessKey/20240101///sdk_request, "
                "SignedHeaders=accept;host;x-sdk-date, Signature="
                "eccab6a78cd3c8bda296b517d59471a926ed5d80309beefbaa57e159b7258dde");
}

static void what_cannot_be_signed_adds_nothing(void **state)
{
    (void)state;
    static const struct signature_header many[SIGNATURE_HEADERS_MAX + 1] = {{"a", "b"}};
    CLEANUP(strbuf_free) struct strbuf out = STRBUF_INIT;
    struct signature_request request = {
        .method = "GET", .path = bytes_of("/"), .headers = many, .header_count = ARRAY_SIZE(many)};
    assert_int_equal(signature_add(SIGNATURE_PLAIN, &example_key, &request, SCOPED_DATE, &out),
                     -EINVAL);
    request.header_count = 0;
    assert_int_equal(signature_add(SIGNATURE_SCOPED, &example_key, &request, "2024", &out),
                     -EINVAL);
    assert_int_equal(out.len, 0);
}

static void dates_are_in_utc(void **state)
{
    (void)state;
    char date[SIGNATURE_DATE_SIZE];
    setenv("TZ", "Asia/Shanghai", 1);
    signature_date(1136214245, date);
    assert_string_equal(date, "20060102T150405Z");
    signature_date(0, date);
    assert_string_equal(date, "19700101T000000Z");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(published_requests_have_their_signatures),
        cmocka_unit_test(queries_are_sorted_and_encoded_in_one_way),
        cmocka_unit_test(paths_end_in_a_slash),
        cmocka_unit_test(the_scoped_form_has_a_key_for_the_day),
        cmocka_unit_test(what_cannot_be_signed_adds_nothing),
        cmocka_unit_test(dates_are_in_utc),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
