// SPDX-License-Identifier: Apache-2.0
/*
 * log: one line per event, to stderr or, in the background, to syslog(3).
 *
 * Every byte that a terminal might obey is escaped as \xNN, so a line stays one line whatever a
 * server sent. Callers never pass a token, a header value or a body. The sink and the level are
 * writable state of the program outside main: set them before threads start. Any thread logs, and
 * none waits for who reads: what a full pipe, terminal or syslogd has no room for is dropped and
 * counted.
 */
#ifndef IMSFS_LOG_H
#define IMSFS_LOG_H

#include "imsfs/base.h"

enum log_level { LOG_LEVEL_ERROR, LOG_LEVEL_WARNING, LOG_LEVEL_INFO, LOG_LEVEL_DEBUG };
enum log_sink { LOG_SINK_STDERR, LOG_SINK_SYSLOG };

/* Lines above the level are dropped. */
void log_setup(enum log_sink sink, enum log_level level);
/* The text without a newline; it is cut at 1000 bytes. What log_escape() made of a name in it stays
 * as it is: a backslash is no harm. */
void log_line(enum log_level level, const char *fmt, ...) PRINTF_LIKE(2, 3);

#define log_error(...) log_line(LOG_LEVEL_ERROR, __VA_ARGS__)
#define log_warning(...) log_line(LOG_LEVEL_WARNING, __VA_ARGS__)
#define log_info(...) log_line(LOG_LEVEL_INFO, __VA_ARGS__)
#define log_debug(...) log_line(LOG_LEVEL_DEBUG, __VA_ARGS__)

/*
 * Copies text into out, with control bytes, DEL, backslashes and bytes that are not UTF-8 as \xNN
 * (C1 controls and direction marks too); cuts at size - 1 bytes, never inside an escape or a
 * character. Returns the length.
 */
size_t log_escape(char *out, size_t size, struct bytes text);

#endif
