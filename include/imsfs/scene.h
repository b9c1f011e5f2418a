// SPDX-License-Identifier: Apache-2.0
/*
 * scene: what one request is answered from: the list that its node is in, and the tree as that list
 * shapes it. Any thread; a scene is one call's own.
 */
#ifndef IMSFS_SCENE_H
#define IMSFS_SCENE_H

#include "imsfs/queries.h"

/* Where all scenes play. */
struct scene_stage {
    const struct tree *tree; /* borrowed, as the next two */
    struct cache *cache;
    struct queries *queries; /* NULL: there is no .imsfs/query */
};

struct scene {
    const struct scene_stage *stage;
    struct tree tree;       /* with the query that the node belongs to */
    struct queries_use use; /* of that query; place NULL: none */
    struct list_view view;
};

/* The scene of a node; left by scene_leave(), also after a failure. -ESTALE: nobody knows the query
 * that the node is of. */
MUST_CHECK int scene_enter(struct scene *s, const struct scene_stage *stage,
                           const struct node *node);
void scene_leave(struct scene *s);

/* As cache_view() and cache_release(). -ESTALE: the list's number is another's by now. */
MUST_CHECK int scene_look(struct scene *s, enum list_need need);
void scene_look_away(struct scene *s);

#endif
