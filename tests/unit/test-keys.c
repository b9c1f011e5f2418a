// SPDX-License-Identifier: Apache-2.0
#include "imsfs/keys.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>

#include <cmocka.h>

#include "imsfs/json.h"
#include "imsfs/name.h"

#define LIMIT 5000

static struct slot_table *attrs;
static struct keys keys;

static int setup(void **state)
{
    (void)state;
    keys = keys_init(NULL);
    int r = slot_table_new(&attrs, LIMIT);
    keys.attrs = attrs;
    return r;
}

static int teardown(void **state)
{
    (void)state;
    keys_deinit(&keys);
    slot_table_free(attrs);
    return 0;
}

/* The name's slot is that of its file name, whatever was asked before. */
static void assert_right(const char *token)
{
    char name[NAME_SIZE];
    uint16_t slot;
    CLEANUP(strbuf_free) struct strbuf key = STRBUF_INIT;
    CLEANUP(free_ptr) char *copy = malloc(strlen(token));
    assert_non_null(copy);
    memcpy(copy, token, strlen(token));
    json_add_string(&key, bytes_of(token));
    size_t len = name_encode_attr(name, strbuf_bytes(&key));
    assert_int_equal(keys_find(&keys, (struct bytes){copy, strlen(token)}, &slot), 0);
    assert_true(bytes_equal(slot_get(attrs, slot), (struct bytes){name, len}));
}

static void names_have_their_files_slots(void **state)
{
    (void)state;
    static const char *const tokens[] = {
        "\"id\"",
        "\"a\"",
        "\"\\u0061\"",
        "\"name\"",
        "\"Name\"",
        "\"__support_kvm_infiniband\"",
        "\"__support_KVM_infiniband\"",
        "\"image.json\"",
        "\"a/b\"",
        "\"a\\/b\"",
        "\".\"",
        "\"same start and same end, middle A of this name\"",
        "\"same start and same end, middle B of this name\"",
    };
    for (int round = 0; round < 3; round++)
        for (size_t i = 0; i < ARRAY_SIZE(tokens); i++)
            assert_right(tokens[i]);
    assert_int_equal(keys.count, ARRAY_SIZE(tokens));
}

static void a_name_without_a_file_has_none_ever(void **state)
{
    (void)state;
    uint16_t slot;
    for (int round = 0; round < 3; round++)
        assert_int_equal(keys_find(&keys, bytes_of("\"\""), &slot), -ENOENT);
    assert_int_equal(keys.count, 0);
}

/* As a hostile server may send them: the first all fall on one place, then there are too many. */
static void what_is_kept_is_bounded(void **state)
{
    (void)state;
    char token[600];
    for (int round = 0; round < 2; round++) {
        for (int i = 0; i < 100; i++) {
            snprintf(token, sizeof(token), "\"the same 8 %04d the same 8\"", i);
            assert_right(token);
        }
        assert_true(keys.count < 20);
    }
    for (int round = 0; round < 2; round++) {
        for (int i = 0; i < 4000; i++) {
            snprintf(token, sizeof(token), "\"%d\"", i);
            assert_right(token);
        }
    }
    size_t kept = keys.count, bytes = keys.spelled.len;
    assert_in_range(kept, 100, 256);
    snprintf(token, sizeof(token), "\"%0500d\"", 7);
    assert_right(token);
    assert_right(token);
    assert_int_equal(keys.spelled.len, bytes);
}

static void a_full_table_has_the_old_ones(void **state)
{
    (void)state;
    char name[16];
    uint32_t slot;
    uint16_t found;
    assert_right("\"id\"");
    for (int i = 1; i < LIMIT; i++) {
        snprintf(name, sizeof(name), "%d", i);
        assert_int_equal(slot_add(attrs, bytes_of(name), &slot), 0);
    }
    assert_int_equal(keys_find(&keys, bytes_of("\"one more\""), &found), -ENOENT);
    assert_right("\"id\"");
    assert_right("\"17\"");
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(names_have_their_files_slots),
        TEST(a_name_without_a_file_has_none_ever),
        TEST(what_is_kept_is_bounded),
        TEST(a_full_table_has_the_old_ones),
    };
    return cmocka_run_group_tests_name("keys", tests, NULL, NULL);
}
