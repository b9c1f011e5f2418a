// SPDX-License-Identifier: Apache-2.0
#include "imsfs/log.h"

#include <errno.h>
#include <fcntl.h>
#include <paths.h>
#include <poll.h>
#include <pthread.h>
#include <stdarg.h>
#include <stdio.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <syslog.h>
#include <time.h>
#include <unistd.h>

#include "imsfs/utf8.h"

#define LINE_MAX_BYTES 1000
#define ESCAPED_MAX (4 * LINE_MAX_BYTES + 1)

static enum log_sink the_sink = LOG_SINK_STDERR;
static enum log_level the_level = LOG_LEVEL_WARNING;
static pthread_mutex_t the_lock = PTHREAD_MUTEX_INITIALIZER; /* of the sink, and the next three */
static unsigned the_lost;   /* lines, since the last one that was written */
static bool the_cut;        /* the end of the last one was lost */
static int the_socket = -1; /* to syslogd */

static const int priorities[] = {LOG_ERR, LOG_WARNING, LOG_INFO, LOG_DEBUG};

/*
 * A terminal says that it has room when it has some, and whoever writes more waits. So we open it
 * for ourselves: what others have of it stays as it is. One that is not ours to open stays too.
 */
static void open_terminal(void)
{
    if (!isatty(STDERR_FILENO))
        return;
    int fd = open("/proc/self/fd/2", O_WRONLY | O_NONBLOCK | O_NOCTTY | O_CLOEXEC);
    if (fd < 0)
        return;
    dup2(fd, STDERR_FILENO);
    close(fd);
}

void log_setup(enum log_sink sink, enum log_level level)
{
    if (sink == LOG_SINK_STDERR)
        open_terminal();
    the_sink = sink;
    the_level = level;
}

/* One character or stray byte of text, as it may be shown; a backslash stays when plain. Returns
 * the bytes of text used. */
static size_t escape_one(char piece[static 24], size_t *piece_len, struct bytes text, bool plain)
{
    uint32_t code;
    size_t used = utf8_decode(text.data, text.len, &code);
    if (used && !utf8_is_deceptive(code) && (plain || code != '\\')) {
        memcpy(piece, text.data, used);
        *piece_len = used;
        return used;
    }
    if (!used)
        used = 1;
    *piece_len = 0;
    for (size_t i = 0; i < used; i++)
        *piece_len += (size_t)sprintf(piece + *piece_len, "\\x%02x", (uint8_t)text.data[i]);
    return used;
}

static size_t escape(char *out, size_t size, struct bytes text, bool plain)
{
    size_t len = 0;
    for (size_t i = 0; i < text.len;) {
        char piece[24];
        size_t piece_len;
        i += escape_one(piece, &piece_len, (struct bytes){text.data + i, text.len - i}, plain);
        if (len + piece_len + 1 > size)
            break;
        memcpy(out + len, piece, piece_len);
        len += piece_len;
    }
    out[len] = '\0';
    return len;
}

size_t log_escape(char *out, size_t size, struct bytes text)
{
    return escape(out, size, text, false);
}

/* One write, so that lines of different threads do not mix. Returns whether there was room for it.
 */
static bool write_line(const char *text, size_t len)
{
    struct pollfd out = {.fd = STDERR_FILENO, .events = POLLOUT};
    char space[ESCAPED_MAX + 17] = "\nimsfs: ", *line = the_cut ? space : space + 1;
    if (poll(&out, 1, 0) == 0)
        return false;
    size_t used = strlen(line);
    used += escape(line + used, ESCAPED_MAX, (struct bytes){text, len}, true);
    line[used++] = '\n';
    ssize_t written = write(STDERR_FILENO, line, used);
    if (written < 0) /* if it is not that there is no room, nobody is left to tell */
        return errno != EAGAIN;
    the_cut = (size_t)written < used;
    return !the_cut;
}

static int describe_lost(char out[static 64])
{
    return snprintf(out, 64, "%u lines are missing here: nobody read", the_lost);
}

/* A pipe with room takes PIPE_BUF bytes without waiting (pipe(7)), and a line has less; of a
 * terminal open_terminal() sees to it. */
static void to_stderr(const char *text, size_t len)
{
    char lost[64];
    pthread_mutex_lock(&the_lock);
    int n = describe_lost(lost);
    if (the_lost && write_line(lost, (size_t)n))
        the_lost = 0;
    if (the_lost || !write_line(text, len))
        the_lost++;
    pthread_mutex_unlock(&the_lock);
}

static int connect_syslog(void)
{
    const struct sockaddr_un address = {.sun_family = AF_UNIX, .sun_path = _PATH_LOG};
    int fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
    if (fd >= 0 && connect(fd, (const struct sockaddr *)&address, sizeof(address)) < 0) {
        close(fd);
        return -1;
    }
    return fd;
}

/* False: nobody reads. A connection that was closed, for syslogd was started anew, is made again.
 */
static bool send_to_syslog(const char *line, size_t len)
{
    for (unsigned i = 0; i < 2; i++) {
        if (the_socket < 0)
            the_socket = connect_syslog();
        if (the_socket < 0 || send(the_socket, line, len, MSG_DONTWAIT | MSG_NOSIGNAL) >= 0)
            return true; /* without syslogd there is nobody to tell */
        if (errno == EAGAIN)
            return false;
        close(the_socket);
        the_socket = -1;
    }
    return true;
}

/* As syslog(3) writes it, which would wait while the queue of syslogd is full. */
static bool write_to_syslog(enum log_level level, const char *text, size_t len)
{
    char line[ESCAPED_MAX + 64];
    struct tm tm;
    time_t now = time(NULL);
    int n = snprintf(line, sizeof(line), "<%d>", LOG_DAEMON | priorities[level]);
    size_t used = (size_t)n;
    used += strftime(line + used, 32, "%b %e %T ", localtime_r(&now, &tm));
    n = snprintf(line + used, 32, "imsfs[%d]: ", (int)getpid());
    used += (size_t)n;
    used += escape(line + used, sizeof(line) - used, (struct bytes){text, len}, true);
    return send_to_syslog(line, used);
}

static void to_syslog(enum log_level level, const char *text, size_t len)
{
    char lost[64];
    pthread_mutex_lock(&the_lock);
    int n = describe_lost(lost);
    if (the_lost && write_to_syslog(LOG_LEVEL_WARNING, lost, (size_t)n))
        the_lost = 0;
    if (the_lost || !write_to_syslog(level, text, len))
        the_lost++;
    pthread_mutex_unlock(&the_lock);
}

void log_line(enum log_level level, const char *fmt, ...)
{
    if (level > the_level)
        return;
    char raw[LINE_MAX_BYTES + 1];
    va_list ap;
    va_start(ap, fmt);
    int n = vsnprintf(raw, sizeof(raw), fmt, ap);
    va_end(ap);
    if (n < 0)
        return;
    size_t len = (size_t)n < sizeof(raw) ? (size_t)n : sizeof(raw) - 1;
    if (the_sink == LOG_SINK_STDERR) {
        to_stderr(raw, len);
        return;
    }
    to_syslog(level, raw, len);
}
