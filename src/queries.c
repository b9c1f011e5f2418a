// SPDX-License-Identifier: Apache-2.0
#include "imsfs/queries.h"

#include <errno.h>
#include <pthread.h>

#include "imsfs/log.h"
#include "imsfs/meaning.h"
#include "imsfs/name.h"
#include "imsfs/rejects.h"

struct queries {
    struct queries_config config;
    pthread_mutex_t lock; /* protects: everything below */
    struct places places;
    uint64_t changes; /* of the cache, when places.changed was last set for them */
    struct rejects rejects;
};

int queries_new(struct queries **out, const struct queries_config *config)
{
    struct queries *q = calloc(1, sizeof(*q));
    if (!q)
        return -ENOMEM;
    q->config = *config;
    places_init(&q->places, (uint32_t)named_count(config->criteria->named));
    pthread_mutex_init(&q->lock, NULL);
    *out = q;
    return 0;
}

void queries_attach(struct queries *q, struct cache *cache)
{
    q->config.cache = cache;
}

void queries_free(struct queries *q)
{
    if (!q)
        return;
    places_deinit(&q->places);
    pthread_mutex_destroy(&q->lock);
    free(q);
}

static enum query_dialect dialect_now(const struct queries *q)
{
    return q->config.dialect(q->config.ctx);
}

static struct bytes project_now(const struct queries *q)
{
    return q->config.project(q->config.ctx);
}

/* --- Making a directory --- */

static int understand(struct queries *q, struct bytes name, struct meaning *m,
                      struct query_error *err)
{
    const struct criteria *c = q->config.criteria;
    int r = meaning_of(m, c, name, dialect_now(q), project_now(q), err);
    if (r != -EOPNOTSUPP || !cache_reconsider(q->config.cache))
        return r;
    meaning_clear(m);
    *m = (struct meaning){0};
    return meaning_of(m, c, name, dialect_now(q), project_now(q), err);
}

/* A query that nobody wrote in its canonical form is listed so all the same. With the lock held, as
 * the next. */
static int add_canonical(struct queries *q, struct place *place)
{
    CLEANUP(strbuf_free) struct strbuf text = STRBUF_INIT;
    struct spelling *s;
    query_add_name(place->criteria, &text);
    int r = strbuf_error(&text);
    if (r < 0 || text.len == 0 || text.len > NAME_MAX_BYTES)
        return r;
    r = places_add(&q->places, place, strbuf_bytes(&text), &s);
    if (r == 0)
        s->canonical = true;
    return r;
}

/* old: where a named query led before, if no other one does. */
static int add(struct queries *q, struct bytes name, struct meaning *m, uint32_t list,
               uint32_t tenure, struct node *out, struct node *old)
{
    struct spelling *s;
    struct place *place = places_get(&q->places, list, tenure, &m->copy);
    const struct spelling *before = places_find(&q->places, name);
    const struct node left = before ? place_node(before) : (struct node){0};
    const struct place *left_place = before && before->place != place ? before->place : NULL;
    int r = place ? places_add(&q->places, place, name, &s) : -ENOMEM;
    if (r < 0)
        return r;
    if (left_place && !place_has_named(left_place))
        *old = left;
    s->named = m->named;
    place->provisional = m->what.lacks_project;
    *out = place_node(s);
    return m->named ? 0 : add_canonical(q, place);
}

static int make(struct queries *q, struct bytes name, struct node *out, struct query_error *err)
{
    CLEANUP(meaning_clear) struct meaning m = {0};
    struct node old = {0};
    uint32_t list = 0, tenure = 0;
    int r = understand(q, name, &m, err);
    if (r == 0)
        r = cache_open_list(q->config.cache, meaning_take(&m), m.named != 0, &list, &tenure);
    if (r < 0)
        return r;
    pthread_mutex_lock(&q->lock);
    r = add(q, name, &m, list, tenure, out, &old);
    pthread_mutex_unlock(&q->lock);
    cache_let_go(q->config.cache, list); /* it had to stay until its names were there */
    if (old.kind == NODE_QUERY)
        cache_unpin(q->config.cache, old.query, old.generation);
    return r;
}

