// SPDX-License-Identifier: Apache-2.0
/*
 * event: waits for the first of several things that can happen to a process. One thread.
 */
#ifndef IMSFS_EVENT_H
#define IMSFS_EVENT_H

#include "imsfs/base.h"

#define EVENT_MAX 4

/* False: the wait is over. */
typedef bool event_handler(void *ctx);

struct event {
    int fd;       /* below 0: it never happens */
    short events; /* as for poll(2) */
    event_handler *handle;
};

/* Calls the handlers of what happens, in their order, until one of them ends the wait. count is up
 * to EVENT_MAX. */
void event_wait(const struct event *events, size_t count, void *ctx);

#endif
