// SPDX-License-Identifier: MIT
// Clipping of gradients, by their norm or one by one.
#include "nn/fp.h"

#include <clgrad/optim.h>

#include <math.h>

// Squares leave the range of a type where norms do not, so there are three sums of them, in one pass: of
// g, of g 2^-far and of g 2^far. The first one serves unless it is infinite or so small that squares
// were lost.
typedef struct norm {
    clg_tensor sum, scale; // the norm is sqrt(sum) scale
    clg_tensor big;        // is the sum that of g 2^-far?
    double far;            // 2^far
} norm;

static clg_tensor constant(clg_tensor like, double v)
{
    return clg_scalar(like->dev, like->dtype, v);
}

static clg_tensor add_to(clg_tensor total, clg_tensor g)
{
    clg_tensor s = clg_sum(clg_mul(g, g), CLG_ALL, false);
    return total ? clg_add(total, s) : s;
}

static norm norm_of(const clg_tensor *g, int n)
{
    clg_tensor sum = NULL, big = NULL, small = NULL;
    double count = 0;
    for (int i = 0; i < n; i++) {
        sum = add_to(sum, g[i]);
        if (sum->status < 0)
            return (norm) { .sum = sum };
        count += (double) clg_numel(g[i]->shape);
    }
    const bool f64 = sum->dtype == CLG_F64;
    const double far = f64 ? 0x1p600 : 0x1p80, most = f64 ? 0x1p500 : 0x1p60;
    for (int i = 0; i < n; i++) {
        big = add_to(big, clg_mul_scalar(g[i], 1 / far));
        // within `most` where it counts; beyond, no infinity may meet a zero in a derivative
        small = add_to(small, clg_clamp(clg_mul_scalar(g[i], far), -most, most));
    }
    clg_tensor is_big = clg_eq(sum, constant(sum, INFINITY));
    clg_tensor is_small = clg_lt(sum, constant(sum, count * (f64 ? 0x1p-900 : 0x1p-100)));
    clg_tensor one = constant(sum, 1), up = constant(sum, far), down = constant(sum, 1 / far);
    return (norm) { .sum = clg_where(is_big, big, clg_where(is_small, small, sum)),
                    .scale = clg_where(is_big, up, clg_where(is_small, down, one)),
                    .big = is_big, .far = far };
}

clg_tensor clg_clip_grad_norm(clg_tensor *g, int n, double max_norm)
{
    DEFAULT_FP;
    if (!g || n <= 0)
        return clg_poison(NULL, CLG_EINVAL, "clip_grad_norm: there are no gradients");
    clg_tensor bad = clg_check_inputs("clip_grad_norm", "grads[]", g, n);
    if (bad)
        return bad;
    for (int i = 0; i < n; i++) {
        if (!clg_dtype_is_float(g[i]->dtype))
            return clg_poison(g[i]->dev, CLG_EDTYPE, "clip_grad_norm: grads[%d] is %s, expected a floating type",
                              i, clg_dtype_name(g[i]->dtype));
    }
    const norm s = norm_of(g, n);
    if (s.sum->status < 0)
        return s.sum;
    clg_tensor root = clg_sqrt(s.sum), total = clg_mul(root, s.scale);
    if (total->status < 0)
        return total;
    clg_tensor one = constant(total, 1), max = constant(total, max_norm);
    clg_tensor scale =
        clg_clamp(clg_div(max, clg_add(total, constant(total, 1e-6))), NAN, 1);
    // max / total may be too small for a number where g max / total is not: two steps then
    clg_tensor far = clg_where(s.big, clg_gt(total, max), s.big);
    clg_tensor first = clg_where(far, constant(total, 1 / s.far), one);
    clg_tensor second = clg_where(far, clg_div(max, clg_where(far, root, one)), scale);
    for (int i = 0; i < n; i++)
        g[i] = clg_mul(clg_mul(g[i], first), second);
    return total;
}

void clg_clip_grad_value(clg_tensor *g, int n, double limit)
{
    for (int i = 0; i < n && g; i++) {
        clg_tensor bad = clg_check_inputs("clip_grad_value", "grad", &g[i], 1);
        g[i] = bad ? bad : clg_clamp(g[i], -limit, limit);
    }
}
