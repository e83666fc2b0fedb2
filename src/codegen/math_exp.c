// SPDX-License-Identifier: MIT
// Exponentials, hyperbolic functions and erf as kernel text. math.c says what holds of all such texts.
#include "codegen/pieces.h"

// x = n log(2) + r, |r| < 0.3475: exp_part is exp(r) - 1, without the tail of x. 2^n need not be a number although
// p 2^n is one, and p is rounded once: exp_scale, for |n| up to twice what an exponent can be.
#define EXP_PART(log2_e, rounding, bits, ln2_tail, ln2, polynomial, width, bias)                   \
    "static inline T_@ NAME(exp_part_@)(T_@ x, I_@ *n)\n{\n"                                       \
    "    const T_@ t = fma(x, K_@(" log2_e "), " rounding "), k = t - " rounding ";\n"             \
    "    *n = AS_I_@(t) - " bits ";\n"                                                             \
    "    const T_@ r = fma(k, K_@(" ln2_tail "), fma(k, K_@(-" ln2 "), x));\n" polynomial          \
    "    return fma(r * r, p, r);\n}\n"                                                            \
    "#define POWER_OF_2_@(n) AS_T_@(((n) << " width ") + (I_@)(" bias "))\n"                       \
    "static inline T_@ NAME(exp_scale_@)(T_@ p, I_@ n)\n{\n"                                       \
    "    const I_@ h = n >> 1;\n    return p * POWER_OF_2_@(h) * POWER_OF_2_@(n - h);\n}\n"        \
    "#define EXP_PART_@(x)\n"
static const char part_f32[] =
    EXP_PART("1.44269504f", ROUNDING32, ROUNDING_BITS32, "1.90465421e-9f", "0.693147182f",
             "    T_@ p = fma(r, K_@(1.386548509e-3f), K_@(8.366725408e-3f));\n"
             NEXT("p", "r", "4.166749493e-2f") NEXT("p", "r", "0.1666654199f") NEXT("p", "r", "0.4999999702f"),
             "23", "0x3f800000");
static const char part_f64[] =
    EXP_PART("1.4426950408889634", ROUNDING64, ROUNDING_BITS64, "-2.3190468138462996e-17", "0.69314718055994531",
             "    T_@ p = fma(r, K_@(2.5044994216827436e-8), K_@(2.7622366536334617e-7));\n"
             NEXT("p", "r", "2.755742833509434e-6") NEXT("p", "r", "2.4801516043838844e-5")
             NEXT("p", "r", "1.9841269705398918e-4") NEXT("p", "r", "1.3888888920711531e-3")
             NEXT("p", "r", "8.333333333390246e-3") NEXT("p", "r", "4.1666666666619584e-2")
             NEXT("p", "r", "0.166666666666666") NEXT("p", "r", "0.5"),
             "52", "0x3ff0000000000000");

#define EXP(most, least)                                                                           \
    FN1("exp", "    x = SEL_@(x > K_@(" most "), K_@(" most "), x);\n"                             \
               "    x = SEL_@(x < K_@(" least "), K_@(" least "), x);\n"                           \
               "    I_@ n;\n    const T_@ q = NAME(exp_part_@)(x, &n);\n"                          \
               "    return NAME(exp_scale_@)(q + K_@(1), n);\n") IS1("exp")
static const char exp_f32[] = EXP("89", "-115"), exp_f64[] = EXP("710", "-746");

// 2^(x + tail), tail below half an ulp of x
#define EXP2_SUM(most, least, rounding, bits, polynomial)                                          \
    "static inline T_@ NAME(exp2_sum_@)(T_@ x, T_@ tail)\n{\n"                                     \
    "    x = SEL_@(x > K_@(" most "), K_@(" most "), x);\n"                                        \
    "    x = SEL_@(x < K_@(" least "), K_@(" least "), x);\n"                                      \
    "    const T_@ t = x + " rounding ", near = x - (t - " rounding "), r = near + tail;\n" polynomial \
    "    return NAME(exp_scale_@)(p, AS_I_@(t) - " bits ");\n}\n#define EXP2_SUM_@(x)\n"
#define EXP2_POLY_F32                                                                              \
    "    T_@ p = fma(r, K_@(1.524128464e-4f), K_@(1.339130220e-3f));\n"                            \
    NEXT("p", "r", "9.618833661e-3f") NEXT("p", "r", "5.550358817e-2f") NEXT("p", "r", "0.2402264476f") \
    NEXT("p", "r", "0.6931471825f") NEXT("p", "r", "1")
