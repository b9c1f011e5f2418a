// SPDX-License-Identifier: Apache-2.0
/*
 * keyfile: the files in which the tools of Huawei Cloud keep access keys: config.json of KooCLI
 * (hcloud), which Terraform reads where HW_SHARED_CONFIG_FILE names it, and the credentials of the
 * SDKs (HUAWEICLOUD_SDK_CREDENTIALS_FILE, an INI file). Neither is looked for where no variable
 * names it. Before threads start.
 */
#ifndef IMSFS_KEYFILE_H
#define IMSFS_KEYFILE_H

#include "imsfs/draft.h"

/*
 * Completes a draft of variables that name such a file and have no credential themselves; leaves
 * any other as it is. Of KooCLI's profiles it is the one of HW_PROFILE, else the current one; of
 * the INI file the section [basic]. What the file has counts more than the variables, as in
 * Terraform. Warns about a file that others can read. -EINVAL: the file makes no sense, or its keys
 * are encrypted, and why names it; -ENOENT: there is none, or no such profile; other -errno: it
 * cannot be read; -ENOMEM.
 */
MUST_CHECK int keyfile_read(struct draft *d, struct strbuf *why);

#endif
