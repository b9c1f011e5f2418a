// SPDX-License-Identifier: Apache-2.0
#include "imsfs/attic.h"

#include "lists.h"

#define A0 RECORD("a", "n", "active")
#define A1 RECORD("a", "n", "queued")
#define A2 RECORD("a", "m", "queued")
#define B0 RECORD("b", "n", "active")
#define B1 RECORD("b", "n", "queued")
#define BIG (ATTIC_BYTES / 2 + 1) /* two do not fit */

static struct lists l;
static struct attic attic;

static int setup(void **state)
{
    (void)state;
    lists_init(&l, "status");
    attic = (struct attic){0};
    return 0;
}

static int teardown(void **state)
{
    (void)state;
    attic_free(attic.boxes);
    lists_deinit(&l);
    return 0;
}

/* Whether the attic has the image in a version. */
static bool has(const char *id, uint32_t version)
{
    uint32_t slot = lists_slot(&l, id);
    const struct image *img = attic_find(&attic, slot, version);
    if (!img)
        return false;
    assert_true(bytes_are(image_id(img), id));
    return true;
}

/* A list takes the place of *c. */
static void replace(struct catalog **c, const char *const *page)
{
    struct catalog *now = lists_catalog(&l, *c, page);
    if (*c)
        attic_free(attic_put(&attic, attic_pack(*c, now)));
    catalog_free(*c);
    *c = now;
}

static void what_a_list_replaced_is_found_by_its_version(void **state)
{
    (void)state;
    struct catalog *c = NULL;
    replace(&c, PAGE(A0, B0));
    assert_false(has("a", 0));
    replace(&c, PAGE(A1, B0));
    assert_true(has("a", 0));
    assert_false(has("a", 1));
    assert_false(has("b", 0));
    replace(&c, PAGE(A2));
    assert_true(has("a", 0));
    assert_true(has("a", 1));
    assert_true(has("b", 0));
    assert_false(has("a", 2));
    const struct image *old = attic_find(&attic, lists_slot(&l, "a"), 1);
    CLEANUP(strbuf_free) struct strbuf text = STRBUF_INIT;
    image_add_content(old, image_attr_find(old, IMAGE_SLOT_NAME), &text);
    assert_string_equal(strbuf_str(&text), "n\n");
    catalog_free(c);
}

/* It never has a version again that it had, not even after it was gone; but the last one, which is
 * what the kernel may know, if it comes back as it went. */
static void an_image_that_comes_back_otherwise_has_another_version(void **state)
{
    (void)state;
    struct catalog *c = NULL;
    replace(&c, PAGE(A0, B0));
    replace(&c, PAGE(B0));
    replace(&c, PAGE(A0, B0));
    assert_int_equal(catalog_version(c, lists_slot(&l, "a")), 0);
    assert_int_equal(catalog_version(c, lists_slot(&l, "b")), 0);
    replace(&c, PAGE(B0));
    replace(&c, PAGE(A1, B0));
    assert_int_equal(catalog_version(c, lists_slot(&l, "a")), 1);
    assert_true(has("a", 0));
    assert_false(has("a", 1));
    replace(&c, PAGE(A0, B0));
    assert_int_equal(catalog_version(c, lists_slot(&l, "a")), 2);
    catalog_free(c);
}

static void without_a_change_there_is_no_box(void **state)
{
    (void)state;
    struct catalog *c = lists_catalog(&l, NULL, PAGE(A0, B0));
    struct catalog *same = lists_catalog(&l, c, PAGE(B0, A0));
    struct catalog *more = lists_catalog(&l, same, PAGE(B0, A0, RECORD("c", "n", "x")));
    assert_null(attic_pack(c, same));
    assert_null(attic_pack(same, more));
    assert_null(attic_put(&attic, NULL));
    assert_null(attic.boxes);
    catalog_free(more);
    catalog_free(same);
    catalog_free(c);
}

