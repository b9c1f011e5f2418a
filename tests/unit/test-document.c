// SPDX-License-Identifier: Apache-2.0
#include "imsfs/document.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#include "imsfs/secret.h"

static char *dir;

static int setup(void **state)
{
    (void)state;
    static char name[] = "/tmp/imsfs-document-XXXXXX";
    dir = mkdtemp(name);
    return dir ? 0 : -1;
}

static int teardown(void **state)
{
    (void)state;
    return rmdir(dir);
}

static const char *path_of(const char *name)
{
    static char path[256];
    snprintf(path, sizeof(path), "%s/%s", dir, name);
    return path;
}

static const char *write_file(const char *name, mode_t mode, struct bytes text)
{
    const char *path = path_of(name);
    FILE *f = fopen(path, "we");
    assert_non_null(f);
    assert_int_equal(fwrite(text.data, 1, text.len, f), text.len);
    assert_int_equal(fclose(f), 0);
    assert_int_equal(chmod(path, mode), 0);
    return path;
}

/* Writes, reads and removes a file. */
static int read_text(struct document *d, const char *name, const char *text, struct strbuf *why)
{
    const char *path = write_file(name, 0600, bytes_of(text));
    int r = document_read(d, path, why);
    assert_int_equal(unlink(path), 0);
    return r;
}

static void yaml_and_json_become_one(void **state)
{
    (void)state;
    static const struct {
        const char *name, *text, *json;
    } rows[] = {
        {"c.yaml", "a: {b: 1}\n", "{\"a\":{\"b\":\"1\"}}"},
        {"c.yml", "a: yes\n", "{\"a\":true}"},
        {"c.json", "{\"a\": {\"b\": 1.50}, \"c\": null}\r\n", "{\"a\":{\"b\":1.50},\"c\":null}"},
        {"c.json", "{\"p\": \"\\u0041:#\\/\"}", "{\"p\":\"\\u0041:#\\/\"}"},
        {"c.yaml", "{\"a\": {\"b\": \"c\"}}\n", "{\"a\":{\"b\":\"c\"}}"},
        {"c", "a: b\n", "{\"a\":\"b\"}"},
        {"c.yaml", "", "{}"},
        {"c.yaml", "# nothing yet\n", "{}"},
        {"c.json", "", "{}"},
        {"c.json", " \n\t\r\n", "{}"},
        {"c.json", "null", "{}"},
    };
    for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
        struct document d;
        CLEANUP(strbuf_free) struct strbuf why = STRBUF_INIT;
        if (read_text(&d, rows[i].name, rows[i].text, &why) != 0)
            fail_msg("%s", strbuf_str(&why));
        assert_string_equal(strbuf_str(&d.json), rows[i].json);
        assert_string_equal(d.path, path_of(rows[i].name));
        assert_false(d.exposed);
        assert_true(d.json.secret);
        document_free(&d);
    }
}

static void errors_name_the_file_and_the_line(void **state)
{
    (void)state;
    static const struct {
        const char *name, *text, *why;
    } rows[] = {
        {"c.yaml", "a: b\nc: canary: d\n",
         "line 2: mapping values are not allowed in this context"},
        {"c.yaml", "a: b\n---\nc: d\n", "line 2: a second document begins here"},
        {"c.yaml", "canary\n", "not a configuration: names and their values are expected"},
        {"c.yaml", "- a\n", "not a configuration: names and their values are expected"},
        {"c.json", "[]", "not a configuration: names and their values are expected"},
        {"c.json", "\"canary\"", "not a configuration: names and their values are expected"},
        {"c.json", "{\"a\": \"b\",\n\"c\": canary}\n", "line 2: not JSON"},
        {"c.json", "{\"a\": \"b\",\n\n\"c\": tru}\n", "line 3: not JSON"},
        {"c.json", "{\"a\": \"b\",\n}\n", "line 2: not JSON"},
        {"c.json", "{\"a\": \"b\"}\n{}\n", "line 2: not JSON"},
        {"c.json", "{\"a\":\n \"canary", "line 2: not JSON"},
        {"c.json", "\xef\xbb\xbf{}", "line 1: not JSON"},
        {"c.json", "a: b\n", "line 1: not JSON"},
    };
    for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
        struct document d;
        CLEANUP(strbuf_free) struct strbuf why = STRBUF_INIT, expected = STRBUF_INIT;
        assert_int_equal(read_text(&d, rows[i].name, rows[i].text, &why), -EINVAL);
        strbuf_printf(&expected, "%s: %s", path_of(rows[i].name), rows[i].why);
        assert_string_equal(strbuf_str(&why), strbuf_str(&expected));
    }
}

static void deep_json_is_refused(void **state)
{
    (void)state;
    CLEANUP(strbuf_free) struct strbuf text = STRBUF_INIT, why = STRBUF_INIT;
    for (int i = 0; i < 100000; i++)
        strbuf_add_str(&text, i % 50 == 49 ? "[\n" : "[");
    struct document d;
    assert_int_equal(read_text(&d, "c.json", strbuf_str(&text), &why), -EINVAL);
    assert_non_null(strstr(strbuf_str(&why), "c.json: line 2: too much"));
}

