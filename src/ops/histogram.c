// SPDX-License-Identifier: MIT
// Counts: which bin an element is in is a number. How often each stands there (ops/count.h), or the sum of weights that
// are sent there, in order (ops/scatter.h).
#include "base/fp.h"
#include "ops/count.h"
#include "ops/element.h"
#include <clgrad/grad.h>
#include <clgrad/index.h>
#include <clgrad/ops.h>
#include <clgrad/search.h>

// Sums of w, or counts, at the places `at`, of which those outside of 0 to n - 1 take part in nothing.
static clg_tensor counted(clg_tensor at, clg_tensor w, clg_dtype t, int64_t n)
{
    const int64_t all = clg_numel(at->shape);
    if (!w && clg__counts(all, n)) // which int32 has: others are far above the last
        return clg_cast(clg__count(clg_cast(at, CLG_I32), n), t);
    const clg_tensor zeros = clg_zeros(at->dev, t, CLG_SHAPE(n));
    const clg_tensor one = w ? clg_reshape(clg_cast(w, t), CLG_SHAPE(all)) : clg_ones(at->dev, t, CLG_SHAPE(all));
    return clg_scatter_add(zeros, 0, clg_reshape(at, CLG_SHAPE(all)), one);
}

clg_tensor clg_bincount(clg_tensor a, clg_tensor weights, int64_t minlength)
{
    clg__call c;
    if (!clg__call_begin(&c, "bincount", "a weights", weights ? 2 : 1, (clg_tensor[]) { a, weights }))
        return clg__call_poison(&c);
    if (clg_dtype_is_float(a->dtype) || a->dtype == CLG_BOOL)
        return clg__call_fail(&c, CLG_EDTYPE, "a is not of integers");
    if (a->shape.rank > 1 || (weights && !clg__shape_equal(&a->shape, &weights->shape)))
        return clg__call_fail(&c, CLG_ESHAPE, "expected one dimension, and a weight for each number");
    if (minlength < 0)
        return clg__call_fail(&c, CLG_EINVAL, "minlength is %lld", (long long) minlength);
    int64_t range[2] = { 0, -1 };
    if (clg_numel(a->shape) > 0) {
        const clg_scope s = clg_scope_push(c.dev);
        const clg_tensor wide = clg_cast(a, CLG_I64);
        const clg_tensor ends[] = { clg_amin(wide, CLG_ALL, false), clg_amax(wide, CLG_ALL, false) };
        const clg_status st = clg_read(clg_stack_n(ends, 2, 0), range, sizeof range);
        clg_scope_pop(s);
        if (st < 0)
            return clg_poison(c.dev, st, "bincount: %s", clg_error(c.dev, st));
    }
    if (range[0] < 0)
        return clg__call_fail(&c, CLG_EINVAL, "a number is below 0");
    if (range[1] >= INT64_MAX / 16)
        return clg__call_fail(&c, CLG_EINVAL, "a number is too large");
    const int64_t n = range[1] + 1 > minlength ? range[1] + 1 : minlength;
    const clg_dtype t = !weights ? CLG_I64 : weights->dtype == CLG_F32 ? CLG_F32 : CLG_F64;
    return clg__call_own(&c, counted(clg_cast(a, CLG_I64), weights, t, n));
}

static clg_tensor check(const clg__call *c, clg_tensor a, int64_t bins, double lo, double hi)
{
    if (!clg_dtype_is_float(a->dtype))
        return clg__call_fail(c, CLG_EDTYPE, "only floating types: cast first");
    if (bins < 1 || bins > INT32_MAX)
        return clg__call_fail(c, CLG_EINVAL, "%lld bins", (long long) bins);
    if (!(lo <= hi) || hi - lo > 1.7e308)
        return clg__call_fail(c, CLG_EINVAL, "the range is %g to %g", lo, hi);
    return NULL;
}

// Both ends, of the data where lo is hi; `more` apart where these are one.
static void ends_of(clg_tensor a, double lo, double hi, double more, clg_tensor *low, clg_tensor *high)
{
    const bool data = lo == hi && clg_numel(a->shape) > 0, none = lo == hi && !data;
    *low = data ? clg_amin(a, CLG_ALL, false) : clg_scalar(a->dev, a->dtype, none ? 0 : lo);
    *high = data ? clg_amax(a, CLG_ALL, false) : clg_scalar(a->dev, a->dtype, none ? 1 : hi);
    if (!data)
        return;
    const clg_tensor same = clg_eq(*low, *high), apart = clg__lit(a->dev, a->dtype, more);
    const clg_tensor below = clg_where(same, clg_sub(*low, apart), *low);
    *high = clg_where(same, clg_add(*high, apart), *high);
    *low = below;
}

