// SPDX-License-Identifier: Apache-2.0
#include "imsfs/image.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>

#include <cmocka.h>

#include "attrs.h"

#include "imsfs/content.h"
#include "imsfs/name.h"

#define B(literal)                   \
    {                                \
        literal, sizeof(literal) - 1 \
    }

static struct image_notes notes;

static int setup(void **state)
{
    notes = (struct image_notes){0};
    return attrs_setup(state);
}

static void put_image(struct image **img)
{
    image_unref(*img);
}

static struct image *image_of(const char *json)
{
    struct image *img = NULL;
    int r = image_new(&img, bytes_of(json), attrs, &notes);
    if (r < 0)
        fail_msg("%d: %s", r, json);
    return img;
}

/* The attribute whose file has this name, or NULL. */
static const struct image_attr *attr_named(const struct image *img, const char *file)
{
    uint32_t slot;
    return slot_find(attrs, bytes_of(file), &slot) < 0 ? NULL : image_attr_find(img, slot);
}

static void assert_file(const struct image *img, const char *file, struct bytes expected)
{
    CLEANUP(strbuf_free) struct strbuf content = STRBUF_INIT;
    const struct image_attr *a = attr_named(img, file);
    if (!a)
        fail_msg("no file %s", file);
    image_add_content(img, a, &content);
    assert_true(bytes_equal(strbuf_bytes(&content), expected));
}

/* Every size that is announced is the size of what is read. */
static void assert_sizes(const struct image *img)
{
    CLEANUP(strbuf_free) struct strbuf content = STRBUF_INIT;
    for (size_t i = 0; i < image_attr_count(img); i++) {
        strbuf_reset(&content);
        image_add_content(img, image_attr_at(img, i), &content);
        assert_int_equal(image_attr_at(img, i)->size, content.len);
    }
    strbuf_reset(&content);
    image_add_pretty(img, &content);
    assert_int_equal(image_pretty_size(img), content.len);
}

static void contents_follow_the_table(void **state)
{
    (void)state;
    static const struct {
        const char *value;
        struct bytes content;
        enum content_type type;
    } rows[] = {
        {"\"\"", B("\n"), CONTENT_STRING},
        {"\"CentOS\"", B("CentOS\n"), CONTENT_STRING},
        {"\"line\\n\"", B("line\n"), CONTENT_STRING},
        {"\"line\\n\\n\"", B("line\n\n"), CONTENT_STRING},
        {"\"\\n\"", B("\n"), CONTENT_STRING},
        {"\"a\\r\"", B("a\r\n"), CONTENT_STRING},
        {"\"a\\u0000b\"", B("a\0b\n"), CONTENT_STRING},
        {"\"\\ud800\"", B("\357\277\275\n"), CONTENT_STRING},
        {"\"\xff\x1b\"", B("\xff\x1b\n"), CONTENT_STRING},
        {"9223372036854775807", B("9223372036854775807\n"), CONTENT_NUMBER},
        {"9007199254740993", B("9007199254740993\n"), CONTENT_NUMBER},
        {"18446744073709551616", B("18446744073709551616\n"), CONTENT_NUMBER},
        {"1e400", B("1e400\n"), CONTENT_NUMBER},
        {"-0", B("-0\n"), CONTENT_NUMBER},
        {"1.50", B("1.50\n"), CONTENT_NUMBER},
        {"true", B("true\n"), CONTENT_BOOL},
        {"false", B("false\n"), CONTENT_BOOL},
        {"null", B(""), CONTENT_NULL},
        {"[]", B(""), CONTENT_ARRAY},
        {"[\"a\",1,true,\"b\\n\",{\"k\":[1]},\"\"]", B("a\n1\ntrue\nb\n{\"k\":[1]}\n\n"),
         CONTENT_ARRAY},
        {"[[\"a\"],[],[2,3]]", B("a\n2\n3\n"), CONTENT_ARRAY},
        {"{}", B("{}\n"), CONTENT_OBJECT},
        {"{\"b\":1.0,\"a\":\"\\n\",\"b\":null}", B("{\"b\":1.0,\"a\":\"\\n\",\"b\":null}\n"),
         CONTENT_OBJECT},
        {"{\"a\":\"\xff\x01\"}", B("{\"a\":\"\357\277\275\\u0001\"}\n"), CONTENT_OBJECT},
    };
    for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
        char json[256];
        snprintf(json, sizeof(json), "{\"v\":%s,\"id\":\"1\"}", rows[i].value);
        CLEANUP(put_image) struct image *img = image_of(json);
        assert_file(img, "v", rows[i].content);
        assert_int_equal(image_attr_type(img, attr_named(img, "v")), rows[i].type);
        assert_true(bytes_are(image_attr_json(img, attr_named(img, "v")), rows[i].value));
        assert_true(bytes_are(image_json(img), json));
        assert_sizes(img);
    }
}

