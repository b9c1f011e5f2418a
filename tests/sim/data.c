// SPDX-License-Identifier: Apache-2.0
#include "data.h"

#include <errno.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>

#include "facts.h"
#include "imsfs/decode.h"

#define MAX_ORDERS 16

struct data_order {
    uint32_t *at;   /* place -> image; NULL: the places are the images' numbers */
    uint32_t *rank; /* image -> place */
};

struct data {
    atomic_uint refs;
    bool by_rule; /* there is no file: instead of images, ids and facts there is rule */
    struct rule rule;
    struct slot_table *attrs;
    struct slot_table *ids; /* the slot of an id is the image's number */
    struct image **images;
    size_t count, cap;
    struct facts *facts;
    pthread_mutex_t lock; /* protects orders while they are made */
    struct {
        char key[32];
        struct data_order order;
    } orders[MAX_ORDERS];
    size_t order_count;
};

struct data *data_ref(struct data *d)
{
    atomic_fetch_add(&d->refs, 1);
    return d;
}

void data_unref(struct data *d)
{
    if (!d || atomic_fetch_sub(&d->refs, 1) != 1)
        return;
    for (size_t i = 0; d->images && i < d->count; i++)
        image_unref(d->images[i]);
    for (size_t i = 0; i < d->order_count; i++) {
        free(d->orders[i].order.at);
        free(d->orders[i].order.rank);
    }
    facts_free(d->facts);
    free(d->images);
    slot_table_free(d->ids);
    slot_table_free(d->attrs);
    pthread_mutex_destroy(&d->lock);
    free(d);
}

static int add_image(void *ctx, struct image *img)
{
    struct data *d = ctx;
    CLEANUP(strbuf_free) struct strbuf id = STRBUF_INIT;
    uint32_t slot;
    image_add_raw_id(img, &id);
    if (slot_find(d->ids, strbuf_bytes(&id), &slot) == 0) {
        image_unref(img);
        return 0;
    }
    if (d->count == d->cap) {
        size_t cap = d->cap ? d->cap * 2 : 1024;
        struct image **images = realloc(d->images, cap * sizeof(struct image *));
        if (!images) {
            image_unref(img);
            return -ENOMEM;
        }
        d->images = images;
        d->cap = cap;
    }
    d->images[d->count++] = img;
    return slot_add(d->ids, strbuf_bytes(&id), &slot);
}

struct sorting {
    const struct data *d;
    const struct query *q;
};

static int compare(const void *a, const void *b, void *ctx)
{
    const struct sorting *s = ctx;
    const uint32_t *x = a, *y = b;
    int error; /* a simulator without memory may be wrong */
    return match_compare(s->q, s->d->images[*x], s->d->images[*y], s->d->attrs, &error);
}

static int make_order(struct data *d, const struct query *q, struct data_order *order)
{
    struct query *ascending = NULL;
    int r = query_set(&ascending, q, "sort_dir", bytes_of("asc"));
    order->at = calloc(d->count + 1, sizeof(uint32_t));
    order->rank = calloc(d->count + 1, sizeof(uint32_t));
    if (r == 0 && order->at && order->rank) {
        for (uint32_t i = 0; i < d->count; i++)
            order->at[i] = i;
        qsort_r(order->at, d->count, sizeof(uint32_t), compare, &(struct sorting){d, ascending});
        for (uint32_t i = 0; i < d->count; i++)
            order->rank[order->at[i]] = i;
    } else {
        r = -ENOMEM;
        free(order->at);
        free(order->rank);
    }
    query_free(ascending);
    return r;
}

static const struct data_order *find_order(struct data *d, const struct query *q)
{
    struct bytes key = query_sort_key(q);
    for (size_t i = 0; i < d->order_count; i++)
        if (bytes_are(key, d->orders[i].key))
            return &d->orders[i].order;
    size_t n = d->order_count;
    if (n == MAX_ORDERS || make_order(d, q, &d->orders[n].order) < 0)
        return NULL;
    snprintf(d->orders[n].key, sizeof(d->orders[n].key), "%.*s", (int)key.len, key.data);
    d->order_count++;
    return &d->orders[n].order;
}

