// SPDX-License-Identifier: Apache-2.0
/* push: who gets credit, what it buys, and that one at a time stores. */
#include "imsfs/push.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <unistd.h>

#include <cmocka.h>

#include "imsfs/image.h"

#define GREP 100
#define FIND 200
#define FILES 20 /* of an image, but for image.json */

static struct push push;

static int setup(void **state)
{
    (void)state;
    push_init(&push, false);
    return 0;
}

static int teardown(void **state)
{
    (void)state;
    push_deinit(&push);
    return 0;
}

static struct node file_of(uint32_t image, uint32_t attr)
{
    return (struct node){.kind = NODE_FILE, .image = image, .attr = attr};
}

/* What a READ brings, when the kernel has use for it. */
static enum push_what reads(pid_t pid, uint32_t image, uint32_t attr)
{
    const struct node file = file_of(image, attr);
    enum push_what what = push_read(&push, pid, &file);
    if (what != PUSH_NOTHING)
        push_done(&push, true);
    return what;
}

static enum push_what lists(pid_t pid, uint32_t image)
{
    const struct node dir = {.kind = NODE_IMAGE, .image = image};
    enum push_what what = push_listed(&push, pid, &dir);
    if (what != PUSH_NOTHING)
        push_done(&push, true);
    return what;
}

/* Reads all files of an image that nothing was known of. */
static void earn(pid_t pid, uint32_t image)
{
    for (uint32_t attr = 1; attr < PUSH_FILES; attr++)
        assert_int_not_equal(reads(pid, image, attr), PUSH_WHOLE);
    assert_int_equal(reads(pid, image, PUSH_FILES), PUSH_WHOLE);
}

static void who_only_lists_gets_nothing(void **state)
{
    (void)state;
    for (uint32_t image = 0; image < 1000; image++)
        assert_int_equal(lists(FIND, image), PUSH_NOTHING);
    earn(GREP, 1000);
    assert_int_equal(lists(FIND, 1001), PUSH_NOTHING);
    assert_int_equal(lists(0, 1002), PUSH_NOTHING);
    assert_int_equal(lists(GREP, 1003), PUSH_WHOLE);
}

static void who_reads_some_files_of_each_gets_no_credit(void **state)
{
    (void)state;
    for (uint32_t image = 0; image < 100; image++)
        for (uint32_t attr = 1; attr < PUSH_FILES; attr++) {
            enum push_what what = reads(GREP, image, attr);
            assert_true(what == PUSH_NOTHING || what == PUSH_AHEAD);
        }
    assert_int_equal(lists(GREP, 100), PUSH_NOTHING);
}

static void the_same_file_again_is_no_other_file(void **state)
{
    (void)state;
    for (unsigned i = 0; i < 100; i++)
        assert_int_equal(reads(GREP, 1, 5), PUSH_NOTHING);
}

static void credit_is_for_so_many_images(void **state)
{
    (void)state;
    earn(GREP, 0);
    for (uint32_t image = 1; image < PUSH_CREDIT; image++)
        assert_int_not_equal(lists(GREP, image), PUSH_NOTHING);
    assert_int_equal(lists(GREP, PUSH_CREDIT), PUSH_NOTHING);
}

static void the_probe_renews_it(void **state)
{
    (void)state;
    earn(GREP, 0);
    unsigned probes = 0;
    for (uint32_t image = 1; image < 10 * PUSH_CREDIT; image++) {
        enum push_what what = lists(GREP, image);
        assert_int_not_equal(what, PUSH_NOTHING);
        if (what == PUSH_IMAGE) {
            probes++;
            assert_int_equal(reads(GREP, image, IMAGE_JSON_SLOT), PUSH_NOTHING);
        }
    }
    assert_int_equal(probes, 10 * PUSH_CREDIT / PUSH_PROBE);
}

/* With the kernel's listing of it: after find, or beside it. */
static void the_first_read_of_an_image_pushes_it_once(void **state)
{
    (void)state;
    earn(GREP, 0);
    assert_int_equal(reads(GREP, 1, 1), PUSH_WHOLE);
    for (uint32_t attr = 2; attr < FILES; attr++)
        assert_int_equal(reads(GREP, 1, attr), PUSH_NOTHING);
    assert_int_equal(lists(GREP, 2), PUSH_WHOLE);
    assert_int_equal(reads(GREP, 2, 1), PUSH_NOTHING);
}

