// SPDX-License-Identifier: Apache-2.0
#include "imsfs/node.h"

#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

#define SLOT_MAX 0xFFFFFFu
#define ATTR_MAX 0x3FFFu

static const uint32_t slots[] = {0, 1, 2, 0x1234, 0x7FFFFF, 0xFFFFFE, SLOT_MAX};
static const uint32_t attrs[] = {0, 1, 77, 0x2000, ATTR_MAX - 1, ATTR_MAX};

/* Which of dir, image and attr a kind has. */
static const struct fields {
    enum node_kind kind;
    bool dir, image, attr;
} kinds[] = {
    {NODE_ROOT, false, false, false},  {NODE_DIR, true, false, false},
    {NODE_IMAGE, false, true, false},  {NODE_FILE, false, true, true},
    {NODE_LINK, true, true, false},    {NODE_META, false, false, false},
    {NODE_STATUS, true, false, false},
};

typedef void node_visit(const struct node *node);

static void for_every_node_of(const struct fields *k, node_visit *visit)
{
    for (size_t d = 0; d < (k->dir ? ARRAY_SIZE(slots) : 1); d++)
        for (size_t i = 0; i < (k->image ? ARRAY_SIZE(slots) : 1); i++)
            for (size_t a = 0; a < (k->attr ? ARRAY_SIZE(attrs) : 1); a++)
                visit(&(struct node){.kind = k->kind,
                                     .dir = k->dir ? slots[d] : 0,
                                     .image = k->image ? slots[i] : 0,
                                     .attr = k->attr ? attrs[a] : 0});
}

static void for_every_node(node_visit *visit)
{
    for (size_t i = 0; i < ARRAY_SIZE(kinds); i++)
        for_every_node_of(&kinds[i], visit);
}

static void check_round_trip(const struct node *node)
{
    struct node back;
    assert_int_equal(node_id(node), node_ino(node));
    assert_int_equal(node_generation(node), 0);
    assert_true(node_of(node_id(node), &back));
    assert_int_equal(back.kind, node->kind);
    assert_int_equal(back.dir, node->dir);
    assert_int_equal(back.image, node->image);
    assert_int_equal(back.attr, node->attr);
    assert_int_equal(back.version, 0);
}

static void check_reserved(const struct node *node)
{
    uint64_t ino = node_ino(node);
    assert_true(ino != 0 && ino != UINT64_MAX);
    assert_int_equal(ino == NODE_ROOT_INO, node->kind == NODE_ROOT);
}

static void every_node_comes_back_from_its_number(void **state)
{
    (void)state;
    for_every_node(check_round_trip);
}

/* People see one number for all of a file's versions, the kernel another for each. */
static void check_versions(const struct node *node)
{
    static const uint32_t versions[] = {1, 2, 1023, 1024, 1025, 5000000, UINT32_MAX};
    for (size_t i = 0; i < ARRAY_SIZE(versions); i++) {
        struct node other = *node, back;
        other.version = versions[i];
        bool file = node->kind == NODE_FILE;
        assert_int_equal(node_ino(&other), node_ino(node));
        assert_int_equal(node_id(&other) - node_id(node), file ? versions[i] % 1024 : 0);
        assert_int_equal(node_generation(&other), file ? versions[i] / 1024 : 0);
        assert_true(node_of(node_id(&other), &back));
        assert_int_equal(back.kind, node->kind);
        assert_int_equal(back.image, node->image);
        assert_int_equal(back.attr, node->attr);
        assert_int_equal(back.version, file ? versions[i] % 1024 : 0);
    }
}

static void only_files_have_versions(void **state)
{
    (void)state;
    for_every_node(check_versions);
}

static void reserved_numbers_are_not_made(void **state)
{
    (void)state;
    for_every_node(check_reserved);
}

static void other_numbers_are_nobodys(void **state)
{
    (void)state;
    static const uint64_t strange[] = {
        0,
        2,
        0xFFFFFF,
        UINT64_MAX,
        (uint64_t)NODE_DIR << 60 | (uint64_t)1 << 24,
        (uint64_t)NODE_DIR << 60 | (uint64_t)1 << 48,
        (uint64_t)NODE_IMAGE << 60 | 1,
        (uint64_t)NODE_FILE << 60 | (uint64_t)1 << 48,
        (uint64_t)NODE_LINK << 60 | (uint64_t)1 << 59,
        (uint64_t)NODE_META << 60 | 1,
        (uint64_t)NODE_STATUS << 60 | (uint64_t)1 << 30,
        (uint64_t)(NODE_STATUS + 1) << 60,
        (uint64_t)15 << 60,
    };
    struct node node;
    for (size_t i = 0; i < ARRAY_SIZE(strange); i++)
        if (node_of(strange[i], &node))
            fail_msg("0x%llx is a node of kind %d", (unsigned long long)strange[i], node.kind);
}

static void kinds_are_told_apart(void **state)
{
    (void)state;
    for (size_t i = 0; i < ARRAY_SIZE(kinds); i++) {
        const struct node node = {.kind = kinds[i].kind};
        bool leaf = node.kind == NODE_FILE || node.kind == NODE_LINK || node.kind == NODE_STATUS;
        assert_int_equal(node_is_dir(&node), !leaf);
        assert_int_equal(node_names_are_fixed(&node),
                         node.kind == NODE_ROOT || node.kind == NODE_META);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_node_comes_back_from_its_number),
        cmocka_unit_test(only_files_have_versions),
        cmocka_unit_test(reserved_numbers_are_not_made),
        cmocka_unit_test(other_numbers_are_nobodys),
        cmocka_unit_test(kinds_are_told_apart),
    };
    return cmocka_run_group_tests_name("node", tests, NULL, NULL);
}
