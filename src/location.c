// SPDX-License-Identifier: Apache-2.0
#include "imsfs/location.h"

#include "imsfs/url.h"

static bool is_file(const char *source)
{
    static const char *const endings[] = {".json", ".ndjson", ".jsonl"};
    size_t len = strlen(source);
    for (size_t i = 0; i < ARRAY_SIZE(endings); i++) {
        size_t ending_len = strlen(endings[i]);
        if (len > ending_len && streq(source + len - ending_len, endings[i]))
            return true;
    }
    return !len || strchr(source, '/');
}

static int check_url(const char *text, struct strbuf *why)
{
    char reason[256];
    CLEANUP(url_free) struct url url = {0};
    int rc = url_parse_endpoint(&url, text, reason, sizeof(reason));
    if (rc)
        strbuf_printf(why, "SOURCE: %s", reason);
    return rc;
}

int location_check(const char *source, enum location *kind, struct strbuf *why)
{
    bool url = strstr(source, "://");
    *kind = url ? LOCATION_URL : is_file(source) ? LOCATION_FILE : LOCATION_CLOUD;
    return url ? check_url(source, why) : 0;
}
