// SPDX-License-Identifier: Apache-2.0
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <errno.h>

#include "fake-server.h"
#include "imsfs/auth_token.h"
#include "imsfs/log.h"
#include "imsfs/query.h"
#include "imsfs/source_http.h"
#include "imsfs/trail.h"
#include "whole-list.h"

struct world;
/* What the server says to a request: n counts from 0, target is its path and query. */
typedef enum fake_end play_fn(struct world *w, unsigned n, const char *target, struct strbuf *out);

struct world {
    struct fake_server server;
    play_fn *play;
    struct source *source;
    struct auth *auth;
    struct slot_table *attrs, *ids; /* ids: of the listing so far */
    struct whole_list last;
    unsigned pages, restarts;
    pthread_mutex_t lock; /* protects: targets */
    char targets[32][256];
};

/* --- the server's and the sink's side --- */

static enum fake_end answer(struct fake_server *s, unsigned n, const char *request,
                            struct strbuf *out)
{
    struct world *w = s->ctx;
    char target[256] = "";
    sscanf(request, "GET %255s", target);
    pthread_mutex_lock(&w->lock);
    snprintf(w->targets[n % ARRAY_SIZE(w->targets)], sizeof(w->targets[0]), "%s", target);
    pthread_mutex_unlock(&w->lock);
    return w->play(w, n, target, out);
}

static const char *target_of(struct world *w, unsigned n)
{
    assert_true(n < ARRAY_SIZE(w->targets));
    pthread_mutex_lock(&w->lock);
    const char *target = w->targets[n];
    pthread_mutex_unlock(&w->lock);
    return target;
}

/* A page with the images first to last; next NULL: none. */
/* Images of that name, and what stands behind them. */
static enum fake_end page_of(struct strbuf *out, int first, int last, const char *name,
                             const char *rest)
{
    struct strbuf body = STRBUF_INIT;
    strbuf_add_str(&body, "{\"images\": [");
    for (int i = first; i <= last; i++)
        strbuf_printf(&body, "%s{\"id\": \"id-%d\", \"name\": \"%s\"}", i > first ? ", " : "", i,
                      name);
    strbuf_add_str(&body, rest);
    fake_reply(out, 200, "", strbuf_str(&body));
    strbuf_free(&body);
    return FAKE_KEEP;
}

static enum fake_end page(struct strbuf *out, int first, int last, const char *next)
{
    char rest[256];
    snprintf(rest, sizeof(rest), next ? "], \"next\": \"%s\"}" : "]}", next);
    return page_of(out, first, last, "n", rest);
}

static enum fake_end refuse(struct strbuf *out, int status, const char *message)
{
    char body[256];
    snprintf(body, sizeof(body), "{\"message\": \"%s<br /><br />\\n\", \"code\": \"x\"}", message);
    fake_reply(out, status, "X-Openstack-Request-Id: req-77\r\n", body);
    return FAKE_KEEP;
}

static int take(void *ctx, struct image **images, size_t count)
{
    struct world *w = ctx;
    uint32_t slot, before = slot_count(w->ids);
    for (size_t i = 0; i < count; i++) {
        assert_int_equal(slot_add(w->ids, image_id(images[i]), &slot), 0);
        image_unref(images[i]);
    }
    w->pages++;
    return (int)(slot_count(w->ids) - before);
}

static void forget(void *ctx)
{
    struct world *w = ctx;
    w->restarts++;
    w->pages = 0;
    slot_table_free(w->ids);
    assert_int_equal(slot_table_new(&w->ids, 100000), 0);
}

static struct source_http_config standard(void)
{
    return (struct source_http_config){
        .api = "images",
        .page_size = 3,
        .timeout_ms = 10000,
        .list_timeout_ms = 60000,
        .http = {.backoff_ms = 2},
    };
}

static void open_world(struct world *w, play_fn *play, const char *path,
                       struct source_http_config config)
{
    char endpoint[256];
    memset(w, 0, sizeof(*w));
    pthread_mutex_init(&w->lock, NULL);
    w->play = play;
    fake_start(&w->server, answer, w);
    assert_int_equal(image_attrs_new(&w->attrs), 0);
    assert_int_equal(slot_table_new(&w->ids, 100000), 0);
    snprintf(endpoint, sizeof(endpoint), "http://127.0.0.1:%u%s", w->server.port, path);
    config.endpoint = endpoint;
    config.attrs = w->attrs;
    w->auth = config.auth;
    assert_int_equal(source_http_new(&w->source, &config, &w->last.error), 0);
}

static void close_world(struct world *w)
{
    source_free(w->source);
    fake_stop(&w->server);
    auth_free(w->auth);
    slot_table_free(w->attrs);
    slot_table_free(w->ids);
    pthread_mutex_destroy(&w->lock);
}

static int list_query(struct world *w, const struct query *q)
{
    const struct source_sink sink = {take, forget, w};
    slot_table_free(w->ids);
    assert_int_equal(slot_table_new(&w->ids, 100000), 0);
    w->pages = w->restarts = 0;
    return whole_list(w->source, q, &sink, &w->last);
}

static int list(struct world *w)
{
    return list_query(w, NULL);
}

static void assert_error_has(struct world *w, const char *text)
{
    if (!strstr(w->last.error.text, text))
        fail_msg("no \"%s\" in: %s", text, w->last.error.text);
}

static void assert_images(struct world *w, unsigned count)
{
    if (slot_count(w->ids) != count)
        fail_msg("%u images instead of %u", slot_count(w->ids), count);
}

static struct query *criteria(const char *text)
{
    struct query *q;
    struct query_error why;
    assert_int_equal(query_parse(&q, bytes_of(text), QUERY_DIALECT_UNKNOWN, &why), 0);
    return q;
}

/* --- paging --- */

/* Five images, in pages shorter than the limit; the links lead to another host and drop a prefix.
 */
static enum fake_end play_chain(struct world *w, unsigned n, const char *target, struct strbuf *out)
{
    (void)w, (void)target;
    if (n == 0)
        return page(out, 1, 2, "http://evil.example.com/v2/images?limit=3&marker=id-2");
    if (n == 1)
        return page(out, 3, 3, "/v2/images?marker=a%2Fb%26c+d&limit=3");
    return page(out, 4, 5, NULL);
}

