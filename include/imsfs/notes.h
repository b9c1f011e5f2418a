// SPDX-License-Identifier: Apache-2.0
/*
 * notes: what the kernel must forget, written down until it was told twice.
 *
 * When every image of a list changes, each has a note of its files and one for each of its links.
 * So they are kept as a string of bytes: names of files as the numbers that attributes have anyway,
 * and these only where they are others than the image's before. That is about 50 bytes an image.
 * One thread at a time.
 */
#ifndef IMSFS_NOTES_H
#define IMSFS_NOTES_H

#include "imsfs/diff.h"

struct notes {
    struct strbuf text;
    size_t attrs_at; /* of the last attributes in text; 0: there are none */
};

#define NOTES_INIT ((struct notes){.text = STRBUF_INIT})

void notes_free(struct notes *notes);
/* A diff_fn with struct notes as ctx. What the item points to is copied. -ENOMEM. */
MUST_CHECK int notes_add(void *notes, const struct diff_item *item);
/*
 * Gives them to fn in the order in which they were added, until it answers -ECANCELED, which is
 * returned. When it answers -ENOENT for an image's directory, which the kernel does not know then,
 * nothing more is said of that. Any other error is fn's own matter: what could not be told of one
 * is no reason to keep the rest. attrs are the file names. Items are DIFF_DATA and DIFF_ENTRY only,
 * with a NUL behind the name.
 */
int notes_tell(const struct notes *notes, const struct slot_table *attrs, diff_fn *fn, void *ctx);

/*
 * Replaces *out, which is empty, by one with all that any of these has, each thing once: so however
 * many they are, it has no more than there is to forget. -ENOMEM: it is empty still.
 */
MUST_CHECK int notes_fold(struct notes *out, const struct notes *all, size_t count);

#endif
