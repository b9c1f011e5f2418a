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

/* --- Telling --- */

struct telling {
    const struct slot_table *attrs;
    diff_fn *fn;
    void *ctx;
    const char *files; /* what follows the last MARK_FILES */
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
static int tell_files(const struct telling *t, uint64_t ino)
{
    uint16_t count, attr;
    int r = tell_data(t, ino);
    if (r == -ENOENT)
        return r;
    memcpy(&count, t->files, sizeof(count));
    for (size_t i = 0; r != -ECANCELED && i < count; i++) {
        memcpy(&attr, t->files + sizeof(count) + i * sizeof(attr), sizeof(attr));
        r = tell_file(t, ino, attr);
    }
    return r == -ECANCELED ? r : tell_data(t, ino);
}

static size_t attrs_size(const char *attrs)
{
    uint16_t count;
    memcpy(&count, attrs, sizeof(count));
    return sizeof(count) + count * sizeof(uint16_t);
}

/* The note at *at, which goes behind it. */
static int tell_note(struct telling *t, const char **at)
{
    enum mark mark = (enum mark) * (*at)++;
    const char *name;
    uint64_t ino;
    memcpy(&ino, *at, sizeof(ino));
    *at += sizeof(ino);
    switch (mark) {
    case MARK_DATA:
        return tell_data(t, ino);
    case MARK_ENTRY:
        name = *at;
        *at += strlen(name) + 1;
        return tell_entry(t, ino, name, strlen(name));
    case MARK_FILES:
        t->files = *at;
        *at += attrs_size(*at);
        return tell_files(t, ino);
    case MARK_LIKEWISE:
        break;
    }
    return tell_files(t, ino);
}

int notes_tell(const struct notes *notes, const struct slot_table *attrs, diff_fn *fn, void *ctx)
{
    struct telling t = {attrs, fn, ctx, NULL};
    const char *at = notes->text.data, *end = at ? at + notes->text.len : NULL;
    int r = 0;
    while (at < end && r != -ECANCELED)
        r = tell_note(&t, &at);
    return r == -ECANCELED ? r : 0;
}
