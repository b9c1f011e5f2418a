// SPDX-License-Identifier: Apache-2.0
#include "imsfs/auth_keystone.h"

#include <errno.h>
#include <stdio.h>

#include "imsfs/failure.h"
#include "imsfs/identity.h"
#include "imsfs/log.h"
#include "imsfs/secret.h"

/* A token is renewed when a tenth of its life is left, or this. */
#define MARGIN_MAX_MS (5 * 60000)

struct auth_keystone {
    struct auth base; /* first: the head of every auth */
    struct auth_keystone_config config;
    struct url identity;
    char place[140]; /* where it is, for error lines */
    char *tokens_url;
    struct http *http;
    char who[200];      /* whom we say we are, for error lines */
    char *token;        /* NULL: none */
    char *given;        /* the ready-made one of last time; NULL: none */
    int64_t renew_ms;   /* when a new one is due */
    bool passcode_used; /* it is good for one sign-in */
};

static struct auth_keystone *self(struct auth *a)
{
    return (struct auth_keystone *)a;
}

static const struct account *account_of(const struct auth_keystone *k)
{
    return k->config.account;
}

/* Where Keystone says no. */
static const char *sign_in_advice(const struct auth_keystone *k)
{
    switch (account_of(k)->method) {
    case ACCOUNT_TOKEN:
        return token_advice(k->config.token);
    case ACCOUNT_CREDENTIAL:
        return "check the application credential; it may have expired or be deleted";
    default:
        if (account_of(k)->passcode)
            return "check the password and the project, and mount again with a new OS_PASSCODE";
        return "check the user, its domain, the password and the project";
    }
}

/* Where the image service does. */
static const char *advice(const struct auth *base)
{
    const struct auth_keystone *k = (const struct auth_keystone *)base;
    if (account_of(k)->method == ACCOUNT_TOKEN)
        return token_advice(k->config.token);
    return "Keystone has just given us the token; check that the service trusts this Keystone";
}

static void redact(const struct auth *base, char *text, size_t len)
{
    const struct auth_keystone *k = (const struct auth_keystone *)base;
    const struct account *a = account_of(k);
    const char *const secrets[] = {k->token,    k->given, a->password,
                                   a->passcode, a->token, a->credential_secret};
    for (size_t i = 0; i < ARRAY_SIZE(secrets); i++)
        secret_redact(secrets[i], text, len);
}

/* --- What went wrong, for people --- */

static int fail_request(struct auth_keystone *k, int error, struct http_response *r,
                        struct auth_error *out)
{
    char what[240];
    auth_describe(&k->base, r, error, what, sizeof(what));
    if (error == -EACCES)
        auth_fail(out, error, k->place, sign_in_advice(k), "cannot sign in as %s: %s", k->who,
                  what);
    else
        auth_fail(out, error, k->place, failure_advice_identity(r->status, error),
                  "cannot sign in: %s", what);
    auth_hold_if_no(&k->base, r, out);
    return error;
}

/* --- Requests --- */

static int send_to_keystone(struct auth_keystone *k, struct http_request *request,
                            struct http_response *response, struct auth_error *error)
{
    request->url = k->tokens_url;
    int r = http_send(k->http, request, response);
    header_lines_free(&request->headers);
    return r < 0 ? fail_request(k, r, response, error) : 0;
}

/* Asks for a token: with what the account has, or with another token. */
static int ask_for_token(struct auth_keystone *k, const char *token, int64_t deadline_ms,
                         struct http_response *response, struct auth_error *error)
{
    CLEANUP(strbuf_free) struct strbuf body = STRBUF_SECRET;
    CLEANUP(strbuf_free) struct strbuf why = STRBUF_INIT;
    int r = identity_add_request(account_of(k), token, &body, &why);
    if (r < 0)
        return auth_fail(error, r, k->place, sign_in_advice(k), "%s", strbuf_str(&why));
    struct http_request request = {.deadline_ms = deadline_ms, .body = strbuf_bytes(&body)};
    return send_to_keystone(k, &request, response, error);
}

/* Asks what a token is good for. */
static int ask_about_token(struct auth_keystone *k, const char *token, int64_t deadline_ms,
                           struct http_response *response, struct auth_error *error)
{
    struct http_request request = {.deadline_ms = deadline_ms};
    int r = header_add(&request.headers, "X-Auth-Token", token);
    if (r == 0)
        r = header_add(&request.headers, "X-Subject-Token", token);
    if (r < 0) {
        header_lines_free(&request.headers);
        return auth_fail(error, r, k->place, "free some memory", "%s", strerror(-r));
    }
    return send_to_keystone(k, &request, response, error);
}

/* --- Signing in --- */

/*
 * Takes over where the service is. A place that no secret may go to is refused like one that is
 * none: the token would be kept for its whole life, and with it this place.
 */
