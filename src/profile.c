// SPDX-License-Identifier: Apache-2.0
#include "imsfs/profile.h"

#include <errno.h>
#include <strings.h>

#define DEFAULT_DOMAINS "\"user_domain_name\":\"Default\",\"project_domain_name\":\"Default\""
#define HUAWEI_VALUES \
    "{\"auth\":{\"auth_url\":\"https://iam.{region_name}.{cloud}/v3\"},\"interface\":\"public\"}"
#define HUAWEI_IMAGES "https://ims.{region_name}.{cloud}"

/* Of two domains that end alike the longer one comes first. */
static const struct profile profiles[] = {
    {"otc-swiss",
     "{\"auth\":{\"auth_url\":\"https://iam-pub.{region_name}.sc.otc.t-systems.com/v3\"},"
     "\"regions\":[\"eu-ch2\"],\"interface\":\"public\"}",
     "https://ims.{region_name}.sc.otc.t-systems.com", "sc.otc.t-systems.com"},
    {"otc",
     "{\"auth\":{\"auth_url\":\"https://iam.{region_name}.otc.t-systems.com/v3\"},"
     "\"regions\":[\"eu-de\",\"eu-nl\"],\"interface\":\"public\"}",
     "https://ims.{region_name}.otc.t-systems.com", "otc.t-systems.com"},
    {"huaweicloud", HUAWEI_VALUES, HUAWEI_IMAGES, "myhuaweicloud.com"},
    {"huawei", HUAWEI_VALUES, HUAWEI_IMAGES, "myhuaweicloud.eu"},
    {"auro",
     "{\"auth\":{\"auth_url\":\"https://api.van2.auro.io:5000/v3\"," DEFAULT_DOMAINS "},"
     "\"region_name\":\"RegionOne\"}",
     NULL, NULL},
    {"betacloud",
     "{\"auth\":{\"auth_url\":\"https://api-1.betacloud.de:5000\"},"
     "\"regions\":[\"betacloud-1\"]}",
     NULL, NULL},
    {"citycloud",
     "{\"auth\":{\"auth_url\":\"https://{region_name}.citycloud.com:5000/v3/\"},\"regions\":"
     "[\"Buf1\",\"Fra1\",\"Lon1\",\"Sto2\",\"Kna1\",\"dx1\",\"tky1\"]}",
     NULL, NULL},
    {"elastx",
     "{\"auth\":{\"auth_url\":\"https://ops.elastx.cloud:5000/v3\"},\"region_name\":\"se-sto\"}",
     NULL, NULL},
    {"fuga",
     "{\"auth\":{\"auth_url\":\"https://identity.api.fuga.io:5000\"," DEFAULT_DOMAINS "},"
     "\"regions\":[\"cystack\"]}",
     NULL, NULL},
    {"limestonenetworks",
     "{\"auth\":{\"auth_url\":\"https://auth.cloud.lstn.net:5000/v3\"},"
     "\"regions\":[\"us-dfw-1\",\"us-slc\"]}",
     NULL, NULL},
    {"ovh",
     "{\"auth\":{\"auth_url\":\"https://auth.cloud.ovh.net/\"," DEFAULT_DOMAINS "},"
     "\"regions\":[\"BHS\",\"BHS1\",\"BHS3\",\"BHS5\",\"DE\",\"DE1\",\"GRA\",\"GRA1\",\"GRA5\","
     "\"GRA7\",\"SBG\",\"SBG1\",\"SBG5\",\"UK\",\"UK1\",\"WAW\",\"WAW1\",\"SYD1\",\"SGP1\"]}",
     NULL, NULL},
    {"ovh-us",
     "{\"auth\":{\"auth_url\":\"https://auth.cloud.ovh.us/\"," DEFAULT_DOMAINS "},"
     "\"regions\":[\"US-EAST-VA-1\"]}",
     NULL, NULL},
    {"switchengines",
     "{\"auth\":{\"auth_url\":\"https://keystone.cloud.switch.ch:5000/v3\"},"
     "\"regions\":[\"LS\",\"ZH\"]}",
     NULL, NULL},
    {"zetta",
     "{\"auth\":{\"auth_url\":\"https://identity.api.zetta.io/v3\"},\"regions\":[\"no-osl1\"]}",
     NULL, NULL},
};

const struct profile *profile_find(const char *name)
{
    for (size_t i = 0; i < ARRAY_SIZE(profiles); i++) {
        if (streq(profiles[i].name, name))
            return &profiles[i];
    }
    return NULL;
}

static struct bytes host_in(const char *url)
{
    const char *scheme = strstr(url, "://");
    const char *host = scheme ? scheme + 3 : url;
    return (struct bytes){host, strcspn(host, ":/?#")};
}

/* What stands before ".domain" in host; empty: it does not end so. */
static struct bytes before_domain(struct bytes host, const char *domain)
{
    size_t len = strlen(domain);
    if (host.len < len + 2 || host.data[host.len - len - 1] != '.' ||
        strncasecmp(host.data + host.len - len, domain, len) != 0)
        return (struct bytes){NULL, 0};
    return (struct bytes){host.data, host.len - len - 1};
}

const struct profile *profile_serving(const char *auth_url)
{
    for (size_t i = 0; i < ARRAY_SIZE(profiles); i++) {
        if (profiles[i].domain && before_domain(host_in(auth_url), profiles[i].domain).len)
            return &profiles[i];
    }
    return NULL;
}

struct bytes profile_region_in(const struct profile *p, const char *auth_url)
{
    struct bytes labels = {NULL, 0};
    if (p->domain)
        labels = before_domain(host_in(auth_url), p->domain);
    const char *dot = labels.len ? memchr(labels.data, '.', labels.len) : NULL;
    if (!dot)
        return (struct bytes){NULL, 0};
    size_t used = (size_t)(dot + 1 - labels.data);
    struct bytes region = {dot + 1, labels.len - used};
    return memchr(region.data, '.', region.len) ? (struct bytes){NULL, 0} : region;
}

const char *profile_huawei_domain(const char *region)
{
    bool europe = region && strncmp(region, "eu-west-1", 9) == 0;
    return europe ? "myhuaweicloud.eu" : "myhuaweicloud.com";
}

static bool is_host_part(const char *s)
{
    static const char allowed[] =
        "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-_.";
    return s && *s && s[strspn(s, allowed)] == '\0';
}

int profile_expand(struct strbuf *out, const char *text, const char *region, const char *domain)
{
    const struct {
        const char *place, *value;
    } places[] = {{"{region_name}", region}, {"{cloud}", domain}};
    while (*text) {
        size_t used = 1;
        for (size_t i = 0; i < ARRAY_SIZE(places) && used == 1; i++) {
            size_t len = strlen(places[i].place);
            if (strncmp(text, places[i].place, len) != 0)
                continue;
            if (!is_host_part(places[i].value))
                return -EINVAL;
            strbuf_add_str(out, places[i].value);
            used = len;
        }
        if (used == 1)
            strbuf_add_char(out, *text);
        text += used;
    }
    return strbuf_error(out);
}
