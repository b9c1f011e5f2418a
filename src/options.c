// SPDX-License-Identifier: Apache-2.0
#include "imsfs/options.h"

#include <errno.h>
#include <stdio.h>
#include <strings.h>
#include <unistd.h>

#include "imsfs/criteria.h"
#include "imsfs/layout.h"

#define SECOND INT64_C(1000)
#define DAY (86400 * SECOND)
#define FIELD(name) offsetof(struct options, name)

static const char *const apis[] = {"images", "cloudimages", NULL};
static const char *const dialects[] = {"ims", "glance", NULL};
static const char *const signatures[] = {"plain", "scoped", NULL};

/* In the order of --help. */
static const struct setting table[] = {
    {"api", SETTING_CHOICE, FIELD(api), 0, 0, apis, "images", "images|cloudimages",
     "the list call"},
    {"dialect", SETTING_CHOICE, FIELD(dialect), 0, 0, dialects, NULL, "ims|glance",
     "what the service is, if it has to be told"},
    {"project_id", SETTING_WORD, FIELD(project_id), 0, 0, NULL, NULL, "ID",
     "of the project; \"private\" in query/ needs it"},
    {"api_version", SETTING_WORD, FIELD(api_version), 0, 0, NULL, NULL, "VERSION",
     "send the header X-Api-Version"},
    {"token_file", SETTING_PATH, FIELD(token_file), 0, 0, NULL, NULL, "FILE",
     "read the token from this file"},
    {"token_command", SETTING_TEXT, FIELD(token_command), 0, 0, NULL, NULL, "COMMAND",
     "run this for a token, as sh -c does"},
    {"signature", SETTING_CHOICE, FIELD(signature), 0, 0, signatures, "plain", "plain|scoped",
     "of an access key; scoped is the older form of OTC"},
    {"insecure_http", SETTING_FLAG, FIELD(insecure_http), 0, 0, NULL, NULL, NULL,
     "send secrets over http:// too"},
    {"page_size", SETTING_NUMBER, FIELD(page_size), 1, 1000000, NULL, "1000", "N",
     "images asked for in one request"},
    {"parallel", SETTING_NUMBER, FIELD(parallel), 1, 4, NULL, "4", "N", "pages asked for at once"},
    {"ttl", SETTING_TIME, FIELD(ttl_ms), 10, 30 * DAY, NULL, "60", "SECONDS",
     "how old the list may be"},
    {"stale", SETTING_TIME, FIELD(stale_ms), 0, 3650 * DAY, NULL, "1d", "SECONDS",
     "how old while the server fails"},
    {"timeout", SETTING_TIME, FIELD(timeout_ms), SECOND / 10, DAY / 24, NULL, "30", "SECONDS",
     "for one request with its retries"},
    {"list_timeout", SETTING_TIME, FIELD(list_timeout_ms), SECOND / 10, DAY, NULL, "15m", "SECONDS",
     "for a whole listing"},
    {"filter", SETTING_TEXT, FIELD(filter), 0, 0, NULL, NULL, "CRITERIA",
     "mount only the images that match"},
    {"query", SETTING_LIST, FIELD(queries), 0, 0, NULL, NULL, "NAME:CRITERIA",
     "one more name in query/; may be repeated"},
    {"cache_max", SETTING_SIZE, FIELD(cache_max), INT64_C(1) << 16, INT64_C(1) << 40, NULL, "256M",
     "BYTES", "what the lists in query/ may hold"},
    {"layout", SETTING_TEXT, FIELD(layout), 0, 0, NULL, LAYOUT_DEFAULT, "LEVELS",
     "the levels below images/"},
    {"by", SETTING_LIST, FIELD(by), 0, 0, NULL, NULL, "ATTRIBUTE",
     "one more view by-ATTRIBUTE; may be repeated"},
    {"lazy", SETTING_FLAG, FIELD(lazy), 0, 0, NULL, NULL, NULL,
     "mount without waiting for the first page"},
    {"nofollow", SETTING_FLAG, FIELD(nofollow), 0, 0, NULL, NULL, NULL,
     "do not go to the CPU of a reader who is alone"},
    {"nonempty", SETTING_FLAG, FIELD(nonempty), 0, 0, NULL, NULL, NULL,
     "mount over a directory that is not empty"},
    {"nosandbox", SETTING_FLAG, FIELD(nosandbox), 0, 0, NULL, NULL, NULL, "give no rights up"},
    {"recover", SETTING_FLAG, FIELD(recover), 0, 0, NULL, NULL, NULL, "remove a dead imsfs first"},
    {"uid", SETTING_USER, FIELD(uid), 0, 0, NULL, NULL, "USER", "owner of all files (default you)"},
    {"gid", SETTING_GROUP, FIELD(gid), 0, 0, NULL, NULL, "GROUP", "their group (default yours)"},
    {"umask", SETTING_OCTAL, FIELD(umask), 0, 0777, NULL, "0", "OCTAL", "permission bits to drop"},
    {"allow_other", SETTING_FLAG, FIELD(allow_other), 0, 0, NULL, NULL, NULL,
     "let other users in (see /etc/fuse.conf)"},
    {"allow_root", SETTING_FLAG, FIELD(allow_root), 0, 0, NULL, NULL, NULL,
     "let root in (see /etc/fuse.conf)"},
};

