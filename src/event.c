// SPDX-License-Identifier: Apache-2.0
#include "imsfs/event.h"

#include <errno.h>
#include <poll.h>

void event_wait(const struct event *events, size_t count, void *ctx)
{
    struct pollfd fds[EVENT_MAX];
    for (size_t i = 0; i < count; i++)
        fds[i] = (struct pollfd){.fd = events[i].fd, .events = events[i].events};
    for (;;) {
        int n = poll(fds, (nfds_t)count, -1);
        if (n < 0 && errno != EINTR)
            return;
        for (size_t i = 0; n > 0 && i < count; i++)
            if (fds[i].revents && !events[i].handle(ctx))
                return;
    }
}
