// SPDX-License-Identifier: Apache-2.0
/* Through the cache, which is how a fetcher is used. */
#include "imsfs/fetcher.h"

#include <poll.h>
#include <pthread.h>

#include "imsfs/cache.h"
#include "imsfs/log.h"
#include <unistd.h>

#include "shop-source.h"

#define TTL 60000
#define TIMEOUT 30000
#define MUST_WAIT 1000

/* What the listener was told. */
struct heard {
    pthread_mutex_t lock; /* protects: everything below */
    pthread_cond_t more;
    unsigned long long all;
    unsigned published[ROSTER_NUMBERS], errors[ROSTER_NUMBERS];
    unsigned evicted;
};

struct fixture {
    struct lists lists;
    struct shop shop;
    struct fake_clock clock;
    struct heard heard;
    struct cache *cache;
};

static struct fixture f;

static void on_published(void *ctx, uint32_t list, const struct catalog *before,
                         const struct catalog *now, uint64_t generation)
{
    struct heard *h = ctx;
    (void)before;
    assert_non_null(now);
    pthread_mutex_lock(&h->lock);
    h->published[list]++;
    pthread_mutex_unlock(&h->lock);
    cache_settled(f.cache, list, generation);
}

static void on_woken(void *ctx, uint32_t list, unsigned events, int error)
{
    struct heard *h = ctx;
    pthread_mutex_lock(&h->lock);
    h->errors[list] += error && events == LIST_EVENT_ALL;
    h->all++;
    pthread_cond_broadcast(&h->more);
    pthread_mutex_unlock(&h->lock);
}

static void on_emptied(void *ctx, uint32_t list, uint32_t tenure, const struct catalog *last,
                       bool gone)
{
    struct heard *h = ctx;
    assert_true(list > 0 && tenure > 0);
    pthread_mutex_lock(&h->lock);
    (void)last;
    h->evicted += gone;
    pthread_mutex_unlock(&h->lock);
}

static void make_cache(size_t max_bytes)
{
    const struct cache_config config = {
        .source = &f.shop.head,
        .numbers = &f.lists.numbers,
        .clock = &f.clock.clock,
        .listener = {on_published, on_woken, on_emptied, &f.heard},
        .ttl_ms = TTL,
        .stale_ms = 10 * TTL,
        .timeout_ms = TIMEOUT,
        .max_bytes = max_bytes,
    };
    assert_int_equal(cache_new(&f.cache, &config), 0);
}

static void open_cache(size_t max_bytes)
{
    make_cache(max_bytes);
    assert_int_equal(cache_start(f.cache), 0);
}

static int setup(void **state)
{
    (void)state;
    memset(&f, 0, sizeof(f));
    log_setup(LOG_SINK_STDERR, LOG_LEVEL_ERROR);
    lists_init(&f.lists, "status");
    shop_init(&f.shop, &f.lists);
    fake_clock_init(&f.clock);
    pthread_mutex_init(&f.heard.lock, NULL);
    pthread_cond_init(&f.heard.more, NULL);
    return 0;
}

static int teardown(void **state)
{
    (void)state;
    cache_stop(f.cache);
    cache_free(f.cache);
    assert_false(f.shop.overlapped);
    assert_int_equal(f.shop.running_all, 0);
    lists_deinit(&f.lists);
    return 0;
}

/* --- Asking --- */

static struct list_query just(struct query *q)
{
    return (struct list_query){.query = q};
}

static unsigned errors_of(uint32_t list)
{
    pthread_mutex_lock(&f.heard.lock);
    unsigned errors = f.heard.errors[list];
    pthread_mutex_unlock(&f.heard.lock);
    return errors;
}

/* What all queries hold. */
static size_t all_bytes(void)
{
    struct list_status status;
    size_t bytes = 0;
    for (uint32_t list = 0; (list = cache_next_list(f.cache, list));)
        if (cache_status(f.cache, list, &status) == 0)
            bytes += status.bytes;
    return bytes;
}

static unsigned evicted(void)
{
    pthread_mutex_lock(&f.heard.lock);
    unsigned count = f.heard.evicted;
    pthread_mutex_unlock(&f.heard.lock);
    return count;
}

static uint32_t open_query(unsigned number)
{
    uint32_t list, tenure;
    assert_int_equal(cache_open_list(f.cache, just(shop_query(number)), false, &list, &tenure), 0);
    cache_let_go(f.cache, list);
    return list;
}

