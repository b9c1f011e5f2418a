// SPDX-License-Identifier: Apache-2.0
/*
 * image: one record of the image service.
 *
 * It holds the record's compact JSON text once, and an index of the attributes that are files,
 * sorted by slot. The content of a file is rendered from the text when somebody reads it. An image
 * never changes once it is made; it is reference-counted, and any thread may hold and read one.
 */
#ifndef IMSFS_IMAGE_H
#define IMSFS_IMAGE_H

#include <time.h>

#include "imsfs/content.h"
#include "imsfs/keys.h"
#include "imsfs/slot.h"

/* Attribute numbers have 14 bits in an inode number. The last one stands for image.json. */
#define IMAGE_ATTR_LIMIT 0x3FFFu
#define IMAGE_JSON_SLOT 0x3FFFu

/* The attributes that this project reads itself have fixed slots, from 0 on. */
enum image_slot {
    IMAGE_SLOT_ID,
    IMAGE_SLOT_NAME,
    IMAGE_SLOT_STATUS,
    IMAGE_SLOT_VISIBILITY,
    IMAGE_SLOT_IMAGETYPE,
    IMAGE_SLOT_PLATFORM,
    IMAGE_SLOT_OS_DISTRO,
    IMAGE_SLOT_CREATED_AT,
    IMAGE_SLOT_UPDATED_AT,
    IMAGE_SLOTS_FIXED,
};

/* The table of attribute file names, with the fixed ones in it. */
MUST_CHECK int image_attrs_new(struct slot_table **out);

/* A record's text, and each of its files. */
#define IMAGE_BYTES_MAX ((1u << 25) - 1)

/* Eight bytes: there are fifty in an image. */
struct image_attr {
    uint64_t offset : 25; /* of the value in the record's text */
    uint64_t size : 25;   /* bytes of the file */
    uint64_t slot : 14;   /* in the table of file names */
};

struct image; /* opaque */

/* What was left out or merged while an image was made. */
struct image_notes {
    unsigned attrs_unnamed; /* "" as a key, or no slot left: in image.json only */
    unsigned names_equal;   /* two keys, one file name: the first has the file */
};

/*
 * Makes an image from the record's compact text (as decode writes it), which is copied. keys finds
 * the slots of its attribute names. -EINVAL: the record has no usable id; -E2BIG: it, or one of its
 * files, is over IMAGE_BYTES_MAX; -ENOMEM. The caller owns one reference.
 */
MUST_CHECK int image_make(struct image **out, struct bytes json, struct keys *keys,
                          struct image_notes *notes);
/* The same for a single one. attrs is the table of attribute file names (image_attrs_new()), which
 * grows. */
MUST_CHECK int image_new(struct image **out, struct bytes json, struct slot_table *attrs,
                         struct image_notes *notes);
struct image *image_ref(struct image *img);
void image_unref(struct image *img);

/* The record, compact, on one line; not necessarily valid UTF-8 (json_add_compact() mends it). */
struct bytes image_json(const struct image *img);
/* True when both records have the same bytes. */
bool image_equal(const struct image *a, const struct image *b);
/*
 * Whether this image is what a record becomes, which nobody has checked, and there would be nothing
 * to note: the same tokens, with nothing but white space between them. Of an image for which
 * something was noted the answer is no: its record must be read again, to be noted again.
 */
bool image_is_spelled(const struct image *img, struct bytes record);
/* The id as a path component. */
struct bytes image_id(const struct image *img);
/* The id's own bytes. Added to out. */
void image_add_raw_id(const struct image *img, struct strbuf *out);
/* Directory name "name@id", at most 255 bytes and a NUL. Returns the length. */
size_t image_dir_name(const struct image *img, char out[static 256]);

/* The attributes that are files, by slot. */
size_t image_attr_count(const struct image *img);
const struct image_attr *image_attr_at(const struct image *img, size_t i);
/* The attribute in a slot, or NULL. */
const struct image_attr *image_attr_find(const struct image *img, uint32_t slot);
/* The index of the first attribute whose slot is at least slot. */
size_t image_attr_lower(const struct image *img, uint32_t slot);
/* The value's JSON token, and its type. */
struct bytes image_attr_json(const struct image *img, const struct image_attr *a);
enum content_type image_attr_type(const struct image *img, const struct image_attr *a);

/* What the attribute's file holds. Added to out. */
void image_add_content(const struct image *img, const struct image_attr *a, struct strbuf *out);
/* What image.json holds, and how long that is. */
void image_add_pretty(const struct image *img, struct strbuf *out);
size_t image_pretty_size(const struct image *img);

/* updated_at, else created_at, in seconds since 1970; false: neither is a time. */
bool image_mtime(const struct image *img, time_t *t);
/* created_at; false: it is no time. */
bool image_atime(const struct image *img, time_t *t);
#endif
