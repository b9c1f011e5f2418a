// SPDX-License-Identifier: Apache-2.0
#include "imsfs/account.h"

#include <errno.h>
#include <strings.h>

#include "imsfs/defaults.h"
#include "imsfs/keyfile.h"
#include "imsfs/log.h"
#include "imsfs/secret.h"

/* Where a field of the draft goes as it is. */
static const struct {
    enum draft_field field;
    size_t offset;
} strings[] = {
    {DRAFT_AUTH_URL, offsetof(struct account, auth_url)},
    {DRAFT_IMAGE_ENDPOINT, offsetof(struct account, image_endpoint)},
    {DRAFT_USERNAME, offsetof(struct account, username)},
    {DRAFT_USER_ID, offsetof(struct account, user_id)},
    {DRAFT_USER_DOMAIN_NAME, offsetof(struct account, user_domain_name)},
    {DRAFT_USER_DOMAIN_ID, offsetof(struct account, user_domain_id)},
    {DRAFT_PASSWORD, offsetof(struct account, password)},
    {DRAFT_PASSCODE, offsetof(struct account, passcode)},
    {DRAFT_CREDENTIAL_ID, offsetof(struct account, credential_id)},
    {DRAFT_CREDENTIAL_NAME, offsetof(struct account, credential_name)},
    {DRAFT_CREDENTIAL_SECRET, offsetof(struct account, credential_secret)},
    {DRAFT_TOKEN, offsetof(struct account, token)},
    {DRAFT_ACCESS_KEY, offsetof(struct account, access_key)},
    {DRAFT_SECRET_KEY, offsetof(struct account, secret_key)},
    {DRAFT_SECURITY_TOKEN, offsetof(struct account, security_token)},
    {DRAFT_PROJECT_NAME, offsetof(struct account, project_name)},
    {DRAFT_PROJECT_ID, offsetof(struct account, project_id)},
    {DRAFT_PROJECT_DOMAIN_NAME, offsetof(struct account, project_domain_name)},
    {DRAFT_PROJECT_DOMAIN_ID, offsetof(struct account, project_domain_id)},
    {DRAFT_REGION, offsetof(struct account, region)},
    {DRAFT_INTERFACE, offsetof(struct account, interface)},
    {DRAFT_CACERT, offsetof(struct account, cacert)},
    {DRAFT_CERT, offsetof(struct account, cert)},
    {DRAFT_KEY, offsetof(struct account, key)},
};

static char **string_at(struct account *a, size_t i)
{
    return (char **)(void *)((char *)a + strings[i].offset);
}

void account_free(struct account *a)
{
    free(a->cloud);
    for (size_t i = 0; i < ARRAY_SIZE(strings); i++)
        secret_free(string_at(a, i));
    *a = (struct account){0};
}

void account_wipe_environment(void)
{
    draft_wipe_environment();
}

/* --- How it signs in --- */

static const struct {
    const char *type; /* auth_type of clouds.yaml: keystoneauth's names */
    enum account_method method;
    enum draft_field secret; /* what it cannot do without */
    bool no_keystone;        /* the endpoint comes with it */
} types[] = {
    {"password", ACCOUNT_PASSWORD, DRAFT_PASSWORD, false},
    {"v3password", ACCOUNT_PASSWORD, DRAFT_PASSWORD, false},
    {"v3totp", ACCOUNT_PASSWORD, DRAFT_PASSCODE, false},
    {"v3multifactor", ACCOUNT_PASSWORD, DRAFT_PASSCODE, false},
    {"token", ACCOUNT_TOKEN, DRAFT_TOKEN, false},
    {"v3token", ACCOUNT_TOKEN, DRAFT_TOKEN, false},
    {"admin_token", ACCOUNT_TOKEN, DRAFT_TOKEN, true},
    {"token_endpoint", ACCOUNT_TOKEN, DRAFT_TOKEN, true},
    {"v3applicationcredential", ACCOUNT_CREDENTIAL, DRAFT_CREDENTIAL_SECRET, false},
    {"none", ACCOUNT_NONE, DRAFT_ENDPOINT, true},
};

