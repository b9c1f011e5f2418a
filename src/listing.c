// SPDX-License-Identifier: Apache-2.0
#include "imsfs/listing.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>

#include "imsfs/batch.h"
#include "imsfs/decode.h"
#include "imsfs/failure.h"
#include "imsfs/log.h"
#include "imsfs/pager.h"

/* How often a listing whose marker has vanished starts over. */
#define RESTARTS_MAX 2
/* The first so many images of a listing are shown before anything else is done with their page. */
#define FIRST_IMAGES 16
/* In a shorter page to look for the next one takes no time: that is done first. */
#define LONG_PAGE 65536
/* How often the page that is on its way is looked after: each time so many images are built. */
#define PUSH_IMAGES 64

static const char over_advice[] = "raise the limit if the service is right";

struct listing {
    struct source_listing base; /* first: the head of every listing */
    const struct listing_setup *s;
    struct pager pager;
    int64_t deadline_ms;
    size_t images;
    size_t pages;
    unsigned restarts;
};

struct page {
    struct listing *listing;
    struct http_response response;
    struct decode_result result;
    struct batch batch;
    size_t before; /* images of the listing that came before it */
    size_t built;  /* images */
    bool early;    /* its first images are shown before anybody looked for the next page */
    bool news;     /* it brought images that the listing did not have */
    bool cut;      /* what it has more is the next page's */
};

/* --- What went wrong, for people --- */

/* The address of its call. */
static void describe(const struct listing *l, char out[static 121])
{
    CLEANUP(strbuf_free) struct strbuf url = STRBUF_INIT;
    client_add_call(l->s->client, l->pager.call ? l->pager.call : l->s->client->config.api, &url);
    snprintf(out, 121, "%s", strbuf_str(&url));
}

/* Says what is wrong with a listing, in one line; returns error. advice NULL: the usual one. */
static int PRINTF_LIKE(4, 5)
    fail(struct listing *l, int error, const char *advice, const char *fmt, ...)
{
    char what[320], where[121];
    va_list ap;
    va_start(ap, fmt);
    vsnprintf(what, sizeof(what), fmt, ap);
    va_end(ap);
    describe(l, where);
    snprintf(l->base.error.text, sizeof(l->base.error.text), "%s: %s; %s", where, what,
             advice ? advice : failure_advice(0, error));
    return error;
}

/* The same for a request that failed. */
static int fail_request(struct listing *l, int error, struct http_response *r)
{
    const struct auth *auth = l->s->auth;
    const char *advice = failure_advice(r->status, error);
    char what[320];
    if (auth)
        auth_describe(auth, r, error, what, sizeof(what));
    else
        failure_describe(r, error, what, sizeof(what));
    if (r->status == 401 && auth)
        advice = auth_advice(auth);
    if (r->status == 400 && l->base.query)
        advice = "the service does not take these criteria";
    return fail(l, error, advice, "%s", what);
}

static int fail_over(struct listing *l, enum limit which)
{
    char what[120];
    limits_describe(l->s->limits, which, what);
    return fail(l, -EIO, over_advice, "%s", what);
}

/* --- One request --- */

static int fetch_page(struct listing *l, struct client_try *t)
{
    struct client *client = l->s->client;
    struct pager *p = &l->pager;
    p->query = l->base.query;
    /* Criteria with a limit of their own ask for exactly one page. */
    p->one_page = p->query && query_limit(p->query) > 0;
    int r = pager_ask(p, t);
    if (p->call == client->config.api)
        atomic_store(&l->s->source->page_size, client_page_size(client, p->call));
    return r;
}

/* Decides on the form and the call. */
static int choose(struct listing *l, struct client_try *t)
{
    enum query_dialect dialect = QUERY_DIALECT_UNKNOWN;
    int r = 0;
    if (l->base.glance)
        r = client_find_dialect(l->s->client, t, &dialect, &l->pager.call);
    if (r == 0)
        r = source_choose_form(&l->base, dialect);
    return r < 0 ? r : client_choose(l->s->client, t, l->base.query, &l->pager.call);
}

/* Of the mount's own list the last listing may tell where pages begin. */
static int set_out(struct listing *l, struct client_try *t)
{
    int r = choose(l, t);
    if (r == 0 && !l->base.query && l->s->ranges) {
        ranges_begin(&l->pager.walk, l->s->ranges);
        pager_fan_out(&l->pager, t->deadline_ms);
    }
    return r;
}

