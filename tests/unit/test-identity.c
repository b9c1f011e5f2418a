// SPDX-License-Identifier: Apache-2.0
#include "imsfs/identity.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

#define USER .username = "u", .user_domain_name = "D"
#define PASSWORD .method = ACCOUNT_PASSWORD, .password = "pass"
#define CREDENTIAL .method = ACCOUNT_CREDENTIAL, .credential_secret = "s3"

struct request_row {
    struct account a;
    const char *token, *body;
};

static void assert_requests(const struct request_row *rows, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        CLEANUP(strbuf_free) struct strbuf out = STRBUF_SECRET, why = STRBUF_INIT;
        if (identity_add_request(&rows[i].a, rows[i].token, &out, &why) != 0)
            fail_msg("row %zu: %s", i, strbuf_str(&why));
        assert_string_equal(strbuf_str(&out), rows[i].body);
    }
}

/* The bodies of the Identity API's manual, and Huawei's one with no domain for the project. */
static void passwords_are_sent_as_the_manuals_say(void **state)
{
    (void)state;
    static const struct request_row rows[] = {
        {{.method = ACCOUNT_PASSWORD,
          .username = "username",
          .user_domain_name = "domainname",
          .password = "********",
          .project_name = "eu-de"},
         NULL,
         "{\"auth\":{\"identity\":{\"methods\":[\"password\"],\"password\":{\"user\":{\"name\":"
         "\"username\",\"domain\":{\"name\":\"domainname\"},\"password\":\"********\"}}},"
         "\"scope\":{\"project\":{\"name\":\"eu-de\"}}}}"},
        {{PASSWORD, .user_id = "ee4d", .username = "ignored", .project_id = "a6944",
          .project_name = "ignored"},
         NULL,
         "{\"auth\":{\"identity\":{\"methods\":[\"password\"],\"password\":{\"user\":{\"id\":"
         "\"ee4d\",\"password\":\"pass\"}}},\"scope\":{\"project\":{\"id\":\"a6944\"}}}}"},
        {{PASSWORD, .username = "u", .user_domain_id = "default", .user_domain_name = "ignored",
          .project_name = "p", .project_domain_id = "default"},
         NULL,
         "{\"auth\":{\"identity\":{\"methods\":[\"password\"],\"password\":{\"user\":{\"name\":"
         "\"u\",\"domain\":{\"id\":\"default\"},\"password\":\"pass\"}}},\"scope\":{\"project\":{"
         "\"name\":\"p\",\"domain\":{\"id\":\"default\"}}}}}"},
        {{PASSWORD, USER, .project_name = "p", .project_domain_name = "Default"},
         NULL,
         "{\"auth\":{\"identity\":{\"methods\":[\"password\"],\"password\":{\"user\":{\"name\":"
         "\"u\",\"domain\":{\"name\":\"D\"},\"password\":\"pass\"}}},\"scope\":{\"project\":{"
         "\"name\":\"p\",\"domain\":{\"name\":\"Default\"}}}}}"},
        {{PASSWORD, USER},
         NULL,
         "{\"auth\":{\"identity\":{\"methods\":[\"password\"],\"password\":{\"user\":{\"name\":"
         "\"u\",\"domain\":{\"name\":\"D\"},\"password\":\"pass\"}}}}}"},
        {{PASSWORD, .passcode = "123456", .user_id = "i", .project_id = "p"},
         NULL,
         "{\"auth\":{\"identity\":{\"methods\":[\"password\",\"totp\"],\"password\":{\"user\":{"
         "\"id\":\"i\",\"password\":\"pass\"}},\"totp\":{\"user\":{\"id\":\"i\",\"passcode\":"
         "\"123456\"}}},\"scope\":{\"project\":{\"id\":\"p\"}}}}"},
        {{.method = ACCOUNT_PASSWORD, .passcode = "123456", .user_id = "i"},
         NULL,
         "{\"auth\":{\"identity\":{\"methods\":[\"totp\"],\"totp\":{\"user\":{\"id\":\"i\","
         "\"passcode\":\"123456\"}}}}}"},
        {{.method = ACCOUNT_PASSWORD, .user_id = "i", .password = "a\"\\\n\303\274{[,#:@%'"},
         NULL,
         "{\"auth\":{\"identity\":{\"methods\":[\"password\"],\"password\":{\"user\":{\"id\":\"i\","
         "\"password\":\"a\\\"\\\\\\u000a\303\274{[,#:@%'\"}}}}}"},
    };
    assert_requests(rows, ARRAY_SIZE(rows));
}

