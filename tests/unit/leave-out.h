// SPDX-License-Identifier: Apache-2.0
/*
 * leave-out: for a test that cannot be done here. To meson, skip() of cmocka 1.1.5 is a failure.
 */
#ifndef IMSFS_TEST_LEAVE_OUT_H
#define IMSFS_TEST_LEAVE_OUT_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

/* Ends the test, and says why. */
#define LEAVE_OUT(why)                                          \
    do {                                                        \
        print_message("# %s is left out: %s\n", __func__, why); \
        return;                                                 \
    } while (0)

#endif
