// SPDX-License-Identifier: Apache-2.0
#include "imsfs/header.h"

#include <ctype.h>
#include <errno.h>
#include <stdio.h>
#include <strings.h>

#include "imsfs/clock.h"
#include "imsfs/retry.h"
#include "imsfs/secret.h"
#include "imsfs/timestamp.h"

int header_add(struct header_lines *h, const char *name, const char *value)
{
    if (h->count == ARRAY_SIZE(h->lines))
        return -EINVAL;
    for (const char *c = value; *c; c++) {
        if (iscntrl((uint8_t)*c))
            return -EINVAL;
    }
    char *line;
    if (asprintf(&line, "%s: %s", name, value) < 0)
        return -ENOMEM;
    h->lines[h->count++] = line;
    return 0;
}

void header_lines_free(struct header_lines *h)
{
    for (size_t i = 0; i < h->count; i++) {
        explicit_bzero(h->lines[i], strlen(h->lines[i]));
        free(h->lines[i]);
    }
    *h = (struct header_lines){0};
}

/* Copies letters, digits and the bytes in also, up to the first other one. */
static void copy_while(char *out, size_t size, struct bytes value, const char *also)
{
    size_t len = 0;
    while (len < value.len && len + 1 < size && value.data[len] != '\0' &&
           (isalnum((uint8_t)value.data[len]) || strchr(also, value.data[len]))) {
        out[len] = value.data[len];
        len++;
    }
    out[len] = '\0';
}

static int take_request_id(struct header_fields *f, struct bytes value)
{
    copy_while(f->request_id, sizeof(f->request_id), value, "-_.:");
    return 0;
}

static int take_content_type(struct header_fields *f, struct bytes value)
{
    copy_while(f->content_type, sizeof(f->content_type), value, "/+-._");
    for (char *c = f->content_type; *c; c++)
        *c = (char)tolower((uint8_t)*c);
    return 0;
}

static int take_retry_after(struct header_fields *f, struct bytes value)
{
    f->retry_after_ms = retry_parse_after(value, clock_wall().tv_sec);
    return 0;
}

static int take_date(struct header_fields *f, struct bytes value)
{
    if (!timestamp_parse_http(value, &f->date))
        f->date = -1;
    return 0;
}

static int take_subject_token(struct header_fields *f, struct bytes value)
{
    if (value.len == 0 || value.len > HEADER_TOKEN_MAX)
        return 0;
    for (size_t i = 0; i < value.len; i++) {
        if (value.data[i] < '!' || value.data[i] > '~')
            return 0;
    }
    char *token = strndup(value.data, value.len);
    if (!token)
        return -ENOMEM;
    secret_free(&f->subject_token);
    f->subject_token = token;
    return 0;
}

static const struct {
    const char *name;
    int (*take)(struct header_fields *f, struct bytes value);
} known[] = {
    {"x-openstack-request-id", take_request_id},
    {"x-request-id", take_request_id},
    {"content-type", take_content_type},
    {"retry-after", take_retry_after},
    {"date", take_date},
    {"x-subject-token", take_subject_token},
};

static struct bytes trim(struct bytes text)
{
    while (text.len && isspace((uint8_t)text.data[0]))
        text = (struct bytes){text.data + 1, text.len - 1};
    while (text.len && isspace((uint8_t)text.data[text.len - 1]))
        text.len--;
    return text;
}

int header_fields_take(struct header_fields *f, struct bytes line)
{
    const char *colon = line.len ? memchr(line.data, ':', line.len) : NULL;
    if (!colon)
        return 0;
    size_t name_len = (size_t)(colon - line.data);
    for (size_t i = 0; i < ARRAY_SIZE(known); i++) {
        if (strlen(known[i].name) == name_len &&
            strncasecmp(line.data, known[i].name, name_len) == 0)
            return known[i].take(f, trim((struct bytes){colon + 1, line.len - name_len - 1}));
    }
    return 0;
}

void header_fields_free(struct header_fields *f)
{
    secret_free(&f->subject_token);
    *f = HEADER_FIELDS_INIT;
}
