// SPDX-License-Identifier: Apache-2.0
#include "imsfs/identity.h"

#include <errno.h>
#include <strings.h>

#include "imsfs/compact.h"
#include "imsfs/document.h"
#include "imsfs/json.h"
#include "imsfs/log.h"
#include "imsfs/services.h"
#include "imsfs/timestamp.h"
#include "imsfs/utf8.h"

#define BODY_MAX_BYTES ((size_t)4 << 20)
#define TEXT_MAX_BYTES 1024 /* of an id or a name */
#define SHOWN_BYTES 64      /* of a name in an error */

/* --- The request --- */

/* What goes into a request, and where users write it. */
static const struct field {
    size_t offset;
    const char *key, *variable;
} fields[] = {
    {offsetof(struct account, username), "username", "OS_USERNAME"},
    {offsetof(struct account, user_id), "user_id", "OS_USER_ID"},
    {offsetof(struct account, user_domain_name), "user_domain_name", "OS_USER_DOMAIN_NAME"},
    {offsetof(struct account, user_domain_id), "user_domain_id", "OS_USER_DOMAIN_ID"},
    {offsetof(struct account, password), "password", "OS_PASSWORD"},
    {offsetof(struct account, passcode), "passcode", "OS_PASSCODE"},
    {offsetof(struct account, credential_id), "application_credential_id",
     "OS_APPLICATION_CREDENTIAL_ID"},
    {offsetof(struct account, credential_name), "application_credential_name",
     "OS_APPLICATION_CREDENTIAL_NAME"},
    {offsetof(struct account, credential_secret), "application_credential_secret",
     "OS_APPLICATION_CREDENTIAL_SECRET"},
    {offsetof(struct account, project_name), "project_name", "OS_PROJECT_NAME"},
    {offsetof(struct account, project_id), "project_id", "OS_PROJECT_ID"},
    {offsetof(struct account, project_domain_name), "project_domain_name",
     "OS_PROJECT_DOMAIN_NAME"},
    {offsetof(struct account, project_domain_id), "project_domain_id", "OS_PROJECT_DOMAIN_ID"},
};

static int complain(const struct account *a, const struct field *f, const char *problem,
                    struct strbuf *why)
{
    char cloud[SHOWN_BYTES];
    if (a->cloud) {
        log_escape(cloud, sizeof(cloud), bytes_of(a->cloud));
        strbuf_printf(why, "cloud %s in clouds.yaml: %s %s", cloud, f->key, problem);
    } else {
        strbuf_printf(why, "%s %s", f->variable, problem);
    }
    return -EINVAL;
}

static int missing(const struct account *a, size_t offset, struct strbuf *why)
{
    size_t i = 0;
    while (i + 1 < ARRAY_SIZE(fields) && fields[i].offset != offset)
        i++;
    return complain(a, &fields[i], "is missing", why);
}

static bool is_utf8(struct bytes text)
{
    uint32_t code;
    for (size_t used, i = 0; i < text.len; i += used) {
        used = utf8_decode(text.data + i, text.len - i, &code);
        if (!used)
            return false;
    }
    return true;
}

/* JSON can say nothing but UTF-8, and each try with a password that was changed on its way counts
 * towards the account's lock. */
static int check_texts(const struct account *a, struct strbuf *why)
{
    for (size_t i = 0; i < ARRAY_SIZE(fields); i++) {
        const char *text = *(char *const *)(const void *)((const char *)a + fields[i].offset);
        if (text && !is_utf8(bytes_of(text)))
            return complain(a, &fields[i], "is not UTF-8", why);
    }
    return 0;
}

static int check_user(const struct account *a, struct strbuf *why)
{
    if (!a->user_id && !a->username)
        return missing(a, offsetof(struct account, username), why);
    if (!a->user_id && !a->user_domain_id && !a->user_domain_name)
        return missing(a, offsetof(struct account, user_domain_name), why);
    return 0;
}

static int check_account(const struct account *a, struct strbuf *why)
{
    if (a->method == ACCOUNT_PASSWORD) {
        if (!a->password && !a->passcode)
            return missing(a, offsetof(struct account, password), why);
        return check_user(a, why);
    }
    if (a->method == ACCOUNT_CREDENTIAL) {
        if (!a->credential_secret)
            return missing(a, offsetof(struct account, credential_secret), why);
        if (!a->credential_id && !a->credential_name)
            return missing(a, offsetof(struct account, credential_id), why);
        return a->credential_id ? 0 : check_user(a, why);
    }
    strbuf_add_str(why, "the account has nothing to sign in with");
    return -EINVAL;
}

