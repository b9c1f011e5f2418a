// SPDX-License-Identifier: Apache-2.0
#include "imsfs/compact.h"
#include "imsfs/decode.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>

#include <cmocka.h>

#include "attrs.h"

#define B(literal)                   \
    {                                \
        literal, sizeof(literal) - 1 \
    }

/* What one call gave. */
struct outcome {
    int result;
    struct strbuf ids, records; /* a space behind each id, a line for each record */
    struct decode_result info;
    size_t stop_after; /* 0: never */
    size_t images;
};

static void put_outcome(struct outcome *o)
{
    strbuf_free(&o->ids);
    strbuf_free(&o->records);
    decode_result_free(&o->info);
}

static int take_image(void *ctx, struct image *img)
{
    struct outcome *o = ctx;
    struct bytes id = image_id(img), json = image_json(img);
    CLEANUP(strbuf_free) struct strbuf content = STRBUF_INIT;
    for (size_t i = 0; i < image_attr_count(img); i++) {
        strbuf_reset(&content);
        image_add_content(img, image_attr_at(img, i), &content);
        assert_int_equal(content.len, image_attr_at(img, i)->size);
    }
    strbuf_add(&o->ids, id.data, id.len);
    strbuf_add_char(&o->ids, ' ');
    strbuf_add(&o->records, json.data, json.len);
    strbuf_add_char(&o->records, '\n');
    image_unref(img);
    return ++o->images == o->stop_after ? -ECANCELED : 0;
}

/* From a block of exactly its bytes, so that a sanitizer sees a read behind them. */
static struct outcome decoded(struct bytes text, enum decode_shape shape,
                              const struct limits *limits)
{
    struct outcome o = {0};
    const struct decode_sink sink = {.image = take_image, .ctx = &o};
    CLEANUP(free_ptr) char *copy = malloc(text.len + !text.len);
    assert_non_null(copy);
    memcpy(copy, text.data, text.len);
    o.result = decode_text((struct bytes){copy, text.len}, shape,
                           limits ? limits : &limits_standard, attrs, &sink, &o.info);
    return o;
}

struct canceller {
    struct outcome outcome;
    atomic_bool cancelled;
};

static int take_and_cancel(void *ctx, struct image *img)
{
    struct canceller *c = ctx;
    atomic_store(&c->cancelled, true);
    return take_image(&c->outcome, img);
}

/* Also among records of which nobody is told. */
static void a_cancelled_decoding_ends_at_the_next_record(void **state)
{
    (void)state;
    static const char *const texts[] = {"{\"images\":[{\"id\":\"a\"},{\"id\":\"b\"}]}",
                                        "{\"images\":[{\"id\":\"a\"},7,7,7,7]}"};
    for (size_t i = 0; i < ARRAY_SIZE(texts); i++) {
        struct canceller c = {.cancelled = false};
        const struct decode_sink sink = {
            .image = take_and_cancel, .ctx = &c, .cancelled = &c.cancelled};
        int rc = decode_text(bytes_of(texts[i]), DECODE_PAGE, &limits_standard, attrs, &sink,
                             &c.outcome.info);
        assert_int_equal(rc, -ECANCELED);
        assert_string_equal(strbuf_str(&c.outcome.ids), "a ");
        assert_int_equal(c.outcome.info.records, 1);
        put_outcome(&c.outcome);
    }
}

