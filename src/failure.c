// SPDX-License-Identifier: Apache-2.0
#include "imsfs/failure.h"

#include <errno.h>
#include <stdio.h>

#include "imsfs/log.h"
#include "imsfs/refusal.h"

static const char redirected[] =
    "redirects are never followed; give the address that this one leads to";

/* The first row that fits; a 0 fits everything. */
static const struct {
    int status;
    int error;
    const char *advice;
} advices[] = {
    {301, 0, redirected},
    {302, 0, redirected},
    {303, 0, redirected},
    {307, 0, redirected},
    {308, 0, redirected},
    {400, 0, "the server does not take the request; check api= and api_version="},
    {401, 0, "sign in again"},
    {403, 0, "this account may not list images; check its project and roles"},
    {404, 0, "no such list call there; check the address and api="},
    {414, 0, "ask with fewer or shorter criteria"},
    {429, 0, "the server limits requests; a longer ttl= makes fewer"},
    {0, -EHOSTUNREACH, "check the address, the network and the server's certificate"},
    {0, -ETIMEDOUT, "a longer timeout= waits for a slow server"},
    {0, -EFBIG, "raise the limit if the service is right"},
    {0, -ENOMEM, "free some memory, or raise its limit (ulimit -v)"},
    {0, -EAGAIN, "raise the limit of processes (ulimit -u) or of memory (ulimit -v)"},
    {0, -EMFILE, "raise the limit of open files (ulimit -n)"},
    {0, -ENFILE, "the system has no more open files; see fs.file-max"},
    {0, -ECANCELED, "imsfs is ending"},
    {0, 0, "check that the address is an image service, or try again later"},
};

const char *failure_advice(int status, int error)
{
    size_t i = 0;
    while ((advices[i].status && advices[i].status != status) ||
           (advices[i].error && advices[i].error != error))
        i++;
    return advices[i].advice;
}

const char *failure_advice_identity(int status, int error)
{
    bool unreached = status == 0 && error != -EIO;
    bool redirect = status > 300 && status < 400; /* 300: a list of versions, of another service */
    if (unreached || redirect)
        return failure_advice(status, error);
    return "check auth_url and the account, or try again later";
}

/* Puts "..." at the end, between two characters. */
static void mark_cut(char *text, size_t size)
{
    size_t at = size - 8;
    while (at > 0 && (text[at] & 0xC0) == 0x80)
        at--;
    strcpy(text + at, "...");
}

void failure_describe(const struct http_response *r, int error, char *out, size_t size)
{
    char message[240] = "", body_id[80] = "", cause[160];
    if (r->status == 0) {
        log_escape(cause, sizeof(cause), bytes_of(r->cause[0] ? r->cause : strerror(-error)));
        snprintf(out, size, "%s%s", error == -EFBIG ? "" : "no answer: ", cause);
        return;
    }
    refusal_read(strbuf_bytes(&r->body), message, sizeof(message), body_id, sizeof(body_id));
    if (strlen(message) > sizeof(message) - 5) /* cut, or nearly */
        mark_cut(message, sizeof(message));
    const char *id = r->fields.request_id[0] ? r->fields.request_id : body_id;
    snprintf(out, size, "HTTP %d%s%s%s%s%s", r->status, *message ? ": " : "", message,
             *id ? " (request " : "", id, *id ? ")" : "");
}

const char *failure_scarcity(int error)
{
    bool scarce = error == -ENOMEM || error == -EAGAIN || error == -EMFILE || error == -ENFILE;
    return scarce ? failure_advice(0, error) : NULL;
}

int failure_errno(int error)
{
    static const int plain[] = {EACCES, EHOSTUNREACH, EINVAL,   ENAMETOOLONG,
                                ENOMEM, EOPNOTSUPP,   ETIMEDOUT};
    for (size_t i = 0; i < ARRAY_SIZE(plain); i++)
        if (error == -plain[i])
            return error;
    return error == -EPERM ? -EACCES : -EIO;
}
