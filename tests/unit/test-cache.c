// SPDX-License-Identifier: Apache-2.0
#include "imsfs/cache.h"

#include <poll.h>

#include "fake-source.h"
#include "imsfs/log.h"

#define TTL 60000
#define STALE 600000
#define READERS 8

#define A RECORD("a", "Debian", "active")
#define B RECORD("b", "Debian", "active")
#define C RECORD("c", "Fedora", "queued")

/* What the listener was told. */
struct heard {
    pthread_mutex_t lock; /* protects: everything below */
    pthread_cond_t more;
    unsigned published;
    uint64_t generation; /* the next four: of the last one published */
    int before, now;     /* images, -1: no catalog */
    bool same;
    unsigned errors; /* calls of woken with one */
    unsigned error_events;
    int error;
    bool keep_unsettled;
};

struct fixture {
    struct lists lists;
    struct fake_source source;
    struct fake_clock clock;
    struct heard heard;
    struct cache *cache;
};

static struct fixture f;

static int images_in(const struct catalog *c)
{
    return c ? (int)catalog_counts(c)->images : -1;
}

static void on_published(void *ctx, uint32_t list, const struct catalog *before,
                         const struct catalog *now, uint64_t generation)
{
    struct heard *h = ctx;
    assert_int_equal(list, 0);
    pthread_mutex_lock(&h->lock);
    h->published++;
    h->generation = generation;
    h->before = images_in(before);
    h->now = images_in(now);
    h->same = before == now;
    bool settle = !h->keep_unsettled;
    pthread_mutex_unlock(&h->lock);
    if (settle)
        cache_settled(f.cache, 0, generation);
}

static void on_woken(void *ctx, uint32_t list, unsigned events, int error)
{
    struct heard *h = ctx;
    assert_int_equal(list, 0);
    pthread_mutex_lock(&h->lock);
    if (error) {
        h->errors++;
        h->error_events = events;
        h->error = error;
    }
    pthread_cond_broadcast(&h->more);
    pthread_mutex_unlock(&h->lock);
}

static int setup(void **state)
{
    (void)state;
    memset(&f, 0, sizeof(f));
    log_setup(LOG_SINK_STDERR, LOG_LEVEL_ERROR);
    lists_init(&f.lists, "status");
    fake_init(&f.source, &f.lists);
    fake_clock_init(&f.clock);
    pthread_mutex_init(&f.heard.lock, NULL);
    pthread_cond_init(&f.heard.more, NULL);
    const struct cache_config config = {
        .source = &f.source.head,
        .numbers = &f.lists.numbers,
        .clock = &f.clock.clock,
        .listener = {on_published, on_woken, NULL, &f.heard},
        .ttl_ms = TTL,
        .stale_ms = STALE,
    };
    assert_int_equal(cache_new(&f.cache, &config), 0);
    assert_int_equal(cache_start(f.cache), 0);
    return 0;
}

static int teardown(void **state)
{
    (void)state;
    cache_stop(f.cache);
    assert_false(f.source.overlapped);
    cache_free(f.cache);
    fake_deinit(&f.source);
    lists_deinit(&f.lists);
    return 0;
}

/* --- Asking --- */

/* How many images a reader sees, or -errno, or 1000 for LIST_WAIT. */
#define MUST_WAIT 1000
static int ask(enum list_need need)
{
    struct list_view view;
    int r = cache_view(f.cache, 0, need, &view);
    if (r != 0)
        return r == LIST_WAIT ? MUST_WAIT : r;
    int images = images_in(view.catalog);
    cache_release(f.cache, 0);
    return images;
}

static bool is_complete(void)
{
    struct list_view view;
    assert_int_equal(cache_view(f.cache, 0, LIST_NOW, &view), 0);
    bool complete = view.complete;
    cache_release(f.cache, 0);
    return complete;
}

