// SPDX-License-Identifier: Apache-2.0
#include "imsfs/list.h"

#include <errno.h>
#include <stdio.h>

#include "imsfs/match.h"

#define TOLD_MS 60000 /* between two lines of the log on one list */

void list_query_clear(struct list_query *of)
{
    query_free(of->query);
    query_free(of->leave_out);
    query_free(of->glance);
    free(of->refusal.why);
    *of = (struct list_query){0};
}

static void identify(struct list *l)
{
    const struct query *const parts[] = {l->of.query, l->of.leave_out, l->of.glance};
    if (l->of.name) {
        strbuf_add_str(&l->identity, l->of.name);
        strbuf_add_char(&l->identity, '\0');
        l->of.name = NULL;
    }
    for (size_t i = 0; i < ARRAY_SIZE(parts); i++) {
        if (parts[i])
            query_add_name(parts[i], &l->identity);
        strbuf_add_char(&l->identity, '\0');
    }
}

int list_new(struct list **out, struct list_query of, enum catalog_form form,
             const struct list_config *config)
{
    struct list *l = calloc(1, sizeof(*l));
    if (!l) {
        list_query_clear(&of);
        return -ENOMEM;
    }
    l->of = of;
    l->freshness = (struct freshness){.ttl_ms = config->ttl_ms, .stale_ms = config->stale_ms};
    shelf_init(&l->shelf, config->numbers, form);
    identify(l);
    if (strbuf_error(&l->identity) < 0) {
        list_free(l);
        return -ENOMEM;
    }
    *out = l;
    return 0;
}

void list_free(struct list *l)
{
    if (!l)
        return;
    shelf_deinit(&l->shelf);
    strbuf_free(&l->identity);
    list_query_clear(&l->of);
    free(l->last_error_text);
    free(l);
}

struct bytes list_criteria(const struct list *l)
{
    return bytes_of(strbuf_str(&l->identity)); /* a name holds no NUL byte */
}

int list_sift(const struct list *l, const struct query *asked, struct image **images, size_t *count)
{
    const struct match_facts facts = {0};
    const struct list_query *of = &l->of;
    const struct slot_table *attrs = l->shelf.numbers->attrs;
    bool sifted = of->leave_out && (!of->glance || asked == of->glance);
    size_t kept = 0;
    int r = 0;
    for (size_t i = 0; i < *count; i++) {
        int found = sifted && r == 0 ? match_image(of->leave_out, images[i], attrs, &facts) : 0;
        r = found < 0 ? found : r;
        if (found != 0 || r < 0)
            image_unref(images[i]);
        else
            images[kept++] = images[i];
    }
    while (r < 0 && kept > 0)
        image_unref(images[--kept]);
    *count = kept;
    return r;
}

/* --- What a reader gets --- */

void list_want_anew(struct list *l, int64_t now_ms)
{
    if (!l->loading && !l->wanted)
        l->quiet_ms = now_ms;
    if (!l->wanted)
        l->wanted_use = l->last_use;
    l->wanted = true;
}

void list_want(struct list *l, int64_t now_ms)
{
    if (!l->loading)
        list_want_anew(l, now_ms);
}

static int decide(struct list *l, enum list_need need, int64_t now_ms, struct list_view *view)
{
    bool settled = l->settled == l->generation;
    if (need == LIST_NOW) {
        if (settled)
            view->lease_ms = freshness_lease(&l->freshness, now_ms);
        return 0;
    }
    l->used = l->listed = true;
    l->given_up = false;
    if (need == LIST_REST && !l->freshness.have_list && !l->loading && l->last_error)
        return l->last_error;
    struct freshness_verdict v = freshness_judge(&l->freshness, need == LIST_KNOWN, now_ms);
    if (v.renew)
        list_want(l, now_ms);
    if (need == LIST_SETTLED && !settled)
        return LIST_WAIT;
    view->lease_ms = settled ? v.lease_ms : 0;
    if (v.answer == FRESHNESS_LIST)
        return 0;
    if (!l->loading && !l->wanted)
        return l->last_error;
    /* The first one may be growing already. The kernel may know images of a list that was emptied
     * from before, and is told when the new one is whole. */
    bool must_be_whole = l->freshness.have_list || (l->emptied && need == LIST_SETTLED);
    return must_be_whole ? LIST_WAIT : 0;
}

/* What came of a first listing that failed vouches for nothing. */
static int view_left(struct list *l, struct list_view *view)
{
    view->lease_ms = 0;
    view->failed = l->last_error;
    view->catalog = shelf_open_left(&l->shelf);
    view->since = shelf_since(&l->shelf);
    if (view->catalog)
        return 0;
    shelf_close(&l->shelf);
    return l->last_error;
}

int list_view(struct list *l, enum list_need need, int64_t now_ms, struct list_view *view)
{
    *view = (struct list_view){.event = l->event, .attic = &l->shelf.attic, .tenure = l->tenure};
    int r = decide(l, need, now_ms, view);
    if (r < 0 && need == LIST_REST)
        return view_left(l, view);
    if (r != 0)
        return r;
    view->catalog = shelf_open(&l->shelf, &view->complete);
    view->since = shelf_since(&l->shelf);
    if (view->catalog || need == LIST_NOW)
        return 0;
    shelf_close(&l->shelf);
    return LIST_WAIT;
}

