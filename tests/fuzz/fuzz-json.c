// SPDX-License-Identifier: Apache-2.0
/* Any bytes -> compact JSON, and everything that works on that. What JSON is at all, Python says:
 * test_json.py. */
#include <errno.h>

#include "fuzz.h"
#include "imsfs/compact.h"
#include "imsfs/json.h"
#include "imsfs/span.h"

/* Of text that is checked already: compact text that must not change any more. */
static void check_settled(const struct strbuf *compact)
{
    CLEANUP(strbuf_free) struct strbuf again = STRBUF_INIT;
    CHECK(strbuf_error(compact) == 0);
    CHECK(compact_text(strbuf_bytes(compact), &limits_standard, &again) == 0);
    CHECK(bytes_equal(strbuf_bytes(&again), strbuf_bytes(compact)));
}

static void check_printed(struct bytes value)
{
    CLEANUP(strbuf_free) struct strbuf pretty = STRBUF_INIT;
    CLEANUP(strbuf_free) struct strbuf line = STRBUF_INIT;
    CLEANUP(strbuf_free) struct strbuf back = STRBUF_INIT;
    json_add_pretty(&pretty, value);
    CHECK(pretty.len == json_pretty_size(value));
    json_add_compact(&line, value);
    check_settled(&line);
    CHECK(compact_text(strbuf_bytes(&pretty), &limits_standard, &back) == 0);
    CHECK(bytes_equal(strbuf_bytes(&back), strbuf_bytes(&line)));
}

static void check_string(struct bytes token)
{
    CLEANUP(strbuf_free) struct strbuf text = STRBUF_INIT;
    json_add_string(&text, token);
    CHECK(text.len <= token.len);
    const char *s = strbuf_str(&text);
    CHECK(json_string_is(token, s) == (strlen(s) == text.len));
}

static void check_unique(struct bytes object)
{
    for (enum json_which which = JSON_FIRST; which <= JSON_LAST; which++) {
        CLEANUP(strbuf_free) struct strbuf once = STRBUF_INIT;
        CLEANUP(strbuf_free) struct strbuf twice = STRBUF_INIT;
        CHECK(json_add_unique(&once, object, which) == 0);
        check_settled(&once);
        CHECK(json_add_unique(&twice, strbuf_bytes(&once), which) == 0);
        CHECK(bytes_equal(strbuf_bytes(&once), strbuf_bytes(&twice)));
    }
}

/* Returns how many values there are. */
static size_t check_values(struct bytes value)
{
    size_t count = 1;
    struct bytes key, member;
    CHECK(json_value(value).len == value.len);
    if (value.data[0] == '"')
        check_string(value);
    if (value.data[0] != '{' && value.data[0] != '[')
        return count;
    if (value.data[0] == '{')
        check_unique(value);
    for (struct json_walk w = json_walk(value); json_next(&w, &key, &member);) {
        if (key.data)
            check_string(key);
        count += check_values(member);
    }
    return count;
}

static size_t lines_of(struct bytes text)
{
    size_t lines = 1;
    for (size_t i = 0; i < text.len; i++)
        lines += text.data[i] == '\n';
    return lines;
}

void fuzz_one(struct bytes text)
{
    CLEANUP(strbuf_free) struct strbuf compact = STRBUF_INIT;
    size_t line = 0, values;
    unsigned depth;
    int r = compact_text_at(text, &limits_standard, &compact, &line);
    if (r < 0) {
        CHECK((r == -EPROTO || r == -E2BIG) && line >= 1 && line <= lines_of(text));
        return;
    }
    struct bytes value = strbuf_bytes(&compact);
    check_settled(&compact);
    /* A raw NUL becomes an escape. */
    CHECK(memchr(text.data, '\0', text.len) || span_spells(text, value));
    json_measure(value, &depth, &values);
    CHECK(depth <= (uint64_t)limits_standard.max[LIMIT_DEPTH]);
    CHECK(values == check_values(value));
    check_printed(value);
}