static void all_shapes_are_read(void **state)
{
    (void)state;
    static const struct {
        const char *text, *ids;
        bool page; /* else a file only */
    } rows[] = {
        {"{\"images\":[]}", "", true},
        {" { \"images\" : [ ] } \r\n\t", "", true},
        {"{\"images\":[{\"id\":\"a\"}]}", "a ", true},
        {"{\"images\":[{\"id\":\"b\"} , {\"id\":\"a\"}],\"schema\":\"/v2\"}", "b a ", true},
        {"{\"x\":{\"images\":[{\"id\":\"no\"}]},\"y\":[\"images\"],\"images\":[{\"id\":\"a\"}]}",
         "a ", true},
        {"{\"schema\":\"images\",\"images\":[{\"id\":\"a\",\"images\":[1]}],\"n\":-1.5e3}", "a ",
         true},
        {"{\"images\":[{\"id\":\"a\"},{\"id\":\"a\"}]}", "a a ", true},
        {"[]", "", false},
        {"\n[{\"id\":\"a\"},\n{\"id\":\"b\"}]\n", "a b ", false},
        {"{\"id\":\"a\"}", "a ", false},
        {"{\"id\":\"a\"}\n{\"id\":\"b\"}\n", "a b ", false},
        {"{\"id\":\"a\"}\r\n\r\n{\"id\":\"b\",\n \"x\":[1,\n2]}", "a b ", false},
    };
    for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
        for (enum decode_shape shape = DECODE_PAGE; shape <= DECODE_FILE; shape++) {
            bool good = rows[i].page || shape == DECODE_FILE;
            CLEANUP(put_outcome) struct outcome o = decoded(bytes_of(rows[i].text), shape, NULL);
            if (o.result != (good ? 0 : -EPROTO))
                fail_msg("%s: %d %s", rows[i].text, o.result, o.info.error);
            if (good)
                assert_string_equal(strbuf_str(&o.ids), rows[i].ids);
        }
    }
}

static const struct bytes no_pages[] = {
    B(""),
    B("  \n"),
    B("null"),
    B("7"),
    B("\"images\""),
    B("{"),
    B("{\"images\":null}"),
    B("{\"images\":{}}"),
    B("{\"images\":{\"id\":\"a\"}}"),
    B("{\"images\":\"[]\"}"),
    B("{\"images\":7}"),
    B("{\"images\"}"),
    B("{\"images\":}"),
    B("{\"images\" []}"),
    B("{images:[]}"),
    B("{'images':[]}"),
    B("{\"images\":[]"),
    B("{\"images\":[]]"),
    B("{\"images\":[]}x"),
    B("{\"images\":[]}}"),
    B("{\"images\":[]}{}"),
    B("{\"images\":[]} {\"images\":[]}"),
    B("{\"images\":[]}\0"),
    B("{\"images\":[]}\x01"),
    B("{\"images\":[],}"),
    B("{,\"images\":[]}"),
    B("{\"a\":1 \"images\":[]}"),
    B("{\"a\" 1,\"images\":[]}"),
    B("{\"images\":[] \"a\":1}"),
    B("{\"images\":[],\"images\":[]}"),
    B("{\"images\":[{\"id\":\"a\"}],\"images\":null}"),
    B("{\"images\":[,]}"),
    B("{\"images\":[{\"id\":\"a\"},]}"),
    B("{\"images\":[,{\"id\":\"a\"}]}"),
    B("{\"images\":[{\"id\":\"a\"} {\"id\":\"b\"}]}"),
    B("{\"images\":[{\"id\":\"a\"};{\"id\":\"b\"}]}"),
    B("{\"images\":[{\"id\":\"a\"]}"),
    B("{\"images\":[{\"id\":\"a\",\"x\":[1}]}]}"),
    B("{\"images\":[007]}"),
    B("{\"a\":007,\"images\":[]}"),
    B("{\"images\":[],\"a\":NaN}"),
    B("\xef\xbb\xbf{\"images\":[]}"),
    B("{\"images\":[\xef\xbb\xbf{\"id\":\"a\"}]}"),
    B("{\"images\":[\xef\xbb\xbf"
      "7]}"),
    B("{\"images\":[/**/]}"),
    B("{\"images\":[\0]}"),
    B("<html><body>Sign in</body></html>"),
    B("{\"error\":{\"message\":\"no\"}} "),
};