static const char exp2_sum_f32[] = EXP2_SUM("129", "-151", ROUNDING32, ROUNDING_BITS32, EXP2_POLY_F32);
static const char exp2_sum_f64[] =
    EXP2_SUM("1025", "-1077", ROUNDING64, ROUNDING_BITS64,
             "    T_@ p = fma(r, K_@(4.4347696500770175e-10), K_@(7.073790615864193e-09));\n"
             NEXT("p", "r", "1.0178199639103765e-07") NEXT("p", "r", "1.3215435242283017e-06")
             NEXT("p", "r", "1.5252733492828252e-05") NEXT("p", "r", "0.00015403530457185896")
             NEXT("p", "r", "0.0013333558146775076") NEXT("p", "r", "0.009618129107594067")
             NEXT("p", "r", "0.05550410866482008") NEXT("p", "r", "0.2402265069591013")
             // so that powers that are numbers come out as these
             "    p = fma(r * r, p, (near - r + tail) * K_@(0.6931471805599453));\n"
             "    p = fma(r, K_@(0.6931471805599453), p) + K_@(1);\n");
static const char exp2_any[] = FN1("exp2", "    return NAME(exp2_sum_@)(x, K_@(-0.0f));\n") IS1("exp2");

// exp(x) - 1; 2^(n - 1) instead of 2^n is a number for the largest x too. Its -0 is 0.
#define EXPM1_NEAR                                                                                 \
    "static inline T_@ NAME(expm1_near_@)(T_@ x)\n{\n    I_@ n;\n"                                 \
    "    const T_@ q = NAME(exp_part_@)(x, &n), h = POWER_OF_2_@(n - (I_@)(1));\n"                 \
    "    return fma(h, q, h - K_@(0.5f)) * K_@(2);\n}\n#define EXPM1_NEAR_@(x)\n"
static const char expm1_near[] = EXPM1_NEAR;
#define EXPM1(most, least, tiny)                                                                   \
    FN1("expm1", "    T_@ c = SEL_@(x > K_@(" most "), K_@(" most "), x);\n"                       \
                 "    c = SEL_@(c < K_@(" least "), K_@(" least "), c);\n"                         \
                 "    return SEL_@(fabs(x) < K_@(" tiny "), x, NAME(expm1_near_@)(c));\n") IS1("expm1")
static const char expm1_f32[] = EXPM1("89", "-20", "1e-8f"), expm1_f64[] = EXPM1("710", "-45", "1e-17");

// t / (t + 2) with t = exp(2 |x|) - 1, saturated; it loses less as h (1 - y)
#define TANH(most)                                                                                 \
    FN1("tanh", "    const T_@ a = fabs(x), b = SEL_@(a > K_@(" most "), K_@(" most "), a);\n"     \
                "    const T_@ t = NAME(expm1_near_@)(b * K_@(2)), y = t / (t + K_@(2)), h = t * K_@(0.5f);\n" \
                "    return copysign(SEL_@(t < K_@(0.7f), fma(-h, y, h), y), x);\n") IS1("tanh")
static const char tanh_f32[] = TANH("10"), tanh_f64[] = TANH("20");
// Whatever the driver's ends at, 1 is where it must.
static const char tanh_gpu_f64[] = "#define tanh_@(a) SEL_@(fabs(a) > K_@(20), copysign(K_@(1), a), tanh(a))\n";

// exp(a) / 2 for a >= 0
#define HALF_EXP(most)                                                                             \
    "static inline T_@ NAME(half_exp_@)(T_@ a)\n{\n    I_@ n;\n"                                   \
    "    const T_@ q = NAME(exp_part_@)(SEL_@(a > K_@(" most "), K_@(" most "), a), &n);\n"        \
    "    return NAME(exp_scale_@)(q + K_@(1), n - (I_@)(1));\n}\n#define HALF_EXP_@(x)\n"
static const char half_exp_f32[] = HALF_EXP("90"), half_exp_f64[] = HALF_EXP("711");
#define SINH(polynomial)                                                                           \
    FN1("sinh", "    const T_@ a = fabs(x), h = NAME(half_exp_@)(a), z = a * a;\n" polynomial      \
                "    return copysign(SEL_@(a < K_@(1), fma(a * z, p, a), h - K_@(0.25f) / h), x);\n") IS1("sinh")
