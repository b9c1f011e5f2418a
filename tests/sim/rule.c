// SPDX-License-Identifier: Apache-2.0
#include "rule.h"

#include <limits.h>
#include <stdio.h>
#include <time.h>

#define COUNT_MAX 16000000
#define FIRST_TIME 1546300800 /* 2019 */

/* Odd, so that each product is of one number; and the other way back. */
#define SPREAD 0x9E3779B1u
#define GATHER 0x0E8B2F51u

static bool parse_count(const char *text, char **end, uint32_t *n)
{
    unsigned long value = *text >= '0' && *text <= '9' ? strtoul(text, end, 10) : ULONG_MAX;
    *n = (uint32_t)value;
    return value <= COUNT_MAX;
}

bool rule_parse(struct rule *rule, const char *text)
{
    struct rule parsed = {0};
    char *end;
    if (!parse_count(text, &end, &parsed.count))
        return false;
    if (*end == '+' && !parse_count(end + 1, &end, &parsed.step))
        return false;
    if (*end == '/' && !parse_count(end + 1, &end, &parsed.names))
        return false;
    if (*end)
        return false;
    *rule = parsed;
    return true;
}

struct rule rule_next(struct rule rule)
{
    rule.first += rule.step;
    return rule;
}

/* A number that looks like chance (splitmix64). */
static uint64_t chance(uint64_t x)
{
    x += 0x9E3779B97F4A7C15u;
    x = (x ^ x >> 30) * 0xBF58476D1CE4E5B9u;
    x = (x ^ x >> 27) * 0x94D049BB133111EBu;
    return x ^ x >> 31;
}

void rule_id(uint32_t number, char out[static RULE_ID_SIZE])
{
    uint64_t x = chance(number);
    snprintf(out, RULE_ID_SIZE, "%08x-%04x-4%03x-8%03x-%012llx", number * SPREAD,
             (unsigned)(x & 0xffff), (unsigned)(x >> 16 & 0xfff), (unsigned)(x >> 28 & 0xfff),
             (unsigned long long)(chance(x) & 0xffffffffffff));
}

bool rule_find(struct bytes id, uint32_t *number)
{
    char text[RULE_ID_SIZE] = "", right[RULE_ID_SIZE];
    unsigned spread;
    if (id.len != RULE_ID_SIZE - 1)
        return false;
    memcpy(text, id.data, id.len);
    if (sscanf(text, "%8x", &spread) != 1)
        return false;
    *number = spread * GATHER;
    rule_id(*number, right);
    return streq(text, right);
}

/* --- Records --- */

/* One of count words, the first more often than the others. */
static const char *pick(const char *const *words, size_t count, uint64_t x)
{
    return words[x & 1 ? 0 : (x >> 1) % count];
}

static void time_text(uint32_t number, unsigned minutes, char out[static 32])
{
    time_t t = FIRST_TIME + ((time_t)number + minutes) * 60;
    struct tm tm;
    strftime(out, 32, "%Y-%m-%dT%H:%M:%SZ", gmtime_r(&t, &tm));
}

static const char *const platforms[] = {"CentOS", "Ubuntu", "Windows", "EulerOS", "Debian",
                                        "SUSE",   "RedHat", "Fedora",  "CoreOS",  "openEuler"};
static const char *const types[] = {"private", "gold", "shared", "market"};
static const char *const visibilities[] = {"private", "public", "shared", "public"};
static const char *const states[] = {"active", "active", "active", "saving", "queued", "killed"};
static const char *const tags[] = {"", "\"env=prod\"", "\"env=test\",\"lts\"", "\"team=data\""};

static const char *platform_of(uint32_t number)
{
    return pick(platforms, ARRAY_SIZE(platforms), chance(number ^ 0xA5A5A5A5u) >> 8);
}

static void add_name(const struct rule *rule, uint32_t number, struct strbuf *out)
{
    uint32_t like = rule->names ? number % rule->names : number;
    strbuf_printf(out, "\"name\":\"%s-build-%08u\",", platform_of(like), like);
}

static void add_varying(const struct rule *rule, uint32_t number, struct strbuf *out)
{
    uint64_t x = chance(number ^ 0xA5A5A5A5u);
    char id[RULE_ID_SIZE], created[32], updated[32];
    size_t type = x >> 20 & 3;
    const char *platform = platform_of(number);
    rule_id(number, id);
    time_text(number, 0, created);
    time_text(number, 30 + (x >> 24 & 0xfff), updated);
    strbuf_printf(out, "{\"id\":\"%s\",", id);
    add_name(rule, number, out);
    strbuf_printf(out, "\"status\":\"%s\",", pick(states, ARRAY_SIZE(states), x >> 40));
    strbuf_printf(out, "\"visibility\":\"%s\",\"__imagetype\":\"%s\",\"__platform\":\"%s\",",
                  visibilities[type], types[type], platform);
    strbuf_printf(out, "\"created_at\":\"%s\",\"updated_at\":\"%s\",\"tags\":[%s],", created,
                  updated, tags[x >> 36 & 3]);
    strbuf_printf(out, "\"file\":\"/v2/images/%s/file\",\"self\":\"/v2/images/%s\",", id, id);
    strbuf_printf(out, "\"checksum\":\"%016llx%016llx\",\"min_disk\":%u,\"__image_size\":\"%llu\",",
                  (unsigned long long)x, (unsigned long long)chance(x), 10 + (unsigned)(x & 127),
                  (unsigned long long)(x >> 30));
    strbuf_printf(out, "\"__image_location\":\"192.149.46.211:4000:imageuds2:%08x\",",
                  (unsigned)(x >> 32));
    strbuf_printf(out, "\"active_at\":\"%s\",\"__sequence_num\":\"%u\",", updated, number);
    strbuf_printf(out, "\"__os_version\":\"%s %u.%u server 64bit\",", platform,
                  (unsigned)(x >> 50 & 7) + 1, (unsigned)(x >> 53 & 7));
}

void rule_add_json(const struct rule *rule, uint32_t number, struct strbuf *out)
{
    add_varying(rule, number, out);
    strbuf_add_str(
        out,
        "\"schema\":\"/v2/schemas/image\",\"__image_source_type\":\"uds\",\"container_format\":"
        "\"bare\",\"protected\":false,\"__isregistered\":\"true\",\"min_ram\":0,\"__lazyloading\":"
        "\"True\",\"owner\":\"0b4b4cf9a2e84f6d8b1f6e0c3d9a7712\",\"__os_type\":\"Linux\","
        "\"virtual_env_type\":\"FusionCompute\",\"size\":0,\"__os_bit\":\"64\",\"disk_format\":"
        "\"qcow2\",\"virtual_size\":null,\"hw_firmware_type\":\"bios\",\"max_ram\":\"262144\","
        "\"__os_feature_list\":\"{\\\"nic_hotplug\\\":\\\"true\\\", \\\"disk_hotplug\\\": "
        "\\\"true\\\", \\\"user_data\\\": \\\"true\\\", \\\"ssh_key\\\": \\\"true\\\"}\","
        "\"hw_vif_multiqueue_enabled\":\"true\",\"__is_config_init\":\"true\","
        "\"enterprise_project_id\":\"0\",\"__account_code\":\"\",\"__originalimagename\":\"\","
        "\"__description\":\"built by packer\",\"__data_origin\":\"image,eu-de\","
        "\"__support_kvm\":\"true\",\"__support_xen\":\"true\",\"__support_diskintensive\":"
        "\"true\",\"__support_agent_list\":\"hss,ces\",\"__support_amd\":\"false\"}");
}
