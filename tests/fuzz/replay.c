// SPDX-License-Identifier: Apache-2.0
/*
 * Gives a target the files of folders, one after the other: its corpus, where every finding stays.
 * Needs no fuzzer and any compiler. Usage: replay-TARGET FILE-OR-FOLDER...
 */
#include <ftw.h>
#include <stdio.h>
#include <sys/stat.h>

#include "fuzz.h"

static size_t files; /* nftw() passes nothing on */

static int replay(const char *path, const struct stat *st, int kind, struct FTW *at)
{
    (void)at;
    if (kind != FTW_F || !S_ISREG(st->st_mode))
        return 0;
    size_t size = (size_t)st->st_size;
    CLEANUP(free_ptr) char *data = malloc(size + !size);
    FILE *file = fopen(path, "rbe");
    CHECK(data && file && fread(data, 1, size, file) == size);
    fclose(file);
    fprintf(stderr, "%s\n", path); /* so that the last one is the culprit */
    fuzz_one((struct bytes){data, size});
    files++;
    return 0;
}

int main(int argc, char **argv)
{
    fuzz_begin();
    for (int i = 1; i < argc; i++)
        CHECK(nftw(argv[i], replay, 8, FTW_PHYS) == 0);
    printf("%zu inputs\n", files);
    return files ? 0 : 1;
}
