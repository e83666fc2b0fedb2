// SPDX-License-Identifier: MIT
// The rows of elementwise.def as C. Integers wrap as they do on a device: compiled with -fwrapv.
#include "reference.h"

#include "base/dtype.h"

#include "checks.h"
#include <math.h>
#include <string.h>

#pragma GCC diagnostic ignored "-Wtype-limits"
#pragma GCC diagnostic ignored "-Wunused-parameter"
#pragma GCC diagnostic ignored "-Wparentheses"
#pragma GCC diagnostic ignored "-Wfloat-equal"

// ---- the words of codegen/expr.c

#define K(x) ((T) (x))
#define B(c) ((c) ? 1 : 0)
#define SEL(c, x, y) ((c) ? (x) : (y))
#define H_NAN(a) ((a) != (a))
#define H_MAX(a, b) (((a) > (b)) | ((a) != (a)) ? (a) : (b))
#define H_MIN(a, b) (((a) < (b)) | ((a) != (a)) ? (a) : (b))

static double rem_f(double a, double b)
{
    const double m = fmod(a, b);
    return m != 0 && (b < 0) != (m < 0) ? m + b : m;
}

// What a device gives for x / 0 is a matter of choice: 0, without a trap.
static int64_t mod_i(int64_t a, int64_t b)
{
    return b == 0 || b == -1 ? 0 : a % b;
}

static int64_t rem_i(int64_t a, int64_t b)
{
    const int64_t m = mod_i(a, b);
    return m != 0 && (b < 0) != (m < 0) ? m + b : m;
}

static double floor_divide_f(double a, double b)
{
    const double m = fmod(a, b);
    double d = (a - m) / b, f;
    if (b == 0)
        return a / b;
    d -= m != 0 && (b < 0) != (m < 0);
    f = floor(d);
    return d == 0 ? copysign(0, a / b) : d - f > 0.5 ? f + 1 : f;
}

static int64_t trunc_divide_i(int64_t a, int64_t b)
{
    return b == 0 ? 0 : b == -1 ? -a : a / b;
}

static int64_t floor_divide_i(int64_t a, int64_t b)
{
    const int64_t q = trunc_divide_i(a, b);
    return q - (mod_i(a, b) != 0 && (a < 0) != (b < 0));
}

static double sigmoid(double a)
{
    return a < 0 ? exp(a) / (1 + exp(a)) : 1 / (1 + exp(-a));
}

static double cdf(double a)
{
    return 0.5 * erfc(a * -0.70710678118654752440);
}

// Beyond, exponentials are zero.
static double near(double a)
{
    return a > 1e3 ? 1e3 : a < -1e3 ? -1e3 : a;
}

static double inner(double a)
{
    return a * (1.5957691216057307118 + 0.071354816272600248776 * a * a);
}

static double d_gelu_tanh(double a)
{
    const double u = inner(a), slope = 1.5957691216057307118 + 3 * 0.071354816272600248776 * a * a;
    return sigmoid(u) + a * sigmoid(u) * sigmoid(-u) * slope;
}

static double over_squares(double a, double b)
{
    const double r = hypot(a, b);
    return r == 0 ? 0 : b / r / r;
}

static int64_t pow_i(int64_t a, int64_t b)
{
    int64_t r = 1;
    if (b < 0)
        return a == 1 ? 1 : a == -1 ? (b & 1 ? -1 : 1) : 0;
    for (; b > 0; b >>= 1, a *= a)
        r = b & 1 ? r * a : r;
    return r;
}

// By Newton's method on the logarithm of erfc, which is nearly a parabola
static double erfinv(double x)
{
    const long double q = log1pl(-fabsl((long double) x));
    long double y = sqrtl(fmaxl(0.0625L, -q));
    if (!(fabs(x) < 1))
        return fabs(x) == 1 ? x * INFINITY : NAN;
    if (fabs(x) < 0.5)
        y = x * 0.9L;
    for (int i = 0; i < 60; i++) {
        if (fabs(x) < 0.5)
            y -= (erfl(y) - x) / (1.128379167095512573896L * expl(-y * y));
        else
            y += (logl(erfcl(y)) - q) * erfcl(y) / (1.128379167095512573896L * expl(-y * y));
    }
    return (double) (fabs(x) < 0.5 ? y : copysignl(y, x));
}

