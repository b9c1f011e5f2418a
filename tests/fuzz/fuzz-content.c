// SPDX-License-Identifier: Apache-2.0
/* The value of an attribute, as JSON or any text -> what its file holds, and image.json, from which
 * the image can be made again. */
#include "fuzz.h"
#include "imsfs/json.h"
#include "outcome.h"

static const char head[] = "{\"id\":\"i\",\"v\":";

static void record_of(struct strbuf *out, struct bytes value)
{
    strbuf_reset(out);
    strbuf_add_str(out, head);
    strbuf_add(out, value.data, value.len);
    strbuf_add_char(out, '}');
    CHECK(strbuf_error(out) == 0);
}

/* The file's rules once more, from the values themselves. */
static void expect(struct strbuf *out, struct bytes value)
{
    size_t start = out->len;
    struct bytes key, element;
    if (bytes_are(value, "null"))
        return;
    if (value.data[0] == '[') {
        for (struct json_walk w = json_walk(value); json_next(&w, &key, &element);)
            expect(out, element);
        return;
    }
    if (value.data[0] == '"')
        json_add_string(out, value);
    else
        json_add_compact(out, value);
    if (value.data[0] != '"' || out->len == start || out->data[out->len - 1] != '\n')
        strbuf_add_char(out, '\n');
}

static void check_contents(const struct image *img)
{
    for (size_t i = 0; i < image_attr_count(img); i++) {
        CLEANUP(strbuf_free) struct strbuf file = STRBUF_INIT;
        CLEANUP(strbuf_free) struct strbuf expected = STRBUF_INIT;
        const struct image_attr *a = image_attr_at(img, i);
        image_add_content(img, a, &file);
        expect(&expected, image_attr_json(img, a));
        CHECK(bytes_equal(strbuf_bytes(&file), strbuf_bytes(&expected)));
        CHECK(file.len == a->size);
    }
}

/* image.json is the record: read again it is the same, but for what had to be mended to be JSON. */
static void check_record(const struct image *img, struct slot_table *attrs)
{
    CLEANUP(strbuf_free) struct strbuf pretty = STRBUF_INIT;
    CLEANUP(strbuf_free) struct strbuf mended = STRBUF_INIT;
    CLEANUP(outcome_free) struct outcome again = {0};
    image_add_pretty(img, &pretty);
    json_add_compact(&mended, image_json(img));
    outcome_add(&again, strbuf_bytes(&pretty), 0, DECODE_FILE, attrs, NULL);
    CHECK(again.result == 0 && again.count == 1);
    CHECK(bytes_equal(image_json(again.images[0]), strbuf_bytes(&mended)));
}

static void check_value(struct bytes value)
{
    struct slot_table *attrs;
    CLEANUP(strbuf_free) struct strbuf record = STRBUF_INIT;
    CLEANUP(outcome_free) struct outcome o = {0};
    CHECK(image_attrs_new(&attrs) == 0);
    record_of(&record, value);
    outcome_add(&o, strbuf_bytes(&record), 0, DECODE_FILE, attrs, NULL);
    outcome_check_images(&o, attrs);
    for (size_t i = 0; i < o.count; i++) {
        check_contents(o.images[i]);
        check_record(o.images[i], attrs);
    }
    slot_table_free(attrs);
}

/* Any text as a string: what is UTF-8 comes back as it was. */
static void check_text(struct bytes text)
{
    CLEANUP(strbuf_free) struct strbuf token = STRBUF_INIT;
    CLEANUP(strbuf_free) struct strbuf back = STRBUF_INIT;
    json_add_quoted(&token, text);
    json_add_string(&back, strbuf_bytes(&token));
    if (fuzz_is_plain(text))
        CHECK(bytes_equal(strbuf_bytes(&back), text));
    check_value(strbuf_bytes(&token));
}

void fuzz_one(struct bytes input)
{
    if (input.len)
        check_value(input);
    check_text(input);
}
