// SPDX-License-Identifier: Apache-2.0
#include "lists.h"

#define IMAGES 500

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

/* Slots as those of a few in a large list: with gaps, not in order. */
static uint32_t slot_of(uint32_t i)
{
    return (i * 7919u + 13) % 16381 * 50;
}

static void fill(struct roll *r, struct image *img, uint32_t count)
{
    for (uint32_t i = 0; i < count; i++) {
        const struct roll_item item = {image_ref(img), slot_of(i), .version = i, .home = i + 1};
        assert_null(roll_find(r, item.slot));
        assert_int_equal(roll_reserve(r), 0);
        assert_null(roll_find(r, item.slot));
        roll_put(r, &item);
    }
}

static void everybody_is_found_by_slot(void **state)
{
    (void)state;
    struct image *img = lists_image(&l, RECORD("a", "n", "active"));
    struct roll r = {0};
    uint32_t walked = 0;
    assert_null(roll_find(&r, 0));
    fill(&r, img, IMAGES);
    image_unref(img);
    for (uint32_t i = 0; i < IMAGES; i++) {
        const struct roll_item *item = roll_find(&r, slot_of(i));
        assert_non_null(item);
        assert_int_equal(item->version, i);
        assert_int_equal(item->home, i + 1);
        assert_null(roll_find(&r, slot_of(i) + 1));
    }
    for (uint32_t i = 0; i < r.limit; i++)
        walked += roll_at(&r, i) != NULL;
    assert_int_equal(walked, IMAGES);
    assert_int_equal(r.count, IMAGES);
    assert_null(roll_find(&r, 0xFFFFFF));
    roll_deinit(&r);
}

static void high_slots_need_no_memory(void **state)
{
    (void)state;
    struct image *img = lists_image(&l, RECORD("a", "n", "active"));
    struct roll r = {0};
    assert_int_equal(roll_bytes(&r), 0);
    fill(&r, img, 3);
    assert_true(r.slots > slot_of(2));
    assert_true(roll_bytes(&r) <= 8 * sizeof(struct roll_item));
    assert_true(roll_image_bytes(img) > image_json(img).len);
    roll_deinit(&r);
    image_unref(img);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(everybody_is_found_by_slot),
        cmocka_unit_test(high_slots_need_no_memory),
    };
    return cmocka_run_group_tests_name("roll", tests, setup, teardown);
}
