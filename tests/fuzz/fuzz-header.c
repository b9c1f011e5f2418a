// SPDX-License-Identifier: Apache-2.0
/* The head of an answer, a line each -> the fields that we keep; and each line as the times and
 * pauses that fields hold. */
#include <errno.h>

#include "fuzz.h"
#include "imsfs/header.h"
#include "imsfs/retry.h"
#include "imsfs/timestamp.h"

#define NOW 1784736000 /* 2026-07-22T16:00:00Z */

static bool is_time(time_t t)
{
    return t >= -11644473600 && t < 253402300800 + 86400; /* the years 1601 to 9999, any offset */
}

static void check_value(struct bytes value)
{
    time_t t;
    CHECK(!timestamp_parse(value, &t) || is_time(t));
    CHECK(!timestamp_parse_http(value, &t) || (is_time(t) && t >= 0));
    int64_t ms = retry_parse_after(value, NOW);
    CHECK(ms >= -1 && ms <= RETRY_AFTER_MAX_MS);
    for (unsigned done = 1; done < 6; done++) {
        int64_t pause = retry_delay_ms(done, ms, 500, (uint32_t)value.len * 0x9E3779B9u);
        CHECK(pause >= 0 && pause <= RETRY_AFTER_MAX_MS + 500);
    }
}

static void check_fields(const struct header_fields *f)
{
    CHECK(fuzz_is_plain(bytes_of(f->request_id)) && fuzz_is_plain(bytes_of(f->content_type)));
    for (const char *c = f->content_type; *c; c++)
        CHECK(*c < 'A' || *c > 'Z');
    CHECK(f->retry_after_ms >= -1 && f->retry_after_ms <= RETRY_AFTER_MAX_MS);
    CHECK(f->date >= -1 && is_time(f->date));
    if (!f->subject_token)
        return;
    size_t len = strlen(f->subject_token);
    CHECK(len >= 1 && len <= HEADER_TOKEN_MAX);
    for (size_t i = 0; i < len; i++)
        CHECK(f->subject_token[i] > 0x20 && f->subject_token[i] < 0x7F);
}

void fuzz_one(struct bytes input)
{
    struct header_fields fields = HEADER_FIELDS_INIT;
    while (input.len) {
        const char *end = memchr(input.data, '\n', input.len);
        struct bytes line = {input.data, end ? (size_t)(end - input.data) + 1 : input.len};
        CLEANUP(free_ptr) char *copy = malloc(line.len);
        CHECK(copy);
        memcpy(copy, line.data, line.len);
        CHECK(header_fields_take(&fields, (struct bytes){copy, line.len}) == 0);
        check_value((struct bytes){copy, end ? line.len - 1 : line.len});
        input = (struct bytes){input.data + line.len, input.len - line.len};
    }
    check_fields(&fields);
    header_fields_free(&fields);
}
