// SPDX-License-Identifier: Apache-2.0
/* route: where criteria go, by tables, for each way in which the dialect may be known. */
#include "imsfs/route.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

#define OTC "https://ims.eu-de.otc.t-systems.com"
#define ELSEWHERE "https://glance.example.com:9292/image"

static struct route route_for(const char *api, const char *dialect, const char *service)
{
    struct route r;
    route_init(&r, list_call_find(api));
    route_set_service(&r, route_dialect_called(dialect), service);
    return r;
}

static void test_dialects(void **state)
{
    static const struct {
        const char *api, *said, *service;
        enum query_dialect dialect;
    } rows[] = {
        {"images", NULL, OTC, QUERY_DIALECT_IMS},
        {"images", NULL, "https://ims.eu-ch2.sc.otc.t-systems.com/v2", QUERY_DIALECT_IMS},
        {"images", NULL, "https://ims.cn-north-4.myhuaweicloud.com", QUERY_DIALECT_IMS},
        {"images", NULL, "https://ims.eu-west-101.myhuaweicloud.eu:443/", QUERY_DIALECT_IMS},
        {"images", NULL, ELSEWHERE, QUERY_DIALECT_UNKNOWN},
        {"images", NULL, "https://evil-myhuaweicloud.com", QUERY_DIALECT_UNKNOWN},
        {"images", NULL, "https://myhuaweicloud.com.example.com", QUERY_DIALECT_UNKNOWN},
        {"images", NULL, NULL, QUERY_DIALECT_UNKNOWN},
        {"images", "other", NULL, QUERY_DIALECT_UNKNOWN},
        {"images", "ims", ELSEWHERE, QUERY_DIALECT_IMS},
        {"images", "glance", OTC, QUERY_DIALECT_GLANCE},
        {"cloudimages", NULL, ELSEWHERE, QUERY_DIALECT_IMS},
        {"cloudimages", NULL, NULL, QUERY_DIALECT_IMS},
    };
    (void)state;
    for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
        struct route r = route_for(rows[i].api, rows[i].said, rows[i].service);
        if (route_dialect(&r) != rows[i].dialect)
            fail_msg("row %zu: %d", i, route_dialect(&r));
    }
}

static void test_own_api(void **state)
{
    static const struct {
        const char *api;
        enum query_dialect dialect;
        const char *filter, *own;
    } rows[] = {
        {"images", QUERY_DIALECT_IMS, NULL, "images"},
        {"images", QUERY_DIALECT_IMS, "status=active", "images"},
        {"images", QUERY_DIALECT_IMS, "status=active&flavor_id=x", "cloudimages"},
        {"images", QUERY_DIALECT_UNKNOWN, "flavor_id=x", "cloudimages"},
        {"images", QUERY_DIALECT_IMS, "architecture=arm", "cloudimages"},
        {"images", QUERY_DIALECT_GLANCE, "architecture=arm", "images"},
        {"cloudimages", QUERY_DIALECT_IMS, "status=active", "cloudimages"},
        {"file", QUERY_DIALECT_IMS, "virtual_env_type=Ironic", "file"},
    };
    (void)state;
    for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
        struct query *filter = NULL;
        struct query_error err;
        if (rows[i].filter)
            assert_int_equal(
                query_parse(&filter, bytes_of(rows[i].filter), QUERY_DIALECT_UNKNOWN, &err), 0);
        assert_string_equal(route_own_api(rows[i].api, rows[i].dialect, filter), rows[i].own);
        query_free(filter);
    }
}

static struct route_plan plan(const struct route *r, const char *text)
{
    struct query *q = NULL;
    struct query_error err = {""};
    assert_int_equal(query_parse(&q, bytes_of(text), QUERY_DIALECT_UNKNOWN, &err), 0);
    struct route_plan p = route_query(r, q, &err);
    assert_int_equal(p.step == ROUTE_REFUSE, err.text[0] != '\0');
    assert_int_equal(p.step == ROUTE_REFUSE, p.error != 0);
    assert_int_equal(p.step == ROUTE_REFUSE, p.call == NULL);
    query_free(q);
    return p;
}

/* i: to images, c: to cloudimages, p: a probe, V: EINVAL, O: EOPNOTSUPP. */
static char letter(const struct route *r, const char *text)
{
    struct route_plan p = plan(r, text);
    if (p.step == ROUTE_REFUSE)
        return p.error == -EINVAL ? 'V' : p.error == -EOPNOTSUPP ? 'O' : '?';
    if (p.step == ROUTE_PROBE)
        return streq(p.call->name, "cloudimages") ? 'p' : '?';
    return p.call->name[0];
}

