// SPDX-License-Identifier: Apache-2.0
#include "imsfs/clouds.h"

#include <errno.h>

#include "../torture/allocator.h"
#include "home.h"
#include "leave-out.h"

static size_t counted;
static size_t refuse_at; /* from 1; 0: none */

static bool refuse(void)
{
    return refuse_at && ++counted == refuse_at;
}

static const char *const one = "clouds: {only: {region_name: r}}\n";

/* The only cloud's name, from wherever it is found. */
static void assert_only_cloud(const char *expected)
{
    CLEANUP(clouds_free) struct clouds c = {0};
    CLEANUP(strbuf_free) struct strbuf why = STRBUF_INIT;
    CLEANUP(free_ptr) char *name = NULL;
    int r = clouds_read(&c, &why);
    if (r == 0)
        r = clouds_pick(&c, NULL, &name, &why);
    if (r < 0)
        fail_msg("%s: %s", expected, strbuf_str(&why));
    assert_string_equal(name, expected);
}

static void assert_read_fails(int error, const char *part)
{
    struct clouds c;
    CLEANUP(strbuf_free) struct strbuf why = STRBUF_INIT;
    assert_int_equal(clouds_read(&c, &why), error);
    if (!strstr(strbuf_str(&why), part) || strchr(strbuf_str(&why), '\n'))
        fail_msg("%s", strbuf_str(&why));
}

static void assert_pick_fails(const char *name, const char *expected)
{
    CLEANUP(clouds_free) struct clouds c = {0};
    CLEANUP(strbuf_free) struct strbuf why = STRBUF_INIT;
    char *picked = NULL;
    assert_int_equal(clouds_read(&c, &why), 0);
    assert_int_equal(clouds_pick(&c, name, &picked, &why), -ENOENT);
    assert_null(picked);
    if (!strstr(strbuf_str(&why), expected) || strchr(strbuf_str(&why), '\n'))
        fail_msg("%s", strbuf_str(&why));
}

/* Of several none is the only one, whichever could not be read. */
static void no_cloud_is_picked_for_want_of_memory(void **state)
{
    (void)state;
    CLEANUP(clouds_free) struct clouds c = {0};
    CLEANUP(strbuf_free) struct strbuf why = STRBUF_INIT;
    home_write("work/clouds.yaml", "clouds: {one: {}, two: {}}\n");
    assert_int_equal(clouds_read(&c, &why), 0);
    do {
        char *name = NULL;
        counted = 0;
        refuse_at++;
        int r = clouds_pick(&c, NULL, &name, &why);
        assert_true(r == -ENOMEM || r == -ENOENT);
    } while (counted >= refuse_at);
    assert_true(refuse_at > 2);
    refuse_at = 0;
}

/* Each place is written after the one that it goes before. */
static void the_first_file_counts(void **state)
{
    (void)state;
    home_write("etc/openstack/clouds.json", "{\"clouds\": {\"site-json\": {}}}");
    assert_only_cloud("site-json");
    home_write("etc/openstack/clouds.yaml", "clouds: {site: {}}");
    assert_only_cloud("site");
    home_write("home/.config/openstack/clouds.json", "{\"clouds\": {\"home-json\": {}}}");
    assert_only_cloud("home-json");
    home_write("home/.config/openstack/clouds.yml", "clouds: {home-yml: {}}");
    assert_only_cloud("home-yml");
    home_write("home/.config/openstack/clouds.yaml", "clouds: {home: {}}");
    assert_only_cloud("home");
    home_write("xdg/openstack/clouds.json", "{\"clouds\": {\"xdg\": {}}}");
    setenv("XDG_CONFIG_HOME", home_path("xdg"), 1);
    assert_only_cloud("xdg");
    home_write("work/clouds.json", "{\"clouds\": {\"work-json\": {}}}");
    assert_only_cloud("work-json");
    home_write("work/clouds.yml", "clouds: {work: {}}");
    assert_only_cloud("work");
    home_write("named", "clouds: {named: {}}");
    setenv("OS_CLIENT_CONFIG_FILE", home_path("named"), 1);
    assert_only_cloud("named");
    assert_int_equal(home_logged("imsfs:"), 0);
}

static void a_named_file_that_is_missing_is_told(void **state)
{
    (void)state;
    home_write("work/clouds.yaml", one);
    setenv("OS_CLIENT_CONFIG_FILE", home_path("missing"), 1);
    assert_only_cloud("only");
    assert_int_equal(home_logged("OS_CLIENT_CONFIG_FILE"), 1);
    assert_int_equal(home_logged("/missing"), 1);
}

static void relative_places_are_none(void **state)
{
    (void)state;
    home_write("work/x/openstack/clouds.yaml", one);
    setenv("XDG_CONFIG_HOME", "x", 1);
    setenv("XDG_CONFIG_DIRS", "x::", 1);
    setenv("HOME", "x", 1);
    assert_pick_fails(NULL, "there is no clouds.yaml");
    setenv("XDG_CONFIG_DIRS", home_path("work/x"), 1);
    assert_only_cloud("only");
}

