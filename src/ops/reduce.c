// SPDX-License-Identifier: MIT
// Reductions. The node keeps reduced dimensions as 1; without keepdims a reshape follows.
#include "base/fp.h"
#include "graph/build.h"
#include <clgrad/grad.h>
#include <clgrad/ops.h>

#include <stdio.h>
#include <string.h>

static void key_reduce(const void *params, clg__key *k)
{
    const clg__reduce *r = params;
    int64_t bits = 0;
    for (int d = 0; d < CLG_MAX_RANK; d++)
        bits |= (int64_t) r->axis[d] << d;
    clg__key_i64(k, r->kind);
    clg__key_i64(k, bits);
}

static clg_tensor sum_vjp(const clg__vjp *v, int i)
{
    (void) i;
    return clg_expand(v->g, v->in[0]->shape);
}

// Ties share the cotangent evenly.
static clg_tensor extreme_vjp(const clg__vjp *v, int i)
{
    const clg__reduce *r = v->params;
    clg_shape axes = { 0 };
    (void) i;
    for (int d = 0; d < v->in[0]->shape.rank; d++) {
        if (r->axis[d])
            axes.dim[axes.rank++] = d;
    }
    clg_tensor hit = clg_eq(v->in[0], v->y), count = clg_cast(hit, v->g->dtype);
    if (axes.rank)
        count = clg_sum(count, axes, true);
    return clg_where(hit, clg_div(v->g, count), clg__lit(v->g->dev, v->g->dtype, 0));
}

#define REDUCE_OP(id, grad)                                                                        \
    static const clg__op op_##id = { .name = #id, .kind = CLG__REDUCE, .key = key_reduce,          \
                                     .params_bytes = sizeof(clg__reduce), .vjp = grad };
REDUCE_OP(sum, sum_vjp)
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

clg_tensor clg_sum(clg_tensor a, clg_shape axes, bool keepdims)
{
    plan p;
    clg_tensor out;
    if (!begin(&p, "sum", a, axes, &out))
        return out;
    if (!clg_dtype_is_float(a->dtype))
        p.in[0] = clg_cast(a, CLG_I64);
    p.c.in = p.in;
    if (p.in[0]->status < 0)
        return clg__call_own(&p.c, p.in[0]);
    return finish(&p, &op_sum, CLG__RED_SUM, p.in[0]->dtype, keepdims);
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
    const double scale = p.count ? 1.0 / (double) p.count : 0.0 / 0.0;
    return clg__call_own(&p.c, clg_mul(clg_sum(a, axes, keepdims), clg__num(a->dev, a->dtype, scale)));
}

static clg_tensor extreme(const clg__op *op, clg__reduce_kind kind, clg_tensor a, clg_shape axes,
                          bool keepdims)
{
    plan p;
    clg_tensor out;
    const bool arg = kind == CLG__RED_ARGMAX || kind == CLG__RED_ARGMIN;
    if (!begin(&p, op->name, a, axes, &out))
        return out;
    if (p.count == 0 && clg_numel(p.kept) > 0)
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

// Two passes: the mean, then the squares of what is left, so that nothing cancels.
clg_tensor clg_variance(clg_tensor a, clg_shape axes, int correction, bool keepdims)
{
    CLG__DEFAULT_FP;
    plan p;
    clg_tensor out;
    if (!begin(&p, "variance", a, axes, &out))
        return out;
    if (!clg_dtype_is_float(a->dtype))
        return clg__call_fail(&p.c, CLG_EDTYPE, "only floating types have a variance: cast first");
    clg_tensor d = clg_sub(a, clg_mean(a, axes, true));
    const double rest = (double) (p.count - correction);
    clg_tensor scale = clg__num(a->dev, a->dtype, rest > 0 ? 1.0 / rest : 1.0 / 0.0);
    return clg__call_own(&p.c, clg_mul(clg_sum(clg_mul(d, d), axes, keepdims), scale));
}

// PyTorch: 0 where the deviation is, in place of 0/0.
static clg_tensor std_vjp(const clg__vjp *v, int i)
{
    clg_tensor zero = clg__lit(v->g->dev, v->g->dtype, 0);
    (void) i;
    return clg_where(clg_eq(v->y, zero), zero, clg_div(v->g, clg_add(v->y, v->y)));
}

static const clg__op op_std = { .name = "std", .kind = CLG__ALIAS, .vjp = std_vjp };

clg_tensor clg_std(clg_tensor a, clg_shape axes, int correction, bool keepdims)
{
    plan p;
    clg_tensor out;
    if (!begin(&p, "std", a, axes, &out))
        return out;
    clg_tensor v = clg_variance(a, axes, correction, keepdims), y = clg_sqrt(v);
    return clg__call_own(&p.c, y->status < 0 ? y : clg__custom_vjp(&op_std, y, 1, &v, NULL));
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
    if (!begin(&p, "logsumexp", a, axes, &out))
        return out;
    if (!clg_dtype_is_float(a->dtype))
        return clg__call_fail(&p.c, CLG_EDTYPE, "only floating types: cast first");
    clg_tensor top = clg_amax(a, axes, true);
    // an infinite maximum would give inf - inf
    clg_tensor m = clg_where(clg_is_finite(top), top, clg__lit(a->dev, a->dtype, 0));
    m = clg_detach(m);
    clg_tensor sum = clg_sum(clg_exp(clg_sub(a, m)), axes, true), y = clg_add(clg_log(sum), m);
    if (y->status >= 0)
        y = clg__custom_vjp(&op_logsumexp, y, 3, (clg_tensor[]) { a, m, sum }, NULL);
    return clg__call_own(&p.c, keepdims || y->status < 0 ? y : clg_reshape(y, p.squeezed));
}
