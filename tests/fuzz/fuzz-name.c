// SPDX-License-Identifier: Apache-2.0
/* A value, 0x1E and an id -> names of files, and back. That decoding gives the value again, where
 * nothing is cut, is also that no two values have one name. */
#include <stdio.h>

#include "fuzz.h"
#include "imsfs/name.h"

static void check_component(const char *name, size_t len)
{
    CHECK(strlen(name) == len);
    CHECK(fuzz_is_component((struct bytes){name, len}));
}

static bool decodes_to(struct bytes name, struct bytes value)
{
    CLEANUP(free_ptr) char *back = malloc(name.len + !name.len);
    CHECK(back);
    size_t len = name_decode(back, name);
    return bytes_equal((struct bytes){back, len}, value);
}

/* Whether name is cut: a start of the value, then the hash of the whole. */
static bool is_cut(struct bytes name, struct bytes value)
{
    char hash[10];
    CLEANUP(free_ptr) char *back = malloc(name.len);
    snprintf(hash, sizeof(hash), "~%08x", name_fnv1a(value));
    if (name.len < 9 + 235 || memcmp(name.data + name.len - 9, hash, 9) != 0)
        return false;
    size_t len = name_decode(back, (struct bytes){name.data, name.len - 9});
    return len < value.len && memcmp(back, value.data, len) == 0;
}

static void check_value(struct bytes value)
{
    char name[NAME_SIZE], attr[NAME_SIZE];
    size_t len = name_encode(name, value), attr_len = name_encode_attr(attr, value);
    struct bytes encoded = {name, len};
    if (value.len == 0) {
        CHECK(len == 0 && name[0] == '\0' && attr_len == 0);
        return;
    }
    check_component(name, len);
    check_component(attr, attr_len);
    CHECK(decodes_to(encoded, value) || is_cut(encoded, value));
    CHECK(!streq(attr, "image.json"));
    CHECK(bytes_are(value, "image.json") || streq(attr, name));
    CHECK(decodes_to(bytes_of(attr), value) || is_cut(encoded, value));
}

static void check_image(struct bytes name, struct bytes raw_id)
{
    char id[NAME_SIZE], dir[NAME_SIZE];
    struct bytes found;
    size_t id_len = name_encode_id(id, raw_id);
    if (id_len == 0) {
        CHECK(raw_id.len == 0 || 3 * raw_id.len > NAME_ID_MAX_BYTES);
        return;
    }
    check_component(id, id_len);
    CHECK(id_len <= NAME_ID_MAX_BYTES && !strchr(id, '@'));
    CHECK(decodes_to((struct bytes){id, id_len}, raw_id));
    size_t len = name_encode_image(dir, name, (struct bytes){id, id_len});
    check_component(dir, len);
    CHECK(name_split_image((struct bytes){dir, len}, &found) && bytes_are(found, id));
    struct bytes head = {dir, len - id_len - 1};
    char back[NAME_SIZE];
    size_t back_len = name_decode(back, head);
    CHECK(back_len <= name.len && (!back_len || memcmp(back, name.data, back_len) == 0));
    CHECK(back_len == name.len || len > 255 - 12);
}

void fuzz_one(struct bytes input)
{
    CLEANUP(free_ptr) char *decoded = malloc(input.len + 1);
    CHECK(decoded);
    CHECK(name_decode(decoded, input) <= input.len);
    check_value(input);
    struct bytes name = fuzz_cut(&input);
    check_value(name);
    check_image(name, input);
}