static void a_file_of_another_user_in_the_working_directory_is_refused(void **state)
{
    (void)state;
    if (geteuid() != 0)
        LEAVE_OUT("it takes root");
    static const char *const files[] = {"clouds.yaml", "secure.yaml", "clouds-public.yaml"};
    home_write("home/.config/openstack/clouds.yaml", one);
    for (size_t i = 0; i < 3; i++) {
        home_write("work/clouds.yaml", one);
        home_write("work/secure.yaml", one);
        home_write("work/clouds-public.yaml", "public-clouds: {}");
        assert_only_cloud("only");
        assert_return_code(chown(files[i], 12345, 12345), 0);
        assert_read_fails(-EPERM, "belongs to another user");
        unlink(files[i]);
    }
    /* Elsewhere it is what the administrator or the user says. */
    home_write("named", one);
    assert_return_code(chown(home_path("named"), 12345, 12345), 0);
    setenv("OS_CLIENT_CONFIG_FILE", home_path("named"), 1);
    assert_only_cloud("only");
    /* Root's files are as good as our own. */
    unsetenv("OS_CLIENT_CONFIG_FILE");
    home_write("work/clouds.yaml", one);
    chmod("clouds.yaml", 0644);
    assert_return_code(seteuid(12345), 0);
    unsetenv("HOME");
    assert_only_cloud("only");
    assert_return_code(seteuid(0), 0);
}

static void a_file_that_may_not_be_read_is_passed_over(void **state)
{
    (void)state;
    if (geteuid() != 0)
        LEAVE_OUT("it takes root");
    home_write("work/clouds.yaml", one);
    home_write("etc/openstack/clouds.yaml", "clouds: {site: {}}");
    chmod(home_path("etc/openstack/clouds.yaml"), 0644);
    assert_return_code(seteuid(12345), 0);
    assert_only_cloud("site");
    assert_return_code(seteuid(0), 0);
    assert_int_equal(home_logged("work/clouds.yaml"), 1);
}

static void what_makes_no_sense_is_an_error(void **state)
{
    (void)state;
    static const char *const texts[] = {"clouds: [a, b]", "clouds: x", "a: [", "- clouds"};
    home_write("home/.config/openstack/clouds.yaml", one);
    for (size_t i = 0; i < ARRAY_SIZE(texts); i++) {
        home_write("work/clouds.yaml", texts[i]);
        assert_read_fails(-EINVAL, "work/clouds.yaml");
    }
    home_write("work/clouds.yaml", one);
    home_write("work/secure.yaml", "clouds: 3");
    assert_read_fails(-EINVAL, "work/secure.yaml");
    unlink("secure.yaml");
    home_write("work/clouds-public.yaml", "public-clouds: 3");
    assert_read_fails(-EINVAL, "work/clouds-public.yaml");
}

static void the_choice_is_listed(void **state)
{
    (void)state;
    assert_pick_fails(NULL, "there is no clouds.yaml");
    assert_pick_fails("x", "x: taken as the name of a cloud");
    home_write("work/clouds.yaml", "");
    assert_pick_fails(NULL, "there is no cloud in ");
    home_write("work/clouds.yaml", "clouds: {b: {}, a: {}}");
    assert_pick_fails("x", "there is no cloud called x in ");
    assert_pick_fails("x", "/work/clouds.yaml, which has b, a");
    assert_pick_fails(NULL, "/work/clouds.yaml has several clouds; name one in OS_CLOUD or as "
                            "SOURCE: b, a");
    home_write("work/secure.yaml", "clouds: {a: {}, c: {}}");
    assert_pick_fails("x", "which has b, a, c");
}

static void the_list_is_bounded_and_printable(void **state)
{
    (void)state;
    home_write("work/clouds.yaml", "clouds: {\"a\\n\\e[31mb\": {}, c: {}}");
    assert_pick_fails("x", "has a\\x0a\\x1b[31mb, c");
    CLEANUP(strbuf_free) struct strbuf text = STRBUF_INIT;
    strbuf_add_str(&text, "clouds:\n");
    for (int i = 0; i < 100; i++)
        strbuf_printf(&text, "  n%d: {}\n", i);
    home_write("work/clouds.yaml", strbuf_str(&text));
    assert_pick_fails("x", "n0, n1, n2,");
    assert_pick_fails("x", ", n19 and 80 more");
    strbuf_reset(&text);
    strbuf_add_str(&text, "clouds: {");
    for (int i = 0; i < 1000; i++)
        strbuf_add_char(&text, 'x');
    strbuf_add_str(&text, ": {}, b: {}}");
    home_write("work/clouds.yaml", strbuf_str(&text));
    assert_pick_fails("y", "xxx, b");
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, home_begin, home_end)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(no_cloud_is_picked_for_want_of_memory),
        TEST(the_first_file_counts),
        TEST(a_named_file_that_is_missing_is_told),
        TEST(relative_places_are_none),
        TEST(a_file_of_another_user_in_the_working_directory_is_refused),
        TEST(a_file_that_may_not_be_read_is_passed_over),
        TEST(what_makes_no_sense_is_an_error),
        TEST(the_choice_is_listed),
        TEST(the_list_is_bounded_and_printable),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