/* Where cloudimages is found to be missing, there may be another way. */
static int choose_and_fetch(struct listing *l, struct client_try *t)
{
    int r = l->pager.call ? 0 : set_out(l, t);
    if (r < 0)
        return r;
    r = fetch_page(l, t);
    if (t->answer->status != 404 || !l->base.query || l->pager.trail.marker.len)
        return r;
    const struct list_call *missing = l->pager.call;
    int chosen = choose(l, t);
    if (chosen < 0)
        return chosen;
    return l->pager.call != missing ? fetch_page(l, t) : r;
}

static int64_t page_deadline(const struct listing *l, int64_t since_ms)
{
    int64_t until_ms = since_ms + l->s->timeout_ms;
    return until_ms < l->deadline_ms ? until_ms : l->deadline_ms;
}

/* The next page. */
static int fetch(struct listing *l, struct http_response *out)
{
    int64_t since_ms = l->base.asked_ms ? l->base.asked_ms : clock_now_ms(l->s->clock);
    struct client_try t = {
        .turn = l->s->source->turn,
        .deadline_ms = page_deadline(l, since_ms),
        .answer = out,
    };
    int r = choose_and_fetch(l, &t);
    l->base.requests += t.requests;
    if (r < 0 && t.why.text[0]) /* what kept a request from being sent; else the answer tells */
        snprintf(l->base.error.text, sizeof(l->base.error.text), "%s", t.why.text);
    return r;
}

/* --- One page --- */

static void page_free(struct page *p)
{
    batch_free(&p->batch);
    decode_result_free(&p->result);
    http_response_free(&p->response);
}

/* Gives what was built of the page to the sink. */
static int hand_over(struct listing *l, struct page *p, bool begun)
{
    l->base.begun = begun;
    int fresh = batch_give(&p->batch, &l->base.sink);
    if (fresh < 0)
        return fail(l, fresh, NULL, "a page of images was not taken: %s", strerror(-fresh));
    p->news |= fresh > 0;
    l->images += (size_t)fresh;
    return limits_exceeded(l->s->limits, LIMIT_IMAGES, l->images) ? fail_over(l, LIMIT_IMAGES) : 0;
}

/* Has the next page on its way while this one is decoded, if there is to be one. */
static void look_ahead(struct listing *l, const struct page *p)
{
    bool last = l->pages >= (size_t)l->s->limits->max[LIMIT_PAGES];
    size_t max = last ? 0 : (size_t)l->s->limits->max[LIMIT_IMAGES];
    struct bytes text = strbuf_bytes(&p->response.body);
    int64_t now = clock_now_ms(l->s->clock);
    pager_look_ahead(&l->pager, text, max > p->before ? max - p->before : 0, page_deadline(l, now));
}

/*
 * Whether somebody may wait for its first images, who are shown as they are read, whatever the rest
 * of the page comes to. Not so where the last listing tells where pages end: then there is a list
 * already, and where this one ends must be known before its first image.
 */
static bool is_early(const struct listing *l, const struct page *p)
{
    return l->images == 0 && !l->pager.walk.on && p->response.body.len > LONG_PAGE;
}

static int show_first(struct listing *l, struct page *p)
{
    int r = hand_over(l, p, true);
    if (r == 0)
        look_ahead(l, p);
    return r;
}

/* A decode_image_fn. */
static int take_image(void *ctx, struct image *img)
{
    struct page *p = ctx;
    p->cut = pager_take(&p->listing->pager, image_id(img));
    int r = batch_add(&p->batch, img);
    if (++p->built % PUSH_IMAGES == 0)
        pager_push(&p->listing->pager);
    if (r == 0 && p->cut)
        return -ECANCELED; /* that ends the decoding */
    return r == 0 && p->early && p->built == FIRST_IMAGES ? show_first(p->listing, p) : r;
}

static int decode_page(struct listing *l, struct page *p)
{
    const struct listing_setup *s = l->s;
    const struct http_response *answer = &p->response;
    const char *type = answer->fields.content_type;
    const struct decode_sink sink = {take_image, p, l->base.known, s->cancelled};
    int r = decode_text(strbuf_bytes(&answer->body), DECODE_PAGE, s->limits, s->attrs, &sink,
                        &p->result);
    if (r < 0 && l->base.error.text[0])
        return r; /* it was not taken */
    if (r == -ECANCELED && p->cut)
        r = 0;
    if (r == -ECANCELED)
        return fail(l, r, NULL, "the listing was cancelled");
    if (r == -ENOMEM)
        return fail(l, r, NULL, "out of memory");
    if (r == -E2BIG)
        return fail(l, -EIO, over_advice, "%s", p->result.error);
    if (r < 0)
        return fail(l, -EIO, NULL, "the answer is no list of images: %s (%s)",
                    p->result.error[0] ? p->result.error : strerror(-r),
                    *type ? type : "without a content type");
    atomic_fetch_add(&s->source->counters.pages, 1);
    batch_count(&l->base.left_out, &p->result);
    return 0;
}

