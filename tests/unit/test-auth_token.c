// SPDX-License-Identifier: Apache-2.0
#include "imsfs/auth_token.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <unistd.h>

#include <cmocka.h>

#include "imsfs/log.h"
#include "programs.h"

static char path[] = "/tmp/imsfs-test-XXXXXX";
static const struct url safe = {.base = (char *)"https://ims.example.com", .https = true};

static int64_t fake_now(void *ctx)
{
    return *(int64_t *)ctx;
}

/* An auth with its token and a clock that stands still. */
struct world {
    int64_t now_ms;
    struct clock clock;
    struct token *token;
    struct auth *auth;
};

static void world_begin(struct world *w, const struct token_config *config, bool insecure_http)
{
    CLEANUP(strbuf_free) struct strbuf why = STRBUF_INIT;
    *w = (struct world){.now_ms = 1000};
    w->clock = (struct clock){fake_now, &w->now_ms};
    if (config && token_new(&w->token, config, &why) < 0)
        fail_msg("%s", strbuf_str(&why));
    const struct auth_token_config auth = {w->token, &w->clock, insecure_http};
    assert_int_equal(auth_token_new(&w->auth, &auth), 0);
}

static void world_end(struct world *w)
{
    auth_free(w->auth);
    token_free(w->token);
}

static void write_token(const char *text)
{
    FILE *f = fopen(path, "w");
    assert_non_null(f);
    fputs(text, f);
    fclose(f);
}

static int prepare(struct world *w, struct auth_error *error)
{
    error->text[0] = '\0';
    return auth_prepare(w->auth, w->now_ms + 5000, error);
}

/* What the next request would carry; NULL: nothing. */
static void assert_sends(struct world *w, const char *expected)
{
    struct auth_error error;
    struct http_request request = {0};
    if (prepare(w, &error) < 0)
        fail_msg("%s", error.text);
    assert_int_equal(auth_headers(w->auth, &safe, &request), 0);
    assert_int_equal(request.headers.count, expected ? 1 : 0);
    if (expected)
        assert_string_equal(request.headers.lines[0], expected);
    header_lines_free(&request.headers);
}

static bool refuse(struct world *w)
{
    struct http_response answer = {.status = 401, .fields = HEADER_FIELDS_INIT};
    return auth_refused(w->auth, auth_proof(w->auth), &answer);
}

static void a_fixed_token_stays(void **state)
{
    (void)state;
    struct world w;
    world_begin(&w, &(struct token_config){.fixed = "gAAAA-_=="}, false);
    assert_sends(&w, "X-Auth-Token: gAAAA-_==");
    assert_false(refuse(&w));
    assert_sends(&w, "X-Auth-Token: gAAAA-_=="); /* the service may think better of it */
    world_end(&w);
}

static void without_a_token_nothing_is_sent(void **state)
{
    (void)state;
    struct world w;
    const struct url open = {.base = (char *)"http://ims.example.com"};
    struct auth_error error;
    world_begin(&w, NULL, false);
    assert_sends(&w, NULL);
    assert_false(refuse(&w));
    assert_true(auth_may_send(w.auth, &open, &error));
    assert_string_equal(w.auth->kind, "none");
    world_end(&w);
}

static void an_expired_token_is_read_again(void **state)
{
    (void)state;
    struct world w;
    world_begin(&w, &(struct token_config){.file = path}, false);
    write_token("one\n");
    assert_sends(&w, "X-Auth-Token: one");
    auth_accepted(w.auth, auth_proof(w.auth));
    write_token("two\n");
    assert_sends(&w, "X-Auth-Token: one"); /* as long as it is good */
    assert_true(refuse(&w));
    assert_sends(&w, "X-Auth-Token: two");
    assert_non_null(strstr(auth_advice(w.auth), path));
    world_end(&w);
}

static void a_refused_token_waits_for_another(void **state)
{
    (void)state;
    struct world w;
    struct auth_error error;
    world_begin(&w, &(struct token_config){.file = path}, false);
    write_token("bad");
    assert_sends(&w, "X-Auth-Token: bad");
    assert_false(refuse(&w));
    assert_int_equal(prepare(&w, &error), -EACCES);
    assert_non_null(strstr(error.text, "next try is in 60 s"));
    assert_null(strstr(error.text, "bad"));
    write_token("good"); /* at once */
    assert_sends(&w, "X-Auth-Token: good");
    auth_accepted(w.auth, auth_proof(w.auth));
    world_end(&w);
}

static void the_same_token_is_tried_after_a_minute(void **state)
{
    (void)state;
    struct world w;
    struct auth_error error;
    world_begin(&w, &(struct token_config){.file = path}, false);
    write_token("bad");
    assert_sends(&w, "X-Auth-Token: bad");
    assert_false(refuse(&w));
    w.now_ms += HOLD_FIRST_MS - 1;
    assert_int_equal(prepare(&w, &error), -EACCES);
    w.now_ms += 1;
    assert_sends(&w, "X-Auth-Token: bad");
    assert_false(refuse(&w));
    w.now_ms += 2 * HOLD_FIRST_MS - 1;
    assert_int_equal(prepare(&w, &error), -EACCES);
    world_end(&w);
}