static void what_is_no_page_is_an_error(void **state)
{
    (void)state;
    for (size_t i = 0; i < ARRAY_SIZE(no_pages); i++) {
        CLEANUP(put_outcome) struct outcome o = decoded(no_pages[i], DECODE_PAGE, NULL);
        if (o.result != -EPROTO)
            fail_msg("%d: %.*s", o.result, (int)no_pages[i].len, no_pages[i].data);
        assert_true(o.info.error[0] != '\0');
    }
    static const char *const no_files[] = {"",
                                           "7",
                                           "[",
                                           "[1",
                                           "[]]",
                                           "[] []",
                                           "[{\"id\":\"a\"},]",
                                           "{\"id\":\"a\"},{\"id\":\"b\"}",
                                           "{\"id\":\"a\"}]",
                                           "{\"id\":\"a\"}\nx",
                                           "{\"images\":null}"};
    for (size_t i = 0; i < ARRAY_SIZE(no_files); i++) {
        CLEANUP(put_outcome) struct outcome o = decoded(bytes_of(no_files[i]), DECODE_FILE, NULL);
        if (o.result != -EPROTO)
            fail_msg("%d: %s", o.result, no_files[i]);
    }
}

static void one_bad_value_spoils_the_page(void **state)
{
    (void)state;
    static const char *const values[] = {
        "NaN",
        "Infinity",
        "007",
        "-01",
        "+1",
        ".5",
        "1.",
        "1e",
        "0x10",
        "-",
        "tru",
        "nulll",
        "True",
        "None",
        "undefined",
        "'a'",
        "[1,]",
        "[,1]",
        "[1 2]",
        "{,}",
        "{\"a\":1,}",
        "{\"a\"}",
        "{\"a\":}",
        "{a:1}",
        "{1:2}",
        "\"\\x41\"",
        "\"\\u12\"",
        "\"\\u12G4\"",
        "\"\\\"",
        "\"",
        "[}",
        "{]",
        "[1]]",
        "{\"a\":1}}",
        "1 // x",
        "\x01"
        "1",
        "\x0c"
        "1",
        "1\x0b",
        "",
    };
    for (size_t i = 0; i < ARRAY_SIZE(values); i++) {
        char text[128];
        snprintf(text, sizeof(text), "{\"images\":[{\"id\":\"a\"},{\"id\":\"b\",\"x\":%s}]}",
                 values[i]);
        CLEANUP(put_outcome) struct outcome o = decoded(bytes_of(text), DECODE_PAGE, NULL);
        if (o.result != -EPROTO)
            fail_msg("%d: %s", o.result, values[i]);
    }
}

static void tokens_come_through_unharmed(void **state)
{
    (void)state;
    static const struct {
        struct bytes value, compact;
    } rows[] = {
        {B("9223372036854775807"), B("9223372036854775807")},
        {B("9007199254740993"), B("9007199254740993")},
        {B("18446744073709551616"), B("18446744073709551616")},
        {B("1e400"), B("1e400")},
        {B("-0"), B("-0")},
        {B("0.10E+05"), B("0.10E+05")},
        {B("\"foo\\u0000bar\""), B("\"foo\\u0000bar\"")},
        {B("\"foo\0bar\""), B("\"foo\\u0000bar\"")},
        {B("\"\\ud800\""), B("\"\\ud800\"")},
        {B("\"\\ud83d\\ude00\""), B("\"\\ud83d\\ude00\"")},
        {B("\"\\/\\b\\\\\\\"\\u0041\""), B("\"\\/\\b\\\\\\\"\\u0041\"")},
        {B("\"\xff\xc0\xaf\xe4\xb8\""), B("\"\xff\xc0\xaf\xe4\xb8\"")},
        {B("\"a\n\x01\x1b\x7f\""), B("\"a\n\x01\x1b\x7f\"")},
        {B("\"$#\""), B("\"$#\"")},
        {B("{ \"a\" : 1 , \"a\" : [ ] , \"\" : { } , \"\\u0061\\u0000\" : null }"),
         B("{\"a\":1,\"a\":[],\"\":{},\"\\u0061\\u0000\":null}")},
        {B("[ true , false , null , \" , \" ]"), B("[true,false,null,\" , \"]")},
    };
    for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
        CLEANUP(strbuf_free) struct strbuf text = STRBUF_INIT, expected = STRBUF_INIT;
        strbuf_add_str(&text, "{\"images\": [{\"id\": \"a\"}, {\"v\": ");
        strbuf_add(&text, rows[i].value.data, rows[i].value.len);
        strbuf_add_str(&text, ", \"id\": \"b\"}, {\"id\": \"c\"}]}");
        strbuf_add_str(&expected, "{\"id\":\"a\"}\n{\"v\":");
        strbuf_add(&expected, rows[i].compact.data, rows[i].compact.len);
        strbuf_add_str(&expected, ",\"id\":\"b\"}\n{\"id\":\"c\"}\n");
        CLEANUP(put_outcome) struct outcome o = decoded(strbuf_bytes(&text), DECODE_PAGE, NULL);
        assert_int_equal(o.result, 0);
        if (!bytes_equal(strbuf_bytes(&o.records), strbuf_bytes(&expected)))
            fail_msg("row %zu: %s", i, strbuf_str(&o.records));

        CLEANUP(strbuf_free) struct strbuf compact = STRBUF_INIT;
        assert_int_equal(compact_text(rows[i].value, &limits_standard, &compact), 0);
        assert_true(bytes_equal(strbuf_bytes(&compact), rows[i].compact));
    }
}

