// SPDX-License-Identifier: MIT
// Philox 4x32-10 as kernel text: the draw of an element depends on seed, counter and index alone.
// Source: Salmon, Moraes, Dror and Shaw 2011, "Parallel random numbers: as easy as 1, 2, 3".
#include "codegen/gen.h"

#include <string.h>

static const char *const philox =
    "#define U_RAND %s\n"
    "static inline void NAME(philox)(%s index, ulong seed, ulong counter, U_RAND *w0, U_RAND *w1)\n"
    "{\n"
    "    U_RAND c0 = convert_%s(index & (%s)(0xffffffffL)), c1 = convert_%s(index >> (%s)(32));\n"
    "    U_RAND c2 = (U_RAND)((uint)counter), c3 = (U_RAND)((uint)(counter >> 32));\n"
    "    uint k0 = (uint)seed, k1 = (uint)(seed >> 32);\n"
    "    for (int r = 0; r < 10; r++) {\n"
    "        const U_RAND h0 = mul_hi((U_RAND)(0xD2511F53u), c0), l0 = c0 * (U_RAND)(0xD2511F53u);\n"
    "        const U_RAND h1 = mul_hi((U_RAND)(0xCD9E8D57u), c2), l1 = c2 * (U_RAND)(0xCD9E8D57u);\n"
    "        c0 = h1 ^ c1 ^ (U_RAND)(k0);\n"
    "        c1 = l1;\n"
    "        c2 = h0 ^ c3 ^ (U_RAND)(k1);\n"
    "        c3 = l0;\n"
    "        k0 += 0x9E3779B9u;\n"
    "        k1 += 0xBB67AE85u;\n"
    "    }\n"
    "    *w0 = c0;\n"
    "    *w1 = c1;\n"
    "}\n";

// As many bits as the type has digits: every number is one of its own, below 1.
static const char *const uniform =
    "static inline T_%s NAME(uniform_%s)(%s i, ulong seed, ulong counter)\n{\n    U_RAND a, b;\n"
    "    NAME(philox)(i, seed, counter, &a, &b);\n"
    "    return CT_%s(a >> (U_RAND)(%d)) * (T_%s)(0x1p-%df);\n}\n";
static const char *const uniform_f64 =
    "static inline T_f64 NAME(uniform_f64)(%s i, ulong seed, ulong counter)\n{\n    U_RAND a, b;\n"
    "    NAME(philox)(i, seed, counter, &a, &b);\n"
    "    return (CT_f64(a >> (U_RAND)(5)) * (T_f64)(67108864.0) + CT_f64(b >> (U_RAND)(6))) *\n"
    "           (T_f64)(0x1p-53);\n}\n";
// Box and Muller 1958; the first uniform is in (0,1] so that its logarithm is finite
static const char *const normal =
    "static inline T_%s NAME(normal_%s)(%s i, ulong seed, ulong counter)\n{\n    U_RAND a, b;\n"
    "    NAME(philox)(i, seed, counter, &a, &b);\n"
    "    const T_%s u = (CT_%s(a >> (U_RAND)(8)) + (T_%s)(1.0f)) * (T_%s)(0x1p-24f);\n"
    "    const T_%s t = CT_%s(b >> (U_RAND)(8)) * (T_%s)(0x1p-23f);\n"
    "    return %ssqrt((T_%s)(-2.0f) * log(u)) * cospi(t)%s;\n}\n";
static const char *const normal_f64 =
    "static inline T_f64 NAME(normal_f64)(%s i, ulong seed, ulong counter)\n{\n    U_RAND a, b;\n"
    "    NAME(philox)(i, seed, counter, &a, &b);\n"
    "    const T_f64 u = (CT_f64(a) + (T_f64)(1.0)) * (T_f64)(0x1p-32);\n"
    "    const T_f64 t = CT_f64(b) * (T_f64)(0x1p-31);\n"
    "    return sqrt((T_f64)(-2.0) * log(u)) * cospi(t);\n}\n";

static void need_draw(clg__gen *n, clg_dtype t, bool is_normal, const char *l)
{
    const char *s = clg__suffix(t);
    char round[24];
    const int digits = clg__dtype_of(t)->digits;
    if (clg__as(t) == CLG_F64)
        clg__str_printf(&n->helpers, is_normal ? normal_f64 : uniform_f64, l);
    else if (is_normal)
        clg__str_printf(&n->helpers, normal, s, s, l, s, s, s, s, s, s, s, clg__convert("RND", t, round), s,
                        clg__converted(t));
    else
        clg__str_printf(&n->helpers, uniform, s, s, l, s, 32 - digits, s, digits);
}

void clg__gen_random(clg__gen *n, const clg__operand *o, const char *index, clg__str *out)
{
    const char *l = n->vec > 1 ? "long16" : "long", *u = n->vec > 1 ? "uint16" : "uint";
    const bool is_normal = o->random == CLG__RAND_NORMAL;
    char mark[40] = "NAME(";
    strcat(strcat(strcat(mark, is_normal ? "normal" : "uniform"), "_"), clg__suffix(o->dtype));
    clg__need_type(n, o->dtype);
    if (!strstr(clg__str_text(&n->helpers), "NAME(philox)"))
        clg__str_printf(&n->helpers, philox, u, l, u, l, u, l);
    if (!strstr(clg__str_text(&n->helpers), mark))
        need_draw(n, o->dtype, is_normal, l);
    const int k = (int) (o - n->body->operands);
    clg__str_printf(out, "%s)(%s, seed%d, counter%d)", mark, index, k, k);
}
