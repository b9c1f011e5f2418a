// SPDX-License-Identifier: Apache-2.0
/* selection: pages, order and markers over a handful of records. */
#include "imsfs/selection.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>

#include <cmocka.h>

/* Not in the order of their times. Two were created in the same second; one says not when. */
static const char *const records[] = {
    "{\"id\":\"a\",\"name\":\"x\",\"created_at\":\"2020-01-03T00:00:00Z\",\"status\":\"active\"}",
    "{\"id\":\"b\",\"name\":\"w\",\"created_at\":\"2020-01-05T00:00:00Z\",\"status\":\"active\"}",
    "{\"id\":\"c\",\"name\":\"x\",\"created_at\":\"2020-01-03T00:00:00Z\",\"status\":\"queued\"}",
    "{\"id\":\"d\",\"name\":null,\"created_at\":\"2020-01-01T00:00:00Z\",\"status\":\"active\"}",
    "{\"id\":\"e/@\",\"name\":\"v\",\"status\":\"active\"}",
};

struct world {
    struct slot_table *attrs;
    struct image *images[ARRAY_SIZE(records)];
};

static int set_up(void **state)
{
    static struct world w;
    struct image_notes notes;
    assert_int_equal(image_attrs_new(&w.attrs), 0);
    for (size_t i = 0; i < ARRAY_SIZE(records); i++)
        assert_int_equal(image_new(&w.images[i], bytes_of(records[i]), w.attrs, &notes), 0);
    *state = &w;
    return 0;
}

static int tear_down(void **state)
{
    struct world *w = *state;
    for (size_t i = 0; i < ARRAY_SIZE(records); i++)
        image_unref(w->images[i]);
    slot_table_free(w->attrs);
    return 0;
}

static int make(struct selection *s, const struct world *w, const char *text,
                struct query_error *err)
{
    struct query *q = NULL;
    const struct match_facts facts = {.cloudimages = true};
    assert_int_equal(query_parse(&q, bytes_of(text), QUERY_DIALECT_UNKNOWN, err), 0);
    int r = selection_make(s, q, w->images, ARRAY_SIZE(records), w->attrs, &facts, err);
    query_free(q);
    return r;
}

/* The first letters of the ids, and '+' when more follow. */
static void show(const struct selection *s, char out[static ARRAY_SIZE(records) + 2])
{
    for (size_t i = 0; i < s->count; i++)
        out[i] = image_id(s->images[i]).data[0];
    out[s->count] = s->more ? '+' : '\0';
    out[s->count + s->more] = '\0';
}

static void test_pages(void **state)
{
    static const struct {
        const char *text, *ids;
    } rows[] = {
        {"", "bcade"},
        {"sort_dir=asc", "edacb"},
        {"sort_key=created_at&sort_dir=desc", "bcade"},
        {"sort_key=name&sort_dir=asc", "debac"},
        {"sort_key=name", "cabed"},
        {"status=active", "bade"},
        {"status=nonsense", ""},
        {"limit=1", "b+"},
        {"limit=4", "bcad+"},
        {"limit=5", "bcade"},
        {"limit=99999999999999999999", "bcade"},
        {"limit=2&status=active", "ba+"},
        {"marker=b", "cade"},
        {"marker=c", "ade"},
        {"marker=e/@", ""},
        {"marker=e%2F%40&sort_dir=asc", "dacb"},
        {"marker=c&status=active", "ade"}, /* the marker need not be selected itself */
        {"marker=c&limit=2", "ad+"},
        {"marker=d&limit=2", "e"},
        {"marker=a&sort_key=name&limit=1", "b+"},
        {"marker=a&limit=1&status=queued", ""},
    };
    for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
        char ids[ARRAY_SIZE(records) + 2];
        struct query_error err;
        struct selection s;
        assert_int_equal(make(&s, *state, rows[i].text, &err), 0);
        show(&s, ids);
        if (!streq(ids, rows[i].ids))
            fail_msg("%s: %s instead of %s", rows[i].text, ids, rows[i].ids);
        selection_free(&s);
    }
}

/* From page to page by the last id, in both directions. */
static void test_walk(void **state)
{
    static const struct {
        const char *text, *ids;
    } rows[] = {{"limit=2&sort_key=name&sort_dir=asc", "debac"}, {"limit=1", "bcade"}};
    for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
        CLEANUP(strbuf_free) struct strbuf marker = STRBUF_INIT;
        CLEANUP(strbuf_free) struct strbuf walked = STRBUF_INIT;
        struct selection s = {.more = true};
        for (unsigned page = 0; s.more && page < 10; page++) {
            char text[200], ids[ARRAY_SIZE(records) + 2];
            struct query_error err;
            snprintf(text, sizeof(text), "%s%s%s", rows[i].text, page ? "&marker=" : "",
                     strbuf_str(&marker));
            assert_int_equal(make(&s, *state, text, &err), 0);
            show(&s, ids);
            strbuf_add(&walked, ids, s.count);
            strbuf_reset(&marker);
            assert_true(selection_add_last_id(&s, &marker));
            selection_free(&s);
            s.more = ids[strlen(ids) - 1] == '+';
        }
        assert_string_equal(strbuf_str(&walked), rows[i].ids);
    }
}

static void test_last_id(void **state)
{
    CLEANUP(strbuf_free) struct strbuf id = STRBUF_INIT;
    struct query_error err;
    struct selection s;
    assert_int_equal(make(&s, *state, "status=nonsense", &err), 0);
    assert_false(selection_add_last_id(&s, &id));
    selection_free(&s);
    assert_int_equal(make(&s, *state, "", &err), 0);
    assert_true(selection_add_last_id(&s, &id));
    assert_string_equal(strbuf_str(&id), "e/@");
    selection_free(&s);
}

static void test_refused(void **state)
{
    static const struct {
        const char *text;
        int error;
        const char *why;
    } rows[] = {
        {"member_status=pending&status=active", -EOPNOTSUPP,
         "member_status: records do not tell, only a server does"},
        {"flavor_id=x", -EOPNOTSUPP, "flavor_id: records do not tell, only a server does"},
        {"marker=zz", -EINVAL, "marker: no image has the id 'zz'"},
        {"marker=", -EINVAL, "marker: no image has the id ''"},
        {"marker=e", -EINVAL, "marker: no image has the id 'e'"},
    };
    for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
        struct query_error err = {""};
        struct selection s = {.count = 77};
        assert_int_equal(make(&s, *state, rows[i].text, &err), rows[i].error);
        assert_string_equal(err.text, rows[i].why);
        assert_int_equal(s.count, 77);
    }
}

static void test_no_images(void **state)
{
    const struct world *w = *state;
    const struct match_facts facts = {0};
    struct query_error err;
    struct query *q = NULL;
    struct selection s;
    assert_int_equal(query_parse(&q, bytes_of("limit=1"), QUERY_DIALECT_UNKNOWN, &err), 0);
    assert_int_equal(selection_make(&s, q, NULL, 0, w->attrs, &facts, &err), 0);
    assert_int_equal(s.count, 0);
    assert_false(s.more);
    selection_free(&s);
    query_free(q);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_pages),     cmocka_unit_test(test_walk),
        cmocka_unit_test(test_last_id),   cmocka_unit_test(test_refused),
        cmocka_unit_test(test_no_images),
    };
    return cmocka_run_group_tests_name("selection", tests, set_up, tear_down);
}
