// SPDX-License-Identifier: Apache-2.0
#include "imsfs/setting.h"

#include <errno.h>
#include <grp.h>
#include <inttypes.h>
#include <pwd.h>
#include <stdarg.h>
#include <stdio.h>
#include <strings.h>
#include <unistd.h>

#define DECIMALS_MAX 3 /* of a second: milliseconds */

struct unit {
    const char *suffix;
    int64_t ms;
};

static const struct unit units[] = {
    {"d", 86400000}, {"h", 3600000}, {"m", 60000}, {"s", 1000}, {"", 1000},
};

typedef int setter(const struct setting *row, void *field, const char *value, struct strbuf *why);

PRINTF_LIKE(4, 5)
static int refuse(struct strbuf *why, const struct setting *row, const char *value, const char *fmt,
                  ...)
{
    char reason[256];
    va_list ap;
    va_start(ap, fmt);
    vsnprintf(reason, sizeof(reason), fmt, ap);
    va_end(ap);
    strbuf_printf(why, "%s=%s: %s", row->name, value, reason);
    return -EINVAL;
}

static int out_of_memory(struct strbuf *why)
{
    strbuf_add_str(why, "out of memory");
    return -ENOMEM;
}

void setting_list_free(struct setting_list *list)
{
    for (size_t i = 0; i < list->count; i++)
        free(list->items[i]);
    free(list->items);
    *list = (struct setting_list){0};
}

char *setting_absolute(const char *path)
{
    if (path[0] == '/')
        return strdup(path);
    CLEANUP(free_ptr) char *cwd = getcwd(NULL, 0);
    if (!cwd)
        return NULL;
    char *whole;
    if (asprintf(&whole, "%s/%s", streq(cwd, "/") ? "" : cwd, path) < 0)
        return NULL;
    return whole;
}

/* --- reading values --- */

/* The digits at the start, at least one; *rest is what follows them. No overflow. */
static bool read_digits(const char *value, unsigned base, int64_t *number, const char **rest)
{
    int64_t n = 0;
    const char *p = value;
    for (; *p >= '0' && *p < (char)('0' + base); p++) {
        if (n > (INT64_MAX - 9) / base)
            return false;
        n = n * base + (*p - '0');
    }
    if (p == value)
        return false;
    *number = n;
    *rest = p;
    return true;
}

/* Digits only, all of the value: no sign, no space. */
static bool read_number(const char *value, unsigned base, int64_t *number)
{
    const char *rest;
    return read_digits(value, base, number, &rest) && !*rest;
}

/* "60", "0.5", "1.5h": milliseconds. What is finer than one is cut. */
static bool read_time(const char *value, int64_t *ms)
{
    int64_t n = 0;
    int decimals = -1; /* none until the point */
    size_t digits = 0;
    const char *p = value;
    for (; (*p >= '0' && *p <= '9') || (*p == '.' && decimals < 0); p++) {
        if (*p == '.') {
            decimals = 0;
            continue;
        }
        digits++;
        if (n > INT64_MAX / 10 - 10)
            return false;
        if (decimals < DECIMALS_MAX)
            n = n * 10 + (*p - '0');
        if (decimals >= 0 && decimals < DECIMALS_MAX)
            decimals++;
    }
    if (!digits)
        return false;
    for (int i = decimals < 0 ? 0 : decimals; i < DECIMALS_MAX; i++) {
        if (n > INT64_MAX / 10)
            return false;
        n *= 10;
    }
    for (size_t i = 0; i < ARRAY_SIZE(units); i++)
        if (streq(p, units[i].suffix))
            return !__builtin_mul_overflow(n, units[i].ms / 1000, ms);
    return false;
}

/* "500", "64M", "64m": bytes. */
static bool read_size(const char *value, int64_t *bytes)
{
    static const struct {
        const char *suffix;
        int64_t bytes;
    } sizes[] = {{"", 1}, {"k", 1 << 10}, {"M", 1 << 20}, {"G", 1 << 30}};
    int64_t n;
    const char *suffix;
    if (!read_digits(value, 10, &n, &suffix))
        return false;
    for (size_t i = 0; i < ARRAY_SIZE(sizes); i++)
        if (strcasecmp(suffix, sizes[i].suffix) == 0)
            return !__builtin_mul_overflow(n, sizes[i].bytes, bytes);
    return false;
}