static void native_paging_follows_next_on_our_own_address(void **state)
{
    (void)state;
    struct world w;
    open_world(&w, play_chain, "/image/v2/", standard());
    assert_int_equal(list(&w), 0);
    assert_images(&w, 5);
    assert_int_equal(w.pages, 3);
    assert_int_equal(w.server.requests, 3);
    assert_string_equal(target_of(&w, 0), "/image/v2/images?limit=3");
    assert_string_equal(target_of(&w, 1), "/image/v2/images?marker=id-2&limit=3");
    assert_string_equal(target_of(&w, 2), "/image/v2/images?marker=a%2Fb%26c%20d&limit=3");
    assert_int_equal(w.source->counters.requests, 3);
    assert_int_equal(w.source->counters.pages, 3);
    assert_int_equal(w.server.connections, 1);
    close_world(&w);
}

static void criteria_stay_on_every_page(void **state)
{
    (void)state;
    struct world w;
    struct query *q;
    open_world(&w, play_chain, "", standard());
    q = criteria("tag=b&tag=a&__os_type=Linux");
    assert_int_equal(list_query(&w, q), 0);
    assert_string_equal(target_of(&w, 0), "/v2/images?__os_type=Linux&tag=a&tag=b&limit=3");
    assert_string_equal(target_of(&w, 1),
                        "/v2/images?__os_type=Linux&marker=id-2&tag=a&tag=b&limit=3");
    query_free(q);
    close_world(&w);
}

static void a_limit_of_the_criteria_is_one_page(void **state)
{
    (void)state;
    struct world w;
    struct query *q;
    open_world(&w, play_chain, "", standard());
    q = criteria("limit=2");
    assert_int_equal(list_query(&w, q), 0);
    assert_images(&w, 2);
    assert_int_equal(w.server.requests, 1);
    assert_string_equal(target_of(&w, 0), "/v2/images?limit=2");
    assert_string_equal(w.last.next_marker, "id-2");
    query_free(q);
    close_world(&w);
}

/* The last page: of the native call by its link, of cloudimages by its being empty. */
static enum fake_end play_last(struct world *w, unsigned n, const char *target, struct strbuf *out)
{
    (void)w, (void)target;
    return n == 0 ? page(out, 1, 2, NULL) : page(out, 1, 0, NULL);
}

/* A page whose only record has no id that could be shown. */
static enum fake_end play_unusable(struct world *w, unsigned n, const char *target,
                                   struct strbuf *out)
{
    (void)w, (void)n;
    fake_reply(
        out, 200, "",
        strstr(target, "cloudimages")
            ? "{\"images\": [{\"name\": \"no id\"}]}"
            : "{\"images\": [{\"name\": \"no id\"}], \"next\": \"/v2/images?marker=m%2F1\"}");
    return FAKE_KEEP;
}

static void a_page_without_a_usable_record_is_not_the_end(void **state)
{
    (void)state;
    static const char *const apis[] = {"images", "cloudimages"};
    for (size_t i = 0; i < ARRAY_SIZE(apis); i++) {
        struct world w;
        struct query *q;
        struct source_http_config config = standard();
        config.api = apis[i];
        open_world(&w, play_unusable, "", config);
        q = criteria("limit=1");
        assert_int_equal(list_query(&w, q), i == 0 ? 0 : -EIO);
        assert_string_equal(w.last.next_marker, i == 0 ? "m/1" : "");
        if (i == 1)
            assert_error_has(&w, "no record of a page has an id");
        query_free(q);
        close_world(&w);
    }
}

static void the_last_page_leads_nowhere(void **state)
{
    (void)state;
    static const char *const apis[] = {"images", "cloudimages"};
    for (size_t i = 0; i < ARRAY_SIZE(apis); i++) {
        struct world w;
        struct query *q;
        struct source_http_config config = standard();
        config.api = apis[i];
        open_world(&w, play_last, "", config);
        q = criteria("limit=2");
        assert_int_equal(list_query(&w, q), 0);
        assert_string_equal(w.last.next_marker, i == 0 ? "" : "id-2");
        assert_int_equal(list_query(&w, q), 0);
        assert_string_equal(w.last.next_marker, "");
        assert_int_equal(list(&w), 0);
        assert_string_equal(w.last.next_marker, ""); /* a whole list has no next one */
        query_free(q);
        close_world(&w);
    }
}

static unsigned asked_for(struct world *w, const char *target)
{
    unsigned found = 0;
    for (unsigned i = 0; i < ARRAY_SIZE(w->targets); i++)
        found += strcmp(target_of(w, i), target) == 0;
    return found;
}

/* Two listings of one source take turns, and neither takes the other's marker. */
static enum fake_end play_two(struct world *w, unsigned n, const char *target, struct strbuf *out)
{
    bool tagged = strstr(target, "tag=a") != NULL;
    int at = 1;
    (void)w, (void)n;
    const char *marker = strstr(target, "marker=id-");
    if (marker)
        at = atoi(marker + strlen("marker=id-")) + 1;
    char next[64];
    snprintf(next, sizeof(next), "/v2/images?marker=id-%d", at);
    return page(out, at, at, at < (tagged ? 102 : 3) ? next : NULL);
}

static void listings_take_turns(void **state)
{
    (void)state;
    struct world w;
    struct query *q;
    struct source_listing *all, *tagged;
    open_world(&w, play_two, "", standard());
    const struct source_sink sink = {take, forget, &w};
    q = criteria("tag=a&marker=id-99");
    assert_int_equal(source_begin(w.source, NULL, &sink, &all), 0);
    assert_int_equal(source_begin(w.source, q, &sink, &tagged), 0);
    for (unsigned i = 0; i < 3; i++) {
        assert_int_equal(source_next(all), i < 2 ? SOURCE_MORE : SOURCE_DONE);
        assert_int_equal(source_next(tagged), i < 2 ? SOURCE_MORE : SOURCE_DONE);
    }
    source_end(all);
    source_end(tagged);
    assert_images(&w, 6);
    assert_int_equal(w.server.requests, 6);
    assert_int_equal(asked_for(&w, "/v2/images?marker=id-99&tag=a&limit=3"), 1);
    assert_int_equal(asked_for(&w, "/v2/images?marker=id-2&limit=3"), 1);
    assert_int_equal(asked_for(&w, "/v2/images?marker=id-101&tag=a&limit=3"), 1);
    query_free(q);
    close_world(&w);
}

