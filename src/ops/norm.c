// SPDX-License-Identifier: MIT
// Batch normalisation: plain graph code with a derivative of its own, which takes the sums of g and of
// g * xhat once, for all three inputs.
#include "ops/reduce.h"

#include "base/fp.h"
#include "ops/element.h"
#include <clgrad/grad.h>
#include <clgrad/ops.h>

#include <math.h>
#include <string.h>

// y = (x - m) * r with m and r of x's own batch; in: x. Statistics over every axis but 1.
static clg_shape stat_axes(int rank)
{
    clg_shape axes = { .rank = rank - 1 };
    for (int d = 0, k = 0; d < rank; d++) {
        if (d != 1)
            axes.dim[k++] = d;
    }
    return axes;
}

typedef struct norm_params {
    double eps;
    bool weight, bias; // in[] is x, then those of these that there are
} norm_params;

// 1 / sqrt(v + eps). Where v overflows its root s does not: 1 / s / sqrt(1 + eps / s^2). Where eps is 0
// v may vanish and s not.
static clg_tensor inverse_root(clg_tensor v, clg_tensor s, double eps)
{
    clg_tensor one = clg__lit(s->dev, s->dtype, 1);
    if (eps == 0)
        return clg_div(one, s);
    clg_tensor ratio = clg_div(clg__num(s->dev, s->dtype, sqrt(eps)), s);
    clg_tensor far = clg_div(clg_rsqrt(clg_add(clg_mul(ratio, ratio), one)), s);
    return clg_where(clg_is_finite(v), clg_rsqrt(clg_add(v, clg__num(v->dev, v->dtype, eps))), far);
}

static clg_tensor normalise(clg_tensor x, double eps, clg_tensor *mean, clg_tensor *var,
                            clg_tensor *rstd)
{
    const clg_shape axes = stat_axes(x->shape.rank);
    const int64_t n = x->shape.dim[1] ? clg_numel(x->shape) / x->shape.dim[1] : 0;
    clg_tensor d = clg__deviation(x, axes, mean);
    *var = clg__squares(d, axes, (double) n, false, true);
    *rstd = inverse_root(*var, clg__squares(d, axes, (double) n, true, true), eps);
    return clg_mul(d, *rstd);
}

// [C] as [1,C,1,...]
static clg_tensor per_channel(clg_tensor t, int rank)
{
    clg_shape s = { .rank = rank };
    for (int d = 0; d < rank; d++)
        s.dim[d] = d == 1 ? t->shape.dim[0] : 1;
    return clg_reshape(t, s);
}

static clg_tensor scale_shift(clg_tensor y, clg_tensor weight, clg_tensor bias)
{
    const int rank = y->shape.rank;
    if (weight)
        y = clg_mul(y, per_channel(weight, rank));
    return bias ? clg_add(y, per_channel(bias, rank)) : y;
}

// dx = w * r * (g - mean(g) - xhat * mean(g * xhat)), dw = sum(g * xhat), db = sum(g)
static clg_tensor norm_vjp(const clg__vjp *v, int i)
{
    const norm_params *p = v->params;
    clg_tensor x = v->in[0], mean, var, rstd;
    const clg_shape axes = stat_axes(x->shape.rank);
    clg_tensor xhat = normalise(x, p->eps, &mean, &var, &rstd), gx = clg_mul(v->g, xhat);
    if (i > 0) {
        clg_tensor sum = clg_sum(i == 1 && p->weight ? gx : v->g, axes, true);
        return sum->status < 0 ? sum : clg_reshape(sum, v->in[i]->shape);
    }
    clg_tensor scale = p->weight ? clg_mul(rstd, per_channel(v->in[1], x->shape.rank)) : rstd;
    return clg_mul(scale, clg_sub(clg_sub(v->g, clg_mean(v->g, axes, true)),
                                  clg_mul(xhat, clg_mean(gx, axes, true))));
}

static const clg__op op_norm = { .name = "batch_norm", .kind = CLG__ALIAS,
                                 .params_bytes = sizeof(norm_params), .vjp = norm_vjp };

// (1 - m) * old + m * now, the variance with n / (n - 1)
static void update_running(const struct clg_batch_norm_params *p, clg_tensor mean, clg_tensor var,
                           clg_tensor old_mean, clg_tensor old_var, int64_t count)
{
    const double m = p->momentum == 0 && !p->no_momentum ? 0.1 : p->momentum;
    const double unbiased = (double) count / (double) (count - 1);
    clg_tensor now[2] = { clg_detach(clg_reshape(mean, old_mean->shape)),
                          clg_detach(clg_reshape(var, old_var->shape)) };
    clg_tensor keep = clg__num(mean->dev, old_mean->dtype, 1 - m);
    if (p->new_mean)
        *p->new_mean = clg_add(clg_mul(old_mean, keep),
                               clg_mul(now[0], clg__num(mean->dev, old_mean->dtype, m)));
    if (p->new_var)
        *p->new_var = clg_add(clg_mul(old_var, keep),
                              clg_mul(now[1], clg__num(mean->dev, old_mean->dtype, m * unbiased)));
}

