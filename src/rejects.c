// SPDX-License-Identifier: Apache-2.0
#include "imsfs/rejects.h"

#include <stdio.h>

#include "imsfs/log.h"
#include "imsfs/name.h"

static bool is_news(struct rejects *r, struct bytes name, int64_t now_ms)
{
    uint64_t hash = name_fnv1a_64(name);
    for (size_t i = 0; i < REJECTS_MAX; i++)
        if (r->hashes[i] == hash)
            return false;
    int64_t full_ms = now_ms - (int64_t)REJECTS_BURST * REJECTS_PAUSE_MS;
    if (!r->count || r->paid_ms < full_ms)
        r->paid_ms = full_ms;
    if (r->paid_ms + REJECTS_PAUSE_MS > now_ms)
        return false;
    r->paid_ms += REJECTS_PAUSE_MS;
    r->hashes[r->count++ % REJECTS_MAX] = hash;
    return true;
}

bool rejects_note(struct rejects *r, struct bytes name, const char *why, int64_t now_ms)
{
    char shown[160];
    log_escape(shown, sizeof(shown), name);
    size_t len = strlen(shown);
    bool said = strncmp(why, shown, len) == 0 && strncmp(why + len, ": ", 2) == 0;
    snprintf(r->last, sizeof(r->last), "query/%s: %s", shown, said ? why + len + 2 : why);
    return is_news(r, name, now_ms);
}
