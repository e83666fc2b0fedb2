// SPDX-License-Identifier: MIT
// Operands of rows of few elements, in the CPU class's pointwise kernels: what lies along the other dimension, as planes
// that become pixels or a number for each row, is loaded sixteen rows at a time and woven to vectors of the result by
// shuffles; what repeats with each row, as a bias, becomes vectors once. What is left goes by the tables of run.c.
#include "codegen/gen.h"

#include "base/format.h"

#include <string.h>

enum { MOST = 8 }; // elements of a row

static int width(const clg__gen *n)
{
    return (int) n->s.dim[n->s.rank - 1];
}

static bool repeats(const clg__gen *n, int k)
{
    return n->s.access[k].stride[n->run] == 0;
}

bool clg__weaves(const clg__gen *n, int k)
{
    return n->weave && clg__run_by_table(n, k) && n->body->operands[k].kind == CLG__FROM_BUFFER &&
           n->run == n->s.rank - 2 && width(n) <= MOST && clg__are_many(&n->s) && (repeats(n, k) || n->s.access[k].stride[n->run] == 1);
}

static bool any(const clg__gen *n)
{
    bool yes = false;
    for (int k = 0; k < n->body->n_operands; k++)
        yes |= clg__weaves(n, k);
    return yes;
}

void clg__weave_begin(clg__gen *n)
{
    for (int k = 0; k < n->body->n_operands; k++) {
        if (clg__weaves(n, k))
            clg__str_printf(&n->text, "T_%s tile%d[%d];\n", clg__suffix(n->body->operands[k].dtype), k, width(n));
    }
    if (any(n))
        clg__str_add(&n->text, "long woven = -1;\n");
}

// Vector `out` of 16 rows: of planes in0, in1, ..; or all of in0, an element a row.
static void gen_vector(clg__str *b, int out, int rows, bool planes)
{
    clg__str_printf(b, "    to[%d] = __builtin_shufflevector(in0, in%d", out, planes ? 1 : 0);
    for (int i = 0; i < 16; i++) {
        const int at = 16 * out + i;
        clg__str_printf(b, ", %d", at / rows + (planes && at % rows == 1 ? 16 : 0));
    }
    clg__str_add(b, ");\n");
    for (int plane = 2; planes && plane < rows; plane++) {
        clg__str_printf(b, "    to[%d] = __builtin_shufflevector(to[%d], in%d", out, out, plane);
        for (int i = 0; i < 16; i++) {
            const int at = 16 * out + i;
            clg__str_printf(b, ", %d", at % rows == plane ? 16 + at / rows : i);
        }
        clg__str_add(b, ");\n");
    }
}

static void need_weave(clg__gen *n, clg_dtype t, bool planes)
{
    const char *s = clg__suffix(t);
    const int rows = width(n);
    char name[48];
    clg__need_type(n, t);
    clg__format(name, sizeof name, "NAME(%s%d_%s)", planes ? "weave" : "spread", rows, s);
    if (strstr(clg__str_text(&n->helpers), name))
        return;
    clg__str *b = &n->helpers;
    clg__str_printf(b, CLG__SELDOM "void %s(T_%s *to, global const %s *p, long s)\n{\n"
                       "#if defined(__clang__) && !defined(BY_LANES)\n", name, s, clg__memory(t));
    for (int plane = 0; plane < (planes ? rows : 1); plane++)
        clg__str_printf(b, "    const T_%s in%d = LD_%s(p + %d * s);\n", s, plane, s, plane);
    for (int out = 0; out < rows; out++)
        gen_vector(b, out, rows, planes);
    char from[24];
    clg__str_printf(b, "#else\n    for (int i = 0; i < %d; i++)\n        ((E_%s *)to)[i] = %sp[i / %d + i %% %d * s]%s;\n#endif\n}\n",
                    16 * rows, s, clg__convert("GET", t, from), rows, rows, clg__converted(t));
}

// Where sixteen rows begin that end before `to`; sets `in`: is the vector one of the woven ones?
void clg__weave(clg__gen *n)
{
    const int rows = width(n);
    if (!any(n))
        return;
    clg__str_printf(&n->text, "if (c == 0 && j + %d <= to && (woven < 0 || j >= woven + %d)) {\n", 16 * rows, 16 * rows);
    for (int again = 0; again < 2; again++) {
        clg__str_add(&n->text, again ? "woven = j;\n" : "if (woven < 0) {\n");
        for (int k = 0; k < n->body->n_operands; k++) {
            const clg_dtype t = n->body->operands[k].dtype;
            const bool planes = n->s.access[k].stride[n->s.rank - 1] != 0;
            if (!clg__weaves(n, k) || repeats(n, k) == again)
                continue;
            if (again) {
                need_weave(n, t, planes);
                clg__str_printf(&n->text, "NAME(%s%d_%s)(tile%d, p%d + t%d, %s%d);\n", planes ? "weave" : "spread", rows,
                                clg__suffix(t), k, k, k, planes ? "s" : "0 * s", k);
            } else
                clg__str_printf(&n->text, "for (int r = 0; r < %d; r++)\n"
                                "tile%d[r] = NAME(ldo_%s)(p%d, (const long *)&o%d[16 * r %% step]);\n",
                                rows, k, clg__suffix(t), k, k);
        }
        clg__str_add(&n->text, "}\n");
    }
    clg__str_printf(&n->text, "const int in = woven >= 0 && j < woven + %d && !(j - woven & 15);\n", 16 * rows);
}
