// SPDX-License-Identifier: Apache-2.0
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "imsfs/mountpoint.h"
#include "leave-out.h"

static const char sample[] =
    "27 1 254:0 / / rw,relatime - ext4 /dev/vda rw,discard\n"
    "23 27 0:22 / /sys rw,relatime shared:7 master:3 - sysfs sysfs rw\n"
    "90 27 0:50 / /mnt/images ro,nosuid,nodev,noexec shared:9 - fuse.imsfs https://h ro\n"
    "91 27 0:51 / /mnt/a\\040b\\011c\\012d\\134e ro - fuse.imsfs /x\\040- ro\n"
    "92 90 0:52 / /mnt/images ro shared:9 unbindable - fuse.imsfs https://h ro,user_id=0\n"
    "93 92 0:53 / /mnt/images rw - fuse.sshfs host: rw\n"
    "94 27 0:54 / /mnt/other rw - fuse.sshfs fuse.imsfs rw\n"
    "not a line at all\n"
    "95 27 x:y / /mnt/images rw - fuse.imsfs a rw\n"
    "96 27 0:55 / /mnt/images rw\n"
    "98 27 0:51 / /mnt/below ro - fuse.imsfs /x ro\n"
    "97 27 0:60 / /last ro - fuse.imsfs a ro";

static void test_find(void **state)
{
    (void)state;
    struct bytes text = bytes_of(sample);
    dev_t device = 0;
    assert_int_equal(mountpoint_find_in(text, "/mnt/images", &device), 0);
    assert_true(device == makedev(0, 52)); /* the newest of two */
    assert_int_equal(mountpoint_find_in(text, "/mnt/a b\tc\nd\\e", &device), 0);
    assert_true(device == makedev(0, 51));
    assert_int_equal(mountpoint_find_in(text, "/last", &device), 0);
    assert_true(device == makedev(0, 60));
    static const char *const absent[] = {"/mnt/other",
                                         "/mnt/image",
                                         "/mnt/images/",
                                         "/mnt/imagesx",
                                         "/sys",
                                         "",
                                         "/mnt/a\\040b\\011c\\012d\\134e"};
    for (size_t i = 0; i < ARRAY_SIZE(absent); i++)
        assert_int_equal(mountpoint_find_in(text, absent[i], &device), -ENOENT);
    assert_true(device == makedev(0, 60));
    assert_int_equal(mountpoint_find_in((struct bytes){NULL, 0}, "/", &device), -ENOENT);
}

static void test_present(void **state)
{
    (void)state;
    struct bytes text = bytes_of(sample);
    assert_int_equal(mountpoint_present_in(text, makedev(0, 50)), 1);
    assert_int_equal(mountpoint_present_in(text, makedev(0, 60)), 1);
    assert_int_equal(mountpoint_present_in(text, makedev(0, 5)), 0);
    assert_int_equal(mountpoint_present_in(text, makedev(0, 55)), 0); /* a broken line */
    struct stat st;
    assert_int_equal(stat("/proc", &st), 0);
    assert_int_equal(mountpoint_present(st.st_dev), 1);
    assert_int_equal(mountpoint_present(makedev(4000, 1)), 0);
}

/* Where it is on top. */
static void test_where(void **state)
{
    (void)state;
    static const struct {
        unsigned device;
        const char *path; /* NULL: nowhere */
    } rows[] = {
        {54, "/mnt/other"}, {51, "/mnt/a b\tc\nd\\e"},
        {60, "/last"},      {53, "/mnt/images"},
        {52, NULL},         {50, NULL},
        {55, NULL},
    };
    CLEANUP(strbuf_free) struct strbuf path = STRBUF_INIT;
    for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
        int rc = mountpoint_where_in(bytes_of(sample), makedev(0, rows[i].device), &path);
        assert_int_equal(rc, rows[i].path ? 0 : -ENOENT);
        if (rows[i].path)
            assert_string_equal(strbuf_str(&path), rows[i].path);
    }
}

