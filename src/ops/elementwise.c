// SPDX-License-Identifier: MIT
// The pointwise ops of elementwise.def: descriptors, derivatives, public functions.
#include "base/dtype.h"
#include "base/fp.h"
#include "graph/build.h"
#include "graph/node.h"
#include "ops/element.h"
#include <clgrad/ops.h>

#include <math.h>

#define L(x) clg__lit(g->dev, g->dtype, x)
#define NONE NULL
#define UNUSED4(a, b, c, d) ((void) (a), (void) (b), (void) (c), (void) (d))

#define EW1(...)
#define EW2(...)
#define EW3(...)
#define EWP(...)
#define D1(id, ...) static clg_tensor id(clg_tensor a);
#define D2(id, ...) static clg_tensor id(clg_tensor a, clg_tensor b);
#include "ops/elementwise.def"
#undef EW1
#undef EW2
#undef EW3
#undef EWP
#undef D1
#undef D2

// ---- derivatives with several steps

// a, but at most m from 0: where a factor that vanishes there makes it indifferent, products stay finite.
static clg_tensor bounded(clg_tensor a, double m);

static clg_tensor dd_silu(clg_tensor g, clg_tensor a)
{
    clg_tensor s = clg_sigmoid(a), t = clg_sigmoid(clg_neg(a));
    return clg_mul(g, clg_mul(clg_mul(s, t), clg_add(L(2), clg_mul(a, clg_sub(t, s)))));
}

// (2 - a^2) phi(a)
static clg_tensor dd_gelu(clg_tensor g, clg_tensor a)
{
    clg_tensor square = clg_square(bounded(a, 40));
    clg_tensor density = clg_mul(L(0.39894228040143267794), clg_exp(clg_mul(L(-0.5), square)));
    return clg_mul(g, clg_mul(clg_sub(L(2), square), density));
}

// Of a s(u) with u = k a + m a^3: 2 s' u' + a (s'' u'^2 + s' u'')
static clg_tensor dd_gelu_tanh(clg_tensor g, clg_tensor a)
{
    const double k = 1.5957691216057307118, m = 0.071354816272600248776;
    clg_tensor v = bounded(a, 25), square = clg_square(v);
    clg_tensor u = clg_mul(v, clg_add(L(k), clg_mul(L(m), square)));
    clg_tensor s = clg_sigmoid(u), t = clg_sigmoid(clg_neg(u));
    clg_tensor slope = clg_add(L(k), clg_mul(L(3 * m), square));
    clg_tensor bend = clg_add(clg_mul(clg_sub(t, s), clg_square(slope)), clg_mul(L(6 * m), v));
    return clg_mul(g, clg_mul(clg_mul(s, t), clg_add(clg_add(slope, slope), clg_mul(v, bend))));
}

// What to take the logarithm of: a power of zero does not change with its exponent, from 0 on.
static clg_tensor base(clg_tensor g, clg_tensor a, clg_tensor b)
{
    return clg_where(clg_logical_and(clg_eq(a, L(0)), clg_ge(b, L(0))), L(1), a);
}

// b (b - 1) a^(b-2)
static clg_tensor dd_pow(clg_tensor g, clg_tensor a, clg_tensor b)
{
    return clg_where(clg_eq(b, L(0)), L(0), clg_mul(g, clg_mul(b, d_pow(a, clg_sub(b, L(1))))));
}

// a^(b-1) (1 + b log a)
static clg_tensor dd_pow_mixed(clg_tensor g, clg_tensor a, clg_tensor b)
{
    clg_tensor c = clg_sub(b, L(1)), p = clg_pow(a, c);
    return clg_mul(g, clg_add(p, clg_mul(clg_mul(p, b), clg_log(base(g, a, c)))));
}

static clg_tensor next_polygamma(clg_tensor a, clg_tensor b, clg_tensor c);
static clg_tensor tetragamma(clg_tensor a);

// From a y'' + 2 y' + pi^2 a y = 0
static clg_tensor dd_sinc(clg_tensor a)
{
    const clg_tensor g = a, square = L(-9.8696044010893586188), there = clg_eq(a, L(0));
    clg_tensor bend = clg_div(clg_mul(L(-2), d_sinc(a)), clg_where(there, L(1), a));
    return clg_where(there, L(-3.2898681336964528729), clg_add(clg_mul(square, clg_sinc(a)), bend));
}

