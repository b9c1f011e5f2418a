// SPDX-License-Identifier: Apache-2.0
#include "imsfs/services.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <sys/mman.h>
#include <unistd.h>

#include <cmocka.h>

#include "imsfs/log.h"

#define IMAGE(endpoints) "{\"type\":\"image\",\"name\":\"glance\",\"endpoints\":[" endpoints "]}"
#define COMPUTE                                                                           \
    "{\"type\":\"compute\",\"endpoints\":[{\"interface\":\"public\",\"region_id\":\"R\"," \
    "\"url\":\"https://nova\"}]}"
#define AT(interface, region, url)                                          \
    "{\"id\":\"5a64\",\"interface\":\"" interface "\",\"region\":\"" region \
    "\",\"region_id\":\"" region "\",\"url\":\"" url "\"}"

/* Two regions, with the interfaces of both spellings. */
static const char two_regions[] =
    "[" COMPUTE
    "," IMAGE(AT("admin", "R1", "https://a1") "," AT("internal", "R1", "https://i1") "," AT(
        "public", "R1", "https://p1/v2/") "," AT("publicURL", "R2", "https://p2/image")) "]";

static void the_endpoint_is_found(void **state)
{
    (void)state;
    static const struct {
        const char *catalog, *interface, *region, *url;
    } rows[] = {
        {"[" IMAGE(AT("public", "RegionOne", "https://image.example.com")) "]", "public",
         "RegionOne", "https://image.example.com"},
        {two_regions, "public", "R1", "https://p1/v2/"},
        {two_regions, NULL, "R1", "https://p1/v2/"},
        {two_regions, "publicURL", "R1", "https://p1/v2/"},
        {two_regions, "public", "R2", "https://p2/image"},
        {two_regions, "internal", "R1", "https://i1"},
        {two_regions, "internalURL", "R1", "https://i1"},
        {two_regions, "internal", NULL, "https://i1"},
        {two_regions, "admin", NULL, "https://a1"},
        {"[" IMAGE("{\"interface\":\"public\",\"region_id\":\"R\",\"url\":\"x\"}") "]", NULL, "R",
         "x"},
        {"[" IMAGE("{\"interface\":\"public\",\"region\":\"R\",\"url\":\"x\"}") "]", NULL, "R",
         "x"},
        {"[" IMAGE("{\"interface\":\"public\",\"region_id\":null,\"url\":\"x\"}") "]", NULL, NULL,
         "x"},
        {"[" IMAGE("") "," IMAGE(AT("public", "R", "https:\\/\\/x")) "]", NULL, "R", "https://x"},
    };
    for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
        CLEANUP(free_ptr) char *url = NULL;
        CLEANUP(strbuf_free) struct strbuf why = STRBUF_INIT;
        if (services_find_image(bytes_of(rows[i].catalog), rows[i].interface, rows[i].region, &url,
                                &why) != 0)
            fail_msg("row %zu: %s", i, strbuf_str(&why));
        assert_string_equal(url, rows[i].url);
        assert_int_equal(why.len, 0);
    }
}

/* What a call writes to standard error. */
static void find_and_listen(const char *region, char **url, char *heard, size_t size)
{
    int saved = dup(STDERR_FILENO), file = memfd_create("stderr", MFD_CLOEXEC);
    assert_true(saved >= 0 && file >= 0 && dup2(file, STDERR_FILENO) >= 0);
    CLEANUP(strbuf_free) struct strbuf why = STRBUF_INIT;
    int r = services_find_image(bytes_of(two_regions), NULL, region, url, &why);
    assert_true(dup2(saved, STDERR_FILENO) >= 0);
    ssize_t n = pread(file, heard, size - 1, 0);
    assert_true(n >= 0);
    heard[n] = '\0';
    close(saved);
    close(file);
    assert_int_equal(r, 0);
}

static void of_several_regions_the_first_is_taken_and_said_so(void **state)
{
    (void)state;
    char heard[512];
    CLEANUP(free_ptr) char *first = NULL;
    CLEANUP(free_ptr) char *named = NULL;
    find_and_listen(NULL, &first, heard, sizeof(heard));
    assert_string_equal(first, "https://p1/v2/");
    assert_non_null(strstr(heard, "(R1, R2)"));
    assert_non_null(strstr(heard, "OS_REGION_NAME"));
    find_and_listen("R2", &named, heard, sizeof(heard));
    assert_string_equal(named, "https://p2/image");
    assert_string_equal(heard, "");
}

