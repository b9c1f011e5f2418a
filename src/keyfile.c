// SPDX-License-Identifier: Apache-2.0
#include "imsfs/keyfile.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "imsfs/json.h"
#include "imsfs/log.h"
#include "imsfs/secret.h"

#define INI_MAX 65536

static const struct {
    enum draft_field field;
    const char *hcloud, *ini; /* NULL: not in that file */
} keys[] = {
    {DRAFT_ACCESS_KEY, "accessKeyId", "ak"},
    {DRAFT_SECRET_KEY, "secretAccessKey", "sk"},
    {DRAFT_SECURITY_TOKEN, "securityToken", "security_token"},
    {DRAFT_PROJECT_ID, "projectId", "project_id"},
    {DRAFT_REGION, "region", NULL},
    {DRAFT_AGENCY, "agencyName", NULL},
};

/* A text that is not empty replaces what the variables say. */
static int take(struct draft *d, size_t i, const char *name, char *text)
{
    if (!text)
        return -ENOMEM;
    if (!*text) {
        secret_free(&text);
        return 0;
    }
    draft_set(d, keys[i].field, text);
    d->names[keys[i].field] = name;
    return 0;
}

/* From here on errors are about the file. */
static int set_origin(struct draft *d, const char *part)
{
    char shown[1024];
    log_escape(shown, sizeof(shown), bytes_of(d->values[DRAFT_KEYFILE]));
    strbuf_reset(&d->origin);
    strbuf_add_str(&d->origin, shown);
    if (part) {
        char shown_part[64];
        log_escape(shown_part, sizeof(shown_part), bytes_of(part));
        strbuf_printf(&d->origin, ", %s", shown_part);
    }
    return strbuf_error(&d->origin);
}

static void warn_exposed(const struct draft *d)
{
    log_warning("%s has access keys and can be read by other users; chmod 600 it",
                d->values[DRAFT_KEYFILE]);
}

/* --- config.json of KooCLI --- */

/* True: the member's text is expected. */
static bool member_is(struct bytes object, const char *key, const char *expected)
{
    CLEANUP(secret_free) char *text = NULL;
    return document_text(document_member(object, key), &text) == 0 && streq(text, expected);
}

static struct bytes find_profile(struct bytes profiles, const char *name)
{
    struct bytes key, profile;
    if (!profiles.data || profiles.data[0] != '[')
        return (struct bytes){NULL, 0};
    for (struct json_walk w = json_walk(profiles); json_next(&w, &key, &profile);) {
        if (member_is(profile, "name", name))
            return profile;
    }
    return (struct bytes){NULL, 0};
}

static int take_profile(struct draft *d, struct bytes profile, struct strbuf *why)
{
    int r = 0;
    for (size_t i = 0; i < ARRAY_SIZE(keys) && r == 0; i++) {
        char *text = NULL;
        struct bytes value = document_member(profile, keys[i].hcloud);
        if (!value.data)
            continue;
        r = document_text(value, &text);
        if (r == -EINVAL)
            return draft_refuse(d, why, "%s must be one text", keys[i].hcloud);
        if (r == 0)
            r = take(d, i, keys[i].hcloud, text);
    }
    if (r == 0 && !d->values[DRAFT_ACCESS_KEY])
        return draft_refuse(d, why, "the profile has no accessKeyId");
    return r;
}

static int read_hcloud(struct draft *d, struct strbuf *why)
{
    CLEANUP(document_free) struct document doc = {.json = STRBUF_SECRET};
    CLEANUP(secret_free) char *current = NULL;
    int r = document_read(&doc, d->values[DRAFT_KEYFILE], why);
    if (r == -ENOENT)
        draft_refuse(d, why, "there is no such file");
    if (r < 0)
        return r;
    struct bytes all = strbuf_bytes(&doc.json);
    if (member_is(all, "authEncrypt", "true"))
        return draft_refuse(d, why,
                            "its keys are encrypted for hcloud alone; let it write them as they "
                            "are: hcloud configure set --cli-auth-encrypt=false");
    const char *name = d->values[DRAFT_KEYFILE_PROFILE];
    if (!name && document_text(document_member(all, "current"), &current) == 0)
        name = current;
    if (!name)
        name = "default";
    struct bytes profile = find_profile(document_member(all, "profiles"), name);
    if ((r = set_origin(d, name)) < 0)
        return r;
    if (!profile.data) {
        draft_refuse(d, why, "there is no profile of this name; choose one with HW_PROFILE");
        return -ENOENT;
    }
    if (doc.exposed)
        warn_exposed(d);
    return take_profile(d, profile, why);
}

