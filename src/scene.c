// SPDX-License-Identifier: Apache-2.0
#include "imsfs/scene.h"

#include <errno.h>

int scene_enter(struct scene *s, const struct scene_stage *stage, const struct node *node)
{
    *s = (struct scene){.stage = stage, .tree = *stage->tree};
    s->tree.queries = stage->queries != NULL;
    if (node->query == 0)
        return 0;
    int r = stage->queries ? queries_of(stage->queries, node, &s->use) : -ESTALE;
    if (r == 0)
        s->tree.query = &s->use.query;
    return r;
}

void scene_leave(struct scene *s)
{
    if (s->use.place)
        queries_done(s->stage->queries, &s->use);
}

int scene_look(struct scene *s, enum list_need need)
{
    uint32_t list = s->use.query.number;
    int r = cache_view(s->stage->cache, list, need, &s->view);
    s->tree.since = s->view.since;
    if (r < 0 || !list || s->view.tenure == s->use.query.generation)
        return r;
    if (r == 0)
        cache_release(s->stage->cache, list);
    return -ESTALE;
}

void scene_look_away(struct scene *s)
{
    cache_release(s->stage->cache, s->use.query.number);
}
