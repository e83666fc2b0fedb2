// SPDX-License-Identifier: MIT
// Philox 4x32-10 as kernel text: the draw of an element depends on seed, counter and index alone. A block is four words,
// which are four numbers or, where a number takes two words, two: element i has its part of block i / 4, or i / 2.
// Source: Salmon, Moraes, Dror and Shaw 2011, "Parallel random numbers: as easy as 1, 2, 3".
#include "codegen/gen.h"

#include "base/format.h"

#include <string.h>

static const char *const philox =
    "#define U_RAND uint\n#define S_RAND(x) as_int(x)\n#define AT_RAND(i, n) ((uint)((i) & (n)))\n"
    "static inline void NAME(blocks)(long block, ulong seed, ulong counter, uint *w)\n"
    "{\n"
    "    uint c0 = convert_uint(block & 0xffffffffL), c1 = convert_uint(block >> 32);\n"
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
    "    w[0] = c0;\n"
    "    w[1] = c1;\n"
    "    w[2] = c2;\n"
    "    w[3] = c3;\n"
    "}\n";

// Words are the lower halves of 64-bit lanes, the upper halves are anything: a product of two words is then one
// multiplication, of which no half has to be moved. Even and odd blocks take turns, since a round is a chain.
// Functions stay inlined and the rounds unrolled: out of line, compilers do not use the widest registers.
static const char *const philox16 =
    "#define U_RAND uint16\n#define S_RAND(x) as_int16(x)\n"
    "#define AT_RAND(i, n) convert_uint16((i) & (long16)(n))\n"
    "#define ROUNDS_INLINE static inline __attribute__((always_inline))\n"
    "#define TIMES(x, m) (((x) & (ulong8)(0xffffffffUL)) * (ulong8)(m))\n"
    "#define WORDS(even, odd) as_uint16(((even) & (ulong8)(0xffffffffUL)) | ((odd) << 32))\n"
    "ROUNDS_INLINE void NAME(rounds)(ulong8 a0, ulong8 b0, ulong counter, uint k0, uint k1, uint16 *w)\n"
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
    "    w[0] = WORDS(a0, b0);\n"
    "    w[1] = WORDS(a1, b1);\n"
    "    w[2] = WORDS(a2, b2);\n"
    "    w[3] = WORDS(a3, b3);\n"
    "}\n";
static const char *const blocks16 = // any sixteen
    "ROUNDS_INLINE void NAME(blocks)(long16 block, ulong seed, ulong counter, uint16 *w)\n"
    "{\n"
    "    ulong8 a, b;\n"
    "#ifdef BY_LANES\n"
    "    for (int i = 0; i < 8; i++) {\n"
    "        ((ulong *)&a)[i] = (ulong)((const long *)&block)[2 * i];\n"
    "        ((ulong *)&b)[i] = (ulong)((const long *)&block)[2 * i + 1];\n"
    "    }\n"
    "#else\n"
    "    a = as_ulong8(block.even);\n"
    "    b = as_ulong8(block.odd);\n"
    "#endif\n"
    "    NAME(rounds)(a, b, counter, (uint)seed, (uint)(seed >> 32), w);\n"
    "}\n";

// As many bits as the type has digits: every number is one of its own, below 1. What fits is converted as signed, which
// more devices have.
static const char *const unit =
    "static inline T_@ NAME(unit_@)(U_RAND a)\n{\n    return CT_@(S_RAND(a >> (U_RAND)(%d))) * (T_@)(0x1p-%df);\n}\n";
static const char *const unit_f64 =
    "static inline T_@ NAME(unit_@)(U_RAND a, U_RAND b)\n{\n"
    "    return (CT_@(S_RAND(a >> (U_RAND)(5))) * (T_@)(67108864.0) + CT_@(S_RAND(b >> (U_RAND)(6)))) *\n"
    "           (T_@)(0x1p-53);\n}\n";
