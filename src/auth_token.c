// SPDX-License-Identifier: Apache-2.0
#include "imsfs/auth_token.h"

#include <errno.h>
#include <stdio.h>

#include "imsfs/secret.h"

struct auth_token {
    struct auth base; /* first: the head of every auth */
    struct token *origin;
    char *value;  /* NULL: none, or not read yet */
    bool refused; /* the service did not take it */
};

static struct auth_token *self(struct auth *a)
{
    return (struct auth_token *)a;
}

static bool ready(const struct auth *base)
{
    const struct auth_token *t = (const struct auth_token *)base;
    return !t->origin || (t->value && !t->refused);
}

static int prepare(struct auth *base, int64_t deadline_ms, struct auth_error *error)
{
    struct auth_token *t = self(base);
    if (ready(base))
        return 0;
    int r = auth_read_token(base, t->origin, &t->value, deadline_ms, error);
    if (r < 0)
        return r;
    t->refused = false;
    auth_took(base, 0);
    return 0;
}

static int headers(struct auth *base, const struct url *endpoint, struct http_request *request)
{
    (void)endpoint;
    const char *value = self(base)->value;
    return value ? header_add(&request->headers, AUTH_TOKEN_HEADER, value) : 0;
}

static bool refused(struct auth *base, struct http_response *answer)
{
    struct auth_token *t = self(base);
    if (answer->status != 401 || !t->value || !token_renews(t->origin))
        return false;
    t->refused = true;
    bool was_good = base->accepted;
    bool again = auth_lost(base, answer);
    /* Looking into a file costs nobody anything; the same token is not sent again. */
    return again || (was_good && !token_is_program(t->origin));
}

static void redact(const struct auth *base, char *text, size_t len)
{
    const struct auth_token *t = (const struct auth_token *)base;
    secret_redact(t->value, text, len);
}

static const char *advice(const struct auth *base)
{
    const struct auth_token *t = (const struct auth_token *)base;
    return t->origin ? token_advice(t->origin)
                     : "sign in: name a cloud of clouds.yaml, or set the OS_* variables";
}

static void cancel(struct auth *base)
{
    if (self(base)->origin)
        token_cancel(self(base)->origin);
}

static void destroy(struct auth *base)
{
    struct auth_token *t = self(base);
    secret_free(&t->value);
    free(t);
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

int auth_token_new(struct auth **out, const struct auth_token_config *config)
{
    struct auth_token *t = calloc(1, sizeof(*t));
    if (!t)
        return -ENOMEM;
    t->base = (struct auth){
        .ops = &ops,
        .kind = config->token ? "token" : "none",
        .clock = config->clock ? config->clock : &clock_boottime,
        .insecure_http = config->insecure_http,
        .has_proof = config->token != NULL,
    };
    t->origin = config->token;
    *out = &t->base;
    return 0;
}
