// SPDX-License-Identifier: Apache-2.0
/*
 * verdict: what the outcome of a request means: the one table of errors of the network. Pure.
 */
#ifndef IMSFS_VERDICT_H
#define IMSFS_VERDICT_H

#include "imsfs/base.h"

enum verdict_kind {
    VERDICT_STATUS, /* code is a status of HTTP */
    VERDICT_CURL,   /* code is a CURLcode other than CURLE_OK */
};

struct verdict {
    int error;  /* 0 or -errno */
    bool retry; /* the same request may succeed soon */
};

/* -EIO and no retry for what the table does not have. */
struct verdict verdict_of(enum verdict_kind kind, int code);

#endif