static void what_is_no_file_is_told(void **state)
{
    (void)state;
    struct document d;
    CLEANUP(strbuf_free) struct strbuf why = STRBUF_INIT;
    assert_int_equal(document_read(&d, path_of("none.yaml"), &why), -ENOENT);
    const char *path = write_file("file", 0600, bytes_of(""));
    assert_int_equal(document_read(&d, path_of("file/none.yaml"), &why), -ENOENT);
    assert_int_equal(why.len, 0);
    path = path_of("file");
    assert_int_equal(unlink(path), 0);

    assert_int_equal(document_read(&d, dir, &why), -EINVAL);
    assert_non_null(strstr(strbuf_str(&why), ": not a regular file"));
    strbuf_reset(&why);
    path = path_of("c.yaml");
    assert_int_equal(mkfifo(path, 0600), 0);
    assert_int_equal(document_read(&d, path, &why), -EINVAL); /* and does not wait for a writer */
    assert_non_null(strstr(strbuf_str(&why), "c.yaml: not a regular file"));
    assert_int_equal(unlink(path), 0);

    strbuf_reset(&why);
    path = path_of("loop\n.yaml");
    assert_int_equal(symlink("loop\n.yaml", path), 0);
    assert_int_equal(document_read(&d, path, &why), -ELOOP);
    assert_non_null(strstr(strbuf_str(&why), "loop\\x0a.yaml: Too many levels"));
    assert_int_equal(unlink(path), 0);
}

static void large_files_are_refused(void **state)
{
    (void)state;
    static const char line[] = "# 345678901234\n"; /* 16 bytes with its end */
    CLEANUP(strbuf_free) struct strbuf text = STRBUF_INIT, why = STRBUF_INIT;
    strbuf_add_str(&text, "a: b\n#4567890123");
    while (text.len < DOCUMENT_MAX)
        strbuf_add(&text, line, sizeof(line));
    text.data[DOCUMENT_MAX] = '\0';
    for (size_t i = 0; i < DOCUMENT_MAX; i++)
        if (text.data[i] == '\0')
            text.data[i] = '\n';
    struct document d;
    if (read_text(&d, "c.yaml", text.data, &why) != 0)
        fail_msg("%s", strbuf_str(&why));
    document_free(&d);
    strbuf_add_str(&text, "\n");
    assert_int_equal(read_text(&d, "c.yaml", text.data, &why), -EINVAL);
    assert_non_null(strstr(strbuf_str(&why), "too large"));
}

static void files_that_others_can_read_are_exposed(void **state)
{
    (void)state;
    static const struct {
        mode_t mode;
        bool exposed;
    } rows[] = {{0600, false}, {0400, false}, {0700, false}, {0640, true},
                {0604, true},  {0644, true},  {0440, true},  {0622, false}};
    for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
        struct document d;
        CLEANUP(strbuf_free) struct strbuf why = STRBUF_INIT;
        const char *path = write_file("c.yaml", rows[i].mode, bytes_of("a: b\n"));
        assert_int_equal(document_read(&d, path, &why), 0);
        assert_int_equal(d.exposed, rows[i].exposed);
        document_free(&d);
        assert_int_equal(unlink(path), 0);
    }
}

static void members_are_found_by_what_their_names_mean(void **state)
{
    (void)state;
    struct bytes object =
        bytes_of("{\"a\":1,\"\\u0062\":[2],\"a\":{\"c\":\"x\"},\"n\":7,\"n\":null,"
                 "\"a\\u0000\":3,\"\":4}");
    assert_true(bytes_are(document_member(object, "a"), "{\"c\":\"x\"}"));
    assert_true(bytes_are(document_member(object, "b"), "[2]"));
    assert_true(bytes_are(document_member(object, ""), "4"));
    assert_true(bytes_are(document_member(document_member(object, "a"), "c"), "\"x\""));
    assert_null(document_member(object, "n").data);
    assert_null(document_member(object, "c").data);
    static const char *const others[] = {"[\"a\",1]", "\"a\"", "1", "null", "[]", "{}"};
    for (size_t i = 0; i < ARRAY_SIZE(others); i++)
        assert_null(document_member(bytes_of(others[i]), "a").data);
    assert_null(document_member((struct bytes){NULL, 0}, "a").data);
}

static void scalars_have_a_text(void **state)
{
    (void)state;
    static const struct {
        const char *value, *text; /* NULL: none */
    } rows[] = {
        {"\"a\\n\\u00fc\"", "a\n\303\274"},
        {"\"\"", ""},
        {"1.50", "1.50"},
        {"true", "true"},
        {"\"a\\u0000b\"", NULL},
        {"[]", NULL},
        {"{}", NULL},
        {"", NULL},
    };
    for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
        CLEANUP(secret_free) char *text = NULL;
        int r = document_text(bytes_of(rows[i].value), &text);
        assert_int_equal(r, rows[i].text ? 0 : -EINVAL);
        if (rows[i].text)
            assert_string_equal(text, rows[i].text);
        else
            assert_null(text);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(yaml_and_json_become_one),
        cmocka_unit_test(errors_name_the_file_and_the_line),
        cmocka_unit_test(deep_json_is_refused),
        cmocka_unit_test(what_is_no_file_is_told),
        cmocka_unit_test(large_files_are_refused),
        cmocka_unit_test(files_that_others_can_read_are_exposed),
        cmocka_unit_test(members_are_found_by_what_their_names_mean),
        cmocka_unit_test(scalars_have_a_text),
    };
    return cmocka_run_group_tests_name("document", tests, setup, teardown);
}
