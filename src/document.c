// SPDX-License-Identifier: Apache-2.0
#include "imsfs/document.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "imsfs/compact.h"
#include "imsfs/json.h"
#include "imsfs/log.h"
#include "imsfs/secret.h"
#include "imsfs/yaml.h"

#define CHUNK 16384

/* --- The file --- */

static void close_fd(const int *fd)
{
    if (*fd >= 0)
        close(*fd);
}

/* "PATH: what"; returns error. */
static int explain(struct strbuf *why, const char *path, int error, const char *what)
{
    char shown[512];
    log_escape(shown, sizeof(shown), bytes_of(path));
    strbuf_printf(why, "%s: %s", shown, what);
    return error;
}

/* To its end, but never more than DOCUMENT_MAX + 1 bytes, whatever its size claims to be. */
static int read_all(int fd, struct strbuf *text)
{
    while (text->len <= DOCUMENT_MAX) {
        if (!strbuf_reserve(text, CHUNK))
            return -ENOMEM;
        ssize_t n = read(fd, text->data + text->len, CHUNK);
        if (n < 0 && errno == EINTR)
            continue;
        if (n <= 0)
            return n < 0 ? -errno : 0;
        text->len += (size_t)n;
        text->data[text->len] = '\0';
    }
    return 0;
}

/* Opens nothing that could block or has other effects than being read. */
static int read_file(const char *path, struct strbuf *text, struct document *d, struct strbuf *why)
{
    struct stat st;
    CLEANUP(close_fd) int fd = open(path, O_RDONLY | O_NONBLOCK | O_CLOEXEC | O_NOCTTY);
    if (fd < 0 && (errno == ENOENT || errno == ENOTDIR))
        return -ENOENT;
    if (fd < 0 || fstat(fd, &st) < 0) {
        int error = errno;
        return explain(why, path, -error, strerror(error));
    }
    if (!S_ISREG(st.st_mode))
        return explain(why, path, -EINVAL, "not a regular file");
    int error = read_all(fd, text);
    if (error < 0)
        return explain(why, path, error, strerror(-error));
    if (text->len > DOCUMENT_MAX)
        return explain(why, path, -EINVAL, "too large for a configuration file");
    d->owner = st.st_uid;
    d->exposed = (st.st_mode & (S_IRGRP | S_IROTH)) != 0;
    return 0;
}

/* --- The text --- */

static bool is_json(const char *path)
{
    size_t len = strlen(path);
    return len >= 5 && streq(path + len - 5, ".json");
}

static bool is_blank(struct bytes text)
{
    for (size_t i = 0; i < text.len; i++)
        if (!memchr(" \t\r\n", text.data[i], 4))
            return false;
    return true;
}

static int parse_json(struct bytes text, struct strbuf *json, struct strbuf *why)
{
    size_t line = 0;
    if (is_blank(text)) {
        strbuf_add_str(json, "null");
        return strbuf_error(json);
    }
    int error = compact_text_at(text, &limits_standard, json, &line);
    if (error == 0 || error == -ENOMEM)
        return error;
    strbuf_printf(why, "line %zu: %s", line, error == -E2BIG ? "too much" : "not JSON");
    return -EINVAL;
}

/* What neither has a value nor is an object is nobody's configuration; no value is an empty one. */
static int check_shape(struct strbuf *json, struct strbuf *why)
{
    if (bytes_are(strbuf_bytes(json), "null")) {
        strbuf_reset(json);
        strbuf_add_str(json, "{}");
    }
    if (strbuf_error(json) < 0)
        return -ENOMEM;
    if (json->data[0] == '{')
        return 0;
    strbuf_add_str(why, "not a configuration: names and their values are expected");
    return -EINVAL;
}

int document_read(struct document *out, const char *path, struct strbuf *why)
{
    struct document d = {.json = STRBUF_SECRET};
    CLEANUP(strbuf_free) struct strbuf text = STRBUF_SECRET;
    CLEANUP(strbuf_free) struct strbuf problem = STRBUF_INIT;
    int error = read_file(path, &text, &d, why);
    if (error < 0)
        return error;
    error = is_json(path) ? parse_json(strbuf_bytes(&text), &d.json, &problem)
                          : yaml_to_json(strbuf_bytes(&text), &d.json, &problem);
    if (error == 0)
        error = check_shape(&d.json, &problem);
    if (error == -EINVAL)
        explain(why, path, error, strbuf_str(&problem));
    d.path = error == 0 ? strdup(path) : NULL;
    if (!d.path) {
        document_free(&d);
        return error < 0 ? error : -ENOMEM;
    }
    *out = d;
    return 0;
}

void document_free(struct document *d)
{
    free(d->path);
    strbuf_free(&d->json);
    *d = (struct document){.json = STRBUF_SECRET};
}

/* --- Its values --- */

struct bytes document_member(struct bytes value, const char *key)
{
    struct bytes name, member, found = {NULL, 0};
    if (value.len == 0 || value.data[0] != '{')
        return found;
    for (struct json_walk w = json_walk(value); json_next(&w, &name, &member);)
        if (json_string_is(name, key))
            found = member;
    return found.data && bytes_are(found, "null") ? (struct bytes){NULL, 0} : found;
}

int document_text(struct bytes value, char **out)
{
    CLEANUP(strbuf_free) struct strbuf text = STRBUF_SECRET;
    if (value.len == 0 || value.data[0] == '{' || value.data[0] == '[')
        return -EINVAL;
    if (value.data[0] == '"')
        json_add_string(&text, value);
    else
        strbuf_add(&text, value.data, value.len);
    if (text.len && memchr(text.data, '\0', text.len))
        return -EINVAL;
    char *s = strbuf_steal(&text);
    if (!s)
        return -ENOMEM;
    *out = s;
    return 0;
}
