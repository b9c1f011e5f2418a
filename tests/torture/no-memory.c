// SPDX-License-Identifier: Apache-2.0
/*
 * no-memory: a library to preload that counts what imsfs and its libraries allocate, and refuses
 * some of it. The environment says what:
 *
 *   TORTURE_REPORT  a file of sizeof(struct report) bytes: counted there while imsfs runs
 *   TORTURE_TRACE   a file that gets the stack of the first allocation refused
 *   TORTURE_AT      the first allocation (from 1) to refuse; 0: none
 *   TORTURE_COUNT   how many in a row are refused
 *
 * It stands before a sanitizer's allocator, if there is one. It counts what a program named imsfs
 * allocates, from the moment that all libraries are loaded; what is allocated before main has begun
 * is the loader's. Any thread.
 */
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>
#include <unwind.h>

#include "allocator.h"

struct report {
    _Atomic uint64_t counted;
    _Atomic uint64_t refused;
    _Atomic uint64_t before; /* so many do not count for TORTURE_AT; whoever runs us writes it */
};

static struct report *report; /* NULL: not begun, as anywhere but in imsfs */
static uint64_t first;
static uint64_t in_a_row;
static const char *trace_path;

/* Of libgcc_s, which must not be loaded for us: imsfs has to have it, or its end needs memory. */
static __typeof__(_Unwind_Backtrace) *unwind; /* NULL: it is not there */
static __typeof__(_Unwind_GetIP) *address_of;

/* --- who is refused --- */

static _Unwind_Reason_Code write_frame(struct _Unwind_Context *frame, void *ctx)
{
    const int *fd = ctx;
    Dl_info place;
    uintptr_t at = address_of(frame);
    if (at != 0 && dladdr((void *)at, &place))
        dprintf(*fd, "%s %#zx\n", place.dli_fname, (size_t)(at - (uintptr_t)place.dli_fbase));
    return _URC_NO_REASON;
}

/* FILE OFFSET of each frame, for addr2line. */
static void write_trace(void)
{
    int fd = open(trace_path, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600);
    if (fd < 0)
        return;
    unwind(write_frame, &fd);
    close(fd);
}

static _Thread_local bool inside; /* what we call must not be refused */

static bool refuse(void)
{
    if (!report || inside)
        return false;
    uint64_t n = atomic_fetch_add(&report->counted, 1) + 1;
    uint64_t before = atomic_load(&report->before), at = before + first;
    if (first == 0 || at < first || n < at || n - at >= in_a_row)
        return false;
    inside = true;
    if (atomic_fetch_add(&report->refused, 1) == 0 && trace_path && unwind)
        write_trace();
    inside = false;
    return true;
}

static uint64_t number_of(const char *name)
{
    const char *text = getenv(name);
    return text ? strtoull(text, NULL, 10) : 0;
}

__attribute__((constructor)) static void begin(void)
{
    const char *path = getenv("TORTURE_REPORT");
    if (!path || strcmp(program_invocation_short_name, "imsfs") != 0)
        return;
    int fd = open(path, O_RDWR | O_CLOEXEC);
    void *mapped = mmap(NULL, sizeof(*report), PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
    close(fd);
    if (mapped == MAP_FAILED)
        abort();
    unwind = (__typeof__(unwind))dlsym(RTLD_DEFAULT, "_Unwind_Backtrace");
    address_of = (__typeof__(address_of))dlsym(RTLD_DEFAULT, "_Unwind_GetIP");
    trace_path = getenv("TORTURE_TRACE");
    first = number_of("TORTURE_AT");
    in_a_row = number_of("TORTURE_COUNT");
    report = mapped;
}

/* A sanitizer asks this when a thread begins, and ends the process if it gets no answer. */
EXPORT int pthread_getattr_np(pthread_t thread, pthread_attr_t *attr)
{
    NEXT(pthread_getattr_np);
    inside = true;
    int r = real(thread, attr);
    inside = false;
    return r;
}
