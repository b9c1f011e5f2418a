// SPDX-License-Identifier: Apache-2.0
#include "fault.h"

static const struct {
    const char *name;
    enum fault_kind kind;
} words[] = {
    {"hang", FAULT_HANG},       {"reset", FAULT_RESET}, {"truncate", FAULT_TRUNCATE},
    {"garbage", FAULT_GARBAGE}, {"delay", FAULT_DELAY},
};

static bool parse_range(struct fault *f, const char *s, char **end)
{
    if (*s == '*') {
        f->first = 1;
        f->last = UINT64_MAX;
        *end = (char *)s + 1;
        return true;
    }
    f->first = f->last = strtoull(s, end, 10);
    if (*end == s)
        return false;
    if (**end != '-')
        return true;
    s = *end + 1;
    f->last = strtoull(s, end, 10);
    if (*end == s)
        f->last = UINT64_MAX;
    return true;
}

static bool parse_what(struct fault *f, const char *s)
{
    size_t len = strcspn(s, ":");
    char *end;
    for (size_t i = 0; i < ARRAY_SIZE(words); i++)
        if (bytes_are((struct bytes){s, len}, words[i].name))
            f->kind = words[i].kind;
    if (f->kind == FAULT_NONE) {
        f->kind = FAULT_STATUS;
        f->status = (unsigned)strtoul(s, &end, 10);
        if (end != s + len || f->status < 200 || f->status > 599)
            return false;
    }
    if (s[len] == '\0')
        return true;
    f->number = (unsigned)strtoul(s + len + 1, &end, 10);
    return end != s + len + 1 && *end == '\0';
}

bool fault_add(struct fault_list *list, const char *text)
{
    struct fault f = {0};
    char *end = NULL;
    if (list->count == FAULT_MAX || !parse_range(&f, text, &end) || *end != '=' ||
        !parse_what(&f, end + 1))
        return false;
    list->items[list->count++] = f;
    return true;
}

const struct fault *fault_of(const struct fault_list *list, uint64_t request)
{
    for (size_t i = 0; i < list->count; i++)
        if (request >= list->items[i].first && request <= list->items[i].last)
            return &list->items[i];
    return NULL;
}
