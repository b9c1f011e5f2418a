// SPDX-License-Identifier: Apache-2.0
#include "imsfs/services.h"

#include <errno.h>

#include "imsfs/document.h"
#include "imsfs/json.h"
#include "imsfs/log.h"

#define LISTED_MAX 16  /* names in an error */
#define SHOWN_BYTES 64 /* of each of them */
#define URL_MAX_BYTES 2048

/* Different names, in the order they came. */
struct names {
    char *items[LISTED_MAX];
    size_t n;
    bool more; /* than fit */
};

/* What is looked for, and what was met on the way. */
struct search {
    struct bytes interface; /* without URL behind it */
    const char *region;     /* NULL: any */
    char *url;              /* the first that fits */
    struct names types;
    struct names regions;    /* of image endpoints */
    struct names interfaces; /* of image endpoints in the region */
    struct names fitting;    /* regions of endpoints that fit */
    bool has_image;
};

/* --- Names --- */

static void free_names(struct names *names)
{
    for (size_t i = 0; i < names->n; i++)
        free(names->items[i]);
}

static int keep_name(struct names *names, struct bytes name)
{
    for (size_t i = 0; i < names->n; i++)
        if (bytes_are(name, names->items[i]))
            return 0;
    names->more = names->more || names->n == LISTED_MAX;
    if (names->more)
        return 0;
    names->items[names->n] = strndup(name.data, name.len);
    return names->items[names->n++] ? 0 : -ENOMEM;
}

/* "a, b, c"; "nothing" when there are none. */
static void add_names(struct strbuf *out, const struct names *names)
{
    char shown[SHOWN_BYTES];
    for (size_t i = 0; i < names->n; i++) {
        log_escape(shown, sizeof(shown), bytes_of(names->items[i]));
        strbuf_printf(out, "%s%s", i ? ", " : "", shown);
    }
    strbuf_add_str(out, names->more ? " and more" : names->n ? "" : "nothing");
}

/* --- Endpoints --- */

/* The member's text, if it is a string that can be a name or an address; else NULL. The caller
 * frees it. */
static int read_text(struct bytes object, const char *key, char **out)
{
    struct bytes value = document_member(object, key);
    *out = NULL;
    if (value.len < 3 || value.data[0] != '"' || value.len > URL_MAX_BYTES)
        return 0;
    return document_text(value, out) == -ENOMEM ? -ENOMEM : 0;
}

/* "public" for "publicURL", as version 2 wrote it. */
static struct bytes bare_interface(const char *name)
{
    struct bytes bare = bytes_of(name);
    if (bare.len > 3 && streq(name + bare.len - 3, "URL"))
        bare.len -= 3;
    return bare;
}

/* region is the older name of region_id (Identity API v3.2). */
static bool is_in_region(const struct search *s, const char *region_id, const char *region)
{
    return !s->region || (region_id && streq(region_id, s->region)) ||
           (region && streq(region, s->region));
}

static int judge_endpoint(struct search *s, struct bytes interface, const char *region_id,
                          const char *region, char **url)
{
    const char *place = region_id ? region_id : region;
    int error = place ? keep_name(&s->regions, bytes_of(place)) : 0;
    if (error < 0 || !is_in_region(s, region_id, region))
        return error;
    error = keep_name(&s->interfaces, interface);
    if (error < 0 || !bytes_equal(interface, s->interface))
        return error;
    if (!s->url)
        s->url = STEAL(*url);
    return place ? keep_name(&s->fitting, bytes_of(place)) : 0;
}

static int take_endpoint(struct search *s, struct bytes endpoint)
{
    CLEANUP(free_ptr) char *interface = NULL;
    CLEANUP(free_ptr) char *region_id = NULL;
    CLEANUP(free_ptr) char *region = NULL;
    CLEANUP(free_ptr) char *url = NULL;
    if (read_text(endpoint, "interface", &interface) < 0 ||
        read_text(endpoint, "region_id", &region_id) < 0 ||
        read_text(endpoint, "region", &region) < 0 || read_text(endpoint, "url", &url) < 0)
        return -ENOMEM;
    if (!interface || !url)
        return 0;
    return judge_endpoint(s, bare_interface(interface), region_id, region, &url);
}

static int take_service(struct search *s, struct bytes service)
{
    CLEANUP(free_ptr) char *type = NULL;
    int error = read_text(service, "type", &type);
    if (error == 0 && type)
        error = keep_name(&s->types, bytes_of(type));
    if (error < 0 || !type || !streq(type, "image"))
        return error;
    s->has_image = true;
    struct bytes key, endpoint, endpoints = document_member(service, "endpoints");
    if (endpoints.len == 0 || endpoints.data[0] != '[')
        return 0;
    for (struct json_walk w = json_walk(endpoints); error == 0 && json_next(&w, &key, &endpoint);)
        error = take_endpoint(s, endpoint);
    return error;
}

/* --- The catalog --- */

static int explain(const struct search *s, struct strbuf *why)
{
    char shown[SHOWN_BYTES];
    if (!s->has_image) {
        strbuf_add_str(why, "the cloud's catalog has no image service; it has ");
        add_names(why, &s->types);
    } else if (s->interfaces.n > 0) {
        log_escape(shown, sizeof(shown), s->interface);
        strbuf_printf(why, "the image service has no interface %s%s; it has ", shown,
                      s->region ? " in this region" : "");
        add_names(why, &s->interfaces);
    } else if (s->region) {
        log_escape(shown, sizeof(shown), bytes_of(s->region));
        strbuf_printf(why, "the catalog has no image service in region %s; it has ", shown);
        add_names(why, &s->regions);
    } else {
        strbuf_add_str(why, "the image service has no address in the catalog");
    }
    return strbuf_error(why) < 0 ? -ENOMEM : -ENOENT;
}

static void warn_of_choice(const struct search *s)
{
    CLEANUP(strbuf_free) struct strbuf list = STRBUF_INIT;
    add_names(&list, &s->fitting);
    log_info("the image service is in several regions (%s); using the first: choose with "
             "region_name in clouds.yaml, or OS_REGION_NAME",
             strbuf_str(&list));
}

static int search(struct search *s, struct bytes catalog, struct strbuf *why)
{
    struct bytes key, service;
    int error = 0;
    if (catalog.len && catalog.data[0] == '[')
        for (struct json_walk w = json_walk(catalog); error == 0 && json_next(&w, &key, &service);)
            error = take_service(s, service);
    if (error < 0)
        return error;
    if (!s->url)
        return explain(s, why);
    if (!s->region && s->fitting.n > 1)
        warn_of_choice(s);
    return 0;
}

int services_find_image(struct bytes catalog, const char *interface, const char *region, char **out,
                        struct strbuf *why)
{
    struct search s = {
        .interface = bare_interface(interface ? interface : "public"),
        .region = region,
    };
    int error = search(&s, catalog, why);
    if (error == 0)
        *out = STEAL(s.url);
    free(s.url);
    free_names(&s.types);
    free_names(&s.regions);
    free_names(&s.interfaces);
    free_names(&s.fitting);
    return error;
}
