// SPDX-License-Identifier: Apache-2.0
#include "imsfs/timestamp.h"

struct cursor {
    const char *s, *end;
};

static bool take(struct cursor *c, char want)
{
    if (c->s == c->end || *c->s != want)
        return false;
    c->s++;
    return true;
}

static bool is_digit(const struct cursor *c)
{
    return c->s < c->end && *c->s >= '0' && *c->s <= '9';
}

/* Exactly so many digits, as a number between min and max. */
static bool take_number(struct cursor *c, int digits, int min, int max, int *out)
{
    int n = 0;
    for (int i = 0; i < digits; i++) {
        if (!is_digit(c))
            return false;
        n = n * 10 + (*c->s++ - '0');
    }
    *out = n;
    return n >= min && n <= max;
}

static bool take_date(struct cursor *c, struct tm *tm)
{
    static const int days[] = {31, 29, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31};
    int year, month;
    if (!take_number(c, 4, 1601, 9999, &year) || !take(c, '-') ||
        !take_number(c, 2, 1, 12, &month) || !take(c, '-') ||
        !take_number(c, 2, 1, days[month - 1], &tm->tm_mday))
        return false;
    tm->tm_year = year - 1900;
    tm->tm_mon = month - 1;
    bool leap = (year % 4 == 0 && year % 100 != 0) || year % 400 == 0;
    return leap || month != 2 || tm->tm_mday < 29;
}

static bool take_clock(struct cursor *c, struct tm *tm)
{
    if (!take_number(c, 2, 0, 23, &tm->tm_hour) || !take(c, ':') ||
        !take_number(c, 2, 0, 59, &tm->tm_min) || !take(c, ':') ||
        !take_number(c, 2, 0, 60, &tm->tm_sec))
        return false;
    if (!take(c, '.'))
        return true;
    if (!is_digit(c))
        return false;
    while (is_digit(c))
        c->s++;
    return true;
}

/* "", "Z" or +hh:mm; in seconds east of UTC. */
static bool take_offset(struct cursor *c, int *offset)
{
    *offset = 0;
    if (c->s == c->end || take(c, 'Z'))
        return true;
    int sign = take(c, '-') ? -1 : take(c, '+') ? 1 : 0;
    int hours, minutes;
    if (!sign || !take_number(c, 2, 0, 23, &hours) || !take(c, ':') ||
        !take_number(c, 2, 0, 59, &minutes))
        return false;
    *offset = sign * (hours * 3600 + minutes * 60);
    return true;
}

bool timestamp_parse(struct bytes text, time_t *t)
{
    struct cursor c = {text.data, text.data + text.len};
    struct tm tm = {0};
    int offset;
    if (!take_date(&c, &tm) || !(take(&c, 'T') || take(&c, ' ')) || !take_clock(&c, &tm) ||
        !take_offset(&c, &offset) || c.s != c.end)
        return false;
    *t = timegm(&tm) - offset;
    return true;
}

bool timestamp_parse_http(struct bytes text, time_t *t)
{
    char copy[64];
    struct tm tm = {0};
    if (text.len >= sizeof(copy))
        return false;
    memcpy(copy, text.data, text.len);
    copy[text.len] = '\0';
    if (strptime(copy, "%a, %d %b %Y %H:%M:%S GMT", &tm) != copy + text.len)
        return false;
    time_t seconds = timegm(&tm);
    if (seconds < 0)
        return false;
    *t = seconds;
    return true;
}
