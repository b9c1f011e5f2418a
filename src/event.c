// SPDX-License-Identifier: Apache-2.0
#include "imsfs/event.h"

#include <errno.h>
#include <poll.h>
#include <time.h>

#define PAUSE_NS 10000000 /* when the kernel has no memory for a wait */

void event_wait(const struct event *events, size_t count, void *ctx)
{
    const struct timespec pause = {.tv_nsec = PAUSE_NS};
    struct pollfd fds[EVENT_MAX];
    for (size_t i = 0; i < count; i++)
        fds[i] = (struct pollfd){.fd = events[i].fd, .events = events[i].events};
    for (;;) {
        int n = poll(fds, (nfds_t)count, -1);
        if (n < 0 && errno != EINTR && errno != EAGAIN && errno != ENOMEM)
            return;
        if (n < 0 && errno != EINTR)
            nanosleep(&pause, NULL);
        for (size_t i = 0; n > 0 && i < count; i++)
            if (fds[i].revents && !events[i].handle(ctx))
                return;
    }
}
