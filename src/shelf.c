// SPDX-License-Identifier: Apache-2.0
#include "imsfs/shelf.h"

#include <errno.h>

#include "imsfs/log.h"
#include "imsfs/memory.h"

void shelf_init(struct shelf *s, struct numbers *numbers, enum catalog_form form)
{
    *s = (struct shelf){.numbers = numbers, .form = form, .since = numbers_stamp(numbers)};
    pthread_rwlockattr_t attr;
    pthread_rwlockattr_init(&attr);
    /* Readers that come one after the other must not keep the fetcher out. */
    pthread_rwlockattr_setkind_np(&attr, PTHREAD_RWLOCK_PREFER_WRITER_NONRECURSIVE_NP);
    pthread_rwlock_init(&s->lock, &attr);
    pthread_rwlockattr_destroy(&attr);
}

void shelf_deinit(struct shelf *s)
{
    if (s->next != s->growing)
        catalog_free(s->next);
    catalog_free(s->growing);
    catalog_free(s->left);
    catalog_free(s->current);
    attic_free(s->attic.boxes);
    attic_free(s->leaving);
    pthread_rwlock_destroy(&s->lock);
}

const struct catalog *shelf_open(struct shelf *s, bool *complete)
{
    pthread_rwlock_rdlock(&s->lock);
    *complete = s->current != NULL;
    if (s->current)
        return s->current;
    return s->growing && catalog_streamable(s->growing) ? s->growing : NULL;
}

const struct catalog *shelf_open_left(struct shelf *s)
{
    pthread_rwlock_rdlock(&s->lock);
    return s->left;
}

void shelf_close(struct shelf *s)
{
    pthread_rwlock_unlock(&s->lock);
}

struct timespec shelf_since(const struct shelf *s)
{
    return s->growing ? catalog_dir(s->growing, 0)->mtime : s->since;
}

struct catalog_counts shelf_counts(struct shelf *s)
{
    bool complete;
    const struct catalog *list = shelf_open(s, &complete);
    struct catalog_counts counts = list ? *catalog_counts(list) : (struct catalog_counts){0};
    shelf_close(s);
    return counts;
}

struct shelf_change shelf_empty(struct shelf *s)
{
    struct shelf_change change = {0};
    pthread_rwlock_wrlock(&s->lock);
    change.before = STEAL(s->current);
    change.unused = STEAL(s->left);
    change.dropped = STEAL(s->attic.boxes);
    s->attic = (struct attic){0};
    s->since = numbers_stamp(s->numbers);
    pthread_rwlock_unlock(&s->lock);
    return change;
}

struct shelf_change shelf_take_left(struct shelf *s)
{
    struct shelf_change change = {0};
    pthread_rwlock_wrlock(&s->lock);
    change.unused = STEAL(s->left);
    pthread_rwlock_unlock(&s->lock);
    return change;
}

void shelf_change_free(struct shelf_change *change)
{
    size_t bytes = (change->before ? catalog_bytes(change->before) : 0) +
                   (change->unused ? catalog_bytes(change->unused) : 0) +
                   attic_box_bytes(change->dropped);
    catalog_free(change->before);
    if (change->now != change->before)
        catalog_free(change->now);
    catalog_free(change->unused);
    attic_free(change->dropped);
    *change = (struct shelf_change){0};
    memory_freed(bytes);
}

void shelf_clear_out(struct shelf *s)
{
    pthread_rwlock_wrlock(&s->lock);
    struct attic_box *dropped = attic_clear_out(&s->attic);
    pthread_rwlock_unlock(&s->lock);
    size_t bytes = attic_box_bytes(dropped);
    attic_free(dropped);
    memory_freed(bytes);
}

static void set_visible(struct shelf *s, struct catalog *current, struct catalog *growing)
{
    pthread_rwlock_wrlock(&s->lock);
    s->current = current;
    s->growing = growing;
    pthread_rwlock_unlock(&s->lock);
}

/* What readers saw, or NULL. */
static struct catalog *seen(const struct shelf *s)
{
    return s->growing ? s->growing : s->current;
}

size_t shelf_bytes(struct shelf *s)
{
    pthread_rwlock_rdlock(&s->lock);
    const struct catalog *list = seen(s);
    size_t bytes = attic_bytes(&s->attic) + (list ? catalog_bytes(list) : 0) +
                   (s->left ? catalog_bytes(s->left) : 0);
    pthread_rwlock_unlock(&s->lock);
    return bytes;
}