static int64_t lease(enum list_need need)
{
    struct list_view view;
    assert_int_equal(cache_view(f.cache, 0, need, &view), 0);
    cache_release(f.cache, 0);
    return view.lease_ms;
}

/* Waits as a parked request does. */
static void wait_for_event(uint64_t event)
{
    struct timespec until = fake_deadline();
    int error = 0;
    pthread_mutex_lock(&f.heard.lock);
    while (cache_event_count(f.cache, 0) == event && error != ETIMEDOUT)
        error = pthread_cond_timedwait(&f.heard.more, &f.heard.lock, &until);
    pthread_mutex_unlock(&f.heard.lock);
    if (error == ETIMEDOUT)
        fail_msg("nothing happened");
}

static struct list_status status(void)
{
    struct list_status s;
    cache_status(f.cache, 0, &s);
    return s;
}

/* The end of a listing comes a little after the source's. */
static void wait_idle(void)
{
    uint64_t event;
    do
        event = cache_event_count(f.cache, 0);
    while (status().loading && (wait_for_event(event), true));
}

static void end_listing(int result)
{
    fake_end(&f.source, result);
    wait_idle();
}

/* A whole listing, begun by a use of the list. */
static void have_list(const char *const *page)
{
    unsigned begun = fake_begun(&f.source);
    ask(LIST_FRESH);
    fake_wait_begun(&f.source, begun + 1);
    fake_page(&f.source, page);
    end_listing(0);
}

/* The listener's word of the last list comes after the list. */
static void wait_settled(void)
{
    uint64_t event;
    do
        event = cache_event_count(f.cache, 0);
    while (ask(LIST_SETTLED) == MUST_WAIT && (wait_for_event(event), true));
}

/* What a reader half-way through a first list that failed gets when he has had these. */
static int error_behind(int images)
{
    struct list_view view;
    assert_int_equal(cache_view(f.cache, 0, LIST_REST, &view), 0);
    assert_int_equal(catalog_counts(view.catalog)->images, images);
    assert_false(view.complete);
    assert_int_equal(view.lease_ms, 0);
    cache_release(f.cache, 0);
    return view.failed;
}

/* --- The first listing --- */

static void nothing_is_asked_before_a_use(void **state)
{
    (void)state;
    assert_int_equal(ask(LIST_NOW), -1);
    assert_int_equal(fake_begun(&f.source), 0);
    assert_false(status().have_list);
    assert_int_equal(ask(LIST_FRESH), MUST_WAIT);
    fake_wait_begun(&f.source, 1);
}

static void a_first_listing_is_seen_page_by_page(void **state)
{
    (void)state;
    assert_int_equal(ask(LIST_FRESH), MUST_WAIT);
    fake_wait_begun(&f.source, 1);
    fake_page(&f.source, PAGE(A));
    assert_int_equal(ask(LIST_FRESH), 1);
    assert_int_equal(ask(LIST_KNOWN), 1);
    assert_int_equal(ask(LIST_SETTLED), 1);
    assert_int_equal(lease(LIST_FRESH), 0);
    fake_page(&f.source, PAGE(B, C));
    assert_int_equal(ask(LIST_REST), 3);
    assert_false(is_complete());
    end_listing(0);
    assert_int_equal(ask(LIST_FRESH), 3);
    assert_true(is_complete());
    wait_settled();
    assert_int_equal(f.heard.before, -1);
    assert_int_equal(f.heard.now, 3);
    assert_int_equal(f.heard.generation, 1);
    assert_int_equal(lease(LIST_FRESH), TTL / 4 * 3);
    assert_int_equal(fake_begun(&f.source), 1);
}

