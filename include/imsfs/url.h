// SPDX-License-Identifier: Apache-2.0
/*
 * url: the address of a service as a user writes it, and the encoding of query strings (RFC 3986).
 *
 * An endpoint is https://host[:port][/prefix][/v2[.x]][/], an identity service one with /v3 too.
 * What an attacker or a slip could hide in one is refused: user names and passwords, queries,
 * fragments, control bytes, back slashes. Pure functions.
 */
#ifndef IMSFS_URL_H
#define IMSFS_URL_H

#include "imsfs/strbuf.h"

struct url {
    char *base; /* scheme://host[:port][/prefix]; no slash at the end, no version */
    bool https;
    bool loopback; /* localhost, 127.0.0.0/8 or ::1: nobody listens on the way */
};

/*
 * The endpoint in text. -EINVAL: it is none, and error says why in one line, which never repeats
 * text (it may hold a password); -ENOMEM. The caller frees out with url_free().
 */
MUST_CHECK int url_parse_endpoint(struct url *out, const char *text, char *error, size_t size);
/*
 * The same for an identity service (auth_url, OS_AUTH_URL): people write it with /v3, without, or
 * with the /v2.0 of old; whatever it is, base + "/v3/auth/tokens" is where tokens are asked for.
 */
MUST_CHECK int url_parse_identity(struct url *out, const char *text, char *error, size_t size);
void url_free(struct url *u);
/* The TCP port of an address; 0 where it is none. Of one that these refuse it may be any. */
uint16_t url_port(const char *address);

/* Adds value with everything but A-Z a-z 0-9 - . _ ~ as %XX, upper case. */
void url_add_encoded(struct strbuf *out, struct bytes value);
/* The reverse: %XX is a byte, an invalid '%' itself; form: '+' is a space, as in query strings. */
void url_add_decoded(struct strbuf *out, struct bytes text, bool form);
/*
 * Adds the decoded value of the last parameter called name in url's query string: %XX is a byte,
 * '+' a space (that is how Glance writes one), an invalid '%' itself. False, and nothing added:
 * there is none.
 */
bool url_query_value(struct bytes url, const char *name, struct strbuf *out);

#endif
