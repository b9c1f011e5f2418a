// SPDX-License-Identifier: Apache-2.0
#include "imsfs/memory.h"

#include <malloc.h>

#define MIB (1 << 20)

void memory_setup(void)
{
    /* What one thread frees another must be able to use: lanes take turns with lists, and the
     * notifier frees them. Small pieces come from caches of the threads all the same. */
    mallopt(M_ARENA_MAX, 1);
    /* A page of a list and a large array leave no hole behind; an answer of a worker (1 MiB at
     * most) is not mapped anew each time. Said once, it stays so. */
    mallopt(M_MMAP_THRESHOLD, MIB);
    mallopt(M_TRIM_THRESHOLD, MIB);
}

void memory_freed(size_t bytes)
{
    if (bytes >= MIB)
        malloc_trim(0);
}
