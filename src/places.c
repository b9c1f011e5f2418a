// SPDX-License-Identifier: Apache-2.0
#include "imsfs/places.h"

#include <errno.h>

#include "imsfs/clock.h"

#define NUMBER_MAX 0xFFFFFFu

void places_init(struct places *p, uint32_t reserved)
{
    *p = (struct places){.reserved = reserved, .last_number = reserved, .changed = clock_wall()};
}

void places_deinit(struct places *p)
{
    for (uint32_t i = 0; i < ROSTER_NUMBERS; i++)
        if (p->by_list[i])
            places_drop(p, p->by_list[i]);
}

/* A set that changes twice within the clock's grain has changed for the kernel too. */
void places_touch(struct places *p)
{
    struct timespec now = clock_wall(), *was = &p->changed;
    bool later =
        now.tv_sec > was->tv_sec || (now.tv_sec == was->tv_sec && now.tv_nsec > was->tv_nsec);
    if (later)
        *was = now;
    else if (++was->tv_nsec == 1000000000)
        *was = (struct timespec){was->tv_sec + 1, 0};
}

/* --- Places --- */

struct place *places_at(const struct places *p, uint32_t list)
{
    return list < ROSTER_NUMBERS ? p->by_list[list] : NULL;
}

struct place *places_get(struct places *p, uint32_t list, uint32_t tenure, struct query **criteria)
{
    struct place *place = p->by_list[list];
    if (place && place->tenure == tenure)
        return place;
    if (place)
        places_drop(p, place);
    place = calloc(1, sizeof(*place));
    if (!place)
        return NULL;
    *place =
        (struct place){.refs = 1, .list = list, .tenure = tenure, .criteria = STEAL(*criteria)};
    return p->by_list[list] = place;
}

void place_unref(struct place *place)
{
    if (--place->refs)
        return;
    query_free(place->criteria);
    free(place->spellings);
    free(place);
}

bool place_has(const struct place *place, uint32_t spelling)
{
    for (size_t i = 0; i < place->count; i++)
        if (place->spellings[i]->number == spelling)
            return true;
    return false;
}

bool place_has_named(const struct place *place)
{
    for (size_t i = 0; i < place->count; i++)
        if (place->spellings[i]->named)
            return true;
    return false;
}

/* --- Names --- */

struct spelling *places_find(const struct places *p, struct bytes name)
{
    struct spelling *s;
    HASH_FIND(hh, p->names, name.data, name.len, s);
    return s;
}

static void drop_name(struct places *p, struct spelling *s)
{
    struct place *place = s->place;
    size_t kept = 0;
    for (size_t i = 0; i < place->count; i++)
        if (place->spellings[i] != s)
            place->spellings[kept++] = place->spellings[i];
    place->count = kept;
    HASH_DEL(p->names, s);
    free(s);
    places_touch(p);
}

int place_each(const struct place *place, int (*fn)(void *ctx, struct bytes name), void *ctx)
{
    int r = 0;
    for (size_t i = 0; fn && r == 0 && i < place->count; i++)
        r = fn(ctx, (struct bytes){place->spellings[i]->name, place->spellings[i]->len});
    return r;
}

void places_drop(struct places *p, struct place *place)
{
    while (place->count)
        drop_name(p, place->spellings[0]);
    p->by_list[place->list] = NULL;
    place_unref(place);
}

static bool number_is_used(const struct places *p, uint32_t number)
{
    for (const struct spelling *s = p->names; s; s = s->hh.next)
        if (s->number == number)
            return true;
    return false;
}

/* They rise; only after 16 million an old one may be in use. */
static uint32_t next_number(struct places *p)
{
    do {
        if (p->last_number == NUMBER_MAX) {
            p->wrapped = true;
            p->last_number = p->reserved;
        }
        p->last_number++;
    } while (p->wrapped && number_is_used(p, p->last_number));
    return p->last_number;
}

static bool may_go(const struct spelling *s)
{
    return !s->canonical && !s->named;
}

/* The oldest goes that stands for itself alone. Somebody may be in it still: he gets ESTALE, and a
 * new number when he comes by name. */
static void make_room(struct places *p, const struct place *place)
{
    size_t i = 0;
    if (place->count >= PLACES_SPELLINGS_MAX) {
        while (i < place->count && !may_go(place->spellings[i]))
            i++;
        if (i < place->count)
            drop_name(p, place->spellings[i]);
    } else if (HASH_COUNT(p->names) >= PLACES_NAMES_MAX) {
        struct spelling *s =
            p->names; /* a list has one that may not go, so there are few of them */
        while (s && !may_go(s))
            s = s->hh.next;
        if (s)
            drop_name(p, s);
    }
}

static bool reserve(struct place *place)
{
    if (place->count < place->cap)
        return true;
    size_t cap = place->cap ? place->cap * 2 : 2;
    struct spelling **grown = realloc(place->spellings, cap * sizeof(struct spelling *));
    if (!grown)
        return false;
    place->spellings = grown;
    place->cap = cap;
    return true;
}

static int add_new(struct places *p, struct place *place, struct bytes name, struct spelling **out)
{
    make_room(p, place);
    struct spelling *s = calloc(1, sizeof(*s) + name.len + 1);
    if (!s || !reserve(place)) {
        free(s);
        return -ENOMEM;
    }
    s->place = place;
    s->number = next_number(p);
    s->len = name.len;
    memcpy(s->name, name.data, name.len);
    HASH_ADD(hh, p->names, name, s->len, s);
    if (!s->hh.tbl) {
        free(s);
        return -ENOMEM;
    }
    place->spellings[place->count++] = s;
    places_touch(p);
    *out = s;
    return 0;
}

int places_add(struct places *p, struct place *place, struct bytes name, struct spelling **out)
{
    struct spelling *s = places_find(p, name);
    if (s && s->place != place) {
        drop_name(p, s);
        s = NULL;
    }
    if (!s)
        return add_new(p, place, name, out);
    *out = s;
    return 0;
}

struct node place_node(const struct spelling *s)
{
    return (struct node){.kind = NODE_QUERY,
                         .query = s->place->list,
                         .generation = s->place->tenure,
                         .spelling = s->number};
}
