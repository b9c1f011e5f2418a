// SPDX-License-Identifier: Apache-2.0
/*
 * follower: keeps a thread on the CPU where the one runs whom it serves, because a request costs
 * most where each of its two wake-ups has to rouse a CPU that sleeps (a virtual machine with little
 * to do: twice to four times).
 *
 * Only who is alone is followed: several readers have the threads run after them from CPU to CPU,
 * and wait for one another there. So the threads that serve one file system share a run: who was
 * served last, and how often in a row.
 *
 * The CPU is what /proc/PID/task/PID/stat says. Whoever cannot be looked at (hidepid, another name
 * space, gone) is not followed, and that is no error. One for each thread; it moves the thread that
 * calls, and no other.
 *
 * Where the thread may run at all is what a model may at that moment, a thread that no follower
 * moves. So it holds at the next move what taskset(1) or a cpuset did to all threads, or to that
 * one. Who pins a thread that follows by itself is not heard.
 */
#ifndef IMSFS_FOLLOWER_H
#define IMSFS_FOLLOWER_H

#include <stdatomic.h>
#include <stdint.h>
#include <sys/types.h>

#include "imsfs/base.h"

#define FOLLOWER_ALONE 64 /* who was served so often in a row is alone */

/* All zero at first. Any number of threads; outlives their followers. */
struct follower_run {
    _Atomic uint64_t last; /* who: the upper half; how often: the lower, up to FOLLOWER_ALONE */
};

struct follower {
    struct follower_run *run;
    pid_t model;
    int cpu;    /* where it was to go last; -1: where the model may */
    pid_t seen; /* whose file is open, so that a look is one pread(2); 0: none is */
    int fd;
};

/* Borrows run; follower_end() closes the file. */
void follower_start(struct follower *f, struct follower_run *run, pid_t model);
void follower_end(struct follower *f);
/*
 * client was served: goes to its CPU if it is alone, and that CPU is known and allowed; else lets
 * the thread run where the model may. What the kernel refuses is not tried again before it is
 * another CPU's turn. 0 is nobody and changes nothing.
 */
void follower_serve(struct follower *f, pid_t client);

#endif
