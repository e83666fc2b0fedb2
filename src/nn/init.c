// SPDX-License-Identifier: MIT
// First numbers of parameters, as torch.nn.init has them.
#include "nn/fp.h"
#include "nn/store.h"
#include <clgrad/arrange.h>
#include <clgrad/create.h>
#include <clgrad/factor.h>

#include <math.h>

const char *clg__init_wrong(clg_shape shape, clg_init in)
{
    switch (in.kind) {
    case CLG_INIT_DEFAULT:
    case CLG_INIT_KAIMING_UNIFORM:
    case CLG_INIT_KAIMING_NORMAL:
    case CLG_INIT_XAVIER_UNIFORM:
    case CLG_INIT_XAVIER_NORMAL:
    case CLG_INIT_UNIFORM:
    case CLG_INIT_NORMAL:
    case CLG_INIT_CONSTANT:
    case CLG_INIT_TRUNC_NORMAL:
        return NULL;
    case CLG_INIT_ORTHOGONAL:
        return shape.rank >= 2 ? NULL : "orthogonal first numbers need two dimensions or more";
    case CLG_INIT_DIRAC:
        if (shape.rank < 3 || shape.rank > 5)
            return "first numbers of Dirac's are of convolutions";
        return in.a >= 0 && in.a <= 1e9 && floor(in.a) == in.a && shape.dim[0] % (in.a > 0 ? (int64_t) in.a : 1) == 0
                   ? NULL : "groups do not divide the channels";
    case CLG_INIT_EYE:
        return shape.rank == 2 ? NULL : "the identity has two dimensions";
    default:
        return "no such kind of first numbers";
    }
}

// The factor Q of normal numbers, with R's diagonal positive: evenly spread over all orthogonal matrices.
static clg_tensor orthogonal(clg_device dev, clg_shape shape, double gain)
{
    const int64_t rows = shape.dim[0], all = clg_numel(shape), columns = rows ? all / rows : 0;
    if (all == 0)
        return clg_zeros(dev, CLG_F32, shape);
    clg_tensor x = clg_normal(dev, CLG_F32, CLG_SHAPE(rows, columns), 0, 1), r;
    clg_tensor q = clg_qr(rows < columns ? clg_transpose(x, 0, 1) : x, CLG_QR_REDUCED, &r);
    q = clg_mul(q, clg_sign(clg_diagonal(r, 0, 0, 1)));
    return clg_mul_scalar(clg_reshape(rows < columns ? clg_transpose(q, 0, 1) : q, shape), gain);
}

// 1 in the middle of the window, from each channel to the one of its number.
static clg_tensor dirac(clg_device dev, clg_shape shape, int64_t groups)
{
    clg_shape one = { .rank = shape.rank, .dim = { shape.dim[0], shape.dim[1] } }, before = one, after = one;
    if (clg_numel(shape) == 0)
        return clg_zeros(dev, CLG_F32, shape);
    for (int d = 0; d < shape.rank; d++) {
        if (d >= 2)
            one.dim[d] = 1;
        before.dim[d] = d < 2 ? 0 : shape.dim[d] / 2;
        after.dim[d] = d < 2 ? 0 : shape.dim[d] - shape.dim[d] / 2 - 1;
    }
    const clg_tensor eye = clg_eye(dev, CLG_F32, shape.dim[0] / groups, shape.dim[1]);
    return clg_pad(clg_reshape(clg_repeat(eye, CLG_SHAPE(groups, 1)), one), before, after, 0);
}

clg_tensor clg__init_value(clg_device dev, clg_shape shape, clg_init in, int64_t fan_in)
{
    DEFAULT_FP;
    double field = 1;
    for (int d = 2; d < shape.rank && d < CLG_MAX_RANK; d++)
        field *= (double) shape.dim[d];
    const double fi = fan_in > 0 ? (double) fan_in : (double) (shape.rank > 1 ? shape.dim[1] : 1) * field;
    const double fo = (double) (shape.rank > 0 ? shape.dim[0] : 1) * field, fan = in.b != 0 ? fo : fi;
    const double steep = sqrt(2 / (1 + in.a * in.a)) / sqrt(fan > 0 ? fan : 1), gain = in.a != 0 ? in.a : 1;
    const double spread = gain * sqrt(2 / (fi + fo)), root3 = sqrt(3.0);
    switch (in.kind) {
    case CLG_INIT_KAIMING_UNIFORM:
        return clg_uniform(dev, CLG_F32, shape, -steep * root3, steep * root3);
    case CLG_INIT_KAIMING_NORMAL:
        return clg_normal(dev, CLG_F32, shape, 0, steep);
    case CLG_INIT_XAVIER_UNIFORM:
        return clg_uniform(dev, CLG_F32, shape, -fabs(spread) * root3, fabs(spread) * root3);
    case CLG_INIT_XAVIER_NORMAL:
        return clg_normal(dev, CLG_F32, shape, 0, fabs(spread));
    case CLG_INIT_UNIFORM:
        return clg_uniform(dev, CLG_F32, shape, in.a, in.b);
    case CLG_INIT_NORMAL:
        return clg_normal(dev, CLG_F32, shape, in.a, in.b);
    case CLG_INIT_CONSTANT:
        return clg_full(dev, CLG_F32, shape, in.a);
    case CLG_INIT_TRUNC_NORMAL:
        return clg_trunc_normal(dev, CLG_F32, shape, in.a, in.b, -2, 2);
    case CLG_INIT_ORTHOGONAL:
        return orthogonal(dev, shape, gain);
    case CLG_INIT_DIRAC:
        return dirac(dev, shape, in.a > 0 ? (int64_t) in.a : 1);
    case CLG_INIT_EYE:
        return clg_eye(dev, CLG_F32, shape.dim[0], shape.dim[1]);
    default:
        break;
    }
    const double bound = 1 / sqrt(fi > 0 ? fi : 1);
    return clg_uniform(dev, CLG_F32, shape, -bound, bound);
}
