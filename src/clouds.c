// SPDX-License-Identifier: Apache-2.0
#include "imsfs/clouds.h"

#include <errno.h>
#include <pwd.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

#include "imsfs/json.h"
#include "imsfs/log.h"

#define DIRECTORIES_MAX 16
#define NAMES_LISTED 20
#define NAME_SHOWN 64

static const char *const stems[CLOUDS_FILES] = {"secure", "clouds", "clouds-public"};
static const char *const overrides[CLOUDS_FILES] = {"OS_CLIENT_SECURE_FILE",
                                                    "OS_CLIENT_CONFIG_FILE", NULL};
static const char *const sections[CLOUDS_FILES] = {"clouds", "clouds", "public-clouds"};

static void add_shown(struct strbuf *out, const char *text)
{
    char shown[1024];
    log_escape(shown, sizeof(shown), bytes_of(text));
    strbuf_add_str(out, shown);
}

/* Where to look, in order; the first is the working directory, or NULL where there is none. */
struct directories {
    char *paths[DIRECTORIES_MAX];
    size_t count;
};

static void directories_free(struct directories *d)
{
    for (size_t i = 0; i < d->count; i++)
        free(d->paths[i]);
}

/* base must be absolute, as the XDG base directory specification has it. */
static void add_directory(struct directories *d, struct bytes base, const char *tail)
{
    char *path;
    if (d->count == DIRECTORIES_MAX || base.len == 0 || base.data[0] != '/')
        return;
    if (asprintf(&path, "%.*s%s", (int)base.len, base.data, tail) >= 0)
        d->paths[d->count++] = path;
}

static void add_directories(struct directories *d, const char *list)
{
    while (*list) {
        size_t len = strcspn(list, ":");
        add_directory(d, (struct bytes){list, len}, "/openstack");
        list += len + (list[len] == ':');
    }
}

static const char *variable(const char *name, const char *fallback)
{
    const char *value = getenv(name);
    return value && *value ? value : fallback;
}

static const char *home_directory(void)
{
    const struct passwd *entry = getpwuid(geteuid());
    return variable("HOME", entry && entry->pw_dir ? entry->pw_dir : "");
}

static void find_directories(struct directories *d)
{
    d->paths[d->count++] = getcwd(NULL, 0);
    add_directory(d, bytes_of(variable("XDG_CONFIG_HOME", "")), "/openstack");
    add_directory(d, bytes_of(home_directory()), "/.config/openstack");
    add_directories(d, variable("XDG_CONFIG_DIRS", "/etc/xdg"));
    add_directory(d, bytes_of("/etc"), "/openstack");
}

static int check_owner(const struct document *doc, struct strbuf *why)
{
    if (doc->owner == 0 || doc->owner == geteuid())
        return 0;
    add_shown(why, doc->path);
    strbuf_add_str(why, " in the working directory belongs to another user and could send your "
                        "password anywhere; go elsewhere, or name the file that you mean in "
                        "OS_CLIENT_CONFIG_FILE and OS_CLIENT_SECURE_FILE");
    return -EPERM;
}

/* -ENOENT: look further. */
static int try_file(struct document *out, const char *path, bool must_be_ours, struct strbuf *why)
{
    int r = document_read(out, path, why);
    if (r == -EACCES) {
        log_warning("%s; passing it over", strbuf_str(why));
        strbuf_reset(why);
        return -ENOENT;
    }
    if (r == 0 && must_be_ours && (r = check_owner(out, why)) < 0) {
        document_free(out);
        *out = (struct document){0};
    }
    return r;
}

static int try_directory(struct document *out, const char *path, const char *stem, bool ours,
                         struct strbuf *why)
{
    static const char *const suffixes[] = {"yaml", "yml", "json"};
    int r = -ENOENT;
    for (size_t i = 0; i < ARRAY_SIZE(suffixes) && r == -ENOENT; i++) {
        CLEANUP(free_ptr) char *file = NULL;
        if (asprintf(&file, "%s/%s.%s", streq(path, "/") ? "" : path, stem, suffixes[i]) < 0) {
            file = NULL;
            return -ENOMEM;
        }
        r = try_file(out, file, ours, why);
    }
    return r;
}

/* What everything below relies on. */
static int check_shape(const struct document *doc, const char *section, struct strbuf *why)
{
    struct bytes clouds = document_member(strbuf_bytes(&doc->json), section);
    if (!clouds.data || clouds.data[0] == '{')
        return 0;
    add_shown(why, doc->path);
    strbuf_printf(why, ": under \"%s:\" each cloud must have a name and values", section);
    return -EINVAL;
}

static int read_first(struct document *out, enum clouds_file which, const struct directories *d,
                      struct strbuf *why)
{
    const char *named = overrides[which] ? variable(overrides[which], NULL) : NULL;
    int r = -ENOENT;
    if (named && (r = try_file(out, named, false, why)) == -ENOENT)
        log_warning("%s: there is no file %s to read; looking elsewhere", overrides[which], named);
    for (size_t i = 0; i < d->count && r == -ENOENT; i++) {
        if (d->paths[i])
            r = try_directory(out, d->paths[i], stems[which], i == 0, why);
    }
    if (r == -ENOENT)
        return 0;
    return r < 0 ? r : check_shape(out, sections[which], why);
}

