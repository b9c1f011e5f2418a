// SPDX-License-Identifier: Apache-2.0
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <errno.h>

#include "fake-server.h"
#include "imsfs/client.h"
#include "imsfs/image.h"
#include "imsfs/log.h"

#define LIST "{\"images\": [{\"id\": \"a\", \"name\": \"n\"}]}"
#define MISSING_MS 60000

struct world;
typedef enum fake_end play_fn(struct world *w, unsigned n, const char *request, struct strbuf *out);

struct world {
    struct fake_server server;
    play_fn *play;
    struct turn turn;
    struct auth auth;
    unsigned token; /* the number of the one in use; for who has the turn, as the next */
    bool lost;      /* it was refused */
    struct clock clock;
    _Atomic int64_t skipped_ms;
    struct slot_table *attrs;
    struct client client;
    struct http_response answer;
    struct client_try try;
    atomic_uint held; /* requests during which the turn was kept */
};

/* --- The server's side --- */

static enum fake_end answer(struct fake_server *s, unsigned n, const char *request,
                            struct strbuf *out)
{
    struct world *w = s->ctx;
    pthread_mutex_lock(&w->turn.lock);
    bool held = w->turn.next != w->turn.served;
    pthread_mutex_unlock(&w->turn.lock);
    if (held)
        atomic_fetch_add(&w->held, 1);
    return w->play(w, n, request, out);
}

static enum fake_end say(struct strbuf *out, int status, const char *body)
{
    fake_reply(out, status, "", body);
    return FAKE_KEEP;
}

static enum fake_end play_list(struct world *w, unsigned n, const char *request, struct strbuf *out)
{
    (void)w, (void)n, (void)request;
    return say(out, 200, LIST);
}

/* --- An account whose tokens are called secret-1, secret-2, … --- */

static struct world *world_of(const struct auth *a)
{
    return (struct world *)((char *)a - offsetof(struct world, auth));
}

static int prepare(struct auth *a, int64_t deadline_ms, struct auth_error *error)
{
    struct world *w = world_of(a);
    int r = auth_held(a, error);
    (void)deadline_ms;
    if (r < 0 || !w->lost)
        return r;
    w->lost = false;
    w->token++;
    auth_took(a, 0);
    return 0;
}

static void name_token(char out[static 32], unsigned number)
{
    snprintf(out, 32, "secret-%u", number);
}

static int headers(struct auth *a, const struct url *endpoint, struct http_request *request)
{
    char token[32];
    (void)endpoint;
    name_token(token, world_of(a)->token);
    return header_add(&request->headers, AUTH_TOKEN_HEADER, token);
}

static bool refused(struct auth *a, struct http_response *response)
{
    if (response->status != 401)
        return false;
    world_of(a)->lost = true;
    return auth_lost(a, response);
}

/* Only what is in use now is known. */
static void redact(const struct auth *a, char *text, size_t len)
{
    char token[32];
    name_token(token, world_of(a)->token);
    for (size_t i = 0; text && i + strlen(token) <= len; i++)
        if (memcmp(text + i, token, strlen(token)) == 0)
            memset(text + i, '*', strlen(token));
}

static const char *advice(const struct auth *a)
{
    (void)a;
    return "try";
}

/* --- Life --- */

static int64_t now(void *ctx)
{
    return clock_now_ms(&clock_boottime) + atomic_load(&((struct world *)ctx)->skipped_ms);
}

