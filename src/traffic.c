// SPDX-License-Identifier: Apache-2.0
#include "imsfs/traffic.h"

#include <linux/fuse.h>

static const char *const names[TRAFFIC_KINDS] = {
    [0] = "OTHER",
    [FUSE_LOOKUP] = "LOOKUP",
    [FUSE_FORGET] = "FORGET",
    [FUSE_GETATTR] = "GETATTR",
    [FUSE_SETATTR] = "SETATTR",
    [FUSE_READLINK] = "READLINK",
    [FUSE_OPEN] = "OPEN",
    [FUSE_READ] = "READ",
    [FUSE_WRITE] = "WRITE",
    [FUSE_STATFS] = "STATFS",
    [FUSE_RELEASE] = "RELEASE",
    [FUSE_GETXATTR] = "GETXATTR",
    [FUSE_LISTXATTR] = "LISTXATTR",
    [FUSE_FLUSH] = "FLUSH",
    [FUSE_INIT] = "INIT",
    [FUSE_OPENDIR] = "OPENDIR",
    [FUSE_READDIR] = "READDIR",
    [FUSE_RELEASEDIR] = "RELEASEDIR",
    [FUSE_ACCESS] = "ACCESS",
    [FUSE_INTERRUPT] = "INTERRUPT",
    [FUSE_IOCTL] = "IOCTL",
    [FUSE_BATCH_FORGET] = "BATCH_FORGET",
    [FUSE_READDIRPLUS] = "READDIRPLUS",
    [FUSE_LSEEK] = "LSEEK",
    [52] = "STATX", /* Linux 6.6; older headers lack its name. stat(1) asks for times of birth */
};

void traffic_count(struct traffic *t, uint32_t opcode)
{
    size_t kind = opcode < TRAFFIC_KINDS ? opcode : 0;
    atomic_fetch_add_explicit(&t->requests[kind], 1, memory_order_relaxed);
}

void traffic_count_store(struct traffic *t)
{
    atomic_fetch_add_explicit(&t->stores, 1, memory_order_relaxed);
}

void traffic_add(const struct traffic *t, struct strbuf *out)
{
    const char *between = "";
    strbuf_add_char(out, '{');
    for (size_t i = 0; i < TRAFFIC_KINDS; i++) {
        unsigned long long count = atomic_load_explicit(&t->requests[i], memory_order_relaxed);
        if (!count)
            continue;
        if (names[i])
            strbuf_printf(out, "%s\"%s\": %llu", between, names[i], count);
        else
            strbuf_printf(out, "%s\"%zu\": %llu", between, i, count);
        between = ", ";
    }
    strbuf_add_char(out, '}');
}
