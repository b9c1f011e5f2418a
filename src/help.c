// SPDX-License-Identifier: Apache-2.0
#include "imsfs/help.h"

#include <errno.h>
#include <stdio.h>

#include "imsfs/param.h"

#ifndef IMSFS_VERSION
#define IMSFS_VERSION "unknown"
#endif

enum {
    LINE_MAX_COLUMNS = 100,
    VALUES_COLUMN = 64,
};
#define PARAM_FORMAT "%-26s  %-11s  %-21s  "

static const char introduction[] =
    "usage: " OPTIONS_USAGE "\n"
    "\nMounts the images of a cloud's image service as a read-only tree.\n"
    "\nSOURCE is the name of a cloud in clouds.yaml, the URL of an image service\n"
    "(https://ims.example.com; the variables OS_* or HW_* say who you are), or a JSON file\n"
    "with image records. Without it: OS_CLOUD, the variables, or the only cloud there is.\n\n"
    "  -f                          stay in the foreground\n"
    "  -d                          the same, and log everything\n"
    "  -s                          accepted and ignored\n"
    "  -h, --help                  show this\n"
    "      --help-query            show the search parameters of the list calls\n"
    "  -V, --version               show the version\n"
    "  -o NAME[=VALUE],...         options; \"\\,\" is a comma in a value\n\n";

/* The limits in few lines; the manual has the rest. */
static void add_limits(struct strbuf *out)
{
    static const char first[] = "  -o max_WHAT=N               what is over this is refused: ";
    size_t column = sizeof(first) - 1;
    strbuf_add_str(out, first);
    for (size_t i = 0; i < LIMITS; i++) {
        const struct setting *row = &limits_rows()[i];
        char text[64];
        snprintf(text, sizeof(text), "%s (default %s)%s", row->name, row->standard,
                 i + 1 < LIMITS ? ", " : "\n");
        if (column + strlen(text) > LINE_MAX_COLUMNS) {
            out->len--; /* a blank */
            strbuf_printf(out, "\n%30s", "");
            column = 30;
        }
        strbuf_add_str(out, text);
        column += strlen(text);
    }
}

void help_add_usage(struct strbuf *out)
{
    size_t rows, words;
    const struct setting *table = options_rows(&rows);
    const char *const *ignored = options_ignored(&words);
    strbuf_add_str(out, introduction);
    for (size_t i = 0; i < rows; i++)
        setting_help(&table[i], out);
    add_limits(out);
    strbuf_add_str(
        out,
        "\nTimes are in seconds, or have the suffix s, m, h or d; sizes in bytes, or k, M, G.\n"
        "The mount is read-only, nosuid, nodev, noexec. Accepted and ignored:");
    for (size_t i = 0; i < words; i++) {
        bool prefix = ignored[i][strlen(ignored[i]) - 1] == '-';
        strbuf_printf(out, "%s%s%s", i % 8 ? " " : "\n  ", ignored[i], prefix ? "*" : "");
    }
    strbuf_add_str(out, "\nUnmount with: fusermount3 -u MOUNTPOINT\n");
}

/* --- --help-query --- */

static const struct {
    unsigned calls;
    const char *name;
} calls[] = {
    {PARAM_NATIVE | PARAM_CLOUD, "both"},
    {PARAM_CLOUD, "cloudimages"},
    {PARAM_CLOUD | PARAM_GLANCE, "cloudimages"}, /* on a plain Glance it is a property */
    {PARAM_GLANCE, "Glance"},
};

static const char *call_name(const struct param *p)
{
    for (size_t i = 0; i < ARRAY_SIZE(calls); i++)
        if (calls[i].calls == p->calls)
            return calls[i].name;
    return "";
}

/* Adds words with '|' between them; a line that would be too long goes on below. */
static void add_words(struct strbuf *out, size_t *column, const char *words)
{
    for (const char *word = words; *word;) {
        size_t len = strcspn(word, "|");
        len += word[len] == '|';
        if (*column + len > LINE_MAX_COLUMNS) {
            strbuf_printf(out, "\n%*s", VALUES_COLUMN, "");
            *column = VALUES_COLUMN;
        }
        strbuf_add(out, word, len);
        *column += len;
        word += len;
    }
}

static void add_param(const struct param *p, struct strbuf *out)
{
    char line[LINE_MAX_COLUMNS];
    int len =
        snprintf(line, sizeof(line), PARAM_FORMAT, p->name, call_name(p), param_kind_name(p->kind));
    size_t column = (size_t)len;
    strbuf_add_str(out, line);
    if (p->values)
        add_words(out, &column, p->values);
    if (p->glance_values) {
        strbuf_printf(out, "\n%*s", VALUES_COLUMN, "Glance also ");
        column = VALUES_COLUMN;
        add_words(out, &column, p->glance_values);
    }
    while (out->len && out->data[out->len - 1] == ' ')
        out->len--;
    strbuf_add_char(out, '\n');
}

static const char query_notes[] =
    "\nls 'MOUNTPOINT/query/NAME=VALUE&NAME=VALUE' finds what has all of them; only tag may be\n"
    "given twice. VALUES are those of the documents; where the KIND is text, others are sent too.\n"
    "CALL: both is /v2/images and /v2/cloudimages; Glance is /v2/images of a plain Glance, where\n"
    "other names are properties. TIME: yyyy-MM-ddThh:mm:ssZ or 'yyyy-MM-dd hh:mm:ss'.\n"
    "create_at is created_at. Not with a file as SOURCE:";

/* What records alone do not tell. */
static void add_server_only(struct strbuf *out)
{
    const char *between = "";
    for (size_t i = 0; param_at(i); i++) {
        if (!param_at(i)->server_only)
            continue;
        strbuf_printf(out, "%s %s", between, param_at(i)->name);
        between = ",";
    }
    strbuf_add_str(out, ".\n");
}

void help_add_query(struct strbuf *out)
{
    strbuf_printf(out, PARAM_FORMAT "%s\n", "PARAMETER", "CALL", "KIND", "VALUES");
    for (size_t i = 0; param_at(i); i++)
        add_param(param_at(i), out);
    strbuf_add_str(out, query_notes);
    add_server_only(out);
}

/* --- --version --- */

void help_add_version(struct strbuf *out)
{
    strbuf_add_str(out, "imsfs " IMSFS_VERSION "\n");
}

/* --- */

int help_print(enum options_action action)
{
    static void (*const texts[])(struct strbuf * out) = {
        [OPTIONS_HELP] = help_add_usage,
        [OPTIONS_HELP_QUERY] = help_add_query,
        [OPTIONS_VERSION] = help_add_version,
    };
    CLEANUP(strbuf_free) struct strbuf out = STRBUF_INIT;
    texts[action](&out);
    int r = strbuf_error(&out);
    if (r == 0 && (fputs(strbuf_str(&out), stdout) == EOF || fflush(stdout) == EOF))
        r = -EIO;
    return r;
}
