// SPDX-License-Identifier: MIT
// Reductions. The node keeps reduced dimensions as 1; without keepdims a reshape follows.
#include "ops/reduce.h"

#include "base/fp.h"
#include "ops/element.h"
#include "ops/scan.h"
#include <clgrad/grad.h>
#include <clgrad/ops.h>
#include <clgrad/reduce.h>

#include <math.h>
#include <string.h>

static void key_reduce(const void *params, clg__key *k)
{
    const clg__reduce *r = params;
    int64_t bits = 0;
    for (int d = 0; d < CLG_MAX_RANK; d++)
        bits |= (int64_t) r->axis[d] << d;
    clg__key_i64(k, r->kind);
    clg__key_i64(k, bits);
    if (r->kind >= CLG__RED_MEAN)
        clg__key_f64(k, r->divisor);
}

static clg_tensor number(clg_tensor like, double v)
{
    return clg__num(like->dev, like->dtype, v);
}

static clg_tensor literal(clg_tensor like, double v)
{
    return clg__lit(like->dev, like->dtype, v);
}

static clg_tensor sum_vjp(const clg__vjp *v, int i)
{
    (void) i;
    return clg_expand(v->g, v->in[0]->shape);
}

static clg_tensor mean_vjp(const clg__vjp *v, int i)
{
    const clg__reduce *r = v->params;
    (void) i;
    clg_tensor g = clg__wide(v->g);
    return clg_expand(clg_cast(clg_mul(g, number(g, 1 / r->divisor)), v->g->dtype), v->in[0]->shape);
}

// What rounding left of the mean has no slope.
static clg_tensor rest_vjp(const clg__vjp *v, int i)
{
    (void) v;
    (void) i;
    return NULL;
}

static clg_tensor square_vjp(const clg__vjp *v, int i)
{
    const clg__reduce *r = v->params;
    (void) i;
    clg_tensor g = clg__wide(v->g);
    return clg_cast(clg_mul(clg_mul(g, number(g, 2 / r->divisor)), v->in[0]), v->in[0]->dtype);
}

// PyTorch: 0 where the root is, in place of 0/0.
static clg_tensor root_vjp(const clg__vjp *v, int i)
{
    const clg__reduce *r = v->params;
    clg_tensor zero = literal(v->g, 0);
    (void) i;
    return clg_where(clg_eq(v->y, zero), zero,
                     clg_mul(clg_div(v->in[0], v->y), clg_mul(v->g, number(v->g, 1 / r->divisor))));
}

// Ties share the cotangent evenly; where a NaN won, everything gets one.
static clg_tensor extreme_vjp(const clg__vjp *v, int i)
{
    const clg__reduce *r = v->params;
    clg_shape axes = { 0 };
    (void) i;
    for (int d = 0; d < v->in[0]->shape.rank; d++) {
        if (r->axis[d])
            axes.dim[axes.rank++] = d;
    }
    clg_tensor g = clg__wide(v->g), hit = clg_eq(v->in[0], v->y), count = clg_cast(hit, g->dtype);
    if (axes.rank)
        count = clg_sum(count, axes, true);
    clg_tensor other = clg_where(clg_is_nan(v->y), literal(g, NAN), literal(g, 0));
    return clg_cast(clg_where(hit, clg_div(g, count), other), v->in[0]->dtype);
}

// As product of what stands before and behind each element: a form that is right where it is differentiated again, and
// is not computed where it is not.
static clg_tensor others_by_scans(clg_tensor a, const clg__reduce *r)
{
    clg_shape order = { .rank = a->shape.rank }, back = order;
    int at = 0, first;
    for (int d = 0; d < order.rank; d++)
        if (!r->axis[d])
            order.dim[at++] = d;
    first = at;
    for (int d = 0; d < order.rank; d++)
        if (r->axis[d])
            order.dim[at++] = d;
    for (int d = 0; d < order.rank; d++)
        back.dim[order.dim[d]] = d;
    const clg_tensor t = clg_permute(a, order), line = clg_flatten(t, first, -1);
    const clg_tensor y = clg_mul(clg__product_before(line, first, false), clg__product_before(line, first, true));
    return clg_permute(clg_reshape(y, t->shape), back);
}

static clg_tensor others_vjp(const clg__vjp *v, int i)
{
    (void) i;
    return v->g;
}

static const clg__op op_others = { .name = "prod_others", .kind = CLG__ALIAS, .vjp = others_vjp };

