// SPDX-License-Identifier: Apache-2.0
#include "imsfs/peek.h"

#include "imsfs/json.h"
#include "imsfs/span.h"

static bool skip_char(struct span_rest *rest, char c)
{
    span_skip_space(rest);
    bool there = rest->s < rest->end && *rest->s == c;
    rest->s += there;
    return there;
}

/* *text: what the token of a string spells, or NULL. */
static bool take_string(struct bytes token, char **text)
{
    struct strbuf spelled = STRBUF_INIT;
    if (token.data[0] != '"')
        return true;
    if (memmem(token.data, token.len, "\\u", 2)) /* nobody has checked what follows */
        return false;
    json_add_string(&spelled, token);
    free(*text);
    *text = spelled.len ? strbuf_steal(&spelled) : NULL;
    return strbuf_error(&spelled) == 0;
}

static bool find_id(struct bytes record, char **id)
{
    struct span_rest rest = {record.data, record.data + record.len};
    struct bytes key, value;
    for (; span_key(&rest, &key); span_skip_space(&rest)) {
        if (!span_value(&rest, &value))
            return false;
        if (bytes_are(key, "\"id\"") && !take_string(value, id))
            return false;
    }
    return true;
}

static bool look_at_records(struct span_rest *rest, struct decode_result *out)
{
    struct bytes record = {NULL, 0};
    if (!skip_char(rest, '['))
        return false;
    if (skip_char(rest, ']'))
        return true;
    do {
        span_skip_space(rest);
        if (!span_value(rest, &record))
            return false;
        out->records++;
    } while (skip_char(rest, ','));
    return skip_char(rest, ']') && find_id(record, &out->last_id);
}

bool peek_page(struct bytes text, struct decode_result *out)
{
    struct span_rest rest = {text.data, text.data + text.len};
    struct bytes key, value = {0};
    bool found = false;
    *out = (struct decode_result){0};
    span_skip_space(&rest);
    for (; span_key(&rest, &key); span_skip_space(&rest)) {
        bool images = bytes_are(key, "\"images\"");
        if (images ? found || !look_at_records(&rest, out) : !span_value(&rest, &value))
            return false;
        found |= images;
        if (bytes_are(key, "\"next\"") && !take_string(value, &out->next))
            return false;
    }
    if (!skip_char(&rest, '}'))
        return false;
    span_skip_space(&rest);
    return found && rest.s == rest.end;
}