clg_tensor clg_histc(clg_tensor a, int64_t bins, double lo, double hi)
{
    CLG__DEFAULT_FP;
    clg__call c;
    if (!clg__call_begin(&c, "histc", "a", 1, &a))
        return clg__call_poison(&c);
    const clg_tensor bad = check(&c, a, bins, lo, hi);
    if (bad)
        return bad;
    const clg_dtype t = a->dtype;
    clg_tensor low, high, x = clg__wide(a);
    ends_of(x, lo, hi, 1, &low, &high);
    const clg_dtype i = bins > 1 << 24 ? CLG_I64 : CLG_I32; // that holds what rounding makes of bins
    const clg_tensor many = clg__num(c.dev, x->dtype, (double) bins), last = clg__num(c.dev, i, (double) (bins - 1));
    const clg_tensor in = clg_logical_and(clg_ge(x, low), clg_le(x, high));
    const clg_tensor place = clg_div(clg_mul(clg_sub(x, low), many), clg_sub(high, low));
    const clg_tensor at = clg_minimum(clg_cast(clg_where(in, place, clg__lit(c.dev, x->dtype, 0)), i), last);
    const clg_tensor which = clg_where(in, at, clg__lit(c.dev, i, -1));
    return clg__call_own(&c, clg_cast(counted(which, NULL, CLG_I64, bins), t));
}

clg_tensor clg_histogram_edges(clg_tensor a, int64_t bins, double lo, double hi)
{
    CLG__DEFAULT_FP;
    clg__call c;
    if (!clg__call_begin(&c, "histogram_edges", "a", 1, &a))
        return clg__call_poison(&c);
    const clg_tensor bad = check(&c, a, bins, lo, hi);
    if (bad)
        return bad;
    clg_tensor low, high;
    const clg_tensor x = clg__wide(a);
    ends_of(x, lo, hi, 0.5, &low, &high);
    // from both ends, as clg_linspace
    const clg_tensor k = clg_arange(c.dev, x->dtype, 0, (double) bins + 1, 1), all = clg__num(c.dev, x->dtype, (double) bins);
    const clg_tensor step = clg_div(clg_sub(high, low), all), first = clg_lt(k, clg__num(c.dev, x->dtype, (double) ((bins + 1) / 2)));
    const clg_tensor edge = clg_where(first, clg_add(low, clg_mul(step, k)), clg_sub(high, clg_mul(step, clg_sub(all, k))));
    return clg__call_own(&c, clg_cast(edge, a->dtype));
}

clg_tensor clg_histogram(clg_tensor a, clg_tensor edges, clg_tensor weights, bool density)
{
    clg__call c;
    if (!clg__call_begin(&c, "histogram", "a edges weights", weights ? 3 : 2, (clg_tensor[]) { a, edges, weights }))
        return clg__call_poison(&c);
    if (!clg_dtype_is_float(a->dtype) || edges->dtype != a->dtype || (weights && weights->dtype != a->dtype))
        return clg__call_fail(&c, CLG_EDTYPE, "expected one floating type for all");
    if (edges->shape.rank != 1 || edges->shape.dim[0] < 2)
        return clg__call_fail(&c, CLG_ESHAPE, "edges are not a list of two or more");
    if (weights && !clg__shape_equal(&weights->shape, &a->shape))
        return clg__call_fail(&c, CLG_ESHAPE, "weights are not of a's shape");
    const int64_t bins = edges->shape.dim[0] - 1;
    const clg_tensor low = clg_slice(edges, 0, 0, -1, 1), high = clg_slice(edges, 0, 1, INT64_MAX, 1);
    const clg_tensor end = clg_reshape(clg_slice(edges, 0, bins, bins + 1, 1), CLG_SHAPE(1));
    const clg_tensor x = clg_reshape(a, CLG_SHAPE(clg_numel(a->shape))), one = clg__lit(c.dev, CLG_I64, 1);
    const clg_tensor found = clg_sub(clg_searchsorted(edges, x, true, NULL), one); // NaN: behind the last
    const clg_tensor at = clg_where(clg_eq(x, end), clg__num(c.dev, CLG_I64, (double) (bins - 1)), found);
    const clg_dtype t = weights ? clg__wide(a)->dtype : CLG_I64;
    clg_tensor y = clg_cast(counted(at, weights ? clg_detach(weights) : NULL, t, bins), clg__wide(a)->dtype);
    if (density)
        y = clg_div(clg_div(y, clg_sum(y, CLG_ALL, true)), clg_sub(clg__wide(high), clg__wide(low)));
    return clg__call_own(&c, clg_cast(clg_detach(y), a->dtype));
}
