// SPDX-License-Identifier: Apache-2.0
#include "imsfs/retry.h"

#include "imsfs/timestamp.h"

/* random's share of span: 0 to span. */
static int64_t share_of(int64_t span, uint32_t random)
{
    return (int64_t)((uint64_t)span * random >> 32);
}

int64_t retry_delay_ms(unsigned done, int64_t after_ms, int64_t first_ms, uint32_t random)
{
    if (after_ms >= 0)
        return after_ms + share_of(first_ms, random);
    int64_t delay = first_ms;
    for (unsigned i = 1; i < done && delay < RETRY_BACKOFF_MAX_MS; i++)
        delay *= 2;
    if (delay > RETRY_BACKOFF_MAX_MS)
        delay = RETRY_BACKOFF_MAX_MS;
    return delay - share_of(delay / 2, random);
}

static int64_t clamp_seconds(int64_t seconds)
{
    if (seconds < 0)
        return 0;
    return seconds > RETRY_AFTER_MAX_MS / 1000 ? RETRY_AFTER_MAX_MS : seconds * 1000;
}

static int64_t parse_seconds(struct bytes value)
{
    int64_t seconds = 0;
    for (size_t i = 0; i < value.len; i++) {
        if (value.data[i] < '0' || value.data[i] > '9')
            return -1;
        if (seconds <= RETRY_AFTER_MAX_MS)
            seconds = seconds * 10 + (value.data[i] - '0');
    }
    return clamp_seconds(seconds);
}

int64_t retry_parse_after(struct bytes value, time_t now)
{
    if (value.len == 0)
        return -1;
    int64_t ms = parse_seconds(value);
    time_t date;
    if (ms >= 0 || !timestamp_parse_http(value, &date))
        return ms;
    return clamp_seconds((int64_t)date - (int64_t)now);
}
