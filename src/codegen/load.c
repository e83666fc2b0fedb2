// SPDX-License-Identifier: MIT
// Operands as text: elements of buffers, whole vectors or in part, with any step, through a window; numbers that follow
// from an index; arguments.
#include "codegen/gen.h"

#include "base/format.h"

#include <string.h>

// Loops of their own: as functions that stay functions, compilers see them once.
static const char *const partial_load =
    CLG__SELDOM "T_@ NAME(ld_@)(global const $M *p, long step, int m)\n{\n    T_@ t = (T_@)(0);\n"
    CLG__EDGE "    for (int i = 0; i < m; i++)\n        ((E_@ *)&t)[i] = $G(p[i * step]);\n"
    "    return t;\n}\n";
static const char *const strided_load =
    "static inline T_@ NAME(lds_@)(global const $M *p, long s)\n{\n"
    "    return $(p[0], p[s], p[2 * s], p[3 * s], p[4 * s], p[5 * s], p[6 * s], p[7 * s],\n"
    "                 p[8 * s], p[9 * s], p[10 * s], p[11 * s], p[12 * s], p[13 * s], p[14 * s],\n"
    "                 p[15 * s]$);\n}\n";
// What a window shows in part, most often all lanes but one or two: by two vectors that overlap, unless elements are
// converted.
static const char *const window_load =
    "#if defined(__clang__) && !defined(BY_LANES)\n"
    "typedef E_@ NAME(half_@) __attribute__((ext_vector_type(8), aligned(sizeof(E_@))));\n#endif\n"
    CLG__SELDOM "T_@ NAME(lde_@)(global const $M *p, int inside, long j, long lo, long hi,\n"
    "                       long step, int m, E_@ fill)\n{\n    T_@ t = (T_@)(fill);\n"
    "    const int a = (int)max(0L, lo - j), b = inside ? (int)min((long)m, hi - j) : 0;\n"
    "#if defined(__clang__) && !defined(BY_LANES)\n"
    "    if (step == 1 && b - a >= 8 && sizeof(E_@) == sizeof($M)) {\n"
    "        global const E_@ *from = (global const E_@ *)p + j;\n        E_@ *to = (E_@ *)&t;\n"
    "        const NAME(half_@) low = *(global const NAME(half_@) *)(from + a);\n"
    "        *(NAME(half_@) *)(to + b - 8) = *(global const NAME(half_@) *)(from + b - 8);\n"
    "        *(NAME(half_@) *)(to + a) = low;\n        return t;\n    }\n"
    "#endif\n" CLG__EDGE
    "    for (int i = a; i < b; i++)\n"
    "        ((E_@ *)&t)[i] = $G(p[(j + i) * step]);\n"
    "    return t;\n}\n"
    "static inline T_@ NAME(ldw_@)(global const $M *p, int inside, long j, long lo, long hi,\n"
    "                              long step, int m, E_@ fill)\n{\n"
    "    if (step == 1 && inside && m == 16 && j >= lo && j + 16 <= hi)\n"
    "        return LD_@(p + j);\n"
    "    return NAME(lde_@)(p, inside, j, lo, hi, step, m, fill);\n}\n";

void clg__need_partial(clg__gen *n, clg_dtype t)
{
    clg__need_function(n, partial_load, "ld", t);
}

void clg__need_strided(clg__gen *n, const char *text, const char *name, clg_dtype t)
{
    clg__need_function(n, strided_load, "lds", t);
    clg__need_function(n, text, name, t);
}

// Sixteen elements a small constant step apart: what lies between is loaded with them, and no element behind the last.
enum { CLOSE = 8 };
static void need_close(clg__gen *n, clg_dtype t, int step)
{
    const char *s = clg__suffix(t);
    char mark[48];
    clg__need_function(n, strided_load, "lds", t);
    clg__format(mark, sizeof mark, "NAME(lds%d_%s)", step, s);
    if (strstr(clg__str_text(&n->helpers), mark))
        return;
    clg__str_printf(&n->helpers, "static inline T_%s %s(global const %s *p)\n{\n#if defined(__clang__) && !defined(BY_LANES)\n"
                                 "    T_%s t = LD_%s(p);\n", s, mark, clg__memory(t), s, s);
    for (int k = 1; k < step; k++) { // from its first element on
        const int first = k + 1 < step ? 16 * k : 15 * step - 15;
        clg__str_printf(&n->helpers, "    t = __builtin_shufflevector(t, LD_%s(p + %d)", s, first);
        for (int i = 0; i < 16; i++) {
            const int at = i * step;
            clg__str_printf(&n->helpers, ", %d", at >= 16 * k ? 16 + (at - first) % 16 : k > 1 || at > 15 ? i : at);
        }
        clg__str_add(&n->helpers, ");\n");
    }
    clg__str_printf(&n->helpers, "    return t;\n#else\n    return NAME(lds_%s)(p, %d);\n#endif\n}\n", s, step);
}