// The product of the others: of the elements that are not 0 by this one, where one is 0 theirs, where two are 0.
static clg_tensor prod_vjp(const clg__vjp *v, int i)
{
    const clg__reduce *r = v->params;
    clg_shape axes = { 0 };
    (void) i;
    for (int d = 0; d < v->in[0]->shape.rank; d++) {
        if (r->axis[d])
            axes.dim[axes.rank++] = d;
    }
    if (axes.rank == 0) // of a number, or of no axes
        return v->g;
    clg_tensor a = clg__wide(v->in[0]), none = literal(a, 0), zero = clg_eq(a, none);
    clg_tensor zeros = clg_sum(zero, axes, true), others = clg_prod(clg_where(zero, literal(a, 1), a), axes, true);
    const clg_tensor all = clg_div(others, clg_where(zero, literal(a, 1), a)); // this is 1 where it is 0
    const clg_tensor alone = clg_eq(zeros, clg_cast(zero, CLG_I64)); // no zero among the others
    clg_tensor y = clg_where(alone, all, none);
    const clg_tensor again = clg_is_tracked(a) ? others_by_scans(a, r) : y;
    if (y->status >= 0 && again->status >= 0 && again != y)
        y = clg__custom_vjp(&op_others, y, 1, &again, NULL);
    return clg_cast(clg_mul(clg__wide(v->g), y), v->in[0]->dtype);
}

#define REDUCE_OP(id, grad)                                                                        \
    static const clg__op op_##id = { .name = #id, .kind = CLG__REDUCE, .key = key_reduce,          \
                                     .params_bytes = sizeof(clg__reduce), .vjp = grad };
REDUCE_OP(sum, sum_vjp)
REDUCE_OP(mean, mean_vjp)
REDUCE_OP(mean_rest, rest_vjp)
REDUCE_OP(mean_square, square_vjp)
REDUCE_OP(root_mean_square, root_vjp)
REDUCE_OP(prod, prod_vjp)
REDUCE_OP(amax, extreme_vjp)
REDUCE_OP(amin, extreme_vjp)
REDUCE_OP(argmax, NULL)
REDUCE_OP(argmin, NULL)
REDUCE_OP(any, NULL)
REDUCE_OP(all, NULL)

typedef struct plan {
    clg__call c;
    clg_tensor in[1];
    clg__reduce r;
    clg_shape kept, squeezed;
    int64_t count; // elements of one result
} plan;

static bool begin(plan *p, const char *op, clg_tensor a, clg_shape axes, clg_tensor *out)
{
    int64_t bad;
    memset(p, 0, sizeof *p);
    p->in[0] = a;
    if (!clg__call_begin(&p->c, op, "a", 1, p->in)) {
        *out = clg__call_poison(&p->c);
        return false;
    }
    if (!clg__axes(axes, a->shape.rank, p->r.axis, &bad)) {
        *out = clg__call_fail(&p->c, CLG_ESHAPE, "axis %lld is out of range or doubled",
                              (long long) bad);
        return false;
    }
    p->kept = a->shape;
    p->count = 1;
    for (int d = 0; d < a->shape.rank; d++) {
        if (!p->r.axis[d]) {
            p->squeezed.dim[p->squeezed.rank++] = a->shape.dim[d];
            continue;
        }
        p->count *= a->shape.dim[d];
        p->kept.dim[d] = 1;
    }
    return true;
}

static clg_tensor finish(plan *p, const clg__op *op, clg__reduce_kind kind, clg_dtype t,
                         bool keepdims)
{
    p->r.kind = kind;
    clg_tensor y = clg__call_node(&p->c, op, t, &p->kept, &p->r);
    return keepdims || y->status < 0 ? y : clg_reshape(y, p->squeezed);
}

// Of integers in I64, where it wraps.
static clg_tensor accumulated(const clg__op *op, clg__reduce_kind kind, clg_tensor a, clg_shape axes, bool keepdims)
{
    plan p;
    clg_tensor out;
    a = clg_autocast_input(op->name, a);
    if (!begin(&p, op->name, a, axes, &out))
        return out;
    if (!clg_dtype_is_float(a->dtype))
        p.in[0] = clg_cast(a, CLG_I64);
    p.c.in = p.in;
    if (p.in[0]->status < 0)
        return clg__call_own(&p.c, p.in[0]);
    return finish(&p, op, kind, p.in[0]->dtype, keepdims);
}

clg_tensor clg_sum(clg_tensor a, clg_shape axes, bool keepdims)
{
    return accumulated(&op_sum, CLG__RED_SUM, a, axes, keepdims);
}

clg_tensor clg_prod(clg_tensor a, clg_shape axes, bool keepdims)
{
    return accumulated(&op_prod, CLG__RED_PROD, a, axes, keepdims);
}

clg_tensor clg_mean(clg_tensor a, clg_shape axes, bool keepdims)
{
    CLG__DEFAULT_FP;
    plan p;
    clg_tensor out;
    if (!begin(&p, "mean", a, axes, &out))
        return out;
    if (!clg_dtype_is_float(a->dtype))
        return clg__call_fail(&p.c, CLG_EDTYPE, "only floating types have a mean: cast first");
    p.r.divisor = (double) p.count;
    return finish(&p, &op_mean, CLG__RED_MEAN, a->dtype, keepdims);
}