/* However little of it the listing's own requests have used. */
static void a_deadline_counts_from_the_begin(void **state)
{
    (void)state;
    struct world w;
    struct source_listing *l;
    struct source_http_config config = standard();
    config.list_timeout_ms = 30;
    open_world(&w, play_chain, "", config);
    const struct source_sink sink = {take, forget, &w};
    assert_int_equal(source_begin(w.source, NULL, &sink, &l), 0);
    usleep(40000);
    assert_int_equal(source_next(l), -ETIMEDOUT);
    assert_non_null(strstr(l->error.text, "list_timeout="));
    assert_int_equal(w.server.requests, 0);
    source_end(l);
    source_end(NULL);
    close_world(&w);
}

static enum fake_end play_stuck(struct world *w, unsigned n, const char *target, struct strbuf *out)
{
    return n ? FAKE_HANG : play_chain(w, n, target, out);
}

/* Who waited for another lane to sign in has waited for his page too. */
static void a_page_s_deadline_counts_from_when_it_was_due(void **state)
{
    (void)state;
    struct world w;
    struct source_listing *l;
    open_world(&w, play_stuck, "", standard());
    const struct source_sink sink = {take, forget, &w};
    assert_int_equal(source_begin(w.source, NULL, &sink, &l), 0);
    l->asked_ms = clock_now_ms(&clock_boottime);
    assert_int_equal(source_next(l), SOURCE_MORE);
    assert_int_equal(l->requests, 1);
    l->asked_ms -= standard().timeout_ms;
    assert_int_equal(source_next(l), -ETIMEDOUT);
    assert_int_equal(l->requests, 2); /* it was on its way before it was due */
    source_end(l);
    close_world(&w);
}

static enum fake_end play_cloud(struct world *w, unsigned n, const char *target, struct strbuf *out)
{
    (void)w, (void)target;
    if (n == 0)
        return page(out, 1, 3, NULL);
    if (n == 1)
        return page(out, 4, 4, NULL); /* short, but not the end */
    return n == 2 ? page(out, 5, 6, NULL) : page(out, 1, 0, NULL);
}

static void cloudimages_goes_on_until_a_page_is_empty(void **state)
{
    (void)state;
    struct world w;
    struct source_http_config config = standard();
    config.api = "cloudimages";
    open_world(&w, play_cloud, "", config);
    assert_int_equal(list(&w), 0);
    assert_images(&w, 6);
    assert_int_equal(w.server.requests, 4);
    assert_string_equal(target_of(&w, 0), "/v2/cloudimages?limit=3");
    assert_string_equal(target_of(&w, 3), "/v2/cloudimages?marker=id-6&limit=3");
    close_world(&w);
}

static enum fake_end play_odd(struct world *w, unsigned n, const char *target, struct strbuf *out)
{
    (void)w, (void)target;
    if (n == 0)
        return page(out, 1, 3, NULL);
    fake_reply(out, 200, "", "{\"images\": [{\"name\": \"no id\"}]}");
    return FAKE_KEEP;
}

static void records_without_an_id_at_the_end_are_no_obstacle(void **state)
{
    (void)state;
    for (unsigned page_size = 1; page_size <= 3; page_size += 2) {
        struct world w;
        struct source_http_config config = standard();
        config.api = "cloudimages";
        config.page_size = page_size;
        open_world(&w, play_odd, "", config);
        assert_int_equal(list(&w), page_size > 1 ? 0 : -EIO); /* a full page may hide more */
        assert_images(&w, 3);
        assert_int_equal(w.last.left_out.skipped, 1);
        close_world(&w);
    }
}

/* --- images that come again --- */

/* In the order of updated_at: the first two are updated while the list is read. */
static enum fake_end play_updated(struct world *w, unsigned n, const char *target,
                                  struct strbuf *out)
{
    (void)w, (void)target;
    static const struct {
        int first, last;
        const char *next;
    } pages[] = {
        {1, 3, "/v2/images?marker=id-3"},
        {1, 1, "/v2/images?marker=id-1"},
        {4, 4, "/v2/images?marker=id-4"},
        {2, 2, NULL},
    };
    return page(out, pages[n].first, pages[n].last, pages[n].next);
}

static void images_may_come_again_at_the_end(void **state)
{
    (void)state;
    struct world w;
    open_world(&w, play_updated, "", standard());
    assert_int_equal(list(&w), 0);
    assert_images(&w, 4);
    assert_int_equal(w.server.requests, 4);
    close_world(&w);
}

/* --- chains that do not end --- */

static enum fake_end play_cycle(struct world *w, unsigned n, const char *target, struct strbuf *out)
{
    (void)w, (void)target;
    return page(out, (int)n, (int)n, n % 2 ? "/v2/images?marker=a" : "/v2/images?marker=b");
}

static enum fake_end play_same(struct world *w, unsigned n, const char *target, struct strbuf *out)
{
    (void)w, (void)target;
    char next[64];
    snprintf(next, sizeof(next), "/v2/images?marker=m%u", n);
    return page(out, 1, 2, next);
}

static enum fake_end play_endless(struct world *w, unsigned n, const char *target,
                                  struct strbuf *out)
{
    (void)w, (void)target;
    char next[64];
    snprintf(next, sizeof(next), "/v2/images?marker=m%u", n);
    return page(out, (int)n, (int)n, next);
}

static enum fake_end play_no_marker(struct world *w, unsigned n, const char *target,
                                    struct strbuf *out)
{
    (void)w, (void)n, (void)target;
    return page(out, 1, 2, "/v2/images?limit=3");
}

static void chains_that_do_not_end_are_errors(void **state)
{
    (void)state;
    static const struct {
        play_fn *play;
        unsigned requests;
        const char *text;
    } rows[] = {
        {play_cycle, 3, "one that came before"},
        {play_same, TRAIL_IDLE_MAX + 2, "no image that did not come before"},
        {play_endless, 11, "more images of a list than max_images=10 allows"},
        {play_no_marker, 1, "no marker"},
    };
    for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
        struct world w;
        struct source_http_config config = standard();
        struct limits few = limits_standard;
        few.max[LIMIT_IMAGES] = 10;
        config.http.limits = &few;
        open_world(&w, rows[i].play, "", config);
        assert_int_equal(list(&w), -EIO);
        assert_error_has(&w, rows[i].text);
        assert_int_equal(w.server.requests, rows[i].requests);
        close_world(&w);
    }
}

/* --- 400 --- */

static enum fake_end play_no_limit(struct world *w, unsigned n, const char *target,
                                   struct strbuf *out)
{
    (void)w, (void)n;
    if (strstr(target, "limit="))
        return refuse(out, 400, "limit is not supported");
    return strstr(target, "marker=id-2") ? page(out, 3, 4, NULL)
                                         : page(out, 1, 2, "/v2/images?marker=id-2");
}

