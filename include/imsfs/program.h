// SPDX-License-Identifier: Apache-2.0
/*
 * program: runs a shell command for what it prints, with bounds on everything.
 *
 * The command gets our environment, no standard input, no terminal, none of our descriptors and no
 * signal blocked or ignored. What it writes to standard error goes to the log. Nothing of it stays:
 * what it leaves running in its session is killed when it ends. The caller owns the struct; one
 * thread at a time runs it. SIGCHLD must not be ignored.
 */
#ifndef IMSFS_PROGRAM_H
#define IMSFS_PROGRAM_H

#include <sys/types.h>

#include "imsfs/strbuf.h"

/* What is logged of standard error, of each run: so many lines in so many bytes. */
#define PROGRAM_LINES_MAX 20
#define PROGRAM_MESSAGES_MAX 4096

struct program {
    const char *name;    /* for the log and for errors; borrowed, as the next */
    const char *command; /* for sh -c */
    size_t output_max;   /* bytes */
    int cancel_fd;       /* ends a run when it can be read */
    pid_t left;          /* a run that could not be killed; begins as 0 */
};

/*
 * Runs the command in / or wherever we are, and appends what it printed to output, which is best
 * a STRBUF_SECRET: where standard error repeats it, the log has asterisks. -ETIMEDOUT: it had not
 * ended after timeout_ms; -ECANCELED: see cancel_fd; -EMSGSIZE: it printed more than output_max;
 * -EIO: it failed; -EBUSY: that of last time still runs and cannot be killed, because it is another
 * user's; -errno: it could not be started. why then has one line, with nothing that it printed.
 */
MUST_CHECK int program_run(struct program *p, int64_t timeout_ms, struct strbuf *output,
                           struct strbuf *why);

#endif
