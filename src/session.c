// SPDX-License-Identifier: Apache-2.0
#include "imsfs/session.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/fuse.h>
#include <pthread.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <sys/eventfd.h>
#include <sys/uio.h>
#include <unistd.h>

#include "imsfs/follower.h"
#include "imsfs/log.h"

#define WORKERS_MAX 16
#define PAUSE_NS 1000000 /* before an answer is written again */
#define TRIES_MAX 1000
#define HELLO_TRIES_MAX 5000
#define READ_PAUSE_MS 10L /* doubled each time: some 5 s in all */
#define READ_TRIES_MAX 9
#define NUDGE_NS 10000000 /* between two signals to a worker that has not come back */

/* The kernel's first request, which libfuse answers with our init callback, or an error. */
enum hello { HELLO_AWAITED, HELLO_HEARD, HELLO_ANSWERED, HELLO_FAILED };

struct session {
    struct fuse_session *fuse;
    struct traffic *traffic;
    pthread_t workers[WORKERS_MAX];
    unsigned count;
    bool follow;
    struct follower_run run; /* of all workers */
    int ended_fd;
    int severed_fd; /* a pipe without a reader; made early, for at the end there may be no room */
    bool mounted;
    _Atomic(enum hello) hello;
};

void session_want(struct session *s, struct fuse_conn_info *conn)
{
    atomic_store(&s->hello, HELLO_HEARD);
    /* No open and opendir messages, READDIRPLUS always, and nothing dropped but by notification. */
    static const unsigned wanted = FUSE_CAP_READDIRPLUS | FUSE_CAP_NO_OPEN_SUPPORT |
                                   FUSE_CAP_NO_OPENDIR_SUPPORT | FUSE_CAP_CACHE_SYMLINKS |
                                   FUSE_CAP_EXPLICIT_INVAL_DATA | FUSE_CAP_PARALLEL_DIROPS;
    conn->want |= conn->capable & wanted;
    conn->want &= ~(unsigned)(FUSE_CAP_READDIRPLUS_AUTO | FUSE_CAP_AUTO_INVAL_DATA);
}

/* --- libfuse's connection --- */

static PRINTF_LIKE(2, 0) void log_of_libfuse(enum fuse_log_level level, const char *fmt, va_list ap)
{
    char line[1000];
    int len = vsnprintf(line, sizeof(line), fmt, ap);
    if (len > 0 && (size_t)len < sizeof(line) && line[len - 1] == '\n')
        line[len - 1] = '\0';
    log_line(level <= FUSE_LOG_ERR ? LOG_LEVEL_WARNING : LOG_LEVEL_DEBUG, "%s", line);
}

/* While mounting, the reason is told once, by whoever mounts. */
static PRINTF_LIKE(2, 0) void no_log(enum fuse_log_level level, const char *fmt, va_list ap)
{
    (void)level;
    (void)fmt;
    (void)ap;
}

static ssize_t receive(int fd, void *buf, size_t size, void *userdata)
{
    (void)userdata;
    return read(fd, buf, size);
}

/* The kernel numbers its requests from 1 or 2, and the first is INIT. */
static bool is_init_answer(const struct iovec *iov, int count)
{
    const struct fuse_out_header *head = iov[0].iov_base;
    return count == 2 && iov[0].iov_len == sizeof(*head) && head->unique <= 2 && head->error == 0 &&
           iov[1].iov_len == sizeof(struct fuse_init_out);
}

/*
 * Who waits for an answer that is lost waits for ever. The kernel takes one in a piece or not at
 * all, and has memory again when a process has been killed for it.
 */
static ssize_t deliver(int fd, const struct iovec *iov, int count)
{
    const struct timespec pause = {.tv_nsec = PAUSE_NS};
    ssize_t n;
    for (int tries = 0; (n = writev(fd, iov, count)) < 0 && tries < TRIES_MAX; tries++) {
        if (errno != EINTR && errno != EAGAIN && errno != ENOMEM)
            break;
        nanosleep(&pause, NULL);
    }
    return n;
}

