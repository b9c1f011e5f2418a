// SPDX-License-Identifier: Apache-2.0
#include "imsfs/fetcher.h"

#include <errno.h>

#include "imsfs/failure.h"
#include "imsfs/log.h"

void fetcher_init(struct fetcher *f, const struct fetcher_config *config)
{
    *f = (struct fetcher){.config = *config};
    clock_cond_init(&f->changed);
    turn_init(&f->turn);
    f->config.source->turn = &f->turn;
}

void fetcher_deinit(struct fetcher *f)
{
    f->config.source->turn = NULL;
    turn_deinit(&f->turn);
    pthread_cond_destroy(&f->changed);
}

void fetcher_nudge(struct fetcher *f)
{
    pthread_cond_broadcast(&f->changed);
}

static int64_t now_ms(const struct fetcher *f)
{
    return clock_now_ms(f->config.clock);
}

/* --- One listing --- */

static int take_page(void *ctx, struct image **images, size_t count)
{
    struct fetch *at = ctx;
    struct roster *roster = at->fetcher->config.roster;
    bool visible;
    size_t kept = count;
    if (list_sift(at->list, at->listing->query, images, &kept) < 0)
        return -ENOMEM;
    shelf_set_lender(&at->list->shelf, &roster->lists[0]->shelf);
    int r = shelf_add(&at->list->shelf, images, kept, &visible);
    if (r < 0)
        return r;
    if (at->list->number) {
        roster_weigh(roster, at->list, shelf_next_bytes(&at->list->shelf));
        roster_make_room(roster);
    }
    pthread_mutex_lock(&roster->lock);
    at->list->pages += !at->listing->begun;
    list_got_page(at->list, now_ms(at->fetcher));
    pthread_mutex_unlock(&roster->lock);
    roster_tell(roster, at->list->number, visible ? LIST_EVENT_ALL : 0, 0);
    return r + (int)(count - kept); /* to the source they are images like others */
}

static void start_over(void *ctx)
{
    struct fetch *at = ctx;
    shelf_start_over(&at->list->shelf);
}

static struct image *find_known(void *ctx, struct bytes record)
{
    const struct fetch *at = ctx;
    return shelf_known(&at->list->shelf, &at->fetcher->config.roster->lists[0]->shelf, record);
}

static int begin(struct fetch *at)
{
    const struct source_sink sink = {take_page, start_over, at};
    int r = shelf_begin(&at->list->shelf);
    if (r == 0)
        r = source_begin(at->fetcher->config.source, at->list->of.query, &sink, &at->listing);
    if (r < 0)
        return r;
    at->listing->glance = at->list->of.glance;
    at->listing->refusal = &at->list->of.refusal;
    at->listing->known = (struct decode_known){find_known, at};
    return 0;
}

/* Who waits for a query learns it too. */
static void log_failure(const struct fetcher *f, struct list *l, int error, const char *text)
{
    bool wanted = l->number || f->config.log_first || l->listings > 1;
    if (!wanted || !list_is_news(l, error, now_ms(f)))
        return;
    if (l->number)
        log_info("query/%.200s: %s", list_criteria(l).data, text);
    else
        log_warning("%s", text);
}

static void log_success(const struct fetcher *f, struct list *l)
{
    if (l->told_error && list_is_news(l, 0, now_ms(f)) && !l->number)
        log_info("the list can be read again");
}

/* Once, until their number changes. */
static void log_skipped(struct fetcher *f, const struct list *l)
{
    unsigned long long skipped = l->left_out.skipped;
    unsigned over = l->left_out.over;
    CLEANUP(strbuf_free) struct strbuf limits = STRBUF_INIT;
    if (l->number)
        return;
    if (over)
        strbuf_add_str(&limits, " or are over ");
    limits_add_names(over, &limits);
    if (skipped && (skipped != f->skipped || over != f->over))
        log_warning("%llu records are not shown: they have no usable id or are no records%s",
                    skipped, strbuf_str(&limits));
    f->skipped = skipped;
    f->over = over;
}

static void publish(struct fetch *at, bool changed)
{
    struct list *l = at->list;
    struct roster *roster = at->fetcher->config.roster;
    const struct list_listener *listener = &roster->listener;
    if (changed)
        shelf_finish(&l->shelf, STEAL(at->listing->next_marker));
    pthread_mutex_lock(&roster->lock);
    struct shelf_change change = shelf_show(&l->shelf, changed);
    uint64_t generation = ++roster->generations;
    list_succeeded(l, at->began_ms, now_ms(at->fetcher), generation);
    pthread_mutex_unlock(&roster->lock);
    roster_tell(roster, l->number, LIST_EVENT_DATA, 0);
    listener->published(listener->ctx, l->number, change.before, change.now, generation);
    shelf_clear(&l->shelf, &change);
    log_skipped(at->fetcher, l);
    log_success(at->fetcher, l);
}

