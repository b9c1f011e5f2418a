// SPDX-License-Identifier: Apache-2.0
/*
 * failure: why a request failed and what to do about it, in words. What a server says is cleaned of
 * markup and control bytes and cut; headers that we sent never appear. Pure functions.
 */
#ifndef IMSFS_FAILURE_H
#define IMSFS_FAILURE_H

#include "imsfs/http.h"

/*
 * "HTTP 404: <the server's message> (request <id>)", or "no answer: <cause>", of one over a limit
 * the cause alone. error is what
 * http_send() said. Cut at size - 1 bytes.
 */
void failure_describe(const struct http_response *r, int error, char *out, size_t size);

/* What a user can do: the end of a line. status 0: no whole answer came. Never NULL. */
const char *failure_advice(int status, int error);
/* The same for a request to the identity service. */
const char *failure_advice_identity(int status, int error);

/* The same for what this machine is short of (memory, descriptors, processes); NULL: it is
 * something else. */
const char *failure_scarcity(int error);

/*
 * What a reader gets for the error of a listing. Some would tell something untrue about a name or a
 * file (ENOENT means that the list does not have it): those become EIO.
 */
int failure_errno(int error);

#endif
