// SPDX-License-Identifier: Apache-2.0
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <errno.h>
#include <sys/stat.h>

#include "fake-server.h"
#include "imsfs/auth_keystone.h"
#include "imsfs/log.h"
#include "programs.h"

/* A Keystone that gives the tokens T1, T2, ... */
struct world {
    struct fake_server server;
    int64_t now_ms;
    struct clock clock;
    char auth_url[64];
    struct account account;
    struct token *token;
    struct auth *auth;
    struct auth_error error;
    /* what it does */
    atomic_int status; /* of its answers; 0: it says nothing */
    int lifetime_s;
    const char *project; /* of its tokens, "" for none */
    const char *image;
    bool no_token;    /* in the answer */
    const char *date; /* its Date, NULL for none */
};

static int64_t fake_now(void *ctx)
{
    return *(int64_t *)ctx;
}

static void add_grant(const struct world *w, const char *project, struct strbuf *body)
{
    strbuf_printf(body,
                  "{\"token\": {\"issued_at\": \"2026-01-01T00:00:00.000000Z\", "
                  "\"expires_at\": \"2026-01-01T%02d:%02d:%02d.000000Z\", \"catalog\": ["
                  "{\"type\": \"image\", \"endpoints\": [{\"interface\": \"public\", \"region\": "
                  "\"R1\", \"region_id\": \"R1\", \"url\": \"%s\"}]}]",
                  w->lifetime_s / 3600, w->lifetime_s / 60 % 60, w->lifetime_s % 60, w->image);
    if (*project)
        strbuf_printf(body, ", \"project\": {\"id\": \"%s-id\", \"name\": \"%s\"}", project,
                      project);
    strbuf_add_str(body, "}}");
}

static enum fake_end answer(struct fake_server *s, unsigned n, const char *request,
                            struct strbuf *out)
{
    struct world *w = s->ctx;
    CLEANUP(strbuf_free) struct strbuf body = STRBUF_INIT;
    char headers[160] = "";
    bool asked_about = strncmp(request, "GET ", 4) == 0;
    int status = atomic_load(&w->status);
    if (status == 0)
        return FAKE_CLOSE;
    if (status >= 400) {
        fake_reply(out, status, "X-Openstack-Request-Id: req-1\r\n",
                   "{\"error\":{\"code\":401,\"message\":\"No, not with s3cret.\"}}");
        return FAKE_KEEP;
    }
    if (!asked_about && !w->no_token)
        snprintf(headers, sizeof(headers), "X-Subject-Token: T%u\r\n", n + 1);
    if (asked_about && w->date)
        snprintf(headers, sizeof(headers), "Date: %s\r\n", w->date);
    add_grant(w, asked_about ? w->project : "ops", &body);
    fake_reply(out, asked_about ? 200 : 201, headers, strbuf_str(&body));
    return FAKE_KEEP;
}

static void world_begin(struct world *w)
{
    memset(w, 0, sizeof(*w));
    w->now_ms = 1000000;
    w->clock = (struct clock){fake_now, &w->now_ms};
    atomic_store(&w->status, 200);
    w->lifetime_s = 3600;
    w->project = "ops";
    w->image = "https://image.example.com/v2";
    fake_start(&w->server, answer, w);
    snprintf(w->auth_url, sizeof(w->auth_url), "http://127.0.0.1:%u/identity/v3", w->server.port);
    w->account = (struct account){
        .method = ACCOUNT_PASSWORD,
        .auth_url = w->auth_url,
        .username = (char *)"joe",
        .user_domain_name = (char *)"Default",
        .password = (char *)"s3cret",
        .project_name = (char *)"ops",
        .project_domain_name = (char *)"Default",
        .interface = (char *)"public",
    };
}

static void world_open(struct world *w, bool want_endpoint)
{
    const struct auth_keystone_config config = {
        .account = &w->account,
        .token = w->token,
        .want_endpoint = want_endpoint,
        .http = {.clock = &w->clock, .backoff_ms = 2, .tries = 1},
    };
    if (auth_keystone_new(&w->auth, &config, &w->error) < 0)
        fail_msg("%s", w->error.text);
}

static void world_end(struct world *w)
{
    auth_free(w->auth);
    token_free(w->token);
    fake_stop(&w->server);
}

static int prepare(struct world *w)
{
    w->error.text[0] = '\0';
    int r = auth_prepare(w->auth, w->now_ms + 5000, &w->error);
    if (r < 0) {
        assert_null(strstr(w->error.text, "s3cret"));
        assert_null(strchr(w->error.text, '\n'));
    }
    return r;
}