/* Every start of the sample, at the end of its memory: nothing is read beyond it. */
static void test_cut_text(void **state)
{
    (void)state;
    for (size_t len = 0; len < sizeof(sample); len++) {
        CLEANUP(free_ptr) char *copy = malloc(len ? len : 1);
        memcpy(copy, sample, len);
        dev_t device;
        CLEANUP(strbuf_free) struct strbuf path = STRBUF_INIT;
        (void)!mountpoint_where_in((struct bytes){copy, len}, makedev(0, 51), &path);
        (void)!mountpoint_find_in((struct bytes){copy, len}, "/mnt/a b\tc\nd\\e", &device);
        (void)!mountpoint_present_in((struct bytes){copy, len}, makedev(1, 1));
    }
}

/* --- directories --- */

struct place {
    char dir[64];
    char path[96];
};

static int set_up(void **state)
{
    struct place *p = calloc(1, sizeof(*p));
    strcpy(p->dir, "/tmp/imsfs-test-XXXXXX");
    if (!mkdtemp(p->dir))
        return -1;
    snprintf(p->path, sizeof(p->path), "%s/m p", p->dir);
    *state = p;
    return mkdir(p->path, 0755);
}

static int tear_down(void **state)
{
    struct place *p = *state;
    char command[160];
    snprintf(command, sizeof(command), "rm -rf '%s'", p->dir);
    int rc = system(command);
    free(p);
    return rc;
}

static int check(const char *path, bool nonempty, const char *message)
{
    CLEANUP(strbuf_free) struct strbuf why = STRBUF_INIT;
    CLEANUP(free_ptr) char *real = NULL;
    int rc = mountpoint_check(path, nonempty, &real, &why);
    assert_true(rc ? real == NULL : real[0] == '/');
    if (rc) {
        assert_memory_equal(strbuf_str(&why), path, strlen(path));
        assert_non_null(strstr(strbuf_str(&why), message));
    }
    return rc;
}

static void make_file(const char *dir, const char *name)
{
    char path[160];
    snprintf(path, sizeof(path), "%s/%s", dir, name);
    int fd = open(path, O_CREAT | O_WRONLY | O_CLOEXEC, 0644);
    assert_true(fd >= 0);
    close(fd);
}

static void test_check(void **state)
{
    struct place *p = *state;
    assert_int_equal(check(p->path, false, ""), 0);
    assert_int_equal(check("/nowhere/at/all", false, "create it with mkdir"), -ENOENT);
    make_file(p->path, ".hidden");
    assert_int_equal(check(p->path, false, "-o nonempty"), -ENOTEMPTY);
    assert_int_equal(check(p->path, true, ""), 0);
    char file[128];
    snprintf(file, sizeof(file), "%s/.hidden", p->path);
    assert_int_equal(check(file, true, "not a directory"), -ENOTDIR);
}

static void test_links_are_resolved(void **state)
{
    struct place *p = *state;
    char link[96];
    snprintf(link, sizeof(link), "%s/link", p->dir);
    assert_int_equal(symlink("m p", link), 0);
    CLEANUP(strbuf_free) struct strbuf why = STRBUF_INIT;
    CLEANUP(free_ptr) char *real = NULL;
    assert_int_equal(mountpoint_check(link, false, &real, &why), 0);
    assert_string_equal(real, p->path);
}

/* In a child, so that the rest of the tests stays who they are. */
static int check_as_nobody(const char *path)
{
    pid_t pid = fork();
    if (pid == 0) {
        CLEANUP(strbuf_free) struct strbuf why = STRBUF_INIT;
        CLEANUP(free_ptr) char *real = NULL;
        if (setgid(65534) || setuid(65534))
            _exit(99);
        _exit(-mountpoint_check(path, false, &real, &why));
    }
    int status;
    assert_int_equal(waitpid(pid, &status, 0), pid);
    return WEXITSTATUS(status);
}

static void test_permission(void **state)
{
    struct place *p = *state;
    if (geteuid() != 0)
        LEAVE_OUT("it takes root, and /dev/fuse");
    assert_int_equal(chmod(p->dir, 0755), 0);
    assert_int_equal(check_as_nobody(p->path), EACCES);
    assert_int_equal(chmod(p->path, 0777), 0);
    assert_int_equal(check_as_nobody(p->path), 0);
    assert_int_equal(chmod(p->dir, 0700), 0);
    assert_int_equal(check_as_nobody(p->path), EACCES);
}

