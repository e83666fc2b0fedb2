// SPDX-License-Identifier: MIT
// Philox 4x32-10 as kernel text: the draw of an element depends on seed, counter and index alone.
// Source: Salmon, Moraes, Dror and Shaw 2011, "Parallel random numbers: as easy as 1, 2, 3".
#include "codegen/gen.h"

#include <string.h>

static const char *const philox =
    "#define U_RAND uint\n#define S_RAND(x) as_int(x)\n"
    "static inline void NAME(philox)(long index, ulong seed, ulong counter, uint *w0, uint *w1)\n"
    "{\n"
    "    uint c0 = convert_uint(index & 0xffffffffL), c1 = convert_uint(index >> 32);\n"
    "    uint c2 = (uint)counter, c3 = (uint)(counter >> 32);\n"
    "    uint k0 = (uint)seed, k1 = (uint)(seed >> 32);\n"
    "    for (int r = 0; r < 10; r++) {\n"
    "        const uint h0 = mul_hi(0xD2511F53u, c0), l0 = c0 * 0xD2511F53u;\n"
    "        const uint h1 = mul_hi(0xCD9E8D57u, c2), l1 = c2 * 0xCD9E8D57u;\n"
    "        c0 = h1 ^ c1 ^ k0;\n"
    "        c1 = l1;\n"
    "        c2 = h0 ^ c3 ^ k1;\n"
    "        c3 = l0;\n"
    "        k0 += 0x9E3779B9u;\n"
    "        k1 += 0xBB67AE85u;\n"
    "    }\n"
    "    *w0 = c0;\n"
    "    *w1 = c1;\n"
    "}\n";

// Words are the lower halves of 64-bit lanes, the upper halves are anything: a product of two words is then one
// multiplication, of which no half has to be moved. The two halves of sixteen lanes take turns, since a round is a chain.
// Functions stay inlined and the rounds unrolled: out of line, compilers do not use the widest registers.
static const char *const philox16 =
    "#define U_RAND uint16\n#define S_RAND(x) as_int16(x)\n"
    "#define ROUNDS_INLINE static inline __attribute__((always_inline))\n"
    "#define TIMES(x, m) (((x) & (ulong8)(0xffffffffUL)) * (ulong8)(m))\n"
    "ROUNDS_INLINE void NAME(rounds)(ulong8 a0, ulong8 b0, ulong counter, uint k0, uint k1, ulong8 *w0, ulong8 *w1)\n"
    "{\n"
    "    ulong8 a1 = a0 >> 32, b1 = b0 >> 32, a2 = (ulong8)(counter), b2 = a2, a3 = (ulong8)(counter >> 32), b3 = a3;\n"
    "    _Pragma(\"unroll\")\n"
    "    for (int r = 0; r < 10; r++) {\n"
    "        const ulong8 p0 = TIMES(a0, 0xD2511F53UL), p1 = TIMES(a2, 0xCD9E8D57UL);\n"
    "        const ulong8 q0 = TIMES(b0, 0xD2511F53UL), q1 = TIMES(b2, 0xCD9E8D57UL);\n"
    "        a0 = (p1 >> 32) ^ a1 ^ (ulong8)(k0);\n"
    "        b0 = (q1 >> 32) ^ b1 ^ (ulong8)(k0);\n"
    "        a1 = p1;\n"
    "        b1 = q1;\n"
    "        a2 = (p0 >> 32) ^ a3 ^ (ulong8)(k1);\n"
    "        b2 = (q0 >> 32) ^ b3 ^ (ulong8)(k1);\n"
    "        a3 = p0;\n"
    "        b3 = q0;\n"
    "        k0 += 0x9E3779B9u;\n"
    "        k1 += 0xBB67AE85u;\n"
    "    }\n"
    "    w0[0] = a0;\n"
    "    w0[1] = b0;\n"
    "    w1[0] = a1;\n"
    "    w1[1] = b1;\n"
    "}\n"
    "ROUNDS_INLINE void NAME(philox)(long16 index, ulong seed, ulong counter, uint16 *w0, uint16 *w1)\n"
    "{\n"
    "    ulong8 a, b, u[2], v[2];\n"
    "#ifdef BY_LANES\n"
    "    for (int i = 0; i < 8; i++) {\n"
    "        ((ulong *)&a)[i] = (ulong)((const long *)&index)[i];\n"
    "        ((ulong *)&b)[i] = (ulong)((const long *)&index)[i + 8];\n"
    "    }\n"
    "#else\n"
    "    a = as_ulong8(index.lo);\n"
    "    b = as_ulong8(index.hi);\n"
    "#endif\n"
    "    NAME(rounds)(a, b, counter, (uint)seed, (uint)(seed >> 32), u, v);\n"
    "#ifdef BY_LANES\n"
    "    for (int i = 0; i < 16; i++) {\n"
    "        ((uint *)w0)[i] = (uint)((const ulong *)u)[i];\n"
    "        ((uint *)w1)[i] = (uint)((const ulong *)v)[i];\n"
    "    }\n"
    "#else\n"
    "    *w0 = (uint16)(convert_uint8(u[0]), convert_uint8(u[1]));\n"
    "    *w1 = (uint16)(convert_uint8(v[0]), convert_uint8(v[1]));\n"
    "#endif\n"
    "}\n";