/* How many images of the complete list a reader sees, or -errno, or MUST_WAIT. */
static int ask(uint32_t list, enum list_need need, uint64_t *event)
{
    struct list_view view;
    int r = cache_view(f.cache, list, need, &view);
    *event = view.event;
    if (r != 0)
        return r == LIST_WAIT ? MUST_WAIT : r;
    r = view.complete ? (int)catalog_counts(view.catalog)->images : MUST_WAIT;
    cache_release(f.cache, list);
    return r;
}

static int ask_once(uint32_t list)
{
    uint64_t event;
    return ask(list, LIST_FRESH, &event);
}

/* Waits as a parked request does. */
static int ask_until_complete(uint32_t list)
{
    for (;;) {
        uint64_t event;
        int r = ask(list, LIST_SETTLED, &event);
        if (r != MUST_WAIT)
            return r;
        struct timespec until = fake_deadline();
        int error = 0;
        pthread_mutex_lock(&f.heard.lock);
        while (cache_event_count(f.cache, list) == event && error != ETIMEDOUT)
            error = pthread_cond_timedwait(&f.heard.more, &f.heard.lock, &until);
        pthread_mutex_unlock(&f.heard.lock);
        if (error == ETIMEDOUT)
            fail_msg("nothing happened");
        r = cache_failed_since(f.cache, list, event);
        if (r < 0)
            return r;
    }
}

static struct list_status status(uint32_t list)
{
    struct list_status s;
    assert_int_equal(cache_status(f.cache, list, &s), 0);
    return s;
}

static void wait_pages(uint32_t list, unsigned long long pages)
{
    struct timespec until = fake_deadline();
    int error = 0;
    pthread_mutex_lock(&f.heard.lock);
    while (status(list).listing_pages < pages && error != ETIMEDOUT)
        error = pthread_cond_timedwait(&f.heard.more, &f.heard.lock, &until);
    pthread_mutex_unlock(&f.heard.lock);
    assert_int_equal(error, 0);
}

/* --- Lanes and turns --- */

static void a_query_does_not_wait_for_a_long_listing(void **state)
{
    (void)state;
    open_cache(0);
    f.shop.pages[0] = 10;
    assert_int_equal(ask_once(0), MUST_WAIT);
    shop_allow(&f.shop, 3);
    wait_pages(0, 3);
    shop_hang(&f.shop, false, true);
    shop_allow(&f.shop, SHOP_UNBOUNDED);
    uint32_t list = open_query(7);
    assert_int_equal(ask_until_complete(list), 1);
    assert_int_equal(status(0).listing_pages, 3);
    assert_false(status(0).have_list);
    shop_hang(&f.shop, false, false);
    assert_int_equal(ask_until_complete(0), 10);
    assert_int_equal(status(0).requests, 10);
    assert_int_equal(status(list).requests, 1);
    assert_int_equal(status(list).generation, 1);
}

/* However many, and for however long. */
static void queries_that_hang_do_not_keep_list_0(void **state)
{
    (void)state;
    open_cache(0);
    f.shop.pages[0] = 10;
    shop_hang(&f.shop, true, true);
    shop_allow(&f.shop, SHOP_UNBOUNDED);
    for (unsigned i = 1; i <= 30; i++)
        assert_int_equal(ask_once(open_query(i)), MUST_WAIT);
    shop_wait_asked(&f.shop, FETCHER_LANES - 1);
    for (unsigned i = 1; i <= 5; i++) {
        assert_int_equal(ask_until_complete(0), 10);
        assert_int_equal(shop_begun(&f.shop, 0), i);
        fake_clock_pass(&f.clock, TTL);
    }
    assert_int_equal(shop_asked(&f.shop), FETCHER_LANES - 1 + 50);
    shop_hang(&f.shop, true, false);
    for (uint32_t i = 1; i <= 30; i++)
        assert_int_equal(ask_until_complete(i), 1);
}

/* So that a lane which is served is back before the next one is. */
static void serve_one_by_one(unsigned pages)
{
    for (unsigned i = FETCHER_LANES; i <= pages; i++) {
        shop_allow(&f.shop, i - FETCHER_LANES + 1);
        shop_wait_asked(&f.shop, i);
    }
    shop_allow(&f.shop, SHOP_UNBOUNDED);
}

static void queries_take_turns(void **state)
{
    enum { QUERIES = 2 * (FETCHER_LANES - 1), PAGES = 4 };
    (void)state;
    open_cache(0);
    f.shop.pages[1] = PAGES;
    for (unsigned i = 1; i <= QUERIES; i++) {
        assert_int_equal(ask_once(open_query(i)), MUST_WAIT);
        shop_wait_asked(&f.shop, i < FETCHER_LANES ? i : FETCHER_LANES - 1);
    }
    serve_one_by_one(PAGES * QUERIES);
    for (uint32_t i = 1; i <= QUERIES; i++)
        assert_int_equal(ask_until_complete(i), PAGES);
    for (unsigned i = 0; i < PAGES * QUERIES; i++)
        assert_int_equal(f.shop.log[i], i % QUERIES + 1);
}