static void credentials_and_tokens_are_sent_as_the_manuals_say(void **state)
{
    (void)state;
    static const struct request_row rows[] = {
        {{CREDENTIAL, .credential_id = "c1", .project_id = "must not be said"},
         NULL,
         "{\"auth\":{\"identity\":{\"methods\":[\"application_credential\"],"
         "\"application_credential\":{\"id\":\"c1\",\"secret\":\"s3\"}}}}"},
        {{CREDENTIAL, .credential_name = "monitoring", USER},
         NULL,
         "{\"auth\":{\"identity\":{\"methods\":[\"application_credential\"],"
         "\"application_credential\":{\"name\":\"monitoring\",\"user\":{\"name\":\"u\",\"domain\":{"
         "\"name\":\"D\"}},\"secret\":\"s3\"}}}}"},
        {{CREDENTIAL, .credential_name = "monitoring", .user_id = "i"},
         NULL,
         "{\"auth\":{\"identity\":{\"methods\":[\"application_credential\"],"
         "\"application_credential\":{\"name\":\"monitoring\",\"user\":{\"id\":\"i\"},"
         "\"secret\":\"s3\"}}}}"},
        {{.method = ACCOUNT_TOKEN, .token = "unused", .project_id = "p"},
         "gAAAA",
         "{\"auth\":{\"identity\":{\"methods\":[\"token\"],\"token\":{\"id\":\"gAAAA\"}},"
         "\"scope\":{\"project\":{\"id\":\"p\"}}}}"},
    };
    assert_requests(rows, ARRAY_SIZE(rows));
}

static void what_is_missing_is_named(void **state)
{
    (void)state;
    static const struct {
        struct account a;
        const char *why;
    } rows[] = {
        {{.method = ACCOUNT_PASSWORD, .user_id = "i"}, "OS_PASSWORD is missing"},
        {{PASSWORD, .user_domain_id = "d"}, "OS_USERNAME is missing"},
        {{PASSWORD, .username = "u"}, "OS_USER_DOMAIN_NAME is missing"},
        {{PASSWORD, .username = "u", .cloud = "a\nb"},
         "cloud a\\x0ab in clouds.yaml: user_domain_name is missing"},
        {{.method = ACCOUNT_CREDENTIAL, .credential_id = "c"},
         "OS_APPLICATION_CREDENTIAL_SECRET is missing"},
        {{CREDENTIAL, .cloud = "x"},
         "cloud x in clouds.yaml: application_credential_id is missing"},
        {{CREDENTIAL, .credential_name = "c"}, "OS_USERNAME is missing"},
        {{CREDENTIAL, .credential_name = "c", .username = "u"}, "OS_USER_DOMAIN_NAME is missing"},
        {{.method = ACCOUNT_NONE}, "the account has nothing to sign in with"},
        {{.method = ACCOUNT_KEYS}, "the account has nothing to sign in with"},
        {{.method = ACCOUNT_TOKEN, .token = "t"}, "the account has nothing to sign in with"},
        {{.method = ACCOUNT_PASSWORD, .user_id = "i", .password = "canary\xfc"},
         "OS_PASSWORD is not UTF-8"},
        {{PASSWORD, .user_id = "i", .project_name = "canary\xfc", .cloud = "x"},
         "cloud x in clouds.yaml: project_name is not UTF-8"},
    };
    for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
        CLEANUP(strbuf_free) struct strbuf out = STRBUF_SECRET, why = STRBUF_INIT;
        assert_int_equal(identity_add_request(&rows[i].a, NULL, &out, &why), -EINVAL);
        assert_string_equal(strbuf_str(&why), rows[i].why);
        assert_int_equal(out.len, 0);
    }
}

/* --- Answers --- */

#define TIMES \
    "\"expires_at\":\"2024-01-02T00:00:00.000000Z\",\"issued_at\":\"2024-01-01T00:00:00.000000Z\""
#define PROJECT                                                                               \
    "\"project\":{\"id\":\"0123456789abcdef0123456789abcdef\",\"name\":\"eu-de\",\"domain\":" \
    "{\"id\":\"d0123456789abcdef0123456789abcde\",\"name\":\"domainname\"}}"
