// SPDX-License-Identifier: Apache-2.0
#include "imsfs/ranges.h"

#include "imsfs/strbuf.h"

/* --- What is kept --- */

static void list_free(struct ranges_list *l)
{
    for (size_t i = 0; i < l->count; i++)
        free(l->all[i].end);
    free(l->all);
    *l = (struct ranges_list){0};
}

static bool list_add(struct ranges_list *l, struct bytes end, uint32_t images, struct digest ids)
{
    if (l->count == RANGES_MAX || end.len == 0 || memchr(end.data, '\0', end.len))
        return false;
    if (l->count == l->cap) {
        size_t cap = l->cap ? 2 * l->cap : 16;
        struct range *all = realloc(l->all, cap * sizeof(*all));
        if (!all)
            return false;
        l->all = all;
        l->cap = cap;
    }
    CLEANUP(strbuf_free) struct strbuf copy = STRBUF_INIT;
    strbuf_add(&copy, end.data, end.len);
    char *text = strbuf_error(&copy) ? NULL : strbuf_steal(&copy);
    if (text)
        l->all[l->count++] = (struct range){text, images, ids};
    return text != NULL;
}

static void list_drop_last(struct ranges_list *l)
{
    free(l->all[--l->count].end);
}

void ranges_init(struct ranges *r, unsigned width)
{
    *r = (struct ranges){.width = width, .key = digest_key_new()};
}

void ranges_deinit(struct ranges *r)
{
    list_free(&r->last);
}

/* --- Digests --- */

static bool same(struct digest a, struct digest b)
{
    return a.low == b.low && a.high == b.high;
}

/* Of the ids so far and one more. */
static void extend(const struct ranges *r, struct digest *ids, struct digest id)
{
    const struct digest both[2] = {*ids, id};
    *ids = digest_of(&r->key, (struct bytes){(const char *)both, sizeof(both)});
}

/* --- Is it as it was --- */

static bool in_range(const struct ranges_walk *w)
{
    return w->on && w->at < w->ranges->last.count;
}

static const struct range *range_at(const struct ranges_walk *w)
{
    return &w->ranges->last.all[w->at];
}

static void lose(struct ranges_walk *w)
{
    w->on = w->met = false;
    w->odd = w->lost = true;
}

static bool compare(struct ranges_walk *w, struct digest id)
{
    if (!in_range(w))
        return false;
    if (w->met) { /* it goes on behind its end, where another page should have begun */
        lose(w);
        return false;
    }
    w->begun = w->begun || same(id, w->ranges->last.first);
    if (!w->begun)
        return false;
    extend(w->ranges, &w->ids, id);
    if (++w->came < range_at(w)->images)
        return false;
    if (same(w->ids, range_at(w)->ids))
        w->met = true;
    else
        lose(w);
    return w->met;
}

/* To the next range, if it begins there. */
static enum ranges_step compare_marker(struct ranges_walk *w, struct bytes marker)
{
    /* Without the first id something is gone, or there is more new than a page. With its end in
     * another place the range is not what it was. */
    if (!w->begun || bytes_are(marker, range_at(w)->end) != w->met) {
        lose(w);
    } else if (!w->met) {
        w->split += w->at > 0;
        return RANGES_INSIDE;
    } else {
        w->at++;
        w->asked = w->asked < w->at ? w->at : w->asked;
        w->came = 0;
        w->ids = (struct digest){0};
        w->met = false;
    }
    return RANGES_NEXT;
}

/* --- What the next one will need --- */

static void give_up_keeping(struct ranges_walk *w)
{
    w->opaque = true;
    list_free(&w->next);
}

static void cut_here(struct ranges_walk *w, struct bytes id)
{
    if (!list_add(&w->next, id, w->rest, w->rest_ids))
        give_up_keeping(w);
    w->rest = 0;
    w->rest_ids = (struct digest){0};
}

static void note(struct ranges_walk *w, struct bytes id, struct digest digest)
{
    if (w->opaque)
        return;
    if (w->next.count == 0 && w->rest == 0)
        w->next.first = digest;
    extend(w->ranges, &w->rest_ids, digest);
    if (++w->rest == w->ranges->last.page)
        cut_here(w, id);
}

