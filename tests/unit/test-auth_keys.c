// SPDX-License-Identifier: Apache-2.0
#include "imsfs/auth_keys.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>

#include <cmocka.h>

#include "fake-server.h"
#include "imsfs/log.h"

#define ACCESS "AccessKey"
#define SECRET "canary-secret-key"
#define TEMPORARY "canary-security-token"
#define PROJECT "0123456789abcdef0123456789abcdef"
#define PROJECTS "{\"projects\": [{\"id\": \"" PROJECT "\", \"name\": \"eu-de test\"}]}"
#define WRONG                                                                            \
    "{\"error_msg\": \"Incorrect IAM authentication information: verify aksk signature " \
    "fail " SECRET "\", \"error_code\": \"APIGW.0301\", \"request_id\": \"1\"}"

static const struct url safe = {.base = (char[]){"https://ims.example.com"}, .https = true};

/* Time passes only when a test says so. */
static int64_t later_ms = 1000000;

static int64_t test_now(void *ctx)
{
    (void)ctx;
    return later_ms;
}

static const struct clock test_clock = {.now_ms = test_now};

static struct account account_of(const char *auth_url)
{
    return (struct account){
        .method = ACCOUNT_KEYS,
        .auth_url = (char *)auth_url,
        .access_key = (char *)ACCESS,
        .secret_key = (char *)SECRET,
        .region = (char *)"eu-de test",
    };
}

static struct account account_with_project(void)
{
    struct account a = account_of(NULL);
    a.project_id = (char *)PROJECT;
    return a;
}

static struct auth *auth_of(const struct account *account, enum signature_form form)
{
    struct auth *a;
    struct auth_error error;
    const struct auth_keys_config config = {
        .account = account,
        .form = form,
        .http = {.clock = &test_clock, .tries = 1},
    };
    if (auth_keys_new(&a, &config, &error) < 0)
        fail_msg("%s", error.text);
    return a;
}

static int prepare(struct auth *a, struct auth_error *error)
{
    return auth_prepare(a, clock_now_ms(&test_clock) + 10000, error);
}

/* The value of a header line; NULL: there is none. */
static const char *value_of(const struct header_lines *h, const char *name)
{
    size_t len = strlen(name);
    for (size_t i = 0; i < h->count; i++) {
        if (strncmp(h->lines[i], name, len) == 0 && strncmp(h->lines[i] + len, ": ", 2) == 0)
            return h->lines[i] + len + 2;
    }
    return NULL;
}

/* --- Signing --- */

static void assert_signed(const struct account *account, enum signature_form form, const char *url,
                          const char *host, const char *path, const char *query)
{
    CLEANUP(strbuf_free) struct strbuf expected = STRBUF_INIT;
    struct auth *a = auth_of(account, form);
    struct auth_error error;
    struct http_request request = {.url = url};
    assert_int_equal(prepare(a, &error), 0);
    assert_int_equal(auth_headers(a, &safe, &request), 0);
    const struct signature_header headers[] = {
        {"host", host}, {"x-project-id", PROJECT}, {"x-security-token", account->security_token}};
    const struct signature_request what = {
        .method = "GET",
        .path = bytes_of(path),
        .query = bytes_of(query),
        .headers = headers,
        .header_count = account->security_token ? 3 : 2,
    };
    const struct signature_key key = {ACCESS, SECRET};
    const char *date = value_of(&request.headers, "X-Sdk-Date");
    assert_non_null(date);
    assert_int_equal(signature_add(form, &key, &what, date, &expected), 0);
    assert_string_equal(value_of(&request.headers, "Authorization"), strbuf_str(&expected));
    assert_string_equal(value_of(&request.headers, "Host"), host);
    assert_string_equal(value_of(&request.headers, "X-Project-Id"), PROJECT);
    assert_int_equal(request.headers.count, account->security_token ? 5 : 4);
    header_lines_free(&request.headers);
    auth_free(a);
}

static void each_request_is_signed(void **state)
{
    (void)state;
    static const struct {
        const char *url, *host, *path, *query;
    } rows[] = {
        {"https://h/v2/images", "h", "/v2/images", ""},
        {"https://h:443/v2/images?limit=1&marker=a%20b", "h", "/v2/images", "limit=1&marker=a%20b"},
        {"http://h:80/x/v2/images?name=a?b", "h", "/x/v2/images", "name=a?b"},
        {"HTTPS://h:443/v2/images", "h", "/v2/images", ""},
        {"https://h:80/v2/images", "h:80", "/v2/images", ""},
        {"https://h:8443/v2/images", "h:8443", "/v2/images", ""},
        {"http://h:443/v2/images", "h:443", "/v2/images", ""},
        {"http://[::1]:9292/v2/images", "[::1]:9292", "/v2/images", ""},
        {"https://[::443]/v2/images", "[::443]", "/v2/images", ""},
    };
    struct account account = account_with_project();
    for (size_t i = 0; i < ARRAY_SIZE(rows); i++)
        assert_signed(&account, SIGNATURE_PLAIN, rows[i].url, rows[i].host, rows[i].path,
                      rows[i].query);
    assert_signed(&account, SIGNATURE_SCOPED, rows[0].url, "h", "/v2/images", "");
    account.security_token = (char *)TEMPORARY;
    assert_signed(&account, SIGNATURE_PLAIN, rows[0].url, "h", "/v2/images", "");
    assert_signed(&account, SIGNATURE_SCOPED, rows[0].url, "h", "/v2/images", "");
}

