// SPDX-License-Identifier: Apache-2.0
/* trail: the way from page to page, and that it ends. */
#include "imsfs/trail.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>

#include <cmocka.h>

static struct trail t;
static const char *why;

static int set_up(void **state)
{
    (void)state;
    why = NULL;
    return trail_start(&t);
}

static int tear_down(void **state)
{
    (void)state;
    trail_free(&t);
    return 0;
}

static int follow(const char *api, const struct decode_result *page, bool news)
{
    return trail_go_on(&t, list_call_find(api), page, 3, news, &why);
}

/* To the marker of a link. */
static int follow_link(const char *marker, bool news)
{
    char next[256];
    snprintf(next, sizeof(next), "/v2/images?limit=3&marker=%s", marker);
    return follow("images", &(struct decode_result){.next = next, .records = 3}, news);
}

static void a_link_or_the_last_id_leads_on(void **state)
{
    (void)state;
    char id[] = "last";
    assert_int_equal(follow_link("a%2Fb", true), 1);
    assert_string_equal(strbuf_str(&t.marker), "a/b");
    assert_int_equal(follow("images", &(struct decode_result){.records = 3, .last_id = id}, true),
                     0);
    assert_string_equal(strbuf_str(&t.marker), "a/b");
    const struct decode_result page = {.records = 1, .last_id = id};
    assert_int_equal(follow("cloudimages", &page, true), 1);
    assert_string_equal(strbuf_str(&t.marker), "last");
    assert_int_equal(follow("cloudimages", &(struct decode_result){0}, false), 0);
}

/* What a full page without any may hide behind itself. */
static void without_an_id_a_page_may_be_the_last(void **state)
{
    (void)state;
    assert_int_equal(follow("cloudimages", &(struct decode_result){.records = 2}, false), 0);
    assert_int_equal(follow("cloudimages", &(struct decode_result){.records = 3}, false), -EIO);
    assert_non_null(strstr(why, "no record"));
}

static void no_marker_comes_twice(void **state)
{
    (void)state;
    assert_int_equal(follow_link("a", true), 1);
    assert_int_equal(follow_link("b", true), 1);
    assert_int_equal(follow_link("a", true), -EIO);
    assert_non_null(strstr(why, "came before"));
    assert_int_equal(trail_start(&t), 0);
    assert_int_equal(t.marker.len, 0);
    assert_int_equal(follow_link("a", true), 1);
}

static int idle(unsigned pages, unsigned from)
{
    char marker[16];
    int r = 1;
    for (unsigned i = 0; r == 1 && i < pages; i++) {
        snprintf(marker, sizeof(marker), "m%u", from + i);
        r = follow_link(marker, false);
    }
    return r;
}

static void a_few_pages_may_bring_no_news(void **state)
{
    (void)state;
    assert_int_equal(idle(TRAIL_IDLE_MAX, 0), 1);
    assert_int_equal(follow_link("news", true), 1);
    assert_int_equal(idle(TRAIL_IDLE_MAX, 100), 1);
    const struct decode_result last = {.records = 3};
    assert_int_equal(follow("images", &last, false), 0); /* the last one may be like them */
    assert_int_equal(idle(1, 200), -EIO);
    assert_non_null(strstr(why, "page after page"));
}

static void a_marker_is_bounded(void **state)
{
    (void)state;
    static char next[TRAIL_MARKER_MAX + 64] = "/v2/images?marker=";
    size_t len = strlen(next);
    memset(next + len, 'm', TRAIL_MARKER_MAX);
    assert_int_equal(follow("images", &(struct decode_result){.next = next}, true), 1);
    next[len + TRAIL_MARKER_MAX] = 'm';
    assert_int_equal(follow("images", &(struct decode_result){.next = next}, true), -EIO);
    assert_non_null(strstr(why, "too long"));
    assert_int_equal(follow_link("a%00b", true), -EIO);
    assert_non_null(strstr(why, "NUL"));
    assert_int_equal(follow_link("", true), -EIO);
    assert_non_null(strstr(why, "no marker"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(a_link_or_the_last_id_leads_on, set_up, tear_down),
        cmocka_unit_test_setup_teardown(without_an_id_a_page_may_be_the_last, set_up, tear_down),
        cmocka_unit_test_setup_teardown(no_marker_comes_twice, set_up, tear_down),
        cmocka_unit_test_setup_teardown(a_few_pages_may_bring_no_news, set_up, tear_down),
        cmocka_unit_test_setup_teardown(a_marker_is_bounded, set_up, tear_down),
    };
    return cmocka_run_group_tests_name("trail", tests, NULL, NULL);
}
