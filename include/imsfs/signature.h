// SPDX-License-Identifier: Apache-2.0
/*
 * signature: requests signed with an access key and a secret key (SDK-HMAC-SHA256), in the two
 * forms that clouds check: the plain one of Huawei Cloud ("Access=") and the older scoped one that
 * clients of Open Telekom Cloud send ("Credential=", a key derived for the day). The only user of
 * libcrypto.
 *
 * The rules are those of Huawei's and Open Telekom Cloud's public clients; the unit test has their
 * published vectors. Pure: the caller brings the time. What is derived from the secret key is
 * wiped.
 */
#ifndef IMSFS_SIGNATURE_H
#define IMSFS_SIGNATURE_H

#include <time.h>

#include "imsfs/strbuf.h"

enum signature_form { SIGNATURE_PLAIN, SIGNATURE_SCOPED };

#define SIGNATURE_HEADERS_MAX 16

struct signature_header {
    const char *name; /* any case */
    const char *value;
};

struct signature_request {
    const char *method; /* "GET" */
    struct bytes path;  /* as on the wire: begins with a slash, percent-encoded */
    struct bytes query; /* as on the wire, without '?'; may be empty */
    /* All that are sent, host too, without X-Sdk-Date. The plain form signs all but content types
     * and those with an underscore in the name. */
    const struct signature_header *headers;
    size_t header_count;
    struct bytes body;
};

struct signature_key {
    const char *access;
    const char *secret;
};

/* The value of X-Sdk-Date: YYYYMMDDTHHMMSSZ, in UTC, of the years 1 to 9999. */
#define SIGNATURE_DATE_SIZE 17
void signature_date(time_t now, char out[static SIGNATURE_DATE_SIZE]);

/*
 * Adds the value of the Authorization header. date is that of X-Sdk-Date, which is signed as well.
 * -EINVAL: more than SIGNATURE_HEADERS_MAX headers, or no date; -EIO: libcrypto refuses SHA-256;
 * -ENOMEM. Nothing is added but on success.
 */
MUST_CHECK int signature_add(enum signature_form form, const struct signature_key *key,
                             const struct signature_request *request, const char *date,
                             struct strbuf *out);

/*
 * The two steps before, for comparison with what a server expects: the canonical request, and the
 * string to sign, which holds its hash. Both may contain a security token. Errors as above.
 */
MUST_CHECK int signature_add_canonical(enum signature_form form,
                                       const struct signature_request *request, const char *date,
                                       struct strbuf *out);
MUST_CHECK int signature_add_string(enum signature_form form,
                                    const struct signature_request *request, const char *date,
                                    struct strbuf *out);

#endif