int clouds_read(struct clouds *out, struct strbuf *why)
{
    CLEANUP(directories_free) struct directories d = {0};
    struct clouds c = {0};
    int r = 0;
    find_directories(&d);
    for (int i = 0; i < CLOUDS_FILES && r == 0; i++)
        r = read_first(&c.files[i], (enum clouds_file)i, &d, why);
    if (r < 0) {
        clouds_free(&c);
        return r;
    }
    *out = c;
    return 0;
}

void clouds_free(struct clouds *c)
{
    for (int i = 0; i < CLOUDS_FILES; i++) {
        if (c->files[i].path)
            document_free(&c->files[i]);
    }
    *c = (struct clouds){0};
}

struct bytes clouds_in(const struct clouds *c, enum clouds_file file)
{
    return document_member(strbuf_bytes(&c->files[file].json), sections[file]);
}

/* Walks the names of both files; one that stands in both comes once. */
struct name_walk {
    const struct clouds *clouds;
    struct json_walk walk;
    int next_file;
    char *name;  /* the current one */
    bool failed; /* for want of memory */
};

static bool has_key(struct bytes object, const char *name)
{
    struct bytes key, value;
    for (struct json_walk w = json_walk(object); json_next(&w, &key, &value);) {
        if (json_string_is(key, name))
            return true;
    }
    return false;
}

static bool next_name(struct name_walk *w)
{
    static const enum clouds_file order[] = {CLOUDS_MAIN, CLOUDS_SECURE};
    struct bytes key, value, main = clouds_in(w->clouds, CLOUDS_MAIN);
    for (;;) {
        while (json_next(&w->walk, &key, &value)) {
            struct strbuf text = STRBUF_INIT;
            json_add_string(&text, key);
            free(w->name);
            w->name = strbuf_steal(&text);
            w->failed = !w->name;
            if (w->failed)
                return false;
            if (w->next_file == 1 || !main.data || !has_key(main, w->name))
                return true;
        }
        if (w->next_file == ARRAY_SIZE(order))
            return false;
        struct bytes object = clouds_in(w->clouds, order[w->next_file++]);
        w->walk = object.data ? json_walk(object) : (struct json_walk){0};
    }
}

static void name_walk_free(struct name_walk *w)
{
    free(w->name);
}

size_t clouds_count(const struct clouds *c)
{
    CLEANUP(name_walk_free) struct name_walk w = {.clouds = c};
    size_t count = 0;
    while (next_name(&w))
        count++;
    return count;
}

static void add_names(const struct clouds *c, struct strbuf *out)
{
    CLEANUP(name_walk_free) struct name_walk w = {.clouds = c};
    size_t count = 0;
    for (; next_name(&w); count++) {
        char shown[NAME_SHOWN];
        if (count >= NAMES_LISTED)
            continue;
        log_escape(shown, sizeof(shown), bytes_of(w.name));
        strbuf_printf(out, "%s%s", count ? ", " : "", shown);
    }
    if (count > NAMES_LISTED)
        strbuf_printf(out, " and %zu more", count - NAMES_LISTED);
}

const char *clouds_path(const struct clouds *c)
{
    const char *path = c->files[CLOUDS_MAIN].path;
    return path ? path : c->files[CLOUDS_SECURE].path;
}

void clouds_add_path(const struct clouds *c, struct strbuf *out)
{
    add_shown(out, clouds_path(c));
}

static int no_such_cloud(const struct clouds *c, const char *name, struct strbuf *why)
{
    size_t count = clouds_count(c);
    if (!clouds_path(c)) {
        if (name) {
            add_shown(why, name);
            strbuf_add_str(why, ": taken as the name of a cloud, as a file has a / or ends in "
                                ".json, .ndjson or .jsonl; but ");
        }
        strbuf_add_str(why, "there is no clouds.yaml in the working directory, "
                            "~/.config/openstack, /etc/xdg/openstack or /etc/openstack; write "
                            "one, ");
        strbuf_add_str(why, name ? "or" : "set OS_AUTH_URL and the variables that go with it, or");
        strbuf_add_str(why, " name the address of the service or a file");
        return -ENOENT;
    }
    if (name) {
        strbuf_add_str(why, "there is no cloud called ");
        add_shown(why, name);
        strbuf_add_str(why, " in ");
    } else if (count == 0) {
        strbuf_add_str(why, "there is no cloud in ");
    }
    clouds_add_path(c, why);
    if (name && count)
        strbuf_add_str(why, ", which has ");
    else if (count)
        strbuf_add_str(why, " has several clouds; name one in OS_CLOUD or as SOURCE: ");
    add_names(c, why);
    return -ENOENT;
}

int clouds_pick(const struct clouds *c, const char *name, char **out, struct strbuf *why)
{
    CLEANUP(name_walk_free) struct name_walk w = {.clouds = c};
    CLEANUP(free_ptr) char *picked = NULL;
    size_t count = 0;
    while (next_name(&w)) {
        if (name && !streq(w.name, name))
            continue;
        free(picked);
        picked = STEAL(w.name);
        count++;
    }
    if (w.failed) { /* the one that was not read may be the one, or the second */
        strbuf_add_str(why, strerror(ENOMEM));
        return -ENOMEM;
    }
    if (count == 0 || (!name && count > 1))
        return no_such_cloud(c, name, why);
    *out = STEAL(picked);
    return 0;
}
