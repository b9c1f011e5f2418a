// SPDX-License-Identifier: Apache-2.0
#include "imsfs/timestamp.h"

#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

static void both_forms_of_the_documents_are_read(void **state)
{
    (void)state;
    static const struct {
        const char *text;
        time_t t;
    } rows[] = {
        {"1970-01-01T00:00:00Z", 0},
        {"2018-09-14T14:13:04Z", 1536934384},
        {"2018-09-14 14:13:04", 1536934384},
        {"2018-09-14T14:13:04", 1536934384},
        {"2018-09-14T14:13:04.123456", 1536934384},
        {"2018-09-14T14:13:04.9Z", 1536934384},
        {"2018-09-14T16:13:04+02:00", 1536934384},
        {"2018-09-14T08:43:04-05:30", 1536934384},
        {"2000-02-29T23:59:59Z", 951868799},
        {"2016-12-31T23:59:60Z", 1483228800},
        {"1601-01-01T00:00:00Z", -11644473600},
        {"9999-12-31T23:59:59Z", 253402300799},
    };
    for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
        time_t t;
        if (!timestamp_parse(bytes_of(rows[i].text), &t))
            fail_msg("refused: %s", rows[i].text);
        assert_int_equal(t, rows[i].t);
    }
}

static const char *const wrong[] = {
    "",
    "2018",
    "2018-09-14",
    "2018-09-14T",
    "2018-09-14T14:13",
    "2018-09-14T14:13:4Z",
    "2018-09-14t14:13:04Z",
    "2018-09-14_14:13:04Z",
    "2018-09-14T14:13:04z",
    "2018-09-14T14:13:04ZZ",
    "2018-09-14T14:13:04Z ",
    " 2018-09-14T14:13:04Z",
    "2018-09-14T14:13:04.Z",
    "2018-09-14T14:13:04.",
    "2018-09-14T14:13:04+0200",
    "2018-09-14T14:13:04+24:00",
    "2018-09-14T14:13:04+02:60",
    "2018-09-14T14:13:04+",
    "2018-00-14T14:13:04Z",
    "2018-13-14T14:13:04Z",
    "2018-09-00T14:13:04Z",
    "2018-09-31T14:13:04Z",
    "2018-02-29T14:13:04Z",
    "1900-02-29T14:13:04Z",
    "2018-09-14T24:00:00Z",
    "2018-09-14T14:60:04Z",
    "2018-09-14T14:13:61Z",
    "0000-00-00T00:00:00Z",
    "1600-12-31T23:59:59Z",
    "10000-01-01T00:00:00Z",
    "1000000-01-01T00:00:00Z",
    "-018-09-14T14:13:04Z",
    "2018-9-14T14:13:04Z",
    "+2018-09-14T14:13:04Z",
};

static void anything_else_is_no_time(void **state)
{
    (void)state;
    for (size_t i = 0; i < ARRAY_SIZE(wrong); i++) {
        time_t t = 77;
        /* Exactly its bytes, so that a sanitizer sees a read behind them. */
        size_t len = strlen(wrong[i]);
        CLEANUP(free_ptr) char *copy = malloc(len + !len);
        assert_non_null(copy);
        memcpy(copy, wrong[i], len);
        if (timestamp_parse((struct bytes){copy, len}, &t))
            fail_msg("taken: %s", wrong[i]);
        assert_int_equal(t, 77);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(both_forms_of_the_documents_are_read),
        cmocka_unit_test(anything_else_is_no_time),
    };
    return cmocka_run_group_tests_name("timestamp", tests, NULL, NULL);
}
