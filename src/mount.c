// SPDX-License-Identifier: Apache-2.0
#include "imsfs/mount.h"

#include <errno.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <unistd.h>

#include "imsfs/failure.h"
#include "imsfs/log.h"

int mount_watch(struct mount *m, struct strbuf *why)
{
    m->watch_fd = mountpoint_watch();
    if (m->watch_fd >= 0)
        return 0;
    strbuf_printf(why, "/proc/self/mountinfo: %s; is /proc mounted?", strerror(-m->watch_fd));
    return m->watch_fd;
}

int mount_keep(struct mount *m, char *const argv[], void (*forget)(void *ctx), void *ctx)
{
    return keeper_start(&m->keeper, m->point, argv, forget, ctx);
}

#define DEVICE "/dev/fuse"

/* What is wrong with the device, or NULL. */
static const char *device_advice(void)
{
    const dev_t fuse = makedev(10, 229); /* in Linux: Documentation/admin-guide/devices.txt */
    struct stat st;
    if (stat(DEVICE, &st) < 0)
        return "there is no " DEVICE ": load the module fuse, or give the device to the container";
    if (!S_ISCHR(st.st_mode) || st.st_rdev != fuse)
        return DEVICE " is not the device of FUSE here";
    if (access(DEVICE, R_OK | W_OK) < 0)
        return DEVICE " may not be opened here: see its mode, and what the container allows";
    return NULL;
}

const char *mount_advice(int rc, bool for_others)
{
    const char *scarcity = failure_scarcity(rc);
    if (scarcity)
        return scarcity;
    if (rc == -EPERM && geteuid() != 0 && prctl(PR_GET_NO_NEW_PRIVS, 0, 0, 0, 0) == 1)
        return "no_new_privs is set here (NoNewPrivileges=, setpriv), so fusermount3 has no rights";
    if (rc == -EPERM && geteuid() != 0 && for_others)
        return "allow_other and allow_root need user_allow_other in /etc/fuse.conf";
    const char *device = device_advice();
    return device ? device : "imsfs needs " DEVICE " and, for users, fusermount3";
}

int mount_find(struct mount *m, struct strbuf *why)
{
    int rc = mountpoint_find(m->point, &m->device);
    m->mounted = rc != -ENOENT; /* somebody unmounted it already: what is there is not ours */
    const char *scarcity = failure_scarcity(rc);
    if (rc)
        strbuf_printf(why, "%s: mounted, but the kernel does not list it: %s; %s", m->point,
                      strerror(-rc), scarcity ? scarcity : "is /proc mounted?");
    return rc;
}

bool mount_present(const struct mount *m)
{
    return mountpoint_present(m->device) != 0;
}

bool mount_is_kept(const struct mount *m)
{
    return m->keeper.fd >= 0;
}

bool mount_on_top(const struct mount *m)
{
    return m->mounted && mountpoint_on_top(m->point, m->device);
}

static void say_left(const struct mount *m, int rc)
{
    CLEANUP(strbuf_free) struct strbuf command = STRBUF_INIT;
    mountpoint_add_removal(&command, m->point);
    const char *why = rc == -ECHILD  ? "imsfs-keeper was killed"
                      : rc == -EBUSY ? "something is mounted over it"
                                     : strerror(-rc);
    log_error("%s: a dead mount is left behind: %s; remove it with: %s, or use -o recover",
              m->point, why, strbuf_error(&command) ? "umount" : strbuf_str(&command));
}

int mount_leave(struct mount *m, bool on_top)
{
    int rc = 0;
    if (m->mounted && mount_is_kept(m))
        rc = keeper_unmount(&m->keeper, m->device, on_top);
    else if (m->device)
        rc = mountpoint_leave(m->device);
    keeper_stop(&m->keeper);
    if (rc == -ENOENT || (rc && m->device && !mount_present(m))) /* nothing dead is there */
        rc = 0;
    if (rc)
        say_left(m, rc);
    return rc;
}

void mount_deinit(struct mount *m)
{
    if (m->watch_fd >= 0)
        close(m->watch_fd);
    free(m->point);
}