static void queries_beyond_the_places_wait_in_order(void **state)
{
    (void)state;
    enum { QUERIES = 3 * FETCHER_PLACES };
    unsigned seen = 0;
    open_cache(0);
    f.shop.pages[1] = 2;
    for (unsigned i = 1; i <= QUERIES; i++) {
        assert_int_equal(ask_once(open_query(i)), MUST_WAIT);
        shop_wait_asked(&f.shop, i < FETCHER_LANES ? i : FETCHER_LANES - 1);
    }
    serve_one_by_one(2 * QUERIES);
    for (uint32_t i = 1; i <= QUERIES; i++)
        assert_int_equal(ask_until_complete(i), 2);
    assert_in_range(f.shop.running_most, 2, FETCHER_PLACES);
    for (unsigned i = 0; i < 2 * QUERIES; i++) {
        assert_in_range(f.shop.log[i], 1, seen + 1);
        seen += f.shop.log[i] > seen;
    }
    assert_int_equal(seen, QUERIES);
}

/* --- Those who wait while requests of other lists hang --- */

static void wait_errors(uint32_t list, unsigned errors)
{
    struct timespec until = fake_deadline();
    int error = 0;
    pthread_mutex_lock(&f.heard.lock);
    while (f.heard.errors[list] < errors && error != ETIMEDOUT)
        error = pthread_cond_timedwait(&f.heard.more, &f.heard.lock, &until);
    assert_int_equal(f.heard.errors[list], errors);
    pthread_mutex_unlock(&f.heard.lock);
}

/* All lanes for queries are busy then. */
static uint32_t hang_lanes(void)
{
    uint32_t list = 0;
    unsigned asked = shop_asked(&f.shop);
    for (unsigned i = 1; i < FETCHER_LANES; i++) {
        list = open_query(100 + i);
        assert_int_equal(ask_once(list), MUST_WAIT);
        shop_wait_asked(&f.shop, asked + i);
    }
    return list;
}

static void nobody_waits_for_longer_than_the_timeout(void **state)
{
    (void)state;
    open_cache(0);
    uint32_t hung = hang_lanes(), other = open_query(2), late = open_query(3);
    assert_int_equal(ask_once(other), MUST_WAIT);
    fake_clock_pass(&f.clock, TIMEOUT - 1);
    assert_int_equal(ask_once(late), MUST_WAIT);
    fake_clock_pass(&f.clock, 1);
    wait_errors(other, 1);
    assert_int_equal(ask_once(other), MUST_WAIT); /* anew */
    fake_clock_pass(&f.clock, TIMEOUT - 1);
    wait_errors(late, 1);
    fake_clock_pass(&f.clock, 1);
    wait_errors(other, 2);
    assert_int_equal(errors_of(hung), 0); /* that is for its own request to say */
    assert_int_equal(ask_once(late), MUST_WAIT);
    shop_allow(&f.shop, SHOP_UNBOUNDED);
    assert_int_equal(ask_until_complete(late), 1);
    assert_int_equal(ask_until_complete(other), 1);
    assert_int_equal(shop_begun(&f.shop, 2), 1);
    assert_int_equal(status(other).last_error, 0);
}

static void an_old_list_will_do_when_the_new_one_does_not_come(void **state)
{
    (void)state;
    open_cache(0);
    shop_allow(&f.shop, 1);
    uint32_t list = open_query(2);
    assert_int_equal(ask_until_complete(list), 1);
    fake_clock_pass(&f.clock, TTL);
    hang_lanes();
    assert_int_equal(ask_once(list), MUST_WAIT);
    fake_clock_pass(&f.clock, TIMEOUT);
    assert_int_equal(ask_until_complete(list), 1);
    assert_int_equal(ask_once(list), 1);
    assert_int_equal(errors_of(list), 0);
    assert_int_equal(shop_begun(&f.shop, 2), 1);
    shop_allow(&f.shop, SHOP_UNBOUNDED);
}

