// SPDX-License-Identifier: Apache-2.0
#include "imsfs/name.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>

#include <cmocka.h>

#include "imsfs/utf8.h"

#define B(literal)                   \
    {                                \
        literal, sizeof(literal) - 1 \
    }

static void every_rule_for_a_value(void **state)
{
    (void)state;
    static const struct {
        struct bytes value;
        const char *name;
    } rows[] = {
        {B(""), ""},
        {B("CentOS 7.4 64bit"), "CentOS 7.4 64bit"},
        {B(" -a b- "), " -a b- "},
        {B("\344\270\255\346\226\207 \303\274 \360\237\230\200"),
         "\344\270\255\346\226\207 \303\274 \360\237\230\200"},
        {B("a@b~c*?\\\"'$&="), "a@b~c*?\\\"'$&="},
        {B("a/b//"), "a%2Fb%2F%2F"},
        {B("../../etc/passwd"), "..%2F..%2Fetc%2Fpasswd"},
        {B("."), "%2E"},
        {B(".."), "%2E%2E"},
        {B("..."), "..."},
        {B(".a"), ".a"},
        {B("a\0b"), "a%00b"},
        {B("a\nb\x1b[0m\x1f\x7f"), "a%0Ab%1B[0m%1F%7F"},
        {B("100%"), "100%"},
        {B("%2"), "%2"},
        {B("%zz %2g"), "%zz %2g"},
        {B("%2F%2f%aB"), "%252F%252f%25aB"},
        {B("%%25"), "%%2525"},
        {B("%\0"), "%%00"},
        {B("%4/"), "%4%2F"},
        {B("\xff\xc0\xaf"), "%FF%C0%AF"},
        {B("\xe4\xb8"), "%E4%B8"},
        {B("\xed\xa0\x80"), "%ED%A0%80"},
        {B("\xc2\x80\xc2\x9f\xc2\xa0"), "%C2%80%C2%9F\xc2\xa0"},
        {B("\xd8\x9b\xd8\x9c"), "\xd8\x9b%D8%9C"},
        {B("\xe2\x80\x8d\xe2\x80\x8e\xe2\x80\x8f\xe2\x80\x90"),
         "\xe2\x80\x8d%E2%80%8E%E2%80%8F\xe2\x80\x90"},
        {B("\xe2\x80\xa8\xe2\x80\xae\xe2\x80\xaf"), "%E2%80%A8%E2%80%AE\xe2\x80\xaf"},
        {B("\xe2\x81\xa5\xe2\x81\xa6\xe2\x81\xa9\xe2\x81\xaa"),
         "\xe2\x81\xa5%E2%81%A6%E2%81%A9\xe2\x81\xaa"},
        {B("\xef\xbb\xbfx"), "%EF%BB%BFx"},
    };
    for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
        char out[NAME_SIZE], back[NAME_SIZE];
        size_t len = name_encode(out, rows[i].value);
        assert_string_equal(out, rows[i].name);
        assert_int_equal(len, strlen(rows[i].name));
        len = name_decode(back, (struct bytes){out, len});
        assert_true(bytes_equal((struct bytes){back, len}, rows[i].value));
    }
}

static void attributes_leave_room_for_the_record(void **state)
{
    (void)state;
    static const struct {
        const char *key, *name;
    } rows[] = {
        {"image.json", "image%2Ejson"},
        {"image%2Ejson", "image%252Ejson"},
        {"Image.json", "Image.json"},
        {"image.json2", "image.json2"},
        {"__os_version", "__os_version"},
        {"..", "%2E%2E"},
        {"a/b", "a%2Fb"},
        {"a@b", "a@b"},
        {"", ""},
    };
    for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
        char out[NAME_SIZE];
        assert_int_equal(name_encode_attr(out, bytes_of(rows[i].key)), strlen(rows[i].name));
        assert_string_equal(out, rows[i].name);
    }
}

static void known_answers_of_the_hashes(void **state)
{
    (void)state;
    assert_int_equal(name_fnv1a(bytes_of("")), 0x811c9dc5);
    assert_int_equal(name_fnv1a(bytes_of("a")), 0xe40c292c);
    assert_int_equal(name_fnv1a(bytes_of("foobar")), 0xbf9cf968);
    assert_int_equal(name_fnv1a((struct bytes){"\xff\0", 2}), 0x6e1e20ca);
    assert_true(name_fnv1a_64(bytes_of("")) == 0xcbf29ce484222325u);
    assert_true(name_fnv1a_64(bytes_of("a")) == 0xaf63dc4c8601ec8cu);
    assert_true(name_fnv1a_64(bytes_of("foobar")) == 0x85944171f73967e8u);
}

