// SPDX-License-Identifier: Apache-2.0
#include "imsfs/draft.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <unistd.h>

#include "imsfs/log.h"
#include "imsfs/secret.h"

enum { KEYS_MAX = 4, VARIABLES_MAX = 2 };

/* What a field is. */
enum {
    AT_TOP = 1 << 0,    /* in clouds.yaml beside the section `auth`, not also in it */
    IS_SECRET = 1 << 1, /* to be wiped */
    NAMES_WHO = 1 << 2, /* a family that has it, or a secret, describes an account */
    OF_REGION = 1 << 3, /* of clouds.yaml by other rules (clouds.h) */
};

struct field {
    unsigned flags;
    const char *keys[KEYS_MAX]; /* in clouds.yaml; the first that is there counts */
    const char *variables[DRAFT_FAMILIES][VARIABLES_MAX]; /* likewise */
};

/*
 * Sources: openstacksdk's loader (auth options and the old names that it maps, of which tenant is
 * one and endpoint_type, which wins, another), the options of keystoneauth's plugins, the providers
 * of Terraform for the Open Telekom Cloud and Huawei Cloud, the credential providers of Huawei
 * Cloud's SDK.
 */
static const struct field fields[DRAFT_FIELDS] = {
    [DRAFT_AUTH_TYPE] = {AT_TOP,
                         {"auth_type", "auth_plugin"},
                         {{"OS_AUTH_TYPE", "OS_AUTH_PLUGIN"}}},
    [DRAFT_AUTH_URL] = {0,
                        {"auth_url"},
                        {{"OS_AUTH_URL"}, {"HW_AUTH_URL"}, {"HUAWEICLOUD_SDK_IAM_ENDPOINT"}}},
    [DRAFT_IMAGE_ENDPOINT] = {AT_TOP,
                              {"image_endpoint_override", "image_endpoint"},
                              {{"OS_IMAGE_ENDPOINT_OVERRIDE", "OS_IMAGE_ENDPOINT"}}},
    [DRAFT_ENDPOINT] = {0, {"endpoint", "url"}, {{"OS_ENDPOINT", "OS_URL"}}},
    [DRAFT_USERNAME] = {NAMES_WHO,
                        {"username", "user_name"},
                        {{"OS_USERNAME", "OS_USER_NAME"}, {"HW_USER_NAME"}}},
    [DRAFT_USER_ID] = {NAMES_WHO, {"user_id"}, {{"OS_USER_ID"}, {"HW_USER_ID"}}},
    [DRAFT_USER_DOMAIN_NAME] = {0, {"user_domain_name"}, {{"OS_USER_DOMAIN_NAME"}}},
    [DRAFT_USER_DOMAIN_ID] = {0, {"user_domain_id"}, {{"OS_USER_DOMAIN_ID"}}},
    [DRAFT_PASSWORD] = {IS_SECRET, {"password"}, {{"OS_PASSWORD"}, {"HW_USER_PASSWORD"}}},
    [DRAFT_PASSCODE] = {IS_SECRET, {"passcode"}, {{"OS_PASSCODE"}}},
    [DRAFT_CREDENTIAL_ID] = {NAMES_WHO,
                             {"application_credential_id"},
                             {{"OS_APPLICATION_CREDENTIAL_ID"}}},
    [DRAFT_CREDENTIAL_NAME] = {NAMES_WHO,
                               {"application_credential_name"},
                               {{"OS_APPLICATION_CREDENTIAL_NAME"}}},
    [DRAFT_CREDENTIAL_SECRET] = {IS_SECRET,
                                 {"application_credential_secret"},
                                 {{"OS_APPLICATION_CREDENTIAL_SECRET"}}},
    [DRAFT_TOKEN] = {IS_SECRET | NAMES_WHO,
                     {"token", "auth_token"},
                     {{"OS_TOKEN", "OS_AUTH_TOKEN"}, {"HW_AUTH_TOKEN"}}},
    [DRAFT_ACCESS_KEY] = {NAMES_WHO,
                          {"ak", "access_key"},
                          {{"OS_ACCESS_KEY"}, {"HW_ACCESS_KEY"}, {"HUAWEICLOUD_SDK_AK"}}},
    [DRAFT_SECRET_KEY] = {IS_SECRET,
                          {"sk", "secret_key"},
                          {{"OS_SECRET_KEY"}, {"HW_SECRET_KEY"}, {"HUAWEICLOUD_SDK_SK"}}},
    [DRAFT_SECURITY_TOKEN] = {IS_SECRET,
                              {"security_token"},
                              {{"OS_SECURITY_TOKEN"},
                               {"HW_SECURITY_TOKEN"},
                               {"HUAWEICLOUD_SDK_SECURITY_TOKEN"}}},
    [DRAFT_PROJECT_NAME] = {0,
                            {"project_name", "tenant_name"},
                            {{"OS_PROJECT_NAME", "OS_TENANT_NAME"}, {"HW_PROJECT_NAME"}}},
    [DRAFT_PROJECT_ID] = {0,
                          {"project_id", "tenant_id"},
                          {{"OS_PROJECT_ID", "OS_TENANT_ID"},
                           {"HW_PROJECT_ID"},
                           {"HUAWEICLOUD_SDK_PROJECT_ID"}}},
    [DRAFT_PROJECT_DOMAIN_NAME] = {0, {"project_domain_name"}, {{"OS_PROJECT_DOMAIN_NAME"}}},
    [DRAFT_PROJECT_DOMAIN_ID] = {0, {"project_domain_id"}, {{"OS_PROJECT_DOMAIN_ID"}}},
    [DRAFT_DOMAIN_NAME] = {0, {"domain_name"}, {{"OS_DOMAIN_NAME"}, {"HW_DOMAIN_NAME"}}},
    [DRAFT_DOMAIN_ID] = {0, {"domain_id"}, {{"OS_DOMAIN_ID"}, {"HW_DOMAIN_ID"}}},
    [DRAFT_DEFAULT_DOMAIN_NAME] = {0, {"default_domain_name"}, {{"OS_DEFAULT_DOMAIN_NAME"}}},
    /* The openstack command takes default_domain for an id (osc_lib, client_config.py). */
    [DRAFT_DEFAULT_DOMAIN_ID] = {0,
                                 {"default_domain_id", "default_domain"},
                                 {{"OS_DEFAULT_DOMAIN_ID", "OS_DEFAULT_DOMAIN"}}},
    [DRAFT_REGION] = {AT_TOP | OF_REGION,
                      {"region_name"},
                      {{"OS_REGION_NAME"}, {"HW_REGION_NAME"}, {"HUAWEICLOUD_SDK_REGION_ID"}}},
    [DRAFT_IMAGE_REGION] = {AT_TOP, {"image_region_name"}, {{"OS_IMAGE_REGION_NAME"}}},
    [DRAFT_INTERFACE] = {AT_TOP,
                         {"image_endpoint_type", "image_interface", "endpoint_type", "interface"},
                         {{"OS_ENDPOINT_TYPE", "OS_INTERFACE"}}},
    [DRAFT_CACERT] = {AT_TOP, {"cacert"}, {{"OS_CACERT"}}},
    [DRAFT_CERT] = {AT_TOP, {"cert"}, {{"OS_CERT"}}},
    [DRAFT_KEY] = {AT_TOP, {"key"}, {{"OS_KEY"}}},
    [DRAFT_INSECURE] = {AT_TOP, {"insecure"}, {{"OS_INSECURE"}, {"HW_INSECURE"}}},
    [DRAFT_VERIFY] = {AT_TOP, {"verify"}, {{NULL}}},
    [DRAFT_HUAWEI_DOMAIN] = {AT_TOP, {NULL}, {{NULL}, {"HW_CLOUD"}}},
    [DRAFT_KEYFILE] = {NAMES_WHO,
                       {NULL},
                       {{NULL}, {"HW_SHARED_CONFIG_FILE"}, {"HUAWEICLOUD_SDK_CREDENTIALS_FILE"}}},
    [DRAFT_KEYFILE_PROFILE] = {AT_TOP, {NULL}, {{NULL}, {"HW_PROFILE"}}},
    [DRAFT_AGENCY] = {0, {"agency_name"}, {{"OS_AGENCY_NAME"}, {"HW_ASSUME_ROLE_AGENCY_NAME"}}},
    [DRAFT_TRUST] = {0, {"trust_id"}, {{"OS_TRUST_ID"}}},
    [DRAFT_SYSTEM_SCOPE] = {0, {"system_scope"}, {{"OS_SYSTEM_SCOPE"}}},
};

