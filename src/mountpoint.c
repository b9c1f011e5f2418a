// SPDX-License-Identifier: Apache-2.0
#include "imsfs/mountpoint.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <linux/magic.h>
#include <signal.h>
#include <spawn.h>
#include <stdio.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <sys/vfs.h>
#include <sys/wait.h>
#include <unistd.h>

#include "imsfs/log.h"
#include "imsfs/mountinfo.h"

/* Mounts of one file system, or over each other, that are removed one after the other. */
#define STACKED_MAX 64

static void close_fd(const int *fd)
{
    if (*fd >= 0)
        close(*fd);
}

static void close_dir(DIR **dir)
{
    if (*dir)
        closedir(*dir);
}

/* --- mounted or not --- */

int mountpoint_find_in(struct bytes mountinfo, const char *real, dev_t *device)
{
    int rc = -ENOENT;
    struct mountinfo_line line;
    while (mountinfo_next(&mountinfo, &line)) {
        if (!bytes_are(line.type, MOUNTPOINT_TYPE) || !mountinfo_path_is(&line, real))
            continue;
        *device = line.device; /* the last one is the newest */
        rc = 0;
    }
    return rc;
}

int mountpoint_present_in(struct bytes mountinfo, dev_t device)
{
    struct mountinfo_line line;
    while (mountinfo_next(&mountinfo, &line))
        if (line.device == device)
            return 1;
    return 0;
}

int mountpoint_where_in(struct bytes mountinfo, dev_t device, struct strbuf *path)
{
    struct mountinfo_line line, top;
    for (struct bytes rest = mountinfo; mountinfo_next(&rest, &line);) {
        if (line.device != device)
            continue;
        strbuf_reset(path);
        mountinfo_add_path(&line, path);
        if (strbuf_error(path))
            return strbuf_error(path);
        if (mountinfo_top(mountinfo, strbuf_str(path), &top) && top.device == device)
            return 0;
    }
    return -ENOENT;
}

int mountpoint_watch(void)
{
    return mountinfo_open();
}

int mountpoint_find(const char *real, dev_t *device)
{
    CLEANUP(strbuf_free) struct strbuf text = STRBUF_INIT;
    int rc = mountinfo_read(&text);
    return rc ? rc : mountpoint_find_in(strbuf_bytes(&text), real, device);
}

int mountpoint_present(dev_t device)
{
    CLEANUP(strbuf_free) struct strbuf text = STRBUF_INIT;
    int rc = mountinfo_read(&text);
    return rc ? rc : mountpoint_present_in(strbuf_bytes(&text), device);
}

/* --- dead mounts --- */

/* What a FUSE file system says whose process has ended. */
static bool is_death(int error)
{
    return error == ENOTCONN || error == ECONNABORTED;
}

/* Where a path leads to, without asking what is mounted there. Returns a descriptor, or -errno. */
static int open_place(const char *path, char real[static PATH_MAX])
{
    char link[64];
    int fd = open(path, O_PATH | O_CLOEXEC);
    if (fd < 0)
        return -errno;
    snprintf(link, sizeof(link), "/proc/self/fd/%d", fd);
    ssize_t n = readlink(link, real, PATH_MAX - 1);
    if (n < 0) {
        int rc = -errno;
        close(fd);
        return rc;
    }
    real[n] = '\0';
    return fd;
}

/* Whether the mount at a path without links is one of imsfs. */
static bool is_ours(const char *real)
{
    struct mountinfo_line top;
    CLEANUP(strbuf_free) struct strbuf text = STRBUF_INIT;
    return mountinfo_read(&text) == 0 && mountinfo_top(strbuf_bytes(&text), real, &top) &&
           bytes_are(top.type, MOUNTPOINT_TYPE);
}

/* Root's way takes the mount that was looked at, even if another one comes to its path meanwhile.
 */
static int remove_dead(int place, const char *real)
{
    char link[64];
    snprintf(link, sizeof(link), "/proc/self/fd/%d", place);
    if (umount2(link, MNT_DETACH) == 0)
        return 0;
    return errno == EPERM ? mountpoint_detach(real) : -errno;
}

int mountpoint_detach_dead(const char *path)
{
    char real[PATH_MAX];
    struct statfs fs;
    CLEANUP(close_fd) int place = open_place(path, real);
    if (place < 0)
        return place;
    return fstatfs(place, &fs) == 0 || !is_death(errno) ? -ENOENT : remove_dead(place, real);
}

