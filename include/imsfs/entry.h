// SPDX-License-Identifier: Apache-2.0
/*
 * entry: what the kernel is told of one node: its number, its attributes, and how long it may
 * believe each without asking. In a scene that looks at its list; any thread.
 */
#ifndef IMSFS_ENTRY_H
#define IMSFS_ENTRY_H

#define FUSE_USE_VERSION 314
#include <fuse_lowlevel.h>

#include "imsfs/scene.h"

/* How long the attributes of a node may be believed. */
double entry_lease_s(const struct list_view *view, const struct node *node);
/* Whether it is a directory that is there before any list. */
bool entry_is_named(const struct scene *s, const struct node *n);

/* -ESTALE: the list does not have it. */
MUST_CHECK int entry_fill(const struct scene *s, const struct node *node,
                          struct fuse_entry_param *e);
/* Of a directory in .imsfs/query, whose list nobody need have. */
MUST_CHECK int entry_fill_query(const struct scene_stage *stage, const struct node *node,
                                struct fuse_entry_param *e);

/* A listing of the files of one image, which have nearly all in common. Starts as zeros. */
struct entry_files {
    const struct image *image; /* borrowed from the list that the scene looks at */
    struct fuse_entry_param last;
};

/* As entry_fill(), of the next file of such a listing. */
MUST_CHECK int entry_fill_file(const struct scene *s, const struct node *file,
                               struct entry_files *files, struct fuse_entry_param *e);

#endif
