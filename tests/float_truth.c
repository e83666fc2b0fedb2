// SPDX-License-Identifier: MIT
// The definitions in double, as loops that a compiler turns into vectors: with glibc's libmvec a value of most functions
// costs about a nanosecond. Written from the definitions, not as the library computes them.
#include "float_truth.h"

#include <float.h>
#include <math.h>
#include <stdint.h>

#ifdef TRUTH_IN_VECTORS // libmvec has them: within 4 units of the last place of a double
#define IN_VECTORS(f) double f(double) __attribute__((simd("notinbranch")));
IN_VECTORS(exp) IN_VECTORS(exp2) IN_VECTORS(expm1) IN_VECTORS(log) IN_VECTORS(log1p) IN_VECTORS(log2) IN_VECTORS(log10)
IN_VECTORS(sin) IN_VECTORS(cos) IN_VECTORS(tan) IN_VECTORS(asin) IN_VECTORS(acos) IN_VECTORS(atan) IN_VECTORS(sinh)
IN_VECTORS(cosh) IN_VECTORS(tanh) IN_VECTORS(asinh) IN_VECTORS(acosh) IN_VECTORS(atanh) IN_VECTORS(erf) IN_VECTORS(erfc)
#endif

#define PI 3.14159265358979323846
#define EULER 0.57721566490153286061

// All sides of a condition are computed: a branch would end the vector.
static inline double either(int c, double a, double b)
{
    return c ? a : b;
}

// Where an exponential is 0 or too large for floats it is so already here: libmvec computes what is not finite one by one.
static inline double cut(double x)
{
    return either(x > 600, 600, either(x < -600, -600, x));
}

// f where it is defined, by an argument that always is
#define WHERE(defined, f) either(defined, f, NAN)

static inline double expm1_beside(double x, double scale, double slope)
{
    const double e = scale * expm1(cut(x)), s = slope * x;
    return either(x > 0, s, e);
}

static inline double softplus_of(double x)
{
    const double e = log1p(exp(-fabs(cut(x))));
    return either(x > 0, x, 0) + e;
}

static inline double gelu_tanh_of(double x)
{
    return x / (1 + exp(cut(x * (-1.5957691216057307118 - 0.0713548162726002527 * x * x))));
}

static inline double mish_of(double x)
{
    return x * tanh(softplus_of(x));
}

// sin(pi x) by the distance from the nearest integer
static inline double sin_turn(double x)
{
    const double n = nearbyint(x), s = sin((x - n) * PI), h = n / 2;
    return either(floor(h) == h, s, -s);
}

static inline double sinc_of(double x)
{
    const double s = sin_turn(x) / (x * PI);
    return either(x == 0, 1, s);
}

// Winitzki's approximation, then Halley's steps on erf or, beyond 1/2, on erfc, where 1 - x is exact
static inline double erfinv_of(double x)
{
    const double a = fmin(fabs(x), 1), l = log1p(-a * a), t = 2 / (PI * 0.147) + l / 2, z = PI * a * a;
    const double series = a * (1 + z * (1.0 / 12 + z * (7.0 / 480))) * 0.88622692545275801365;
    double y = sqrt(fmax(0, sqrt(t * t - l / 0.147) - t));
    for (int i = 0; i < 2; i++) {
        const double low = erf(y) - a, high = (1 - a) - erfc(y), e = exp(y * y);
        const double u = either(a < 0.5, low, high) * e * 0.88622692545275801365;
        y -= u / (1 + y * u);
    }
    y = either(a < 0x1p-12, series, y);
    y = either(a == 1, INFINITY, y);
    return WHERE(fabs(x) <= 1, copysign(y, x));
}