static void errors_list_what_there_is(void **state)
{
    (void)state;
    static const struct {
        const char *catalog, *interface, *region, *why;
    } rows[] = {
        {"[" COMPUTE ",{\"type\":\"identity\"}," COMPUTE "]", NULL, NULL,
         "the cloud's catalog has no image service; it has compute, identity"},
        {"[]", NULL, NULL, "the cloud's catalog has no image service; it has nothing"},
        {"", NULL, NULL, "the cloud's catalog has no image service; it has nothing"},
        {two_regions, NULL, "R3", "the catalog has no image service in region R3; it has R1, R2"},
        {two_regions, NULL, "r1", "the catalog has no image service in region r1; it has R1, R2"},
        {two_regions, NULL, "R",
         "the catalog has no image service in region R; it has R1, R2"}, /* only compute */
        {two_regions, "admin", "R2",
         "the image service has no interface admin in this region; it has public"},
        {two_regions, "nonsense", NULL,
         "the image service has no interface nonsense; it has admin, internal, public"},
        {two_regions, "URL", NULL,
         "the image service has no interface URL; it has admin, internal, public"},
        {"[" IMAGE("") "]", NULL, NULL, "the image service has no address in the catalog"},
        {"[" IMAGE("{\"interface\":\"public\",\"region\":\"R\"}") "]", NULL, NULL,
         "the image service has no address in the catalog"},
        {"[" IMAGE(AT("public", "\\u001b[31m\\u202e\\n", "x")) "]", NULL, "R\n",
         "the catalog has no image service in region R\\x0a; it has "
         "\\x1b[31m\\xe2\\x80\\xae\\x0a"},
    };
    for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
        CLEANUP(strbuf_free) struct strbuf why = STRBUF_INIT;
        char *url = NULL;
        assert_int_equal(services_find_image(bytes_of(rows[i].catalog), rows[i].interface,
                                             rows[i].region, &url, &why),
                         -ENOENT);
        assert_string_equal(strbuf_str(&why), rows[i].why);
        assert_null(url);
    }
}

/* What has another shape than it should is passed over, not believed and not tripped over. */
static void odd_shapes_are_passed_over(void **state)
{
    (void)state;
    static const char *const odd[] = {
        "null",
        "7",
        "\"image\"",
        "[]",
        "{}",
        "[[\"image\"]]",
        "{\"type\":\"image\"}",
        "{\"type\":[\"image\"],\"endpoints\":[" AT("public", "R", "https://evil") "]}",
        "{\"type\":\"image\\u0000x\",\"endpoints\":[" AT("public", "R", "https://evil") "]}",
        "{\"type\":\"IMAGE\",\"endpoints\":[" AT("public", "R", "https://evil") "]}",
        "{\"type\":\"image\",\"endpoints\":" AT("public", "R", "https://evil") "}",
        "{\"type\":\"image\",\"endpoints\":null}",
        IMAGE("null,7,\"x\",[],{}"),
        IMAGE("{\"interface\":7,\"region\":\"R\",\"url\":\"https://evil\"}"),
        IMAGE("{\"interface\":\"public\",\"region\":[\"R\"],\"url\":\"https://evil\"}"),
        IMAGE("{\"interface\":\"public\",\"region\":\"R\",\"url\":{\"a\":\"https://evil\"}}"),
        IMAGE("{\"interface\":\"public\",\"region\":\"R\",\"url\":\"\"}"),
        IMAGE("{\"interface\":\"public\",\"region\":\"R\",\"url\":\"https://evil\\u0000\"}"),
    };
    for (size_t i = 0; i < ARRAY_SIZE(odd); i++) {
        CLEANUP(strbuf_free) struct strbuf why = STRBUF_INIT, catalog = STRBUF_INIT;
        CLEANUP(free_ptr) char *url = NULL;
        strbuf_printf(&catalog, "[%s,%s]", odd[i], IMAGE(AT("public", "R", "https://good")));
        assert_int_equal(services_find_image(strbuf_bytes(&catalog), NULL, "R", &url, &why), 0);
        assert_string_equal(url, "https://good");
        assert_int_equal(services_find_image(bytes_of(odd[i]), NULL, "R", &url, &why), -ENOENT);
    }
}

static void lists_are_bounded(void **state)
{
    (void)state;
    CLEANUP(strbuf_free) struct strbuf why = STRBUF_INIT, catalog = STRBUF_INIT;
    strbuf_add_str(&catalog, "[{\"type\":\"");
    for (int i = 0; i < 1000; i++)
        strbuf_add_str(&catalog, "x");
    strbuf_add_str(&catalog, "\"}");
    for (int i = 0; i < 15; i++)
        strbuf_printf(&catalog, ",{\"type\":\"t%d\"}", i);
    char *url = NULL;
    CLEANUP(strbuf_free) struct strbuf whole = STRBUF_INIT;
    strbuf_printf(&whole, "%s]", strbuf_str(&catalog));
    assert_int_equal(services_find_image(strbuf_bytes(&whole), NULL, NULL, &url, &why), -ENOENT);
    assert_non_null(strstr(strbuf_str(&why), "xxxx, t0, t1, "));
    assert_string_equal(strstr(strbuf_str(&why), ", t13"), ", t13, t14");
    assert_true(why.len < 250);

    for (int i = 10; i < 5000; i++)
        strbuf_printf(&catalog, ",{\"type\":\"t%d\"}", i);
    strbuf_add_str(&catalog, "]");
    strbuf_reset(&why);
    assert_int_equal(services_find_image(strbuf_bytes(&catalog), NULL, NULL, &url, &why), -ENOENT);
    assert_non_null(strstr(strbuf_str(&why), ", t14 and more"));
    assert_true(why.len < 250);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_endpoint_is_found),
        cmocka_unit_test(of_several_regions_the_first_is_taken_and_said_so),
        cmocka_unit_test(errors_list_what_there_is),
        cmocka_unit_test(odd_shapes_are_passed_over),
        cmocka_unit_test(lists_are_bounded),
    };
    log_setup(LOG_SINK_STDERR, LOG_LEVEL_INFO);
    return cmocka_run_group_tests_name("services", tests, NULL, NULL);
}