static double sin_pi(double x)
{
    const double n = rint(x);
    return sin((x - n) * 3.14159265358979323846) * (fmod(n, 2) == 0 ? 1 : -1);
}

static double cos_pi(double x)
{
    const double n = rint(x);
    return cos((x - n) * 3.14159265358979323846) * (fmod(n, 2) == 0 ? 1 : -1);
}

static double sinc(double x)
{
    return x == 0 ? 1 : sin_pi(x) / (3.14159265358979323846 * x);
}

static double d_sinc(double x)
{
    double t = 3.14159265358979323846 * x, sum = 0, part = 1;
    for (int k = 1; k < 20; k++) {
        part *= -t * t / (2 * k) / (2 * k + 1);
        sum += 2 * k * part;
    }
    return fabs(x) < 0.5 ? x == 0 ? 0 : sum / x : (cos_pi(x) - sinc(x)) / x;
}

static double digamma(double x)
{
    long double y = 0, z = x;
    if (x == 0 || x == -INFINITY)
        return x == 0 ? copysign(INFINITY, -x) : NAN;
    if (x < 0)
        return x == floor(x) ? NAN : digamma(1 - x) - 3.14159265358979323846 * cos_pi(x) / sin_pi(x);
    for (; z < 20; z++)
        y -= 1 / z;
    const long double q = 1 / (z * z);
    return (double) (y + logl(z) - 0.5L / z - q * (1.0L / 12 - q * (1.0L / 120 - q * (1.0L / 252 - q * (1.0L / 240 -
        q * (1.0L / 132 - q * (691.0L / 32760 - q / 12)))))));
}

// Hurwitz' zeta function of x above 0
static double zeta(double s, double x)
{
    long double y = 0, z = x, part, sum;
    static const double c[] = { 1.0 / 12, -1.0 / 720, 1.0 / 30240, -1.0 / 1209600, 1.0 / 47900160, -5.284190138687493e-10 };
    for (; z < 20; z++)
        y += powl(z, -s);
    sum = z / (s - 1) + 0.5L;
    part = s / z;
    for (int k = 0; k < 6; k++) {
        sum += c[k] * part;
        part *= (s + 2 * k + 1) * (s + 2 * k + 2) / (z * z);
    }
    return (double) (z == INFINITY ? 0 : y + powl(z, -s) * sum);
}

static double polygamma(double x, double n, double c)
{
    const double s = n + 1, d = x - rint(x), sign = fmod(s, 2) == 0 ? 1 : -1;
    if (x <= 0 && d == 0)
        return c * INFINITY;
    return c * (x > 0 ? zeta(s, x) : pow(d, -s) + zeta(s, 1 + d) + sign * (zeta(s, 1 - d) - zeta(s, 1 - x)));
}

static double trigamma(double x)
{
    const double s = sin_pi(x) / 3.14159265358979323846;
    return x > 0 ? zeta(2, x) : x == 0 ? INFINITY : 1 / (s * s) - zeta(2, 1 - x);
}

// exp(-|x|) In(x), by the series of positive terms or, far out, the asymptotic one
static double bessel(int n, double x)
{
    const long double a = fabsl((long double) x), z = a * a / 4;
    long double part = n ? a / 2 : 1, sum = part;
    if (a > 60) {
        part = sum = 1;
        for (int k = 1; k < 20; k++)
            sum += part *= -(4 * n * n - (2.0L * k - 1) * (2 * k - 1)) / (8 * k * a);
        return (double) (sum / sqrtl(6.283185307179586476925L * a));
    }
    for (int k = 1; k < 200; k++)
        sum += part *= z / (k * (k + n));
    return (double) (sum * expl(-a));
}

static double i0(double x)
{
    return bessel(0, x) * exp(fabs(x) / 2) * exp(fabs(x) / 2);
}

