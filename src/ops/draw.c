// SPDX-License-Identifier: MIT
// Random numbers of many distributions, made of uniform and normal draws (random.c).
#include "base/dtype.h"
#include "base/fp.h"
#include "graph/build.h"
#include "ops/element.h"
#include <clgrad/create.h>
#include <clgrad/ops.h>
#include <clgrad/sort.h>

#include <math.h>

// The type that a draw of t is computed in.
static clg_dtype computed(clg_dtype t)
{
    return t == CLG_F64 ? CLG_F64 : CLG_F32;
}

// A poison where there is no device or t is no type that is wanted; else NULL.
static clg_tensor begin(clg__call *c, clg_device dev, const char *op, clg_dtype t, bool integers)
{
    clg__call_source(c, dev, op);
    if (!c->dev)
        return clg__call_own(c, clg_uniform(dev, CLG_F32, CLG_SCALAR, 0, 1)); // says why
    if (!clg_dtype_is_float(t) && (!integers || clg_dtype_size(t) == 0 || t == CLG_BOOL))
        return clg__call_fail(c, CLG_EDTYPE, "%s, expected a %s type", clg_dtype_name(t), integers ? "number" : "floating");
    return NULL;
}

static clg_tensor part(clg_tensor x, int64_t mask) // mask: 0, or of the lower bits
{
    return mask ? clg_bitwise_and(x, clg__lit(x->dev, CLG_I64, (double) mask)) : clg_right_shift(x, clg__lit(x->dev, CLG_I64, 32));
}

static clg_tensor times(clg_tensor x, int64_t v) // v up to 2^31
{
    return clg_mul(x, clg_scalar(x->dev, CLG_I64, (double) v));
}

static clg_tensor over(clg_tensor x, int bits) // floor(x / 2^bits)
{
    return clg_right_shift(x, clg__lit(x->dev, CLG_I64, bits));
}

// floor(x range / 2^63), x of 63 bits, range up to 2^62: no division, which is the slowest thing that there is.
static clg_tensor scaled(clg_tensor x, int64_t range)
{
    const int64_t all = 0xffffffff, low = range & 0x7fffffff, high = range >> 31;
    const clg_tensor a = part(x, 0), b = part(x, all);
    if (range <= (int64_t) 1 << 31)
        return over(clg_add(times(a, range), over(times(b, range), 32)), 31);
    const clg_tensor one = times(b, high), two = clg_mul(times(a, low), clg__lit(x->dev, CLG_I64, 2));
    const clg_tensor carry = clg_add(clg_add(part(one, all), part(two, all)), over(times(b, low), 31));
    return clg_add(clg_add(times(a, high), part(one, 0)), clg_add(part(two, 0), part(carry, 0)));
}

clg_tensor clg_randint(clg_device dev, clg_dtype t, clg_shape shape, int64_t lo, int64_t hi)
{
    clg__call c;
    const clg_tensor bad = begin(&c, dev, "randint", t, true);
    if (bad)
        return bad;
    if (lo >= hi || (uint64_t) hi - (uint64_t) lo > (uint64_t) 1 << 62)
        return clg__call_fail(&c, CLG_EINVAL, "from %lld to %lld, expected 1 to 2^62 numbers", (long long) lo, (long long) hi);
    const clg_tensor n = scaled(clg__random_bits(dev, &shape), hi - lo);
    // two halves of lo, each exact as a double
    const int64_t low = lo & 0xffffffff, high = lo - low;
    const clg_tensor y = clg_add(clg_add(n, clg_scalar(dev, CLG_I64, (double) low)), clg_scalar(dev, CLG_I64, (double) high));
    return clg__call_own(&c, clg_cast(y, t));
}

clg_tensor clg_exponential(clg_device dev, clg_dtype t, clg_shape shape, double rate)
{
    CLG__DEFAULT_FP;
    rate = clg__fp_pin(rate);
    clg__call c;
    const clg_tensor bad = begin(&c, dev, "exponential", t, false);
    if (bad)
        return bad;
    if (!(rate > 0))
        return clg__call_fail(&c, CLG_EINVAL, "rate is %g, expected above 0", rate);
    const clg_tensor u = clg_uniform(dev, computed(t), shape, 0, 1); // 1 - u is exact, 0 - log(1) not negative
    const clg_tensor y = clg_scalar_sub(0, clg_log(clg_scalar_sub(1, u)));
    return clg__call_own(&c, clg_cast(clg_div_scalar(y, rate), t));
}

clg_tensor clg_log_normal(clg_device dev, clg_dtype t, clg_shape shape, double mean, double std)
{
    clg__call c;
    const clg_tensor bad = begin(&c, dev, "log_normal", t, false);
    if (bad)
        return bad;
    if (!(std > 0) || isnan(mean))
        return clg__call_fail(&c, CLG_EINVAL, "mean is %g and std %g, expected a std above 0", mean, std);
    return clg__call_own(&c, clg_cast(clg_exp(clg_normal(dev, computed(t), shape, mean, std)), t));
}

