// SPDX-License-Identifier: Apache-2.0
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <errno.h>

#include "imsfs/mount.h"

/* Somebody unmounts it before we have found it: what is at its directory then is another's. */
static void what_is_there_when_ours_is_gone_stays(void **state)
{
    (void)state;
    CLEANUP(strbuf_free) struct strbuf why = STRBUF_INIT;
    struct mount m = MOUNT_INIT;
    m.point = (char[]){"/proc"};
    m.mounted = true;
    assert_int_equal(mount_find(&m, &why), -ENOENT);
    assert_false(mount_on_top(&m));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_is_there_when_ours_is_gone_stays),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