static void that_readers_are_let_go_is_no_first_page(void **state)
{
    (void)state;
    make_cache(0);
    struct pollfd first = {.fd = cache_first_fd(f.cache), .events = POLLIN};
    fake_clock_pass(&f.clock, TIMEOUT / 2); /* it is long before the request is sent */
    assert_int_equal(cache_start(f.cache), 0);
    shop_wait_asked(&f.shop, 1);
    fake_clock_pass(&f.clock, TIMEOUT / 2);
    wait_errors(0, 1);
    assert_int_equal(poll(&first, 1, 0), 0);
    shop_allow(&f.shop, SHOP_UNBOUNDED);
    assert_int_equal(poll(&first, 1, FAKE_PATIENCE_S * 1000), 1);
}

static void who_was_told_holds_no_number(void **state)
{
    (void)state;
    open_cache(1);
    hang_lanes();
    uint32_t lists[ROSTER_LISTS_MIN];
    for (unsigned i = 0; i < ARRAY_SIZE(lists); i++) {
        lists[i] = open_query(200 + i);
        assert_int_equal(ask_once(lists[i]), MUST_WAIT);
    }
    open_query(1000); /* as long as there are numbers */
    assert_int_equal(evicted(), 0);
    fake_clock_pass(&f.clock, TIMEOUT);
    for (unsigned i = 0; i < ARRAY_SIZE(lists); i++)
        wait_errors(lists[i], 1);
    open_query(1001);
    assert_true(evicted() > 0);
    shop_allow(&f.shop, SHOP_UNBOUNDED);
}

/* --- One list and the others --- */

static void each_list_has_its_own_images(void **state)
{
    (void)state;
    struct list_view view;
    CLEANUP(strbuf_free) struct strbuf criteria = STRBUF_INIT;
    open_cache(0);
    shop_allow(&f.shop, SHOP_UNBOUNDED);
    uint32_t list = open_query(5);
    assert_int_equal(ask_until_complete(list), 1);
    assert_int_equal(cache_view(f.cache, list, LIST_FRESH, &view), 0);
    assert_non_null(catalog_image(view.catalog, lists_slot(&f.lists, "5-0")));
    assert_string_equal(catalog_marker(view.catalog), "after-5");
    cache_release(f.cache, list);
    assert_int_equal(cache_describe(f.cache, list, &criteria, &(struct list_status){0}), 0);
    assert_string_equal(strbuf_str(&criteria), "name=5");
    assert_int_equal(cache_next_list(f.cache, 0), list);
    assert_int_equal(cache_next_list(f.cache, list), 0);
    assert_int_equal(shop_begun(&f.shop, 0), 0); /* nobody asked for list 0 */
    assert_int_equal(cache_image_count(f.cache), 0);
    assert_int_equal(open_query(5), list);
    assert_int_equal(ask_until_complete(list), 1);
    assert_int_equal(shop_begun(&f.shop, 5), 1);
    fake_clock_pass(&f.clock, TTL);
    assert_int_equal(ask_once(list), MUST_WAIT);
    assert_int_equal(ask_until_complete(list), 1);
    assert_int_equal(shop_begun(&f.shop, 5), 2);
}

static struct query *parse(const char *text)
{
    struct query *q;
    struct query_error why;
    assert_int_equal(query_parse(&q, bytes_of(text), QUERY_DIALECT_UNKNOWN, &why), 0);
    return q;
}

static uint32_t open_text(const char *text, struct query *leave_out)
{
    uint32_t list, tenure;
    const struct list_query of = {.query = parse(text), .leave_out = leave_out};
    assert_int_equal(cache_open_list(f.cache, of, false, &list, &tenure), 0);
    cache_let_go(f.cache, list);
    return list;
}

static void what_is_left_out_makes_another_list(void **state)
{
    (void)state;
    struct list_view view;
    open_cache(0);
    f.shop.pages[1] = 3;
    shop_allow(&f.shop, SHOP_UNBOUNDED);
    uint32_t all = open_text("name=5", NULL), some = open_text("name=5", parse("id=5-1"));
    assert_int_not_equal(all, some);
    assert_int_not_equal(some, open_text("name=5", parse("id=5-0")));
    assert_int_equal(some, open_text("name=5", parse("id=5-1")));
    assert_int_equal(ask_until_complete(all), 3);
    assert_int_equal(ask_until_complete(some), 2);
    assert_int_equal(cache_view(f.cache, some, LIST_FRESH, &view), 0);
    assert_null(catalog_image(view.catalog, lists_slot(&f.lists, "5-1")));
    assert_non_null(catalog_image(view.catalog, lists_slot(&f.lists, "5-2")));
    cache_release(f.cache, some);
    CLEANUP(strbuf_free) struct strbuf criteria = STRBUF_INIT;
    struct list_status status;
    assert_int_equal(cache_describe(f.cache, some, &criteria, &status), 0);
    assert_string_equal(strbuf_str(&criteria), "name=5");
}

