// SPDX-License-Identifier: Apache-2.0
#include "listing.h"

#include <errno.h>
#include <stdio.h>

#include "imsfs/json.h"
#include "imsfs/url.h"

/* Which page an answer holds when no limit is given (documents of both calls). */
#define NATIVE_LIMIT 25
#define CLOUDIMAGES_LIMIT 500

/* A parameter that the services do not know and that tests mark their own requests with. */
#define TEST_MARK "harness"

struct listing {
    struct answer *out;
    struct data *d;
    const struct listing_rules *rules;
    enum answer_service service;
    const char *accept;
    struct query *q;
    struct match_facts facts;
    bool registered_only; /* cloudimages' default, __isregistered=true */
    bool all;             /* every image is in the list */
    size_t limit;
    uint32_t last; /* the image that ended the page */
};

static void refuse(struct listing *l, unsigned status, const char *message)
{
    answer_error(l->out, l->service, status, message, NULL, l->accept);
}

static struct bytes next_piece(struct bytes *rest)
{
    const char *end = memchr(rest->data, '&', rest->len);
    struct bytes piece = {rest->data, end ? (size_t)(end - rest->data) : rest->len};
    size_t used = piece.len + (end != NULL);
    *rest = (struct bytes){rest->data + used, rest->len - used};
    return piece;
}

static bool is_named(struct bytes piece, struct bytes name)
{
    return piece.len > name.len && piece.data[name.len] == '=' &&
           memcmp(piece.data, name.data, name.len) == 0;
}

static struct bytes name_of(struct bytes piece)
{
    const char *equals = memchr(piece.data, '=', piece.len);
    return (struct bytes){piece.data, equals ? (size_t)(equals - piece.data) : piece.len};
}

/* The query string with '+' as a space (servers read it so), without empty pieces and the tests'
 * own mark. */
static void clean(struct strbuf *out, struct bytes text)
{
    while (text.len) {
        struct bytes piece = next_piece(&text);
        if (!piece.len || is_named(piece, bytes_of(TEST_MARK)))
            continue;
        if (out->len)
            strbuf_add_char(out, '&');
        for (size_t i = 0; i < piece.len; i++)
            strbuf_add_str(out, piece.data[i] == '+' ? "%20" : (char[]){piece.data[i], '\0'});
    }
}

/* What Glance says about a value that query refuses, where its words differ. */
static const char *glance_words(struct bytes text)
{
    static const struct {
        const char *name, *message;
    } words[] = {
        {"limit", "limit param must be an integer"},
        {"member_status", "Invalid status."},
        {"sort_dir", "Invalid sort direction."},
        {"protected", "Invalid value for protected."},
    };
    for (size_t i = 0; i < ARRAY_SIZE(words); i++)
        for (struct bytes rest = text; rest.len;) {
            struct bytes piece = next_piece(&rest);
            const struct param *p = param_find(bytes_of(words[i].name));
            if (!is_named(piece, bytes_of(words[i].name)))
                continue;
            size_t used = strlen(words[i].name) + 1;
            struct bytes value = {piece.data + used, piece.len - used};
            if (param_check(p, value) == PARAM_BAD)
                return words[i].message;
        }
    return NULL;
}

/* Values that query lets pass and the services do not. True: one was refused. */
static bool refuse_values(struct listing *l)
{
    static const struct {
        const char *name, *message, *code;
        bool glance;
    } rules[] = {
        {"visibility", "Invalid visibility value.", NULL, true},
        {"architecture", "The value of architecture is not x86 or arm.", "IMG.0212", false},
        {"__imagetype", "The imagetype is invalid.", "IMG.0024", false},
    };
    bool glance = l->service == ANSWER_GLANCE;
    for (size_t i = 0; i < query_count(l->q); i++) {
        const struct query_item *item = query_at(l->q, i);
        for (size_t k = 0; k < ARRAY_SIZE(rules); k++) {
            if (!bytes_are(item->name, rules[k].name) || (glance && !rules[k].glance))
                continue;
            enum param_verdict v = param_documents(item->param, item->value);
            if (v == PARAM_GOOD || (v == PARAM_GLANCE_ONLY && glance))
                continue;
            answer_error(l->out, l->service, 400, rules[k].message, rules[k].code, l->accept);
            return true;
        }
    }
    return false;
}

