// SPDX-License-Identifier: Apache-2.0
#include "imsfs/param.h"

#include <strings.h>

#include "imsfs/timestamp.h"

#define BOTH (PARAM_NATIVE | PARAM_CLOUD)
#define SUPPORT_PREFIX "__support_"

#define IMAGE_TYPES "gold|private|shared|market"
#define STATUSES "queued|saving|deleted|killed|active"
#define PLATFORMS                                                                           \
    "Windows|Ubuntu|RedHat|Red Hat|SUSE|CentOS|Debian|OpenSUSE|Oracle Linux|Fedora|CoreOS|" \
    "EulerOS|Huawei Cloud EulerOS|Other"
#define SORT_KEYS "name|container_format|disk_format|status|id|size|created_at|create_at"
#define OPERATORS "gt:TIME|gte:TIME|lt:TIME|lte:TIME|eq:TIME|neq:TIME"

/* In the order of the documents; what only one call knows comes last. */
static const struct param table[] = {
    {"__isregistered", BOTH, PARAM_TEXT, "true", NULL, false},
    {"__imagetype", BOTH, PARAM_TEXT, IMAGE_TYPES, NULL, false},
    {"protected", BOTH, PARAM_BOOLEAN, "true|false", NULL, false},
    {"visibility", BOTH, PARAM_VISIBILITY, "public|private|shared", "community|all", false},
    {"owner", BOTH, PARAM_TEXT, NULL, NULL, false},
    {"id", BOTH, PARAM_TEXT, NULL, NULL, false},
    {"status", BOTH, PARAM_TEXT, STATUSES, "uploading|importing|deactivated", false},
    {"name", BOTH, PARAM_TEXT, NULL, NULL, false},
    {"container_format", BOTH, PARAM_TEXT, "bare", NULL, false},
    {"disk_format", BOTH, PARAM_TEXT, "zvhd2|vhd|zvhd|raw|qcow2|iso", NULL, false},
    {"min_ram", BOTH, PARAM_INTEGER, NULL, NULL, false},
    {"min_disk", BOTH, PARAM_INTEGER, NULL, NULL, false},
    {"__os_bit", BOTH, PARAM_TEXT, "32|64", NULL, false},
    {"__platform", BOTH, PARAM_TEXT, PLATFORMS, NULL, false},
    {"marker", BOTH, PARAM_MARKER, NULL, NULL, false},
    {"limit", BOTH, PARAM_LIMIT, NULL, NULL, false},
    {"sort_key", BOTH, PARAM_SORT_KEY, SORT_KEYS, "updated_at", false},
    {"sort_dir", BOTH, PARAM_SORT_DIR, "asc|desc", NULL, false},
    {"__os_type", BOTH, PARAM_TEXT, "Linux|Windows|Other", NULL, false},
    {"tag", BOTH, PARAM_TAG, NULL, NULL, false},
    {"member_status", BOTH, PARAM_MEMBER_STATUS, "accepted|rejected|pending", "all", true},
    {"__support_kvm", BOTH, PARAM_TEXT, "true", NULL, false},
    {"__support_xen", BOTH, PARAM_TEXT, "true", NULL, false},
    {"__support_largememory", BOTH, PARAM_TEXT, "true", NULL, false},
    {"__support_diskintensive", BOTH, PARAM_TEXT, "true", NULL, false},
    {"__support_highperformance", BOTH, PARAM_TEXT, "true", NULL, false},
    {"__support_xen_gpu_type", BOTH, PARAM_TEXT, NULL, NULL, false},
    {"__support_kvm_gpu_type", BOTH, PARAM_TEXT, NULL, NULL, false},
    {"__support_xen_hana", BOTH, PARAM_TEXT, "true", NULL, false},
    {"__support_kvm_infiniband", BOTH, PARAM_TEXT, "true", NULL, false},
    {"created_at", BOTH, PARAM_TIME, OPERATORS, NULL, false},
    {"updated_at", BOTH, PARAM_TIME, OPERATORS, NULL, false},
    {"__whole_image", PARAM_CLOUD, PARAM_BOOLEAN, "true|false", NULL, false},
    {"__system__cmkid", PARAM_CLOUD, PARAM_TEXT, NULL, NULL, false},
    {"flavor_id", PARAM_CLOUD, PARAM_FLAVOR, NULL, NULL, true},
    {"virtual_env_type", PARAM_CLOUD, PARAM_TEXT, "FusionCompute|Ironic|DataImage|IsoImage", NULL,
     false},
    {"enterprise_project_id", PARAM_CLOUD, PARAM_PROJECT, NULL, NULL, false},
    {"architecture", PARAM_CLOUD | PARAM_GLANCE, PARAM_ARCHITECTURE, "x86|arm", NULL, false},
    {"os_hidden", PARAM_GLANCE, PARAM_BOOLEAN, "true|false", NULL, false},
    {"size_min", PARAM_GLANCE, PARAM_SIZE_MIN, NULL, NULL, false},
    {"size_max", PARAM_GLANCE, PARAM_SIZE_MAX, NULL, NULL, false},
};

/* The rest of __support_*: images carry many more than the documents list. */
static const struct param support_row = {SUPPORT_PREFIX "*", BOTH, PARAM_TEXT, NULL, NULL, false};

