// SPDX-License-Identifier: MIT
// What reductions of others make: norms and distances, sums that leave out NaN, differences along an axis,
// covariance. Values are functions of other ops; a norm has its own derivative, which neither overflows nor divides
// by 0.
#include "ops/extreme.h"

#include "base/fp.h"
#include "ops/element.h"
#include "ops/pair_distance.h"
#include "ops/reduce.h"
#include <clgrad/ops.h>
#include <clgrad/reduce.h>

#include <math.h>

static clg_tensor literal(clg_tensor like, double v)
{
    return clg__lit(like->dev, like->dtype, v);
}

// ---- norms

typedef struct norm_params {
    clg_shape axes;
    double p;
} norm_params;

// g sign(a) (|a| / y)^(p - 1), 0 where a is 0 below p = 2, and where y is.
static clg_tensor norm_vjp(const clg__vjp *v, int i)
{
    const norm_params *q = v->params;
    (void) i;
    if (q->p == 0)
        return clg_expand(literal(v->g, 0), v->in[0]->shape);
    const clg_tensor a = v->in[0], y = clg__kept(v->y, a, q->axes), g = clg__kept(v->g, a, q->axes), zero = literal(a, 0);
    const clg_tensor none = clg_eq(y, zero), by = clg_where(none, literal(y, 1), y);
    if (q->p == 2)
        return clg_where(none, zero, clg_mul(clg_div(a, by), g));
    const clg_tensor at_zero = clg_eq(a, zero), some = clg_where(at_zero, literal(a, 1), a);
    const clg_tensor power = clg_pow(clg_abs(clg_div(some, by)), clg_scalar(a->dev, a->dtype, q->p - 1));
    const clg_tensor d = clg_mul(g, clg_mul(clg_sign(a), clg_where(at_zero, zero, power)));
    return q->p > 1 ? clg_where(none, zero, d) : d;
}

static const clg__op op_norm = { .name = "norm", .kind = CLG__ALIAS, .vjp = norm_vjp,
                                 .params_bytes = sizeof(norm_params) };

static clg_tensor norm_of(clg_tensor a, double p, clg_shape axes, bool keepdims)
{
    if (p == 1)
        return clg_sum(clg_abs(a), axes, keepdims);
    if (isinf(p))
        return p > 0 ? clg_amax(clg_abs(a), axes, keepdims) : clg_amin(clg_abs(a), axes, keepdims);
    const norm_params q = { axes, p };
    clg_tensor y;
    if (p == 0)
        y = clg_sum(clg_cast(clg_ne(a, literal(a, 0)), a->dtype), axes, keepdims);
    else if (p == 2)
        y = clg__squares(a, axes, 1, true, keepdims);
    else
        y = clg_pow(clg_sum(clg_pow(clg_abs(a), clg_scalar(a->dev, a->dtype, p)), axes, keepdims),
                    clg_scalar(a->dev, a->dtype, 1 / p));
    return y->status < 0 ? y : clg__custom_vjp(&op_norm, y, 1, &a, &q);
}

static clg_tensor rounded_norm(const clg__call *c, clg_tensor a, double p, clg_shape axes, bool keepdims)
{
    if (isnan(p))
        return clg__call_fail(c, CLG_EINVAL, "p is NaN");
    const clg_tensor y = norm_of(clg__wide(a), p, axes, keepdims);
    return clg__call_own(c, y->status < 0 ? y : clg_cast(y, a->dtype));
}

clg_tensor clg_norm(clg_tensor a, double p, clg_shape axes, bool keepdims)
{
    CLG__DEFAULT_FP;
    clg__call c;
    a = clg_autocast_input("norm", a);
    if (!clg__call_begin(&c, "norm", "a", 1, &a))
        return clg__call_poison(&c);
    if (!clg_dtype_is_float(a->dtype))
        return clg__call_fail(&c, CLG_EDTYPE, "only floating types have a norm: cast first");
    return rounded_norm(&c, a, p, axes, keepdims);
}

clg_tensor clg_dist(clg_tensor a, clg_tensor b, double p)
{
    CLG__DEFAULT_FP;
    clg__call c;
    if (!clg__call_begin(&c, "dist", "a b", 2, (clg_tensor[]) { a, b }))
        return clg__call_poison(&c);
    const clg_tensor d = clg__call_own(&c, clg_sub(a, b));
    if (d->status < 0)
        return d;
    if (!clg_dtype_is_float(d->dtype))
        return clg__call_fail(&c, CLG_EDTYPE, "only floating types have a norm: cast first");
    return rounded_norm(&c, d, p, CLG_ALL, false);
}

// As PyTorch has it of distances, not of norms: each difference that is the largest takes all of g.
static clg_tensor largest_vjp(const clg__vjp *v, int i)
{
    (void) i;
    const clg_tensor a = v->in[0], zero = literal(a, 0);
    const clg_tensor y = clg__kept(v->y, a, CLG_AXES(-1)), g = clg__kept(v->g, a, CLG_AXES(-1));
    return clg_where(clg_eq(clg_abs(a), y), clg_mul(clg_sign(a), g), zero);
}

static const clg__op op_largest = { .name = "largest_difference", .kind = CLG__ALIAS, .vjp = largest_vjp };

clg_tensor clg__distances(clg_tensor d, double p)
{
    if (d->status < 0 || !isinf(p))
        return d->status < 0 ? d : clg_norm(d, p, CLG_AXES(-1), false);
    const clg_tensor x = clg__wide(d), y = clg_amax(clg_abs(x), CLG_AXES(-1), false);
    return y->status < 0 ? y : clg_cast(clg__custom_vjp(&op_largest, y, 1, &x, NULL), d->dtype);
}