static double i1(double x)
{
    return copysign(bessel(1, x) * exp(fabs(x) / 2) * exp(fabs(x) / 2), x);
}

static double log_ndtr(double x)
{
    const double t = 0.70710678118654752440 * x, z = 1 / (x * x);
    return x > -20 ? x > 0 ? log1p(-0.5 * erfc(t)) : log(0.5 * erfc(-t))
                   : -0.5 * x * x - log(-x) - 0.91893853320467274178 + log1p(-z * (1 - 3 * z * (1 - 5 * z * (1 - 7 * z))));
}

static double d_log_ndtr(double x)
{
    return exp(-0.5 * x * x - 0.91893853320467274178 - log_ndtr(x));
}

static double mish(double x)
{
    const double e = exp(-fabs(x));
    return x < 0 ? x * e * (e + 2) / (e * (e + 2) + 2) : x * (1 + 2 * e) / (1 + 2 * e + 2 * e * e);
}

static double d_mish(double x)
{
    const double e = exp(-fabs(x)), d = x < 0 ? e * (e + 2) + 2 : 1 + 2 * e + 2 * e * e;
    return (x < 0 ? e * (e + 2) : 1 + 2 * e) / d + 4 * (x < 0 ? e : e * e) * (1 + e) / d / d * x;
}

static uint64_t gcd_u(uint64_t a, uint64_t b)
{
    while (b != 0) {
        const uint64_t m = a % b;
        a = b;
        b = m;
    }
    return a;
}

static uint64_t magnitude(int64_t a)
{
    return a < 0 ? 0 - (uint64_t) a : (uint64_t) a;
}

static int64_t gcd_i(int64_t a, int64_t b)
{
    return (int64_t) gcd_u(magnitude(a), magnitude(b));
}

static double next(double a, double b)
{
    return nextafter(a, b); // of its neighbours a device's type has fewer: within an ulp of that
}

// For the type's own width: what overflows wraps, before the sign is taken or, of narrow types, after it.
static int64_t lcm_i(int64_t a, int64_t b, int bits)
{
    const int64_t g = gcd_i(a, b);
    const uint64_t m = g == 0 ? 0 : magnitude(a / g) * magnitude(b);
    const int64_t low = (int64_t) (m << (64 - bits)) >> (64 - bits);
    return low < 0 && bits >= 32 ? -low : low;
}

// ---- one function per row and kind of type: floating, and each integer

typedef struct row {
    const char *name;
    double (*f)(double a, double b, double c);
    int64_t (*i32)(int32_t a, int32_t b, int32_t c);
    int64_t (*i64)(int64_t a, int64_t b, int64_t c);
    int64_t (*u64)(uint64_t a, uint64_t b, uint64_t c);
    int64_t (*u8)(uint8_t a, uint8_t b, uint8_t c);
} row;

#define FUNCTION(id, kind, type, result, value)                                                    \
    static result row_##id##_##kind(type a, type b, type c)                                        \
    {                                                                                              \
        return (result) (value);                                                                   \
    }
#define EW1(id, domain, result, value, da) ROW(id, domain, value)
#define EW2(id, domain, result, value, da, db) ROW(id, domain, value)
#define EW3(id, domain, result, value, da, db, dc) ROW(id, domain, value)
#define EWP(id, n, domain, value, da) ROW(id, domain, value)
#define D1(id, value, da) ROW(id, FLOATING, value)
#define D2(id, value, da, db) ROW(id, FLOATING, value)

