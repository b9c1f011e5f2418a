// SPDX-License-Identifier: Apache-2.0
/*
 * source_file: records from a JSON file: a list call's answer, a bare array, or one record after
 * the other.
 *
 * The file is read in windows (a mapping would kill us when somebody shortens the file), and only
 * when it is not the one of the last complete listing. When somebody writes to it meanwhile the
 * listing starts over, once, and the next one reads it again. Criteria are evaluated here, as the
 * documents say a service does (selection.h), over records that are kept for that from the first
 * query on. Threads: see source.h.
 */
#ifndef IMSFS_SOURCE_FILE_H
#define IMSFS_SOURCE_FILE_H

#include "imsfs/limits.h"
#include "imsfs/query.h"
#include "imsfs/source.h"

struct source_file_config {
    const char *path;            /* absolute */
    const struct limits *limits; /* outlive the source; NULL: limits_standard */
    size_t max_bytes;            /* a larger file is an error; 0: SOURCE_FILE_MAX_BYTES */
    struct slot_table *attrs;    /* of attribute names; outlives the source */
    enum query_dialect dialect;  /* whose parameters criteria are; unknown: IMS, both calls' */
};

#define SOURCE_FILE_MAX_BYTES ((size_t)4 << 30)
/* Images that go to the sink at a time. */
#define SOURCE_FILE_BATCH 1000

/*
 * Of a query, next() answers -EOPNOTSUPP when records alone cannot tell, and -EINVAL when no image
 * has the marker's id.
 *
 * Does not open the file. -ENOMEM. path is copied. The caller frees with source_free().
 */
MUST_CHECK int source_file_new(struct source **out, const struct source_file_config *config);

#endif