/* One look, so a row of status.json is of one list even when its number is given out again. */
static void a_list_is_described_at_once(void **state)
{
    (void)state;
    CLEANUP(strbuf_free) struct strbuf name = STRBUF_INIT;
    struct list_status status;
    open_cache(0);
    uint32_t list = open_text("name=5", NULL);
    assert_int_equal(cache_describe(f.cache, list, &name, &status), 0);
    assert_string_equal(strbuf_str(&name), "name=5");
    assert_true(status.tenure > 0);
    assert_int_equal(cache_describe(f.cache, list + 1, &name, &status), -ESTALE);
    assert_string_equal(strbuf_str(&name), "name=5");
    assert_int_equal(status.tenure, 0);
}

static uint32_t open_forms(enum query_dialect refused_in)
{
    uint32_t list, tenure;
    const struct list_query of = {
        .query = parse("name=5"),
        .glance = parse("name=5&visibility=public"),
        .leave_out = parse("id=5-1"),
        .name = refused_in ? "refused" : "named",
        .refusal = {refused_in, -EOPNOTSUPP, refused_in ? strdup("not here") : NULL},
    };
    assert_int_equal(cache_open_list(f.cache, of, false, &list, &tenure), 0);
    cache_let_go(f.cache, list);
    return list;
}

static void a_listing_is_of_the_form_that_the_source_chose(void **state)
{
    (void)state;
    open_cache(0);
    f.shop.pages[1] = 3;
    shop_allow(&f.shop, SHOP_UNBOUNDED);
    uint32_t named = open_forms(QUERY_DIALECT_UNKNOWN);
    assert_int_equal(named, open_forms(QUERY_DIALECT_UNKNOWN));
    assert_int_not_equal(named, open_text("name=5", NULL));
    assert_int_equal(ask_until_complete(named), 3);
    assert_int_equal(ask_until_complete(open_forms(QUERY_DIALECT_GLANCE)), 3);
    CLEANUP(strbuf_free) struct strbuf criteria = STRBUF_INIT;
    struct list_status status;
    assert_int_equal(cache_describe(f.cache, named, &criteria, &status), 0);
    assert_string_equal(strbuf_str(&criteria), "named");
}

static void a_form_may_be_refused(void **state)
{
    (void)state;
    open_cache(0);
    f.shop.pages[1] = 3;
    f.shop.glance = true;
    shop_allow(&f.shop, SHOP_UNBOUNDED);
    assert_int_equal(ask_until_complete(open_forms(QUERY_DIALECT_UNKNOWN)), 2);
    uint32_t refused = open_forms(QUERY_DIALECT_GLANCE);
    assert_int_equal(ask_until_complete(refused), -EOPNOTSUPP);
    struct list_status status;
    assert_int_equal(cache_status(f.cache, refused, &status), 0);
    assert_int_equal(status.requests, 0);
    assert_string_equal(status.last_error_text, "not here");
}

static void a_query_is_flat_and_in_the_servers_order(void **state)
{
    (void)state;
    struct list_view view;
    open_cache(0);
    shop_allow(&f.shop, SHOP_UNBOUNDED);
    const uint32_t lists[] = {0, open_query(1)};
    for (unsigned i = 0; i < ARRAY_SIZE(lists); i++) {
        assert_int_equal(ask_until_complete(lists[i]), 1);
        assert_int_equal(cache_view(f.cache, lists[i], LIST_FRESH, &view), 0);
        assert_int_equal(catalog_dir(view.catalog, 0)->leaf, i > 0);
        assert_int_equal(catalog_dir(view.catalog, 0)->ordered, i > 0);
        assert_int_equal(catalog_marker(view.catalog) != NULL, i > 0);
        cache_release(f.cache, lists[i]);
    }
}

static const struct image *image_of(uint32_t list, const char *id)
{
    struct list_view view;
    assert_int_equal(cache_view(f.cache, list, LIST_FRESH, &view), 0);
    const struct image *img = catalog_image(view.catalog, lists_slot(&f.lists, id));
    cache_release(f.cache, list);
    return img;
}

static void a_query_shares_the_images_of_list_0(void **state)
{
    (void)state;
    open_cache(0);
    shop_allow(&f.shop, SHOP_UNBOUNDED);
    assert_int_equal(ask_until_complete(0), 1);
    uint32_t list = open_query(0); /* the shop answers it with the image of list 0 */
    assert_int_equal(ask_until_complete(list), 1);
    assert_non_null(image_of(0, "0-0"));
    assert_ptr_equal(image_of(0, "0-0"), image_of(list, "0-0"));
    assert_int_equal(f.shop.known, 1); /* not even read for the query */
}

