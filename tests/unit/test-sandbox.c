// SPDX-License-Identifier: Apache-2.0
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/filter.h>
#include <linux/landlock.h>
#include <linux/seccomp.h>
#include <netinet/in.h>
#include <sched.h>
#include <stdio.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "imsfs/sandbox.h"
#include "leave-out.h"

/* Directories "in", with a file, a link to the next, and a link out of it; "next"; and "out". */
static char place[] = "/tmp/imsfs-sandbox-XXXXXX";
static uint16_t port, other_port;

static int landlock_version(void)
{
    return (int)syscall(SYS_landlock_create_ruleset, NULL, 0, LANDLOCK_CREATE_RULESET_VERSION);
}

static const char *at(const char *name)
{
    static char path[256];
    snprintf(path, sizeof(path), "%s/%s", place, name);
    return path;
}

static void write_file(const char *name)
{
    FILE *f = fopen(at(name), "w");
    assert_non_null(f);
    fputs("x", f);
    fclose(f);
}

static uint16_t listen_at(void)
{
    struct sockaddr_in a = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t len = sizeof(a);
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    assert_int_equal(bind(fd, (struct sockaddr *)&a, sizeof(a)), 0);
    assert_int_equal(listen(fd, 8), 0);
    assert_int_equal(getsockname(fd, (struct sockaddr *)&a, &len), 0);
    return ntohs(a.sin_port);
}

/* --- What is tried: 0 or an errno --- */

static int try_read(const char *name)
{
    int fd = open(name[0] == '/' ? name : at(name), O_RDONLY | O_CLOEXEC);
    int error = fd < 0 ? errno : 0;
    if (fd >= 0)
        close(fd);
    return error;
}

static int try_write(const char *name)
{
    int fd = open(name[0] == '/' ? name : at(name), O_WRONLY | O_CREAT | O_CLOEXEC, 0600);
    int error = fd < 0 ? errno : 0;
    if (fd >= 0)
        close(fd);
    return error;
}

static int try_connect(uint16_t to)
{
    const struct sockaddr_in a = {
        .sin_family = AF_INET, .sin_port = htons(to), .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    int error = connect(fd, (const struct sockaddr *)&a, sizeof(a)) < 0 ? errno : 0;
    close(fd);
    return error;
}

static int try_run(void)
{
    execl("/bin/true", "true", (char *)NULL);
    return errno;
}

static int try_unlink(const char *name)
{
    return unlink(at(name)) < 0 ? errno : 0;
}

static int try_chown(const char *name)
{
    return chown(at(name), 1, 1) < 0 ? errno : 0;
}

/* --- */

static const struct sandbox_config *current;

/* From here on this process gets EPERM of a system call, as in a container. */
static int refuse(long call)
{
    struct sock_filter steps[] = {
        BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, nr)),
        BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, (uint32_t)call, 0, 1),
        BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ERRNO | EPERM),
        BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
    };
    const struct sock_fprog program = {ARRAY_SIZE(steps), steps};
    prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0);
    return prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &program);
}

/* In a process of its own, inside; its status is what fn says. */
static int inside(int (*fn)(void))
{
    pid_t pid = fork();
    if (pid == 0) {
        struct sandbox s = SANDBOX_INIT;
        if (sandbox_init(&s, current) < 0 || sandbox_enter(&s) < 0)
            _exit(255);
        _exit(fn());
    }
    int status;
    assert_int_equal(waitpid(pid, &status, 0), pid);
    assert_true(WIFEXITED(status));
    return WEXITSTATUS(status);
}

#define TRY(name, call)   \
    static int name(void) \
    {                     \
        return call;      \
    }
TRY(read_file, try_read("in/file"))
TRY(read_beside, try_read("in/beside"))
TRY(read_linked, try_read("in/link"))
TRY(read_out, try_read("out/file"))
TRY(read_system, try_read("/etc/hosts"))
TRY(read_mounts, try_read("/proc/self/mountinfo"))
TRY(read_home, try_read("/root"))
TRY(write_allowed_file, try_write("in/file"))
TRY(write_new_file, try_write("in/new"))
TRY(write_null, try_write("/dev/null"))
TRY(unlink_file, try_unlink("in/file"))
TRY(chown_file, try_chown("in/beside"))
TRY(run_program, try_run())
TRY(connect_there, try_connect(port))
TRY(connect_elsewhere, try_connect(other_port))
TRY(no_new_privileges, prctl(PR_GET_NO_NEW_PRIVS, 0, 0, 0, 0))

