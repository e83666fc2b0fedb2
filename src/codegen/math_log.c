// SPDX-License-Identifier: MIT
// Logarithms and powers as kernel text. math.c says what holds of all such texts.
#include "codegen/pieces.h"

// Every logarithm is that of 2^k (1 + f), sqrt(1/2) <= 1 + f < sqrt(2), f exact or rounded once.
#define LOG_REDUCE(least, up, root_half, width, bits, rounding, rounding_up)                       \
    "static inline T_@ NAME(log_reduce_@)(T_@ x, T_@ *k)\n{\n"                                     \
    "    const I_@ tiny = x < K_@(" least "), bits = AS_I_@(SEL_@(tiny, x * K_@(" up "), x));\n"   \
    "    const I_@ n = (bits - (I_@)(" root_half ")) >> " width ";\n"                              \
    "    *k = AS_T_@(n + " bits ") - SEL_@(tiny, K_@(" rounding_up "), " rounding ");\n"           \
    "    return AS_T_@(bits - (n << " width ")) - K_@(1);\n}\n#define LOG_REDUCE_@(x)\n"
static const char reduce_f32[] =
    LOG_REDUCE("0x1p-126f", "0x1p23f", "0x3f3504f3", "23", ROUNDING_BITS32, ROUNDING32, "12582935.0f");
static const char reduce_f64[] =
    LOG_REDUCE("0x1p-1022", "0x1p54", "0x3fe6a09e667f3bcd", "52", ROUNDING_BITS64, ROUNDING64, "6755399441055798.0");

// log(1 + f) - f, for f32
static const char rest_f32[] =
    "static inline T_@ NAME(log_rest_@)(T_@ f)\n{\n"
    "    T_@ p = fma(f, K_@(-7.286021113e-2f), K_@(0.1256588995f));\n"
    NEXT("p", "f", "-0.1321235597f") NEXT("p", "f", "0.1423890740f") NEXT("p", "f", "-0.1662120670f")
    NEXT("p", "f", "0.1999898999f") NEXT("p", "f", "-0.2500084043f") NEXT("p", "f", "0.3333337307f")
    NEXT("p", "f", "-0.5f") "    return f * f * p;\n}\n#define LOG_REST_@(x)\n";

// The special values of a logarithm of x, else y
static const char special[] =
    "static inline T_@ NAME(log_special_@)(T_@ x, T_@ y)\n{\n    y = SEL_@(x < K_@(INFINITY), y, x);\n"
    "    return SEL_@(x > K_@(0), y, SEL_@(x == K_@(0), K_@(-INFINITY), K_@(NAN)));\n}\n#define LOG_SPECIAL_@(x)\n";

// k log(2) + log(1 + f). For f64 log(1 + f) is 2 atanh(s) with s = f / (2 + f), and 2 s = f - s f: with
// 2 atanh(s) = 2 s + s R it is f - f^2/2 + s (f^2/2 + R).
static const char sum_f32[] =
    "static inline T_@ NAME(log_sum_@)(T_@ k, T_@ f)\n{\n"
    "    return fma(k, K_@(0.693145752f), f + fma(k, K_@(1.428606765e-6f), NAME(log_rest_@)(f)));\n}\n"
    "#define LOG_SUM_@(x)\n";
static const char sum_f64[] =
    "static inline T_@ NAME(log_sum_@)(T_@ k, T_@ f)\n{\n"
    "    const T_@ s = f / (f + K_@(2)), z = s * s, h = f * f * K_@(0.5);\n"
    "    T_@ p = fma(z, K_@(0.14798017527720855), K_@(0.1531385544537799));\n"
    NEXT("p", "z", "0.18183571495776235") NEXT("p", "z", "0.22222198443972499") NEXT("p", "z", "0.28571428743564609")
    NEXT("p", "z", "0.3999999999940971") NEXT("p", "z", "0.66666666666667351")
    "    const T_@ y = fma(s, fma(p, z, h), k * K_@(5.497923018708371e-14));\n"
    "    return fma(k, K_@(0.69314718055989033), f - (h - y));\n}\n#define LOG_SUM_@(x)\n";

static const char log_any[] = FN1("log", "    T_@ k;\n    const T_@ f = NAME(log_reduce_@)(x, &k);\n"
                                         "    return NAME(log_special_@)(x, NAME(log_sum_@)(k, f));\n") IS1("log");
