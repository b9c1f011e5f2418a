// SPDX-License-Identifier: Apache-2.0
#include "imsfs/defaults.h"

#include <errno.h>
#include <stdio.h>
#include <strings.h>

#include "imsfs/url.h"

struct fallback {
    enum draft_field to, from;
};

static int fall_back(struct draft *d, const struct fallback *rules, size_t count)
{
    int r = 0;
    for (size_t i = 0; i < count && r == 0; i++)
        r = draft_default(d, rules[i].to, d->values[rules[i].from]);
    return r;
}

/* An id and a name are two ways to say one thing, so either keeps both of the others out. */
static int fall_back_pair(struct draft *d, enum draft_field to_id, enum draft_field to_name,
                          enum draft_field from_id, enum draft_field from_name)
{
    const struct fallback rules[] = {{to_id, from_id}, {to_name, from_name}};
    return d->values[to_id] || d->values[to_name] ? 0 : fall_back(d, rules, ARRAY_SIZE(rules));
}

/* The openstack command takes the domain "default" where nothing says another (osc_lib,
 * client_config.py). No user of Huawei Cloud or OTC is in one of that name. */
static int default_user_domain(struct draft *d)
{
    bool ims = d->profile && d->profile->image_endpoint;
    bool given = d->values[DRAFT_USER_DOMAIN_ID] || d->values[DRAFT_USER_DOMAIN_NAME];
    return ims || given ? 0 : draft_default(d, DRAFT_USER_DOMAIN_ID, "default");
}

static int complete_domains(struct draft *d)
{
    /* openstacksdk's loader, _handle_domain_id(). */
    static const struct fallback shared[] = {
        {DRAFT_USER_DOMAIN_ID, DRAFT_DOMAIN_ID},
        {DRAFT_PROJECT_DOMAIN_ID, DRAFT_DOMAIN_ID},
        {DRAFT_USER_DOMAIN_NAME, DRAFT_DOMAIN_NAME},
        {DRAFT_PROJECT_DOMAIN_NAME, DRAFT_DOMAIN_NAME},
    };
    int r = fall_back(d, shared, ARRAY_SIZE(shared));
    /* keystoneauth's password plugin, and osc_lib. */
    if (r == 0)
        r = fall_back_pair(d, DRAFT_USER_DOMAIN_ID, DRAFT_USER_DOMAIN_NAME, DRAFT_DEFAULT_DOMAIN_ID,
                           DRAFT_DEFAULT_DOMAIN_NAME);
    if (r == 0)
        r = fall_back_pair(d, DRAFT_PROJECT_DOMAIN_ID, DRAFT_PROJECT_DOMAIN_NAME,
                           DRAFT_DEFAULT_DOMAIN_ID, DRAFT_DEFAULT_DOMAIN_NAME);
    if (r == 0)
        r = default_user_domain(d);
    /* IAM of Huawei and OTC takes a project without a domain for one of the user's, and their
     * guides write it so. */
    if (r == 0 && d->values[DRAFT_PROJECT_NAME])
        r = fall_back_pair(d, DRAFT_PROJECT_DOMAIN_ID, DRAFT_PROJECT_DOMAIN_NAME,
                           DRAFT_USER_DOMAIN_ID, DRAFT_USER_DOMAIN_NAME);
    return r;
}

/* Terraform's provider: the project is by default the one that is called like the region. A token
 * has its project already, and for keys the region's is looked up anyway. */
static int complete_project(struct draft *d)
{
    if (d->cloud || d->family != DRAFT_HW || d->values[DRAFT_PROJECT_ID] ||
        !d->values[DRAFT_PASSWORD])
        return 0;
    return draft_default(d, DRAFT_PROJECT_NAME, d->values[DRAFT_REGION]);
}

static int complete_interface(struct draft *d, struct strbuf *why)
{
    static const char *const names[][2] = {
        {"public", "publicURL"}, {"internal", "internalURL"}, {"admin", "adminURL"}};
    int r = draft_default(d, DRAFT_INTERFACE, "public");
    for (size_t i = 0; r == 0 && i < ARRAY_SIZE(names); i++) {
        if (strcasecmp(names[i][0], d->values[DRAFT_INTERFACE]) == 0 ||
            strcasecmp(names[i][1], d->values[DRAFT_INTERFACE]) == 0) {
            draft_set(d, DRAFT_INTERFACE, NULL);
            return draft_default(d, DRAFT_INTERFACE, names[i][0]);
        }
    }
    return r < 0 ? r
                 : draft_refuse(d, why, "%s must be public, internal or admin",
                                d->names[DRAFT_INTERFACE]);
}