static const struct {
    const char *label;
    const char *profile;
} families[DRAFT_FAMILIES] = {
    [DRAFT_OS] = {"the OS_ variables", NULL},
    [DRAFT_HW] = {"the HW_ variables", "huaweicloud"},
    [DRAFT_SDK] = {"the HUAWEICLOUD_SDK_ variables", "huaweicloud"},
};

void draft_free(struct draft *d)
{
    for (int i = 0; i < DRAFT_FIELDS; i++)
        secret_free(&d->values[i]);
    free(d->cloud);
    strbuf_free(&d->origin);
    *d = (struct draft){0};
}

void draft_set(struct draft *d, enum draft_field field, char *value)
{
    secret_free(&d->values[field]);
    if (value && *value)
        d->values[field] = value;
    else
        secret_free(&value);
}

int draft_default(struct draft *d, enum draft_field to, const char *value)
{
    if (d->values[to] || !value)
        return 0;
    d->values[to] = strdup(value);
    return d->values[to] ? 0 : -ENOMEM;
}

int draft_refuse(const struct draft *d, struct strbuf *why, const char *fmt, ...)
{
    char text[512];
    va_list ap;
    va_start(ap, fmt);
    vsnprintf(text, sizeof(text), fmt, ap);
    va_end(ap);
    strbuf_printf(why, "%s: %s", strbuf_str(&d->origin), text);
    return -EINVAL;
}