static int take_endpoint(struct auth_keystone *k, const char *endpoint, struct auth_error *error)
{
    struct url image;
    char reason[256];
    int r = url_parse_endpoint(&image, endpoint, reason, sizeof(reason));
    if (r < 0) /* no mistake of the reader's: not -EINVAL */
        return auth_fail(error, r == -ENOMEM ? r : -EIO, k->place, "set image_endpoint_override",
                         "the catalog's image endpoint: %s", reason);
    if (!auth_may_send(&k->base, &image, error)) {
        url_free(&image);
        return -EPERM;
    }
    url_free(&k->base.image);
    k->base.image = image;
    return 0;
}

/* Takes over token and what the service says of it. began_ms: before it was asked. */
static int take(struct auth_keystone *k, char **token, const struct identity_grant *grant,
                int64_t began_ms, struct auth_error *error)
{
    if (auth_set_project(&k->base, grant->project_id) < 0)
        return auth_fail(error, -ENOMEM, k->place, "free some memory", "%s", strerror(ENOMEM));
    if (grant->image_endpoint) {
        int r = take_endpoint(k, grant->image_endpoint, error);
        if (r < 0)
            return r;
    }
    int64_t margin_ms = grant->lifetime_ms / 10;
    secret_free(&k->token);
    k->token = STEAL(*token);
    k->renew_ms =
        began_ms + grant->lifetime_ms - (margin_ms < MARGIN_MAX_MS ? margin_ms : MARGIN_MAX_MS);
    auth_took(&k->base, began_ms + grant->lifetime_ms);
    log_info("%s/v3: signed in as %s, for %lld s", k->identity.base, k->who,
             (long long)grant->lifetime_ms / 1000);
    return 0;
}

static int read_grant(struct auth_keystone *k, const struct http_response *response,
                      struct identity_grant *grant, struct auth_error *error)
{
    CLEANUP(strbuf_free) struct strbuf why = STRBUF_INIT;
    int r = identity_read_grant(strbuf_bytes(&response->body), account_of(k),
                                k->config.want_endpoint, grant, &why);
    if (r < 0 && why.data)
        redact(&k->base, why.data, why.len); /* it quotes the answer */
    const char *hint = r == -ENOENT   ? "check region_name and interface"
                       : r == -EACCES ? "name the project"
                                      : "check auth_url";
    return r < 0 ? auth_fail(error, r, k->place, hint, "%s", strbuf_str(&why)) : 0;
}

/* Takes over a token that an answer brought. Where r or the token says that it is no use, the same
 * question would bring the same answer, so nothing is sent for a while. */
static int conclude(struct auth_keystone *k, int r, char **token,
                    const struct identity_grant *grant, int64_t began_ms, struct auth_error *error)
{
    if (r == 0 && !*token)
        r = auth_fail(error, -EPROTO, k->place, "check auth_url", "the answer has no token");
    if (r == 0)
        r = take(k, token, grant, began_ms, error);
    if (r < 0 && r != -ENOMEM)
        auth_hold(&k->base, r, error);
    return r;
}

/* Signs in with a request that may bring a new token. token NULL: with what the account has. */
static int get_token(struct auth_keystone *k, const char *token, int64_t deadline_ms,
                     struct auth_error *error)
{
    CLEANUP(http_response_free) struct http_response response = {.fields = HEADER_FIELDS_INIT};
    CLEANUP(identity_grant_free) struct identity_grant grant = {0};
    int64_t began_ms = clock_now_ms(k->base.clock);
    int r = ask_for_token(k, token, deadline_ms, &response, error);
    if (r < 0)
        return r;
    r = read_grant(k, &response, &grant, error);
    return conclude(k, r, &response.fields.subject_token, &grant, began_ms, error);
}

/* It was issued before it was asked about: what is left is by the service's own clock. */
static void shorten(struct identity_grant *grant, time_t date)
{
    int64_t left_ms = ((int64_t)grant->expires - (int64_t)date) * 1000;
    if (date >= 0 && left_ms < grant->lifetime_ms)
        grant->lifetime_ms = left_ms > 0 ? left_ms : 0;
}

/* A ready-made token is used as it is when it is for our project, else exchanged for one that is.
 */
static int use_token(struct auth_keystone *k, int64_t deadline_ms, struct auth_error *error)
{
    CLEANUP(http_response_free) struct http_response response = {.fields = HEADER_FIELDS_INIT};
    CLEANUP(identity_grant_free) struct identity_grant grant = {0};
    CLEANUP(secret_free) char *token = NULL;
    const struct account *a = account_of(k);
    int r = auth_read_token(&k->base, k->config.token, &k->given, deadline_ms, error);
    int64_t began_ms = clock_now_ms(k->base.clock);
    if (r == 0 && !(token = strdup(k->given)))
        r = auth_fail(error, -ENOMEM, k->place, "free some memory", "%s", strerror(ENOMEM));
    if (r == 0)
        r = ask_about_token(k, token, deadline_ms, &response, error);
    if (r < 0)
        return r;
    r = read_grant(k, &response, &grant, error);
    bool exchange = (r == -EACCES && (a->project_id || a->project_name)) ||
                    (r == 0 && !identity_is_for(&grant, a));
    if (exchange)
        return get_token(k, token, deadline_ms, error);
    shorten(&grant, response.fields.date);
    return conclude(k, r, &token, &grant, began_ms, error);
}

