// SPDX-License-Identifier: Apache-2.0
#include "imsfs/yaml.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

#include "imsfs/json.h"

#define B(literal)                   \
    {                                \
        literal, sizeof(literal) - 1 \
    }

struct row {
    const char *text, *json;
};

static void assert_json(struct bytes text, const char *json)
{
    CLEANUP(strbuf_free) struct strbuf out = STRBUF_SECRET;
    CLEANUP(strbuf_free) struct strbuf why = STRBUF_INIT;
    strbuf_add_str(&out, "old");
    if (yaml_to_json(text, &out, &why) != 0)
        fail_msg("%.*s: %s", (int)text.len, text.data, strbuf_str(&why));
    if (!streq(strbuf_str(&out), json))
        fail_msg("%.*s: got %s, not %s", (int)text.len, text.data, strbuf_str(&out), json);
    assert_int_equal(why.len, 0);
}

static void assert_rows(const struct row *rows, size_t n)
{
    for (size_t i = 0; i < n; i++)
        assert_json(bytes_of(rows[i].text), rows[i].json);
}

static void assert_error(struct bytes text, const char *expected)
{
    CLEANUP(strbuf_free) struct strbuf out = STRBUF_SECRET;
    CLEANUP(strbuf_free) struct strbuf why = STRBUF_INIT;
    assert_int_equal(yaml_to_json(text, &out, &why), -EINVAL);
    if (!streq(strbuf_str(&why), expected))
        fail_msg("got '%s', not '%s'", strbuf_str(&why), expected);
}

/* As openstacksdk's manual and users' reports have them. */
static void configurations_as_people_have_them(void **state)
{
    (void)state;
    static const struct row rows[] = {
        {"# my clouds\n"
         "clouds:\n"
         "  devstack:\n"
         "    auth:\n"
         "      auth_url: http://192.168.122.10:35357/   # internal\n"
         "      project_name: demo\n"
         "      username: demo\n"
         "      password: 0penstack\n"
         "    region_name: RegionOne\n"
         "    verify: False\n"
         "    image_api_version: 2\n",
         "{\"clouds\":{\"devstack\":{\"auth\":{\"auth_url\":\"http://192.168.122.10:35357/\","
         "\"project_name\":\"demo\",\"username\":\"demo\",\"password\":\"0penstack\"},"
         "\"region_name\":\"RegionOne\",\"verify\":false,\"image_api_version\":\"2\"}}}"},
        {"---\n"
         "clouds:\n"
         "  otc:\n"
         "    profile: otc\n"
         "    auth: {username: user1, password: '{pa, ss}', user_domain_name: OTC00000000001}\n"
         "    regions:\n"
         "    - name: eu-de\n"
         "      values:\n"
         "        auth: {project_name: eu-de}\n"
         "    - eu-nl\n"
         "...\n",
         "{\"clouds\":{\"otc\":{\"profile\":\"otc\",\"auth\":{\"username\":\"user1\",\"password\":"
         "\"{pa, ss}\",\"user_domain_name\":\"OTC00000000001\"},\"regions\":[{\"name\":\"eu-de\","
         "\"values\":{\"auth\":{\"project_name\":\"eu-de\"}}},\"eu-nl\"]}}}"},
        {"defaults: &defaults\n"
         "  auth: &auth\n"
         "    auth_url: https://iam.example.com/v3\n"
         "    project_name: p\n"
         "  region_name: r1\n"
         "clouds:\n"
         "  one:\n"
         "    <<: *defaults\n"
         "  two:\n"
         "    region_name: r2\n"
         "    <<: *defaults\n"
         "    auth:\n"
         "      <<: *auth\n"
         "      project_name: q\n",
         "{\"defaults\":{\"auth\":{\"auth_url\":\"https://iam.example.com/v3\",\"project_name\":"
         "\"p\"},\"region_name\":\"r1\"},\"clouds\":{\"one\":{\"auth\":{\"auth_url\":"
         "\"https://iam.example.com/v3\",\"project_name\":\"p\"},\"region_name\":\"r1\"},"
         "\"two\":{\"region_name\":\"r2\",\"auth\":{\"auth_url\":\"https://iam.example.com/v3\","
         "\"project_name\":\"q\"}}}}"},
    };
    assert_rows(rows, ARRAY_SIZE(rows));
}