static void odd_records_are_skipped_and_counted(void **state)
{
    (void)state;
    char text[1024];
    snprintf(text, sizeof(text),
             "{\"images\":[5,null,\"x\",[],{},true,{\"id\":null},{\"id\":\"\"},{\"id\":7},"
             "{\"id\":\"%0129d\"},{\"name\":\"n\"},{\"id\":\"good\",\"status\":7,\"name\":[]},"
             "[{\"id\":\"in an array\"}],{\"id\":\"b/\\u0000\"},{\"ID\":\"c\"}]}",
             0);
    CLEANUP(put_outcome) struct outcome o = decoded(bytes_of(text), DECODE_PAGE, NULL);
    assert_int_equal(o.result, 0);
    assert_string_equal(strbuf_str(&o.ids), "good b%2F%00 ");
    assert_int_equal(o.info.records, 15);
    assert_int_equal(o.info.skipped, 13);
}

static void the_last_id_is_the_markers(void **state)
{
    (void)state;
    static const struct {
        const char *text, *last_id;
    } rows[] = {
        {"{\"images\":[]}", NULL},
        {"{\"images\":[{\"id\":\"a\"},{\"id\":\"b\"}]}", "b"},
        {"{\"images\":[{\"id\":\"a/\\u00fc@\"},{\"id\":7}]}", "a/\303\274@"},
    };
    for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
        CLEANUP(put_outcome) struct outcome o = decoded(bytes_of(rows[i].text), DECODE_PAGE, NULL);
        assert_int_equal(o.result, 0);
        if (rows[i].last_id)
            assert_string_equal(o.info.last_id, rows[i].last_id);
        else
            assert_null(o.info.last_id);
    }
}

