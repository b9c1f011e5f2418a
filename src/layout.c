// SPDX-License-Identifier: Apache-2.0
#include "imsfs/layout.h"

#include <errno.h>
#include <stdio.h>

#include "imsfs/content.h"
#include "imsfs/json.h"
#include "imsfs/name.h"

#define NO_VALUE "none"

static const struct builtin {
    const char *name;
    enum layout_rule rule;
} builtins[] = {{"imagetype", LAYOUT_IMAGETYPE}, {"platform", LAYOUT_PLATFORM}};

/* The image types that a visibility allows; another one is a claim that its owner made up. */
static const struct agreement {
    const char *visibility, *imagetype;
} agreements[] = {
    {"public", "gold"},    {"public", "market"}, {"private", "private"},
    {"private", "shared"}, {"shared", "shared"},
};

static int parse_level(struct bytes text, struct slot_table *attrs, struct layout_level *level)
{
    char file[NAME_SIZE];
    CLEANUP(free_ptr) char *key = malloc(text.len + 1);
    if (!key)
        return -ENOMEM;
    struct bytes decoded = {key, name_decode(key, text)};
    *level = (struct layout_level){.rule = LAYOUT_ATTR};
    for (size_t i = 0; i < ARRAY_SIZE(builtins); i++)
        if (bytes_are(decoded, builtins[i].name))
            level->rule = builtins[i].rule;
    if (level->rule != LAYOUT_ATTR)
        return 0;
    return slot_add(attrs, (struct bytes){file, name_encode_attr(file, decoded)}, &level->slot);
}

static int add_levels(struct layout_view *view, const char *text, struct slot_table *attrs,
                      char error[static 256])
{
    for (const char *s = text;;) {
        size_t len = strcspn(s, "/");
        if (len == 0) {
            snprintf(error, 256, "layout=%.100s: a level is empty", text);
            return -EINVAL;
        }
        if (view->level_count == LAYOUT_LEVELS_MAX) {
            snprintf(error, 256, "layout=%.100s: more than %d levels", text, LAYOUT_LEVELS_MAX);
            return -EINVAL;
        }
        int r = parse_level((struct bytes){s, len}, attrs, &view->levels[view->level_count++]);
        if (r < 0)
            return r;
        if (!s[len])
            return 0;
        s += len + 1;
    }
}

static struct layout_view *add_view(struct layout *l, enum layout_kind kind, const char *name)
{
    struct layout_view *view = &l->views[l->view_count++];
    view->kind = kind;
    snprintf(view->name, sizeof(view->name), "%s", name);
    return view;
}

static bool name_taken(const struct layout *l, const char *name)
{
    for (size_t i = 0; i < l->view_count; i++)
        if (streq(l->views[i].name, name))
            return true;
    return false;
}

/* The view's name is that of the attribute without leading underscores. */
static int add_by(struct layout *l, const char *text, struct slot_table *attrs,
                  char error[static 256])
{
    char name[NAME_SIZE + 3] = "by-";
    CLEANUP(free_ptr) char *key = malloc(strlen(text) + 1);
    if (!key)
        return -ENOMEM;
    struct bytes bare = {key, name_decode(key, bytes_of(text))};
    while (bare.len && bare.data[0] == '_')
        bare = (struct bytes){bare.data + 1, bare.len - 1};
    const char *wrong = NULL;
    if (bare.len == 0)
        wrong = "names no attribute";
    else if (name_encode(name + 3, bare) > 250)
        wrong = "is too long for a directory name";
    else if (name_taken(l, name))
        wrong = "its view is there already";
    else if (l->view_count == LAYOUT_VIEWS_MAX)
        wrong = "is one view too many";
    if (wrong) {
        snprintf(error, 256, "by=%.100s: %s", text, wrong);
        return -EINVAL;
    }
    struct layout_view *view = add_view(l, LAYOUT_BY_ATTR, name);
    view->level_count = 1;
    int r = parse_level(bytes_of(text), attrs, &view->levels[0]);
    return r;
}