/* Offsets and sizes have 25 bits. */
static void what_is_too_long_is_refused(void **state)
{
    (void)state;
    static const char head[] = "{\"id\":\"1\",\"v\":", text[] = "\"\",\"w\":\"";
    for (size_t over = 0; over <= 1; over++) {
        struct image *img = NULL;
        struct strbuf json = STRBUF_INIT;
        strbuf_add_str(&json, head);
        strbuf_add_str(&json, text);
        size_t len = IMAGE_BYTES_MAX - json.len - 2 + over;
        assert_true(strbuf_reserve(&json, len));
        memset(json.data + json.len, 'x', len);
        json.len += len;
        strbuf_add_str(&json, "\"}");
        int r = image_new(&img, strbuf_bytes(&json), attrs, &notes);
        assert_int_equal(r, over ? -E2BIG : 0);
        if (img) {
            assert_int_equal(attr_named(img, "w")->size, len + 1);
            assert_int_equal(image_attr_json(img, attr_named(img, "w")).len, len + 2);
        }
        image_unref(img);
        strbuf_free(&json);
    }
    /* A file can be longer than the record. */
    struct image *img = NULL;
    struct strbuf json = STRBUF_INIT;
    strbuf_add_str(&json, "{\"id\":\"1\",\"v\":[{\"k\":\"");
    size_t len = IMAGE_BYTES_MAX / 3 + 1;
    assert_true(strbuf_reserve(&json, len));
    memset(json.data + json.len, 0xFF, len);
    json.len += len;
    strbuf_add_str(&json, "\"}]}");
    assert_int_equal(image_new(&img, strbuf_bytes(&json), attrs, &notes), -E2BIG);
    strbuf_free(&json);
}

static void a_long_number_keeps_every_digit(void **state)
{
    (void)state;
    char json[512], digits[402];
    memset(digits, '7', 400);
    digits[400] = digits[401] = '\0';
    snprintf(json, sizeof(json), "{\"id\":\"1\",\"n\":%s}", digits);
    CLEANUP(put_image) struct image *img = image_of(json);
    digits[400] = '\n';
    assert_file(img, "n", bytes_of(digits));
}

static void the_record_keeps_keys_order_and_tokens(void **state)
{
    (void)state;
    CLEANUP(put_image)
    struct image *img =
        image_of("{\"z\":1e2,\"id\":\"\\u0031\",\"a\":[],\"z\":\"\\/\xff\",\"\":{\"t\":[1,null]}}");
    CLEANUP(strbuf_free) struct strbuf pretty = STRBUF_INIT;
    image_add_pretty(img, &pretty);
    assert_string_equal(strbuf_str(&pretty), "{\n"
                                             "  \"z\": 1e2,\n"
                                             "  \"id\": \"\\u0031\",\n"
                                             "  \"a\": [],\n"
                                             "  \"z\": \"\\/\357\277\275\",\n"
                                             "  \"\": {\n"
                                             "    \"t\": [\n"
                                             "      1,\n"
                                             "      null\n"
                                             "    ]\n"
                                             "  }\n"
                                             "}\n");
    assert_sizes(img);
}