static void open_world(struct world *w, play_fn *play)
{
    static const struct auth_ops ops = {.prepare = prepare,
                                        .headers = headers,
                                        .refused = refused,
                                        .redact = redact,
                                        .advice = advice};
    char endpoint[64];
    struct auth_error why;
    memset(w, 0, sizeof(*w));
    w->play = play;
    w->lost = true;
    w->clock = (struct clock){now, w};
    w->auth = (struct auth){.ops = &ops, .kind = "fake", .clock = &w->clock, .has_proof = true};
    turn_init(&w->turn);
    fake_start(&w->server, answer, w);
    assert_int_equal(image_attrs_new(&w->attrs), 0);
    snprintf(endpoint, sizeof(endpoint), "http://127.0.0.1:%u", w->server.port);
    const struct client_config config = {
        .endpoint = endpoint,
        .api = list_call_find("images"),
        .missing_ms = MISSING_MS,
        .lanes = 2,
        .auth = &w->auth,
        .attrs = w->attrs,
        .http = {.clock = &w->clock, .backoff_ms = 2},
    };
    assert_int_equal(client_init(&w->client, &config, &why), 0);
    turn_take(&w->turn);
}

static void close_world(struct world *w)
{
    /* It was taken again as often as it was given up. */
    assert_int_equal(w->turn.next - w->turn.served, 1);
    turn_give(&w->turn);
    http_response_free(&w->answer);
    client_deinit(&w->client);
    fake_stop(&w->server);
    slot_table_free(w->attrs);
    turn_deinit(&w->turn);
}

static struct client_try *try_of(struct world *w)
{
    w->try =
        (struct client_try){.turn = &w->turn, .deadline_ms = now(w) + 10000, .answer = &w->answer};
    return &w->try;
}

static int ask(struct world *w)
{
    const struct client_page page = {.call = w->client.config.api};
    return client_ask(&w->client, try_of(w), &page);
}

/* --- Lanes --- */

/* What another lane does in the meantime: the token that is in use now is refused to it. */
static void refuse_elsewhere(struct world *w)
{
    struct http_response no = {.status = 401, .fields = HEADER_FIELDS_INIT};
    struct auth_error why;
    turn_take(&w->turn);
    auth_accepted(&w->auth, auth_proof(&w->auth)); /* earlier */
    assert_true(auth_refused(&w->auth, auth_proof(&w->auth), &no));
    assert_int_equal(auth_prepare(&w->auth, 0, &why), 0);
    turn_give(&w->turn);
}

static enum fake_end play_renewed(struct world *w, unsigned n, const char *request,
                                  struct strbuf *out)
{
    if (n == 0)
        refuse_elsewhere(w);
    return strstr(request, "secret-1\r\n") ? say(out, 401, "{}") : say(out, 200, LIST);
}

static void a_late_refusal_is_none_of_the_new_token(void **state)
{
    (void)state;
    struct world w;
    open_world(&w, play_renewed);
    assert_int_equal(ask(&w), 0);
    assert_int_equal(w.server.requests, 2);
    assert_int_equal(w.try.requests, 2);
    assert_int_equal(w.auth.sign_ins, 2); /* the first, and that of the other lane */
    assert_int_equal(w.token, 2);
    assert_int_equal(w.auth.hold.refusals, 0);
    assert_true(w.auth.accepted);
    assert_int_equal(w.held, 0);
    close_world(&w);
}

static enum fake_end play_accept_late(struct world *w, unsigned n, const char *request,
                                      struct strbuf *out)
{
    (void)request;
    if (n == 0)
        refuse_elsewhere(w);
    return n == 0 ? say(out, 200, LIST) : say(out, 401, "{}");
}

static void a_late_acceptance_is_none_either(void **state)
{
    (void)state;
    struct world w;
    open_world(&w, play_accept_late);
    assert_int_equal(ask(&w), 0);
    assert_false(w.auth.accepted);
    assert_int_equal(ask(&w), -EACCES); /* it is new, so another would be no better */
    assert_int_equal(w.server.requests, 2);
    assert_int_equal(w.auth.hold.refusals, 1);
    close_world(&w);
}

static enum fake_end play_always_late(struct world *w, unsigned n, const char *request,
                                      struct strbuf *out)
{
    (void)request;
    char body[128];
    w->skipped_ms += 2 * HOLD_FIRST_MS; /* or it was early, twice */
    refuse_elsewhere(w);
    snprintf(body, sizeof(body), "{\"message\": \"bad secret-%u\"}", n + 1);
    return say(out, 401, body);
}

