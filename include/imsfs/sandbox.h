// SPDX-License-Identifier: Apache-2.0
/*
 * sandbox: takes from threads what they do not need: new privileges, capabilities, and, where the
 * kernel has Landlock, all files but a few, all writing, and all ports but those of the service.
 *
 * All of that belongs to a thread and is inherited by those that it starts, for ever. So whoever
 * reads what a server sends must be started by a thread that is inside; the first thread goes in
 * itself when it has mounted. From there nothing can be run and nothing unmounted (keeper.h).
 */
#ifndef IMSFS_SANDBOX_H
#define IMSFS_SANDBOX_H

#include "imsfs/base.h"

#define SANDBOX_FILES 8
#define SANDBOX_PORTS 8

struct sandbox_config {
    /* Absolute paths of files that are read again and again, and may be replaced by others in the
     * same place. Borrowed. */
    const char *files[SANDBOX_FILES];
    size_t file_count;
    uint16_t ports[SANDBOX_PORTS]; /* where TCP may connect to */
    size_t port_count;
    bool any_port; /* they are not known */
};

struct sandbox {
    int rules;      /* of Landlock; -1: there is none */
    bool reads_all; /* there are files which may be somebody else's */
};
#define SANDBOX_INIT \
    (struct sandbox) \
    {                \
        .rules = -1  \
    }

/* Without Landlock in the kernel, or where using it is refused, it is a smaller one, and the log
 * says so. -errno. */
MUST_CHECK int sandbox_init(struct sandbox *s, const struct sandbox_config *config);
void sandbox_deinit(struct sandbox *s);

/* The calling thread goes in; what a container refuses is left out, and logged. -errno: it may be
 * half inside. */
MUST_CHECK int sandbox_enter(const struct sandbox *s);
/* Calls fn in a thread that is inside, and waits for it. What fn says, or -errno. s NULL: calls it
 * here. */
MUST_CHECK int sandbox_call(const struct sandbox *s, int (*fn)(void *ctx), void *ctx);

#endif
