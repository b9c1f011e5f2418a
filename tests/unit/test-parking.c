// SPDX-License-Identifier: Apache-2.0
#include "imsfs/parking.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdatomic.h>

#include <cmocka.h>

#define LIST 7
#define DATA 1u
#define SETTLED 2u
#define REQUESTS 3000

struct request {
    struct parked parked;
    atomic_int answers;
};

static void park(struct parking *lot, struct request *r, unsigned events)
{
    r->parked.key = r;
    r->parked.list = LIST;
    r->parked.events = events;
    parking_add(lot, &r->parked);
}

static void an_event_takes_those_who_wait_for_it(void **state)
{
    (void)state;
    struct parking lot;
    struct request r[4] = {0};
    static const unsigned events[] = {DATA, SETTLED, DATA | SETTLED, DATA};
    parking_init(&lot);
    for (size_t i = 0; i < ARRAY_SIZE(r); i++) {
        park(&lot, &r[i], events[i]);
        if (i < 3)
            assert_true(parking_arm(&lot, &r[i].parked));
    }
    struct parked *taken = parking_take_all(&lot, LIST, DATA);
    assert_ptr_equal(taken, &r[0].parked);
    assert_ptr_equal(taken->next, &r[2].parked);
    assert_null(taken->next->next);
    assert_int_equal(parking_count(&lot), 2);
    assert_null(parking_take_all(&lot, LIST, DATA)); /* the last one is not armed */
    assert_true(parking_arm(&lot, &r[3].parked));
    taken = parking_take_all(&lot, LIST, DATA | SETTLED);
    assert_ptr_equal(taken, &r[1].parked);
    assert_ptr_equal(taken->next, &r[3].parked);
    assert_int_equal(parking_count(&lot), 0);
    parking_deinit(&lot);
}

static void an_event_of_another_list_takes_nobody(void **state)
{
    (void)state;
    struct parking lot;
    struct request r = {0}, other = {0};
    parking_init(&lot);
    park(&lot, &r, DATA);
    assert_true(parking_arm(&lot, &r.parked));
    other.parked.key = &other;
    other.parked.events = DATA | SETTLED;
    parking_add(&lot, &other.parked);
    assert_true(parking_arm(&lot, &other.parked));
    assert_null(parking_take_all(&lot, LIST + 1, DATA | SETTLED));
    assert_null(parking_take_all(&lot, 0, 0));
    struct parked *taken = parking_take_all(&lot, 0, DATA);
    assert_ptr_equal(taken, &other.parked);
    assert_null(taken->next);
    assert_ptr_equal(parking_take_all(&lot, LIST, DATA), &r.parked);
    parking_deinit(&lot);
}

static void who_takes_it_first_has_it(void **state)
{
    (void)state;
    struct parking lot;
    struct request r = {0}, other = {0};
    parking_init(&lot);
    park(&lot, &r, DATA);
    park(&lot, &other, DATA);
    assert_true(parking_arm(&lot, &r.parked));
    assert_true(parking_take(&lot, &r.parked));
    assert_false(parking_take(&lot, &r.parked));
    assert_null(parking_interrupt(&lot, &r));
    assert_null(parking_take_all(&lot, LIST, DATA));
    assert_int_equal(parking_count(&lot), 1);
    assert_false(parking_take(&lot, &other.parked)); /* its parker is still at work on it */
    assert_true(parking_arm(&lot, &other.parked));
    assert_true(parking_take(&lot, &other.parked));
    parking_deinit(&lot);
}

static void an_interrupt_takes_an_armed_request(void **state)
{
    (void)state;
    struct parking lot;
    struct request r = {0}, other = {0};
    parking_init(&lot);
    park(&lot, &other, DATA);
    park(&lot, &r, DATA);
    assert_true(parking_arm(&lot, &other.parked));
    assert_true(parking_arm(&lot, &r.parked));
    assert_null(parking_interrupt(&lot, &lot));
    assert_null(parking_interrupt(&lot, NULL));
    assert_ptr_equal(parking_interrupt(&lot, &r), &r.parked);
    assert_null(parking_interrupt(&lot, &r));
    assert_int_equal(parking_count(&lot), 1);
    assert_true(parking_take(&lot, &other.parked));
    parking_deinit(&lot);
}

