// SPDX-License-Identifier: Apache-2.0
#include "imsfs/keeper.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "imsfs/mountpoint.h"

/* Standard error may be a pipe whose reader waits for its end. */
static void keep_only(int fd)
{
    int null = open("/dev/null", O_RDWR | O_CLOEXEC);
    for (int i = STDIN_FILENO; null >= 0 && i <= STDERR_FILENO; i++)
        dup2(null, i);
    (void)!chdir("/");
    dup2(fd, STDERR_FILENO + 1);
    closefrom(STDERR_FILENO + 2);
}

/* What ps(1) shows begins with the first argument; there the others follow one after the other. */
static void rename_process(char *const argv[])
{
    static const char name[] = "imsfs-keeper";
    size_t room = 0;
    prctl(PR_SET_NAME, name, 0, 0, 0);
    for (char *const *arg = argv; *arg; arg++) {
        size_t len = strlen(*arg);
        if (*arg == argv[0] + room)
            room += len + 1;
        memset(*arg, 0, len);
    }
    for (size_t i = 0; name[i] && i + 1 < room; i++)
        argv[0][i] = name[i];
}

/* Whether a whole message came. */
static bool receive(int fd, void *out, size_t size)
{
    ssize_t n;
    do
        n = recv(fd, out, size, MSG_WAITALL);
    while (n < 0 && errno == EINTR);
    return n == (ssize_t)size;
}

static bool tell(int fd, const void *message, size_t size)
{
    ssize_t n;
    do
        n = send(fd, message, size, MSG_NOSIGNAL);
    while (n < 0 && errno == EINTR);
    return n == (ssize_t)size;
}

struct order {
    dev_t device;
    bool on_top;
};

/* Detaching the one at the mount point first takes no memory. */
static int carry_out(const struct order *o, const char *mountpoint)
{
    int result = o->on_top ? mountpoint_detach_dead(mountpoint) : 0;
    int left = o->device ? mountpoint_leave(o->device) : result;
    return left == -ENOMEM ? result : left;
}

/* Says that it is there. Then an order comes; the answer is an int too. */
static _Noreturn void work(int fd, const char *mountpoint)
{
    int result = 0;
    struct order order;
    if (tell(fd, &result, sizeof(result)) && receive(fd, &order, sizeof(order))) {
        result = carry_out(&order, mountpoint);
        tell(fd, &result, sizeof(result));
    }
    _exit(0);
}

int keeper_start(struct keeper *k, const char *mountpoint, char *const argv[],
                 void (*forget)(void *ctx), void *ctx)
{
    int fds[2];
    if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, fds) < 0)
        return -errno;
    pid_t pid = fork();
    if (pid == 0) {
        forget(ctx);
        rename_process(argv);
        keep_only(fds[1]);
        work(STDERR_FILENO + 1, mountpoint);
    }
    int error = errno;
    close(fds[1]);
    if (pid < 0) {
        close(fds[0]);
        return -error;
    }
    *k = (struct keeper){fds[0], pid};
    int result;
    if (receive(k->fd, &result, sizeof(result)))
        return 0;
    keeper_stop(k);
    return -ECHILD;
}

int keeper_unmount(struct keeper *k, dev_t device, bool on_top)
{
    struct order order;
    int result;
    memset(&order, 0, sizeof(order)); /* what stands between its members goes along */
    order.device = device;
    order.on_top = on_top;
    if (!tell(k->fd, &order, sizeof(order)) || !receive(k->fd, &result, sizeof(result)))
        return -ECHILD;
    return result;
}

void keeper_stop(struct keeper *k)
{
    if (k->fd < 0)
        return;
    close(k->fd);
    while (waitpid(k->pid, NULL, 0) < 0 && errno == EINTR)
        continue;
    *k = KEEPER_INIT;
}