/* All of them as PyYAML 6.0 reads them. */
static void passwords_come_through(void **state)
{
    (void)state;
    static const struct row rows[] = {
        {"p: a:b#c@d%e", "{\"p\":\"a:b#c@d%e\"}"},
        {"p: a #b", "{\"p\":\"a\"}"},
        {"p: a'b\"c", "{\"p\":\"a'b\\\"c\"}"},
        {"p: 'a: #@%''\"\\n'", "{\"p\":\"a: #@%'\\\"\\\\n\"}"},
        {"p: \"a: #@%'\\\"\\\\ \\x41\\u00fc\\U0001F600\"",
         "{\"p\":\"a: #@%'\\\"\\\\ A\303\274\360\237\230\200\"}"},
        {"p: \"\\0\"", "{\"p\":\"\\u0000\"}"},
        {"p: \303\274\344\270\255", "{\"p\":\"\303\274\344\270\255\"}"},
        {"p: -x", "{\"p\":\"-x\"}"},
        {"p: 12:30:45", "{\"p\":\"12:30:45\"}"},
        {"p: a  b", "{\"p\":\"a  b\"}"},
        {"p: a\n   b\n\n   c\n", "{\"p\":\"a b\\u000ac\"}"},
        {"p: |\n  a: b\n  c\n", "{\"p\":\"a: b\\u000ac\\u000a\"}"},
        {"p: |-\n  a\n", "{\"p\":\"a\"}"},
        {"p: >-\n  a\n  b\n", "{\"p\":\"a b\"}"},
        {"p:\n  'x'\n", "{\"p\":\"x\"}"},
        {"? p\n: x\n", "{\"p\":\"x\"}"},
    };
    assert_rows(rows, ARRAY_SIZE(rows));
}

static void scalars_mean_what_they_mean_in_yaml_1_1(void **state)
{
    (void)state;
    static const struct row rows[] = {
        {"[~, null, Null, NULL, '', \"null\", '~', nULL]",
         "[null,null,null,null,\"\",\"null\",\"~\",\"nULL\"]"},
        {"[true, True, TRUE, yes, Yes, YES, on, On, ON]",
         "[true,true,true,true,true,true,true,true,true]"},
        {"[false, False, FALSE, no, No, NO, off, Off, OFF]",
         "[false,false,false,false,false,false,false,false,false]"},
        {"['yes', \"off\", y, n, tRUE, yes sir]",
         "[\"yes\",\"off\",\"y\",\"n\",\"tRUE\",\"yes sir\"]"},
        {"[0123, 1e5, 0x1F, 1_000, 007, -0, 1.50, .inf, 2024-01-01]",
         "[\"0123\",\"1e5\",\"0x1F\",\"1_000\",\"007\",\"-0\",\"1.50\",\".inf\",\"2024-01-01\"]"},
        {"[!!str yes, !!str 12, !!str , !!int '3', !!bool 'on', !!null '', ! x, ! 'yes']",
         "[\"yes\",\"12\",\"\",\"3\",true,null,\"x\",true]"},
        {"!!map {a: !!seq [b]}", "{\"a\":[\"b\"]}"},
        {"a:\nb: {c, d: }\n", "{\"a\":null,\"b\":{\"c\":null,\"d\":null}}"},
        {"", "null"},
        {"# nothing\n", "null"},
        {"---\n", "null"},
        {"---\n...\n", "null"},
        {"text", "\"text\""},
        {"%YAML 1.1\n---\na: b\n", "{\"a\":\"b\"}"},
        {"[]", "[]"},
        {"{}", "{}"},
        {"- \n- a\n", "[null,\"a\"]"},
    };
    assert_rows(rows, ARRAY_SIZE(rows));
}

