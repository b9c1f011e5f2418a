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
    if (r->logged && now_ms - r->logged_ms < REJECTS_PAUSE_MS)
        return false;
    r->logged = true;
    r->logged_ms = now_ms;
    r->hashes[r->count++ % REJECTS_MAX] = hash;
    return true;
}

bool rejects_note(struct rejects *r, struct bytes name, const char *why, int64_t now_ms)
{
    char shown[160];
    log_escape(shown, sizeof(shown), name);
    snprintf(r->last, sizeof(r->last), "query/%s: %s", shown, why);
    return is_news(r, name, now_ms);
}
