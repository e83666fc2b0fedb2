// SPDX-License-Identifier: MIT
// Differences and integrals along an axis, covariance: functions of other ops.
#include "base/fp.h"
#include "ops/element.h"
#include "graph/build.h"
#include <clgrad/ops.h>
#include <clgrad/reduce.h>
#include <clgrad/scan.h>

#include <math.h>

static clg_tensor step(clg_tensor a, int axis)
{
    const clg_tensor low = clg_slice(a, axis, 0, -1, 1), high = clg_slice(a, axis, 1, INT64_MAX, 1);
    return a->dtype == CLG_BOOL ? clg_logical_xor(high, low) : clg_sub(high, low);
}

clg_tensor clg_diff(clg_tensor a, int n, int axis, clg_tensor prepend, clg_tensor append)
{
    clg__call c;
    clg_tensor in[3] = { a }, part[3];
    int n_in = 1, parts = 0, at;
    if (prepend)
        in[n_in++] = prepend;
    if (append)
        in[n_in++] = append;
    if (!clg__call_begin(&c, "diff", prepend ? "a prepend append" : "a append", n_in, in))
        return clg__call_poison(&c);
    if (a->shape.rank == 0)
        return clg__call_fail(&c, CLG_ESHAPE, "a has no dimension");
    if (!clg__axis(axis, a->shape.rank, &at))
        return clg__call_fail(&c, CLG_ESHAPE, "axis %d of a tensor of rank %d", axis, a->shape.rank);
    if (n < 0)
        return clg__call_fail(&c, CLG_EINVAL, "n is %d, expected 0 or more", n);
    if (n == 0)
        return a;
    if (prepend)
        part[parts++] = prepend;
    part[parts++] = a;
    if (append)
        part[parts++] = append;
    clg_tensor y = parts > 1 ? clg_concat_n(part, parts, at) : a;
    if (y->status < 0)
        return clg__call_own(&c, y);
    const int64_t size = y->shape.dim[at];
    if (n >= size) // nothing is left
        return clg__call_own(&c, clg_slice(y, at, 0, 0, 1));
    for (int i = 0; i < n; i++)
        y = step(y, at);
    return clg__call_own(&c, y);
}

// ---- trapezoids

// Twice the areas between neighbours, as a floating type; NULL: there are none.
static clg_tensor areas(const clg__call *c, clg_tensor y, clg_tensor x, double dx, int axis, int *at)
{
    if (y->shape.rank == 0 || !clg__axis(axis, y->shape.rank, at))
        return clg__call_fail(c, CLG_ESHAPE, "axis %d of a tensor of rank %d", axis, y->shape.rank);
    if (!clg_dtype_is_float(y->dtype))
        y = clg_cast(y, CLG_F32);
    const clg_tensor sides = clg_add(clg_slice(y, *at, 1, INT64_MAX, 1), clg_slice(y, *at, 0, -1, 1));
    if (!x)
        return clg_mul_scalar(sides, dx);
    clg_tensor width = x;
    if (!clg_dtype_is_float(x->dtype))
        width = clg_cast(x, CLG_F32);
    if (x->shape.rank == 1) {
        clg_shape s = { .rank = y->shape.rank };
        if (x->shape.dim[0] != y->shape.dim[*at])
            return clg__call_fail(c, CLG_ESHAPE, "x has %lld elements, the axis %lld", (long long) x->shape.dim[0],
                                  (long long) y->shape.dim[*at]);
        for (int d = 0; d < s.rank; d++)
            s.dim[d] = d == *at ? x->shape.dim[0] : 1;
        width = clg_reshape(width, s);
    } else if (x->shape.rank != y->shape.rank)
        return clg__call_fail(c, CLG_ESHAPE, "x has neither one dimension nor those of y");
    if (width->status < 0 || width->shape.dim[*at] != y->shape.dim[*at])
        return clg__call_fail(c, CLG_ESHAPE, "x and y differ along the axis");
    return clg_mul(sides, step(width, *at));
}

static bool begin_areas(clg__call *c, const char *name, clg_tensor y, clg_tensor x)
{
    return clg__call_begin(c, name, "y x", x ? 2 : 1, (clg_tensor[]) { y, x });
}

clg_tensor clg_trapezoid(clg_tensor y, clg_tensor x, double dx, int axis)
{
    CLG__DEFAULT_FP;
    clg__call c;
    int at;
    if (!begin_areas(&c, "trapezoid", y, x))
        return clg__call_poison(&c);
    const clg_tensor twice = areas(&c, y, x, dx, axis, &at);
    return twice->status < 0 ? clg__call_own(&c, twice)
                             : clg__call_own(&c, clg_mul_scalar(clg_sum(twice, CLG_AXES(at), false), 0.5));
}