static void add_name(struct strbuf *out, const char *name)
{
    if (out->len && !strchr("{[", out->data[out->len - 1]))
        strbuf_add_char(out, ',');
    json_add_quoted(out, bytes_of(name));
}

static void open_object(struct strbuf *out, const char *name)
{
    add_name(out, name);
    strbuf_add_str(out, ":{");
}

static void close_object(struct strbuf *out)
{
    strbuf_add_char(out, '}');
}

static void add_text(struct strbuf *out, const char *name, const char *text)
{
    add_name(out, name);
    strbuf_add_char(out, ':');
    json_add_quoted(out, bytes_of(text));
}

/* What something is: an id, or a name with the domain in which it is unique, where that is known
 * (Huawei and OTC know the project's from the user's). */
static void add_which(struct strbuf *out, const char *id, const char *name, const char *domain_id,
                      const char *domain_name)
{
    if (id) {
        add_text(out, "id", id);
        return;
    }
    add_text(out, "name", name);
    if (!domain_id && !domain_name)
        return;
    open_object(out, "domain");
    add_text(out, domain_id ? "id" : "name", domain_id ? domain_id : domain_name);
    close_object(out);
}

static void open_user(struct strbuf *out, const struct account *a)
{
    open_object(out, "user");
    add_which(out, a->user_id, a->username, a->user_domain_id, a->user_domain_name);
}

/* One of the methods with the user and the proof. */
static void add_proof(struct strbuf *out, const struct account *a, const char *method,
                      const char *name, const char *proof)
{
    open_object(out, method);
    open_user(out, a);
    add_text(out, name, proof);
    close_object(out);
    close_object(out);
}

static void add_password(struct strbuf *out, const struct account *a)
{
    strbuf_add_str(out, "\"methods\":[");
    if (a->password)
        add_name(out, "password");
    if (a->passcode)
        add_name(out, "totp");
    strbuf_add_char(out, ']');
    if (a->password)
        add_proof(out, a, "password", "password", a->password);
    if (a->passcode)
        add_proof(out, a, "totp", "passcode", a->passcode);
}

static void add_credential(struct strbuf *out, const struct account *a)
{
    strbuf_add_str(out, "\"methods\":[\"application_credential\"]");
    open_object(out, "application_credential");
    if (a->credential_id) {
        add_text(out, "id", a->credential_id);
    } else {
        add_text(out, "name", a->credential_name);
        open_user(out, a);
        close_object(out);
    }
    add_text(out, "secret", a->credential_secret);
    close_object(out);
}

static void add_token(struct strbuf *out, const char *token)
{
    strbuf_add_str(out, "\"methods\":[\"token\"]");
    open_object(out, "token");
    add_text(out, "id", token);
    close_object(out);
}

static void add_scope(struct strbuf *out, const struct account *a)
{
    if (!a->project_id && !a->project_name)
        return; /* the user's default project, if there is one */
    open_object(out, "scope");
    open_object(out, "project");
    add_which(out, a->project_id, a->project_name, a->project_domain_id, a->project_domain_name);
    close_object(out);
    close_object(out);
}

int identity_add_request(const struct account *a, const char *token, struct strbuf *out,
                         struct strbuf *why)
{
    int error = check_texts(a, why);
    if (error == 0 && !token)
        error = check_account(a, why);
    if (error < 0)
        return error;
    strbuf_add_str(out, "{\"auth\":{\"identity\":{");
    if (token)
        add_token(out, token);
    else if (a->method == ACCOUNT_CREDENTIAL)
        add_credential(out, a);
    else
        add_password(out, a);
    close_object(out);
    if (token || a->method != ACCOUNT_CREDENTIAL)
        add_scope(out, a);
    strbuf_add_str(out, "}}");
    return strbuf_error(out);
}

/* --- The answer --- */

void identity_grant_free(struct identity_grant *g)
{
    free(g->project_id);
    free(g->project_name);
    free(g->project_domain_id);
    free(g->project_domain_name);
    free(g->image_endpoint);
    *g = (struct identity_grant){0};
}

static int bad_answer(struct strbuf *why, const char *what)
{
    strbuf_printf(why, "the identity service's answer %s", what);
    return -EPROTO;
}

