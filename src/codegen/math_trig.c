// SPDX-License-Identifier: MIT
// Trigonometric functions as kernel text. math.c says what holds of all such texts.
#include "codegen/gen.h"
#include "codegen/pieces.h"

// sin, cos and tan reduce |x| by multiples of pi/2 in three parts; from 2^20 on, and for infinities, by
// Payne and Hanek, lane by lane: of the product of the 24 bits of x with 2/pi only the bits that do not stand
// for multiples of 2 pi, 2 before the point and 62 after.
static const char reduce_f32[] =
    "constant uint NAME(pi_bits)[8] = { 0, 0xa2f9836e, 0x4e441529, 0xfc2757d1, 0xf534ddc0, 0xdb629599,\n"
    "                                   0x3c439041, 0xfe5163ab };\n"
    "static float NAME(reduce_far)(float a, int *quadrant, float *tail)\n{\n"
    "    const uint bits = as_uint(a), skip = (bits >> 23) - 120, left = skip & 31;\n"
    "    constant const uint *w = NAME(pi_bits) + (skip >> 5);\n"
    "    const ulong m = (bits & 0x7fffff) | 0x800000, w0 = w[0], w1 = w[1], w2 = w[2], w3 = w[3];\n"
    "    const ulong low = ((w2 << 32 | w3) << left) >> 32;\n"
    "    const ulong product = (m * (((w0 << 32 | w1) << left) >> 32) << 32) +\n"
    "                          m * (((w1 << 32 | w2) << left) >> 32) + (m * low >> 32);\n"
    "    *quadrant = (int)((product + (1ul << 61)) >> 62);\n"
    "    const long fraction = (long)(product << 2) >> 2;\n"
    "    const float f = (float)fraction, g = (float)(fraction - (long)f), r = f * 3.40612158e-19f;\n"
    "    *tail = fma(f, 3.40612158e-19f, -r) + fma(f, -9.47838487e-27f, g * 3.40612158e-19f);\n"
    "    return r;\n}\n"
    "static inline T_@ NAME(reduce_pi_@)(T_@ a, I_@ *quadrant, T_@ *tail)\n{\n"
    "    const T_@ t = fma(a, K_@(0.636619772f), K_@(12582912.0f)), n = t - K_@(12582912.0f);\n"
    "    const T_@ first = fma(n, K_@(-1.57079625f), a), p = n * K_@(7.549789416e-8f), near = first - p;\n"
    "    *tail = fma(n, K_@(-5.390302953e-15f), first - near - p - fma(n, K_@(7.549789416e-8f), -p));\n"
    "    *quadrant = AS_I_@(t);\n"
    "    if (!ANY_@(a >= K_@(1048576.0f)))\n        return near;\n"
    "    T_@ as = a, rs = near, tails = *tail;\n    I_@ qs = *quadrant;\n" CLG__EDGE
    "    for (int i = 0; i < WIDTH_@; i++) {\n"
    "        const float x = ((float *)&as)[i];\n"
    "        if (x >= 1048576.0f)\n"
    "            ((float *)&rs)[i] = NAME(reduce_far)(x, (int *)&qs + i, (float *)&tails + i);\n"
    "        if (x == INFINITY)\n            ((float *)&rs)[i] = NAN;\n    }\n"
    "    *tail = tails;\n    *quadrant = qs;\n    return rs;\n}\n"
    // the quadrant, and sine and cosine of the rest
    "static inline I_@ NAME(sin_cos_@)(T_@ x, T_@ *sine, T_@ *cosine)\n{\n"
    "    I_@ q;\n    T_@ tail;\n    const T_@ r = NAME(reduce_pi_@)(fabs(x), &q, &tail), z = r * r;\n"
    "    T_@ s = fma(z, K_@(-1.950941660e-4f), K_@(8.332113735e-3f)), c = fma(z, K_@(2.443119956e-5f), "
    "K_@(-1.388730365e-3f));\n"
    "    s = fma(s, z, K_@(-0.1666665375f));\n    c = fma(c, z, K_@(4.166664556e-2f));\n"
    "    *sine = fma(r * z, s, tail) + r;\n"
    "    *cosine = fma(z, K_@(-0.5f), fma(z * z, c, -r * tail)) + K_@(1);\n    return q;\n}\n"
    "#define ODD_@(q) (((q) & (I_@)(1)) != (I_@)(0))\n#define REDUCE_@(x)\n";