static void assert_error_has(struct world *w, const char *text)
{
    if (!strstr(w->error.text, text))
        fail_msg("\"%s\" is not in: %s", text, w->error.text);
}

static void assert_sends(struct world *w, const char *token)
{
    const struct url safe = {.base = (char *)"https://image.example.com", .https = true};
    char line[64];
    struct http_request request = {0};
    if (prepare(w) < 0)
        fail_msg("%s", w->error.text);
    snprintf(line, sizeof(line), "X-Auth-Token: %s", token);
    assert_int_equal(auth_headers(w->auth, &safe, &request), 0);
    assert_int_equal(request.headers.count, 1);
    assert_string_equal(request.headers.lines[0], line);
    header_lines_free(&request.headers);
}

static bool refuse(struct world *w)
{
    struct http_response answer = {.status = 401, .fields = HEADER_FIELDS_INIT};
    return auth_refused(w->auth, auth_proof(w->auth), &answer);
}

static void signing_in_finds_the_service(void **state)
{
    (void)state;
    struct world w;
    char request[8192];
    world_begin(&w);
    world_open(&w, true);
    assert_null(auth_project(w.auth));
    assert_sends(&w, "T1");
    assert_string_equal(w.auth->image.base, "https://image.example.com");
    CLEANUP(strbuf_free) struct strbuf id = STRBUF_INIT;
    strbuf_printf(&id, "%s-id", w.project);
    assert_string_equal(auth_project(w.auth), strbuf_str(&id));
    fake_last_request(&w.server, request);
    assert_int_equal(strncmp(request, "POST /identity/v3/auth/tokens HTTP/1.1\r\n", 40), 0);
    assert_non_null(strstr(request, "\"s3cret\""));
    assert_sends(&w, "T1");
    assert_int_equal(w.server.requests, 1);
    assert_int_equal(w.auth->sign_ins, 1);
    world_end(&w);
}

static void a_token_is_renewed_before_it_expires(void **state)
{
    (void)state;
    struct world w;
    world_begin(&w);
    w.lifetime_s = 20;
    world_open(&w, true);
    assert_sends(&w, "T1");
    w.now_ms += 17999;
    assert_sends(&w, "T1");
    w.now_ms += 1;
    assert_sends(&w, "T2");
    w.now_ms += 1000000; /* a long sleep */
    assert_sends(&w, "T3");
    assert_int_equal(w.server.requests, 3);
    world_end(&w);
}

static void while_keystone_is_away_the_token_is_used_up(void **state)
{
    (void)state;
    struct world w;
    world_begin(&w);
    w.lifetime_s = 100;
    world_open(&w, true);
    assert_sends(&w, "T1");
    atomic_store(&w.status, 0);
    w.now_ms += 90000;
    assert_sends(&w, "T1");
    unsigned tried = w.server.requests;
    assert_sends(&w, "T1"); /* not asked again before each request */
    assert_int_equal(w.server.requests, tried);
    w.now_ms += 9999;
    assert_sends(&w, "T1");
    w.now_ms += 1;
    assert_true(prepare(&w) < 0);
    assert_error_has(&w, "127.0.0.1");
    atomic_store(&w.status, 200); /* it is back: no pause */
    assert_int_equal(prepare(&w), 0);
    world_end(&w);
}

static void a_refused_sign_in_is_tried_again_after_minutes(void **state)
{
    (void)state;
    struct world w;
    world_begin(&w);
    atomic_store(&w.status, 401);
    world_open(&w, true);
    assert_int_equal(prepare(&w), -EACCES);
    assert_error_has(&w, "cannot sign in as joe for project ops");
    assert_error_has(&w, "HTTP 401: No, not with ******.");
    assert_error_has(&w, "check the user");
    for (int i = 0; i < 50; i++) {
        w.now_ms += 1199;
        assert_int_equal(prepare(&w), -EACCES);
        assert_error_has(&w, "HTTP 401");
        assert_error_has(&w, "the next try is in");
    }
    assert_int_equal(w.server.requests, 1);
    w.now_ms += 50;
    assert_int_equal(prepare(&w), -EACCES);
    assert_int_equal(w.server.requests, 2);
    w.now_ms += 119000;
    assert_int_equal(prepare(&w), -EACCES);
    assert_int_equal(w.server.requests, 2);
    atomic_store(&w.status, 200);
    w.now_ms += 1000;
    assert_sends(&w, "T3");
    world_end(&w);
}

