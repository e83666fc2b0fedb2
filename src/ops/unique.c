// SPDX-License-Identifier: MIT
// Different elements: runs of equal neighbours have numbers, a running sum; how many there are is read back.
#include <clgrad/arrange.h>
#include <clgrad/index.h>
#include <clgrad/ops.h>
#include <clgrad/reduce.h>
#include <clgrad/scan.h>
#include <clgrad/search.h>
#include <clgrad/sort.h>

#include "graph/build.h"
#include "ops/extreme.h"

typedef struct results {
    clg_tensor *inverse, *counts;
} results;

static clg_tensor both(clg_tensor y, results r, clg_tensor inverse, clg_tensor counts)
{
    return clg__second(clg__second(y, r.inverse, inverse), r.counts, counts);
}

// x [n]: neighbours; order: where they were, or NULL.
static clg_tensor runs(const clg__call *c, clg_tensor a, clg_tensor x, clg_tensor order, results r)
{
    const int64_t n = clg_numel(a->shape);
    if (x->status < 0)
        return both(x, r, x, x);
    if (n == 0) {
        const clg_tensor none = clg_zeros(c->dev, CLG_I64, CLG_SHAPE(0));
        return both(x, r, clg_zeros(c->dev, CLG_I64, a->shape), none);
    }
    const clg_tensor differs = clg_ne(clg_slice(x, 0, 1, INT64_MAX, 1), clg_slice(x, 0, 0, n - 1, 1));
    const clg_tensor number = clg_cumsum(clg_pad(clg_cast(differs, CLG_I64), CLG_SHAPE(1), CLG_SHAPE(0), 0), 0);
    clg_status st = clg_eval_n((clg_tensor[]) { number, x, order }, order ? 3 : 2);
    const int64_t k = st < 0 ? 0 : (int64_t) clg_item(clg_slice(number, 0, n - 1, n, 1), &st) + 1;
    if (st < 0) {
        const clg_tensor bad = clg_poison(c->dev, st, "%s: %s", c->op, clg_error(c->dev, st));
        return both(bad, r, bad, bad);
    }
    const clg_tensor first = clg_searchsorted(number, clg_arange(c->dev, CLG_I64, 0, (double) k, 1), false, NULL);
    const clg_tensor end = clg_full(c->dev, CLG_I64, CLG_SHAPE(1), (double) n);
    const clg_tensor y = clg_index_select(x, 0, first);
    const clg_tensor inverse = order && r.inverse ? clg_scatter(clg_zeros(c->dev, CLG_I64, CLG_SHAPE(n)), 0, order, number) : number;
    return both(y, r, r.inverse ? clg_reshape(inverse, a->shape) : NULL, r.counts ? clg_diff(first, 1, 0, NULL, end) : NULL);
}

clg_tensor clg_unique(clg_tensor a, clg_tensor *inverse, clg_tensor *counts)
{
    clg__call c;
    const results r = { inverse, counts };
    if (!clg__call_begin(&c, "unique", "a", 1, &a)) {
        const clg_tensor bad = clg__call_poison(&c);
        return both(bad, r, bad, bad);
    }
    clg_tensor order;
    const clg_tensor x = clg_sort(clg_reshape(a, CLG_SHAPE(clg_numel(a->shape))), 0, false, &order);
    return clg__call_own(&c, runs(&c, a, x, order, r));
}

clg_tensor clg_unique_consecutive(clg_tensor a, clg_tensor *inverse, clg_tensor *counts)
{
    clg__call c;
    const results r = { inverse, counts };
    if (!clg__call_begin(&c, "unique_consecutive", "a", 1, &a)) {
        const clg_tensor bad = clg__call_poison(&c);
        return both(bad, r, bad, bad);
    }
    return clg__call_own(&c, runs(&c, a, clg_reshape(a, CLG_SHAPE(clg_numel(a->shape))), NULL, r));
}
