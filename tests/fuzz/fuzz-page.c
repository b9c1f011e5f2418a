// SPDX-License-Identifier: Apache-2.0
/* Bytes that a server or a file has -> records, by each of the ways that they take: as a page, as a
 * file, as a file in windows of any size; and what a glance at the page says of the next one. */
#include <errno.h>

#include "fuzz.h"
#include "imsfs/cutter.h"
#include "imsfs/name.h"
#include "imsfs/peek.h"
#include "outcome.h"

static struct outcome decoded(struct bytes text, enum decode_shape shape, struct slot_table *attrs)
{
    struct outcome o = {0};
    outcome_add(&o, text, 0, shape, attrs, NULL);
    return o;
}

/* As recordfile.c does it. */
static void add_pieces(struct outcome *o, struct cutter *c, bool last, struct slot_table *attrs)
{
    struct cutter_piece piece;
    while (o->result == 0) {
        int r = cutter_next(c, last, &piece);
        CHECK(r == 0 || r == 1);
        if (r == 0)
            break;
        outcome_add(o, piece.text, piece.origin, DECODE_FILE, attrs, NULL);
        if (o->result == 0 && piece.bad) {
            o->result = -EPROTO;
            o->at = piece.origin + 1;
        }
    }
}

static struct outcome cut(struct bytes text, size_t window, struct slot_table *attrs)
{
    struct outcome o = {0};
    CLEANUP(cutter_free) struct cutter c = CUTTER_INIT;
    bool last = false;
    for (size_t at = 0, n; o.result == 0 && !last; at += n) {
        struct strbuf *room = cutter_window(&c, window);
        CHECK(room);
        n = text.len - at < window ? text.len - at : window;
        if (n)
            strbuf_add(room, text.data + at, n);
        last = n == 0;
        add_pieces(&o, &c, last, attrs);
    }
    return o;
}

static void check_windows(struct bytes text, const struct outcome *whole, struct slot_table *attrs)
{
    const size_t windows[] = {1, 2 + name_fnv1a(text) % 61, text.len + 1};
    /* The smallest looks at the text from its start again and again. */
    for (size_t i = text.len > 256; i < ARRAY_SIZE(windows); i++) {
        CLEANUP(outcome_free) struct outcome o = cut(text, windows[i], attrs);
        CHECK(o.result == whole->result);
        CHECK(o.info.skipped == whole->info.skipped);
        CHECK(outcome_same_images(&o, whole));
        CHECK(o.at == whole->at || text.len == 0);
    }
}

static bool is_same(const char *a, const char *b)
{
    return a && b ? streq(a, b) : a == b;
}

static size_t times(struct bytes text, const char *part)
{
    size_t n = 0, len = strlen(part);
    for (size_t i = 0; i + len <= text.len; i++)
        n += memcmp(text.data + i, part, len) == 0;
    return n;
}

/* It is a hint, which may be another one where keys come twice or are escaped. */
static void check_peek(struct bytes text, const struct outcome *page)
{
    CLEANUP(decode_result_free) struct decode_result seen;
    bool whole = peek_page(text, &seen);
    if (page->result < 0 || !whole)
        return;
    CHECK(seen.records == page->info.records);
    if (times(text, "\\u"))
        return;
    CHECK(times(text, "\"next\"") > 1 || is_same(seen.next, page->info.next));
    CHECK(page->info.skipped || is_same(seen.last_id, page->info.last_id));
}

void fuzz_one(struct bytes text)
{
    struct slot_table *attrs;
    CHECK(image_attrs_new(&attrs) == 0);
    struct outcome page = decoded(text, DECODE_PAGE, attrs);
    struct outcome file = decoded(text, DECODE_FILE, attrs);
    outcome_check_images(&file, attrs);
    CHECK(page.result < 0 || outcome_same(&page, &file));
    check_windows(text, &file, attrs);
    check_peek(text, &page);
    outcome_free(&page);
    outcome_free(&file);
    slot_table_free(attrs);
}