/*
 * libfuse before 3.17 does not pass FUSE_PARALLEL_DIROPS on (its pull request 861). Without it the
 * kernel lets one request at a time into a directory, and those behind a parked one could not even
 * be killed.
 */
static ssize_t answer(int fd, struct iovec *iov, int count, void *userdata)
{
    (void)userdata;
    if (is_init_answer(iov, count))
        ((struct fuse_init_out *)iov[1].iov_base)->flags |= FUSE_PARALLEL_DIROPS;
    return deliver(fd, iov, count);
}

static int mount_session(struct session *s, const struct fuse_lowlevel_ops *ops, void *userdata,
                         const char *mountpoint, const char *options, bool debug)
{
    char *argv[] = {"imsfs", "-o", (char *)options, debug ? "-d" : NULL, NULL};
    struct fuse_args args = FUSE_ARGS_INIT(debug ? 4 : 3, argv);
    static const struct fuse_custom_io io = {.writev = answer, .read = receive};
    s->fuse = fuse_session_new(&args, ops, sizeof(*ops), userdata);
    fuse_opt_free_args(&args);
    if (!s->fuse)
        return -EINVAL;
    errno = 0;
    if (fuse_session_mount(s->fuse, mountpoint) != 0)
        return errno ? -errno : -EIO;
    s->mounted = true;
    if (fuse_session_custom_io(s->fuse, &io, fuse_session_fd(s->fuse)) != 0)
        return -ENOMEM;
    return 0;
}

static int make_descriptors(struct session *s)
{
    int fds[2];
    s->ended_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
    if (s->ended_fd < 0 || pipe2(fds, O_CLOEXEC) < 0)
        return -errno;
    close(fds[0]);
    s->severed_fd = fds[1];
    return 0;
}

int session_new(struct session **out, const struct fuse_lowlevel_ops *ops, void *userdata,
                const char *mountpoint, const char *options, bool debug, struct traffic *traffic)
{
    struct session *s = calloc(1, sizeof(*s));
    if (!s)
        return -ENOMEM;
    s->traffic = traffic;
    s->ended_fd = s->severed_fd = -1;
    fuse_set_log_func(no_log);
    int r = make_descriptors(s);
    if (r == 0)
        r = mount_session(s, ops, userdata, mountpoint, options, debug);
    fuse_set_log_func(log_of_libfuse);
    if (r < 0) {
        session_stop(s, true);
        session_free(s);
        return r;
    }
    *out = s;
    return 0;
}

void session_free(struct session *s)
{
    if (!s)
        return;
    if (s->fuse)
        fuse_session_destroy(s->fuse);
    if (s->ended_fd >= 0)
        close(s->ended_fd);
    if (s->severed_fd >= 0)
        close(s->severed_fd);
    free(s);
}

/* The kind of a request, and the thread that sent it. We asked for no splice, so it is in memory.
 */
static struct fuse_in_header head_of(const struct fuse_buf *buf)
{
    struct fuse_in_header head = {0};
    if (buf->size >= sizeof(head))
        head = *(const struct fuse_in_header *)buf->mem;
    return head;
}

/* Waits, longer each time, where there was no memory to read a request into, or none to read.
 * False: that is over. A nudge cuts it short. */
static bool wait_for_memory(int error, unsigned tries)
{
    long ms = READ_PAUSE_MS << tries;
    const struct timespec pause = {.tv_sec = ms / 1000, .tv_nsec = ms % 1000 * 1000000};
    if ((error != -ENOMEM && error != -EAGAIN) || tries >= READ_TRIES_MAX)
        return false;
    nanosleep(&pause, NULL);
    return true;
}

