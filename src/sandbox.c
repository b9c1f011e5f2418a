// SPDX-License-Identifier: Apache-2.0
#include "imsfs/sandbox.h"

#include <errno.h>
#include <fcntl.h>
#include <libgen.h>
#include <limits.h>
#include <linux/capability.h>
#include <linux/landlock.h>
#include <pthread.h>
#include <stdio.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "imsfs/log.h"

/* --- Landlock, beyond the headers of Linux 6.1 --- */

#define FS_TRUNCATE (1ull << 14)  /* from version 3 */
#define FS_IOCTL_DEV (1ull << 15) /* from version 5 */
#define NET_BIND_TCP (1ull << 0)  /* from version 4 */
#define NET_CONNECT_TCP (1ull << 1)
#define RULE_NET_PORT 2

struct ruleset_attr {
    uint64_t fs, net;
};

struct net_port_attr {
    uint64_t access, port;
};

#define FS_READ (LANDLOCK_ACCESS_FS_READ_FILE | LANDLOCK_ACCESS_FS_READ_DIR)

/* What each version of Landlock can forbid more. We are allowed none of it but to read. */
static const struct {
    int version;
    uint64_t fs, net;
} handled[] = {
    {1, LANDLOCK_ACCESS_FS_REFER - 1, 0},
    {2, LANDLOCK_ACCESS_FS_REFER, 0},
    {3, FS_TRUNCATE, 0},
    {4, 0, NET_BIND_TCP | NET_CONNECT_TCP},
    {5, FS_IOCTL_DEV, 0},
};

/* --- Files --- */

/*
 * Where libraries look: who resolves names, certificates, time zones, their own parts. Most are
 * replaced by renaming now and then, so it is the directories. /proc: the mounts, and with follow
 * the readers.
 */
static const char *const read_below[] = {
    "/etc",
    "/usr",
    "/lib",
    "/lib64",
    "/proc",
    "/var/lib/ca-certificates", /* openSUSE; RHEL has them in /etc/pki */
    "/run/systemd/resolve",
    "/run/NetworkManager",
    "/run/resolvconf",
    "/sys/devices/system/cpu",
    "/dev/null",
    "/dev/random",
    "/dev/urandom",
};

static int add_path(int rules, const char *path, uint64_t access)
{
    struct landlock_path_beneath_attr attr = {.allowed_access = access};
    struct stat st;
    attr.parent_fd = open(path, O_PATH | O_CLOEXEC);
    if (attr.parent_fd < 0)
        return 0; /* what is not there is not read */
    if (fstat(attr.parent_fd, &st) == 0 && !S_ISDIR(st.st_mode))
        attr.allowed_access &= ~(uint64_t)LANDLOCK_ACCESS_FS_READ_DIR;
    int r = (int)syscall(SYS_landlock_add_rule, rules, LANDLOCK_RULE_PATH_BENEATH, &attr, 0);
    int error = errno;
    close(attr.parent_fd);
    return r < 0 ? -error : 0;
}

#define LINKS_MAX 40 /* as the kernel has it: path_resolution(7) */

/* The directory that path stands in. */
static int add_place(int rules, const char *path)
{
    char copy[PATH_MAX];
    if (strlen(path) >= sizeof(copy))
        return -ENAMETOOLONG;
    return add_path(rules, dirname(strcpy(copy, path)), FS_READ);
}

/* The first link on a way: what it is, and the way goes on as it says. False: there is none. */
static bool follow_link(char way[static PATH_MAX], char link[static PATH_MAX])
{
    char target[PATH_MAX], on[PATH_MAX];
    for (const char *slash = way; slash;) {
        slash = strchr(slash + 1, '/');
        size_t len = slash ? (size_t)(slash - way) : strlen(way);
        memcpy(link, way, len);
        link[len] = '\0';
        ssize_t n = readlink(link, target, sizeof(target));
        if (n <= 0)
            continue;
        int before = target[0] == '/' ? 0 : (int)(strrchr(link, '/') + 1 - link);
        int size = snprintf(on, sizeof(on), "%.*s%.*s%s", before, link, (int)n, target,
                            slash ? slash : "");
        if (size >= PATH_MAX)
            return false;
        memcpy(way, on, (size_t)size + 1);
        return true;
    }
    return false;
}