static void odd_keys_have_files_of_their_own(void **state)
{
    (void)state;
    CLEANUP(put_image)
    struct image *img = image_of(
        "{\"id\":\"1\",\"image.json\":2,\"a/b\":3,\"..\":4,\"x\\u0000\":5,\"\":6,\"%2F\":7}");
    assert_file(img, "image%2Ejson", bytes_of("2\n"));
    assert_file(img, "a%2Fb", bytes_of("3\n"));
    assert_file(img, "%2E%2E", bytes_of("4\n"));
    assert_file(img, "x%00", bytes_of("5\n"));
    assert_file(img, "%252F", bytes_of("7\n"));
    assert_int_equal(image_attr_count(img), 6);
    assert_int_equal(notes.attrs_unnamed, 1);
    assert_int_equal(notes.names_equal, 0);
}

static void of_a_key_that_comes_twice_the_last_value_stays(void **state)
{
    (void)state;
    CLEANUP(put_image)
    struct image *img =
        image_of("{\"a\":1,\"id\":\"x\",\"\\u0061\":\"two\",\"b\":0,\"id\":\"y\",\"a\":[3]}");
    assert_file(img, "a", bytes_of("3\n"));
    assert_file(img, "id", bytes_of("y\n"));
    assert_true(bytes_are(image_id(img), "y"));
    assert_int_equal(image_attr_count(img), 3);
    assert_int_equal(notes.names_equal, 0);
    assert_sizes(img);
}

/* The second key is, byte for byte, the file name of the first, which is cut. */
static void of_two_keys_with_one_file_name_the_first_stays(void **state)
{
    (void)state;
    char key[301], twin[256], json[1024];
    memset(key, 'k', 300);
    key[300] = '\0';
    snprintf(twin, sizeof(twin), "%.246s~%08x", key, name_fnv1a(bytes_of(key)));
    snprintf(json, sizeof(json), "{\"id\":\"1\",\"%s\":1,\"%s\":2,\"%s\":3}", key, twin, key);
    CLEANUP(put_image) struct image *img = image_of(json);
    assert_file(img, twin, bytes_of("3\n"));
    assert_int_equal(image_attr_count(img), 2);
    assert_int_equal(notes.names_equal, 1);
}

/* Both keys begin with the same 255 bytes and have the same 32-bit hash. */
static void of_two_long_keys_with_one_hash_the_first_stays(void **state)
{
    (void)state;
    char start[256], json[1024];
    memset(start, 'a', 255);
    start[255] = '\0';
    snprintf(json, sizeof(json),
             "{\"id\":\"1\",\"%s-884ae3d1\":1,\"%s-3210eab0\":2,\"%s-other\":3}", start, start,
             start);
    CLEANUP(put_image) struct image *img = image_of(json);
    assert_int_equal(image_attr_count(img), 3);
    assert_int_equal(notes.names_equal, 1);
    assert_false(image_is_spelled(img, bytes_of(json))); /* or nobody would count it again */
    CLEANUP(strbuf_free) struct strbuf content = STRBUF_INIT;
    for (size_t i = 0; i < 3; i++)
        image_add_content(img, image_attr_at(img, i), &content);
    assert_string_equal(strbuf_str(&content), "1\n1\n3\n");
}

static void a_record_without_a_usable_id_is_no_image(void **state)
{
    (void)state;
    static const char *const rows[] = {
        "{}",
        "{\"name\":\"x\"}",
        "{\"id\":\"\"}",
        "{\"id\":null}",
        "{\"id\":7}",
        "{\"id\":true}",
        "{\"id\":[\"a\"]}",
        "{\"id\":{\"id\":\"a\"}}",
        "{\"ID\":\"a\"}",
        "{\"id\":\"a\",\"id\":null}",
    };
    struct image *img = NULL;
    for (size_t i = 0; i < ARRAY_SIZE(rows); i++)
        if (image_new(&img, bytes_of(rows[i]), attrs, &notes) != -EINVAL || img)
            fail_msg("taken: %s", rows[i]);
    char json[160];
    snprintf(json, sizeof(json), "{\"id\":\"%0129d\"}", 1);
    assert_int_equal(image_new(&img, bytes_of(json), attrs, &notes), -EINVAL);
    snprintf(json, sizeof(json), "{\"id\":\"%0128d\"}", 1);
    CLEANUP(put_image) struct image *longest = image_of(json);
    assert_int_equal(image_id(longest).len, 128);
}