static void next_is_a_string_or_nothing(void **state)
{
    (void)state;
    static const struct {
        const char *text, *next;
        int result;
    } rows[] = {
        {"{\"images\":[]}", NULL, 0},
        {"{\"images\":[],\"next\":null}", NULL, 0},
        {"{\"images\":[],\"next\":\"\"}", NULL, 0},
        {"{\"images\":[],\"next\":\"/v2/images?marker=a\"}", "/v2/images?marker=a", 0},
        {"{\"next\":\"/v2\",\"images\":[]}", "/v2", 0},
        {"{\"images\":[],\"next\":\"\\/v2?a=1\\u0026b=\\u00fc\"}", "/v2?a=1&b=\303\274", 0},
        {"{\"images\":[],\"Next\":\"/v2\"}", NULL, 0},
        {"{\"images\":[],\"x\":{\"next\":\"/v2\"}}", NULL, 0},
        {"{\"images\":[{\"id\":\"a\",\"next\":\"/v2\"}]}", NULL, 0},
        {"{\"images\":[],\"next\":7}", NULL, -EPROTO},
        {"{\"images\":[],\"next\":true}", NULL, -EPROTO},
        {"{\"images\":[],\"next\":[\"/v2\"]}", NULL, -EPROTO},
        {"{\"images\":[],\"next\":{\"href\":\"/v2\"}}", NULL, -EPROTO},
        {"{\"images\":[],\"next\":\"/v2\\u0000x\"}", NULL, -EPROTO},
    };
    for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
        CLEANUP(put_outcome) struct outcome o = decoded(bytes_of(rows[i].text), DECODE_PAGE, NULL);
        if (o.result != rows[i].result)
            fail_msg("%d: %s", o.result, rows[i].text);
        if (rows[i].next)
            assert_string_equal(o.info.next, rows[i].next);
        else
            assert_null(o.info.next);
    }
}

static const char sample[] =
    "{\"schema\": \"/v2/schemas/images\", \"next\": \"/v2/images?limit=2&marker=b\",\n"
    " \"images\": [\n"
    "  {\"id\": \"a\", \"name\": \"x \\\"]}\\\\\", \"tags\": [\"t\\u00fc\", []], \"min_ram\": 0,\n"
    "   \"protected\": false, \"size\": 12345678901234567890, \"o\": {\"k\": null}},\n"
    "  {\"id\": \"b\", \"f\": -1.5e+7, \"s\": \"\\ud83d\\ude00\344\270\255\"}\n"
    " ], \"first\": \"/v2/images?limit=2\", \"n\": 12}";

static void a_page_cut_anywhere_is_never_a_whole_one(void **state)
{
    (void)state;
    size_t whole = sizeof(sample) - 1;
    const char *array = strchr(sample, '[');
    for (size_t len = 0; len <= whole; len++) {
        CLEANUP(put_outcome)
        struct outcome o = decoded((struct bytes){sample, len}, DECODE_PAGE, NULL);
        if (o.result != (len < whole ? -EPROTO : 0))
            fail_msg("%d at %zu of %zu", o.result, len, whole);
        assert_int_equal(o.info.error[0] != '\0', len < whole);
    }
    /* The same records as a bare array. */
    whole = (size_t)(strstr(array, "\n ]") - array) + 3;
    for (size_t len = 0; len <= whole; len++) {
        CLEANUP(put_outcome)
        struct outcome o = decoded((struct bytes){array, len}, DECODE_FILE, NULL);
        assert_int_equal(o.result, len < whole ? -EPROTO : 0);
    }
}

static void lines_cut_inside_a_record_are_an_error(void **state)
{
    (void)state;
    static const char lines[] = "{\"id\":\"a\",\"x\":[{}]}\n{\"id\":\"b\",\"x\":\"}\\n\"}\n";
    const size_t first = (size_t)(strchr(lines, '\n') - lines), both = sizeof(lines) - 2;
    for (size_t len = 0; len < sizeof(lines); len++) {
        CLEANUP(put_outcome)
        struct outcome o = decoded((struct bytes){lines, len}, DECODE_FILE, NULL);
        size_t images = len >= both ? 2 : len >= first ? 1 : 0;
        bool whole = len == first || len == first + 1 || len >= both;
        assert_int_equal(o.result, whole ? 0 : -EPROTO);
        assert_int_equal(o.images, images);
    }
}

/* No byte can do harm where it does not belong; the sanitizers and take_image() look. */
static void a_changed_byte_does_no_harm(void **state)
{
    (void)state;
    static const char bytes[] = "\"\\{}[],:0-eun \0\x01\n\x80\xff";
    char text[sizeof(sample)];
    for (size_t at = 0; at < sizeof(sample) - 1; at++) {
        for (size_t i = 0; i < sizeof(bytes) - 1; i++) {
            memcpy(text, sample, sizeof(sample));
            text[at] = bytes[i];
            CLEANUP(put_outcome)
            struct outcome o = decoded((struct bytes){text, sizeof(sample) - 1}, DECODE_FILE, NULL);
            assert_true(o.result == 0 || o.result == -EPROTO);
        }
    }
}

