// SPDX-License-Identifier: Apache-2.0
#include "lists.h"

#include <errno.h>
#include <malloc.h>
#include <stdio.h>

#define MANY 200000
#define BYTES_AHEAD (192 << 10) /* for the next ones */

static uint32_t add_dir(struct lists *l, uint32_t parent, const char *name)
{
    uint32_t slot;
    assert_int_equal(numbers_add_dir(&l->numbers, parent, bytes_of(name), &slot), 0);
    return slot;
}

static void views_have_the_first_directory_numbers(void **state)
{
    (void)state;
    struct lists l;
    lists_init(&l, LAYOUT_DEFAULT);
    assert_true(l.layout->view_count > 5);
    for (uint32_t i = 0; i < l.layout->view_count; i++) {
        struct bytes name = bytes_of(l.layout->views[i].name);
        uint32_t slot;
        assert_int_equal(numbers_find_dir(&l.numbers, DIRECTORY_ROOT, name, &slot), 0);
        assert_int_equal(slot, i);
    }
    assert_int_equal(add_dir(&l, 0, "gold"), l.layout->view_count);
    lists_deinit(&l);
}

static void a_directory_is_its_parent_and_its_name(void **state)
{
    (void)state;
    struct lists l;
    lists_init(&l, LAYOUT_DEFAULT);
    uint32_t gold = add_dir(&l, 0, "gold"), debian = add_dir(&l, gold, "Debian 12"), slot;
    assert_int_equal(add_dir(&l, 0, "gold"), gold);
    assert_int_equal(add_dir(&l, gold, "Debian 12"), debian);
    assert_true(add_dir(&l, 0, "Debian 12") != debian);
    assert_true(add_dir(&l, 1, "gold") != gold);
    assert_int_equal(numbers_find_dir(&l.numbers, gold, bytes_of("Debian 12"), &slot), 0);
    assert_int_equal(slot, debian);
    assert_int_equal(numbers_find_dir(&l.numbers, gold, bytes_of("Debian 1"), &slot), -ENOENT);
    assert_int_equal(numbers_find_dir(&l.numbers, debian, bytes_of("gold"), &slot), -ENOENT);
    lists_deinit(&l);
}

/* The kernel asks for names of up to 1024 bytes. */
static void no_directory_has_a_long_name(void **state)
{
    (void)state;
    struct lists l;
    char text[1024];
    memset(text, 'x', sizeof(text));
    lists_init(&l, LAYOUT_DEFAULT);
    uint32_t slot, longest;
    assert_int_equal(numbers_add_dir(&l.numbers, 0, (struct bytes){text, 255}, &longest), 0);
    for (size_t len = 256; len <= sizeof(text); len++) {
        struct bytes name = {text, len};
        assert_int_equal(numbers_add_dir(&l.numbers, 0, name, &slot), -ENAMETOOLONG);
        assert_int_equal(numbers_find_dir(&l.numbers, 0, name, &slot), -ENOENT);
    }
    lists_deinit(&l);
}

static void every_stamp_is_later(void **state)
{
    (void)state;
    struct lists l;
    lists_init(&l, LAYOUT_DEFAULT);
    struct timespec last = l.numbers.born;
    for (int i = 0; i < 1000; i++) {
        struct timespec stamp = numbers_stamp(&l.numbers);
        assert_int_equal(compare_times(last, stamp), -1);
        last = stamp;
    }
    lists_deinit(&l);
}

static void stamps_rise_when_the_wall_clock_went_back(void **state)
{
    (void)state;
    struct lists l;
    lists_init(&l, LAYOUT_DEFAULT);
    time_t future = l.numbers.born.tv_sec + 100000;
    l.numbers.stamp_ns = (int64_t)future * 1000000000 + 999999999;
    struct timespec stamp = numbers_stamp(&l.numbers);
    assert_int_equal(stamp.tv_sec, future + 1);
    assert_int_equal(stamp.tv_nsec, 0);
    assert_int_equal(numbers_stamp(&l.numbers).tv_nsec, 1);
    lists_deinit(&l);
}

/* --- What they cost --- */

static size_t held; /* bytes that the numbers have from malloc */

void *__real_calloc(size_t count, size_t size);
void __real_free(void *p);
void *__wrap_calloc(size_t count, size_t size);
void __wrap_free(void *p);

void *__wrap_calloc(size_t count, size_t size)
{
    void *p = __real_calloc(count, size);
    held += malloc_usable_size(p);
    return p;
}

void __wrap_free(void *p)
{
    held -= malloc_usable_size(p);
    __real_free(p);
}

static void add_id(struct lists *l, const char *id)
{
    uint32_t slot;
    assert_int_equal(ids_add(l->numbers.ids, bytes_of(id), &slot), 0);
}

/* As long as the mount lives, whatever its form, and at any moment of the growth: an id, and one
 * that brings a name with it, which has a directory in by-name. */
static void an_id_that_was_once_seen_costs_little(void **state)
{
    (void)state;
    static const struct {
        int digits;
        bool named;
        size_t most;
    } cases[] = {{36, false, 26}, {128, false, 26}, {1, false, 26}, {36, true, 39}};
    for (size_t k = 0; k < ARRAY_SIZE(cases); k++) {
        struct lists l;
        lists_init(&l, LAYOUT_DEFAULT);
        const size_t before = held;
        for (uint32_t i = 0; i < MANY; i++) {
            char text[200];
            snprintf(text, sizeof(text), "%0*x", cases[k].digits, i * 2654435761u);
            add_id(&l, text);
            if (cases[k].named)
                add_dir(&l, 0, text);
            if (held - before > (i + 1) * cases[k].most + BYTES_AHEAD)
                fail_msg("%u of case %zu need %zu bytes", i + 1, k, held - before);
        }
        lists_deinit(&l);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(views_have_the_first_directory_numbers),
        cmocka_unit_test(a_directory_is_its_parent_and_its_name),
        cmocka_unit_test(no_directory_has_a_long_name),
        cmocka_unit_test(every_stamp_is_later),
        cmocka_unit_test(stamps_rise_when_the_wall_clock_went_back),
        cmocka_unit_test(an_id_that_was_once_seen_costs_little),
    };
    return cmocka_run_group_tests_name("numbers", tests, NULL, NULL);
}