/* A list of one image of about so many bytes. */
static struct catalog *big_list(const struct catalog *previous, size_t size, char letter)
{
    CLEANUP(strbuf_free) struct strbuf json = STRBUF_INIT;
    strbuf_add_str(&json, "{\"id\":\"a\",\"name\":\"");
    while (json.len < size)
        strbuf_add_char(&json, letter);
    strbuf_add_str(&json, "\"}");
    return lists_catalog(&l, previous, PAGE(strbuf_str(&json)));
}

static void replace_with_big(struct catalog **c, size_t size, char letter)
{
    struct catalog *now = big_list(*c, size, letter);
    attic_free(attic_put(&attic, attic_pack(*c, now)));
    catalog_free(*c);
    *c = now;
}

static void the_newest_is_kept_whole_until_the_kernel_was_told(void **state)
{
    (void)state;
    struct catalog *c = big_list(NULL, 2 * BIG, 'a');
    replace_with_big(&c, 100, 'b');
    assert_true(has("a", 0)); /* more than there is room for */
    attic_free(attic_clear_out(&attic));
    assert_false(has("a", 0));
    replace_with_big(&c, 100, 'c');
    attic_free(attic_clear_out(&attic));
    assert_true(has("a", 1)); /* there is room */
    catalog_free(c);
}

static void the_oldest_go_first(void **state)
{
    (void)state;
    struct catalog *c = big_list(NULL, BIG, 'a');
    replace_with_big(&c, BIG, 'b'); /* version 0 is old */
    replace_with_big(&c, BIG, 'c');
    assert_true(has("a", 0) && has("a", 1));
    replace_with_big(&c, 100, 'd');
    assert_true(!has("a", 0) && has("a", 1) && has("a", 2));
    attic_free(attic_clear_out(&attic));
    assert_true(!has("a", 1) && has("a", 2));
    catalog_free(c);
}

static void there_are_not_too_many(void **state)
{
    (void)state;
    struct catalog *c = NULL;
    replace(&c, PAGE(A0));
    for (uint32_t i = 0; i < ATTIC_BOXES; i++) {
        assert_true(i == 0 || has("a", 0));
        replace(&c, i % 2 ? PAGE(A0) : PAGE(A1));
    }
    assert_true(has("a", 0));
    replace(&c, PAGE(A2));
    assert_false(has("a", 0));
    for (uint32_t i = 1; i <= ATTIC_BOXES; i++)
        assert_true(has("a", i));
    catalog_free(c);
}

/* Numbers of files have the lowest bits only: then the newest one is meant. */
static void versions_come_round(void **state)
{
    (void)state;
    struct catalog *c = NULL;
    replace(&c, PAGE(A0));
    for (uint32_t i = 0; i < (1u << NUMBERS_VERSION_BITS); i++)
        replace(&c, i % 2 ? PAGE(A0) : PAGE(A1));
    uint32_t a = lists_slot(&l, "a");
    assert_int_equal(catalog_version(c, a), 1u << NUMBERS_VERSION_BITS);
    assert_true(numbers_same_version(catalog_version(c, a), 0));
    assert_true(has("a", 0x3FF));
    assert_false(has("a", 0));
    replace(&c, PAGE(B1));
    assert_true(has("a", 0));
    catalog_free(c);
}

static bool sent_back(const struct catalog *c, const char *path, const char *name, pid_t pid)
{
    uint32_t home = lists_dir(&l, c, path)->slot;
    return attic_send_back(&attic, lists_slot(&l, "a"), home, bytes_of(name), pid);
}

static void from_its_old_place_one_is_sent_back_once(void **state)
{
    (void)state;
    struct catalog *c = NULL;
    replace(&c, PAGE(A0, B0));
    assert_false(sent_back(c, "images/active", "n@a", 1));
    replace(&c, PAGE(A1, B0));
    assert_true(sent_back(c, "images/active", "n@a", 1));
    assert_false(sent_back(c, "images/active", "n@a", 1));
    assert_true(sent_back(c, "images/active", "n@a", 1)); /* another walk */
    assert_true(sent_back(c, "images/active", "n@a", 2));
    assert_false(sent_back(c, "images/active", "n@a", 2));
    assert_true(sent_back(c, "images/active", "n@a", 4));
    assert_true(sent_back(c, "images/active", "n@a", 5)); /* of whom the other knows nothing */
    assert_false(sent_back(c, "images/active", "n@a", 4));
    assert_false(sent_back(c, "images/active", "n@a", 5));
    assert_false(sent_back(c, "images/active", "n@a", 0)); /* nobody knows who */
    assert_false(sent_back(c, "images/active", "m@a", 3));
    assert_false(sent_back(c, "images/queued", "n@a", 3));
    replace(&c, PAGE(A2, B0)); /* renamed */
    assert_true(sent_back(c, "images/active", "n@a", 3));
    assert_true(sent_back(c, "images/queued", "n@a", 3));
    attic_free(attic_clear_out(&attic));
    assert_false(sent_back(c, "images/active", "n@a", 4));
    assert_false(sent_back(c, "images/queued", "n@a", 4));
    catalog_free(c);
}