/* What leaves the list that readers see. It may take a while, so nobody waits for it. */
static void pack(struct shelf *s, const struct catalog *now)
{
    const struct catalog *before = seen(s);
    attic_free(s->leaving);
    s->leaving = before && now && before != now ? attic_pack(before, now) : NULL;
}

/* It goes to the attic in the same step in which readers see current. */
static struct attic_box *replace(struct shelf *s, struct catalog *current)
{
    pthread_rwlock_wrlock(&s->lock);
    s->current = current;
    s->growing = NULL;
    if (!current)
        s->since = numbers_stamp(s->numbers); /* what readers saw is gone */
    struct attic_box *dropped = attic_put(&s->attic, STEAL(s->leaving));
    pthread_rwlock_unlock(&s->lock);
    return dropped;
}

static void set_left(struct shelf *s, struct catalog *left)
{
    pthread_rwlock_wrlock(&s->lock);
    s->left = left;
    pthread_rwlock_unlock(&s->lock);
}

int shelf_begin(struct shelf *s)
{
    int r = catalog_new(&s->next, s->numbers, s->form, s->current, !s->current);
    if (r < 0 || s->current)
        return r;
    catalog_grow(s->next, s->since);
    set_visible(s, NULL, s->next);
    struct shelf_change rest = shelf_take_left(s);
    shelf_change_free(&rest);
    return 0;
}

size_t shelf_next_bytes(const struct shelf *s)
{
    return s->next && s->next != s->growing ? catalog_bytes(s->next) : 0;
}

bool shelf_has_next(const struct shelf *s)
{
    return s->next != NULL;
}

void shelf_set_lender(struct shelf *s, const struct shelf *lender)
{
    if (s->next && s != lender)
        catalog_set_lender(s->next, lender->current);
}

struct image *shelf_known(const struct shelf *s, const struct shelf *lender, struct bytes record)
{
    struct image *img = s->current ? catalog_known(s->current, record) : NULL;
    if (!img && s != lender && lender->current)
        img = catalog_known(lender->current, record);
    return img;
}

int shelf_add(struct shelf *s, struct image **images, size_t count, bool *visible)
{
    *visible = s->next && s->next == s->growing;
    if (!s->next) {
        while (count > 0)
            image_unref(images[--count]);
        return -ENOMEM;
    }
    if (*visible)
        pthread_rwlock_wrlock(&s->lock);
    int r = catalog_add_page(s->next, images, count);
    if (*visible)
        pthread_rwlock_unlock(&s->lock);
    return r;
}

void shelf_start_over(struct shelf *s)
{
    if (s->next != s->growing)
        catalog_free(s->next);
    s->next = NULL;
    /* Readers of a flat list go on where they were. */
    const struct catalog *before = s->current;
    if (!before && s->form != CATALOG_GROUPED)
        before = s->growing;
    if (catalog_new(&s->next, s->numbers, s->form, before, false) < 0)
        log_error("out of memory for a listing");
}

void shelf_finish(struct shelf *s, char *marker)
{
    bool visible = s->next == s->growing;
    if (visible)
        pthread_rwlock_wrlock(&s->lock);
    catalog_set_more(s->next, marker);
    catalog_finish(s->next);
    if (visible)
        pthread_rwlock_unlock(&s->lock);
    pack(s, s->next);
}

struct shelf_change shelf_show(struct shelf *s, bool changed)
{
    /* Of a first listing that started over, readers saw the beginning. */
    struct shelf_change change = {.before = s->current, .now = changed ? s->next : s->current};
    if (s->growing && s->growing != change.now)
        change.before = s->growing;
    change.unused = changed ? NULL : s->next;
    s->next = NULL;
    change.dropped = replace(s, change.now);
    return change;
}

struct shelf_change shelf_abandon(struct shelf *s)
{
    struct shelf_change change = {.before = s->current, .now = s->current};
    change.unused = s->next != s->growing ? s->next : NULL;
    s->next = NULL;
    if (!s->growing)
        return change;
    change.before = s->growing;
    if (catalog_new(&change.now, s->numbers, s->form, NULL, false) < 0)
        change.now = NULL;
    pack(s, change.now);
    change.dropped = replace(s, s->current);
    if (catalog_streamable(change.before))
        set_left(s, change.before);
    return change;
}

void shelf_clear(struct shelf *s, struct shelf_change *change)
{
    if (change->before == s->current || change->before == s->left)
        change->before = NULL;
    if (change->now == s->current)
        change->now = NULL;
    shelf_change_free(change);
}
