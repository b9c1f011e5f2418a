// SPDX-License-Identifier: Apache-2.0
/*
 * shelf: the lists of one query: the complete one that readers use, the first one while it grows in
 * their sight, and the next one, which only the fetcher sees; and of earlier ones what the kernel
 * may still ask for. It has one lock, shared by readers for some microseconds. Only the fetcher
 * writes, one of its threads at a time: the one that has the turn (turn.h); and whoever calls
 * shelf_clear_out() or shelf_empty().
 */
#ifndef IMSFS_SHELF_H
#define IMSFS_SHELF_H

#include <pthread.h>

#include "imsfs/attic.h"

struct shelf {
    struct numbers *numbers; /* borrowed */
    enum catalog_form form;
    pthread_rwlock_t lock;   /* protects: current, growing and, while it grows, its inside; left;
                                attic; since */
    struct catalog *current; /* complete, or NULL */
    struct catalog *growing; /* the first list, or NULL */
    struct catalog *left;    /* what readers saw of a first list that failed, or NULL */
    struct catalog *next;    /* the fetcher's alone; may be growing */
    struct timespec since;   /* the mtime of what is there without a list, when nothing grows */
    struct attic attic;
    struct attic_box *leaving; /* the fetcher's alone: what next will send there */
};

/* What a listing leaves behind for whoever must compare; freed with shelf_clear(). */
struct shelf_change {
    struct catalog *before; /* what readers saw; NULL: nothing */
    struct catalog *now;    /* what they see; before itself: nothing changed */
    struct catalog *unused; /* nobody saw it */
    struct attic_box *dropped;
};

void shelf_init(struct shelf *s, struct numbers *numbers, enum catalog_form form);
void shelf_deinit(struct shelf *s);

/*
 * Locks for reading, until shelf_close(). NULL: there is no list, or one that a reader half-way
 * through might miss entries of; it is locked all the same. complete: it is not growing.
 */
const struct catalog *shelf_open(struct shelf *s, bool *complete);
void shelf_close(struct shelf *s);
/*
 * The same for those who were half-way through a first list that failed: what came of it, until
 * another listing begins, shelf_empty(), or shelf_take_left(). NULL: there is none.
 */
const struct catalog *shelf_open_left(struct shelf *s);
/* Takes that out; freed as by shelf_change_free(). No listing is under way. */
struct shelf_change shelf_take_left(struct shelf *s);
/*
 * The mtime of the directories that are there without a list, while readers see none. It stays the
 * same until the first list that they see is whole; when that fails, or goes, it is a newer one.
 * Between shelf_open() and shelf_close().
 */
struct timespec shelf_since(const struct shelf *s);
/* Of the list that readers see; zeros without one. */
struct catalog_counts shelf_counts(struct shelf *s);
/* About what the list that readers see, or wait for, and the attic hold. */
size_t shelf_bytes(struct shelf *s);
/*
 * Takes out everything; nobody has it open, and no listing is under way. Whoever gets it frees it
 * with shelf_change_free().
 */
struct shelf_change shelf_empty(struct shelf *s);
void shelf_change_free(struct shelf_change *change);
/* The kernel has nothing any more of the lists before current, but for what is open. */
void shelf_clear_out(struct shelf *s);

/* The fetcher's, as what follows: called with the turn. A listing begins, in sight of readers if it
 * is the first. -ENOMEM. */
MUST_CHECK int shelf_begin(struct shelf *s);
/* Before each page: images that are the same in lender's current list are taken from there. That
 * one is the fetcher's too, so it stays until the page is added. */
void shelf_set_lender(struct shelf *s, const struct shelf *lender);
/* A reference to the image of the current list, or of lender's, that a record becomes; NULL: see
 * catalog_known(). */
struct image *shelf_known(const struct shelf *s, const struct shelf *lender, struct bytes record);
/* Takes over the references. Returns how many were new, or -ENOMEM; visible: readers see the page.
 */
MUST_CHECK int shelf_add(struct shelf *s, struct image **images, size_t count, bool *visible);
/* The listing starts over; readers keep what they saw until it is whole. */
void shelf_start_over(struct shelf *s);
/* About what only the fetcher sees of it. */
size_t shelf_next_bytes(const struct shelf *s);
/* Whether there is something to add to: shelf_start_over() may have run out of memory. */
bool shelf_has_next(const struct shelf *s);
/*
 * No page follows: puts the next list into its final order, before shelf_show(). marker is where
 * the page after it would begin, or NULL; taken over.
 */
void shelf_finish(struct shelf *s, char *marker);
/* changed: the next list is what readers see from now on; else the current one stays. */
struct shelf_change shelf_show(struct shelf *s, bool changed);
/* The listing failed: of a first one nothing stays but for shelf_open_left(). */
struct shelf_change shelf_abandon(struct shelf *s);
/* Frees what readers no longer see. */
void shelf_clear(struct shelf *s, struct shelf_change *change);

#endif
