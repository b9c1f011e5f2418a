// SPDX-License-Identifier: Apache-2.0
#include "imsfs/auth_keys.h"

#include <errno.h>
#include <stdio.h>

#include "imsfs/failure.h"
#include "imsfs/log.h"
#include "imsfs/project.h"
#include "imsfs/secret.h"

/* Signatures are good for 15 minutes; who is a third of that off is told. */
#define CLOCK_TOLERANCE_S (5 * 60)

struct auth_keys {
    struct auth base; /* first: the head of every auth */
    struct auth_keys_config config;
    struct url identity; /* base NULL: it is not needed */
    char place[140];     /* where that is, for error lines */
    char *projects_url;  /* for the look-up */
    struct http *http;   /* the same */
    char advice[200];
};

static struct auth_keys *self(struct auth *a)
{
    return (struct auth_keys *)a;
}

static const char *project_name(const struct account *a)
{
    return a->project_name ? a->project_name : a->region;
}

static void redact(const struct auth *base, char *text, size_t len)
{
    const struct auth_keys *k = (const struct auth_keys *)base;
    secret_redact(k->config.account->secret_key, text, len);
    secret_redact(k->config.account->security_token, text, len);
}

static const char *advice(const struct auth *base)
{
    return ((const struct auth_keys *)base)->advice;
}

/* --- Signing --- */

struct target {
    struct bytes host; /* with the port, but for the scheme's own */
    struct bytes path, query;
};

static struct bytes without_port(struct bytes host, const char *port)
{
    size_t len = strlen(port);
    if (host.len > len && memcmp(host.data + host.len - len, port, len) == 0)
        host.len -= len;
    return host;
}

/* The parts of a URL that url.h has checked and a query has been added to. */
static struct target target_of(const char *url)
{
    const char *host = strstr(url, "://") + 3;
    const char *path = host + strcspn(host, "/?");
    const char *query = path + strcspn(path, "?");
    struct target t = {
        .host = {host, (size_t)(path - host)},
        .path = {path, (size_t)(query - path)},
        .query = bytes_of(*query ? query + 1 : query),
    };
    t.host = without_port(t.host, (url[4] | 0x20) == 's' ? ":443" : ":80");
    return t;
}

/* Adds what is signed, and the signature. Host is set here and not by libcurl, so that what is
 * signed is what is sent. */
static int add_signed(const struct auth_keys *k, const struct signature_request *what,
                      struct http_request *request)
{
    CLEANUP(strbuf_free) struct strbuf proof = STRBUF_SECRET;
    const struct signature_key key = {k->config.account->access_key, k->config.account->secret_key};
    char date[SIGNATURE_DATE_SIZE];
    signature_date(clock_wall().tv_sec, date);
    int r = signature_add(k->config.form, &key, what, date, &proof);
    for (size_t i = 0; r == 0 && i < what->header_count; i++)
        r = header_add(&request->headers, what->headers[i].name, what->headers[i].value);
    if (r == 0)
        r = header_add(&request->headers, "X-Sdk-Date", date);
    if (r == 0)
        r = header_add(&request->headers, "Authorization", proof.data);
    return r;
}

/* Signs a GET. project_id NULL: it is about no project. */
static int sign(const struct auth_keys *k, const char *project_id, struct http_request *request)
{
    struct target target = target_of(request->url);
    CLEANUP(free_ptr) char *host = strndup(target.host.data, target.host.len);
    const char *token = k->config.account->security_token;
    struct signature_header headers[3];
    struct signature_request what = {
        .method = "GET",
        .path = target.path,
        .query = target.query,
        .headers = headers,
    };
    if (!host)
        return -ENOMEM;
    headers[what.header_count++] = (struct signature_header){"Host", host};
    if (project_id)
        headers[what.header_count++] = (struct signature_header){"X-Project-Id", project_id};
    if (token)
        headers[what.header_count++] = (struct signature_header){"X-Security-Token", token};
    return add_signed(k, &what, request);
}