/* The usual order before the first request wants it. */
static int sort_by_default(struct data *d)
{
    struct query *q = NULL;
    struct query_error err;
    int r = query_parse(&q, bytes_of(""), QUERY_DIALECT_UNKNOWN, &err);
    if (r == 0)
        r = data_order(d, q) ? 0 : -ENOMEM;
    query_free(q);
    return r;
}

static int read_file(const char *path, struct strbuf *text)
{
    FILE *f = fopen(path, "rbe");
    if (!f)
        return -errno;
    size_t got = 0;
    do {
        if (!strbuf_reserve(text, 1 << 20))
            break;
        got = fread(text->data + text->len, 1, 1 << 20, f);
        text->len += got;
    } while (got > 0);
    int r = ferror(f) ? -EIO : strbuf_error(text);
    fclose(f);
    return r;
}

static int fill(struct data *d, const char *path, char *error, size_t size)
{
    struct limits limits = limits_standard;
    for (size_t i = 0; i < LIMITS; i++) /* it is our own */
        limits.max[i] = limits_rows()[i].max;
    CLEANUP(strbuf_free) struct strbuf text = STRBUF_INIT;
    CLEANUP(decode_result_free) struct decode_result result = {0};
    int r = read_file(path, &text);
    if (r < 0) {
        snprintf(error, size, "%s", strerror(-r));
        return r;
    }
    const struct decode_sink sink = {.image = add_image, .ctx = d};
    r = decode_text(strbuf_bytes(&text), DECODE_FILE, &limits, d->attrs, &sink, &result);
    if (r < 0) {
        snprintf(error, size, "%s", result.error[0] ? result.error : strerror(-r));
        return r;
    }
    r = facts_new(&d->facts, strbuf_bytes(&text), d);
    if (r < 0)
        snprintf(error, size, "project_id, members or flavors have another shape");
    return r < 0 ? r : sort_by_default(d);
}

static void unref(struct data **d)
{
    data_unref(*d);
}

static struct data *new_data(void)
{
    struct data *d = calloc(1, sizeof(*d));
    if (!d)
        return NULL;
    atomic_init(&d->refs, 1);
    pthread_mutex_init(&d->lock, NULL);
    if (image_attrs_new(&d->attrs) == 0)
        return d;
    data_unref(d);
    return NULL;
}

int data_load(struct data **out, const char *path, char *error, size_t size)
{
    CLEANUP(unref) struct data *d = new_data();
    snprintf(error, size, "out of memory");
    int r = d ? slot_table_new(&d->ids, INT32_MAX) : -ENOMEM;
    if (r == 0)
        r = fill(d, path, error, size);
    if (r == 0)
        *out = STEAL(d);
    return r;
}

int data_by_rule(struct data **out, struct rule rule)
{
    struct data *d = new_data();
    if (!d)
        return -ENOMEM;
    d->by_rule = true;
    d->rule = rule;
    d->count = rule.count;
    *out = d;
    return 0;
}

size_t data_count(const struct data *d)
{
    return d->count;
}

bool data_is_plain(const struct data *d)
{
    return d->by_rule;
}

struct image *data_image(const struct data *d, uint32_t index)
{
    CLEANUP(strbuf_free) struct strbuf json = STRBUF_INIT;
    struct image_notes notes = {0};
    struct image *img;
    if (!data_is_plain(d))
        return image_ref(d->images[index]);
    rule_add_json(&d->rule, d->rule.first + index, &json);
    return image_new(&img, strbuf_bytes(&json), d->attrs, &notes) < 0 ? NULL : img;
}

void data_add_json(const struct data *d, uint32_t index, struct strbuf *out)
{
    if (data_is_plain(d)) {
        rule_add_json(&d->rule, d->rule.first + index, out);
        return;
    }
    struct bytes json = image_json(d->images[index]);
    strbuf_add(out, json.data, json.len);
}

