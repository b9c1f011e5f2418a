// SPDX-License-Identifier: Apache-2.0
#include "imsfs/mountpoint.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
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

#define MOUNTINFO "/proc/self/mountinfo"
#define READ_SIZE 65536

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

/* --- mountinfo --- */

/* One line: "36 35 0:50 / /mnt/a\040b rw,noatime shared:1 - fuse.imsfs source rw". */
struct mount_line {
    dev_t device;
    struct bytes path; /* escaped as in the file */
    struct bytes type;
};

/* Cuts the part up to sep, or all of it, off rest. */
static struct bytes cut(struct bytes *rest, char sep)
{
    const char *end = rest->len ? memchr(rest->data, sep, rest->len) : NULL;
    struct bytes part = {rest->data, end ? (size_t)(end - rest->data) : rest->len};
    size_t used = part.len + (end ? 1 : 0);
    rest->data += used;
    rest->len -= used;
    return part;
}

static bool read_device(struct bytes text, dev_t *device)
{
    char copy[32];
    unsigned major_number, minor_number;
    snprintf(copy, sizeof(copy), "%.*s", (int)text.len, text.data);
    if (sscanf(copy, "%u:%u", &major_number, &minor_number) != 2)
        return false;
    *device = makedev(major_number, minor_number);
    return true;
}

static bool read_line(struct bytes line, struct mount_line *out)
{
    cut(&line, ' '); /* the mount's id */
    cut(&line, ' '); /* its parent's */
    if (!read_device(cut(&line, ' '), &out->device))
        return false;
    cut(&line, ' '); /* its root in the file system */
    out->path = cut(&line, ' ');
    while (line.len && !bytes_are(cut(&line, ' '), "-"))
        continue; /* options and any number of optional fields */
    out->type = cut(&line, ' ');
    return out->type.len > 0;
}

static bool is_octal(const char *s)
{
    return s[0] >= '0' && s[0] <= '3' && s[1] >= '0' && s[1] <= '7' && s[2] >= '0' && s[2] <= '7';
}

/* True when the path, in which the kernel wrote space, tab, newline and backslash as \ooo, is real.
 */
static bool path_is(struct bytes escaped, const char *real)
{
    size_t i = 0;
    while (i < escaped.len && *real) {
        char c = escaped.data[i++];
        if (c == '\\' && escaped.len - i >= 3 && is_octal(escaped.data + i)) {
            const char *digits = escaped.data + i;
            c = (char)((digits[0] - '0') * 64 + (digits[1] - '0') * 8 + (digits[2] - '0'));
            i += 3;
        }
        if (c != *real++)
            return false;
    }
    return i == escaped.len && !*real;
}

int mountpoint_find_in(struct bytes mountinfo, const char *real, dev_t *device)
{
    int rc = -ENOENT;
    while (mountinfo.len) {
        struct mount_line line;
        if (!read_line(cut(&mountinfo, '\n'), &line) || !bytes_are(line.type, MOUNTPOINT_TYPE) ||
            !path_is(line.path, real))
            continue;
        *device = line.device; /* the last one is the newest */
        rc = 0;
    }
    return rc;
}

int mountpoint_present_in(struct bytes mountinfo, dev_t device)
{
    while (mountinfo.len) {
        struct mount_line line;
        if (read_line(cut(&mountinfo, '\n'), &line) && line.device == device)
            return 1;
    }
    return 0;
}

int mountpoint_watch(void)
{
    int fd = open(MOUNTINFO, O_RDONLY | O_CLOEXEC);
    return fd < 0 ? -errno : fd;
}

static int read_mountinfo(struct strbuf *out)
{
    CLEANUP(close_fd) int fd = mountpoint_watch();
    if (fd < 0)
        return fd;
    while (strbuf_reserve(out, READ_SIZE)) {
        ssize_t n = read(fd, out->data + out->len, READ_SIZE);
        if (n < 0 && errno != EINTR)
            return -errno;
        if (n == 0)
            break;
        if (n > 0)
            out->len += (size_t)n;
    }
    return strbuf_error(out);
}

int mountpoint_find(const char *real, dev_t *device)
{
    CLEANUP(strbuf_free) struct strbuf text = STRBUF_INIT;
    int rc = read_mountinfo(&text);
    return rc ? rc : mountpoint_find_in(strbuf_bytes(&text), real, device);
}

int mountpoint_present(dev_t device)
{
    CLEANUP(strbuf_free) struct strbuf text = STRBUF_INIT;
    int rc = read_mountinfo(&text);
    return rc ? rc : mountpoint_present_in(strbuf_bytes(&text), device);
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
    {EBUSY, "an imsfs is mounted here already: unmount it with fusermount3 -u, or use -o nonempty"},
    {EACCES, "no permission: a mount point must be yours to write"},
};

static int refuse(const char *path, int error, struct strbuf *why)
{
    if (error == ENOTCONN || error == ECONNABORTED) {
        strbuf_printf(why, "%s: a dead mount is here: remove it with: fusermount3 -u '%s'", path,
                      path);
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
    if (geteuid() != 0 && faccessat(place, ".", W_OK, 0))
        return EACCES;
    if (nonempty)
        return 0;
    if (fs.f_type == FUSE_SUPER_MAGIC && mountpoint_find(real, &device) == 0)
        return EBUSY;
    return check_empty(place);
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

bool mountpoint_on_top(const char *real, dev_t device)
{
    struct stat st;
    if (!device)
        return true;
    if (mountpoint_present(device) == 0)
        return false;
    return lstat(real, &st) < 0 || st.st_dev == device;
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
