// SPDX-License-Identifier: Apache-2.0
#include "imsfs/url.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

static void endpoints_lose_their_version_and_keep_their_prefix(void **state)
{
    (void)state;
    static const struct {
        const char *text, *base;
        bool https, loopback;
    } rows[] = {
        {"https://ims.example.com", "https://ims.example.com", true, false},
        {"https://ims.example.com/", "https://ims.example.com", true, false},
        {"https://ims.example.com/v2", "https://ims.example.com", true, false},
        {"https://ims.example.com/v2/", "https://ims.example.com", true, false},
        {"https://ims.example.com/v2.15//", "https://ims.example.com", true, false},
        {"https://example.com:8443/image/v2", "https://example.com:8443/image", true, false},
        {"https://example.com/image/v3", "https://example.com/image/v3", true, false},
        {"https://example.com/v2/v2", "https://example.com/v2", true, false},
        {"https://example.com/ev2", "https://example.com/ev2", true, false},
        {"https://example.com/v2.", "https://example.com/v2.", true, false},
        {"HTTP://LocalHost:9292", "HTTP://LocalHost:9292", false, true},
        {"http://127.1.2.3/x", "http://127.1.2.3/x", false, true},
        {"http://[::1]:80/v2", "http://[::1]:80", false, true},
        {"http://[::2]", "http://[::2]", false, false},
        {"http://127.0.0.1.example.com", "http://127.0.0.1.example.com", false, false},
        {"http://128.0.0.1", "http://128.0.0.1", false, false},
    };
    for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
        struct url u;
        char error[128] = "";
        if (url_parse_endpoint(&u, rows[i].text, error, sizeof(error)) < 0)
            fail_msg("%s: %s", rows[i].text, error);
        assert_string_equal(u.base, rows[i].base);
        assert_int_equal(u.https, rows[i].https);
        assert_int_equal(u.loopback, rows[i].loopback);
        url_free(&u);
    }
}

static void identity_services_lose_any_version(void **state)
{
    (void)state;
    static const struct {
        const char *text, *base;
    } rows[] = {
        {"https://iam.example.com", "https://iam.example.com"},
        {"https://iam.example.com/v3", "https://iam.example.com"},
        {"https://iam.example.com/v3/", "https://iam.example.com"},
        {"https://iam.example.com//v3//", "https://iam.example.com"},
        {"https://iam.example.com/v3.14", "https://iam.example.com"},
        {"http://controller:5000/v2.0", "http://controller:5000"},
        {"http://controller:5000/v2.0/", "http://controller:5000"},
        {"https://example.com/identity", "https://example.com/identity"},
        {"https://example.com:5000/identity/v3", "https://example.com:5000/identity"},
        {"https://example.com/keystone/main/v3/", "https://example.com/keystone/main"},
        {"https://example.com/v3/identity", "https://example.com/v3/identity"},
        {"https://example.com/v1", "https://example.com/v1"},
        {"https://example.com/v33", "https://example.com/v33"},
        {"https://example.com/v3.", "https://example.com/v3."},
        {"https://example.com/v.3", "https://example.com/v.3"},
        {"https://example.com/v", "https://example.com/v"},
        {"https://example.com/iv3", "https://example.com/iv3"},
        {"http://[::1]:5000/v3", "http://[::1]:5000"},
    };
    for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
        struct url u;
        char error[128] = "";
        if (url_parse_identity(&u, rows[i].text, error, sizeof(error)) < 0)
            fail_msg("%s: %s", rows[i].text, error);
        assert_string_equal(u.base, rows[i].base);
        url_free(&u);
    }
}

