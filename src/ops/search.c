// SPDX-License-Identifier: MIT
// Bisection in sorted rows (cl/search.cl), and what is made of it.
#include "ops/element.h"
#include "ops/registry.h"
#include <clgrad/index.h>
#include <clgrad/ops.h>
#include <clgrad/search.h>
#include <clgrad/sort.h>

typedef struct searching {
    int64_t rows, n, m; // m elements for each row
    bool shared, right, by_sorter; // shared: one row for all
} searching;

static void key_searching(const void *params, clg__key *k)
{
    const searching *s = params;
    clg__key_i64(k, s->rows);
    clg__key_i64(k, s->n);
    clg__key_i64(k, s->m);
    clg__key_i64(k, s->shared);
    clg__key_i64(k, s->right);
    clg__key_i64(k, s->by_sorter);
}

static void plan_search(const clg__kernel_call *c, clg__kplan *p)
{
    const searching *s = c->params;
    const int64_t all = s->rows * s->m, groups = 4 * (int64_t) c->caps->compute_units;
    if (all == 0)
        return;
    clg__launch *l = clg__kplan_kernel(p, "search", "search");
    clg__define_element(p, l, c->in_dtype[0]);
    if (c->caps->cpu_class)
        clg__kplan_define(p, l, "CPU", "1");
    if (s->right)
        clg__kplan_define(p, l, "RIGHT", "1");
    if (c->n_in > 2)
        clg__kplan_define(p, l, "SORTER", "1");
    clg__arg_buffers(p, l, c->n_in, 1);
    CLG__ARG_BLOCK(p, l, "SEARCH", { "rows", s->rows, true }, { "n", s->n, true }, { "m", s->m, true },
                   { "row_step", s->shared ? 0 : s->n, true });
    if (c->caps->cpu_class)
        clg__kplan_grid(l, (size_t) (all < groups ? all : groups), 1, 1, 1, 1, 1);
    else
        clg__kplan_items(l, all);
}

static const clg__variant variants[] = { { "bisection", NULL, plan_search, false } };
static const clg__op op_search = { .name = "searchsorted", .kind = CLG__KERNEL, .key = key_searching,
                                   .params_bytes = sizeof(searching), .variants = variants, .n_variants = 1 };

const clg__op *const clg__search_ops[] = { &op_search, NULL };

clg_tensor clg_searchsorted(clg_tensor sorted, clg_tensor v, bool right, clg_tensor sorter)
{
    clg__call c;
    const clg_tensor in[] = { sorted, v, sorter };
    const int n_in = sorter ? 3 : 2;
    if (!clg__call_begin(&c, "searchsorted", "sorted v sorter", n_in, in))
        return clg__call_poison(&c);
    const clg_shape *s = &sorted->shape, *o = &v->shape;
    if (sorted->dtype != v->dtype)
        return clg__call_fail(&c, CLG_EDTYPE, "sorted and v are of different types");
    if (sorter && sorter->dtype != CLG_I64)
        return clg__call_fail(&c, CLG_EDTYPE, "sorter is not i64");
    if (sorter && !clg__shape_equal(&sorter->shape, s))
        return clg__call_fail(&c, CLG_ESHAPE, "sorter is not of sorted's shape");
    bool fits = s->rank == 1 || (s->rank > 1 && s->rank == o->rank);
    for (int d = 0; fits && s->rank > 1 && d + 1 < s->rank; d++)
        fits = s->dim[d] == o->dim[d];
    if (!fits)
        return clg__call_fail(&c, CLG_ESHAPE, "dimensions of sorted and v before the last differ");
    searching k = { 1, s->dim[s->rank - 1], clg_numel(*o), s->rank == 1, right, sorter != NULL };
    if (s->rank > 1) {
        k.m = o->dim[o->rank - 1];
        k.rows = k.m ? clg_numel(*o) / k.m : 0;
    }
    if (clg_numel(*o) == 0 || k.n == 0)
        return clg_zeros(c.dev, CLG_I64, *o);
    return clg__call_node(&c, &op_search, CLG_I64, o, &k);
}

clg_tensor clg_bucketize(clg_tensor a, clg_tensor bounds, bool right)
{
    clg__call c;
    if (!clg__call_begin(&c, "bucketize", "a bounds", 2, (clg_tensor[]) { a, bounds }))
        return clg__call_poison(&c);
    if (bounds->shape.rank != 1)
        return clg__call_fail(&c, CLG_ESHAPE, "bounds have %d dimensions, expected 1", bounds->shape.rank);
    return clg__call_own(&c, clg_searchsorted(bounds, a, right, NULL));
}

clg_tensor clg_isin(clg_tensor a, clg_tensor test, bool invert)
{
    clg__call c;
    const clg_tensor in[] = { a, test };
    if (!clg__call_begin(&c, "isin", "a test", 2, in))
        return clg__call_poison(&c);
    const int64_t n = clg_numel(test->shape);
    if (n == 0)
        return clg_full(c.dev, CLG_BOOL, a->shape, invert);
    const clg_dtype t = clg__result_type(2, in);
    const clg_tensor x = clg_cast(a, t), sorted = clg_msort(clg_reshape(clg_cast(test, t), CLG_SHAPE(n)));
    if (sorted->status < 0 || x->status < 0)
        return clg__call_own(&c, sorted->status < 0 ? sorted : x);
    const clg_tensor at = clg_minimum(clg_searchsorted(sorted, x, false, NULL), clg__num(c.dev, CLG_I64, (double) (n - 1)));
    const clg_tensor there = clg_take(sorted, at);
    return clg__call_own(&c, invert ? clg_ne(there, x) : clg_eq(there, x));
}
