// SPDX-License-Identifier: Apache-2.0
#include "imsfs/layout.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>

#include <cmocka.h>

#include "attrs.h"

static void put_layout(struct layout **l)
{
    layout_free(*l);
}

static void put_image(struct image **img)
{
    image_unref(*img);
}

static struct layout *layout_of(const char *levels, const char *by)
{
    struct layout *l = NULL;
    char error[256] = "", text[300];
    snprintf(text, sizeof(text), "%s", by ? by : "");
    char *const list[] = {text};
    if (layout_new(&l, levels, list, by ? 1 : 0, attrs, error) < 0)
        fail_msg("%s", error);
    return l;
}

static const struct layout_view *view_named(const struct layout *l, const char *name)
{
    for (size_t i = 0; i < l->view_count; i++)
        if (streq(l->views[i].name, name))
            return &l->views[i];
    fail_msg("no view %s", name);
    return NULL;
}

static int add_value(void *ctx, struct bytes value)
{
    assert_true(value.len > 0);
    strbuf_add(ctx, value.data, value.len);
    strbuf_add_char(ctx, ';');
    return 0;
}

/* The values of a record, which has these members and an id, on a level; ';' behind each. */
static void assert_values(const struct layout_level *level, const char *members, bool split,
                          const char *expected)
{
    char json[512];
    struct image_notes notes = {0};
    CLEANUP(strbuf_free) struct strbuf got = STRBUF_INIT;
    CLEANUP(put_image) struct image *img = NULL;
    snprintf(json, sizeof(json), "{\"id\":\"1\"%s%s}", members[0] ? "," : "", members);
    assert_int_equal(image_new(&img, bytes_of(json), attrs, &notes), 0);
    assert_int_equal(layout_values(level, img, split, add_value, &got), 0);
    if (!streq(strbuf_str(&got), expected))
        fail_msg("%s: %s, not %s", members, strbuf_str(&got), expected);
}

static void the_default_views(void **state)
{
    (void)state;
    static const struct {
        const char *name;
        enum layout_kind kind;
        size_t levels;
    } rows[] = {
        {"images", LAYOUT_IMAGES, 3},         {"by-id", LAYOUT_BY_ID, 0},
        {"by-name", LAYOUT_BY_NAME, 0},       {"by-imagetype", LAYOUT_BY_ATTR, 1},
        {"by-platform", LAYOUT_BY_ATTR, 1},   {"by-status", LAYOUT_BY_ATTR, 1},
        {"by-os_version", LAYOUT_BY_ATTR, 1},
    };
    CLEANUP(put_layout) struct layout *l = layout_of(LAYOUT_DEFAULT, "__os_version");
    assert_int_equal(l->view_count, ARRAY_SIZE(rows));
    for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
        assert_string_equal(l->views[i].name, rows[i].name);
        assert_int_equal(l->views[i].kind, rows[i].kind);
        assert_int_equal(l->views[i].level_count, rows[i].levels);
    }
    static const char record[] = "\"__imagetype\":\"gold\",\"__platform\":\"CentOS\","
                                 "\"status\":\"active\",\"__os_version\":\"7.4\"";
    static const char *const expected[] = {"gold;", "CentOS;", "active;"};
    for (size_t i = 0; i < 3; i++) {
        assert_values(&l->views[0].levels[i], record, false, expected[i]);
        assert_values(&l->views[3 + i].levels[0], record, true, expected[i]);
    }
    assert_values(&l->views[6].levels[0], record, true, "7.4;");
}

/* What an owner writes never brings an image into a group that its visibility does not allow. */
static void imagetype_is_believed_where_visibility_agrees(void **state)
{
    (void)state;
    static const struct {
        const char *visibility, *imagetype, *group; /* NULL: absent */
    } rows[] = {
        {NULL, "gold", "gold;"},
        {NULL, "anything", "anything;"},
        {NULL, NULL, "none;"},
        {NULL, "", "none;"},
        {"", "gold", "gold;"},
        {"public", "gold", "gold;"},
        {"public", "market", "market;"},
        {"public", "private", "public;"},
        {"public", "shared", "public;"},
        {"public", NULL, "public;"},
        {"public", "", "public;"},
        {"private", "private", "private;"},
        {"private", "shared", "shared;"},
        {"private", "gold", "private;"},
        {"private", "public", "private;"},
        {"private", "market", "private;"},
        {"private", NULL, "private;"},
        {"shared", "shared", "shared;"},
        {"shared", "private", "shared;"},
        {"shared", "gold", "shared;"},
        {"shared", "public", "shared;"},
        {"community", "gold", "community;"},
        {"community", "community", "community;"},
        {"public", "Gold", "public;"},
        {"public", "gold ", "public;"},
        {"public", "gold\\u0000", "public;"},
        {"Public", "gold", "Public;"},
        {"a/b", "gold", "a/b;"},
    };
    CLEANUP(put_layout) struct layout *l = layout_of(LAYOUT_DEFAULT, NULL);
    for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
        char record[256] = "\"x\":0";
        size_t len = strlen(record);
        if (rows[i].visibility)
            len += (size_t)snprintf(record + len, sizeof(record) - len, ",\"visibility\":\"%s\"",
                                    rows[i].visibility);
        if (rows[i].imagetype)
            snprintf(record + len, sizeof(record) - len, ",\"__imagetype\":\"%s\"",
                     rows[i].imagetype);
        assert_values(&l->views[0].levels[0], record, false, rows[i].group);
        assert_values(&view_named(l, "by-imagetype")->levels[0], record, true, rows[i].group);
    }
}