/* A wrong password must not be tried again and again because the token is still taken. */
static void a_refused_renewal_is_held_though_the_old_token_is_taken(void **state)
{
    (void)state;
    struct world w;
    world_begin(&w);
    world_open(&w, true);
    assert_sends(&w, "T1");
    auth_accepted(w.auth, auth_proof(w.auth));
    atomic_store(&w.status, 401);
    w.now_ms += 3300 * 1000;
    for (int i = 0; i < 299; i++) {
        w.now_ms += 1000;
        assert_sends(&w, "T1");
        auth_accepted(w.auth, auth_proof(w.auth));
    }
    w.now_ms += 1000;
    assert_int_equal(prepare(&w), -EACCES);
    assert_error_has(&w, "cannot sign in as joe");
    assert_in_range(w.server.requests, 2, 4); /* one sign-in, then after 1, 2 and 4 minutes */
    world_end(&w);
}

static void a_token_that_fails_is_replaced_once(void **state)
{
    (void)state;
    struct world w;
    world_begin(&w);
    world_open(&w, true);
    assert_sends(&w, "T1");
    auth_accepted(w.auth, auth_proof(w.auth));
    assert_true(refuse(&w)); /* revoked */
    assert_sends(&w, "T2");
    assert_false(refuse(&w)); /* a new one is no good either */
    assert_int_equal(prepare(&w), -EACCES);
    assert_error_has(&w, "does not let us in");
    assert_int_equal(w.server.requests, 2);
    w.now_ms += HOLD_FIRST_MS;
    assert_sends(&w, "T3");
    world_end(&w);
}

/* Two requests were out with the same token. */
static void a_late_refusal_does_not_count(void **state)
{
    (void)state;
    struct world w;
    struct http_response answer = {.status = 401, .fields = HEADER_FIELDS_INIT};
    world_begin(&w);
    world_open(&w, true);
    assert_sends(&w, "T1");
    unsigned first = auth_proof(w.auth);
    auth_accepted(w.auth, first);
    assert_true(auth_refused(w.auth, first, &answer));
    assert_true(auth_refused(w.auth, first, &answer)); /* before there is a new one */
    assert_sends(&w, "T2");
    assert_true(auth_refused(w.auth, first, &answer));
    assert_sends(&w, "T2");
    assert_int_equal(w.server.requests, 2);
    auth_accepted(w.auth, first); /* says nothing of T2 */
    assert_false(refuse(&w));
    assert_int_equal(prepare(&w), -EACCES);
    assert_error_has(&w, "next try is in 60 s");
    assert_true(auth_refused(w.auth, first, &answer));
    assert_int_equal(prepare(&w), -EACCES);
    assert_error_has(&w, "next try is in 60 s");
    world_end(&w);
}

static void tokens_that_never_last_are_not_fetched_for_ever(void **state)
{
    (void)state;
    struct world w;
    world_begin(&w);
    world_open(&w, true);
    for (int minute = 1; minute <= 3; minute++) {
        assert_int_equal(prepare(&w), 0);
        auth_accepted(w.auth, auth_proof(w.auth));
        bool again = refuse(&w); /* once may be chance */
        assert_int_equal(again, minute == 1);
        if (!again) {
            assert_int_equal(prepare(&w), -EACCES);
            w.now_ms += HOLD_FIRST_MS;
        }
    }
    assert_int_equal(w.server.requests, 3);
    assert_int_equal(prepare(&w), 0);
    auth_accepted(w.auth, auth_proof(w.auth));
    w.now_ms += 61000; /* this one lasts */
    assert_true(refuse(&w));
    world_end(&w);
}

static void what_the_catalog_lacks_is_no_loop(void **state)
{
    (void)state;
    struct world w;
    world_begin(&w);
    w.account.region = (char *)"R2";
    world_open(&w, true);
    assert_int_equal(prepare(&w), -ENOENT);
    assert_error_has(&w, "R1");
    assert_int_equal(prepare(&w), -ENOENT); /* without asking */
    assert_error_has(&w, "R1");
    assert_int_equal(w.server.requests, 1);
    world_end(&w);
    world_begin(&w);
    w.image = "ftp://image.example.com";
    world_open(&w, true);
    assert_int_equal(prepare(&w), -EIO);
    assert_error_has(&w, "https://");
    world_end(&w);
    world_begin(&w);
    w.image = "http://image.example.com"; /* no token is kept that could not be used */
    world_open(&w, true);
    assert_int_equal(prepare(&w), -EPERM);
    assert_error_has(&w, "unencrypted");
    assert_false(auth_is_ready(w.auth));
    world_end(&w);
    world_begin(&w);
    w.no_token = true;
    world_open(&w, false);
    assert_int_equal(prepare(&w), -EPROTO);
    world_end(&w);
}