static void a_server_without_limit_is_asked_without(void **state)
{
    (void)state;
    struct world w;
    open_world(&w, play_no_limit, "", standard());
    assert_int_equal(w.source->page_size, 3);
    assert_int_equal(list(&w), 0);
    assert_images(&w, 4);
    assert_int_equal(w.server.requests, 3);
    assert_string_equal(target_of(&w, 1), "/v2/images");
    assert_int_equal(w.source->page_size, 0);
    assert_int_equal(list(&w), 0);
    assert_int_equal(w.server.requests, 5); /* it was remembered */
    close_world(&w);
}

static void a_limit_of_the_user_is_kept(void **state)
{
    (void)state;
    struct world w;
    struct query *q;
    open_world(&w, play_no_limit, "", standard());
    q = criteria("limit=2");
    assert_int_equal(list_query(&w, q), -EINVAL);
    assert_int_equal(w.server.requests, 1);
    assert_int_equal(w.source->page_size, 3);
    query_free(q);
    close_world(&w);
}

static enum fake_end play_400(struct world *w, unsigned n, const char *target, struct strbuf *out)
{
    (void)w, (void)n, (void)target;
    return refuse(out, 400, "always \\u001b[31mwrong");
}

static void a_400_for_another_reason_is_an_error(void **state)
{
    (void)state;
    struct world w;
    open_world(&w, play_400, "", standard());
    assert_int_equal(list(&w), -EINVAL);
    assert_int_equal(w.server.requests, 2);
    assert_int_equal(w.source->page_size, 3);
    assert_error_has(&w, "/v2/images: HTTP 400: always [31mwrong (request req-77); ");
    close_world(&w);
}

/* The marker of the first page vanishes as often as ctx says. */
static unsigned vanishings;

static enum fake_end play_vanish(struct world *w, unsigned n, const char *target,
                                 struct strbuf *out)
{
    (void)w;
    if (!strstr(target, "marker="))
        return page(out, 1, 3, "/v2/images?marker=id-3");
    if (n / 2 < vanishings)
        return refuse(out, 400, "No image found with ID id-3");
    return page(out, 4, 5, NULL);
}

static void a_vanished_marker_starts_the_listing_over(void **state)
{
    (void)state;
    struct world w;
    vanishings = 2;
    open_world(&w, play_vanish, "", standard());
    assert_int_equal(list(&w), 0);
    assert_int_equal(w.restarts, 2);
    assert_images(&w, 5);
    assert_int_equal(w.server.requests, 6);
    close_world(&w);
    vanishings = 3;
    open_world(&w, play_vanish, "", standard());
    assert_int_equal(list(&w), -EIO);
    assert_int_equal(w.restarts, 2);
    assert_int_equal(w.server.requests, 6);
    assert_error_has(&w, "third time");
    close_world(&w);
}

/* --- which call --- */

/* The status of /v2/cloudimages; 200: an IMS, whose two images fill less than a page. */
static int cloud_status;

static enum fake_end play_service(struct world *w, unsigned n, const char *target,
                                  struct strbuf *out)
{
    (void)w, (void)n;
    if (strstr(target, "status=bad"))
        return refuse(out, 400, "no such status");
    if (!strstr(target, "/v2/cloudimages"))
        return page(out, 1, 1, NULL);
    if (cloud_status != 200)
        return refuse(out, cloud_status, "no");
    return strstr(target, "marker=id-2") ? page(out, 1, 0, NULL) : page(out, 1, 2, NULL);
}

static int list_text(struct world *w, const char *text)
{
    struct query *q;
    q = criteria(text);
    int r = list_query(w, q);
    query_free(q);
    return r;
}

struct step {
    const char *criteria;
    int result;
    unsigned requests;     /* that it makes */
    const char *first;     /* the path and query of the first */
    const char *last;      /* NULL: the same */
    const char *complains; /* NULL: it does not */
};

static void take_steps(struct world *w, const struct step *steps)
{
    for (; steps->criteria; steps++) {
        unsigned before = w->server.requests;
        int r = list_text(w, steps->criteria);
        unsigned requests = w->server.requests - before;
        if (r != steps->result || requests != steps->requests)
            fail_msg("%s: %d, %u requests", steps->criteria, r, requests);
        if (requests)
            assert_string_equal(target_of(w, before), steps->first);
        if (requests && steps->last)
            assert_string_equal(target_of(w, w->server.requests - 1), steps->last);
        if (steps->complains)
            assert_error_has(w, steps->complains);
    }
}

static void one_probe_tells_what_service_it_is(void **state)
{
    static const char probe[] = "/v2/cloudimages?limit=1";
    static const struct step ims[] = {
        {"name=n", 0, 1, "/v2/images?name=n&limit=3", NULL, NULL},
        {"color=red", -EINVAL, 1, probe, NULL, "color"},
        {"color=red", -EINVAL, 0, NULL, NULL, "color"},
        {"flavor_id=s", 0, 2, "/v2/cloudimages?flavor_id=s&limit=3",
         "/v2/cloudimages?flavor_id=s&marker=id-2&limit=3", NULL},
        {0},
    };
    static const struct step glance[] = {
        {"color=red", 0, 2, probe, "/v2/images?color=red&limit=3", NULL},
        {"color=blue", 0, 1, "/v2/images?color=blue&limit=3", NULL, NULL},
        {"flavor_id=s", -EOPNOTSUPP, 0, NULL, NULL, "flavor_id"},
        {0},
    };
    static const struct step nobody_knows[] = {
        {"color=red", -EACCES, 1, probe, NULL, "/v2/cloudimages: HTTP 401: no"},
        {"name=n", 0, 1, "/v2/images?name=n&limit=3", NULL, NULL},
        {"color=red", -EACCES, 1, probe, NULL, "/v2/cloudimages: HTTP 401: no"},
        {0},
    };
    static const struct {
        int status;
        enum query_dialect dialect;
        const struct step *steps;
    } rows[] = {
        {200, QUERY_DIALECT_IMS, ims},
        {404, QUERY_DIALECT_GLANCE, glance},
        {401, QUERY_DIALECT_UNKNOWN, nobody_knows},
    };
    (void)state;
    for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
        struct world w;
        cloud_status = rows[i].status;
        open_world(&w, play_service, "", standard());
        assert_int_equal(source_dialect(w.source), QUERY_DIALECT_UNKNOWN);
        take_steps(&w, rows[i].steps);
        assert_int_equal(source_dialect(w.source), rows[i].dialect);
        source_forget(w.source);
        assert_int_equal(source_dialect(w.source), QUERY_DIALECT_UNKNOWN);
        close_world(&w);
    }
}