// I1'' by Bessel's equation, which cancels near 0: there the derivative of I1's series, the sum of
// (2k + 1) 2k (a/2)^(2k - 1) / (4 k! (k + 1)!)
static clg_tensor dd_i1(clg_tensor a)
{
    const clg_tensor g = a, h = clg_mul(a, L(0.5)), z = clg_square(h), near = clg_lt(clg_abs(a), L(1));
    clg_tensor sum = L(0);
    for (int k = 9; k > 0; k--) {
        double c = (2 * k + 1) * k / 2.0;
        for (int i = 1; i <= k; i++)
            c /= i * (i + 1);
        sum = clg_add(clg_mul(sum, z), L(c));
    }
    const clg_tensor x = clg_where(near, L(1), a);
    const clg_tensor rest = clg_div(clg_sub(clg_i0(x), clg_mul(L(2), clg_div(clg_i1(x), x))), x);
    return clg_where(near, clg_mul(h, sum), clg_sub(clg_i1(x), rest));
}

// Of exp(-x) I0(x), x = |a|, whose first derivative is y
static clg_tensor dd_i0e(clg_tensor a, clg_tensor y)
{
    const clg_tensor g = a, there = clg_eq(a, L(0));
    const clg_tensor slope = clg_where(there, L(0.5), clg_div(clg_i1e(a), clg_where(there, L(1), a)));
    return clg_sub(clg_where(there, L(2), clg_mul(L(2), clg_abs(y))), slope);
}

// Of exp(-x) I1(x); near 0 by I1's derivatives, as their terms in 1 / a cancel
static clg_tensor dd_i1e(clg_tensor a, clg_tensor y)
{
    const clg_tensor g = a, near = clg_lt(clg_abs(a), L(1)), v = clg_where(near, a, L(0)), x = clg_where(near, L(1), a);
    const clg_tensor odd = clg_add(dd_i1(v), clg_i1(v)), even = clg_mul(clg_mul(L(2), clg_sign(v)), d_i1(v));
    const clg_tensor in = clg_mul(clg_exp(clg_neg(clg_abs(v))), clg_sub(odd, even));
    const clg_tensor part = clg_div(clg_sub(y, clg_div(clg_i1e(x), x)), x);
    const clg_tensor out = clg_sub(d_i0e(x), clg_add(clg_mul(clg_sign(x), y), part));
    return clg_where(near, in, out);
}

// Of a t with t' = 4 e (1 + e) / d^2, e = exp(a), d = e^2 + 2 e + 2: 2 t' + a t''. Beyond 40 nothing changes.
static clg_tensor dd_mish(clg_tensor g, clg_tensor a)
{
    clg_tensor v = bounded(a, 40), e = clg_exp(v), f = clg_add(e, L(1));
    clg_tensor d = clg_add(clg_mul(e, clg_add(e, L(2))), L(2));
    clg_tensor slope = clg_mul(L(4), clg_mul(clg_div(e, d), clg_div(f, d)));
    clg_tensor turn = clg_sub(clg_add(L(1), clg_sigmoid(v)), clg_mul(L(4), clg_div(clg_mul(e, f), d)));
    return clg_mul(g, clg_mul(slope, clg_add(L(2), clg_mul(v, turn))));
}

// NaN loses to nobody: both get all.
static clg_tensor tie_grad(clg_tensor g, clg_tensor loses, clg_tensor tie)
{
    return clg_where(loses, L(0), clg_where(tie, clg_mul(g, L(0.5)), g));
}

// Of fmax and fmin: a loses, or is NaN beside a number.
static clg_tensor loses(clg_tensor less, clg_tensor a, clg_tensor b)
{
    return clg_logical_or(less, clg_logical_and(clg_is_nan(a), clg_logical_not(clg_is_nan(b))));
}

// ---- derivatives and descriptors

// Derivatives of packed types are made in what they compute in, and rounded once.
static clg_tensor packed(clg_tensor like, clg_tensor t)
{
    return t && clg__is_packed(like->dtype) ? clg_cast(t, like->dtype) : t;
}