clg_tensor clg_cumulative_trapezoid(clg_tensor y, clg_tensor x, double dx, int axis)
{
    CLG__DEFAULT_FP;
    clg__call c;
    int at;
    if (!begin_areas(&c, "cumulative_trapezoid", y, x))
        return clg__call_poison(&c);
    const clg_tensor twice = areas(&c, y, x, dx, axis, &at);
    return clg__call_own(&c, twice->status < 0 ? twice : clg_mul_scalar(clg_cumsum(twice, at), 0.5));
}

// ---- slopes

static clg_tensor some(clg_tensor a, int axis, int64_t first, int64_t n)
{
    return clg_slice(a, axis, first, first + n, 1);
}

// Of three neighbours, low and high apart from the middle: the parabola's slope at the middle, or at the end `side`.
static clg_tensor parabola(const clg_tensor f[3], clg_tensor low, clg_tensor high, int side)
{
    const clg_tensor left = clg_div(clg_sub(f[1], f[0]), low), right = clg_div(clg_sub(f[2], f[1]), high);
    const clg_tensor both = clg_add(low, high);
    if (side < 0)
        return clg_sub(left, clg_mul(clg_div(low, both), clg_sub(right, left)));
    if (side > 0)
        return clg_add(right, clg_mul(clg_div(high, both), clg_sub(right, left)));
    return clg_add(clg_mul(left, clg_div(high, both)), clg_mul(right, clg_div(low, both)));
}

clg_tensor clg_gradient(clg_tensor a, clg_tensor x, double dx, int axis, int edge_order)
{
    CLG__DEFAULT_FP;
    clg__call c;
    int at;
    if (!clg__call_begin(&c, "gradient", "a x", x ? 2 : 1, (clg_tensor[]) { a, x }))
        return clg__call_poison(&c);
    if (a->dtype == CLG_BOOL)
        return clg__call_fail(&c, CLG_EDTYPE, "of BOOL there are no slopes");
    if (edge_order != 1 && edge_order != 2)
        return clg__call_fail(&c, CLG_EINVAL, "edge_order is %d, expected 1 or 2", edge_order);
    if (a->shape.rank == 0 || !clg__axis(axis, a->shape.rank, &at))
        return clg__call_fail(&c, CLG_ESHAPE, "axis %d of a tensor of rank %d", axis, a->shape.rank);
    const int64_t n = a->shape.dim[at];
    if (n < edge_order + 1)
        return clg__call_fail(&c, CLG_ESHAPE, "%lld elements, expected %d or more", (long long) n, edge_order + 1);
    if (x && (x->shape.rank != 1 || x->shape.dim[0] != n))
        return clg__call_fail(&c, CLG_ESHAPE, "x is not one place for each of %lld elements", (long long) n);
    const clg_dtype t = clg_dtype_is_float(a->dtype) ? a->dtype : CLG_F32;
    const clg_tensor f = clg__wide(clg_cast(a, t));
    clg_tensor part[3], width = NULL;
    if (x) {
        clg_shape s = { .rank = a->shape.rank };
        for (int d = 0; d < s.rank; d++)
            s.dim[d] = d == at ? n : 1;
        width = step(clg_cast(clg_reshape(x, s), f->dtype), at);
    }
    const clg_tensor one = width ? NULL : clg_scalar(c.dev, f->dtype, dx);
    for (int end = 0; end < 2; end++) {
        const int64_t first = end ? n - 1 - edge_order : 0;
        const clg_tensor low = width ? some(width, at, first, 1) : one;
        const clg_tensor p[3] = { some(f, at, first, 1), some(f, at, first + 1, 1), edge_order > 1 ? some(f, at, first + 2, 1) : NULL };
        part[2 * end] = edge_order == 1 ? clg_div(clg_sub(p[1], p[0]), low)
                                        : parabola(p, low, width ? some(width, at, first + 1, 1) : one, end ? 1 : -1);
    }
    if (n == 2)
        return clg__call_own(&c, clg_cast(clg_concat_n((clg_tensor[]) { part[0], part[2] }, 2, at), t));
    if (width) {
        const clg_tensor p[3] = { some(f, at, 0, n - 2), some(f, at, 1, n - 2), some(f, at, 2, n - 2) };
        part[1] = parabola(p, some(width, at, 0, n - 2), some(width, at, 1, n - 2), 0);
    } else
        part[1] = clg_div(clg_sub(some(f, at, 2, n - 2), some(f, at, 0, n - 2)), clg_scalar(c.dev, f->dtype, 2 * dx));
    return clg__call_own(&c, clg_cast(clg_concat_n(part, 3, at), t));
}

