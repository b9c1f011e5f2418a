// SPDX-License-Identifier: Apache-2.0
/*
 * project: finds the id of a project by its name in what Keystone answers to GET /v3/projects
 * (Identity API v3, "List projects"). Pure.
 */
#ifndef IMSFS_PROJECT_H
#define IMSFS_PROJECT_H

#include "imsfs/strbuf.h"

/*
 * The id of the one project in body that has the name; the caller frees it. It is fit for a header
 * line. -EPROTO: the body is no list of projects; -ENOENT: none or several have the name, and why
 * lists those there are, in one line; -ENOMEM.
 */
MUST_CHECK int project_read_id(struct bytes body, const char *name, char **id, struct strbuf *why);

#endif
