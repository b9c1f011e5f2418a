// SPDX-License-Identifier: Apache-2.0
#include "imsfs/snapshot.h"

#include <errno.h>

#define HASH_NONFATAL_OOM 1
#include <uthash.h>

#define NUMBER_MAX 0xFFFFFFu

struct snapshot {
    uint32_t number;
    struct strbuf text;
    UT_hash_handle hh;
};

void snapshots_init(struct snapshots *s)
{
    *s = (struct snapshots){0};
    pthread_mutex_init(&s->lock, NULL);
}

static void drop(struct snapshots *s, struct snapshot *item)
{
    s->bytes -= item->text.cap;
    HASH_DEL(s->table, item);
    strbuf_free(&item->text);
    free(item);
}

void snapshots_deinit(struct snapshots *s)
{
    struct snapshot *item, *next;
    HASH_ITER (hh, s->table, item, next)
        drop(s, item);
    pthread_mutex_destroy(&s->lock);
}

/* With the lock held. */
static struct snapshot *find(struct snapshots *s, uint32_t number)
{
    struct snapshot *item;
    HASH_FIND(hh, s->table, &number, sizeof(number), item);
    return item;
}

/* The table is in the order of their making. With the lock held. */
static void make_room(struct snapshots *s)
{
    while (s->table && s->bytes > SNAPSHOTS_BYTES_MAX)
        drop(s, s->table);
}

int snapshot_add(struct snapshots *s, struct strbuf *text, uint32_t *number)
{
    struct snapshot *item = calloc(1, sizeof(*item));
    if (!item)
        return -ENOMEM;
    pthread_mutex_lock(&s->lock);
    make_room(s);
    do
        s->last = s->last % NUMBER_MAX + 1;
    while (find(s, s->last));
    item->number = s->last;
    HASH_ADD(hh, s->table, number, sizeof(item->number), item);
    bool added = item->hh.tbl != NULL;
    if (added) {
        item->text = *text;
        *text = STRBUF_INIT;
        s->bytes += item->text.cap;
        *number = item->number;
    }
    pthread_mutex_unlock(&s->lock);
    if (added)
        return 0;
    free(item);
    return -ENOMEM;
}

int snapshot_read(struct snapshots *s, uint32_t number, struct strbuf *out)
{
    pthread_mutex_lock(&s->lock);
    struct snapshot *item = find(s, number);
    if (item)
        strbuf_add(out, item->text.data, item->text.len);
    pthread_mutex_unlock(&s->lock);
    return item ? strbuf_error(out) : -ESTALE;
}

int snapshot_size(struct snapshots *s, uint32_t number, size_t *size)
{
    pthread_mutex_lock(&s->lock);
    const struct snapshot *item = find(s, number);
    if (item)
        *size = item->text.len;
    pthread_mutex_unlock(&s->lock);
    return item ? 0 : -ESTALE;
}

void snapshot_forget(struct snapshots *s, uint32_t number)
{
    pthread_mutex_lock(&s->lock);
    struct snapshot *item = find(s, number);
    if (item)
        drop(s, item);
    pthread_mutex_unlock(&s->lock);
}