static void a_program_is_left_in_peace(void **state)
{
    (void)state;
    char command[128];
    struct world w;
    struct auth_error error;
    write_token("");
    snprintf(command, sizeof(command), "echo x >>%s; echo token-$(wc -l <%s)", path, path);
    world_begin(&w, &(struct token_config){.command = command}, false);
    assert_sends(&w, "X-Auth-Token: token-1");
    auth_accepted(w.auth, auth_proof(w.auth));
    assert_true(refuse(&w));
    assert_sends(&w, "X-Auth-Token: token-2");
    assert_false(refuse(&w)); /* what it prints is no good */
    assert_int_equal(prepare(&w, &error), -EACCES);
    w.now_ms += HOLD_FIRST_MS;
    assert_sends(&w, "X-Auth-Token: token-3");
    world_end(&w);
}

static void a_file_may_have_a_new_token_at_any_time(void **state)
{
    (void)state;
    char text[16], line[40];
    struct world w;
    world_begin(&w, &(struct token_config){.file = path}, false);
    for (int i = 0; i < 5; i++) {
        snprintf(text, sizeof(text), "token-%d", i);
        snprintf(line, sizeof(line), "X-Auth-Token: %s", text);
        write_token(text);
        assert_sends(&w, line);
        auth_accepted(w.auth, auth_proof(w.auth));
        assert_true(refuse(&w));
    }
    world_end(&w);
}

static void no_token_is_an_error_that_says_so(void **state)
{
    (void)state;
    struct world w;
    struct auth_error error;
    world_begin(&w, &(struct token_config){.file = path}, false);
    write_token("two words\n");
    assert_int_equal(prepare(&w, &error), -EINVAL);
    assert_non_null(strstr(error.text, path));
    assert_null(strstr(error.text, "words"));
    write_token("one\n");
    assert_sends(&w, "X-Auth-Token: one");
    world_end(&w);
}

static void secrets_stay_off_open_networks(void **state)
{
    (void)state;
    const struct url open = {.base = (char *)"http://ims.example.com"};
    const struct url local = {.base = (char *)"http://127.0.0.1", .loopback = true};
    struct auth_error error = {""};
    struct http_request request = {0};
    struct world w;
    world_begin(&w, &(struct token_config){.fixed = "secret"}, false);
    assert_sends(&w, "X-Auth-Token: secret");
    assert_true(auth_may_send(w.auth, &safe, &error));
    assert_true(auth_may_send(w.auth, &local, &error));
    assert_false(auth_may_send(w.auth, &open, &error));
    assert_non_null(strstr(error.text, "insecure_http"));
    assert_int_equal(auth_headers(w.auth, &open, &request), -EPERM);
    assert_int_equal(request.headers.count, 0);
    world_end(&w);
    world_begin(&w, &(struct token_config){.fixed = "secret"}, true);
    assert_true(auth_may_send(w.auth, &open, &error));
    world_end(&w);
}

static void what_a_service_repeats_is_redacted(void **state)
{
    (void)state;
    char text[200];
    struct http_response answer = {.status = 401, .fields = HEADER_FIELDS_INIT};
    struct world w;
    world_begin(&w, &(struct token_config){.fixed = "s3/ret"}, false);
    assert_sends(&w, "X-Auth-Token: s3/ret");
    strbuf_add_str(&answer.body, "{\"message\": \"no such token: s3/ret, s3\\/ret\"}");
    strcpy(answer.fields.request_id, "s3/ret");
    auth_describe(w.auth, &answer, -EACCES, text, sizeof(text));
    assert_string_equal(text, "HTTP 401: no such token: ******, ******* (request ******)");
    http_response_free(&answer);
    world_end(&w);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_fixed_token_stays),
        cmocka_unit_test(without_a_token_nothing_is_sent),
        cmocka_unit_test(an_expired_token_is_read_again),
        cmocka_unit_test(a_refused_token_waits_for_another),
        cmocka_unit_test(the_same_token_is_tried_after_a_minute),
        PROGRAM_TEST(a_program_is_left_in_peace),
        cmocka_unit_test(a_file_may_have_a_new_token_at_any_time),
        cmocka_unit_test(no_token_is_an_error_that_says_so),
        cmocka_unit_test(secrets_stay_off_open_networks),
        cmocka_unit_test(what_a_service_repeats_is_redacted),
    };
    close(mkstemp(path));
    log_setup(LOG_SINK_STDERR, LOG_LEVEL_ERROR);
    int failed = cmocka_run_group_tests(tests, NULL, NULL);
    unlink(path);
    return failed;
}
