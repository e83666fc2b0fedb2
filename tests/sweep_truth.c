// SPDX-License-Identifier: MIT
// The exact values, in long double: 64 bits, and a range in which nothing here overflows. Written from the
// definitions, not as the library computes them.
#include "sweep_truth.h"

#include <float.h>
#include <math.h>
#include <stddef.h>
#include <string.h>

typedef long double real;

#define LN2 0.693147180559945309417232121458176568L
#define TWO_OVER_ROOT_PI 1.128379167095512573896158903121545172L
#define ROOT_HALF 0.707106781186547524400844362104849039L
#define TWO_ROOT_2_OVER_PI 1.595769121605730711759542399031L

// e^x / (1 + e^x)
static real logistic(real x)
{
    return x < 0 ? expl(x) / (1 + expl(x)) : 1 / (1 + expl(-x));
}

// Its derivative without cancellation
static real bell(real x)
{
    const real e = expl(-fabsl(x));
    return e / ((1 + e) * (1 + e));
}

static real density(real x)
{
    return expl(-x * x / 2) * TWO_OVER_ROOT_PI * ROOT_HALF / 2;
}

static real cdf(real x)
{
    return erfcl(-x * ROOT_HALF) / 2;
}

// The argument of the logistic function in gelu_tanh, and its derivatives
static real inner(real x, int order)
{
    const real c = 0.044715L;
    return TWO_ROOT_2_OVER_PI * (order == 0 ? x + c * x * x * x : order == 1 ? 1 + 3 * c * x * x : 6 * c * x);
}

static real gelu_tanh_1(real x)
{
    const real u = inner(x, 0), b = bell(u);
    return logistic(u) + (b == 0 ? 0 : x * b * inner(x, 1));
}

static real gelu_tanh_2(real x)
{
    const real u = inner(x, 0), d = inner(x, 1), b = bell(u);
    if (b == 0)
        return 0;
    return 2 * b * d + x * b * ((logistic(-u) - logistic(u)) * d * d + inner(x, 2));
}

static real square_of(real x)
{
    return x * x;
}

#define LN10 2.302585092994045684017991454684364208L
#define PI 3.141592653589793238462643383279502884L
#define SELU 1.0507009873554804934193349852946L
#define SELU_ALPHA (SELU * 1.6732632423543772848170429916717L)

static real erfinv_of(real x)
{
    const real q = log1pl(-fabsl(x));
    real y = fabsl(x) < 0.5L ? x * 0.9L : sqrtl(-q);
    if (!(fabsl(x) < 1))
        return fabsl(x) == 1 ? x * HUGE_VALL : NAN;
    real step = 1; // the last one, where y no longer changes
    for (int i = 0; i < 80 && fabsl(x) < 0.5L && fabsl(step) > 0x1p-63L * fabsl(y); i++)
        y -= step = (erfl(y) - x) / (TWO_OVER_ROOT_PI * expl(-y * y));
    for (int i = 0; i < 80 && fabsl(x) >= 0.5L && fabsl(step) > 0x1p-63L * fabsl(y); i++)
        y -= step = (q - logl(erfcl(y))) * erfcl(y) / (TWO_OVER_ROOT_PI * expl(-y * y));
    return fabsl(x) < 0.5L ? y : copysignl(y, x);
}

// sin or cos of pi x, whose distance from the nearest integer is exact
static real turn(real x, bool sine)
{
    const real n = rintl(x), r = (x - n) * PI, s = sine ? sinl(r) : cosl(r);
    return fmodl(n, 2) == 0 ? s : -s;
}

static real sinc_of(real x)
{
    return x == 0 ? 1 : turn(x, true) / (PI * x);
}

static real sinc_slope(real x)
{
    real t = PI * x, sum = 0, part = 1;
    for (int k = 1; k < 20; k++) {
        part *= -t * t / (2 * k) / (2 * k + 1);
        sum += 2 * k * part;
    }
    return x == 0 ? 0 : fabsl(x) < 0.5L ? sum / x : (turn(x, false) - sinc_of(x)) / x;
}

// The sum of (x + k)^-s with its remainder by Euler and Maclaurin, x above 0
static real hurwitz(real s, real x)
{
    static const real c[] = { 1.0L / 12, -1.0L / 720, 1.0L / 30240, -1.0L / 1209600, 1.0L / 47900160 };
    real y = 0, sum, part;
    for (; x < 60; x++)
        y += powl(x, -s);
    sum = 1 / (s - 1) + 0.5L / x;
    part = s / x / x;
    for (int k = 0; k < 5; k++) {
        sum += c[k] * part;
        part *= (s + 2 * k + 1) * (s + 2 * k + 2) / (x * x);
    }
    return y + powl(x, 1 - s) * sum;
}