void list_release(struct list *l)
{
    shelf_close(&l->shelf);
}

bool list_is_idle(const struct list *l)
{
    bool wanted = l->wanted && !l->given_up;
    return !wanted && !l->busy && !l->holds && l->settled == l->generation;
}

bool list_is_shown(const struct list *l)
{
    return l->freshness.have_list || l->loading || l->wanted;
}

struct shelf_change list_empty(struct list *l)
{
    l->freshness.have_list = false;
    if (!l->last_error)
        l->freshness.failures = 0; /* nobody could be told why he does not wait */
    l->emptied = true;
    return shelf_empty(&l->shelf);
}

/* --- Its listings --- */

bool list_is_due(const struct list *l, int64_t now_ms, int64_t *left_ms)
{
    const struct freshness *f = &l->freshness;
    if (l->busy || l->wanted)
        return !l->busy;
    if (!f->have_list || f->failures == 0 || !l->used)
        return false;
    int64_t left = f->retry_ms - now_ms;
    if (left > 0 && left < *left_ms)
        *left_ms = left;
    return left <= 0;
}

void list_began(struct list *l, int64_t now_ms)
{
    if (!l->wanted)
        l->quiet_ms = now_ms;
    l->wanted = false;
    l->loading = l->busy = true;
    l->listings++;
    l->pages = 0;
    freshness_began(&l->freshness, now_ms);
}

void list_stands_back(struct list *l)
{
    l->wanted = true;
    l->loading = l->busy = false;
    l->listings--;
}

void list_succeeded(struct list *l, int64_t began_ms, int64_t now_ms, uint64_t generation)
{
    freshness_succeeded(&l->freshness, began_ms, now_ms);
    l->generation = generation;
    l->published++;
    l->last_error = 0;
    l->loading = l->used = false;
    l->quiet_ms = now_ms;
}

void list_failed(struct list *l, int error, const char *text, int64_t now_ms, uint64_t event)
{
    freshness_failed(&l->freshness, now_ms);
    l->last_error = error;
    free(l->last_error_text);
    l->last_error_text = strndup(text, LIST_ERROR_SIZE - 1); /* without memory there is none */
    l->last_error_at = clock_wall();
    l->loading = l->used = false;
    l->quiet_ms = now_ms;
    l->event = event;
    if (!l->freshness.have_list)
        l->failed_event = event;
}

bool list_is_news(struct list *l, int error, int64_t now_ms)
{
    if (error == l->told_error || (l->told && now_ms - l->told_ms < TOLD_MS))
        return false;
    l->told = true;
    l->told_error = error;
    l->told_ms = now_ms;
    return true;
}

/* --- Those who wait for them --- */

void list_asks(struct list *l, int64_t now_ms)
{
    l->asking = true;
    l->asked_ms = now_ms;
}

void list_asked(struct list *l)
{
    l->asking = false;
}

void list_got_page(struct list *l, int64_t now_ms)
{
    l->quiet_ms = now_ms;
}

bool list_is_overdue(const struct list *l, int64_t timeout_ms, int64_t now_ms, int64_t *left_ms)
{
    if (!l->loading && !l->wanted)
        return false;
    int64_t left = l->quiet_ms + timeout_ms - now_ms;
    /* Its own request ends in time, and says more about the reason. */
    bool in_time = l->asking && l->asked_ms - l->quiet_ms <= timeout_ms / 8;
    bool nobody_waits = freshness_judge(&l->freshness, false, now_ms).answer == FRESHNESS_LIST;
    if (left <= 0 && !in_time && !nobody_waits)
        return true;
    left = left > 0 ? left : timeout_ms / 8 + 1;
    if (left < *left_ms)
        *left_ms = left;
    return false;
}

int list_give_up_waiting(struct list *l, int64_t now_ms)
{
    l->quiet_ms = now_ms;
    l->given_up = true;
    if (!l->freshness.have_list)
        return -ETIMEDOUT;
    freshness_failed(&l->freshness, now_ms);
    bool stale_will_do = freshness_judge(&l->freshness, false, now_ms).answer == FRESHNESS_LIST;
    return stale_will_do ? 0 : -ETIMEDOUT;
}

void list_status(struct list *l, int64_t now_ms, struct list_status *status)
{
    int64_t age = now_ms - l->freshness.list_end_ms;
    *status = (struct list_status){
        .tenure = l->tenure,
        .pinned = l->pinned,
        .counts = shelf_counts(&l->shelf),
        .have_list = l->freshness.have_list,
        .loading = l->loading,
        .wanted = l->wanted,
        .emptied = l->emptied,
        .age_ms = age,
        .expires_ms = l->freshness.valid_ms - age,
        .ttl_effective_ms = l->freshness.valid_ms,
        .bytes = l->bytes,
        .generation = l->published,
        .listings = l->listings,
        .requests = l->requests,
        .listing_pages = l->pages,
        .left_out = l->left_out,
        .last_error = l->last_error,
        .last_error_at = l->last_error_at,
    };
    if (l->last_error_text)
        snprintf(status->last_error_text, LIST_ERROR_SIZE, "%s", l->last_error_text);
}
