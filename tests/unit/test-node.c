// SPDX-License-Identifier: Apache-2.0
#include "imsfs/node.h"

#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

#define SLOT_MAX 0xFFFFFFu
#define ATTR_MAX 0x3FFFu

static const uint32_t slots[] = {0, 1, 2, 0x1234, 0x7FFFFF, 0xFFFFFE, SLOT_MAX};
static const uint32_t attrs[] = {0, 1, 77, 0x2000, ATTR_MAX - 1, ATTR_MAX};

static const uint32_t queries[] = {1, 2, 0x7FF, 0xFFE, 0xFFF};

/* Which fields a kind has. */
enum field { DIR = 1, IMAGE = 2, ATTR = 4, QUERY = 8, GENERATION = 16, SPELLING = 32, PAGE = 64 };

static const struct fields {
    enum node_kind kind;
    unsigned has;
} kinds[] = {
    {NODE_ROOT, 0},
    {NODE_DIR, DIR},
    {NODE_IMAGE, IMAGE},
    {NODE_IMAGE, QUERY | IMAGE | SPELLING},
    {NODE_FILE, IMAGE | ATTR},
    {NODE_FILE, QUERY | IMAGE | ATTR},
    {NODE_LINK, DIR | IMAGE},
    {NODE_META, 0},
    {NODE_STATUS, DIR},
    {NODE_QUERIES, 0},
    {NODE_QUERY, QUERY | GENERATION | SPELLING},
    {NODE_PAGE, QUERY | GENERATION | PAGE},
    {NODE_QUERY_LINK, 0},
};

typedef void node_visit(const struct node *node);

/* The fields of a kind, and the values that each may have. */
static const struct values {
    enum field field;
    const uint32_t *list;
    size_t count;
} values[] = {
    {DIR, slots, ARRAY_SIZE(slots)},
    {IMAGE, slots, ARRAY_SIZE(slots)},
    {ATTR, attrs, ARRAY_SIZE(attrs)},
    {QUERY, queries, ARRAY_SIZE(queries)},
    {GENERATION, slots, ARRAY_SIZE(slots)},
    {SPELLING, slots, ARRAY_SIZE(slots)},
    {PAGE, (const uint32_t[]){NODE_PAGE_FIRST, NODE_PAGE_NEXT}, 2},
};

static void set(struct node *n, enum field field, uint32_t value)
{
    switch (field) {
    case DIR:
        n->dir = value;
        break;
    case IMAGE:
        n->image = value;
        break;
    case ATTR:
        n->attr = value;
        break;
    case QUERY:
        n->query = value;
        break;
    case GENERATION:
        n->generation = value;
        break;
    case SPELLING:
        n->spelling = value;
        break;
    case PAGE:
        n->page = (enum node_page)value;
        break;
    }
}

static void vary(const struct node *node, unsigned has, size_t i, node_visit *visit)
{
    while (i < ARRAY_SIZE(values) && !(has & values[i].field))
        i++;
    if (i == ARRAY_SIZE(values)) {
        visit(node);
        return;
    }
    for (size_t n = 0; n < values[i].count; n++) {
        struct node one = *node;
        set(&one, values[i].field, values[i].list[n]);
        vary(&one, has, i + 1, visit);
    }
}

static void for_every_node(node_visit *visit)
{
    for (size_t i = 0; i < ARRAY_SIZE(kinds); i++)
        vary(&(struct node){.kind = kinds[i].kind}, kinds[i].has, 0, visit);
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
    assert_int_equal(back.query, node->query);
    assert_int_equal(back.generation, node->generation);
    assert_int_equal(back.spelling, node->spelling);
    assert_int_equal(back.page, node->page);
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

/* People see one number for all versions of a file or page, the kernel another for each. */
static void check_versions(const struct node *node)
{
    static const uint32_t versions[] = {1, 2, 1023, 1024, 1025, 5000000, UINT32_MAX};
    for (size_t i = 0; i < ARRAY_SIZE(versions); i++) {
        struct node other = *node, back;
        other.version = versions[i];
        bool file = node->kind == NODE_FILE, page = node->kind == NODE_PAGE;
        uint32_t kept = file ? versions[i] % 1024 : page ? versions[i] % (1 << 23) : 0;
        assert_int_equal(node_ino(&other), node_ino(node));
        assert_int_equal(node_id(&other) - node_id(node), kept);
        assert_int_equal(node_generation(&other), file ? versions[i] / 1024 : 0);
        assert_true(node_of(node_id(&other), &back));
        assert_int_equal(back.kind, node->kind);
        assert_int_equal(back.image, node->image);
        assert_int_equal(back.attr, node->attr);
        assert_int_equal(back.page, node->page);
        assert_int_equal(back.version, kept);
    }
}

static void only_files_and_pages_have_versions(void **state)
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
        (uint64_t)NODE_LINK << 60 | (uint64_t)1 << 59,
        (uint64_t)NODE_META << 60 | 1,
        (uint64_t)NODE_STATUS << 60 | (uint64_t)1 << 30,
        (uint64_t)NODE_META << 60 | (uint64_t)1 << 48,
        (uint64_t)NODE_QUERIES << 60 | 1,
        (uint64_t)NODE_QUERIES << 60 | (uint64_t)1 << 48,
        (uint64_t)NODE_QUERY << 60,
        (uint64_t)NODE_QUERY << 60 | 1,
        (uint64_t)NODE_PAGE << 60 | 1,
        (uint64_t)NODE_QUERY_LINK << 60 | 1,
        (uint64_t)(NODE_QUERY_LINK + 1) << 60,
        (uint64_t)15 << 60,
    };
    struct node node;
    for (size_t i = 0; i < ARRAY_SIZE(strange); i++)
        if (node_of(strange[i], &node))
            fail_msg("0x%llx is a node of kind %d", (unsigned long long)strange[i], node.kind);
}

