// SPDX-License-Identifier: Apache-2.0
/*
 * hold: how long to keep away from a service that has refused our proof. Five wrong signatures in a
 * row lock a key pair for five minutes (Huawei Cloud), and Keystone may lock a user: so after one
 * refusal nothing is sent for a minute, after each further one for twice as long, up to half an
 * hour. Pure; the owner serialises the calls. Times are milliseconds of one struct clock.
 */
#ifndef IMSFS_HOLD_H
#define IMSFS_HOLD_H

#include "imsfs/base.h"

#define HOLD_FIRST_MS 60000
#define HOLD_MAX_MS (30 * 60000)

struct hold {
    unsigned refusals; /* in a row */
    int64_t until_ms;
};

void hold_refused(struct hold *h, int64_t now_ms);
void hold_accepted(struct hold *h);
/* What is left; 0: it may be tried. */
int64_t hold_left_ms(const struct hold *h, int64_t now_ms);

#endif