static const char *const unit_i64 = // integers have 63 bits
    "static inline T_@ NAME(unit_@)(U_RAND a, U_RAND b)\n{\n"
    "    return (CT_@(a) << (T_@)(31)) | CT_@(b >> (U_RAND)(1));\n}\n";
// Box and Muller 1958; the first uniform is in (0,1] so that its logarithm is finite
static const char *const radius =
    "static inline T_@ NAME(radius_@)(U_RAND a)\n{\n"
    "    return sqrt((T_@)(-2.0f) * LOG_UNIT_@((CT_@(S_RAND(a >> (U_RAND)(8))) + (T_@)(1.0f)) * (T_@)(0x1p-24f)));\n}\n";
static const char *const radius_f64 =
    "static inline T_@ NAME(radius_@)(U_RAND a)\n{\n"
    "    return sqrt((T_@)(-2.0) * LOG_UNIT_@((CT_@(a) + (T_@)(1.0)) * (T_@)(0x1p-32)));\n}\n";

// An element of any index: %s is its type. A sine is a cosine a quarter of a turn before.
static const char *const pick = "#define PICK(c, x, y) (((c) != (U_RAND)(0)) ? (x) : (y))\n";
static const char *const one_of_4 =
    "static inline T_@ NAME(uniform_@)(%s i, ulong seed, ulong counter)\n{\n    U_RAND w[4];\n"
    "    NAME(blocks)(i >> 2, seed, counter, w);\n"
    "    const U_RAND at = AT_RAND(i, 3), odd = at & (U_RAND)(1);\n"
    "    return NAME(unit_@)(PICK(at & (U_RAND)(2), PICK(odd, w[3], w[2]), PICK(odd, w[1], w[0])));\n}\n";
static const char *const one_of_2 =
    "static inline T_@ NAME(uniform_@)(%s i, ulong seed, ulong counter)\n{\n    U_RAND w[4];\n"
    "    NAME(blocks)(i >> 1, seed, counter, w);\n"
    "    const U_RAND odd = AT_RAND(i, 1);\n"
    "    return NAME(unit_@)(PICK(odd, w[2], w[0]), PICK(odd, w[3], w[1]));\n}\n";
static const char *const one_normal =
    "static inline T_@ NAME(normal_@)(%s i, ulong seed, ulong counter)\n{\n    U_RAND w[4];\n"
    "    NAME(blocks)(i >> 2, seed, counter, w);\n"
    "    const U_RAND at = AT_RAND(i, 3), second = at & (U_RAND)(2), back = (at & (U_RAND)(1)) << (U_RAND)(30);\n"
    "    return %sNAME(radius_%s)(PICK(second, w[2], w[0])) * COS_TURN_%s(PICK(second, w[3], w[1]) - back)%s;\n}\n";

// CPU class: the vectors of a row, one after another. Sixteen blocks are some vectors, which are kept, and those of the
// blocks behind them where a vector begins in the ones and ends in the others.
static const char *const row_begin =
    "typedef struct {\n    long first, last;\n    T_@ v[%d];\n} NAME(kept_%s_@);\n"
    "static inline T_@ NAME(row_%s_@)(long i, ulong seed, ulong counter, NAME(kept_%s_@) *k)\n{\n"
    "    const long first = i >> %d, last = (i + 15) >> %d;\n"
    "    if (first != k->first || last > k->last) {\n"
    "        if (first != k->first && first == k->last)\n"
    "            for (int r = 0; r < %d; r++)\n                k->v[r] = k->v[r + %d];\n"
    "        else if (first != k->first)\n            k->last = first - 1;\n"
    "        k->first = first;\n" CLG__EDGE
    "        while (k->last < last) {\n            uint16 w[4];\n"
    "            T_@ *to = k->v + (++k->last == first ? 0 : %d);\n"
    "            const ulong8 a = (ulong8)((ulong)k->last << 4) + (ulong8)(0, 2, 4, 6, 8, 10, 12, 14);\n"
    "            NAME(rounds)(a, a + (ulong8)(1), counter, (uint)seed, (uint)(seed >> 32), w);\n";