static int list_forms(struct world *w)
{
    const struct source_sink sink = {take, forget, w};
    struct query *ims, *glance;
    struct query_error why;
    assert_int_equal(query_parse(&ims, bytes_of("name=i"), QUERY_DIALECT_IMS, &why), 0);
    assert_int_equal(query_parse(&glance, bytes_of("name=g"), QUERY_DIALECT_GLANCE, &why), 0);
    slot_table_free(w->ids);
    assert_int_equal(slot_table_new(&w->ids, 100000), 0);
    int r = whole_list_of(w->source, ims, glance, &sink, &w->last);
    query_free(ims);
    query_free(glance);
    return r;
}

static void of_two_forms_the_one_in_its_dialect_is_sent(void **state)
{
    static const char probe[] = "/v2/cloudimages?limit=1";
    static const struct {
        int status, result;
        enum query_dialect said;
        unsigned first, again; /* requests */
        const char *last;
    } rows[] = {
        {200, 0, QUERY_DIALECT_UNKNOWN, 2, 1, "/v2/images?name=i&limit=3"},
        {404, 0, QUERY_DIALECT_UNKNOWN, 2, 1, "/v2/images?name=g&limit=3"},
        {401, -EACCES, QUERY_DIALECT_UNKNOWN, 1, 1, probe},
        {200, 0, QUERY_DIALECT_IMS, 1, 1, "/v2/images?name=i&limit=3"},
        {200, 0, QUERY_DIALECT_GLANCE, 1, 1, "/v2/images?name=g&limit=3"},
    };
    (void)state;
    for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
        struct source_http_config config = standard();
        struct world w;
        config.dialect = rows[i].said;
        cloud_status = rows[i].status;
        open_world(&w, play_service, "", config);
        assert_int_equal(list_forms(&w), rows[i].result);
        assert_int_equal(w.server.requests, rows[i].first);
        if (rows[i].said == QUERY_DIALECT_UNKNOWN)
            assert_string_equal(target_of(&w, 0), probe);
        assert_string_equal(target_of(&w, w.server.requests - 1), rows[i].last);
        if (rows[i].result < 0)
            assert_error_has(&w, "/v2/cloudimages: HTTP 401: no");
        assert_int_equal(list_forms(&w), rows[i].result);
        assert_int_equal(w.server.requests, rows[i].first + rows[i].again);
        close_world(&w);
    }
}

/* Only the answer to the probe tells that the criteria are refused. */
static void a_refused_form_costs_no_list(void **state)
{
    (void)state;
    char why[] = "needs this or that";
    const struct source_refusal refusal = {QUERY_DIALECT_GLANCE, -EOPNOTSUPP, why};
    struct query *forms[2];
    struct query_error err;
    for (size_t i = 0; i < ARRAY_SIZE(forms); i++)
        assert_int_equal(
            query_parse(&forms[i], bytes_of(i ? "name=g" : "name=i"), QUERY_DIALECT_UNKNOWN, &err),
            0);
    for (size_t i = 0; i < 2; i++) {
        struct world w;
        struct source_listing *l;
        cloud_status = i == 0 ? 404 : 200;
        open_world(&w, play_service, "", standard());
        const struct source_sink sink = {take, forget, &w};
        assert_int_equal(source_begin(w.source, forms[0], &sink, &l), 0);
        l->glance = forms[1];
        l->refusal = &refusal;
        assert_int_equal(source_next(l), i == 0 ? -EOPNOTSUPP : SOURCE_DONE);
        assert_string_equal(l->error.text, i == 0 ? why : "");
        assert_int_equal(w.server.requests, i == 0 ? 1 : 2);
        source_end(l);
        close_world(&w);
    }
    query_free(forms[0]);
    query_free(forms[1]);
}

static void a_missing_call_is_asked_for_again_later(void **state)
{
    static const char first[] = "/v2/cloudimages?flavor_id=s&limit=3";
    static const struct step found[] = {{"flavor_id=s", 0, 2, first, NULL, NULL}, {0}};
    static const struct step missed[] = {
        {"flavor_id=s", -EOPNOTSUPP, 1, first, NULL, "/v2/cloudimages"}, {0}};
    static const struct step refused[] = {
        {"flavor_id=s", -EOPNOTSUPP, 0, NULL, NULL, "/v2/cloudimages"}, {0}};
    struct source_http_config config = standard();
    struct world w;
    (void)state;
    config.dialect = QUERY_DIALECT_IMS;
    cloud_status = 404;
    open_world(&w, play_service, "", config);
    take_steps(&w, missed);
    take_steps(&w, refused);
    source_forget(w.source);
    take_steps(&w, missed);
    take_steps(&w, refused);
    close_world(&w);
    config.missing_ms = 1;
    open_world(&w, play_service, "", config);
    take_steps(&w, missed);
    cloud_status = 200;
    usleep(2000);
    take_steps(&w, found);
    close_world(&w);
}

static void a_page_of_cloudimages_has_a_next_one(void **state)
{
    static const struct step steps[] = {
        {"flavor_id=s&limit=2", 0, 1, "/v2/cloudimages?flavor_id=s&limit=2", NULL, NULL}, {0}};
    static const struct step end[] = {{"flavor_id=s&limit=2&marker=id-2", 0, 1,
                                       "/v2/cloudimages?flavor_id=s&limit=2&marker=id-2", NULL,
                                       NULL},
                                      {0}};
    struct source_http_config config = standard();
    struct world w;
    (void)state;
    config.dialect = QUERY_DIALECT_IMS;
    cloud_status = 200;
    open_world(&w, play_service, "", config);
    take_steps(&w, steps);
    assert_images(&w, 2);
    assert_string_equal(w.last.next_marker, "id-2");
    take_steps(&w, end);
    assert_images(&w, 0);
    assert_string_equal(w.last.next_marker, "");
    close_world(&w);
}

/* Once it took our limit, a 400 means the criteria. */
static void refused_criteria_cost_one_request(void **state)
{
    static const struct step steps[] = {
        {"name=n", 0, 1, "/v2/images?name=n&limit=3", NULL, NULL},
        {"status=bad", -EINVAL, 1, "/v2/images?status=bad&limit=3", NULL, "these criteria"},
        {0},
    };
    struct world w;
    (void)state;
    open_world(&w, play_service, "", standard());
    take_steps(&w, steps);
    close_world(&w);
}