static void give_up(struct fetch *at, int error, const char *text)
{
    struct list *l = at->list;
    struct roster *roster = at->fetcher->config.roster;
    const struct list_listener *listener = &roster->listener;
    bool cancelled = error == -ECANCELED;
    error = failure_errno(error);
    struct shelf_change change = shelf_abandon(&l->shelf); /* who comes now waits for the event */
    pthread_mutex_lock(&roster->lock);
    list_failed(l, error, text, now_ms(at->fetcher), ++roster->events);
    uint64_t generation = l->generation;
    bool have_list = l->freshness.have_list;
    pthread_mutex_unlock(&roster->lock);
    roster_tell(roster, l->number, LIST_EVENT_ALL, have_list ? 0 : error);
    if (!cancelled && change.now && change.before != change.now) /* readers saw it grow */
        listener->published(listener->ctx, l->number, change.before, change.now, generation);
    shelf_clear(&l->shelf, &change);
    if (!cancelled)
        log_failure(at->fetcher, l, error, text);
}

/* r is what the listing came to. Its place is free then, and the list may go. */
static void end(struct fetch *at, int r)
{
    struct list *l = at->list;
    struct roster *roster = at->fetcher->config.roster;
    const char *text = at->listing ? at->listing->error.text : "";
    if (r >= 0 && !shelf_has_next(&l->shelf))
        r = -ENOMEM;
    if (r == SOURCE_UNCHANGED && !l->freshness.have_list)
        r = -EIO; /* a source must not say so before it listed once */
    if (r < 0)
        give_up(at, r, text[0] ? text : strerror(-r));
    else
        publish(at, r != SOURCE_UNCHANGED);
    source_end(at->listing);
    roster_weigh(roster, l, 0);
    pthread_mutex_lock(&roster->lock);
    l->busy = false;
    roster_use(roster, l); /* who waited for it comes back now */
    *at = (struct fetch){0};
    pthread_mutex_unlock(&roster->lock);
    roster_make_room(roster);
}

/* An enum source_next, or -errno. asked_ms: since when the page is due. */
static int next_page(struct fetch *at, int64_t asked_ms)
{
    struct roster *roster = at->fetcher->config.roster;
    int r = at->listing ? 0 : begin(at);
    unsigned before = at->listing ? at->listing->requests : 0;
    if (r == 0) {
        at->listing->asked_ms = asked_ms;
        r = source_next(at->listing);
    }
    pthread_mutex_lock(&roster->lock);
    list_asked(at->list);
    if (at->listing)
        at->list->requests += at->listing->requests - before;
    if (r == SOURCE_MORE || r == SOURCE_DONE)
        at->list->left_out = at->listing->left_out;
    pthread_mutex_unlock(&roster->lock);
    return r;
}

/* One page, and what is left to do after the last. */
static void work_on(struct fetch *at)
{
    struct fetcher *f = at->fetcher;
    int64_t asked_ms = now_ms(f);
    pthread_mutex_lock(&f->config.roster->lock);
    list_asks(at->list, asked_ms);
    pthread_mutex_unlock(&f->config.roster->lock);
    turn_take(&f->turn);
    int r = next_page(at, asked_ms);
    if (r == SOURCE_MORE) {
        pthread_mutex_lock(&f->config.roster->lock);
        at->taken = false;
        pthread_mutex_unlock(&f->config.roster->lock);
    } else {
        end(at, r);
    }
    turn_give(&f->turn);
}

/* --- What is next; with the roster's lock held --- */

static void start(struct fetcher *f, unsigned place, struct list *l)
{
    int64_t now = now_ms(f);
    list_began(l, now);
    f->fetches[place] = (struct fetch){.fetcher = f, .list = l, .began_ms = now};
}

/* Since which use a query that is due wants its listing. */
static uint64_t wanted_since(const struct list *l)
{
    return l->wanted ? l->wanted_use : l->last_use;
}

/* Those that somebody still waits for come before those whose readers were told that it takes too
 * long; else an outage would be worked off before anybody who came after it. */
static bool goes_before(const struct list *l, const struct list *other)
{
    if (l->given_up != other->given_up)
        return other->given_up;
    return wanted_since(l) < wanted_since(other);
}

/* The query whose listing should begin next, or NULL; *left_ms: see list.h. */
static struct list *next_query(const struct fetcher *f, int64_t *left_ms)
{
    int64_t now = now_ms(f);
    struct list *next = NULL;
    for (uint32_t i = 1; i < ROSTER_NUMBERS; i++) {
        struct list *l = f->config.roster->lists[i];
        if (l && list_is_due(l, now, left_ms) && (!next || goes_before(l, next)))
            next = l;
    }
    return next;
}