static void what_was_pushed_for_one_is_not_for_another(void **state)
{
    (void)state;
    earn(GREP, 0);
    earn(GREP + 1, 1);
    assert_int_equal(lists(GREP, 2), PUSH_WHOLE);
    assert_int_equal(reads(GREP + 1, 2, 1), PUSH_NOTHING);
    assert_int_equal(reads(GREP + 1, 3, 1), PUSH_WHOLE);
}

static void images_of_two_lists_are_different(void **state)
{
    (void)state;
    earn(GREP, 0);
    struct node file = file_of(0, 1);
    file.query = 7;
    assert_int_equal(push_read(&push, GREP, &file), PUSH_WHOLE);
    push_done(&push, true);
}

static void one_at_a_time_stores(void **state)
{
    (void)state;
    const struct node dir = {.kind = NODE_IMAGE, .image = 9};
    earn(GREP, 0);
    earn(GREP + 1, 1);
    assert_int_equal(push_listed(&push, GREP, &dir), PUSH_WHOLE);
    assert_int_equal(lists(GREP + 1, 10), PUSH_NOTHING);
    push_done(&push, true);
    assert_int_equal(lists(GREP + 1, 10), PUSH_WHOLE); /* it cost no credit */
}

static void what_is_of_no_use_is_not_gone_on_with(void **state)
{
    (void)state;
    const struct node dir = {.kind = NODE_IMAGE, .image = 1};
    earn(GREP, 0);
    assert_int_equal(push_listed(&push, GREP, &dir), PUSH_WHOLE);
    push_done(&push, false);
    assert_int_equal(lists(GREP, 2), PUSH_NOTHING);
    earn(GREP, 3);
}

static void the_last_clients_are_remembered(void **state)
{
    (void)state;
    for (pid_t pid = 1; pid <= 2 * PUSH_CLIENTS; pid++)
        earn(pid, (uint32_t)pid);
    assert_int_equal(lists(PUSH_CLIENTS, 1000), PUSH_NOTHING);
    for (pid_t pid = PUSH_CLIENTS + 1; pid <= 2 * PUSH_CLIENTS; pid++)
        assert_int_equal(lists(pid, 1000 + (uint32_t)pid), PUSH_WHOLE);
}

/* --- One attribute of many --- */

static void one_attribute_of_many_is_read_ahead_whoever_reads(void **state)
{
    (void)state;
    for (uint32_t image = 1; image < PUSH_IMAGES; image++)
        assert_int_equal(reads((pid_t)image, image, 5), PUSH_NOTHING);
    assert_int_equal(reads(50, PUSH_IMAGES, 5), PUSH_AHEAD);
    assert_int_equal(reads(51, PUSH_IMAGES, 5), PUSH_NOTHING); /* the same image */
    assert_int_equal(reads(52, 80, 5), PUSH_AHEAD);
    assert_int_equal(reads(0, 90, 5), PUSH_AHEAD);
    assert_int_equal(reads(53, 80, 6), PUSH_NOTHING);
}

static void several_attributes_of_many_are_too(void **state)
{
    (void)state;
    for (uint32_t image = 1; image <= 2 * PUSH_IMAGES; image++)
        for (uint32_t attr = 1; attr <= 3; attr++)
            assert_int_equal(reads(GREP, image, attr),
                             image < PUSH_IMAGES ? PUSH_NOTHING : PUSH_AHEAD);
}

static void so_is_the_whole_record(void **state)
{
    (void)state;
    for (uint32_t image = 1; image < PUSH_IMAGES; image++)
        assert_int_equal(reads(GREP, image, IMAGE_JSON_SLOT), PUSH_NOTHING);
    assert_int_equal(reads(GREP, PUSH_IMAGES, IMAGE_JSON_SLOT), PUSH_AHEAD);
}

static void probes_are_no_such_habit(void **state)
{
    (void)state;
    earn(GREP, 0);
    for (uint32_t image = 1; image < 2 * PUSH_CREDIT; image++)
        if (lists(GREP, image) == PUSH_IMAGE)
            assert_int_equal(reads(GREP, image, IMAGE_JSON_SLOT), PUSH_NOTHING);
    for (size_t i = 0; i < PUSH_RUNS; i++)
        assert_true(!push.runs[i].known || push.runs[i].attr != IMAGE_JSON_SLOT);
}