static void an_interrupt_before_arming_is_told_to_the_parker(void **state)
{
    (void)state;
    struct parking lot;
    struct request r = {0};
    parking_init(&lot);
    park(&lot, &r, DATA);
    assert_null(parking_interrupt(&lot, &r));
    assert_int_equal(parking_count(&lot), 1);
    assert_false(parking_arm(&lot, &r.parked));
    assert_int_equal(parking_count(&lot), 0);
    assert_null(parking_take_all(&lot, LIST, DATA));
    /* Parked again, it is a new request. */
    park(&lot, &r, DATA);
    assert_true(parking_arm(&lot, &r.parked));
    assert_true(parking_take(&lot, &r.parked));
    parking_deinit(&lot);
}

/* --- Threads --- */

struct crowd {
    struct parking lot;
    struct request *requests;
    atomic_bool done;
};

static void answer(struct parked *p)
{
    atomic_fetch_add(&((struct request *)p)->answers, 1);
}

static void *park_all(void *ctx)
{
    struct crowd *crowd = ctx;
    for (size_t i = 0; i < REQUESTS; i++) {
        struct request *r = &crowd->requests[i];
        park(&crowd->lot, r, i % 2 ? DATA : SETTLED);
        if (!parking_arm(&crowd->lot, &r->parked))
            answer(&r->parked);
        else if (i % 3 == 0 && parking_take(&crowd->lot, &r->parked))
            answer(&r->parked);
    }
    atomic_store(&crowd->done, true);
    return NULL;
}

static void *wake(void *ctx)
{
    struct crowd *crowd = ctx;
    bool last;
    do {
        last = atomic_load(&crowd->done);
        struct parked *p = parking_take_all(&crowd->lot, LIST, DATA | SETTLED);
        while (p) {
            struct parked *next = p->next;
            answer(p);
            p = next;
        }
    } while (!last);
    return NULL;
}

static void *interrupt(void *ctx)
{
    struct crowd *crowd = ctx;
    for (size_t i = 0; !atomic_load(&crowd->done); i = (i + 1) % REQUESTS) {
        struct parked *p = parking_interrupt(&crowd->lot, &crowd->requests[i]);
        if (p)
            answer(p);
    }
    return NULL;
}

static void every_request_is_answered_once(void **state)
{
    (void)state;
    static void *(*const work[])(void *) = {park_all, wake, wake, interrupt};
    struct crowd crowd = {.requests = calloc(REQUESTS, sizeof(struct request))};
    pthread_t threads[ARRAY_SIZE(work)];
    assert_non_null(crowd.requests);
    parking_init(&crowd.lot);
    for (size_t i = 0; i < ARRAY_SIZE(work); i++)
        assert_int_equal(pthread_create(&threads[i], NULL, work[i], &crowd), 0);
    for (size_t i = 0; i < ARRAY_SIZE(work); i++)
        pthread_join(threads[i], NULL);
    for (size_t i = 0; i < REQUESTS; i++)
        if (atomic_load(&crowd.requests[i].answers) != 1)
            fail_msg("request %zu: %d answers", i, atomic_load(&crowd.requests[i].answers));
    assert_int_equal(parking_count(&crowd.lot), 0);
    parking_deinit(&crowd.lot);
    free(crowd.requests);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(an_event_takes_those_who_wait_for_it),
        cmocka_unit_test(an_event_of_another_list_takes_nobody),
        cmocka_unit_test(who_takes_it_first_has_it),
        cmocka_unit_test(an_interrupt_takes_an_armed_request),
        cmocka_unit_test(an_interrupt_before_arming_is_told_to_the_parker),
        cmocka_unit_test(every_request_is_answered_once),
    };
    return cmocka_run_group_tests_name("parking", tests, NULL, NULL);
}
