// SPDX-License-Identifier: Apache-2.0
/*
 * criteria: what a mount is told about queries (-o dialect=, filter= and query=), checked as a
 * whole and ready for use. Never changes once it is made; the owner clears it, any thread reads it.
 */
#ifndef IMSFS_CRITERIA_H
#define IMSFS_CRITERIA_H

#include "imsfs/named.h"

struct criteria {
    enum query_dialect dialect; /* as the user says; unknown: it is for route to find out; records
                                   are an IMS's unless the user says otherwise (source_file.h) */
    struct query *filter;       /* of the whole mount; NULL: none */
    struct named *named;
};

/* As a user writes it; NULL and 0: not given. */
struct criteria_text {
    const char *dialect;
    const char *filter;
    char *const *queries;
    size_t count;
    bool records; /* SOURCE is a file with records, and no service */
};

/*
 * -EINVAL: something is refused (with the dialect given, also what it does not have; a filter that
 * the records cannot be put to); why has one line that names the option. -ENOMEM likewise. out is
 * written only on success.
 */
MUST_CHECK int criteria_make(struct criteria *out, const struct criteria_text *text,
                             struct strbuf *why);
void criteria_clear(struct criteria *c);

#endif