#define DOMAIN_OF(d) CLG__##d
#define EW1(id, dom, res, value, da)                                                             \
    static clg_tensor vjp_##id(const clg__vjp *v, int i)                                         \
    {                                                                                              \
        clg_tensor g = clg__wide(v->g), a = clg__wide(v->in[0]), y = clg__wide(v->y);              \
        UNUSED4(g, a, y, i);                                                                 \
        return packed(v->in[0], da);                                                               \
    }                                                                                              \
    static const clg__op op_##id = { .name = #id, .kind = CLG__POINTWISE, .text = #value,      \
                                       .arity = 1, .domain = DOMAIN_OF(dom),                       \
                                       .result = CLG__##res, .vjp = vjp_##id };
#define EW2(id, dom, res, value, da, db)                                                         \
    static clg_tensor vjp_##id(const clg__vjp *v, int i)                                         \
    {                                                                                              \
        clg_tensor g = clg__wide(v->g), a = clg__wide(v->in[0]), b = clg__wide(v->in[1]);          \
        clg_tensor y = clg__wide(v->y);                                                            \
        UNUSED4(g, a, b, y);                                                                 \
        if (i == 0)                                                                                \
            return packed(v->in[0], da);                                                           \
        return packed(v->in[1], db);                                                               \
    }                                                                                              \
    static const clg__op op_##id = { .name = #id, .kind = CLG__POINTWISE, .text = #value,      \
                                       .arity = 2, .domain = DOMAIN_OF(dom),                       \
                                       .result = CLG__##res, .vjp = vjp_##id };
#define EW3(id, dom, res, value, da, db, dc)                                                     \
    static clg_tensor vjp_##id(const clg__vjp *v, int i)                                         \
    {                                                                                              \
        clg_tensor g = clg__wide(v->g), a = clg__wide(v->in[0]), b = clg__wide(v->in[1]);          \
        return packed(v->in[i], i == 0 ? (da) : i == 1 ? (db) : (dc));                             \
    }                                                                                              \
    static const clg__op op_##id = { .name = #id, .kind = CLG__POINTWISE, .text = #value,      \
                                       .arity = 3, .domain = DOMAIN_OF(dom),                       \
                                       .result = CLG__##res, .vjp = vjp_##id };
#define EWP(id, n, dom, value, da)                                                               \
    static clg_tensor vjp_##id(const clg__vjp *v, int i)                                         \
    {                                                                                              \
        clg_tensor g = clg__wide(v->g), a = clg__wide(v->in[0]), b = clg__wide(v->in[1]);          \
        clg_tensor c = clg__wide(v->in[n - 1]);                                                    \
        UNUSED4(g, a, b, c);                                                                 \
        return i == 0 ? packed(v->in[0], da) : NULL;                                               \
    }                                                                                              \
    static const clg__op op_##id = { .name = #id, .kind = CLG__POINTWISE, .text = #value,      \
                                       .arity = n, .domain = DOMAIN_OF(dom),                       \
                                       .result = CLG__SAME, .vjp = vjp_##id };
#define D1(id, value, da) EW1(id, FLOATING, SAME, value, da)
#define D2(id, value, da, db) EW2(id, FLOATING, SAME, value, da, db)
#include "ops/elementwise.def"
#undef EW1
#undef EW2
#undef EW3
#undef EWP
#undef D1
#undef D2

// ---- recording

// The type that an op of this domain computes in.
static clg_dtype compute_type(const clg__op *op, int n, const clg_tensor *in)
{
    const clg_dtype t = clg__result_type(n, in);
    if (op->domain == CLG__BOOLEAN)
        return CLG_BOOL;
    return op->domain == CLG__FLOATING && !clg_dtype_is_float(t) ? CLG_F32 : t;
}