// Four rounds exchange blocks of 1, 2, 4 and 8 lanes of two registers.
void clg__need_turn(clg__gen *n, clg_dtype t)
{
    const char *s = clg__suffix(t);
    char mark[48];
    clg__format(mark, sizeof mark, "NAME(turn_%s)", s);
    if (strstr(clg__str_text(&n->helpers), mark))
        return;
    clg__str_printf(&n->helpers, "static inline void %s(T_%s *r)\n{\n#if defined(__clang__) && !defined(BY_LANES)\n", mark, s);
    for (int d = 1; d < 16; d *= 2) {
        clg__str_printf(&n->helpers, "_Pragma(\"unroll\")\n    for (int i = 0; i < 16; i++)\n        if (!(i & %d)) {\n", d);
        for (int odd = 0; odd < 2; odd++) {
            clg__str_printf(&n->helpers, "            const T_%s %s = __builtin_shufflevector(r[i], r[i + %d]", s,
                            odd ? "odd" : "even", d);
            for (int i = 0; i < 16; i++)
                clg__str_printf(&n->helpers, ", %d", i & d ? 16 + i - (odd ? 0 : d) : i + (odd ? d : 0));
            clg__str_add(&n->helpers, ");\n");
        }
        clg__str_printf(&n->helpers, "            r[i] = even;\n            r[i + %d] = odd;\n        }\n", d);
    }
    clg__str_printf(&n->helpers, "#else\n    E_%s *e = (E_%s *)r;\n    for (int i = 0; i < 16; i++)\n"
                    "        for (int j = 0; j < i; j++) {\n            const E_%s x = e[16 * i + j];\n"
                    "            e[16 * i + j] = e[16 * j + i];\n            e[16 * j + i] = x;\n        }\n#endif\n}\n",
                    s, s, s);
}

static void load_window(clg__gen *n, int k, clg__lanes lanes)
{
    const clg__operand *o = &n->body->operands[k];
    const char *suffix = clg__suffix(o->dtype), *end = clg__converted(o->dtype);
    char fill[64], from[24];
    clg__literal(fill, o->dtype, o->fill);
    clg__convert("GET", o->dtype, from);
    if (n->vec == 1) {
        clg__str_printf(&n->text, "w%d && j >= lo%d && j < hi%d ? %sp%d[j * s%d]%s : (E_%s)(%s)", k, k,
                        k, from, k, k, end, suffix, fill);
        return;
    }
    clg__need_function(n, window_load, "ldw", o->dtype);
    if (lanes == CLG__ONE)
        clg__str_printf(&n->text,
                        "(T_%s)(w%d && j >= lo%d && j < hi%d ? %sp%d[j * s%d]%s : (E_%s)(%s))", suffix,
                        k, k, k, from, k, k, end, suffix, fill);
    else
        clg__str_printf(&n->text, "NAME(ldw_%s)(p%d, w%d, j, lo%d, hi%d, s%d, %s, (E_%s)(%s))",
                        suffix, k, k, k, k, k, lanes == CLG__FULL ? "16" : "m", suffix, fill);
}

