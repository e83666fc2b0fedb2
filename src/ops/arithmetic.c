// SPDX-License-Identifier: MIT
// Pointwise operations made of others.
#include "base/fp.h"
#include "graph/build.h"
#include "ops/element.h"
#include <clgrad/ops.h>

#include <float.h>
#include <math.h>
#include <stdlib.h>

// Three arguments in what their common type is computed in; that type
static clg_dtype common(clg_tensor x[3])
{
    const clg_dtype t = clg__result_type(3, x);
    for (int i = 0; i < 3; i++)
        x[i] = clg__wide(clg_cast(x[i], t));
    return t;
}

static clg_tensor lerp_vjp(const clg__vjp *v, int i)
{
    const clg_tensor g = clg__wide(v->g), w = clg__wide(v->in[2]);
    clg_tensor d;
    if (i == 0)
        d = clg_mul(g, clg_sub(clg__lit(g->dev, w->dtype, 1), w));
    else
        d = clg_mul(g, i == 1 ? w : clg_sub(clg__wide(v->in[1]), clg__wide(v->in[0])));
    return clg_cast(d, v->in[i]->dtype);
}

static const clg__op op_lerp = { .name = "lerp", .kind = CLG__ALIAS, .vjp = lerp_vjp };

static clg_tensor lerp(clg__call *c, const clg_tensor *in)
{
    clg_tensor x[3];
    for (int i = 0; i < 3; i++)
        x[i] = clg_dtype_is_float(clg__result_type(3, in)) ? in[i] : clg_cast(in[i], CLG_F32);
    const clg_dtype t = clg__result_type(3, x);
    for (int i = 0; i < 3; i++)
        x[i] = clg_cast(x[i], t);
    const clg_tensor a = clg__wide(x[0]), b = clg__wide(x[1]), w = clg__wide(x[2]);
    const clg_tensor d = clg_sub(b, a), half = clg__lit(c->dev, w->dtype, 0.5), one = clg__lit(c->dev, w->dtype, 1);
    const clg_tensor y = clg_cast(clg_where(clg_lt(clg_abs(w), half), clg_add(a, clg_mul(w, d)),
                                            clg_sub(b, clg_mul(d, clg_sub(one, w)))), t);
    return clg__call_own(c, y->status < 0 ? y : clg__custom_vjp(&op_lerp, y, 3, x, NULL));
}

clg_tensor clg_lerp(clg_tensor a, clg_tensor b, clg_tensor weight)
{
    clg__call c;
    const clg_tensor in[3] = { a, b, weight };
    if (!clg__call_begin(&c, "lerp", "a b weight", 3, in))
        return clg__call_poison(&c);
    return lerp(&c, in);
}

clg_tensor clg_lerp_scalar(clg_tensor a, clg_tensor b, double weight)
{
    CLG__DEFAULT_FP;
    weight = clg__fp_pin(weight);
    clg__call c;
    clg_tensor in[3] = { a, b, NULL };
    if (!clg__call_begin(&c, "lerp_scalar", "a b", 2, in))
        return clg__call_poison(&c);
    const clg_dtype t = clg__result_type(2, in);
    in[2] = clg_scalar(c.dev, clg_dtype_is_float(t) ? t : CLG_F32, weight);
    return lerp(&c, in);
}

clg_tensor clg_addcmul(clg_tensor a, clg_tensor b, clg_tensor c, double value)
{
    clg__call call;
    clg_tensor x[3] = { a, b, c };
    if (!clg__call_begin(&call, "addcmul", "a b c", 3, x))
        return clg__call_poison(&call);
    const clg_dtype t = common(x);
    const clg_tensor y = clg_add(x[0], clg_mul_scalar(clg_mul(x[1], x[2]), value));
    return clg__call_own(&call, clg_dtype_is_float(t) ? clg_cast(y, t) : y);
}

clg_tensor clg_addcdiv(clg_tensor a, clg_tensor b, clg_tensor c, double value)
{
    clg__call call;
    clg_tensor x[3] = { a, b, c };
    if (!clg__call_begin(&call, "addcdiv", "a b c", 3, x))
        return clg__call_poison(&call);
    if (!clg_dtype_is_float(b->dtype) && !clg_dtype_is_float(c->dtype))
        return clg__call_fail(&call, CLG_EDTYPE, "b or c must be floating");
    const clg_dtype t = common(x);
    const clg_tensor y = clg_add(x[0], clg_mul_scalar(clg_div(x[1], x[2]), value));
    return clg__call_own(&call, clg_cast(y, t));
}

static double largest(clg_dtype t)
{
    return t == CLG_F64 ? DBL_MAX : t == CLG_F16 ? 65504 : t == CLG_BF16 ? 0x1.FEp127 : (double) FLT_MAX;
}

