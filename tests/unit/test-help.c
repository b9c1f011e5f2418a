// SPDX-License-Identifier: Apache-2.0
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "imsfs/help.h"

static void test_usage(void **state)
{
    (void)state;
    CLEANUP(strbuf_free) struct strbuf help = STRBUF_INIT;
    help_add_usage(&help);
    assert_int_equal(strbuf_error(&help), 0);
    assert_non_null(strstr(strbuf_str(&help),
                           "  -o ttl=SECONDS              how old the list may be "
                           "(default 60)\n"));
    assert_non_null(strstr(strbuf_str(&help), "  -o lazy  "));
    assert_non_null(strstr(strbuf_str(&help), "\n  x-*\n") ?: strstr(strbuf_str(&help), " x-*\n"));
    for (const char *line = strbuf_str(&help); line && *line;) {
        const char *end = strchr(line, '\n');
        assert_non_null(end);
        assert_true(end - line <= 100);
        line = end + 1;
    }
}

static void test_version(void **state)
{
    (void)state;
    CLEANUP(strbuf_free) struct strbuf version = STRBUF_INIT;
    help_add_version(&version);
    assert_int_equal(strncmp(strbuf_str(&version), "imsfs ", 6), 0);
    assert_int_equal(strcspn(strbuf_str(&version), "\n"), version.len - 1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_usage),
        cmocka_unit_test(test_version),
    };
    return cmocka_run_group_tests_name("help", tests, NULL, NULL);
}