/* --- tokens --- */

static void write_token(const char *path, const char *token)
{
    FILE *f = fopen(path, "w");
    assert_non_null(f);
    fprintf(f, "%s\n", token);
    fclose(f);
}

static char token_path[] = "/tmp/imsfs-test-XXXXXX";

/* The token "old" is good for one page; what renews it does so before the second. */
static enum fake_end play_tokens(struct world *w, unsigned n, const char *target,
                                 struct strbuf *out)
{
    char request[8192];
    fake_last_request(&w->server, request);
    if (n == 1 && vanishings)
        write_token(token_path, "new");
    if (n > 0 && !strstr(request, "X-Auth-Token: new\r\n"))
        return refuse(out, 401, "token expired");
    return strstr(target, "marker=id-3") ? page(out, 4, 5, NULL)
                                         : page(out, 1, 3, "/v2/images?marker=id-3");
}

static struct token *token_in(const struct token_config *config)
{
    CLEANUP(strbuf_free) struct strbuf why = STRBUF_INIT;
    struct token *token;
    assert_int_equal(token_new(&token, config, &why), 0);
    return token;
}

static struct auth *auth_with(struct token *token)
{
    struct auth *auth;
    const struct auth_token_config config = {.token = token};
    assert_int_equal(auth_token_new(&auth, &config), 0);
    return auth;
}

static void a_new_token_goes_on_from_the_marker(void **state)
{
    (void)state;
    for (unsigned renewed = 0; renewed < 2; renewed++) {
        struct world w;
        struct source_http_config config = standard();
        struct token *token = token_in(&(struct token_config){.file = token_path});
        vanishings = renewed;
        write_token(token_path, "old");
        config.auth = auth_with(token);
        config.api_version = "Queens";
        open_world(&w, play_tokens, "", config);
        assert_int_equal(list(&w), renewed ? 0 : -EACCES);
        assert_int_equal(w.server.requests, 3); /* read again, one more try */
        assert_images(&w, renewed ? 5 : 3);
        if (!renewed) {
            assert_error_has(&w, "HTTP 401: token expired");
            assert_error_has(&w, token_path);
            assert_null(strstr(w.last.error.text, "old"));
        }
        char request[8192];
        fake_last_request(&w.server, request);
        assert_non_null(strstr(request, "X-Api-Version: Queens\r\n"));
        close_world(&w);
        token_free(token);
    }
}

static void tokens_stay_off_open_networks(void **state)
{
    (void)state;
    struct source *s;
    struct source_error error;
    struct token *token = token_in(&(struct token_config){.fixed = "secret"});
    struct auth *auth = auth_with(token);
    struct source_http_config config = standard();
    config.auth = auth;
    config.endpoint = "http://ims.example.com";
    assert_int_equal(source_http_new(&s, &config, &error), -EINVAL);
    assert_non_null(strstr(error.text, "https"));
    config.endpoint = "https://ims.example.com";
    assert_int_equal(source_http_new(&s, &config, &error), 0);
    source_free(s);
    config.endpoint = "https://user:secret@ims.example.com";
    assert_int_equal(source_http_new(&s, &config, &error), -EINVAL);
    assert_null(strstr(error.text, "secret"));
    auth_free(auth);
    token_free(token);
}

static int sign_in_elsewhere(struct auth *a, int64_t deadline_ms, struct auth_error *error)
{
    (void)deadline_ms, (void)error;
    a->image = (struct url){.base = strdup("http://ims.example.com")};
    return a->image.base ? 0 : -ENOMEM;
}

static int add_nothing(struct auth *a, const struct url *endpoint, struct http_request *request)
{
    (void)a, (void)endpoint, (void)request;
    return 0;
}

static void redact_nothing(const struct auth *a, char *text, size_t len)
{
    (void)a, (void)text, (void)len;
}

/* A catalog may lead anywhere; each try says what is wrong with that. */
static void an_open_network_in_the_catalog_is_refused(void **state)
{
    (void)state;
    static const struct auth_ops ops = {
        .prepare = sign_in_elsewhere, .headers = add_nothing, .redact = redact_nothing};
    struct auth auth = {.ops = &ops, .kind = "keystone", .clock = &clock_boottime};
    struct source_http_config config = standard();
    struct world w = {.auth = &auth};
    auth.has_proof = true;
    config.auth = &auth;
    assert_int_equal(image_attrs_new(&w.attrs), 0);
    config.attrs = w.attrs;
    assert_int_equal(source_http_new(&w.source, &config, &w.last.error), 0);
    for (int i = 0; i < 2; i++) {
        assert_int_equal(list(&w), -EPERM);
        assert_error_has(&w, "use https://");
        url_free(&auth.image);
    }
    source_free(w.source);
    slot_table_free(w.attrs);
    slot_table_free(w.ids);
}

/* --- other errors --- */

static const char *body;

static enum fake_end play_body(struct world *w, unsigned n, const char *target, struct strbuf *out)
{
    (void)w, (void)n, (void)target;
    fake_reply(out, 200, "", body);
    return FAKE_KEEP;
}

static void what_is_no_list_is_an_error(void **state)
{
    (void)state;
    static const char *const bodies[] = {
        "<html><body>Please sign in</body></html>",
        "",
        "{}",
        "[]",
        "{\"images\": null}",
        "{\"images\": [{\"id\": \"a\"}, {\"id\": ",
        "{\"images\": [{\"id\": \"a\"}]} more",
    };
    for (size_t i = 0; i < ARRAY_SIZE(bodies); i++) {
        struct world w;
        body = bodies[i];
        open_world(&w, play_body, "", standard());
        assert_int_equal(list(&w), -EIO);
        assert_error_has(&w, "no list of images");
        assert_int_equal(w.pages, 0); /* nothing of a bad page is handed over */
        close_world(&w);
    }
}

static void an_empty_list_is_good(void **state)
{
    (void)state;
    struct world w;
    body = "{\"images\": []}";
    open_world(&w, play_body, "", standard());
    assert_int_equal(list(&w), 0);
    assert_images(&w, 0);
    close_world(&w);
}

static enum fake_end play_hang_later(struct world *w, unsigned n, const char *target,
                                     struct strbuf *out)
{
    (void)w, (void)target;
    if (n == 0)
        return page(out, 1, 3, "/v2/images?marker=id-3");
    return FAKE_HANG;
}

