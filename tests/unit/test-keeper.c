// SPDX-License-Identifier: Apache-2.0
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <sys/mman.h>
#include <sys/sysmacros.h>
#include <sys/wait.h>
#include <unistd.h>

#include "imsfs/keeper.h"
#include "imsfs/log.h"

static int *forgotten; /* by how many; shared with the keepers */

static void forget(void *ctx)
{
    (void)ctx;
    ++*forgotten;
}

static void start(struct keeper *k)
{
    char name[] = "imsfs", point[] = "/nowhere";
    char *argv[] = {name, point, NULL};
    *k = KEEPER_INIT;
    *forgotten = 0;
    assert_int_equal(keeper_start(k, "/nowhere", argv, forget, NULL), 0);
    assert_string_equal(name, "imsfs"); /* ours stays */
}

static void it_is_clean_when_it_was_started(void **state)
{
    (void)state;
    char path[64], text[64] = "";
    struct keeper k;
    start(&k);
    assert_int_equal(*forgotten, 1);
    snprintf(path, sizeof(path), "/proc/%d/comm", k.pid);
    FILE *f = fopen(path, "r");
    assert_non_null(f);
    assert_non_null(fgets(text, sizeof(text), f));
    fclose(f);
    assert_string_equal(text, "imsfs-keeper\n");
    keeper_stop(&k);
    assert_int_equal(k.fd, -1);
    assert_int_equal(waitpid(-1, NULL, WNOHANG), -1);
    keeper_stop(&k); /* is no more than nothing */
}

/* Nobody waits for one that is dead. */
static void it_says_what_went_wrong(void **state)
{
    (void)state;
    struct keeper k;
    start(&k);
    assert_int_equal(keeper_unmount(&k, 0, true), -ENOENT);
    keeper_stop(&k);
    start(&k);
    assert_int_equal(keeper_unmount(&k, makedev(0, 0xfffff), false), 0); /* is mounted nowhere */
    keeper_stop(&k);
    start(&k);
    assert_int_equal(kill(k.pid, SIGKILL), 0);
    assert_int_equal(keeper_unmount(&k, 0, true), -ECHILD);
    keeper_stop(&k);
}

static int set_up(void **state)
{
    (void)state;
    forgotten = mmap(NULL, sizeof(int), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    return forgotten == MAP_FAILED;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(it_is_clean_when_it_was_started),
        cmocka_unit_test(it_says_what_went_wrong),
    };
    return cmocka_run_group_tests_name("keeper", tests, set_up, NULL);
}