static void open_with(struct world *w, const struct token_config *config)
{
    CLEANUP(strbuf_free) struct strbuf why = STRBUF_INIT;
    w->account.method = ACCOUNT_TOKEN;
    w->account.username = w->account.password = w->account.user_domain_name = NULL;
    assert_int_equal(token_new(&w->token, config, &why), 0);
    world_open(w, true);
}

static void open_with_token(struct world *w, const char *token)
{
    open_with(w, &(struct token_config){.fixed = token});
}

static void a_token_for_our_project_is_used_as_it_is(void **state)
{
    (void)state;
    struct world w;
    char request[8192];
    world_begin(&w);
    open_with_token(&w, "s3cret-token");
    assert_sends(&w, "s3cret-token");
    fake_last_request(&w.server, request);
    assert_int_equal(strncmp(request, "GET /identity/v3/auth/tokens ", 29), 0);
    assert_non_null(strstr(request, "X-Subject-Token: s3cret-token\r\n"));
    assert_string_equal(w.auth->image.base, "https://image.example.com");
    assert_false(refuse(&w));
    world_end(&w);
}

static void another_token_is_exchanged(void **state)
{
    (void)state;
    static const char *const projects[] = {"", "other"};
    for (size_t i = 0; i < ARRAY_SIZE(projects); i++) {
        struct world w;
        char request[8192];
        world_begin(&w);
        w.project = projects[i];
        open_with_token(&w, "s3cret-token");
        assert_sends(&w, "T2");
        fake_last_request(&w.server, request);
        assert_non_null(strstr(request, "\"s3cret-token\""));
        assert_int_equal(w.server.requests, 2);
        world_end(&w);
    }
}

/* "issued_at" may be long ago. */
static void what_is_left_of_a_token_is_by_the_clock_of_keystone(void **state)
{
    (void)state;
    struct world w;
    world_begin(&w);
    w.date = "Thu, 01 Jan 2026 00:50:00 GMT";
    open_with_token(&w, "s3cret-token");
    assert_sends(&w, "s3cret-token");
    assert_int_equal(w.auth->expires_ms, w.now_ms + 600 * 1000);
    w.now_ms += 539 * 1000;
    assert_sends(&w, "s3cret-token");
    assert_int_equal(w.server.requests, 1);
    w.now_ms += 1000;
    assert_sends(&w, "s3cret-token");
    assert_int_equal(w.server.requests, 2);
    world_end(&w);
}

static void write_file(const char *path, const char *text)
{
    FILE *f = fopen(path, "w");
    assert_non_null(f);
    fputs(text, f);
    fclose(f);
}

/* The user was told to put a new token there, and shall not wait for the pause to end. */
static void a_new_token_in_the_file_ends_the_pause(void **state)
{
    (void)state;
    struct world w;
    char path[] = "/tmp/imsfs-test-XXXXXX";
    int fd = mkstemp(path);
    assert_true(fd >= 0);
    close(fd);
    write_file(path, "s3cret");
    world_begin(&w);
    atomic_store(&w.status, 401);
    open_with(&w, &(struct token_config){.file = path});
    for (int i = 0; i < 3; i++)
        assert_int_equal(prepare(&w), -EACCES);
    assert_error_has(&w, "HTTP 401");
    assert_int_equal(w.server.requests, 1);
    atomic_store(&w.status, 200);
    write_file(path, "new");
    assert_sends(&w, "new");
    unlink(path);
    world_end(&w);
}

/* A program may sign in somewhere itself. */
static void a_program_is_not_run_in_the_pause(void **state)
{
    (void)state;
    struct world w;
    struct stat st;
    char path[] = "/tmp/imsfs-test-XXXXXX", command[80];
    int fd = mkstemp(path);
    assert_true(fd >= 0);
    snprintf(command, sizeof(command), "printf x >>%s; echo s3cret", path);
    world_begin(&w);
    atomic_store(&w.status, 401);
    open_with(&w, &(struct token_config){.command = command});
    for (int i = 0; i < 3; i++)
        assert_int_equal(prepare(&w), -EACCES);
    assert_error_has(&w, "HTTP 401");
    assert_int_equal(fstat(fd, &st), 0);
    assert_int_equal(st.st_size, 1);
    w.now_ms += HOLD_FIRST_MS;
    assert_int_equal(prepare(&w), -EACCES);
    assert_int_equal(fstat(fd, &st), 0);
    assert_int_equal(st.st_size, 2);
    assert_int_equal(w.server.requests, 2);
    close(fd);
    unlink(path);
    world_end(&w);
}