static real digamma_of(real x)
{
    real y = 0, q;
    if (x <= 0)
        return x == 0 ? copysignl(HUGE_VALL, -x) : x == floorl(x) ? NAN : digamma_of(1 - x) - PI * turn(x, false) / turn(x, true);
    for (; x < 60; x++)
        y -= 1 / x;
    q = 1 / x / x;
    return y + logl(x) - 0.5L / x - q * (1.0L / 12 - q * (1.0L / 120 - q * (1.0L / 252 - q * (1.0L / 240 - q / 132))));
}

static real trigamma_of(real x)
{
    return x > 0 ? hurwitz(2, x) : square_of(PI / turn(x, true)) - hurwitz(2, 1 - x);
}

static real tetragamma_of(real x)
{
    if (x > 0)
        return -2 * hurwitz(3, x);
    return -2 * (PI * PI * PI * turn(x, false) / (turn(x, true) * square_of(turn(x, true))) + hurwitz(3, 1 - x));
}

static real mish_of(real x, int order)
{
    const real s = logistic(x), p = x > 0 ? x + log1pl(expl(-x)) : log1pl(expl(x)), t = tanhl(p);
    const real slope = s / square_of(coshl(p)), bend = slope * (logistic(-x) - 2 * s * t);
    return order == 0 ? x * t : order == 1 ? t + x * slope : 2 * slope + x * bend;
}

// exp(-|x|) In(x) by its series, of which all terms are positive, or the asymptotic one
static real bessel_of(int n, real x)
{
    const real a = fabsl(x), z = a * a / 4;
    real part = 1, sum = 1;
    for (int k = 1; k <= n; k++)
        part *= a / (2 * k);
    if (a > 100) {
        for (int k = 1; k < 14; k++)
            sum += part = (k == 1 ? 1 : part) * -(4.0L * n * n - (2.0L * k - 1) * (2 * k - 1)) / (8 * k * a);
        return sum / sqrtl(2 * PI * a);
    }
    sum = part;
    for (int k = 1; k < 300; k++)
        sum += part *= z / (k * (k + n));
    return sum * expl(-a);
}

static real log_ndtr_of(real x)
{
    const real z = 1 / x / x;
    return x > -80 ? x > 0 ? log1pl(-cdf(-x)) : logl(cdf(x))
                   : -x * x / 2 - logl(-x) - logl(2 * PI) / 2 + log1pl(-z * (1 - 3 * z * (1 - 5 * z * (1 - 7 * z * (1 - 9 * z)))));
}

// density / cdf, and its derivative; left of -3 by Laplace's continued fraction, in which nothing cancels
static real mills_of(real x, int order)
{
    real y = density(x) / cdf(x), sum = x + y;
    if (x < -3) {
        real rest = -x;
        for (int k = 600; k > 1; k--)
            rest = k / rest - x;
        sum = 1 / rest;
        y = sum - x;
    }
    return order == 0 ? y : -y * sum;
}

