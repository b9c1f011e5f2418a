// SPDX-License-Identifier: Apache-2.0
/*
 * list: what there is of one query: its images, how fresh they are, what its last listing cost and
 * said; and what a reader gets of that. The query of list 0 is the mount's own.
 *
 * Decisions only: it starts no thread and waits for nobody. The owner (roster) serialises the
 * calls. The shelf has a lock of its own, taken after the owner's: who reads a list must release it
 * before he asks for anything else.
 */
#ifndef IMSFS_LIST_H
#define IMSFS_LIST_H

#include "imsfs/clock.h"
#include "imsfs/freshness.h"
#include "imsfs/query.h"
#include "imsfs/shelf.h"
#include "imsfs/source.h"

#define HASH_NONFATAL_OOM 1
#include <uthash.h>

/* How true an answer must be. */
enum list_need {
    LIST_NOW,     /* whatever there is, even nothing; no use of the list */
    LIST_KNOWN,   /* a list, of any age within `stale`: what was looked up already */
    LIST_FRESH,   /* a valid list */
    LIST_REST,    /* the same, for a reader half-way through: of a first listing that failed it gets
                     what came, and then the error */
    LIST_SETTLED, /* a valid list that the kernel's caches agree with */
};

#define LIST_WAIT 1
#define LIST_ERROR_SIZE 512 /* of an error's text, with its NUL */

/* Who waits for an event. */
enum list_event {
    LIST_EVENT_DATA = 1,    /* a page or a list came: all but LIST_SETTLED */
    LIST_EVENT_SETTLED = 2, /* the kernel was told: LIST_SETTLED */
    LIST_EVENT_ALL = LIST_EVENT_DATA | LIST_EVENT_SETTLED,
};

/* What list_view() shows; the pointers hold until list_release(). */
struct list_view {
    const struct catalog *catalog; /* NULL only with LIST_NOW */
    const struct attic *attic;     /* what was in the lists before */
    uint32_t tenure;               /* which user of its number the list is */
    bool complete;                 /* false: it is growing, or was when it failed */
    int failed;                    /* with which errno it did, for LIST_REST only; else 0 */
    int64_t lease_ms;              /* for how long the kernel may go on without asking */
    struct timespec since;         /* see shelf_since() */
    uint64_t event;                /* the last one there was */
};

/* All are called without a lock. */
struct list_listener {
    /*
     * From one of the fetcher's threads at a time. now replaced before (NULL: the first one; the
     * same: nothing changed). Both stay until this returns. The listener must see to it that
     * cache_settled() is called with the generation when the kernel knows.
     */
    void (*published)(void *ctx, uint32_t list, const struct catalog *before,
                      const struct catalog *now, uint64_t generation);
    /* From any thread. Those who wait for one of the events (a mask) of the list should ask again;
     * with an error they fail with it. */
    void (*woken)(void *ctx, uint32_t list, unsigned events, int error);
    /* From any thread; may be NULL. The list was emptied of what it last showed (NULL: nothing),
     * which stays until this returns. gone: it is no more, and its number may be another list's. */
    void (*emptied)(void *ctx, uint32_t list, uint32_t tenure, const struct catalog *last,
                    bool gone);
    void *ctx;
};

/* What a list is of; see named.h. The queries are owned; NULL: no criteria. */
struct list_query {
    struct query *query;
    /* Of what comes, images that match_image() finds are dropped; with glance, of what that brings.
     */
    struct query *leave_out;
    struct query *glance; /* what a plain Glance is asked for; NULL: the same */
    const char *name;     /* with glance: what the list is called; borrowed for list_new() */
    struct source_refusal refusal; /* with glance: one of the dialects, in which the list fails;
                                      why is owned; NULL unless it says so */
};

struct list_config {
    struct numbers *numbers; /* borrowed */
    int64_t ttl_ms;
    int64_t stale_ms;
};

struct list {
    uint32_t number, tenure; /* for the roster, as the next three */
    bool pinned;             /* never evicted; emptied like others */
    uint64_t last_use;
    unsigned holds; /* somebody works on it without the owner's lock */

    struct list_query of;
    struct strbuf identity; /* its name, if any, and the canonical names, with NUL bytes between */
    UT_hash_handle hh;      /* by identity */
    size_t bytes;           /* about what it needs and holds */
    bool shown;             /* what list_is_shown() last said */

    struct freshness freshness;
    bool wanted;         /* somebody wants a listing */
    uint64_t wanted_use; /* the last_use with which that began */
    bool loading;        /* a listing is under way */
    bool busy;           /* the same, and until everybody was told how it ended */
    bool asking;         /* its request is out, since asked_ms */
    int64_t asked_ms;
    int64_t quiet_ms;             /* since when those who wait have got no page */
    bool given_up;                /* nobody has asked since those who waited were told */
    bool used;                    /* somebody used the list since the last listing ended */
    bool listed;                  /* somebody used it ever */
    bool emptied;                 /* list_empty() was called: the kernel may keep what no later
                                     comparison knows of */
    uint64_t event;               /* the last one */
    uint64_t failed_event;        /* with which a first listing failed */
    uint64_t generation, settled; /* of what was published; of what the kernel knows */

