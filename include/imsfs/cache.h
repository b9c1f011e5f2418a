// SPDX-License-Identifier: Apache-2.0
/*
 * cache: how fresh the list is, and who fetches it.
 *
 * One fetcher thread of its own runs the listings, one at a time however many readers wait (single
 * flight). A list is valid for max(ttl, twice the time that the listing took), counted from its
 * end; kernel leases end at 3/4 of that, and the first use after that starts the renewal. When the
 * source fails, the last good list stays for `stale`.
 *
 * Readers never block here: cache_view() answers from memory or says CACHE_WAIT, and the listener
 * is told when asking again is worth while. Its lock is held for decisions only, never while the
 * source or the listener runs.
 */
#ifndef IMSFS_CACHE_H
#define IMSFS_CACHE_H

#include "imsfs/attic.h"
#include "imsfs/clock.h"
#include "imsfs/source.h"

/* How true an answer must be. */
enum cache_need {
    CACHE_NOW,   /* whatever there is, even nothing; no use of the list */
    CACHE_KNOWN, /* a list, of any age within `stale`: what was looked up already */
    CACHE_FRESH, /* a valid list */
    CACHE_REST,  /* the same, for a reader half-way through: of a first listing that failed it gets
                    the error */
    CACHE_SETTLED, /* a valid list that the kernel's caches agree with */
};

#define CACHE_WAIT 1

/* Who waits for an event. */
enum cache_event {
    CACHE_EVENT_DATA = 1,    /* a page or a list came: all but CACHE_SETTLED */
    CACHE_EVENT_SETTLED = 2, /* the kernel was told: CACHE_SETTLED */
};

/* All are called without a lock, from the fetcher thread (woken also from the thread that calls
 * cache_settled()). */
struct cache_listener {
    /*
     * now replaced before (NULL: the first one; the same: nothing changed). Both stay until this
     * returns. The listener must see to it that cache_settled() is called with the generation when
     * the kernel knows.
     */
    void (*published)(void *ctx, const struct catalog *before, const struct catalog *now,
                      uint64_t generation);
    /* Those who wait for one of the events (a mask) should ask again; with an error they fail with
     * it. */
    void (*woken)(void *ctx, unsigned events, int error);
    void *ctx;
};

struct cache_config {
    struct source *source;   /* borrowed */
    struct numbers *numbers; /* borrowed */
    const struct clock *clock;
    struct cache_listener listener;
    int64_t ttl_ms;
    int64_t stale_ms;
    bool log_first; /* nobody asks with cache_first_page(), so a failure of the first listing is
                       logged too */
};

struct cache;

/* What cache_view() shows; valid until cache_release(). */
struct cache_view {
    const struct catalog *catalog; /* NULL only with CACHE_NOW */
    const struct attic *attic;     /* what was in the lists before */
    bool complete;                 /* false: it is growing */
    int64_t lease_ms;              /* for how long the kernel may go on without asking */
    uint64_t event;                /* what cache_event_count() was */
};

MUST_CHECK int cache_new(struct cache **out, const struct cache_config *config);
/* Starts the fetcher thread. After the fork. */
MUST_CHECK int cache_start(struct cache *c);
/* Cancels the source, ends the thread and wakes everybody with an error. Safe when not started. */
void cache_stop(struct cache *c);
void cache_free(struct cache *c);

/*
 * 0: the view is filled in and must be released, soon and by the same thread. CACHE_WAIT:
 * view->event is filled in; ask again after the listener's call. -errno: there is no list, and why.
 */
MUST_CHECK int cache_view(struct cache *c, enum cache_need need, struct cache_view *view);
void cache_release(struct cache *c);
/* Rises with every page, list and failure. */
uint64_t cache_event_count(struct cache *c);
/*
 * The error of a first listing that failed after event; 0: none did. Who was told to wait at event,
 * and asks again because something has happened, must take this for an answer: asking would start
 * another listing.
 */
int cache_failed_since(struct cache *c, uint64_t event);
/* The kernel's caches agree with what generation published. */
void cache_settled(struct cache *c, uint64_t generation);
/* And so will they stay: no answer from an earlier list is on its way any more. */
void cache_clear_out(struct cache *c, uint64_t generation);

/* Renews everything now. */
void cache_refresh(struct cache *c);
/*
 * Starts the first listing. The descriptor is readable when its first page has come or it has
 * failed; then cache_first_page() gives 0, or -errno and the reason.
 */
int cache_first_fd(struct cache *c);
MUST_CHECK int cache_first_page(struct cache *c, char reason[static 512]);

struct cache_status {
    struct catalog_counts counts; /* of the list in use, or of the one that grows */
    bool have_list, loading;
    int64_t age_ms;     /* of the list in use, as the next two; no meaning without one */
    int64_t expires_ms; /* until its validity ends; negative: since */
    int64_t ttl_effective_ms;
    uint64_t generation;              /* lists published */
    uint64_t listings;                /* begun */
    unsigned long long listing_pages; /* of the running listing */
    int last_error; /* errno of the last failed listing, 0: none since the last good one */
    char last_error_text[512];
    struct timespec last_error_at; /* wall clock */
};
void cache_status(struct cache *c, struct cache_status *status);
/* Images in the list in use, for statfs. */
size_t cache_image_count(struct cache *c);

#endif