// Of uniform numbers above 0, up to 1
#define LOG_UNIT(root_half, width, bits, rounding)                                                 \
    FN1("log_unit", "    const I_@ bits = AS_I_@(x), n = (bits - (I_@)(" root_half ")) >> " width ";\n" \
                    "    const T_@ k = AS_T_@(n + " bits ") - " rounding ";\n"                     \
                    "    return NAME(log_sum_@)(k, AS_T_@(bits - (n << " width ")) - K_@(1));\n")  \
    "#define LOG_UNIT_@(a) NAME(log_unit_@)(a)\n"
static const char unit_f32[] = LOG_UNIT("0x3f3504f3", "23", ROUNDING_BITS32, ROUNDING32);
static const char unit_f64[] = LOG_UNIT("0x3fe6a09e667f3bcd", "52", ROUNDING_BITS64, ROUNDING64);
static const char unit_driver[] = "#define LOG_UNIT_@(a) log(a)\n";

static const char log2_f32[] =
    FN1("log2", "    T_@ k;\n    const T_@ f = NAME(log_reduce_@)(x, &k), g = NAME(log_rest_@)(f);\n"
                "    const T_@ y = fma(f, K_@(1.44269502f), fma(g, K_@(1.44269502f), f * K_@(1.92596303e-8f)));\n"
                "    return NAME(log_special_@)(x, k + y);\n") IS1("log2");

static const char log2_f64[] =
    FN1("log2", "    T_@ k;\n    const T_@ f = NAME(log_reduce_@)(x, &k), y = NAME(log_sum_@)(K_@(0), f);\n"
                "    const T_@ low = fma(y, K_@(2.0355273740931033e-17), k);\n"
                "    return NAME(log_special_@)(x, fma(y, K_@(1.4426950408889634), low));\n") IS1("log2");

// 2^-n (1 + x) - 1 is rounded once as fma(x, 2^-n, 2^-n - 1).
#define LOG1P(root_half, width, bias, bits, rounding, many)                                        \
    FN1("log1p", "    const T_@ u = x + K_@(1);\n"                                                 \
                 "    const I_@ bits = AS_I_@(u), n = (bits - (I_@)(" root_half ")) >> " width ";\n" \
                 "    const T_@ s = AS_T_@((I_@)(" bias ") - (n << " width "));\n"                 \
                 "    const T_@ f = SEL_@(n > (I_@)(" many "), AS_T_@(bits - (n << " width ")) - K_@(1),\n" \
                 "                        fma(x, s, s - K_@(1)));\n"                               \
                 "    const T_@ y = NAME(log_sum_@)(AS_T_@(n + " bits ") - " rounding ", f);\n"    \
                 "    return copysign(NAME(log_special_@)(u, y), x);\n") IS1("log1p")
static const char log1p_f32[] = LOG1P("0x3f3504f3", "23", "0x3f800000", ROUNDING_BITS32, ROUNDING32, "30");
static const char log1p_f64[] =
    LOG1P("0x3fe6a09e667f3bcd", "52", "0x3ff0000000000000", ROUNDING_BITS64, ROUNDING64, "60");

// x^y = 2^(y log2(x)), log2(x) = k + s (c + s^2 (d + s^2 q)), s = f / (f + 2). So many digits does y log2(x) need that
// s and h = log2(x) are sums of two numbers, a name and the same with _l. From `far` on every y gives the same, and so
// products stay finite. The sign goes by the parity of y, the lowest bit of w, whose ulp is 1.
#define POW(logarithm, far, most, whole, even, up)                                                 \
    FN2("pow", "    const T_@ a = fabs(x);\n    T_@ k;\n    const T_@ f = NAME(log_reduce_@)(a, &k);\n" \
    "    const T_@ e = f + K_@(2), e_l = f - (e - K_@(2)), r = K_@(1) / e;\n"                      \
    "    const T_@ s = f * r, s_l = fma(-s, e_l, fma(-s, e, f)) * r, z = s * s;\n" logarithm       \
    "    h = SEL_@(a < K_@(INFINITY), h, a);\n    h = SEL_@(a == K_@(0), K_@(-INFINITY), h);\n"    \
    "    T_@ b = SEL_@(y > K_@(" far "), K_@(" far "), y);\n"                                      \
    "    b = SEL_@(b < K_@(-" far "), K_@(-" far "), b);\n"                                        \
    "    const T_@ t = b * h, t_l = fma(b, h_l, fma(b, h, -t));\n"                                 \
    "    T_@ p = NAME(exp2_sum_@)(t, SEL_@(fabs(t) < K_@(" most "), t_l, K_@(0)));\n"              \
    "    T_@ m = fabs(y);\n    m = SEL_@(m > K_@(" even "), K_@(" even "), m);\n"                  \
    "    const I_@ large = m >= K_@(" whole ");\n"                                                 \
    "    const T_@ w = SEL_@(large, m, m + K_@(" whole "));\n"                                     \
    "    const I_@ is_whole = large | (w - K_@(" whole ") == m), minus = AS_I_@(x) < (I_@)(0);\n"  \
    "    p = AS_T_@(AS_I_@(p) ^ ((AS_I_@(w) << " up ") & is_whole & minus));\n"                    \
    "    p = SEL_@(minus & ~is_whole & (a > K_@(0)) & (a < K_@(INFINITY)), K_@(NAN), p);\n"        \
    "    return SEL_@((y == K_@(0)) | (x == K_@(1)), K_@(1), p);\n")                               \
    "#define H_POW_@(a, b) NAME(pow_@)(a, b)\n"