static void keys_stay_off_open_networks(void **state)
{
    (void)state;
    const struct url open = {.base = (char[]){"http://ims.example.com"}};
    struct account account = account_with_project();
    struct auth *a = auth_of(&account, SIGNATURE_PLAIN);
    struct auth_error error;
    struct http_request request = {.url = "http://ims.example.com/v2/images"};
    assert_string_equal(auth_project(a), PROJECT);
    assert_false(auth_may_send(a, &open, &error));
    assert_int_equal(auth_headers(a, &open, &request), -EPERM);
    assert_int_equal(request.headers.count, 0);
    auth_free(a);
    account = account_of("http://iam.example.com/v3");
    const struct auth_keys_config config = {.account = &account};
    assert_int_equal(auth_keys_new(&a, &config, &error), -EINVAL);
    assert_non_null(strstr(error.text, "insecure_http"));
}

static void accounts_that_cannot_sign_are_refused(void **state)
{
    (void)state;
    const struct {
        const char *access, *secret, *token, *project, *auth_url, *region, *expected;
    } rows[] = {
        {NULL, SECRET, NULL, "p", NULL, NULL, "the access key is missing"},
        {ACCESS, NULL, NULL, "p", NULL, NULL, "the secret key is missing"},
        {ACCESS, SECRET " ", NULL, "p", NULL, NULL, "the secret key has spaces"},
        {ACCESS "\r\nX: y", SECRET, NULL, "p", NULL, NULL, "the access key has spaces"},
        {ACCESS, SECRET, TEMPORARY "\n", "p", NULL, NULL, "the security token has spaces"},
        {ACCESS, SECRET, NULL, "p\n", NULL, NULL, "the project id has spaces"},
        {ACCESS, SECRET, NULL, NULL, NULL, "eu-de", "HW_AUTH_URL"},
        {ACCESS, SECRET, NULL, NULL, "https://iam.example.com", NULL, "HW_REGION_NAME"},
        {ACCESS, SECRET, NULL, NULL, "ftp://iam.example.com", "eu-de", "https://"},
    };
    for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
        struct account account = {
            .method = ACCOUNT_KEYS,
            .access_key = (char *)rows[i].access,
            .secret_key = (char *)rows[i].secret,
            .security_token = (char *)rows[i].token,
            .project_id = (char *)rows[i].project,
            .auth_url = (char *)rows[i].auth_url,
            .region = (char *)rows[i].region,
        };
        const struct auth_keys_config config = {.account = &account};
        struct auth *a;
        struct auth_error error = {""};
        assert_int_equal(auth_keys_new(&a, &config, &error), -EINVAL);
        if (!strstr(error.text, rows[i].expected))
            fail_msg("%s: %s", rows[i].expected, error.text);
        assert_null(strstr(error.text, "canary"));
    }
}

/* --- The look-up --- */

/* What the server says: ctx. */
struct script {
    int status;
    const char *extra, *body;
};

static enum fake_end say(struct fake_server *s, unsigned n, const char *request, struct strbuf *out)
{
    (void)n;
    (void)request;
    const struct script *script = s->ctx;
    fake_reply(out, script->status, script->extra ? script->extra : "", script->body);
    return FAKE_KEEP;
}

struct look_up {
    struct fake_server server;
    struct script script;
    struct account account;
    char auth_url[64];
    struct auth *auth;
    struct auth_error error;
};

static void start(struct look_up *l, struct script script)
{
    memset(l, 0, sizeof(*l));
    l->script = script;
    fake_start(&l->server, say, &l->script);
    snprintf(l->auth_url, sizeof(l->auth_url), "http://127.0.0.1:%u/iam/v3/", l->server.port);
    l->account = account_of(l->auth_url);
    l->auth = auth_of(&l->account, SIGNATURE_PLAIN);
}

static void stop(struct look_up *l)
{
    auth_free(l->auth);
    fake_stop(&l->server);
}

