// SPDX-License-Identifier: Apache-2.0
/* What decode makes of texts, for test_json.py: reads and writes "LENGTH\n" and so many bytes;
 * "-\n" is a text that is no JSON, "+\n" one over a limit. */
#include <errno.h>
#include <stdio.h>

#include "imsfs/compact.h"

int main(void)
{
    size_t len;
    CLEANUP(strbuf_free) struct strbuf out = STRBUF_INIT;
    while (scanf("%zu", &len) == 1 && getchar() == '\n') {
        CLEANUP(free_ptr) char *text = malloc(len + !len);
        if (!text || fread(text, 1, len, stdin) != len)
            return 1;
        int r = compact_text((struct bytes){text, len}, &limits_standard, &out);
        if (r < 0)
            printf("%c\n", r == -E2BIG ? '+' : '-');
        else
            printf("%zu\n%s", out.len, strbuf_str(&out));
    }
    return 0;
}