static void keys_are_their_spelling_and_the_last_one_counts(void **state)
{
    (void)state;
    static const struct row rows[] = {
        {"{a: 1, b: 2, a: 3}", "{\"b\":\"2\",\"a\":\"3\"}"},
        {"{a: 1, 'a': 2, \"\\x61\": 3}", "{\"a\":\"3\"}"},
        {"{a: 1, ab: 2, a b: 3, '': 4}", "{\"a\":\"1\",\"ab\":\"2\",\"a b\":\"3\",\"\":\"4\"}"},
        {"{on: 1, 2: 3, ~: 4}", "{\"on\":\"1\",\"2\":\"3\",\"~\":\"4\"}"},
        {"{<<: {a: 1, b: 2}, a: 3}", "{\"b\":\"2\",\"a\":\"3\"}"},
        {"{a: 3, <<: {a: 1, b: 2}}", "{\"b\":\"2\",\"a\":\"3\"}"},
        {"{<<: [{a: 1}, {a: 2, b: 2}, {}], c: 3}", "{\"a\":\"1\",\"b\":\"2\",\"c\":\"3\"}"},
        {"{<<: {a: 1}, <<: {a: 2}}", "{\"a\":\"2\"}"},
        {"{<<: {<<: {a: 1, b: 1}, b: 2}}", "{\"a\":\"1\",\"b\":\"2\"}"},
        {"{<<: {}, <<: []}", "{}"},
        {"{'<<': {a: 1}}", "{\"<<\":{\"a\":\"1\"}}"},
        {"{a: <<}", "{\"a\":\"<<\"}"},
    };
    assert_rows(rows, ARRAY_SIZE(rows));
}

static void aliases_are_copies(void **state)
{
    (void)state;
    static const struct row rows[] = {
        {"[&a x, *a, &b [*a, {k: *a}], *b]",
         "[\"x\",\"x\",[\"x\",{\"k\":\"x\"}],[\"x\",{\"k\":\"x\"}]]"},
        {"[&a yes, &b , *a, *b]", "[true,null,true,null]"},
        {"{a: &x {p: 1}, b: {<<: *x, p: 2}, c: *x}",
         "{\"a\":{\"p\":\"1\"},\"b\":{\"p\":\"2\"},\"c\":{\"p\":\"1\"}}"},
        {"{a: &x {p: 1}, b: &y {q: 2}, c: {<<: [*x, *y]}}",
         "{\"a\":{\"p\":\"1\"},\"b\":{\"q\":\"2\"},\"c\":{\"p\":\"1\",\"q\":\"2\"}}"},
    };
    assert_rows(rows, ARRAY_SIZE(rows));
}

static void every_way_to_end_a_line_and_to_say_utf_8(void **state)
{
    (void)state;
    static const struct {
        struct bytes text;
        const char *json;
    } rows[] = {
        {B("a:\r\n  b: c\r\n  d: e\r\n"), "{\"a\":{\"b\":\"c\",\"d\":\"e\"}}"},
        {B("a: b\rc: d\r"), "{\"a\":\"b\",\"c\":\"d\"}"},
        {B("\xef\xbb\xbf"
           "a: b\n"),
         "{\"a\":\"b\"}"},
        {B("a:\tb\t# c\n"), "{\"a\":\"b\"}"},
        {B("\xff\xfe"
           "a\0:\0 \0b\0"),
         "{\"a\":\"b\"}"},
    };
    for (size_t i = 0; i < ARRAY_SIZE(rows); i++)
        assert_json(rows[i].text, rows[i].json);
}

static void errors_name_the_line_and_no_content(void **state)
{
    (void)state;
    static const struct {
        struct bytes text;
        const char *why;
    } rows[] = {
        {B("a: canary: c\n"), "line 1: mapping values are not allowed in this context"},
        {B("a: b\n\n\tcanary: c\n"), "line 3: found a tab character that violates indentation"},
        {B("a: 1\np: @canary\n"), "line 2: found character that cannot start any token"},
        {B("a: 1\np: %canary\n"), "line 2: found character that cannot start any token"},
        {B("p: 'canary\n"), "line 2: found unexpected end of stream"},
        {B("p: \"\\canary\"\n"), "line 1: found unknown escape character"},
        {B("[a, b"), "line 2: did not find expected ',' or ']'"},
        {B("a: 1\n b: 2\n"), "line 2: mapping values are not allowed in this context"},
        {B("a: 1\n---\nb: 2\n"), "line 2: a second document begins here"},
        {B("a: 1\n---\n"), "line 2: a second document begins here"},
        {B("---\na: 1\n...\n---\n: [\n"), "line 4: a second document begins here"},
        {B("a: *canary\n"), "line 1: an alias without an anchor before it"},
        {B("a: &x [*x]\n"), "line 1: an alias without an anchor before it"},
        {B("a: &x 1\nb: &x 2\n"), "line 2: an anchor whose name is taken"},
        {B("[a]: b\n"), "line 1: a key that is no plain text"},
        {B("? {a: b}\n: c\n"), "line 1: a key that is no plain text"},
        {B("a: &x b\n*x : c\n"), "line 2: a key that is no plain text"},
        {B("a:\n  <<: canary\n"), "line 2: '<<' needs a mapping or a list of mappings"},
        {B("<<: [{}, canary]\n"), "line 1: '<<' needs a mapping or a list of mappings"},
        {B("<<:\n"), "line 1: '<<' needs a mapping or a list of mappings"},
        {B("a: !!python/object/apply:os.system [canary]\n"),
         "line 1: a tag that does not fit here"},
        {B("a: !canary b\n"), "line 1: a tag that does not fit here"},
        {B("a: !!binary aGk=\n"), "line 1: a tag that does not fit here"},
        {B("a: !!bool canary\n"), "line 1: a tag that does not fit here"},
        {B("a: !!map b\n"), "line 1: a tag that does not fit here"},
        {B("a: !!str [b]\n"), "line 1: a tag that does not fit here"},
        {B("a: !!set {b}\n"), "line 1: a tag that does not fit here"},
        {B("%YAML 2.0\n--- a\n"), "line 1: found incompatible YAML document"},
        {B("a: \xff\n"), "line 1: not text in UTF-8, or with control characters"},
        {B("a: b\0c\n"), "line 1: not text in UTF-8, or with control characters"},
        {B("a: \x1b[31m\n"), "line 1: not text in UTF-8, or with control characters"},
    };
    for (size_t i = 0; i < ARRAY_SIZE(rows); i++)
        assert_error(rows[i].text, rows[i].why);
}

