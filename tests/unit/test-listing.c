// SPDX-License-Identifier: Apache-2.0
/* listing: refreshes whose pages are asked for side by side, of a list that changes meanwhile. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <errno.h>

#include "fake-server.h"
#include "imsfs/log.h"
#include "imsfs/source_http.h"
#include "whole-list.h"

#define PAGE 5
#define IDS 4096 /* that a test ever makes */

/* The service: its images are numbers, in its order. */
struct shop {
    int images[IDS];
    int count, made;    /* made: numbers so far */
    bool moved[IDS];    /* during this refresh */
    bool stayed[IDS];   /* was there since it began */
    bool unusable[IDS]; /* its record has no id that could be shown */
    bool tainted;       /* something was asked for behind an image that moved */
    unsigned seed;
    int change; /* of so many requests one meets a change before it; 0: none does */
    bool moves; /* these may be moves */
};

struct world {
    struct fake_server server;
    struct source *source;
    struct slot_table *attrs;
    struct shop shop;
    int fault, fault_status; /* which request behind the first page gets it, from 0; -1: none */
    int cancel_at;
    bool opaque; /* markers are no ids */
    /* What happens after the second page is read and before the first; NULL: nothing. */
    void (*script)(struct shop *s);
    atomic_bool second; /* it is read */
    bool gate;          /* requests wait for as many as may come */
    unsigned expected;
    atomic_uint in_flight, most, jitter;
    unsigned times[IDS]; /* that an image came in this listing */
    unsigned restarts, fresh;
    struct whole_list last;
};

/* --- the service --- */

static int place_of(const struct shop *s, int image)
{
    for (int i = 0; i < s->count; i++) {
        if (s->images[i] == image)
            return i;
    }
    return -1;
}

static void put(struct shop *s, int at, int image)
{
    memmove(&s->images[at + 1], &s->images[at], (size_t)(s->count - at) * sizeof(int));
    s->images[at] = image;
    s->count++;
}

static void add(struct shop *s, int at)
{
    assert_true(s->made < IDS);
    put(s, at, s->made++);
}

static int take_out(struct shop *s, int at)
{
    int image = s->images[at];
    s->count--;
    memmove(&s->images[at], &s->images[at + 1], (size_t)(s->count - at) * sizeof(int));
    s->stayed[image] = false;
    return image;
}

static void move(struct shop *s, int from, int to)
{
    int image = take_out(s, from);
    s->moved[image] = true;
    put(s, to, image);
}

static int any(struct shop *s, int below)
{
    s->seed = s->seed * 1103515245 + 12345;
    return below > 0 ? (int)(s->seed >> 8) % below : 0;
}

static void change(struct shop *s)
{
    switch (any(s, s->moves ? 8 : 5)) {
    case 0:
    case 1:
        add(s, 0);
        break;
    case 2:
        add(s, s->count);
        break;
    case 3:
        add(s, any(s, s->count + 1));
        break;
    case 4:
        if (s->count > 4 * PAGE)
            take_out(s, any(s, s->count));
        break;
    case 5:
        move(s, any(s, s->count), 0);
        break;
    case 6:
        move(s, any(s, s->count), s->count - 1);
        break;
    default:
        move(s, any(s, s->count), any(s, s->count - 1));
    }
}

/* Requests of the last one, which nobody wants any more, may be there yet. */
static void begin_refresh(struct world *w)
{
    struct shop *s = &w->shop;
    pthread_mutex_lock(&w->server.turn);
    s->tainted = false;
    memset(s->moved, 0, sizeof(s->moved));
    memset(s->stayed, 0, sizeof(s->stayed));
    for (int i = 0; i < s->count; i++)
        s->stayed[s->images[i]] = true;
    pthread_mutex_unlock(&w->server.turn);
}

static void open_shop(struct shop *s, int count)
{
    *s = (struct shop){.seed = 1};
    while (s->count < count)
        add(s, s->count);
}

/* --- its answers --- */

/* The request is on its way, and not a leftover of an earlier refresh that was dropped. */
static _Thread_local bool counted;