// Sines and cosines at huge arguments need all bits of the argument, which glibc's long double gives.
#define ROWS(R)                                                                                    \
    R(neg, -x, -1, 0, 0, 0)                                                                        \
    R(abs, fabsl(x), x > 0 ? 1 : x < 0 ? -1 : 0, 0, 0, 0)                                          \
    R(exp, expl(x), expl(x), expl(x), 3, 0)                                                        \
    R(exp2, exp2l(x), LN2 * exp2l(x), LN2 * LN2 * exp2l(x), 3, 0)                                  \
    R(expm1, expm1l(x), expl(x), expl(x), 3, 0)                                                    \
    R(log, logl(x), 1 / x, -1 / (x * x), 3, 0)                                                     \
    R(log1p, log1pl(x), 1 / (1 + x), -1 / square_of(1 + x), 3, 0)                                  \
    R(log2, log2l(x), 1 / (x * LN2), -1 / (x * x * LN2), 3, 0)                                     \
    R(sqrt, sqrtl(x), 0.5L / sqrtl(x), -0.25L / (x * sqrtl(x)), 3, 0)                              \
    R(rsqrt, 1 / sqrtl(x), -0.5L / (x * sqrtl(x)), 0.75L / (x * x * sqrtl(x)), 4, 0)               \
    R(reciprocal, 1 / x, -1 / (x * x), 2 / (x * x * x), 2.5, 0)                                    \
    R(square, x * x, 2 * x, 2, 0.5, 0)                                                             \
    R(sin, sinl(x), cosl(x), -sinl(x), 4, 0)                                                       \
    R(cos, cosl(x), -sinl(x), -cosl(x), 4, 0)                                                      \
    R(tan, tanl(x), 1 / square_of(cosl(x)), 2 * tanl(x) / square_of(cosl(x)), 5, 0)                \
    R(asin, asinl(x), 1 / sqrtl((1 - x) * (1 + x)), x / ((1 - x) * (1 + x) * sqrtl((1 - x) * (1 + x))), 4, 0) \
    R(acos, acosl(x), -1 / sqrtl((1 - x) * (1 + x)), -x / ((1 - x) * (1 + x) * sqrtl((1 - x) * (1 + x))), 4, 0) \
    R(atan, atanl(x), 1 / (1 + x * x), -2 * x / square_of(1 + x * x), 5, 0)                        \
    R(sinh, sinhl(x), coshl(x), sinhl(x), 4, 0)                                                    \
    R(cosh, coshl(x), sinhl(x), coshl(x), 4, 0)                                                    \
    R(tanh, tanhl(x), 1 / square_of(coshl(x)), -2 * tanhl(x) / square_of(coshl(x)), 5, 3)          \
    R(asinh, asinhl(x), 1 / sqrtl(1 + x * x), -x / ((1 + x * x) * sqrtl(1 + x * x)), 4, 0)         \
    R(acosh, acoshl(x), 1 / (sqrtl(x - 1) * sqrtl(x + 1)), -x / ((x - 1) * (x + 1) * sqrtl(x - 1) * sqrtl(x + 1)), 4, 0) \
    R(atanh, atanhl(x), 1 / ((1 - x) * (1 + x)), 2 * x / square_of((1 - x) * (1 + x)), 4, 0)       \
    R(entr, x > 0 ? -x * logl(x) : x == 0 ? 0 : x < 0 ? -HUGE_VALL : x, -logl(x) - 1, -1 / x, 4, 4) \
    R(ndtr, cdf(x), density(x), -x * density(x), 4, 0)                                             \
    R(log_ndtr, log_ndtr_of(x), mills_of(x, 0), mills_of(x, 1), 5, 2)                              \
    R(i0, bessel_of(0, x) * expl(fabsl(x)), copysignl(bessel_of(1, x) * expl(fabsl(x)), x),        \
      (bessel_of(0, x) + bessel_of(2, x)) / 2 * expl(fabsl(x)), 4, 0)                              \
    R(i0e, bessel_of(0, x), x > 0 ? bessel_of(1, x) - bessel_of(0, x) : x < 0 ? bessel_of(0, x) - bessel_of(1, x) : 0, \
      1.5L * bessel_of(0, x) - 2 * bessel_of(1, x) + bessel_of(2, x) / 2, 4, 3)                    \
    R(i1, copysignl(bessel_of(1, x) * expl(fabsl(x)), x), (bessel_of(0, x) + bessel_of(2, x)) / 2 * expl(fabsl(x)), \
      copysignl((3 * bessel_of(1, x) + bessel_of(3, x)) / 4 * expl(fabsl(x)), x), 4, 3)            \
    R(i1e, copysignl(bessel_of(1, x), x), (bessel_of(0, x) + bessel_of(2, x)) / 2 - bessel_of(1, x), \
      (x > 0 ? 1 : x < 0 ? -1 : 0) * ((7 * bessel_of(1, x) + bessel_of(3, x)) / 4 - bessel_of(0, x) - bessel_of(2, x)), 4, 3) \
    R(erf, erfl(x), TWO_OVER_ROOT_PI * expl(-x * x), -2 * x * TWO_OVER_ROOT_PI * expl(-x * x), 16, 0) \
    R(erfc, erfcl(x), -TWO_OVER_ROOT_PI * expl(-x * x), 2 * x * TWO_OVER_ROOT_PI * expl(-x * x), 16, 0) \
    R(erfinv, erfinv_of(x), expl(square_of(erfinv_of(x))) / TWO_OVER_ROOT_PI,                      \
      2 * erfinv_of(x) * square_of(expl(square_of(erfinv_of(x))) / TWO_OVER_ROOT_PI), 4, 0)        \
    R(lgamma, lgammal(x), digamma_of(x), trigamma_of(x), 4, 8)                                     \
    R(digamma, digamma_of(x), trigamma_of(x), tetragamma_of(x), 4, 8)                              \
    R(log10, log10l(x), 1 / (x * LN10), -1 / (x * x * LN10), 3, 0)                                 \
    R(sinc, sinc_of(x), sinc_slope(x), x == 0 ? -PI * PI / 3 : -PI * PI * sinc_of(x) - 2 * sinc_slope(x) / x, 4, 8) \
    R(frac, x - truncl(x), 1, 0, 0, 0)                                                             \
    R(deg2rad, x * (PI / 180), PI / 180, 0, 1, 0)                                                  \
    R(rad2deg, x * (180 / PI), 180 / PI, 0, 1, 0)                                                  \
    R(selu, x > 0 ? SELU * x : SELU_ALPHA * expm1l(x), x > 0 ? SELU : SELU_ALPHA * expl(x),        \
      x < 0 ? SELU_ALPHA * expl(x) : 0, 5, 0)                                                      \
    R(mish, mish_of(x, 0), mish_of(x, 1), mish_of(x, 2), 6, 4)                                     \
    R(softsign, x / (1 + fabsl(x)), 1 / square_of(1 + fabsl(x)),                                   \
      (x > 0 ? -2 : x < 0 ? 2 : 0) / (square_of(1 + fabsl(x)) * (1 + fabsl(x))), 3, 0)             \
    R(log_sigmoid, (x < 0 ? x : 0) - log1pl(expl(-fabsl(x))), logistic(-x), -bell(x), 4, 3)        \
    R(relu, x < 0 ? 0 : x, x > 0, 0, 0, 0)                                                         \
    R(gelu, x * cdf(x), cdf(x) + x * density(x), (2 - x * x) * density(x), 5, 0)                   \
    R(gelu_tanh, x * logistic(inner(x, 0)), gelu_tanh_1(x), gelu_tanh_2(x), 6, 0)                  \
    R(silu, x * logistic(x), logistic(x) + x * bell(x),                                            \
      bell(x) * (2 + x * (logistic(-x) - logistic(x))), 5, 0)                                      \
    R(sigmoid, logistic(x), bell(x), bell(x) * (logistic(-x) - logistic(x)), 4, 3)                 \
    R(hard_sigmoid, x <= -3 ? 0 : x >= 3 ? 1 : x / 6 + 0.5L, x > -3 && x < 3 ? 1 / 6.0L : 0, 0, 2, 0) \
    R(hard_swish, x <= -3 ? 0 : x >= 3 ? x : x * (x + 3) / 6,                                      \
      x <= -3 ? 0 : x >= 3 ? 1 : x / 3 + 0.5L, x > -3 && x < 3 ? 1 / 3.0L : 0, 3, 2)               \
    R(leaky_relu, x > 0 ? x : 0.25L * x, x > 0 ? 1 : 0.25L, 0, 0.5, 0)                             \
    R(elu, x > 0 ? x : 1.5L * expm1l(x), x > 0 ? 1 : 1.5L * expl(x), x < 0 ? 1.5L * expl(x) : 0, 5, 0) \
    R(softplus, x * 2 > 120 ? x : (x > 0 ? x : 0) + log1pl(expl(-fabsl(2 * x))) / 2,               \
      x * 2 > 120 ? 1 : logistic(2 * x), x * 2 > 120 ? 0 : 2 * bell(2 * x), 4, 3)                  \
    R(celu, x > 0 ? x : 1.5L * expm1l(x / 1.5L), x > 0 ? 1 : expl(x / 1.5L), x < 0 ? expl(x / 1.5L) / 1.5L : 0, 5, 0) \
    R(logit, logl(x / (1 - x)), x < 0 || x > 1 ? NAN : 1 / (x * (1 - x)), x < 0 || x > 1 ? NAN : (2 * x - 1) / square_of(x * (1 - x)), 6, 0) \
    R(clamp, x < -2 ? -2 : x > 50 ? 50 : x, x > -2 && x < 50, 0, 0, 0)

