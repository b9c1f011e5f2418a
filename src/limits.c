// SPDX-License-Identifier: Apache-2.0
#include "imsfs/limits.h"

#include <inttypes.h>
#include <stdio.h>

#define KIB INT64_C(1024)
#define MIB (KIB * KIB)
#define GIB (KIB * MIB)

#define BYTES(which) SETTING_SIZE, offsetof(struct limits, max[which])
#define COUNT(which) SETTING_COUNT, offsetof(struct limits, max[which])

/* What --help calls the value is N or BYTES. A minimum leaves room for a page with one image. An
 * image's files and attributes have as many bits as the maxima need (image.h), and the parser
 * itself goes no deeper than 1000. */
static const struct setting rows[LIMITS] = {
    [LIMIT_BODY_BYTES] = {"max_body_bytes", BYTES(LIMIT_BODY_BYTES), 4 * KIB, GIB, NULL, "16M",
                          "BYTES", "bytes of an answer"},
    [LIMIT_HEADER_BYTES] = {"max_header_bytes", BYTES(LIMIT_HEADER_BYTES), KIB, MIB, NULL, "64k",
                            "BYTES", "bytes of an answer's headers"},
    [LIMIT_PAGES] = {"max_pages", COUNT(LIMIT_PAGES), 1, 1000000, NULL, "10000", "N",
                     "pages of a list"},
    [LIMIT_IMAGES] = {"max_images", COUNT(LIMIT_IMAGES), 1, 2000000, NULL, "2000000", "N",
                      "images of a list"},
    [LIMIT_RECORDS] = {"max_records", COUNT(LIMIT_RECORDS), 1, 1000000, NULL, "100000", "N",
                       "records of a page"},
    [LIMIT_RECORD_BYTES] = {"max_record_bytes", BYTES(LIMIT_RECORD_BYTES), KIB, 32 * MIB - 1, NULL,
                            "4M", "BYTES", "bytes of a record"},
    [LIMIT_ATTRIBUTES] = {"max_attributes", COUNT(LIMIT_ATTRIBUTES), 1, 16000, NULL, "1000", "N",
                          "attributes of a record"},
    [LIMIT_VALUE_BYTES] = {"max_value_bytes", BYTES(LIMIT_VALUE_BYTES), 256, 32 * MIB - 1, NULL,
                           "1M", "BYTES", "bytes of an attribute's value"},
    [LIMIT_NODES] = {"max_nodes", COUNT(LIMIT_NODES), 16, 10000000, NULL, "100000", "N",
                     "values in a record"},
    [LIMIT_DEPTH] = {"max_depth", COUNT(LIMIT_DEPTH), 2, 1000, NULL, "64", "N",
                     "levels of nesting in a record"},
};

/* What "standard" above says. */
const struct limits limits_standard = {
    .max =
        {
            [LIMIT_BODY_BYTES] = 16 * MIB,
            [LIMIT_HEADER_BYTES] = 64 * KIB,
            [LIMIT_PAGES] = 10000,
            [LIMIT_IMAGES] = 2000000,
            [LIMIT_RECORDS] = 100000,
            [LIMIT_RECORD_BYTES] = 4 * MIB,
            [LIMIT_ATTRIBUTES] = 1000,
            [LIMIT_VALUE_BYTES] = MIB,
            [LIMIT_NODES] = 100000,
            [LIMIT_DEPTH] = 64,
        },
};

const struct setting *limits_rows(void)
{
    return rows;
}

const char *limits_name(enum limit which)
{
    return rows[which].name;
}

bool limits_exceeded(const struct limits *l, enum limit which, size_t amount)
{
    if (amount <= (uint64_t)l->max[which])
        return false;
    if (l->counters)
        atomic_fetch_add(&l->counters->over[which], 1);
    return true;
}

void limits_describe(const struct limits *l, enum limit which, char out[static 120])
{
    snprintf(out, 120, "more %s than %s=%" PRId64 " allows", rows[which].help, rows[which].name,
             l->max[which]);
}

void limits_add_names(unsigned set, struct strbuf *out)
{
    const char *between = "";
    for (unsigned i = 0; i < LIMITS; i++) {
        if (!(set & 1u << i))
            continue;
        strbuf_printf(out, "%s%s", between, rows[i].name);
        between = ", ";
    }
}

void limits_add_counters(const struct limits_counters *c, struct strbuf *out)
{
    strbuf_add_char(out, '{');
    for (unsigned i = 0; i < LIMITS; i++)
        strbuf_printf(out, "%s\"%s\": %llu", i ? ", " : "", rows[i].name, atomic_load(&c->over[i]));
    strbuf_add_char(out, '}');
}
