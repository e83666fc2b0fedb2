// SPDX-License-Identifier: MIT
// Functions that rows use and that drivers lack, or compute wrongly: one text for a scalar and for sixteen
// lanes, in which a lane does not see its neighbours. Special cases are selected, not branched to.
//
// fma must be rounded once, contraction be off. "Tail": a number is the unevaluated sum of a float and a
// small one. Coefficients are minimax, fitted with Sollya.
#include "codegen/gen.h"

#include <string.h>

// A piece is a word of rows or of other pieces; `needs` come before it. @ is the suffix of the type, which
// E_@, T_@, I_@ (an integer as wide as it), K_@ and SEL_@ go by.
typedef struct piece {
    const char *word, *needs, *f32, *f64; // NULL: as f32
} piece;

#define FN1(name, body) "static inline T_@ NAME(" name "_@)(T_@ x)\n{\n" body "}\n"

// sin, cos and tan reduce |x| by multiples of pi/2 in three parts; from 2^16 on, and for infinities, by
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
    "static inline T_@ NAME(reduce_pi)(T_@ a, I_@ *quadrant, T_@ *tail)\n{\n"
    "    const T_@ t = fma(a, K_@(0.636619772f), K_@(12582912.0f)), n = t - K_@(12582912.0f);\n"
    "    const T_@ first = fma(n, K_@(-1.57079625f), a), p = n * K_@(7.549789416e-8f), near = first - p;\n"
    "    *tail = fma(n, K_@(-5.390302953e-15f), first - near - p - fma(n, K_@(7.549789416e-8f), -p));\n"
    "    *quadrant = AS_I_@(t);\n"
    "    if (!ANY_@(a >= K_@(65536.0f)))\n        return near;\n"
    "    T_@ as = a, rs = near, tails = *tail;\n    I_@ qs = *quadrant;\n" CLG__EDGE
    "    for (int i = 0; i < WIDTH_@; i++) {\n"
    "        const float x = ((float *)&as)[i];\n"
    "        if (x >= 65536.0f)\n"
    "            ((float *)&rs)[i] = NAME(reduce_far)(x, (int *)&qs + i, (float *)&tails + i);\n"
    "        if (x == INFINITY)\n            ((float *)&rs)[i] = NAN;\n    }\n"
    "    *tail = tails;\n    *quadrant = qs;\n    return rs;\n}\n"
    // the quadrant, and sine and cosine of the rest
    "static inline I_@ NAME(sin_cos)(T_@ x, T_@ *sine, T_@ *cosine)\n{\n"
    "    I_@ q;\n    T_@ tail;\n    const T_@ r = NAME(reduce_pi)(fabs(x), &q, &tail), z = r * r;\n"
    "    T_@ s = fma(z, K_@(-1.950941660e-4f), K_@(8.332113735e-3f)), c = fma(z, K_@(2.443119956e-5f), "
    "K_@(-1.388730365e-3f));\n"
    "    s = fma(s, z, K_@(-0.1666665375f));\n    c = fma(c, z, K_@(4.166664556e-2f));\n"
    "    *sine = fma(r * z, s, tail) + r;\n"
    "    *cosine = fma(z, K_@(-0.5f), fma(z * z, c, -r * tail)) + K_@(1);\n    return q;\n}\n"
    "#define ODD_@(q) (((q) & (I_@)(1)) != (I_@)(0))\n"
    "#define REDUCE_@(x)\n";

static const char tanh_f32[] =
    // exp(2 |x|) - 1, saturated; y = t / (t + 2) loses less as h (1 - y)
    FN1("tanh",
        "    const T_@ a = fabs(x), b = SEL_@(a > K_@(10), K_@(10), a) * K_@(2);\n"
        "    const T_@ k = fma(b, K_@(1.44269504f), K_@(12582912.0f)), m = k - K_@(12582912.0f);\n"
        "    const T_@ r = fma(m, K_@(1.90465421e-9f), fma(m, K_@(-0.693147182f), b));\n"
        "    T_@ p = fma(r, K_@(1.386548509e-3f), K_@(8.366725408e-3f));\n"
        "    p = fma(p, r, K_@(4.166749493e-2f));\n    p = fma(p, r, K_@(0.1666654199f));\n"
        "    p = fma(p, r, K_@(0.4999999702f));\n    p = fma(r * r, p, r);\n"
        "    const T_@ s = AS_T_@(((AS_I_@(k) - (I_@)(0x4b400000)) << 23) + (I_@)(0x3f000000));\n"
        "    const T_@ t = fma(s, p, s - K_@(0.5f)) * K_@(2), y = t / (t + K_@(2)), h = t * K_@(0.5f);\n"
        "    return copysign(SEL_@(t < K_@(0.7f), fma(-h, y, h), y), x);\n")
    "#define tanh_@(a) NAME(tanh_@)(a)\n";

