// SPDX-License-Identifier: Apache-2.0
#include "imsfs/log.h"

#include <stdarg.h>
#include <stdio.h>
#include <syslog.h>
#include <unistd.h>

#include "imsfs/utf8.h"

#define LINE_MAX_BYTES 1000

static enum log_sink the_sink = LOG_SINK_STDERR;
static enum log_level the_level = LOG_LEVEL_WARNING;

static const int priorities[] = {LOG_ERR, LOG_WARNING, LOG_INFO, LOG_DEBUG};

void log_setup(enum log_sink sink, enum log_level level)
{
    if (sink == LOG_SINK_SYSLOG)
        openlog("imsfs", LOG_PID, LOG_DAEMON);
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
    char line[4 * sizeof(raw) + 16];
    size_t len = (size_t)n < sizeof(raw) ? (size_t)n : sizeof(raw) - 1;
    if (the_sink == LOG_SINK_SYSLOG) {
        escape(line, sizeof(line), (struct bytes){raw, len}, true);
        syslog(priorities[level], "%s", line);
        return;
    }
    /* One write, so that lines of different threads do not mix. */
    memcpy(line, "imsfs: ", 7);
    len = 7 + escape(line + 7, sizeof(line) - 8, (struct bytes){raw, len}, true);
    line[len++] = '\n';
    ssize_t written = write(STDERR_FILENO, line, len);
    (void)written; /* nobody is left to tell */
}
