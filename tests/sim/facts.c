// SPDX-License-Identifier: Apache-2.0
#include "facts.h"

#include <cjson/cJSON.h>
#include <errno.h>

#include "data.h"

struct facts {
    cJSON *project, *members, *flavors; /* NULL where the file has none */
    unsigned char **fits;               /* by flavor, in the file's order, then by image */
    size_t flavor_count;
    const char **status;   /* by image, into members */
    unsigned char *access; /* by image, enum facts_access */
    size_t count;
};

void facts_free(struct facts *f)
{
    if (!f)
        return;
    cJSON_Delete(f->project);
    cJSON_Delete(f->members);
    cJSON_Delete(f->flavors);
    for (size_t i = 0; i < f->flavor_count; i++)
        free(f->fits[i]);
    free(f->fits);
    free(f->status);
    free(f->access);
    free(f);
}

static size_t string_end(struct bytes text, size_t i)
{
    for (i++; i < text.len && text.data[i] != '"'; i++)
        i += text.data[i] == '\\';
    return i;
}

/* The value of a member of the outermost object; text is known to be JSON. {NULL, 0}: there is
 * none. */
static struct bytes top_member(struct bytes text, const char *name)
{
    struct bytes key = {NULL, 0};
    size_t depth = 0, start = 0;
    for (size_t i = 0; i < text.len; i++) {
        char c = text.data[i];
        if (c == '"') {
            size_t end = string_end(text, i);
            if (depth == 1 && !start)
                key = (struct bytes){text.data + i + 1, end - i - 1};
            i = end;
        } else if (c == '{' || c == '[') {
            depth++;
        } else if (c == ':' && depth == 1) {
            start = i + 1;
        }
        bool ends = (c == ',' && depth == 1) || ((c == '}' || c == ']') && --depth == 0);
        if (!ends)
            continue;
        if (start && bytes_are(key, name))
            return (struct bytes){text.data + start, i - start};
        if (depth == 0)
            break;
        start = 0;
    }
    return (struct bytes){NULL, 0};
}

static bool take(struct bytes text, const char *name, cJSON **out)
{
    struct bytes value = top_member(text, name);
    if (!value.data)
        return true;
    *out = cJSON_ParseWithLength(value.data, value.len);
    return *out;
}

static const char *member_text(const cJSON *object, const char *name)
{
    const cJSON *value = cJSON_GetObjectItemCaseSensitive(object, name);
    return cJSON_IsString(value) ? value->valuestring : "";
}

static void fill_status(struct facts *f, const struct data *d)
{
    struct bytes project = facts_project(f);
    for (const cJSON *one = f->members ? f->members->child : NULL; one; one = one->next) {
        uint32_t index;
        if (!data_find(d, bytes_of(one->string), &index))
            continue;
        for (const cJSON *member = one->child; member; member = member->next)
            if (bytes_are(project, member_text(member, "member_id")))
                f->status[index] = member_text(member, "status");
    }
}

static bool has(const struct data *d, uint32_t index, const char *criterion, struct bytes value)
{
    struct match_facts none = {0};
    struct query *empty = NULL, *q = NULL;
    struct query_error err;
    struct image *img = data_image(d, index);
    bool found = img && query_parse(&empty, bytes_of(""), QUERY_DIALECT_UNKNOWN, &err) == 0 &&
                 query_set(&q, empty, criterion, value) == 0 &&
                 match_image(q, img, data_attrs(d), &none) > 0;
    image_unref(img);
    query_free(empty);
    query_free(q);
    return found;
}

static void fill_access(struct facts *f, const struct data *d)
{
    static const struct {
        const char *visibility;
        enum facts_access access;
    } rules[] = {
        {"shared", FACTS_SHARED}, {"community", FACTS_COMMUNITY}, {"private", FACTS_HIDDEN}};
    struct bytes project = facts_project(f);
    for (uint32_t i = 0; project.len && i < f->count; i++) {
        if (has(d, i, "owner", project))
            continue;
        for (size_t k = 0; k < ARRAY_SIZE(rules); k++)
            if (has(d, i, "visibility", bytes_of(rules[k].visibility)))
                f->access[i] = (unsigned char)rules[k].access;
    }
}

static int fill_flavors(struct facts *f, const struct data *d)
{
    size_t count = f->flavors ? (size_t)cJSON_GetArraySize(f->flavors) : 0;
    f->fits = calloc(count + 1, sizeof(*f->fits));
    if (!f->fits)
        return -ENOMEM;
    for (const cJSON *one = count ? f->flavors->child : NULL; one; one = one->next) {
        unsigned char *fits = calloc(f->count + 1, 1);
        if (!fits)
            return -ENOMEM;
        f->fits[f->flavor_count++] = fits;
        for (const cJSON *id = one->child; id; id = id->next) {
            uint32_t index;
            if (cJSON_IsString(id) && data_find(d, bytes_of(id->valuestring), &index))
                fits[index] = 1;
        }
    }
    return 0;
}

/* Only a list response has room for facts. */
static int take_all(struct facts *f, struct bytes text)
{
    if (!top_member(text, "images").data)
        return 0;
    bool good = take(text, "project_id", &f->project) && take(text, "members", &f->members) &&
                take(text, "flavors", &f->flavors);
    return good ? 0 : -EPROTO;
}

int facts_new(struct facts **out, struct bytes text, const struct data *d)
{
    struct facts *f = calloc(1, sizeof(*f));
    if (!f)
        return -ENOMEM;
    f->count = data_count(d);
    f->status = calloc(f->count + 1, sizeof(*f->status));
    f->access = calloc(f->count + 1, sizeof(*f->access));
    if (!f->status || !f->access) {
        facts_free(f);
        return -ENOMEM;
    }
    int r = take_all(f, text);
    if (r == 0)
        r = fill_flavors(f, d);
    if (r < 0) {
        facts_free(f);
        return r;
    }
    fill_status(f, d);
    fill_access(f, d);
    *out = f;
    return 0;
}

struct bytes facts_project(const struct facts *f)
{
    return bytes_of(f && cJSON_IsString(f->project) ? f->project->valuestring : "");
}

enum facts_access facts_access(const struct facts *f, uint32_t index)
{
    return (enum facts_access)f->access[index];
}

const char *facts_status(const struct facts *f, uint32_t index)
{
    return f->status[index];
}

bool facts_fits(const struct facts *f, uint32_t index, struct bytes flavor)
{
    const cJSON *one = f->flavors ? f->flavors->child : NULL;
    for (size_t i = 0; one; one = one->next, i++)
        if (bytes_are(flavor, one->string))
            return f->fits[i][index];
    return false;
}