static void ids_and_directory_names(void **state)
{
    (void)state;
    static const struct {
        const char *json, *id, *dir;
        struct bytes raw;
    } rows[] = {
        {"{\"id\":\"1\",\"name\":\"a b\"}", "1", "a b@1", B("1")},
        {"{\"id\":\"1\"}", "1", "@1", B("1")},
        {"{\"id\":\"1\",\"name\":null}", "1", "@1", B("1")},
        {"{\"id\":\"1\",\"name\":\"\"}", "1", "@1", B("1")},
        {"{\"id\":\"1\",\"name\":5.0}", "1", "5.0@1", B("1")},
        {"{\"id\":\"1\",\"name\":[\"a/b\"]}", "1", "[\"a%2Fb\"]@1", B("1")},
        {"{\"id\":\"..\",\"name\":\"..\"}", "%2E%2E", "%2E%2E@%2E%2E", B("..")},
        {"{\"id\":\"a@\\u0000/\",\"name\":\"n@m\"}", "a%40%00%2F", "n@m@a%40%00%2F", B("a@\0/")},
    };
    for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
        CLEANUP(put_image) struct image *img = image_of(rows[i].json);
        CLEANUP(strbuf_free) struct strbuf raw = STRBUF_INIT;
        char dir[256];
        assert_true(bytes_are(image_id(img), rows[i].id));
        assert_int_equal(image_dir_name(img, dir), strlen(rows[i].dir));
        assert_string_equal(dir, rows[i].dir);
        image_add_raw_id(img, &raw);
        assert_true(bytes_equal(strbuf_bytes(&raw), rows[i].raw));
    }
}

static void times_fall_back_or_are_not_known(void **state)
{
    (void)state;
    static const struct {
        const char *members;
        time_t mtime, atime; /* -1: not known */
    } rows[] = {
        {",\"created_at\":\"1970-01-01T00:00:01Z\",\"updated_at\":\"1970-01-01T00:00:02Z\"", 2, 1},
        {",\"created_at\":\"1970-01-01T00:00:01Z\"", 1, 1},
        {",\"created_at\":\"1970-01-01T00:00:01Z\",\"updated_at\":null", 1, 1},
        {",\"created_at\":\"1970-01-01T00:00:01Z\",\"updated_at\":\"soon\"", 1, 1},
        {",\"updated_at\":\"1970-01-01T00:00:02Z\"", 2, -1},
        {",\"created_at\":7,\"updated_at\":[]", -1, -1},
        {",\"created_at\":\"0000-00-00T00:00:00Z\"", -1, -1},
        {"", -1, -1},
    };
    for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
        char json[256];
        time_t t;
        snprintf(json, sizeof(json), "{\"id\":\"1\"%s}", rows[i].members);
        CLEANUP(put_image) struct image *img = image_of(json);
        assert_int_equal(image_mtime(img, &t) ? t : -1, rows[i].mtime);
        assert_int_equal(image_atime(img, &t) ? t : -1, rows[i].atime);
    }
}

static void attributes_are_found_by_slot(void **state)
{
    (void)state;
    CLEANUP(put_image)
    struct image *img = image_of("{\"new2\":1,\"status\":\"active\",\"id\":\"1\",\"new1\":2}");
    assert_true(bytes_are(slot_get(attrs, IMAGE_SLOT_ID), "id"));
    assert_true(bytes_are(slot_get(attrs, IMAGE_SLOT_STATUS), "status"));
    assert_true(bytes_are(slot_get(attrs, IMAGE_SLOT_UPDATED_AT), "updated_at"));
    for (size_t i = 1; i < image_attr_count(img); i++)
        assert_true(image_attr_at(img, i - 1)->slot < image_attr_at(img, i)->slot);
    assert_int_equal(image_attr_lower(img, 0), 0);
    assert_int_equal(image_attr_lower(img, IMAGE_SLOT_NAME), 1);
    assert_int_equal(image_attr_lower(img, IMAGE_SLOT_STATUS), 1);
    assert_int_equal(image_attr_lower(img, IMAGE_SLOT_STATUS + 1), 2);
    assert_int_equal(image_attr_lower(img, IMAGE_JSON_SLOT), 4);
    assert_null(image_attr_find(img, IMAGE_SLOT_NAME));
    assert_null(image_attr_find(img, IMAGE_JSON_SLOT));
    assert_non_null(image_attr_find(img, IMAGE_SLOT_STATUS));
}

