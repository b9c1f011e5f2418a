// SPDX-License-Identifier: Apache-2.0
/*
 * store: the current data of a file that may be replaced at any time, or of a rule.
 *
 * A change of the file is noticed at the next request; the data are replaced in one step, and a
 * file that cannot be read leaves the old ones. Any thread.
 */
#ifndef SIM_STORE_H
#define SIM_STORE_H

#include "data.h"

struct store; /* opaque */

/* 0, or -errno with a reason. path must stay. */
MUST_CHECK int store_open(struct store **out, const char *path, char *error, size_t size);
MUST_CHECK int store_open_rule(struct store **out, struct rule rule);
void store_free(struct store *s);
/* The data as of now; the caller drops the reference. */
struct data *store_get(struct store *s);
/* Reads the file even if it looks unchanged; a rule goes on by its step. */
void store_reload(struct store *s);

#endif