static uint64_t numbers[20000];
static size_t number_count;

static void note_number(const struct node *node)
{
    assert_true(number_count < ARRAY_SIZE(numbers));
    numbers[number_count++] = node_ino(node);
}

static int compare_numbers(const void *a, const void *b)
{
    uint64_t x = *(const uint64_t *)a, y = *(const uint64_t *)b;
    return x < y ? -1 : x > y;
}

static void no_two_nodes_have_one_number(void **state)
{
    (void)state;
    number_count = 0;
    for_every_node(note_number);
    qsort(numbers, number_count, sizeof(numbers[0]), compare_numbers);
    for (size_t i = 1; i < number_count; i++)
        assert_true(numbers[i] != numbers[i - 1]);
}

/* What is in the directory of a query that is gone is nothing of the one that has its number now.
 */
static void a_query_that_uses_a_number_again_has_other_generations(void **state)
{
    (void)state;
    struct node image = {.kind = NODE_IMAGE, .query = 5, .image = 7}, file = image;
    file.kind = NODE_FILE;
    file.version = UINT32_MAX;
    uint64_t of_image = node_generation(&image), of_file = node_generation(&file);
    assert_int_equal(of_image, 0);
    assert_int_equal(of_file, UINT32_MAX / 1024);
    image.generation = file.generation = 1;
    assert_true(node_generation(&image) > of_file);
    assert_int_equal(node_generation(&file) - of_file, node_generation(&image));
    file.generation = image.generation = SLOT_MAX;
    assert_int_equal(node_generation(&file) - of_file, node_generation(&image));
    assert_int_equal(node_generation(&image), SLOT_MAX * (uint64_t)(UINT32_MAX / 1024 + 1));
}

/* As they were before there were queries. */
static void numbers_of_the_own_list(void **state)
{
    (void)state;
    assert_int_equal(node_ino(&(struct node){.kind = NODE_DIR, .dir = 3}), 0x1000000000000003);
    assert_int_equal(node_ino(&(struct node){.kind = NODE_IMAGE, .image = 3}), 0x2000000003000000);
    assert_int_equal(
        node_id(&(struct node){.kind = NODE_FILE, .image = 3, .attr = 1, .version = 2}),
        0x3000000003000402);
    assert_int_equal(node_ino(&(struct node){.kind = NODE_LINK, .dir = 3, .image = 4}),
                     0x4000000003000004);
    assert_int_equal(node_ino(&(struct node){.kind = NODE_META}), 0x5000000000000000);
    assert_int_equal(node_ino(&(struct node){.kind = NODE_STATUS, .dir = 9}), 0x6000000000000009);
}

static void kinds_are_told_apart(void **state)
{
    (void)state;
    for (size_t i = 0; i < ARRAY_SIZE(kinds); i++) {
        const struct node node = {.kind = kinds[i].kind};
        bool leaf = node.kind == NODE_FILE || node.kind == NODE_LINK || node.kind == NODE_STATUS ||
                    node.kind == NODE_PAGE || node.kind == NODE_QUERY_LINK;
        assert_int_equal(node_is_dir(&node), !leaf);
        assert_int_equal(node_names_are_fixed(&node), node.kind == NODE_ROOT ||
                                                          node.kind == NODE_META ||
                                                          node.kind == NODE_QUERIES);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_node_comes_back_from_its_number),
        cmocka_unit_test(only_files_and_pages_have_versions),
        cmocka_unit_test(reserved_numbers_are_not_made),
        cmocka_unit_test(other_numbers_are_nobodys),
        cmocka_unit_test(no_two_nodes_have_one_number),
        cmocka_unit_test(a_query_that_uses_a_number_again_has_other_generations),
        cmocka_unit_test(numbers_of_the_own_list),
        cmocka_unit_test(kinds_are_told_apart),
    };
    return cmocka_run_group_tests_name("node", tests, NULL, NULL);
}