// (sin(r) - r) / r^3 and (cos(r) - 1 + r^2 / 2) / r^4, from z = r^2
#define SIN_COS64                                                                                  \
    "    T_@ s = fma(z, K_@(1.5894044063236321e-10), K_@(-2.5050710172975788e-8));\n"              \
    "    T_@ c = fma(z, K_@(-1.135726471952503e-11), K_@(2.0875676845378476e-9));\n"               \
    NEXT("s", "z", "2.755731338101081e-6") NEXT("c", "z", "-2.755731400738988e-7")                 \
    NEXT("s", "z", "-1.984126982888899e-4") NEXT("c", "z", "2.4801587288274813e-5")                \
    NEXT("s", "z", "8.3333333333212214e-3") NEXT("c", "z", "-1.3888888888872167e-3")               \
    NEXT("s", "z", "-0.16666666666666627") NEXT("c", "z", "4.1666666666666588e-2")

// The same for f64: 2 bits before the point and 126 after it, from 2^20 on.
static const char reduce_f64[] =
    "constant ulong NAME(pi_bits64)[20] = {\n"
    "    0, 0xa2f9836e4e441529, 0xfc2757d1f534ddc0, 0xdb6295993c439041, 0xfe5163abdebbc561, 0xb7246e3a424dd2e0,\n"
    "    0x06492eea09d1921c, 0xfe1deb1cb129a73e, 0xe88235f52ebb4484, 0xe99c7026b45f7e41, 0x3991d639835339f4,\n"
    "    0x9c845f8bbdf9283b, 0x1ff897ffde05980f, 0xef2f118b5a0a6d1f, 0x6d367ecf27cb09b7, 0x4f463f669e5fea2d,\n"
    "    0x7527bac7ebe5f17b, 0x3d0739f78a5292ea, 0x6bfb5fb11f8d5d08, 0x56033046fc7b6bab };\n"
    "static inline ulong NAME(pi_window)(constant const ulong *w, int left)\n{\n"
    "    return (w[0] << left) | (w[1] >> 1 >> (63 - left));\n}\n"
    CLG__SELDOM "double NAME(reduce_far64)(double a, long *quadrant, double *tail)\n{\n"
    "    const ulong bits = as_ulong(a), m = (bits & 0xffffffffffffful) | 0x10000000000000ul;\n"
    "    const int skip = (int)(bits >> 52) - 1013, left = skip & 63;\n"
    "    constant const ulong *w = NAME(pi_bits64) + (skip >> 6);\n"
    "    const ulong middle = NAME(pi_window)(w + 1, left), carry = mul_hi(m, NAME(pi_window)(w + 2, left));\n"
    "    ulong low = m * middle + carry;\n"
    "    const ulong high = m * NAME(pi_window)(w, left) + mul_hi(m, middle) + (low < carry);\n"
    "    *quadrant = (long)((high + (1ul << 61)) >> 62);\n"
    "    long fraction = (long)(high << 2) >> 2;\n    const int minus = fraction < 0;\n"
    "    low = minus ? -low : low;\n    fraction = minus ? ~fraction + (low == 0) : fraction;\n"
    "    const double f = (double)fraction, g = fma((double)low, 0x1p-64, (double)(fraction - (long)f));\n"
    "    const double c = 3.4061215800865545e-19, r = f * c;\n" // pi/2 2^-62
    "    const double t = fma(f, c, -r) + fma(f, 1.3277647201629795e-35, g * c);\n"
    "    *tail = minus ? -t : t;\n    return minus ? -r : r;\n}\n"
    "static inline T_@ NAME(reduce_pi_@)(T_@ a, I_@ *quadrant, T_@ *tail)\n{\n"
    "    const T_@ t = fma(a, K_@(0.6366197723675814), " ROUNDING64 "), n = t - " ROUNDING64 ";\n"
    "    const T_@ first = fma(n, K_@(-1.5707963267948966), a), p = n * K_@(6.1232339957367648e-17), near = first - p;\n"
    "    *tail = fma(n, K_@(-1.0828566739219141e-32), first - near - p - fma(n, K_@(6.1232339957367648e-17), -p));\n"
    "    *quadrant = AS_I_@(t);\n"
    "    if (!ANY_@(a >= K_@(0x1p20)))\n        return near;\n"
    "    T_@ as = a, rs = near, tails = *tail;\n    I_@ qs = *quadrant;\n" CLG__EDGE
    "    for (int i = 0; i < WIDTH_@; i++) {\n"
    "        const double x = ((double *)&as)[i];\n"
    "        if (x >= 0x1p20)\n"
    "            ((double *)&rs)[i] = NAME(reduce_far64)(x, (long *)&qs + i, (double *)&tails + i);\n"
    "        if (x == INFINITY)\n            ((double *)&rs)[i] = NAN;\n    }\n"
    "    *tail = tails;\n    *quadrant = qs;\n    return rs;\n}\n"
    "static inline I_@ NAME(sin_cos_@)(T_@ x, T_@ *sine, T_@ *cosine)\n{\n"
    "    I_@ q;\n    T_@ tail;\n    const T_@ r = NAME(reduce_pi_@)(fabs(x), &q, &tail), z = r * r;\n"
    SIN_COS64
    "    *sine = fma(r * z, s, tail) + r;\n"
    "    *cosine = fma(z, K_@(-0.5), fma(z * z, c, -r * tail)) + K_@(1);\n    return q;\n}\n"
    "#define ODD_@(q) (((q) & (I_@)(1)) != (I_@)(0))\n#define REDUCE_@(x)\n";

