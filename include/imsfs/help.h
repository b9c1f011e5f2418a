// SPDX-License-Identifier: Apache-2.0
/*
 * help: what the command says about itself, made from the tables that the options come from.
 */
#ifndef IMSFS_HELP_H
#define IMSFS_HELP_H

#include "imsfs/options.h"

/* The texts of --help, --help-query (the table of param.h) and --version. Added to out. */
void help_add_usage(struct strbuf *out);
void help_add_query(struct strbuf *out);
void help_add_version(struct strbuf *out);
/* Prints the one that the user asked for (not OPTIONS_MOUNT). -EIO: it cannot be written; -ENOMEM.
 */
MUST_CHECK int help_print(enum options_action action);

#endif
