// SPDX-License-Identifier: MIT
// Clipping of gradients, by their norm or one by one.
#include "nn/fp.h"

#include <clgrad/optim.h>
#include <clgrad/reduce.h>

#include <math.h>
#include <stdlib.h>

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

static clg_tensor wide(clg_tensor g)
{
    return g->dtype == CLG_F16 || g->dtype == CLG_BF16 ? clg_cast(g, CLG_F32) : g;
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
        if (!g[i])
            continue;
        sum = add_to(sum, wide(g[i]));
        if (sum->status < 0)
            return (norm) { .sum = sum };
        count += (double) clg_numel(g[i]->shape);
    }
    const bool f64 = sum->dtype == CLG_F64;
    const double far = f64 ? 0x1p600 : 0x1p80, most = f64 ? 0x1p500 : 0x1p60;
    for (int i = 0; i < n; i++) {
        if (!g[i])
            continue;
        big = add_to(big, clg_mul_scalar(wide(g[i]), 1 / far));
        // within `most` where it counts; beyond, no infinity may meet a zero in a derivative
        small = add_to(small, clg_clamp(clg_mul_scalar(wide(g[i]), far), -most, most));
    }
    clg_tensor is_big = clg_eq(sum, constant(sum, INFINITY));
    clg_tensor is_small = clg_lt(sum, constant(sum, count * (f64 ? 0x1p-900 : 0x1p-100)));
    clg_tensor one = constant(sum, 1), up = constant(sum, far), down = constant(sum, 1 / far);
    return (norm) { .sum = clg_where(is_big, big, clg_where(is_small, small, sum)),
                    .scale = clg_where(is_big, up, clg_where(is_small, down, one)),
                    .big = is_big, .far = far };
}

// NULL: there are gradients, and they are floating.
static clg_tensor refuse(const clg_tensor *g, int n)
{
    int some = 0;
    for (int i = 0; g && i < n; i++) {
        if (!g[i])
            continue;
        some++;
        clg_tensor bad = clg_check_inputs("clip_grad_norm", "grads[]", &g[i], 1);
        if (bad)
            return bad;
        if (!clg_dtype_is_float(g[i]->dtype))
            return clg_poison(g[i]->dev, CLG_EDTYPE, "clip_grad_norm: grads[%d] is %s, expected a floating type",
                              i, clg_dtype_name(g[i]->dtype));
    }
    return some > 0 ? NULL : clg_poison(NULL, CLG_EINVAL, "clip_grad_norm: there are no gradients");
}

clg_tensor clg_clip_grad_norm_p(clg_tensor *g, int n, double max_norm, double p)
{
    if (p == 2)
        return clg_clip_grad_norm(g, n, max_norm);
    DEFAULT_FP;
    clg_tensor bad = refuse(g, n), *each = bad ? NULL : malloc((size_t) n * sizeof *each);
    if (!each)
        return bad ? bad : clg_poison(NULL, CLG_ENOMEM, "clip_grad_norm: out of host memory");
    int m = 0;
    for (int i = 0; i < n; i++) {
        if (g[i])
            each[m++] = clg_norm(wide(g[i]), p, CLG_ALL, false);
    }
    clg_dtype t = CLG_F32;
    for (int i = 0; i < m; i++)
        t = each[i]->dtype == CLG_F64 ? CLG_F64 : t;
    for (int i = 0; i < m; i++)
        each[i] = each[i]->dtype == t ? each[i] : clg_cast(each[i], t);
    clg_tensor total = clg_norm(clg_stack_n(each, m, 0), p, CLG_ALL, false);
    free(each);
    if (total->status < 0)
        return total;
    clg_tensor room = clg_div(constant(total, max_norm), clg_add(total, constant(total, 1e-6)));
    clg_tensor scale = clg_clamp(room, NAN, 1);
    for (int i = 0; i < n; i++)
        g[i] = g[i] ? clg_mul(g[i], scale) : NULL;
    return total;
}

clg_tensor clg_clip_grad_norm(clg_tensor *g, int n, double max_norm)
{
    DEFAULT_FP;
    clg_tensor bad = refuse(g, n);
    if (bad)
        return bad;
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
        g[i] = g[i] ? clg_mul(clg_mul(g[i], first), second) : NULL;
    return total;
}

void clg_clip_grad_value(clg_tensor *g, int n, double limit)
{
    for (int i = 0; i < n && g; i++) {
        clg_tensor bad = g[i] ? clg_check_inputs("clip_grad_value", "grad", &g[i], 1) : NULL;
        if (g[i])
            g[i] = bad ? bad : clg_clamp(g[i], -limit, limit);
    }
}