static const char pow_f32[] =
    POW("    T_@ q = fma(z, K_@(0.337828457f), K_@(0.411849737f));\n"
        NEXT("q", "z", "0.577080190f") NEXT("q", "z", "0.961796701f") NEXT("q", "z", "3.85192601e-8f")
        "    const T_@ u = s * K_@(2.88539004f);\n"
        "    const T_@ slope = fma(z, K_@(2.88539004f), K_@(2.88539004f));\n"
        "    const T_@ u_l = fma(s, q, fma(s_l, slope, fma(s, K_@(2.88539004f), -u)));\n"
        "    const T_@ v = k + u, v_l = k - v + u + u_l;\n    T_@ h = v + v_l;\n    const T_@ h_l = v - h + v_l;\n",
        "0x1p32f", "200", "0x1p23f", "0x1p24f", "31");
// d and q too have to be exact
static const char pow_f64[] =
    POW("    T_@ q = fma(z, K_@(0.17296496503495473), K_@(0.16843201893992438));\n"
        NEXT("q", "z", "0.1924023905035128") NEXT("q", "z", "0.22195223902785888")
        NEXT("q", "z", "0.2623081991856372") NEXT("q", "z", "0.32059889790772245")
        NEXT("q", "z", "0.41219858311137103") NEXT("q", "z", "0.5770780163555851")
        "    q *= z;\n    const T_@ z_l = fma(s, s, -z) + K_@(2) * s * s_l, d = K_@(0.9617966939259756) + q;\n"
        "    const T_@ d_l = K_@(0.9617966939259756) - d + q + K_@(5.0577616648125907e-17);\n"
        "    const T_@ g = z * d, g_l = fma(z, d, -g) + fma(z, d_l, z_l * d), c = K_@(2.8853900817779268) + g;\n"
        "    const T_@ c_l = K_@(2.8853900817779268) - c + g + (g_l + K_@(4.0710547481862066e-17));\n"
        "    const T_@ u = s * c, u_l = fma(s, c, -u) + fma(s, c_l, s_l * c);\n"
        "    T_@ h = k + u;\n    const T_@ h_l = k - h + u + u_l;\n",
        "0x1p65", "1200", "0x1p52", "0x1p53", "63");

const clg__piece clg__math_log[] = {
    { "LOG_REDUCE", CLG__BOTH, "K SEL AS_T", reduce_f32, reduce_f64 },
    { "LOG_REST", CLG__BOTH, "K", rest_f32, NULL },
    { "LOG_SPECIAL", CLG__BOTH, "K SEL", special, special },
    { "LOG_SUM", CLG__BOTH, "LOG_REST", sum_f32, NULL },
    { "LOG_SUM", CLG__BOTH, "K", NULL, sum_f64 },
    { "log", CLG__CPU, "LOG_REDUCE LOG_SUM LOG_SPECIAL", log_any, log_any },
    { "LOG_UNIT", CLG__CPU, "AS_T LOG_SUM", unit_f32, unit_f64 },
    { "LOG_UNIT", CLG__GPU, "", unit_driver, unit_driver },
    { "log2", CLG__CPU, "LOG_REDUCE LOG_REST LOG_SPECIAL", log2_f32, NULL },
    { "log2", CLG__CPU, "LOG_REDUCE LOG_SUM LOG_SPECIAL", NULL, log2_f64 },
    { "log1p", CLG__CPU, "AS_T LOG_SUM LOG_SPECIAL", log1p_f32, log1p_f64 },
    { "H_POW", CLG__CPU, "LOG_REDUCE EXP2_SUM", pow_f32, pow_f64 },
    { NULL, 0, NULL, NULL, NULL },
};
