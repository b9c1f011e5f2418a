// SPDX-License-Identifier: Apache-2.0
/*
 * mountinfo: the kernel's table of mounts, as proc(5) has it in /proc/self/mountinfo. No state; any
 * thread.
 */
#ifndef IMSFS_MOUNTINFO_H
#define IMSFS_MOUNTINFO_H

#include <sys/types.h>

#include "imsfs/strbuf.h"

/* One line: "36 35 0:50 / /mnt/a\040b rw,noatime shared:1 - fuse.imsfs source rw". */
struct mountinfo_line {
    dev_t device;
    struct bytes path; /* escaped as in the table */
    struct bytes type;
};

/* A descriptor of the table (the caller closes it), or -errno. */
MUST_CHECK int mountinfo_open(void);
/* Appends the table as it is now. -errno. */
MUST_CHECK int mountinfo_read(struct strbuf *out);

/* The next line, cut off rest with those before it that make no sense. False: there is none. */
bool mountinfo_next(struct bytes *rest, struct mountinfo_line *out);
/* The line of the mount that who goes to this path without links gets to. False: none is there. */
bool mountinfo_top(struct bytes mountinfo, const char *real, struct mountinfo_line *out);

bool mountinfo_path_is(const struct mountinfo_line *line, const char *real);
void mountinfo_add_path(const struct mountinfo_line *line, struct strbuf *out);

#endif
