// SPDX-License-Identifier: MIT
// Different elements, and rows along an axis: runs of equal neighbours have numbers, a running sum; how many there are is
// read back.
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

static clg_tensor all_bad(clg_tensor bad, results r)
{
    return both(bad, r, bad, bad);
}

// Runs of n rows, of which `differs` [n-1] says where another begins. x: they; in the order of `order`, unless NULL.
// The inverse gets the shape s.
static clg_tensor runs(const clg__call *c, clg_tensor x, clg_tensor differs, clg_tensor order, const clg_shape *s, bool sorted, results r)
{
    const int64_t n = clg_numel(*s);
    if (n == 0)
        return both(x, r, clg_zeros(c->dev, CLG_I64, *s), clg_zeros(c->dev, CLG_I64, CLG_SHAPE(0)));
    const clg_tensor number = clg_cumsum(clg_pad(clg_cast(differs, CLG_I64), CLG_SHAPE(1), CLG_SHAPE(0), 0), 0);
    clg_status st = clg_eval_n((clg_tensor[]) { number, x, order }, order ? 3 : 2);
    const int64_t k = st < 0 ? 0 : (int64_t) clg_item(clg_slice(number, 0, n - 1, n, 1), &st) + 1;
    if (st < 0)
        return all_bad(clg_poison(c->dev, st, "%s: %s", c->op, clg_error(c->dev, st)), r);
    const clg_tensor first = clg_searchsorted(number, clg_arange(c->dev, CLG_I64, 0, (double) k, 1), false, NULL);
    const clg_tensor end = clg_full(c->dev, CLG_I64, CLG_SHAPE(1), (double) n);
    const clg_tensor y = clg_index_select(x, 0, order && !sorted ? clg_gather(order, 0, first) : first);
    const clg_tensor inverse = order && r.inverse ? clg_scatter(clg_zeros(c->dev, CLG_I64, CLG_SHAPE(n)), 0, order, number) : number;
    return both(y, r, r.inverse ? clg_reshape(inverse, *s) : NULL, r.counts ? clg_diff(first, 1, 0, NULL, end) : NULL);
}

// Along dimension 0: does each differ from the one before?
static clg_tensor differing(clg_tensor x)
{
    const int64_t n = x->status < 0 ? 0 : x->shape.dim[0];
    return clg_ne(clg_slice(x, 0, 1, INT64_MAX, 1), clg_slice(x, 0, 0, n > 0 ? n - 1 : 0, 1));
}

clg_tensor clg_unique(clg_tensor a, clg_tensor *inverse, clg_tensor *counts)
{
    clg__call c;
    const results r = { inverse, counts };
    if (!clg__call_begin(&c, "unique", "a", 1, &a)) {
        return all_bad(clg__call_poison(&c), r);
    }
    clg_tensor order;
    const clg_tensor x = clg_sort(clg_reshape(a, CLG_SHAPE(clg_numel(a->shape))), 0, false, &order);
    return clg__call_own(&c, x->status < 0 ? all_bad(x, r) : runs(&c, x, differing(x), order, &a->shape, true, r));
}

clg_tensor clg_unique_consecutive(clg_tensor a, clg_tensor *inverse, clg_tensor *counts)
{
    clg__call c;
    const results r = { inverse, counts };
    if (!clg__call_begin(&c, "unique_consecutive", "a", 1, &a)) {
        return all_bad(clg__call_poison(&c), r);
    }
    const clg_tensor x = clg_reshape(a, CLG_SHAPE(clg_numel(a->shape)));
    return clg__call_own(&c, x->status < 0 ? all_bad(x, r) : runs(&c, x, differing(x), NULL, &a->shape, true, r));
}

// ---- along an axis

// Numbers of the different elements of each column of x [n, m], which are in their order; each NaN differs.
static clg_tensor ranks(clg_tensor x)
{
    clg_tensor order;
    const clg_tensor sorted = clg_sort(x, 0, false, &order);
    const clg_tensor steps = clg_pad(clg_cast(differing(sorted), CLG_I64), CLG_SHAPE(1, 0), CLG_SHAPE(0, 0), 0);
    return clg_scatter(clg_zeros(x->dev, CLG_I64, x->shape), 0, order, clg_cumsum(steps, 0));
}

// Numbers of the different rows of x [n, m], in the order of their elements: two columns are one of their numbers, again and
// again. n < 2^31.
static clg_tensor row_ranks(clg_tensor x)
{
    const int64_t n = x->shape.dim[0];
    clg_tensor y = ranks(x);
    while (y->status >= 0 && y->shape.dim[1] > 1) {
        const int64_t half = y->shape.dim[1] / 2;
        const clg_tensor high = clg_slice(y, 1, 0, 2 * half, 2), low = clg_slice(y, 1, 1, 2 * half, 2);
        const clg_tensor two = clg_add(clg_mul(high, clg_scalar(x->dev, CLG_I64, (double) n)), low);
        const clg_tensor one = ranks(two);
        y = y->shape.dim[1] % 2 ? clg_concat(1, one, clg_slice(y, 1, 2 * half, INT64_MAX, 1)) : one;
    }
    return y;
}

static clg_tensor along(const char *name, clg_tensor a, int axis, bool consecutive, results r)
{
    clg__call c;
    int at;
    if (!clg__call_begin(&c, name, "a", 1, &a))
        return all_bad(clg__call_poison(&c), r);
    if (!clg__axis(axis, a->shape.rank, &at))
        return all_bad(clg__call_fail(&c, CLG_ESHAPE, "axis %d of a tensor of rank %d", axis, a->shape.rank), r);
    const clg_tensor x = a->shape.rank ? clg_movedim(a, CLG_AXES(at), CLG_AXES(0)) : clg_reshape(a, CLG_SHAPE(1));
    if (x->status < 0)
        return all_bad(clg__call_own(&c, x), r);
    const int64_t n = x->shape.dim[0], m = n ? clg_numel(x->shape) / n : 0;
    const clg_shape list = CLG_SHAPE(n);
    if (n > INT32_MAX)
        return all_bad(clg__call_fail(&c, CLG_ESHAPE, "more than 2^31 along the axis"), r);
    clg_tensor differs, order = NULL;
    if (n == 0 || m == 0) { // all are equal
        differs = clg_zeros(c.dev, CLG_BOOL, CLG_SHAPE(n ? n - 1 : 0));
    } else if (consecutive) {
        differs = clg_any(differing(clg_reshape(x, CLG_SHAPE(n, m))), CLG_AXES(1), false);
    } else {
        const clg_tensor number = row_ranks(clg_reshape(x, CLG_SHAPE(n, m)));
        differs = differing(clg_sort(clg_reshape(number, list), 0, false, &order));
    }
    const clg_tensor y = runs(&c, x, differs, order, &list, false, r);
    return clg__call_own(&c, y->status < 0 || a->shape.rank == 0 ? y : clg_movedim(y, CLG_AXES(0), CLG_AXES(at)));
}

clg_tensor clg_unique_dim(clg_tensor a, int axis, clg_tensor *inverse, clg_tensor *counts)
{
    return along("unique_dim", a, axis, false, (results) { inverse, counts });
}

clg_tensor clg_unique_consecutive_dim(clg_tensor a, int axis, clg_tensor *inverse, clg_tensor *counts)
{
    return along("unique_consecutive_dim", a, axis, true, (results) { inverse, counts });
}