void data_add_id(const struct data *d, uint32_t index, struct strbuf *out)
{
    char id[RULE_ID_SIZE];
    if (!data_is_plain(d)) {
        image_add_raw_id(d->images[index], out);
        return;
    }
    rule_id(d->rule.first + index, id);
    strbuf_add_str(out, id);
}

const struct slot_table *data_attrs(const struct data *d)
{
    return d->attrs;
}

bool data_find(const struct data *d, struct bytes id, uint32_t *index)
{
    uint32_t number;
    if (!data_is_plain(d))
        return slot_find(d->ids, id, index) == 0;
    if (!rule_find(id, &number) || number - d->rule.first >= d->count)
        return false;
    *index = number - d->rule.first;
    return true;
}

static bool index_of(const struct data *d, const struct image *img, uint32_t *index)
{
    CLEANUP(strbuf_free) struct strbuf id = STRBUF_INIT;
    image_add_raw_id(img, &id);
    return data_find(d, strbuf_bytes(&id), index);
}

static const char *member_status(void *ctx, const struct image *img)
{
    const struct data *d = ctx;
    uint32_t index;
    return d->facts && index_of(d, img, &index) ? facts_status(d->facts, index) : NULL;
}

static bool fits_flavor(void *ctx, const struct image *img, struct bytes flavor)
{
    const struct data *d = ctx;
    uint32_t index;
    return d->facts && index_of(d, img, &index) && facts_fits(d->facts, index, flavor);
}

struct match_facts data_facts(const struct data *d)
{
    return (struct match_facts){
        .project = facts_project(d->facts),
        .member_status = member_status,
        .fits_flavor = fits_flavor,
        .ctx = (void *)d,
    };
}

bool data_may_see(const struct data *d, uint32_t index)
{
    if (data_is_plain(d))
        return true;
    enum facts_access access = facts_access(d->facts, index);
    return access != FACTS_HIDDEN && (access != FACTS_SHARED || facts_status(d->facts, index));
}

static bool wants(const struct query *q, enum param_kind kind, const char *value, const char *none)
{
    const struct query_item *item = query_find(q, kind);
    return item ? bytes_are(item->value, value) : none && streq(value, none);
}

bool data_is_listed(const struct data *d, uint32_t index, const struct query *q)
{
    if (data_is_plain(d))
        return true;
    const char *status = facts_status(d->facts, index);
    switch (facts_access(d->facts, index)) {
    case FACTS_OPEN:
        return true;
    case FACTS_SHARED:
        return status && (wants(q, PARAM_MEMBER_STATUS, status, "accepted") ||
                          wants(q, PARAM_MEMBER_STATUS, "all", NULL));
    case FACTS_COMMUNITY:
        return wants(q, PARAM_VISIBILITY, "community", NULL) ||
               wants(q, PARAM_VISIBILITY, "all", NULL);
    default:
        return false;
    }
}

/* What rises with the number of an image by rule. */
static const struct data_order *order_by_rule(struct bytes key)
{
    static const char *const keys[] = {"created_at", "__sequence_num"};
    static const struct data_order order = {NULL, NULL};
    for (size_t i = 0; i < ARRAY_SIZE(keys); i++)
        if (bytes_are(key, keys[i]))
            return &order;
    return NULL;
}

const struct data_order *data_order(struct data *d, const struct query *q)
{
    if (data_is_plain(d))
        return order_by_rule(query_sort_key(q));
    pthread_mutex_lock(&d->lock);
    const struct data_order *order = find_order(d, q);
    pthread_mutex_unlock(&d->lock);
    return order;
}

uint32_t data_order_at(const struct data_order *order, uint32_t place)
{
    return order->at ? order->at[place] : place;
}

uint32_t data_order_place(const struct data_order *order, uint32_t index)
{
    return order->rank ? order->rank[index] : index;
}
