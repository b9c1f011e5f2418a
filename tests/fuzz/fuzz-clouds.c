// SPDX-License-Identifier: Apache-2.0
/* A clouds.yaml, 0x1E and a secure.yaml, either may be missing -> JSON, then clouds, then the
 * account of one. */
#include <errno.h>
#include <stdio.h>
#include <sys/mman.h>
#include <unistd.h>

#include "fuzz.h"
#include "imsfs/account.h"
#include "imsfs/cloud.h"
#include "imsfs/compact.h"
#include "imsfs/json.h"
#include "imsfs/log.h"
#include "imsfs/secret.h"
#include "imsfs/yaml.h"

static int main_file, secure_file;

/* A file in memory that the variable names. */
static int make_file(const char *variable)
{
    char path[64];
    int fd = memfd_create(variable, MFD_CLOEXEC);
    snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
    CHECK(fd >= 0 && setenv(variable, path, 1) == 0);
    return fd;
}

void fuzz_begin(void)
{
    clearenv();
    setenv("HOME", "/nonexistent", 1);
    setenv("XDG_CONFIG_DIRS", "/nonexistent", 1);
    main_file = make_file("OS_CLIENT_CONFIG_FILE");
    secure_file = make_file("OS_CLIENT_SECURE_FILE");
    log_setup(LOG_SINK_STDERR, LOG_LEVEL_ERROR);
}

static void write_file(int fd, struct bytes text)
{
    CHECK(ftruncate(fd, 0) == 0);
    CHECK(pwrite(fd, text.data, text.len, 0) == (ssize_t)text.len);
}

/* Of an error: one line, that is safe to show. */
static void check_why(int r, const struct strbuf *why)
{
    CHECK(r < 0 && r != -ENOMEM);
    CHECK(why->len && fuzz_is_plain(strbuf_bytes(why)));
}

/* What YAML becomes is JSON, compact, and has no key twice. */
static void check_yaml(struct bytes text)
{
    CLEANUP(strbuf_free) struct strbuf json = STRBUF_SECRET;
    CLEANUP(strbuf_free) struct strbuf again = STRBUF_INIT;
    CLEANUP(strbuf_free) struct strbuf why = STRBUF_INIT;
    struct limits limits = limits_standard;
    limits.max[LIMIT_NODES] = YAML_VALUES_MAX;
    limits.max[LIMIT_DEPTH] = YAML_DEPTH_MAX;
    int r = yaml_to_json(text, &json, &why);
    if (r < 0) {
        check_why(r, &why);
        CHECK(r == -EINVAL && strncmp(strbuf_str(&why), "line ", 5) == 0);
        return;
    }
    CHECK(json.len <= YAML_BYTES_MAX + text.len && why.len == 0);
    r = compact_text(strbuf_bytes(&json), &limits, &again);
    CHECK(r == 0 && bytes_equal(strbuf_bytes(&json), strbuf_bytes(&again)));
    if (json.data[0] != '{')
        return;
    strbuf_reset(&again);
    CHECK(json_add_unique(&again, strbuf_bytes(&json), JSON_LAST) == 0);
    CHECK(again.len == json.len);
}

static void check_account(const char *name)
{
    CLEANUP(strbuf_free) struct strbuf why = STRBUF_INIT;
    const struct account_request request = {.origin = ACCOUNT_CLOUD, .cloud = name};
    struct account account;
    int r = account_load(&account, &request, &why);
    if (r < 0) {
        check_why(r, &why);
        return;
    }
    for (const char *s = account.auth_url; s && *s; s++)
        CHECK((unsigned char)*s != '\n');
    account_free(&account);
}

static void check_clouds(void)
{
    CLEANUP(clouds_free) struct clouds c = {0};
    CLEANUP(strbuf_free) struct strbuf why = STRBUF_INIT;
    CLEANUP(free_ptr) char *name = NULL;
    int r = clouds_read(&c, &why);
    if (r < 0) {
        check_why(r, &why);
        return;
    }
    size_t count = clouds_count(&c);
    r = clouds_pick(&c, NULL, &name, &why);
    CHECK((r == 0) == (count == 1));
    if (r < 0)
        check_why(r, &why);
    else
        check_account(name);
    check_account("a");
}

void fuzz_one(struct bytes input)
{
    struct bytes text = fuzz_cut(&input);
    check_yaml(text);
    check_yaml(input);
    write_file(main_file, text);
    write_file(secure_file, input);
    check_clouds();
}
