// SPDX-License-Identifier: Apache-2.0
#include "fuzz.h"

#include <stdio.h>

#include "imsfs/utf8.h"

/* What libFuzzer calls. */
int LLVMFuzzerInitialize(int *argc, char ***argv);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerInitialize(int *argc, char ***argv)
{
    (void)argc;
    (void)argv;
    fuzz_begin();
    return 0;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    fuzz_one((struct bytes){(const char *)data, size});
    return 0;
}

__attribute__((weak)) void fuzz_begin(void)
{
}

void fuzz_fail(const char *file, int line, const char *condition)
{
    fprintf(stderr, "%s:%d: does not hold: %s\n", file, line, condition);
    abort();
}

struct bytes fuzz_cut(struct bytes *rest)
{
    const char *end = rest->len ? memchr(rest->data, 0x1E, rest->len) : NULL;
    struct bytes part = {rest->data, end ? (size_t)(end - rest->data) : rest->len};
    size_t used = part.len + (end != NULL);
    *rest = (struct bytes){rest->data + used, rest->len - used};
    return part;
}

bool fuzz_is_plain(struct bytes text)
{
    for (size_t i = 0, used; i < text.len; i += used) {
        uint32_t code;
        used = utf8_decode(text.data + i, text.len - i, &code);
        if (!used || utf8_is_deceptive(code))
            return false;
    }
    return true;
}

bool fuzz_is_component(struct bytes text)
{
    return text.len >= 1 && text.len <= 255 && !memchr(text.data, '/', text.len) &&
           !bytes_are(text, ".") && !bytes_are(text, "..") && fuzz_is_plain(text);
}
