// SPDX-License-Identifier: Apache-2.0
#include "imsfs/order.h"

#include <errno.h>

#define FIRST (ORDER_END / 2)
#define STEP ((uint64_t)1 << 36)
/* Between two places when neighbours had to move: room for the next times. */
#define WIDE ((uint64_t)1 << 18)

uint64_t order_next(uint64_t last)
{
    return last ? last + STEP : FIRST;
}

/* --- Who keeps a place: a longest rising subsequence --- */

#define NOBODY UINT32_MAX

struct rising {
    uint32_t *ends; /* of all rising sequences of length n + 1, the one whose last place is least */
    uint32_t *before; /* by entry: its predecessor in such a sequence */
    uint32_t length;
};

/* How many of the sequences end below place. */
static uint32_t longest_below(const struct rising *r, const uint64_t *places, uint64_t place)
{
    uint32_t low = 0, high = r->length;
    while (low < high) {
        uint32_t middle = low + (high - low) / 2;
        if (places[r->ends[middle]] < place)
            low = middle + 1;
        else
            high = middle;
    }
    return low;
}

static void find_rising(struct rising *r, const uint64_t *places, uint32_t count)
{
    for (uint32_t i = 0; i < count; i++) {
        if (places[i] == 0)
            continue;
        uint32_t n = longest_below(r, places, places[i]);
        r->before[i] = n ? r->ends[n - 1] : NOBODY;
        r->ends[n] = i;
        if (n == r->length)
            r->length++;
    }
}

/* Takes the places of all others. */
static void clear_others(const struct rising *r, uint64_t *places, uint32_t count)
{
    uint32_t keeps = r->length ? r->ends[r->length - 1] : NOBODY;
    for (uint32_t i = count; i-- > 0;) {
        if (i == keeps)
            keeps = r->before[i];
        else
            places[i] = 0;
    }
}

static int keep_most(uint64_t *places, uint32_t count)
{
    CLEANUP(free_ptr) uint32_t *ends = calloc(count, sizeof(*ends));
    CLEANUP(free_ptr) uint32_t *before = calloc(count, sizeof(*before));
    struct rising r = {ends, before, 0};
    if (!ends || !before)
        return -ENOMEM;
    find_rising(&r, places, count);
    clear_others(&r, places, count);
    return 0;
}

/* --- Places for the others --- */

/* Entries without a place, from begin up to end. */
struct gap {
    uint32_t begin, end;
};

static bool is_sorted(const uint64_t *places, uint32_t count)
{
    for (uint32_t i = 0; i < count; i++)
        if (places[i] == 0 || (i && places[i] <= places[i - 1]))
            return false;
    return true;
}

/* The distance at which the entries of a gap can stand between low and high. */
static uint64_t distance(struct gap g, uint64_t low, uint64_t high)
{
    return (high - low) / ((uint64_t)(g.end - g.begin) + 1);
}

static void spread(uint64_t *places, struct gap g, uint64_t low, uint64_t step)
{
    for (uint32_t i = g.begin; i < g.end; i++)
        places[i] = low += step;
}

/* Takes in neighbours, as many on each side as there are already. */
static struct gap widen(const uint64_t *places, uint32_t count, struct gap g)
{
    uint32_t more = g.end - g.begin;
    g.begin -= more < g.begin ? more : g.begin;
    g.end += more < count - g.end ? more : count - g.end;
    while (g.end < count && places[g.end] == 0)
        g.end++;
    return g;
}

static uint64_t low_of(const uint64_t *places, struct gap g)
{
    return g.begin ? places[g.begin - 1] : 0;
}

static uint64_t high_of(const uint64_t *places, uint32_t count, struct gap g)
{
    return g.end < count ? places[g.end] : ORDER_END;
}

/* Returns where the gap ended. */
static uint32_t fill(uint64_t *places, uint32_t count, struct gap g)
{
    uint64_t low = low_of(places, g), high = high_of(places, count, g);
    uint64_t step = distance(g, low, high);
    for (bool wide = step > 0; !wide; wide = step >= WIDE || g.end - g.begin == count) {
        g = widen(places, count, g);
        low = low_of(places, g);
        high = high_of(places, count, g);
        step = distance(g, low, high);
    }
    /* At the ends of the list, entries come at a fixed distance and leave the rest of the line. */
    if (step > STEP && (g.begin == 0 || g.end == count))
        step = STEP;
    if (g.begin == 0 && g.end == count)
        low = FIRST - step;
    else if (g.begin == 0)
        low = high - step * ((uint64_t)(g.end - g.begin) + 1);
    spread(places, g, low, step);
    return g.end;
}

int order_settle(uint64_t *places, uint32_t count)
{
    if (is_sorted(places, count))
        return 0;
    int r = keep_most(places, count);
    if (r < 0)
        return r;
    for (struct gap g = {0, 0}; g.begin < count; g.begin++) {
        if (places[g.begin] != 0)
            continue;
        g.end = g.begin;
        while (g.end < count && places[g.end] == 0)
            g.end++;
        g.begin = fill(places, count, g);
    }
    return 0;
}
