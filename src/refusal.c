// SPDX-License-Identifier: Apache-2.0
#include "imsfs/refusal.h"

#include <strings.h>

#include "imsfs/compact.h"
#include "imsfs/json.h"
#include "imsfs/utf8.h"

#define BODY_MAX 65536

static const char *const message_keys[] = {"\"message\"", "\"error_msg\""};
static const char *const id_keys[] = {"\"request_id\"", "\"requestId\""};

/* The first string under one of the keys, in value or in the objects right inside it. */
static bool find_string(struct bytes value, const char *const *keys, size_t count, int levels,
                        struct bytes *found)
{
    struct bytes key, member;
    if (value.data[0] != '{')
        return false;
    for (struct json_walk w = json_walk(value); json_next(&w, &key, &member);) {
        for (size_t i = 0; i < count; i++) {
            if (bytes_are(key, keys[i]) && member.data[0] == '"') {
                *found = member;
                return true;
            }
        }
        if (levels > 1 && find_string(member, keys, count, levels - 1, found))
            return true;
    }
    return false;
}

/* What follows the tag at s; the head of a page is left out whole. */
__attribute__((nonnull)) static const char *skip_tag(const char *s, const char *end)
{
    static const char head[] = "<head>", head_end[] = "</head>";
    const char *close = memmem(s, (size_t)(end - s), head_end, strlen(head_end));
    if (close && strncasecmp(s, head, strlen(head)) == 0)
        return close + strlen(head_end);
    while (s < end && *s++ != '>')
        continue;
    return s;
}

/* Text without tags, with single spaces for runs of blanks and of what no line should hold. */
static void clean(struct bytes text, char *out, size_t size)
{
    size_t len = 0;
    bool gap = false;
    for (const char *s = text.data, *end = s + text.len; s < end;) {
        uint32_t code;
        size_t used = utf8_decode(s, (size_t)(end - s), &code);
        if (!used || code == ' ' || code == '<' || utf8_is_deceptive(code)) {
            s = used && code == '<' ? skip_tag(s, end) : s + (used ? used : 1);
            gap = true;
            continue;
        }
        size_t blank = gap && len;
        if (len + blank + used + 1 > size)
            break;
        if (blank)
            out[len++] = ' ';
        gap = false;
        memcpy(out + len, s, used);
        len += used;
        s += used;
    }
    out[len] = '\0';
}

static void clean_token(struct bytes token, char *out, size_t size)
{
    CLEANUP(strbuf_free) struct strbuf text = STRBUF_INIT;
    json_add_string(&text, token);
    clean(strbuf_bytes(&text), out, size);
}

void refusal_read(struct bytes body, char *message, size_t size, char *request_id, size_t id_size)
{
    CLEANUP(strbuf_free) struct strbuf json = STRBUF_INIT;
    struct bytes token;
    message[0] = request_id[0] = '\0';
    if (!body.data)
        return;
    if (body.len > BODY_MAX)
        body.len = BODY_MAX;
    if (compact_text(body, &limits_standard, &json) < 0) {
        clean(body, message, size);
        return;
    }
    struct bytes value = strbuf_bytes(&json);
    if (find_string(value, message_keys, ARRAY_SIZE(message_keys), 2, &token))
        clean_token(token, message, size);
    if (find_string(value, id_keys, ARRAY_SIZE(id_keys), 2, &token))
        clean_token(token, request_id, id_size);
}
