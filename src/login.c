// SPDX-License-Identifier: Apache-2.0
#include "imsfs/login.h"

#include <errno.h>
#include <stdlib.h>

#include "imsfs/auth_keys.h"
#include "imsfs/auth_keystone.h"
#include "imsfs/auth_token.h"
#include "imsfs/route.h"
#include "imsfs/source_file.h"
#include "imsfs/source_http.h"
#include "imsfs/url.h"

/* --- The account --- */

static int load_token(struct login *l, const struct options *o, struct strbuf *why)
{
    struct token_config config = {.file = o->token_file, .command = o->token_command};
    if (!config.file && !config.command)
        config.fixed = l->account.token;
    return l->account.method == ACCOUNT_TOKEN ? token_new(&l->token, &config, why) : 0;
}

static int load_account(struct login *l, const struct options *o, struct strbuf *why)
{
    static const enum account_origin origins[] = {
        [LOCATION_URL] = ACCOUNT_ENVIRONMENT,
        [LOCATION_CLOUD] = ACCOUNT_CLOUD,
        [LOCATION_ANY] = ACCOUNT_ANY,
    };
    const struct account_request request = {
        .origin = origins[o->source_kind],
        .cloud = o->source,
        .has_token = o->token_file || o->token_command,
    };
    int r = account_load(&l->account, &request, why);
    if (r == 0 && (r = load_token(l, o, why)) < 0)
        account_free(&l->account);
    return r;
}

int login_load(struct login *l, const struct options *o, struct strbuf *why)
{
    *l = (struct login){0};
    int r = o->source_kind == LOCATION_FILE ? 0 : load_account(l, o, why);
    account_wipe_environment();
    return r;
}

const char *login_location(const struct login *l, const struct options *o)
{
    if (o->source)
        return o->source;
    return l->account.cloud && *l->account.cloud ? l->account.cloud
           : l->account.image_endpoint           ? l->account.image_endpoint
                                                 : l->account.auth_url;
}

struct bytes login_project(const struct login *l, const struct options *o)
{
    const char *told = l->auth ? auth_project(l->auth) : NULL;
    const char *id = o->project_id ? o->project_id : told ? told : l->account.project_id;
    return id ? bytes_of(id) : (struct bytes){0};
}

/* --- The source --- */

static const char *endpoint_of(const struct login *l, const struct options *o)
{
    return o->source_kind == LOCATION_URL ? o->source : l->account.image_endpoint;
}

static struct http_config http_of(const struct login *l, const struct options *o)
{
    return (struct http_config){
        .user_agent = "imsfs/" IMSFS_VERSION,
        .limits = &o->limits,
        .tls = {l->account.cacert, l->account.cert, l->account.key, l->account.insecure},
    };
}

static int open_keys(struct login *l, const struct options *o, struct auth_error *error)
{
    const struct auth_keys_config config = {
        .account = &l->account,
        .form = streq(o->signature, "scoped") ? SIGNATURE_SCOPED : SIGNATURE_PLAIN,
        .insecure_http = o->insecure_http,
        .http = http_of(l, o),
    };
    return auth_keys_new(&l->auth, &config, error);
}

static int open_keystone(struct login *l, const struct options *o, struct auth_error *error)
{
    const struct auth_keystone_config config = {
        .account = &l->account,
        .token = l->token,
        .want_endpoint = endpoint_of(l, o) == NULL,
        .insecure_http = o->insecure_http,
        .http = http_of(l, o),
    };
    return auth_keystone_new(&l->auth, &config, error);
}

static int open_token(struct login *l, const struct options *o)
{
    const struct auth_token_config config = {.token = l->token, .insecure_http = o->insecure_http};
    return auth_token_new(&l->auth, &config);
}

static int open_auth(struct login *l, const struct options *o, struct auth_error *error)
{
    bool signs_in = l->account.auth_url && l->account.method != ACCOUNT_NONE;
    if (l->account.method == ACCOUNT_KEYS)
        return open_keys(l, o, error);
    if (signs_in)
        return open_keystone(l, o, error);
    return open_token(l, o);
}

static int open_http(struct login *l, const struct options *o, struct slot_table *attrs,
                     struct source **out, struct strbuf *why)
{
    struct source_error error = {""};
    struct source_http_config config = {
        .endpoint = endpoint_of(l, o),
        .api = o->api,
        .api_version = o->api_version,
        .dialect = route_dialect_called(o->dialect),
        .missing_ms = o->ttl_ms,
        .page_size = o->page_size,
        .parallel = o->parallel,
        .timeout_ms = o->timeout_ms,
        .list_timeout_ms = o->list_timeout_ms,
        .auth = l->auth,
        .attrs = attrs,
        .http = http_of(l, o),
    };
    if (!config.endpoint && !streq(l->auth->kind, "keystone")) {
        strbuf_printf(why,
                      "%s: where is the image service? Set auth_url or image_endpoint_override",
                      login_location(l, o));
        return -EINVAL;
    }
    int r = source_http_new(out, &config, &error);
    if (r < 0)
        strbuf_add_str(why, error.text);
    return r;
}

int login_open(struct login *l, const struct options *o, struct slot_table *attrs,
               struct source **out, struct strbuf *why)
{
    struct auth_error error = {""};
    if (o->source_kind == LOCATION_FILE) {
        const struct source_file_config config = {
            .path = o->source,
            .limits = &o->limits,
            .attrs = attrs,
            .dialect = route_dialect_called(o->dialect),
        };
        int r = source_file_new(out, &config);
        if (r < 0)
            strbuf_add_str(why, strerror(-r));
        return r;
    }
    int r = open_auth(l, o, &error);
    if (r < 0) {
        strbuf_add_str(why, error.text[0] ? error.text : strerror(-r));
        return r;
    }
    return open_http(l, o, attrs, out, why);
}

static void need_file(struct sandbox_config *c, const char *path)
{
    if (path)
        c->files[c->file_count++] = path;
}

/* Where sign-in tells where the service is, it may be at any port. */
static void need_port(struct sandbox_config *c, const char *address)
{
    if (address)
        c->ports[c->port_count++] = url_port(address);
    else
        c->any_port = true;
}

bool login_needs(const struct login *l, const struct options *o, struct sandbox_config *out)
{
    *out = (struct sandbox_config){0};
    if (o->source_kind == LOCATION_FILE) {
        need_file(out, o->source);
        return true;
    }
    need_file(out, o->token_file);
    need_file(out, l->account.cacert);
    need_file(out, l->account.cert);
    need_file(out, l->account.key);
    need_port(out, endpoint_of(l, o));
    if (l->account.auth_url)
        need_port(out, l->account.auth_url);
    return !o->token_command;
}

void login_free(struct login *l)
{
    auth_free(l->auth);
    token_free(l->token);
    account_free(&l->account);
    *l = (struct login){0};
}
