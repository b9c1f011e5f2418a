// SPDX-License-Identifier: Apache-2.0
#include "imsfs/answer.h"

#include <errno.h>

#define FOREVER_S 1e9 /* dropped by notification, not by time */

/* --- Answering, with the catalog locked for reading --- */

static double lease_s(const struct list_view *view, const struct node *node)
{
    if (node->kind == NODE_ROOT || node->kind == NODE_META)
        return FOREVER_S;
    if (node_is_dir(node))
        return (double)view->lease_ms / 1000;
    return view->complete ? FOREVER_S : 0;
}

static bool is_view_root(const struct answerer *x, const struct node *n)
{
    return n->kind == NODE_DIR && n->dir < x->tree->numbers->layout->view_count;
}

static int fill_entry(const struct answerer *x, const struct list_view *view,
                      const struct node *node, struct fuse_entry_param *e)
{
    *e = (struct fuse_entry_param){.ino = node_id(node), .generation = node_generation(node)};
    bool named_for_good = node->kind == NODE_META || is_view_root(x, node);
    e->entry_timeout = named_for_good || view->complete ? FOREVER_S : 0;
    e->attr_timeout = lease_s(view, node);
    return tree_stat(x->tree, view->catalog, node, &e->attr);
}

/*
 * Whether an image that is not here has just moved to another place. ESTALE makes the kernel walk
 * the whole path again: by-id/<id> then leads to where it is.
 */
static bool has_moved(const struct answerer *x, const struct list_view *view,
                      const struct call *call)
{
    uint32_t slot;
    struct bytes name = bytes_of(call->name), id;
    if (call->node.kind != NODE_DIR || !view->complete || !name_split_image(name, &id) ||
        slot_find(x->tree->numbers->ids, id, &slot) < 0 || !catalog_image(view->catalog, slot))
        return false;
    return attic_send_back(view->attic, slot, call->node.dir, name, call->pid);
}

static int answer_lookup(struct answerer *x, const struct list_view *view, const struct call *call,
                         struct answer *a)
{
    struct node node;
    int r = tree_lookup(x->tree, view->catalog, &call->node, bytes_of(call->name), &node);
    if (r == -ENOENT && !view->complete && !node_names_are_fixed(&call->node))
        return LIST_WAIT; /* its page may still come */
    if (r == -ENOENT && has_moved(x, view, call))
        return -ESTALE;
    return r < 0 ? r : fill_entry(x, view, &node, &a->entry);
}

/* The image that a file is of, as the kernel knows the file: of this list or an earlier one. */
static struct image *image_of(const struct list_view *view, const struct node *file)
{
    const struct image *img = tree_image(view->catalog, file);
    if (!img)
        img = attic_find(view->attic, file->image, file->version);
    return (struct image *)img;
}

static int answer_getattr(struct answerer *x, const struct list_view *view, const struct call *call,
                          struct answer *a)
{
    if (call->node.kind == NODE_FILE) {
        const struct image *img = image_of(view, &call->node);
        a->entry.attr_timeout = lease_s(view, &call->node);
        return img ? tree_stat_file(x->tree, img, &call->node, &a->entry.attr) : -ESTALE;
    }
    return fill_entry(x, view, &call->node, &a->entry);
}

static int answer_readlink(struct answerer *x, const struct list_view *view,
                           const struct call *call, struct answer *a)
{
    return tree_target(x->tree, view->catalog, &call->node, &a->text);
}

static int answer_read(struct answerer *x, const struct list_view *view, const struct call *call,
                       struct answer *a)
{
    (void)x;
    if (call->node.kind != NODE_FILE)
        return node_is_dir(&call->node) ? -EISDIR : -EINVAL;
    struct image *img = image_of(view, &call->node);
    if (!img)
        return -ESTALE;
    a->image = image_ref(img);
    return 0;
}

/* A listing on its way into the buffer of a READDIRPLUS. */
struct listing {
    const struct answerer *x;
    const struct list_view *view;
    struct strbuf *out;
    size_t size;
    int error;
};

static bool add_entry(void *ctx, const char *name, const struct node *node, uint64_t next)
{
    struct listing *l = ctx;
    struct fuse_entry_param e;
    bool dots = next <= 2; /* the kernel makes no inodes for these, nor for what has number 0 */
    l->error = fill_entry(l->x, l->view, node, &e);
    if (l->error < 0)
        return false;
    if (dots || node->kind == NODE_STATUS)
        e.ino = 0;
    size_t left = l->size - l->out->len;
    size_t need = fuse_add_direntry_plus(NULL, NULL, 0, name, &e, (off_t)next);
    if (need > left)
        return false;
    fuse_add_direntry_plus(NULL, l->out->data + l->out->len, left, name, &e, (off_t)next);
    l->out->len += need;
    return true;
}