/* A FUSE mount whose server is gone: opens /dev/fuse, mounts it and lets go. False: not possible
 * here. */
static bool mount_dead_as(const char *path, const char *type)
{
    char options[64];
    int fd = open("/dev/fuse", O_RDWR | O_CLOEXEC);
    if (fd < 0)
        return false;
    snprintf(options, sizeof(options), "fd=%d,rootmode=40000,user_id=0,group_id=0", fd);
    int rc = mount("test", path, type, MS_RDONLY | MS_NOSUID | MS_NODEV, options);
    close(fd);
    return rc == 0;
}

static bool mount_dead(const char *path)
{
    return mount_dead_as(path, MOUNTPOINT_TYPE);
}

static void test_dead_mount(void **state)
{
    struct place *p = *state;
    if (!mount_dead(p->path))
        LEAVE_OUT("it takes root, and /dev/fuse");
    char command[160];
    snprintf(command, sizeof(command), "%s '%s', or use -o recover",
             geteuid() == 0 ? "umount" : "fusermount3 -u", p->path);
    assert_int_equal(check(p->path, false, command), -ENOTCONN);
    assert_int_equal(check(p->path, true, command), -ENOTCONN);
    assert_int_equal(mountpoint_detach(p->path), 0);
    assert_int_equal(check(p->path, false, ""), 0);
}

static int recover(const char *path)
{
    CLEANUP(strbuf_free) struct strbuf why = STRBUF_INIT;
    int rc = mountpoint_recover(path, &why);
    assert_true((rc != 0) == (why.len > 0));
    return rc;
}

/* One over the other, with a link to them; then there is nothing to do. */
static void test_recover(void **state)
{
    struct place *p = *state;
    char link[96];
    if (!mount_dead(p->path) || !mount_dead(p->path))
        LEAVE_OUT("it takes root, and /dev/fuse");
    snprintf(link, sizeof(link), "%s/link", p->dir);
    assert_int_equal(symlink("m p", link), 0);
    assert_int_equal(recover(link), 0);
    assert_int_equal(check(p->path, false, ""), 0);
    assert_int_equal(recover(p->path), 0);
    assert_int_equal(recover("/nowhere/at/all"), 0);
}

static void test_recover_takes_only_ours(void **state)
{
    struct place *p = *state;
    if (!mount_dead_as(p->path, "fuse.sshfs"))
        LEAVE_OUT("it takes root, and /dev/fuse");
    assert_int_equal(recover(p->path), 0);
    assert_int_equal(check(p->path, false, "remove it with"), -ENOTCONN);
    assert_int_equal(mountpoint_detach(p->path), 0);
    assert_int_equal(mount("test", p->path, "tmpfs", 0, NULL), 0);
    assert_int_equal(recover(p->path), 0);
    assert_int_equal(umount2(p->path, 0), 0);
}

/* In two places, in one of them below another file system. */
static void test_leave(void **state)
{
    struct place *p = *state;
    char other[96];
    snprintf(other, sizeof(other), "%s/other", p->dir);
    assert_int_equal(mkdir(other, 0755), 0);
    dev_t device = 0;
    if (!mount_dead(p->path) || mount(p->path, other, "none", MS_BIND, NULL))
        LEAVE_OUT("it takes root, and /dev/fuse");
    assert_int_equal(mountpoint_find(p->path, &device), 0);
    assert_int_equal(mount("test", p->path, "tmpfs", 0, NULL), 0);
    assert_int_equal(mountpoint_leave(device), -EBUSY);
    dev_t left = 0;
    assert_int_equal(mountpoint_find(other, &left), -ENOENT);
    assert_int_equal(mountpoint_find(p->path, &left), 0); /* what is above it is not ours to take */
    assert_int_equal(umount2(p->path, 0), 0);
    assert_int_equal(mountpoint_leave(device), 0);
    assert_int_equal(mountpoint_present(device), 0);
}