// name: of the function, for messages
// wide: the place of a number that keeps its own type beside a packed one; -1: none
static clg_tensor record_as(const char *name, const clg__op *op, const char *names, int n,
                            const clg_tensor *in, int wide)
{
    clg__call c;
    clg_tensor x[3], low[3];
    if (clg__is_usable(in[0]) && in[0]->dev->autocast) {
        for (int i = 0; i < n; i++)
            low[i] = clg_autocast_input(op->name, in[i]);
        in = low;
    }
    if (!clg__call_begin(&c, name, names, n, in))
        return clg__call_poison(&c);
    const clg_dtype t = wide >= 0 ? in[1 - wide]->dtype : compute_type(op, n, in);
    if (op->domain == CLG__NUMERIC && t == CLG_BOOL)
        return clg__call_fail(&c, CLG_EDTYPE, "bool has no arithmetic: use the logical ops or cast");
    if (op->domain >= CLG__INTEGRAL && (clg_dtype_is_float(t) || (op->domain == CLG__WHOLE && t == CLG_BOOL)))
        return clg__call_fail(&c, CLG_EDTYPE, "only integers%s", op->domain == CLG__WHOLE ? "" : " and bool");
    if (op == &op_nextafter && clg__is_packed(t))
        return clg__call_fail(&c, CLG_EDTYPE, "only F32 and F64");
    clg_shape s = in[0]->shape;
    for (int i = 1; i < n; i++) {
        if (!clg__broadcast(&s, &in[i]->shape, &s))
            return clg__call_fail(&c, CLG_ESHAPE, "shapes do not broadcast");
    }
    for (int i = 0; i < n; i++)
        x[i] = clg_expand(i == wide ? in[i] : clg_cast(in[i], t), s);
    for (int i = 0; i < n; i++) {
        if (x[i]->status < 0)
            return clg__call_own(&c, x[i]);
    }
    c.in = x;
    return clg__call_node(&c, op, op->result == CLG__TO_BOOL ? CLG_BOOL : t, &s, NULL);
}

// What PyTorch computes of two BOOL is the logical op, or nothing.
static const clg__op *of_bools(const clg__op *op)
{
    return op == &op_add || op == &op_maximum || op == &op_fmax ? &op_logical_or
           : op == &op_mul || op == &op_minimum || op == &op_fmin ? &op_logical_and : op;
}

static clg_tensor record(const clg__op *op, const char *names, int n, const clg_tensor *in)
{
    bool bools = true;
    const clg_tensor twice[2] = { in[0], in[0] };
    for (int i = 0; i < n; i++)
        bools = bools && clg__is_usable(in[i]) && in[i]->dtype == CLG_BOOL;
    if (bools && op == &op_sign)
        return record_as("sign", &op_logical_or, "a a", 2, twice, -1);
    if (bools)
        return record_as(op->name, of_bools(op), names, n, in, -1);
    return record_as(op->name, op, names, n, in, -1);
}

static bool holds(clg_dtype t, double v)
{
    return clg_dtype_is_float(t) || (clg__fit(t, v) == v && v < 0x1p63);
}

// A number beside a tensor does not raise its type, unless that type cannot hold it. A 0-d integer
// would be weak beside integers: the tensor is cast.
static clg_tensor number(const char *name, clg_tensor *beside, double v)
{
    CLG__DEFAULT_FP;
    clg__call c;
    clg_tensor a = *beside;
    if (!clg__is_usable(a)) // the caller says so
        return a;
    const clg_dtype t = holds(a->dtype, v) ? a->dtype : holds(CLG_I64, v) ? CLG_I64 : CLG_F32;
    if (t != a->dtype && (int) clg_promote_types(t, a->dtype) >= CLG_DTYPE_COUNT && clg__call_begin(&c, name, "a", 1, &a))
        return clg__call_fail(&c, CLG_EDTYPE, "no element type holds %s and %g", clg_dtype_name(a->dtype), v);
    if (t == CLG_I64)
        *beside = clg_cast(a, CLG_I64);
    return clg_scalar(a->dev, t, v);
}

// Where PyTorch does not round a number to a packed type, as everywhere else it does.
static bool keeps_number(const clg__op *op)
{
    return op == &op_add || op == &op_sub || op == &op_mul || op == &op_div || op == &op_floor_divide;
}

// A power that takes a multiplication or two, or a division; NULL: it takes the function.
static clg_tensor easy_power(clg_tensor a, double exponent)
{
    if (!clg__is_usable(a) || a->dtype == CLG_BOOL)
        return NULL;
    if (exponent == 2)
        return clg_square(a);
    if (!clg_dtype_is_float(a->dtype))
        return NULL;
    return exponent == 3 ? cube(a) : exponent == -1 ? clg_reciprocal(a) : NULL;
}

static clg_tensor with_number(const char *name, const clg__op *op, clg_tensor t, double v, bool first)
{
    t = clg_autocast_input(op->name, t);
    const clg_tensor easy = op == &op_pow && !first ? easy_power(t, v) : NULL;
    if (easy)
        return easy;
    const bool wide = clg__is_usable(t) && clg__is_packed(t->dtype) && keeps_number(op);
    clg_tensor n = wide ? clg_scalar(t->dev, clg__dtype_of(t->dtype)->as, v) : number(name, &t, v);
    if (n == t)
        return record_as(name, op, first ? "b" : "a", 1, &t, -1);
    return record_as(name, op, "a b", 2, first ? (clg_tensor[]) { n, t } : (clg_tensor[]) { t, n },
                     wide ? !first : -1);
}