/* A place for the listing of a query, or 0. One that has not got to its first request makes room
 * for a query that goes before it. */
static unsigned place_for(struct fetcher *f, const struct list *l)
{
    for (unsigned i = 1; i < FETCHER_PLACES; i++) {
        if (!f->fetches[i].list)
            return i;
    }
    for (unsigned i = 1; i < FETCHER_PLACES; i++) {
        const struct fetch *at = &f->fetches[i];
        if (at->taken || at->listing || !at->list->given_up || l->given_up)
            continue;
        list_stands_back(at->list);
        return i;
    }
    return 0;
}

/* Gives the places for queries to those that want a listing. */
static void admit_queries(struct fetcher *f, int64_t *left_ms)
{
    struct list *l;
    unsigned place;
    while ((l = next_query(f, left_ms)) && (place = place_for(f, l)))
        start(f, place, l);
}

/* List 0's listing, or NULL; *left_ms: see list.h. */
static struct fetch *base_fetch(struct fetcher *f, int64_t *left_ms)
{
    struct fetch *at = &f->fetches[0];
    struct list *l = f->config.roster->lists[0];
    if (!at->list && list_is_due(l, now_ms(f), left_ms))
        start(f, 0, l);
    return at->list ? at : NULL;
}

/* Of the queries' listings that no lane works on the next one, or NULL. */
static struct fetch *next_in_turn(struct fetcher *f, bool given_up)
{
    for (unsigned i = 1; i < FETCHER_PLACES; i++) {
        unsigned place = (f->last + i - 1) % (FETCHER_PLACES - 1) + 1;
        struct fetch *at = &f->fetches[place];
        if (at->list && !at->taken && at->list->given_up == given_up) {
            f->last = place;
            return at;
        }
    }
    return NULL;
}

/* That of the query whose turn it is, or NULL: other lanes have them all. */
static struct fetch *query_fetch(struct fetcher *f, int64_t *left_ms)
{
    admit_queries(f, left_ms);
    struct fetch *at = next_in_turn(f, false);
    return at ? at : next_in_turn(f, true);
}

/* Waits for work; NULL: stop. */
static struct fetch *next_work(struct fetcher *f, unsigned lane)
{
    while (!f->stop) {
        int64_t left_ms = INT64_MAX;
        struct fetch *at = lane == 0 ? base_fetch(f, &left_ms) : query_fetch(f, &left_ms);
        if (at) {
            at->taken = true;
            return at;
        }
        clock_cond_wait(&f->changed, &f->config.roster->lock, left_ms);
    }
    return NULL;
}

/* --- The threads --- */

static void *run(void *ctx)
{
    const struct lane *lane = ctx;
    struct fetcher *f = lane->fetcher;
    struct fetch *at;
    pthread_mutex_lock(&f->config.roster->lock);
    while ((at = next_work(f, lane->number))) {
        pthread_mutex_unlock(&f->config.roster->lock);
        work_on(at);
        pthread_mutex_lock(&f->config.roster->lock);
    }
    pthread_mutex_unlock(&f->config.roster->lock);
    return NULL;
}

int fetcher_start(struct fetcher *f)
{
    int r = 0;
    for (unsigned i = 0; r == 0 && i < FETCHER_LANES; i++) {
        struct lane *lane = &f->lanes[i];
        *lane = (struct lane){.fetcher = f, .number = i};
        r = -pthread_create(&lane->thread, NULL, run, lane);
        lane->started = r == 0;
    }
    return r;
}

/* Also ends the listings that no lane was at work on. */
static void join(struct fetcher *f)
{
    for (unsigned i = 0; i < FETCHER_LANES; i++) {
        if (f->lanes[i].started)
            pthread_join(f->lanes[i].thread, NULL);
        f->lanes[i].started = false;
    }
    for (unsigned i = 0; i < FETCHER_PLACES; i++) {
        if (f->fetches[i].list)
            end(&f->fetches[i], -ECANCELED);
    }
}

void fetcher_stop(struct fetcher *f)
{
    struct roster *roster = f->config.roster;
    pthread_mutex_lock(&roster->lock);
    f->stop = true;
    pthread_cond_broadcast(&f->changed);
    pthread_mutex_unlock(&roster->lock);
    source_cancel(f->config.source);
    for (uint32_t i = 0; i < ROSTER_NUMBERS; i++) {
        pthread_mutex_lock(&roster->lock);
        bool there = roster_at(roster, i) != NULL;
        pthread_mutex_unlock(&roster->lock);
        if (there)
            roster_tell(roster, i, LIST_EVENT_ALL, -EIO);
    }
    join(f);
}