// As many bits as the type has digits: every number is one of its own, below 1. What fits is converted as signed, which
// more devices have.
static const char *const uniform =
    "static inline T_%s NAME(uniform_%s)(%s i, ulong seed, ulong counter)\n{\n    U_RAND a, b;\n"
    "    NAME(philox)(i, seed, counter, &a, &b);\n"
    "    return CT_%s(S_RAND(a >> (U_RAND)(%d))) * (T_%s)(0x1p-%df);\n}\n";
static const char *const uniform_f64 =
    "static inline T_f64 NAME(uniform_f64)(%s i, ulong seed, ulong counter)\n{\n    U_RAND a, b;\n"
    "    NAME(philox)(i, seed, counter, &a, &b);\n"
    "    return (CT_f64(S_RAND(a >> (U_RAND)(5))) * (T_f64)(67108864.0) + CT_f64(S_RAND(b >> (U_RAND)(6)))) *\n"
    "           (T_f64)(0x1p-53);\n}\n";
// Box and Muller 1958; the first uniform is in (0,1] so that its logarithm is finite. COS: of the second
static const char *const normal =
    "static inline T_%s NAME(normal_%s)(%s i, ulong seed, ulong counter)\n{\n    U_RAND a, b;\n"
    "    NAME(philox)(i, seed, counter, &a, &b);\n"
    "    const T_%s u = (CT_%s(S_RAND(a >> (U_RAND)(8))) + (T_%s)(1.0f)) * (T_%s)(0x1p-24f);\n"
    "    return %ssqrt((T_%s)(-2.0f) * LOG_UNIT_%s(u)) * COS_TURN_%s(b)%s;\n}\n";
static const char *const normal_f64 =
    "static inline T_f64 NAME(normal_f64)(%s i, ulong seed, ulong counter)\n{\n    U_RAND a, b;\n"
    "    NAME(philox)(i, seed, counter, &a, &b);\n"
    "    const T_f64 u = (CT_f64(a) + (T_f64)(1.0)) * (T_f64)(0x1p-32);\n"
    "    return sqrt((T_f64)(-2.0) * LOG_UNIT_f64(u)) * COS_TURN_f64(b);\n}\n";

static void need_draw(clg__gen *n, clg_dtype t, bool is_normal, const char *l)
{
    const char *s = clg__suffix(t), *as = clg__suffix(clg__as(t));
    char round[24];
    const int digits = clg__dtype_of(t)->digits;
    if (is_normal) {
        clg__need(n, "LOG_UNIT", clg__as(t));
        clg__need(n, "COS_TURN", clg__as(t));
    }
    if (clg__as(t) == CLG_F64)
        clg__str_printf(&n->helpers, is_normal ? normal_f64 : uniform_f64, l);
    else if (is_normal)
        clg__str_printf(&n->helpers, normal, s, s, l, s, s, s, s, clg__convert("RND", t, round), s, as, as,
                        clg__converted(t));
    else
        clg__str_printf(&n->helpers, uniform, s, s, l, s, 32 - digits, s, digits);
}

void clg__gen_random(clg__gen *n, const clg__operand *o, const char *index, clg__str *out)
{
    const char *l = n->vec > 1 ? "long16" : "long";
    const bool is_normal = o->random == CLG__RAND_NORMAL;
    char mark[40] = "NAME(";
    strcat(strcat(strcat(mark, is_normal ? "normal" : "uniform"), "_"), clg__suffix(o->dtype));
    clg__need_type(n, o->dtype);
    if (!strstr(clg__str_text(&n->helpers), "NAME(philox)"))
        clg__str_add(&n->helpers, n->vec > 1 ? philox16 : philox);
    if (!strstr(clg__str_text(&n->helpers), mark))
        need_draw(n, o->dtype, is_normal, l);
    const int k = (int) (o - n->body->operands);
    clg__str_printf(out, "%s)(%s, seed%d, counter%d)", mark, index, k, k);
}