static void a_token_that_is_gone_is_struck_out_too(void **state)
{
    (void)state;
    struct world w;
    open_world(&w, play_always_late);
    const struct client_page page = {.call = w.client.config.api};
    struct client_try *t = try_of(&w);
    t->deadline_ms += 10 * HOLD_FIRST_MS;
    assert_int_equal(client_ask(&w.client, t, &page), -EACCES);
    assert_int_equal(w.server.requests, 2); /* once more, not for ever */
    assert_int_equal(w.token, 3);
    assert_non_null(strstr(strbuf_str(&w.answer.body), "bad ********"));
    assert_int_equal(w.auth.hold.refusals, 0);
    close_world(&w);
}

static void unproven_keys_are_sent_once_at_a_time(void **state)
{
    (void)state;
    struct world w;
    open_world(&w, play_list);
    w.auth.locks = true;
    assert_int_equal(ask(&w), 0);
    assert_int_equal(w.held, 1);
    assert_int_equal(ask(&w), 0);
    assert_int_equal(w.held, 1);
    close_world(&w);
}

static enum fake_end play_hang(struct world *w, unsigned n, const char *request, struct strbuf *out)
{
    (void)w, (void)n, (void)request, (void)out;
    return FAKE_HANG;
}

struct asker {
    struct world *world;
    unsigned lane;
    int result;
    pthread_t thread;
};

static void *ask_in_lane(void *ctx)
{
    struct asker *a = ctx;
    struct world *w = a->world;
    struct http_response out = {.fields = HEADER_FIELDS_INIT};
    struct client_try t = {.turn = &w->turn, .deadline_ms = now(w) + 30000, .answer = &out};
    const struct client_page page = {.call = w->client.config.api};
    turn_take(&w->turn);
    a->result = client_ask(&w->client, &t, &page);
    turn_give(&w->turn);
    http_response_free(&out);
    return NULL;
}

static void cancel_ends_all_lanes(void **state)
{
    (void)state;
    struct world w;
    struct asker askers[2];
    open_world(&w, play_hang);
    turn_give(&w.turn);
    for (unsigned i = 0; i < 2; i++) {
        askers[i] = (struct asker){.world = &w, .lane = i};
        assert_int_equal(pthread_create(&askers[i].thread, NULL, ask_in_lane, &askers[i]), 0);
    }
    while (atomic_load(&w.server.requests) < 1)
        usleep(1000);
    usleep(20000);
    client_cancel(&w.client);
    for (unsigned i = 0; i < 2; i++) {
        pthread_join(askers[i].thread, NULL);
        assert_int_equal(askers[i].result, -ECANCELED);
    }
    turn_take(&w.turn);
    close_world(&w);
}

static enum fake_end play_busy(struct world *w, unsigned n, const char *request, struct strbuf *out)
{
    (void)w, (void)request;
    return n < 2 ? say(out, 503, "{}") : say(out, 200, LIST);
}

static void retries_are_counted(void **state)
{
    (void)state;
    struct world w;
    open_world(&w, play_busy);
    assert_int_equal(ask(&w), 0);
    assert_int_equal(w.try.requests, 3);
    close_world(&w);
}

/* --- Our limit --- */

/* While the first request is on its way, another lane has a page without our limit. */
static enum fake_end play_no_limit(struct world *w, unsigned n, const char *request,
                                   struct strbuf *out)
{
    if (n == 0) {
        turn_take(&w->turn);
        w->client.takes_none[0] = true;
        turn_give(&w->turn);
    }
    return strstr(request, "limit=") ? say(out, 400, "{}") : say(out, 200, LIST);
}

static void what_another_lane_found_out_makes_no_error(void **state)
{
    (void)state;
    struct world w;
    open_world(&w, play_no_limit);
    w.client.config.page_size = 3;
    const struct client_page page = {.call = w.client.config.api, .limited = true};
    assert_int_equal(client_ask(&w.client, try_of(&w), &page), 0);
    assert_int_equal(w.server.requests, 2);
    assert_int_equal(client_ask(&w.client, try_of(&w), &page), 0);
    assert_int_equal(w.server.requests, 3);
    close_world(&w);
}