/* --- Looking up --- */

/* Whether a directory with this name was made and its list is still there. */
static bool is_known(struct queries *q, struct bytes name, struct node *out)
{
    bool final = project_now(q).len > 0;
    pthread_mutex_lock(&q->lock);
    const struct spelling *s = places_find(&q->places, name);
    bool known = s && !(s->place->provisional && final);
    if (known)
        *out = place_node(s);
    pthread_mutex_unlock(&q->lock);
    if (!known || cache_hold(q->config.cache, out->query, out->generation) < 0)
        return false;
    cache_let_go(q->config.cache, out->query);
    return true;
}

static void note_refusal(struct queries *q, struct bytes name, const char *why)
{
    char line[REJECTS_LINE_SIZE];
    pthread_mutex_lock(&q->lock);
    bool news = rejects_note(&q->rejects, name, why, clock_now_ms(&clock_boottime));
    memcpy(line, q->rejects.last, sizeof(line));
    pthread_mutex_unlock(&q->lock);
    if (news)
        log_info("%s", line);
}

int queries_lookup(struct queries *q, struct bytes name, struct node *out)
{
    struct query_error err = {""};
    if (is_known(q, name, out))
        return 0;
    int r = make(q, name, out, &err);
    if (r < 0 && err.text[0])
        note_refusal(q, name, err.text);
    return r;
}

void queries_add_refused(struct queries *q, struct strbuf *out)
{
    pthread_mutex_lock(&q->lock);
    strbuf_add_str(out, q->rejects.last);
    pthread_mutex_unlock(&q->lock);
}

struct timespec queries_changed(struct queries *q)
{
    uint64_t changes = cache_changes(q->config.cache);
    pthread_mutex_lock(&q->lock);
    if (changes != q->changes)
        places_touch(&q->places);
    q->changes = changes;
    struct timespec changed = q->places.changed;
    pthread_mutex_unlock(&q->lock);
    return changed;
}

/* --- Listing --- */

void queries_listing_clear(struct queries_listing *l)
{
    free(l->items);
    strbuf_free(&l->names);
    *l = (struct queries_listing){0};
}

static void list_one(struct queries_listing *l, struct bytes name, struct node node, uint32_t mark)
{
    l->items[l->count++] = (struct entries_query){.node = node, .mark = mark};
    strbuf_add(&l->names, name.data, name.len);
    strbuf_add_char(&l->names, '\0');
}

/*
 * Nobody asked for one by name: what does not work is not listed, and no matter for the log. Their
 * marks are the numbers that queries_new() left free for them.
 */
static void make_named(struct queries *q)
{
    const struct named *named = q->config.criteria->named;
    enum query_dialect dialect = dialect_now(q);
    for (size_t i = 0; i < named_count(named); i++) {
        struct bytes name = bytes_of(named_name(named, i));
        struct query_error err;
        struct node node;
        if (!named_is_usable(named, i, dialect, project_now(q)) || is_known(q, name, &node))
            continue;
        int r = make(q, name, &node, &err);
        if (r < 0)
            log_debug("query/%s is not listed: %s", named_name(named, i), strerror(-r));
    }
}

static int by_mark(const void *a, const void *b)
{
    const struct entries_query *x = a, *y = b;
    return (x->mark > y->mark) - (x->mark < y->mark);
}

/* The dialect may have become known since its list was made. */
static bool is_listed(const struct queries *q, const struct spelling *s)
{
    if (!s->named)
        return s->canonical;
    return named_is_usable(q->config.criteria->named, s->named - 1, dialect_now(q), project_now(q));
}

/* With the lock held. */
static int collect(const struct queries *q, struct queries_listing *l)
{
    l->items = calloc(HASH_COUNT(q->places.names) + 1, sizeof(*l->items));
    if (!l->items)
        return -ENOMEM;
    for (const struct spelling *s = q->places.names; s; s = s->hh.next)
        if (is_listed(q, s))
            list_one(l, (struct bytes){s->name, s->len}, place_node(s),
                     s->named ? s->named : s->number);
    return strbuf_error(&l->names);
}