/* Without a type: the first of these that is given. */
static const struct {
    enum draft_field field;
    enum account_method method;
} guesses[] = {
    {DRAFT_CREDENTIAL_SECRET, ACCOUNT_CREDENTIAL},
    {DRAFT_CREDENTIAL_ID, ACCOUNT_CREDENTIAL},
    {DRAFT_CREDENTIAL_NAME, ACCOUNT_CREDENTIAL},
    {DRAFT_TOKEN, ACCOUNT_TOKEN},
    {DRAFT_PASSWORD, ACCOUNT_PASSWORD},
    {DRAFT_ACCESS_KEY, ACCOUNT_KEYS},
    {DRAFT_SECRET_KEY, ACCOUNT_KEYS},
    {DRAFT_USERNAME, ACCOUNT_PASSWORD},
    {DRAFT_USER_ID, ACCOUNT_PASSWORD},
    {DRAFT_PASSCODE, ACCOUNT_PASSWORD},
};

static int method_of_type(struct draft *d, enum account_method *out, struct strbuf *why)
{
    const char *type = d->values[DRAFT_AUTH_TYPE];
    for (size_t i = 0; i < ARRAY_SIZE(types); i++) {
        if (strcasecmp(types[i].type, type) != 0)
            continue;
        *out = types[i].method;
        if (types[i].no_keystone && !d->values[DRAFT_IMAGE_ENDPOINT])
            draft_set(d, DRAFT_IMAGE_ENDPOINT, STEAL(d->values[DRAFT_ENDPOINT]));
        if (*out == ACCOUNT_NONE || d->values[types[i].secret])
            return 0;
        return draft_refuse(d, why, "%s %s needs %s", d->names[DRAFT_AUTH_TYPE], types[i].type,
                            d->names[types[i].secret]);
    }
    char shown[64];
    log_escape(shown, sizeof(shown), bytes_of(type));
    return draft_refuse(
        d, why,
        "%s %s is not supported; supported are password, v3totp, v3multifactor, token, "
        "v3applicationcredential, none, and access keys without a type",
        d->names[DRAFT_AUTH_TYPE], shown);
}

static int find_method(struct draft *d, enum account_method *out, struct strbuf *why)
{
    if (d->values[DRAFT_AUTH_TYPE])
        return method_of_type(d, out, why);
    *out = ACCOUNT_NONE;
    for (size_t i = 0; i < ARRAY_SIZE(guesses); i++) {
        if (d->values[guesses[i].field]) {
            *out = guesses[i].method;
            return 0;
        }
    }
    return 0;
}

/* --- Whether it is whole --- */

static int check_user(const struct draft *d, const char *what, struct strbuf *why)
{
    if (d->values[DRAFT_USER_ID])
        return 0;
    if (!d->values[DRAFT_USERNAME])
        return draft_refuse(d, why, "%s needs %s or %s", what, d->names[DRAFT_USERNAME],
                            d->names[DRAFT_USER_ID]);
    if (!d->values[DRAFT_USER_DOMAIN_ID] && !d->values[DRAFT_USER_DOMAIN_NAME]) {
        bool one = !d->cloud && d->family == DRAFT_HW; /* it has but one variable for domains */
        return draft_refuse(d, why, "%s needs %s or %s", d->names[DRAFT_USERNAME],
                            d->names[one ? DRAFT_DOMAIN_NAME : DRAFT_USER_DOMAIN_NAME],
                            d->names[one ? DRAFT_DOMAIN_ID : DRAFT_USER_DOMAIN_ID]);
    }
    return 0;
}

