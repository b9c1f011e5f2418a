// SPDX-License-Identifier: Apache-2.0
#include "imsfs/pager.h"

#include <errno.h>

int pager_start(struct pager *p)
{
    return trail_start(&p->trail);
}

void pager_free(struct pager *p)
{
    trail_free(&p->trail);
    for (unsigned i = 0; i < RANGES_WIDTH_MAX; i++)
        strbuf_free(&p->guesses[i].marker);
}

/* --- What is on its way --- */

static struct client_page page_at(const struct pager *p, struct bytes marker)
{
    return (struct client_page){p->call, p->query, marker, !p->one_page};
}

static struct desk *desk_of(const struct pager *p, unsigned guess)
{
    return guess < p->count ? p->guesses[guess].ahead.desk : NULL;
}

/* Asks for a page before the guess at place; what is behind moves on. False: not now. */
static bool ask_ahead(struct pager *p, unsigned place, struct bytes marker, bool by_page,
                      int64_t deadline_ms)
{
    const struct client_page page = page_at(p, marker);
    if (p->count == RANGES_WIDTH_MAX)
        return false;
    struct pager_guess *last = &p->guesses[p->count], guess = *last;
    strbuf_reset(&guess.marker);
    strbuf_add(&guess.marker, marker.data, marker.len);
    guess.by_page = by_page;
    bool sent = strbuf_error(&guess.marker) == 0 &&
                client_begin(p->client, &page, deadline_ms, desk_of(p, 0), &guess.ahead) == 0;
    *last = guess;
    if (!sent)
        return false; /* whoever asks for it will be told why */
    memmove(&p->guesses[place + 1], &p->guesses[place],
            (p->count - place) * sizeof(struct pager_guess));
    p->guesses[place] = guess;
    p->count++;
    return true;
}

/* It has no request any more; the place is the last one's then. */
static void remove_guess(struct pager *p, unsigned place)
{
    struct pager_guess gone = p->guesses[place];
    p->count--;
    memmove(&p->guesses[place], &p->guesses[place + 1],
            (p->count - place) * sizeof(struct pager_guess));
    p->guesses[p->count] = gone; /* with its buffer */
}

static unsigned drop_guess(struct pager *p, unsigned place)
{
    unsigned sent = client_drop(p->client, &p->guesses[place].ahead);
    remove_guess(p, place);
    return sent;
}

static bool is_first(const struct pager *p, struct bytes marker)
{
    return p->count && bytes_equal(strbuf_bytes(&p->guesses[0].marker), marker);
}

unsigned pager_drop(struct pager *p)
{
    unsigned dropped = 0;
    while (p->count)
        dropped += drop_guess(p, p->count - 1);
    ranges_ask_again(&p->walk);
    return dropped;
}

void pager_push(const struct pager *p)
{
    for (unsigned i = 0; i < p->count; i++) {
        if (i == 0 || desk_of(p, i) != desk_of(p, i - 1))
            client_push(&p->guesses[i].ahead);
    }
}

/* --- The last listing's --- */

static bool somebody_failed(const struct pager *p)
{
    for (unsigned i = 0; i < p->count; i++) {
        if (client_has_failed(&p->guesses[i].ahead))
            return true;
    }
    return false;
}

static void top_up(struct pager *p, int64_t deadline_ms)
{
    const char *marker;
    if (somebody_failed(p))
        ranges_slow_down(&p->walk);
    unsigned width = ranges_width(&p->walk);
    while (width > 1 && p->count < width && (marker = ranges_ahead(&p->walk)) &&
           ask_ahead(p, p->count, bytes_of(marker), false, deadline_ms))
        ranges_asked(&p->walk);
}

void pager_fan_out(struct pager *p, int64_t deadline_ms)
{
    const struct bytes first = {"", 0};
    if (ranges_width(&p->walk) > 1 && ask_ahead(p, 0, first, true, deadline_ms))
        top_up(p, deadline_ms);
}

/* --- A page --- */