#define CATALOG                                                                              \
    "\"catalog\":[{\"type\":\"image\",\"name\":\"glance\",\"endpoints\":[{\"id\":\"5a64\","  \
    "\"interface\":\"public\",\"region\":\"RegionOne\",\"region_id\":\"RegionOne\",\"url\":" \
    "\"https://image.example.com\"}]}]"
#define TOKEN(members) "{\"token\": {\"methods\": [\"password\"], " members "}}"

static const struct account anybody = {.method = ACCOUNT_PASSWORD};

static void an_answer_is_read(void **state)
{
    (void)state;
    struct identity_grant g;
    CLEANUP(strbuf_free) struct strbuf why = STRBUF_INIT;
    struct bytes body = bytes_of(TOKEN(TIMES ", " PROJECT ", " CATALOG));
    if (identity_read_grant(body, &anybody, true, &g, &why) != 0)
        fail_msg("%s", strbuf_str(&why));
    assert_string_equal(g.project_id, "0123456789abcdef0123456789abcdef");
    assert_string_equal(g.project_name, "eu-de");
    assert_string_equal(g.project_domain_id, "d0123456789abcdef0123456789abcde");
    assert_string_equal(g.project_domain_name, "domainname");
    assert_true(g.lifetime_ms == 86400000);
    assert_string_equal(g.image_endpoint, "https://image.example.com");
    identity_grant_free(&g);
    assert_null(g.project_id);

    /* Without a look at the catalog, which may be missing then. */
    body = bytes_of(TOKEN(TIMES ",\"project\":{\"id\":\"i\",\"name\":\"n\"}"));
    assert_int_equal(identity_read_grant(body, &anybody, false, &g, &why), 0);
    assert_null(g.image_endpoint);
    assert_null(g.project_domain_id);
    assert_null(g.project_domain_name);
    identity_grant_free(&g);
}

static void the_account_chooses_the_endpoint(void **state)
{
    (void)state;
    struct identity_grant g;
    CLEANUP(strbuf_free) struct strbuf why = STRBUF_INIT;
    struct bytes body = bytes_of(TOKEN(TIMES ", " PROJECT ", " CATALOG));
    struct account a = {.region = "RegionOne", .interface = "publicURL"};
    assert_int_equal(identity_read_grant(body, &a, true, &g, &why), 0);
    identity_grant_free(&g);
    a.region = "RegionTwo";
    assert_int_equal(identity_read_grant(body, &a, true, &g, &why), -ENOENT);
    assert_string_equal(strbuf_str(&why),
                        "the catalog has no image service in region RegionTwo; it has RegionOne");
    assert_int_equal(identity_read_grant(body, &a, false, &g, &why), 0);
    identity_grant_free(&g);
    strbuf_reset(&why);
    a = (struct account){.interface = "internal"};
    assert_int_equal(identity_read_grant(body, &a, true, &g, &why), -ENOENT);
    assert_string_equal(strbuf_str(&why),
                        "the image service has no interface internal; it has public");
    strbuf_reset(&why);
    body = bytes_of(TOKEN(TIMES ", " PROJECT));
    assert_int_equal(identity_read_grant(body, &a, true, &g, &why), -ENOENT);
    assert_string_equal(strbuf_str(&why),
                        "the cloud's catalog has no image service; it has nothing");
}