static bool only_bytes_between(const char *value, unsigned char low, unsigned char high)
{
    for (const char *p = value; *p; p++)
        if ((unsigned char)*p < low || (unsigned char)*p > high || *p == 0x7f)
            return false;
    return true;
}

/* --- one setter for each type --- */

static int set_flag(const struct setting *row, void *field, const char *value, struct strbuf *why)
{
    (void)row, (void)value, (void)why;
    *(bool *)field = true;
    return 0;
}

static int set_number(const struct setting *row, void *field, const char *value, struct strbuf *why)
{
    int64_t n;
    if (!read_number(value, 10, &n))
        return refuse(why, row, value, "not a whole number");
    if (n < row->min || n > row->max)
        return refuse(why, row, value, "must be %" PRId64 " to %" PRId64, row->min, row->max);
    *(unsigned *)field = (unsigned)n;
    return 0;
}

/* As SETTING_NUMBER, in more room. */
static int set_count(const struct setting *row, void *field, const char *value, struct strbuf *why)
{
    unsigned n = 0;
    int rc = set_number(row, &n, value, why);
    if (!rc)
        *(int64_t *)field = n;
    return rc;
}

static int set_octal(const struct setting *row, void *field, const char *value, struct strbuf *why)
{
    int64_t n;
    if (!read_number(value, 8, &n))
        return refuse(why, row, value, "not an octal number");
    if (n < row->min || n > row->max)
        return refuse(why, row, value, "must be %" PRIo64 " to %" PRIo64, row->min, row->max);
    *(unsigned *)field = (unsigned)n;
    return 0;
}

static int set_size(const struct setting *row, void *field, const char *value, struct strbuf *why)
{
    int64_t n;
    if (!read_size(value, &n))
        return refuse(why, row, value, "not a number of bytes, with k, M or G at most");
    if (n < row->min || n > row->max)
        return refuse(why, row, value, "must be %" PRId64 " to %" PRId64 " bytes", row->min,
                      row->max);
    *(int64_t *)field = n;
    return 0;
}

static int set_time(const struct setting *row, void *field, const char *value, struct strbuf *why)
{
    int64_t ms;
    if (!read_time(value, &ms))
        return refuse(why, row, value, "not a number of seconds");
    if (ms < row->min || ms > row->max)
        return refuse(why, row, value, "must be %.10g to %.10g seconds", (double)row->min / 1000,
                      (double)row->max / 1000);
    *(int64_t *)field = ms;
    return 0;
}

static int set_choice(const struct setting *row, void *field, const char *value, struct strbuf *why)
{
    CLEANUP(strbuf_free) struct strbuf allowed = STRBUF_INIT;
    for (const char *const *choice = row->choices; *choice; choice++) {
        if (streq(value, *choice)) {
            *(const char **)field = *choice;
            return 0;
        }
        strbuf_printf(&allowed, "%s%s", choice == row->choices ? "" : " or ", *choice);
    }
    return refuse(why, row, value, "must be %s", strbuf_str(&allowed));
}

static int keep(char **field, char *copy, struct strbuf *why)
{
    if (!copy)
        return out_of_memory(why);
    free(*field);
    *field = copy;
    return 0;
}

static int check_text(const struct setting *row, const char *value, struct strbuf *why)
{
    if (!*value)
        return refuse(why, row, value, "must not be empty");
    if (strlen(value) > SETTING_TEXT_MAX)
        return refuse(why, row, "...", "longer than %d bytes", SETTING_TEXT_MAX);
    if (!only_bytes_between(value, 0x20, 0xff))
        return refuse(why, row, value, "must not have control bytes");
    return 0;
}

static int set_text(const struct setting *row, void *field, const char *value, struct strbuf *why)
{
    int rc = check_text(row, value, why);
    return rc ? rc : keep(field, strdup(value), why);
}

static int set_word(const struct setting *row, void *field, const char *value, struct strbuf *why)
{
    int rc = check_text(row, value, why);
    if (!rc && !only_bytes_between(value, 0x21, 0x7e))
        rc = refuse(why, row, value, "must be letters, digits and signs of ASCII without spaces");
    return rc ? rc : keep(field, strdup(value), why);
}

