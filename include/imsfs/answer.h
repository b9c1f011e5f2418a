// SPDX-License-Identifier: Apache-2.0
/*
 * answer: what the kernel gets for a request, from the tree and the cache as they are now.
 *
 * answer_call() finds it, with the catalog locked for reading for some microseconds, and renders
 * contents without the lock; answer_send() sends it. Neither waits. Any thread.
 */
#ifndef IMSFS_ANSWER_H
#define IMSFS_ANSWER_H

#define FUSE_USE_VERSION 314
#include <fuse_lowlevel.h>

#include "imsfs/name.h"
#include "imsfs/scene.h"
#include "imsfs/snapshot.h"
#include "imsfs/status.h"

struct answerer {
    struct scene_stage stage;
    const struct status *status; /* borrowed */
    struct snapshots snapshots;  /* of the status */
};

/* A request of the kernel, as much of it as its answer depends on. */
struct call {
    enum call_kind { CALL_LOOKUP, CALL_GETATTR, CALL_READLINK, CALL_READ, CALL_LIST } kind;
    struct node node;
    size_t size;
    uint64_t offset;
    char name[NAME_SIZE];
    pid_t pid; /* the thread that asks; 0: not known, or of no matter */
};

/* What an answer is made of, before it is sent without a lock. */
struct answer {
    struct fuse_entry_param entry; /* of a look-up; its attr and attr_timeout of a getattr */
    struct strbuf text;            /* of the others */
    struct image *image;           /* while the text of a file is made */
    bool lapses; /* the kernel keeps it without asking; it must be told when lease_ms are over */
    int64_t lease_ms;
};

/* 0: a is filled in; LIST_WAIT: not yet, *event is what cache_event_count() of its list was;
 * -errno. The caller frees a->text. */
MUST_CHECK int answer_call(struct answerer *x, const struct call *call, struct answer *a,
                           uint64_t *event);
/* The events that a call which has to wait waits for. */
unsigned answer_events(const struct call *call);
/* error is 0 or what answer_call() gave. */
void answer_send(struct answerer *x, fuse_req_t req, const struct call *call, int error,
                 const struct answer *a);
/* The kernel dropped a number. */
void answer_forget(struct answerer *x, uint64_t ino);

#endif
