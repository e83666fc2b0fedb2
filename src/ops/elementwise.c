// SPDX-License-Identifier: MIT
// The pointwise ops of elementwise.def: descriptors, derivatives, public functions.
#include "graph/build.h"
#include <clgrad/ops.h>

#include <math.h>

#define L(x) clg__lit(g->dev, g->dtype, x)
#define NONE NULL
#define UNUSED4(a, b, c, d) ((void) (a), (void) (b), (void) (c), (void) (d))

static clg_tensor gelu_grad(clg_tensor g, clg_tensor a)
{
    clg_tensor cdf = clg_mul(L(0.5), clg_add(L(1), clg_erf(clg_mul(a, L(0.70710678118654752440)))));
    clg_tensor pdf = clg_mul(L(0.39894228040143267794), clg_exp(clg_mul(L(-0.5), clg_mul(a, a))));
    return clg_mul(g, clg_add(cdf, clg_mul(a, pdf)));
}

static clg_tensor gelu_tanh_grad(clg_tensor g, clg_tensor a)
{
    const double k = 0.79788456080286535588;
    clg_tensor a2 = clg_mul(a, a);
    clg_tensor t = clg_tanh(clg_mul(L(k), clg_add(a, clg_mul(L(0.044715), clg_mul(a2, a)))));
    clg_tensor inner = clg_mul(L(k), clg_add(L(1), clg_mul(L(3 * 0.044715), a2)));
    clg_tensor slope = clg_mul(clg_mul(a, clg_sub(L(1), clg_mul(t, t))), inner);
    return clg_mul(g, clg_mul(L(0.5), clg_add(clg_add(L(1), t), slope)));
}

static clg_tensor silu_grad(clg_tensor g, clg_tensor a)
{
    clg_tensor s = clg_sigmoid(a);
    return clg_mul(g, clg_mul(s, clg_add(L(1), clg_mul(a, clg_sub(L(1), s)))));
}

// PyTorch: an exponent of 0 has derivative 0 whatever the base.
static clg_tensor pow_grad_a(clg_tensor g, clg_tensor a, clg_tensor b)
{
    return clg_where(clg_eq(b, L(0)), L(0), clg_mul(g, clg_mul(b, clg_pow(a, clg_sub(b, L(1))))));
}

static clg_tensor pow_grad_b(clg_tensor g, clg_tensor a, clg_tensor b, clg_tensor y)
{
    return clg_where(clg_logical_and(clg_eq(a, L(0)), clg_ge(b, L(0))), L(0),
                     clg_mul(g, clg_mul(y, clg_log(a))));
}

static clg_tensor tie_grad(clg_tensor g, clg_tensor wins, clg_tensor tie)
{
    return clg_where(wins, g, clg_where(tie, clg_mul(g, L(0.5)), L(0)));
}

// ---- derivatives and descriptors

#define DOMAIN_OF(d) CLG__##d
#define EW1(id, dom, res, value, da)                                                             \
    static clg_tensor vjp_##id(const clg__vjp *v, int i)                                         \
    {                                                                                              \
        clg_tensor g = v->g, a = v->in[0], y = v->y;                                               \
        UNUSED4(g, a, y, i);                                                                 \
        return da;                                                                                 \
    }                                                                                              \
    static const clg__op op_##id = { .name = #id, .kind = CLG__POINTWISE, .text = #value,      \
                                       .arity = 1, .domain = DOMAIN_OF(dom),                       \
                                       .result = CLG__##res, .vjp = vjp_##id };
#define EW2(id, dom, res, value, da, db)                                                         \
    static clg_tensor vjp_##id(const clg__vjp *v, int i)                                         \
    {                                                                                              \
        clg_tensor g = v->g, a = v->in[0], b = v->in[1], y = v->y;                                 \
        UNUSED4(g, a, b, y);                                                                 \
        if (i == 0)                                                                                \
            return da;                                                                             \
        return db;                                                                                 \
    }                                                                                              \
    static const clg__op op_##id = { .name = #id, .kind = CLG__POINTWISE, .text = #value,      \
                                       .arity = 2, .domain = DOMAIN_OF(dom),                       \
                                       .result = CLG__##res, .vjp = vjp_##id };
#define EWP(id, n, dom, value, da)                                                               \
    static clg_tensor vjp_##id(const clg__vjp *v, int i)                                         \
    {                                                                                              \
        clg_tensor g = v->g, a = v->in[0], b = v->in[1], c = v->in[n - 1];                         \
        UNUSED4(g, a, b, c);                                                                 \
        return i == 0 ? da : NULL;                                                                 \
    }                                                                                              \
    static const clg__op op_##id = { .name = #id, .kind = CLG__POINTWISE, .text = #value,      \
                                       .arity = n, .domain = DOMAIN_OF(dom),                       \
                                       .result = CLG__SAME, .vjp = vjp_##id };
#include "ops/elementwise.def"
#undef EW1
#undef EW2
#undef EWP

// ---- recording

// The type that an op of this domain computes in.
static clg_dtype compute_type(const clg__op *op, int n, const clg_tensor *in)
{
    const clg_dtype t = clg__result_type(n, in);
    if (op->domain == CLG__BOOLEAN)
        return CLG_BOOL;
    return op->domain == CLG__FLOATING && !clg_dtype_is_float(t) ? CLG_F32 : t;
}

