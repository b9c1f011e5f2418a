// SPDX-License-Identifier: Apache-2.0
/*
 * daemon: going into the background, and telling the caller how that went.
 *
 * The process forks before it has threads or libcurl. The parent waits until the child says that
 * the mount is usable, or why not, and exits with that: so the exit status 0 means "usable", and a
 * reason is one line on the caller's terminal. In the foreground the same calls work without the
 * fork. One thread: main's.
 */
#ifndef IMSFS_DAEMON_H
#define IMSFS_DAEMON_H

#include "imsfs/base.h"

/* What the process exits with. */
enum daemon_status { DAEMON_OK = 0, DAEMON_FAILURE = 1, DAEMON_USAGE = 2 };

/* A reason is cut at this many bytes, so that it is one atomic write to a pipe. */
#define DAEMON_REASON_MAX 1024

struct daemon {
    int report_fd; /* where the child answers; -1: in the foreground, or it has answered */
};

#define DAEMON_INIT ((struct daemon){-1})

/* First thing in main: what we were started with above descriptor 2 is none of ours. */
void daemon_close_inherited(void);
/*
 * Next: nobody reads this process's memory or environment (prctl(2),
 * PR_SET_DUMPABLE), it leaves no core file, what it makes is its own (umask), and descriptors 0 to
 * 2 are open, so that nothing else gets these numbers.
 */
void daemon_harden(void);

/*
 * 0: this is the process that goes on, in the background (a session of its own, in "/", umask 077,
 * SIGTERM when the parent dies before it is ready) or the foreground (unchanged). 1: this is the
 * parent, the child has answered or ended, and *status is what to exit with; a reason was printed.
 * -errno: there is no child. After daemon_signals().
 */
MUST_CHECK int daemon_fork(struct daemon *d, bool foreground, int *status);
/*
 * The mount is usable: the parent goes, and stdin, stdout and stderr become /dev/null. -errno: the
 * parent is gone already, or /dev/null is; then nobody wants this mount, so unwind and exit.
 */
MUST_CHECK int daemon_ready(struct daemon *d);
/*
 * It is not: the parent prints reason (without "imsfs: ") and exits with status, once this process
 * has ended. In the foreground this prints it. Only the first answer counts: after daemon_ready() a
 * reason is only logged.
 */
void daemon_failed(struct daemon *d, enum daemon_status status, const char *reason);

/*
 * Blocks HUP, INT, TERM, USR1 and PIPE for this thread and all later ones, and opens a non-blocking
 * descriptor that is readable when one of the first four came; or -errno. The caller closes it.
 */
MUST_CHECK int daemon_signals(void);
/* The next signal that came; 0: none. */
int daemon_next_signal(int signal_fd);

#endif