static const struct {
    const char *text;
    /* unknown, ims, glance said; a mount of cloudimages; ims that lacks cloudimages */
    const char *letters;
} plans[] = {
    {"", "iiici"},
    {"__os_type=Linux&limit=5", "iiici"},
    {"member_status=pending&visibility=shared", "iiici"},
    {"__support_new=1", "iiici"},
    {"__whole_image=true", "pcOcO"},
    {"__system__cmkid=x", "pcOcO"},
    {"flavor_id=x&__os_type=Linux", "pcOcO"},
    {"virtual_env_type=Ironic", "pcOcO"},
    {"enterprise_project_id=0", "pcOcO"},
    {"architecture=arm", "pcicO"},
    {"architecture=aarch64", "pcicO"},
    {"my_property=x", "pViVV"},
    {"os_hidden=true", "pViVV"},
    {"size_min=5", "pViVV"},
    {"sort_key=updated_at", "pViVV"},
    {"member_status=all", "pViVV"},
    {"visibility=community", "iiici"},
    {"architecture=arm&os_hidden=true", "pViVV"},
};

static void test_plans(void **state)
{
    struct route routes[] = {
        route_for("images", NULL, ELSEWHERE), route_for("images", "ims", NULL),
        route_for("images", "glance", NULL),  route_for("cloudimages", NULL, NULL),
        route_for("images", NULL, OTC),
    };
    (void)state;
    assert_true(route_learn(&routes[4], 404));
    for (size_t i = 0; i < ARRAY_SIZE(plans); i++)
        for (size_t k = 0; k < ARRAY_SIZE(routes); k++)
            if (letter(&routes[k], plans[i].text) != plans[i].letters[k])
                fail_msg("%s: column %zu is %c", plans[i].text, k,
                         letter(&routes[k], plans[i].text));
}

static void test_learning(void **state)
{
    static const struct {
        int status;
        bool learned;
        const char *property, *cloud; /* what then becomes of a property and of cloudimages' own */
    } rows[] = {
        {200, true, "V", "c"},  {400, true, "V", "c"},  {401, false, "p", "p"},
        {404, true, "i", "O"},  {0, false, "p", "p"},   {403, false, "p", "p"},
        {429, false, "p", "p"}, {500, false, "p", "p"}, {503, false, "p", "p"},
    };
    (void)state;
    for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
        struct route r = route_for("images", NULL, ELSEWHERE);
        assert_int_equal(letter(&r, "my_property=x"), 'p');
        assert_int_equal(route_learn(&r, rows[i].status), rows[i].learned);
        if (letter(&r, "my_property=x") != rows[i].property[0] ||
            letter(&r, "flavor_id=x") != rows[i].cloud[0])
            fail_msg("status %d", rows[i].status);
        /* What says nothing does not make it forget. */
        route_learn(&r, 503);
        assert_int_equal(letter(&r, "flavor_id=x"), rows[i].cloud[0]);
        route_forget(&r);
        assert_int_equal(letter(&r, "flavor_id=x"), 'p');
    }
}

/* What is given stays whatever the service answers; what it lacks is asked for again only later. */
static void test_given_dialect_stays(void **state)
{
    struct route r = route_for("images", NULL, OTC);
    (void)state;
    assert_true(route_learn(&r, 404));
    assert_int_equal(route_dialect(&r), QUERY_DIALECT_IMS);
    assert_int_equal(letter(&r, "flavor_id=x"), 'O');
    route_forget(&r);
    assert_int_equal(letter(&r, "flavor_id=x"), 'c');
    assert_true(route_learn(&r, 404));
    assert_true(route_learn(&r, 200));
    assert_int_equal(letter(&r, "flavor_id=x"), 'c');
    route_set_service(&r, QUERY_DIALECT_UNKNOWN, ELSEWHERE);
    assert_int_equal(letter(&r, "flavor_id=x"), 'p');
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_dialects),
        cmocka_unit_test(test_own_api),
        cmocka_unit_test(test_plans),
        cmocka_unit_test(test_learning),
        cmocka_unit_test(test_given_dialect_stays),
    };
    return cmocka_run_group_tests_name("route", tests, NULL, NULL);
}
