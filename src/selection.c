// SPDX-License-Identifier: Apache-2.0
#include "imsfs/selection.h"

#include <errno.h>
#include <stdio.h>

#include "imsfs/log.h"
#include "imsfs/name.h"

struct sorting {
    const struct query *q;
    const struct slot_table *attrs;
    int error;
};

static int compare(const void *a, const void *b, void *ctx)
{
    struct sorting *s = ctx;
    const struct image *const *x = a, *const *y = b;
    return match_compare(s->q, *x, *y, s->attrs, &s->error);
}

int selection_check(const struct query *q, struct query_error *err)
{
    for (size_t i = 0; i < query_count(q); i++) {
        const struct query_item *item = query_at(q, i);
        if (item->param && item->param->server_only)
            return query_refuse(err, -EOPNOTSUPP, item->name,
                                "records do not tell, only a server does");
    }
    return 0;
}

/* The image behind which the selection begins; NULL: at the start. */
static int find_marker(const struct query *q, struct image *const *images, size_t count,
                       const struct image **out, struct query_error *err)
{
    char id[NAME_SIZE], shown[120], why[160];
    const struct query_item *item = query_find(q, PARAM_MARKER);
    *out = NULL;
    if (!item)
        return 0;
    size_t len = name_encode_id(id, item->value);
    for (size_t i = 0; len && i < count; i++) {
        if (bytes_equal(image_id(images[i]), (struct bytes){id, len})) {
            *out = images[i];
            return 0;
        }
    }
    log_escape(shown, sizeof(shown), item->value);
    snprintf(why, sizeof(why), "no image has the id '%s'", shown);
    return query_refuse(err, -EINVAL, item->name, why);
}

int selection_make(struct selection *out, const struct query *q, struct image *const *images,
                   size_t count, const struct slot_table *attrs, const struct match_facts *facts,
                   struct query_error *err)
{
    const struct image *marker = NULL;
    int r = selection_check(q, err);
    if (r == 0)
        r = find_marker(q, images, count, &marker, err);
    if (r < 0)
        return r;
    struct selection s = {.images = calloc(count + 1, sizeof(*s.images))};
    if (!s.images)
        return -ENOMEM;
    struct sorting sorting = {q, attrs, 0};
    for (size_t i = 0; i < count; i++) {
        /* The order is total, so what is behind the marker needs no place of the marker. */
        bool behind = !marker || compare(&marker, &images[i], &sorting) < 0;
        int found = behind ? match_image(q, images[i], attrs, facts) : 0;
        if (found < 0)
            sorting.error = found;
        if (found > 0)
            s.images[s.count++] = images[i];
    }
    qsort_r(s.images, s.count, sizeof(*s.images), compare, &sorting);
    if (sorting.error < 0) {
        selection_free(&s);
        return sorting.error;
    }
    int64_t limit = query_limit(q);
    s.more = limit && s.count > (size_t)limit;
    if (s.more)
        s.count = (size_t)limit;
    *out = s;
    return 0;
}

void selection_free(struct selection *s)
{
    free(s->images);
    *s = (struct selection){0};
}

bool selection_add_last_id(const struct selection *s, struct strbuf *out)
{
    if (s->count)
        image_add_raw_id(s->images[s->count - 1], out);
    return s->count;
}