    uint64_t listings, published;
    unsigned long long requests;
    unsigned long long pages; /* of the running listing */
    struct source_left_out left_out;
    bool told;       /* the log was told something of its listings; for list_is_news(), as these */
    int told_error;  /* what it was last told; 0: that they go well */
    int64_t told_ms; /* when */
    int last_error;
    char *last_error_text; /* NULL: there was none */
    struct timespec last_error_at;

    struct shelf shelf;
};

/* What of a list there is to tell. */
struct list_status {
    uint32_t tenure;
    bool pinned;
    struct catalog_counts counts; /* of the list in use, or of the one that grows */
    bool have_list, loading;
    bool wanted;        /* a listing will begin */
    bool emptied;       /* see struct list */
    int64_t age_ms;     /* of the list in use, as the next two; no meaning without one */
    int64_t expires_ms; /* until its validity ends; negative: since */
    int64_t ttl_effective_ms;
    size_t bytes;                     /* about what it holds */
    uint64_t generation;              /* lists published */
    uint64_t listings;                /* begun */
    unsigned long long requests;      /* that they cost so far */
    unsigned long long listing_pages; /* of the running listing */
    struct source_left_out left_out;  /* of the last pages that came */
    int last_error; /* errno of the last failed listing, 0: none since the last good one */
    char last_error_text[LIST_ERROR_SIZE];
    struct timespec last_error_at; /* wall clock */
};

/* Takes over what of points to, also on failure. -ENOMEM. */
MUST_CHECK int list_new(struct list **out, struct list_query of, enum catalog_form form,
                        const struct list_config *config);
void list_free(struct list *l);
void list_query_clear(struct list_query *of);

/* Its name, or the canonical name of the criteria; empty for none. */
struct bytes list_criteria(const struct list *l);
/*
 * Drops what is to be left out of the answer to asked, which is one of the list's queries; the
 * others move up, and *count is how many stay. -ENOMEM: nobody can tell, and all are dropped.
 */
MUST_CHECK int list_sift(const struct list *l, const struct query *asked, struct image **images,
                         size_t *count);

/*
 * 0: the view is filled in, and the shelf locked until list_release(). LIST_WAIT: view->event is
 * filled in; ask again when there was another. -errno: there is no list, and why. May want a
 * listing.
 */
MUST_CHECK int list_view(struct list *l, enum list_need need, int64_t now_ms,
                         struct list_view *view);
/* Needs no lock of the owner's. */
void list_release(struct list *l);

/* Asks for a listing, unless one is asked for or under way. */
void list_want(struct list *l, int64_t now_ms);
/* The same even when one is under way: another follows it. */
void list_want_anew(struct list *l, int64_t now_ms);
/*
 * Whether a listing should begin now. *left_ms: how long until it should by itself, when that is
 * less: a failed renewal is tried again while readers come.
 */
bool list_is_due(const struct list *l, int64_t now_ms, int64_t *left_ms);
/* Its request goes out; is back, whatever it brought. */
void list_asks(struct list *l, int64_t now_ms);
void list_asked(struct list *l);
/* A page came. */
void list_got_page(struct list *l, int64_t now_ms);
/*
 * Whether those who wait for it have got no page for timeout_ms, although the source's own deadline
 * will not tell them now. *left_ms: how long until it may be so, when that is less.
 */
bool list_is_overdue(const struct list *l, int64_t timeout_ms, int64_t now_ms, int64_t *left_ms);
/* Those who wait are told; who comes now waits anew. The error for them; 0: the old list will do
 * again. */
int list_give_up_waiting(struct list *l, int64_t now_ms);
/* Whether nobody is at it: it may be emptied, or go. */
bool list_is_idle(const struct list *l);
/* Whether it holds a list, or is getting one. */
bool list_is_shown(const struct list *l);
/*
 * Of an idle list: what it holds is given to the caller. Who asks next waits for a listing, as for
 * the first one.
 */
struct shelf_change list_empty(struct list *l);

/* A listing begins; has ended well; or has failed. It stays busy until its owner says otherwise. */
void list_began(struct list *l, int64_t now_ms);
/* One that began, and asked for nothing yet, did not begin after all: it is wanted as before. */
void list_stands_back(struct list *l);
void list_succeeded(struct list *l, int64_t began_ms, int64_t now_ms, uint64_t generation);
void list_failed(struct list *l, int error, const char *text, int64_t now_ms, uint64_t event);
/*
 * Whether the log should have a line of what a listing came to, 0 or an error: when that is not
 * what it was last told, and no more than once a minute. What comes too soon is told later, if it
 * is still so then. One thread at a time.
 */
bool list_is_news(struct list *l, int error, int64_t now_ms);

void list_status(struct list *l, int64_t now_ms, struct list_status *status);

#endif