static void odd_types_of_imagetype_are_not_believed(void **state)
{
    (void)state;
    static const struct {
        const char *record, *group;
    } rows[] = {
        {"\"visibility\":null,\"__imagetype\":\"gold\"", "gold;"},
        {"\"visibility\":\"private\",\"__imagetype\":[\"gold\"]", "private;"},
        {"\"visibility\":\"private\",\"__imagetype\":\"private\",\"__imagetype\":\"gold\"",
         "private;"},
        {"\"visibility\":[\"public\"],\"__imagetype\":\"gold\"", "[\"public\"];"},
        {"\"visibility\":\"private\",\"__imagetype\":null", "private;"},
        {"\"visibility\":\"priv\\u0061te\",\"__imagetype\":\"g\\u006fld\"", "private;"},
        {"\"visibility\":\"public\",\"__imagetype\":\"g\\u006fld\"", "gold;"},
    };
    CLEANUP(put_layout) struct layout *l = layout_of("imagetype", NULL);
    for (size_t i = 0; i < ARRAY_SIZE(rows); i++)
        assert_values(&l->views[0].levels[0], rows[i].record, false, rows[i].group);
}

static void platform_falls_back(void **state)
{
    (void)state;
    static const struct {
        const char *record, *group;
    } rows[] = {
        {"\"__platform\":\"CentOS\",\"os_distro\":\"ubuntu\"", "CentOS;"},
        {"\"os_distro\":\"ubuntu\"", "ubuntu;"},
        {"\"__platform\":\"\",\"os_distro\":\"ubuntu\"", "ubuntu;"},
        {"\"__platform\":null,\"os_distro\":\"ubuntu\"", "ubuntu;"},
        {"\"__platform\":null,\"os_distro\":\"\"", "none;"},
        {"", "none;"},
        {"\"__platform\":7", "7;"},
        {"\"__platform\":\"none\"", "none;"},
    };
    CLEANUP(put_layout) struct layout *l = layout_of("platform", NULL);
    for (size_t i = 0; i < ARRAY_SIZE(rows); i++)
        assert_values(&l->views[0].levels[0], rows[i].record, false, rows[i].group);
}

static void an_array_is_split_in_views_only(void **state)
{
    (void)state;
    static const struct {
        const char *record, *split, *whole;
    } rows[] = {
        {"\"tags\":[\"a\",\"b\"]", "a;b;", "[\"a\",\"b\"];"},
        {"\"tags\":[]", "none;", "[];"},
        {"\"tags\":[\"\",null,3,[1],{\"k\":true}]", "none;none;3;[1];{\"k\":true};",
         "[\"\",null,3,[1],{\"k\":true}];"},
        {"\"tags\":\"a\"", "a;", "a;"},
        {"\"tags\":null", "none;", "none;"},
        {"\"tags\":\"\"", "none;", "none;"},
        {"\"tags\":{\"a\":1.0}", "{\"a\":1.0};", "{\"a\":1.0};"},
        {"\"tags\":false", "false;", "false;"},
        {"", "none;", "none;"},
    };
    CLEANUP(put_layout) struct layout *l = layout_of("tags", "tags");
    for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
        assert_values(&view_named(l, "by-tags")->levels[0], rows[i].record, true, rows[i].split);
        assert_values(&l->views[0].levels[0], rows[i].record, false, rows[i].whole);
    }
}