/* 1: removed a dead mount of ours; 0: there is none; or -errno. */
static int recover_one(const char *path)
{
    char real[PATH_MAX];
    struct statfs fs;
    CLEANUP(close_fd) int place = open_place(path, real);
    if (place < 0 || fstatfs(place, &fs) == 0 || !is_death(errno) || !is_ours(real))
        return 0;
    int rc = remove_dead(place, real);
    return rc ? rc : 1;
}

int mountpoint_recover(const char *path, struct strbuf *why)
{
    int rc;
    unsigned removed = 0;
    while ((rc = recover_one(path)) > 0 && removed < STACKED_MAX)
        removed++;
    if (removed)
        log_info("%s: a dead mount was removed", path);
    if (rc < 0)
        strbuf_printf(why, "%s: the dead mount here cannot be removed: %s", path, strerror(-rc));
    return rc < 0 ? rc : 0;
}

/* --- before mounting --- */

struct refusal_text {
    int error;
    const char *text; /* after the path */
};

static const struct refusal_text refusals[] = {
    {ENOENT, "no such directory: create it with mkdir"},
    {ENOTDIR, "not a directory"},
    {ENOTEMPTY, "not empty: choose an empty directory, or use -o nonempty"},
    {EBUSY, "an imsfs is mounted here already: unmount it with fusermount3 -u"},
    {EACCES, "no permission: a mount point must be yours to write"},
};

void mountpoint_add_removal(struct strbuf *out, const char *path)
{
    strbuf_add_str(out, geteuid() == 0 ? "umount " : "fusermount3 -u ");
    strbuf_add_quoted(out, path);
}

static int refuse(const char *path, int error, struct strbuf *why)
{
    if (is_death(error)) {
        char real[PATH_MAX];
        CLEANUP(close_fd) int place = open_place(path, real);
        strbuf_printf(why, "%s: a dead mount is here: remove it with: ", path);
        mountpoint_add_removal(why, path);
        strbuf_add_str(why, place >= 0 && is_ours(real) ? ", or use -o recover" : "");
        return -ENOTCONN;
    }
    const char *text = strerror(error);
    for (size_t i = 0; i < ARRAY_SIZE(refusals); i++)
        if (refusals[i].error == error)
            text = refusals[i].text;
    strbuf_printf(why, "%s: %s", path, text);
    return -error;
}