static void add_page(const struct world *w, int from, bool linked, struct strbuf *body)
{
    const struct shop *s = &w->shop;
    int to = from + PAGE < s->count ? from + PAGE : s->count;
    strbuf_add_str(body, "{\"images\": [");
    for (int i = from; i < to; i++)
        strbuf_printf(body,
                      s->unusable[s->images[i]] ? "%s{\"name\": \"%d\"}" : "%s{\"id\": \"i%d\"}",
                      i > from ? ", " : "", s->images[i]);
    strbuf_add_str(body, "]");
    if (linked && to - from == PAGE)
        strbuf_printf(body, ", \"next\": \"/v2/images?marker=%s%d\"", w->opaque ? "at-" : "i",
                      w->opaque ? to : s->images[to - 1]);
    strbuf_add_str(body, "}");
}

static enum fake_end answer(struct fake_server *server, unsigned n, const char *request,
                            struct strbuf *out)
{
    struct world *w = server->ctx;
    struct shop *s = &w->shop;
    CLEANUP(strbuf_free) struct strbuf body = STRBUF_INIT;
    const char *marker = strstr(request, "marker=");
    int from = 0;
    (void)n;
    atomic_fetch_sub(&w->in_flight, counted);
    if (s->change && any(s, s->change) == 0)
        change(s);
    if (marker && w->opaque)
        from = atoi(marker + strlen("marker=at-"));
    else if (marker) {
        int image = atoi(marker + strlen("marker=i"));
        from = place_of(s, image) + 1;
        s->tainted |= s->moved[image];
    }
    if (w->script && !marker)
        w->script(s);
    w->second |= w->script && marker && from == PAGE;
    if (w->cancel_at-- == 0)
        source_cancel(w->source);
    if (marker && w->fault-- == 0)
        fake_reply(out, w->fault_status, "", "{}");
    else if (marker && from == 0)
        fake_reply(out, 400, "", "{}");
    else {
        add_page(w, from, !strstr(request, "cloudimages"), &body);
        fake_reply(out, 200, "", strbuf_str(&body));
    }
    return FAKE_KEEP;
}

static void arrived(struct fake_server *server, int fd, const char *request)
{
    struct world *w = server->ctx;
    char byte;
    counted = recv(fd, &byte, 1, MSG_PEEK | MSG_DONTWAIT) != 0;
    if (!counted)
        return;
    unsigned now = atomic_fetch_add(&w->in_flight, 1) + 1, most = atomic_load(&w->most);
    while (now > most && !atomic_compare_exchange_weak(&w->most, &most, now))
        ;
    /* The first page is not answered before all that may be on their way are. */
    for (int i = 0; w->gate && atomic_load(&w->most) < w->expected && i < 5000; i++)
        usleep(1000);
    if (w->gate)
        usleep(2000); /* for one too many */
    bool first = !strstr(request, "marker=");
    for (int i = 0; w->script && !w->second && first && i < 5000; i++)
        usleep(1000);
    if (w->jitter)
        usleep(atomic_fetch_add(&w->jitter, 7919) * 2654435761U >> 20 & 511);
}

/* --- the reader --- */

/* Its id is a letter and digits. */
static int number_of(const struct image *img)
{
    int number = 0;
    struct bytes id = image_id(img);
    for (size_t i = 1; i < id.len; i++)
        number = number * 10 + (id.data[i] - '0');
    return number;
}

static int take(void *ctx, struct image **images, size_t count)
{
    struct world *w = ctx;
    int fresh = 0;
    for (size_t i = 0; i < count; i++) {
        fresh += w->times[number_of(images[i])]++ == 0;
        image_unref(images[i]);
    }
    return fresh;
}

static void forget(void *ctx)
{
    struct world *w = ctx;
    memset(w->times, 0, sizeof(w->times));
    w->restarts++;
}

