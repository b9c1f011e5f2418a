// SPDX-License-Identifier: Apache-2.0
/*
 * push: who is reading what, so that the kernel can be given contents before it asks for them.
 *
 * It knows two habits by the READs that come. Somebody reads all files of image after image, as
 * grep -r does: by the PUSH_FILES-th file of one image he gets credit for PUSH_CREDIT images. Of
 * these, each is pushed when he has listed it, or, if the kernel has its listing already, when he
 * reads the first of its files. In each PUSH_PROBE-th the last file, image.json, is left out: its
 * READ says that he still reads, and renews the credit. Who only lists never has any.
 *
 * And one attribute is read of image after image, as cat of many does, by anybody, for a loop in a
 * shell is another process each time: from PUSH_IMAGES images on it is pushed for those that
 * follow.
 *
 * Decisions only: what is stored, and how, is feed's. While somebody stores, all others are told
 * not to, and nobody ever waits for him: a store waits in the kernel for the answer to a READ of
 * the same page. Any thread; a lock of its own is held for some instructions.
 */
#ifndef IMSFS_PUSH_H
#define IMSFS_PUSH_H

#include <pthread.h>
#include <stdatomic.h>

#include "imsfs/node.h"

#define PUSH_FILES 8
#define PUSH_CREDIT 64
#define PUSH_PROBE 8
#define PUSH_IMAGES 4
#define PUSH_CLIENTS 16 /* that are remembered; as all below, the least recently used go */
#define PUSH_RUNS 16    /* attributes that are remembered */

struct push_image {
    bool known;
    uint32_t query, image;
};

/* Somebody who reads. */
struct push_client {
    pid_t pid;     /* a thread; 0: nobody */
    uint64_t used; /* as struct push's */
    struct push_image reads;
    uint32_t attr;  /* the last one that he read there */
    unsigned files; /* that he read there one after the other */
    unsigned credit;
    struct push_image pushed; /* the last one */
};

/* An attribute that is read of image after image. */
struct push_run {
    bool known;
    uint64_t used;
    uint32_t query, attr;
    uint32_t image; /* the last one */
    unsigned images;
};

struct push {
    atomic_flag storing;
    atomic_bool off;
    pthread_mutex_t lock; /* protects all below */
    uint64_t used;        /* counts the uses of clients and runs */
    struct push_client clients[PUSH_CLIENTS];
    struct push_run runs[PUSH_RUNS];
    pid_t for_client;     /* for whom is being stored; 0: for a run */
    struct push_run *run; /* for which */
    uint32_t until;       /* of PUSH_AHEAD, to whoever stores: the image that was read before */
};

enum push_what {
    PUSH_NOTHING,
    PUSH_IMAGE, /* all files of the image but image.json */
    PUSH_WHOLE, /* all of them */
    PUSH_AHEAD, /* the same attribute of the images that follow, but from push.until on: who reads
                   backwards has read these */
};

/* off: nothing is ever stored. */
void push_init(struct push *p, bool off);
void push_deinit(struct push *p);

/*
 * A file of an image is read from its start; the last entry of an image's directory has been
 * listed. pid 0: nobody knows by whom. Unless they say PUSH_NOTHING, the caller may store, and ends
 * that with push_done(). landed: the kernel had use for some of it; if not, no more is stored until
 * the reader shows the habit again.
 */
enum push_what push_read(struct push *p, pid_t pid, const struct node *file);
enum push_what push_listed(struct push *p, pid_t pid, const struct node *dir);
void push_done(struct push *p, bool landed);

/* The kernel knows no stores. */
void push_stop(struct push *p);
/* From when it returns nobody stores any more. It waits for who does, so others must still answer
 * the kernel. Once. */
void push_end(struct push *p);

#endif
