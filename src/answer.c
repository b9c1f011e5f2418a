// SPDX-License-Identifier: Apache-2.0
#include "imsfs/answer.h"

#include <errno.h>

#include "imsfs/entry.h"

/* --- Answering, with the catalog locked for reading --- */

static bool image_has_moved(const struct scene *s, const struct call *call)
{
    uint32_t slot;
    const struct list_view *view = &s->view;
    struct bytes name = bytes_of(call->name), id;
    return name_split_image(name, &id) && ids_find(s->tree.numbers->ids, id, &slot) == 0 &&
           catalog_image(view->catalog, slot) &&
           attic_send_back(view->attic, slot, call->node.dir, name, call->pid);
}

static bool dir_has_gone(const struct scene *s, const struct call *call)
{
    uint32_t slot;
    return numbers_find_dir(s->tree.numbers, call->node.dir, bytes_of(call->name), &slot) == 0 &&
           attic_send_back_from(s->view.attic, slot, call->pid);
}

/*
 * Whether an image that is not here, or below what is not here, may just have moved to another
 * place. ESTALE makes the kernel walk the whole path again: by-id/<id> then leads to where it is.
 */
static bool has_moved(const struct scene *s, const struct call *call)
{
    if (call->node.kind != NODE_DIR || !s->view.complete)
        return false;
    const struct directory *d = catalog_dir(s->view.catalog, call->node.dir);
    return d->leaf ? image_has_moved(s, call) : dir_has_gone(s, call);
}

/* Whoever is in a directory that went is told so, and walks again as well. */
static void note_gone(const struct scene *s, const struct call *call)
{
    if (call->node.kind == NODE_DIR)
        attic_was_sent_back(s->view.attic, call->node.dir, call->pid);
}

static int answer_lookup(struct scene *s, const struct call *call, struct answer *a)
{
    struct node node;
    const struct list_view *view = &s->view;
    int r = tree_lookup(&s->tree, view->catalog, &call->node, bytes_of(call->name), &node);
    if (r == -ENOENT && !view->complete && !node_names_are_fixed(&call->node))
        return LIST_WAIT; /* its page may still come */
    if (r == -ENOENT && has_moved(s, call))
        return -ESTALE;
    return r < 0 ? r : entry_fill(s, &node, &a->entry);
}

/* The image that a file is of, as the kernel knows the file: of this list or an earlier one. */
static struct image *image_of(const struct list_view *view, const struct node *file)
{
    const struct image *img = tree_image(view->catalog, file);
    if (!img)
        img = attic_find(view->attic, file->image, file->version);
    return (struct image *)img;
}

static int answer_getattr(struct scene *s, const struct call *call, struct answer *a)
{
    if (call->node.kind == NODE_FILE) {
        const struct image *img = image_of(&s->view, &call->node);
        a->entry.attr_timeout = entry_lease_s(&s->view, &call->node);
        return img ? tree_stat_file(&s->tree, img, &call->node, &a->entry.attr) : -ESTALE;
    }
    return entry_fill(s, &call->node, &a->entry);
}

static int answer_readlink(struct scene *s, const struct call *call, struct answer *a)
{
    return tree_target(&s->tree, s->view.catalog, &call->node, &a->text);
}

static int answer_read(struct scene *s, const struct call *call, struct answer *a)
{
    if (call->node.kind != NODE_FILE)
        return node_is_dir(&call->node) ? -EISDIR : -EINVAL;
    struct image *img = image_of(&s->view, &call->node);
    if (!img)
        return -ESTALE;
    a->image = image_ref(img);
    return 0;
}

/* A listing on its way into the buffer of a READDIRPLUS. */
struct listing {
    struct scene *s;
    struct strbuf *out;
    size_t size;
    int error;
    struct entry_files files;
};

static int fill_listed(struct listing *l, const struct node *node, struct fuse_entry_param *e)
{
    if (node->kind == NODE_FILE)
        return entry_fill_file(l->s, node, &l->files, e);
    if (node->kind == NODE_QUERY && !l->s->tree.query)
        return entry_fill_query(l->s->stage, node, e);
    return entry_fill(l->s, node, e);
}

static bool add_entry(void *ctx, const char *name, const struct node *node, uint64_t next)
{
    struct listing *l = ctx;
    struct fuse_entry_param e;
    bool dots = next <= 2; /* the kernel makes no inodes for these, nor for what has number 0 */
    bool other = node->kind == NODE_QUERY && !l->s->tree.query;
    l->error = fill_listed(l, node, &e);
    if (l->error == -ESTALE && other) { /* evicted meanwhile */
        l->error = 0;
        return true;
    }
    if (l->error < 0)
        return false;
    if (dots || node->kind == NODE_STATUS)
        e.ino = 0;
    size_t left = l->size - l->out->len;
    size_t need =
        fuse_add_direntry_plus(NULL, l->out->data + l->out->len, left, name, &e, (off_t)next);
    if (need > left) /* then nothing was added */
        return false;
    l->out->len += need;
    return true;
}