/* Nothing was sent, so nobody can lock anything. */
static void a_file_that_cannot_be_read_makes_no_pause(void **state)
{
    (void)state;
    struct world w;
    world_begin(&w);
    open_with(&w, &(struct token_config){.file = "/nonexistent/token"});
    for (int i = 0; i < 2; i++) {
        assert_int_equal(prepare(&w), -ENOENT);
        assert_error_has(&w, "/nonexistent/token: No such file");
        assert_null(strstr(w.error.text, "locked"));
    }
    assert_int_equal(w.server.requests, 0);
    world_end(&w);
}

static void a_token_without_a_project_is_refused(void **state)
{
    (void)state;
    struct world w;
    world_begin(&w);
    w.project = "";
    w.account.project_name = w.account.project_domain_name = NULL;
    open_with_token(&w, "s3cret-token");
    assert_int_equal(prepare(&w), -EACCES);
    assert_error_has(&w, "project");
    assert_int_equal(w.server.requests, 1);
    world_end(&w);
}

static void a_passcode_is_good_for_one_sign_in(void **state)
{
    (void)state;
    struct world w;
    world_begin(&w);
    w.account.passcode = (char *)"123456";
    world_open(&w, true);
    assert_sends(&w, "T1");
    w.now_ms += 3600 * 1000;
    assert_int_equal(prepare(&w), -EACCES);
    assert_error_has(&w, "OS_PASSCODE");
    assert_int_equal(w.server.requests, 1);
    world_end(&w);
}

static void a_passcode_that_was_not_taken_is_still_good(void **state)
{
    (void)state;
    struct world w;
    world_begin(&w);
    w.account.passcode = (char *)"123456";
    world_open(&w, true);
    atomic_store(&w.status, 404);
    assert_int_equal(prepare(&w), -EIO);
    atomic_store(&w.status, 503);
    assert_int_equal(prepare(&w), -EIO);
    assert_error_has(&w, "HTTP 503");
    assert_error_has(&w, "check auth_url");
    atomic_store(&w.status, 200);
    assert_sends(&w, "T3");
    world_end(&w);
}

/* What we say ourselves has no secret in it; asterisks there would tell one. */
static void a_password_like_the_name_is_not_given_away(void **state)
{
    (void)state;
    struct world w;
    world_begin(&w);
    atomic_store(&w.status, 401);
    w.account.password = w.account.username;
    world_open(&w, true);
    assert_int_equal(auth_prepare(w.auth, w.now_ms + 5000, &w.error), -EACCES);
    assert_error_has(&w, "cannot sign in as joe for");
    world_end(&w);
}

static void passwords_stay_off_open_networks(void **state)
{
    (void)state;
    struct world w;
    world_begin(&w);
    w.account.auth_url = (char *)"http://keystone.example.com:5000";
    struct auth_keystone_config config = {.account = &w.account};
    assert_int_equal(auth_keystone_new(&w.auth, &config, &w.error), -EINVAL);
    assert_error_has(&w, "insecure_http");
    config.insecure_http = true;
    assert_int_equal(auth_keystone_new(&w.auth, &config, &w.error), 0);
    world_end(&w);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(signing_in_finds_the_service),
        cmocka_unit_test(a_token_is_renewed_before_it_expires),
        cmocka_unit_test(while_keystone_is_away_the_token_is_used_up),
        cmocka_unit_test(a_refused_sign_in_is_tried_again_after_minutes),
        cmocka_unit_test(a_refused_renewal_is_held_though_the_old_token_is_taken),
        cmocka_unit_test(a_token_that_fails_is_replaced_once),
        cmocka_unit_test(a_late_refusal_does_not_count),
        cmocka_unit_test(tokens_that_never_last_are_not_fetched_for_ever),
        cmocka_unit_test(what_the_catalog_lacks_is_no_loop),
        cmocka_unit_test(a_token_for_our_project_is_used_as_it_is),
        cmocka_unit_test(another_token_is_exchanged),
        cmocka_unit_test(what_is_left_of_a_token_is_by_the_clock_of_keystone),
        cmocka_unit_test(a_new_token_in_the_file_ends_the_pause),
        PROGRAM_TEST(a_program_is_not_run_in_the_pause),
        cmocka_unit_test(a_file_that_cannot_be_read_makes_no_pause),
        cmocka_unit_test(a_token_without_a_project_is_refused),
        cmocka_unit_test(a_passcode_is_good_for_one_sign_in),
        cmocka_unit_test(a_passcode_that_was_not_taken_is_still_good),
        cmocka_unit_test(a_password_like_the_name_is_not_given_away),
        cmocka_unit_test(passwords_stay_off_open_networks),
    };
    log_setup(LOG_SINK_STDERR, LOG_LEVEL_ERROR);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
