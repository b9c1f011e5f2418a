// SPDX-License-Identifier: Apache-2.0
/*
 * places: the names in .imsfs/query that somebody was told of, and the lists that they show.
 *
 * A place is a list, in one tenure of its number; it has one or more spellings, which are
 * directories. A spelling's number is not used again as long as there may be somebody who knows it.
 * Places are counted: the table holds one of each, and whoever got it from places_at() and wants to
 * keep it. The owner serialises the calls; a place's criteria never change.
 */
#ifndef IMSFS_PLACES_H
#define IMSFS_PLACES_H

#include "imsfs/entries.h"
#include "imsfs/roster.h"

/* Then the oldest goes that stands for itself alone: of all, and of one place. What changes in a
 * list is told to the kernel once for each of its spellings. */
#define PLACES_NAMES_MAX 16384
#define PLACES_SPELLINGS_MAX 16

struct place {
    unsigned refs;
    uint32_t list, tenure;
    struct query *criteria;      /* without the mount's filter; owned */
    struct spelling **spellings; /* in the order in which they came; the table owns them */
    size_t count, cap;
    bool provisional; /* its names may lead to another one later */
};

struct spelling {
    struct place *place;
    uint32_t number;
    bool canonical;    /* stands for the list where it is listed */
    uint32_t named;    /* which named query's, from 1; 0: of none */
    UT_hash_handle hh; /* by name, in the order of their numbers */
    size_t len;
    char name[]; /* terminated */
};

struct places {
    struct place *by_list[ROSTER_NUMBERS];
    struct spelling *names;
    uint32_t reserved; /* numbers from 1 that no spelling gets */
    uint32_t last_number;
    bool wrapped;            /* the numbers have begun again */
    struct timespec changed; /* the set of names, on the wall clock; never goes back */
};

void places_init(struct places *p, uint32_t reserved);
/* What is listed of them has changed. */
void places_touch(struct places *p);
void places_deinit(struct places *p);

/* The place of a list, or NULL. */
struct place *places_at(const struct places *p, uint32_t list);
/* The same in that tenure, made now if there is none; then it takes over *criteria. NULL: no
 * memory. */
struct place *places_get(struct places *p, uint32_t list, uint32_t tenure, struct query **criteria);
void place_unref(struct place *place);
bool place_has(const struct place *place, uint32_t spelling);
/* Whether a named query leads there. */
bool place_has_named(const struct place *place);

/* The spelling with this name, or NULL. */
struct spelling *places_find(const struct places *p, struct bytes name);
/* This name as a spelling of that place and of no other, added if it is new. -ENOMEM. */
MUST_CHECK int places_add(struct places *p, struct place *place, struct bytes name,
                          struct spelling **out);
struct node place_node(const struct spelling *s);

/* fn (NULL: nobody) is told each of its names. Returns fn's first error. */
int place_each(const struct place *place, int (*fn)(void *ctx, struct bytes name), void *ctx);
/* It goes, and its names. */
void places_drop(struct places *p, struct place *place);

#endif
