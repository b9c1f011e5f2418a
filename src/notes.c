// SPDX-License-Identifier: Apache-2.0
#include "imsfs/notes.h"

#include <errno.h>

/* What a note begins with: then the inode (8 bytes), and what the kind has. */
enum mark {
    MARK_DATA = 1,
    MARK_ENTRY,    /* the name, and a NUL */
    MARK_FILES,    /* how many attributes (2 bytes), then each (2) */
    MARK_LIKEWISE, /* as the last MARK_FILES */
};

void notes_free(struct notes *notes)
{
    strbuf_free(&notes->text);
    *notes = NOTES_INIT;
}

static void begin(struct notes *notes, enum mark mark, uint64_t ino)
{
    strbuf_add_char(&notes->text, (char)mark);
    strbuf_add(&notes->text, &ino, sizeof(ino));
}

/* Whether these attributes are those of the last MARK_FILES. */
static bool likewise(const struct notes *notes, const struct diff_item *item)
{
    uint16_t count;
    if (!notes->attrs_at)
        return false;
    const char *last = notes->text.data + notes->attrs_at;
    memcpy(&count, last, sizeof(count));
    return count == item->attr_count &&
           memcmp(last + sizeof(count), item->attrs, count * sizeof(*item->attrs)) == 0;
}

static void add_files(struct notes *notes, const struct diff_item *item)
{
    if (likewise(notes, item)) {
        begin(notes, MARK_LIKEWISE, item->ino);
        return;
    }
    begin(notes, MARK_FILES, item->ino);
    notes->attrs_at = notes->text.len;
    strbuf_add(&notes->text, &item->attr_count, sizeof(item->attr_count));
    strbuf_add(&notes->text, item->attrs, item->attr_count * sizeof(*item->attrs));
}

int notes_add(void *ctx, const struct diff_item *item)
{
    struct notes *notes = ctx;
    switch (item->kind) {
    case DIFF_DATA:
        begin(notes, MARK_DATA, item->ino);
        break;
    case DIFF_ENTRY:
        begin(notes, MARK_ENTRY, item->ino);
        strbuf_add(&notes->text, item->name, item->name_len);
        strbuf_add_char(&notes->text, '\0');
        break;
    case DIFF_FILES:
        add_files(notes, item);
        break;
    }
    return strbuf_error(&notes->text);
}

/* --- Reading --- */

/* So many numbers there are for attributes. */
#define ATTRS_MAX (IMAGE_JSON_SLOT + 1)

struct note {
    enum mark mark; /* never MARK_LIKEWISE */
    uint64_t ino;
    const char *rest; /* a name with its NUL, or attributes: how many, and each */
};

struct walk {
    const char *at, *end;
    const char *files; /* what follows the last MARK_FILES */
};

static uint16_t attr_count(const char *attrs)
{
    uint16_t count;
    memcpy(&count, attrs, sizeof(count));
    return count;
}

static uint16_t attr_at(const char *attrs, size_t i)
{
    uint16_t attr;
    memcpy(&attr, attrs + sizeof(uint16_t) * (1 + i), sizeof(attr));
    return attr;
}

static struct walk walk_begin(const struct notes *notes)
{
    const char *at = notes->text.data;
    return (struct walk){at, at ? at + notes->text.len : NULL, NULL};
}

/* False: there are no more. */
static bool walk_next(struct walk *w, struct note *note)
{
    if (w->at == w->end)
        return false;
    enum mark mark = (enum mark) * w->at++;
    memcpy(&note->ino, w->at, sizeof(note->ino));
    w->at += sizeof(note->ino);
    note->mark = mark == MARK_LIKEWISE ? MARK_FILES : mark;
    note->rest = w->at;
    if (mark == MARK_ENTRY) {
        w->at += strlen(w->at) + 1;
    } else if (mark == MARK_FILES) {
        w->files = w->at;
        w->at += sizeof(uint16_t) * (1 + (size_t)attr_count(w->at));
    } else if (mark == MARK_LIKEWISE) {
        note->rest = w->files;
    }
    return true;
}

/* --- Telling --- */

struct telling {
    const struct slot_table *attrs;
    diff_fn *fn;
    void *ctx;
};

static int tell_data(const struct telling *t, uint64_t ino)
{
    const struct diff_item item = {.kind = DIFF_DATA, .ino = ino};
    return t->fn(t->ctx, &item);
}

static int tell_entry(const struct telling *t, uint64_t ino, const char *name, size_t len)
{
    const struct diff_item item = {DIFF_ENTRY, ino, .name = name, .name_len = len};
    return t->fn(t->ctx, &item);
}