static bool parse(struct listing *l, struct bytes text)
{
    CLEANUP(strbuf_free) struct strbuf cleaned = STRBUF_INIT;
    struct query_error err;
    bool cloud = l->service == ANSWER_CLOUDIMAGES;
    clean(&cleaned, text);
    int r = query_parse(&l->q, strbuf_bytes(&cleaned),
                        cloud ? QUERY_DIALECT_IMS : QUERY_DIALECT_UNKNOWN, &err);
    if (r < 0) {
        const char *words = cloud ? NULL : glance_words(strbuf_bytes(&cleaned));
        refuse(l, r == -ENOMEM ? 500 : 400, r == -ENOMEM ? NULL : words ? words : err.text);
        return false;
    }
    return !refuse_values(l);
}

/* Nothing but the page and the order is said. */
static bool wants_all(const struct query *q)
{
    for (size_t i = 0; i < query_count(q); i++)
        if (query_at(q, i)->param->kind < PARAM_LIMIT)
            return false;
    return true;
}

static void prepare(struct listing *l)
{
    bool cloud = l->service == ANSWER_CLOUDIMAGES;
    int64_t limit = query_limit(l->q);
    l->facts = data_facts(l->d);
    l->facts.cloudimages = cloud;
    l->facts.own_is_member = l->rules->plain_glance;
    l->limit = limit ? (size_t)limit : cloud ? CLOUDIMAGES_LIMIT : NATIVE_LIMIT;
    if (l->limit > l->rules->limit_max)
        l->limit = l->rules->limit_max;
    l->registered_only = cloud;
    l->all = data_is_plain(l->d) && wants_all(l->q);
    for (size_t i = 0; i < query_count(l->q); i++)
        if (bytes_are(query_at(l->q, i)->name, "__isregistered"))
            l->registered_only = false;
}

/* The place of the first image behind the marker, counted from the start of the list. */
static bool find_start(struct listing *l, const struct data_order *order, size_t *start)
{
    const struct query_item *marker = query_find(l->q, PARAM_MARKER);
    uint32_t index;
    char message[400];
    *start = 0;
    if (!marker)
        return true;
    int len = marker->value.len > 200 ? 200 : (int)marker->value.len;
    if (!data_find(l->d, marker->value, &index)) {
        snprintf(message, sizeof(message), "No image found with ID %.*s", len, marker->value.data);
        refuse(l, 400, message);
        return false;
    }
    if (!data_may_see(l->d, index)) {
        snprintf(message, sizeof(message), "Forbidding request, image %.*s not visible", len,
                 marker->value.data);
        refuse(l, 403, message);
        return false;
    }
    size_t place = data_order_place(order, index);
    *start = (query_sort_ascending(l->q) ? place : data_count(l->d) - 1 - place) + 1;
    return true;
}

/* Glance leaves hidden images out unless os_hidden is asked for. */
static bool is_hidden(const struct listing *l, const struct image *img)
{
    static const char name[] = "os_hidden";
    uint32_t slot;
    if (slot_find(data_attrs(l->d), bytes_of(name), &slot) < 0)
        return false;
    const struct image_attr *a = image_attr_find(img, slot);
    if (!a || !bytes_are(image_attr_json(img, a), "true"))
        return false;
    for (size_t i = 0; i < query_count(l->q); i++)
        if (bytes_are(query_at(l->q, i)->name, name))
            return false;
    return true;
}

static bool is_registered(const struct listing *l, const struct image *img)
{
    uint32_t slot;
    if (slot_find(data_attrs(l->d), bytes_of("__isregistered"), &slot) < 0)
        return false;
    const struct image_attr *a = image_attr_find(img, slot);
    return a && (bytes_are(image_attr_json(img, a), "\"true\"") ||
                 bytes_are(image_attr_json(img, a), "true"));
}

