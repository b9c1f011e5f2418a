// SPDX-License-Identifier: Apache-2.0
/*
 * rule: images that are computed, not stored: any number of them in no memory, the same ones each
 * time. Each is what its number makes it: 46 attributes, some 1,370 bytes; ids and names of their
 * own; types, platforms and states in about the shares that clouds have; created a minute after the
 * one before. Pure.
 */
#ifndef SIM_RULE_H
#define SIM_RULE_H

#include "imsfs/strbuf.h"

#define RULE_ID_SIZE 37 /* with its NUL */

/* Numbers first to first + count - 1. */
struct rule {
    uint32_t first, count;
    uint32_t step;  /* rule_next() goes on by so many */
    uint32_t names; /* so many images in a row have names of their own, then these come again; 0:
                       all have */
};

/* "N", "N+STEP", "N/NAMES" or "N+STEP/NAMES", each up to 16,000,000. False: another text. */
bool rule_parse(struct rule *rule, const char *text);
/* The oldest leave, new ones come. */
struct rule rule_next(struct rule rule);

/* Added to out: the record, compact. */
void rule_add_json(const struct rule *rule, uint32_t number, struct strbuf *out);
void rule_id(uint32_t number, char out[static RULE_ID_SIZE]);
/* The number of an id; false: no number has it. */
bool rule_find(struct bytes id, uint32_t *number);

#endif
