// SPDX-License-Identifier: Apache-2.0
/*
 * steps: how many instructions a function takes. A child process runs it one at a time, so the
 * count is the same on a busy machine and needs no tool; 5 to 40 µs each.
 */
#ifndef IMSFS_TEST_STEPS_H
#define IMSFS_TEST_STEPS_H

#include <sched.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/ptrace.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

/* In the child: between the two stops only fn runs. */
static inline void steps_run(void (*fn)(void *ctx), void *ctx)
{
    ptrace(PTRACE_TRACEME, 0, NULL, NULL);
    fn(ctx); /* once before: what is bound or copied at first is no part of it */
    raise(SIGSTOP);
    fn(ctx);
    raise(SIGSTOP);
    _exit(0);
}

/* fn runs twice, and the second time counts: up to limit + 1. */
static inline uint64_t steps_of(void (*fn)(void *ctx), void *ctx, uint64_t limit)
{
    int status;
    uint64_t steps = 0;
    cpu_set_t all, here;
    sched_getaffinity(0, sizeof(all), &all);
    CPU_ZERO(&here);
    CPU_SET((unsigned)sched_getcpu(), &here);
    sched_setaffinity(0, sizeof(here),
                      &here); /* both: to wake another CPU takes ten times as long */
    pid_t child = fork();
    if (child == 0)
        steps_run(fn, ctx);
    assert_int_equal(waitpid(child, &status, 0), child);
    assert_true(WIFSTOPPED(status) && WSTOPSIG(status) == SIGSTOP);
    ptrace(PTRACE_SETOPTIONS, child, NULL, PTRACE_O_EXITKILL);
    do {
        steps++;
        assert_int_equal(ptrace(PTRACE_SINGLESTEP, child, NULL, NULL), 0);
        assert_int_equal(waitpid(child, &status, 0), child);
        assert_true(WIFSTOPPED(status));
    } while (WSTOPSIG(status) == SIGTRAP && steps <= limit);
    assert_true(WSTOPSIG(status) == SIGSTOP || steps > limit);
    kill(child, SIGKILL);
    waitpid(child, &status, 0);
    sched_setaffinity(0, sizeof(all), &all);
    return steps;
}

#endif