// Whatever the driver's ends at, 1 is where it must.
static const char tanh_f64[] = "#define tanh_@(a) SEL_@(fabs(a) > K_@(20), copysign(K_@(1), a), tanh(a))\n";

static const char sigmoid[] =
    FN1("sigmoid", "    const T_@ e = exp(-fabs(x));\n"
                   "    return SEL_@(x < K_@(0), e, K_@(1)) / (K_@(1) + e);\n")
    "#define H_SIGMOID_@(a) NAME(sigmoid_@)(a)\n";

// exp by halves: x e^x is a number where e^x is not.
static const char silu[] =
    FN1("silu", "    const T_@ h = exp(K_@(-0.5) * fabs(x));\n"
                "    return SEL_@(x < K_@(0), x * h * h, x) / fma(h, h, K_@(1));\n")
    "#define H_SILU_@(a) NAME(silu_@)(a)\n";

// s (1 + x (1 - s)), of which neither factor is a difference; the exponential by halves, as above
static const char d_silu[] =
    FN1("d_silu", "    const T_@ h = exp(K_@(-0.5) * fabs(x)), r = K_@(1) / fma(h, h, K_@(1));\n"
                  "    const T_@ q = SEL_@(x < K_@(0), h, K_@(1)), t = SEL_@(x < K_@(0), r, h * h * r);\n"
                  "    return q * r * (K_@(1) + x * t) * q;\n")
    "#define H_D_SILU_@(a) NAME(d_silu_@)(a)\n";

// x sigmoid(v), v = x (k + m x^2) = 2 sqrt(2/pi) (x + 0.044715 x^3) with its tail, lest the left side lose
// digits. Beyond 25 nothing changes.
#define GELU_TANH(k, k_low, m, m_low)                                                              \
    FN1("gelu_tanh",                                                                               \
        "    const T_@ f = fabs(x), a = SEL_@(f > K_@(25), K_@(25), f), z = a * a, c = z * K_@(" m ");\n" \
        "    const T_@ w = c + K_@(" k "), b = w - c, v = -a * w;\n"                               \
        "    const T_@ low = fma(fma(a, a, -z), K_@(" m "), fma(z, K_@(" m_low "), K_@(" k_low "))) +\n" \
        "                    (fma(z, K_@(" m "), -c) + (c - (w - b) + (K_@(" k ") - b)));\n"       \
        "    const T_@ t = fma(-a, low, fma(-a, w, -v)) * K_@(0.5), q = exp(v * K_@(0.5)), h = fma(q, t, q);\n" \
        "    return SEL_@(x < K_@(0), x * h * h, x) / fma(h, h, K_@(1));\n")                       \
    "#define H_GELU_TANH_@(a) NAME(gelu_tanh_@)(a)\n"
static const char gelu_tanh_f32[] = GELU_TANH("1.59576917f", "-4.53406796e-8f", "7.13548139e-2f", "2.39883260e-9f");
static const char gelu_tanh_f64[] =
    GELU_TANH("1.5957691216057308", "-9.96930880911092e-17", "7.135481627260025e-2",
              "-6.175149918155315e-19");