static const char sinh_f32[] = SINH("    T_@ p = fma(z, K_@(2.844614683e-6f), K_@(1.983016118e-4f));\n"
                                    NEXT("p", "z", "8.333390579e-3f") NEXT("p", "z", "0.1666666567f"));
static const char sinh_f64[] = SINH("    T_@ p = fma(z, K_@(2.8114572543455206e-15), K_@(7.647163731819816e-13));\n"
                                    NEXT("p", "z", "1.6059043836821613e-10") NEXT("p", "z", "2.505210838544172e-08")
                                    NEXT("p", "z", "2.7557319223985893e-06") NEXT("p", "z", "1.984126984126984e-04")
                                    NEXT("p", "z", "8.333333333333333e-03") NEXT("p", "z", "0.16666666666666666"));
static const char cosh_any[] = FN1("cosh", "    const T_@ h = NAME(half_exp_@)(fabs(x));\n"
                                           "    return h + K_@(0.25f) / h;\n") IS1("cosh");

// The product is PyTorch's: infinite where 2^b is. Of whole b the power is exact.
static const char ldexp_any[] = "#define H_LDEXP_@(a, b) ((a) * NAME(exp2_sum_@)(b, K_@(-0.0f)))\n";

// From where its square is far above 1, log(2 a); below log(1 + a + a^2 / (1 + sqrt(1 + a^2)))
#define ASINH(far)                                                                                 \
    FN1("asinh", "    const T_@ a = fabs(x), z = a * a;\n    const I_@ is_far = a > K_@(" far ");\n" \
                 "    const T_@ y = log1p_@(SEL_@(is_far, a, a + z / (K_@(1) + sqrt(z + K_@(1)))));\n" \
                 "    return copysign(SEL_@(is_far, y + K_@(0.6931471805599453), y), x);\n") IS1("asinh")
static const char asinh_f32[] = ASINH("0x1p30f"), asinh_f64[] = ASINH("0x1p60");
// log(1 + t + sqrt(2 t + t^2)) with t = a - 1
#define ACOSH(far)                                                                                 \
    FN1("acosh", "    const T_@ t = x - K_@(1);\n    const I_@ is_far = x > K_@(" far ");\n"     \
                 "    const T_@ y = log1p_@(SEL_@(is_far, x, t + sqrt(t * (x + K_@(1)))));\n"     \
                 "    return SEL_@(t < K_@(0), K_@(NAN), SEL_@(is_far, y + K_@(0.6931471805599453), y));\n") IS1("acosh")
static const char acosh_f32[] = ACOSH("0x1p30f"), acosh_f64[] = ACOSH("0x1p60");
static const char atanh_any[] =
    FN1("atanh", "    const T_@ a = fabs(x);\n"
                 "    return copysign(log1p_@((a + a) / (K_@(1) - a)) * K_@(0.5), x);\n") IS1("atanh");

// Above 0.9 1 - 2^q, where q approximates log2(erfc), up to 4, where erf is 1
static const char erf_f32[] =
    FN1("erf", "    T_@ a = fabs(x);\n    const T_@ z = a * a;\n"
               "    T_@ s = fma(z, K_@(-6.081422907e-4f), K_@(5.009981804e-3f));\n"
               NEXT("s", "z", "-2.677731961e-2f") NEXT("s", "z", "0.1128208563f") NEXT("s", "z", "-0.3761251569f")
               NEXT("s", "z", "0.1283791065f")
               "    s = fma(a, s, a);\n    const I_@ is_small = a < K_@(0.9f);\n"
               "    a = SEL_@(a > K_@(4), K_@(4), a);\n"
               "    T_@ q = fma(a, K_@(-3.004920109e-5f), K_@(6.223677774e-4f));\n"
               NEXT("q", "a", "-5.996201188e-3f") NEXT("q", "a", "3.618366271e-2f") NEXT("q", "a", "-0.1561289877f")
               NEXT("q", "a", "-0.9138042927f") NEXT("q", "a", "-1.629507303f") NEXT("q", "a", "2.441094839e-4f")
               "    const T_@ t = q + " ROUNDING32 ", r = q - (t - " ROUNDING32 ");\n" EXP2_POLY_F32
               "    p *= POWER_OF_2_@(AS_I_@(t) - " ROUNDING_BITS32 ");\n"
               "    return copysign(SEL_@(is_small, s, K_@(1) - p), x);\n") IS1("erf");
