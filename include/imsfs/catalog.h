// SPDX-License-Identifier: Apache-2.0
/*
 * catalog: the images of one listing and the directories that they make.
 *
 * It grows page by page while it loads and never changes after catalog_finish(). One thread (the
 * fetcher) adds; whoever reads at the same time must hold the cache's shared lock, which the adder
 * holds exclusively. It owns references to its images.
 *
 * Images and directories are known by slots: numbers that a value keeps for the life of the mount,
 * whatever list it is in. Entries of a directory are sorted by slot, so that a reader can go on at
 * any entry, in any later list.
 */
#ifndef IMSFS_CATALOG_H
#define IMSFS_CATALOG_H

#include "imsfs/directory.h"
#include "imsfs/numbers.h"

struct catalog_counts {
    size_t images;
    size_t duplicates;  /* records whose id was there already */
    size_t unnumbered;  /* images that are not shown because a table is full */
    size_t names_equal; /* entries left out because the name was taken */
};

struct catalog;

/*
 * previous is the list that this one will replace, or NULL; what did not change is shared with it.
 * It must live until catalog_finish(). streaming: readers see the catalog grow.
 */
MUST_CHECK int catalog_new(struct catalog **out, struct numbers *numbers,
                           const struct catalog *previous, bool streaming);
void catalog_free(struct catalog *c);

/*
 * Adds a page, and takes over the references. Returns how many images were new, or -ENOMEM. After
 * an entry that does not sort behind the others catalog_streamable() is false: a reader half-way
 * through could miss it.
 */
MUST_CHECK int catalog_add_page(struct catalog *c, struct image **images, size_t count);
bool catalog_streamable(const struct catalog *c);
/* No page follows. Directories whose names are those of previous keep its mtimes. */
void catalog_finish(struct catalog *c);

const struct catalog_counts *catalog_counts(const struct catalog *c);
/* The image with this slot, or NULL. */
const struct image *catalog_image(const struct catalog *c, uint32_t slot);
/*
 * Which of its contents that image has: a number that changes whenever they do, as long as the
 * mount lives. 0 when there is no such image.
 */
uint32_t catalog_version(const struct catalog *c, uint32_t slot);
/* The directory in images/ that holds it. */
uint32_t catalog_home(const struct catalog *c, uint32_t slot);
/* The directory with this slot, or NULL. */
const struct directory *catalog_dir(const struct catalog *c, uint32_t slot);
/* One more than the largest slots in use, for walking all. */
uint32_t catalog_image_limit(const struct catalog *c);
uint32_t catalog_dir_limit(const struct catalog *c);

#endif
