// SPDX-License-Identifier: MIT
// Dropout of elements and of channels: a draw, and a choice by it.
#include "base/fp.h"
#include "graph/build.h"
#include "ops/element.h"
#include <clgrad/create.h>
#include <clgrad/ops.h>

#include <math.h>

// What is common to the family: poison, or NULL and whether there is nothing to do.
static clg_tensor check(clg__call *c, const char *op, const clg_tensor *a, double p)
{
    if (!clg__call_begin(c, op, "a", 1, a))
        return clg__call_poison(c);
    if (!(p >= 0 && p <= 1))
        return clg__call_fail(c, CLG_EINVAL, "p is %g, expected 0 to 1", p);
    if (!clg_dtype_is_float((*a)->dtype))
        return clg__call_fail(c, CLG_EDTYPE, "only floating types");
    return NULL;
}

// true with probability 1 - p, of shape s
static clg_tensor kept(clg_device dev, const clg_shape *s, double p)
{
    return clg_ge(clg_uniform(dev, CLG_F32, *s, 0, 1), clg_scalar(dev, CLG_F32, p));
}

static clg_tensor dropped(clg_tensor a, const clg_shape *s, double p)
{
    const double scale = p < 1 ? 1 / (1 - p) : 0;
    return clg_where(kept(a->dev, s, p), clg_mul(a, clg_scalar(a->dev, a->dtype, scale)), clg__lit(a->dev, a->dtype, 0));
}

// Mean and variance stay those of selu's: what is dropped becomes its limit.
static clg_tensor alpha_dropped(clg_tensor a, const clg_shape *s, double p)
{
    const double alpha = 1.7580993408473766, scale = p < 1 ? 1 / sqrt((alpha * alpha * p + 1) * (1 - p)) : 0;
    const clg_tensor x = clg__wide(a);
    const clg_tensor yes = clg_add(clg_mul(x, clg_scalar(a->dev, x->dtype, scale)),
                                   clg_scalar(a->dev, x->dtype, alpha * scale * p));
    return clg_cast(clg_where(kept(a->dev, s, p), yes, clg_scalar(a->dev, x->dtype, alpha * scale * (p - 1))), a->dtype);
}

// Of [N,C,...]: a decision for each n and c.
static clg_shape channels(const clg_shape *s)
{
    clg_shape out = *s;
    for (int d = 2; d < out.rank; d++)
        out.dim[d] = 1;
    return out;
}

clg_tensor clg_dropout(clg_tensor a, double p)
{
    CLG__DEFAULT_FP;
    p = clg__fp_pin(p);
    clg__call c;
    const clg_tensor bad = check(&c, "dropout", &a, p);
    return bad ? bad : p == 0 ? a : clg__call_own(&c, dropped(a, &a->shape, p));
}

clg_tensor clg_alpha_dropout(clg_tensor a, double p)
{
    CLG__DEFAULT_FP;
    p = clg__fp_pin(p);
    clg__call c;
    const clg_tensor bad = check(&c, "alpha_dropout", &a, p);
    return bad ? bad : p == 0 ? a : clg__call_own(&c, alpha_dropped(a, &a->shape, p));
}

// least, most: ranks; single: that of an image without a batch, 0: there is none.
static clg_tensor of_channels(const char *op, clg_tensor a, double p, int least, int most, int single,
                              clg_tensor (*how)(clg_tensor, const clg_shape *, double))
{
    clg__call c;
    const clg_tensor bad = check(&c, op, &a, p);
    if (bad)
        return bad;
    if (a->shape.rank < least || a->shape.rank > most)
        return clg__call_fail(&c, CLG_ESHAPE, "a has rank %d, expected %d to %d", a->shape.rank, least, most);
    if (p == 0)
        return a;
    const clg_tensor x = a->shape.rank == single ? clg_unsqueeze(a, 0) : a;
    if (x->status < 0)
        return clg__call_own(&c, x);
    const clg_shape s = channels(&x->shape);
    const clg_tensor y = how(x, &s, p);
    return clg__call_own(&c, x == a || y->status < 0 ? y : clg_reshape(y, a->shape));
}

clg_tensor clg_dropout1d(clg_tensor a, double p)
{
    CLG__DEFAULT_FP;
    return of_channels("dropout1d", a, clg__fp_pin(p), 2, 3, 2, dropped);
}

clg_tensor clg_dropout2d(clg_tensor a, double p)
{
    CLG__DEFAULT_FP;
    return of_channels("dropout2d", a, clg__fp_pin(p), 2, CLG_MAX_RANK, 0, dropped);
}

clg_tensor clg_dropout3d(clg_tensor a, double p)
{
    CLG__DEFAULT_FP;
    return of_channels("dropout3d", a, clg__fp_pin(p), 2, CLG_MAX_RANK, 4, dropped);
}

clg_tensor clg_feature_dropout(clg_tensor a, double p)
{
    CLG__DEFAULT_FP;
    return of_channels("feature_dropout", a, clg__fp_pin(p), 2, CLG_MAX_RANK, 0, dropped);
}

clg_tensor clg_feature_alpha_dropout(clg_tensor a, double p)
{
    CLG__DEFAULT_FP;
    return of_channels("feature_alpha_dropout", a, clg__fp_pin(p), 2, CLG_MAX_RANK, 0, alpha_dropped);
}
