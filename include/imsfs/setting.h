// SPDX-License-Identifier: Apache-2.0
/*
 * setting: one field of a struct that text can set, as a row of a table.
 *
 * A row says how a value is written, within which bounds, and where it goes; the same row makes the
 * line of --help. The module knows no option by name: options has the table. The struct owns what
 * the setters put into its strings and lists. Reads the user data base and the working directory;
 * one thread.
 */
#ifndef IMSFS_SETTING_H
#define IMSFS_SETTING_H

#include "imsfs/strbuf.h"

#define SETTING_LIST_MAX 64
#define SETTING_TEXT_MAX 4096

/* The type decides how the field at the offset is declared. */
enum setting_type {
    SETTING_FLAG,   /* bool; takes no value */
    SETTING_NUMBER, /* unsigned; decimal digits */
    SETTING_COUNT,  /* int64_t; the same, up to UINT_MAX */
    SETTING_OCTAL,  /* unsigned; octal digits */
    SETTING_SIZE,   /* int64_t in bytes; decimal digits, with the suffix k, M or G for powers of
                       1024, in any case */
    SETTING_TIME, /* int64_t in milliseconds; seconds with a fraction, or with the suffix s, m, h or
                     d */
    SETTING_CHOICE, /* const char *; one of the row's words, static */
    SETTING_WORD,   /* char *; ASCII without spaces and control bytes, fit for an HTTP header */
    SETTING_PATH,   /* char *; made absolute */
    SETTING_LIST,   /* struct setting_list; each use adds one text without control bytes */
    SETTING_TEXT,   /* char *; without control bytes */
    SETTING_USER,   /* uid_t; a number or a name */
    SETTING_GROUP,  /* gid_t; a number or a name */
    SETTING_TYPES
};

struct setting {
    const char *name;
    enum setting_type type;
    size_t offset;
    int64_t min, max; /* NUMBER, COUNT, OCTAL, SIZE (bytes), TIME (milliseconds); else refused */
    const char *const *choices; /* CHOICE: ends with NULL */
    const char *standard;       /* the default as a user would write it; NULL: none, or off */
    const char *value;          /* what --help calls the value */
    const char *help;           /* NULL: not in the list of --help */
};

struct setting_list {
    char **items;
    size_t count;
};

void setting_list_free(struct setting_list *list);

/* The row for an option of this name, or NULL. */
const struct setting *setting_find(const struct setting *rows, size_t count, struct bytes name);
/*
 * Sets the field in the struct at base. value is NULL when the option has none. A later value
 * replaces an earlier one, but for lists. -EINVAL: why has one line without "imsfs: " that names
 * the option and what is allowed; -ENOMEM likewise. The field is written only on success.
 */
MUST_CHECK int setting_set(const struct setting *row, void *base, const char *value,
                           struct strbuf *why);
/* Sets every field to its default; rows without one are left alone. */
MUST_CHECK int setting_defaults(const struct setting *rows, size_t count, void *base,
                                struct strbuf *why);
/* Frees the strings and lists in the struct at base. */
void setting_clear(const struct setting *rows, size_t count, void *base);
/* Adds the line of --help; nothing for a row without help. */
void setting_help(const struct setting *row, struct strbuf *out);
/* path, or the working directory and path; malloc()ed. Links and dots stay. NULL sets errno. */
char *setting_absolute(const char *path);

#endif
