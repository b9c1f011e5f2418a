// SPDX-License-Identifier: Apache-2.0
#include "imsfs/keeper.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "imsfs/log.h"
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

static void rename_process(char *const argv[])
{
    static const char name[] = "imsfs-keeper";
    prctl(PR_SET_NAME, name, 0, 0, 0);
    for (char *const *arg = argv; *arg; arg++)
        memset(*arg, 0, strlen(*arg));
}

static ssize_t again(ssize_t (*call)(int, void *, size_t), int fd, void *byte)
{
    ssize_t n;
    do
        n = call(fd, byte, 1);
    while (n < 0 && errno == EINTR);
    return n;
}

/* Says that it is there. Then one byte asks for it; the answer is a byte too. */
static _Noreturn void work(int fd, const char *mountpoint)
{
    uint8_t byte = 0;
    if (write(fd, &byte, 1) == 1 && again(read, fd, &byte) == 1) {
        byte = (uint8_t)-mountpoint_detach(mountpoint);
        (void)!write(fd, &byte, 1);
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
    uint8_t byte;
    if (again(read, k->fd, &byte) == 1)
        return 0;
    keeper_stop(k);
    return -ECHILD;
}

void keeper_unmount(struct keeper *k)
{
    uint8_t byte = 1;
    ssize_t n = send(k->fd, &byte, 1, MSG_NOSIGNAL);
    if (n == 1)
        n = again(read, k->fd, &byte);
    if (n != 1 || byte)
        log_warning("cannot unmount: %s", n < 0 ? strerror(errno)
                                          : n   ? strerror(byte)
                                                : "no keeper");
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