static clg_tensor extreme(const clg__op *op, clg__reduce_kind kind, clg_tensor a, clg_shape axes,
                          bool keepdims)
{
    plan p;
    clg_tensor out;
    const bool arg = kind == CLG__RED_ARGMAX || kind == CLG__RED_ARGMIN;
    if (!begin(&p, op->name, a, axes, &out))
        return out;
    if (p.count == 0)
        return clg__call_fail(&p.c, CLG_ESHAPE, "no elements to choose from");
    if (arg && axes.rank > 1)
        return clg__call_fail(&p.c, CLG_EINVAL, "%d axes, expected one or all", axes.rank);
    return finish(&p, op, kind, arg ? CLG_I64 : a->dtype, keepdims);
}

clg_tensor clg_amax(clg_tensor a, clg_shape axes, bool keepdims)
{
    return extreme(&op_amax, CLG__RED_MAX, a, axes, keepdims);
}

clg_tensor clg_amin(clg_tensor a, clg_shape axes, bool keepdims)
{
    return extreme(&op_amin, CLG__RED_MIN, a, axes, keepdims);
}

clg_tensor clg_argmax(clg_tensor a, clg_shape axes, bool keepdims)
{
    return extreme(&op_argmax, CLG__RED_ARGMAX, a, axes, keepdims);
}

clg_tensor clg_argmin(clg_tensor a, clg_shape axes, bool keepdims)
{
    return extreme(&op_argmin, CLG__RED_ARGMIN, a, axes, keepdims);
}

static clg_tensor logical(const clg__op *op, clg__reduce_kind kind, clg_tensor a, clg_shape axes,
                          bool keepdims)
{
    plan p;
    clg_tensor out;
    if (!begin(&p, op->name, a, axes, &out))
        return out;
    return finish(&p, op, kind, CLG_BOOL, keepdims);
}

clg_tensor clg_any(clg_tensor a, clg_shape axes, bool keepdims)
{
    return logical(&op_any, CLG__RED_ANY, a, axes, keepdims);
}

clg_tensor clg_all(clg_tensor a, clg_shape axes, bool keepdims)
{
    return logical(&op_all, CLG__RED_ALL, a, axes, keepdims);
}

clg_tensor clg__deviation(clg_tensor a, clg_shape axes, clg_tensor *mean, clg_tensor *rest)
{
    CLG__DEFAULT_FP;
    plan p, q;
    clg_tensor out;
    if (!begin(&p, "mean", a, axes, &out) || !begin(&q, "mean", a, axes, &out))
        return out;
    p.r.divisor = q.r.divisor = (double) p.count;
    clg_tensor m = finish(&p, &op_mean, CLG__RED_MEAN, a->dtype, true);
    clg_tensor r = finish(&q, &op_mean_rest, CLG__RED_REST, a->dtype, true);
    if (mean)
        *mean = m;
    if (rest)
        *rest = r;
    return clg_sub(clg_sub(a, m), r);
}

clg_tensor clg__squares(clg_tensor d, clg_shape axes, double divisor, bool root, bool keepdims)
{
    CLG__DEFAULT_FP;
    plan p;
    clg_tensor out;
    if (!begin(&p, root ? "root_mean_square" : "mean_square", d, axes, &out))
        return out;
    p.r.divisor = divisor;
    return root ? finish(&p, &op_root_mean_square, CLG__RED_ROOT, d->dtype, keepdims)
                : finish(&p, &op_mean_square, CLG__RED_SQUARE, d->dtype, keepdims);
}

typedef struct spread_params {
    clg_shape axes;
    double freedom; // n - correction
} spread_params;

// 2 g d / (n - correction), d the deviation: the mean's own slope cancels. PyTorch has this for axes that
// are named, whatever the sign, and g times infinity where all elements are meant and the divisor is 0.
static clg_tensor variance_slope(clg_tensor g, clg_tensor d, const spread_params *p)
{
    if (p->freedom <= 0 && p->axes.rank == 0)
        return clg_mul(g, clg_where(clg_eq(d, literal(d, 0)), literal(d, NAN), literal(d, INFINITY)));
    return clg_mul(clg_mul(g, number(g, 2 / p->freedom)), d);
}

clg_tensor clg__kept(clg_tensor y, clg_tensor a, clg_shape axes)
{
    bool flag[CLG_MAX_RANK];
    int64_t bad;
    clg_shape s = a->shape;
    clg__axes(axes, s.rank, flag, &bad);
    for (int d = 0; d < s.rank; d++)
        s.dim[d] = flag[d] ? 1 : s.dim[d];
    return clg_reshape(y, s);
}