static void add_times(struct strbuf *b, size_t n, const char *s)
{
    for (size_t i = 0; i < n; i++)
        strbuf_add_str(b, s);
}

static void nesting_is_bounded(void **state)
{
    (void)state;
    static const struct {
        const char *open, *close;
    } rows[] = {{"[", "]"}, {"{a: ", "}"}, {"- ", ""}};
    for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
        CLEANUP(strbuf_free) struct strbuf text = STRBUF_INIT;
        CLEANUP(strbuf_free) struct strbuf out = STRBUF_INIT;
        CLEANUP(strbuf_free) struct strbuf why = STRBUF_INIT;
        add_times(&text, YAML_DEPTH_MAX, rows[i].open);
        strbuf_add_str(&text, "x");
        add_times(&text, YAML_DEPTH_MAX, rows[i].close);
        assert_int_equal(yaml_to_json(strbuf_bytes(&text), &out, &why), 0);
        strbuf_reset(&text);
        add_times(&text, YAML_DEPTH_MAX + 1, rows[i].open);
        strbuf_add_str(&text, "x");
        assert_error(strbuf_bytes(&text), "line 1: nested too deep");
        strbuf_reset(&text);
        add_times(&text, 100000, rows[i].open);
        assert_error(strbuf_bytes(&text), "line 1: nested too deep");
    }
}

/* Aliases must not nest deeper than what is written out. */
static void nesting_through_aliases_is_bounded(void **state)
{
    (void)state;
    CLEANUP(strbuf_free) struct strbuf text = STRBUF_INIT;
    strbuf_add_str(&text, "a: &a ");
    add_times(&text, 40, "[");
    add_times(&text, 40, "]");
    strbuf_add_str(&text, "\nb:\n- ");
    add_times(&text, 22, "[");
    strbuf_add_str(&text, "*a");
    add_times(&text, 22, "]");
    strbuf_add_str(&text, "\n- ");
    add_times(&text, 23, "[");
    strbuf_add_str(&text, "*a");
    add_times(&text, 23, "]");
    assert_error(strbuf_bytes(&text), "line 4: nested too deep");
}

static void laughs_are_bounded(void **state)
{
    (void)state;
    CLEANUP(strbuf_free) struct strbuf text = STRBUF_INIT;
    strbuf_add_str(&text, "l0: &l0 lol\n");
    for (int i = 1; i < 10; i++) {
        strbuf_printf(&text, "l%d: &l%d [", i, i);
        for (int n = 0; n < 10; n++)
            strbuf_printf(&text, "*l%d,", i - 1);
        strbuf_add_str(&text, "]\n");
    }
    assert_error(strbuf_bytes(&text), "line 6: more values than any configuration has");

    strbuf_reset(&text);
    strbuf_add_str(&text, "a: &a ");
    add_times(&text, 1 << 10, "0123456789abcdef0123456789abcdef");
    strbuf_add_str(&text, "\nb:\n");
    add_times(&text, 200, "- *a\n");
    assert_error(strbuf_bytes(&text), "line 128: more values than any configuration has");

    strbuf_reset(&text);
    strbuf_add_str(&text, "a: &a {b: ");
    add_times(&text, 1 << 10, "0123456789abcdef0123456789abcdef");
    strbuf_add_str(&text, "}\nc:\n");
    add_times(&text, 200, "  <<: *a\n");
    assert_error(strbuf_bytes(&text), "line 128: more values than any configuration has");
}

