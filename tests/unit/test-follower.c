// SPDX-License-Identifier: Apache-2.0
#include <fcntl.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdlib.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "imsfs/follower.h"

static cpu_set_t at_first;

static int cpu_number(int nth)
{
    for (int cpu = 0; cpu < CPU_SETSIZE; cpu++)
        if (CPU_ISSET((size_t)cpu, &at_first) && nth-- == 0)
            return cpu;
    return -1;
}

static cpu_set_t only(int cpu)
{
    cpu_set_t set;
    CPU_ZERO(&set);
    CPU_SET((size_t)cpu, &set);
    return set;
}

static void assert_may_run_on(cpu_set_t expected)
{
    cpu_set_t now;
    assert_int_equal(sched_getaffinity(0, sizeof(now), &now), 0);
    assert_true(CPU_EQUAL(&now, &expected));
}

static void pin(pid_t pid, int cpu)
{
    const cpu_set_t set = only(cpu);
    assert_int_equal(sched_setaffinity(pid, sizeof(set), &set), 0);
}

/* A process whose command has an odd name, on that CPU. It runs, so it does move when it must. */
static pid_t client_on(int cpu)
{
    int up[2];
    char byte;
    assert_int_equal(pipe(up), 0);
    pid_t pid = fork();
    assert_true(pid >= 0);
    if (pid == 0) {
        prctl(PR_SET_PDEATHSIG, SIGKILL);
        prctl(PR_SET_NAME, "a) S 1 (b) 2");
        pin(0, cpu);
        if (write(up[1], "", 1) == 1)
            for (;;)
                sched_yield();
        _exit(1);
    }
    close(up[1]);
    assert_int_equal(read(up[0], &byte, 1), 1);
    close(up[0]);
    return pid;
}

static void end_client(pid_t pid)
{
    kill(pid, SIGKILL);
    assert_int_equal(waitpid(pid, NULL, 0), pid);
}

static int set_up(void **state)
{
    struct follower *f = malloc(sizeof(*f));
    assert_non_null(f);
    sched_setaffinity(0, sizeof(at_first), &at_first);
    follower_start(f);
    *state = f;
    return 0;
}

static int tear_down(void **state)
{
    follower_end(*state);
    free(*state);
    sched_setaffinity(0, sizeof(at_first), &at_first);
    return 0;
}

static void test_goes_where_the_client_is(void **state)
{
    for (int nth = 0; nth < 2 && cpu_number(nth) >= 0; nth++) {
        pid_t client = client_on(cpu_number(nth));
        follower_serve(*state, client);
        assert_may_run_on(only(cpu_number(nth)));
        end_client(client);
    }
}

static void test_goes_on_when_the_client_moves(void **state)
{
    if (cpu_number(1) < 0)
        skip();
    pid_t client = client_on(cpu_number(0));
    follower_serve(*state, client);
    pin(client, cpu_number(1));
    follower_serve(*state, client);
    assert_may_run_on(only(cpu_number(1)));
    end_client(client);
}

static void test_nobody_changes_nothing(void **state)
{
    pid_t client = client_on(cpu_number(0));
    follower_serve(*state, client);
    follower_serve(*state, 0);
    assert_may_run_on(only(cpu_number(0)));
    end_client(client);
}

static void test_who_is_gone_is_not_followed(void **state)
{
    pid_t client = client_on(cpu_number(0));
    follower_serve(*state, client);
    end_client(client);
    follower_serve(*state, client);
    assert_may_run_on(at_first);
    follower_serve(*state, INT32_MAX);
    assert_may_run_on(at_first);
}

static void test_stays_where_it_may_run(void **state)
{
    if (cpu_number(1) < 0)
        skip();
    const cpu_set_t allowed = only(cpu_number(0));
    assert_int_equal(sched_setaffinity(0, sizeof(allowed), &allowed), 0);
    follower_start(*state);
    pid_t client = client_on(cpu_number(1));
    follower_serve(*state, client);
    assert_may_run_on(allowed);
    end_client(client);
}

static int open_files(void)
{
    int count = 0;
    for (int fd = 0; fd < 256; fd++)
        count += fcntl(fd, F_GETFD) >= 0;
    return count;
}

static void test_keeps_few_files_open(void **state)
{
    pid_t clients[3 * FOLLOWER_CLIENTS];
    int before = open_files();
    for (size_t i = 0; i < ARRAY_SIZE(clients); i++) {
        clients[i] = client_on(cpu_number(0));
        follower_serve(*state, clients[i]);
    }
    assert_in_range(open_files() - before, 1, FOLLOWER_CLIENTS);
    for (size_t i = 0; i < ARRAY_SIZE(clients); i++)
        end_client(clients[i]);
    follower_end(*state);
    assert_int_equal(open_files(), before);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_goes_where_the_client_is, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_goes_on_when_the_client_moves, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_nobody_changes_nothing, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_who_is_gone_is_not_followed, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_stays_where_it_may_run, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_keeps_few_files_open, set_up, tear_down),
    };
    sched_getaffinity(0, sizeof(at_first), &at_first);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
