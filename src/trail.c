// SPDX-License-Identifier: Apache-2.0
#include "imsfs/trail.h"

#include <errno.h>

int trail_start(struct trail *t)
{
    trail_free(t);
    return slot_table_new(&t->seen, INT32_MAX);
}

void trail_free(struct trail *t)
{
    slot_table_free(t->seen);
    strbuf_free(&t->marker);
    *t = (struct trail){.marker = STRBUF_INIT};
}

static int refuse(const char **why, int error, const char *text)
{
    *why = text;
    return error;
}

static int add_from_link(const struct decode_result *r, struct strbuf *marker, const char **why)
{
    if (r->next && (!url_query_value(bytes_of(r->next), "marker", marker) || !marker->len))
        return refuse(why, -EIO, "the link to the next page has no marker");
    return 0;
}

int trail_add_marker(const struct list_call *call, const struct decode_result *result, size_t full,
                     struct strbuf *marker, const char **why)
{
    int r = 0;
    if (!call->by_last_id)
        r = add_from_link(result, marker, why);
    else if (result->last_id)
        strbuf_add_str(marker, result->last_id);
    else if (result->records && result->records >= full)
        r = refuse(why, -EIO, "no record of a page has an id to go on from");
    if (r < 0)
        return r;
    if (strbuf_error(marker) < 0)
        return refuse(why, -ENOMEM, "out of memory");
    if (marker->len > TRAIL_MARKER_MAX)
        return refuse(why, -EIO, "the marker of the next page is too long");
    if (marker->len && memchr(marker->data, '\0', marker->len))
        return refuse(why, -EIO, "the marker of the next page has a NUL byte");
    return 0;
}

/* Takes over the marker. */
static int go_to(struct trail *t, struct strbuf *marker, bool news, const char **why)
{
    uint32_t slot, seen = slot_count(t->seen);
    t->idle = news ? 0 : t->idle + 1;
    if (t->idle > TRAIL_IDLE_MAX)
        return refuse(why, -EIO, "page after page brings no image that did not come before");
    if (slot_add(t->seen, strbuf_bytes(marker), &slot) < 0)
        return refuse(why, -ENOMEM, "out of memory");
    if (slot_count(t->seen) == seen)
        return refuse(why, -EIO, "the pages lead back to one that came before");
    strbuf_free(&t->marker);
    t->marker = *marker;
    *marker = STRBUF_INIT;
    return 1;
}

int trail_go_on(struct trail *t, const struct list_call *call, const struct decode_result *result,
                size_t full, bool news, const char **why)
{
    CLEANUP(strbuf_free) struct strbuf marker = STRBUF_INIT;
    int r = trail_add_marker(call, result, full, &marker, why);
    if (r < 0 || marker.len == 0)
        return r;
    return go_to(t, &marker, news, why);
}

int trail_jump(struct trail *t, struct bytes where, bool news, const char **why)
{
    CLEANUP(strbuf_free) struct strbuf marker = STRBUF_INIT;
    strbuf_add(&marker, where.data, where.len);
    if (strbuf_error(&marker) < 0)
        return refuse(why, -ENOMEM, "out of memory");
    return go_to(t, &marker, news, why);
}

bool trail_may_idle(const struct trail *t)
{
    return t->idle < TRAIL_IDLE_MAX;
}

bool trail_was_at(const struct trail *t, struct bytes marker)
{
    uint32_t slot;
    return slot_find(t->seen, marker, &slot) == 0;
}
