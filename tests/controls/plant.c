// SPDX-License-Identifier: Apache-2.0
/*
 * Faults on purpose: imsfs-planted is imsfs with these. IMSFS_PLANT names the one that it commits
 * before main(); without it there is none. tests/controls/test_controls.py shows that each turns a
 * test red.
 */
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <imsfs/base.h>

static int shared;

static void lose_memory(void)
{
    char *volatile lost = malloc(16);
    strcpy(lost, "lost");
    lost = NULL;
}

static void use_after_free(void)
{
    char *volatile gone = calloc(1, 16);
    free(gone);
    if (gone[3])
        putchar('\n');
}

static void *count(void *unused)
{
    for (int i = 0; i < 1000; i++)
        shared++;
    return unused;
}

static void race(void)
{
    pthread_t thread;
    if (pthread_create(&thread, NULL, count, NULL) != 0)
        return;
    count(NULL);
    pthread_join(thread, NULL);
}

static void overflow(void)
{
    volatile int most = 0x7fffffff;
    most = most + 1;
}

/* The token of tests/mount/canary.py, which finds it; in two parts, for it looks into programs,
 * too. */
static void tell_token(void)
{
    fprintf(stderr, "imsfs: GET /v2/images with %s-token-5b2f\n", "canary");
}

__attribute__((constructor)) static void plant(void)
{
    const char *name = getenv("IMSFS_PLANT");
    const struct {
        const char *name;
        void (*act)(void);
    } faults[] = {
        {"leak", lose_memory}, {"use-after-free", use_after_free},
        {"race", race},        {"overflow", overflow},
        {"token", tell_token},
    };
    for (size_t i = 0; name && i < ARRAY_SIZE(faults); i++)
        if (strcmp(name, faults[i].name) == 0)
            faults[i].act();
}