static void what_a_list_has_is_not_read_again(void **state)
{
    (void)state;
    open_cache(0);
    shop_allow(&f.shop, SHOP_UNBOUNDED);
    uint32_t list = open_query(1);
    assert_int_equal(ask_until_complete(0), 1);
    assert_int_equal(ask_until_complete(list), 1);
    assert_int_equal(f.shop.known, 0);
    const struct image *before[] = {image_of(0, "0-0"), image_of(list, "1-0")};
    cache_refresh(f.cache);
    while (status(0).generation < 2 || status(list).generation < 2)
        sched_yield();
    assert_int_equal(ask_until_complete(0), 1);
    assert_int_equal(ask_until_complete(list), 1);
    assert_int_equal(f.shop.known, 2);
    assert_ptr_equal(image_of(0, "0-0"), before[0]);
    assert_ptr_equal(image_of(list, "1-0"), before[1]);
}

static void a_failure_is_its_own_list_s(void **state)
{
    (void)state;
    open_cache(0);
    f.shop.fails = 2;
    shop_allow(&f.shop, SHOP_UNBOUNDED);
    uint32_t good = open_query(1), bad = open_query(2);
    assert_int_equal(ask_until_complete(bad), -EACCES);
    assert_int_equal(ask_until_complete(good), 1);
    assert_int_equal(ask_until_complete(0), 1);
    assert_int_equal(status(bad).last_error, -EACCES);
    assert_int_equal(status(bad).requests, 1);
    assert_false(status(bad).have_list);
    pthread_mutex_lock(&f.heard.lock);
    assert_int_equal(f.heard.errors[bad], 1);
    assert_int_equal(f.heard.errors[good] + f.heard.errors[0], 0);
    pthread_mutex_unlock(&f.heard.lock);
    assert_int_equal(cache_failed_since(f.cache, good, 0), 0);
    assert_int_equal(cache_failed_since(f.cache, bad, 0), -EACCES);
}

static void a_refresh_renews_what_is_used(void **state)
{
    (void)state;
    open_cache(0);
    shop_allow(&f.shop, SHOP_UNBOUNDED);
    uint32_t used = open_query(1), unused = open_query(2);
    assert_int_equal(ask_until_complete(used), 1);
    assert_int_equal(ask_until_complete(unused), 1);
    cache_refresh(f.cache); /* both were used after their listings */
    assert_int_equal(f.shop.forgot, 1);
    assert_int_equal(ask_until_complete(0), 1);
    wait_pages(unused, 1);
    while (status(used).listings < 2 || status(unused).listings < 2 || status(used).loading ||
           status(unused).loading)
        sched_yield();
    assert_int_equal(ask_until_complete(used), 1);
    cache_refresh(f.cache);
    while (status(used).listings < 3 || status(used).loading)
        sched_yield();
    assert_int_equal(status(unused).listings, 2);
    assert_int_equal(ask_once(unused), MUST_WAIT); /* it is not served as it was */
    assert_int_equal(ask_until_complete(unused), 1);
    assert_int_equal(status(unused).listings, 3);
}

static void a_refresh_leaves_alone_what_is_over(void **state)
{
    (void)state;
    open_cache(0);
    shop_allow(&f.shop, SHOP_UNBOUNDED);
    uint32_t old = open_query(1), used = open_query(2);
    assert_int_equal(ask_until_complete(old), 1);
    fake_clock_pass(&f.clock, TTL + 1); /* the kernel keeps nothing of it that it may use */
    assert_int_equal(ask_until_complete(used), 1);
    cache_refresh(f.cache);
    while (status(0).listings < 1 || status(used).listings < 2 || status(used).loading)
        sched_yield();
    assert_false(status(old).wanted);
    assert_int_equal(status(old).listings, 1);
    assert_int_equal(ask_until_complete(old), 1);
    assert_int_equal(status(old).listings, 2);
}

static void stopping_wakes_all_lists_with_an_error(void **state)
{
    (void)state;
    uint32_t list, tenure;
    open_cache(0);
    for (unsigned i = 1; i <= 2 * FETCHER_PLACES; i++)
        assert_int_equal(ask_once(open_query(i)), MUST_WAIT);
    cache_stop(f.cache);
    for (uint32_t i = 0; i <= 2 * FETCHER_PLACES; i++) {
        assert_int_equal(ask_once(i), -EIO);
        assert_true(errors_of(i) > 0);
    }
    assert_int_equal(cache_open_list(f.cache, just(shop_query(9)), false, &list, &tenure), 0);
    assert_int_equal(ask_once(list), -EIO);
}

