// SPDX-License-Identifier: Apache-2.0
/*
 * follower: keeps a thread on the CPU where those run whom it serves, because a request costs most
 * where each of its two wake-ups has to rouse a CPU that sleeps (a virtual machine with little to
 * do: twice to four times).
 *
 * The CPU is what /proc/PID/task/PID/stat says. Whoever cannot be looked at (hidepid, another name
 * space, gone) is not followed, and that is no error. One for each thread; it moves the thread that
 * calls.
 */
#ifndef IMSFS_FOLLOWER_H
#define IMSFS_FOLLOWER_H

#include <sched.h>
#include <sys/types.h>

#include "imsfs/base.h"

#define FOLLOWER_CLIENTS 8 /* whose files are kept open, so that a look is one pread(2) */

struct follower {
    cpu_set_t allowed; /* where the thread may run, were it not for us */
    int cpu;           /* where we keep it; -1: nowhere; -2: we do not know where it may run */
    struct follower_client {
        pid_t tid; /* 0: none */
        int fd;
    } clients[FOLLOWER_CLIENTS];
};

/* From what the thread may now; follower_end() closes the files. */
void follower_start(struct follower *f);
void follower_end(struct follower *f);
/* client was served: goes to its CPU, or, if that is not known or not allowed, lets the thread run
 * where it likes. 0 is nobody and changes nothing. */
void follower_serve(struct follower *f, pid_t client);

#endif
