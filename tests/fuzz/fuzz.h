// SPDX-License-Identifier: Apache-2.0
/*
 * fuzz: what the fuzz targets share. A target is one fuzz_one(); libFuzzer calls it with bytes of
 * its own making, replay.c with those of the corpus, so both are the same test. One thread.
 */
#ifndef TESTS_FUZZ_H
#define TESTS_FUZZ_H

#include "imsfs/base.h"

/* Each target has it: any bytes, in a block of exactly their size. Ends the process where something
 * does not hold that must. What it allocates it frees. */
void fuzz_one(struct bytes input);
/* Once, before the first; does nothing unless the target has one of its own. */
void fuzz_begin(void);

#define CHECK(condition)                               \
    do {                                               \
        if (!(condition))                              \
            fuzz_fail(__FILE__, __LINE__, #condition); \
    } while (0)
_Noreturn void fuzz_fail(const char *file, int line, const char *condition);

/* What stands before the next 0x1E (in ASCII: between two records), or all there is; cuts it off.
 */
struct bytes fuzz_cut(struct bytes *rest);
/* Whether text is UTF-8 that cannot deceive a reader: no control bytes, so one line at most. */
bool fuzz_is_plain(struct bytes text);
/* Whether it can be the name of a file. */
bool fuzz_is_component(struct bytes text);

#endif