#define SIN(sign, up)                                                                              \
    FN1("sin", "    T_@ s, c;\n    const I_@ q = NAME(sin_cos_@)(x, &s, &c), sign = AS_I_@(x) & " sign ";\n" \
               "    return AS_T_@(AS_I_@(SEL_@(ODD_@(q), c, s)) ^ sign ^ ((q & (I_@)(2)) << " up "));\n") IS1("sin")
#define COS(up)                                                                                    \
    FN1("cos", "    T_@ s, c;\n    const I_@ q = NAME(sin_cos_@)(x, &s, &c);\n"                    \
               "    return AS_T_@(AS_I_@(SEL_@(ODD_@(q), s, c)) ^ (((q + (I_@)(1)) & (I_@)(2)) << " up "));\n") \
    IS1("cos")
#define TAN(sign, up)                                                                              \
    FN1("tan", "    T_@ s, c;\n    const I_@ q = NAME(sin_cos_@)(x, &s, &c), sign = AS_I_@(x) & " sign ";\n" \
               "    const T_@ y = SEL_@(ODD_@(q), c, s) / SEL_@(ODD_@(q), s, c);\n"                \
               "    return AS_T_@(AS_I_@(y) ^ sign ^ (q << " up "));\n") IS1("tan")
static const char sin_f32[] = SIN(SIGN32, "30"), sin_f64[] = SIN(SIGN64, "62"), cos_f32[] = COS("30");
static const char cos_f64[] = COS("62"), tan_f32[] = TAN(SIGN32, "31"), tan_f64[] = TAN(SIGN64, "63");

// Cosine and sine of w / 2^32 of a turn, of a random word's first 24 bits for f32. The quarters are split off exactly.
#define CIRCLE(word, quarters, near, sign_up)                                                      \
    "static inline T_@ NAME(circle_@)(uint16 w, T_@ *sine)\n{\n    const uint16 t = " word ", q = (t + (uint16)(0x20000000)) >> 30;\n" \
    "    const T_@ r = CT_@(as_int16(t - (q << 30))) " near "\n"                                  \
    "    const I_@ p = " quarters ", odd = (p & (I_@)(1)) != (I_@)(0);\n"                          \
    "    *sine = AS_T_@(AS_I_@(odd ? c : s) ^ ((p & (I_@)(2)) << " sign_up "));\n"                 \
    "    return AS_T_@(AS_I_@(odd ? s : c) ^ (((p + (I_@)(1)) & (I_@)(2)) << " sign_up "));\n}\n" \
    "#define CIRCLE_@(w, sine) NAME(circle_@)(w, sine)\n"