static void a_page_and_a_list_have_deadlines(void **state)
{
    (void)state;
    struct world w;
    struct source_http_config config = standard();
    config.timeout_ms = 200;
    open_world(&w, play_hang_later, "", config);
    assert_int_equal(list(&w), -ETIMEDOUT);
    assert_images(&w, 3);
    assert_error_has(&w, "timeout=");
    close_world(&w);
    config = standard();
    config.list_timeout_ms = 200;
    open_world(&w, play_hang_later, "", config);
    assert_int_equal(list(&w), -ETIMEDOUT);
    assert_error_has(&w, "list_timeout=");
    close_world(&w);
}

struct canceller {
    struct world *world;
    atomic_llong at_ms;
};

static void *cancel_soon(void *arg)
{
    struct canceller *c = arg;
    while (atomic_load(&c->world->server.requests) < 2)
        usleep(1000);
    usleep(20000);
    atomic_store(&c->at_ms, clock_now_ms(&clock_boottime));
    source_cancel(c->world->source);
    return NULL;
}

static void cancel_ends_a_listing_and_all_later_ones(void **state)
{
    (void)state;
    struct world w;
    pthread_t thread;
    open_world(&w, play_hang_later, "", standard());
    struct canceller c = {.world = &w};
    pthread_create(&thread, NULL, cancel_soon, &c);
    assert_int_equal(list(&w), -ECANCELED);
    assert_in_range(clock_now_ms(&clock_boottime) - atomic_load(&c.at_ms), 0, 100);
    pthread_join(thread, NULL);
    assert_int_equal(list(&w), -ECANCELED);
    assert_int_equal(w.server.requests, 2);
    close_world(&w);
}

/* --- the next page --- */

/* Waits for the request for the page behind the one that the sink gets. */
static int take_when_asked(void *ctx, struct image **images, size_t count)
{
    struct world *w = ctx;
    unsigned due = w->pages + 2 < 3 ? w->pages + 2 : 3; /* of play_chain */
    for (unsigned i = 0; i < 5000 && w->server.requests < due; i++)
        usleep(1000);
    assert_int_equal(w->server.requests, due);
    return take(ctx, images, count);
}

static void the_next_page_is_asked_for_before_this_one_is_taken(void **state)
{
    (void)state;
    struct world w;
    open_world(&w, play_chain, "", standard());
    const struct source_sink sink = {take_when_asked, forget, &w};
    assert_int_equal(whole_list(w.source, NULL, &sink, &w.last), 0);
    assert_int_equal(w.pages, 3);
    assert_int_equal(w.server.requests, 3);
    assert_int_equal(w.server.connections, 1);
    close_world(&w);
}

/* 200 images of 1 KiB, and what stands behind them. */
static enum fake_end long_page(struct strbuf *out, const char *rest)
{
    char name[1001];
    memset(name, 'n', sizeof(name) - 1);
    name[sizeof(name) - 1] = '\0';
    return page_of(out, 1, 200, name, rest);
}

static enum fake_end play_long(struct world *w, unsigned n, const char *target, struct strbuf *out)
{
    (void)w, (void)target;
    return n ? page(out, 201, 400, NULL)
             : long_page(out, "], \"next\": \"/v2/images?marker=id-200\"}");
}

static enum fake_end play_no_page(struct world *w, unsigned n, const char *target,
                                  struct strbuf *out)
{
    (void)w, (void)n, (void)target;
    return long_page(out, "}");
}

static enum fake_end play_short(struct world *w, unsigned n, const char *target, struct strbuf *out)
{
    (void)w, (void)target;
    return n ? page(out, 201, 400, NULL) : page(out, 1, 200, "/v2/images?marker=id-200");
}

/* What the sink was given, and how many requests there had been then. */
struct parts {
    struct world *world;
    struct source_listing *listing;
    size_t counts[8];
    bool begun[8];
    unsigned long long requests[8];
    unsigned count;
};

static int take_part(void *ctx, struct image **images, size_t count)
{
    struct parts *p = ctx;
    assert_true(p->count < ARRAY_SIZE(p->counts));
    p->begun[p->count] = p->listing->begun;
    p->requests[p->count] = p->world->source->counters.requests;
    p->counts[p->count++] = count;
    return take(p->world, images, count);
}

/* What the listing comes to. */
static int list_in_parts(struct world *w, struct parts *p)
{
    const struct source_sink sink = {take_part, NULL, p};
    *p = (struct parts){.world = w};
    assert_int_equal(source_begin(w->source, NULL, &sink, &p->listing), 0);
    int r;
    do
        r = source_next(p->listing);
    while (r == SOURCE_MORE);
    source_end(p->listing);
    return r;
}

/* Nobody waits until the next page is asked for; but that is not to wait for all of this one. */
static void the_first_images_come_before_their_page_is_built(void **state)
{
    (void)state;
    struct world w;
    struct parts p;
    open_world(&w, play_long, "", standard());
    assert_int_equal(list_in_parts(&w, &p), SOURCE_DONE);
    assert_int_equal(p.count, 3);
    assert_int_equal(p.counts[0], 16);
    assert_int_equal(p.counts[1], 184);
    assert_int_equal(p.counts[2], 200);
    assert_true(p.begun[0]);
    assert_false(p.begun[1]);
    assert_false(p.begun[2]);
    assert_int_equal(p.requests[0], 1);
    assert_int_equal(p.requests[1], 2);
    assert_int_equal(w.source->counters.pages, 2);
    close_world(&w);
}

static void in_a_short_page_the_next_one_is_looked_for_first(void **state)
{
    (void)state;
    struct world w;
    struct parts p;
    open_world(&w, play_short, "", standard());
    assert_int_equal(list_in_parts(&w, &p), SOURCE_DONE);
    assert_int_equal(p.count, 2);
    assert_int_equal(p.counts[0], 200);
    assert_false(p.begun[0]);
    assert_int_equal(p.requests[0], 2);
    close_world(&w);
}

static void what_begins_like_a_page_is_none_yet(void **state)
{
    (void)state;
    struct world w;
    struct parts p;
    open_world(&w, play_no_page, "", standard());
    assert_int_equal(list_in_parts(&w, &p), -EIO);
    assert_int_equal(p.count, 1);
    assert_int_equal(p.counts[0], 16);
    assert_true(p.begun[0]);
    assert_int_equal(w.source->counters.pages, 0);
    assert_int_equal(w.source->counters.requests, 1);
    close_world(&w);
}