static const char *const row_of_4 =
    "            for (int r = 0; r < 4; r++)\n                to[r] = NAME(unit_@)(w[r]);\n";
static const char *const row_of_2 =
    "            for (int r = 0; r < 2; r++)\n                to[r] = NAME(unit_@)(w[2 * r], w[2 * r + 1]);\n";
static const char *const row_normal =
    "            for (int r = 0; r < 4; r += 2) {\n                T_%s s;\n"
    "                const T_%s radius = NAME(radius_%s)(w[r]), c = CIRCLE_%s(w[r + 1], &s);\n"
    "                to[r] = %sradius * c%s;\n                to[r + 1] = %sradius * s%s;\n            }\n";
static const char *const row_end =
    "            NAME(weave%d_@)(to);\n        }\n    }\n"
    "#if defined(__clang__) && !defined(BY_LANES)\n"
    "    return *(const NAME(some_@) *)((const E_@ *)k->v + (i - (first << %d)));\n"
    "#else\n    return vload16(0, (const E_@ *)k->v + (i - (first << %d)));\n#endif\n}\n";

static void add(clg__gen *n, clg__str *text, const char *name, clg_dtype t)
{
    if (text->failed)
        n->helpers.failed = true;
    else
        clg__need_function(n, clg__str_text(text), name, t);
    clg__str_free(text);
}

// weaveN_@(v): the lanes of N registers one after another, first all that are first.
static void need_weave(clg__gen *n, int each, clg_dtype t)
{
    clg__str s = { 0 };
    char name[16];
    clg__need_function(n, "#if defined(__clang__) && !defined(BY_LANES)\n" // NAME(some_@)
                          "typedef E_@ NAME(some_@) __attribute__((ext_vector_type(16), aligned(sizeof(E_@))));\n"
                          "#define LOW_@(a, b) __builtin_shufflevector(a, b, 0, 16, 1, 17, 2, 18, 3, 19, 4, 20, 5, 21, 6, 22, 7, 23)\n"
                          "#define HIGH_@(a, b) __builtin_shufflevector(a, b, 8, 24, 9, 25, 10, 26, 11, 27, 12, 28, 13, 29, 14, 30, "
                          "15, 31)\n#endif\n", "some", t);
    clg__str_printf(&s, "static inline void NAME(weave%d_@)(T_@ *v)\n{\n#if defined(__clang__) && !defined(BY_LANES)\n", each);
    clg__str_add(&s, each == 2 ? "    const T_@ a = v[0], b = v[1];\n    v[0] = LOW_@(a, b);\n    v[1] = HIGH_@(a, b);\n"
                               : "    const T_@ a = LOW_@(v[0], v[2]), b = LOW_@(v[1], v[3]);\n"
                                 "    const T_@ c = HIGH_@(v[0], v[2]), d = HIGH_@(v[1], v[3]);\n"
                                 "    v[0] = LOW_@(a, b);\n    v[1] = HIGH_@(a, b);\n    v[2] = LOW_@(c, d);\n"
                                 "    v[3] = HIGH_@(c, d);\n");
    clg__str_printf(&s, "#else\n    T_@ u[%d];\n    for (int r = 0; r < %d; r++)\n        u[r] = v[r];\n"
                    "    for (int i = 0; i < %d; i++)\n"
                    "        ((E_@ *)v)[i] = ((const E_@ *)u)[i %% %d * 16 + i / %d];\n#endif\n}\n", each, each, 16 * each,
                    each, each);
    clg__format(name, sizeof name, "weave%d", each);
    add(n, &s, name, t);
}

// Numbers of a block.
static int each_of(clg_dtype t, bool is_normal)
{
    return is_normal || clg_dtype_size(t) < 8 ? 4 : 2;
}