/* Serves until the session ends. SIGUSR1 gets it out of read(2). */
static void *work(void *ctx)
{
    struct session *s = ctx;
    struct fuse_buf buf = {0};
    struct follower follower;
    unsigned tries = 0;
    sigset_t nudge;
    sigemptyset(&nudge);
    sigaddset(&nudge, SIGUSR1);
    pthread_sigmask(SIG_UNBLOCK, &nudge, NULL);
    follower_start(&follower, &s->run, getpid()); /* the first thread, which is never moved */
    while (!fuse_session_exited(s->fuse)) {
        int r = fuse_session_receive_buf(s->fuse, &buf);
        if (r == -EINTR || (r < 0 && wait_for_memory(r, tries++)))
            continue;
        if (r <= 0)
            break;
        tries = 0;
        const struct fuse_in_header head = head_of(&buf);
        traffic_count(s->traffic, head.opcode);
        fuse_session_process_buf(s->fuse, &buf);
        if (head.opcode == FUSE_INIT)
            atomic_store(&s->hello,
                         atomic_load(&s->hello) == HELLO_HEARD ? HELLO_ANSWERED : HELLO_FAILED);
        if (s->follow) /* after the answer: nobody waits for it, and it knows who was woken where */
            follower_serve(&follower, (pid_t)head.pid);
    }
    follower_end(&follower);
    free(buf.mem);
    eventfd_write(s->ended_fd, 1);
    return NULL;
}

static void on_nudge(int sig)
{
    (void)sig;
}

/* It has come already when the mount is there, so this takes no time. */
static int wait_for_hello(struct session *s)
{
    const struct timespec pause = {.tv_nsec = PAUSE_NS};
    enum hello hello;
    int tries = 0;
    while ((hello = atomic_load(&s->hello)) < HELLO_ANSWERED && tries++ < HELLO_TRIES_MAX)
        nanosleep(&pause, NULL);
    return hello == HELLO_FAILED ? -ENOMEM : 0;
}

int session_start(struct session *s, unsigned workers, bool follow)
{
    const struct sigaction nudge = {.sa_handler = on_nudge}; /* no SA_RESTART */
    sigaction(SIGUSR1, &nudge, NULL);
    s->follow = follow;
    for (s->count = 0; s->count < workers && s->count < WORKERS_MAX; s->count++) {
        int r = pthread_create(&s->workers[s->count], NULL, work, s);
        if (r != 0)
            return -r;
    }
    return wait_for_hello(s);
}

int session_ended_fd(const struct session *s)
{
    return s->ended_fd;
}

/* A signal may come just before the worker reads, so it is sent until the worker is gone. */
static void join_worker(pthread_t worker)
{
    for (;;) {
        struct timespec until;
        pthread_kill(worker, SIGUSR1);
        clock_gettime(CLOCK_REALTIME, &until);
        until.tv_nsec += NUDGE_NS;
        if (until.tv_nsec >= 1000000000) {
            until.tv_nsec -= 1000000000;
            until.tv_sec++;
        }
        if (pthread_timedjoin_np(worker, NULL, &until) != ETIMEDOUT)
            return;
    }
}

/*
 * Ends the connection, and leaves at its number a descriptor that says so. libfuse then frees what
 * it has and unmounts nothing, whatever is mounted at the path by now.
 */
static bool sever(const struct session *s)
{
    return dup2(s->severed_fd, fuse_session_fd(s->fuse)) >= 0;
}

void session_stop(struct session *s, bool unmount)
{
    if (!s || !s->fuse)
        return;
    fuse_session_exit(s->fuse);
    while (s->count > 0)
        join_worker(s->workers[--s->count]);
    if (s->mounted && (unmount || sever(s)))
        fuse_session_unmount(s->fuse);
    s->mounted = false;
}

int session_store(struct session *s, uint64_t ino, struct bytes contents)
{
    struct fuse_bufvec buf = FUSE_BUFVEC_INIT(contents.len);
    buf.buf[0].mem = (void *)contents.data;
    int r = fuse_lowlevel_notify_store(s->fuse, ino, 0, &buf, FUSE_BUF_NO_SPLICE);
    if (r == 0)
        traffic_count_store(s->traffic);
    return r;
}

int session_forget(struct session *s, uint64_t ino, const char *name, size_t name_len)
{
    if (!s)
        return -ENOENT; /* what is not mounted is not known */
    if (name)
        return fuse_lowlevel_notify_inval_entry(s->fuse, ino, name, name_len);
    return fuse_lowlevel_notify_inval_inode(s->fuse, ino, 0, 0);
}