static void a_first_listing_that_fails_fails_its_readers(void **state)
{
    (void)state;
    ask(LIST_FRESH);
    fake_wait_begun(&f.source, 1);
    fake_page(&f.source, PAGE(A));
    assert_int_equal(ask(LIST_FRESH), 1);
    fake_page(&f.source, PAGE(B, C));
    end_listing(-EIO);
    assert_int_equal(error_behind(3), -EIO);
    do
        cache_clear_out(f.cache, 0, 0); /* the kernel was told twice */
    while (ask(LIST_REST) == 3);        /* but those that wait are still told */
    assert_int_equal(ask(LIST_REST), -EIO);
    assert_int_equal(fake_begun(&f.source), 1);
    /* Who comes now has another try, and sees the whole list. */
    ask(LIST_FRESH);
    fake_wait_begun(&f.source, 2);
    pthread_mutex_lock(&f.heard.lock);
    assert_int_equal(f.heard.errors, 1);
    assert_int_equal(f.heard.error, -EIO);
    assert_int_equal(f.heard.error_events, LIST_EVENT_DATA | LIST_EVENT_SETTLED);
    assert_int_equal(f.heard.before, 3); /* the kernel must forget what was seen */
    assert_int_equal(f.heard.now, 0);
    pthread_mutex_unlock(&f.heard.lock);
    fake_page(&f.source, PAGE(A, B));
    end_listing(0);
    assert_int_equal(ask(LIST_FRESH), 2);
    assert_int_equal(status().last_error, 0);
}

static void without_a_list_failures_are_not_repeated_at_once(void **state)
{
    (void)state;
    for (unsigned i = 1; i <= 2; i++) {
        assert_int_equal(ask(LIST_FRESH), MUST_WAIT);
        fake_wait_begun(&f.source, i);
        end_listing(-EACCES);
    }
    assert_int_equal(ask(LIST_FRESH), -EACCES);
    assert_int_equal(ask(LIST_KNOWN), -EACCES);
    assert_int_equal(ask(LIST_SETTLED), -EACCES);
    fake_clock_pass(&f.clock, 1999);
    assert_int_equal(ask(LIST_FRESH), -EACCES);
    assert_int_equal(fake_begun(&f.source), 2);
    fake_clock_pass(&f.clock, 1);
    assert_int_equal(ask(LIST_FRESH), MUST_WAIT);
    fake_wait_begun(&f.source, 3);
    end_listing(-EACCES);
    assert_int_equal(ask(LIST_NOW), -1);
}

static void assert_readable(int fd, bool readable)
{
    struct pollfd p = {.fd = fd, .events = POLLIN};
    assert_int_equal(poll(&p, 1, readable ? FAKE_PATIENCE_S * 1000 : 0), readable);
}

static void the_first_page_is_announced(void **state)
{
    (void)state;
    char reason[512];
    int fd = cache_first_fd(f.cache);
    fake_wait_begun(&f.source, 1);
    assert_readable(fd, false);
    fake_page(&f.source, PAGE(A));
    assert_readable(fd, true);
    assert_int_equal(cache_first_page(f.cache, reason), 0);
}

static void so_is_a_first_failure(void **state)
{
    (void)state;
    char reason[512];
    int fd = cache_first_fd(f.cache);
    fake_wait_begun(&f.source, 1);
    fake_end(&f.source, -EACCES);
    assert_readable(fd, true);
    assert_int_equal(cache_first_page(f.cache, reason), -EACCES);
    assert_string_equal(reason, "the fake failed: -13");
}

static void what_readers_saw_stays_when_it_starts_over(void **state)
{
    (void)state;
    ask(LIST_FRESH);
    fake_wait_begun(&f.source, 1);
    fake_page(&f.source, PAGE(A, B));
    fake_restart(&f.source);
    assert_int_equal(ask(LIST_FRESH), 2);
    fake_page(&f.source, PAGE(C));
    assert_int_equal(ask(LIST_REST), 2);
    assert_false(is_complete());
    end_listing(0);
    assert_int_equal(ask(LIST_FRESH), 1);
    wait_settled();
    assert_int_equal(f.heard.before, 2);
    assert_int_equal(f.heard.now, 1);
}

/* --- Renewal --- */

