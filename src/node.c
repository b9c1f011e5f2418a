// SPDX-License-Identifier: Apache-2.0
#include "imsfs/node.h"

#define KIND_SHIFT 60
#define A_SHIFT 24
#define ATTR_SHIFT 10
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
        return kind | (uint64_t)n->image << A_SHIFT | (uint64_t)n->attr << ATTR_SHIFT;
    case NODE_LINK:
        return kind | (uint64_t)n->dir << A_SHIFT | n->image;
    case NODE_STATUS:
        return kind | n->dir;
    case NODE_META:
        break;
    }
    return kind;
}

bool node_of(uint64_t ino, struct node *n)
{
    uint32_t high = ino >> A_SHIFT & MASK24, low = ino & MASK24;
    *n = (struct node){.kind = (enum node_kind)(ino >> KIND_SHIFT)};
    if (ino == NODE_ROOT_INO)
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
        n->attr = low >> ATTR_SHIFT;
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
    return node_ino(n) == ino;
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
