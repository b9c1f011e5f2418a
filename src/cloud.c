// SPDX-License-Identifier: Apache-2.0
#include "imsfs/cloud.h"

#include <errno.h>

#include "imsfs/json.h"
#include "imsfs/log.h"

#define NAME_SHOWN 64

/* The text of a member at the top, or NULL. */
static int text_of(struct bytes value, const char *what, const struct cloud *c, char **out,
                   struct strbuf *why)
{
    int r = document_text(value, out);
    if (r == -EINVAL) {
        cloud_describe(c, why);
        strbuf_printf(why, ": %s must be one text", what);
    }
    return r;
}

static int find_profile(struct cloud *c, struct strbuf *why)
{
    CLEANUP(free_ptr) char *name = NULL;
    struct bytes value = cloud_member(c, NULL, "profile", NULL);
    if (!value.data)
        value = cloud_member(c, NULL, "cloud", NULL); /* what it was called once */
    if (!value.data)
        return 0;
    int r = text_of(value, "profile", c, &name, why);
    if (r < 0)
        return r;
    struct bytes shared = clouds_in(c->files, CLOUDS_PUBLIC);
    struct bytes layer = shared.data ? document_member(shared, name) : shared;
    c->profile = profile_find(name);
    if (!layer.data && c->profile)
        layer = bytes_of(c->profile->values);
    if (layer.data && layer.data[0] == '{')
        c->layers[CLOUD_PROFILE] = layer;
    else
        log_warning("%s: no profile \"%s\" is known here; everything must be in the file itself",
                    clouds_path(c->files), name);
    return 0;
}

/* The first element of a list, or the value itself. */
static struct bytes first_of(struct bytes value)
{
    struct bytes key, element;
    if (!value.data || value.data[0] != '[')
        return value;
    struct json_walk w = json_walk(value);
    return json_next(&w, &key, &element) ? element : (struct bytes){NULL, 0};
}

/* A region: its name, or an object of name and values, which count more than the cloud's own. */
static int take_region(struct cloud *c, struct bytes region, struct strbuf *why)
{
    struct bytes name = region;
    if (region.data && region.data[0] == '{') {
        name = document_member(region, "name");
        struct bytes values = document_member(region, "values");
        if (values.data && values.data[0] == '{')
            c->layers[CLOUD_REGION] = values;
    }
    if (!region.data)
        return 0;
    int r = text_of(name, "a region's name", c, &c->region, why);
    if (r == 0)
        c->region[strcspn(c->region, ",")] = '\0';
    if (r == 0 && !*c->region) {
        free(c->region);
        c->region = NULL;
    }
    return r;
}

/* The files say it first, as openstacksdk has it: `regions`, else `region_name`; then the profile.
 */
static int find_region(struct cloud *c, struct strbuf *why)
{
    enum cloud_layer from[2];
    struct bytes regions = first_of(cloud_member(c, NULL, "regions", &from[0]));
    struct bytes name = first_of(cloud_member(c, NULL, "region_name", &from[1]));
    bool by_name = name.data && (!regions.data || (from[0] == CLOUD_PROFILE && from[1] < from[0]));
    return take_region(c, by_name ? name : regions, why);
}

static int fill(struct cloud *out, const struct clouds *c, const char *name, struct strbuf *why)
{
    out->files = c;
    out->name = strdup(name);
    if (!out->name)
        return -ENOMEM;
    struct bytes secure = clouds_in(c, CLOUDS_SECURE), main = clouds_in(c, CLOUDS_MAIN);
    out->layers[CLOUD_SECURE] = secure.data ? document_member(secure, name) : secure;
    out->layers[CLOUD_MAIN] = main.data ? document_member(main, name) : main;
    for (int i = CLOUD_SECURE; i <= CLOUD_MAIN; i++) {
        if (out->layers[i].data && out->layers[i].data[0] != '{') {
            cloud_describe(out, why);
            strbuf_add_str(why, " is no mapping");
            return -EINVAL;
        }
    }
    int r = find_profile(out, why);
    return r < 0 ? r : find_region(out, why);
}

int cloud_choose(struct cloud *out, const struct clouds *c, const char *name, struct strbuf *why)
{
    CLEANUP(free_ptr) char *picked = NULL;
    struct cloud cloud = {0};
    int r = clouds_pick(c, name, &picked, why);
    if (r == 0)
        r = fill(&cloud, c, picked, why);
    if (r < 0)
        cloud_free(&cloud);
    else
        *out = cloud;
    return r;
}

void cloud_free(struct cloud *c)
{
    free(c->name);
    free(c->region);
    *c = (struct cloud){0};
}

static struct bytes member_in(struct bytes object, const char *key)
{
    char dashed[64];
    if (!object.data || object.data[0] != '{')
        return (struct bytes){NULL, 0};
    struct bytes value = document_member(object, key);
    if (value.data || !strchr(key, '_') || strlen(key) >= sizeof(dashed))
        return value;
    for (size_t i = 0; i <= strlen(key); i++)
        dashed[i] = key[i] == '_' ? '-' : key[i];
    return document_member(object, dashed);
}

struct bytes cloud_member(const struct cloud *c, const char *section, const char *key,
                          enum cloud_layer *from)
{
    for (int i = 0; i < CLOUD_LAYERS; i++) {
        struct bytes object = section ? member_in(c->layers[i], section) : c->layers[i];
        struct bytes value = member_in(object, key);
        if (value.data) {
            if (from)
                *from = (enum cloud_layer)i;
            return value;
        }
    }
    return (struct bytes){NULL, 0};
}

const struct document *cloud_document(const struct cloud *c, enum cloud_layer layer)
{
    static const enum clouds_file files[CLOUD_LAYERS] = {
        [CLOUD_REGION] = CLOUDS_MAIN,
        [CLOUD_SECURE] = CLOUDS_SECURE,
        [CLOUD_MAIN] = CLOUDS_MAIN,
        [CLOUD_PROFILE] = CLOUDS_PUBLIC,
    };
    const struct document *doc = &c->files->files[files[layer]];
    return doc->path ? doc : NULL;
}

void cloud_describe(const struct cloud *c, struct strbuf *out)
{
    char shown[NAME_SHOWN];
    log_escape(shown, sizeof(shown), bytes_of(c->name));
    strbuf_printf(out, "cloud \"%s\" in ", shown);
    clouds_add_path(c->files, out);
}