int draft_make_absolute(struct draft *d, enum draft_field field, struct strbuf *why)
{
    const char *path = d->values[field];
    const char *home = getenv("HOME");
    CLEANUP(free_ptr) char *cwd = NULL;
    char *absolute = NULL;
    if (!path || *path == '/')
        return 0;
    bool of_home = streq(path, "~") || strncmp(path, "~/", 2) == 0;
    if (!of_home)
        cwd = getcwd(NULL, 0);
    if (of_home ? !home : !cwd)
        return draft_refuse(d, why, "%s is relative to a directory that is not there",
                            d->names[field]);
    if (asprintf(&absolute, "%s%s%s", of_home ? home : cwd, of_home ? "" : "/",
                 of_home ? path + 1 : path) < 0)
        return -ENOMEM;
    draft_set(d, field, absolute);
    return 0;
}

/* Once for each file. */
static void warn_exposed(const struct cloud *c, enum cloud_layer from,
                         bool warned[static CLOUDS_FILES])
{
    const struct document *doc = cloud_document(c, from);
    if (!doc || !doc->exposed || warned[doc - c->files->files])
        return;
    warned[doc - c->files->files] = true;
    log_warning("%s has a secret of cloud \"%s\" and can be read by other users; chmod 600 it",
                doc->path, c->name);
}

/* The first of the field's keys that says something, in the section first. */
static int read_field(struct draft *d, enum draft_field f, const struct cloud *c,
                      enum cloud_layer *from, struct strbuf *why)
{
    const struct field *field = &fields[f];
    for (size_t k = 0; k < KEYS_MAX && field->keys[k] && !d->values[f]; k++) {
        for (int top = field->flags & AT_TOP ? 1 : 0; top <= 1 && !d->values[f]; top++) {
            char *text = NULL;
            struct bytes value = cloud_member(c, top ? NULL : "auth", field->keys[k], from);
            int r = value.data ? document_text(value, &text) : 0;
            if (r == -EINVAL)
                return draft_refuse(d, why, "%s must be one text, not a list or a mapping",
                                    field->keys[k]);
            if (r < 0)
                return r;
            draft_set(d, f, text);
            if (d->values[f])
                d->names[f] = field->keys[k];
        }
    }
    return 0;
}

