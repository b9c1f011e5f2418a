// SPDX-License-Identifier: Apache-2.0
#include "imsfs/follower.h"

#include <fcntl.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { ANYWHERE = -1 };

#define FIELDS_TO_CPU 37 /* spaces between the name of the command and the 39th field, proc(5) */

void follower_start(struct follower *f, struct follower_run *run, pid_t model)
{
    *f = (struct follower){.run = run, .model = model, .cpu = ANYWHERE};
}

static void forget_client(struct follower *f)
{
    if (f->seen)
        close(f->fd);
    f->seen = 0;
}

void follower_end(struct follower *f)
{
    forget_client(f);
}

/* --- who is alone --- */

static uint64_t run_after(uint64_t last, pid_t client)
{
    uint64_t who = (uint64_t)(uint32_t)client << 32;
    if ((last ^ who) >> 32)
        return who | 1;
    return (uint32_t)last < FOLLOWER_ALONE ? last + 1 : last;
}

/* Nothing is written while one is alone, so the threads do not take the line from each other. */
static bool is_alone(struct follower_run *run, pid_t client)
{
    uint64_t last = atomic_load_explicit(&run->last, memory_order_relaxed), now;
    do
        now = run_after(last, client);
    while (now != last && !atomic_compare_exchange_weak_explicit(
                              &run->last, &last, now, memory_order_relaxed, memory_order_relaxed));
    return (uint32_t)now >= FOLLOWER_ALONE;
}

/* --- where it is --- */

static bool open_client(struct follower *f, pid_t tid)
{
    char path[64];
    snprintf(path, sizeof(path), "/proc/%d/task/%d/stat", (int)tid, (int)tid);
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    if (fd < 0)
        return false;
    f->seen = tid;
    f->fd = fd;
    return true;
}

/* The name of the command may have spaces and parentheses of its own. */
static int cpu_in(const char *stat)
{
    const char *p = strrchr(stat, ')');
    for (int i = 0; p && i < FIELDS_TO_CPU; i++)
        p = strchr(p + 1, ' ');
    return p ? atoi(p + 1) : ANYWHERE;
}

/* Where the client is, or was when it went to sleep. */
static int cpu_of(struct follower *f, pid_t client)
{
    char stat[1024];
    if (f->seen != client) {
        forget_client(f);
        if (!open_client(f, client))
            return ANYWHERE;
    }
    ssize_t len = pread(f->fd, stat, sizeof(stat) - 1, 0);
    if (len <= 0) { /* gone; the number may come again */
        forget_client(f);
        return ANYWHERE;
    }
    stat[len] = '\0';
    return cpu_in(stat);
}

/* --- going there --- */

/* What the model may is asked anew each time, because it may have changed since. */
static void go(struct follower *f, int cpu)
{
    cpu_set_t allowed, one;
    f->cpu = cpu; /* also if it fails: a second try would fail like the first */
    if (sched_getaffinity(f->model, sizeof(allowed), &allowed) < 0)
        return; /* more CPUs than the set has room for */
    CPU_ZERO(&one);
    if (cpu >= 0 && cpu < CPU_SETSIZE && CPU_ISSET((size_t)cpu, &allowed))
        CPU_SET((size_t)cpu, &one);
    else
        one = allowed;
    sched_setaffinity(0, sizeof(one), &one);
}

void follower_serve(struct follower *f, pid_t client)
{
    if (client <= 0)
        return;
    int cpu = is_alone(f->run, client) ? cpu_of(f, client) : ANYWHERE;
    if (cpu != f->cpu)
        go(f, cpu);
}