/* The directory that readers follow while it grows, or NULL. */
static struct directory *growing(const struct scene *s, const struct node *dir)
{
    bool grows = (dir->kind == NODE_DIR || dir->kind == NODE_QUERY) && !s->view.complete;
    return grows ? (struct directory *)catalog_dir(s->view.catalog, dir->dir) : NULL;
}

/* Of what is not complete there may be more to wait for. */
static int more_of(const struct list_view *view)
{
    return view->failed ? view->failed : LIST_WAIT;
}

static int answer_list(struct scene *s, const struct call *call, struct answer *a)
{
    struct listing l = {.s = s, .out = &a->text, .size = call->size};
    if (!strbuf_reserve(&a->text, call->size))
        return -ENOMEM;
    struct directory *d = growing(s, &call->node);
    if (s->view.failed && !d)
        return s->view.failed; /* the kernel keeps what it lists to its end */
    if (d)
        atomic_store(&d->listed, true);
    int r = entries_give(&s->tree, s->view.catalog, &call->node, call->offset, add_entry, &l);
    if (r == 0 && l.error < 0 && a->text.len == 0)
        r = l.error;
    bool ends = r == 0 && a->text.len == 0;
    /* An empty answer would end the listing: while the directory grows, there may be more. */
    if (ends && d)
        return more_of(&s->view);
    /* From now on the kernel lists it by itself, and looks at the directory's attributes only,
     * which vouch for nothing (see name_lease_s()). */
    a->lapses = ends && call->node.kind == NODE_QUERY;
    a->lease_ms = s->view.lease_ms;
    return r;
}

/* --- .imsfs: no matter of the catalog --- */

static int stat_status(struct answerer *x, const struct node *node, struct fuse_entry_param *e)
{
    const struct node name = {.kind = NODE_STATUS};
    size_t size = 0;
    int r = node->dir ? snapshot_size(&x->snapshots, node->dir, &size) : 0;
    if (r < 0)
        return r;
    *e = (struct fuse_entry_param){.ino = node_id(node)};
    r = tree_stat(x->stage.tree, NULL, &name, &e->attr);
    e->attr.st_size = (off_t)size;
    e->attr.st_mtim = e->attr.st_ctim = clock_wall();
    return r;
}

/* Each look-up of the status makes a new snapshot, so that its size and its bytes agree. */
static int lookup_status(struct answerer *x, struct answer *a)
{
    struct node node = {.kind = NODE_STATUS};
    CLEANUP(strbuf_free) struct strbuf text = STRBUF_INIT;
    status_add(x->status, &text);
    int r = strbuf_error(&text);
    if (r == 0)
        r = snapshot_add(&x->snapshots, &text, &node.dir);
    return r < 0 ? r : stat_status(x, &node, &a->entry);
}

static int answer_status(struct answerer *x, const struct call *call, struct answer *a)
{
    if (call->kind == CALL_LOOKUP)
        return call->node.kind == NODE_META ? lookup_status(x, a) : -ENOTDIR;
    if (call->kind == CALL_GETATTR)
        return stat_status(x, &call->node, &a->entry);
    if (call->kind == CALL_READ)
        return snapshot_read(&x->snapshots, call->node.dir, &a->text);
    return -EINVAL;
}

static int list_queries(struct answerer *x, const struct call *call, struct answer *a)
{
    CLEANUP(queries_listing_clear) struct queries_listing found = {0};
    struct scene s;
    struct listing l = {.s = &s, .out = &a->text, .size = call->size};
    int r = scene_enter(&s, &x->stage, &call->node);
    if (r == 0 && !strbuf_reserve(&a->text, call->size))
        r = -ENOMEM;
    if (r == 0)
        r = queries_list(x->stage.queries, &found);
    if (r == 0)
        entries_give_queries(found.items, found.count, call->offset, add_entry, &l);
    scene_leave(&s);
    return r == 0 && l.error < 0 && a->text.len == 0 ? l.error : r;
}

/* A directory is there at once, without its list. */
static int answer_queries(struct answerer *x, const struct call *call, struct answer *a)
{
    struct node node;
    if (call->kind == CALL_LIST)
        return list_queries(x, call, a);
    int r = queries_lookup(x->stage.queries, bytes_of(call->name), &node);
    return r != 0 ? r : entry_fill_query(&x->stage, &node, &a->entry);
}

static bool is_status(const struct call *call)
{
    return call->node.kind == NODE_STATUS ||
           (call->node.kind == NODE_META && call->kind == CALL_LOOKUP &&
            streq(call->name, TREE_STATUS_NAME));
}

