// SPDX-License-Identifier: Apache-2.0
/*
 * page: the links first and next of a query's directory, which is one page of the server's when its
 * criteria have a limit. Pure.
 */
#ifndef IMSFS_PAGE_H
#define IMSFS_PAGE_H

#include "imsfs/catalog.h"
#include "imsfs/node.h"
#include "imsfs/query.h"

/* first or next, as a directory entry. */
const char *page_name(enum node_page page);
/* False: no page is called so. */
bool page_of_name(struct bytes name, enum node_page *page);

/*
 * Whether the directory of these criteria, with this list, has the link. first: when it is a page;
 * next: when it is, the list is whole, and the server has more. list NULL: there is none yet.
 */
bool page_exists(const struct query *criteria, const struct catalog *list, enum node_page page);
/*
 * NODE_PAGE_VERSION_BITS of a hash of what the link's target depends on besides the criteria: with
 * another target next is another inode, so that the kernel cannot show what it keeps of the old
 * one. 0 for first and for a list without a marker.
 */
uint32_t page_version(const struct catalog *list, enum node_page page);
/*
 * What the directory that the link leads to is called: the criteria in their canonical form,
 * without marker or with the server's last id as marker. Added to out. It may be longer than a name
 * can be: then following the link is an error (ENAMETOOLONG), which a page that seems to be the
 * last would not be. -ENOENT: there is no such link; -ENOMEM.
 */
MUST_CHECK int page_add_criteria(const struct query *criteria, const struct catalog *list,
                                 enum node_page page, struct strbuf *out);

#endif