static void a_list_in_use_is_renewed_before_anybody_waits(void **state)
{
    (void)state;
    have_list(PAGE(A));
    fake_clock_pass(&f.clock, TTL / 4 * 3 - 1);
    assert_int_equal(ask(LIST_FRESH), 1);
    assert_false(status().loading);
    assert_int_equal(fake_begun(&f.source), 1);
    fake_clock_pass(&f.clock, 1);
    assert_int_equal(ask(LIST_FRESH), 1);
    fake_wait_begun(&f.source, 2);
    fake_page(&f.source, PAGE(A, B));
    assert_int_equal(ask(LIST_FRESH), 1); /* the old one, until the new one is whole */
    fake_page(&f.source, PAGE(C));
    end_listing(0);
    assert_int_equal(ask(LIST_FRESH), 3);
    wait_settled();
    assert_int_equal(f.heard.before, 1);
    assert_int_equal(f.heard.now, 3);
    assert_int_equal(f.heard.generation, 2);
}

static void an_idle_mount_asks_nothing(void **state)
{
    (void)state;
    have_list(PAGE(A));
    fake_clock_pass(&f.clock, 10 * TTL);
    assert_int_equal(ask(LIST_NOW), 1);
    assert_int_equal(fake_begun(&f.source), 1);
    assert_int_equal(ask(LIST_FRESH), MUST_WAIT);
    fake_wait_begun(&f.source, 2);
    assert_int_equal(ask(LIST_KNOWN), 1);
    fake_page(&f.source, PAGE(B, C));
    assert_int_equal(ask(LIST_FRESH), MUST_WAIT);
    end_listing(0);
    assert_int_equal(ask(LIST_FRESH), 2);
}

static void a_slow_listing_makes_a_list_valid_for_longer(void **state)
{
    (void)state;
    ask(LIST_FRESH);
    fake_wait_begun(&f.source, 1);
    fake_clock_pass(&f.clock, 100000);
    fake_page(&f.source, PAGE(A));
    end_listing(0);
    assert_int_equal(status().ttl_effective_ms, 200000);
    fake_clock_pass(&f.clock, 149999);
    assert_int_equal(ask(LIST_FRESH), 1);
    assert_int_equal(fake_begun(&f.source), 1);
    assert_int_equal(status().age_ms, 149999);
    assert_int_equal(status().expires_ms, 50001);
}

static void a_refresh_that_fails_leaves_the_old_list(void **state)
{
    (void)state;
    have_list(PAGE(A));
    fake_clock_pass(&f.clock, TTL);
    assert_int_equal(ask(LIST_FRESH), MUST_WAIT);
    fake_wait_begun(&f.source, 2);
    fake_page(&f.source, PAGE(B, C));
    end_listing(-ETIMEDOUT);
    assert_int_equal(ask(LIST_FRESH), 1);
    assert_int_equal(ask(LIST_REST), 1);
    assert_int_equal(ask(LIST_SETTLED), 1);
    assert_int_equal(status().last_error, -ETIMEDOUT);
    assert_true(status().have_list);
    pthread_mutex_lock(&f.heard.lock);
    assert_int_equal(f.heard.errors, 0); /* nobody fails: there is a list */
    pthread_mutex_unlock(&f.heard.lock);
    assert_int_equal(fake_begun(&f.source), 2);
}

/* While the server is down nobody waits, neither between attempts nor during one. */
static void while_attempts_fail_readers_are_answered_at_once(void **state)
{
    (void)state;
    static const int64_t pauses[] = {1000, 2000, 4000, 8000, 16000, 32000, TTL, TTL};
    have_list(PAGE(A));
    fake_clock_pass(&f.clock, TTL);
    assert_int_equal(ask(LIST_FRESH), MUST_WAIT);
    for (unsigned i = 0; i < ARRAY_SIZE(pauses); i++) {
        fake_wait_begun(&f.source, i + 2);
        end_listing(-EIO);
        assert_int_equal(ask(LIST_FRESH), 1);
        fake_clock_pass(&f.clock, pauses[i] - 1);
        assert_int_equal(ask(LIST_FRESH), 1);
        assert_int_equal(fake_begun(&f.source), i + 2);
        fake_clock_pass(&f.clock, 1);
        assert_int_equal(ask(LIST_FRESH), 1);
        fake_wait_begun(&f.source, i + 3);
        assert_int_equal(ask(LIST_FRESH), 1);
    }
}