static void any_attribute_can_be_named(void **state)
{
    (void)state;
    static const struct {
        const char *by, *view, *record;
    } rows[] = {
        {"__os_version", "by-os_version", "\"__os_version\":\"v\""},
        {"_x", "by-x", "\"_x\":\"v\""},
        {"a%2Fb", "by-a%2Fb", "\"a/b\":\"v\""},
        {"a%2fb", "by-a%2Fb", "\"a/b\":\"v\""},
        {"100%", "by-100%", "\"100%\":\"v\""},
        {"a%252F", "by-a%252F", "\"a%2F\":\"v\""},
        {"%5F%5Fx", "by-x", "\"__x\":\"v\""},
        {"..", "by-%2E%2E", "\"..\":\"v\""},
        {"image.json", "by-image.json", "\"image.json\":\"v\""},
        {"visibility", "by-visibility", "\"visibility\":\"v\""},
        {"__Imagetype", "by-Imagetype", "\"__Imagetype\":\"v\""},
    };
    for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
        CLEANUP(put_layout) struct layout *l = layout_of("status", rows[i].by);
        assert_string_equal(l->views[6].name, rows[i].view);
        assert_values(&l->views[6].levels[0], rows[i].record, true, "v;");
    }
    CLEANUP(put_layout) struct layout *l = layout_of("a%2Fb/__imagetype/status", NULL);
    assert_int_equal(l->views[0].level_count, 3);
    assert_values(&l->views[0].levels[0], "\"a/b\":\"v\"", false, "v;");
    /* The attribute itself, by its full name, is not checked against visibility. */
    assert_values(&l->views[0].levels[1], "\"__imagetype\":\"gold\",\"visibility\":\"private\"",
                  false, "gold;");
}

static void wrong_options_say_why(void **state)
{
    (void)state;
    char long_name[256];
    memset(long_name, 'a', 255);
    long_name[255] = '\0';
    const struct {
        const char *levels, *by, *second;
    } rows[] = {
        {"", NULL, NULL},          {"/", NULL, NULL},       {"a//b", NULL, NULL},
        {"/a", NULL, NULL},        {"a/", NULL, NULL},      {"1/2/3/4/5/6/7/8/9", NULL, NULL},
        {"a", "", NULL},           {"a", "___", NULL},      {"a", "status", NULL},
        {"a", "__platform", NULL}, {"a", "_id", NULL},      {"a", "name", NULL},
        {"a", "imagetype", NULL},  {"a", "tags", "__tags"}, {"a", "a%2fb", "a%2Fb"},
        {"a", long_name, NULL},
    };
    for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
        struct layout *l = NULL;
        char error[256] = "", first[300], second[300];
        snprintf(first, sizeof(first), "%s", rows[i].by ? rows[i].by : "");
        snprintf(second, sizeof(second), "%s", rows[i].second ? rows[i].second : "");
        char *const by[] = {first, second};
        size_t count = rows[i].second ? 2 : rows[i].by ? 1 : 0;
        if (layout_new(&l, rows[i].levels, by, count, attrs, error) != -EINVAL)
            fail_msg("taken: %s %s", rows[i].levels, first);
        assert_null(l);
        assert_true(error[0] != '\0');
    }
    CLEANUP(put_layout) struct layout *eight = layout_of("1/2/3/4/5/6/7/8", NULL);
    assert_int_equal(eight->views[0].level_count, 8);
}

static void views_are_bounded(void **state)
{
    (void)state;
    char names[LAYOUT_VIEWS_MAX][8], error[256] = "";
    char *by[LAYOUT_VIEWS_MAX];
    struct layout *l = NULL;
    for (size_t i = 0; i < LAYOUT_VIEWS_MAX; i++) {
        snprintf(names[i], sizeof(names[i]), "a%zu", i);
        by[i] = names[i];
    }
    assert_int_equal(layout_new(&l, "a", by, LAYOUT_VIEWS_MAX - 5, attrs, error), -EINVAL);
    assert_true(error[0] != '\0');
    assert_int_equal(layout_new(&l, "a", by, LAYOUT_VIEWS_MAX - 6, attrs, error), 0);
    assert_int_equal(l->view_count, LAYOUT_VIEWS_MAX);
    layout_free(l);
    layout_free(NULL);
}

static int refuse_second(void *ctx, struct bytes value)
{
    (void)value;
    return ++*(int *)ctx == 2 ? -E2BIG : 0;
}

static void a_negative_answer_ends_the_values(void **state)
{
    (void)state;
    struct image_notes notes = {0};
    CLEANUP(put_layout) struct layout *l = layout_of("status", "tags");
    CLEANUP(put_image) struct image *img = NULL;
    int calls = 0;
    assert_int_equal(image_new(&img, bytes_of("{\"id\":\"1\",\"tags\":[1,2,3]}"), attrs, &notes),
                     0);
    assert_int_equal(layout_values(&l->views[6].levels[0], img, true, refuse_second, &calls),
                     -E2BIG);
    assert_int_equal(calls, 2);
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, attrs_setup, attrs_teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(the_default_views),
        TEST(imagetype_is_believed_where_visibility_agrees),
        TEST(odd_types_of_imagetype_are_not_believed),
        TEST(platform_falls_back),
        TEST(an_array_is_split_in_views_only),
        TEST(any_attribute_can_be_named),
        TEST(wrong_options_say_why),
        TEST(views_are_bounded),
        TEST(a_negative_answer_ends_the_values),
    };
    return cmocka_run_group_tests_name("layout", tests, NULL, NULL);
}