static bool is_visible(const char *text)
{
    for (; *text; text++)
        if ((unsigned char)*text < 0x20 || *text == 0x7F)
            return false;
    return true;
}

/* The member's text, NULL when it is no short string of visible characters. The caller frees it. */
static int read_text(struct bytes object, const char *key, char **out)
{
    struct bytes value = document_member(object, key);
    CLEANUP(free_ptr) char *text = NULL;
    if (value.len < 3 || value.len > TEXT_MAX_BYTES || value.data[0] != '"')
        return 0;
    int error = document_text(value, &text);
    if (error == 0 && is_visible(text))
        *out = STEAL(text);
    return error == -ENOMEM ? error : 0;
}

static bool read_time(struct bytes token, const char *key, time_t *t)
{
    struct bytes value = document_member(token, key);
    if (value.len < 2 || value.data[0] != '"')
        return false;
    return timestamp_parse((struct bytes){value.data + 1, value.len - 2}, t);
}

static int read_lifetime(struct bytes token, struct identity_grant *g, struct strbuf *why)
{
    time_t issued;
    if (!read_time(token, "issued_at", &issued) || !read_time(token, "expires_at", &g->expires))
        return bad_answer(why, "does not say how long its token is valid");
    if (g->expires <= issued)
        return bad_answer(why, "has a token that expires before it is issued");
    g->lifetime_ms = ((int64_t)g->expires - (int64_t)issued) * 1000;
    return 0;
}

static int read_project(struct bytes token, const struct account *a, struct identity_grant *g,
                        struct strbuf *why)
{
    struct bytes project = document_member(token, "project");
    struct bytes domain = document_member(project, "domain");
    if (!project.data) {
        strbuf_add_str(why, a->project_id || a->project_name
                                ? "the token is for no project, but one is asked for"
                                : "the token is for no project; name one: project_name in "
                                  "clouds.yaml, or OS_PROJECT_NAME");
        return -EACCES;
    }
    if (read_text(project, "id", &g->project_id) < 0 ||
        read_text(project, "name", &g->project_name) < 0 ||
        read_text(domain, "id", &g->project_domain_id) < 0 ||
        read_text(domain, "name", &g->project_domain_name) < 0)
        return -ENOMEM;
    if (!g->project_id || !g->project_name)
        return bad_answer(why, "names no project that can be used");
    return 0;
}

static int read_grant(struct bytes body, const struct account *a, bool want_endpoint,
                      struct identity_grant *g, struct strbuf *why)
{
    CLEANUP(strbuf_free) struct strbuf json = STRBUF_SECRET;
    if (body.len > BODY_MAX_BYTES)
        return bad_answer(why, "is too large");
    int error = compact_text(body, &limits_standard, &json);
    if (error < 0)
        return error == -ENOMEM ? error : bad_answer(why, "is not JSON, or too much of it");
    struct bytes token = document_member(strbuf_bytes(&json), "token");
    if (!token.data || token.data[0] != '{')
        return bad_answer(why, "has no token in it; is this Keystone v3?");
    error = read_lifetime(token, g, why);
    if (error == 0)
        error = read_project(token, a, g, why);
    if (error < 0 || !want_endpoint)
        return error;
    return services_find_image(document_member(token, "catalog"), a->interface, a->region,
                               &g->image_endpoint, why);
}

int identity_read_grant(struct bytes body, const struct account *a, bool want_endpoint,
                        struct identity_grant *out, struct strbuf *why)
{
    struct identity_grant g = {0};
    int error = read_grant(body, a, want_endpoint, &g, why);
    if (error < 0)
        identity_grant_free(&g);
    else
        *out = g;
    return error;
}

/* Keystone compares names as its database does, mostly without regard to case. */
static bool same_name(const char *given, const char *is)
{
    return !given || !is || strcasecmp(given, is) == 0;
}

bool identity_is_for(const struct identity_grant *g, const struct account *a)
{
    if (a->project_id)
        return streq(a->project_id, g->project_id);
    if (!a->project_name)
        return true;
    if (a->project_domain_id && g->project_domain_id)
        return same_name(a->project_name, g->project_name) &&
               streq(a->project_domain_id, g->project_domain_id);
    return same_name(a->project_name, g->project_name) &&
           same_name(a->project_domain_name, g->project_domain_name);
}