static void a_list_is_not_used_beyond_stale(void **state)
{
    (void)state;
    have_list(PAGE(A));
    fake_clock_pass(&f.clock, TTL + STALE - 1);
    assert_int_equal(ask(LIST_KNOWN), 1);
    fake_wait_begun(&f.source, 2);
    end_listing(-EIO);
    assert_int_equal(ask(LIST_FRESH), 1);
    fake_clock_pass(&f.clock, 1);
    assert_int_equal(ask(LIST_FRESH), -EIO);
    assert_int_equal(ask(LIST_KNOWN), -EIO);
    fake_clock_pass(&f.clock, 1000);
    assert_int_equal(ask(LIST_FRESH), MUST_WAIT);
    fake_wait_begun(&f.source, 3);
    fake_page(&f.source, PAGE(A, B));
    end_listing(0);
    assert_int_equal(ask(LIST_FRESH), 2);
}

static void an_unchanged_list_is_as_good_as_new(void **state)
{
    (void)state;
    have_list(PAGE(A));
    fake_clock_pass(&f.clock, TTL);
    assert_int_equal(ask(LIST_FRESH), MUST_WAIT);
    fake_wait_begun(&f.source, 2);
    end_listing(SOURCE_UNCHANGED);
    assert_int_equal(ask(LIST_FRESH), 1);
    wait_settled();
    assert_int_equal(f.heard.published, 2);
    assert_true(f.heard.same);
    assert_int_equal(f.heard.now, 1);
    assert_int_equal(status().age_ms, 0);
    assert_int_equal(lease(LIST_FRESH), TTL / 4 * 3);
}

static void a_first_list_cannot_be_unchanged(void **state)
{
    (void)state;
    ask(LIST_FRESH);
    fake_wait_begun(&f.source, 1);
    end_listing(SOURCE_UNCHANGED);
    assert_int_equal(error_behind(0), -EIO);
    assert_false(status().have_list);
}

/* --- SIGHUP --- */

static void a_refresh_is_not_a_use(void **state)
{
    (void)state;
    have_list(PAGE(A));
    cache_refresh(f.cache);
    fake_wait_begun(&f.source, 2);
    assert_int_equal(ask(LIST_FRESH), 1);
    fake_page(&f.source, PAGE(A, B));
    end_listing(0);
    assert_int_equal(ask(LIST_FRESH), 2);
    assert_int_equal(fake_begun(&f.source), 2);
}

static void a_refresh_during_a_listing_starts_another(void **state)
{
    (void)state;
    ask(LIST_FRESH);
    fake_wait_begun(&f.source, 1);
    fake_page(&f.source, PAGE(A));
    cache_refresh(f.cache);
    cache_refresh(f.cache);
    fake_end(&f.source, 0);
    fake_wait_begun(&f.source, 2);
    assert_int_equal(ask(LIST_FRESH), 1);
    fake_page(&f.source, PAGE(A, B));
    end_listing(0);
    assert_int_equal(ask(LIST_FRESH), 2);
    assert_int_equal(fake_begun(&f.source), 2);
}

static void a_refresh_does_not_wait_for_the_next_attempt(void **state)
{
    (void)state;
    for (unsigned i = 1; i <= 3; i++) {
        fake_clock_pass(&f.clock, TTL);
        ask(LIST_FRESH);
        fake_wait_begun(&f.source, i);
        end_listing(-EIO);
    }
    assert_int_equal(ask(LIST_FRESH), -EIO);
    cache_refresh(f.cache);
    fake_wait_begun(&f.source, 4);
    assert_int_equal(ask(LIST_FRESH), 0); /* nothing so far, and no error */
    fake_page(&f.source, PAGE(A));
    end_listing(0);
    assert_int_equal(ask(LIST_FRESH), 1);
}

