// SPDX-License-Identifier: Apache-2.0
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "imsfs/image.h"
#include "imsfs/limits.h"

/* What --help and the manual call the default is what there is without an option. */
static void the_defaults_are_those_that_are_told(void **state)
{
    (void)state;
    CLEANUP(strbuf_free) struct strbuf why = STRBUF_INIT;
    struct limits told = {0};
    assert_int_equal(setting_defaults(limits_rows(), LIMITS, &told, &why), 0);
    for (unsigned i = 0; i < LIMITS; i++) {
        const struct setting *row = &limits_rows()[i];
        assert_int_equal(told.max[i], limits_standard.max[i]);
        assert_in_range(limits_standard.max[i], row->min, row->max);
        assert_int_equal(row->offset, offsetof(struct limits, max) + i * sizeof(int64_t));
        assert_int_equal(strncmp(row->name, "max_", 4), 0);
    }
    assert_null(limits_standard.counters);
}

/* An image has so much room for them. */
static void no_limit_is_beyond_an_image(void **state)
{
    (void)state;
    assert_true(limits_rows()[LIMIT_RECORD_BYTES].max <= IMAGE_BYTES_MAX);
    assert_true(limits_rows()[LIMIT_VALUE_BYTES].max <= IMAGE_BYTES_MAX);
    assert_true(limits_rows()[LIMIT_ATTRIBUTES].max < IMAGE_ATTR_LIMIT);
}

static void what_is_exactly_at_a_limit_is_fine(void **state)
{
    (void)state;
    struct limits_counters counters = {0};
    struct limits l = limits_standard;
    assert_true(limits_exceeded(&l, LIMIT_PAGES, 10001)); /* nobody counts */
    l.counters = &counters;
    assert_false(limits_exceeded(&l, LIMIT_PAGES, 10000));
    assert_int_equal(counters.over[LIMIT_PAGES], 0);
    assert_true(limits_exceeded(&l, LIMIT_PAGES, 10001));
    assert_true(limits_exceeded(&l, LIMIT_PAGES, SIZE_MAX));
    assert_int_equal(counters.over[LIMIT_PAGES], 2);
}

static void they_are_told_by_name(void **state)
{
    (void)state;
    char text[120];
    struct limits_counters counters = {0};
    struct limits l = limits_standard;
    l.counters = &counters;
    CLEANUP(strbuf_free) struct strbuf out = STRBUF_INIT;
    assert_true(limits_exceeded(&l, LIMIT_IMAGES, 2000001));
    limits_describe(&l, LIMIT_IMAGES, text);
    assert_string_equal(text, "more images of a list than max_images=2000000 allows");
    for (unsigned i = 0; i < LIMITS; i++) { /* nothing is cut */
        limits_describe(&l, i, text);
        assert_non_null(strstr(text, " allows"));
    }
    limits_add_names(1u << LIMIT_NODES | 1u << LIMIT_DEPTH, &out);
    assert_string_equal(strbuf_str(&out), "max_nodes, max_depth");
    strbuf_reset(&out);
    limits_add_counters(&counters, &out);
    assert_string_equal(strbuf_str(&out),
                        "{\"max_body_bytes\": 0, \"max_header_bytes\": 0, \"max_pages\": 0, "
                        "\"max_images\": 1, \"max_records\": 0, \"max_record_bytes\": 0, "
                        "\"max_attributes\": 0, \"max_value_bytes\": 0, \"max_nodes\": 0, "
                        "\"max_depth\": 0}");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_defaults_are_those_that_are_told),
        cmocka_unit_test(no_limit_is_beyond_an_image),
        cmocka_unit_test(what_is_exactly_at_a_limit_is_fine),
        cmocka_unit_test(they_are_told_by_name),
    };
    return cmocka_run_group_tests_name("limits", tests, NULL, NULL);
}