static void load_buffer(clg__gen *n, int k, clg__lanes lanes)
{
    const clg__operand *o = &n->body->operands[k];
    const int64_t step = n->s.access[k].stride[n->s.rank - 1];
    const char *suffix = clg__suffix(o->dtype), *end = clg__converted(o->dtype);
    const bool close = step > 1 && step <= CLOSE && clg__are_many(&n->s);
    char from[24];
    clg__convert("GET", o->dtype, from);
    if (n->tile[k]) {
        clg__str_printf(&n->text, n->s.access[k].stride[n->turned] < 0 ? "tile%d[15 - r]" : "tile%d[r]", k);
    } else if (n->split[k]) {
        char fill[64];
        clg__run_load(n, k, lanes, clg__literal(fill, o->dtype, o->fill));
    } else if (n->s.access[k].windowed) {
        load_window(n, k, lanes);
    } else if (step == 0) {
        clg__str_printf(&n->text, "(T_%s)(%sp%d[0]%s)", suffix, from, k, end);
    } else if ((lanes == CLG__ONE || n->vec == 1) && step == 1) {
        clg__str_printf(&n->text, "(T_%s)(%sp%d[j]%s)", suffix, from, k, end);
    } else if (lanes == CLG__ONE || n->vec == 1) {
        clg__str_printf(&n->text, "(T_%s)(%sp%d[j * s%d]%s)", suffix, from, k, k, end);
    } else if (lanes == CLG__NEAR && step == 1) {
        clg__need_partial(n, o->dtype);
        clg__str_printf(&n->text, "whole ? LD_%s(p%d + j) : NAME(ld_%s)(p%d + j, 1, m)", suffix, k, suffix, k);
    } else if (lanes == CLG__NEAR && close) {
        clg__need_partial(n, o->dtype);
        need_close(n, o->dtype, (int) step);
        clg__str_printf(&n->text, "whole ? NAME(lds%d_%s)(p%d + j * s%d) : NAME(ld_%s)(p%d + j * s%d, s%d, m)",
                        (int) step, suffix, k, k, suffix, k, k, k);
    } else if (lanes == CLG__NEAR) {
        clg__need_partial(n, o->dtype);
        clg__need_function(n, strided_load, "lds", o->dtype);
        clg__str_printf(&n->text, "whole ? NAME(lds_%s)(p%d + j * s%d, s%d) : NAME(ld_%s)(p%d + j * s%d, s%d, m)",
                        suffix, k, k, k, suffix, k, k, k);
    } else if (lanes == CLG__PARTIAL) {
        clg__need_partial(n, o->dtype);
        if (step == 1)
            clg__str_printf(&n->text, "NAME(ld_%s)(p%d + j, 1, m)", suffix, k);
        else
            clg__str_printf(&n->text, "NAME(ld_%s)(p%d + j * s%d, s%d, m)", suffix, k, k, k);
    } else if (step == 1) {
        clg__str_printf(&n->text, "LD_%s(p%d + j)", suffix, k);
    } else if (close) {
        need_close(n, o->dtype, (int) step);
        clg__str_printf(&n->text, "NAME(lds%d_%s)(p%d + j * s%d)", (int) step, suffix, k, k);
    } else {
        clg__need_function(n, strided_load, "lds", o->dtype);
        clg__str_printf(&n->text, "NAME(lds_%s)(p%d + j * s%d, s%d)", suffix, k, k, k);
    }
}

static void load_index(clg__gen *n, int k, clg__lanes lanes)
{
    const clg__operand *o = &n->body->operands[k];
    char index[160];
    const bool still = !n->split[k] && n->s.access[k].stride[n->s.rank - 1] == 0;
    const bool many = n->vec > 1 && lanes != CLG__ONE && !still;
    const bool row = many && n->rows && !n->split[k] && o->kind == CLG__FROM_RANDOM &&
                     n->s.access[k].stride[n->s.rank - 1] == 1;
    if (still) // so that compilers see that it is one along the row
        clg__format(index, sizeof index, n->vec > 1 ? "(long16)(p%d)" : "p%d", k);
    else
        clg__format(index, sizeof index, many ? "((long16)(p%d + j * s%d) + LANES * (long16)(s%d))"
                                         : n->vec > 1 ? "(long16)(p%d + j * s%d)"
                                                      : "(p%d + j * s%d)",
                    k, k, k);
    if (row)
        clg__format(index, sizeof index, "p%d + j", k);
    if (many && !row && !strstr(clg__str_text(&n->helpers), "#define LANES"))
        clg__str_add(&n->helpers, "#define LANES (long16)(0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, "
                               "13, 14, 15)\n");
    if (n->split[k])
        clg__run_index(n, k, lanes, index, sizeof index);
    clg__need_type(n, o->dtype);
    if (o->kind == CLG__FROM_RANDOM) {
        clg__gen_random(n, k, index, row, &n->text);
        return;
    }
    const char *suffix = clg__suffix(o->dtype);
    char start[64], step[64];
    clg__literal(start, o->dtype, o->a);
    clg__literal(step, o->dtype, o->b);
    if (clg__is_packed(o->dtype)) // start and step are those of the register's type
        clg__str_printf(&n->text, "RND_%s(CT_%s(%s) * (T_%s)((E_%s)(%s)) + (T_%s)((E_%s)(%s)))", suffix, suffix, index,
                        suffix, suffix, clg__literal(step, clg__as(o->dtype), o->b), suffix, suffix,
                        clg__literal(start, clg__as(o->dtype), o->a));
    else if (clg_dtype_is_float(o->dtype))
        clg__str_printf(&n->text, "CT_%s(%s) * (T_%s)((E_%s)(%s)) + (T_%s)((E_%s)(%s))", suffix, index,
                        suffix, suffix, step, suffix, suffix, start);
    else
        clg__str_printf(&n->text, "CT_%s(%s * (long)(%s) + (long)(%s))", suffix, index, step, start);
}

void clg__gen_load(clg__gen *n, int k, clg__lanes lanes)
{
    const clg__operand *o = &n->body->operands[k];
    clg__need_type(n, o->dtype);
    if (o->kind == CLG__FROM_SCALAR)
        clg__str_printf(&n->text, "(T_%s)(x%d)", clg__suffix(o->dtype), k);
    else if (o->kind == CLG__FROM_BUFFER)
        load_buffer(n, k, lanes);
    else
        load_index(n, k, lanes);
}