/* What mount(8) passes and what a read-only mount is anyway. "x-": all names that begin so. */
static const char *const ignored[] = {
    "ro",       "rw",          "suid",     "nosuid",     "dev",      "nodev",
    "exec",     "noexec",      "sync",     "async",      "atime",    "noatime",
    "relatime", "strictatime", "diratime", "nodiratime", "defaults", "default_permissions",
    "auto",     "noauto",      "user",     "nouser",     "users",    "owner",
    "group",    "_netdev",     "nofail",   "comment",    "fsname",   "subtype",
    "x-",
};

/* Parts of the names under which people try to hand over secrets. */
static const char *const secret_words[] = {
    "pass", "token", "secret", "api_key", "apikey", "access_key", "private_key", "credential",
};

/* --- -o --- */

static bool has_secret_word(struct bytes name)
{
    for (size_t i = 0; i < ARRAY_SIZE(secret_words); i++) {
        size_t len = strlen(secret_words[i]);
        for (size_t at = 0; at + len <= name.len; at++)
            if (strncasecmp(name.data + at, secret_words[i], len) == 0)
                return true;
    }
    return false;
}

/* option may begin with dashes. Its value is not repeated: it may be a secret. */
static int refuse_unknown(const char *option, struct strbuf *why)
{
    const char *start = option + strspn(option, "-");
    struct bytes name = {start, strcspn(start, "=")};
    int name_len = (int)name.len, shown = (int)(start - option) + name_len;
    if (start != option && setting_find(table, ARRAY_SIZE(table), name))
        strbuf_printf(why, "unknown option '%.*s': write it as -o %.*s", shown, option, name_len,
                      start);
    else if (has_secret_word(name))
        strbuf_printf(
            why,
            "option '%.*s' is refused: secrets are never taken from the command line, "
            "where every user can see them; use clouds.yaml, the variables OS_* or token_file=FILE",
            shown, option);
    else
        strbuf_printf(why, "unknown option '%.*s'; see imsfs --help", shown, option);
    return -EINVAL;
}

static bool is_ignored(struct bytes name)
{
    for (size_t i = 0; i < ARRAY_SIZE(ignored); i++) {
        size_t len = strlen(ignored[i]);
        bool prefix = ignored[i][len - 1] == '-';
        if (prefix ? name.len >= len && memcmp(name.data, ignored[i], len) == 0
                   : bytes_are(name, ignored[i]))
            return true;
    }
    return false;
}

/* And the struct with its field. */
static const struct setting *find_row(struct options *o, struct bytes name, void **base)
{
    const struct setting *row = setting_find(table, ARRAY_SIZE(table), name);
    *base = row ? (void *)o : (void *)&o->limits;
    return row ? row : setting_find(limits_rows(), LIMITS, name);
}

