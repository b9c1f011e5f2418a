// SPDX-License-Identifier: Apache-2.0
/*
 * programs: whether imsfs can run any here. It needs pidfd_open(2), which valgrind did not know for
 * long: tests that run one are left out then. To meson, skip() of cmocka 1.1.5 is a failure.
 */
#ifndef IMSFS_TEST_PROGRAMS_H
#define IMSFS_TEST_PROGRAMS_H

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <cmocka.h>

#define PROGRAMS_MISSING "no pidfd_open(2), as under valgrind"

static inline bool programs_run(void)
{
    int fd = (int)syscall(SYS_pidfd_open, getpid(), 0);
    bool known = fd >= 0 || errno != ENOSYS;
    if (fd >= 0)
        close(fd);
    return known;
}

/* The test, or one that cmocka passes over. */
static inline struct CMUnitTest program_test(struct CMUnitTest test)
{
    if (programs_run())
        return test;
    print_message("# %s is left out: " PROGRAMS_MISSING "\n", test.name);
    return (struct CMUnitTest){0};
}

/* In a table of tests. */
#define PROGRAM_TEST(fn) program_test((struct CMUnitTest)cmocka_unit_test(fn))

#endif
