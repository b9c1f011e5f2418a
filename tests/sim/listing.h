// SPDX-License-Identifier: Apache-2.0
/*
 * listing: both list calls over the data, as their documents and a real Glance answer them. Pure;
 * any thread.
 */
#ifndef SIM_LISTING_H
#define SIM_LISTING_H

#include "answer.h"
#include "data.h"

struct listing_rules {
    unsigned limit_max; /* a larger limit is cut to it, silently, as Glance does */
    bool exact_next; /* no next on the last page, as the documents say; Glance has one on every full
                        page */
    bool plain_glance; /* no cloudimages: Glance's rules where IMS has others */
};

/* Answers GET /v2/images or /v2/cloudimages with this query string (as it came; "" for none). */
void listing_answer(struct answer *out, struct data *d, const struct listing_rules *rules,
                    enum answer_service service, struct bytes text, const char *accept);

#endif
