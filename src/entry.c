// SPDX-License-Identifier: Apache-2.0
#include "imsfs/entry.h"

#include <errno.h>

#define FOREVER_S 1e9 /* dropped by notification, not by time */

double entry_lease_s(const struct list_view *view, const struct node *node)
{
    if (node->kind == NODE_ROOT || node->kind == NODE_META || node->kind == NODE_QUERY_LINK)
        return FOREVER_S;
    if (node->kind == NODE_QUERIES)
        return 0; /* its entries come and go without a word */
    if (node_is_dir(node))
        return (double)view->lease_ms / 1000;
    return view->complete ? FOREVER_S : 0;
}

bool entry_is_named(const struct scene *s, const struct node *n)
{
    return n->kind == NODE_QUERY ||
           (n->kind == NODE_DIR && n->dir < s->tree.numbers->layout->view_count);
}

/* Whether nothing but eviction takes the name away. */
static bool is_named_for_good(const struct scene *s, const struct node *n)
{
    return n->kind == NODE_META || n->kind == NODE_QUERIES || n->kind == NODE_QUERY_LINK ||
           entry_is_named(s, n);
}

/*
 * In a view, names stay until we say otherwise, and the attributes of the directories vouch for
 * them. Attributes of a query's directory must not cost a listing (ls -l of query/), so its names
 * have a lease of their own, and those of named queries that may come to mean another list, none.
 */
static double name_lease_s(const struct scene *s, const struct node *node)
{
    if (node->kind == NODE_QUERY && s->use.provisional)
        return 0;
    if (is_named_for_good(s, node))
        return FOREVER_S;
    if (!s->view.complete)
        return 0;
    return node->query ? (double)s->view.lease_ms / 1000 : FOREVER_S;
}

int entry_fill(const struct scene *s, const struct node *node, struct fuse_entry_param *e)
{
    *e = (struct fuse_entry_param){.ino = node_id(node), .generation = node_generation(node)};
    e->entry_timeout = name_lease_s(s, node);
    e->attr_timeout = entry_lease_s(&s->view, node);
    int r = tree_stat(&s->tree, s->view.catalog, node, &e->attr);
    if (node->kind == NODE_QUERIES && r == 0)
        e->attr.st_mtim = e->attr.st_ctim = queries_changed(s->stage->queries);
    return r;
}

int entry_fill_query(const struct scene_stage *stage, const struct node *node,
                     struct fuse_entry_param *e)
{
    struct scene s;
    int r = scene_enter(&s, stage, node);
    if (r == 0 && (r = scene_look(&s, LIST_NOW)) == 0) {
        r = entry_fill(&s, node, e);
        scene_look_away(&s);
    }
    scene_leave(&s);
    return r;
}

int entry_fill_file(const struct scene *s, const struct node *file, struct entry_files *files,
                    struct fuse_entry_param *e)
{
    struct fuse_entry_param *last = &files->last;
    int r = 0;
    if (!files->image) {
        r = entry_fill(s, file, last);
        files->image = tree_image(s->view.catalog, file);
    } else {
        last->ino = node_id(file);
        r = tree_stat_sibling(files->image, file, &last->attr);
    }
    *e = *last;
    return r;
}