/* unit repeated, then tail. */
static struct bytes repeated(char out[static 2048], const char *unit, size_t count,
                             const char *tail)
{
    size_t len = 0;
    for (size_t i = 0; i < count; i++, len += strlen(unit))
        memcpy(out + len, unit, strlen(unit));
    memcpy(out + len, tail, strlen(tail));
    return (struct bytes){out, len + strlen(tail)};
}

static void long_values_are_cut_between_pieces(void **state)
{
    (void)state;
    static const struct {
        const char *unit;
        size_t count;
        const char *tail;
        size_t kept; /* bytes before the '~'; 0: it fits whole */
    } rows[] = {
        {"a", 255, "", 0},
        {"a", 256, "", 246},
        {"a", 1020, "", 246},
        {"\344\270\255", 85, "", 0},
        {"\344\270\255", 85, "a", 246},
        {"\344\270\255", 255, "", 246},
        {"\303\274", 128, "", 246},
        {"\303\274", 127, "ab", 246},
        {"\360\237\230\200", 64, "", 244},
        {"a\360\237\230\200", 60, "", 246},
        {"/", 85, "", 0},
        {"/", 86, "", 246},
        {"a/", 64, "", 245},
        {"\xff", 86, "", 246},
        {"\xe2\x80\xae", 29, "", 243}, /* nine bytes for a character */
        {"%25", 52, "", 245},          /* %2525 each */
        {"aaaaaaaaaa%", 30, "", 244},
    };
    for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
        char text[2048], out[NAME_SIZE], back[NAME_SIZE], tail[16];
        struct bytes value = repeated(text, rows[i].unit, rows[i].count, rows[i].tail);
        size_t len = name_encode(out, value);
        assert_int_equal(len, strlen(out));
        assert_int_equal(len, rows[i].kept ? rows[i].kept + 9 : len);
        size_t kept = rows[i].kept ? rows[i].kept : len;
        size_t decoded = name_decode(back, (struct bytes){out, kept});
        assert_memory_equal(back, value.data, decoded);
        if (!rows[i].kept) {
            assert_int_equal(decoded, value.len);
            continue;
        }
        snprintf(tail, sizeof(tail), "~%08x", name_fnv1a(value));
        assert_string_equal(out + kept, tail);
    }
}

static void ids_have_no_at_sign_and_a_bound(void **state)
{
    (void)state;
    static const struct {
        struct bytes id;
        const char *name; /* "": not usable */
    } rows[] = {
        {B("0b680482-acaa-4045-b14c-9a8c7dfe9c70"), "0b680482-acaa-4045-b14c-9a8c7dfe9c70"},
        {B("a@b@"), "a%40b%40"},
        {B("%40"), "%2540"},
        {B(".."), "%2E%2E"},
        {B("a/b\0"), "a%2Fb%00"},
        {B(""), ""},
    };
    char out[NAME_SIZE], text[2048];
    for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
        assert_int_equal(name_encode_id(out, rows[i].id), strlen(rows[i].name));
        if (rows[i].name[0])
            assert_string_equal(out, rows[i].name);
    }
    assert_int_equal(name_encode_id(out, repeated(text, "a", 128, "")), 128);
    assert_int_equal(name_encode_id(out, repeated(text, "a", 129, "")), 0);
    assert_int_equal(name_encode_id(out, repeated(text, "@", 42, "ab")), 128);
    assert_int_equal(name_encode_id(out, repeated(text, "@", 42, "abc")), 0);
}

static void assert_is_safe_component(const char *name, size_t len)
{
    assert_int_equal(strlen(name), len);
    assert_true(len <= NAME_MAX_BYTES);
    assert_false(streq(name, ".") || streq(name, ".."));
    for (size_t i = 0; i < len;) {
        uint32_t code;
        size_t used = utf8_decode(name + i, len - i, &code);
        assert_true(used > 0 && code != '/' && !utf8_is_deceptive(code));
        i += used;
    }
}

static void a_directory_name_fits_and_keeps_its_id(void **state)
{
    (void)state;
    static const char *const units[] = {"a", "\344\270\255", "/", "\xe2\x80\xae", "@", "%25"};
    for (size_t unit = 0; unit < ARRAY_SIZE(units); unit++) {
        for (size_t id_len = 1; id_len <= NAME_ID_MAX_BYTES; id_len += 127) {
            char text[2048], id_text[2048], out[NAME_SIZE], back[NAME_SIZE];
            struct bytes id = repeated(id_text, "i", id_len, ""), found;
            struct bytes name = repeated(text, units[unit], 400, "");
            size_t len = name_encode_image(out, name, id);
            assert_true(len <= NAME_MAX_BYTES && len > NAME_MAX_BYTES - 9);
            assert_int_equal(len, strlen(out));
            assert_true(name_split_image((struct bytes){out, len}, &found));
            assert_true(bytes_equal(found, id));
            size_t kept = name_decode(back, (struct bytes){out, len - id_len - 1});
            assert_memory_equal(back, name.data, kept);
            assert_is_safe_component(out, len);
        }
    }
}

