// SPDX-License-Identifier: Apache-2.0
/*
 * refusal: what a service says when it refuses, in the shapes that image services, Keystone, API
 * gateways and load balancers are known to use: JSON with "message" or "error_msg" on the first or
 * second level, or HTML. Pure.
 */
#ifndef IMSFS_REFUSAL_H
#define IMSFS_REFUSAL_H

#include "imsfs/base.h"

/*
 * The message and the request id in an error body, as plain text without markup and line breaks,
 * each cut at its size - 1 bytes; "" when there is none. The body may be anything.
 */
void refusal_read(struct bytes body, char *message, size_t size, char *request_id, size_t id_size);

#endif
