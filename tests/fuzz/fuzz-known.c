// SPDX-License-Identifier: Apache-2.0
/* A list, 0x1E, and the list that comes after it: where records that are known are not read again,
 * the next list must be the one that reading everything makes. */
#include "fuzz.h"
#include "imsfs/catalog.h"
#include "outcome.h"

struct mount {
    struct slot_table *attrs;
    struct layout *layout;
    struct numbers numbers;
};

static void mount_init(struct mount *m)
{
    static char tags[] = "tags";
    static char *const by[] = {tags};
    char error[256];
    CHECK(image_attrs_new(&m->attrs) == 0);
    CHECK(layout_new(&m->layout, "imagetype/platform/status", by, 1, m->attrs, error) == 0);
    CHECK(numbers_init(&m->numbers, m->layout, m->attrs) == 0);
}

static void mount_deinit(struct mount *m)
{
    numbers_deinit(&m->numbers);
    layout_free(m->layout);
    slot_table_free(m->attrs);
}

/* Keeps references of its own. */
static struct catalog *list_of(struct mount *m, const struct outcome *o,
                               const struct catalog *previous)
{
    struct catalog *c;
    CHECK(catalog_new(&c, &m->numbers, CATALOG_GROUPED, previous, false) == 0);
    for (size_t i = 0; i < o->count; i++)
        image_ref(o->images[i]);
    CHECK(catalog_add_page(c, o->images, o->count) >= 0);
    catalog_finish(c);
    return c;
}

static struct image *tell(void *ctx, struct bytes record)
{
    return catalog_known(ctx, record);
}

static bool same_lists(const struct catalog *a, const struct catalog *b)
{
    if (memcmp(catalog_counts(a), catalog_counts(b), sizeof(struct catalog_counts)) != 0 ||
        catalog_image_limit(a) != catalog_image_limit(b) ||
        catalog_dir_limit(a) != catalog_dir_limit(b))
        return false;
    for (uint32_t slot = 0; slot < catalog_image_limit(a); slot++) {
        const struct image *x = catalog_image(a, slot), *y = catalog_image(b, slot);
        if (!x != !y || catalog_version(a, slot) != catalog_version(b, slot) ||
            (x && (!image_equal(x, y) || catalog_home(a, slot) != catalog_home(b, slot))))
            return false;
    }
    for (uint32_t slot = 0; slot < catalog_dir_limit(a); slot++)
        if (!catalog_dir(a, slot) != !catalog_dir(b, slot))
            return false;
    return true;
}

static void check_next(struct mount *m, const struct catalog *list, struct bytes text)
{
    CLEANUP(outcome_free) struct outcome known = {0};
    CLEANUP(outcome_free) struct outcome fresh = {0};
    const struct decode_known teller = {tell, (void *)list};
    outcome_add(&known, text, 0, DECODE_FILE, m->attrs, &teller);
    outcome_add(&fresh, text, 0, DECODE_FILE, m->attrs, NULL);
    CHECK(outcome_same(&known, &fresh));
    struct catalog *a = list_of(m, &known, list), *b = list_of(m, &fresh, list);
    CHECK(same_lists(a, b));
    catalog_free(a);
    catalog_free(b);
}

void fuzz_one(struct bytes input)
{
    struct mount m;
    struct outcome first = {0};
    struct bytes before = fuzz_cut(&input);
    mount_init(&m);
    outcome_add(&first, before, 0, DECODE_FILE, m.attrs, NULL);
    struct catalog *list = list_of(&m, &first, NULL);
    check_next(&m, list, before);
    check_next(&m, list, input);
    catalog_free(list);
    outcome_free(&first);
    mount_deinit(&m);
}
