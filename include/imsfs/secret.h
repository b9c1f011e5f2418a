// SPDX-License-Identifier: Apache-2.0
/*
 * secret: strings that must not outlive their use: passwords, tokens, keys. Whoever owns one frees
 * it with secret_free(); longer texts with secrets in them go into a STRBUF_SECRET. Any thread.
 */
#ifndef IMSFS_SECRET_H
#define IMSFS_SECRET_H

#include "imsfs/base.h"

/* Wipes and frees the string and forgets it; NULL is fine. Also for CLEANUP(). */
void secret_free(char **secret);
/*
 * Writes asterisks over each place where secret occurs in text, as it is or, in the first 64 KiB,
 * with the escapes of JSON: answers come as that, and what is shown of them has been decoded. ""
 * and NULL occur nowhere.
 */
void secret_redact(const char *secret, char *text, size_t len);

#endif