static void lifetimes_are_spans(void **state)
{
    (void)state;
    static const struct {
        const char *issued, *expires;
        int64_t ms; /* 0: refused */
    } rows[] = {
        {"\"2024-01-01T00:00:00Z\"", "\"2024-01-01T00:00:20Z\"", 20000},
        {"\"2024-01-01T00:00:00.000000Z\"", "\"2024-01-01T01:00:00.999999Z\"", 3600000},
        {"\"2024-01-01T08:00:00+08:00\"", "\"2024-01-01T01:00:00Z\"", 3600000},
        {"\"2023-12-31T23:59:59Z\"", "\"2024-01-01T00:00:00\"", 1000},
        {"\"1601-01-01T00:00:00Z\"", "\"9999-12-31T23:59:59Z\"", 265046774399000},
        {"\"2024-01-01T00:00:00Z\"", "\"2024-01-01T00:00:00Z\"", 0},
        {"\"2024-01-02T00:00:00Z\"", "\"2024-01-01T00:00:00Z\"", 0},
        {"\"2024-01-01T00:00:00Z\"", "\"99999-01-01T00:00:00Z\"", 0},
        {"\"2024-01-01T00:00:00Z\"", "\"tomorrow\"", 0},
        {"\"2024-01-01T00:00:00Z\"", "\"\"", 0},
        {"\"2024-01-01T00:00:00Z\"", "1704153600", 0},
        {"\"2024-01-01T00:00:00Z\"", "null", 0},
        {"null", "\"2024-01-01T00:00:00Z\"", 0},
        {"[]", "\"2024-01-01T00:00:00Z\"", 0},
    };
    for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
        struct identity_grant g;
        CLEANUP(strbuf_free) struct strbuf body = STRBUF_INIT, why = STRBUF_INIT;
        strbuf_printf(&body, "{\"token\":{\"issued_at\":%s,\"expires_at\":%s,%s}}", rows[i].issued,
                      rows[i].expires, PROJECT);
        int r = identity_read_grant(strbuf_bytes(&body), &anybody, false, &g, &why);
        assert_int_equal(r, rows[i].ms ? 0 : -EPROTO);
        assert_int_equal(r == 0, why.len == 0);
        if (r < 0)
            continue;
        assert_true(g.lifetime_ms == rows[i].ms);
        identity_grant_free(&g);
    }
}

static void tokens_without_a_project_are_refused(void **state)
{
    (void)state;
    static const char *const bodies[] = {
        TOKEN(TIMES),
        TOKEN(TIMES ",\"project\":null"),
        TOKEN(TIMES ",\"domain\":{\"id\":\"i\",\"name\":\"n\"}"),
        TOKEN(TIMES ",\"system\":{\"all\":true}"),
    };
    struct identity_grant g;
    for (size_t i = 0; i < ARRAY_SIZE(bodies); i++) {
        CLEANUP(strbuf_free) struct strbuf why = STRBUF_INIT;
        struct account a = {.method = ACCOUNT_PASSWORD};
        assert_int_equal(identity_read_grant(bytes_of(bodies[i]), &a, true, &g, &why), -EACCES);
        assert_non_null(strstr(strbuf_str(&why), "OS_PROJECT_NAME"));
        strbuf_reset(&why);
        a.project_id = "p";
        assert_int_equal(identity_read_grant(bytes_of(bodies[i]), &a, true, &g, &why), -EACCES);
        assert_non_null(strstr(strbuf_str(&why), "the token is for no project"));
    }
}

static void what_is_no_answer_is_an_error(void **state)
{
    (void)state;
    static const char *const bodies[] = {
        "",
        "<html>canary</html>",
        "null",
        "[]",
        "{}",
        "\"canary\"",
        "{\"token\":null}",
        "{\"token\":\"canary\"}",
        "{\"token\":[]}",
        "{\"access\":{\"token\":{\"expires\":\"canary\"}}}",
        "{\"error\":{\"code\":401,\"message\":\"canary\"}}",
        TOKEN(PROJECT),
        TOKEN(TIMES ",\"project\":\"canary\""),
        TOKEN(TIMES ",\"project\":[\"canary\"]"),
        TOKEN(TIMES ",\"project\":{}"),
        TOKEN(TIMES ",\"project\":{\"id\":\"i\"}"),
        TOKEN(TIMES ",\"project\":{\"name\":\"n\"}"),
        TOKEN(TIMES ",\"project\":{\"id\":\"\",\"name\":\"n\"}"),
        TOKEN(TIMES ",\"project\":{\"id\":7,\"name\":\"n\"}"),
        TOKEN(TIMES ",\"project\":{\"id\":\"a\\u0000b\",\"name\":\"n\"}"),
        TOKEN(TIMES ",\"project\":{\"id\":\"a\\r\\nX-Canary: b\",\"name\":\"n\"}"),
        TOKEN(TIMES ",\"project\":{\"id\":\"i\",\"name\":\"n\\u007f\"}"),
        TOKEN(TIMES "," PROJECT) " x",
    };
    for (size_t i = 0; i < ARRAY_SIZE(bodies); i++) {
        struct identity_grant g = {.lifetime_ms = 7};
        CLEANUP(strbuf_free) struct strbuf why = STRBUF_INIT;
        int r = identity_read_grant(bytes_of(bodies[i]), &anybody, true, &g, &why);
        if (r != -EPROTO)
            fail_msg("%s: %d", bodies[i], r);
        assert_true(why.len > 0);
        assert_null(strstr(strbuf_str(&why), "anary"));
        assert_true(g.lifetime_ms == 7);
    }
}

