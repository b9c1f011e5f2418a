// SPDX-License-Identifier: Apache-2.0
#include "imsfs/node.h"

#include "imsfs/numbers.h"

#define KIND_SHIFT 60
#define A_SHIFT 24
#define VERSION_MASK ((1u << NUMBERS_VERSION_BITS) - 1)
#define MASK24 0xFFFFFFu

uint64_t node_ino(const struct node *n)
{
    uint64_t kind = (uint64_t)n->kind << KIND_SHIFT;
    switch (n->kind) {
    case NODE_ROOT:
        return NODE_ROOT_INO;
    case NODE_DIR:
        return kind | n->dir;
    case NODE_IMAGE:
        return kind | (uint64_t)n->image << A_SHIFT;
    case NODE_FILE:
        return kind | (uint64_t)n->image << A_SHIFT | (uint64_t)n->attr << NUMBERS_VERSION_BITS;
    case NODE_LINK:
        return kind | (uint64_t)n->dir << A_SHIFT | n->image;
    case NODE_STATUS:
        return kind | n->dir;
    case NODE_META:
        break;
    }
    return kind;
}

uint64_t node_id(const struct node *n)
{
    return n->kind == NODE_FILE ? node_ino(n) | (n->version & VERSION_MASK) : node_ino(n);
}

uint64_t node_generation(const struct node *n)
{
    return n->kind == NODE_FILE ? n->version >> NUMBERS_VERSION_BITS : 0;
}

bool node_of(uint64_t id, struct node *n)
{
    uint32_t high = id >> A_SHIFT & MASK24, low = id & MASK24;
    *n = (struct node){.kind = (enum node_kind)(id >> KIND_SHIFT)};
    if (id == NODE_ROOT_INO)
        return true;
    switch (n->kind) {
    case NODE_DIR:
    case NODE_STATUS:
        n->dir = low;
        break;
    case NODE_IMAGE:
        n->image = high;
        break;
    case NODE_FILE:
        n->image = high;
        n->attr = low >> NUMBERS_VERSION_BITS;
        n->version = low & VERSION_MASK;
        break;
    case NODE_LINK:
        n->dir = high;
        n->image = low;
        break;
    case NODE_META:
        break;
    default:
        return false;
    }
    return node_id(n) == id;
}

bool node_is_dir(const struct node *n)
{
    return n->kind == NODE_ROOT || n->kind == NODE_DIR || n->kind == NODE_IMAGE ||
           n->kind == NODE_META;
}

bool node_names_are_fixed(const struct node *parent)
{
    return parent->kind == NODE_ROOT || parent->kind == NODE_META;
}
