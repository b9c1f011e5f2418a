// SPDX-License-Identifier: Apache-2.0
/*
 * memory: how malloc(3) is used by a process whose lists come and go.
 *
 * A list is made of very many small pieces, and goes when another is there. Left alone, glibc gives
 * each thread pieces of its own, raises by itself the size from which it asks the system directly,
 * and keeps what was freed below anything that is still in use.
 */
#ifndef IMSFS_MEMORY_H
#define IMSFS_MEMORY_H

#include "imsfs/base.h"

/* Before there is a second thread. */
void memory_setup(void);
/* About so many bytes were freed in small pieces: when that is much, they go back to the system.
 * May take some ms then, for which others wait who allocate. Any thread. */
void memory_freed(size_t bytes);

#endif
