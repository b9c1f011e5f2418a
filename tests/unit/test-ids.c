// SPDX-License-Identifier: Apache-2.0
#include "imsfs/ids.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

static struct ids *table_of(uint32_t limit)
{
    struct ids *t;
    assert_int_equal(ids_new(&t, limit), 0);
    return t;
}

static uint32_t add(struct ids *t, struct bytes id)
{
    uint32_t slot;
    assert_int_equal(ids_add(t, id, &slot), 0);
    return slot;
}

/* As the ledger does it, which has the tests of that. */
static void an_id_has_its_number_for_good(void **state)
{
    (void)state;
    struct ids *t = table_of(2);
    uint32_t slot = 77;
    assert_int_equal(ids_find(t, bytes_of("b"), &slot), -ENOENT);
    assert_int_equal(add(t, bytes_of("a")), 0);
    assert_int_equal(add(t, bytes_of("b")), 1);
    assert_int_equal(ids_add(t, bytes_of("c"), &slot), -ENOSPC);
    assert_int_equal(ids_find(t, bytes_of("b"), &slot), 0);
    assert_int_equal(slot, 1);
    ids_free(t);
    ids_free(NULL);
}

static void other_contents_have_another_version(void **state)
{
    (void)state;
    struct ids *t = table_of(10);
    uint32_t a = add(t, bytes_of("a")), b = add(t, bytes_of("b"));
    assert_int_equal(ids_version(t, b, bytes_of("")), 0);
    assert_int_equal(ids_version(t, b, bytes_of("x")), 1);
    assert_int_equal(ids_version(t, b, bytes_of("x")), 1);
    assert_int_equal(ids_version(t, b, bytes_of("y")), 2);
    /* The kernel may still know 1, but as it was. */
    assert_int_equal(ids_version(t, b, bytes_of("x")), 3);
    assert_int_equal(ids_version(t, a, bytes_of("x")), 0);
    assert_int_equal(ids_version(t, b, bytes_of("x")), 3);
    ids_free(t);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(an_id_has_its_number_for_good),
        cmocka_unit_test(other_contents_have_another_version),
    };
    return cmocka_run_group_tests_name("ids", tests, NULL, NULL);
}