/* A token object with a member "x" whose value is text, times over. */
static int read_huge(const char *open, const char *text, size_t times, const char *close)
{
    struct identity_grant g;
    CLEANUP(strbuf_free) struct strbuf body = STRBUF_INIT, why = STRBUF_INIT;
    strbuf_add_str(&body, "{\"token\":{" TIMES "," PROJECT ",\"x\":");
    strbuf_add_str(&body, open);
    for (size_t i = 0; i < times; i++)
        strbuf_add_str(&body, text);
    strbuf_add_str(&body, close);
    strbuf_add_str(&body, "}}");
    int r = identity_read_grant(strbuf_bytes(&body), &anybody, false, &g, &why);
    if (r == 0)
        identity_grant_free(&g);
    return r;
}

static void huge_answers_are_bounded(void **state)
{
    (void)state;
    assert_int_equal(read_huge("\"", "0123456789abcdef", 1000, "\""), 0);
    assert_int_equal(read_huge("\"", "0123456789abcdef", 1 << 18, "\""), -EPROTO);
    assert_int_equal(read_huge("[0", ",0", 1000, "]"), 0);
    assert_int_equal(read_huge("[0", ",0", 200000, "]"), -EPROTO);
    assert_int_equal(read_huge("", "[", 100000, ""), -EPROTO);

    struct identity_grant g;
    CLEANUP(strbuf_free) struct strbuf body = STRBUF_INIT, why = STRBUF_INIT;
    strbuf_add_str(&body, "{\"token\":{" TIMES ",\"project\":{\"name\":\"n\",\"id\":\"");
    for (int i = 0; i < 2000; i++)
        strbuf_add_str(&body, "i");
    strbuf_add_str(&body, "\"}}}");
    assert_int_equal(identity_read_grant(strbuf_bytes(&body), &anybody, false, &g, &why), -EPROTO);
}

static void a_grant_is_for_the_accounts_project(void **state)
{
    (void)state;
    struct identity_grant g = {
        .project_id = "i",
        .project_name = "n",
        .project_domain_id = "di",
        .project_domain_name = "dn",
    };
    const struct {
        struct account a;
        bool is_for;
    } rows[] = {
        {{.method = ACCOUNT_TOKEN}, true},
        {{.project_id = "i"}, true},
        {{.project_id = "I"}, false},
        {{.project_id = "i", .project_name = "other"}, true},
        {{.project_id = "other", .project_name = "n"}, false},
        {{.project_name = "n"}, true},
        {{.project_name = "N"}, true},
        {{.project_name = "other"}, false},
        {{.project_name = "n", .project_domain_id = "di"}, true},
        {{.project_name = "n", .project_domain_id = "other", .project_domain_name = "dn"}, false},
        {{.project_name = "n", .project_domain_name = "DN"}, true},
        {{.project_name = "n", .project_domain_name = "other"}, false},
        {{.project_name = "other", .project_domain_id = "di"}, false},
        {{.project_domain_name = "other"}, true},
    };
    for (size_t i = 0; i < ARRAY_SIZE(rows); i++)
        if (identity_is_for(&g, &rows[i].a) != rows[i].is_for)
            fail_msg("row %zu", i);
    g.project_domain_id = g.project_domain_name = NULL;
    assert_true(identity_is_for(&g, &rows[9].a));
    assert_true(identity_is_for(&g, &rows[11].a));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(passwords_are_sent_as_the_manuals_say),
        cmocka_unit_test(credentials_and_tokens_are_sent_as_the_manuals_say),
        cmocka_unit_test(what_is_missing_is_named),
        cmocka_unit_test(an_answer_is_read),
        cmocka_unit_test(the_account_chooses_the_endpoint),
        cmocka_unit_test(lifetimes_are_spans),
        cmocka_unit_test(tokens_without_a_project_are_refused),
        cmocka_unit_test(what_is_no_answer_is_an_error),
        cmocka_unit_test(huge_answers_are_bounded),
        cmocka_unit_test(a_grant_is_for_the_accounts_project),
    };
    return cmocka_run_group_tests_name("identity", tests, NULL, NULL);
}