static void the_project_is_looked_up_once(void **state)
{
    (void)state;
    struct look_up l;
    char head[8192];
    struct http_request request = {.url = "https://ims.example.com/v2/images"};
    start(&l, (struct script){200, NULL, PROJECTS});
    assert_null(auth_project(l.auth));
    assert_int_equal(prepare(l.auth, &l.error), 0);
    assert_string_equal(auth_project(l.auth), PROJECT);
    assert_int_equal(prepare(l.auth, &l.error), 0);
    assert_int_equal(atomic_load(&l.server.requests), 1);
    fake_last_request(&l.server, head);
    const char *line = "GET /iam/v3/projects?name=eu-de%20test HTTP/1.1\r\n";
    assert_memory_equal(head, line, strlen(line));
    assert_non_null(strstr(head, "\r\nX-Sdk-Date: "));
    assert_non_null(strstr(head, "\r\nAuthorization: SDK-HMAC-SHA256 Access=" ACCESS
                                 ", SignedHeaders=host;x-sdk-date, Signature="));
    assert_null(strcasestr(head, "X-Project-Id"));
    assert_null(strstr(head, "canary"));
    /* One host line, and that is the one that was signed. */
    const char *host = strstr(head, "\r\nHost: 127.0.0.1:");
    assert_non_null(host);
    assert_null(strstr(host + 1, "\r\nHost:"));
    assert_int_equal(auth_headers(l.auth, &safe, &request), 0);
    assert_string_equal(value_of(&request.headers, "X-Project-Id"), PROJECT);
    header_lines_free(&request.headers);
    stop(&l);
}

static void assert_held(struct look_up *l, unsigned requests, const char *left)
{
    assert_true(prepare(l->auth, &l->error) < 0);
    if (!strstr(l->error.text, left))
        fail_msg("%s", l->error.text);
    assert_int_equal(atomic_load(&l->server.requests), requests);
}

static void a_refused_look_up_is_not_repeated_soon(void **state)
{
    (void)state;
    struct look_up l;
    start(&l, (struct script){401, NULL, WRONG});
    assert_int_equal(prepare(l.auth, &l.error), -EACCES);
    assert_non_null(strstr(l.error.text, "verify aksk signature fail ***"));
    assert_non_null(strstr(l.error.text, "check the access key"));
    assert_null(strstr(l.error.text, "canary"));
    assert_held(&l, 1, "the next try is in 60 s");
    assert_non_null(strstr(l.error.text, "verify aksk signature fail"));
    assert_null(strstr(l.error.text, "canary"));
    later_ms += 30000;
    assert_held(&l, 1, "the next try is in 30 s");
    later_ms += 31000;
    assert_int_equal(prepare(l.auth, &l.error), -EACCES);
    assert_held(&l, 2, "the next try is in 120 s");
    later_ms += 121000;
    l.script = (struct script){200, NULL, PROJECTS};
    assert_int_equal(prepare(l.auth, &l.error), 0);
    stop(&l);
}

static void what_is_no_use_is_not_asked_again_soon(void **state)
{
    (void)state;
    static const struct {
        struct script script;
        int error;
        const char *expected;
    } rows[] = {
        {{200, NULL, "{\"projects\": []}"}, -ENOENT, "no project is called eu-de test"},
        {{200, NULL, "<html>"}, -EPROTO, "check auth_url"},
        {{403, NULL, "{\"error\": {\"message\": \"no\"}}"}, -EACCES, "HTTP 403: no"},
    };
    for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
        struct look_up l;
        start(&l, rows[i].script);
        int r = prepare(l.auth, &l.error);
        if (r != rows[i].error || !strstr(l.error.text, rows[i].expected))
            fail_msg("%d: %s", r, l.error.text);
        assert_held(&l, 1, "the next try is in 60 s");
        stop(&l);
    }
}

static void one_that_is_busy_is_asked_again(void **state)
{
    (void)state;
    static const int statuses[] = {404, 429, 500, 503};
    for (size_t i = 0; i < ARRAY_SIZE(statuses); i++) {
        struct look_up l;
        start(&l, (struct script){statuses[i], NULL, "{}"});
        assert_int_equal(prepare(l.auth, &l.error), -EIO);
        l.script = (struct script){200, NULL, PROJECTS};
        assert_int_equal(prepare(l.auth, &l.error), 0);
        stop(&l);
    }
}

static void a_clock_that_is_off_is_named(void **state)
{
    (void)state;
    struct look_up l;
    start(&l, (struct script){401, "Date: Wed, 22 Jul 2015 16:00:00 GMT\r\n", WRONG});
    assert_int_equal(prepare(l.auth, &l.error), -EACCES);
    if (!strstr(l.error.text, "minutes ahead of that of the server"))
        fail_msg("%s", l.error.text);
    stop(&l);
}

/* --- The image service refuses --- */