static int set_path(const struct setting *row, void *field, const char *value, struct strbuf *why)
{
    int rc = check_text(row, value, why);
    if (rc)
        return rc;
    char *path = setting_absolute(value);
    if (!path && errno != ENOMEM)
        return refuse(why, row, value, "the working directory is gone: give an absolute path");
    return keep(field, path, why);
}

static int set_list(const struct setting *row, void *field, const char *value, struct strbuf *why)
{
    struct setting_list *list = field;
    int rc = check_text(row, value, why);
    if (rc)
        return rc;
    if (list->count >= SETTING_LIST_MAX)
        return refuse(why, row, value, "at most %d of these", SETTING_LIST_MAX);
    CLEANUP(free_ptr) char *copy = strdup(value);
    char **items = copy ? reallocarray(list->items, list->count + 1, sizeof(*items)) : NULL;
    if (!items)
        return out_of_memory(why);
    list->items = items;
    list->items[list->count++] = STEAL(copy);
    return 0;
}

/* (uid_t)-1 means "leave as it is" to the kernel, so it is nobody's. */
static bool read_id(const char *value, unsigned *id)
{
    int64_t n;
    if (!read_number(value, 10, &n) || n >= UINT32_MAX)
        return false;
    *id = (unsigned)n;
    return true;
}

static int set_user(const struct setting *row, void *field, const char *value, struct strbuf *why)
{
    if (read_id(value, field))
        return 0;
    const struct passwd *entry = getpwnam(value);
    if (!entry)
        return refuse(why, row, value, "no such user");
    *(uid_t *)field = entry->pw_uid;
    return 0;
}

static int set_group(const struct setting *row, void *field, const char *value, struct strbuf *why)
{
    if (read_id(value, field))
        return 0;
    const struct group *entry = getgrnam(value);
    if (!entry)
        return refuse(why, row, value, "no such group");
    *(gid_t *)field = entry->gr_gid;
    return 0;
}

static setter *const setters[SETTING_TYPES] = {
    [SETTING_FLAG] = set_flag,   [SETTING_NUMBER] = set_number, [SETTING_OCTAL] = set_octal,
    [SETTING_SIZE] = set_size,   [SETTING_TIME] = set_time,     [SETTING_CHOICE] = set_choice,
    [SETTING_WORD] = set_word,   [SETTING_PATH] = set_path,     [SETTING_LIST] = set_list,
    [SETTING_TEXT] = set_text,   [SETTING_USER] = set_user,     [SETTING_GROUP] = set_group,
    [SETTING_COUNT] = set_count,
};

/* --- rows --- */

const struct setting *setting_find(const struct setting *rows, size_t count, struct bytes name)
{
    for (size_t i = 0; i < count; i++)
        if (bytes_are(name, rows[i].name))
            return &rows[i];
    return NULL;
}

int setting_set(const struct setting *row, void *base, const char *value, struct strbuf *why)
{
    if (row->type == SETTING_FLAG && value)
        return refuse(why, row, value, "%s takes no value", row->name);
    if (row->type != SETTING_FLAG && !value) {
        strbuf_printf(why, "%s: needs a value: %s=%s", row->name, row->name, row->value);
        return -EINVAL;
    }
    return setters[row->type](row, (char *)base + row->offset, value, why);
}

int setting_defaults(const struct setting *rows, size_t count, void *base, struct strbuf *why)
{
    for (size_t i = 0; i < count; i++) {
        int rc = rows[i].standard ? setting_set(&rows[i], base, rows[i].standard, why) : 0;
        if (rc)
            return rc;
    }
    return 0;
}

void setting_clear(const struct setting *rows, size_t count, void *base)
{
    for (size_t i = 0; i < count; i++) {
        void *field = (char *)base + rows[i].offset;
        switch (rows[i].type) {
        case SETTING_WORD:
        case SETTING_PATH:
        case SETTING_TEXT:
            free(*(char **)field);
            *(char **)field = NULL;
            break;
        case SETTING_LIST:
            setting_list_free(field);
            break;
        default:
            break;
        }
    }
}

void setting_help(const struct setting *row, struct strbuf *out)
{
    if (!row->help)
        return;
    char left[64];
    snprintf(left, sizeof(left), "-o %s%s%s", row->name, row->value ? "=" : "",
             row->value ? row->value : "");
    strbuf_printf(out, "  %-26s  %s", left, row->help);
    if (row->standard)
        strbuf_printf(out, " (default %s)", row->standard);
    strbuf_add_char(out, '\n');
}