static const char circle_f32[] =
    CIRCLE("w & (uint16)(0xffffff00)", "as_int16(q)", "* K_@(0x1p-32f), z = r * r;\n"
             "    T_@ s = fma(z, K_@(-75.4020691f), K_@(81.5925522f)), c = fma(z, K_@(-83.5926132f), K_@(64.9212494f));\n"
             NEXT("s", "z", "-41.3416634f") NEXT("c", "z", "-19.7391529f") NEXT("s", "z", "6.28318548f")
             NEXT("c", "z", "1") "    s *= r;", "30");
static const char circle_f64[] =
    CIRCLE("w", "convert_long16(q)", "* K_@(1.4629180792671596e-9), z = r * r;\n" // 2 pi / 2^32
             SIN_COS64 "    s = fma(r * z, s, r);\n    c = fma(z * z, c, fma(z, K_@(-0.5), K_@(1)));", "62");
static const char cos_turn[] =
    "static inline T_@ NAME(cos_turn_@)(uint16 w)\n{\n    T_@ s;\n    return NAME(circle_@)(w, &s);\n}\n"
    "#define COS_TURN_@(w) NAME(cos_turn_@)(w)\n";
#define COS_TURN_DRIVER(number) "#define COS_TURN_@(w) cospi(" number ")\n"
static const char cos_turn_driver_f32[] = COS_TURN_DRIVER("CT_@(S_RAND((w) >> (U_RAND)(8))) * (T_@)(0x1p-23f)");
static const char cos_turn_driver_f64[] = COS_TURN_DRIVER("CT_@(w) * (T_@)(0x1p-31)");

// asin(s) for 0 <= s <= 1/2, from z = s^2; above 1/2 asin(a) = pi/2 - 2 asin(sqrt((1 - a) / 2)).
static const char asin_near_f32[] =
    "static inline T_@ NAME(asin_near_@)(T_@ s, T_@ z)\n{\n"
    "    T_@ p = fma(z, K_@(4.215701297e-2f), K_@(2.418550290e-2f));\n"
    NEXT("p", "z", "4.546901956e-2f") NEXT("p", "z", "7.495310157e-2f") NEXT("p", "z", "0.1666675210f")
    "    return fma(s, p * z, s);\n}\n#define ASIN_NEAR_@(x)\n";
static const char asin_f32[] =
    FN1("asin", "    const T_@ a = fabs(x), h = fma(a, K_@(-0.5f), K_@(0.5f));\n    const I_@ big = a > K_@(0.5f);\n"
                "    const T_@ z = SEL_@(big, h, a * a), s = SEL_@(big, sqrt(h), a), p = NAME(asin_near_@)(s, z);\n"
                "    const T_@ r = fma(p, K_@(-2), K_@(1.57079637f)) + K_@(-4.371138829e-8f);\n"
                "    return copysign(SEL_@(big, r, p), x);\n") IS1("asin");
static const char acos_f32[] =
    FN1("acos", "    const T_@ a = fabs(x), h = fma(a, K_@(-0.5f), K_@(0.5f));\n    const I_@ big = a > K_@(0.5f);\n"
                "    const T_@ z = SEL_@(big, h, a * a), s = SEL_@(big, sqrt(h), x), p = NAME(asin_near_@)(s, z);\n"
                "    const T_@ middle = K_@(1.57079637f) - (p + K_@(4.371138829e-8f)), right = p + p;\n"
                "    const T_@ left = K_@(3.14159274f) - (right + K_@(8.742277657e-8f));\n"
                "    return SEL_@(big, SEL_@(x < K_@(0), left, right), middle);\n") IS1("acos");

