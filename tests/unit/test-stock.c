// SPDX-License-Identifier: Apache-2.0
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "imsfs/stock.h"

static struct slot_table *attrs;

static void read_one(struct batch *b, const char *json)
{
    struct image *img;
    struct image_notes notes = {0};
    assert_int_equal(image_new(&img, bytes_of(json), attrs, &notes), 0);
    assert_int_equal(batch_add(b, img), 0);
}

static void assert_record(const struct stock *s, size_t i, const char *json)
{
    assert_true(i < s->count);
    assert_true(bytes_are(image_json(s->images[i]), json));
}

static void each_id_comes_once_and_the_first_stays(void **state)
{
    (void)state;
    struct stock s = {0};
    struct batch b = {0};
    read_one(&b, "{\"id\":\"b\",\"n\":1}");
    read_one(&b, "{\"id\":\"a\",\"n\":2}");
    read_one(&b, "{\"id\":\"b\",\"n\":3}");
    read_one(&b, "{\"id\":\"aa\",\"n\":4}");
    read_one(&b, "{\"id\":\"b\",\"n\":5}");
    assert_int_equal(stock_take(&s, &b), 0);
    assert_int_equal(b.count, 0);
    assert_int_equal(s.count, 3);
    assert_record(&s, 0, "{\"id\":\"a\",\"n\":2}");
    assert_record(&s, 1, "{\"id\":\"aa\",\"n\":4}");
    assert_record(&s, 2, "{\"id\":\"b\",\"n\":1}");
    stock_free(&s);
}

static void what_did_not_change_stays_the_same_object(void **state)
{
    (void)state;
    struct stock s = {0};
    struct batch b = {0};
    read_one(&b, "{\"id\":\"a\",\"n\":1}");
    read_one(&b, "{\"id\":\"c\",\"n\":1}");
    read_one(&b, "{\"id\":\"d\",\"n\":1}");
    assert_int_equal(stock_take(&s, &b), 0);
    const struct image *changes = s.images[1], *stays = s.images[2];
    read_one(&b, "{\"id\":\"d\",\"n\":1}");
    read_one(&b, "{\"id\":\"c\",\"n\":2}");
    read_one(&b, "{\"id\":\"b\",\"n\":1}");
    assert_int_equal(stock_take(&s, &b), 0);
    assert_int_equal(s.count, 3);
    assert_record(&s, 0, "{\"id\":\"b\",\"n\":1}");
    assert_record(&s, 1, "{\"id\":\"c\",\"n\":2}");
    assert_ptr_not_equal(s.images[1], changes);
    assert_ptr_equal(s.images[2], stays);
    stock_free(&s);
}

static void nothing_is_a_stock_too(void **state)
{
    (void)state;
    struct stock s = {0};
    struct batch b = {0};
    read_one(&b, "{\"id\":\"a\"}");
    assert_int_equal(stock_take(&s, &b), 0);
    assert_int_equal(stock_take(&s, &b), 0);
    assert_int_equal(s.count, 0);
    stock_free(&s);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(each_id_comes_once_and_the_first_stays),
        cmocka_unit_test(what_did_not_change_stays_the_same_object),
        cmocka_unit_test(nothing_is_a_stock_too),
    };
    if (image_attrs_new(&attrs) < 0)
        return 1;
    int failed = cmocka_run_group_tests(tests, NULL, NULL);
    slot_table_free(attrs);
    return failed;
}
