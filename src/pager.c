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
    strbuf_free(&p->guess);
}

static struct client_page page_at(const struct pager *p, struct bytes marker)
{
    return (struct client_page){p->call, p->query, marker, !p->one_page};
}

int pager_ask(struct pager *p, struct client_try *t)
{
    const struct client_page page = page_at(p, strbuf_bytes(&p->trail.marker));
    t->ahead = &p->ahead;
    return client_ask(p->client, t, &page);
}

/* --- The next page --- */

static size_t full_page(const struct pager *p)
{
    return client_page_size(p->client, p->call);
}

/* Whether the way leads there, as far as can be told before the page is decoded. */
static bool will_want(struct pager *p, const struct decode_result *peeked, size_t room)
{
    const char *why;
    strbuf_reset(&p->guess);
    return peeked->records && peeked->records <= room && trail_may_idle(&p->trail) &&
           trail_add_marker(p->call, peeked, full_page(p), &p->guess, &why) == 0 && p->guess.len &&
           !trail_was_at(&p->trail, strbuf_bytes(&p->guess));
}

bool pager_look_ahead(struct pager *p, struct bytes page, size_t room, int64_t deadline_ms)
{
    struct decode_result peeked = {0};
    bool whole = peek_page(page, &peeked);
    if (whole && !p->one_page && will_want(p, &peeked, room)) {
        const struct client_page next = page_at(p, strbuf_bytes(&p->guess));
        if (client_begin(p->client, &next, deadline_ms, &p->ahead) < 0)
            strbuf_reset(&p->guess); /* whoever asks for it will be told why */
    }
    decode_result_free(&peeked);
    return whole;
}

void pager_push(const struct pager *p)
{
    client_push(&p->ahead);
}

unsigned pager_drop(struct pager *p)
{
    return client_drop(p->client, &p->ahead);
}

int pager_go_on(struct pager *p, const struct decode_result *result, bool news, unsigned *wasted,
                const char **why)
{
    int r = trail_go_on(&p->trail, p->call, result, full_page(p), news, why);
    bool wanted = r == 1 && bytes_equal(strbuf_bytes(&p->trail.marker), strbuf_bytes(&p->guess));
    *wasted = wanted ? 0 : pager_drop(p);
    return r;
}

int pager_add_next(const struct pager *p, const struct decode_result *result, struct strbuf *marker,
                   const char **why)
{
    return trail_add_marker(p->call, result, 1, marker, why);
}
