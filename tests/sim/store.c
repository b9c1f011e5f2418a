// SPDX-License-Identifier: Apache-2.0
#include "store.h"

#include <errno.h>
#include <pthread.h>
#include <stdio.h>
#include <sys/stat.h>

struct stamp {
    struct timespec mtime;
    off_t size;
    ino_t inode;
};

struct store {
    const char *path;        /* NULL: by rule */
    pthread_mutex_t loading; /* protects stamp and rule: one thread reads the file */
    struct stamp stamp;
    struct rule rule;
    pthread_mutex_t lock; /* protects current */
    struct data *current;
};

static struct stamp stamp_of(const char *path)
{
    struct stat st = {0};
    if (stat(path, &st) < 0)
        return (struct stamp){0};
    return (struct stamp){st.st_mtim, st.st_size, st.st_ino};
}

static bool same_stamp(const struct stamp *a, const struct stamp *b)
{
    return a->mtime.tv_sec == b->mtime.tv_sec && a->mtime.tv_nsec == b->mtime.tv_nsec &&
           a->size == b->size && a->inode == b->inode;
}

static struct store *new_store(void)
{
    struct store *s = calloc(1, sizeof(*s));
    if (!s)
        return NULL;
    pthread_mutex_init(&s->loading, NULL);
    pthread_mutex_init(&s->lock, NULL);
    return s;
}

int store_open_rule(struct store **out, struct rule rule)
{
    struct store *s = new_store();
    int r = s ? data_by_rule(&s->current, rule) : -ENOMEM;
    if (r < 0) {
        free(s);
        return r;
    }
    s->rule = rule;
    *out = s;
    return 0;
}

int store_open(struct store **out, const char *path, char *error, size_t size)
{
    struct store *s = new_store();
    if (!s)
        return -ENOMEM;
    s->path = path;
    s->stamp = stamp_of(path);
    int r = data_load(&s->current, path, error, size);
    if (r < 0)
        store_free(s);
    else
        *out = s;
    return r;
}

void store_free(struct store *s)
{
    data_unref(s->current);
    pthread_mutex_destroy(&s->loading);
    pthread_mutex_destroy(&s->lock);
    free(s);
}

static void replace(struct store *s, struct data *fresh)
{
    pthread_mutex_lock(&s->lock);
    struct data *old = s->current;
    s->current = fresh;
    pthread_mutex_unlock(&s->lock);
    data_unref(old);
}

static void load(struct store *s, bool force)
{
    char error[200];
    struct stamp now = stamp_of(s->path);
    if (!force && same_stamp(&now, &s->stamp))
        return;
    s->stamp = now;
    struct data *fresh = NULL;
    if (data_load(&fresh, s->path, error, sizeof(error)) < 0)
        fprintf(stderr, "ims-sim: %s: %s; going on with the old data\n", s->path, error);
    else
        replace(s, fresh);
}

static void follow_rule(struct store *s)
{
    struct data *fresh;
    struct rule next = rule_next(s->rule);
    if (data_by_rule(&fresh, next) < 0)
        return;
    s->rule = next;
    replace(s, fresh);
}

void store_reload(struct store *s)
{
    pthread_mutex_lock(&s->loading);
    if (s->path)
        load(s, true);
    else
        follow_rule(s);
    pthread_mutex_unlock(&s->loading);
}

struct data *store_get(struct store *s)
{
    pthread_mutex_lock(&s->loading);
    if (s->path)
        load(s, false);
    pthread_mutex_unlock(&s->loading);
    pthread_mutex_lock(&s->lock);
    struct data *d = data_ref(s->current);
    pthread_mutex_unlock(&s->lock);
    return d;
}
