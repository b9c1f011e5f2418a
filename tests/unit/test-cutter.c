// SPDX-License-Identifier: Apache-2.0
/* What decode makes of the pieces must be what it makes of the whole, wherever windows end. */
#include "imsfs/cutter.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>

#include <cmocka.h>

#include "imsfs/decode.h"

#include "attrs.h"

/* What came of a text: its images, one a line, and how it ended. */
struct outcome {
    struct strbuf images;
    int r;
    size_t skipped, at; /* at: the byte where something is wrong */
    size_t most;        /* in the cutter at a time */
};

static int take(void *ctx, struct image *img)
{
    struct outcome *o = ctx;
    struct bytes json = image_json(img);
    strbuf_add(&o->images, json.data, json.len);
    strbuf_add_char(&o->images, '\n');
    image_unref(img);
    return 0;
}

static void decode(struct outcome *o, struct bytes text, size_t origin)
{
    struct decode_result result;
    const struct decode_sink sink = {.image = take, .ctx = o};
    o->r = decode_text_at(text, origin, DECODE_FILE, &limits_standard, attrs, &sink, &result);
    o->skipped += result.skipped;
    const char *at = strstr(result.error, " at byte ");
    if (o->r < 0 && at)
        o->at = strtoul(at + 9, NULL, 10);
    decode_result_free(&result);
}

static void decode_pieces(struct outcome *o, struct cutter *c, bool last)
{
    struct cutter_piece piece;
    int r;
    while (o->r == 0 && (r = cutter_next(c, last, &piece)) != 0) {
        assert_int_equal(r, 1);
        decode(o, piece.text, piece.origin);
        if (o->r == 0 && piece.bad)
            o->r = -EPROTO;
    }
}

static void decode_in_windows(struct outcome *o, struct bytes text, size_t window)
{
    struct cutter c = CUTTER_INIT;
    size_t at = 0;
    for (bool last = false; o->r == 0 && !last;) {
        size_t n = text.len - at < window ? text.len - at : window;
        struct strbuf *room = cutter_window(&c, window);
        assert_non_null(room);
        strbuf_add(room, text.data + at, n);
        o->most = room->len > o->most ? room->len : o->most;
        at += n;
        last = n == 0;
        decode_pieces(o, &c, last);
    }
    cutter_free(&c);
}

static void check_bytes(struct bytes text)
{
    struct outcome whole = {0};
    decode(&whole, text, 0);
    for (size_t window = 1; window <= text.len + 1; window++) {
        struct outcome cut = {0};
        decode_in_windows(&cut, text, window);
        if (cut.r != whole.r || cut.skipped != whole.skipped || cut.at != whole.at ||
            strcmp(strbuf_str(&cut.images), strbuf_str(&whole.images)) != 0)
            fail_msg("%.*s\nin windows of %zu: %d at %zu, not %d at %zu:\n%s", (int)text.len,
                     text.data, window, cut.r, cut.at, whole.r, whole.at, strbuf_str(&cut.images));
        strbuf_free(&cut.images);
    }
    strbuf_free(&whole.images);
}

static void check(const char *text)
{
    check_bytes(bytes_of(text));
}

#define A "{\"id\":\"a\",\"t\":[\"]\",{\"k\":\"\\\"}\"}]}"
#define B "{ \"id\" : \"b\", \"images\" : [ 1, 2 ] }"
#define C "{\"id\":\"c\"}"

static void every_shape_is_cut(void **state)
{
    (void)state;
    static const char *const texts[] = {
        "[]",
        " [ ] ",
        "[" A "]",
        "\n[ " A " , " B "," C " ]\n",
        "[1,\"x,]\"," A ",null,[" B "], true ," C "]",
        "{\"images\":[]}",
        "{\"images\" : [ ] }",
        "{\"images\":[" A "," B "," C "],\"next\":\"/v2/images?marker=c\"}",
        " {\"first\":{\"a\":[1,\"}\"]}, \"n\":12 ,\"images\":[" B "," A
        "] , \"schema\": \"x\" }\n ",
        A "\n" B "\n" C "\n",
        A " \n\t " B C A,
        C,
        C B A,
        "{}",
        ("{} " C),
    };
    for (size_t i = 0; i < ARRAY_SIZE(texts); i++)
        check(texts[i]);
}

