// SPDX-License-Identifier: Apache-2.0
/*
 * catalog: the images of one listing and the directories that they make.
 *
 * It grows page by page while it loads and never changes after catalog_finish(). One of the
 * fetcher's threads at a time adds, with the turn (turn.h); whoever reads at the same time must
 * hold the cache's shared lock, which the adder holds exclusively. It owns references to its
 * images.
 *
 * Images and directories are known by slots: numbers that a value keeps for the life of the mount,
 * whatever list it is in. Entries of a directory are sorted by slot, or keep the order of their
 * arrival and have places (order.h); so a reader can go on at any entry, in any later list.
 */
#ifndef IMSFS_CATALOG_H
#define IMSFS_CATALOG_H

#include "imsfs/groups.h"

enum catalog_form {
    CATALOG_GROUPED, /* as the layout says */
    CATALOG_FLAT, /* one directory, slot 0, with all images in the order of arrival; numbers->dirs
                     does not know it */
};

struct catalog_counts {
    size_t images;
    size_t duplicates;  /* records whose id was there already */
    size_t unnumbered;  /* images that are not shown, or places of theirs, because a table is full
                           or their number is another's (ledger.h) */
    size_t names_equal; /* entries left out because the name was taken */
};

struct catalog;

/*
 * previous is the list of the same form that this one will replace, or NULL; what did not change is
 * shared with it. It must live until catalog_finish(). streaming: readers see the catalog grow.
 */
MUST_CHECK int catalog_new(struct catalog **out, struct numbers *numbers, enum catalog_form form,
                           const struct catalog *previous, bool streaming);
void catalog_free(struct catalog *c);

/*
 * Another list of the mount, from which images are taken that are the same there, with their
 * versions; NULL: none. It must live while pages are added: set it before each page if it may go.
 */
void catalog_set_lender(struct catalog *c, const struct catalog *lender);

/*
 * Adds a page, and takes over the references. Returns how many images were new, or -ENOMEM.
 */
MUST_CHECK int catalog_add_page(struct catalog *c, struct image **images, size_t count);
/*
 * Whether readers may have what came so far: all that comes later sorts behind it, so nobody who is
 * half-way through can miss an entry. It is not so while a slot is known, from another list or an
 * earlier try, whose image or directory may still come before others that are here.
 */
bool catalog_streamable(const struct catalog *c);
/* The server has images behind this id. Before catalog_finish(); taken over; NULL: it has none. */
void catalog_set_more(struct catalog *c, char *marker);
/* Before the first page of a streaming one: what is there without a list had this mtime; see
 * groups_grow(). */
void catalog_grow(struct catalog *c, struct timespec since);
/* No page follows. Directories whose names are those of previous keep its mtimes. */
void catalog_finish(struct catalog *c);
/* The same id, or NULL. */
const char *catalog_marker(const struct catalog *c);
/* catalog_finish() was called. */
bool catalog_is_whole(const struct catalog *c);

const struct catalog_counts *catalog_counts(const struct catalog *c);
/* A reference to the image that a record becomes which nobody has checked yet; NULL: it is not
 * here, or not known to be. Costs little more than a look at each byte. */
struct image *catalog_known(const struct catalog *c, struct bytes record);
/* The image with this slot, or NULL. */
const struct image *catalog_image(const struct catalog *c, uint32_t slot);
/*
 * Which of its contents that image has: a number that changes whenever they do, as long as the
 * mount lives. 0 when there is no such image.
 */
uint32_t catalog_version(const struct catalog *c, uint32_t slot);
/* The directory in images/ that holds it, if the list has it; 0 in a flat one. */
uint32_t catalog_home(const struct catalog *c, uint32_t slot);
/* The directory with this slot, or NULL. */
const struct directory *catalog_dir(const struct catalog *c, uint32_t slot);
/* Whether a directory of the list has that image or directory. */
bool catalog_has(const struct catalog *c, const struct directory *d, uint32_t slot);
/* For walking all images, i from 0 to the limit; NULL: nobody there. In no order. */
const struct roll_item *catalog_image_at(const struct catalog *c, uint32_t i);
uint32_t catalog_image_limit(const struct catalog *c);
/* Adds the path of one of its directories below the mount root. */
void catalog_add_path(const struct catalog *c, const struct directory *d, struct strbuf *out);
/* For walking all directories, as above. */
const struct directory *catalog_dir_at(const struct catalog *c, uint32_t i);
uint32_t catalog_dir_limit(const struct catalog *c);
/*
 * About the memory that the list needs. An image of the lender's counts for half, one of an earlier
 * list's wholly, because that list will go. O(directories).
 */
size_t catalog_bytes(const struct catalog *c);

#endif
