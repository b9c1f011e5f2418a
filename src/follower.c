// SPDX-License-Identifier: Apache-2.0
#include "imsfs/follower.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { ANYWHERE = -1, NOT_KNOWN = -2 };

#define FIELDS_TO_CPU 37 /* spaces between the name of the command and the 39th field, proc(5) */

void follower_start(struct follower *f)
{
    *f = (struct follower){.cpu = ANYWHERE};
    if (sched_getaffinity(0, sizeof(f->allowed), &f->allowed) < 0)
        f->cpu = NOT_KNOWN; /* more CPUs than the set has room for */
}

static void forget_client(struct follower_client *c)
{
    if (c->tid)
        close(c->fd);
    c->tid = 0;
}

void follower_end(struct follower *f)
{
    for (size_t i = 0; i < FOLLOWER_CLIENTS; i++)
        forget_client(&f->clients[i]);
}

static bool open_client(struct follower_client *c, pid_t tid)
{
    char path[64];
    snprintf(path, sizeof(path), "/proc/%d/task/%d/stat", (int)tid, (int)tid);
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    if (fd < 0)
        return false;
    *c = (struct follower_client){tid, fd};
    return true;
}

/* The name of the command may have spaces and parentheses of its own. */
static int cpu_in(const char *stat)
{
    const char *p = strrchr(stat, ')');
    for (int i = 0; p && i < FIELDS_TO_CPU; i++)
        p = strchr(p + 1, ' ');
    return p ? atoi(p + 1) : -1;
}

/* Where the client is, or was when it went to sleep; -1: not known. */
static int cpu_of(struct follower *f, pid_t client)
{
    struct follower_client *c = &f->clients[(unsigned)client % FOLLOWER_CLIENTS];
    char stat[1024];
    if (c->tid != client) {
        forget_client(c);
        if (!open_client(c, client))
            return -1;
    }
    ssize_t len = pread(c->fd, stat, sizeof(stat) - 1, 0);
    if (len <= 0) { /* gone; the number may come again */
        forget_client(c);
        return -1;
    }
    stat[len] = '\0';
    return cpu_in(stat);
}

static void go(struct follower *f, int cpu)
{
    cpu_set_t one;
    CPU_ZERO(&one);
    if (cpu >= 0)
        CPU_SET((size_t)cpu, &one);
    if (sched_setaffinity(0, sizeof(one), cpu >= 0 ? &one : &f->allowed) == 0)
        f->cpu = cpu;
}

void follower_serve(struct follower *f, pid_t client)
{
    if (client <= 0 || f->cpu == NOT_KNOWN)
        return;
    int cpu = cpu_of(f, client);
    if (cpu < 0 || cpu >= CPU_SETSIZE || !CPU_ISSET((size_t)cpu, &f->allowed))
        cpu = ANYWHERE;
    if (cpu != f->cpu)
        go(f, cpu);
}