static void files_and_ports_are_those_that_were_named(void **state)
{
    (void)state;
    char file[256], link[256];
    snprintf(file, sizeof(file), "%s", at("in/file"));
    snprintf(link, sizeof(link), "%s", at("in/link"));
    const struct sandbox_config config = {
        .files = {file, link}, .file_count = 2, .ports = {port}, .port_count = 1};
    static const struct {
        int (*fn)(void);
        int error, version;
    } rows[] = {
        {read_file, 0, 0},
        {read_beside, 0, 0},
        {read_linked, 0, 0},
        {read_system, 0, 0},
        {read_mounts, 0, 0},
        {write_null, 0, 0},
        {read_out, EACCES, 1},
        {read_home, EACCES, 1},
        {write_allowed_file, EACCES, 1},
        {write_new_file, EACCES, 1},
        {unlink_file, EACCES, 1},
        {run_program, EACCES, 1},
        {connect_there, 0, 0},
        {connect_elsewhere, EACCES, 4},
    };
    current = &config;
    for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
        int error = inside(rows[i].fn);
        if (landlock_version() >= rows[i].version && error != rows[i].error)
            fail_msg("row %zu: %s", i, strerror(error));
    }
}

static void what_is_refused_is_left_out(void **state)
{
    static const struct {
        long call;
        int read_home, chown_file; /* EACCES, EPERM: it is forbidden nevertheless */
    } rows[] = {
        {SYS_landlock_create_ruleset, 0, EPERM},
        {SYS_landlock_add_rule, 0, EPERM},
        {SYS_landlock_restrict_self, 0, EPERM},
        {SYS_capset, EACCES, 0},
        {SYS_capget, EACCES, 0},
    };
    (void)state;
    const struct sandbox_config config = {.any_port = true};
    bool root = geteuid() == 0;
    for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
        pid_t pid = fork();
        if (pid == 0) {
            struct sandbox s = SANDBOX_INIT;
            if (refuse(rows[i].call) || sandbox_init(&s, &config) || sandbox_enter(&s))
                _exit(1);
            if (root && landlock_version() > 0 && try_read("/root") != rows[i].read_home)
                _exit(2);
            _exit(root && try_chown("in/beside") != rows[i].chown_file ? 3 : 0);
        }
        int status;
        assert_int_equal(waitpid(pid, &status, 0), pid);
        if (!WIFEXITED(status) || WEXITSTATUS(status) != 0)
            fail_msg("row %zu: %x", i, (unsigned)status);
    }
}

static void unknown_ports_are_all(void **state)
{
    (void)state;
    const struct sandbox_config config = {.any_port = true};
    current = &config;
    assert_int_equal(inside(connect_elsewhere), 0);
    assert_int_equal(inside(connect_there), 0);
}

static void rights_are_gone(void **state)
{
    (void)state;
    const struct sandbox_config config = {.any_port = true};
    current = &config;
    assert_int_equal(inside(no_new_privileges), 1);
    assert_int_equal(inside(chown_file), EPERM); /* root too */
}

static int read_inside(const struct sandbox *s, const char *name)
{
    int status;
    pid_t pid = fork();
    if (pid == 0)
        _exit(sandbox_enter(s) < 0 ? 1 : try_read(name));
    assert_int_equal(waitpid(pid, &status, 0), pid);
    return status;
}

static void point_current_to(const char *target)
{
    char link[256];
    snprintf(link, sizeof(link), "%s", at("current"));
    unlink(link);
    assert_int_equal(symlink(target, link), 0);
}

/* The directory behind a link may be another later, in the same place; also where that link is
 * behind another one. */
static void a_link_on_the_way_may_be_changed(void **state)
{
    (void)state;
    static const char *const names[] = {"current/file", "in/far"};
    for (size_t i = 0; i < ARRAY_SIZE(names); i++) {
        char file[256];
        snprintf(file, sizeof(file), "%s", at(names[i]));
        const struct sandbox_config config = {.files = {file}, .file_count = 1};
        struct sandbox s;
        point_current_to("first");
        assert_int_equal(sandbox_init(&s, &config), 0);
        assert_int_equal(read_inside(&s, names[i]), 0);
        point_current_to("next");
        assert_int_equal(read_inside(&s, names[i]), 0);
        sandbox_deinit(&s);
    }
}

