// SPDX-License-Identifier: Apache-2.0
#include "imsfs/verdict.h"

#include <curl/curl.h>
#include <errno.h>

static const struct {
    enum verdict_kind kind;
    int code;
    struct verdict verdict;
} verdicts[] = {
    {VERDICT_STATUS, 200, {0, false}},
    {VERDICT_STATUS, 201, {0, false}}, /* Keystone's word for a new token */
    {VERDICT_STATUS, 400, {-EINVAL, false}},
    {VERDICT_STATUS, 401, {-EACCES, false}},
    {VERDICT_STATUS, 403, {-EACCES, false}},
    {VERDICT_STATUS, 414, {-ENAMETOOLONG, false}},
    {VERDICT_STATUS, 429, {-EIO, true}},
    {VERDICT_STATUS, 502, {-EIO, true}},
    {VERDICT_STATUS, 503, {-EIO, true}},
    {VERDICT_STATUS, 504, {-EIO, true}},
    {VERDICT_CURL, CURLE_OUT_OF_MEMORY, {-ENOMEM, false}},
    {VERDICT_CURL, CURLE_OPERATION_TIMEDOUT, {-ETIMEDOUT, false}},
    /* Nobody there: asking again at once would only make the reader wait. */
    {VERDICT_CURL, CURLE_COULDNT_RESOLVE_HOST, {-EHOSTUNREACH, false}},
    {VERDICT_CURL, CURLE_COULDNT_CONNECT, {-EHOSTUNREACH, false}},
    {VERDICT_CURL, CURLE_SSL_CONNECT_ERROR, {-EHOSTUNREACH, false}},
    {VERDICT_CURL, CURLE_PEER_FAILED_VERIFICATION, {-EHOSTUNREACH, false}},
    {VERDICT_CURL, CURLE_SSL_CACERT_BADFILE, {-EHOSTUNREACH, false}},
    {VERDICT_CURL, CURLE_SSL_CERTPROBLEM, {-EHOSTUNREACH, false}},
    {VERDICT_CURL, CURLE_SSL_CIPHER, {-EHOSTUNREACH, false}},
    {VERDICT_CURL, CURLE_SSL_CRL_BADFILE, {-EHOSTUNREACH, false}},
    {VERDICT_CURL, CURLE_SSL_INVALIDCERTSTATUS, {-EHOSTUNREACH, false}},
    {VERDICT_CURL, CURLE_SSL_ISSUER_ERROR, {-EHOSTUNREACH, false}},
    {VERDICT_CURL, CURLE_SSL_ENGINE_INITFAILED, {-EHOSTUNREACH, false}},
    /* Broken connections. */
    {VERDICT_CURL, CURLE_GOT_NOTHING, {-EIO, true}},
    {VERDICT_CURL, CURLE_SEND_ERROR, {-EIO, true}},
    {VERDICT_CURL, CURLE_RECV_ERROR, {-EIO, true}},
    {VERDICT_CURL, CURLE_PARTIAL_FILE, {-EIO, true}},
    {VERDICT_CURL, CURLE_BAD_CONTENT_ENCODING, {-EIO, true}}, /* attempt asks for none then */
    {VERDICT_CURL, CURLE_HTTP2, {-EIO, true}},
    {VERDICT_CURL, CURLE_HTTP2_STREAM, {-EIO, true}},
};

struct verdict verdict_of(enum verdict_kind kind, int code)
{
    for (size_t i = 0; i < ARRAY_SIZE(verdicts); i++) {
        if (verdicts[i].kind == kind && verdicts[i].code == code)
            return verdicts[i].verdict;
    }
    return (struct verdict){-EIO, false};
}