/* The number that a mount had may be that of another one by now. */
static void test_leave_takes_only_the_dead(void **state)
{
    struct place *p = *state;
    struct stat st;
    if (mount("test", p->path, "tmpfs", 0, NULL))
        LEAVE_OUT("it takes root, and /dev/fuse");
    assert_int_equal(stat(p->path, &st), 0);
    assert_int_equal(mountpoint_leave(st.st_dev), 0);
    assert_int_equal(mountpoint_detach_dead(p->path), -ENOENT);
    assert_int_equal(mountpoint_present(st.st_dev), 1);
    assert_int_equal(umount2(p->path, 0), 0);
}

static bool poll_now(int fd, short events)
{
    struct pollfd p = {.fd = fd, .events = events};
    return poll(&p, 1, 0) == 1 && (p.revents & events);
}

/* As systemd sets one up for x-systemd.automount; a mount that it starts has another process group.
 */
static void test_automount_is_not_triggered(void **state)
{
    struct place *p = *state;
    int fds[2];
    char options[96];
    assert_int_equal(pipe(fds), 0);
    snprintf(options, sizeof(options), "fd=%d,pgrp=%d,minproto=5,maxproto=5,direct", fds[1],
             (int)getpgrp());
    bool mounted = mount("test", p->path, "autofs", 0, options) == 0;
    int status = 0;
    pid_t pid = mounted ? fork() : -1;
    if (pid == 0) {
        CLEANUP(strbuf_free) struct strbuf why = STRBUF_INIT;
        CLEANUP(free_ptr) char *real = NULL;
        setsid();
        alarm(10); /* the trigger would wait for ever */
        if (mountpoint_recover(p->path, &why))
            _exit(99);
        _exit(-mountpoint_check(p->path, false, &real, &why));
    }
    if (mounted) {
        waitpid(pid, &status, 0);
        assert_false(poll_now(fds[0], POLLIN));
        assert_int_equal(umount2(p->path, MNT_DETACH), 0);
    }
    close(fds[0]);
    close(fds[1]);
    if (!mounted)
        LEAVE_OUT("it takes root, and /dev/fuse");
    assert_int_equal(status, 0);
}

static void test_watch(void **state)
{
    struct place *p = *state;
    int fd = mountpoint_watch();
    assert_true(fd >= 0);
    if (!mount_dead(p->path)) {
        close(fd);
        LEAVE_OUT("it takes root, and /dev/fuse");
    }
    dev_t device = 0;
    assert_true(poll_now(fd, POLLPRI));
    assert_int_equal(mountpoint_find(p->path, &device), 0);
    assert_int_equal(mountpoint_present(device), 1);
    assert_int_equal(mountpoint_detach(p->path), 0);
    assert_true(poll_now(fd, POLLPRI));
    assert_int_equal(mountpoint_present(device), 0);
    assert_int_equal(mountpoint_find(p->path, &device), -ENOENT);
    close(fd);
}

static void test_detach_nothing(void **state)
{
    struct place *p = *state;
    assert_int_not_equal(mountpoint_detach(p->path), 0);
}

static void test_options(void **state)
{
    (void)state;
    CLEANUP(strbuf_free) struct strbuf out = STRBUF_INIT;
    mountpoint_add_options(&out, "https://a,b\\c", true, false);
    assert_string_equal(strbuf_str(&out), "ro,nosuid,nodev,noexec,default_permissions,"
                                          "subtype=imsfs,allow_other,fsname=https://a\\,b\\\\c");
    strbuf_reset(&out);
    mountpoint_add_options(&out, "mycloud", false, true);
    assert_non_null(strstr(strbuf_str(&out), ",subtype=imsfs,allow_root,fsname=mycloud"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_find),
        cmocka_unit_test(test_options),
        cmocka_unit_test(test_present),
        cmocka_unit_test(test_where),
        cmocka_unit_test(test_cut_text),
        cmocka_unit_test_setup_teardown(test_check, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_links_are_resolved, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_permission, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_dead_mount, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_recover, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_recover_takes_only_ours, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_leave, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_leave_takes_only_the_dead, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_automount_is_not_triggered, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_watch, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_detach_nothing, set_up, tear_down),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