/*
 * A file that may be replaced: where it stands, where it really is, and where links on the way to
 * it stand, of which one may be another soon.
 */
static int add_file(int rules, const char *path)
{
    char way[PATH_MAX], place[PATH_MAX];
    unsigned links = 0;
    int r = add_place(rules, path);
    snprintf(way, sizeof(way), "%s", path);
    for (; r == 0 && links < LINKS_MAX && follow_link(way, place); links++)
        r = add_place(rules, place);
    return r == 0 && links ? add_place(rules, way) : r;
}

/* Links to elsewhere on many systems. */
static const char *const system_files[] = {
    "/etc/hosts",
    "/etc/localtime",
    "/etc/nsswitch.conf",
    "/etc/resolv.conf",
    "/etc/ssl/certs/ca-certificates.crt",
};

/* Sanitizers and coverage write what they have found. */
static int add_tools(int rules)
{
    int r = 0;
#ifdef IMSFS_TOOLS_WRITE
    static const char *const variables[] = {"ASAN_OPTIONS", "TSAN_OPTIONS", "UBSAN_OPTIONS"};
    uint64_t create = FS_READ | LANDLOCK_ACCESS_FS_WRITE_FILE | LANDLOCK_ACCESS_FS_MAKE_REG;
    r = add_path(rules, IMSFS_TOOLS_WRITE, create | LANDLOCK_ACCESS_FS_MAKE_DIR);
    for (size_t i = 0; r == 0 && i < ARRAY_SIZE(variables); i++) {
        const char *options = getenv(variables[i]);
        const char *log = options ? strstr(options, "log_path=") : NULL;
        char place[PATH_MAX];
        if (!log)
            continue;
        snprintf(place, sizeof(place), "%.*s", (int)strcspn(log + 9, ":"), log + 9);
        r = add_path(rules, dirname(place), create);
    }
#else
    (void)rules;
#endif
    return r;
}

static int add_files(int rules, const struct sandbox_config *config)
{
    int r = add_path(rules, "/dev/null", LANDLOCK_ACCESS_FS_WRITE_FILE);
    for (size_t i = 0; r == 0 && i < ARRAY_SIZE(read_below); i++)
        r = add_path(rules, read_below[i], FS_READ);
    for (size_t i = 0; r == 0 && i < ARRAY_SIZE(system_files); i++)
        r = add_file(rules, system_files[i]);
    for (size_t i = 0; r == 0 && i < config->file_count; i++)
        r = add_file(rules, config->files[i]);
    return r == 0 ? add_tools(rules) : r;
}

/* --- Ports --- */

static int add_port(int rules, uint16_t port)
{
    const struct net_port_attr attr = {NET_CONNECT_TCP, port};
    return syscall(SYS_landlock_add_rule, rules, RULE_NET_PORT, &attr, 0) < 0 ? -errno : 0;
}

static int add_ports(int rules, const struct sandbox_config *config)
{
    const uint16_t domain = 53; /* answers that are too long for UDP */
    int r = add_port(rules, domain);
    for (size_t i = 0; r == 0 && i < config->port_count; i++)
        r = add_port(rules, config->ports[i]);
    return r;
}

/* --- The rules --- */

/* A container may refuse what would make it a smaller one (seccomp), and a sandbox around this one
 * may be the last that Landlock takes (E2BIG): that is no reason not to mount. */
static int allow_refusal(const char *what, int rc)
{
    if (rc != -EPERM && rc != -ENOSYS && rc != -EOPNOTSUPP && rc != -E2BIG)
        return rc;
    log_warning("%s cannot be given up here: %s", what, strerror(-rc));
    return 0;
}