static void a_full_table_of_names_costs_only_new_files(void **state)
{
    (void)state;
    for (uint32_t i = slot_count(attrs); i < IMAGE_ATTR_LIMIT; i++) {
        char name[16];
        uint32_t slot;
        snprintf(name, sizeof(name), "a%u", i);
        assert_int_equal(slot_add(attrs, bytes_of(name), &slot), 0);
    }
    CLEANUP(put_image)
    struct image *img =
        image_of("{\"one more\":1,\"id\":\"1\",\"a16382\":2,\"status\":\"active\"}");
    assert_int_equal(image_attr_count(img), 3);
    assert_int_equal(notes.attrs_unnamed, 1);
    assert_true(attr_named(img, "a16382")->slot < IMAGE_JSON_SLOT);
    assert_file(img, "a16382", bytes_of("2\n"));
    assert_sizes(img);
}

static void references_and_equality(void **state)
{
    (void)state;
    struct image *img = image_of("{\"id\":\"1\",\"a\":1}");
    CLEANUP(put_image) struct image *same = image_of("{\"id\":\"1\",\"a\":1}");
    CLEANUP(put_image) struct image *other = image_of("{\"id\":\"1\",\"a\":2}");
    assert_true(image_equal(img, same));
    assert_false(image_equal(img, other));
    assert_ptr_equal(image_ref(img), img);
    image_unref(img);
    assert_true(bytes_are(image_id(img), "1"));
    image_unref(img);
    image_unref(NULL);
}

/* A record that was worth a note must be read again, to be noted again. */
static void only_what_needs_no_note_is_known_by_its_text(void **state)
{
    (void)state;
    static const struct {
        const char *json, *record;
        bool known;
    } rows[] = {
        {"{\"id\":\"1\",\"a\":1}", "{\"id\":\"1\",\"a\":1}", true},
        {"{\"id\":\"1\",\"a\":1}", "{\"id\": \"1\", \"a\": 1}", true},
        {"{\"id\":\"1\",\"a\":1}", "{\"id\":\"1\",\"a\":2}", false},
        {"{\"id\":\"1\",\"a\":1,\"a\":1}", "{\"id\":\"1\",\"a\":1,\"a\":1}", true},
        {"{\"id\":\"1\",\"\":1}", "{\"id\":\"1\",\"\":1}", false},
        {"{\"id\":\"1\",\"/\":1,\"%2F\":1}", "{\"id\":\"1\",\"/\":1,\"%2F\":1}", true},
        {"{\"id\":\"1\",\"image.json\":1,\"image%2Ejson\":2}",
         "{\"id\":\"1\",\"image.json\":1,\"image%2Ejson\":2}", true},
    };
    for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
        struct image_notes before = notes;
        CLEANUP(put_image) struct image *img = image_of(rows[i].json);
        bool noted = memcmp(&before, &notes, sizeof(notes)) != 0;
        if (image_is_spelled(img, bytes_of(rows[i].record)) != rows[i].known)
            fail_msg("%s %s", rows[i].json, rows[i].record);
        assert_false(noted && rows[i].known);
    }
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, setup, attrs_teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(contents_follow_the_table),
        TEST(what_is_too_long_is_refused),
        TEST(a_long_number_keeps_every_digit),
        TEST(the_record_keeps_keys_order_and_tokens),
        TEST(odd_keys_have_files_of_their_own),
        TEST(of_a_key_that_comes_twice_the_last_value_stays),
        TEST(of_two_keys_with_one_file_name_the_first_stays),
        TEST(of_two_long_keys_with_one_hash_the_first_stays),
        TEST(a_record_without_a_usable_id_is_no_image),
        TEST(ids_and_directory_names),
        TEST(times_fall_back_or_are_not_known),
        TEST(attributes_are_found_by_slot),
        TEST(a_full_table_of_names_costs_only_new_files),
        TEST(references_and_equality),
        TEST(only_what_needs_no_note_is_known_by_its_text),
    };
    return cmocka_run_group_tests_name("image", tests, NULL, NULL);
}
