// SPDX-License-Identifier: Apache-2.0
#include "imsfs/push.h"

#include <time.h>

#include "imsfs/image.h"

void push_init(struct push *p, bool off)
{
    *p = (struct push){.storing = ATOMIC_FLAG_INIT};
    atomic_init(&p->off, off);
    pthread_mutex_init(&p->lock, NULL);
}

void push_deinit(struct push *p)
{
    pthread_mutex_destroy(&p->lock);
}

static struct push_image image_of(const struct node *node)
{
    return (struct push_image){true, node->query, node->image};
}

static bool same_image(const struct push_image *a, const struct push_image *b)
{
    return a->known && b->known && a->query == b->query && a->image == b->image;
}

/* --- Clients --- */

/* NULL: not here. */
static struct push_client *find_client(struct push *p, pid_t pid)
{
    for (size_t i = 0; pid && i < PUSH_CLIENTS; i++) {
        if (p->clients[i].pid == pid) {
            p->clients[i].used = ++p->used;
            return &p->clients[i];
        }
    }
    return NULL;
}

/* The one of that pid, in another's place if need be. NULL: there is no pid. */
static struct push_client *client_of(struct push *p, pid_t pid)
{
    struct push_client *c = find_client(p, pid), *oldest = &p->clients[0];
    if (c || !pid)
        return c;
    for (size_t i = 1; i < PUSH_CLIENTS; i++)
        if (p->clients[i].used < oldest->used)
            oldest = &p->clients[i];
    *oldest = (struct push_client){.pid = pid, .used = ++p->used};
    return oldest;
}

/* For anybody, as the last one: what of it is read all the same is no news. */
static bool was_pushed(const struct push *p, const struct push_image *image)
{
    for (size_t i = 0; i < PUSH_CLIENTS; i++)
        if (same_image(&p->clients[i].pushed, image))
            return true;
    return false;
}

static void count_file(struct push_client *c, const struct push_image *image, uint32_t attr)
{
    if (!same_image(&c->reads, image)) {
        c->reads = *image;
        c->files = 1;
    } else if (c->attr != attr) {
        c->files++;
    }
    c->attr = attr;
    if (c->files >= PUSH_FILES) {
        c->files = 0;
        c->credit = PUSH_CREDIT;
    }
}

static enum push_what push_image(struct push *p, struct push_client *c,
                                 const struct push_image *image)
{
    if (atomic_flag_test_and_set_explicit(&p->storing, memory_order_acquire))
        return PUSH_NOTHING;
    p->for_client = c->pid;
    c->pushed = *image;
    c->credit--;
    return c->credit % PUSH_PROBE == 0 ? PUSH_IMAGE : PUSH_WHOLE;
}

/* --- Runs --- */

static struct push_run *run_of(struct push *p, const struct node *file)
{
    struct push_run *oldest = &p->runs[0];
    for (size_t i = 0; i < PUSH_RUNS; i++) {
        struct push_run *run = &p->runs[i];
        if (run->known && run->query == file->query && run->attr == file->attr)
            return run;
        if (run->used < oldest->used)
            oldest = run;
    }
    *oldest = (struct push_run){.known = true, .query = file->query, .attr = file->attr};
    return oldest;
}

static enum push_what push_ahead(struct push *p, const struct node *file)
{
    struct push_run *run = run_of(p, file);
    run->used = ++p->used;
    if (run->images > 0 && run->image == file->image)
        return PUSH_NOTHING;
    const uint32_t before = run->image;
    run->image = file->image;
    if (run->images < PUSH_IMAGES)
        run->images++;
    if (run->images < PUSH_IMAGES ||
        atomic_flag_test_and_set_explicit(&p->storing, memory_order_acquire))
        return PUSH_NOTHING;
    p->for_client = 0;
    p->run = run;
    p->until = before;
    return PUSH_AHEAD;
}

/* --- */

static enum push_what read_locked(struct push *p, pid_t pid, const struct node *file)
{
    const struct push_image image = image_of(file);
    struct push_client *c = client_of(p, pid);
    if (was_pushed(p, &image)) {
        if (c && c->credit > 0 && file->attr == IMAGE_JSON_SLOT)
            c->credit = PUSH_CREDIT;
        return PUSH_NOTHING;
    }
    if (c && c->credit == 0)
        count_file(c, &image, file->attr);
    return c && c->credit > 0 ? push_image(p, c, &image) : push_ahead(p, file);
}

static enum push_what listed_locked(struct push *p, pid_t pid, const struct node *dir)
{
    const struct push_image image = image_of(dir);
    struct push_client *c = find_client(p, pid);
    bool due = c && c->credit > 0 && !same_image(&c->pushed, &image);
    return due ? push_image(p, c, &image) : PUSH_NOTHING;
}

enum push_what push_read(struct push *p, pid_t pid, const struct node *file)
{
    if (atomic_load_explicit(&p->off, memory_order_relaxed))
        return PUSH_NOTHING;
    pthread_mutex_lock(&p->lock);
    enum push_what what = read_locked(p, pid, file);
    pthread_mutex_unlock(&p->lock);
    return what;
}

enum push_what push_listed(struct push *p, pid_t pid, const struct node *dir)
{
    if (atomic_load_explicit(&p->off, memory_order_relaxed))
        return PUSH_NOTHING;
    pthread_mutex_lock(&p->lock);
    enum push_what what = listed_locked(p, pid, dir);
    pthread_mutex_unlock(&p->lock);
    return what;
}

/* What was stored for may have lost its place to another meanwhile, who then shows his habit again.
 */
static void withdraw(struct push *p)
{
    struct push_client *c = find_client(p, p->for_client);
    if (c)
        c->credit = 0;
    else if (!p->for_client)
        p->run->images = 0;
}

void push_done(struct push *p, bool landed)
{
    pthread_mutex_lock(&p->lock);
    if (!landed)
        withdraw(p);
    pthread_mutex_unlock(&p->lock);
    atomic_flag_clear_explicit(&p->storing, memory_order_release);
}

void push_stop(struct push *p)
{
    atomic_store(&p->off, true);
}

/* Nobody who stores looks whether somebody waits for that; it is soon over. */
void push_end(struct push *p)
{
    static const struct timespec pause = {.tv_nsec = 1000000};
    while (atomic_flag_test_and_set_explicit(&p->storing, memory_order_acquire))
        nanosleep(&pause, NULL);
}