clg_tensor clg_cdist(clg_tensor a, clg_tensor b, double p)
{
    CLG__DEFAULT_FP;
    clg__call c;
    if (!clg__call_begin(&c, "cdist", "a b", 2, (clg_tensor[]) { a, b }))
        return clg__call_poison(&c);
    const int ra = a->shape.rank, rb = b->shape.rank;
    if (ra < 2 || rb < 2)
        return clg__call_fail(&c, CLG_ESHAPE, "expected matrices, or batches of them");
    if (a->shape.dim[ra - 1] != b->shape.dim[rb - 1])
        return clg__call_fail(&c, CLG_ESHAPE, "the last dimensions differ");
    if (!clg_dtype_is_float(a->dtype) || !clg_dtype_is_float(b->dtype))
        return clg__call_fail(&c, CLG_EDTYPE, "only floating types have a norm: cast first");
    if (!(p >= 0))
        return clg__call_fail(&c, CLG_EINVAL, "p is %g, expected 0 or more", p);
    if ((p == 1 || p == 2) && clg_numel(a->shape) > 0 && clg_numel(b->shape) > 0) {
        a = clg_autocast_input("norm", a), b = clg_autocast_input("norm", b);
        return clg__call_own(&c, clg__pair_distance(a, b, (int) p));
    }
    const clg_tensor d = clg__call_own(&c, clg_sub(clg_unsqueeze(a, -2), clg_unsqueeze(b, -3)));
    const double of_nothing = a->shape.dim[ra - 1] == 0 ? 1 : p; // which has no largest element
    return d->status < 0 ? d : clg__call_own(&c, clg__distances(d, of_nothing));
}

// ---- counts, and sums without NaN

clg_tensor clg_count_nonzero(clg_tensor a, clg_shape axes, bool keepdims)
{
    clg__call c;
    if (!clg__call_begin(&c, "count_nonzero", "a", 1, &a))
        return clg__call_poison(&c);
    return clg__call_own(&c, clg_sum(clg_cast(a, CLG_BOOL), axes, keepdims));
}

// PyTorch multiplies: where no element counts, the mean's cotangent is infinite, and NaN comes back.
static clg_tensor some_vjp(const clg__vjp *v, int i)
{
    (void) i;
    return clg_mul(v->g, clg_cast(clg_eq(v->in[0], v->in[0]), v->g->dtype));
}

static const clg__op op_some = { .name = "without_nan", .kind = CLG__ALIAS, .vjp = some_vjp };

static clg_tensor without_nan(clg_tensor a)
{
    const clg_tensor y = clg_where(clg_eq(a, a), a, literal(a, 0));
    return y->status < 0 ? y : clg__custom_vjp(&op_some, y, 1, &a, NULL);
}

clg_tensor clg_nansum(clg_tensor a, clg_shape axes, bool keepdims)
{
    clg__call c;
    if (!clg__call_begin(&c, "nansum", "a", 1, &a))
        return clg__call_poison(&c);
    const clg_tensor some = clg_dtype_is_float(a->dtype) ? without_nan(a) : a;
    return clg__call_own(&c, clg_sum(some, axes, keepdims));
}

clg_tensor clg_nanmean(clg_tensor a, clg_shape axes, bool keepdims)
{
    clg__call c;
    if (!clg__call_begin(&c, "nanmean", "a", 1, &a))
        return clg__call_poison(&c);
    if (!clg_dtype_is_float(a->dtype))
        return clg__call_fail(&c, CLG_EDTYPE, "only floating types have a mean: cast first");
    const clg_tensor w = clg__wide(a), some = clg_eq(w, w);
    const clg_tensor sum = clg_sum(without_nan(w), axes, keepdims);
    const clg_tensor n = clg_sum(some, axes, keepdims);
    return clg__call_own(&c, clg_cast(clg_div(sum, clg_cast(n, w->dtype)), a->dtype));
}

static clg_tensor with_mean(const char *name, clg_tensor (*spread)(clg_tensor, clg_shape, double, bool), clg_tensor a,
                            clg_shape axes, double correction, bool keepdims, clg_tensor *mean)
{
    clg__call c;
    if (!clg__call_begin(&c, name, "a", 1, &a)) {
        const clg_tensor bad = clg__call_poison(&c);
        return clg__second(bad, mean, bad);
    }
    const clg_tensor y = clg__call_own(&c, spread(a, axes, correction, keepdims));
    return clg__second(y, mean, y->status < 0 || !mean ? y : clg_mean(a, axes, keepdims));
}

clg_tensor clg_var_mean(clg_tensor a, clg_shape axes, double correction, bool keepdims, clg_tensor *mean)
{
    return with_mean("var_mean", clg_variance, a, axes, correction, keepdims, mean);
}

clg_tensor clg_std_mean(clg_tensor a, clg_shape axes, double correction, bool keepdims, clg_tensor *mean)
{
    return with_mean("std_mean", clg_std, a, axes, correction, keepdims, mean);
}

clg_tensor clg_trace(clg_tensor a)
{
    clg__call c;
    if (!clg__call_begin(&c, "trace", "a", 1, &a))
        return clg__call_poison(&c);
    if (a->shape.rank != 2)
        return clg__call_fail(&c, CLG_ESHAPE, "expected a matrix");
    const int64_t rows = a->shape.dim[0], columns = a->shape.dim[1], n = rows < columns ? rows : columns;
    const clg_tensor line = clg_slice(clg_reshape(a, CLG_SHAPE(rows * columns)), 0, 0, n * (columns + 1), columns + 1);
    return clg__call_own(&c, clg_sum(line, CLG_ALL, false));
}