/* --- Settling --- */

static void a_settled_view_waits_for_the_kernel(void **state)
{
    (void)state;
    f.heard.keep_unsettled = true;
    have_list(PAGE(A));
    assert_int_equal(ask(LIST_FRESH), 1);
    assert_int_equal(ask(LIST_SETTLED), MUST_WAIT);
    assert_int_equal(lease(LIST_FRESH), 0); /* no lease on what the kernel may not have heard */
    assert_int_equal(lease(LIST_NOW), 0);
    uint64_t event = cache_event_count(f.cache, 0);
    cache_settled(f.cache, 0, 1);
    assert_true(cache_event_count(f.cache, 0) > event);
    assert_int_equal(ask(LIST_SETTLED), 1);
    assert_int_equal(lease(LIST_SETTLED), TTL / 4 * 3);
    assert_int_equal(lease(LIST_NOW), TTL / 4 * 3);
    cache_refresh(f.cache);
    fake_wait_begun(&f.source, 2);
    fake_page(&f.source, PAGE(A, B));
    end_listing(0);
    assert_int_equal(ask(LIST_SETTLED), MUST_WAIT);
    cache_settled(f.cache, 0, 2);
    cache_settled(f.cache, 0, 1); /* late */
    assert_int_equal(ask(LIST_SETTLED), 2);
}

/* Whether who looks for the image at its first place is sent back. */
static bool sent_back(pid_t pid)
{
    struct list_view view;
    uint32_t a = lists_slot(&f.lists, "a"), active;
    assert_true(lists_dir_slot(&f.lists, "images/active", &active));
    assert_int_equal(cache_view(f.cache, 0, LIST_FRESH, &view), 0);
    bool back = attic_send_back(view.attic, a, active, bytes_of("Debian@a"), pid);
    cache_release(f.cache, 0);
    return back;
}

static void old_places_are_known_until_the_kernel_was_told_again(void **state)
{
    (void)state;
    have_list(PAGE(A));
    assert_false(sent_back(1));
    cache_refresh(f.cache);
    fake_wait_begun(&f.source, 2);
    fake_page(&f.source, PAGE(RECORD("a", "Debian", "queued")));
    end_listing(0);
    assert_true(sent_back(1));
    cache_clear_out(f.cache, 0, 1); /* of the list before: late */
    assert_true(sent_back(2));
    cache_clear_out(f.cache, 0, 2);
    assert_false(sent_back(3));
}

/* --- Threads --- */

struct reader {
    pthread_t thread;
    enum list_need need;
    int result; /* images in the complete list, or -errno */
    unsigned wrong;
};

/* Asks until the list is complete. */
static void *read_all(void *ctx)
{
    struct reader *r = ctx;
    int last = 0;
    for (;;) {
        struct list_view view;
        r->result = cache_view(f.cache, 0, r->need, &view);
        if (r->result < 0)
            return NULL;
        bool complete = r->result == 0 && view.complete;
        if (r->result == 0) {
            r->result = images_in(view.catalog);
            r->wrong += r->result < last;
            last = r->result;
            cache_release(f.cache, 0);
        }
        if (complete)
            return NULL;
        wait_for_event(view.event);
    }
}

static void start_readers(struct reader *readers)
{
    static const enum list_need needs[] = {LIST_FRESH, LIST_KNOWN, LIST_SETTLED, LIST_FRESH};
    for (size_t i = 0; i < READERS; i++) {
        readers[i] = (struct reader){.need = needs[i % ARRAY_SIZE(needs)]};
        assert_int_equal(pthread_create(&readers[i].thread, NULL, read_all, &readers[i]), 0);
    }
}