static int answer_list(struct answerer *x, const struct list_view *view, const struct call *call,
                       struct answer *a)
{
    struct listing l = {x, view, &a->text, call->size, 0};
    if (!strbuf_reserve(&a->text, call->size))
        return -ENOMEM;
    bool grows = call->node.kind == NODE_DIR && !view->complete;
    const struct directory *d = grows ? catalog_dir(view->catalog, call->node.dir) : NULL;
    if (d)
        atomic_store(&((struct directory *)d)->listed, true);
    int r = entries_give(x->tree, view->catalog, &call->node, call->offset, add_entry, &l);
    if (r == 0 && l.error < 0 && a->text.len == 0)
        r = l.error;
    /* An empty answer would end the listing: while the directory grows, there may be more. */
    return r == 0 && grows && a->text.len == 0 ? LIST_WAIT : r;
}

/* --- .imsfs: no matter of the catalog --- */

static int stat_status(struct answerer *x, const struct node *node, struct fuse_entry_param *e)
{
    const struct node name = {.kind = NODE_STATUS};
    CLEANUP(strbuf_free) struct strbuf text = STRBUF_INIT;
    int r = node->dir ? snapshot_read(&x->snapshots, node->dir, &text) : 0;
    if (r < 0)
        return r;
    *e = (struct fuse_entry_param){.ino = node_id(node)};
    r = tree_stat(x->tree, NULL, &name, &e->attr);
    e->attr.st_size = (off_t)text.len;
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

static int answer_meta(struct answerer *x, const struct call *call, struct answer *a)
{
    struct node node;
    if (call->kind == CALL_LOOKUP) {
        int r = tree_lookup(x->tree, NULL, &call->node, bytes_of(call->name), &node);
        return r < 0 ? r : lookup_status(x, a);
    }
    if (call->kind == CALL_GETATTR)
        return stat_status(x, &call->node, &a->entry);
    if (call->kind == CALL_READ)
        return snapshot_read(&x->snapshots, call->node.dir, &a->text);
    return -EINVAL;
}

static bool is_meta(const struct call *call)
{
    return call->node.kind == NODE_STATUS ||
           (call->node.kind == NODE_META && call->kind == CALL_LOOKUP);
}

/* --- One table of what the calls need and how they are answered --- */

static const struct call_rule {
    enum list_need need;
    unsigned events; /* to wait for */
    int (*answer)(struct answerer *x, const struct list_view *view, const struct call *call,
                  struct answer *a);
} rules[] = {
    [CALL_LOOKUP] = {LIST_FRESH, LIST_EVENT_DATA, answer_lookup},
    [CALL_GETATTR] = {LIST_SETTLED, LIST_EVENT_SETTLED, answer_getattr},
    [CALL_READLINK] = {LIST_KNOWN, LIST_EVENT_DATA, answer_readlink},
    [CALL_READ] = {LIST_KNOWN, LIST_EVENT_DATA, answer_read},
    [CALL_LIST] = {LIST_FRESH, LIST_EVENT_DATA, answer_list},
};

static enum list_need need_of(const struct answerer *x, const struct call *call)
{
    if (call->node.kind == NODE_ROOT || call->node.kind == NODE_META)
        return LIST_NOW;
    if (call->kind == CALL_GETATTR && is_view_root(x, &call->node))
        return LIST_NOW;
    return call->kind == CALL_LIST && call->offset > 0 ? LIST_REST : rules[call->kind].need;
}

/*
 * A view's own directory is there before any list. But once there is one, its attributes vouch for
 * the links and directories below, which the kernel keeps: then only a valid list may renew them.
 */
static bool must_vouch(const struct call *call, const struct list_view *view)
{
    return call->kind == CALL_GETATTR && call->node.kind == NODE_DIR && view->complete &&
           view->lease_ms == 0;
}

int answer_call(struct answerer *x, const struct call *call, struct answer *a, uint64_t *event)
{
    struct list_view view;
    if (is_meta(call))
        return answer_meta(x, call, a);
    enum list_need need = need_of(x, call);
    int r = cache_view(x->cache, call->list, need, &view);
    if (r == 0 && need == LIST_NOW && must_vouch(call, &view)) {
        cache_release(x->cache, call->list);
        r = cache_view(x->cache, call->list, rules[call->kind].need, &view);
    }
    *event = view.event;
    if (r != 0)
        return r;
    r = rules[call->kind].answer(x, &view, call, a);
    if (r == -ESTALE && view.catalog && !view.complete)
        r = LIST_WAIT; /* what it stands for may still come */
    cache_release(x->cache, call->list);
    if (a->image)
        r = tree_content(a->image, &call->node, &a->text);
    image_unref(STEAL(a->image));
    return r;
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
