// SPDX-License-Identifier: Apache-2.0
/*
 * shop-source: a source that answers queries, name=NUMBER, each with pages of one image whose name
 * is that number. It counts, and serves as many pages as the test lets it, in the order in which
 * they were asked for.
 */
#ifndef IMSFS_TEST_SHOP_SOURCE_H
#define IMSFS_TEST_SHOP_SOURCE_H

#include "fake-source.h"
#include "imsfs/query.h"

#define SHOP_QUERIES 10001
#define SHOP_LOG 512
#define SHOP_UNBOUNDED UINT32_MAX

struct shop {
    struct source head; /* first: the source is this */
    struct lists *lists;
    pthread_mutex_t lock; /* protects: everything below */
    pthread_cond_t moved;
    unsigned pages[2];       /* of list 0 and of a query */
    unsigned fails;          /* the query that does */
    bool glance;             /* what it is */
    unsigned allowed, asked; /* pages */
    unsigned log[SHOP_LOG];  /* which query each of the first pages was of */
    bool hangs[2];           /* list 0; the queries: whatever is allowed */
    unsigned begun[SHOP_QUERIES];
    unsigned running[SHOP_QUERIES], running_all, running_most;
    bool overlapped, cancelled;
    unsigned known;  /* records that need not have been read; for who has the turn */
    unsigned forgot; /* the test's thread alone */
};

struct shop_listing {
    struct source_listing base; /* first: the head of every listing */
    unsigned query, page;
};

static inline unsigned shop_number_of(const struct query *q)
{
    unsigned number = 0;
    struct bytes text = q ? query_at(q, 0)->value : (struct bytes){0}; /* no NUL byte behind it */
    for (size_t i = 0; i < text.len; i++)
        number = number * 10 + (unsigned)(text.data[i] - '0');
    return number;
}

static inline int shop_begin(struct source *s, const struct query *q,
                             const struct source_sink *sink, struct source_listing **out)
{
    struct shop *shop = (struct shop *)s;
    struct shop_listing *l = calloc(1, sizeof(*l));
    assert_non_null(l);
    l->base = (struct source_listing){.source = s, .query = q, .sink = *sink};
    l->query = shop_number_of(q);
    pthread_mutex_lock(&shop->lock);
    shop->begun[l->query]++;
    shop->overlapped |= shop->running[l->query]++ > 0;
    if (++shop->running_all > shop->running_most)
        shop->running_most = shop->running_all;
    pthread_mutex_unlock(&shop->lock);
    *out = &l->base;
    return 0;
}

static inline void shop_end(struct source_listing *base)
{
    struct shop_listing *l = (struct shop_listing *)base;
    struct shop *shop = (struct shop *)base->source;
    pthread_mutex_lock(&shop->lock);
    shop->running[l->query]--;
    shop->running_all--;
    pthread_mutex_unlock(&shop->lock);
    free(base->next_marker);
    free(l);
}

/* Waits until the page may be served, as one waits for a network. */
static inline bool shop_serve(struct shop *shop, unsigned query)
{
    turn_give(shop->head.turn);
    pthread_mutex_lock(&shop->lock);
    unsigned mine = shop->asked++;
    if (mine < SHOP_LOG)
        shop->log[mine] = query;
    pthread_cond_broadcast(&shop->moved);
    while ((mine >= shop->allowed || shop->hangs[query > 0]) && !shop->cancelled)
        pthread_cond_wait(&shop->moved, &shop->lock);
    bool served = !shop->cancelled;
    pthread_mutex_unlock(&shop->lock);
    turn_take(shop->head.turn);
    return served;
}