static void open_world(struct world *w, const char *api, unsigned parallel, int count)
{
    char endpoint[64];
    memset(w, 0, sizeof(*w));
    w->fault = w->cancel_at = -1;
    w->expected = 1;
    open_shop(&w->shop, count);
    fake_start(&w->server, answer, w);
    w->server.arrived = arrived;
    assert_int_equal(image_attrs_new(&w->attrs), 0);
    snprintf(endpoint, sizeof(endpoint), "http://127.0.0.1:%u", w->server.port);
    const struct source_http_config config = {.endpoint = endpoint,
                                              .api = api,
                                              .page_size = PAGE,
                                              .parallel = parallel,
                                              .timeout_ms = 10000,
                                              .list_timeout_ms = 60000,
                                              .attrs = w->attrs,
                                              .http = {.backoff_ms = 2}};
    assert_int_equal(source_http_new(&w->source, &config, &w->last.error), 0);
}

static void close_world(struct world *w)
{
    fake_stop(&w->server); /* it may be about to cancel */
    source_free(w->source);
    slot_table_free(w->attrs);
}

/* The requests that it took. */
static int refresh_as(struct world *w, int result)
{
    const struct source_sink sink = {take, forget, w};
    unsigned long long before = w->source->counters.requests;
    memset(w->times, 0, sizeof(w->times));
    w->restarts = 0;
    w->most = w->in_flight = 0;
    begin_refresh(w);
    assert_int_equal(whole_list(w->source, NULL, &sink, &w->last), result);
    return (int)(w->source->counters.requests - before);
}

static void assert_whole(const struct world *w)
{
    for (int i = 0; i < w->shop.made; i++) {
        if (w->shop.stayed[i] && !w->shop.unusable[i] && !w->times[i])
            fail_msg("image %d is lost", i);
    }
}

/* Of a list that stays while it is read: each once, and no other. */
static int refresh(struct world *w)
{
    int requests = refresh_as(w, 0);
    for (int i = 0; i < w->shop.made; i++)
        assert_int_equal(w->times[i], place_of(&w->shop, i) >= 0 && !w->shop.unusable[i]);
    return requests;
}

/* The same, with so many requests at a time before the first is answered, and never more. */
static int refresh_by(struct world *w, unsigned width)
{
    w->gate = true;
    w->expected = width;
    int requests = refresh(w);
    assert_int_equal(w->most, width);
    w->gate = false;
    return requests;
}

/* --- a list that stays --- */

static void pages_of_a_refresh_are_asked_for_side_by_side(void **state)
{
    (void)state;
    static const char *const apis[] = {"images", "cloudimages"};
    for (size_t i = 0; i < ARRAY_SIZE(apis); i++) {
        struct world w;
        open_world(&w, apis[i], 4, 8 * PAGE);
        assert_int_equal(refresh_by(&w, 1), 9); /* the last one is empty */
        for (int k = 0; k < 3; k++)
            assert_int_equal(refresh_by(&w, 4), 9);
        close_world(&w);
    }
}

static void so_many_at_a_time_as_is_said(void **state)
{
    (void)state;
    for (unsigned width = 1; width <= 4; width++) {
        struct world w;
        open_world(&w, "images", width, 6 * PAGE + 2);
        assert_int_equal(refresh(&w), 7);
        assert_int_equal(refresh_by(&w, width), 7);
        close_world(&w);
    }
}

static void a_short_list_is_read_page_by_page(void **state)
{
    (void)state;
    struct world w;
    open_world(&w, "images", 4, 3 * PAGE - 1);
    assert_int_equal(refresh(&w), 3);
    assert_int_equal(refresh_by(&w, 1), 3);
    close_world(&w);
}

static void a_marker_that_is_no_id_tells_nothing(void **state)
{
    (void)state;
    struct world w;
    open_world(&w, "images", 4, 8 * PAGE + 1);
    w.opaque = true;
    assert_int_equal(refresh(&w), 9);
    assert_int_equal(refresh_by(&w, 1), 9);
    close_world(&w);
}

/* --- a list that changed since --- */

