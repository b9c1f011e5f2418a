// SPDX-License-Identifier: Apache-2.0
#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdlib.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "imsfs/follower.h"
#include "leave-out.h"

static cpu_set_t at_first;
static unsigned moves;
static bool refused;

/* In place of libc's, also for the follower. */
int sched_setaffinity(pid_t pid, size_t size, const cpu_set_t *set)
{
    moves++;
    if (!refused)
        return syscall(SYS_sched_setaffinity, pid, size, set) < 0 ? -1 : 0;
    errno = EINVAL;
    return -1;
}

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

static void allow(pid_t pid, cpu_set_t set)
{
    assert_int_equal(sched_setaffinity(pid, sizeof(set), &set), 0);
}

static void pin(pid_t pid, int cpu)
{
    allow(pid, only(cpu));
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

struct scene {
    struct follower_run run;
    struct follower follower;
    pid_t model;
    pid_t clients[2];
};

static void serve(struct scene *s, pid_t client, unsigned times)
{
    while (times-- > 0)
        follower_serve(&s->follower, client);
}

static int set_up(void **state)
{
    struct scene *s = calloc(1, sizeof(*s));
    assert_non_null(s);
    allow(0, at_first);
    s->model = client_on(cpu_number(0));
    allow(s->model, at_first);
    for (size_t i = 0; i < ARRAY_SIZE(s->clients); i++)
        s->clients[i] = client_on(cpu_number(0));
    follower_start(&s->follower, &s->run, s->model);
    *state = s;
    return 0;
}

static int tear_down(void **state)
{
    struct scene *s = *state;
    refused = false;
    follower_end(&s->follower);
    end_client(s->model);
    for (size_t i = 0; i < ARRAY_SIZE(s->clients); i++)
        end_client(s->clients[i]);
    free(s);
    allow(0, at_first);
    return 0;
}

static void test_goes_where_the_client_is(void **state)
{
    struct scene *s = *state;
    for (int nth = 0; nth < 2 && cpu_number(nth) >= 0; nth++) {
        pid_t client = client_on(cpu_number(nth));
        serve(s, client, FOLLOWER_ALONE - 1);
        assert_may_run_on(at_first);
        serve(s, client, 1);
        assert_may_run_on(only(cpu_number(nth)));
        end_client(client);
    }
}

static void test_goes_on_when_the_client_moves(void **state)
{
    struct scene *s = *state;
    if (cpu_number(1) < 0)
        LEAVE_OUT("there is one CPU");
    serve(s, s->clients[0], FOLLOWER_ALONE);
    pin(s->clients[0], cpu_number(1));
    serve(s, s->clients[0], 1);
    assert_may_run_on(only(cpu_number(1)));
}

static void test_leaves_when_another_comes(void **state)
{
    struct scene *s = *state;
    serve(s, s->clients[0], 2 * FOLLOWER_ALONE);
    assert_may_run_on(only(cpu_number(0)));
    serve(s, s->clients[1], 1);
    assert_may_run_on(at_first);
    serve(s, s->clients[0], FOLLOWER_ALONE - 1);
    assert_may_run_on(at_first);
    serve(s, s->clients[0], 1);
    assert_may_run_on(only(cpu_number(0)));
}

static void test_several_cost_nothing(void **state)
{
    struct scene *s = *state;
    moves = 0;
    for (unsigned i = 0; i < 10 * FOLLOWER_ALONE; i++)
        serve(s, s->clients[i % 2], 1);
    assert_int_equal(moves, 0);
    assert_int_equal(s->follower.seen, 0);
    assert_may_run_on(at_first);
}

static void test_one_that_stays_costs_one_move(void **state)
{
    struct scene *s = *state;
    moves = 0;
    serve(s, s->clients[0], 10 * FOLLOWER_ALONE);
    assert_int_equal(moves, 1);
}

static void test_counts_what_others_serve(void **state)
{
    struct scene *s = *state;
    struct follower other;
    follower_start(&other, &s->run, s->model);
    serve(s, s->clients[0], FOLLOWER_ALONE - 1);
    follower_serve(&other, s->clients[1]);
    serve(s, s->clients[0], FOLLOWER_ALONE - 1);
    assert_may_run_on(at_first);
    follower_serve(&other, s->clients[0]);
    assert_may_run_on(only(cpu_number(0)));
    follower_end(&other);
}

static void test_nobody_changes_nothing(void **state)
{
    struct scene *s = *state;
    serve(s, s->clients[0], FOLLOWER_ALONE - 1);
    serve(s, 0, 1);
    serve(s, s->clients[0], 1);
    assert_may_run_on(only(cpu_number(0)));
    serve(s, 0, 1);
    assert_may_run_on(only(cpu_number(0)));
}

static void test_who_is_gone_is_not_followed(void **state)
{
    struct scene *s = *state;
    pid_t client = client_on(cpu_number(0));
    serve(s, client, FOLLOWER_ALONE);
    assert_may_run_on(only(cpu_number(0)));
    end_client(client);
    serve(s, client, 1);
    assert_may_run_on(at_first);
    serve(s, INT32_MAX, FOLLOWER_ALONE);
    assert_may_run_on(at_first);
}

static void test_stays_where_the_model_may_run(void **state)
{
    struct scene *s = *state;
    if (cpu_number(1) < 0)
        LEAVE_OUT("there is one CPU");
    serve(s, s->clients[0], FOLLOWER_ALONE);
    assert_may_run_on(only(cpu_number(0)));
    pin(s->model, cpu_number(1)); /* the client is where we may not be any more */
    serve(s, s->clients[1], FOLLOWER_ALONE);
    assert_may_run_on(only(cpu_number(1)));
    allow(s->model, at_first);
    serve(s, s->clients[0], 1);
    serve(s, s->clients[1], FOLLOWER_ALONE);
    assert_may_run_on(only(cpu_number(0)));
    serve(s, s->clients[0], 1);
    assert_may_run_on(at_first);
}

static void test_what_is_refused_is_not_tried_again(void **state)
{
    struct scene *s = *state;
    refused = true;
    moves = 0;
    serve(s, s->clients[0], 10 * FOLLOWER_ALONE);
    assert_int_equal(moves, 1);
    assert_may_run_on(at_first);
    refused = false;
    serve(s, s->clients[1], FOLLOWER_ALONE);
    assert_may_run_on(only(cpu_number(0)));
}

static int open_files(void)
{
    int count = 0;
    for (int fd = 0; fd < 256; fd++)
        count += fcntl(fd, F_GETFD) >= 0;
    return count;
}

static void test_keeps_one_file_open(void **state)
{
    struct scene *s = *state;
    int before = open_files();
    for (unsigned i = 0; i < 6; i++) {
        serve(s, s->clients[i % 2], FOLLOWER_ALONE);
        assert_int_equal(open_files(), before + 1);
    }
    follower_end(&s->follower);
    assert_int_equal(open_files(), before);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(test_goes_where_the_client_is),      TEST(test_goes_on_when_the_client_moves),
        TEST(test_leaves_when_another_comes),     TEST(test_several_cost_nothing),
        TEST(test_one_that_stays_costs_one_move), TEST(test_counts_what_others_serve),
        TEST(test_nobody_changes_nothing),        TEST(test_who_is_gone_is_not_followed),
        TEST(test_stays_where_the_model_may_run), TEST(test_what_is_refused_is_not_tried_again),
        TEST(test_keeps_one_file_open),
    };
    sched_getaffinity(0, sizeof(at_first), &at_first);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