static void limits_hold(void **state)
{
    (void)state;
    struct limits small = {.max = {[LIMIT_RECORDS] = 3,
                                   [LIMIT_RECORD_BYTES] = 40,
                                   [LIMIT_ATTRIBUTES] = 4,
                                   [LIMIT_VALUE_BYTES] = 20,
                                   [LIMIT_NODES] = 6,
                                   [LIMIT_DEPTH] = 4}};
    static const struct {
        const char *text, *ids;
        int result;
        enum limit over; /* 0: none */
    } rows[] = {
        {"{\"images\":[{\"id\":\"a\"},{\"id\":\"b\"},{\"id\":\"c\"}]}", "a b c ", 0, 0},
        {"{\"images\":[{\"id\":\"a\"},{\"id\":\"b\"},{\"id\":\"c\"},{\"id\":\"d\"}]}", "a b c ",
         -E2BIG, LIMIT_RECORDS},
        {"{\"images\":[1,2,3,4]}", "", -E2BIG, LIMIT_RECORDS},
        {"{\"images\":[{\"id\":\"a\",\"x\":   \"0123456789abcdef\"    }]}", "a ", 0, 0},
        {"{\"images\":[{\"id\":\"a\",\"x\":   \"0123456789abcdef\"     },{\"id\":\"b\"}]}", "b ", 0,
         LIMIT_RECORD_BYTES},
        {"{\"images\":[{\"id\":\"a\",\"b\":1,\"c\":2,\"d\":3}]}", "a ", 0, 0},
        {"{\"images\":[{\"id\":\"a\",\"b\":1,\"c\":2,\"d\":3,\"e\":4},{\"id\":\"b\"}]}", "b ", 0,
         LIMIT_ATTRIBUTES},
        {"{\"images\":[{\"id\":\"a\",\"b\":1,\"b\":2,\"b\":3,\"b\":4},{\"id\":\"b\"}]}", "b ", 0,
         LIMIT_ATTRIBUTES},
        {"{\"images\":[{\"id\":\"a\",\"x\":\"0123456789abcdefgh\"}]}", "a ", 0, 0},
        {"{\"images\":[{\"id\":\"a\",\"x\":\"0123456789abcdefghi\"},{\"id\":\"b\"}]}", "b ", 0,
         LIMIT_VALUE_BYTES},
        {"{\"images\":[{\"id\":\"a\",\"x\":[1,2,3,4]},{\"id\":\"b\"}]}", "a b ", 0, 0},
        {"{\"images\":[{\"id\":\"a\",\"x\":[1,2,3,4,5]},{\"id\":\"b\"}]}", "b ", 0, LIMIT_NODES},
        {"{\"images\":[{\"id\":\"a\",\"x\":[[[]]]}]}", "a ", 0, 0},
        {"{\"images\":[{\"id\":\"a\",\"x\":[[[[]]]]},{\"id\":\"b\"}]}", "b ", 0, LIMIT_DEPTH},
        {"{\"images\":[],\"x\":[[[[]]]]}", "", -E2BIG, LIMIT_DEPTH},
        {"{\"images\":[],\"x\":[1,2,3,4,5,6,7]}", "", -E2BIG, LIMIT_NODES},
        {"{\"x\":[1,2,3,4,5,6,7],\"images\":[]}", "", -E2BIG, LIMIT_NODES},
    };
    for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
        struct limits_counters counters = {0};
        small.counters = &counters;
        CLEANUP(put_outcome)
        struct outcome o = decoded(bytes_of(rows[i].text), DECODE_PAGE, &small);
        if (o.result != rows[i].result)
            fail_msg("%d: %s", o.result, rows[i].text);
        assert_string_equal(strbuf_str(&o.ids), rows[i].ids);
        if (o.result == 0)
            assert_int_equal(o.info.skipped, rows[i].over != 0);
        assert_int_equal(o.info.over, rows[i].over ? 1u << rows[i].over : 0);
        for (unsigned which = 0; which < LIMITS; which++)
            assert_int_equal(counters.over[which], rows[i].over && which == rows[i].over);
        if (o.result)
            assert_non_null(strstr(o.info.error, limits_name(rows[i].over)));
    }
}

