// SPDX-License-Identifier: Apache-2.0
/*
 * attic: images as they were in lists that have been replaced. The kernel may still ask for their
 * files: of names that it has not forgotten yet, and of what is open.
 *
 * It has a box for each list that was replaced, with what the next one changed. The newest is kept
 * whole, so that a change of everything interrupts nobody, until attic_clear_out(); the others are
 * kept as long as there is room (ATTIC_BYTES, ATTIC_BOXES), the oldest go first. The owner has a
 * lock: for writing where an attic is not const.
 */
#ifndef IMSFS_ATTIC_H
#define IMSFS_ATTIC_H

#include <sys/types.h>

#include "imsfs/catalog.h"

#define ATTIC_BYTES (4u << 20)
#define ATTIC_BOXES 256

struct attic_box; /* also a list of them */

struct attic {
    struct attic_box *boxes; /* the newest first */
    size_t recent;           /* so many were put since attic_clear_out() */
};

/*
 * The images of before that now has not, or as others, and the directories in images/ that went
 * with them. Holds references. NULL: there are none, or no memory for it: then those who still read
 * them get ESTALE. Needs no lock.
 */
struct attic_box *attic_pack(const struct catalog *before, const struct catalog *now);
/* Takes over the box. Both return what there is no room for, to be freed without the lock. */
struct attic_box *attic_put(struct attic *a, struct attic_box *box);
struct attic_box *attic_clear_out(struct attic *a);
void attic_free(struct attic_box *boxes);
/* About what the images in them cost. */
size_t attic_box_bytes(const struct attic_box *boxes);

/* The same of all that is here. */
size_t attic_bytes(const struct attic *a);

/* An image in one of its versions, as far as an inode number can tell; NULL: it is gone. */
const struct image *attic_find(const struct attic *a, uint32_t slot, uint32_t version);
/*
 * Whether somebody who looks for an image in a directory in images/ should walk his path again: it
 * was there until recently under this name, so a link may have sent him that says otherwise by now.
 * Once: who comes back to the same place (pid is a thread; 0: not known) means it.
 */
bool attic_send_back(const struct attic *a, uint32_t slot, uint32_t home, struct bytes name,
                     pid_t pid);
/* The same of who looks for a directory in images/ that went with its last image. */
bool attic_send_back_from(const struct attic *a, uint32_t dir, pid_t pid);
/* He was still in such a directory, so he walks again already. */
void attic_was_sent_back(const struct attic *a, uint32_t dir, pid_t pid);

#endif