static void need_parts(clg__gen *n, clg_dtype t, bool is_normal)
{
    const clg_dtype as = clg__as(t);
    const int digits = clg__dtype_of(t)->digits;
    clg__str s = { 0 };
    if (is_normal) {
        clg__need(n, "LOG_UNIT", as);
        clg__need_function(n, as == CLG_F64 ? radius_f64 : radius, "radius", as);
        return;
    }
    if (t == CLG_F64 || t == CLG_I64)
        clg__str_add(&s, t == CLG_F64 ? unit_f64 : unit_i64);
    else
        clg__str_printf(&s, unit, 32 - digits, digits);
    add(n, &s, "unit", t);
}

static void need_one(clg__gen *n, clg_dtype t, bool is_normal, const char *index)
{
    const char *as = clg__suffix(clg__as(t));
    char round[24];
    clg__str s = { 0 };
    if (!strstr(clg__str_text(&n->helpers), pick))
        clg__str_add(&n->helpers, pick);
    if (n->vec > 1 && !strstr(clg__str_text(&n->helpers), "NAME(blocks)"))
        clg__str_add(&n->helpers, blocks16);
    if (is_normal) {
        clg__need(n, "COS_TURN", clg__as(t));
        clg__str_printf(&s, one_normal, index, clg__convert("RND", t, round), as, as, clg__converted(t));
    } else {
        clg__str_printf(&s, each_of(t, false) == 4 ? one_of_4 : one_of_2, index);
    }
    add(n, &s, is_normal ? "normal" : "uniform", t);
}

static void need_row(clg__gen *n, clg_dtype t, bool is_normal)
{
    const char *as = clg__suffix(clg__as(t)), *kind = is_normal ? "normal" : "uniform", *end = clg__converted(t);
    const int each = each_of(t, is_normal), shift = each == 4 ? 6 : 5;
    char round[24], name[24];
    clg__str s = { 0 };
    need_weave(n, each, t);
    clg__str_printf(&s, row_begin, 2 * each, kind, kind, kind, shift, shift, each, each, each);
    if (is_normal) {
        clg__need(n, "CIRCLE", clg__as(t));
        clg__convert("RND", t, round);
        clg__str_printf(&s, row_normal, as, as, as, as, round, end, round, end);
    } else {
        clg__str_add(&s, each == 4 ? row_of_4 : row_of_2);
    }
    clg__str_printf(&s, row_end, each, shift, shift);
    clg__format(name, sizeof name, "row_%s", kind);
    add(n, &s, name, t);
}

void clg__gen_random(clg__gen *n, int k, const char *index, bool row, clg__str *out)
{
    const clg__operand *o = &n->body->operands[k];
    const bool is_normal = o->random == CLG__RAND_NORMAL;
    const char *kind = is_normal ? "normal" : "uniform", *s = clg__suffix(o->dtype);
    clg__need_type(n, o->dtype);
    if (!strstr(clg__str_text(&n->helpers), "#define U_RAND"))
        clg__str_add(&n->helpers, n->vec > 1 ? philox16 : philox);
    need_parts(n, o->dtype, is_normal);
    n->kept[k] |= row;
    if (row) {
        need_row(n, o->dtype, is_normal);
        clg__str_printf(out, "NAME(row_%s_%s)(%s, seed%d, counter%d, &kept%d)", kind, s, index, k, k, k);
    } else {
        need_one(n, o->dtype, is_normal, n->vec > 1 ? "long16" : "long");
        clg__str_printf(out, "NAME(%s_%s)(%s, seed%d, counter%d)", kind, s, index, k, k);
    }
}

void clg__gen_kept(const clg__gen *n, clg__str *out)
{
    for (int k = 0; k < n->body->n_operands; k++) {
        const clg__operand *o = &n->body->operands[k];
        if (n->kept[k])
            clg__str_printf(out, "NAME(kept_%s_%s) kept%d;\nkept%d.first = kept%d.last = -1;\n",
                            o->random == CLG__RAND_NORMAL ? "normal" : "uniform", clg__suffix(o->dtype), k, k, k);
    }
}