// By Stirling's series from 8 on, of tiny numbers by their logarithm
static inline double lgamma_outside(double x)
{
    const double a = fabs(x), l = log(a), r = 1 / a, z = r * r;
    const double far = (a - 0.5) * (l - 1) + (0.41893853320467274178 + r * (1.0 / 12 - z * (1.0 / 360 - z * (1.0 / 1260 - z * (1.0 / 1680 - z / 1188)))));
    const double left = log(PI / fabs(sin_turn(a) * a)) - far, tiny = -l - EULER * x;
    double y = either(a < 1, tiny, either(x > 0, far, left));
    y = either(x < -0.5 && x == floor(x), INFINITY, y);
    return either(a == INFINITY, INFINITY, y);
}

// The sum of 1 / (x + k) up to 11 and the asymptotic series; of tiny numbers by the pole. Left of 0 by reflection.
static inline double digamma_of(double x)
{
    const double b = x > 0 ? x : 1 - x, n = x - nearbyint(x), pole = -1 / x - EULER + x * (PI * PI / 6);
    double s = 0, m = b;
    for (int k = 0; k < 11; k++, m += 1)
        s += 1 / m;
    const double r = 1 / m, z = r * r;
    const double q = 1.0 / 12 - z * (1.0 / 120 - z * (1.0 / 252 - z * (1.0 / 240 - z * (1.0 / 132 - z * (691.0 / 32760 - z / 12)))));
    const double right = log(m) - r / 2 - z * q - s, left = right - PI * (cos(PI * n) / sin(PI * n));
    double y = either(x > 0, right, left);
    y = either(fabs(x) < 0x1p-20, pole, y);
    y = either(x < -0.5 && n == 0, NAN, y);
    return either(x == INFINITY, x, either(x == -INFINITY, NAN, y));
}

#define LOOP(name, f, y_of)                                                                          \
    static void name##_of_all(const float *in, double *out, int n)                                 \
    {                                                                                              \
        for (int i = 0; i < n; i++) {                                                              \
            const double x = (double) in[i];                                                       \
            out[i] = (y_of);                                                                       \
        }                                                                                          \
    }

static void lgamma_of_all(const float *in, double *out, int n)
{
    for (int i = 0; i < n; i++)
        out[i] = lgamma_outside((double) in[i]);
    for (int i = 0; i < n; i++) {
        if (fabsf(in[i]) >= 0x1p-27f && fabsf(in[i]) < 8)
            out[i] = lgamma((double) in[i]);
    }
}

static clg_tensor elu(clg_tensor x) { return clg_elu(x, 1.5); }
static clg_tensor celu(clg_tensor x) { return clg_celu(x, 1.5); }
static clg_tensor softplus(clg_tensor x) { return clg_softplus(x, 2, 120); }
static clg_tensor logit(clg_tensor x) { return clg_logit(x, -1); }