// s (1 + a v' (1 - s))
static const char d_gelu_tanh[] =
    FN1("d_gelu_tanh",
        "    T_@ a = SEL_@(x > K_@(25), K_@(25), x);\n    a = SEL_@(a < K_@(-25), K_@(-25), a);\n"
        "    const T_@ z = a * a, m = K_@(7.135481627260025e-2) * z;\n"
        "    const T_@ h = exp(K_@(-0.5) * fabs(a) * (m + K_@(1.5957691216057308)));\n"
        "    const T_@ r = K_@(1) / fma(h, h, K_@(1)), q = SEL_@(a < K_@(0), h, K_@(1));\n"
        "    const T_@ t = SEL_@(a < K_@(0), r, h * h * r);\n"
        "    return q * r * (K_@(1) + a * (K_@(3) * m + K_@(1.5957691216057308)) * t) * q;\n")
    "#define H_D_GELU_TANH_@(a) NAME(d_gelu_tanh_@)(a)\n";

// For a = |x|, a Phi(-a) is from 0.9 on exp(-a^2 / 2) P(1 / (a + 2)); below, Phi is by erf.
#define GELU_F32                                                                                   \
    "    T_@ a = fabs(x);\n    a = SEL_@(a > K_@(14.5f), K_@(14.5f), a);\n"                        \
    "    const T_@ u = K_@(1) / (a + K_@(2)) - K_@(0.23046875f);\n"                                \
    "    T_@ p = fma(u, K_@(-75.2448044f), K_@(5.263585567f));\n"                                  \
    "    p = fma(p, u, K_@(18.47940636f));\n    p = fma(p, u, K_@(-5.882483959f));\n"              \
    "    p = fma(p, u, K_@(-4.177464962f));\n    p = fma(p, u, K_@(2.442602873f));\n"              \
    "    p = fma(p, u, K_@(2.287711859f));\n    p = fma(p, u, K_@(0.5899764299f));\n"              \
    "    p = fma(p, u, K_@(-0.3486172557f));\n"                                                    \
    "    const T_@ v = x * K_@(0.707106781f), z = v * v;\n"                                        \
    "    T_@ w = fma(z, K_@(-6.081422907e-4f), K_@(5.009981804e-3f));\n"                           \
    "    w = fma(w, z, K_@(-2.677731961e-2f));\n    w = fma(w, z, K_@(0.1128208563f));\n"          \
    "    w = fma(w, z, K_@(-0.3761251569f));\n    w = fma(w, z, K_@(0.1283791065f));\n"            \
    "    w = fma(v, w, v);\n"
static const char gelu_f32[] =
    FN1("gelu", GELU_F32
        "    const T_@ h = a * K_@(-0.5f), s = h * a, q = exp(s * K_@(0.5f));\n"
        "    const T_@ e = fma(q, fma(h, a, -s) * K_@(0.5f), q), tail = p * e * e, o = x * K_@(0.5f);\n"
        "    const T_@ y = SEL_@(a < K_@(0.9f), fma(o, w, o), SEL_@(x > K_@(0), x + tail, tail));\n"
        "    return SEL_@(x == K_@(-INFINITY), K_@(NAN), copysign(y, x));\n")
    "#define H_GELU_@(a) NAME(gelu_@)(a)\n";
static const char d_gelu_f32[] =
    FN1("d_gelu", GELU_F32
        "    const T_@ e = exp(K_@(-0.5f) * a * a), r = e * (K_@(-0.398942280f) * a * a - p) / a;\n"
        "    const T_@ y = SEL_@(x > K_@(0), K_@(1) - r, r);\n"
        "    return SEL_@(a < K_@(0.9f), fma(x * e, K_@(0.398942280f), fma(w, K_@(0.5f), K_@(0.5f))), y);\n")
    "#define H_D_GELU_@(a) NAME(d_gelu_@)(a)\n";

// What rounding -x / sqrt(2) does to erfc is known: its slope is nearly that of exp(-t^2) in the tail.
static const char gelu_f64[] =
    FN1("gelu",
        "    T_@ a = SEL_@(x > K_@(40), K_@(40), x);\n    a = SEL_@(a < K_@(-40), K_@(-40), a);\n"
        "    const T_@ t = a * K_@(-0.7071067811865476), c = fabs(t);\n"
        "    const T_@ d = fma(a, K_@(-0.7071067811865476), -t) + a * K_@(4.833646656726457e-17);\n"
        "    const T_@ p = erfc(t), f = SEL_@(t > K_@(1), d * (c + sqrt(c * c + K_@(1.5))), K_@(0));\n"
        "    return x * K_@(0.5) * (p - p * f);\n")
    "#define H_GELU_@(a) NAME(gelu_@)(a)\n";