/* Its length is bounded, and so are the images. */
static void a_file_may_have_any_number_of_records(void **state)
{
    (void)state;
    struct limits one = limits_standard;
    one.max[LIMIT_RECORDS] = 1;
    CLEANUP(put_outcome)
    struct outcome o = decoded(bytes_of("[{\"id\":\"a\"},{\"id\":\"b\"}]"), DECODE_FILE, &one);
    assert_int_equal(o.result, 0);
    assert_string_equal(strbuf_str(&o.ids), "a b ");
}

static void a_flood_ends_early(void **state)
{
    (void)state;
    static const struct {
        const char *start, *unit;
        int result;
    } rows[] = {
        {"{\"images\":", "[", -EPROTO},
        {"{\"images\":[", "{\"a\":", -EPROTO},
        {"{\"images\":[{\"id\":\"a\",\"x\":", "[", -EPROTO},
        {"{\"x\":", "[", -EPROTO},
        {"{\"images\":[", "1,", -E2BIG},
        {"{\"images\":[", "[],", -E2BIG},
        {"", "{", -EPROTO},
        {"", "\"", -EPROTO},
    };
    for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
        CLEANUP(strbuf_free) struct strbuf text = STRBUF_INIT;
        strbuf_add_str(&text, rows[i].start);
        for (size_t n = 0; n < 200000; n++)
            strbuf_add_str(&text, rows[i].unit);
        CLEANUP(put_outcome) struct outcome o = decoded(strbuf_bytes(&text), DECODE_PAGE, NULL);
        assert_int_equal(o.result, rows[i].result);
        assert_int_equal(o.images, 0);
    }
}

static void the_receiver_can_end_it(void **state)
{
    (void)state;
    static const struct {
        const char *text;
        enum decode_shape shape;
    } rows[] = {
        {"{\"images\":[{\"id\":\"a\"},{\"id\":\"b\"},{\"id\":\"c\"}]}", DECODE_PAGE},
        {"[{\"id\":\"a\"},{\"id\":\"b\"},{\"id\":\"c\"}]", DECODE_FILE},
        {"{\"id\":\"a\"}\n{\"id\":\"b\"}\n{\"id\":\"c\"}", DECODE_FILE},
    };
    for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
        struct outcome o = {.stop_after = 2};
        const struct decode_sink sink = {.image = take_image, .ctx = &o};
        o.result = decode_text(bytes_of(rows[i].text), rows[i].shape, &limits_standard, attrs,
                               &sink, &o.info);
        assert_int_equal(o.result, -ECANCELED);
        assert_string_equal(strbuf_str(&o.ids), "a b ");
        put_outcome(&o);
    }
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, attrs_setup, attrs_teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(all_shapes_are_read),
        TEST(a_cancelled_decoding_ends_at_the_next_record),
        TEST(what_is_no_page_is_an_error),
        TEST(one_bad_value_spoils_the_page),
        TEST(tokens_come_through_unharmed),
        TEST(odd_records_are_skipped_and_counted),
        TEST(the_last_id_is_the_markers),
        TEST(next_is_a_string_or_nothing),
        TEST(a_page_cut_anywhere_is_never_a_whole_one),
        TEST(lines_cut_inside_a_record_are_an_error),
        TEST(a_changed_byte_does_no_harm),
        TEST(limits_hold),
        TEST(a_file_may_have_any_number_of_records),
        TEST(a_flood_ends_early),
        TEST(the_receiver_can_end_it),
    };
    return cmocka_run_group_tests_name("decode", tests, NULL, NULL);
}