// atan(t) for 0 <= t <= 1
static const char atan_near_f32[] =
    "static inline T_@ NAME(atan_near_@)(T_@ t)\n{\n    const T_@ z = t * t;\n"
    "    T_@ p = fma(z, K_@(2.920203377e-3f), K_@(-1.636600308e-2f));\n"
    NEXT("p", "z", "4.320875928e-2f") NEXT("p", "z", "-7.551951706e-2f") NEXT("p", "z", "0.1066588014f")
    NEXT("p", "z", "-0.1421102285f") NEXT("p", "z", "0.1999376863f") NEXT("p", "z", "-0.3333315253f")
    "    return fma(t * z, p, t);\n}\n#define ATAN_NEAR_@(x)\n";
static const char atan_f32[] =
    FN1("atan", "    const T_@ a = fabs(x);\n    const I_@ big = a > K_@(1);\n"
                "    const T_@ p = NAME(atan_near_@)(SEL_@(big, K_@(1) / a, a));\n"
                "    return copysign(SEL_@(big, K_@(1.57079637f) - (p + K_@(4.371138829e-8f)), p), x);\n") IS1("atan");
// 0 + p, pi/2 - p, pi/2 + p or pi - p, of which p is that of the smaller over the larger
static const char atan2_f32[] =
    FN2("atan2", "    const T_@ a = fabs(y), b = fabs(x);\n"
                 "    const I_@ swap = b > a, left = AS_I_@(y) < (I_@)(0);\n"
                 "    const T_@ high = SEL_@(swap, b, a), low = SEL_@(swap, a, b);\n"
                 "    const T_@ same = SEL_@(high > K_@(0), K_@(1), K_@(0));\n"
                 "    const T_@ p = NAME(atan_near_@)(SEL_@(low == high, same, low / high));\n"
                 "    const T_@ base = SEL_@(swap, K_@(1.57079637f), SEL_@(left, K_@(3.14159274f), K_@(0)));\n"
                 "    const T_@ tail = SEL_@(swap, K_@(-4.371138829e-8f), SEL_@(left, K_@(-8.742277657e-8f), K_@(0)));\n"
                 "    const I_@ sign = SEL_@(swap != left, " SIGN32 ", (I_@)(0));\n"
                 "    return copysign(base + (AS_T_@(AS_I_@(p) ^ sign) + tail), x);\n")
    "#define atan2_@(a, b) NAME(atan2_@)(a, b)\n";

const clg__piece clg__math_trig[] = {
    { "REDUCE", CLG__BOTH, "K SEL AS_T ANY", reduce_f32, reduce_f64 },
    { "sin", CLG__BOTH, "REDUCE", sin_f32, NULL },
    { "cos", CLG__BOTH, "REDUCE", cos_f32, NULL },
    { "tan", CLG__BOTH, "REDUCE", tan_f32, NULL },
    { "sin", CLG__CPU, "REDUCE", NULL, sin_f64 },
    { "cos", CLG__CPU, "REDUCE", NULL, cos_f64 },
    { "tan", CLG__CPU, "REDUCE", NULL, tan_f64 },
    { "CIRCLE", CLG__CPU, "K AS_T", circle_f32, circle_f64 },
    { "COS_TURN", CLG__CPU, "CIRCLE", cos_turn, cos_turn },
    { "COS_TURN", CLG__GPU, "", cos_turn_driver_f32, cos_turn_driver_f64 },
    { "ASIN_NEAR", CLG__CPU, "K", asin_near_f32, NULL },
    { "ATAN_NEAR", CLG__CPU, "K", atan_near_f32, NULL },
    { "asin", CLG__CPU, "SEL ASIN_NEAR", asin_f32, NULL },
    { "acos", CLG__CPU, "SEL ASIN_NEAR", acos_f32, NULL },
    { "atan", CLG__CPU, "SEL ATAN_NEAR", atan_f32, NULL },
    { "atan2", CLG__CPU, "SEL AS_T ATAN_NEAR", atan2_f32, NULL },
    { NULL, 0, NULL, NULL, NULL },
};
