// SPDX-License-Identifier: Apache-2.0
#include "imsfs/request.h"

#include <errno.h>

void requests_init(struct requests *rs, struct answerer *answerer, struct notifier *notifier,
                   struct feed *feed)
{
    *rs = (struct requests){.answerer = answerer, .notifier = notifier, .feed = feed};
    parking_init(&rs->lot);
}

void requests_deinit(struct requests *rs)
{
    parking_deinit(&rs->lot);
}

struct waiting {
    struct parked parked;
    fuse_req_t req;
    struct call call;
    uint64_t event; /* at which it was told to wait */
};

/* True when the request was answered. worker: on one of the workers, and not while others wait. */
static bool run_call(struct requests *rs, fuse_req_t req, const struct call *call, bool worker,
                     uint64_t *event)
{
    struct answer a = {.text = STRBUF_INIT};
    int r = answer_call(rs->answerer, call, &a, event);
    if (r == 0 && a.lapses)
        r = notifier_lapse(rs->notifier, node_id(&call->node), a.lease_ms);
    if (r == 0 && worker)
        feed_before_sending(rs->feed, call, &a);
    if (r != LIST_WAIT)
        answer_send(rs->answerer, req, call, r, &a);
    strbuf_free(&a.text);
    return r != LIST_WAIT;
}

static void on_interrupt(fuse_req_t req, void *data)
{
    struct requests *rs = data;
    struct parked *p = parking_interrupt(&rs->lot, req);
    if (!p)
        return;
    fuse_reply_err(req, EINTR);
    free(p);
}

static void finish(struct waiting *w, int error)
{
    fuse_reply_err(w->req, -error);
    free(w);
}

/* Who is half-way through a directory gets what came before the error. Takes w over. */
static void fail(struct requests *rs, struct waiting *w, int error)
{
    uint64_t event;
    if (w->call.kind == CALL_LIST && w->call.offset > 0 &&
        run_call(rs, w->req, &w->call, false, &event))
        free(w);
    else
        finish(w, error);
}

/* Parks w until something happens after event; what happened meanwhile it answers. Takes w over. */
static void park(struct requests *rs, struct waiting *w, uint64_t event)
{
    for (;;) {
        const uint32_t list = w->call.node.query;
        w->event = event;
        w->parked.list = list;
        parking_add(&rs->lot, &w->parked);
        fuse_req_interrupt_func(w->req, on_interrupt, rs); /* at once, if it came before */
        if (!parking_arm(&rs->lot, &w->parked)) {
            finish(w, -EINTR);
            return;
        }
        /* From here on w may be somebody else's. What came before it was parked woke nobody. */
        if (cache_event_count(rs->answerer->stage.cache, list) == event ||
            !parking_take(&rs->lot, &w->parked))
            return;
        int error = cache_failed_since(rs->answerer->stage.cache, list, w->event);
        if (error < 0) {
            fail(rs, w, error);
            return;
        }
        if (run_call(rs, w->req, &w->call, false, &event)) {
            free(w);
            return;
        }
    }
}

static void run_again(struct requests *rs, struct waiting *w)
{
    uint64_t event;
    if (run_call(rs, w->req, &w->call, false, &event))
        free(w);
    else
        park(rs, w, event);
}

void requests_woken(struct requests *rs, uint32_t list, unsigned events, int error)
{
    struct parked *p = parking_take_all(&rs->lot, list, events), *next;
    for (; p; p = next) {
        next = p->next;
        struct waiting *w = (struct waiting *)p;
        if (error < 0)
            fail(rs, w, error);
        else
            run_again(rs, w);
    }
}

void requests_begin(struct requests *rs, fuse_req_t req, const struct call *call)
{
    struct waiting *w;
    uint64_t event;
    if (run_call(rs, req, call, true, &event))
        return;
    w = calloc(1, sizeof(*w));
    if (!w) {
        fuse_reply_err(req, ENOMEM);
        return;
    }
    w->req = req;
    w->call = *call;
    w->parked.key = req;
    w->parked.events = answer_events(call);
    park(rs, w, event);
}
