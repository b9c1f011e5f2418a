// SPDX-License-Identifier: Apache-2.0
#include "imsfs/compact.h"

#include <cjson/cJSON.h>
#include <errno.h>

#include "imsfs/armor.h"

void compact_delete(cJSON **value)
{
    cJSON_Delete(*value);
}

int compact_parse(struct strbuf *armored, struct bytes text, const struct limits *limits,
                  cJSON **out, const char **end)
{
    int r = armor_text(armored, text, (size_t)limits->max[LIMIT_DEPTH],
                       (size_t)limits->max[LIMIT_NODES]);
    *end = strbuf_str(armored) + armored->len;
    if (r < 0)
        return r;
    *out = cJSON_ParseWithLengthOpts(armored->data, armored->len + 1, end, 1);
    if (!*out) /* it does not say whether it had no memory: then it may be had by now */
        *out = cJSON_ParseWithLengthOpts(armored->data, armored->len + 1, end, 1);
    return *out ? 0 : -EPROTO;
}

void compact_add_token(struct strbuf *out, const char *armored)
{
    if (armored[0] == ARMOR_NUMBER) {
        strbuf_add_str(out, armored + 1);
        return;
    }
    strbuf_add_char(out, '"');
    strbuf_add_str(out, armored + 1);
    strbuf_add_char(out, '"');
}

void compact_add(struct strbuf *out, const cJSON *value)
{
    if (cJSON_IsString(value)) {
        compact_add_token(out, value->valuestring);
        return;
    }
    if (!cJSON_IsObject(value) && !cJSON_IsArray(value)) {
        strbuf_add_str(out, cJSON_IsNull(value) ? "null" : cJSON_IsTrue(value) ? "true" : "false");
        return;
    }
    strbuf_add_char(out, cJSON_IsObject(value) ? '{' : '[');
    for (const cJSON *child = value->child; child; child = child->next) {
        if (child != value->child)
            strbuf_add_char(out, ',');
        if (cJSON_IsObject(value)) {
            compact_add_token(out, child->string);
            strbuf_add_char(out, ':');
        }
        compact_add(out, child);
    }
    strbuf_add_char(out, cJSON_IsObject(value) ? '}' : ']');
}

/* The tree's copies of the tokens: settings and answers have secrets in them. */
static void wipe(cJSON *value)
{
    if (cJSON_IsString(value))
        explicit_bzero(value->valuestring, strlen(value->valuestring));
    for (cJSON *child = value->child; child; child = child->next)
        wipe(child);
}

static void wipe_and_delete(cJSON **value)
{
    if (*value)
        wipe(*value);
    cJSON_Delete(*value);
}

int compact_text_at(struct bytes text, const struct limits *limits, struct strbuf *out,
                    size_t *line)
{
    CLEANUP(strbuf_free) struct strbuf armored = STRBUF_SECRET;
    CLEANUP(wipe_and_delete) cJSON *value = NULL;
    const char *end;
    int r = compact_parse(&armored, text, limits, &value, &end);
    if (r < 0) {
        *line = 1;
        for (const char *s = strbuf_str(&armored); s < end; s++)
            *line += *s == '\n';
        return r == -ELOOP ? -E2BIG : r;
    }
    strbuf_reset(out);
    compact_add(out, value);
    return strbuf_error(out);
}

int compact_text(struct bytes text, const struct limits *limits, struct strbuf *out)
{
    size_t line;
    return compact_text_at(text, limits, out, &line);
}