// Above 1 1 - exp(q), where q approximates log(erfc), up to 6
static const char erf_f64[] =
    FN1("erf", "    T_@ a = fabs(x);\n    const T_@ z = a * a;\n"
               "    T_@ s = fma(z, K_@(-7.768631603009701e-10), K_@(1.370470581236866e-08));\n"
               NEXT("s", "z", "-1.6204733000644746e-07") NEXT("s", "z", "1.6446904371860057e-06")
               NEXT("s", "z", "-1.4924691776601541e-05") NEXT("s", "z", "0.000120552923664167")
               NEXT("s", "z", "-0.000854832588244731") NEXT("s", "z", "0.0052239776049508215")
               NEXT("s", "z", "-0.026866170642933267") NEXT("s", "z", "0.11283791670942668")
               NEXT("s", "z", "-0.3761263890318346") NEXT("s", "z", "0.12837916709551256")
               "    s = fma(a, s, a);\n    const I_@ is_small = a < K_@(1);\n"
               "    a = SEL_@(a > K_@(6), K_@(6), a);\n"
               "    T_@ q = fma(a, K_@(-5.010496440618727e-12), K_@(2.076351064824174e-10));\n"
               NEXT("q", "a", "-3.990136813278268e-09") NEXT("q", "a", "4.703626817441309e-08")
               NEXT("q", "a", "-3.779526020275489e-07") NEXT("q", "a", "2.1615051338369065e-06")
               NEXT("q", "a", "-8.776013874370247e-06") NEXT("q", "a", "2.317800495420572e-05")
               NEXT("q", "a", "-2.1177561991177005e-05") NEXT("q", "a", "-0.00013320882159949192")
               NEXT("q", "a", "0.0007677057093557604") NEXT("q", "a", "-0.0019122671923833168")
               NEXT("q", "a", "0.00040706255698233056") NEXT("q", "a", "0.018992802683593754")
               NEXT("q", "a", "-0.1027048546447509") NEXT("q", "a", "-0.6366431009371191")
               NEXT("q", "a", "-1.1283742105934398") NEXT("q", "a", "-4.899242639602396e-07")
               "    I_@ n;\n    const T_@ e = NAME(exp_part_@)(q, &n);\n"
               "    const T_@ p = POWER_OF_2_@(n);\n"
               "    return copysign(SEL_@(is_small, s, K_@(1) - fma(p, e, p)), x);\n") IS1("erf");

const clg__piece clg__math_exp[] = {
    { "EXP_PART", CLG__BOTH, "K SEL AS_T", part_f32, part_f64 },
    { "EXPM1_NEAR", CLG__BOTH, "EXP_PART", expm1_near, expm1_near },
    { "EXP2_SUM", CLG__BOTH, "EXP_PART", exp2_sum_f32, exp2_sum_f64 },
    { "HALF_EXP", CLG__BOTH, "EXP_PART", half_exp_f32, half_exp_f64 },
    { "exp", CLG__CPU, "EXP_PART", exp_f32, exp_f64 },
    { "exp2", CLG__CPU, "EXP2_SUM", exp2_any, exp2_any },
    { "expm1", CLG__CPU, "EXPM1_NEAR", expm1_f32, expm1_f64 },
    { "tanh", CLG__BOTH, "EXPM1_NEAR", tanh_f32, NULL },
    { "tanh", CLG__CPU, "EXPM1_NEAR", NULL, tanh_f64 },
    { "tanh", CLG__GPU, "K SEL", NULL, tanh_gpu_f64 },
    { "sinh", CLG__CPU, "HALF_EXP", sinh_f32, sinh_f64 },
    { "cosh", CLG__CPU, "HALF_EXP", cosh_any, cosh_any },
    { "H_LDEXP", CLG__BOTH, "EXP2_SUM", ldexp_any, ldexp_any },
    { "asinh", CLG__BOTH, "K SEL log1p", asinh_f32, asinh_f64 },
    { "acosh", CLG__BOTH, "K SEL log1p", acosh_f32, acosh_f64 },
    { "atanh", CLG__BOTH, "K log1p", atanh_any, atanh_any },
    { "erf", CLG__CPU, "EXP_PART", erf_f32, erf_f64 },
    { NULL, 0, NULL, NULL, NULL },
};