// A parameter of a row that computes in floating types.
static clg_tensor real(clg_tensor beside, double v)
{
    if (!clg__is_usable(beside))
        return beside;
    return clg_scalar(beside->dev, clg_dtype_is_float(beside->dtype) ? beside->dtype : CLG_F32, v);
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
        return with_number(#id "_scalar", &op_##id, a, b, false);                                  \
    }                                                                                              \
    clg_tensor clg_scalar_##id(double a, clg_tensor b)                                           \
    {                                                                                              \
        return with_number("scalar_" #id, &op_##id, b, a, true);                                   \
    }
#define EW3(id, ...)                                                                               \
    clg_tensor clg_##id(clg_tensor a, clg_tensor b, clg_tensor c)                                  \
    {                                                                                              \
        return record(&op_##id, "a b c", 3, (clg_tensor[]) { a, b, c });                           \
    }
#define EWP(...)
#define D1(id, ...)                                                                                \
    static clg_tensor id(clg_tensor a)                                                             \
    {                                                                                              \
        return record(&op_##id, "a", 1, &a);                                                       \
    }
#define D2(id, ...)                                                                                \
    static clg_tensor id(clg_tensor a, clg_tensor b)                                               \
    {                                                                                              \
        return record(&op_##id, "a b", 2, (clg_tensor[]) { a, b });                                \
    }
#include "ops/elementwise.def"

static clg_tensor bounded(clg_tensor a, double m)
{
    const clg_tensor in[3] = { a, clg__lit(a->dev, a->dtype, -m), clg__lit(a->dev, a->dtype, m) };
    return record(&op_clamp, "a lo hi", 3, in);
}

clg_tensor clg_leaky_relu(clg_tensor a, double slope)
{
    return record(&op_leaky_relu, "a slope", 2, (clg_tensor[]) { a, real(a, slope) });
}

clg_tensor clg_elu(clg_tensor a, double alpha)
{
    return record(&op_elu, "a alpha", 2, (clg_tensor[]) { a, real(a, alpha) });
}

clg_tensor clg_softplus(clg_tensor a, double beta, double threshold)
{
    return record(&op_softplus, "a beta threshold", 3,
                  (clg_tensor[]) { a, real(a, beta), real(a, threshold) });
}

clg_tensor clg_celu(clg_tensor a, double alpha)
{
    return record(&op_celu, "a alpha", 2, (clg_tensor[]) { a, real(a, alpha) });
}

// A row with a number that must not be negative, or NaN
static clg_tensor shrink(const clg__op *op, clg_tensor a, double lambda)
{
    clg__call c;
    if (!(lambda >= 0) && clg__call_begin(&c, op->name, "a", 1, &a))
        return clg__call_fail(&c, CLG_EINVAL, "lambda is %g, expected 0 or more", lambda);
    return record(op, "a lambda", 2, (clg_tensor[]) { a, real(a, lambda) });
}

clg_tensor clg_softshrink(clg_tensor a, double lambda)
{
    return shrink(&op_softshrink, a, lambda);
}

clg_tensor clg_hardshrink(clg_tensor a, double lambda)
{
    return shrink(&op_hardshrink, a, lambda);
}

clg_tensor clg_threshold(clg_tensor a, double threshold, double value)
{
    clg_tensor in[3] = { a, a, a };
    if (clg__is_usable(a)) {
        in[1] = clg_scalar(a->dev, a->dtype, threshold);
        in[2] = clg_scalar(a->dev, a->dtype, value);
    }
    return record(&op_threshold, "a threshold value", 3, in);
}

clg_tensor clg_logit(clg_tensor a, double eps)
{
    CLG__DEFAULT_FP;
    eps = clg__fp_pin(eps);
    if (clg__is_usable(a) && eps >= 0) {
        const clg_tensor x = clg_dtype_is_float(a->dtype) ? a : clg_cast(a, CLG_F32);
        const clg_tensor lo = real(x, eps), hi = real(x, 1 - eps);
        a = clg_where(clg_lt(x, lo), lo, clg_where(clg_gt(x, hi), hi, x));
    }
    return clg__is_usable(a) ? log_odds(a) : record_as("logit", &op_log_odds, "a", 1, &a, -1);
}

clg_tensor clg__slopes(clg_tensor a, clg_tensor b)
{
    return prelu(a, b);
}

clg_tensor clg_prelu(clg_tensor a, clg_tensor weight)
{
    clg__call c;
    clg_tensor in[2] = { a, weight };
    if (!clg__call_begin(&c, "prelu", "a weight", 2, in))
        return clg__call_poison(&c);
    const int64_t channels = a->shape.rank > 1 ? a->shape.dim[1] : 1, n = clg_numel(weight->shape);
    if (weight->shape.rank > 1 || (n != 1 && n != channels))
        return clg__call_fail(&c, CLG_ESHAPE, "weight must have one element, or one per channel (%lld)",
                              (long long) channels);
    clg_shape s = { .rank = a->shape.rank };
    for (int d = 0; d < s.rank; d++)
        s.dim[d] = d == 1 ? n : 1;
    in[1] = clg_reshape(weight, n == 1 ? CLG_SCALAR : s);
    return clg__call_own(&c, prelu(in[0], in[1]));
}

static clg_tensor next_polygamma(clg_tensor a, clg_tensor b, clg_tensor c)
{
    const clg_tensor g = a, n = clg_add(b, L(1));
    return record(&op_polygamma, "a n factor", 3, (clg_tensor[]) { a, n, clg_neg(clg_mul(c, n)) });
}

static clg_tensor tetragamma(clg_tensor a)
{
    const clg_tensor g = a;
    return record(&op_polygamma, "a n factor", 3, (clg_tensor[]) { a, L(2), L(-2) });
}

clg_tensor clg_polygamma(int n, clg_tensor a)
{
    CLG__DEFAULT_FP;
    clg__call c;
    if (!clg__call_begin(&c, "polygamma", "a", 1, &a))
        return clg__call_poison(&c);
    if (n < 0 || n > 30)
        return clg__call_fail(&c, CLG_EINVAL, "n is %d, expected 0 to 30", n);
    if (n < 2)
        return record_as("polygamma", n ? &op_trigamma : &op_digamma, "a", 1, &a, -1);
    double factor = n % 2 ? 1 : -1;
    for (int k = 2; k <= n; k++)
        factor *= k;
    return record(&op_polygamma, "a n factor", 3, (clg_tensor[]) { a, real(a, n), real(a, factor) });
}

// A limit keeps the tensor's type: beyond its range it limits nothing, or everything.
static clg_tensor limit(clg_tensor a, double v, bool low)
{
    CLG__DEFAULT_FP;
    if (!clg__is_usable(a))
        return a;
    const clg_dtype t = a->dtype;
    const double least = t == CLG_BOOL ? 0 : clg__fit(t, -INFINITY), most = clg__fit(t, INFINITY);
    v = isnan(v) ? (low ? least : most) : v < least ? least : v > most ? most : v;
    return clg_scalar(a->dev, clg_dtype_is_float(t) || v == floor(v) ? t : CLG_F32, v);
}

clg_tensor clg_clamp(clg_tensor a, double lo, double hi)
{
    return record(&op_clamp, "a lo hi", 3,
                  (clg_tensor[]) { a, limit(a, lo, true), limit(a, hi, false) });
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
            return clg__call_own(&c, x[i]);
    }
    c.in = x;
    return clg__call_node(&c, &op_where, t, &s, NULL);
}

static clg_tensor cast_vjp(const clg__vjp *v, int i)
{
    (void) i;
    return clg_cast(v->g, v->in[0]->dtype);
}

clg_tensor clg__wide(clg_tensor t)
{
    return clg__is_packed(t->dtype) ? clg_cast(t, clg__dtype_of(t->dtype)->as) : t;
}

static const clg__op op_cast = { .name = "cast", .kind = CLG__CAST, .arity = 1, .vjp = cast_vjp };

clg_tensor clg_cast(clg_tensor a, clg_dtype t)
{
    clg__call c;
    if (clg__is_usable(a) && a->dtype == t)
        return a;
    if (!clg__call_begin(&c, "cast", "a", 1, &a))
        return clg__call_poison(&c);
    return clg__call_node(&c, &op_cast, t, &a->shape, NULL);
}