static int tell_file(const struct telling *t, uint64_t ino, uint32_t attr)
{
    char name[256];
    if (attr == IMAGE_JSON_SLOT)
        return tell_entry(t, ino, TREE_JSON_NAME, strlen(TREE_JSON_NAME));
    struct bytes encoded = slot_get(t->attrs, attr);
    if (encoded.len == 0 || encoded.len >= sizeof(name))
        return 0;
    memcpy(name, encoded.data, encoded.len);
    name[encoded.len] = '\0';
    return tell_entry(t, ino, name, encoded.len);
}

/*
 * Names are known only below a directory that is known: of 100,000 images that changed and that
 * nobody has looked at, the kernel is told one thing each, not fifty. Its listing goes first and
 * again last, so that one which was answered meanwhile does not stay.
 */
static int tell_files(const struct telling *t, const struct note *note)
{
    uint16_t count = attr_count(note->rest);
    int r = tell_data(t, note->ino);
    if (r == -ENOENT)
        return r;
    for (size_t i = 0; r != -ECANCELED && i < count; i++)
        r = tell_file(t, note->ino, attr_at(note->rest, i));
    return r == -ECANCELED ? r : tell_data(t, note->ino);
}

static int tell_note(struct telling *t, const struct note *note)
{
    switch (note->mark) {
    case MARK_DATA:
        return tell_data(t, note->ino);
    case MARK_ENTRY:
        return tell_entry(t, note->ino, note->rest, strlen(note->rest));
    case MARK_FILES:
    case MARK_LIKEWISE:
        break;
    }
    return tell_files(t, note);
}

int notes_tell(const struct notes *notes, const struct slot_table *attrs, diff_fn *fn, void *ctx)
{
    struct telling t = {attrs, fn, ctx};
    struct walk walk = walk_begin(notes);
    struct note note;
    int r = 0;
    while (r != -ECANCELED && walk_next(&walk, &note))
        r = tell_note(&t, &note);
    return r == -ECANCELED ? r : 0;
}

/* --- Folding --- */

/* How many they are; out NULL: no more than that. */
static size_t take_all(struct note *out, const struct notes *all, size_t count)
{
    struct note note;
    size_t taken = 0;
    for (size_t i = 0; i < count; i++) {
        for (struct walk walk = walk_begin(&all[i]); walk_next(&walk, &note); taken++) {
            if (out)
                out[taken] = note;
        }
    }
    return taken;
}

/* Files first, directories after what is in them; the same ones side by side. */
static int compare(const void *one, const void *other)
{
    const struct note *a = one, *b = other;
    if (a->mark != b->mark)
        return a->mark > b->mark ? -1 : 1;
    if (a->ino != b->ino)
        return a->ino < b->ino ? -1 : 1;
    return a->mark == MARK_ENTRY ? strcmp(a->rest, b->rest) : 0;
}

static int add_note(struct notes *out, const struct note *note)
{
    struct diff_item item = {.kind = DIFF_DATA, .ino = note->ino};
    if (note->mark == MARK_ENTRY) {
        item.kind = DIFF_ENTRY;
        item.name = note->rest;
        item.name_len = strlen(note->rest);
    }
    return notes_add(out, &item);
}

/* Notes of the files of one image: all that any of them has. */
static int add_all_files(struct notes *out, const struct note *notes, size_t count)
{
    uint16_t attrs[ATTRS_MAX];
    uint64_t there[ATTRS_MAX / 64] = {0};
    struct diff_item item = {.kind = DIFF_FILES, .ino = notes[0].ino, .attrs = attrs};
    for (size_t i = 0; i < count; i++) {
        for (size_t k = 0; k < attr_count(notes[i].rest); k++) {
            uint16_t attr = attr_at(notes[i].rest, k);
            uint64_t *word = &there[attr / 64], bit = 1ull << attr % 64;
            if (!(*word & bit))
                attrs[item.attr_count++] = attr;
            *word |= bit;
        }
    }
    return notes_add(out, &item);
}

int notes_fold(struct notes *out, const struct notes *all, size_t count)
{
    size_t same, taken = take_all(NULL, all, count);
    struct note *notes = calloc(taken + 1, sizeof(*notes));
    if (!notes)
        return -ENOMEM;
    take_all(notes, all, count);
    qsort(notes, taken, sizeof(*notes), compare);
    int r = 0;
    for (size_t i = 0; r == 0 && i < taken; i += same) {
        for (same = 1; i + same < taken && compare(&notes[i], &notes[i + same]) == 0; same++)
            ;
        r = notes[i].mark == MARK_FILES ? add_all_files(out, &notes[i], same)
                                        : add_note(out, &notes[i]);
    }
    free(notes);
    if (r < 0)
        notes_free(out);
    return r;
}