static void what_hides_something_is_refused(void **state)
{
    (void)state;
    static const char *const texts[] = {
        "",
        "ims.example.com",
        "ftp://example.com",
        "file:///etc/passwd",
        "https://",
        "https:///v2",
        "https://user@example.com",
        "https://user:secret@example.com",
        "https://a/b@c?secret",
        "https://example.com?secret=1",
        "https://example.com/#x",
        "https://exa mple.com",
        "https://example.com/a b",
        "https://example.com\\@evil.com",
        "https://example.com/\n",
        "https://example.com:0",
        "https://example.com:65536",
        "https://example.com:80x",
        "https://[::1",
        "https://[::1]x",
        "https://[zz]",
        "https://\303\274ber.example",
        "https://exa%6dple.com",
        "https://:80",
    };
    for (size_t i = 0; i < ARRAY_SIZE(texts); i++) {
        struct url u;
        char error[128] = "";
        if (url_parse_endpoint(&u, texts[i], error, sizeof(error)) != -EINVAL ||
            url_parse_identity(&u, texts[i], error, sizeof(error)) != -EINVAL)
            fail_msg("taken: %s", texts[i]);
        assert_true(error[0] != '\0');
        assert_null(strstr(error, "secret"));
    }
}

static void values_of_query_strings_are_decoded(void **state)
{
    (void)state;
    static const struct {
        const char *url, *value; /* NULL: none */
    } rows[] = {
        {"/v2/images?limit=1&marker=abc", "abc"},
        {"http://x/v2/images?marker=a%2fb%3D+c#marker=z", "a/b= c"},
        {"/v2/images?marker=a&marker=b", "b"},
        {"?marker=%zz%4", "%zz%4"},
        {"?marker=", ""},
        {"?marker", ""},
        {"?xmarker=1&markerx=2", NULL},
        {"/marker=1", NULL},
        {"", NULL},
    };
    for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
        CLEANUP(strbuf_free) struct strbuf out = STRBUF_INIT;
        bool found = url_query_value(bytes_of(rows[i].url), "marker", &out);
        assert_int_equal(found, rows[i].value != NULL);
        assert_string_equal(strbuf_str(&out), found ? rows[i].value : "");
    }
}

static void values_are_encoded(void **state)
{
    (void)state;
    CLEANUP(strbuf_free) struct strbuf out = STRBUF_INIT;
    url_add_encoded(&out, (struct bytes){"aZ09-._~ /&=+%\0\xff", 16});
    assert_string_equal(strbuf_str(&out), "aZ09-._~%20%2F%26%3D%2B%25%00%FF");
}

static void values_are_decoded(void **state)
{
    (void)state;
    CLEANUP(strbuf_free) struct strbuf path = STRBUF_INIT, form = STRBUF_INIT;
    url_add_decoded(&path, bytes_of("a+b%2Fc%zz%4%00"), false);
    assert_true(bytes_equal(strbuf_bytes(&path), (struct bytes){"a+b/c%zz%4\0", 11}));
    url_add_decoded(&form, bytes_of("a+b%2B"), true);
    assert_string_equal(strbuf_str(&form), "a b+");
}

static void ports_are_said_or_implied(void **state)
{
    (void)state;
    static const struct {
        const char *address;
        uint16_t port;
    } rows[] = {
        {"https://ims.example.com", 443},
        {"http://ims.example.com/v2", 80},
        {"HTTPS://h:9292/a:1/v2", 9292},
        {"http://h:5000", 5000},
        {"https://[2001:db8::1]/v2", 443},
        {"https://[2001:db8::1]:8443/v2", 8443},
        {"http://127.0.0.1:65535/", 65535},
        {"ims.example.com:9292", 0},
        {"", 0},
    };
    for (size_t i = 0; i < ARRAY_SIZE(rows); i++)
        assert_int_equal(url_port(rows[i].address), rows[i].port);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(endpoints_lose_their_version_and_keep_their_prefix),
        cmocka_unit_test(identity_services_lose_any_version),
        cmocka_unit_test(what_hides_something_is_refused),
        cmocka_unit_test(values_of_query_strings_are_decoded),
        cmocka_unit_test(values_are_encoded),
        cmocka_unit_test(values_are_decoded),
        cmocka_unit_test(ports_are_said_or_implied),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