#define H_ABS(a) fabs(a)
#define H_FLOOR(a) floor(a)
#define H_CEIL(a) ceil(a)
#define H_ROUND(a) rint(a)
#define H_TRUNC(a) trunc(a)
#define H_INF(a) (fabs(a) == INFINITY)
#define H_FINITE(a) (fabs(a) < INFINITY)
#define H_FMOD(a, b) fmod(a, b)
#define H_REM(a, b) rem_f(a, b)
#define H_POW(a, b) pow(a, b)
#define H_FLOOR_DIVIDE(a, b) floor_divide_f(a, b)
#define H_TRUNC_DIVIDE(a, b) trunc((a) / (b))
#define H_SIGMOID(a) sigmoid(a)
#define H_SILU(a) ((a) * sigmoid(a))
#define H_D_SILU(a) (sigmoid(a) * (1 + (a) * sigmoid(-(a))))
#define H_GELU(a) ((a) * cdf(a))
#define H_D_GELU(a) (cdf(a) + near(a) * 0.39894228040143267794 * exp(-0.5 * (a) * (a)))
#define H_GELU_TANH(a) ((a) * sigmoid(inner(a)))
#define H_D_GELU_TANH(a) d_gelu_tanh(near(a))
#define H_OVER_SQUARES(a, b) over_squares(a, b)
#define H_ERFINV(a) erfinv(a)
#define H_LGAMMA(a) (isinf(a) ? INFINITY : lgamma(a))
#define H_DIGAMMA(a) digamma(a)
#define H_TRIGAMMA(a) trigamma(a)
#define H_POLYGAMMA(a, b, c) polygamma(a, b, c)
#define H_SINC(a) sinc(a)
#define H_D_SINC(a) d_sinc(a)
#define H_MISH(a) mish(a)
#define H_D_MISH(a) d_mish(a)
#define H_HYPOT(a, b) hypot(a, b)
#define H_NDTR(a) cdf(a)
#define H_LOG_NDTR(a) log_ndtr(a)
#define H_D_LOG_NDTR(a) d_log_ndtr(a)
#define H_NDTR_SUM(a) ((a) + d_log_ndtr(a))
#define H_I0(a) i0(a)
#define H_I1(a) i1(a)
#define H_I0E(a) bessel(0, a)
#define H_I1E(a) copysign(bessel(1, a), a)
#define H_BESSEL_GAP(a) (bessel(0, a) - bessel(1, a))
#define H_LDEXP(a, b) ((a) * exp2(b))
#define H_NEXT(a, b) next(a, b)
#define H_SIGN(a) signbit(a)
#define T double
#define F_FLOATING(id, value) FUNCTION(id, f, double, double, value)
#define F_NUMERIC F_FLOATING
#define F_ANY F_FLOATING
#define F_BOOLEAN(id, value)
#define F_INTEGRAL(id, value)
#define F_WHOLE(id, value)
#define ROW(id, domain, value) F_##domain(id, value)
#include "ops/elementwise.def"
#undef ROW
#undef T
#undef H_ABS
#undef H_SIGN
#undef H_FLOOR
#undef H_CEIL
#undef H_ROUND
#undef H_TRUNC
#undef H_INF
#undef H_FINITE
#undef H_FMOD
#undef H_REM
#undef H_POW
#undef H_FLOOR_DIVIDE
#undef H_TRUNC_DIVIDE

#define H_ABS(a) ((a) < 0 ? -(a) : (a))
#define H_FLOOR(a) (a)
#define H_CEIL(a) (a)
#define H_ROUND(a) (a)
#define H_TRUNC(a) (a)
#define H_INF(a) 0
#define H_FINITE(a) 1
#define H_FMOD(a, b) mod_i(a, b)
#define H_REM(a, b) rem_i(a, b)
#define H_POW(a, b) pow_i(a, b)
#define H_FLOOR_DIVIDE(a, b) floor_divide_i(a, b)
#define H_TRUNC_DIVIDE(a, b) trunc_divide_i(a, b)
#define H_SIGN(a) ((a) < 0)
#define BITS (8 * (int) sizeof(T))
#define H_SHL(a, b) ((b) < 0 || (b) >= BITS ? 0 : (a) << (b))
#define H_SHR(a, b) ((b) < 0 || (b) >= BITS ? (a) < 0 ? -1 : 0 : (a) >> (b))
#define H_GCD(a, b) ((T) -1 < 0 ? gcd_i((int64_t) (a), (int64_t) (b)) : (int64_t) gcd_u((uint64_t) (a), (uint64_t) (b)))
#define H_LCM(a, b)                                                                                \
    ((T) -1 < 0 ? lcm_i((int64_t) (a), (int64_t) (b), BITS)                                        \
     : (a) == 0 ? 0 : (int64_t) ((uint64_t) (a) / gcd_u((uint64_t) (a), (uint64_t) (b)) * (uint64_t) (b)))