static clg_tensor variance_vjp(const clg__vjp *v, int i)
{
    const spread_params *p = v->params;
    (void) i;
    return variance_slope(clg__kept(v->g, v->in[0], p->axes), clg__deviation(v->in[0], p->axes, NULL, NULL), p);
}

// PyTorch: 0 where the deviation is, in place of 0/0; nor does its own derivative see one.
static clg_tensor std_vjp(const clg__vjp *v, int i)
{
    const spread_params *p = v->params;
    clg_tensor g = clg__kept(v->g, v->in[0], p->axes), y = clg__kept(v->y, v->in[0], p->axes);
    clg_tensor d = clg__deviation(v->in[0], p->axes, NULL, NULL), zero = literal(g, 0);
    clg_tensor none = clg_eq(y, zero), by = clg_where(none, literal(g, 1), y);
    (void) i;
    if (p->freedom > 0) // in this order nothing overflows
        return clg_where(none, zero, clg_mul(clg_div(d, by), clg_mul(g, number(g, 1 / p->freedom))));
    return variance_slope(clg_where(none, zero, clg_div(g, clg_add(by, by))), d, p);
}

static const clg__op op_variance = { .name = "variance", .kind = CLG__ALIAS, .vjp = variance_vjp,
                                     .params_bytes = sizeof(spread_params) };
static const clg__op op_std = { .name = "std", .kind = CLG__ALIAS, .vjp = std_vjp,
                                .params_bytes = sizeof(spread_params) };

// Two passes: the mean, then the squares of what is left, so that nothing cancels.
static clg_tensor spread(const clg__op *op, bool root, clg_tensor a, clg_shape axes, double correction,
                         bool keepdims)
{
    CLG__DEFAULT_FP;
    plan p;
    clg_tensor out;
    if (!begin(&p, op->name, a, axes, &out))
        return out;
    if (!clg_dtype_is_float(a->dtype))
        return clg__call_fail(&p.c, CLG_EDTYPE, "only floating types have a variance: cast first");
    if (!isfinite(correction))
        return clg__call_fail(&p.c, CLG_EINVAL, "correction is %g, expected a finite number", correction);
    if (clg__is_packed(a->dtype))
        return clg__call_own(&p.c, clg_cast(spread(op, root, clg__wide(a), axes, correction, keepdims), a->dtype));
    const spread_params q = { axes, (double) p.count - correction };
    clg_tensor y = clg__squares(clg__deviation(a, axes, NULL, NULL), axes, fmax(q.freedom, 0), root, keepdims);
    return clg__call_own(&p.c, y->status < 0 ? y : clg__custom_vjp(op, y, 1, &a, &q));
}

clg_tensor clg_variance(clg_tensor a, clg_shape axes, double correction, bool keepdims)
{
    return spread(&op_variance, false, a, axes, correction, keepdims);
}

clg_tensor clg_std(clg_tensor a, clg_shape axes, double correction, bool keepdims)
{
    return spread(&op_std, true, a, axes, correction, keepdims);
}

// exp(a - m) / sum: a - y would know its exponential no better than y is rounded.
static clg_tensor logsumexp_vjp(const clg__vjp *v, int i)
{
    if (i > 0)
        return NULL;
    return clg_mul(v->g, clg_div(clg_exp(clg_sub(v->in[0], v->in[1])), v->in[2]));
}

static const clg__op op_logsumexp = { .name = "logsumexp", .kind = CLG__ALIAS,
                                      .vjp = logsumexp_vjp };

clg_tensor clg_logsumexp(clg_tensor a, clg_shape axes, bool keepdims)
{
    plan p;
    clg_tensor out;
    a = clg_autocast_input("logsumexp", a);
    if (!begin(&p, "logsumexp", a, axes, &out))
        return out;
    if (!clg_dtype_is_float(a->dtype))
        a = clg_cast(a, CLG_F32);
    if (clg__is_packed(a->dtype))
        return clg__call_own(&p.c, clg_cast(clg_logsumexp(clg__wide(a), axes, keepdims), a->dtype));
    if (p.count == 0) // log of an empty sum
        return clg__call_own(&p.c, clg_log(clg_sum(a, axes, keepdims)));
    clg_tensor top = clg_amax(a, axes, true);
    // an infinite maximum would give inf - inf
    clg_tensor m = clg_where(clg_is_finite(top), top, literal(a, 0));
    m = clg_detach(m);
    clg_tensor sum = clg_sum(clg_exp(clg_sub(a, m)), axes, true), y = clg_add(clg_log(sum), m);
    if (y->status >= 0)
        y = clg__custom_vjp(&op_logsumexp, y, 3, (clg_tensor[]) { a, m, sum }, NULL);
    return clg__call_own(&p.c, keepdims || y->status < 0 ? y : clg_reshape(y, p.squeezed));
}
