// SPDX-License-Identifier: MIT
// Statistics of groups, x normalised by them, and derivatives. Closed under differentiation: x normalised (xhat), the
// inverse deviation (rstd), and the derivative of xhat (slope), which is symmetric.
#include "ops/norm.h"

#include "base/fp.h"
#include "ops/element.h"
#include "ops/reduce.h"
#include <clgrad/grad.h>
#include <clgrad/ops.h>

#include <math.h>

typedef struct norm_params {
    clg__norm n;
    bool weight, bias; // in[] is x, then those of these that there are
} norm_params;

// Of x [outer, groups, inner], each [1, groups, 1] in the wide type. The mean is exact as mean + rest.
typedef struct stats {
    clg_tensor mean, rest, var, rstd;
} stats;

static clg_shape group_axes(void)
{
    return CLG_AXES(0, 2);
}

static double count(const clg__norm *p)
{
    return (double) p->outer * (double) p->inner;
}

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

static stats stats_of(clg_tensor x, const clg__norm *p)
{
    stats s = { 0 };
    if (clg__norm_has_stats(x, p)) {
        clg_tensor out[4];
        clg__norm_stats(x, p, out);
        return p->centred ? (stats) { out[0], out[1], out[2], out[3] } : (stats) { .var = out[0], .rstd = out[1] };
    }
    clg_tensor d = clg__wide(x);
    if (p->centred)
        d = clg__deviation(d, group_axes(), &s.mean, &s.rest);
    s.var = clg__squares(d, group_axes(), count(p), false, true);
    s.rstd = inverse_root(s.var, clg__squares(d, group_axes(), count(p), true, true), p->eps);
    return s;
}

static clg_tensor xhat_by(clg_tensor x, const stats *s)
{
    clg_tensor d = clg__wide(x);
    if (s->mean)
        d = clg_sub(clg_sub(d, s->mean), s->rest);
    return clg_mul(d, s->rstd);
}

// ---- xhat, rstd, slope: of x [outer, groups, inner], in the wide type

static clg_tensor slope(clg_tensor x, clg_tensor g, clg_tensor w, const clg__norm *p);
static clg_tensor xhat(clg_tensor x, const clg__norm *p);
static clg_tensor rstd(clg_tensor x, const clg__norm *p);

static clg_tensor group_mean(clg_tensor t)
{
    return clg_mean(t, group_axes(), true);
}

static clg_tensor xhat_vjp(const clg__vjp *v, int i)
{
    (void) i;
    return slope(v->in[0], v->g, NULL, v->params);
}

// -r^2 xhat / n
static clg_tensor rstd_vjp(const clg__vjp *v, int i)
{
    const clg__norm *p = v->params;
    (void) i;
    clg_tensor x = v->in[0], r = rstd(x, p), by = clg__num(r->dev, r->dtype, -1 / count(p));
    return clg_mul(clg_mul(clg_mul(clg_mul(r, r), by), v->g), xhat(x, p));
}

// in: x, g. Linear in g, and its own transpose; in x with cotangent h it is
//   slope(x, -r (h b + g a)) - r^2 xhat (mean(h g) - mean(h) mean(g) - a b), a = mean(h xhat), b = mean(g xhat)
static clg_tensor slope_vjp(const clg__vjp *v, int i)
{
    const clg__norm *p = v->params;
    clg_tensor x = v->in[0], h = clg__wide(v->g), g = clg__wide(v->in[1]);
    if (i == 1)
        return slope(x, h, NULL, p);
    clg_tensor r = rstd(x, p), y = xhat(x, p), a = group_mean(clg_mul(h, y)), b = group_mean(clg_mul(g, y));
    clg_tensor both = clg_sub(group_mean(clg_mul(h, g)), clg_mul(a, b));
    if (p->centred)
        both = clg_sub(both, clg_mul(group_mean(h), group_mean(g)));
    clg_tensor first = slope(x, clg_neg(clg_mul(r, clg_add(clg_mul(h, b), clg_mul(g, a)))), NULL, p);
    return clg_sub(first, clg_mul(y, clg_mul(clg_mul(r, r), both)));
}

static const clg__op op_xhat = { .name = "norm_xhat", .kind = CLG__ALIAS, .params_bytes = sizeof(clg__norm),
                                 .vjp = xhat_vjp };
static const clg__op op_rstd = { .name = "norm_rstd", .kind = CLG__ALIAS, .params_bytes = sizeof(clg__norm),
                                 .vjp = rstd_vjp };
static const clg__op op_slope = { .name = "norm_slope", .kind = CLG__ALIAS, .params_bytes = sizeof(clg__norm),
                                  .vjp = slope_vjp };

static clg_tensor with_vjp(const clg__op *op, clg_tensor y, clg_tensor x, clg_tensor g, const clg__norm *p)
{
    return y->status < 0 ? y : clg__custom_vjp(op, y, g ? 2 : 1, (clg_tensor[]) { x, g }, p);
}

static clg_tensor xhat(clg_tensor x, const clg__norm *p)
{
    const stats s = stats_of(x, p);
    return with_vjp(&op_xhat, xhat_by(x, &s), x, NULL, p);
}

static clg_tensor rstd(clg_tensor x, const clg__norm *p)
{
    return with_vjp(&op_rstd, stats_of(x, p).rstd, x, NULL, p);
}