int pager_ask(struct pager *p, struct client_try *t)
{
    const struct client_page page = page_at(p, strbuf_bytes(&p->trail.marker));
    bool guessed = is_first(p, page.marker), early = guessed && !p->guesses[0].by_page;
    t->ahead = guessed ? &p->guesses[0].ahead : NULL;
    t->beside = desk_of(p, guessed);
    int r = client_ask(p->client, t, &page);
    if (guessed)
        remove_guess(p, 0);
    t->ahead = NULL;
    if (r < 0 || t->answer->requests > 1)
        ranges_slow_down(&p->walk);
    /* So many at a time may have been too much for the service. */
    if (early && r < 0 && r != -ECANCELED && t->answer->requests <= 1)
        r = client_ask(p->client, t, &page);
    return r;
}

static size_t full_page(const struct pager *p)
{
    return client_page_size(p->client, p->call);
}

/* Whether the way leads there, as far as can be told before the page is decoded. */
static bool will_want(struct pager *p, const struct decode_result *peeked, size_t room,
                      struct strbuf *marker)
{
    const char *why;
    return peeked->records && peeked->records <= room && trail_may_idle(&p->trail) &&
           trail_add_marker(p->call, peeked, full_page(p), marker, &why) == 0 && marker->len &&
           !trail_was_at(&p->trail, strbuf_bytes(marker));
}

static void look_behind(struct pager *p, const struct decode_result *peeked, size_t room,
                        int64_t deadline_ms)
{
    CLEANUP(strbuf_free) struct strbuf marker = STRBUF_INIT;
    const char *end = ranges_after(&p->walk, peeked->records, peeked->last_id);
    if (end && !(peeked->last_id && streq(peeked->last_id, end)))
        p->ends_at = end;
    if (!end && will_want(p, peeked, room, &marker) && !is_first(p, strbuf_bytes(&marker)))
        ask_ahead(p, 0, strbuf_bytes(&marker), true, deadline_ms);
    else if (end && p->count == 0 && ask_ahead(p, 0, bytes_of(end), true, deadline_ms))
        ranges_asked(&p->walk);
}

void pager_look_ahead(struct pager *p, struct bytes page, size_t room, int64_t deadline_ms)
{
    struct decode_result peeked = {0};
    p->ends_at = NULL;
    if (peek_page(page, &peeked) && !p->one_page)
        look_behind(p, &peeked, room, deadline_ms);
    top_up(p, deadline_ms);
    decode_result_free(&peeked);
}

bool pager_take(struct pager *p, struct bytes id)
{
    return ranges_take(&p->walk, id) && p->ends_at;
}

/* --- The way --- */

/* At the page that is next. Drops what is not on the way. */
static unsigned keep_guesses(struct pager *p, enum ranges_step step)
{
    struct bytes marker = strbuf_bytes(&p->trail.marker);
    unsigned wasted = 0, kept = 0;
    while (step == RANGES_LOST && kept < p->count) {
        if (p->guesses[kept].by_page)
            kept++;
        else
            wasted += drop_guess(p, kept);
    }
    while (p->count && !is_first(p, marker) && (step != RANGES_INSIDE || p->guesses[0].by_page))
        wasted += drop_guess(p, 0);
    if (p->count == 0)
        ranges_ask_again(&p->walk);
    return wasted;
}

int pager_go_on(struct pager *p, const struct decode_result *result, size_t images, bool news,
                unsigned *wasted, const char **why)
{
    int r = trail_go_on(&p->trail, p->call, result, full_page(p), news, why);
    if (r != 1) {
        *wasted = pager_drop(p);
        return r;
    }
    *wasted = keep_guesses(
        p, ranges_go_on(&p->walk, strbuf_bytes(&p->trail.marker), result->last_id, images));
    return r;
}

int pager_go_on_inside(struct pager *p, bool news, unsigned *wasted, const char **why)
{
    const char *end = p->ends_at;
    int r = trail_jump(&p->trail, bytes_of(end), news, why);
    if (r == 1)
        *wasted = keep_guesses(p, ranges_go_on(&p->walk, bytes_of(end), end, 0));
    else
        *wasted = pager_drop(p);
    return r;
}

int pager_add_next(const struct pager *p, const struct decode_result *result, struct strbuf *marker,
                   const char **why)
{
    return trail_add_marker(p->call, result, 1, marker, why);
}
