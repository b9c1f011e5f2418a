// SPDX-License-Identifier: Apache-2.0
#include "imsfs/auth.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>

#include "imsfs/failure.h"
#include "imsfs/secret.h"

int auth_prepare(struct auth *a, int64_t deadline_ms, struct auth_error *error)
{
    return a->ops->prepare ? a->ops->prepare(a, deadline_ms, error) : 0;
}

bool auth_is_ready(const struct auth *a)
{
    return !a->ops->ready || a->ops->ready(a);
}

int auth_set_project(struct auth *a, const char *id)
{
    if (!id || !*id || atomic_load(&a->project_id))
        return 0;
    char *copy = strdup(id);
    if (!copy)
        return -ENOMEM;
    atomic_store(&a->project_id, copy);
    return 0;
}

const char *auth_project(const struct auth *a)
{
    return atomic_load(&a->project_id);
}

int auth_fail(struct auth_error *error, int code, const char *place, const char *hint,
              const char *fmt, ...)
{
    char what[320];
    va_list ap;
    va_start(ap, fmt);
    vsnprintf(what, sizeof(what), fmt, ap);
    va_end(ap);
    snprintf(error->text, sizeof(error->text), "%s: %s; %s", place, what, hint);
    return code;
}

void auth_took(struct auth *a, int64_t expires_ms)
{
    a->proof++;
    a->accepted = false;
    a->since_ms = clock_now_ms(a->clock);
    atomic_store(&a->expires_ms, expires_ms);
    atomic_fetch_add(&a->sign_ins, 1);
}

/* Well before its end, if it has one. */
static bool is_early(const struct auth *a)
{
    int64_t age_ms = clock_now_ms(a->clock) - a->since_ms;
    int64_t expires_ms = atomic_load(&a->expires_ms);
    bool half_over = expires_ms && age_ms >= (expires_ms - a->since_ms) / 2;
    return age_ms < HOLD_FIRST_MS && !half_over;
}

bool auth_lost(struct auth *a, struct http_response *answer)
{
    bool early = is_early(a);
    bool again = a->accepted && !(early && a->early);
    a->proof++;
    a->early = early;
    atomic_store(&a->expires_ms, 0);
    if (!again)
        auth_hold_answer(a, answer);
    return again;
}

void auth_hold(struct auth *a, int error, const struct auth_error *why)
{
    hold_refused(&a->hold, clock_now_ms(a->clock));
    a->hold_error = error;
    snprintf(a->hold_reason, sizeof(a->hold_reason), "%.400s", why->text);
}

void auth_hold_answer(struct auth *a, struct http_response *answer)
{
    char what[200];
    struct auth_error why;
    auth_describe(a, answer, -EACCES, what, sizeof(what));
    snprintf(why.text, sizeof(why.text), "the image service does not let us in: %s; %s", what,
             auth_advice(a));
    a->proof++;
    a->accepted = false;
    auth_hold(a, -EACCES, &why);
}

void auth_hold_if_no(struct auth *a, const struct http_response *answer,
                     const struct auth_error *why)
{
    if (answer->status == 400 || answer->status == 401 || answer->status == 403)
        auth_hold(a, -EACCES, why);
}

int auth_held(const struct auth *a, struct auth_error *error)
{
    int64_t left_ms = hold_left_ms(&a->hold, clock_now_ms(a->clock));
    if (left_ms == 0)
        return 0;
    snprintf(error->text, sizeof(error->text),
             "%s; lest the account be locked, the next try is in %lld s", a->hold_reason,
             (long long)(left_ms + 999) / 1000);
    return a->hold_error;
}

int auth_read_token(struct auth *a, struct token *origin, char **last, int64_t deadline_ms,
                    struct auth_error *error)
{
    CLEANUP(strbuf_free) struct strbuf why = STRBUF_INIT;
    CLEANUP(secret_free) char *token = NULL;
    int64_t left_ms = deadline_ms - clock_now_ms(a->clock);
    int r = token_is_program(origin) ? auth_held(a, error) : 0;
    if (r < 0)
        return r;
    r = token_read(origin, left_ms > 0 ? left_ms : 0, &token, &why);
    if (r < 0) {
        snprintf(error->text, sizeof(error->text), "%s", strbuf_str(&why));
        return r;
    }
    if (*last && streq(*last, token) && (r = auth_held(a, error)) < 0)
        return r;
    secret_free(last);
    *last = STEAL(token);
    return 0;
}

bool auth_may_send(const struct auth *a, const struct url *endpoint, struct auth_error *error)
{
    if (!a->has_proof || endpoint->https || endpoint->loopback || a->insecure_http)
        return true;
    snprintf(error->text, sizeof(error->text),
             "%.200s: secrets would go over the network unencrypted; use https://, or "
             "insecure_http if you really mean it",
             endpoint->base);
    return false;
}

int auth_headers(struct auth *a, const struct url *endpoint, struct http_request *request)
{
    struct auth_error error;
    if (!auth_may_send(a, endpoint, &error))
        return -EPERM;
    return a->ops->headers(a, endpoint, request);
}

static void redact_answer(const struct auth *a, struct http_response *answer)
{
    a->ops->redact(a, answer->body.data, answer->body.len);
    a->ops->redact(a, answer->fields.request_id, strlen(answer->fields.request_id));
}

void auth_redact_sent(const struct http_request *sent, struct http_response *answer)
{
    for (size_t i = 0; i < sent->headers.count; i++) {
        const char *line = sent->headers.lines[i];
        if (strncmp(line, AUTH_TOKEN_HEADER ": ", strlen(AUTH_TOKEN_HEADER ": ")) != 0)
            continue;
        const char *token = line + strlen(AUTH_TOKEN_HEADER ": ");
        secret_redact(token, answer->body.data, answer->body.len);
        secret_redact(token, answer->fields.request_id, strlen(answer->fields.request_id));
    }
}

unsigned auth_proof(const struct auth *a)
{
    return a->proof;
}

bool auth_is_delicate(const struct auth *a)
{
    return a->locks && !a->accepted;
}

bool auth_refused(struct auth *a, unsigned proof, struct http_response *answer)
{
    redact_answer(a, answer);
    return proof != a->proof || a->ops->refused(a, answer);
}

void auth_accepted(struct auth *a, unsigned proof)
{
    if (proof != a->proof)
        return;
    if (!a->accepted) /* a token from before a refusal says nothing about what was refused */
        hold_accepted(&a->hold);
    a->accepted = true;
}

void auth_describe(const struct auth *a, struct http_response *answer, int error, char *out,
                   size_t size)
{
    redact_answer(a, answer);
    failure_describe(answer, error, out, size);
    a->ops->redact(a, out, strlen(out)); /* the answer may have spelled it in another way */
}

const char *auth_advice(const struct auth *a)
{
    return a->ops->advice(a);
}

void auth_cancel(struct auth *a)
{
    if (a->ops->cancel)
        a->ops->cancel(a);
}

void auth_free(struct auth *a)
{
    if (!a)
        return;
    url_free(&a->image);
    free(atomic_load(&a->project_id));
    a->ops->free(a);
}