static const char d_gelu_f64[] =
    FN1("d_gelu",
        "    T_@ a = SEL_@(x > K_@(40), K_@(40), x);\n    a = SEL_@(a < K_@(-40), K_@(-40), a);\n"
        "    return K_@(0.5) * erfc(a * K_@(-0.7071067811865476)) +\n"
        "           a * K_@(0.3989422804014327) * exp(K_@(-0.5) * a * a);\n")
    "#define H_D_GELU_@(a) NAME(d_gelu_@)(a)\n";

// b / (a^2 + b^2), without squares; 0 at the origin
static const char over_squares[] =
    "static inline T_@ NAME(over_squares_@)(T_@ a, T_@ b)\n{\n    const I_@ c = fabs(a) > fabs(b);\n"
    "    const T_@ big = SEL_@(c, a, b), r = SEL_@(c, b, a) / big, q = big + SEL_@(c, b, a) * r;\n"
    "    return SEL_@(big == K_@(0), K_@(0), SEL_@(c, r, K_@(1)) / q);\n}\n"
    "#define H_OVER_SQUARES_@(a, b) NAME(over_squares_@)(a, b)\n";

static const piece pieces[] = {
    { "REDUCE", "K SEL AS_T ANY", reduce_f32, "#define REDUCE_@(x)\n" },
    { "sin", "REDUCE",
      FN1("sin", "    T_@ s, c;\n    const I_@ q = NAME(sin_cos)(x, &s, &c), sign = AS_I_@(x) & (I_@)((int)0x80000000);\n"
                 "    return AS_T_@(AS_I_@(SEL_@(ODD_@(q), c, s)) ^ sign ^ ((q & (I_@)(2)) << 30));\n")
      "#define sin_@(a) NAME(sin_@)(a)\n",
      "#define sin_@(a) sin(a)\n" },
    { "cos", "REDUCE",
      FN1("cos", "    T_@ s, c;\n    const I_@ q = NAME(sin_cos)(x, &s, &c);\n"
                 "    return AS_T_@(AS_I_@(SEL_@(ODD_@(q), s, c)) ^ (((q + (I_@)(1)) & (I_@)(2)) << 30));\n")
      "#define cos_@(a) NAME(cos_@)(a)\n",
      "#define cos_@(a) cos(a)\n" },
    { "tan", "REDUCE",
      FN1("tan", "    T_@ s, c;\n    const I_@ q = NAME(sin_cos)(x, &s, &c), sign = AS_I_@(x) & (I_@)((int)0x80000000);\n"
                 "    return AS_T_@(AS_I_@(SEL_@(ODD_@(q), c, s) / SEL_@(ODD_@(q), s, c)) ^ sign ^ (q << 31));\n")
      "#define tan_@(a) NAME(tan_@)(a)\n",
      "#define tan_@(a) tan(a)\n" },
    { "tanh", "K SEL AS_T", tanh_f32, tanh_f64 },
    { "H_OVER_SQUARES", "K SEL", over_squares, NULL },
    { "H_SIGMOID", "K SEL", sigmoid, NULL },
    { "H_SILU", "K SEL", silu, NULL },
    { "H_D_SILU", "K SEL", d_silu, NULL },
    { "H_GELU", "K SEL", gelu_f32, gelu_f64 },
    { "H_D_GELU", "K SEL", d_gelu_f32, d_gelu_f64 },
    { "H_GELU_TANH", "K SEL", gelu_tanh_f32, gelu_tanh_f64 },
    { "H_D_GELU_TANH", "K SEL", d_gelu_tanh, NULL },
};

const char *clg__math(const char *word, clg_dtype t, const char **needs)
{
    for (size_t i = 0; i < sizeof pieces / sizeof pieces[0]; i++) {
        if (strcmp(pieces[i].word, word) != 0)
            continue;
        *needs = pieces[i].needs;
        return t == CLG_F64 && pieces[i].f64 ? pieces[i].f64 : pieces[i].f32;
    }
    return NULL;
}