clg_tensor clg_nan_to_num(clg_tensor a, double nan, double posinf, double neginf)
{
    CLG__DEFAULT_FP;
    clg__call c;
    if (!clg__call_begin(&c, "nan_to_num", "a", 1, &a))
        return clg__call_poison(&c);
    const clg_dtype t = a->dtype;
    if (!clg_dtype_is_float(t))
        return a;
    posinf = isnan(posinf) ? largest(t) : posinf;
    neginf = isnan(neginf) ? -largest(t) : neginf;
    const clg_tensor low = clg_where(clg_is_neginf(a), clg_scalar(c.dev, t, neginf), a);
    const clg_tensor high = clg_where(clg_is_posinf(a), clg_scalar(c.dev, t, posinf), low);
    return clg__call_own(&c, clg_where(clg_is_nan(a), clg_scalar(c.dev, t, nan), high));
}

static clg_tensor close(clg__call *c, clg_tensor a, clg_tensor b, double rtol, double atol, bool equal_nan)
{
    if (!(rtol >= 0) || !(atol >= 0))
        return clg__call_fail(c, CLG_EINVAL, "rtol and atol are %g and %g, expected 0 or more", rtol, atol);
    const clg_tensor in[2] = { a, b };
    clg_dtype t = clg__result_type(2, in);
    const bool real = clg_dtype_is_float(t);
    const clg_tensor same = clg_eq(a, b); // exact for integers of 64 bits too
    t = real ? t : clg_device_has(c->dev, CLG_F64) ? CLG_F64 : CLG_F32;
    a = clg__wide(clg_cast(a, t));
    b = clg__wide(clg_cast(b, t));
    const clg_tensor slack = clg_add_scalar(clg_abs(clg_mul_scalar(b, rtol)), atol), off = clg_abs(clg_sub(a, b));
    clg_tensor y = clg_logical_or(same, clg_logical_and(clg_is_finite(off), clg_le(off, slack)));
    if (equal_nan && real)
        y = clg_logical_or(y, clg_logical_and(clg_is_nan(a), clg_is_nan(b)));
    return clg__call_own(c, y);
}

clg_tensor clg_isclose(clg_tensor a, clg_tensor b, double rtol, double atol, bool equal_nan)
{
    clg__call c;
    if (!clg__call_begin(&c, "isclose", "a b", 2, (clg_tensor[]) { a, b }))
        return clg__call_poison(&c);
    return close(&c, a, b, rtol, atol, equal_nan);
}

clg_tensor clg_allclose(clg_tensor a, clg_tensor b, double rtol, double atol, bool equal_nan)
{
    clg__call c;
    if (!clg__call_begin(&c, "allclose", "a b", 2, (clg_tensor[]) { a, b }))
        return clg__call_poison(&c);
    const clg_tensor y = close(&c, a, b, rtol, atol, equal_nan);
    return y->status < 0 ? y : clg__call_own(&c, clg_all(y, CLG_ALL, false));
}

clg_tensor clg_round_decimals(clg_tensor a, int decimals)
{
    CLG__DEFAULT_FP;
    clg__call c;
    if (!clg__call_begin(&c, "round_decimals", "a", 1, &a))
        return clg__call_poison(&c);
    if (decimals < -300 || decimals > 300)
        return clg__call_fail(&c, CLG_EINVAL, "decimals is %d, expected -300 to 300", decimals);
    if (!clg_dtype_is_float(a->dtype) && decimals < 0)
        return clg__call_fail(&c, CLG_EDTYPE, "integers have no decimals to round");
    if (!clg_dtype_is_float(a->dtype) || decimals == 0)
        return clg__call_own(&c, clg_round(a));
    const clg_tensor x = clg__wide(a), ten = clg_scalar(c.dev, x->dtype, pow(10, clg__fp_pin(abs(decimals))));
    const clg_tensor y = decimals > 0 ? clg_div(clg_round(clg_mul(x, ten)), ten) : clg_mul(clg_round(clg_div(x, ten)), ten);
    return clg__call_own(&c, clg_cast(y, a->dtype));
}

clg_tensor clg_float_power(clg_tensor a, clg_tensor b)
{
    clg__call c;
    if (!clg__call_begin(&c, "float_power", "a b", 2, (clg_tensor[]) { a, b }))
        return clg__call_poison(&c);
    if (!clg_device_has(c.dev, CLG_F64))
        return clg__call_fail(&c, CLG_EDTYPE, "the result is f64, which this device does not compute with");
    return clg__call_own(&c, clg_pow(clg_cast(a, CLG_F64), clg_cast(b, CLG_F64)));
}

clg_tensor clg_bitwise_not(clg_tensor a)
{
    clg__call c;
    if (!clg__call_begin(&c, "bitwise_not", "a", 1, &a))
        return clg__call_poison(&c);
    if (clg_dtype_is_float(a->dtype))
        return clg__call_fail(&c, CLG_EDTYPE, "only integers and bool");
    if (a->dtype == CLG_BOOL)
        return clg__call_own(&c, clg_logical_not(a));
    return clg__call_own(&c, clg_sub(clg_neg(a), clg__lit(c.dev, a->dtype, 1)));
}
