// SPDX-License-Identifier: MIT
// How the totals of a result become one, as text: lanes of a vector, work-items of a group, parts of the data.
// Floating sums are in sums.c.
#include "codegen/reduce.h"

#include "base/format.h"

// The 16 lanes, in a fixed tree.
static void fold_lanes(clg__reducer *r, int k)
{
    const clg__reduction *d = &r->body->reductions[k];
    const clg_dtype t = clg__red_type(r->body, d);
    const char *e = clg__register(t);
    clg__str *b = &r->elements.text;
    if (clg__red_is_sum(r, k)) {
        if (clg__red_owns(r, k))
            clg__sum_fold(r, k);
        return;
    }
    clg__str_printf(b, "%s f%d;\n", clg__red_is_arg(d->kind) ? "long" : e, k);
    if (clg__red_is_arg(d->kind))
        clg__str_printf(b, "%s fa%d;\n", e, k);
    clg__str_printf(b, "{ T_%s all = a%d;\n%s *t = (%s *)&all;\n", clg__suffix(t), k, e, e);
    if (clg__red_is_arg(d->kind)) {
        char before[40];
        clg__red_before(r, k, before);
        clg__str_printf(b,
                        "const long *x = (const long *)&x%d_;\nint w = 0;\n"
                        "for (int i = 1; i < 16; i++)\nw = %s(t[i], x[i], t[w], x[w]) ? i : w;\n"
                        "f%d = x[w];\nfa%d = t[w]; }\n",
                        k, before, k, k);
        return;
    }
    clg__str_add(b, "for (int h = 8; h > 0; h /= 2)\nfor (int i = 0; i < h; i++)\n");
    switch (d->kind) {
    case CLG__RED_SUM:
        clg__str_add(b, "t[i] = (long)((ulong)t[i] + (ulong)t[i + h]);\n"); // floating sums are folded above
        break;
    case CLG__RED_PROD:
        clg__str_add(b, clg_dtype_is_float(t) ? "t[i] = t[i] * t[i + h];\n"
                                              : "t[i] = (long)((ulong)t[i] * (ulong)t[i + h]);\n");
        break;
    case CLG__RED_ANY:
        clg__str_add(b, "t[i] = t[i] | t[i + h];\n");
        break;
    case CLG__RED_ALL:
        clg__str_add(b, "t[i] = t[i] & t[i + h];\n");
        break;
    default:
        clg__str_printf(b, "t[i] = t[i] %s t[i + h] || t[i] != t[i] ? t[i] : t[i + h];\n",
                        d->kind == CLG__RED_MAX ? ">" : "<");
    }
    clg__str_printf(b, "f%d = t[0]; }\n", k);
}

// GPU class: the items' values, through local memory.
static void fold_items(clg__reducer *r, int k)
{
    const clg__reduction *d = &r->body->reductions[k];
    const clg_dtype t = clg__red_type(r->body, d);
    clg__str *b = &r->elements.text;
    if (clg__red_is_sum(r, k)) {
        if (clg__red_owns(r, k))
            clg__sum_local_fold(r, k);
        return;
    }
    clg__str_printf(b, "l%d[lid] = a%d;\n", k, k);
    if (clg__red_is_arg(d->kind)) {
        char before[40];
        clg__red_before(r, k, before);
        clg__str_printf(b, "lx%d[lid] = x%d_;\n{\nlocal %s *v = l%d;\nlocal long *x = lx%d;\n", k, k,
                        clg__register(t), k, k);
        clg__str_printf(b, CLG__LOCAL_TREE "if (%s(v[lid + h], x[lid + h], v[lid], x[lid])) {\n"
                           "v[lid] = v[lid + h];\nx[lid] = x[lid + h];\n}\n}\n", before);
        clg__str_printf(b, "barrier(CLK_LOCAL_MEM_FENCE);\na%d = v[0];\nx%d_ = x[0];\n}\n", k, k);
        return;
    }
    char x[24], y[24];
    clg__format(x, sizeof x, "l%d[lid]", k);
    clg__format(y, sizeof y, "l%d[lid + h]", k);
    clg__str_printf(b, CLG__LOCAL_TREE "%s = ", x);
    clg__red_combine(&r->elements, b, d->kind, t, x, y);
    clg__str_printf(b, ";\n}\nbarrier(CLK_LOCAL_MEM_FENCE);\na%d = l%d[0];\n", k, k);
}

