// SPDX-License-Identifier: Apache-2.0
/*
 * yaml: YAML text -> the same value as compact JSON text (what json.h works on). The only user of
 * libyaml.
 *
 * YAML 1.1 as PyYAML's safe_load reads it, since that is what reads these files elsewhere, with one
 * difference: numbers and dates are strings, spelled as they were written, so that an id of digits,
 * 0123 or 1e5 stays what it is. Plain ~, null and nothing are null; plain true, false, yes, no, on
 * and off are true or false; every other scalar is a string. Aliases are copied, merge keys (<<)
 * are merged, and of a key that comes twice the last value is taken: so the JSON has each key once.
 *
 * The input is hostile: depth, values and bytes are bounded, aliases counted as what they stand
 * for. No state; any thread. Copies of scalars are wiped as far as they are ours, so out should be
 * a STRBUF_SECRET when text holds secrets.
 */
#ifndef IMSFS_YAML_H
#define IMSFS_YAML_H

#include "imsfs/strbuf.h"

#define YAML_DEPTH_MAX 64
#define YAML_VALUES_MAX ((size_t)100000)
#define YAML_BYTES_MAX ((size_t)4 << 20) /* of what text stands for */

/*
 * Replaces out with the only document in text; none at all is null. -EINVAL: it is not YAML, has a
 * second document, a tag that needs a program, a key that is no scalar, or is over a limit, and why
 * gets "line N: what is wrong there", which repeats nothing of text; -ENOMEM.
 */
MUST_CHECK int yaml_to_json(struct bytes text, struct strbuf *out, struct strbuf *why);

#endif