static bool is_queries(const struct answerer *x, const struct call *call)
{
    return x->stage.queries && call->node.kind == NODE_QUERIES &&
           (call->kind == CALL_LOOKUP || call->kind == CALL_LIST);
}

/* --- One table of what the calls need and how they are answered --- */

static const struct call_rule {
    enum list_need need;
    unsigned events; /* to wait for */
    int (*answer)(struct scene *s, const struct call *call, struct answer *a);
} rules[] = {
    [CALL_LOOKUP] = {LIST_FRESH, LIST_EVENT_DATA, answer_lookup},
    [CALL_GETATTR] = {LIST_SETTLED, LIST_EVENT_SETTLED, answer_getattr},
    [CALL_READLINK] = {LIST_KNOWN, LIST_EVENT_DATA, answer_readlink},
    [CALL_READ] = {LIST_KNOWN, LIST_EVENT_DATA, answer_read},
    [CALL_LIST] = {LIST_FRESH, LIST_EVENT_DATA, answer_list},
};

static enum list_need need_of(const struct scene *s, const struct call *call)
{
    enum node_kind kind = call->node.kind;
    if (node_names_are_fixed(&call->node) || kind == NODE_QUERY_LINK)
        return LIST_NOW;
    if (call->kind == CALL_GETATTR && entry_is_named(s, &call->node))
        return LIST_NOW;
    return call->kind == CALL_LIST && call->offset > 0 ? LIST_REST : rules[call->kind].need;
}

/*
 * A view's own directory is there before any list. But once there is one, its attributes vouch for
 * the links and directories below, which the kernel keeps: then only a valid list may renew them.
 * A query's do not (see name_lease_s()).
 */
static bool must_vouch(const struct call *call, const struct list_view *view)
{
    return call->kind == CALL_GETATTR && call->node.kind == NODE_DIR && view->complete &&
           view->lease_ms == 0;
}

static int look_for(struct scene *s, const struct call *call)
{
    enum list_need need = need_of(s, call);
    int r = scene_look(s, need);
    if (r == 0 && need == LIST_NOW && must_vouch(call, &s->view)) {
        scene_look_away(s);
        r = scene_look(s, rules[call->kind].need);
    }
    return r;
}

static int answer_from_list(struct answerer *x, const struct call *call, struct answer *a,
                            uint64_t *event)
{
    struct scene s;
    int r = scene_enter(&s, &x->stage, &call->node);
    if (r == 0)
        r = look_for(&s, call);
    *event = s.view.event;
    if (r == 0) {
        r = rules[call->kind].answer(&s, call, a);
        if (r == -ESTALE)
            note_gone(&s, call);
        if (r == -ESTALE && s.view.catalog && !s.view.complete)
            r = more_of(&s.view); /* what it stands for may still come */
        scene_look_away(&s);
    }
    scene_leave(&s);
    if (a->image)
        r = tree_content(a->image, &call->node, &a->text);
    image_unref(STEAL(a->image));
    return r;
}

int answer_call(struct answerer *x, const struct call *call, struct answer *a, uint64_t *event)
{
    if (is_status(call))
        return answer_status(x, call, a);
    if (is_queries(x, call))
        return answer_queries(x, call, a);
    return answer_from_list(x, call, a, event);
}

static void send_slice(fuse_req_t req, const struct strbuf *text, uint64_t offset, size_t size)
{
    size_t at = offset < text->len ? (size_t)offset : text->len;
    size_t len = text->len - at < size ? text->len - at : size;
    fuse_reply_buf(req, text->data ? text->data + at : NULL, len);
}

void answer_send(struct answerer *x, fuse_req_t req, const struct call *call, int error,
                 const struct answer *a)
{
    if (error < 0) {
        fuse_reply_err(req, -error);
        return;
    }
    struct node node;
    switch (call->kind) {
    case CALL_LOOKUP:
        if (fuse_reply_entry(req, &a->entry) < 0 && node_of(a->entry.ino, &node) &&
            node.kind == NODE_STATUS)
            snapshot_forget(&x->snapshots, node.dir); /* nobody will */
        break;
    case CALL_GETATTR:
        fuse_reply_attr(req, &a->entry.attr, a->entry.attr_timeout);
        break;
    case CALL_READLINK:
        fuse_reply_readlink(req, strbuf_str(&a->text));
        break;
    case CALL_READ:
        send_slice(req, &a->text, call->offset, call->size);
        break;
    case CALL_LIST:
        fuse_reply_buf(req, a->text.data, a->text.len);
        break;
    }
}

unsigned answer_events(const struct call *call)
{
    return rules[call->kind].events;
}

void answer_forget(struct answerer *x, uint64_t ino)
{
    struct node node;
    if (node_of(ino, &node) && node.kind == NODE_STATUS)
        snapshot_forget(&x->snapshots, node.dir);
}
