// SPDX-License-Identifier: Apache-2.0
#include "imsfs/content.h"

#include "imsfs/json.h"

enum content_type content_type(struct bytes value)
{
    switch (value.data[0]) {
    case 'n':
        return CONTENT_NULL;
    case 't':
    case 'f':
        return CONTENT_BOOL;
    case '"':
        return CONTENT_STRING;
    case '[':
        return CONTENT_ARRAY;
    case '{':
        return CONTENT_OBJECT;
    default:
        return CONTENT_NUMBER;
    }
}

void content_add(struct bytes value, struct strbuf *out)
{
    size_t start = out->len;
    struct bytes key, element;
    switch (content_type(value)) {
    case CONTENT_NULL:
        return;
    case CONTENT_ARRAY:
        for (struct json_walk w = json_walk(value); json_next(&w, &key, &element);)
            content_add(element, out);
        return;
    case CONTENT_OBJECT:
        json_add_compact(out, value);
        break;
    case CONTENT_STRING:
        json_add_string(out, value);
        if (out->len > start && out->data[out->len - 1] == '\n')
            return;
        break;
    default:
        strbuf_add(out, value.data, value.len);
    }
    strbuf_add_char(out, '\n');
}

static size_t written_size(struct bytes value, struct strbuf *scratch)
{
    scratch->len = 0; /* not strbuf_reset(), which forgets an error */
    content_add(value, scratch);
    return scratch->len;
}

size_t content_size(struct bytes value, struct strbuf *scratch)
{
    switch (content_type(value)) {
    case CONTENT_NULL:
        return 0;
    case CONTENT_BOOL:
    case CONTENT_NUMBER:
        return value.len + 1;
    case CONTENT_STRING:
        /* Without an escape, what stands between the quotes is what the file holds. */
        if (!memchr(value.data, '\\', value.len))
            return value.len - 2 + (value.data[value.len - 2] != '\n');
        return written_size(value, scratch);
    default:
        return written_size(value, scratch);
    }
}

bool content_add_text(struct bytes value, struct strbuf *out)
{
    switch (content_type(value)) {
    case CONTENT_NULL:
        return false;
    case CONTENT_STRING:
        json_add_string(out, value);
        return value.len > 2;
    case CONTENT_ARRAY:
    case CONTENT_OBJECT:
        json_add_compact(out, value);
        return true;
    default:
        strbuf_add(out, value.data, value.len);
        return true;
    }
}
