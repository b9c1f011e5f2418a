// SPDX-License-Identifier: Apache-2.0
#include "imsfs/help.h"

#include "imsfs/options.h"

#ifndef IMSFS_VERSION
#define IMSFS_VERSION "unknown"
#endif

static const char introduction[] =
    "usage: " OPTIONS_USAGE "\n"
    "\nMounts the images of a cloud's image service as a read-only tree.\n"
    "\nSOURCE is the name of a cloud in clouds.yaml, the URL of an image service\n"
    "(https://ims.example.com; the variables OS_* or HW_* say who you are), or a JSON file\n"
    "with image records. Without it: OS_CLOUD, the variables, or the only cloud there is.\n\n"
    "  -f                          stay in the foreground\n"
    "  -d                          the same, and log everything\n"
    "  -s                          accepted and ignored\n"
    "  -h, --help                  show this\n"
    "  -V, --version               show the version\n"
    "  -o NAME[=VALUE],...         options; \"\\,\" is a comma in a value\n\n";

void help_add_usage(struct strbuf *out)
{
    size_t rows, words;
    const struct setting *table = options_rows(&rows);
    const char *const *ignored = options_ignored(&words);
    strbuf_add_str(out, introduction);
    for (size_t i = 0; i < rows; i++)
        setting_help(&table[i], out);
    strbuf_add_str(out, "\nTimes are in seconds, or have the suffix s, m, h or d.\n"
                        "The mount is read-only, nosuid, nodev, noexec. Accepted and ignored:");
    for (size_t i = 0; i < words; i++) {
        bool prefix = ignored[i][strlen(ignored[i]) - 1] == '-';
        strbuf_printf(out, "%s%s%s", i % 8 ? " " : "\n  ", ignored[i], prefix ? "*" : "");
    }
    strbuf_add_str(out, "\nUnmount with: fusermount3 -u MOUNTPOINT\n");
}

void help_add_version(struct strbuf *out)
{
    strbuf_add_str(out, "imsfs " IMSFS_VERSION "\n");
}
