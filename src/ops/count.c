// SPDX-License-Identifier: MIT
// How often each whole number stands in a list (cl/count.cl): counts of parts of it, and their sum.
#include "ops/count.h"

#include "graph/build.h"
#include "ops/registry.h"

enum { MOST_BINS = 1 << 22, FEW_BINS = 4096, COPIES = 4, MOST_PARTS = 512 };

static void key(const void *params, clg__key *k)
{
    clg__key_i64(k, *(const int64_t *) params);
}

static int64_t least(int64_t a, int64_t b)
{
    return a < b ? a : b;
}

static void plan(const clg__kernel_call *c, clg__kplan *p)
{
    const int64_t bins = *(const int64_t *) c->params, n = clg_numel(c->in_shape[0]);
    const int64_t groups = 4 * (int64_t) c->caps->compute_units;
    const bool cpu = c->caps->cpu_class;
    const int items = cpu ? 1 : clg__kplan_side(64, c->caps->max_work_group, false);
    const int copies = cpu && bins <= FEW_BINS ? COPIES : 1;
    // A part has no less to count than to add up, and no int counts more than 2^30.
    int64_t parts = least(n / (cpu ? 8192 + bins : 1024 + bins) + 1, least(groups, MOST_PARTS));
    parts = n >> 30 >= parts ? (n >> 30) + 1 : parts;
    const int counts = clg__kplan_temp(p, (size_t) (parts * copies * (bins + 1)) * sizeof(int32_t));
    for (int sums = 0; sums < 2; sums++) {
        clg__launch *l = clg__kplan_kernel(p, "count", sums ? "count_sum" : "count");
        if (cpu)
            clg__kplan_define(p, l, "COPIES", "%d", copies);
        else
            clg__kplan_define(p, l, "ITEMS", "%d", items);
        if (!sums) {
            clg__arg_in(p, l, 0);
            clg__arg_in_offset(p, l, 0);
        }
        clg__arg_temp(p, l, counts);
        if (sums)
            clg__arg_out(p, l, 0);
        CLG__ARG_BLOCK(p, l, "COUNT", { "n", n, true }, { "bins", bins, false }, { "parts", parts, false });
        clg__kplan_grid(l, (size_t) (sums ? least(bins / 1024 + 1, groups) : parts), 1, 1, (size_t) items, 1, 1);
    }
}

static const clg__variant variants[] = { { "parts", NULL, plan, false } };
static const clg__op op_count = { .name = "count", .kind = CLG__KERNEL, .key = key, .params_bytes = sizeof(int64_t),
                                  .variants = variants, .n_variants = 1 };
const clg__op *const clg__count_ops[] = { &op_count, NULL };

bool clg__counts(int64_t n, int64_t bins)
{
    return bins <= MOST_BINS && bins / 4 <= n;
}

clg_tensor clg__count(clg_tensor at, int64_t bins)
{
    clg__call c;
    if (!clg__call_begin(&c, "count", "at", 1, &at))
        return clg__call_poison(&c);
    return clg__call_node(&c, &op_count, CLG_I64, &CLG_SHAPE(bins), &bins);
}
