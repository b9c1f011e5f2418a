// SPDX-License-Identifier: Apache-2.0
/*
 * What becomes of ids and names that the tables of numbers take for one. None are known, so the
 * digest is bent here: x' is like x, and x! is the same in each directory.
 */
#include "lists.h"

#include <errno.h>

struct digest __real_digest_of(const struct digest_key *key, struct bytes text);
struct digest __wrap_digest_of(const struct digest_key *key, struct bytes text);

struct digest __wrap_digest_of(const struct digest_key *key, struct bytes text)
{
    char last = text.len ? text.data[text.len - 1] : 0;
    if (last == '\'')
        text.len--;
    if (last == '!')
        text = (struct bytes){text.data + text.len - 2, 2};
    return __real_digest_of(key, text);
}

static struct lists l;

/* What a look-up from the mount's root along a path ends with. */
static int look_up(const struct catalog *c, const char *path)
{
    struct node node = {.kind = NODE_ROOT};
    int r = 0;
    for (const char *s = path; r == 0 && *s;) {
        struct bytes name = {s, strcspn(s, "/")};
        const struct node parent = node;
        r = tree_lookup(&l.tree, c, &parent, name, &node);
        s += name.len + (s[name.len] == '/');
    }
    return r;
}

struct expected {
    const char *path;
    int r;
};

static void check(const struct catalog *c, size_t images, size_t unnumbered,
                  const struct expected *all, size_t count)
{
    assert_int_equal(catalog_counts(c)->images, images);
    assert_int_equal(catalog_counts(c)->unnumbered, unnumbered);
    assert_int_equal(catalog_counts(c)->duplicates, 0);
    for (size_t i = 0; i < count; i++)
        if (look_up(c, all[i].path) != all[i].r)
            fail_msg("%s: %d, not %d", all[i].path, look_up(c, all[i].path), all[i].r);
}

#define CHECK(c, images, unnumbered, ...)                                      \
    check((c), (images), (unnumbered), (const struct expected[]){__VA_ARGS__}, \
          ARRAY_SIZE(((const struct expected[]){__VA_ARGS__})))

/* The second one comes when the kernel was told that the first is gone. */
static void an_id_waits_until_its_number_is_free(void **state)
{
    (void)state;
    struct catalog *both =
        lists_catalog(&l, NULL, PAGE(RECORD("a", "n", "s"), RECORD("a'", "n", "s")));
    CHECK(both, 1, 1, {"by-id/a", 0}, {"by-id/a'", -ENOENT}, {"by-name/n/a'", -ENOENT});
    struct catalog *other = lists_catalog(&l, both, PAGE(RECORD("a'", "n", "s")));
    CHECK(other, 0, 1, {"by-id/a", -ENOENT}, {"by-id/a'", -ENOENT});
    struct catalog *later = lists_catalog(&l, other, PAGE(RECORD("a'", "n", "s")));
    CHECK(later, 1, 0, {"by-id/a", -ENOENT}, {"by-id/a'", 0}, {"images/s/n@a'", 0},
          {"images/s/n@a", -ENOENT});
    uint32_t slot = lists_slot(&l, "a'");
    assert_int_equal(slot, lists_slot(&l, "a"));
    assert_int_not_equal(catalog_version(later, slot), catalog_version(both, slot));
    catalog_free(later);
    catalog_free(other);
    catalog_free(both);
}

static void a_name_waits_until_its_number_is_free(void **state)
{
    (void)state;
    struct catalog *both =
        lists_catalog(&l, NULL, PAGE(RECORD("a", "n", "s"), RECORD("b", "n'", "s")));
    CHECK(both, 2, 1, {"by-id/b", 0}, {"by-name/n/a", 0}, {"by-name/n/b", -ENOENT},
          {"by-name/n'", -ENOENT});
    struct catalog *other = lists_catalog(&l, both, PAGE(RECORD("b", "n'", "s")));
    CHECK(other, 1, 1, {"by-id/b", 0}, {"by-name/n", -ENOENT}, {"by-name/n'", -ENOENT});
    struct catalog *later = lists_catalog(&l, other, PAGE(RECORD("b", "n'", "s")));
    CHECK(later, 1, 0, {"by-name/n", -ENOENT}, {"by-name/n'/b", 0});
    catalog_free(later);
    catalog_free(other);
    catalog_free(both);
}

/* It is in no other place than its own. */
static void an_image_without_a_place_is_not_shown(void **state)
{
    (void)state;
    struct catalog *c =
        lists_catalog(&l, NULL, PAGE(RECORD("a", "n", "s"), RECORD("b", "n", "s'")));
    CHECK(c, 1, 1, {"images/s/n@a", 0}, {"images/s'", -ENOENT}, {"by-id/b", -ENOENT});
    catalog_free(c);
}

static void a_name_in_another_directory_is_another(void **state)
{
    (void)state;
    struct catalog *c =
        lists_catalog(&l, NULL, PAGE(RECORD("a", "x!", "s"), RECORD("b", "n", "x!")));
    CHECK(c, 1, 1, {"by-name/x!/a", 0}, {"images/x!", -ENOENT}, {"by-status/x!", -ENOENT},
          {"by-id/b", -ENOENT});
    catalog_free(c);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        LISTS_TEST(an_id_waits_until_its_number_is_free, &l),
        LISTS_TEST(a_name_waits_until_its_number_is_free, &l),
        LISTS_TEST(an_image_without_a_place_is_not_shown, &l),
        LISTS_TEST(a_name_in_another_directory_is_another, &l),
    };
    return cmocka_run_group_tests_name("catalog-alike", tests, NULL, NULL);
}