/* Moves the listing to the page after p. An enum source_next. */
static int go_on(struct listing *l, const struct page *p)
{
    const char *why;
    unsigned wasted;
    int r = p->cut ? pager_go_on_inside(&l->pager, p->news, &wasted, &why)
                   : pager_go_on(&l->pager, &p->result, p->built, p->news, &wasted, &why);
    l->base.requests += wasted;
    if (r < 0)
        return fail(l, r, NULL, "%s", why);
    if (r)
        return SOURCE_MORE;
    ranges_end(&l->pager.walk, true, p->built == 0);
    return SOURCE_DONE;
}

/* Of criteria with a limit p is all; the next page is somebody else's to ask for. Any record means
 * that there may be one. */
static int stop_here(struct listing *l, const struct page *p)
{
    CLEANUP(strbuf_free) struct strbuf marker = STRBUF_INIT;
    const char *why;
    int r = pager_add_next(&l->pager, &p->result, &marker, &why);
    if (r < 0)
        return fail(l, r, NULL, "%s", why);
    if (marker.len)
        l->base.next_marker = strbuf_steal(&marker);
    return SOURCE_DONE;
}

/* --- A listing --- */

/* Goes to the first page, with nothing seen. */
static int rewind_listing(struct listing *l)
{
    l->images = l->pages = 0;
    l->base.left_out = (struct source_left_out){0};
    l->base.requests += pager_drop(&l->pager);
    ranges_start_over(&l->pager.walk);
    return pager_start(&l->pager);
}

/* The image that the last page ended with is gone from the server: what came is no longer one list.
 */
static int start_over(struct listing *l)
{
    char where[121];
    if (l->restarts++ == RESTARTS_MAX)
        return fail(l, -EIO, "try again when fewer images change",
                    "images vanish while the list is read, for the third time");
    describe(l, where);
    log_info("%s: the marker has vanished, the list is read again", where);
    l->base.sink.restart(l->base.sink.ctx);
    int r = rewind_listing(l);
    return r < 0 ? r : SOURCE_MORE;
}

int listing_next(struct source_listing *base)
{
    struct listing *l = (struct listing *)base;
    CLEANUP(page_free) struct page p = {.listing = l};
    if (limits_exceeded(l->s->limits, LIMIT_PAGES, ++l->pages))
        return fail_over(l, LIMIT_PAGES);
    int r = fetch(l, &p.response);
    if (p.response.status == 400 && l->pager.trail.marker.len)
        return start_over(l);
    if (r == -ETIMEDOUT && clock_now_ms(l->s->clock) >= l->deadline_ms)
        return fail(l, r, "a longer list_timeout= or a larger page_size= may help",
                    "the list is not complete after %lld s",
                    (long long)(l->s->list_timeout_ms / 1000));
    if (r < 0)
        return l->base.error.text[0] ? r : fail_request(l, r, &p.response);
    p.before = l->images;
    p.early = is_early(l, &p);
    if (!p.early)
        look_ahead(l, &p);
    r = decode_page(l, &p);
    if (r == 0)
        r = hand_over(l, &p, false);
    if (r < 0)
        return r;
    return l->pager.one_page ? stop_here(l, &p) : go_on(l, &p);
}

void listing_end(struct source_listing *base)
{
    struct listing *l = (struct listing *)base;
    pager_drop(&l->pager);
    ranges_end(&l->pager.walk, false, false);
    pager_free(&l->pager);
    free(l->base.next_marker);
    free(l);
}

int listing_begin(const struct listing_setup *s, const struct query *q,
                  const struct source_sink *sink, struct source_listing **out)
{
    struct listing *l = calloc(1, sizeof(*l));
    if (!l)
        return -ENOMEM;
    l->base = (struct source_listing){.source = s->source, .query = q, .sink = *sink};
    l->s = s;
    l->pager.client = s->client;
    l->deadline_ms = clock_now_ms(s->clock) + s->list_timeout_ms;
    int r = rewind_listing(l);
    if (r < 0) {
        listing_end(&l->base);
        return r;
    }
    *out = &l->base;
    return 0;
}