static void new_images_before_all_others_cost_a_page(void **state)
{
    (void)state;
    struct world w;
    open_world(&w, "images", 4, 8 * PAGE + 1);
    assert_int_equal(refresh(&w), 9);
    add(&w.shop, 0);
    add(&w.shop, 0);
    assert_int_equal(refresh_by(&w, 4), 10);
    assert_int_equal(refresh_by(&w, 4), 9); /* cut anew */
    add(&w.shop, w.shop.count);
    assert_int_equal(refresh_by(&w, 4), 9);
    close_world(&w);
}

static void more_new_images_than_a_page(void **state)
{
    (void)state;
    struct world w;
    open_world(&w, "images", 4, 8 * PAGE + 2);
    refresh(&w);
    for (int i = 0; i < PAGE + 1; i++)
        add(&w.shop, 0);
    assert_true(refresh(&w) <= 10 + 4);
    close_world(&w);
}

/* Whatever changes in the middle: the list is right, at most 4 requests are in vain, and the next
 * refreshes are careful. */
static void assert_careful(struct world *w)
{
    int pages = w->shop.count / PAGE + 1;
    assert_true(refresh(w) <= pages + 4);
    assert_int_equal(refresh_by(w, 1), pages);
    assert_int_equal(refresh_by(w, 4), pages);
}

static void a_change_in_the_middle_is_read_page_by_page(void **state)
{
    (void)state;
    for (int at = 0; at < 8 * PAGE; at++) {
        struct world w;
        open_world(&w, "images", 4, 8 * PAGE + 2);
        refresh(&w);
        take_out(&w.shop, at);
        if (at < 7 * PAGE) /* behind that it is the last range's */
            assert_careful(&w);
        else
            refresh(&w);
        add(&w.shop, at ? at : 1);
        refresh(&w);
        move(&w.shop, at, (at + 3 * PAGE) % (8 * PAGE));
        refresh(&w);
        close_world(&w);
    }
}

/* 0 1 2 3 4 | 5 -> N 0 2 3 4 | 1 5: the first page ends with the same id, and is not the same. */
static void push_out_by_the_front(struct shop *s)
{
    move(s, 1, 4);
    add(s, 0);
}

/* -> 0 N 2 3 4 | 1 5 */
static void push_out_by_the_middle(struct shop *s)
{
    move(s, 1, 4);
    add(s, 1);
}

/* -> 1 2 3 4 N | 0 5; the end is another. */
static void push_out_by_the_end(struct shop *s)
{
    move(s, 0, 4);
    add(s, 4);
}

static void what_moves_to_a_page_that_was_read_is_not_lost(void **state)
{
    (void)state;
    void (*const scripts[])(struct shop * s) = {push_out_by_the_front, push_out_by_the_middle,
                                                push_out_by_the_end};
    for (size_t i = 0; i < ARRAY_SIZE(scripts); i++) {
        struct world w;
        open_world(&w, "images", 4, 8 * PAGE + 1);
        refresh(&w);
        w.script = scripts[i];
        refresh(&w);
        assert_true(w.second);
        close_world(&w);
    }
}

static void odd_refreshes_in_a_row_make_more_careful(void **state)
{
    (void)state;
    struct world w;
    int serial = 0;
    open_world(&w, "images", 4, 20 * PAGE + 2);
    refresh(&w);
    for (int i = 0; i < 16; i++) {
        take_out(&w.shop, PAGE + 1);
        serial += refresh(&w) <= w.shop.count / PAGE + 1;
    }
    assert_int_equal(serial, 1 + 2 + 4 + 5);
    close_world(&w);
}

static void records_that_are_not_shown_count_once(void **state)
{
    (void)state;
    for (int at = 0; at < 8 * PAGE; at++) {
        struct world w;
        open_world(&w, "images", 4, 8 * PAGE + 2);
        w.shop.unusable[at] = true;
        if (at % PAGE != PAGE - 1) /* else the marker is the id of none */
            w.shop.unusable[at + 1] = at % PAGE < PAGE - 2;
        unsigned hidden = 1U + w.shop.unusable[at + 1];
        refresh(&w);
        assert_int_equal(w.last.left_out.skipped, hidden);
        add(&w.shop, 0);
        for (int i = 0; i < 3; i++) {
            refresh(&w);
            assert_int_equal(w.last.left_out.skipped, hidden);
        }
        close_world(&w);
    }
}