/* --- Refusals --- */

static void give_usual_advice(struct auth_keys *k)
{
    snprintf(k->advice, sizeof(k->advice), "%s",
             k->config.account->security_token
                 ? "temporary keys expire; mount again with new ones"
                 : "check the access key, the secret key and signature=");
}

/* Advice by the time that the server's answer has. */
static void look_at_clock(struct auth_keys *k, time_t server)
{
    int64_t ahead = server < 0 ? 0 : (int64_t)clock_wall().tv_sec - (int64_t)server;
    give_usual_advice(k);
    if (llabs(ahead) > CLOCK_TOLERANCE_S)
        snprintf(k->advice, sizeof(k->advice),
                 "the clock of this machine is %lld minutes %s that of the server; set it right",
                 (long long)llabs(ahead) / 60, ahead > 0 ? "ahead of" : "behind");
}

/* API gateways say with these codes that they do not believe us; other refusals with a 403 are
 * about what we may do. */
static bool is_disbelief(const struct http_response *answer)
{
    static const char *const codes[] = {"\"APIG.0301\"", "\"APIGW.0301\""};
    if (answer->status == 401)
        return true;
    if (answer->status != 403)
        return false;
    for (size_t i = 0; i < ARRAY_SIZE(codes); i++) {
        if (strstr(strbuf_str(&answer->body), codes[i]))
            return true;
    }
    return strcasestr(strbuf_str(&answer->body), "signature") != NULL;
}

/* Never worth a second try: it would be signed with the same keys. */
static bool refused(struct auth *base, struct http_response *answer)
{
    if (is_disbelief(answer)) {
        look_at_clock(self(base), answer->fields.date);
        auth_hold_answer(base, answer);
    }
    return false;
}

/* --- The project's id --- */

static int fail_request(struct auth_keys *k, int error, struct http_response *r,
                        struct auth_error *out)
{
    char what[240];
    bool disbelief = is_disbelief(r);
    auth_describe(&k->base, r, error, what, sizeof(what));
    if (disbelief)
        look_at_clock(k, r->fields.date);
    auth_fail(out, error, k->place,
              disbelief ? k->advice : failure_advice_identity(r->status, error),
              "cannot look the project up: %s", what);
    auth_hold_if_no(&k->base, r, out);
    return error;
}

/* Exactly one project has the name: a guess might show somebody the wrong images. */
static int choose(struct auth_keys *k, const struct http_response *response,
                  struct auth_error *error)
{
    CLEANUP(strbuf_free) struct strbuf why = STRBUF_INIT;
    const char *name = project_name(k->config.account);
    CLEANUP(free_ptr) char *id = NULL;
    int r = project_read_id(strbuf_bytes(&response->body), name, &id, &why);
    if (r == 0 && (r = auth_set_project(&k->base, id)) < 0)
        strbuf_add_str(&why, strerror(-r));
    if (r < 0) {
        auth_fail(error, r, k->place, r == -ENOENT ? "set the project's id" : "check auth_url",
                  "%s", strbuf_str(&why));
        if (r != -ENOMEM)
            auth_hold(&k->base, r, error);
        return r;
    }
    log_info("%s/v3: project %s is %s", k->identity.base, name, id);
    hold_accepted(&k->base.hold);
    return 0;
}

static int look_up(struct auth_keys *k, int64_t deadline_ms, struct auth_error *error)
{
    CLEANUP(http_response_free) struct http_response response = {.fields = HEADER_FIELDS_INIT};
    struct http_request request = {.url = k->projects_url, .deadline_ms = deadline_ms};
    int r = sign(k, NULL, &request);
    if (r < 0)
        auth_fail(error, r, k->place, "check the keys", "cannot sign: %s", strerror(-r));
    else if ((r = http_send(k->http, &request, &response)) < 0)
        fail_request(k, r, &response, error);
    header_lines_free(&request.headers);
    return r < 0 ? r : choose(k, &response, error);
}

