// SPDX-License-Identifier: Apache-2.0
#include "imsfs/node.h"

#include "imsfs/numbers.h"

#define KIND_SHIFT 60
#define QUERY_SHIFT 48
#define A_SHIFT 24
#define MASK12 0xFFFu
#define MASK24 0xFFFFFFu
#define VERSION_MASK ((1u << NUMBERS_VERSION_BITS) - 1)
#define VERSION_HIGH_BITS (32 - NUMBERS_VERSION_BITS)
#define PAGE_VERSION_MASK ((1u << NODE_PAGE_VERSION_BITS) - 1)

static uint64_t pack(const struct node *n, uint32_t a, uint32_t b)
{
    return (uint64_t)n->kind << KIND_SHIFT | (uint64_t)n->query << QUERY_SHIFT |
           (uint64_t)a << A_SHIFT | b;
}

uint64_t node_ino(const struct node *n)
{
    switch (n->kind) {
    case NODE_ROOT:
        return NODE_ROOT_INO;
    case NODE_DIR:
    case NODE_STATUS:
        return pack(n, 0, n->dir);
    case NODE_IMAGE:
        return pack(n, n->image, n->spelling);
    case NODE_FILE:
        return pack(n, n->image, n->attr << NUMBERS_VERSION_BITS);
    case NODE_LINK:
        return pack(n, n->dir, n->image);
    case NODE_QUERY:
        return pack(n, n->generation, n->spelling);
    case NODE_PAGE:
        return pack(n, n->generation, (uint32_t)n->page << NODE_PAGE_VERSION_BITS);
    case NODE_META:
    case NODE_QUERIES:
    case NODE_QUERY_LINK:
        break;
    }
    return pack(n, 0, 0);
}

uint64_t node_id(const struct node *n)
{
    if (n->kind == NODE_FILE)
        return node_ino(n) | (n->version & VERSION_MASK);
    return n->kind == NODE_PAGE ? node_ino(n) | (n->version & PAGE_VERSION_MASK) : node_ino(n);
}

uint64_t node_generation(const struct node *n)
{
    uint64_t generation = (uint64_t)n->generation << VERSION_HIGH_BITS;
    if (n->kind == NODE_FILE)
        return generation | n->version >> NUMBERS_VERSION_BITS;
    return n->kind == NODE_IMAGE ? generation : 0;
}

/* Whether nodes of this kind are below a query's directory. */
static bool may_have_query(enum node_kind kind)
{
    return kind == NODE_IMAGE || kind == NODE_FILE || kind == NODE_QUERY || kind == NODE_PAGE;
}

/* Takes the two fields apart; what does not fit the kind is found by packing them again. */
static bool unpack(struct node *n, uint32_t a, uint32_t b)
{
    switch (n->kind) {
    case NODE_DIR:
    case NODE_STATUS:
        n->dir = b;
        return true;
    case NODE_IMAGE:
        n->image = a;
        n->spelling = b;
        return n->query > 0 || b == 0;
    case NODE_FILE:
        n->image = a;
        n->attr = b >> NUMBERS_VERSION_BITS;
        n->version = b & VERSION_MASK;
        return true;
    case NODE_LINK:
        n->dir = a;
        n->image = b;
        return true;
    case NODE_QUERY:
        n->generation = a;
        n->spelling = b;
        return n->query > 0;
    case NODE_PAGE:
        n->generation = a;
        n->page = (enum node_page)(b >> NODE_PAGE_VERSION_BITS);
        n->version = b & PAGE_VERSION_MASK;
        return n->query > 0;
    case NODE_META:
    case NODE_QUERIES:
    case NODE_QUERY_LINK:
        return true;
    default:
        return false;
    }
}

bool node_of(uint64_t id, struct node *n)
{
    *n = (struct node){.kind = (enum node_kind)(id >> KIND_SHIFT)};
    if (id == NODE_ROOT_INO)
        return true;
    n->query = id >> QUERY_SHIFT & MASK12;
    if (n->query > 0 && !may_have_query(n->kind))
        return false;
    return unpack(n, id >> A_SHIFT & MASK24, id & MASK24) && node_id(n) == id;
}

bool node_is_dir(const struct node *n)
{
    return n->kind == NODE_ROOT || n->kind == NODE_DIR || n->kind == NODE_IMAGE ||
           n->kind == NODE_META || n->kind == NODE_QUERIES || n->kind == NODE_QUERY;
}

bool node_names_are_fixed(const struct node *parent)
{
    return parent->kind == NODE_ROOT || parent->kind == NODE_META || parent->kind == NODE_QUERIES;
}