/* --- The credentials of the SDKs --- */

static struct bytes trim(struct bytes s)
{
    while (s.len && memchr(" \t\r", s.data[0], 3))
        s = (struct bytes){s.data + 1, s.len - 1};
    while (s.len && memchr(" \t\r", s.data[s.len - 1], 3))
        s.len--;
    return s;
}

static int take_line(struct draft *d, struct bytes line)
{
    size_t at = 0;
    while (at < line.len && line.data[at] != '=' && line.data[at] != ':')
        at++;
    if (at == line.len)
        return 0;
    struct bytes key = trim((struct bytes){line.data, at});
    struct bytes value = trim((struct bytes){line.data + at + 1, line.len - at - 1});
    for (size_t i = 0; i < ARRAY_SIZE(keys); i++) {
        if (keys[i].ini && bytes_are(key, keys[i].ini))
            return take(d, i, keys[i].ini, strndup(value.data, value.len));
    }
    return 0;
}

static int take_ini(struct draft *d, struct bytes text)
{
    bool basic = false;
    int r = 0;
    while (text.len && r == 0) {
        const char *end = memchr(text.data, '\n', text.len);
        size_t len = end ? (size_t)(end - text.data) : text.len;
        struct bytes line = trim((struct bytes){text.data, len});
        size_t used = len + (end ? 1 : 0);
        text = (struct bytes){text.data + used, text.len - used};
        if (line.len && line.data[0] == '[')
            basic = bytes_are(line, "[basic]");
        else if (basic && line.len && line.data[0] != '#' && line.data[0] != ';')
            r = take_line(d, line);
    }
    return r;
}

static void close_fd(const int *fd)
{
    if (*fd >= 0)
        close(*fd);
}

/* At most INI_MAX bytes; more is -EFBIG. */
static int read_text(int fd, struct strbuf *text)
{
    ssize_t n;
    if (!strbuf_reserve(text, INI_MAX + 1))
        return -ENOMEM;
    while ((n = read(fd, text->data + text->len, INI_MAX + 1 - text->len)) > 0) {
        text->len += (size_t)n;
        if (text->len > INI_MAX)
            return -EFBIG;
    }
    return n < 0 ? -errno : 0;
}

static int read_ini(struct draft *d, struct strbuf *why)
{
    CLEANUP(strbuf_free) struct strbuf text = STRBUF_SECRET;
    struct stat st = {0};
    CLEANUP(close_fd)
    int fd = open(d->values[DRAFT_KEYFILE], O_RDONLY | O_NONBLOCK | O_CLOEXEC | O_NOCTTY);
    int r = fd < 0 || fstat(fd, &st) < 0 ? -errno : 0;
    if (r == 0 && !S_ISREG(st.st_mode))
        return draft_refuse(d, why, "not a regular file");
    if (r == 0)
        r = read_text(fd, &text);
    if (r < 0) {
        draft_refuse(d, why, "%s", strerror(-r));
        return r;
    }
    if (st.st_mode & (S_IRGRP | S_IROTH))
        warn_exposed(d);
    r = take_ini(d, strbuf_bytes(&text));
    if (r == 0 && !d->values[DRAFT_ACCESS_KEY])
        return draft_refuse(d, why, "there is no ak in a section [basic]");
    return r;
}

int keyfile_read(struct draft *d, struct strbuf *why)
{
    static const enum draft_field others[] = {DRAFT_TOKEN, DRAFT_ACCESS_KEY, DRAFT_PASSWORD};
    if (!d->values[DRAFT_KEYFILE])
        return 0;
    for (size_t i = 0; i < ARRAY_SIZE(others); i++) {
        if (d->values[others[i]])
            return 0;
    }
    int r = draft_make_absolute(d, DRAFT_KEYFILE, why);
    if (r == 0)
        r = set_origin(d, NULL);
    if (r < 0)
        return r;
    return d->family == DRAFT_HW ? read_hcloud(d, why) : read_ini(d, why);
}