/* --- The rest of the interface --- */

static bool ready(const struct auth *base)
{
    struct auth_error why;
    return auth_held(base, &why) == 0 && auth_project(base);
}

static int prepare(struct auth *base, int64_t deadline_ms, struct auth_error *error)
{
    int r = auth_held(base, error);
    if (r == 0 && !auth_project(base))
        r = look_up(self(base), deadline_ms, error);
    return r;
}

static int headers(struct auth *base, const struct url *endpoint, struct http_request *request)
{
    (void)endpoint;
    return sign(self(base), auth_project(base), request);
}

static void cancel(struct auth *base)
{
    if (self(base)->http)
        http_cancel(self(base)->http);
}

static void destroy(struct auth *base)
{
    struct auth_keys *k = self(base);
    http_free(k->http);
    url_free(&k->identity);
    free(k->projects_url);
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

/* Visible ASCII: what header lines can carry, and keys are made of. */
static bool is_word(const char *text)
{
    for (const char *c = text; *c; c++) {
        if (*c <= 0x20 || *c >= 0x7F)
            return false;
    }
    return *text != '\0';
}

static int check_keys(const struct account *a, struct auth_error *error)
{
    const struct {
        const char *what, *value;
        bool needed;
    } rows[] = {
        {"access key", a->access_key, true},
        {"secret key", a->secret_key, true},
        {"security token", a->security_token, false},
        {"project id", a->project_id, false},
    };
    for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
        if (rows[i].value ? is_word(rows[i].value) : !rows[i].needed)
            continue;
        snprintf(error->text, sizeof(error->text), "the %s %s", rows[i].what,
                 rows[i].value ? "has spaces or control characters; copy it again"
                               : "is missing; an access key and a secret key go together");
        return -EINVAL;
    }
    return 0;
}

static int set_up_look_up(struct auth_keys *k, struct auth_error *error)
{
    CLEANUP(strbuf_free) struct strbuf url = STRBUF_INIT;
    const struct account *a = k->config.account;
    if (!a->auth_url || !project_name(a)) {
        snprintf(error->text, sizeof(error->text),
                 "requests that are signed need a project: set its id (HW_PROJECT_ID), or %s",
                 a->auth_url ? "its name or the region (HW_PROJECT_NAME, HW_REGION_NAME)"
                             : "where to look it up (HW_AUTH_URL)");
        return -EINVAL;
    }
    int r = url_parse_identity(&k->identity, a->auth_url, error->text, sizeof(error->text));
    if (r < 0)
        return r;
    if (!auth_may_send(&k->base, &k->identity, error))
        return -EINVAL;
    snprintf(k->place, sizeof(k->place), "%.120s/v3/projects", k->identity.base);
    strbuf_printf(&url, "%s/v3/projects?name=", k->identity.base);
    url_add_encoded(&url, bytes_of(project_name(a)));
    k->projects_url = strbuf_steal(&url);
    return k->projects_url ? http_new(&k->http, &k->config.http) : -ENOMEM;
}

static int set_up(struct auth_keys *k, struct auth_error *error)
{
    const struct account *a = k->config.account;
    int r = check_keys(a, error);
    if (r < 0)
        return r;
    give_usual_advice(k);
    return a->project_id ? auth_set_project(&k->base, a->project_id) : set_up_look_up(k, error);
}

int auth_keys_new(struct auth **out, const struct auth_keys_config *config,
                  struct auth_error *error)
{
    struct auth_keys *k = calloc(1, sizeof(*k));
    snprintf(error->text, sizeof(error->text), "out of memory");
    if (!k)
        return -ENOMEM;
    k->base = (struct auth){
        .ops = &ops,
        .kind = "keys",
        .clock = config->http.clock ? config->http.clock : &clock_boottime,
        .insecure_http = config->insecure_http,
        .has_proof = true,
        .locks = true,
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