/* name, or name=value; nothing is fine too. */
static int set_item(struct options *o, const char *item, struct strbuf *why)
{
    if (!*item)
        return 0;
    struct bytes name = {item, strcspn(item, "=")};
    void *base;
    const struct setting *row = find_row(o, name, &base);
    if (!row)
        return is_ignored(name) ? 0 : refuse_unknown(item, why);
    return setting_set(row, base, item[name.len] ? item + name.len + 1 : NULL, why);
}

/* The items stand between commas; "\\," is a comma and "\\\\" a backslash, as in libfuse. */
static int set_items(struct options *o, const char *items, struct strbuf *why)
{
    CLEANUP(strbuf_free) struct strbuf item = STRBUF_INIT;
    for (const char *p = items;; p++) {
        if (*p == '\\' && (p[1] == ',' || p[1] == '\\')) {
            strbuf_add_char(&item, *++p);
        } else if (*p && *p != ',') {
            strbuf_add_char(&item, *p);
        } else {
            int rc = strbuf_error(&item);
            if (!rc)
                rc = set_item(o, strbuf_str(&item), why);
            if (rc || !*p)
                return rc;
            strbuf_reset(&item);
        }
    }
}

/* --- the arguments --- */

struct arguments {
    char *const *next; /* not read yet; ends with NULL */
    const char *words[2];
    size_t word_count; /* all there were, more than are kept */
};

/* Each stands for letters. */
static const struct {
    const char *name;
    const char *letters;
} long_options[] = {
    {"--help", "h"},
    {"--version", "V"},
    {"--foreground", "f"},
    {"--debug", "d"},
};

/* -o has the rest of its argument as its value, else the next argument. */
static int take_o(struct options *o, struct arguments *args, const char *rest, struct strbuf *why)
{
    if (!*rest && !*args->next) {
        strbuf_add_str(why, "-o: needs a value: -o NAME=VALUE; see imsfs --help");
        return -EINVAL;
    }
    return set_items(o, *rest ? rest : *args->next++, why);
}

/* The letters after one dash. Stops at the first that asks for help or the version. */
static int take_letters(struct options *o, struct arguments *args, const char *letters,
                        struct strbuf *why)
{
    for (; *letters && o->action == OPTIONS_MOUNT; letters++) {
        switch (*letters) {
        case 'o':
            return take_o(o, args, letters + 1, why);
        case 'd':
            o->debug = true;
            o->foreground = true;
            break;
        case 'f':
            o->foreground = true;
            break;
        case 's': /* one thread, says libfuse; there is nothing that it would change for the user */
            break;
        case 'h':
            o->action = OPTIONS_HELP;
            break;
        case 'V':
            o->action = OPTIONS_VERSION;
            break;
        default:
            return refuse_unknown((const char[]){'-', *letters, '\0'}, why);
        }
    }
    return 0;
}

static int take_option(struct options *o, struct arguments *args, const char *arg,
                       struct strbuf *why)
{
    if (arg[1] != '-')
        return take_letters(o, args, arg + 1, why);
    for (size_t i = 0; i < ARRAY_SIZE(long_options); i++)
        if (streq(arg, long_options[i].name))
            return take_letters(o, args, long_options[i].letters, why);
    if (!streq(arg, "--help-query"))
        return refuse_unknown(arg, why);
    o->action = OPTIONS_HELP_QUERY;
    return 0;
}

static int take_arguments(struct options *o, struct arguments *args, struct strbuf *why)
{
    bool only_words = false;
    while (*args->next && o->action == OPTIONS_MOUNT) {
        const char *arg = *args->next++;
        if (!only_words && streq(arg, "--")) {
            only_words = true;
        } else if (!only_words && arg[0] == '-' && arg[1]) {
            int rc = take_option(o, args, arg, why);
            if (rc)
                return rc;
        } else if (args->word_count++ < ARRAY_SIZE(args->words)) {
            args->words[args->word_count - 1] = arg;
        }
    }
    return 0;
}

