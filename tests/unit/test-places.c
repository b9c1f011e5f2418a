// SPDX-License-Identifier: Apache-2.0
/* places: names and the lists that they show, and what goes when there are too many. */
#include "imsfs/places.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>

#include <cmocka.h>

#define LIST 7
#define TENURE 3
#define RESERVED 5
#define NUMBER_MAX 0xFFFFFFu

static struct places p;

static int setup(void **state)
{
    (void)state;
    places_init(&p, RESERVED);
    return 0;
}

static int teardown(void **state)
{
    (void)state;
    places_deinit(&p);
    assert_null(p.names);
    return 0;
}

static struct place *place_of(uint32_t list, uint32_t tenure)
{
    struct query *q = NULL;
    struct query_error err;
    assert_int_equal(query_parse(&q, bytes_of("limit=1"), QUERY_DIALECT_IMS, &err), 0);
    struct place *place = places_get(&p, list, tenure, &q);
    assert_non_null(place);
    query_free(q); /* it was taken over, if there was none */
    return place;
}

static struct spelling *add(struct place *place, const char *name)
{
    struct spelling *s;
    assert_int_equal(places_add(&p, place, bytes_of(name), &s), 0);
    return s;
}

static int count(void *ctx, struct bytes name)
{
    assert_true(name.len > 0);
    ++*(unsigned *)ctx;
    return 0;
}

static void spellings_share_a_place(void **state)
{
    (void)state;
    struct place *place = place_of(LIST, TENURE);
    struct spelling *a = add(place, "a"), *b = add(place, "b");
    assert_ptr_equal(place_of(LIST, TENURE), place);
    assert_ptr_equal(add(place, "a"), a);
    assert_ptr_equal(places_find(&p, bytes_of("b")), b);
    assert_true(b->number > a->number);
    const struct node node = place_node(b);
    assert_int_equal(node.kind, NODE_QUERY);
    assert_int_equal(node.query, LIST);
    assert_int_equal(node.generation, TENURE);
    assert_int_equal(node.spelling, b->number);
}

static void a_name_belongs_to_one_place(void **state)
{
    (void)state;
    struct place *old = place_of(LIST, TENURE), *now = place_of(LIST + 1, TENURE);
    uint32_t number = add(old, "a")->number;
    struct spelling *moved = add(now, "a");
    assert_true(moved->number > number);
    assert_false(place_has(old, number));
    assert_true(place_has(now, moved->number));
}

static void another_tenure_is_another_place(void **state)
{
    (void)state;
    struct place *old = place_of(LIST, TENURE);
    uint32_t number = add(old, "a")->number;
    old->refs++; /* somebody uses it */
    struct place *now = place_of(LIST, TENURE + 1);
    assert_ptr_not_equal(now, old);
    assert_null(places_find(&p, bytes_of("a")));
    assert_false(place_has(now, number));
    assert_int_equal(query_limit(old->criteria), 1);
    place_unref(old);
}

static void a_place_goes_with_its_names(void **state)
{
    (void)state;
    unsigned told = 0;
    struct place *place = place_of(LIST, TENURE);
    struct timespec before = p.changed;
    add(place, "a");
    add(place, "b");
    add(place_of(LIST + 1, TENURE), "c");
    assert_int_equal(place_each(place, count, &told), 0);
    assert_int_equal(told, 2);
    places_drop(&p, place);
    assert_null(places_at(&p, LIST));
    assert_null(places_find(&p, bytes_of("a")));
    assert_non_null(places_find(&p, bytes_of("c")));
    assert_true(memcmp(&before, &p.changed, sizeof(before)) != 0);
}

/* Each spelling of a list costs a note for each change in it. */
static void a_place_has_few_spellings(void **state)
{
    (void)state;
    char name[16];
    struct place *other = place_of(LIST + 1, TENURE), *place = place_of(LIST, TENURE);
    add(other, "other");
    add(place, "canonical")->canonical = true;
    add(place, "named")->named = true;
    for (unsigned i = 0; i < 3 * PLACES_SPELLINGS_MAX; i++) {
        snprintf(name, sizeof(name), "name%u", i);
        struct spelling *s = add(place, name);
        assert_true(place_has(place, s->number));
        assert_true(place->count <= PLACES_SPELLINGS_MAX);
    }
    assert_int_equal(place->count, PLACES_SPELLINGS_MAX);
    assert_non_null(places_find(&p, bytes_of("canonical")));
    assert_non_null(places_find(&p, bytes_of("named")));
    assert_non_null(places_find(&p, bytes_of("other")));
    assert_non_null(places_find(&p, bytes_of(name)));
    assert_null(places_find(&p, bytes_of("name0")));
}

static void all_places_have_names_enough(void **state)
{
    (void)state;
    char name[16];
    for (uint32_t i = 0; i < PLACES_NAMES_MAX + 10; i++) {
        snprintf(name, sizeof(name), "%u", i);
        add(place_of(1 + i % (ROSTER_NUMBERS - 1), TENURE), name)->canonical = i == 0;
    }
    assert_int_equal(HASH_COUNT(p.names), PLACES_NAMES_MAX);
    assert_non_null(places_find(&p, bytes_of("0")));
    assert_null(places_find(&p, bytes_of("1")));
    assert_non_null(places_find(&p, bytes_of(name)));
}

/* Those that were kept for others are not given out then either, nor what is in use. */
static void numbers_begin_again_behind_the_reserved(void **state)
{
    (void)state;
    struct place *place = place_of(LIST, TENURE);
    assert_int_equal(add(place, "a")->number, RESERVED + 1);
    p.last_number = NUMBER_MAX - 1;
    assert_int_equal(add(place, "b")->number, NUMBER_MAX);
    assert_int_equal(add(place, "c")->number, RESERVED + 2);
    assert_int_equal(add(place, "d")->number, RESERVED + 3);
}

static void a_named_query_leads_to_a_place_or_not(void **state)
{
    (void)state;
    struct place *place = place_of(LIST, TENURE), *other = place_of(LIST + 1, TENURE);
    add(place, "a");
    add(place, "b")->named = 1;
    add(other, "c");
    assert_true(place_has_named(place));
    assert_false(place_has_named(other));
    add(other, "b")->named = 1; /* it is somewhere else now */
    assert_false(place_has_named(place));
    assert_true(place_has_named(other));
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
    const struct CMUnitTest tests[] = {
        TEST(spellings_share_a_place),
        TEST(a_name_belongs_to_one_place),
        TEST(another_tenure_is_another_place),
        TEST(a_place_goes_with_its_names),
        TEST(numbers_begin_again_behind_the_reserved),
        TEST(a_named_query_leads_to_a_place_or_not),
        TEST(a_place_has_few_spellings),
        TEST(all_places_have_names_enough),
    };
    return cmocka_run_group_tests_name("places", tests, NULL, NULL);
}
