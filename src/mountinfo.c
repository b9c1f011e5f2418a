// SPDX-License-Identifier: Apache-2.0
#include "imsfs/mountinfo.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <sys/sysmacros.h>
#include <unistd.h>

#define MOUNTINFO "/proc/self/mountinfo"
#define READ_SIZE 65536

static void close_fd(const int *fd)
{
    if (*fd >= 0)
        close(*fd);
}

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

static bool read_line(struct bytes line, struct mountinfo_line *out)
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

bool mountinfo_next(struct bytes *rest, struct mountinfo_line *out)
{
    while (rest->len)
        if (read_line(cut(rest, '\n'), out))
            return true;
    return false;
}

static bool is_octal(const char *s)
{
    return s[0] >= '0' && s[0] <= '3' && s[1] >= '0' && s[1] <= '7' && s[2] >= '0' && s[2] <= '7';
}

/* The next character of a path, in which the kernel wrote space, tab, newline and backslash as
 * \ooo.
 */
static char next_char(struct bytes *escaped)
{
    const char *s = escaped->data;
    size_t used = s[0] == '\\' && escaped->len > 3 && is_octal(s + 1) ? 4 : 1;
    escaped->data += used;
    escaped->len -= used;
    return used == 1 ? s[0] : (char)((s[1] - '0') * 64 + (s[2] - '0') * 8 + (s[3] - '0'));
}

bool mountinfo_path_is(const struct mountinfo_line *line, const char *real)
{
    struct bytes escaped = line->path;
    while (escaped.len && *real)
        if (next_char(&escaped) != *real++)
            return false;
    return !escaped.len && !*real;
}

void mountinfo_add_path(const struct mountinfo_line *line, struct strbuf *out)
{
    struct bytes escaped = line->path;
    while (escaped.len)
        strbuf_add_char(out, next_char(&escaped));
}

bool mountinfo_top(struct bytes mountinfo, const char *real, struct mountinfo_line *out)
{
    bool found = false;
    struct mountinfo_line line;
    while (mountinfo_next(&mountinfo, &line)) {
        if (!mountinfo_path_is(&line, real))
            continue;
        *out = line; /* the last one is the newest */
        found = true;
    }
    return found;
}

int mountinfo_open(void)
{
    int fd = open(MOUNTINFO, O_RDONLY | O_CLOEXEC);
    return fd < 0 ? -errno : fd;
}

int mountinfo_read(struct strbuf *out)
{
    CLEANUP(close_fd) int fd = mountinfo_open();
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