static void add_builtin_views(struct layout *l)
{
    add_view(l, LAYOUT_BY_ID, "by-id");
    add_view(l, LAYOUT_BY_NAME, "by-name");
    static const struct {
        const char *name;
        struct layout_level level;
    } views[] = {
        {"by-imagetype", {LAYOUT_IMAGETYPE, 0}},
        {"by-platform", {LAYOUT_PLATFORM, 0}},
        {"by-status", {LAYOUT_ATTR, IMAGE_SLOT_STATUS}},
    };
    for (size_t i = 0; i < ARRAY_SIZE(views); i++) {
        struct layout_view *view = add_view(l, LAYOUT_BY_ATTR, views[i].name);
        view->levels[view->level_count++] = views[i].level;
    }
}

int layout_new(struct layout **out, const char *levels, char *const *by, size_t by_count,
               struct slot_table *attrs, char error[static 256])
{
    struct layout *l = calloc(1, sizeof(*l));
    if (!l)
        return -ENOMEM;
    int r = add_levels(add_view(l, LAYOUT_IMAGES, "images"), levels, attrs, error);
    add_builtin_views(l);
    for (size_t i = 0; r == 0 && i < by_count; i++)
        r = add_by(l, by[i], attrs, error);
    if (r < 0) {
        layout_free(l);
        return r;
    }
    *out = l;
    return 0;
}

void layout_free(struct layout *l)
{
    free(l);
}

/* Adds the text of an attribute. False: it is absent, null or "". */
static bool add_text(const struct image *img, uint32_t slot, struct strbuf *out)
{
    const struct image_attr *a = image_attr_find(img, slot);
    return a && content_add_text(image_attr_json(img, a), out);
}

static bool agrees(struct bytes visibility, struct bytes imagetype)
{
    for (size_t i = 0; i < ARRAY_SIZE(agreements); i++)
        if (bytes_are(visibility, agreements[i].visibility) &&
            bytes_are(imagetype, agreements[i].imagetype))
            return true;
    return false;
}

static int add_imagetype(const struct image *img, struct strbuf *out)
{
    CLEANUP(strbuf_free) struct strbuf visibility = STRBUF_INIT;
    bool visible = add_text(img, IMAGE_SLOT_VISIBILITY, &visibility);
    bool typed = add_text(img, IMAGE_SLOT_IMAGETYPE, out);
    if (strbuf_error(&visibility) < 0 || strbuf_error(out) < 0)
        return -ENOMEM;
    if (!visible || (typed && agrees(strbuf_bytes(&visibility), strbuf_bytes(out))))
        return 0;
    strbuf_reset(out);
    strbuf_add(out, visibility.data, visibility.len);
    return 0;
}

static int give(const struct strbuf *text, layout_value_fn *fn, void *ctx)
{
    if (strbuf_error(text) < 0)
        return -ENOMEM;
    return fn(ctx, text->len ? strbuf_bytes(text) : bytes_of(NO_VALUE));
}

static int give_elements(struct bytes array, struct strbuf *text, layout_value_fn *fn, void *ctx)
{
    struct bytes key, element;
    struct json_walk w = json_walk(array);
    if (w.rest.len == 0)
        return give(text, fn, ctx);
    int r = 0;
    while (r >= 0 && json_next(&w, &key, &element)) {
        strbuf_reset(text);
        content_add_text(element, text);
        r = give(text, fn, ctx);
    }
    return r;
}

int layout_values(const struct layout_level *level, const struct image *img, bool split,
                  layout_value_fn *fn, void *ctx)
{
    CLEANUP(strbuf_free) struct strbuf text = STRBUF_INIT;
    const struct image_attr *a;
    switch (level->rule) {
    case LAYOUT_IMAGETYPE:
        if (add_imagetype(img, &text) < 0)
            return -ENOMEM;
        break;
    case LAYOUT_PLATFORM:
        if (!add_text(img, IMAGE_SLOT_PLATFORM, &text))
            add_text(img, IMAGE_SLOT_OS_DISTRO, &text);
        break;
    case LAYOUT_ATTR:
        a = image_attr_find(img, level->slot);
        if (a && split && image_attr_type(img, a) == CONTENT_ARRAY)
            return give_elements(image_attr_json(img, a), &text, fn, ctx);
        if (a)
            content_add_text(image_attr_json(img, a), &text);
    }
    return give(&text, fn, ctx);
}