static void directory_names_as_they_are_written(void **state)
{
    (void)state;
    static const struct {
        const char *name, *id, *whole;
    } rows[] = {
        {"CentOS", "1", "CentOS@1"},     {"", "1", "@1"},
        {"a@b", "1", "a@b@1"},           {".", "1", "%2E@1"},
        {"..", "1", "%2E%2E@1"},         {"x%4", "0", "x%4@0"},
        {"x/y", "a%40b", "x%2Fy@a%40b"},
    };
    for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
        char out[NAME_SIZE];
        struct bytes id;
        size_t len = name_encode_image(out, bytes_of(rows[i].name), bytes_of(rows[i].id));
        assert_string_equal(out, rows[i].whole);
        assert_int_equal(len, strlen(out));
        assert_true(name_split_image(bytes_of(out), &id));
        assert_true(bytes_are(id, rows[i].id));
    }
    struct bytes id;
    assert_false(name_split_image(bytes_of("no id here"), &id));
    assert_true(name_split_image(bytes_of("a@"), &id));
    assert_int_equal(id.len, 0);
}

static void decoding_takes_both_cases_and_keeps_the_rest(void **state)
{
    (void)state;
    static const struct {
        struct bytes component, value;
    } rows[] = {
        {B("%2f%2F%aB"), B("//\xab")}, {B("%"), B("%")},         {B("%4"), B("%4")},
        {B("%4g%zz"), B("%4g%zz")},    {B("%%41"), B("%A")},     {B("%2541"), B("%41")},
        {B("%00x"), B("\0x")},         {B("a%4\0"), B("a%4\0")},
    };
    for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
        char out[NAME_SIZE];
        size_t len = name_decode(out, rows[i].component);
        assert_true(bytes_equal((struct bytes){out, len}, rows[i].value));
    }
}

static uint32_t next_random(uint32_t *seed)
{
    *seed = *seed * 1664525u + 1013904223u;
    return *seed >> 8;
}

/* Decoding gives the value back, so no two values share a name. */
static void any_value_comes_back(void **state)
{
    (void)state;
    static const char alphabet[] = "%%%%2255FFfe./@~a\0\n\x7f\xc2\x85\xe2\x80\xa8\xef\xbb\xbf\xff";
    uint32_t seed = 20240229;
    for (int round = 0; round < 50000; round++) {
        char value[85], out[NAME_SIZE], back[NAME_SIZE];
        size_t value_len = next_random(&seed) % (round % 10 ? 9 : sizeof(value) + 1);
        for (size_t i = 0; i < value_len; i++)
            value[i] = alphabet[next_random(&seed) % (sizeof(alphabet) - 1)];
        struct bytes bytes = {value, value_len};
        size_t len = name_encode(out, bytes);
        assert_is_safe_component(out, len);
        size_t back_len = name_decode(back, (struct bytes){out, len});
        assert_true(bytes_equal((struct bytes){back, back_len}, bytes));
        len = name_encode_attr(out, bytes);
        back_len = name_decode(back, (struct bytes){out, len});
        assert_true(bytes_equal((struct bytes){back, back_len}, bytes));
        len = name_encode_id(out, bytes);
        if (len == 0)
            continue;
        assert_is_safe_component(out, len);
        assert_null(strchr(out, '@'));
        back_len = name_decode(back, (struct bytes){out, len});
        assert_true(bytes_equal((struct bytes){back, back_len}, bytes));
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_rule_for_a_value),
        cmocka_unit_test(attributes_leave_room_for_the_record),
        cmocka_unit_test(known_answers_of_the_hashes),
        cmocka_unit_test(long_values_are_cut_between_pieces),
        cmocka_unit_test(ids_have_no_at_sign_and_a_bound),
        cmocka_unit_test(a_directory_name_fits_and_keeps_its_id),
        cmocka_unit_test(directory_names_as_they_are_written),
        cmocka_unit_test(decoding_takes_both_cases_and_keeps_the_rest),
        cmocka_unit_test(any_value_comes_back),
    };
    return cmocka_run_group_tests_name("name", tests, NULL, NULL);
}