/* --- Many --- */

static void ten_thousand_queries_need_no_more_than_some(void **state)
{
    (void)state;
    enum { MAX = 1000000 };
    size_t most = 0;
    open_cache(MAX);
    f.shop.pages[1] = 30;
    shop_allow(&f.shop, SHOP_UNBOUNDED);
    assert_int_equal(ask_until_complete(0), 1);
    for (unsigned i = 1; i <= 10000; i++) {
        assert_int_equal(ask_until_complete(open_query(i)), 30);
        size_t bytes = all_bytes();
        most = bytes > most ? bytes : most;
    }
    /* The last one may come on top until others have gone for it. */
    assert_in_range(most, MAX / 2, MAX + MAX / 10);
    assert_int_equal(ask_until_complete(0), 1);
    assert_int_equal(shop_begun(&f.shop, 0), 1);
    cache_stop(f.cache); /* it may be evicting just now */
    unsigned there = 0;
    for (uint32_t i = 0; (i = cache_next_list(f.cache, i)) > 0;)
        there++;
    assert_int_equal(evicted(), 10000 - there);
    assert_int_equal(there, ROSTER_LISTS_MIN);
    uint32_t seen;
    assert_int_equal(ids_add(f.lists.numbers.ids, bytes_of("one more"), &seen), 0);
    assert_int_equal(seen, 100 * 30);
}

/* Page by page, so that others go for it before it is whole; also when nobody sees it yet. */
static void what_is_loading_counts(void **state)
{
    (void)state;
    open_cache(1000000);
    f.shop.pages[1] = 40;
    shop_allow(&f.shop, 20);
    uint32_t list = open_query(1);
    size_t before = all_bytes();
    assert_int_equal(ask_once(list), MUST_WAIT);
    wait_pages(list, 20);
    assert_true(all_bytes() > before);
    shop_allow(&f.shop, 40);
    assert_int_equal(ask_until_complete(list), 40);
    fake_clock_pass(&f.clock, TTL);
    before = all_bytes();
    assert_int_equal(ask_once(list), MUST_WAIT);
    while (shop_begun(&f.shop, 1) < 2) /* until then it tells of the last one */
        usleep(1000);
    shop_allow(&f.shop, 60);
    wait_pages(list, 20);
    assert_true(all_bytes() > before);
    shop_allow(&f.shop, SHOP_UNBOUNDED);
    assert_int_equal(ask_until_complete(list), 40);
}

/* Somebody loads more than fits: what others hold has gone before that is whole. */
static void others_go_for_what_is_loading(void **state)
{
    (void)state;
    open_cache(ROSTER_LISTS_MIN);
    f.shop.pages[1] = 40;
    shop_allow(&f.shop, 40);
    uint32_t first = open_query(1), second = open_query(2);
    assert_int_equal(ask_until_complete(first), 40);
    assert_int_equal(ask_once(second), MUST_WAIT);
    shop_allow(&f.shop, 41);
    wait_pages(second, 1);
    assert_int_equal(ask_once(second), MUST_WAIT); /* it is the last that is used */
    shop_allow(&f.shop, 60);
    wait_pages(second, 20);
    assert_false(status(first).have_list);
    shop_allow(&f.shop, SHOP_UNBOUNDED);
    assert_int_equal(ask_until_complete(second), 40);
    assert_int_equal(ask_until_complete(first), 40);
}

/* What it held is gone, and comes with one more listing. */
static void an_emptied_list_is_listed_again(void **state)
{
    (void)state;
    open_cache(1);
    f.shop.pages[1] = 3;
    shop_allow(&f.shop, SHOP_UNBOUNDED);
    uint32_t first = open_query(1);
    assert_int_equal(ask_until_complete(first), 3);
    uint32_t second = open_query(2), tenure = status(first).tenure;
    assert_int_equal(ask_until_complete(second), 3);
    for (int i = 0; i < 10000 && status(first).have_list; i++)
        usleep(1000);
    assert_false(status(first).have_list);
    assert_true(status(first).emptied);
    assert_false(cache_shows(f.cache, first, tenure));
    assert_int_equal(shop_begun(&f.shop, 1), 1);
    assert_int_equal(ask_until_complete(first), 3);
    assert_int_equal(shop_begun(&f.shop, 1), 2);
    assert_int_equal(status(first).tenure, tenure);
    assert_true(cache_shows(f.cache, first, tenure));
    assert_false(cache_shows(f.cache, first, tenure + 1));
    assert_int_equal(evicted(), 0);
}

struct reader {
    pthread_t thread;
    unsigned seed, seen, wrong, gone;
};

