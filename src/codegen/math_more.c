// SPDX-License-Identifier: MIT
// Further functions as kernel text: logarithms to base 10, lengths, neighbours, sinc, mish. math.c says what holds of
// all such texts.
#include "codegen/gen.h"
#include "codegen/pieces.h"

// k log10(2) in two parts, of which the first is exact
#define LOG10(two, two_low, e, e_low)                                                              \
    FN1("log10", "    T_@ k;\n    const T_@ f = NAME(log_reduce_@)(x, &k), y = NAME(log_sum_@)(K_@(0), f);\n" \
                 "    const T_@ low = fma(y, K_@(" e "), fma(y, K_@(" e_low "), k * K_@(" two_low ")));\n" \
                 "    return NAME(log_special_@)(x, fma(k, K_@(" two "), low));\n") IS1("log10")
static const char log10_f32[] = LOG10("0.301025390625f", "4.6050390e-6f", "0.43429449f", "-1.0103050e-8f");
static const char log10_f64[] = LOG10("0.30102999566361177", "3.694239077158931e-13", "0.4342944819032518", "1.098319650216765e-17");

static const char hypot_any[] =
    FN2("hypot", "    const T_@ a = fabs(x), b = fabs(y), m = SEL_@(a < b, b, a), r = SEL_@(a < b, a, b) / m;\n"
                 "    const T_@ h = SEL_@(m == K_@(0), b, m * sqrt(fma(r, r, K_@(1))));\n"
                 "    return SEL_@((a == K_@(INFINITY)) | (b == K_@(INFINITY)), K_@(INFINITY), h);\n")
    "#define H_HYPOT_@(a, b) NAME(hypot_@)(a, b)\n";

// By its bits: a number's neighbour away from 0 has one more.
static const char next_any[] =
    FN2("next", "    const T_@ out = AS_T_@(AS_I_@(x) + (I_@)(1)), in = AS_T_@(AS_I_@(x) - (I_@)(1));\n"
                "    T_@ r = SEL_@(x < y, SEL_@(x > K_@(0), out, in), SEL_@(x > K_@(0), in, out));\n"
                "    r = SEL_@(x == K_@(0), copysign(AS_T_@((I_@)(1)), y), r);\n"
                "    return SEL_@(x != x, x, SEL_@((y != y) | (x == y), y, r));\n")
    "#define H_NEXT_@(a, b) NAME(next_@)(a, b)\n";

static const char sign_any[] = "#define H_SIGN_@(a) (AS_I_@(a) < (I_@)(0))\n";

// sin(pi x) and cos(pi x) by the distance from the nearest integer, which is exact. A device may flush the sine of what is
// below all normal numbers, whose sinc is 1.
#define PI_PARTS(name)                                                                             \
    "static inline T_@ NAME(" name "_pi_@)(T_@ x)\n{\n    const T_@ n = rint(x), h = n * K_@(0.5f);\n" \
    "    const T_@ s = " name "_@((x - n) * K_@(3.1415926535897931));\n"                          \
    "    return SEL_@(h == floor(h), s, -s);\n}\n"
static const char sinc_any[] =
    PI_PARTS("sin") FN1("sinc", "    return SEL_@(fabs(x) < K_@(1e-20f), K_@(1), NAME(sin_pi_@)(x) / (x * K_@(3.1415926535897931)));\n")
    "#define H_SINC_@(a) NAME(sinc_@)(a)\n";
// Where cosine and quotient cancel, their series
#define D_SINC(series)                                                                             \
    PI_PARTS("cos") FN1("d_sinc", "    const T_@ t = x * K_@(3.1415926535897931), z = t * t;\n" series \
        "    const T_@ y = (NAME(cos_pi_@)(x) - NAME(sinc_@)(x)) / x;\n"                           \
        "    return SEL_@(fabs(x) < K_@(0.4f), t * p * K_@(3.1415926535897931), y);\n")            \
    "#define H_D_SINC_@(a) NAME(d_sinc_@)(a)\n"
static const char d_sinc_f32[] = D_SINC(
    "    T_@ p = fma(z, K_@(-1.07060292e-11f), K_@(1.92708526e-09f));\n"
    NEXT("p", "z", "-2.50521084e-07f") NEXT("p", "z", "2.20458554e-05f") NEXT("p", "z", "-0.00119047619f")
    NEXT("p", "z", "0.0333333333f") NEXT("p", "z", "-0.333333333f"));
static const char d_sinc_f64[] = D_SINC(
    "    T_@ p = fma(z, K_@(3.9145882126782523e-19), K_@(-1.4797143443923793e-16));\n"
    NEXT("p", "z", "4.498331606952833e-14") NEXT("p", "z", "-1.0706029224547743e-11")
    NEXT("p", "z", "1.9270852604185937e-09") NEXT("p", "z", "-2.5052108385441718e-07")
    NEXT("p", "z", "2.2045855379188714e-05") NEXT("p", "z", "-0.0011904761904761906")
    NEXT("p", "z", "0.033333333333333333") NEXT("p", "z", "-0.33333333333333331"));

// x n / (n + 2), n = e (e + 2), e = exp(x), and its derivative; by exp(-x) right of 0, by halves left of it: x e^x is a
// number where e^x is not.
static const char mish[] =
    FN1("mish", "    const T_@ h = exp_@(K_@(-0.5f) * fabs(x)), e = h * h;\n    const I_@ left = x < K_@(0);\n"
                "    const T_@ n = SEL_@(left, e + K_@(2), fma(e, K_@(2), K_@(1)));\n"
                "    const T_@ d = SEL_@(left, fma(e, e + K_@(2), K_@(2)), fma(e, fma(e, K_@(2), K_@(2)), K_@(1)));\n"
                "    return SEL_@(left, x * h * h, x) * (n / d);\n")
    "#define H_MISH_@(a) NAME(mish_@)(a)\n";
static const char d_mish[] =
    FN1("d_mish", "    const T_@ h = exp_@(K_@(-0.5f) * fabs(x)), e = h * h;\n    const I_@ left = x < K_@(0);\n"
                  "    const T_@ n = SEL_@(left, e * (e + K_@(2)), fma(e, K_@(2), K_@(1)));\n"
                  "    const T_@ d = SEL_@(left, fma(e, e + K_@(2), K_@(2)), fma(e, fma(e, K_@(2), K_@(2)), K_@(1)));\n"
                  "    const T_@ r = K_@(1) / d, s = SEL_@(left, K_@(1), e) * (K_@(1) + e) * r * r * K_@(4);\n"
                  "    return fma(n, r, x * h * s * h);\n")
    "#define H_D_MISH_@(a) NAME(d_mish_@)(a)\n";

const clg__piece clg__math_more[] = {
    { "log10", CLG__CPU, "LOG_REDUCE LOG_SUM LOG_SPECIAL", log10_f32, log10_f64 },
    { "H_HYPOT", CLG__BOTH, "K SEL", hypot_any, hypot_any },
    { "H_NEXT", CLG__BOTH, "K SEL AS_T", next_any, next_any },
    { "H_SIGN", CLG__BOTH, "AS_T", sign_any, sign_any },
    { "H_SINC", CLG__BOTH, "K SEL sin", sinc_any, sinc_any },
    { "H_D_SINC", CLG__BOTH, "K SEL cos H_SINC", d_sinc_f32, d_sinc_f64 },
    { "H_MISH", CLG__BOTH, "K SEL exp", mish, mish },
    { "H_D_MISH", CLG__BOTH, "K SEL exp", d_mish, d_mish },
    { NULL, 0, NULL, NULL, NULL },
};