static void values_and_anchors_are_bounded(void **state)
{
    (void)state;
    CLEANUP(strbuf_free) struct strbuf text = STRBUF_INIT;
    add_times(&text, YAML_VALUES_MAX - 1, "-\n");
    CLEANUP(strbuf_free) struct strbuf out = STRBUF_INIT;
    CLEANUP(strbuf_free) struct strbuf why = STRBUF_INIT;
    assert_int_equal(yaml_to_json(strbuf_bytes(&text), &out, &why), 0);
    strbuf_add_str(&text, "-\n");
    assert_error(strbuf_bytes(&text), "line 100000: more values than any configuration has");

    strbuf_reset(&text);
    for (int i = 0; i < 1001; i++)
        strbuf_printf(&text, "- &a%d\n", i);
    assert_error(strbuf_bytes(&text), "line 1001: too many anchors");
}

/* Many keys, all the same and all different: no pairwise comparing. */
static void large_mappings_are_read(void **state)
{
    (void)state;
    CLEANUP(strbuf_free) struct strbuf text = STRBUF_INIT;
    for (int i = 0; i < 45000; i++)
        strbuf_printf(&text, "k%d: %d\n", i % 30000, i);
    CLEANUP(strbuf_free) struct strbuf out = STRBUF_INIT;
    CLEANUP(strbuf_free) struct strbuf why = STRBUF_INIT;
    assert_int_equal(yaml_to_json(strbuf_bytes(&text), &out, &why), 0);
    size_t n = 0;
    struct bytes key, value;
    for (struct json_walk w = json_walk(strbuf_bytes(&out)); json_next(&w, &key, &value); n++)
        if (bytes_are(key, "\"k14999\""))
            assert_true(bytes_are(value, "\"44999\""));
    assert_int_equal(n, 30000);
}

/* Whatever a file is cut to, or has in one place, is read or refused. */
static void damaged_texts_do_no_harm(void **state)
{
    (void)state;
    static const char text[] = "a: &x {b: [1, 'two', \"t\\x41\"], ? c : d}\n"
                               "e: {<<: [*x, {f: !!str g}]}\n---\n- |\n  h\n";
    static const char odd[] = "&*!|>'\"%@`#,[]{}:?-<~\0\n\t\xff ";
    for (size_t cut = 0; cut < sizeof(text); cut++) {
        for (size_t i = 0; i < sizeof(odd) - 1; i++) {
            char changed[sizeof(text)];
            memcpy(changed, text, sizeof(text));
            changed[cut] = odd[i];
            CLEANUP(strbuf_free) struct strbuf out = STRBUF_INIT;
            CLEANUP(strbuf_free) struct strbuf why = STRBUF_INIT;
            int r = yaml_to_json((struct bytes){changed, i ? sizeof(text) - 1 : cut}, &out, &why);
            assert_true(r == 0 || r == -EINVAL);
            assert_int_equal(r == 0, why.len == 0);
        }
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(configurations_as_people_have_them),
        cmocka_unit_test(passwords_come_through),
        cmocka_unit_test(scalars_mean_what_they_mean_in_yaml_1_1),
        cmocka_unit_test(keys_are_their_spelling_and_the_last_one_counts),
        cmocka_unit_test(aliases_are_copies),
        cmocka_unit_test(every_way_to_end_a_line_and_to_say_utf_8),
        cmocka_unit_test(errors_name_the_line_and_no_content),
        cmocka_unit_test(nesting_is_bounded),
        cmocka_unit_test(nesting_through_aliases_is_bounded),
        cmocka_unit_test(laughs_are_bounded),
        cmocka_unit_test(values_and_anchors_are_bounded),
        cmocka_unit_test(large_mappings_are_read),
        cmocka_unit_test(damaged_texts_do_no_harm),
    };
    return cmocka_run_group_tests_name("yaml", tests, NULL, NULL);
}
