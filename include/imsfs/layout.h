// SPDX-License-Identifier: Apache-2.0
/*
 * layout: which directories there are above the images: the levels of images/ and the by-* views.
 *
 * Made once from the options, constant afterwards; any thread reads it. View 0 is images/ with its
 * levels, the others are directories of links. What a level shows of an image is its value there,
 * "none" where it has none.
 */
#ifndef IMSFS_LAYOUT_H
#define IMSFS_LAYOUT_H

#include "imsfs/image.h"

#define LAYOUT_LEVELS_MAX 8
#define LAYOUT_VIEWS_MAX 64
#define LAYOUT_DEFAULT "imagetype/platform/status"

enum layout_rule {
    LAYOUT_ATTR,      /* the attribute's own value */
    LAYOUT_IMAGETYPE, /* __imagetype where visibility does not contradict it, else visibility */
    LAYOUT_PLATFORM,  /* __platform, else os_distro */
};

struct layout_level {
    enum layout_rule rule;
    uint32_t slot; /* of the attribute, for LAYOUT_ATTR */
};

enum layout_kind {
    LAYOUT_IMAGES,  /* directories by level, then the images themselves */
    LAYOUT_BY_ID,   /* <id> */
    LAYOUT_BY_NAME, /* <name>/<id> */
    LAYOUT_BY_ATTR, /* <value>/<name>@<id> */
};

struct layout_view {
    enum layout_kind kind;
    char name[256]; /* in the root directory */
    struct layout_level levels[LAYOUT_LEVELS_MAX];
    size_t level_count;
};

struct layout {
    struct layout_view views[LAYOUT_VIEWS_MAX];
    size_t view_count;
};

/*
 * levels is what -o layout= says ("a/b/c"), by is each -o by=. -EINVAL: error says what is wrong;
 * -ENOMEM; -ENOSPC. attrs gets the attributes that are named.
 */
MUST_CHECK int layout_new(struct layout **out, const char *levels, char *const *by, size_t by_count,
                          struct slot_table *attrs, char error[static 256]);
void layout_free(struct layout *l);

/* Gets the bytes of one value. A negative answer ends layout_values() with it. */
typedef int layout_value_fn(void *ctx, struct bytes value);

/* Calls fn with the value of img on a level; with split, of an array with each element. Never with
 * an empty value. */
int layout_values(const struct layout_level *level, const struct image *img, bool split,
                  layout_value_fn *fn, void *ctx);

#endif