#define CERTIFICATES "/var/lib/ca-certificates"
#define NO_NAMESPACE 254

/* As on openSUSE: its certificates are behind links in /etc/ssl. */
static int read_certificates(const char *name)
{
    if (unshare(CLONE_NEWNS) < 0 || mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL) < 0 ||
        mount("none", "/var/lib", "tmpfs", 0, NULL) < 0)
        return NO_NAMESPACE;
    const struct sandbox_config config = {0};
    struct sandbox s;
    if (mkdir(CERTIFICATES, 0755) < 0 || try_write(name) != 0 || sandbox_init(&s, &config) < 0 ||
        sandbox_enter(&s) < 0)
        return 255;
    return try_read(name);
}

static void certificates_of_other_systems_are_read(void **state)
{
    (void)state;
    static const struct {
        const char *name;
        int error, version;
    } rows[] = {{CERTIFICATES "/ca-bundle.pem", 0, 0}, {"/var/lib/other", EACCES, 1}};
    for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
        int status;
        pid_t pid = fork();
        if (pid == 0)
            _exit(read_certificates(rows[i].name));
        assert_int_equal(waitpid(pid, &status, 0), pid);
        assert_true(WIFEXITED(status));
        if (WEXITSTATUS(status) == NO_NAMESPACE)
            LEAVE_OUT("it takes root");
        if (landlock_version() >= rows[i].version)
            assert_int_equal(WEXITSTATUS(status), rows[i].error);
    }
}

static int privileges_here(void *ctx)
{
    *(int *)ctx = prctl(PR_GET_NO_NEW_PRIVS, 0, 0, 0, 0);
    return -EDOM;
}

static void a_call_is_inside_and_the_caller_is_not(void **state)
{
    (void)state;
    struct sandbox s = SANDBOX_INIT;
    const struct sandbox_config config = {.any_port = true};
    int within = 7;
    assert_int_equal(sandbox_init(&s, &config), 0);
    assert_int_equal(sandbox_call(&s, privileges_here, &within), -EDOM);
    assert_int_equal(within, 1);
    assert_int_equal(prctl(PR_GET_NO_NEW_PRIVS, 0, 0, 0, 0), 0);
    assert_int_equal(sandbox_call(NULL, privileges_here, &within), -EDOM);
    assert_int_equal(within, 0);
    sandbox_deinit(&s);
}

static int set_up(void **state)
{
    (void)state;
    static const char *const dirs[] = {"in", "out", "next", "first"};
    assert_non_null(mkdtemp(place));
    for (size_t i = 0; i < ARRAY_SIZE(dirs); i++)
        assert_int_equal(mkdir(at(dirs[i]), 0700), 0);
    write_file("in/file");
    write_file("in/beside");
    write_file("out/file");
    write_file("next/file");
    write_file("first/file");
    assert_int_equal(symlink("../next/file", at("in/link")), 0);
    assert_int_equal(symlink("../current/file", at("in/far")), 0);
    port = listen_at();
    other_port = listen_at();
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    static const char *const files[] = {"in/link",    "in/file",  "in/beside",
                                        "in/new",     "out/file", "next/file",
                                        "first/file", "current",  "in/far"};
    static const char *const dirs[] = {"in", "out", "next", "first", ""};
    for (size_t i = 0; i < ARRAY_SIZE(files); i++)
        unlink(at(files[i]));
    for (size_t i = 0; i < ARRAY_SIZE(dirs); i++)
        rmdir(at(dirs[i]));
    return 0;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(files_and_ports_are_those_that_were_named),
        cmocka_unit_test(what_is_refused_is_left_out),
        cmocka_unit_test(unknown_ports_are_all),
        cmocka_unit_test(rights_are_gone),
        cmocka_unit_test(a_link_on_the_way_may_be_changed),
        cmocka_unit_test(certificates_of_other_systems_are_read),
        cmocka_unit_test(a_call_is_inside_and_the_caller_is_not),
    };
    return cmocka_run_group_tests_name("sandbox", tests, set_up, tear_down);
}
