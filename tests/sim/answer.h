// SPDX-License-Identifier: Apache-2.0
/*
 * answer: what goes back over the wire: a page of a list, or an error in the shape that its sender
 * gives it. Plain values; the owner calls answer_free(). Any thread.
 */
#ifndef SIM_ANSWER_H
#define SIM_ANSWER_H

#include "imsfs/strbuf.h"

enum answer_service { ANSWER_GLANCE, ANSWER_CLOUDIMAGES };

struct answer {
    unsigned status;
    const char *content_type;
    struct strbuf body;
    size_t count;         /* images in it */
    unsigned retry_after; /* seconds; 0: no such header */
};

void answer_free(struct answer *a);

/*
 * An error of a service: what Glance (the native call), IMS and the gateway in front of it
 * (cloudimages, 401, 429), or the load balancer (502, 503, 504) say. message and code (of IMS) may
 * be NULL: the usual ones. Glance's form follows accept as Glance does: JSON for exactly
 * application/json, text for none and text/plain, else HTML.
 */
void answer_error(struct answer *a, enum answer_service service, unsigned status,
                  const char *message, const char *code, const char *accept);

#endif