static int sign_in(struct auth_keystone *k, int64_t deadline_ms, struct auth_error *error)
{
    const struct account *a = account_of(k);
    if (a->method == ACCOUNT_TOKEN)
        return use_token(k, deadline_ms, error);
    if (a->passcode && k->passcode_used)
        return auth_fail(error, -EACCES, k->place, "mount again with a new OS_PASSCODE",
                         "a passcode is good for one sign-in, and that of this mount was used");
    int r = get_token(k, NULL, deadline_ms, error);
    k->passcode_used = r == 0 || r == -EACCES;
    return r;
}

static bool ready(const struct auth *base)
{
    const struct auth_keystone *k = (const struct auth_keystone *)base;
    return k->token && clock_now_ms(base->clock) < k->renew_ms;
}

static int prepare(struct auth *base, int64_t deadline_ms, struct auth_error *error)
{
    struct auth_keystone *k = self(base);
    int64_t now = clock_now_ms(base->clock);
    int64_t left_ms = k->token ? atomic_load(&base->expires_ms) - now : 0;
    if (ready(base))
        return 0;
    int r = account_of(k)->method == ACCOUNT_TOKEN ? 0 : auth_held(base, error);
    if (r < 0)
        return left_ms > 0 ? 0 : r;
    if (left_ms > 0) /* a service that hangs must leave time for the request itself */
        deadline_ms = now + (deadline_ms - now) / 2;
    r = sign_in(k, deadline_ms, error);
    if (r == 0 || r == -ECANCELED || left_ms <= 0)
        return r;
    log_warning("%s; the token we have is good for %lld s more", error->text,
                (long long)left_ms / 1000);
    int64_t pause_ms = left_ms / 4 + 1000;
    k->renew_ms = now + (pause_ms < left_ms ? pause_ms : left_ms);
    return 0;
}

/* --- The rest of the interface --- */

static int headers(struct auth *base, const struct url *endpoint, struct http_request *request)
{
    (void)endpoint;
    return header_add(&request->headers, AUTH_TOKEN_HEADER, self(base)->token);
}

static bool refused(struct auth *base, struct http_response *answer)
{
    struct auth_keystone *k = self(base);
    if (answer->status != 401 || !k->token)
        return false;
    secret_free(&k->token);
    return auth_lost(base, answer);
}

static void cancel(struct auth *base)
{
    http_cancel(self(base)->http);
    if (self(base)->config.token)
        token_cancel(self(base)->config.token);
}

static void destroy(struct auth *base)
{
    struct auth_keystone *k = self(base);
    http_free(k->http);
    url_free(&k->identity);
    free(k->tokens_url);
    secret_free(&k->token);
    secret_free(&k->given);
    free(k);
}

static const struct auth_ops ops = {
    .prepare = prepare,
    .ready = ready,
    .headers = headers,
    .refused = refused,
    .redact = redact,
    .advice = advice,
    .cancel = cancel,
    .free = destroy,
};

/* --- Life --- */

static void describe(struct auth_keystone *k)
{
    const struct account *a = account_of(k);
    char name[120];
    const char *text = a->method == ACCOUNT_TOKEN ? "the owner of the token"
                       : a->credential_name       ? a->credential_name
                       : a->credential_id         ? a->credential_id
                       : a->username              ? a->username
                       : a->user_id               ? a->user_id
                                                  : "nobody";
    const char *project = a->project_name ? a->project_name : a->project_id;
    log_escape(name, sizeof(name), bytes_of(text));
    int used = snprintf(k->who, sizeof(k->who), "%s", name);
    if (!project)
        return;
    log_escape(name, sizeof(name) / 2, bytes_of(project));
    snprintf(k->who + used, sizeof(k->who) - (size_t)used, " for project %s", name);
}

static int set_up(struct auth_keystone *k, struct auth_error *error)
{
    const struct account *a = account_of(k);
    int r = url_parse_identity(&k->identity, a->auth_url, error->text, sizeof(error->text));
    if (r < 0)
        return r;
    if (!auth_may_send(&k->base, &k->identity, error))
        return -EINVAL;
    snprintf(k->place, sizeof(k->place), "%.120s/v3", k->identity.base);
    snprintf(error->text, sizeof(error->text), "out of memory");
    if (asprintf(&k->tokens_url, "%s/v3/auth/tokens", k->identity.base) < 0) {
        k->tokens_url = NULL;
        return -ENOMEM;
    }
    describe(k);
    return http_new(&k->http, &k->config.http);
}

int auth_keystone_new(struct auth **out, const struct auth_keystone_config *config,
                      struct auth_error *error)
{
    struct auth_keystone *k = calloc(1, sizeof(*k));
    snprintf(error->text, sizeof(error->text), "out of memory");
    if (!k)
        return -ENOMEM;
    k->base = (struct auth){
        .ops = &ops,
        .kind = "keystone",
        .clock = config->http.clock ? config->http.clock : &clock_boottime,
        .insecure_http = config->insecure_http,
        .has_proof = true,
    };
    k->config = *config;
    int r = set_up(k, error);
    if (r < 0) {
        auth_free(&k->base);
        return r;
    }
    *out = &k->base;
    return 0;
}