static void join_readers(struct reader *readers, int result)
{
    for (size_t i = 0; i < READERS; i++) {
        pthread_join(readers[i].thread, NULL);
        assert_int_equal(readers[i].result, result);
        assert_int_equal(readers[i].wrong, 0);
    }
}

static void many_readers_cost_one_listing(void **state)
{
    (void)state;
    struct reader readers[READERS];
    start_readers(readers);
    fake_wait_begun(&f.source, 1);
    fake_page(&f.source, PAGE(A));
    fake_page(&f.source, PAGE(B));
    fake_page(&f.source, PAGE(C));
    end_listing(0);
    join_readers(readers, 3);
    assert_int_equal(fake_begun(&f.source), 1);
    assert_int_equal(status().listings, 1);
    assert_int_equal(status().listing_pages, 3);
    assert_int_equal(cache_image_count(f.cache), 3);
}

static void readers_of_an_old_list_wait_for_one_listing(void **state)
{
    (void)state;
    struct reader readers[READERS];
    have_list(PAGE(A));
    fake_clock_pass(&f.clock, TTL + STALE);
    start_readers(readers);
    fake_wait_begun(&f.source, 2);
    fake_page(&f.source, PAGE(A, B));
    end_listing(0);
    join_readers(readers, 2);
    assert_int_equal(fake_begun(&f.source), 2);
}

static void stopping_wakes_all_with_an_error(void **state)
{
    (void)state;
    struct reader readers[READERS];
    start_readers(readers);
    fake_wait_begun(&f.source, 1);
    fake_page(&f.source, PAGE(A));
    cache_stop(f.cache);
    join_readers(readers, -EIO);
    assert_int_equal(ask(LIST_FRESH), -EIO);
    assert_true(f.heard.errors > 0);
    assert_int_equal(f.heard.error_events, LIST_EVENT_DATA | LIST_EVENT_SETTLED);
    cache_stop(f.cache);
}

static void a_cache_that_never_started_stops(void **state)
{
    (void)state;
    struct cache *c;
    const struct cache_config config = {
        .source = &f.source.head,
        .numbers = &f.lists.numbers,
        .clock = &f.clock.clock,
        .listener = {on_published, on_woken, NULL, &f.heard},
    };
    assert_int_equal(cache_new(&c, &config), 0);
    cache_stop(c);
    cache_free(c);
    cache_free(NULL);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(nothing_is_asked_before_a_use),
        TEST(a_first_listing_is_seen_page_by_page),
        TEST(a_first_listing_that_fails_fails_its_readers),
        TEST(without_a_list_failures_are_not_repeated_at_once),
        TEST(the_first_page_is_announced),
        TEST(so_is_a_first_failure),
        TEST(what_readers_saw_stays_when_it_starts_over),
        TEST(a_list_in_use_is_renewed_before_anybody_waits),
        TEST(an_idle_mount_asks_nothing),
        TEST(a_slow_listing_makes_a_list_valid_for_longer),
        TEST(a_refresh_that_fails_leaves_the_old_list),
        TEST(while_attempts_fail_readers_are_answered_at_once),
        TEST(a_list_is_not_used_beyond_stale),
        TEST(an_unchanged_list_is_as_good_as_new),
        TEST(a_first_list_cannot_be_unchanged),
        TEST(a_refresh_is_not_a_use),
        TEST(a_refresh_during_a_listing_starts_another),
        TEST(a_refresh_does_not_wait_for_the_next_attempt),
        TEST(a_settled_view_waits_for_the_kernel),
        TEST(old_places_are_known_until_the_kernel_was_told_again),
        TEST(many_readers_cost_one_listing),
        TEST(readers_of_an_old_list_wait_for_one_listing),
        TEST(stopping_wakes_all_with_an_error),
        TEST(a_cache_that_never_started_stops),
    };
    return cmocka_run_group_tests_name("cache", tests, NULL, NULL);
}