static void from_a_directory_that_went_one_is_sent_back_once(void **state)
{
    (void)state;
    struct catalog *c = NULL;
    replace(&c, PAGE(A0));
    uint32_t images = lists_dir(&l, c, "images")->slot;
    uint32_t active = lists_dir(&l, c, "images/active")->slot;
    uint32_t links = lists_dir(&l, c, "by-status/active")->slot;
    assert_false(attic_send_back_from(&attic, active, 1));
    replace(&c, PAGE(A1));
    assert_true(attic_send_back_from(&attic, active, 1));
    assert_false(attic_send_back_from(&attic, active, 1));
    assert_true(attic_send_back_from(&attic, active, 1)); /* another walk */
    attic_was_sent_back(&attic, active, 2);               /* he was in it */
    assert_false(attic_send_back_from(&attic, active, 2));
    assert_false(attic_send_back_from(&attic, active, 0)); /* nobody knows who */
    assert_false(attic_send_back_from(&attic, images, 3));
    assert_false(attic_send_back_from(&attic, links, 3)); /* where no link leads to */
    assert_true(attic_send_back_from(&attic, active, 4));
    assert_true(attic_send_back_from(&attic, active, 5));
    assert_false(attic_send_back_from(&attic, active, 4));
    attic_was_sent_back(&attic, images, 3);
    replace(&c, PAGE(A0)); /* it goes once more */
    replace(&c, PAGE(A1));
    assert_true(attic_send_back_from(&attic, active, 1));
    attic_free(attic_clear_out(&attic));
    assert_false(attic_send_back_from(&attic, active, 4));
    catalog_free(c);
}

/* Whose images are not sorted. */
static void of_a_flat_list_everything_is_found(void **state)
{
    (void)state;
    static const char *const page[] = {
        RECORD("a", "n", "x"), RECORD("b", "n", "x"), RECORD("c", "n", "x"), RECORD("d", "n", "x"),
        RECORD("e", "n", "x"), RECORD("f", "n", "x"), RECORD("g", "n", "x"), NULL};
    struct catalog *c, *empty;
    assert_int_equal(catalog_new(&c, &l.numbers, CATALOG_FLAT, NULL, false), 0);
    assert_int_equal(lists_add(&l, c, page), ARRAY_SIZE(page) - 1);
    catalog_finish(c);
    assert_int_equal(catalog_new(&empty, &l.numbers, CATALOG_FLAT, NULL, false), 0);
    attic_free(attic_put(&attic, attic_pack(c, empty)));
    for (char id[] = "a"; id[0] <= 'g'; id[0]++)
        assert_true(has(id, 0));
    catalog_free(empty);
    catalog_free(c);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(what_a_list_replaced_is_found_by_its_version),
        TEST(an_image_that_comes_back_otherwise_has_another_version),
        TEST(without_a_change_there_is_no_box),
        TEST(the_newest_is_kept_whole_until_the_kernel_was_told),
        TEST(the_oldest_go_first),
        TEST(there_are_not_too_many),
        TEST(versions_come_round),
        TEST(of_a_flat_list_everything_is_found),
        TEST(from_its_old_place_one_is_sent_back_once),
        TEST(from_a_directory_that_went_one_is_sent_back_once),
    };
    return cmocka_run_group_tests_name("attic", tests, NULL, NULL);
}