static void a_run_that_the_kernel_has_no_use_for_ends(void **state)
{
    (void)state;
    for (uint32_t image = 1; image < PUSH_IMAGES; image++)
        reads(GREP, image, 5);
    const struct node file = file_of(PUSH_IMAGES, 5);
    assert_int_equal(push_read(&push, GREP, &file), PUSH_AHEAD);
    push_done(&push, false);
    assert_int_equal(reads(GREP, PUSH_IMAGES + 1, 5), PUSH_NOTHING);
}

static void the_last_attributes_are_remembered(void **state)
{
    (void)state;
    for (uint32_t image = 1; image <= 2 * PUSH_IMAGES; image++)
        for (uint32_t attr = 0; attr <= PUSH_RUNS; attr++)
            assert_int_equal(reads(0, image, attr), PUSH_NOTHING);
}

/* --- Off --- */

static void nothing_is_pushed_to_a_kernel_that_cannot(void **state)
{
    (void)state;
    earn(GREP, 0);
    push_stop(&push);
    assert_int_equal(lists(GREP, 1), PUSH_NOTHING);
    assert_int_equal(reads(GREP, 1, 1), PUSH_NOTHING);
}

/* --- The end --- */

static atomic_bool ended;

static void *end(void *ctx)
{
    (void)ctx;
    push_end(&push);
    atomic_store(&ended, true);
    return NULL;
}

/* Who ends it ends the workers next: none may be left alone with a store. */
static void the_end_waits_for_who_stores(void **state)
{
    (void)state;
    pthread_t thread;
    const struct node dir = {.kind = NODE_IMAGE, .image = 1};
    earn(GREP, 0);
    assert_int_equal(push_listed(&push, GREP, &dir), PUSH_WHOLE);
    atomic_store(&ended, false);
    assert_int_equal(pthread_create(&thread, NULL, end, NULL), 0);
    usleep(20000);
    assert_false(atomic_load(&ended));
    push_done(&push, true);
    pthread_join(thread, NULL);
    assert_int_equal(lists(GREP, 2), PUSH_NOTHING);
    assert_int_equal(reads(GREP, 3, 1), PUSH_NOTHING);
}

/* --- Threads --- */

#define ROUNDS 20000

static int stores; /* without a lock of its own: ThreadSanitizer tells when two store at once */

static void *read_and_list(void *ctx)
{
    const pid_t pid = *(pid_t *)ctx;
    for (uint32_t i = 0; i < ROUNDS; i++) {
        const struct node file = file_of(i / 10, i % 10);
        if (push_read(&push, pid, &file) != PUSH_NOTHING) {
            stores++;
            push_done(&push, i % 100 != 0);
        }
    }
    return NULL;
}

static void threads_do_not_store_at_once(void **state)
{
    (void)state;
    pthread_t threads[4];
    static const pid_t pids[] = {1, 2, 3, 3};
    stores = 0;
    for (size_t i = 0; i < ARRAY_SIZE(threads); i++)
        assert_int_equal(pthread_create(&threads[i], NULL, read_and_list, (void *)&pids[i]), 0);
    for (size_t i = 0; i < ARRAY_SIZE(threads); i++)
        pthread_join(threads[i], NULL);
    assert_true(stores > 0);
    assert_false(atomic_flag_test_and_set(&push.storing));
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(who_only_lists_gets_nothing),
        TEST(who_reads_some_files_of_each_gets_no_credit),
        TEST(the_same_file_again_is_no_other_file),
        TEST(credit_is_for_so_many_images),
        TEST(the_probe_renews_it),
        TEST(the_first_read_of_an_image_pushes_it_once),
        TEST(what_was_pushed_for_one_is_not_for_another),
        TEST(images_of_two_lists_are_different),
        TEST(one_at_a_time_stores),
        TEST(what_is_of_no_use_is_not_gone_on_with),
        TEST(the_last_clients_are_remembered),
        TEST(one_attribute_of_many_is_read_ahead_whoever_reads),
        TEST(several_attributes_of_many_are_too),
        TEST(so_is_the_whole_record),
        TEST(probes_are_no_such_habit),
        TEST(a_run_that_the_kernel_has_no_use_for_ends),
        TEST(the_last_attributes_are_remembered),
        TEST(nothing_is_pushed_to_a_kernel_that_cannot),
        TEST(the_end_waits_for_who_stores),
        TEST(threads_do_not_store_at_once),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
