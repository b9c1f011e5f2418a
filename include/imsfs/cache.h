// SPDX-License-Identifier: Apache-2.0
/*
 * cache: a list for each query, how fresh it is, and who fetches it.
 *
 * List 0 is the mount's own; cache_open_list() makes those of queries, which are emptied, and at
 * last evicted, when nobody has used them for the longest time (see roster). Some threads run
 * the listings (see fetcher). A list is valid for max(ttl, twice the time that the listing
 * took), counted from its end; kernel leases end at 3/4 of that, and the first use after that
 * starts the renewal. When the source fails, the last good list stays for `stale`.
 *
 * Readers never block here: cache_view() answers from memory or says LIST_WAIT, and the listener is
 * told when asking again is worth while. What concerns a list takes its number; for one that was
 * evicted it is -ESTALE.
 */
#ifndef IMSFS_CACHE_H
#define IMSFS_CACHE_H

#include "imsfs/list.h"

struct cache_config {
    struct source *source;   /* borrowed */
    struct numbers *numbers; /* borrowed */
    struct query *query;     /* of list 0; taken over in any case; NULL: no criteria */
    const struct clock *clock;
    struct list_listener listener; /* see list.h */
    int64_t ttl_ms;
    int64_t stale_ms;
    int64_t timeout_ms; /* without a page, readers wait no longer; 0: they do */
    size_t max_bytes;   /* that all lists but list 0 may hold; 0: no bound */
    bool log_first;     /* nobody asks with cache_first_page(), so a failure of the first listing is
                           logged too */
};

struct cache;

MUST_CHECK int cache_new(struct cache **out, const struct cache_config *config);
/* Starts the threads. After the fork. */
MUST_CHECK int cache_start(struct cache *c);
/* Cancels the source, ends the threads and wakes everybody with an error. Safe when not started. */
void cache_stop(struct cache *c);
void cache_free(struct cache *c);

/* --- Which lists there are --- */

/*
 * The list of a query, made now if there is none; asks nobody. Takes over what of owns in any case.
 * Lists are the same when all of their queries are, and their names.
 * pinned: it is never evicted. tenure (24 bits, not 0) changes whenever the number is used again.
 * The list is held, and stays until cache_let_go(). -EBUSY: all are at work; -ENOMEM.
 */
MUST_CHECK int cache_open_list(struct cache *c, struct list_query of, bool pinned, uint32_t *list,
                               uint32_t *tenure);
/* Holds a list that there is in this tenure, which is a use of it. -ESTALE: there is none. */
MUST_CHECK int cache_hold(struct cache *c, uint32_t list, uint32_t tenure);
void cache_let_go(struct cache *c, uint32_t list);
/* From now on it may be evicted. */
void cache_unpin(struct cache *c, uint32_t list, uint32_t tenure);
/* Whether the list holds something or is getting it. */
bool cache_shows(struct cache *c, uint32_t list, uint32_t tenure);
/* How often any has begun or ceased to. Takes no lock: also for whoever has a list open. */
uint64_t cache_changes(struct cache *c);
/* The next number in use; 0: there is none. */
uint32_t cache_next_list(struct cache *c, uint32_t list);
/* -ESTALE: status is all zeros. */
int cache_status(struct cache *c, uint32_t list, struct list_status *status);
/* The same, and what that list is called (list_criteria()) is added to name. -ESTALE: nothing was
 * added; -ENOMEM. */
MUST_CHECK int cache_describe(struct cache *c, uint32_t list, struct strbuf *name,
                              struct list_status *status);
/* Images of list 0, for statfs. */
size_t cache_image_count(struct cache *c);

/* --- What is in a list --- */

/*
 * 0: the view is filled in and must be released, soon and by the same thread. LIST_WAIT:
 * view->event is filled in; ask again after the listener's call. -errno: there is no list, and why.
 */
MUST_CHECK int cache_view(struct cache *c, uint32_t list, enum list_need need,
                          struct list_view *view);
void cache_release(struct cache *c, uint32_t list);
/* Rises with every page, list and failure of this list. */
uint64_t cache_event_count(struct cache *c, uint32_t list);
/*
 * The error of a first listing that failed after event; 0: none did. Who was told to wait at event,
 * and asks again because something has happened, must take this for an answer: asking would start
 * another listing.
 */
int cache_failed_since(struct cache *c, uint32_t list, uint64_t event);
/* The kernel's caches agree with what generation published. */
void cache_settled(struct cache *c, uint32_t list, uint64_t generation);
/* And so will they stay: no answer from an earlier list is on its way any more. */
void cache_clear_out(struct cache *c, uint32_t list, uint64_t generation);

/* Renews list 0 and, of the others, what was used and is valid still, or fails; the rest when
 * somebody uses it. What the source has found out about its service is forgotten. */
void cache_refresh(struct cache *c);
/* Criteria were refused in the dialect of now: see source_reconsider(). */
bool cache_reconsider(struct cache *c);
/*
 * Starts the first listing of list 0. The descriptor is readable when its first page has come or it
 * has failed; then cache_first_page() gives 0, or -errno and the reason.
 */
int cache_first_fd(struct cache *c);
MUST_CHECK int cache_first_page(struct cache *c, char reason[static 512]);

#endif