/* Of the first listing the first page tells how many images a page has. */
static void note_page(struct ranges_walk *w, struct bytes marker, const char *last_id,
                      size_t images)
{
    bool first = w->pages++ == 0 && w->ranges->last.page == 0;
    if (w->opaque)
        return;
    if (!last_id || !bytes_are(marker, last_id)) {
        give_up_keeping(w);
        return;
    }
    if (images > w->next.page)
        w->next.page = images;
    if (first)
        w->ranges->last.page = images;
    if (first && w->rest)
        cut_here(w, marker);
}

/* --- A listing --- */

void ranges_begin(struct ranges_walk *w, struct ranges *r)
{
    *w = (struct ranges_walk){0};
    if (r->busy)
        return;
    *w = (struct ranges_walk){.ranges = r, .opaque = r->width < 2};
    r->busy = true;
    bool worth_it = r->width > 1 && r->last.count >= RANGES_MIN;
    w->on = w->cut = worth_it && r->serial == 0;
    if (worth_it && r->serial)
        r->serial--;
}

void ranges_start_over(struct ranges_walk *w)
{
    bool cut = w->cut;
    struct ranges *r = w->ranges;
    if (!r)
        return;
    list_free(&w->next);
    *w = (struct ranges_walk){.ranges = r, .cut = cut, .odd = true, .opaque = r->width < 2};
}

static void judge(struct ranges_walk *w, bool complete)
{
    struct ranges *r = w->ranges;
    bool odd = w->odd || !complete || w->split > 1 + r->last.count / 4;
    if (!w->cut)
        return;
    if (!odd)
        r->penalty = 0;
    else if (r->penalty < RANGES_SERIAL_MAX)
        r->penalty = r->penalty ? 2 * r->penalty : 1;
    r->serial = r->penalty;
}

void ranges_end(struct ranges_walk *w, bool complete, bool last_empty)
{
    struct ranges *r = w->ranges;
    if (!r)
        return;
    r->busy = false;
    judge(w, complete);
    /* No page begins behind the last image, unless the server had to be asked for it. */
    if (w->next.count && w->rest == 0 && !last_empty)
        list_drop_last(&w->next);
    if (complete) {
        list_free(&r->last);
        r->last = w->next;
        w->next = (struct ranges_list){0};
    }
    list_free(&w->next);
    *w = (struct ranges_walk){0};
}

bool ranges_take(struct ranges_walk *w, struct bytes id)
{
    if (!w->ranges || w->ranges->width < 2)
        return false;
    struct digest digest = digest_of(&w->ranges->key, id);
    note(w, id, digest);
    return compare(w, digest);
}

enum ranges_step ranges_go_on(struct ranges_walk *w, struct bytes marker, const char *last_id,
                              size_t images)
{
    if (!w->ranges || w->ranges->width < 2)
        return RANGES_NEXT;
    note_page(w, marker, last_id, images);
    enum ranges_step step = in_range(w) ? compare_marker(w, marker) : RANGES_NEXT;
    step = w->lost ? RANGES_LOST : step;
    w->lost = false;
    return step;
}

void ranges_slow_down(struct ranges_walk *w)
{
    if (w->cut)
        w->odd = true;
}

/* --- What to ask for --- */

unsigned ranges_width(const struct ranges_walk *w)
{
    return in_range(w) && !w->odd ? w->ranges->width : 1;
}

const char *ranges_after(const struct ranges_walk *w, size_t records, const char *last_id)
{
    if (!in_range(w))
        return NULL;
    const struct range *range = range_at(w);
    bool enough = w->begun && records >= range->images - w->came;
    return enough || (last_id && streq(last_id, range->end)) ? range->end : NULL;
}

const char *ranges_ahead(const struct ranges_walk *w)
{
    return in_range(w) && w->asked < w->ranges->last.count ? w->ranges->last.all[w->asked].end
                                                           : NULL;
}

void ranges_asked(struct ranges_walk *w)
{
    w->asked++;
}

void ranges_ask_again(struct ranges_walk *w)
{
    w->asked = w->at;
}