static bool selects(const struct listing *l, uint32_t index)
{
    struct image *img = l->all ? NULL : data_image(l->d, index);
    bool selected = img && data_is_listed(l->d, index, l->q) && !is_hidden(l, img) &&
                    (!l->registered_only || is_registered(l, img)) &&
                    match_image(l->q, img, data_attrs(l->d), &l->facts) > 0;
    image_unref(img);
    return l->all || selected;
}

/* Adds the images of the page, from the place start on. True: a next page is promised. */
static bool add_images(struct listing *l, const struct data_order *order, size_t start)
{
    struct answer *out = l->out;
    bool more = false, ascending = query_sort_ascending(l->q);
    size_t total = data_count(l->d);
    for (size_t i = start; i < total && !more; i++) {
        uint32_t index = data_order_at(order, (uint32_t)(ascending ? i : total - 1 - i));
        if (!selects(l, index))
            continue;
        if (out->count == l->limit) {
            more = true;
            break;
        }
        if (out->count++)
            strbuf_add_str(&out->body, ", ");
        data_add_json(l->d, index, &out->body);
        l->last = index;
        more = !l->rules->exact_next && out->count == l->limit;
    }
    return more;
}

/* True when a later piece has the same name: Glance keeps only the last one in its links. */
static bool comes_again(struct bytes rest, struct bytes name)
{
    while (rest.len)
        if (is_named(next_piece(&rest), name))
            return true;
    return false;
}

/* A link as Glance makes it: from the root of the service, without the prefix that it may be
 * reached under. */
static void add_link(struct listing *l, const char *key, struct bytes text, bool with_marker)
{
    CLEANUP(strbuf_free) struct strbuf link = STRBUF_INIT;
    CLEANUP(strbuf_free) struct strbuf id = STRBUF_INIT;
    char joint = '?';
    strbuf_add_str(&link, "/v2/images");
    while (text.len) {
        struct bytes piece = next_piece(&text), name = name_of(piece);
        if (bytes_are(name, "marker") || comes_again(text, name))
            continue;
        strbuf_add_char(&link, joint);
        strbuf_add(&link, piece.data, piece.len);
        joint = '&';
    }
    if (with_marker) {
        strbuf_printf(&link, "%cmarker=", joint);
        data_add_id(l->d, l->last, &id);
        url_add_encoded(&link, strbuf_bytes(&id));
    }
    strbuf_printf(&l->out->body, ", \"%s\": ", key);
    json_add_quoted(&l->out->body, strbuf_bytes(&link));
}

static void add_page(struct listing *l, const struct data_order *order, size_t start,
                     struct bytes text)
{
    CLEANUP(strbuf_free) struct strbuf cleaned = STRBUF_INIT;
    clean(&cleaned, text);
    l->out->status = 200;
    l->out->content_type = "application/json";
    strbuf_add_str(&l->out->body, "{\"images\": [");
    bool more = add_images(l, order, start);
    strbuf_add_str(&l->out->body, "]");
    if (l->service == ANSWER_GLANCE) {
        add_link(l, "first", strbuf_bytes(&cleaned), false);
        strbuf_add_str(&l->out->body, ", \"schema\": \"/v2/schemas/images\"");
        if (more)
            add_link(l, "next", strbuf_bytes(&cleaned), true);
    }
    strbuf_add_str(&l->out->body, "}");
}

void listing_answer(struct answer *out, struct data *d, const struct listing_rules *rules,
                    enum answer_service service, struct bytes text, const char *accept)
{
    struct listing l = {.out = out, .d = d, .rules = rules, .service = service, .accept = accept};
    size_t start;
    if (!parse(&l, text)) {
        query_free(l.q);
        return;
    }
    prepare(&l);
    const struct data_order *order = data_order(d, l.q);
    if (!order && data_is_plain(d))
        refuse(&l, 400, "images by rule are sorted by created_at and __sequence_num only");
    else if (!order)
        refuse(&l, 500, NULL);
    else if (find_start(&l, order, &start))
        add_page(&l, order, start, text);
    query_free(l.q);
}