const struct param *param_find(struct bytes name)
{
    for (size_t i = 0; i < ARRAY_SIZE(table); i++)
        if (bytes_are(name, table[i].name))
            return &table[i];
    size_t prefix = strlen(SUPPORT_PREFIX);
    if (name.len > prefix && memcmp(name.data, SUPPORT_PREFIX, prefix) == 0)
        return &support_row;
    return NULL;
}

const struct param *param_at(size_t i)
{
    return i < ARRAY_SIZE(table) ? &table[i] : i == ARRAY_SIZE(table) ? &support_row : NULL;
}

static bool in_list(const char *list, struct bytes value)
{
    for (const char *s = list; s; s = *s ? s + 1 : NULL) {
        size_t len = strcspn(s, "|");
        if (bytes_equal(value, (struct bytes){s, len}))
            return true;
        s += len;
    }
    return false;
}

static bool is_digits(const char *s, size_t len)
{
    for (size_t i = 0; i < len; i++)
        if (s[i] < '0' || s[i] > '9')
            return false;
    return len > 0;
}

bool param_integer(struct bytes value, int64_t *n)
{
    bool negative = value.len && value.data[0] == '-';
    const char *s = value.data + negative;
    size_t len = value.len - negative;
    if (!is_digits(s, len))
        return false;
    int64_t total = 0;
    for (size_t i = 0; i < len; i++)
        if (__builtin_mul_overflow(total, 10, &total) ||
            __builtin_sub_overflow(total, s[i] - '0', &total)) {
            total = INT64_MIN;
            break;
        }
    /* Summed up below zero, where there is one number more. */
    *n = negative ? total : total == INT64_MIN ? INT64_MAX : -total;
    return true;
}

bool param_boolean(struct bytes value, bool *b)
{
    *b = value.len == 4;
    return (value.len == 4 && strncasecmp(value.data, "true", 4) == 0) ||
           (value.len == 5 && strncasecmp(value.data, "false", 5) == 0);
}

/* timestamp takes more forms than the documents give. */
static bool is_documented_time(struct bytes text)
{
    return (text.len == 20 && text.data[10] == 'T' && text.data[19] == 'Z') ||
           (text.len == 19 && text.data[10] == ' ');
}

bool param_time(struct bytes value, enum param_operator *op, int64_t *time)
{
    static const char *const names[] = {
        [PARAM_GT] = "gt:",   [PARAM_GTE] = "gte:", [PARAM_LT] = "lt:",
        [PARAM_LTE] = "lte:", [PARAM_EQ] = "eq:",   [PARAM_NEQ] = "neq:"};
    time_t t;
    *op = PARAM_EQ;
    for (size_t i = 0; i < ARRAY_SIZE(names); i++) {
        size_t len = strlen(names[i]);
        if (value.len > len && memcmp(value.data, names[i], len) == 0) {
            *op = (enum param_operator)i;
            value = (struct bytes){value.data + len, value.len - len};
            break;
        }
    }
    if (!is_documented_time(value) || !timestamp_parse(value, &t))
        return false;
    *time = t;
    return true;
}

static bool check_any(struct bytes value)
{
    (void)value;
    return true;
}

static bool check_integer(struct bytes value)
{
    int64_t n;
    return param_integer(value, &n);
}

static bool check_limit(struct bytes value)
{
    int64_t n;
    return param_integer(value, &n) && n >= 1;
}

static bool check_boolean(struct bytes value)
{
    bool b;
    return param_boolean(value, &b);
}

static bool check_time(struct bytes value)
{
    enum param_operator op;
    int64_t t;
    return param_time(value, &op, &t);
}

/* What each kind lets pass. Without a check of its own, only what the row lists. */
static const struct {
    const char *name;
    bool (*check)(struct bytes value);
} kinds[PARAM_KINDS] = {
    [PARAM_TEXT] = {"text", check_any},
    [PARAM_INTEGER] = {"integer", check_integer},
    [PARAM_BOOLEAN] = {"boolean", check_boolean},
    [PARAM_TIME] = {"time", check_time},
    [PARAM_TAG] = {"text, may be repeated", check_any},
    [PARAM_VISIBILITY] = {"text", check_any},
    [PARAM_MEMBER_STATUS] = {"one of", NULL},
    [PARAM_FLAVOR] = {"text", check_any},
    [PARAM_ARCHITECTURE] = {"text", check_any},
    [PARAM_PROJECT] = {"text", check_any},
    [PARAM_SIZE_MIN] = {"integer", check_integer},
    [PARAM_SIZE_MAX] = {"integer", check_integer},
    [PARAM_LIMIT] = {"integer, at least 1", check_limit},
    [PARAM_MARKER] = {"image id", check_any},
    [PARAM_SORT_KEY] = {"one of", NULL},
    [PARAM_SORT_DIR] = {"one of", NULL},
};

const char *param_kind_name(enum param_kind kind)
{
    return kinds[kind].name;
}

bool param_is_closed(const struct param *p)
{
    return !kinds[p->kind].check;
}

enum param_verdict param_documents(const struct param *p, struct bytes value)
{
    if (!p->values || in_list(p->values, value))
        return PARAM_GOOD;
    return p->glance_values && in_list(p->glance_values, value) ? PARAM_GLANCE_ONLY : PARAM_BAD;
}

enum param_verdict param_check(const struct param *p, struct bytes value)
{
    if (param_is_closed(p))
        return param_documents(p, value);
    return kinds[p->kind].check(value) ? PARAM_GOOD : PARAM_BAD;
}