// The first ones are in every run of test_floats, the others take turns.
#define FUNCTIONS(R)                                                                               \
    R(exp, clg_exp, exp(cut(x)))                                                                   \
    R(exp2, clg_exp2, exp2(cut(x)))                                                                \
    R(expm1, clg_expm1, expm1(cut(x)))                                                             \
    R(log, clg_log, WHERE(x >= 0, log(fabs(x))))                                                   \
    R(log1p, clg_log1p, WHERE(x >= -1, log1p(fmax(x, -1))))                                        \
    R(log2, clg_log2, WHERE(x >= 0, log2(fabs(x))))                                                \
    R(sin, clg_sin, sin(x))                                                                        \
    R(cos, clg_cos, cos(x))                                                                        \
    R(tan, clg_tan, tan(x))                                                                        \
    R(asin, clg_asin, WHERE(fabs(x) <= 1, asin(fmax(-1, fmin(x, 1)))))                             \
    R(acos, clg_acos, WHERE(fabs(x) <= 1, acos(fmax(-1, fmin(x, 1)))))                             \
    R(atan, clg_atan, atan(x))                                                                     \
    R(sinh, clg_sinh, sinh(cut(x)))                                                                \
    R(cosh, clg_cosh, cosh(cut(x)))                                                                \
    R(tanh, clg_tanh, tanh(x))                                                                     \
    R(erf, clg_erf, erf(x))                                                                        \
    R(rsqrt, clg_rsqrt, 1 / sqrt(x))                                                               \
    R(gelu, clg_gelu, x * 0.5 * erfc(cut(-x * 0.70710678118654752440)))                            \
    R(gelu_tanh, clg_gelu_tanh, gelu_tanh_of(x))                                                   \
    R(silu, clg_silu, x / (1 + exp(cut(-x))))                                                      \
    R(sigmoid, clg_sigmoid, 1 / (1 + exp(cut(-x))))                                                \
    R(elu, elu, expm1_beside(x, 1.5, 1))                                                           \
    R(softplus, softplus, either(x * 2 > 120, x, softplus_of(2 * x) / 2))                          \
    R(erfc, clg_erfc, erfc(cut(x)))                                                                \
    R(log10, clg_log10, WHERE(x >= 0, log10(fabs(x))))                                             \
    R(asinh, clg_asinh, asinh(x))                                                                  \
    R(acosh, clg_acosh, WHERE(x >= 1, acosh(fmax(x, 1))))                                          \
    R(atanh, clg_atanh, WHERE(fabs(x) <= 1, atanh(fmax(-1, fmin(x, 1)))))                          \
    R(sqrt, clg_sqrt, sqrt(x))                                                                     \
    R(reciprocal, clg_reciprocal, 1 / x)                                                           \
    R(square, clg_square, x * x)                                                                   \
    R(selu, clg_selu, expm1_beside(x, 1.0507009873554804934 * 1.6732632423543772848, 1.0507009873554804934)) \
    R(celu, celu, either(x > 0, x, 1.5 * expm1(cut(x / 1.5))))                                     \
    R(softsign, clg_softsign, x / (1 + fabs(x)))                                                   \
    R(log_sigmoid, clg_log_sigmoid, either(x < 0, x, 0) - log1p(exp(-fabs(cut(x)))))               \
    R(logit, logit, WHERE((x >= 0) & (x <= 1), log(fabs(x / (1 - x)))))                            \
    R(sinc, clg_sinc, sinc_of(x))                                                                  \
    R(mish, clg_mish, mish_of(x))                                                                  \
    R(erfinv, clg_erfinv, erfinv_of(x))                                                            \
    R(digamma, clg_digamma, digamma_of(x))
FUNCTIONS(LOOP)

#define ENTRY(name, f, y) { #name, f, name##_of_all },
const float_truth float_truths[] = { FUNCTIONS(ENTRY) { "lgamma", clg_lgamma, lgamma_of_all } };
const int float_truth_count = sizeof float_truths / sizeof float_truths[0];

// In a loop without branches
float_errors float_errors_of(const float *y, const double *t, const double *cancels, int n)
{
    double all = 0, below = 0;
    for (int i = 0; i < n; i++) {
        union { double d; uint64_t u; } unit, v = { t[i] };
        const uint64_t e = (v.u >> 52) & 2047;
        unit.u = (2046 - ((e > 897 ? e : 897) - 23)) << 52;
        double error = fabs((double) y[i] - t[i]) - (cancels ? cancels[i] * 0x1p-24 : 0);
        error *= unit.d;
        error = error >= 0 || error < 0 ? error : (t[i] != t[i]) & (y[i] != y[i]) ? 0 : INFINITY;
        const int same_sign = !signbit(y[i]) == !(v.u >> 63), far = (fabsf(y[i]) > 0.999f * FLT_MAX) & same_sign;
        error = (t[i] == 0) & (y[i] == 0) & !same_sign ? INFINITY : error;
        error = fabs(t[i]) > 0.9999999 * FLT_MAX ? (far ? 0 : INFINITY) : error;
        const double normal = e >= 897 ? error : 0, other = e >= 897 ? 0 : error;
        all = all < normal ? normal : all;
        below = below < other ? other : below;
    }
    return (float_errors) { all, below };
}
