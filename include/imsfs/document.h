// SPDX-License-Identifier: Apache-2.0
/*
 * document: one configuration file, YAML or JSON, as a value that is looked up by key. Files hold
 * secrets: the text is wiped when it is freed, and no error repeats any of it. One thread.
 */
#ifndef IMSFS_DOCUMENT_H
#define IMSFS_DOCUMENT_H

#include <sys/types.h>

#include "imsfs/strbuf.h"

#define DOCUMENT_MAX ((size_t)1 << 20)

struct document {
    char *path;
    struct strbuf json; /* the whole as compact JSON (json.h); a STRBUF_SECRET */
    bool exposed;       /* others than the owner may read the file */
    uid_t owner;
};

/*
 * Reads the file; .json by its name, else YAML. 0: the caller frees out. -ENOENT: no such file, and
 * why is empty; -EINVAL: it is no such text, no regular file, or too large, and why names the file
 * and the line; another -errno: why says why it cannot be read; -ENOMEM.
 */
MUST_CHECK int document_read(struct document *out, const char *path, struct strbuf *why);
void document_free(struct document *d);

/* The member of an object, of several the last one; {NULL, 0}: value is no object, has no such
 * member, or it is null. */
struct bytes document_member(struct bytes value, const char *key);
/* The text of a string, number or literal. -EINVAL: it is an array or an object, or has a NUL, or
 * value is {NULL, 0}; -ENOMEM. The caller frees out with secret_free(). */
MUST_CHECK int document_text(struct bytes value, char **out);

#endif
