// SPDX-License-Identifier: Apache-2.0
#include "imsfs/cutter.h"

#include <errno.h>

#include "imsfs/span.h"

/* Where something ends in the text. */
#define SHORT SIZE_MAX       /* behind what came so far */
#define WRONG (SIZE_MAX - 1) /* nowhere */

void cutter_free(struct cutter *c)
{
    strbuf_free(&c->text);
    strbuf_free(&c->around);
    *c = CUTTER_INIT;
}

/* What the last piece was closed with was in the place of something else. */
static void reopen(struct cutter *c)
{
    if (c->ends_at)
        c->text.data[c->ends_at] = c->end;
    c->ends_at = 0;
}

struct strbuf *cutter_window(struct cutter *c, size_t size)
{
    reopen(c);
    if (c->text.len == 0) {
        strbuf_add_char(&c->text, ' ');
        c->start = 1;
        c->offset = (size_t)-1;
    } else if (c->start > 1) {
        size_t left = c->text.len - c->start;
        memmove(c->text.data + 1, c->text.data + c->start, left + 1);
        c->offset += c->start - 1;
        c->start = 1;
        c->text.len = left + 1;
    }
    /* What is long is looked at again from its start: the less often, the longer it is. */
    size_t more = c->text.len > size ? c->text.len : size;
    return strbuf_reserve(&c->text, more) ? &c->text : NULL;
}

/* --- Where things end --- */

static size_t skip_space(const struct cutter *c, size_t i)
{
    struct span_rest rest = {c->text.data + i, c->text.data + c->text.len};
    span_skip_space(&rest);
    return (size_t)(rest.s - c->text.data);
}

/* Of the value at i. A number at the end of what came may go on. */
static size_t value_end(const struct cutter *c, size_t i, bool last)
{
    struct span_rest rest = {c->text.data + i, c->text.data + c->text.len};
    struct bytes value;
    if (i >= c->text.len)
        return SHORT;
    bool closed = memchr("\"{[", c->text.data[i], 3);
    if (!span_value(&rest, &value))
        return closed ? SHORT : WRONG;
    return closed || rest.s < rest.end || last ? (size_t)(rest.s - c->text.data) : SHORT;
}

static bool is_end(size_t i)
{
    return i != SHORT && i != WRONG;
}

/* --- Pieces --- */

/* From the place before start up to end, closed there. */
static int give_array(struct cutter *c, size_t end, struct cutter_piece *piece)
{
    c->text.data[c->start - 1] = '[';
    c->ends_at = end;
    c->end = c->text.data[end];
    c->text.data[end] = ']';
    *piece = (struct cutter_piece){
        .text = {c->text.data + c->start - 1, end - c->start + 2},
        .origin = c->offset + c->start - 1,
    };
    return 1;
}

/* All there is from start on, behind a bracket or not; the last piece. */
static int give_bad(struct cutter *c, bool bracket, struct cutter_piece *piece)
{
    c->phase = CUTTER_END;
    size_t from = c->start - bracket;
    if (bracket)
        c->text.data[from] = '[';
    *piece = (struct cutter_piece){
        .text = {c->text.data + from, c->text.len - from},
        .origin = c->offset + from,
        .bad = true,
    };
    return 1;
}

/* --- The head --- */

/* The value of "images" in the object at i; WRONG: it has none. */
static size_t find_images(const struct cutter *c, size_t i)
{
    while (i < c->text.len && (c->text.data[i] == '{' || c->text.data[i] == ',')) {
        size_t key = skip_space(c, i + 1);
        if (key < c->text.len && c->text.data[key] != '"')
            return WRONG;
        size_t key_end = value_end(c, key, false);
        if (key_end == SHORT)
            return SHORT;
        i = skip_space(c, key_end);
        if (i < c->text.len && c->text.data[i] != ':')
            return WRONG;
        i = skip_space(c, i + 1);
        if (i >= c->text.len)
            return SHORT;
        if (bytes_are((struct bytes){c->text.data + key, key_end - key}, "\"images\""))
            return i;
        i = value_end(c, i, false);
        if (!is_end(i))
            return i;
        i = skip_space(c, i);
    }
    return i < c->text.len ? WRONG : SHORT;
}

