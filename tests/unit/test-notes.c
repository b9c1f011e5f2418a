// SPDX-License-Identifier: Apache-2.0
#include "imsfs/notes.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>

#include <cmocka.h>

#include "attrs.h"

#define UNKNOWN 99 /* an inode */
#define FAILS 98   /* another */

/* What was told, as text. */
struct told {
    struct strbuf text;
    size_t left; /* so many more, then it is enough */
};

static int tell(void *ctx, const struct diff_item *item)
{
    struct told *t = ctx;
    if (t->left-- == 0)
        return -ECANCELED;
    strbuf_printf(&t->text, "%llu", (unsigned long long)item->ino);
    if (item->kind == DIFF_ENTRY) {
        assert_int_equal(strlen(item->name), item->name_len);
        strbuf_printf(&t->text, ":%s", item->name);
    } else {
        assert_int_equal(item->kind, DIFF_DATA);
    }
    strbuf_add_char(&t->text, ' ');
    if (item->ino == FAILS)
        return -ENOMEM;
    return item->ino == UNKNOWN ? -ENOENT : 0;
}

static void assert_told(const struct notes *notes, size_t enough, int r, const char *expected)
{
    struct told t = {.left = enough};
    assert_int_equal(notes_tell(notes, attrs, tell, &t), r);
    assert_string_equal(strbuf_str(&t.text), expected);
    strbuf_free(&t.text);
}

static void add_data(struct notes *notes, uint64_t ino)
{
    const struct diff_item item = {.kind = DIFF_DATA, .ino = ino};
    assert_int_equal(notes_add(notes, &item), 0);
}

static void add_entry(struct notes *notes, uint64_t ino, const char *name)
{
    const struct diff_item item = {DIFF_ENTRY, ino, .name = name, .name_len = strlen(name)};
    assert_int_equal(notes_add(notes, &item), 0);
}

static void add_files(struct notes *notes, uint64_t ino, const uint16_t *slots, uint16_t count)
{
    const struct diff_item item = {DIFF_FILES, ino, .attrs = slots, .attr_count = count};
    assert_int_equal(notes_add(notes, &item), 0);
}

static const uint16_t two[] = {IMAGE_JSON_SLOT, IMAGE_SLOT_STATUS};
static const uint16_t other_two[] = {IMAGE_JSON_SLOT, IMAGE_SLOT_NAME};

static void items_come_in_order_as_often_as_asked(void **state)
{
    (void)state;
    CLEANUP(notes_free) struct notes notes = NOTES_INIT;
    assert_told(&notes, 100, 0, "");
    add_data(&notes, 7);
    add_entry(&notes, 8, "n");
    add_files(&notes, 1, two, 2);
    add_files(&notes, 2, two, 2);
    add_entry(&notes, 8, "another");
    add_files(&notes, 3, two, 1);
    add_files(&notes, 4, other_two, 2);
    add_files(&notes, 5, other_two, 2);
    add_files(&notes, 6, two, 0);
    for (int i = 0; i < 2; i++)
        assert_told(&notes, 100, 0,
                    "7 8:n 1 1:image.json 1:status 1 2 2:image.json 2:status 2 8:another "
                    "3 3:image.json 3 4 4:image.json 4:name 4 5 5:image.json 5:name 5 6 6 ");
}

/* And nothing else is left out for it. */
static void of_a_directory_that_is_not_known_no_names_are_told(void **state)
{
    (void)state;
    CLEANUP(notes_free) struct notes notes = NOTES_INIT;
    add_data(&notes, UNKNOWN);
    add_entry(&notes, UNKNOWN, "n");
    add_files(&notes, UNKNOWN, two, 2);
    add_files(&notes, 2, two, 2);
    add_files(&notes, UNKNOWN, two, 2);
    assert_told(&notes, 100, 0, "99 99:n 99 2 2:image.json 2:status 2 99 ");
}