static int make_rules(int version, const struct sandbox_config *config, int *out)
{
    struct ruleset_attr attr = {0};
    for (size_t i = 0; i < ARRAY_SIZE(handled) && handled[i].version <= version; i++) {
        attr.fs |= handled[i].fs;
        attr.net |= handled[i].net;
    }
    if (config->any_port)
        attr.net &= ~NET_CONNECT_TCP;
    size_t size = version < 4 ? sizeof(attr.fs) : sizeof(attr);
    int rules = (int)syscall(SYS_landlock_create_ruleset, &attr, size, 0);
    if (rules < 0)
        return -errno;
    int r = add_files(rules, config);
    if (r == 0 && attr.net & NET_CONNECT_TCP)
        r = add_ports(rules, config);
    if (r < 0)
        close(rules);
    else
        *out = rules;
    return r;
}

int sandbox_init(struct sandbox *s, const struct sandbox_config *config)
{
    *s = SANDBOX_INIT;
    s->reads_all = config->file_count > 0;
    long version = syscall(SYS_landlock_create_ruleset, NULL, 0, LANDLOCK_CREATE_RULESET_VERSION);
    if (version < 1) {
        log_info("this kernel has no Landlock: files and ports are not restricted");
        return 0;
    }
    return allow_refusal("files and ports", make_rules((int)version, config, &s->rules));
}

void sandbox_deinit(struct sandbox *s)
{
    if (s->rules >= 0)
        close(s->rules);
    s->rules = -1;
}

/* --- Going in --- */

/* Reading what others may not is all that may be left, of those that there were. */
static int drop_capabilities(bool reads_all)
{
    struct __user_cap_header_struct head = {.version = _LINUX_CAPABILITY_VERSION_3};
    struct __user_cap_data_struct data[_LINUX_CAPABILITY_U32S_3] = {0};
    if (syscall(SYS_capget, &head, data) < 0)
        return -errno;
    bool may_bound = data[CAP_SETPCAP / 32].effective & 1u << CAP_SETPCAP % 32;
    uint32_t kept = reads_all ? data[0].permitted & 1u << CAP_DAC_READ_SEARCH : 0;
    for (int i = 0; may_bound && prctl(PR_CAPBSET_READ, i, 0, 0, 0) >= 0; i++)
        if (!(i < 32 && kept & 1u << i) && prctl(PR_CAPBSET_DROP, i, 0, 0, 0) < 0)
            return -errno;
    prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_CLEAR_ALL, 0, 0, 0);
    memset(data, 0, sizeof(data));
    data[0].effective = data[0].permitted = kept;
    return syscall(SYS_capset, &head, data) < 0 ? -errno : 0;
}

int sandbox_enter(const struct sandbox *s)
{
    if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) < 0)
        return -errno;
    int rc = 0;
    if (s->rules >= 0 && syscall(SYS_landlock_restrict_self, s->rules, 0) < 0)
        rc = allow_refusal("files and ports", -errno);
    return rc ? rc : allow_refusal("capabilities", drop_capabilities(s->reads_all));
}

struct call {
    const struct sandbox *s;
    int (*fn)(void *ctx);
    void *ctx;
    int result;
};

static void *run(void *ctx)
{
    struct call *c = ctx;
    c->result = sandbox_enter(c->s);
    if (c->result == 0)
        c->result = c->fn(c->ctx);
    return NULL;
}

int sandbox_call(const struct sandbox *s, int (*fn)(void *ctx), void *ctx)
{
    struct call c = {s, fn, ctx, 0};
    pthread_t thread;
    if (!s)
        return fn(ctx);
    int error = pthread_create(&thread, NULL, run, &c);
    if (error)
        return -error;
    pthread_join(thread, NULL);
    return c.result;
}