static int fill_from_cloud(struct draft *d, const struct cloud *c, struct strbuf *why)
{
    bool warned[CLOUDS_FILES] = {false};
    cloud_describe(c, &d->origin);
    d->profile = c->profile;
    d->cloud = strdup(c->name);
    if (!d->cloud || strbuf_error(&d->origin) < 0)
        return -ENOMEM;
    for (int f = 0; f < DRAFT_FIELDS; f++) {
        enum cloud_layer from = CLOUD_MAIN;
        d->names[f] = fields[f].keys[0];
        int r = fields[f].flags & OF_REGION ? draft_default(d, (enum draft_field)f, c->region)
                                            : read_field(d, (enum draft_field)f, c, &from, why);
        if (r < 0)
            return r;
        if (d->values[f] && fields[f].flags & IS_SECRET)
            warn_exposed(c, from, warned);
    }
    return 0;
}

int draft_read_cloud(struct draft *out, const struct cloud *c, struct strbuf *why)
{
    struct draft d = {0};
    int r = fill_from_cloud(&d, c, why);
    if (r < 0)
        draft_free(&d);
    else
        *out = d;
    return r;
}

/* The variable that gives the field in the family, or NULL. */
static const char *given(enum draft_family family, const struct field *field)
{
    for (int i = 0; i < VARIABLES_MAX && field->variables[family][i]; i++) {
        const char *value = getenv(field->variables[family][i]);
        if (value && *value)
            return field->variables[family][i];
    }
    return NULL;
}

static bool names_an_account(enum draft_family family)
{
    for (int f = 0; f < DRAFT_FIELDS; f++) {
        if (fields[f].flags & (NAMES_WHO | IS_SECRET) && given(family, &fields[f]))
            return true;
    }
    return false;
}

static int fill_from_variables(struct draft *d, enum draft_family family)
{
    d->family = family;
    if (families[family].profile)
        d->profile = profile_find(families[family].profile);
    strbuf_add_str(&d->origin, families[family].label);
    int r = strbuf_error(&d->origin);
    for (int f = 0; f < DRAFT_FIELDS && r == 0; f++) {
        const char *first = fields[f].variables[family][0];
        const char *name = given(family, &fields[f]);
        d->names[f] = first ? first : fields[f].keys[0];
        if (!name)
            continue;
        d->names[f] = name;
        r = draft_default(d, (enum draft_field)f, getenv(name));
    }
    return r;
}

int draft_read_variables(struct draft *out, bool *found)
{
    struct draft d = {0};
    int family = 0;
    while (family < DRAFT_FAMILIES && !names_an_account((enum draft_family)family))
        family++;
    *found = family < DRAFT_FAMILIES;
    int r = fill_from_variables(&d, *found ? (enum draft_family)family : DRAFT_OS);
    if (r < 0)
        draft_free(&d);
    else
        *out = d;
    return r;
}

/* Every entry of this name: one may stand there twice, and getenv() sees only the first. */
static void wipe(const char *name)
{
    size_t len = strlen(name);
    for (char **entry = environ; entry && *entry; entry++) {
        if (strncmp(*entry, name, len) == 0 && (*entry)[len] == '=')
            explicit_bzero(*entry + len + 1, strlen(*entry + len + 1));
    }
    unsetenv(name);
}

void draft_wipe_environment(void)
{
    for (int f = 0; f < DRAFT_FIELDS; f++) {
        for (int v = 0; v < DRAFT_FAMILIES * VARIABLES_MAX; v++) {
            const char *name = fields[f].variables[v / VARIABLES_MAX][v % VARIABLES_MAX];
            if (name && fields[f].flags & IS_SECRET)
                wipe(name);
        }
    }
}
