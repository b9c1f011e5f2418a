// SPDX-License-Identifier: Apache-2.0
/*
 * attrs: a table of attribute names for one test: its set-up and tear-down, or part of them.
 */
#ifndef IMSFS_TEST_ATTRS_H
#define IMSFS_TEST_ATTRS_H

#include "imsfs/image.h"

static struct slot_table *attrs;

static int attrs_setup(void **state)
{
    (void)state;
    return image_attrs_new(&attrs);
}

static int attrs_teardown(void **state)
{
    (void)state;
    slot_table_free(attrs);
    return 0;
}

#endif