static clg_tensor record(const clg__op *op, const char *names, int n, const clg_tensor *in)
{
    clg__call c;
    clg_tensor x[3];
    if (!clg__call_begin(&c, op->name, names, n, in))
        return clg__call_poison(&c);
    const clg_dtype t = compute_type(op, n, in);
    if (op->domain == CLG__NUMERIC && t == CLG_BOOL)
        return clg__call_fail(&c, CLG_EDTYPE, "bool has no arithmetic: use the logical ops or cast");
    clg_shape s = in[0]->shape;
    for (int i = 1; i < n; i++) {
        if (!clg__broadcast(&s, &in[i]->shape, &s))
            return clg__call_fail(&c, CLG_ESHAPE, "shapes do not broadcast");
    }
    for (int i = 0; i < n; i++)
        x[i] = clg_expand(clg_cast(in[i], t), s);
    c.in = x;
    for (int i = 0; i < n; i++) {
        if (x[i]->status < 0)
            return clg__poison_of(x[i]);
    }
    return clg__call_node(&c, op, op->result == CLG__TO_BOOL ? CLG_BOOL : t, &s, NULL);
}

// A number beside a tensor does not raise its type, unless it has a fraction and the tensor has not.
static clg_tensor number(clg_tensor beside, double v)
{
    if (!beside || beside->status < 0 || !beside->dev)
        return beside;
    clg_dtype t = beside->dtype;
    if (!clg_dtype_is_float(t))
        t = v != floor(v) ? CLG_F32 : t == CLG_BOOL && v != 0 && v != 1 ? CLG_I64 : t;
    return clg_scalar(beside->dev, t, v);
}

#define EW1(id, dom, res, value, da)                                                             \
    clg_tensor clg_##id(clg_tensor a)                                                            \
    {                                                                                              \
        return record(&op_##id, "a", 1, &a);                                                     \
    }
#define EW2(id, dom, res, value, da, db)                                                         \
    clg_tensor clg_##id(clg_tensor a, clg_tensor b)                                              \
    {                                                                                              \
        return record(&op_##id, "a b", 2, (clg_tensor[]) { a, b });                              \
    }                                                                                              \
    clg_tensor clg_##id##_scalar(clg_tensor a, double b)                                         \
    {                                                                                              \
        return clg_##id(a, number(a, b));                                                        \
    }                                                                                              \
    clg_tensor clg_scalar_##id(double a, clg_tensor b)                                           \
    {                                                                                              \
        return clg_##id(number(b, a), b);                                                        \
    }
#define EWP(id, n, dom, value, da)
#include "ops/elementwise.def"

clg_tensor clg_leaky_relu(clg_tensor a, double slope)
{
    return record(&op_leaky_relu, "a slope", 2, (clg_tensor[]) { a, number(a, slope) });
}

clg_tensor clg_elu(clg_tensor a, double alpha)
{
    return record(&op_elu, "a alpha", 2, (clg_tensor[]) { a, number(a, alpha) });
}

clg_tensor clg_softplus(clg_tensor a, double beta, double threshold)
{
    return record(&op_softplus, "a beta threshold", 3,
                  (clg_tensor[]) { a, number(a, beta), number(a, threshold) });
}

static double lowest(clg_dtype t, bool low)
{
    switch (t) {
    case CLG_I32:
        return low ? (double) INT32_MIN : (double) INT32_MAX;
    case CLG_I64:
        return low ? -9223372036854775808.0 : 9223372036854774784.0;
    case CLG_U8:
        return low ? 0 : 255;
    default:
        return low ? -INFINITY : INFINITY;
    }
}

clg_tensor clg_clamp(clg_tensor a, double lo, double hi)
{
    const clg_dtype t = a ? a->dtype : CLG_F32;
    return record(&op_clamp, "a lo hi", 3,
                  (clg_tensor[]) { a, number(a, isnan(lo) ? lowest(t, true) : lo),
                                   number(a, isnan(hi) ? lowest(t, false) : hi) });
}

static clg_tensor where_vjp(const clg__vjp *v, int i)
{
    clg_tensor g = v->g;
    if (i == 0)
        return NULL;
    return i == 1 ? clg_where(v->in[0], g, L(0)) : clg_where(v->in[0], L(0), g);
}

static const clg__op op_where = { .name = "where", .kind = CLG__POINTWISE, .arity = 3,
                                  .text = "MASK(a) ? b : c", .vjp = where_vjp };

clg_tensor clg_where(clg_tensor cond, clg_tensor a, clg_tensor b)
{
    clg__call c;
    clg_tensor in[3] = { cond, a, b };
    if (!clg__call_begin(&c, "where", "cond a b", 3, in))
        return clg__call_poison(&c);
    clg_shape s;
    if (!clg__broadcast(&a->shape, &b->shape, &s) || !clg__broadcast(&s, &cond->shape, &s))
        return clg__call_fail(&c, CLG_ESHAPE, "shapes do not broadcast");
    const clg_dtype t = clg__result_type(2, in + 1);
    clg_tensor x[3] = { clg_expand(clg_cast(cond, CLG_BOOL), s), clg_expand(clg_cast(a, t), s),
                        clg_expand(clg_cast(b, t), s) };
    for (int i = 0; i < 3; i++) {
        if (x[i]->status < 0)
            return clg__poison_of(x[i]);
    }
    c.in = x;
    return clg__call_node(&c, &op_where, t, &s, NULL);
}

static clg_tensor cast_vjp(const clg__vjp *v, int i)
{
    (void) i;
    return clg_cast(v->g, v->in[0]->dtype);
}

static const clg__op op_cast = { .name = "cast", .kind = CLG__CAST, .arity = 1, .vjp = cast_vjp };

clg_tensor clg_cast(clg_tensor a, clg_dtype t)
{
    clg__call c;
    if (a && a->status >= 0 && a->dev && a->dtype == t)
        return a;
    if (!clg__call_begin(&c, "cast", "a", 1, &a))
        return clg__call_poison(&c);
    return clg__call_node(&c, &op_cast, t, &a->shape, NULL);
}