/* --- Which service it is --- */

static const char *page_body;
static int page_status;

static enum fake_end play_page(struct world *w, unsigned n, const char *request, struct strbuf *out)
{
    (void)w, (void)n, (void)request;
    return say(out, page_status, page_body);
}

static int find_dialect(struct world *w)
{
    const struct list_call *call = NULL;
    enum query_dialect dialect;
    int r = client_find_dialect(&w->client, try_of(w), &dialect, &call);
    if (r == 0)
        assert_int_equal(dialect, client_dialect(&w->client));
    else
        assert_string_equal(call->name, "cloudimages");
    return r;
}

static void only_a_list_tells_an_ims(void **state)
{
    (void)state;
    static const char *const others[] = {"<html>Please sign in: \"images\"</html>", "", "{}", "[]",
                                         "{\"images\": null}"};
    struct world w;
    open_world(&w, play_page);
    page_status = 200;
    for (size_t i = 0; i < ARRAY_SIZE(others); i++) {
        page_body = others[i];
        assert_int_equal(find_dialect(&w), -EIO);
        assert_int_equal(client_dialect(&w.client), QUERY_DIALECT_UNKNOWN);
        assert_non_null(strstr(w.try.why.text, "/v2/cloudimages: the answer is no list of images"));
        assert_int_equal(w.server.requests, i + 1);
    }
    page_body = "{\"images\": []}";
    assert_int_equal(find_dialect(&w), 0);
    assert_int_equal(client_dialect(&w.client), QUERY_DIALECT_IMS);
    close_world(&w);
}

static int choose(struct world *w, const char *text, const struct list_call **call)
{
    struct query *q;
    struct query_error why;
    assert_int_equal(query_parse(&q, bytes_of(text), QUERY_DIALECT_UNKNOWN, &why), 0);
    int r = client_choose(&w->client, try_of(w), q, call);
    query_free(q);
    return r;
}

static void a_missing_call_is_forgotten_once_it_is_old(void **state)
{
    (void)state;
    struct world w;
    const struct list_call *call = NULL;
    open_world(&w, play_page);
    assert_false(client_reconsider(&w.client));
    page_status = 404;
    page_body = "{}";
    assert_int_equal(find_dialect(&w), 0);
    assert_int_equal(client_dialect(&w.client), QUERY_DIALECT_GLANCE);
    assert_false(client_reconsider(&w.client));
    assert_int_equal(choose(&w, "flavor_id=s", &call), -EOPNOTSUPP);
    w.skipped_ms += MISSING_MS;
    assert_int_equal(find_dialect(&w), 0); /* nothing else doubts it */
    assert_int_equal(w.server.requests, 1);
    assert_true(client_reconsider(&w.client));
    assert_int_equal(client_dialect(&w.client), QUERY_DIALECT_UNKNOWN);
    assert_false(client_reconsider(&w.client));
    page_status = 200;
    page_body = LIST;
    assert_int_equal(choose(&w, "flavor_id=s", &call), 0);
    assert_string_equal(call->name, "cloudimages");
    close_world(&w);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_late_refusal_is_none_of_the_new_token),
        cmocka_unit_test(a_late_acceptance_is_none_either),
        cmocka_unit_test(a_token_that_is_gone_is_struck_out_too),
        cmocka_unit_test(unproven_keys_are_sent_once_at_a_time),
        cmocka_unit_test(cancel_ends_all_lanes),
        cmocka_unit_test(retries_are_counted),
        cmocka_unit_test(what_another_lane_found_out_makes_no_error),
        cmocka_unit_test(only_a_list_tells_an_ims),
        cmocka_unit_test(a_missing_call_is_forgotten_once_it_is_old),
    };
    log_setup(LOG_SINK_STDERR, LOG_LEVEL_ERROR);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