// r * (h - mean(h) - xhat * mean(h * xhat)), h = g w; not centred, without mean(h). w: NULL, or a number for each place
// of a group
static clg_tensor slope(clg_tensor x, clg_tensor g, clg_tensor w, const clg__norm *p)
{
    const stats s = stats_of(x, p);
    clg_tensor h = w ? clg_mul(clg__wide(g), clg__wide(w)) : g;
    if (clg__norm_has_slope(x, p))
        return with_vjp(&op_slope, clg__norm_slope(x, g, w, p, s.mean, s.rest, s.rstd), x, h, p);
    clg_tensor y = xhat_by(x, &s), wide = clg__wide(h), d = wide;
    if (p->centred)
        d = clg_sub(d, group_mean(wide));
    d = clg_sub(d, clg_mul(y, group_mean(clg_mul(wide, y))));
    return with_vjp(&op_slope, clg_mul(s.rstd, d), x, h, p);
}

// ---- with weight and bias

static clg_tensor grouped(clg_tensor t, const clg__norm *p)
{
    return clg_reshape(t, CLG_SHAPE(p->outer, p->groups, p->inner));
}

// The sweep adds up what weight and bias were broadcast over.
static clg_tensor norm_vjp(const clg__vjp *v, int i)
{
    const norm_params *p = v->params;
    clg_tensor x = v->in[0], g = clg__wide(v->g);
    if (i == 0) {
        clg_tensor w = p->weight ? clg__wide(v->in[1]) : NULL;
        if (w && !p->n.per_group && !p->n.per_place)
            g = clg_mul(g, w);
        clg_tensor places = w && p->n.per_place ? clg_reshape(w, CLG_SHAPE(p->n.inner)) : NULL;
        g = clg_reshape(slope(grouped(x, &p->n), grouped(g, &p->n), places, &p->n), x->shape);
        return w && p->n.per_group ? clg_mul(g, w) : g; // so that the sums over g are those of weight and bias
    }
    const bool bias = i == 2 || !p->weight;
    if (!p->n.per_group)
        return bias ? g : clg_mul(g, clg_reshape(xhat(grouped(x, &p->n), &p->n), x->shape));
    clg_tensor t = grouped(g, &p->n);
    clg_shape of = { .rank = x->shape.rank, .dim = { 1, x->shape.dim[1] } };
    if (of.dim[1] > 0)
        of.dim[0] = p->n.groups / of.dim[1];
    for (int d = 2; d < of.rank; d++)
        of.dim[d] = 1;
    return clg_reshape(clg_sum(bias ? t : clg_mul(t, xhat(grouped(x, &p->n), &p->n)), group_axes(), true), of);
}

static const clg__op op_norm = { .name = "norm", .kind = CLG__ALIAS, .params_bytes = sizeof(norm_params),
                                 .vjp = norm_vjp };

static clg_tensor scale_shift(clg_tensor y, clg_tensor weight, clg_tensor bias)
{
    if (weight)
        y = clg_mul(y, clg__wide(weight));
    return bias ? clg_add(y, clg__wide(bias)) : y;
}

clg_tensor clg__normalised(clg_tensor x, clg_tensor weight, clg_tensor bias, const clg__norm *p, clg_tensor *mean,
                           clg_tensor *var)
{
    CLG__DEFAULT_FP;
    clg_tensor t = grouped(x, p);
    const stats s = stats_of(t, p);
    if (mean)
        *mean = clg_detach(s.mean);
    if (var)
        *var = clg_detach(s.var);
    clg_tensor y = clg_reshape(xhat_by(t, &s), x->shape);
    y = clg_cast(scale_shift(y, weight, bias), x->dtype);
    if (y->status < 0)
        return y;
    clg_tensor in[3] = { x };
    int n = 1;
    if (weight)
        in[n++] = weight;
    if (bias)
        in[n++] = bias;
    return clg__custom_vjp(&op_norm, y, n, in, &(norm_params) { *p, weight != NULL, bias != NULL });
}

clg_tensor clg__normalised_by(clg_tensor x, clg_tensor mean, clg_tensor var, clg_tensor weight, clg_tensor bias,
                              double eps)
{
    var = clg__wide(var);
    clg_tensor r = clg_rsqrt(clg_add(var, clg__num(x->dev, var->dtype, eps)));
    clg_tensor y = clg_mul(clg_sub(clg__wide(x), clg__wide(mean)), r);
    return clg_cast(scale_shift(y, weight, bias), x->dtype);
}

// ---- what callers check

bool clg__norm_eps(const clg__call *c, double eps, bool no_eps, double usual, double *out, clg_tensor *bad)
{
    *bad = NULL;
    *out = eps == 0 && !no_eps ? usual : eps;
    if (!(eps >= 0 && eps < INFINITY))
        *bad = clg__call_fail(c, CLG_EINVAL, "eps is %g, expected 0 or more", eps);
    else if (no_eps && eps != 0)
        *bad = clg__call_fail(c, CLG_EINVAL, "eps is %g and no_eps is set", eps);
    return !*bad;
}

clg_tensor clg__norm_vector(const clg__call *c, const char *name, clg_tensor t, int64_t n, const char *of)
{
    if (!t || (t->shape.rank == 1 && t->shape.dim[0] == n))
        return NULL;
    char s[128];
    return clg__call_fail(c, CLG_ESHAPE, "%s has shape %s, expected %lld %s", name,
                          clg__shape_text(&t->shape, s), (long long) n, of);
}

clg_tensor clg__per_channel(clg_tensor t, int rank)
{
    clg_shape s = { .rank = rank };
    for (int d = 0; d < rank && t; d++)
        s.dim[d] = d == 1 ? t->shape.dim[0] : 1;
    return t ? clg_reshape(t, s) : NULL;
}
