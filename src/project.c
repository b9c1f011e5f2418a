// SPDX-License-Identifier: Apache-2.0
#include "imsfs/project.h"

#include <ctype.h>
#include <errno.h>

#include "imsfs/compact.h"
#include "imsfs/json.h"
#include "imsfs/log.h"

#define ID_MAX 64
#define LISTED_MAX 8 /* in an error line */

/* What an answer has. */
struct projects {
    const char *name;    /* the wanted one */
    char *id;            /* of the last project with that name */
    size_t count, found; /* all, and those with that name */
    struct strbuf list;  /* the first ones, for people */
};

static void projects_free(struct projects *p)
{
    free(p->id);
    strbuf_free(&p->list);
}

/* Adds the string member of this name (with its quotes) in an object. False: there is none. */
static bool add_member(struct bytes object, const char *name, struct strbuf *out)
{
    struct bytes key, value;
    if (object.data[0] != '{')
        return false;
    for (struct json_walk w = json_walk(object); json_next(&w, &key, &value);) {
        if (bytes_are(key, name) && value.data[0] == '"') {
            json_add_string(out, value);
            return true;
        }
    }
    return false;
}

static bool is_id(struct bytes text)
{
    for (size_t i = 0; i < text.len; i++) {
        if (!isalnum((uint8_t)text.data[i]) && text.data[i] != '-' && text.data[i] != '_')
            return false;
    }
    return text.len > 0 && text.len <= ID_MAX;
}

static int take(struct projects *p, struct bytes project)
{
    CLEANUP(strbuf_free) struct strbuf id = STRBUF_INIT, name = STRBUF_INIT;
    char shown[80];
    bool whole = add_member(project, "\"id\"", &id) && add_member(project, "\"name\"", &name);
    if (strbuf_error(&id) < 0 || strbuf_error(&name) < 0)
        return -ENOMEM;
    if (!whole || !is_id(strbuf_bytes(&id)))
        return -EPROTO;
    if (p->count++ < LISTED_MAX) {
        log_escape(shown, sizeof(shown), strbuf_bytes(&name));
        strbuf_printf(&p->list, "%s%s (%s)", p->list.len ? ", " : "", shown, strbuf_str(&id));
    }
    if (!bytes_are(strbuf_bytes(&name), p->name))
        return 0;
    p->found++;
    free(p->id);
    p->id = strbuf_steal(&id);
    return p->id ? 0 : -ENOMEM;
}

static int read_all(struct projects *p, struct bytes body)
{
    CLEANUP(strbuf_free) struct strbuf json = STRBUF_INIT;
    struct bytes key, value, project;
    int r = compact_text(body, &limits_standard, &json);
    if (r < 0 || json.data[0] != '{')
        return r == -ENOMEM ? r : -EPROTO;
    for (struct json_walk w = json_walk(strbuf_bytes(&json)); json_next(&w, &key, &value);) {
        if (!bytes_are(key, "\"projects\"") || value.data[0] != '[')
            continue;
        for (struct json_walk v = json_walk(value); r == 0 && json_next(&v, &key, &project);)
            r = take(p, project);
        return r < 0 ? r : strbuf_error(&p->list);
    }
    return -EPROTO;
}

int project_read_id(struct bytes body, const char *name, char **id, struct strbuf *why)
{
    CLEANUP(projects_free) struct projects p = {.name = name};
    char shown[80];
    int r = read_all(&p, body);
    if (r < 0) {
        strbuf_add_str(why, r == -ENOMEM ? "out of memory" : "the answer is no list of projects");
        return r;
    }
    if (p.found != 1) {
        log_escape(shown, sizeof(shown), bytes_of(name));
        strbuf_printf(why, "%s project is called %s%s%s%s", p.found ? "more than one" : "no", shown,
                      p.count ? "; there are: " : "", strbuf_str(&p.list),
                      p.count > LISTED_MAX ? " and more" : "");
        return strbuf_error(why) < 0 ? -ENOMEM : -ENOENT;
    }
    *id = STEAL(p.id);
    return 0;
}
