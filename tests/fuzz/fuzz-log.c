// SPDX-License-Identifier: Apache-2.0
/* Whatever is logged is one line that a terminal does not obey. */
#include <stdio.h>
#include <sys/mman.h>
#include <unistd.h>

#include "fuzz.h"
#include "imsfs/log.h"
#include "imsfs/strbuf.h"

#define LINE_SIZE 8192

/* Where a sanitizer would tell of something while stderr is ours. */
__attribute__((weak)) void __sanitizer_set_report_fd(void *fd);

static int sink, stderr_copy;

void fuzz_begin(void)
{
    sink = memfd_create("log", MFD_CLOEXEC);
    stderr_copy = dup(STDERR_FILENO);
    CHECK(sink >= 0 && stderr_copy >= 0);
    if (__sanitizer_set_report_fd)
        __sanitizer_set_report_fd((void *)(intptr_t)stderr_copy);
}

/* What log_line() writes. */
static size_t logged(char out[static LINE_SIZE], const char *text)
{
    CHECK(ftruncate(sink, 0) == 0 && lseek(sink, 0, SEEK_SET) == 0);
    dup2(sink, STDERR_FILENO);
    log_warning("%s", text);
    dup2(stderr_copy, STDERR_FILENO);
    ssize_t n = pread(sink, out, LINE_SIZE, 0);
    CHECK(n > 0 && n < LINE_SIZE);
    return (size_t)n;
}

static void check_line(struct bytes text)
{
    char line[LINE_SIZE];
    CLEANUP(strbuf_free) struct strbuf copy = STRBUF_INIT;
    strbuf_add(&copy, text.data, text.len);
    size_t len = logged(line, strbuf_str(&copy));
    CHECK(len >= 8 && memcmp(line, "imsfs: ", 7) == 0 && line[len - 1] == '\n');
    CHECK(fuzz_is_plain((struct bytes){line, len - 1}));
}

static int hex(char c)
{
    return c <= '9' ? c - '0' : c - 'a' + 10;
}

/* Whether shown is the escaped form of a start of text: it decodes to that, and to nothing else. */
static size_t unescaped(struct bytes shown, struct bytes text)
{
    size_t n = 0;
    for (size_t i = 0; i < shown.len; i++, n++) {
        char c = shown.data[i];
        if (c == '\\') {
            CHECK(shown.len - i >= 4 && shown.data[i + 1] == 'x');
            c = (char)(hex(shown.data[i + 2]) << 4 | hex(shown.data[i + 3]));
            i += 3;
        }
        CHECK(n < text.len && text.data[n] == c);
    }
    return n;
}

static void check_escape(struct bytes text, size_t size)
{
    CLEANUP(free_ptr) char *out = malloc(size);
    CHECK(out);
    size_t len = log_escape(out, size, text);
    CHECK(len < size && strlen(out) == len);
    CHECK(fuzz_is_plain((struct bytes){out, len}));
    CHECK(unescaped((struct bytes){out, len}, text) == text.len || len + 17 > size);
}

void fuzz_one(struct bytes input)
{
    check_escape(input, 1);
    check_escape(input, 1 + (input.len ? (unsigned char)input.data[0] : 0));
    check_escape(input, 4 * input.len + 1);
    check_line(input);
}
