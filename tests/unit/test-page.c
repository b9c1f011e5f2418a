// SPDX-License-Identifier: Apache-2.0
#include "imsfs/page.h"

#include <errno.h>

#include "lists.h"

static struct lists l;

static int setup(void **state)
{
    (void)state;
    lists_init(&l, LAYOUT_DEFAULT);
    return 0;
}

static int teardown(void **state)
{
    (void)state;
    lists_deinit(&l);
    return 0;
}

static struct query *parse(const char *text)
{
    struct query *q;
    struct query_error err;
    int r = query_parse(&q, bytes_of(text), QUERY_DIALECT_UNKNOWN, &err);
    if (r < 0)
        fail_msg("%s: %s", text, err.text);
    return q;
}

static struct catalog *list(const char *const *page, const char *marker)
{
    struct catalog *c;
    assert_int_equal(catalog_new(&c, &l.numbers, CATALOG_FLAT, NULL, true), 0);
    assert_true(lists_add(&l, c, page) >= 0);
    catalog_set_more(c, marker ? strdup(marker) : NULL);
    catalog_finish(c);
    return c;
}

/* target NULL: there is no such link. */
static void check(const struct query *q, const struct catalog *c, enum node_page page,
                  const char *target)
{
    CLEANUP(strbuf_free) struct strbuf out = STRBUF_INIT;
    struct query_error err;
    struct query *back;
    assert_int_equal(page_exists(q, c, page), target != NULL);
    assert_int_equal(page_add_criteria(q, c, page, &out), target ? 0 : -ENOENT);
    assert_string_equal(strbuf_str(&out), target ? target : "");
    if (!target)
        return;
    assert_int_equal(query_parse(&back, strbuf_bytes(&out), QUERY_DIALECT_UNKNOWN, &err), 0);
    query_free(back);
}

static void pages_follow_each_other(void **state)
{
    (void)state;
    static const struct {
        const char *criteria, *marker, *first, *next;
    } rows[] = {
        {"limit=2", "b", "limit=2", "limit=2&marker=b"},
        {"limit=2&marker=a", "b", "limit=2", "limit=2&marker=b"},
        {"sort_key=name&limit=01&__os_type=Linux", "b", "__os_type=Linux&limit=01&sort_key=name",
         "__os_type=Linux&limit=01&marker=b&sort_key=name"},
        {"limit=2&tag=a=b", "x/&%41=\xc3\xa9\n", "limit=2&tag=a=b",
         "limit=2&marker=x%2F%26%2541=\xc3\xa9%0A&tag=a=b"},
        {"min_ram=0", "b", NULL, NULL},
        {"marker=a", "b", NULL, NULL},
    };
    for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
        CLEANUP(query_clear) struct query *q = parse(rows[i].criteria);
        struct catalog *c = list(PAGE(RECORD("z", "n", "active")), rows[i].marker);
        check(q, c, NODE_PAGE_FIRST, rows[i].first);
        check(q, c, NODE_PAGE_NEXT, rows[i].next);
        catalog_free(c);
    }
}

static void the_last_page_has_no_next(void **state)
{
    (void)state;
    CLEANUP(query_clear) struct query *q = parse("limit=2&marker=a");
    struct catalog *last = list(PAGE(RECORD("z", "n", "active")), NULL);
    struct catalog *empty = list(PAGE(NULL), NULL);
    struct catalog *growing;
    assert_int_equal(catalog_new(&growing, &l.numbers, CATALOG_FLAT, NULL, true), 0);
    assert_int_equal(lists_add(&l, growing, PAGE(RECORD("z", "n", "active"))), 1);
    catalog_set_more(growing, strdup("z"));
    const struct catalog *const lists[] = {last, empty, growing, NULL};
    for (size_t i = 0; i < ARRAY_SIZE(lists); i++) {
        check(q, lists[i], NODE_PAGE_FIRST, "limit=2");
        check(q, lists[i], NODE_PAGE_NEXT, NULL);
    }
    catalog_free(growing);
    catalog_free(empty);
    catalog_free(last);
}

/* The server says where it goes on, even behind records that are not shown. */
static void a_page_that_shows_nothing_has_a_next_one(void **state)
{
    (void)state;
    CLEANUP(query_clear) struct query *q = parse("limit=2&marker=a");
    struct catalog *c = list(PAGE(NULL), "m");
    check(q, c, NODE_PAGE_NEXT, "limit=2&marker=m");
    catalog_free(c);
}

static uint32_t version(const char *marker)
{
    struct catalog *c = list(PAGE(RECORD("z", "n", "active")), marker);
    uint32_t v = page_version(c, NODE_PAGE_NEXT);
    assert_int_equal(page_version(c, NODE_PAGE_FIRST), 0);
    catalog_free(c);
    return v;
}

static void next_has_another_version_for_another_target(void **state)
{
    (void)state;
    assert_int_equal(version("b"), version("b"));
    assert_int_not_equal(version("a"), version("b"));
    assert_int_not_equal(version("00000000-0000-4000-8000-000000000003"),
                         version("00000000-0000-4000-8000-000000000004"));
    assert_in_range(version("b"), 1, (1u << NODE_PAGE_VERSION_BITS) - 1);
    assert_int_equal(version(NULL), 0);
    assert_int_equal(page_version(NULL, NODE_PAGE_NEXT), 0);
}

static void pages_have_names(void **state)
{
    (void)state;
    enum node_page page;
    assert_true(page_of_name(bytes_of("first"), &page) && page == NODE_PAGE_FIRST);
    assert_true(page_of_name(bytes_of("next"), &page) && page == NODE_PAGE_NEXT);
    assert_false(page_of_name(bytes_of("Next"), &page));
    assert_false(page_of_name(bytes_of("next@a"), &page));
    assert_false(page_of_name(bytes_of(""), &page));
    assert_string_equal(page_name(NODE_PAGE_FIRST), "first");
    assert_string_equal(page_name(NODE_PAGE_NEXT), "next");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(pages_follow_each_other),
        cmocka_unit_test(the_last_page_has_no_next),
        cmocka_unit_test(a_page_that_shows_nothing_has_a_next_one),
        cmocka_unit_test(next_has_another_version_for_another_target),
        cmocka_unit_test(pages_have_names),
    };
    return cmocka_run_group_tests_name("page", tests, setup, teardown);
}