void clg__red_local(clg__reducer *r, clg__str *t, int k, int items)
{
    const clg__reduction *d = &r->body->reductions[k];
    const char *e = clg__register(clg__red_type(r->body, d));
    if (!clg__red_owns(r, k))
        return;
    clg__str_printf(t, "local %s l%d[%d];\n", e, k, items);
    if (clg__red_is_sum(r, k))
        clg__str_printf(t, "local %s lc%d[%d], ln%d[%d];\n", e, k, items, k, items);
    if (clg__red_is_arg(d->kind))
        clg__str_printf(t, "local long lx%d[%d];\n", k, items);
}

// The unit's totals: folded, or those of the lanes.
void clg__red_totals(clg__reducer *r, clg__str *b)
{
    const bool strips = clg__red_by_strips(r) && clg__red_has_sums(r);
    if (strips) {
        clg__str_add(b, "for (int w = 0; w < vectors; w++) {\n");
        clg__red_arrays_load(r, b, CLG__RED_TOTALS);
    }
    for (int k = 0; k < r->body->n_reductions && r->vec > 1; k++) {
        if (r->inner_reduced)
            fold_lanes(r, k);
        else if (clg__red_is_sum(r, k) && clg__red_owns(r, k))
            clg__sum_check(r, b, k);
    }
    clg__str_add(b, strips ? "}\n" : "");
    if (r->vec > 1)
        return;
    clg__str_add(b, "if (!alone) {\n");
    for (int k = 0; k < r->body->n_reductions; k++)
        fold_items(r, k);
    clg__str_add(b, "}\n");
}

// (a, x) or what comes before it in the part: t0 and its indices, of one lane or of those in [0, m).
static void join_arg(clg__reducer *r, clg__str *b, int k)
{
    const char *e = clg__register(clg__red_type(r->body, &r->body->reductions[k]));
    char before[40];
    clg__red_before(r, k, before);
    clg__str_printf(b, "global const long *x = index%d + part * n_keep + at;\n"
                       "%s *a = (%s *)&a%d;\nlong *ax = (long *)&x%d_;\n", k, e, e, k, k);
    clg__str_add(b, r->vec > 1 ? CLG__EDGE "for (int i = 0; i < m; i++)" : "const int i = 0;\n");
    clg__str_printf(b, "if (%s(((const %s *)&t0)[i], x[i], a[i], ax[i])) {\n"
                       "a[i] = ((const %s *)&t0)[i];\nax[i] = x[i];\n}\n", before, e, e);
}

void clg__red_join_parts(clg__reducer *r, clg__str *b)
{
    for (int k = 0; k < r->body->n_reductions; k++) {
        const clg__reduction *d = &r->body->reductions[k];
        const clg_dtype t = clg__red_type(r->body, d);
        const char *s = clg__suffix(t);
        if (!clg__red_owns(r, k))
            continue;
        clg__str_add(b, "{\n");
        for (int i = 0; i < clg__red_arrays(r, k); i++) {
            char from[96];
            clg__format(from, sizeof from, "part%d + (part + %d * parts) * n_keep + at", k, i);
            if (r->vec > 1 && clg__red_lanes_kept(r) == CLG__FULL) {
                clg__str_printf(b, "const T_%s t%d = LD_%s(%s);\n", s, i, s, from);
            } else if (r->vec > 1) { // lanes of no result join nothing
                clg__need_partial(&r->elements, t);
                clg__str_printf(b, "const T_%s t%d = whole ? LD_%s(%s) : NAME(ld_%s)(%s, 1, m);\n", s, i, s, from, s,
                                from);
            } else {
                clg__str_printf(b, "const T_%s t%d = *(%s);\n", s, i, from);
            }
        }
        if (clg__red_is_sum(r, k)) {
            clg__sum_meet(r, b, k, "t0", "t1", "t2");
        } else if (clg__red_is_arg(d->kind)) {
            join_arg(r, b, k);
        } else {
            char x[16];
            clg__format(x, sizeof x, "a%d", k);
            clg__str_printf(b, "a%d = ", k);
            clg__red_combine(&r->elements, b, d->kind, t, x, "t0");
            clg__str_add(b, ";\n");
        }
        clg__str_add(b, "}\n");
    }
}
