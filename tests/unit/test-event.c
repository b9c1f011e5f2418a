// SPDX-License-Identifier: Apache-2.0
#include "imsfs/event.h"

#include <poll.h>
#include <setjmp.h>
#include <stdarg.h>
#include <unistd.h>

#include <cmocka.h>

struct fixture {
    int pipes[2][2];
    char order[8];
    size_t count;
    size_t enough; /* so many bytes end the wait */
};

static bool take(struct fixture *f, int which)
{
    char byte;
    assert_int_equal(read(f->pipes[which][0], &byte, 1), 1);
    assert_true(f->count < sizeof(f->order) - 1);
    f->order[f->count++] = byte;
    return f->count < f->enough;
}

static bool on_first(void *ctx)
{
    return take(ctx, 0);
}

static bool on_second(void *ctx)
{
    return take(ctx, 1);
}

static bool on_never(void *ctx)
{
    (void)ctx;
    fail_msg("nothing happened there");
    return false;
}

static void test_handlers(void **state)
{
    struct fixture f = {.enough = 4};
    (void)state;
    for (int i = 0; i < 2; i++)
        assert_int_equal(pipe(f.pipes[i]), 0);
    assert_int_equal(write(f.pipes[0][1], "ab", 2), 2);
    assert_int_equal(write(f.pipes[1][1], "xyz", 3), 3);
    const struct event events[] = {
        {-1, POLLIN, on_never},
        {f.pipes[0][0], POLLIN, on_first},
        {f.pipes[1][0], POLLIN, on_second},
    };
    event_wait(events, ARRAY_SIZE(events), &f);
    assert_string_equal(f.order, "axby");
    f.enough = 5; /* what is left is still there for the next wait */
    event_wait(events, ARRAY_SIZE(events), &f);
    assert_string_equal(f.order, "axbyz");
    for (int i = 0; i < 2; i++) {
        close(f.pipes[i][0]);
        close(f.pipes[i][1]);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_handlers),
    };
    return cmocka_run_group_tests_name("event", tests, NULL, NULL);
}