static clg_tensor check(clg__call *c, clg_tensor x, const clg_tensor *channel, int n)
{
    static const char *const names[] = { "weight", "bias", "mean", "var" };
    if (x->shape.rank < 2)
        return clg__call_fail(c, CLG_ESHAPE, "x has rank %d, expected 2 or more", x->shape.rank);
    if (!clg_dtype_is_float(x->dtype))
        return clg__call_fail(c, CLG_EDTYPE, "x must be floating");
    for (int i = 0; i < n; i++) {
        clg_tensor t = channel[i];
        if (!t)
            continue;
        if (t->shape.rank != 1 || t->shape.dim[0] != x->shape.dim[1]) {
            char s[128];
            return clg__call_fail(c, CLG_ESHAPE, "%s has shape %s, expected %lld channels", names[i],
                                  clg__shape_text(&t->shape, s), (long long) x->shape.dim[1]);
        }
    }
    return NULL;
}

// Appends those inputs that there are.
static int some(clg_tensor all[5], char names[40], clg_tensor weight, clg_tensor bias, clg_tensor mean,
                clg_tensor var)
{
    const struct {
        const char *name;
        clg_tensor t;
    } may[] = { { " weight", weight }, { " bias", bias }, { " mean", mean }, { " var", var } };
    int n = 1;
    strcpy(names, "x");
    for (size_t i = 0; i < sizeof may / sizeof may[0]; i++) {
        if (may[i].t) {
            strcat(names, may[i].name);
            all[n++] = may[i].t;
        }
    }
    return n;
}

static clg_tensor check_numbers(const clg__call *c, const struct clg_batch_norm_params *p)
{
    if (!(p->eps >= 0 && p->eps < INFINITY))
        return clg__call_fail(c, CLG_EINVAL, "eps is %g, expected 0 or more", p->eps);
    if (!(p->momentum >= 0 && p->momentum < INFINITY))
        return clg__call_fail(c, CLG_EINVAL, "momentum is %g, expected 0 or more", p->momentum);
    if (p->no_eps && p->eps != 0)
        return clg__call_fail(c, CLG_EINVAL, "eps is %g and no_eps is set", p->eps);
    if (p->no_momentum && p->momentum != 0)
        return clg__call_fail(c, CLG_EINVAL, "momentum is %g and no_momentum is set", p->momentum);
    return NULL;
}

// The result is of x's type, new statistics are of the old ones'.
static clg_tensor packed_norm(const clg__call *c, clg_tensor x, const clg_tensor *channel,
                              const struct clg_batch_norm_params *p)
{
    clg_tensor w[4];
    for (int i = 0; i < 4; i++)
        w[i] = channel[i] ? clg__wide(channel[i]) : NULL;
    clg_tensor y = clg_batch_norm(clg__wide(x), w[0], w[1], w[2], w[3], p);
    const bool updated = p->training && w[2] && w[3] && y->status >= 0;
    if (updated && p->new_mean)
        *p->new_mean = clg_cast(*p->new_mean, channel[2]->dtype);
    if (updated && p->new_var)
        *p->new_var = clg_cast(*p->new_var, channel[3]->dtype);
    return clg__call_own(c, y->status < 0 ? y : clg_cast(y, x->dtype));
}

clg_tensor clg_batch_norm(clg_tensor x, clg_tensor weight, clg_tensor bias, clg_tensor mean,
                          clg_tensor var, const struct clg_batch_norm_params *p)
{
    CLG__DEFAULT_FP;
    struct clg_batch_norm_params q;
    const char *wrong = clg_params_read(&q, sizeof q, p);
    clg__call c;
    p = &q;
    const double eps = p->eps == 0 && !p->no_eps ? 1e-5 : p->eps;
    clg_tensor all[5] = { x };
    char names[40];
    if (!clg__call_begin(&c, "batch_norm", names, some(all, names, weight, bias, mean, var), all))
        return clg__call_poison(&c);
    if (wrong)
        return clg__call_fail(&c, CLG_EINVAL, "%s", wrong);
    clg_tensor bad = check_numbers(&c, p);
    if (bad)
        return bad;
    bad = check(&c, x, (clg_tensor[]) { weight, bias, mean, var }, 4);
    if (bad)
        return bad;
    if (clg__is_packed(x->dtype))
        return packed_norm(&c, x, (clg_tensor[]) { weight, bias, mean, var }, p);
    if (!p->training && mean && var) {
        clg_tensor r = clg_rsqrt(clg_add(var, clg__num(x->dev, var->dtype, eps)));
        clg_tensor y = clg_mul(clg_sub(x, per_channel(mean, x->shape.rank)),
                               per_channel(r, x->shape.rank));
        return clg__call_own(&c, scale_shift(y, weight, bias));
    }
    const int64_t count = x->shape.dim[1] ? clg_numel(x->shape) / x->shape.dim[1] : 0;
    if (p->training && count <= 1)
        return clg__call_fail(&c, CLG_ESHAPE, "%lld values per channel, training needs two",
                              (long long) count);
    clg_tensor m, v, r, y = normalise(x, eps, &m, &v, &r);
    if (p->training && mean && var && y->status >= 0)
        update_running(p, m, v, mean, var, count);
    y = scale_shift(y, weight, bias);
    if (y->status < 0)
        return clg__call_own(&c, y);
    clg_tensor in[3] = { x };
    int n = 1;
    if (weight)
        in[n++] = weight;
    if (bias)
        in[n++] = bias;
    return clg__custom_vjp(&op_norm, y, n, in, &(norm_params) { eps, weight != NULL, bias != NULL });
}