static void what_is_wrong_is_found_in_its_place(void **state)
{
    (void)state;
    static const char *const texts[] = {
        "",
        " \n ",
        "x",
        "]",
        "7",
        "[",
        "[" A,
        "[" A ",",
        "[" A " " B "]",
        "[" A "," B "}",
        "[" A ",,]",
        "[" A "] x",
        "[" A "][" B "]",
        "[{\"id\" 5}," A "]",
        "[" A ",{\"id\" 5}]",
        "[" A ",{\"id\":\"b\",\"x\":\"",
        "{",
        "{\"",
        "{\"images\"",
        "{\"images\":",
        "{\"images\":5}",
        "{\"images\":{}}",
        "{\"images\":[" A "]",
        "{\"images\":[" A "],",
        "{\"images\":[" A ",]",
        "[" A " , ] " B,
        "{\"images\":[" A "]}}",
        "{\"images\":[" A "]} x",
        "{\"images\":[" A "],\"images\":[" B "]}",
        "{\"images\":[" A "],\"next\":5}",
        "{\"images\":[" A "," B,
        "{\"images\":[" A " " B "]}",
        A "\n{\"id\":",
        A "\n{\"id\" 5}\n" B,
        "{x}",
        "{\"a\" 1}",
    };
    static const char nul[] = "{\"n\":1\0,\"images\":[" A "," B "]}";
    for (size_t i = 0; i < ARRAY_SIZE(texts); i++)
        check(texts[i]);
    check_bytes((struct bytes){nul, sizeof(nul) - 1});
}

/* What decode alone says at another byte. */
static void what_is_no_record_is_refused(void **state)
{
    (void)state;
    static const struct {
        const char *text, *images;
        size_t at;
    } rows[] = {
        {C "\nx\n" A, C "\n", sizeof(C)},
        {C "\n[" A "]", C "\n", sizeof(C)},
        {C ",\n" A, C "\n", sizeof(C) - 1},
    };
    for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
        for (size_t window = 1; window < 80; window++) {
            struct outcome cut = {0};
            decode_in_windows(&cut, bytes_of(rows[i].text), window);
            assert_int_equal(cut.r, -EPROTO);
            assert_int_equal(cut.at, rows[i].at);
            assert_string_equal(strbuf_str(&cut.images), rows[i].images);
            strbuf_free(&cut.images);
        }
    }
}

/* However long the text: a window, and what of the last record it did not have. */
static void little_is_in_memory(void **state)
{
    (void)state;
    static const struct {
        const char *before, *between, *behind;
    } shapes[] = {{"[", ",", "]"}, {"{\"images\":[", ",", "]}"}, {"", "\n", "\n"}, {"", "", ""}};
    for (size_t i = 0; i < ARRAY_SIZE(shapes); i++) {
        CLEANUP(strbuf_free) struct strbuf text = STRBUF_INIT;
        struct outcome cut = {0};
        strbuf_add_str(&text, shapes[i].before);
        for (int n = 0; n < 1000; n++)
            strbuf_printf(&text, "%s{\"id\":\"%d\"}", n ? shapes[i].between : "", n);
        strbuf_add_str(&text, shapes[i].behind);
        decode_in_windows(&cut, strbuf_bytes(&text), 100);
        assert_int_equal(cut.r, 0);
        assert_in_range(cut.most, 100, 130);
        assert_int_equal(cut.images.len, 12890);
        strbuf_free(&cut.images);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_shape_is_cut),
        cmocka_unit_test(what_is_wrong_is_found_in_its_place),
        cmocka_unit_test(what_is_no_record_is_refused),
        cmocka_unit_test(little_is_in_memory),
    };
    return cmocka_run_group_tests_name("cutter", tests, attrs_setup, attrs_teardown);
}