/* The kernel may have no memory for one of them. */
static void what_fails_keeps_nothing_else(void **state)
{
    (void)state;
    CLEANUP(notes_free) struct notes notes = NOTES_INIT;
    add_data(&notes, FAILS);
    add_entry(&notes, FAILS, "n");
    add_files(&notes, FAILS, two, 2);
    add_files(&notes, 2, two, 2);
    assert_told(&notes, 100, 0, "98 98:n 98 98:image.json 98:status 98 2 2:image.json 2:status 2 ");
}

static void who_has_enough_ends_it(void **state)
{
    (void)state;
    CLEANUP(notes_free) struct notes notes = NOTES_INIT;
    add_files(&notes, 1, two, 2);
    add_data(&notes, 2);
    assert_told(&notes, 2, -ECANCELED, "1 1:image.json ");
    assert_told(&notes, 4, -ECANCELED, "1 1:image.json 1:status 1 ");
}

/* A change of everything must not cost what the list costs. */
static void images_alike_cost_little(void **state)
{
    (void)state;
    CLEANUP(notes_free) struct notes notes = NOTES_INIT;
    uint16_t slots[47];
    for (uint16_t i = 0; i < 47; i++)
        slots[i] = i;
    for (uint64_t i = 0; i < 1000; i++)
        add_files(&notes, i, slots, 47);
    assert_in_range(notes.text.len, 1, 10 * 1000);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, attrs_setup, attrs_teardown)

/* Each thing once: files before names before directories; of files all that any note has. */
static void many_are_folded_into_one(void **state)
{
    (void)state;
    struct notes all[4] = {NOTES_INIT, NOTES_INIT, NOTES_INIT, NOTES_INIT};
    CLEANUP(notes_free) struct notes one = NOTES_INIT;
    add_data(&all[0], 7);
    add_entry(&all[0], 8, "n");
    add_files(&all[0], 2, two, 2);
    add_files(&all[0], 1, two, 2);
    add_entry(&all[1], 8, "n");
    add_entry(&all[1], 8, "a");
    add_entry(&all[1], 6, "n");
    add_data(&all[1], 7);
    add_data(&all[1], 5);
    add_files(&all[3], 1, other_two, 2);
    add_files(&all[3], 3, other_two, 2);
    add_files(&all[3], 2, two, 2);
    assert_int_equal(notes_fold(&one, all, ARRAY_SIZE(all)), 0);
    assert_told(&one, 100, 0,
                "1 1:image.json 1:status 1:name 1 2 2:image.json 2:status 2 "
                "3 3:image.json 3:name 3 6:n 8:a 8:n 5 7 ");
    for (size_t i = 0; i < ARRAY_SIZE(all); i++)
        notes_free(&all[i]);
}

static void a_hundred_alike_take_the_room_of_one(void **state)
{
    (void)state;
    struct notes all[100];
    CLEANUP(notes_free) struct notes one = NOTES_INIT;
    for (size_t i = 0; i < ARRAY_SIZE(all); i++) {
        all[i] = NOTES_INIT;
        for (uint64_t ino = 1; ino <= 50; ino++) {
            add_files(&all[i], ino, two, 2);
            add_entry(&all[i], ino, "name");
        }
    }
    assert_int_equal(notes_fold(&one, all, ARRAY_SIZE(all)), 0);
    assert_true(one.text.len <= all[0].text.len);
    for (size_t i = 0; i < ARRAY_SIZE(all); i++)
        notes_free(&all[i]);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(items_come_in_order_as_often_as_asked),
        TEST(of_a_directory_that_is_not_known_no_names_are_told),
        TEST(what_fails_keeps_nothing_else),
        TEST(who_has_enough_ends_it),
        TEST(images_alike_cost_little),
        TEST(many_are_folded_into_one),
        TEST(a_hundred_alike_take_the_room_of_one),
    };
    return cmocka_run_group_tests_name("notes", tests, NULL, NULL);
}