static struct http_response answer_of(int status, const char *body)
{
    struct http_response r = {.status = status, .fields = HEADER_FIELDS_INIT};
    strbuf_add_str(&r.body, body);
    return r;
}

static void assert_refusal(int status, const char *body, int expected)
{
    struct account account = account_with_project();
    struct auth *a = auth_of(&account, SIGNATURE_PLAIN);
    struct auth_error error = {""};
    struct http_response answer = answer_of(status, body);
    auth_accepted(a, auth_proof(a)); /* earlier */
    assert_false(
        auth_refused(a, auth_proof(a), &answer)); /* the same keys would only lock themselves */
    if (prepare(a, &error) != expected)
        fail_msg("%d: %s", status, error.text);
    assert_null(strstr(error.text, "canary"));
    if (expected < 0)
        assert_non_null(strstr(error.text, "the next try is in 60 s"));
    auth_accepted(a, auth_proof(a));
    assert_int_equal(prepare(a, &error), 0);
    http_response_free(&answer);
    auth_free(a);
}

static void a_wrong_signature_stops_requests(void **state)
{
    (void)state;
    assert_refusal(401, WRONG, -EACCES);
    assert_refusal(401, "", -EACCES);
    assert_refusal(403, WRONG, -EACCES);
    assert_refusal(403, "{\"error_code\":\"APIG.0301\",\"error_msg\":\"no\"}", -EACCES);
    assert_refusal(403, "{\"message\": \"The Signature has expired\"}", -EACCES);
    assert_refusal(403, "{\"error\": {\"message\": \"not for this role\"}}", 0);
    assert_refusal(403, "", 0);
}

/* Several requests were out; for the account that is one, if those after it wait. */
static void refusals_at_the_same_time_are_one(void **state)
{
    (void)state;
    struct account account = account_with_project();
    struct auth *a = auth_of(&account, SIGNATURE_PLAIN);
    struct auth_error error = {""};
    assert_true(auth_is_delicate(a));
    unsigned proof = auth_proof(a);
    auth_accepted(a, proof);
    assert_false(auth_is_delicate(a));
    for (unsigned i = 0; i < 3; i++) {
        struct http_response answer = answer_of(401, WRONG);
        assert_int_equal(auth_refused(a, proof, &answer), i > 0);
        assert_int_equal(prepare(a, &error), -EACCES);
        assert_non_null(strstr(error.text, "the next try is in 60 s"));
        http_response_free(&answer);
    }
    assert_true(auth_is_delicate(a));
    auth_accepted(a, proof); /* a late one */
    assert_true(auth_is_delicate(a));
    auth_free(a);
}

static void the_clock_is_the_advice(void **state)
{
    (void)state;
    static const struct {
        int64_t off_s;
        const char *expected;
    } rows[] = {
        {-2 * 3600, "120 minutes ahead"},
        {20 * 60 + 30, "20 minutes behind"},
        {60, "check the access key"},
        {-60, "check the access key"},
    };
    struct account account = account_with_project();
    struct auth *a = auth_of(&account, SIGNATURE_PLAIN);
    for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
        struct http_response answer = answer_of(401, WRONG);
        answer.fields.date = clock_wall().tv_sec + rows[i].off_s;
        assert_false(auth_refused(a, auth_proof(a), &answer));
        if (!strstr(auth_advice(a), rows[i].expected))
            fail_msg("%s", auth_advice(a));
        http_response_free(&answer);
    }
    auth_free(a);
    account.security_token = (char *)TEMPORARY;
    a = auth_of(&account, SIGNATURE_PLAIN);
    assert_non_null(strstr(auth_advice(a), "temporary"));
    auth_free(a);
}

static void a_cancelled_look_up_ends(void **state)
{
    (void)state;
    struct look_up l;
    start(&l, (struct script){200, NULL, PROJECTS});
    auth_cancel(l.auth);
    assert_int_equal(prepare(l.auth, &l.error), -ECANCELED);
    stop(&l);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(each_request_is_signed),
        cmocka_unit_test(keys_stay_off_open_networks),
        cmocka_unit_test(accounts_that_cannot_sign_are_refused),
        cmocka_unit_test(the_project_is_looked_up_once),
        cmocka_unit_test(a_refused_look_up_is_not_repeated_soon),
        cmocka_unit_test(what_is_no_use_is_not_asked_again_soon),
        cmocka_unit_test(one_that_is_busy_is_asked_again),
        cmocka_unit_test(a_clock_that_is_off_is_named),
        cmocka_unit_test(a_wrong_signature_stops_requests),
        cmocka_unit_test(refusals_at_the_same_time_are_one),
        cmocka_unit_test(the_clock_is_the_advice),
        cmocka_unit_test(a_cancelled_look_up_ends),
    };
    log_setup(LOG_SINK_STDERR, LOG_LEVEL_ERROR);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
