// SPDX-License-Identifier: Apache-2.0
#include "imsfs/list.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

/* What the log is told of an hour of listings. */
static void test_news(void **state)
{
    (void)state;
    static const struct {
        int64_t from_ms, to_ms; /* a listing every second */
        int error;
        unsigned lines;
    } rows[] = {
        {0, 500000, 0, 0},                 /* all is well */
        {500000, 2500000, -ETIMEDOUT, 1},  /* the same for long */
        {2500000, 2510000, -EACCES, 1},    /* another reason */
        {2510000, 2560000, 0, 0},          /* so soon is too soon */
        {2560000, 2600000, 0, 1},          /* it is still so */
        {2600000, 2610000, -ETIMEDOUT, 0}, /* and back, before anybody was told */
        {2610000, 3000000, 0, 0},
    };
    struct list l = {.number = 0};
    for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
        unsigned lines = 0;
        for (int64_t now = rows[i].from_ms; now < rows[i].to_ms; now += 1000)
            lines += list_is_news(&l, rows[i].error, now);
        assert_int_equal(lines, rows[i].lines);
    }
    unsigned lines = 0;
    for (int64_t now = 3000000; now < 6600000;
         now += 1000) /* each listing comes to something else */
        lines += list_is_news(&l, now / 1000 % 2 ? -EIO : 0, now);
    assert_in_range(lines, 2, 60);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_news)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