/* Without the lock. Anybody may look up anything, so that alone is no reason to list it. */
static void leave_out_empty(struct queries *q, struct queries_listing *l)
{
    size_t kept = 0;
    for (size_t i = 0; i < l->count; i++) {
        const struct entries_query *item = &l->items[i];
        bool named = item->mark <= named_count(q->config.criteria->named);
        if (named || cache_shows(q->config.cache, item->node.query, item->node.generation))
            l->items[kept++] = *item;
    }
    l->count = kept;
}

int queries_list(struct queries *q, struct queries_listing *out)
{
    CLEANUP(queries_listing_clear) struct queries_listing l = {0};
    make_named(q);
    pthread_mutex_lock(&q->lock);
    int r = collect(q, &l);
    pthread_mutex_unlock(&q->lock);
    if (r < 0)
        return r;
    const char *name = l.names.data;
    for (size_t i = 0; i < l.count; i++, name += strlen(name) + 1)
        l.items[i].name = name;
    leave_out_empty(q, &l);
    qsort(l.items, l.count, sizeof(*l.items), by_mark);
    *out = l;
    l = (struct queries_listing){0};
    return 0;
}

/* --- What a tree needs --- */

/* With the lock held. place may be NULL. */
static int use(struct place *place, bool spellings, struct queries_use *out)
{
    uint32_t *copy = NULL;
    if (!place)
        return -ESTALE;
    if (spellings && !(copy = calloc(place->count + 1, sizeof(*copy))))
        return -ENOMEM;
    for (size_t i = 0; spellings && i < place->count; i++)
        copy[i] = place->spellings[i]->number;
    place->refs++;
    *out = (struct queries_use){
        .place = place,
        .provisional = place->provisional,
        .spellings = copy,
        .query = {.number = place->list,
                  .generation = place->tenure,
                  .criteria = place->criteria,
                  .spellings = copy,
                  .spelling_count = spellings ? place->count : 0},
    };
    return 0;
}

/* Whether the node is of the place as it is now. */
static bool is_of(const struct node *node, const struct place *place)
{
    bool has_generation = node->kind == NODE_QUERY || node->kind == NODE_PAGE;
    bool has_spelling = node->kind == NODE_QUERY || node->kind == NODE_IMAGE;
    return (!has_generation || node->generation == place->tenure) &&
           (!has_spelling || place_has(place, node->spelling));
}

int queries_of(struct queries *q, const struct node *node, struct queries_use *out)
{
    pthread_mutex_lock(&q->lock);
    struct place *place = places_at(&q->places, node->query);
    int r = use(place && is_of(node, place) ? place : NULL, false, out);
    pthread_mutex_unlock(&q->lock);
    return r;
}

int queries_of_list(struct queries *q, uint32_t list, struct queries_use *out)
{
    pthread_mutex_lock(&q->lock);
    int r = use(places_at(&q->places, list), true, out);
    pthread_mutex_unlock(&q->lock);
    return r;
}

void queries_done(struct queries *q, struct queries_use *use)
{
    if (!use->place)
        return;
    pthread_mutex_lock(&q->lock);
    place_unref(use->place);
    pthread_mutex_unlock(&q->lock);
    free(use->spellings);
    *use = (struct queries_use){0};
}

int queries_emptied(struct queries *q, uint32_t list, uint32_t tenure, bool gone,
                    int (*fn)(void *ctx, struct bytes name), void *ctx)
{
    int r = 0;
    pthread_mutex_lock(&q->lock);
    struct place *place = places_at(&q->places, list);
    if (place && place->tenure == tenure) {
        r = place_each(place, fn, ctx);
        if (gone)
            places_drop(&q->places, place);
    }
    pthread_mutex_unlock(&q->lock);
    return r;
}