enum { ENOUGH = 100 }; /* changes, or no list was emptied */

/* Asks for one query after the other until it was shown some, which must be the query's, and lists
 * came and went. */
static void *read_at_random(void *ctx)
{
    struct reader *r = ctx;
    for (unsigned i = 0; i < 2000 || r->seen == 0 || cache_changes(f.cache) <= ENOUGH; i++) {
        struct list_view view;
        uint32_t list, tenure, slot;
        char id[16];
        unsigned number = 1 + (unsigned)rand_r(&r->seed) % 50;
        snprintf(id, sizeof(id), "%u-0", number);
        assert_int_equal(cache_open_list(f.cache, just(shop_query(number)), false, &list, &tenure),
                         0);
        cache_let_go(f.cache, list);
        int error = cache_view(f.cache, list, LIST_FRESH, &view);
        r->gone += error == -ESTALE;
        if (error != 0)
            continue;
        if (view.tenure == tenure && catalog_counts(view.catalog)->images > 0) {
            r->seen++;
            if (ids_find(f.lists.numbers.ids, bytes_of(id), &slot) < 0 ||
                !catalog_image(view.catalog, slot))
                r->wrong++;
        }
        cache_release(f.cache, list);
    }
    return NULL;
}

static void lists_come_and_go_under_readers(void **state)
{
    (void)state;
    struct reader readers[3];
    open_cache(10000);
    shop_allow(&f.shop, SHOP_UNBOUNDED);
    for (unsigned i = 0; i < ARRAY_SIZE(readers); i++) {
        readers[i] = (struct reader){.seed = i};
        assert_int_equal(pthread_create(&readers[i].thread, NULL, read_at_random, &readers[i]), 0);
    }
    for (unsigned i = 0; i < ARRAY_SIZE(readers); i++) {
        pthread_join(readers[i].thread, NULL);
        assert_int_equal(readers[i].wrong, 0);
    }
    cache_stop(f.cache);
    assert_int_equal(evicted(), 0);
}

static void *read_first_three(void *ctx)
{
    struct reader *r = ctx;
    for (uint32_t i = 0; i < 3; i++)
        r->seen += (unsigned)ask_until_complete(i);
    return NULL;
}

static void many_readers_cost_one_listing_for_each_list(void **state)
{
    (void)state;
    struct reader readers[8];
    open_cache(0);
    f.shop.pages[0] = f.shop.pages[1] = 4;
    open_query(1);
    open_query(2);
    for (unsigned i = 0; i < ARRAY_SIZE(readers); i++) {
        readers[i] = (struct reader){0};
        assert_int_equal(pthread_create(&readers[i].thread, NULL, read_first_three, &readers[i]),
                         0);
    }
    shop_allow(&f.shop, SHOP_UNBOUNDED);
    for (unsigned i = 0; i < ARRAY_SIZE(readers); i++) {
        pthread_join(readers[i].thread, NULL);
        assert_int_equal(readers[i].seen, 12);
    }
    for (unsigned i = 0; i < 3; i++)
        assert_int_equal(shop_begun(&f.shop, i), 1);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(a_query_does_not_wait_for_a_long_listing),
        TEST(queries_that_hang_do_not_keep_list_0),
        TEST(queries_take_turns),
        TEST(queries_beyond_the_places_wait_in_order),
        TEST(nobody_waits_for_longer_than_the_timeout),
        TEST(an_old_list_will_do_when_the_new_one_does_not_come),
        TEST(that_readers_are_let_go_is_no_first_page),
        TEST(who_was_told_holds_no_number),
        TEST(each_list_has_its_own_images),
        TEST(what_is_left_out_makes_another_list),
        TEST(a_listing_is_of_the_form_that_the_source_chose),
        TEST(a_form_may_be_refused),
        TEST(a_list_is_described_at_once),
        TEST(a_query_is_flat_and_in_the_servers_order),
        TEST(a_query_shares_the_images_of_list_0),
        TEST(what_a_list_has_is_not_read_again),
        TEST(a_failure_is_its_own_list_s),
        TEST(a_refresh_renews_what_is_used),
        TEST(a_refresh_leaves_alone_what_is_over),
        TEST(stopping_wakes_all_lists_with_an_error),
        TEST(what_is_loading_counts),
        TEST(others_go_for_what_is_loading),
        TEST(an_emptied_list_is_listed_again),
        TEST(ten_thousand_queries_need_no_more_than_some),
        TEST(lists_come_and_go_under_readers),
        TEST(many_readers_cost_one_listing_for_each_list),
    };
    return cmocka_run_group_tests_name("fetcher", tests, NULL, NULL);
}