clg_tensor clg_geometric(clg_device dev, clg_dtype t, clg_shape shape, double p)
{
    CLG__DEFAULT_FP;
    p = clg__fp_pin(p);
    clg__call c;
    const clg_tensor bad = begin(&c, dev, "geometric", t, true);
    if (bad)
        return bad;
    if (!(p > 0 && p < 1))
        return clg__call_fail(&c, CLG_EINVAL, "p is %g, expected between 0 and 1", p);
    const clg_tensor u = clg_uniform(dev, computed(t), shape, 0, 1);
    const clg_tensor y = clg_ceil(clg_div_scalar(clg_log1p(clg_neg(u)), log1p(-p)));
    return clg__call_own(&c, clg_cast(clg_maximum(y, clg__lit(dev, computed(t), 1)), t));
}

clg_tensor clg_cauchy(clg_device dev, clg_dtype t, clg_shape shape, double median, double sigma)
{
    clg__call c;
    const clg_tensor bad = begin(&c, dev, "cauchy", t, false);
    if (bad)
        return bad;
    if (!(sigma > 0) || isnan(median))
        return clg__call_fail(&c, CLG_EINVAL, "median is %g and sigma %g, expected a sigma above 0", median, sigma);
    const clg_dtype w = computed(t);
    const clg_tensor u = clg_sub(clg_uniform(dev, w, shape, 0, 1), clg__lit(dev, w, 0.5));
    const clg_tensor y = clg_tan(clg_mul(u, clg__lit(dev, w, 3.14159265358979324)));
    return clg__call_own(&c, clg_cast(clg_add_scalar(clg_mul_scalar(y, sigma), median), t));
}

clg_tensor clg_trunc_normal(clg_device dev, clg_dtype t, clg_shape shape, double mean, double std, double lo, double hi)
{
    CLG__DEFAULT_FP;
    mean = clg__fp_pin(mean);
    std = clg__fp_pin(std);
    lo = clg__fp_pin(lo);
    hi = clg__fp_pin(hi);
    clg__call c;
    const clg_tensor bad = begin(&c, dev, "trunc_normal", t, false);
    if (bad)
        return bad;
    if (!(std > 0) || !(lo <= hi) || isnan(mean))
        return clg__call_fail(&c, CLG_EINVAL, "std is %g, from %g to %g", std, lo, hi);
    // erf of the limits: the normal distribution is even between, and its inverse there
    const double from = erf((lo - mean) / std * sqrt(0.5)), to = erf((hi - mean) / std * sqrt(0.5));
    const double most = computed(t) == CLG_F64 ? 1 - 0x1p-53 : 1 - 0x1p-24; // at 1 the inverse is infinite
    const clg_tensor y = clg_erfinv(clg_clamp(clg_uniform(dev, computed(t), shape, from, to), -most, most));
    const clg_tensor z = clg_add_scalar(clg_mul_scalar(y, std * sqrt(2)), mean);
    return clg__call_own(&c, clg_cast(clg_clamp(z, lo, hi), t));
}

// With replacement: in each draw of K numbers the first of a race of exponential times. Without: those who arrive first.
clg_tensor clg_multinomial(clg_tensor weights, int64_t samples, bool replacement)
{
    clg__call c;
    if (!clg__call_begin(&c, "multinomial", "weights", 1, &weights))
        return clg__call_poison(&c);
    if (!clg_dtype_is_float(weights->dtype))
        return clg__call_fail(&c, CLG_EDTYPE, "only floating types");
    const int rank = weights->shape.rank;
    const int64_t k = rank ? weights->shape.dim[rank - 1] : 0, rows = rank == 2 ? weights->shape.dim[0] : 1;
    if (rank < 1 || rank > 2 || k < 1 || k > INT32_MAX)
        return clg__call_fail(&c, CLG_ESHAPE, "expected weights [N,K] or [K]");
    if (samples < 1 || (!replacement && samples > k))
        return clg__call_fail(&c, CLG_EINVAL, "%lld samples of %lld", (long long) samples, (long long) k);
    const clg_tensor x = clg__wide(weights), w = clg_reshape(x, CLG_SHAPE(rows, 1, k));
    if (w->status < 0)
        return clg__call_own(&c, w);
    const clg_tensor u = clg_uniform(c.dev, w->dtype, CLG_SHAPE(rows, replacement ? samples : 1, k), 0, 1);
    const clg_tensor least = clg__lit(c.dev, w->dtype, 0x1p-60); // no time is 0
    const clg_tensor speed = clg_div(w, clg_maximum(clg_neg(clg_log1p(clg_neg(u))), least));
    clg_tensor y;
    if (replacement || samples == 1) {
        y = clg_argmax(speed, CLG_AXES(2), false);
    } else {
        clg_topk(speed, samples, 2, false, &y);
    }
    return clg__call_own(&c, rank == 2 ? clg_reshape(y, CLG_SHAPE(rows, samples)) : clg_reshape(y, CLG_SHAPE(samples)));
}