static inline int shop_next(struct source_listing *base)
{
    struct shop_listing *l = (struct shop_listing *)base;
    struct shop *shop = (struct shop *)base->source;
    char json[128];
    int r = source_choose_form(base, shop->glance ? QUERY_DIALECT_GLANCE : QUERY_DIALECT_IMS);
    if (r < 0)
        return r;
    if (!shop_serve(shop, l->query))
        return -ECANCELED;
    base->requests++;
    if (shop->fails && l->query == shop->fails)
        return -EACCES;
    snprintf(json, sizeof(json), "{\"id\":\"%u-%u\",\"name\":\"%u\"}", l->query % 100, l->page,
             l->query);
    struct image *img = base->known.find(base->known.ctx, bytes_of(json)); /* as decode asks */
    shop->known += img != NULL;
    if (!img)
        img = lists_image(shop->lists, json);
    r = base->sink.page(base->sink.ctx, &img, 1);
    if (r < 0)
        return r;
    if (++l->page < shop->pages[l->query > 0])
        return SOURCE_MORE;
    if (base->query && asprintf(&base->next_marker, "after-%u", l->query) < 0)
        return -ENOMEM;
    return SOURCE_DONE;
}

static inline void shop_cancel(struct source *s)
{
    struct shop *shop = (struct shop *)s;
    pthread_mutex_lock(&shop->lock);
    shop->cancelled = true;
    pthread_cond_broadcast(&shop->moved);
    pthread_mutex_unlock(&shop->lock);
}

static inline void shop_forget(struct source *s)
{
    ((struct shop *)s)->forgot++;
}

static inline void shop_init(struct shop *shop, struct lists *lists)
{
    static const struct source_ops ops = {.begin = shop_begin,
                                          .next = shop_next,
                                          .end = shop_end,
                                          .cancel = shop_cancel,
                                          .forget = shop_forget};
    memset(shop, 0, sizeof(*shop));
    shop->head.ops = &ops;
    shop->head.kind = "http";
    shop->lists = lists;
    shop->pages[0] = shop->pages[1] = 1;
    pthread_mutex_init(&shop->lock, NULL);
    pthread_cond_init(&shop->moved, NULL);
}

/* So many pages may be served since the shop opened. */
static inline void shop_allow(struct shop *shop, unsigned pages)
{
    pthread_mutex_lock(&shop->lock);
    shop->allowed = pages;
    pthread_cond_broadcast(&shop->moved);
    pthread_mutex_unlock(&shop->lock);
}

/* List 0 (or the queries) are not served, until they are again. */
static inline void shop_hang(struct shop *shop, bool queries, bool hang)
{
    pthread_mutex_lock(&shop->lock);
    shop->hangs[queries] = hang;
    pthread_cond_broadcast(&shop->moved);
    pthread_mutex_unlock(&shop->lock);
}

/* Pages since the shop opened. */
static inline unsigned shop_asked(struct shop *shop)
{
    pthread_mutex_lock(&shop->lock);
    unsigned asked = shop->asked;
    pthread_mutex_unlock(&shop->lock);
    return asked;
}

/* Waits until so many pages were asked for since the shop opened. */
static inline void shop_wait_asked(struct shop *shop, unsigned pages)
{
    struct timespec until = fake_deadline();
    int error = 0;
    pthread_mutex_lock(&shop->lock);
    while (shop->asked < pages && error != ETIMEDOUT)
        error = pthread_cond_timedwait(&shop->moved, &shop->lock, &until);
    unsigned asked = shop->asked;
    pthread_mutex_unlock(&shop->lock);
    if (asked < pages)
        fail_msg("%u pages were asked for instead of %u", asked, pages);
}

static inline unsigned shop_begun(struct shop *shop, unsigned query)
{
    pthread_mutex_lock(&shop->lock);
    unsigned begun = shop->begun[query];
    pthread_mutex_unlock(&shop->lock);
    return begun;
}

static inline struct query *shop_query(unsigned number)
{
    struct query *q;
    struct query_error why;
    char text[32];
    snprintf(text, sizeof(text), "name=%u", number);
    assert_int_equal(query_parse(&q, bytes_of(text), QUERY_DIALECT_UNKNOWN, &why), 0);
    return q;
}

#endif