#define FUNCTIONS(name, y, d, dd, ulps, absolute)                                                  \
    static real name##_0(real x) { return (y); }                                                   \
    static real name##_d(real x) { return (void) x, (d); }                                         \
    static real name##_dd(real x) { return (void) x, (dd); }
ROWS(FUNCTIONS)

#define ENTRY(name, y, d, dd, ulps, absolute)                                                      \
    { #name, { name##_0, name##_d, name##_dd }, ulps, absolute },
static const truth truths[] = { ROWS(ENTRY) };

const truth *truth_of(const char *name)
{
    for (size_t k = 0; k < sizeof truths / sizeof truths[0]; k++) {
        if (strcmp(truths[k].name, name) == 0)
            return &truths[k];
    }
    return NULL;
}

#define PAIR_ROWS(R)                                                                               \
    R(add, a + b, 1, 1, 0, 0, 0, 0.5)                                                              \
    R(sub, a - b, 1, -1, 0, 0, 0, 0.5)                                                             \
    R(mul, a * b, b, a, 0, 1, 0, 0.5)                                                              \
    R(div, a / b, 1 / b, -a / (b * b), 0, -1 / (b * b), 2 * a / (b * b * b), 2.5)                  \
    R(pow, powl(a, b), b == 0 ? 0 : b * powl(a, b - 1), power_log(a, b, 1),                        \
      b == 0 || b == 1 ? 0 : b * (b - 1) * powl(a, b - 2), power_mixed(a, b), power_log(a, b, 2), 16) \
    R(atan2, atan2l(a, b), b / (a * a + b * b), -a / (a * a + b * b),                              \
      -2 * a * b / square_of(a * a + b * b), (a - b) * (a + b) / square_of(a * a + b * b),         \
      2 * a * b / square_of(a * a + b * b), 6)                                                     \
    R(hypot, hypotl(a, b), a / hypotl(a, b), b / hypotl(a, b),                                     \
      square_of(b / hypotl(a, b)) / hypotl(a, b), -a / hypotl(a, b) * (b / hypotl(a, b)) / hypotl(a, b), \
      square_of(a / hypotl(a, b)) / hypotl(a, b), 4)                                               \
    R(fmax, fmaxl(a, b), a > b ? 1 : a == b ? 0.5L : 0, b > a ? 1 : a == b ? 0.5L : 0, 0, 0, 0, 0)                               \
    R(fmin, fminl(a, b), a < b ? 1 : a == b ? 0.5L : 0, b < a ? 1 : a == b ? 0.5L : 0, 0, 0, 0, 0)                               \
    R(copysign, copysignl(a, b), signbit(a) == signbit(b) ? 1 : -1, 0, 0, 0, 0, 0)                 \
    R(fmod, fmodl(a, b), 1, -truncl(a / b), 0, 0, 0, 0)                                            \
    R(remainder, fmodl(a, b) != 0 && (fmodl(a, b) < 0) != (b < 0) ? fmodl(a, b) + b : fmodl(a, b), 1,      \
      -floorl(a / b), 0, 0, 0, 0.5)                                                                \
    R(maximum, a > b ? a : b, a > b ? 1 : a == b ? 0.5L : 0, b > a ? 1 : a == b ? 0.5L : 0, 0, 0, 0, 0) \
    R(minimum, a < b ? a : b, a < b ? 1 : a == b ? 0.5L : 0, b < a ? 1 : a == b ? 0.5L : 0, 0, 0, 0, 0)

// a^b log(a)^n, which vanishes at 0 for b > 0; of negative numbers there is none.
static real power_log(real a, real b, int n)
{
    return a == 0 && b >= 0 ? 0 : powl(a, b) * (n == 1 ? logl(a) : logl(a) * logl(a));
}

static real power_mixed(real a, real b)
{
    return a == 0 && b > 1 ? 0 : powl(a, b - 1) * (1 + b * logl(a));
}

#define PAIR_FUNCTIONS(name, y, da, db, daa, dab, dbb, ulps)                                       \
    static real name##_y(real a, real b) { return (void) a, (void) b, (y); }                       \
    static real name##_a(real a, real b) { return (void) a, (void) b, (da); }                      \
    static real name##_b(real a, real b) { return (void) a, (void) b, (db); }                      \
    static real name##_aa(real a, real b) { return (void) a, (void) b, (daa); }                    \
    static real name##_ab(real a, real b) { return (void) a, (void) b, (dab); }                    \
    static real name##_bb(real a, real b) { return (void) a, (void) b, (dbb); }
PAIR_ROWS(PAIR_FUNCTIONS)

#define PAIR_ENTRY(name, y, da, db, daa, dab, dbb, ulps)                                           \
    { #name, { name##_y, name##_a, name##_b, name##_aa, name##_ab, name##_bb }, ulps },
static const truth2 truths2[] = { PAIR_ROWS(PAIR_ENTRY) };

const truth2 *truth2_of(const char *name)
{
    for (size_t k = 0; k < sizeof truths2 / sizeof truths2[0]; k++) {
        if (strcmp(truths2[k].name, name) == 0)
            return &truths2[k];
    }
    return NULL;
}