// ---- covariance

static clg_tensor weights(const clg__call *c, clg_tensor w, int64_t n, const char *name)
{
    if (w->shape.rank > 1 || clg_numel(w->shape) != n)
        return clg__call_fail(c, CLG_ESHAPE, "%s has not one number for each of %lld observations", name, (long long) n);
    return NULL;
}

clg_tensor clg_cov(clg_tensor a, double correction, clg_tensor fweights, clg_tensor aweights)
{
    CLG__DEFAULT_FP;
    clg__call c;
    clg_tensor in[3] = { a }, bad = NULL, w = NULL;
    int n_in = 1;
    if (fweights)
        in[n_in++] = fweights;
    if (aweights)
        in[n_in++] = aweights;
    if (!clg__call_begin(&c, "cov", fweights ? "a fweights aweights" : "a aweights", n_in, in))
        return clg__call_poison(&c);
    if (a->shape.rank > 2)
        return clg__call_fail(&c, CLG_ESHAPE, "a has more than two dimensions");
    if (a->dtype == CLG_BOOL)
        return clg__call_fail(&c, CLG_EDTYPE, "of BOOL there is no covariance");
    if (fweights && clg_dtype_is_float(fweights->dtype))
        return clg__call_fail(&c, CLG_EDTYPE, "fweights are no integers");
    if (aweights && !clg_dtype_is_float(aweights->dtype))
        return clg__call_fail(&c, CLG_EDTYPE, "aweights are not floating");
    clg_dtype t = clg__result_type(n_in, in);
    t = clg_dtype_is_float(t) ? t : CLG_F32;
    clg_tensor x = clg__wide(clg_cast(a, t));
    if (a->shape.rank < 2)
        x = clg_reshape(x, CLG_SHAPE(1, -1));
    const int64_t n = a->shape.rank == 2 ? a->shape.dim[1] : clg_numel(a->shape);
    if (fweights && !(bad = weights(&c, fweights, n, "fweights")))
        w = clg_cast(clg_reshape(fweights, CLG_SHAPE(n)), x->dtype);
    if (!bad && aweights && !(bad = weights(&c, aweights, n, "aweights"))) {
        const clg_tensor v = clg_cast(clg_reshape(aweights, CLG_SHAPE(n)), x->dtype);
        w = w ? clg_mul(w, v) : v;
    }
    if (bad)
        return bad;
    clg_tensor y;
    if (!w) {
        const clg_tensor d = clg_sub(x, clg_mean(x, CLG_AXES(1), true));
        y = clg_div(clg_matmul(d, clg_transpose(d, 0, 1)), clg__num(x->dev, x->dtype, fmax((double) n - correction, 0)));
    } else {
        const clg_tensor all = clg_sum(w, CLG_ALL, false);
        const clg_tensor d = clg_sub(x, clg_div(clg_sum(clg_mul(x, w), CLG_AXES(1), true), all));
        clg_tensor less = clg_scalar(x->dev, x->dtype, correction);
        if (aweights)
            less = clg_mul(less, clg_div(clg_sum(clg_mul(w, clg_cast(clg_reshape(aweights, CLG_SHAPE(n)), x->dtype)),
                                                 CLG_ALL, false), all));
        const clg_tensor by = clg_sub(all, less), none = clg__lit(x->dev, x->dtype, 0);
        y = clg_div(clg_matmul(d, clg_transpose(clg_mul(d, w), 0, 1)), clg_where(clg_le(by, none), none, by));
    }
    return clg__call_own(&c, clg_cast(clg_squeeze(y, CLG_ALL), t));
}

clg_tensor clg_corrcoef(clg_tensor a)
{
    CLG__DEFAULT_FP;
    clg__call c;
    if (!clg__call_begin(&c, "corrcoef", "a", 1, &a))
        return clg__call_poison(&c);
    const clg_dtype t = a->dtype;
    clg_tensor y = clg__call_own(&c, clg_cov(clg__wide(a), 1, NULL, NULL));
    if (y->status < 0)
        return y;
    if (y->shape.rank == 0)
        return clg__call_own(&c, clg_cast(clg_div(y, y), clg_dtype_is_float(t) ? t : y->dtype));
    const int64_t n = y->shape.dim[0];
    const clg_tensor d = clg_sqrt(clg_slice(clg_reshape(y, CLG_SHAPE(n * n)), 0, 0, INT64_MAX, n + 1));
    y = clg_div(clg_div(y, clg_unsqueeze(d, 1)), clg_unsqueeze(d, 0));
    return clg__call_own(&c, clg_cast(clg_clamp(y, -1, 1), clg_dtype_is_float(t) ? t : y->dtype));
}