#define I_FLOATING(id, kind, type, value)
#define I_NUMERIC(id, kind, type, value) FUNCTION(id, kind, type, int64_t, value)
#define I_ANY I_NUMERIC
#define I_BOOLEAN I_NUMERIC
#define I_INTEGRAL I_NUMERIC
#define I_WHOLE I_NUMERIC

#define ROW(id, domain, value) I_##domain(id, i32, int32_t, value)
#define T int32_t
#include "ops/elementwise.def"
#undef ROW
#undef T
#define ROW(id, domain, value) I_##domain(id, i64, int64_t, value)
#define T int64_t
#include "ops/elementwise.def"
#undef ROW
#undef T
#define ROW(id, domain, value) I_##domain(id, u8, uint8_t, value)
#define T uint8_t
#include "ops/elementwise.def"
#undef ROW
#undef T

#define ROW(id, domain, value) I_##domain(id, u64, uint64_t, value)
#define T uint64_t
#include "ops/elementwise.def"
#undef ROW
#undef T

#define ENTRY_FLOATING(id) { .name = #id, .f = row_##id##_f },
#define ENTRY_NUMERIC(id)                                                                          \
    { .name = #id, .f = row_##id##_f, .i32 = row_##id##_i32, .i64 = row_##id##_i64,                \
      .u8 = row_##id##_u8, .u64 = row_##id##_u64 },
#define ENTRY_ANY ENTRY_NUMERIC
#define ENTRY_BOOLEAN(id)                                                                          \
    { .name = #id, .i32 = row_##id##_i32, .i64 = row_##id##_i64, .u8 = row_##id##_u8, .u64 = row_##id##_u64 },
#define ENTRY_INTEGRAL ENTRY_BOOLEAN
#define ENTRY_WHOLE ENTRY_BOOLEAN
#define ROW(id, domain, value) ENTRY_##domain(id)
static const row rows[] = {
#include "ops/elementwise.def"
};

static const row *find(const char *name)
{
    for (size_t k = 0; k < sizeof rows / sizeof rows[0]; k++) {
        if (strcmp(rows[k].name, name) == 0)
            return &rows[k];
    }
    return NULL;
}

int64_t reference_wrap(clg_dtype t, int64_t v)
{
    int64_t low = v; // its low bytes, as the type reads them
    const uint16_t one = 1;
    const size_t skip = *(const uint8_t *) &one ? 0 : sizeof low - clg_dtype_size(t);
    return t == CLG_BOOL ? v != 0 : clg__get_integer(t, (const char *) &low + skip);
}

// ---- how far a device may be

// Of a right result in the row's own type: what OpenCL C 1.2 allows its functions (7.4), and half an ulp for
// each operation. argument: roundings between the input and the function that magnifies them, in half ulps
// of the input. flat: half ulps of the first input, where terms of that size cancel; one: of 1.
typedef struct bound {
    const char *name;
    double ulp, argument, flat, one;
} bound;

#define EXACT(id) { #id, 0, 0, 0, 0 },
#define WITHIN(id, ulp) { #id, ulp, 0, 0, 0 },
static const bound bounds[] = {
    EXACT(neg) EXACT(abs) EXACT(sign) EXACT(floor) EXACT(ceil) EXACT(round) EXACT(trunc)
    EXACT(relu) EXACT(logical_not) EXACT(is_nan) EXACT(is_inf) EXACT(is_finite) EXACT(fmod)
    EXACT(maximum) EXACT(minimum) EXACT(clamp) EXACT(eq) EXACT(ne) EXACT(lt) EXACT(le) EXACT(gt)
    EXACT(ge) EXACT(logical_and) EXACT(logical_or) EXACT(logical_xor)
    WITHIN(exp, 3) WITHIN(exp2, 3) WITHIN(expm1, 3) WITHIN(log, 3) WITHIN(log1p, 2)
    WITHIN(log2, 3) WITHIN(sqrt, 3) WITHIN(rsqrt, 5) WITHIN(reciprocal, 2.5) WITHIN(square, 0.5)
    WITHIN(sin, 4) WITHIN(cos, 4) WITHIN(tan, 5) WITHIN(asin, 4) WITHIN(acos, 4) WITHIN(atan, 5)
    WITHIN(sinh, 4) WITHIN(cosh, 4) WITHIN(tanh, 5) WITHIN(erf, 16) WITHIN(add, 0.5)
    WITHIN(sub, 0.5) WITHIN(mul, 0.5) WITHIN(fma, 0.5) WITHIN(div, 2.5) WITHIN(pow, 16) WITHIN(atan2, 6)
    WITHIN(floor_divide, 2.5) WITHIN(trunc_divide, 2.5)
    WITHIN(leaky_relu, 0.5) WITHIN(elu, 3.5) WITHIN(remainder, 0.5) WITHIN(hard_swish, 2)
    WITHIN(one_minus_square, 2) WITHIN(d_atan, 4) WITHIN(d_elu, 4) WITHIN(over_squares, 6)
    EXACT(is_posinf) EXACT(is_neginf) EXACT(signbit) EXACT(bitwise_and) EXACT(bitwise_or) EXACT(bitwise_xor)
    EXACT(left_shift) EXACT(right_shift) EXACT(gcd) EXACT(lcm) EXACT(copysign) EXACT(heaviside) EXACT(hardshrink)
    EXACT(threshold) EXACT(frac) WITHIN(nextafter, 1)
    WITHIN(erfc, 16) WITHIN(erfinv, 4) WITHIN(log10, 3) WITHIN(deg2rad, 1) WITHIN(rad2deg, 1) WITHIN(hypot, 4)
    WITHIN(softsign, 3.5) WITHIN(softshrink, 0.5) WITHIN(d_hypot, 7) WITHIN(prelu, 0.5) WITHIN(xlogy, 4)
    WITHIN(celu, 6) WITHIN(cube, 1) WITHIN(d_celu, 6) WITHIN(selu, 5) WITHIN(d_selu, 5) WITHIN(trigamma, 6) WITHIN(polygamma, 40)
    { "lgamma", 6, 2, 0, 8 }, { "digamma", 6, 2, 0, 8 }, { "sinc", 6, 2, 0, 0 }, { "d_sinc", 12, 2, 0, 16 },
    { "mish", 8, 2, 0, 0 }, { "d_mish", 8, 2, 0, 8 }, { "log_sigmoid", 6, 1, 0, 0 }, { "log_odds", 4, 4, 0, 4 },
    { "logaddexp", 6, 1, 2, 4 }, { "logaddexp2", 6, 1, 2, 4 },
    WITHIN(asinh, 4) WITHIN(acosh, 4) WITHIN(atanh, 4) WITHIN(entr, 4) EXACT(fmax) EXACT(fmin) WITHIN(ldexp, 3)
    WITHIN(ndtr, 16) { "log_ndtr", 5, 2, 0, 1 }, WITHIN(i0, 6) WITHIN(i0e, 5) WITHIN(i1, 6) WITHIN(i1e, 5)
    { "d_log_ndtr", 8, 4, 0, 0 }, { "ndtr_sum", 8, 4, 4, 4 }, { "d_i1", 8, 2, 0, 8 }, { "d_i0e", 8, 1, 0, 4 }, { "d_i1e", 8, 1, 0, 4 },
    WITHIN(d_asinh, 7) WITHIN(d_acosh, 10) WITHIN(d_atanh, 5)
    // several operations
    { "floor_divide", 0, 5, 0, 0 }, { "trunc_divide", 0, 5, 0, 0 },
    { "gelu", 2, 2, 17, 0 }, { "gelu_tanh", 8, 8, 6, 0 }, { "silu", 6, 1, 0, 0 },
    { "sigmoid", 6, 1, 0, 0 }, { "hard_sigmoid", 1, 0, 1, 0 }, { "softplus", 8, 2, 0, 0 },
    { "gauss", 4, 2, 0, 0 }, { "d_silu", 8, 4, 0, 8 }, { "d_gelu", 8, 4, 0, 40 },
    { "d_gelu_tanh", 8, 8, 0, 16 }, { "d_pow", 18, 1, 0, 0 },
};
#undef EXACT
#undef WITHIN

static const bound *bound_of(const char *name)
{
    for (size_t k = 0; k < sizeof bounds / sizeof bounds[0]; k++) {
        if (strcmp(bounds[k].name, name) == 0)
            return &bounds[k];
    }
    ck_abort_msg("reference: how exact is the row '%s'? Add it to the bounds in reference_rows.c", name);
    return NULL;
}

// A comparison of equal values: they come from one computation, and are equal on the device too.
static bool sure(const char *name, bool equal)
{
    static const char *const comparisons[] = { "eq", "ne", "lt", "le", "gt", "ge" };
    for (size_t k = 0; equal && k < sizeof comparisons / sizeof comparisons[0]; k++) {
        if (strcmp(comparisons[k], name) == 0)
            return true;
    }
    return false;
}

double reference_row_error(const char *name, clg_dtype t, int arity, const double x[3],
                           const double e[3], double y)
{
    const bound *b = bound_of(name);
    const double u = reference_unit(t);
    if (sure(name, x[0] == x[1]))
        return 0;
    double sum = b->ulp > 0 ? 2 * u * b->ulp * fabs(y) + reference_tiny(t) : 0;
    sum += b->one * u + (b->flat > 0 && isfinite(x[0]) ? b->flat * u * fabs(x[0]) : 0);
    for (int k = 0; k < arity; k++) {
        const double step = e[k] + b->argument * u * fabs(x[k]);
        double far = 0;
        for (int side = 0; step > 0 && isfinite(x[k]) && side < 2; side++) {
            double moved[3] = { x[0], x[1], x[2] }, v = y;
            moved[k] += side ? -step : step;
            reference_row_f(name, moved, &v);
            far = fabs(v - y) > far || isnan(v - y) ? fabs(v - y) : far;
        }
        sum += isnan(far) ? INFINITY : 1.1 * far;
    }
    return isnan(sum) ? (isnan(y) ? 0 : INFINITY) : sum;
}

double reference_row_error_i(const char *name, clg_dtype t, int arity, const int64_t x[3], const double e[3],
                             int64_t y)
{
    double sum = 0;
    if (sure(name, x[0] == x[1]))
        return 0;
    for (int k = 0; k < arity; k++) {
        for (int side = 0; e[k] > 0 && side < 2; side++) {
            int64_t moved[3] = { x[0], x[1], x[2] }, v = y;
            if (e[k] > 0x1p62)
                return INFINITY;
            moved[k] = t == CLG_BOOL ? !moved[k] : moved[k] + (int64_t) (side ? -e[k] : e[k]);
            reference_row_i(name, t, moved, &v);
            sum = fmax(sum, fabs((double) v - (double) y));
        }
    }
    return sum;
}

bool reference_row_f(const char *name, const double x[3], double *y)
{
    const row *r = find(name);
    if (!r || !r->f)
        return false;
    *y = r->f(x[0], x[1], x[2]);
    return true;
}

bool reference_row_i(const char *name, clg_dtype t, const int64_t x[3], int64_t *y)
{
    const row *r = find(name);
    if (!r || !r->i64)
        return false;
    if (t == CLG_I32)
        *y = reference_wrap(t, r->i32((int32_t) x[0], (int32_t) x[1], (int32_t) x[2]));
    else if (t == CLG_U64)
        *y = r->u64((uint64_t) x[0], (uint64_t) x[1], (uint64_t) x[2]);
    else if (t != CLG_U8 && t != CLG_BOOL) // the narrow ones are its low bytes
        *y = reference_wrap(t, r->i64(x[0], x[1], x[2]));
    else
        *y = reference_wrap(CLG_U8, r->u8((uint8_t) x[0], (uint8_t) x[1], (uint8_t) x[2]));
    return true;
}