static int check_password(const struct draft *d, struct strbuf *why)
{
    if (!d->values[DRAFT_PASSWORD])
        return draft_refuse(d, why, "%s is missing", d->names[DRAFT_PASSWORD]);
    int r = check_user(d, d->names[DRAFT_PASSWORD], why);
    if (r < 0 || d->values[DRAFT_PROJECT_ID] || !d->values[DRAFT_PROJECT_NAME] ||
        d->values[DRAFT_PROJECT_DOMAIN_ID] || d->values[DRAFT_PROJECT_DOMAIN_NAME])
        return r;
    return draft_refuse(d, why, "%s needs %s or %s", d->names[DRAFT_PROJECT_NAME],
                        d->names[DRAFT_PROJECT_DOMAIN_NAME], d->names[DRAFT_PROJECT_DOMAIN_ID]);
}

static int check_credential(const struct draft *d, struct strbuf *why)
{
    if (!d->values[DRAFT_CREDENTIAL_SECRET])
        return draft_refuse(d, why, "%s is missing", d->names[DRAFT_CREDENTIAL_SECRET]);
    if (d->values[DRAFT_CREDENTIAL_ID])
        return 0;
    if (!d->values[DRAFT_CREDENTIAL_NAME])
        return draft_refuse(d, why, "%s needs %s", d->names[DRAFT_CREDENTIAL_SECRET],
                            d->names[DRAFT_CREDENTIAL_ID]);
    return check_user(d, d->names[DRAFT_CREDENTIAL_NAME], why);
}

static int check_keys(const struct draft *d, struct strbuf *why)
{
    static const enum draft_field pair[] = {DRAFT_ACCESS_KEY, DRAFT_SECRET_KEY};
    for (size_t i = 0; i < ARRAY_SIZE(pair); i++) {
        if (!d->values[pair[i]])
            return draft_refuse(d, why, "%s is missing", d->names[pair[i]]);
    }
    return 0;
}

static int check_not_supported(const struct draft *d, struct strbuf *why)
{
    static const enum draft_field fields[] = {DRAFT_AGENCY, DRAFT_TRUST, DRAFT_SYSTEM_SCOPE};
    for (size_t i = 0; i < ARRAY_SIZE(fields); i++) {
        if (d->values[fields[i]])
            return draft_refuse(d, why,
                                "%s is not supported; sign in as a user or an application "
                                "credential of the project itself",
                                d->names[fields[i]]);
    }
    return 0;
}

/* Whether it leads somewhere. service_known: the user has said where the service is. */
static int check_addresses(const struct draft *d, enum account_method method, bool service_known,
                           struct strbuf *why)
{
    bool asks_keystone = method == ACCOUNT_PASSWORD || method == ACCOUNT_CREDENTIAL;
    bool has_service = service_known || d->values[DRAFT_IMAGE_ENDPOINT];
    if (asks_keystone && !d->values[DRAFT_AUTH_URL])
        return draft_refuse(d, why, "%s is missing", d->names[DRAFT_AUTH_URL]);
    if (method == ACCOUNT_TOKEN && !has_service && !d->values[DRAFT_AUTH_URL])
        return draft_refuse(d, why, "%s is missing; without it name the service's address",
                            d->names[DRAFT_AUTH_URL]);
    if (method == ACCOUNT_KEYS && !has_service)
        return draft_refuse(d, why,
                            "access keys need %s, and an address of the Open Telekom Cloud or of "
                            "Huawei Cloud in %s; or else %s",
                            d->names[DRAFT_REGION], d->names[DRAFT_AUTH_URL],
                            d->names[DRAFT_IMAGE_ENDPOINT]);
    if (method == ACCOUNT_NONE && !has_service)
        return draft_refuse(d, why, "neither %s, %s, %s, %s nor %s is given",
                            d->names[DRAFT_PASSWORD], d->names[DRAFT_CREDENTIAL_SECRET],
                            d->names[DRAFT_TOKEN], d->names[DRAFT_ACCESS_KEY],
                            d->names[DRAFT_IMAGE_ENDPOINT]);
    return 0;
}