/* What was shown of a page takes no room beside it. */
static void behind_a_long_page_there_is_all_the_room(void **state)
{
    (void)state;
    struct world w;
    struct parts p;
    struct source_http_config config = standard();
    struct limits few = limits_standard;
    few.max[LIMIT_IMAGES] = 200;
    config.http.limits = &few;
    open_world(&w, play_long, "", config);
    assert_int_equal(list_in_parts(&w, &p), -EIO);
    assert_int_equal(p.counts[1], 184);
    assert_int_equal(p.requests[1], 2);
    close_world(&w);
}

/* The last record of the first page has an id that is none of ours: a guess from it is wrong. */
static enum fake_end play_guess(struct world *w, unsigned n, const char *target, struct strbuf *out)
{
    (void)w, (void)n;
    if (strstr(target, "marker=id-2&"))
        return page(out, 3, 0, NULL);
    if (strstr(target, "marker="))
        return refuse(out, 500, "no such marker");
    fake_reply(
        out, 200, "",
        "{\"images\": [{\"id\": \"id-1\"}, {\"id\": \"id-2\"}, {\"id\": \"x\", \"id\": 7}]}");
    return FAKE_KEEP;
}

static void a_wrong_guess_costs_a_request_and_no_more(void **state)
{
    (void)state;
    struct world w;
    struct source_http_config config = standard();
    config.api = "cloudimages";
    open_world(&w, play_guess, "", config);
    assert_int_equal(list(&w), 0);
    assert_images(&w, 2);
    assert_int_equal(w.source->counters.requests, 3);
    assert_int_equal(asked_for(&w, "/v2/cloudimages?marker=id-2&limit=3"), 1);
    close_world(&w);
}

static enum fake_end play_broken_second(struct world *w, unsigned n, const char *target,
                                        struct strbuf *out)
{
    (void)w, (void)target;
    return n ? refuse(out, 500, "broken") : page(out, 1, 2, "/v2/images?marker=id-2");
}

static void an_error_on_the_way_is_told_when_its_page_is_due(void **state)
{
    (void)state;
    struct world w;
    struct source_listing *l;
    open_world(&w, play_broken_second, "", standard());
    const struct source_sink sink = {take_when_asked, forget, &w};
    assert_int_equal(source_begin(w.source, NULL, &sink, &l), 0);
    assert_int_equal(source_next(l), SOURCE_MORE);
    assert_images(&w, 2);
    assert_int_equal(source_next(l), -EIO);
    assert_non_null(strstr(l->error.text, "broken"));
    assert_int_equal(l->requests, 2);
    source_end(l);
    close_world(&w);
}

/* Where the listing may end with this page, the next one is not asked for; nor by who was told to
 * stop. */
static void nothing_is_asked_for_that_may_not_be_wanted(void **state)
{
    (void)state;
    struct world w;
    struct query *q = criteria("limit=2");
    struct source_http_config config = standard();
    struct limits one = limits_standard;
    one.max[LIMIT_IMAGES] = 1;
    config.http.limits = &one;
    open_world(&w, play_chain, "", config);
    assert_int_equal(list(&w), -EIO);
    assert_error_has(&w, "max_images");
    assert_int_equal(w.source->counters.requests, 1);
    close_world(&w);
    open_world(&w, play_chain, "", standard());
    assert_int_equal(list_query(&w, q), 0);
    assert_int_equal(w.source->counters.requests, 1);
    source_cancel(w.source);
    assert_int_equal(list(&w), -ECANCELED);
    assert_int_equal(w.server.requests, 1);
    query_free(q);
    close_world(&w);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_next_page_is_asked_for_before_this_one_is_taken),
        cmocka_unit_test(the_first_images_come_before_their_page_is_built),
        cmocka_unit_test(in_a_short_page_the_next_one_is_looked_for_first),
        cmocka_unit_test(what_begins_like_a_page_is_none_yet),
        cmocka_unit_test(behind_a_long_page_there_is_all_the_room),
        cmocka_unit_test(a_wrong_guess_costs_a_request_and_no_more),
        cmocka_unit_test(an_error_on_the_way_is_told_when_its_page_is_due),
        cmocka_unit_test(nothing_is_asked_for_that_may_not_be_wanted),
        cmocka_unit_test(native_paging_follows_next_on_our_own_address),
        cmocka_unit_test(criteria_stay_on_every_page),
        cmocka_unit_test(a_limit_of_the_criteria_is_one_page),
        cmocka_unit_test(the_last_page_leads_nowhere),
        cmocka_unit_test(a_page_without_a_usable_record_is_not_the_end),
        cmocka_unit_test(listings_take_turns),
        cmocka_unit_test(a_deadline_counts_from_the_begin),
        cmocka_unit_test(a_page_s_deadline_counts_from_when_it_was_due),
        cmocka_unit_test(cloudimages_goes_on_until_a_page_is_empty),
        cmocka_unit_test(records_without_an_id_at_the_end_are_no_obstacle),
        cmocka_unit_test(images_may_come_again_at_the_end),
        cmocka_unit_test(chains_that_do_not_end_are_errors),
        cmocka_unit_test(a_server_without_limit_is_asked_without),
        cmocka_unit_test(a_limit_of_the_user_is_kept),
        cmocka_unit_test(a_400_for_another_reason_is_an_error),
        cmocka_unit_test(a_vanished_marker_starts_the_listing_over),
        cmocka_unit_test(one_probe_tells_what_service_it_is),
        cmocka_unit_test(of_two_forms_the_one_in_its_dialect_is_sent),
        cmocka_unit_test(a_refused_form_costs_no_list),
        cmocka_unit_test(a_missing_call_is_asked_for_again_later),
        cmocka_unit_test(a_page_of_cloudimages_has_a_next_one),
        cmocka_unit_test(refused_criteria_cost_one_request),
        cmocka_unit_test(a_new_token_goes_on_from_the_marker),
        cmocka_unit_test(tokens_stay_off_open_networks),
        cmocka_unit_test(an_open_network_in_the_catalog_is_refused),
        cmocka_unit_test(what_is_no_list_is_an_error),
        cmocka_unit_test(an_empty_list_is_good),
        cmocka_unit_test(a_page_and_a_list_have_deadlines),
        cmocka_unit_test(cancel_ends_a_listing_and_all_later_ones),
    };
    close(mkstemp(token_path));
    log_setup(LOG_SINK_STDERR, LOG_LEVEL_ERROR); /* failures are what is tested */
    int failed = cmocka_run_group_tests(tests, NULL, NULL);
    unlink(token_path);
    return failed;
}
