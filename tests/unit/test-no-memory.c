// SPDX-License-Identifier: Apache-2.0
/* Each allocation of what makes a list from text, and answers from it, fails once: the outcome is
 * -ENOMEM, or the same as ever. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>

#include <cmocka.h>

#include "../torture/allocator.h"
#include "imsfs/decode.h"
#include "imsfs/layout.h"
#include "imsfs/name.h"
#include "imsfs/selection.h"

static size_t counted;
static size_t refuse_at; /* from 1; 0: none */

static bool refuse(void)
{
    return refuse_at && ++counted == refuse_at;
}

#define LONG "0123456789 \\u00e4 0123456789 \\n 0123456789 0123456789 0123456789 0123456789"

static const char page[] =
    "{\"images\":["
    "{\"id\":\"a\",\"name\":\"" LONG "\",\"visibility\":\"public\",\"__imagetype\":\"shared\","
    "\"tags\":[\"" LONG "\",\"two\"],\"status\":\"active\",\"min_ram\":5},"
    "{\"id\":\"b\\u0062\",\"name\":[\"x\",{\"y\":1.50}],\"visibility\":\"private\","
    "\"__imagetype\":\"private\",\"key\":1,\"ke\\u0079\":2,\"a/b\":1,\"a%2Fb\":2,"
    "\"description\":\"" LONG "\"},"
    "{\"id\":\"c\",\"name\":\"last\",\"status\":\"act\\u0069ve\",\"tags\":[],\"os_distro\":\"x\"}"
    "],\"next\":\"/v2/images?marker=c\\u0063\"}";

/* --- what is made --- */

struct made {
    struct slot_table *attrs;
    struct image *images[8];
    size_t count;
    struct decode_result result;
};

static int take(void *ctx, struct image *img)
{
    struct made *m = ctx;
    m->images[m->count++] = img;
    return 0;
}

static void made_free(struct made *m)
{
    for (size_t i = 0; i < m->count; i++)
        image_unref(m->images[i]);
    decode_result_free(&m->result);
    slot_table_free(m->attrs);
}

static int make(struct made *m)
{
    const struct decode_sink sink = {.image = take, .ctx = m};
    int r = image_attrs_new(&m->attrs);
    return r < 0 ? r
                 : decode_text(bytes_of(page), DECODE_PAGE, &limits_standard, m->attrs, &sink,
                               &m->result);
}

/* --- what is asked; each adds what it finds to out --- */

static int add_images(const struct made *m, struct strbuf *out)
{
    char name[NAME_SIZE];
    strbuf_printf(out, "next %s, %u unnamed, %u equal\n", m->result.next ? m->result.next : "-",
                  m->result.notes.attrs_unnamed, m->result.notes.names_equal);
    for (size_t i = 0; i < m->count; i++) {
        image_dir_name(m->images[i], name);
        strbuf_printf(out, "%s\n", name);
        for (size_t j = 0; j < image_attr_count(m->images[i]); j++) {
            struct bytes json = image_attr_json(m->images[i], image_attr_at(m->images[i], j));
            strbuf_add(out, json.data, json.len);
        }
    }
    return strbuf_error(out);
}

static int add_value(void *ctx, struct bytes value)
{
    struct strbuf *out = ctx;
    strbuf_add(out, value.data, value.len);
    strbuf_add_char(out, '\n');
    return strbuf_error(out);
}

static int add_groups(const struct made *m, struct strbuf *out)
{
    CLEANUP(free_ptr) struct layout *layout = NULL;
    char *by[] = {"tags", "description"};
    char error[256];
    int r = layout_new(&layout, "imagetype/platform/status", by, ARRAY_SIZE(by), m->attrs, error);
    for (size_t i = 0; r == 0 && i < layout->view_count; i++)
        for (size_t j = 0; r == 0 && j < layout->views[i].level_count; j++)
            for (size_t k = 0; r == 0 && k < m->count; k++)
                r = layout_values(&layout->views[i].levels[j], m->images[k], true, add_value, out);
    return r;
}

static int add_selected(const struct made *m, const char *criteria, struct strbuf *out)
{
    const struct match_facts facts = {0};
    struct query *q = NULL;
    struct query_error error;
    struct selection found;
    int r = query_parse(&q, bytes_of(criteria), QUERY_DIALECT_IMS, &error);
    if (r == 0)
        r = selection_make(&found, q, m->images, m->count, m->attrs, &facts, &error);
    query_free(q);
    if (r < 0)
        return r;
    for (size_t i = 0; i < found.count; i++)
        add_value(out, image_id(found.images[i]));
    selection_free(&found);
    return strbuf_error(out);
}

static int add_matches(const struct made *m, struct strbuf *out)
{
    static const char *const criteria[] = {"status=active", "min_ram=5", "tag=two", "name=last"};
    int r = 0;
    for (size_t i = 0; r == 0 && i < ARRAY_SIZE(criteria); i++)
        r = add_selected(m, criteria[i], out);
    return r;
}

/* --- each allocation once --- */

typedef int ask_fn(const struct made *m, struct strbuf *out);

static int ask(ask_fn *fn, struct strbuf *out)
{
    CLEANUP(made_free) struct made m = {0};
    int r = make(&m);
    return r < 0 ? r : fn(&m, out);
}

/* Returns whether an allocation was refused. */
static bool same_or_no_memory(ask_fn *fn, size_t at, struct bytes expected)
{
    CLEANUP(strbuf_free) struct strbuf out = STRBUF_INIT;
    counted = 0;
    refuse_at = at;
    int r = ask(fn, &out);
    refuse_at = 0;
    if (r != 0 && r != -ENOMEM)
        fail_msg("allocation %zu: %d", at, r);
    if (r == 0 && !bytes_equal(strbuf_bytes(&out), expected))
        fail_msg("allocation %zu: %s", at, strbuf_str(&out));
    return counted >= at;
}

static void each_allocation_fails_once(ask_fn *fn)
{
    CLEANUP(strbuf_free) struct strbuf expected = STRBUF_INIT;
    assert_int_equal(ask(fn, &expected), 0);
    size_t at = 1;
    while (same_or_no_memory(fn, at, strbuf_bytes(&expected)))
        at++;
    assert_true(at > 10);
}

static void records_are_whole(void **state)
{
    (void)state;
    each_allocation_fails_once(add_images);
}

static void groups_are_the_right_ones(void **state)
{
    (void)state;
    each_allocation_fails_once(add_groups);
}

static void criteria_find_the_same(void **state)
{
    (void)state;
    each_allocation_fails_once(add_matches);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(records_are_whole),
        cmocka_unit_test(groups_are_the_right_ones),
        cmocka_unit_test(criteria_find_the_same),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