/* --- trouble on the way --- */

static void who_asks_for_patience_gets_it(void **state)
{
    (void)state;
    static const int statuses[] = {429, 503, 500, 404};
    for (size_t i = 0; i < ARRAY_SIZE(statuses); i++) {
        for (int at = 0; at < 3; at++) {
            struct world w;
            open_world(&w, "images", 4, 8 * PAGE + 2);
            refresh(&w);
            w.fault = at;
            w.fault_status = statuses[i];
            assert_int_equal(refresh(&w), 10);
            assert_int_equal(refresh_by(&w, 1), 9);
            assert_int_equal(refresh_by(&w, 4), 9);
            close_world(&w);
        }
    }
}

static void a_cancelled_refresh_ends(void **state)
{
    (void)state;
    for (int at = 0; at < 9; at++) {
        struct world w;
        open_world(&w, "images", 4, 8 * PAGE + 2);
        refresh(&w);
        w.cancel_at = at;
        refresh_as(&w, -ECANCELED);
        close_world(&w);
    }
}

/* --- a list that changes meanwhile --- */

/* The result, and whether anything that stayed where it was is lost. */
static int refresh_in_motion(struct world *w)
{
    const struct source_sink sink = {take, forget, w};
    memset(w->times, 0, sizeof(w->times));
    begin_refresh(w);
    int r = whole_list(w->source, NULL, &sink, &w->last);
    pthread_mutex_lock(&w->server.turn);
    /* Behind an image that has moved even a listing page by page finds another list. */
    if (r == 0 && !w->shop.tainted) {
        for (int i = 0; i < w->shop.made; i++)
            w->shop.stayed[i] &= !w->shop.moved[i];
        assert_whole(w);
    }
    pthread_mutex_unlock(&w->server.turn);
    return r;
}

static void nothing_that_stays_is_lost(void **state)
{
    (void)state;
    int whole = 0;
    for (unsigned seed = 1; seed <= 240; seed++) {
        struct world w;
        open_world(&w, seed % 5 ? "images" : "cloudimages", 4, 8 * PAGE + 2);
        w.shop.seed = seed;
        w.shop.moves = seed % 3 == 0;
        w.jitter = seed;
        for (int i = 0; i < 12; i++) {
            pthread_mutex_lock(&w.server.turn);
            w.shop.change = i % 2 ? 6 + (int)seed % 40 : 0;
            if (i % 2 == 0 && i > 2)
                add(&w.shop, 0);
            pthread_mutex_unlock(&w.server.turn);
            int r = refresh_in_motion(&w);
            assert_true(r == 0 || r == -EIO); /* images vanish again and again */
            whole += r == 0;
        }
        close_world(&w);
    }
    assert_true(whole > 240 * 9);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(pages_of_a_refresh_are_asked_for_side_by_side),
        cmocka_unit_test(so_many_at_a_time_as_is_said),
        cmocka_unit_test(a_short_list_is_read_page_by_page),
        cmocka_unit_test(a_marker_that_is_no_id_tells_nothing),
        cmocka_unit_test(new_images_before_all_others_cost_a_page),
        cmocka_unit_test(more_new_images_than_a_page),
        cmocka_unit_test(a_change_in_the_middle_is_read_page_by_page),
        cmocka_unit_test(what_moves_to_a_page_that_was_read_is_not_lost),
        cmocka_unit_test(odd_refreshes_in_a_row_make_more_careful),
        cmocka_unit_test(records_that_are_not_shown_count_once),
        cmocka_unit_test(who_asks_for_patience_gets_it),
        cmocka_unit_test(a_cancelled_refresh_ends),
        cmocka_unit_test(nothing_that_stays_is_lost),
    };
    log_setup(LOG_SINK_STDERR, LOG_LEVEL_ERROR); /* failures are what is tested */
    return cmocka_run_group_tests(tests, NULL, NULL);
}
