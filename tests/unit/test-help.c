// SPDX-License-Identifier: Apache-2.0
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include <cmocka.h>

#include "imsfs/help.h"
#include "imsfs/param.h"

static void assert_lines(const char *text)
{
    for (const char *line = text; *line;) {
        const char *end = strchr(line, '\n');
        assert_non_null(end);
        assert_true(end - line <= 100);
        assert_true(end == line || end[-1] != ' ');
        line = end + 1;
    }
}

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
    assert_non_null(strstr(strbuf_str(&help), "      --help-query  "));
    assert_lines(strbuf_str(&help));
}

/* A line for each parameter, with what it may be; no column is pushed aside. */
static void test_query(void **state)
{
    static const char *const rows[] = {
        "\n__imagetype                 both         text                   "
        "gold|private|shared|market\n",
        "\n__whole_image               cloudimages  boolean                true|false\n",
        "\nos_hidden                   Glance       boolean                true|false\n",
        "\narchitecture                cloudimages  text                   x86|arm\n",
        "\ntag                         both         text, may be repeated\n",
        "\nmember_status               both         one of                 "
        "accepted|rejected|pending\n"
        "                                                    Glance also all\n",
        "\n__support_*                 both         text\n",
        " SOURCE: member_status, flavor_id.\n",
    };
    (void)state;
    CLEANUP(strbuf_free) struct strbuf help = STRBUF_INIT;
    help_add_query(&help);
    assert_int_equal(strbuf_error(&help), 0);
    for (size_t i = 0; i < ARRAY_SIZE(rows); i++)
        if (!strstr(strbuf_str(&help), rows[i]))
            fail_msg("no line%s", rows[i]);
    for (size_t i = 0; param_at(i); i++) {
        char start[64];
        snprintf(start, sizeof(start), "\n%-26s  ", param_at(i)->name);
        if (!strstr(strbuf_str(&help), start))
            fail_msg("%s is missing", param_at(i)->name);
    }
    assert_lines(strbuf_str(&help));
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
        cmocka_unit_test(test_query),
        cmocka_unit_test(test_version),
    };
    return cmocka_run_group_tests_name("help", tests, NULL, NULL);
}