static int check_whole(const struct draft *d, enum account_method method, bool service_known,
                       struct strbuf *why)
{
    static int (*const checks[])(const struct draft *, struct strbuf *) = {
        [ACCOUNT_PASSWORD] = check_password,
        [ACCOUNT_CREDENTIAL] = check_credential,
        [ACCOUNT_KEYS] = check_keys,
    };
    int r = method == ACCOUNT_NONE ? 0 : check_not_supported(d, why);
    if (r == 0 && checks[method])
        r = checks[method](d, why);
    return r < 0 ? r : check_addresses(d, method, service_known, why);
}

/* --- The account --- */

static int read_bool(const struct draft *d, enum draft_field field, bool *out, struct strbuf *why)
{
    static const struct {
        const char *text;
        bool value;
    } words[] = {{"true", true}, {"false", false}, {"yes", true}, {"no", false},
                 {"1", true},    {"0", false},     {"on", true},  {"off", false}};
    for (size_t i = 0; d->values[field] && i < ARRAY_SIZE(words); i++) {
        if (strcasecmp(words[i].text, d->values[field]) == 0) {
            *out = words[i].value;
            return 0;
        }
    }
    return d->values[field] ? draft_refuse(d, why, "%s must be true or false", d->names[field]) : 0;
}

/* Moves what the draft has. */
static int take(struct account *out, struct draft *d, struct strbuf *why)
{
    bool insecure = false, verify = true;
    int r = read_bool(d, DRAFT_INSECURE, &insecure, why);
    if (r == 0)
        r = read_bool(d, DRAFT_VERIFY, &verify, why);
    if (r < 0)
        return r;
    out->insecure = insecure || !verify;
    out->cloud = STEAL(d->cloud);
    for (size_t i = 0; i < ARRAY_SIZE(strings); i++)
        *string_at(out, i) = STEAL(d->values[strings[i].field]);
    return 0;
}

static int read_files(struct draft *out, const char *name, struct strbuf *why)
{
    CLEANUP(clouds_free) struct clouds clouds = {0};
    CLEANUP(cloud_free) struct cloud cloud = {0};
    int r = clouds_read(&clouds, why);
    if (r == 0)
        r = cloud_choose(&cloud, &clouds, name, why);
    return r < 0 ? r : draft_read_cloud(out, &cloud, why);
}

/* found: the draft describes an account, and not only what to expect of a service. */
static int read_draft(struct draft *out, bool *found, const struct account_request *request,
                      struct strbuf *why)
{
    enum account_origin origin = request->origin;
    const char *cloud = request->cloud;
    *found = true;
    if (origin == ACCOUNT_ANY) {
        cloud = getenv("OS_CLOUD");
        cloud = cloud && *cloud ? cloud : NULL;
    }
    if (origin == ACCOUNT_CLOUD || (origin == ACCOUNT_ANY && cloud))
        return read_files(out, cloud, why);
    int r = draft_read_variables(out, found);
    if (r == 0 && request->has_token && out->values[DRAFT_AUTH_URL])
        *found = true;
    if (r == 0 && *found)
        r = keyfile_read(out, why);
    if (r < 0 || *found || origin == ACCOUNT_ENVIRONMENT)
        return r;
    *found = true;
    draft_free(out);
    return read_files(out, NULL, why);
}

int account_load(struct account *out, const struct account_request *request, struct strbuf *why)
{
    CLEANUP(draft_free) struct draft d = {0};
    struct account a = {0};
    bool found;
    int r = read_draft(&d, &found, request, why);
    if (request->has_token)
        a.method = ACCOUNT_TOKEN;
    else if (r == 0 && found)
        r = find_method(&d, &a.method, why);
    if (r == 0)
        r = defaults_apply(&d, a.method == ACCOUNT_KEYS, why);
    if (r == 0)
        r = check_whole(&d, a.method, request->origin == ACCOUNT_ENVIRONMENT, why);
    if (r == 0)
        r = take(&a, &d, why);
    if (r < 0)
        return r;
    *out = a;
    return 0;
}
