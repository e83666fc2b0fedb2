// SPDX-License-Identifier: MIT
// Activations and what derivatives need as kernel text. math.c says what holds of all such texts.
#include "codegen/gen.h"
#include "codegen/pieces.h"

static const char sigmoid[] =
    FN1("sigmoid", "    const T_@ e = exp_@(-fabs(x));\n"
                   "    return SEL_@(x < K_@(0), e, K_@(1)) / (K_@(1) + e);\n")
    "#define H_SIGMOID_@(a) NAME(sigmoid_@)(a)\n";

// exp by halves: x e^x is a number where e^x is not.
static const char silu[] =
    FN1("silu", "    const T_@ h = exp_@(K_@(-0.5) * fabs(x));\n"
                "    return SEL_@(x < K_@(0), x * h * h, x) / fma(h, h, K_@(1));\n")
    "#define H_SILU_@(a) NAME(silu_@)(a)\n";

// s (1 + x (1 - s)), of which neither factor is a difference; the exponential by halves, as above
static const char d_silu[] =
    FN1("d_silu", "    const T_@ h = exp_@(K_@(-0.5) * fabs(x)), r = K_@(1) / fma(h, h, K_@(1));\n"
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
        "    const T_@ t = fma(-a, low, fma(-a, w, -v)) * K_@(0.5), q = exp_@(v * K_@(0.5)), h = fma(q, t, q);\n" \
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
        "    const T_@ h = exp_@(K_@(-0.5) * fabs(a) * (m + K_@(1.5957691216057308)));\n"
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
        "    const T_@ h = a * K_@(-0.5f), s = h * a, q = exp_@(s);\n"
        "    const T_@ tail = p * fma(q, fma(h, a, -s), q), o = x * K_@(0.5f);\n"
        "    const T_@ y = SEL_@(a < K_@(0.9f), fma(o, w, o), SEL_@(x > K_@(0), x + tail, tail));\n"
        "    return SEL_@(x == K_@(-INFINITY), K_@(NAN), copysign(y, x));\n")
    "#define H_GELU_@(a) NAME(gelu_@)(a)\n";
static const char d_gelu_f32[] =
    FN1("d_gelu", GELU_F32
        "    const T_@ e = exp_@(K_@(-0.5f) * a * a), r = e * (K_@(-0.398942280f) * a * a - p) / a;\n"
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
        "           a * K_@(0.3989422804014327) * exp_@(K_@(-0.5) * a * a);\n")
    "#define H_D_GELU_@(a) NAME(d_gelu_@)(a)\n";

// b / (a^2 + b^2), without squares; 0 at the origin
static const char over_squares[] =
    "static inline T_@ NAME(over_squares_@)(T_@ a, T_@ b)\n{\n    const I_@ c = fabs(a) > fabs(b);\n"
    "    const T_@ big = SEL_@(c, a, b), r = SEL_@(c, b, a) / big, q = big + SEL_@(c, b, a) * r;\n"
    "    return SEL_@(big == K_@(0), K_@(0), SEL_@(c, r, K_@(1)) / q);\n}\n"
    "#define H_OVER_SQUARES_@(a, b) NAME(over_squares_@)(a, b)\n";

// With n the integer nearest |x| / |y|, |x| - n |y| is exact, and so is what one |y| more makes of it. Where n has too many
// digits, for infinities and NaN, the driver's, lane by lane: PoCL 3.1 computes that of double vectors wrongly.
#define FMOD(most, rounding)                                                                       \
    FN2("fmod", "    const T_@ a = fabs(x), b = fabs(y), q = a / b, n = q + " rounding " - " rounding ";\n" \
    "    T_@ r = fma(-n, b, a);\n    r = SEL_@(r < K_@(0), r + b, r);\n    r = copysign(r, x);\n" \
    "    const I_@ far = ~((q < K_@(" most ")) & (b < K_@(INFINITY)));\n"                         \
    "    if (!ANY_@(far))\n        return r;\n    T_@ rs = r;\n    const T_@ xs = x, ys = y, qs = q;\n" \
    CLG__EDGE "    for (int i = 0; i < WIDTH_@; i++) {\n"                                         \
    "        const E_@ u = ((const E_@ *)&xs)[i], v = ((const E_@ *)&ys)[i];\n"                   \
    "        if (!(((const E_@ *)&qs)[i] < " most ") || fabs(v) == INFINITY)\n"                   \
    "            ((E_@ *)&rs)[i] = fmod(u, v);\n    }\n"                                         \
    "    return rs;\n")                                                                       \
    "#define H_FMOD_@(a, b) NAME(fmod_@)(a, b)\n"
static const char fmod_f32[] = FMOD("4194304.0f", ROUNDING32), fmod_f64[] = FMOD("2251799813685248.0", ROUNDING64);

const clg__piece clg__math_nets[] = {
    { "H_FMOD", CLG__CPU, "K SEL AS_T ANY", fmod_f32, fmod_f64 },
    { "H_OVER_SQUARES", CLG__BOTH, "K SEL", over_squares, over_squares },
    { "H_SIGMOID", CLG__BOTH, "K SEL exp", sigmoid, sigmoid },
    { "H_SILU", CLG__BOTH, "K SEL exp", silu, silu },
    { "H_D_SILU", CLG__BOTH, "K SEL exp", d_silu, d_silu },
    { "H_GELU", CLG__BOTH, "K SEL exp", gelu_f32, NULL },
    { "H_GELU", CLG__BOTH, "K SEL", NULL, gelu_f64 },
    { "H_D_GELU", CLG__BOTH, "K SEL exp", d_gelu_f32, d_gelu_f64 },
    { "H_GELU_TANH", CLG__BOTH, "K SEL exp", gelu_tanh_f32, gelu_tanh_f64 },
    { "H_D_GELU_TANH", CLG__BOTH, "K SEL exp", d_gelu_tanh, d_gelu_tanh },
    { NULL, 0, NULL, NULL, NULL },
};
