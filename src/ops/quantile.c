// SPDX-License-Identifier: MIT
// Quantiles and modes: places of the sorted axis, chosen by numbers.
#include "base/fp.h"
#include "ops/element.h"
#include "ops/extreme.h"
#include "ops/sort.h"
#include <clgrad/index.h>
#include <clgrad/ops.h>
#include <clgrad/scan.h>
#include <clgrad/grad.h>
#include <clgrad/sort.h>

#include <math.h>

static clg_tensor quantile(const char *name, clg_tensor a, clg_tensor q, int axis, bool skip, bool keepdims,
                           clg_interpolation kind)
{
    CLG__DEFAULT_FP;
    clg__call c;
    int at;
    if (!clg__call_begin(&c, name, "a q", 2, (clg_tensor[]) { a, q }))
        return clg__call_poison(&c);
    if (!clg_dtype_is_float(a->dtype) || q->dtype != a->dtype)
        return clg__call_fail(&c, CLG_EDTYPE, "a and q are not of one floating type");
    if (q->shape.rank > 1)
        return clg__call_fail(&c, CLG_ESHAPE, "q has more than one dimension");
    if (!clg__axis(axis, a->shape.rank, &at))
        return clg__call_fail(&c, CLG_ESHAPE, "axis %d of a tensor of rank %d", axis, a->shape.rank);
    if (a->shape.rank + (keepdims ? q->shape.rank : 0) > CLG_MAX_RANK)
        return clg__call_fail(&c, CLG_ESHAPE, "the result has more than %d dimensions", CLG_MAX_RANK);
    if ((unsigned) kind > CLG_QUANTILE_NEAREST)
        return clg__call_fail(&c, CLG_EINVAL, "no interpolation %d", (int) kind);
    const int64_t n = a->shape.rank ? a->shape.dim[at] : 1, many = clg_numel(q->shape);
    if (n == 0)
        return clg__call_fail(&c, CLG_ESHAPE, "no elements to choose from");
    clg_tensor x = a->shape.rank ? clg_transpose(a, at, -1) : clg_reshape(a, CLG_SHAPE(1));
    const clg_shape outer = x->shape;
    x = clg_sort(clg_reshape(x, CLG_SHAPE(clg_numel(a->shape) / n, n)), 1, false, NULL); // [rows][n]
    if (x->status < 0)
        return clg__call_own(&c, x);
    const clg_tensor wide = clg__wide(x), share = clg__wide(clg_reshape(q, CLG_SHAPE(1, many)));
    const clg_dtype t = wide->dtype;
    const clg_tensor zero = clg__lit(c.dev, t, 0), one = clg__lit(c.dev, t, 1), half = clg__lit(c.dev, t, 0.5);
    const clg_tensor last = clg__num(c.dev, t, (double) (n - 1));
    const clg_tensor others = clg_cast(clg_sum(clg_eq(x, x), CLG_AXES(1), true), t); // NaN stand last
    const clg_tensor top = skip ? clg_maximum(clg_sub(others, one), zero) : last;
    clg_tensor rank = clg_mul(clg_clamp(share, 0, 1), top); // [rows][many]
    if (!skip)
        rank = clg_where(clg_lt(others, clg__num(c.dev, t, (double) n)), last, rank);
    else
        rank = clg_expand(rank, CLG_SHAPE(x->shape.dim[0], many));
    rank = clg_expand(rank, CLG_SHAPE(x->shape.dim[0], many));
    rank = kind == CLG_QUANTILE_LOWER ? clg_floor(rank) : kind == CLG_QUANTILE_HIGHER ? clg_ceil(rank)
           : kind == CLG_QUANTILE_NEAREST ? clg_round(rank) : rank;
    const clg_tensor floor = clg_floor(rank);
    clg_tensor y = clg_gather(wide, 1, clg_cast(floor, CLG_I64));
    if (kind == CLG_QUANTILE_LINEAR || kind == CLG_QUANTILE_MIDPOINT) {
        const clg_tensor above = clg_gather(wide, 1, clg_cast(clg_ceil(rank), CLG_I64));
        const clg_tensor part = clg_sub(rank, floor);
        y = clg_lerp(y, above, kind == CLG_QUANTILE_LINEAR ? part : clg_where(clg_gt(part, zero), half, zero));
    }
    const clg_tensor valid = clg_logical_and(clg_ge(share, zero), clg_le(share, one));
    y = clg_where(valid, y, clg__lit(c.dev, t, NAN));
    clg_shape s = outer;
    s.dim[s.rank - 1] = many;
    y = clg_reshape(clg_cast(y, a->dtype), s); // q where the axis was, turned to the front
    if (y->status < 0)
        return clg__call_own(&c, y);
    if (a->shape.rank == 0)
        return clg__call_own(&c, clg_reshape(y, q->shape));
    y = clg_transpose(y, at, -1);
    if (q->shape.rank == 0)
        return clg__call_own(&c, keepdims ? y : clg_squeeze(y, CLG_AXES(at)));
    clg_shape front = { .rank = a->shape.rank };
    for (int d = 0; d < front.rank; d++)
        front.dim[d] = d == 0 ? at : d <= at ? d - 1 : d;
    y = clg_permute(y, front); // [many]...
    return clg__call_own(&c, keepdims ? clg_unsqueeze(y, at + 1) : y);
}