/* 0, ENOTEMPTY or another error. */
static int check_empty(int place)
{
    int fd = openat(place, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (fd < 0)
        return errno;
    CLEANUP(close_dir) DIR *dir = fdopendir(fd);
    if (!dir) {
        int error = errno;
        close(fd);
        return error;
    }
    errno = 0;
    for (const struct dirent *entry; (entry = readdir(dir)); errno = 0)
        if (!streq(entry->d_name, ".") && !streq(entry->d_name, ".."))
            return ENOTEMPTY;
    return errno;
}

/* 0 or an error. fusermount3 asks of users the same: a mount point that they may write to. */
static int check_place(int place, const char *real, bool nonempty)
{
    struct statfs fs;
    dev_t device;
    if (fstatfs(place, &fs))
        return errno;
    if (fs.f_type == AUTOFS_SUPER_MAGIC) /* opening it would start the mount that we are */
        return 0;
    bool writable = geteuid() == 0 || faccessat(place, ".", W_OK, 0) == 0;
    if ((!nonempty || !writable) && fs.f_type == FUSE_SUPER_MAGIC &&
        mountpoint_find(real, &device) == 0)
        return EBUSY;
    if (!writable)
        return EACCES;
    return nonempty ? 0 : check_empty(place);
}

int mountpoint_check(const char *path, bool nonempty, char **real, struct strbuf *why)
{
    struct stat st;
    if (stat(path, &st))
        return refuse(path, errno, why);
    if (!S_ISDIR(st.st_mode))
        return refuse(path, ENOTDIR, why);
    CLEANUP(free_ptr) char *resolved = realpath(path, NULL);
    if (!resolved)
        return refuse(path, errno, why);
    /* O_PATH alone does not trigger an automount (open(2)); with O_DIRECTORY it does. */
    CLEANUP(close_fd) int place = open(resolved, O_PATH | O_CLOEXEC);
    if (place < 0)
        return refuse(path, errno, why);
    int error = check_place(place, resolved, nonempty);
    if (error)
        return refuse(path, error, why);
    *real = STEAL(resolved);
    return 0;
}

/* --- afterwards --- */

/* Runs fusermount3 with nothing to say and no signal of ours blocked. */
static int spawn_fusermount(const char *real, pid_t *pid)
{
    char *const argv[] = {(char[]){"fusermount3"},
                          (char[]){"-u"},
                          (char[]){"-z"},
                          (char[]){"-q"},
                          (char[]){"--"},
                          (char *)(uintptr_t)real,
                          NULL};
    posix_spawn_file_actions_t actions;
    posix_spawnattr_t attributes;
    sigset_t none;
    sigemptyset(&none);
    int error = posix_spawn_file_actions_init(&actions);
    if (error)
        return -error;
    error = posix_spawnattr_init(&attributes);
    if (error)
        goto out_actions;
    for (int fd = STDIN_FILENO; fd <= STDERR_FILENO && !error; fd++)
        error = posix_spawn_file_actions_addopen(&actions, fd, "/dev/null", O_RDWR, 0);
    if (!error)
        error = posix_spawnattr_setflags(&attributes, POSIX_SPAWN_SETSIGMASK);
    if (!error)
        error = posix_spawnattr_setsigmask(&attributes, &none);
    if (!error)
        error = posix_spawnp(pid, argv[0], &actions, &attributes, argv, environ);
    posix_spawnattr_destroy(&attributes);
out_actions:
    posix_spawn_file_actions_destroy(&actions);
    return -error;
}

int mountpoint_detach(const char *real)
{
    if (umount2(real, MNT_DETACH | UMOUNT_NOFOLLOW) == 0)
        return 0;
    if (errno != EPERM)
        return -errno;
    pid_t pid = -1;
    int status;
    int rc = spawn_fusermount(real, &pid);
    if (rc)
        return rc;
    while (waitpid(pid, &status, 0) < 0)
        if (errno != EINTR)
            return -errno;
    return WIFEXITED(status) && WEXITSTATUS(status) == 0 ? 0 : -EIO;
}

/* Where we may not look any more the table says it, which is in the order of mounting and so does
 * not know what was moved there. */
bool mountpoint_on_top(const char *real, dev_t device)
{
    CLEANUP(strbuf_free) struct strbuf text = STRBUF_INIT;
    struct mountinfo_line top;
    struct statx st;
    if (!device)
        return true;
    int rc = mountinfo_read(&text);
    if (rc == 0 && !mountpoint_present_in(strbuf_bytes(&text), device))
        return false;
    if (statx(AT_FDCWD, real, AT_SYMLINK_NOFOLLOW | AT_NO_AUTOMOUNT | AT_STATX_DONT_SYNC, 0, &st) ==
        0)
        return makedev(st.stx_dev_major, st.stx_dev_minor) == device;
    return rc < 0 || (mountinfo_top(strbuf_bytes(&text), real, &top) && top.device == device);
}

int mountpoint_leave(dev_t device)
{
    int rc = 0;
    for (unsigned i = 0; i < STACKED_MAX && !rc; i++) {
        CLEANUP(strbuf_free) struct strbuf text = STRBUF_INIT;
        CLEANUP(strbuf_free) struct strbuf path = STRBUF_INIT;
        rc = mountinfo_read(&text);
        if (!rc)
            rc = mountpoint_where_in(strbuf_bytes(&text), device, &path);
        if (rc == -ENOENT && mountpoint_present_in(strbuf_bytes(&text), device))
            return -EBUSY;
        if (!rc)
            rc = mountpoint_detach_dead(strbuf_str(&path));
    }
    return rc == -ENOENT ? 0 : rc;
}

void mountpoint_add_options(struct strbuf *out, const char *source, bool allow_other,
                            bool allow_root)
{
    strbuf_add_str(out, "ro,nosuid,nodev,noexec,default_permissions,subtype=imsfs");
    if (allow_other)
        strbuf_add_str(out, ",allow_other");
    if (allow_root)
        strbuf_add_str(out, ",allow_root");
    strbuf_add_str(out, ",fsname=");
    for (const char *s = source; *s; s++) {
        if (*s == ',' || *s == '\\')
            strbuf_add_char(out, '\\');
        strbuf_add_char(out, *s);
    }
}