/* The region's own variable of Huawei Cloud's SDK: upper case, '_' for '-'. */
static const char *sdk_image_endpoint(const char *region)
{
    char name[128];
    snprintf(name, sizeof(name), "HUAWEICLOUD_SDK_REGION_IMS_%s", region);
    for (char *c = name; *c; c++)
        *c = (char)(*c == '-' ? '_' : *c >= 'a' && *c <= 'z' ? *c - 'a' + 'A' : *c);
    const char *value = getenv(name);
    return value && *value ? value : NULL;
}

/* Who signs requests has no catalog to ask: the addresses follow from the profile, and that and the
 * region from the address of IAM if need be. */
static int guess_region(struct draft *d)
{
    const char *auth_url = d->values[DRAFT_AUTH_URL];
    if (!auth_url)
        return 0;
    if (!d->profile)
        d->profile = profile_serving(auth_url);
    struct bytes region = {NULL, 0};
    if (d->profile && !d->values[DRAFT_REGION])
        region = profile_region_in(d->profile, auth_url);
    if (region.len == 0)
        return 0;
    draft_set(d, DRAFT_REGION, strndup(region.data, region.len));
    return d->values[DRAFT_REGION] ? 0 : -ENOMEM;
}

static int default_auth_url(struct draft *d)
{
    if (d->values[DRAFT_AUTH_URL] || !d->profile || !d->values[DRAFT_REGION])
        return 0;
    char *text = NULL;
    struct bytes auth = document_member(bytes_of(d->profile->values), "auth");
    int r = document_text(document_member(auth, "auth_url"), &text);
    if (r == 0)
        draft_set(d, DRAFT_AUTH_URL, text);
    return r;
}

static int default_image_endpoint(struct draft *d)
{
    const char *region = d->values[DRAFT_REGION], *value = NULL;
    if (!region)
        return 0;
    if (!d->cloud && d->family == DRAFT_SDK)
        value = sdk_image_endpoint(region);
    if (!value && d->profile)
        value = d->profile->image_endpoint;
    return draft_default(d, DRAFT_IMAGE_ENDPOINT, value);
}

/* Fills in the places, adds the scheme, and checks the whole. */
static int complete_url(struct draft *d, enum draft_field field, struct strbuf *why)
{
    CLEANUP(strbuf_free) struct strbuf full = STRBUF_INIT;
    const char *text = d->values[field], *region = d->values[DRAFT_REGION];
    const char *domain = d->values[DRAFT_HUAWEI_DOMAIN];
    struct url parsed;
    char problem[128];
    if (!text)
        return 0;
    if (!strstr(text, "://"))
        strbuf_add_str(&full, "https://");
    int r = profile_expand(&full, text, region, domain ? domain : profile_huawei_domain(region));
    if (r == -EINVAL)
        return draft_refuse(d, why, "%s needs %s, which must be part of a host name",
                            d->names[field], d->names[DRAFT_REGION]);
    if (r == 0)
        r = field == DRAFT_AUTH_URL
                ? url_parse_identity(&parsed, strbuf_str(&full), problem, sizeof(problem))
                : url_parse_endpoint(&parsed, strbuf_str(&full), problem, sizeof(problem));
    if (r == -EINVAL)
        return draft_refuse(d, why, "%s: %s", d->names[field], problem);
    if (r < 0)
        return r;
    url_free(&parsed);
    draft_set(d, field, strbuf_steal(&full));
    return d->values[field] ? 0 : -ENOMEM;
}

static int complete_urls(struct draft *d, bool signs, struct strbuf *why)
{
    int r = signs ? guess_region(d) : 0;
    if (r == 0)
        r = default_auth_url(d);
    if (r == 0)
        r = complete_url(d, DRAFT_AUTH_URL, why);
    if (r == 0 && d->values[DRAFT_IMAGE_REGION])
        draft_set(d, DRAFT_REGION, STEAL(d->values[DRAFT_IMAGE_REGION]));
    if (r == 0 && signs)
        r = default_image_endpoint(d);
    return r < 0 ? r : complete_url(d, DRAFT_IMAGE_ENDPOINT, why);
}

int defaults_apply(struct draft *d, bool signs, struct strbuf *why)
{
    static const enum draft_field paths[] = {DRAFT_CACERT, DRAFT_CERT, DRAFT_KEY};
    int r = complete_urls(d, signs, why);
    if (r == 0)
        r = complete_project(d);
    if (r == 0)
        r = complete_domains(d);
    if (r == 0)
        r = complete_interface(d, why);
    for (size_t i = 0; i < ARRAY_SIZE(paths) && r == 0; i++)
        r = draft_make_absolute(d, paths[i], why);
    return r;
}
