// SPDX-License-Identifier: Apache-2.0
#include "imsfs/traffic.h"

#include <linux/fuse.h>
#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

static void assert_text(const struct traffic *t, const char *expected)
{
    CLEANUP(strbuf_free) struct strbuf text = STRBUF_INIT;
    traffic_add(t, &text);
    assert_string_equal(strbuf_str(&text), expected);
}

static void counts_by_kind(void **state)
{
    (void)state;
    struct traffic t = {0};
    assert_text(&t, "{}");
    traffic_count(&t, FUSE_READDIRPLUS);
    traffic_count(&t, FUSE_LOOKUP);
    traffic_count(&t, FUSE_LOOKUP);
    assert_text(&t, "{\"LOOKUP\": 2, \"READDIRPLUS\": 1}");
}

static void kinds_of_a_newer_kernel(void **state)
{
    (void)state;
    struct traffic t = {0};
    traffic_count(&t, TRAFFIC_KINDS - 1);
    traffic_count(&t, TRAFFIC_KINDS);
    traffic_count(&t, UINT32_MAX);
    assert_text(&t, "{\"OTHER\": 2, \"63\": 1}");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(counts_by_kind),
        cmocka_unit_test(kinds_of_a_newer_kernel),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