clg_tensor clg_quantile(clg_tensor a, clg_tensor q, int axis, bool keepdims, clg_interpolation kind)
{
    return quantile("quantile", a, q, axis, false, keepdims, kind);
}

clg_tensor clg_nanquantile(clg_tensor a, clg_tensor q, int axis, bool keepdims, clg_interpolation kind)
{
    return quantile("nanquantile", a, q, axis, true, keepdims, kind);
}

// A run of equal elements is as long at its end as it is far from the last that differs.
clg_tensor clg_mode(clg_tensor a, int axis, bool keepdims, clg_tensor *indices)
{
    clg__call c;
    int at;
    clg_tensor bad = NULL, order;
    if (!clg__call_begin(&c, "mode", "a", 1, &a))
        bad = clg__call_poison(&c);
    else if (!clg__axis(axis, a->shape.rank, &at))
        bad = clg__call_fail(&c, CLG_ESHAPE, "axis %d of a tensor of rank %d", axis, a->shape.rank);
    else if (a->shape.rank && a->shape.dim[at] == 0)
        bad = clg__call_fail(&c, CLG_ESHAPE, "no elements to choose from");
    if (bad)
        return clg__second(bad, indices, bad);
    if (a->shape.rank == 0)
        return clg__second(a, indices, clg_zeros(c.dev, CLG_I64, a->shape));
    const int64_t n = a->shape.dim[at];
    const clg_tensor x = clg__call_own(&c, clg_sort(a, at, false, &order));
    if (x->status < 0)
        return clg__second(x, indices, x);
    clg_shape before = { .rank = a->shape.rank }, none = before, along = before;
    before.dim[at] = 1;
    for (int d = 0; d < along.rank; d++)
        along.dim[d] = d == at ? n : 1;
    const clg_tensor differs = clg_ne(clg_slice(x, at, 1, INT64_MAX, 1), clg_slice(x, at, 0, n - 1, 1));
    const clg_tensor place = clg_reshape(clg_arange(c.dev, CLG_I64, 0, (double) n, 1), along);
    const clg_tensor starts = clg_where(clg_pad(differs, before, none, 0), place, clg__lit(c.dev, CLG_I64, 0));
    const clg_tensor length = clg_sub(place, clg_cummax(starts, at, NULL));
    clg_tensor where = clg_gather(order, at, clg_argmax(length, CLG_AXES(at), true));
    clg_tensor y = clg_gather(a, at, where);
    if (y->status >= 0 && !keepdims) {
        y = clg_squeeze(y, CLG_AXES(at));
        where = clg_squeeze(where, CLG_AXES(at));
    }
    return clg__call_own(&c, clg__second(y, indices, where));
}