/* 1: give the rest as it is; 0: another window; else the phase that begins at start. */
static int cut_head(struct cutter *c, bool last, struct cutter_piece *piece)
{
    size_t i = skip_space(c, c->start);
    if (i == c->text.len)
        return last ? give_bad(c, false, piece) : 0;
    char first = c->text.data[i];
    if (first == '[') {
        c->start = i + 1;
        c->phase = CUTTER_ARRAY;
        return 0;
    }
    if (first != '{')
        return give_bad(c, false, piece);
    size_t images = find_images(c, i);
    if (images == SHORT && !last)
        return 0;
    if (!is_end(images)) {
        c->start = i;
        c->phase = CUTTER_LINES;
        return 0;
    }
    if (c->text.data[images] != '[')
        return give_bad(c, false, piece);
    strbuf_add(&c->around, c->text.data + i, images - i);
    c->start = images + 1;
    c->phase = CUTTER_ARRAY;
    return strbuf_error(&c->around);
}

/* --- The records --- */

/* The array has ended before i. */
static void end_array(struct cutter *c, size_t i)
{
    strbuf_add_str(&c->around, "[]");
    c->tail_origin = c->offset + i - c->around.len;
    c->start = i;
    c->phase = CUTTER_TAIL;
}

/* The record from i on and what is behind it; *i is then behind that. False: it does not end here.
 */
static bool next_record(const struct cutter *c, bool last, size_t *i, size_t *end, char *behind)
{
    *end = value_end(c, skip_space(c, *i), last);
    size_t after = is_end(*end) ? skip_space(c, *end) : c->text.len;
    if (after == c->text.len)
        return false;
    *behind = c->text.data[after];
    *i = after + 1;
    return true;
}

static int cut_array(struct cutter *c, bool last, struct cutter_piece *piece)
{
    size_t first = skip_space(c, c->start), i = c->start, whole = 0, end;
    char behind = ',';
    bool wrong = false;
    if (!c->began && first < c->text.len && c->text.data[first] == ']') {
        end_array(c, first + 1);
        return 0;
    }
    for (size_t next = i; behind == ',' && next_record(c, last, &next, &end, &behind);) {
        wrong = behind != ',' && behind != ']';
        if (wrong)
            break;
        whole = end;
        i = next;
    }
    /* Behind a bracket of ours a bracket would end the array, and be no error. */
    bool closed = first < c->text.len && c->text.data[first] == ']';
    if (!whole)
        return wrong || end == WRONG || last ? give_bad(c, !closed, piece) : 0;
    give_array(c, whole, piece);
    c->start = i;
    c->began = true;
    if (behind == ']')
        end_array(c, i);
    return 1;
}

/* What is between two records becomes a comma. Where there is nothing, another piece begins. */
static int cut_lines(struct cutter *c, bool last, struct cutter_piece *piece)
{
    c->start = skip_space(c, c->start);
    size_t i = c->start, whole = 0, len = c->text.len;
    while (i < len && c->text.data[i] == '{' && i != whole) {
        size_t end = value_end(c, i, false);
        if (end == SHORT)
            break;
        if (whole)
            c->text.data[whole] = ',';
        whole = end;
        i = skip_space(c, end);
    }
    if (whole) {
        give_array(c, whole, piece);
        c->start = i;
        return 1;
    }
    if (i < len && c->text.data[i] != '{') {
        c->phase = CUTTER_END;
        *piece = (struct cutter_piece){bytes_of("]"), c->offset + i, true};
        return 1;
    }
    if (last && i < len)
        return give_bad(c, true, piece);
    return 0;
}

static int cut_tail(struct cutter *c, bool last, struct cutter_piece *piece)
{
    strbuf_add(&c->around, c->text.data + c->start, c->text.len - c->start);
    c->start = c->text.len;
    if (strbuf_error(&c->around) < 0)
        return -ENOMEM;
    if (!last)
        return 0;
    c->phase = CUTTER_END;
    *piece = (struct cutter_piece){strbuf_bytes(&c->around), c->tail_origin, false};
    return 1;
}

static int cut_nothing(struct cutter *c, bool last, struct cutter_piece *piece)
{
    (void)c;
    (void)last;
    (void)piece;
    return 0;
}

int cutter_next(struct cutter *c, bool last, struct cutter_piece *piece)
{
    static int (*const cuts[])(struct cutter *, bool, struct cutter_piece *) = {
        [CUTTER_HEAD] = cut_head, [CUTTER_ARRAY] = cut_array, [CUTTER_LINES] = cut_lines,
        [CUTTER_TAIL] = cut_tail, [CUTTER_END] = cut_nothing,
    };
    for (;;) {
        enum cutter_phase phase = c->phase;
        reopen(c);
        int r = cuts[phase](c, last, piece);
        if (r != 0 || c->phase == phase)
            return r;
    }
}