/* --- SOURCE and MOUNTPOINT --- */

enum { ROW_TEXT, ROW_FILE, ROW_MOUNTPOINT, ROWS };

static const struct setting word_rows[ROWS] = {
    [ROW_TEXT] = {.name = "SOURCE", .type = SETTING_TEXT, .offset = FIELD(source)},
    [ROW_FILE] = {.name = "SOURCE", .type = SETTING_PATH, .offset = FIELD(source)},
    [ROW_MOUNTPOINT] = {.name = "MOUNTPOINT", .type = SETTING_PATH, .offset = FIELD(mountpoint)},
};

static int set_source(struct options *o, const char *source, struct strbuf *why)
{
    int rc = location_check(source, &o->source_kind, why);
    bool file = o->source_kind == LOCATION_FILE;
    return rc ? rc : setting_set(&word_rows[file ? ROW_FILE : ROW_TEXT], o, source, why);
}

static int set_words(struct options *o, const struct arguments *args, struct strbuf *why)
{
    const char *problem = NULL;
    const char *mountpoint = args->words[args->word_count == 1 ? 0 : 1];
    if (args->word_count == 0)
        problem = "no MOUNTPOINT";
    else if (args->word_count > 2)
        problem = "too many arguments";
    else if (strstr(mountpoint, "://"))
        problem = "no MOUNTPOINT, but a URL";
    if (problem) {
        strbuf_printf(why, "%s: write %s; see imsfs --help", problem, OPTIONS_USAGE);
        return -EINVAL;
    }
    o->source_kind = LOCATION_ANY;
    int rc = args->word_count == 2 ? set_source(o, args->words[0], why) : 0;
    return rc ? rc : setting_set(&word_rows[ROW_MOUNTPOINT], o, mountpoint, why);
}

/* api=cloudimages is a mount of what a plain Glance does not have. */
static const char *find_exclusion(const struct options *o)
{
    bool glance = o->dialect && streq(o->dialect, "glance");
    return o->allow_other && o->allow_root          ? "allow_other and allow_root"
           : o->token_file && o->token_command      ? "token_file and token_command"
           : glance && streq(o->api, "cloudimages") ? "api=cloudimages and dialect=glance"
                                                    : NULL;
}

static int check_together(const struct options *o, struct strbuf *why)
{
    const char *excluding = find_exclusion(o);
    if (excluding) {
        strbuf_printf(why, "%s exclude each other", excluding);
        return -EINVAL;
    }
    CLEANUP(criteria_clear) struct criteria checked = {0};
    return options_criteria(o, &checked, why);
}

/* --- public --- */

int options_parse(struct options *out, int argc, char *const argv[], struct strbuf *why)
{
    struct options o = {.uid = getuid(), .gid = getgid(), .limits = limits_standard};
    struct arguments args = {.next = argc > 0 ? argv + 1 : argv};
    int rc = setting_defaults(table, ARRAY_SIZE(table), &o, why);
    if (!rc)
        rc = take_arguments(&o, &args, why);
    if (!rc && o.action == OPTIONS_MOUNT)
        rc = set_words(&o, &args, why);
    if (!rc && o.action == OPTIONS_MOUNT)
        rc = check_together(&o, why);
    if (rc)
        options_free(&o);
    else
        *out = o;
    return rc;
}

int options_criteria(const struct options *o, struct criteria *out, struct strbuf *why)
{
    const struct criteria_text text = {
        .dialect = o->dialect,
        .filter = o->filter,
        .queries = o->queries.items,
        .count = o->queries.count,
        .records = o->source_kind == LOCATION_FILE,
    };
    return criteria_make(out, &text, why);
}

void options_free(struct options *o)
{
    setting_clear(table, ARRAY_SIZE(table), o);
    setting_clear(word_rows, ARRAY_SIZE(word_rows), o);
}

const struct setting *options_rows(size_t *count)
{
    *count = ARRAY_SIZE(table);
    return table;
}

const char *const *options_ignored(size_t *count)
{
    *count = ARRAY_SIZE(ignored);
    return ignored;
}
