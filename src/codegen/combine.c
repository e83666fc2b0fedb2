// SPDX-License-Identifier: MIT
// What reductions do to values, as text: identities, steps, folds. Floating sums are in sums.c.
#include "codegen/reduce.h"

#include "base/format.h"

#include <string.h>

bool clg__red_is_arg(clg__reduce_kind k)
{
    return k == CLG__RED_ARGMAX || k == CLG__RED_ARGMIN;
}

clg_dtype clg__red_type(const clg__group *g, const clg__reduction *r)
{
    return r->kind == CLG__RED_ANY || r->kind == CLG__RED_ALL ? CLG_BOOL : clg__as(g->insns[r->src].dtype);
}

bool clg__red_is_sum(const clg__reducer *r, int k)
{
    const clg__reduce_kind kind = r->g->reductions[k].kind;
    return kind >= CLG__RED_MEAN ||
           (kind == CLG__RED_SUM && clg_dtype_is_float(r->g->reductions[k].dtype));
}

bool clg__red_owns(const clg__reducer *r, int k)
{
    return r->owner[k] == k;
}

const char *clg__red_identity(clg__reduce_kind k, clg_dtype t)
{
    const bool low = k == CLG__RED_MAX || k == CLG__RED_ARGMAX;
    if (k == CLG__RED_SUM || k == CLG__RED_ANY || k >= CLG__RED_MEAN)
        return "0";
    if (k == CLG__RED_ALL)
        return "1";
    return low ? clg__dtype_of(t)->low : clg__dtype_of(t)->high;
}

void clg__red_combine(clg__gen *n, clg__str *out, clg__reduce_kind k, clg_dtype t, const char *x,
                      const char *y)
{
    const char *s = clg__suffix(t);
    if (k == CLG__RED_SUM && !clg_dtype_is_float(t)) { // I64, wraps
        clg__need(n, "U", t);
        clg__str_printf(out, "S_i64(U_i64(%s) + U_i64(%s))", x, y);
    } else if (k == CLG__RED_SUM)
        clg__str_printf(out, "%s + %s", x, y);
    else if (k == CLG__RED_ANY)
        clg__str_printf(out, "%s | %s", x, y);
    else if (k == CLG__RED_ALL)
        clg__str_printf(out, "%s & %s", x, y);
    else {
        const char *word = k == CLG__RED_MAX ? "H_MAX" : "H_MIN";
        clg__need(n, word, t);
        clg__str_printf(out, "%s_%s(%s, %s)", word, s, x, y);
    }
}

void clg__red_declare(clg__reducer *r, clg__str *b)
{
    for (int k = 0; k < r->g->n_reductions; k++) {
        const clg__reduction *d = &r->g->reductions[k];
        const clg_dtype t = clg__red_type(r->g, d);
        const char *s = clg__suffix(t);
        clg__need_type(&r->body, t);
        if (clg__red_is_sum(r, k)) {
            if (clg__red_owns(r, k))
                clg__sum_declare(r, b, k);
            continue;
        }
        clg__str_printf(b, "T_%s a%d = (T_%s)((E_%s)(%s));\n", s, k, s, s,
                        clg__red_identity(d->kind, t));
        if (clg__red_is_arg(d->kind)) {
            clg__need_type(&r->body, CLG_I64);
            clg__str_printf(b, "T_i64 x%d_ = (T_i64)(LONG_MAX);\n", k);
        }
    }
}

bool clg__red_has_sums(const clg__reducer *r)
{
    bool yes = false;
    for (int k = 0; k < r->g->n_reductions; k++)
        yes |= clg__red_is_sum(r, k);
    return yes;
}

static bool is_integer_sum(const clg__reducer *r, int k)
{
    return r->g->reductions[k].kind == CLG__RED_SUM && !clg__red_is_sum(r, k);
}

// A block may be done again, so only what may see an element twice goes on without a block's own
// value.
void clg__red_begin_block(clg__reducer *r, clg__str *b)
{
    if (clg__red_has_sums(r))
        clg__str_add(b, "int again;\ndo {\nagain = 0;\n");
    for (int k = 0; k < r->g->n_reductions; k++) {
        const char *s = clg__suffix(clg__red_type(r->g, &r->g->reductions[k]));
        if (clg__red_is_sum(r, k) && clg__red_owns(r, k))
            clg__sum_begin_block(r, b, k);
        else if (is_integer_sum(r, k))
            clg__str_printf(b, "T_%s s%d_ = (T_%s)(0);\n", s, k, s);
    }
}

void clg__red_end_block(clg__reducer *r, clg__str *b)
{
    clg__str_add(b, clg__red_has_sums(r) && r->vec > 1 ? "if (careful) {\n" : "");
    for (int k = 0; k < r->g->n_reductions; k++) {
        if (clg__red_is_sum(r, k) && clg__red_owns(r, k))
            clg__sum_check_block(r, b, k);
    }
    clg__str_add(b, !clg__red_has_sums(r) ? ""
                    : r->vec > 1          ? "if (again)\ncontinue;\n}\n"
                                          : "if (again)\ncontinue;\n");
    for (int k = 0; k < r->g->n_reductions; k++) {
        if (clg__red_is_sum(r, k) && clg__red_owns(r, k))
            clg__sum_end_block(r, b, k);
        else if (is_integer_sum(r, k))
            clg__str_printf(b, "a%d = S_i64(U_i64(a%d) + U_i64(s%d_));\n", k, k, k);
    }
    clg__str_add(b, clg__red_has_sums(r) ? "} while (again);\n" : "");
}

static void accumulate_arg(clg__reducer *r, clg__str *b, int k, const char *index, const char *mask)
{
    const clg__reduction *d = &r->g->reductions[k];
    const clg_dtype t = clg__red_type(r->g, d);
    const char *s = clg__suffix(t), *op = d->kind == CLG__RED_ARGMAX ? ">" : "<";
    const char *wide = r->vec > 1 && clg_dtype_size(t) != 8
                           ? "convert_long16"
                           : "";
    clg__str_printf(b, "{ const T_%s v = v%d;\nconst T_i64 at = %s;\n", s, d->src, index);
    // the first NaN wins, else the first extreme; indices rise, so a tie keeps the older
    clg__str_printf(b,
                    "const I_%s better = ((v %s a%d) | ((v != v) & (a%d == a%d)) |\n"
                    "CI_%s(x%d_ == (T_i64)(LONG_MAX)))%s;\n",
                    s, op, k, k, k, s, k, mask);
    clg__str_printf(b, "a%d = better ? v : a%d;\nx%d_ = %s(better) ? at : x%d_; }\n", k, k, k, wide,
                    k);
}

void clg__red_accumulate(clg__reducer *r, clg__lanes lanes, const char *index)
{
    clg__str *b = &r->body.body;
    char mask[128];
    for (int k = 0; k < r->g->n_reductions; k++) {
        const clg__reduction *d = &r->g->reductions[k];
        const clg_dtype t = clg__red_type(r->g, d), from = r->g->insns[d->src].dtype;
        const char *s = clg__suffix(t);
        if (!clg__red_owns(r, k))
            continue;
        const bool masked = r->row && r->vec > 1;
        const char *part = lanes == CLG__FULL ? ">= (I_%s)(skip)" : "< (I_%s)(m)";
        char value[96], which[64];
        clg__format(which, sizeof which, part, s);
        clg__format(mask, sizeof mask, masked ? " & (CI_%s(LANE16) %s)" : "", s, which);
        if (clg__red_is_arg(d->kind)) {
            accumulate_arg(r, b, k, index, mask);
            continue;
        }
        clg__format(value, sizeof value, "v%d", d->src);
        clg__str_printf(b, "{ T_%s v = ", s);
        clg__gen_cast(&r->body, b, from, t, value);
        clg__str_add(b, ";\n");
        if (masked)
            clg__str_printf(b, "%sv = (CI_%s(LANE16) %s) ? v : (T_%s)((E_%s)(%s));\n",
                            lanes == CLG__FULL ? "if (skip)\n" : "", s, which, s, s, clg__red_identity(d->kind, t));
        if (clg__red_is_sum(r, k)) {
            clg__sum_accumulate(r, b, k);
            continue;
        }
        char a[16];
        clg__format(a, sizeof a, is_integer_sum(r, k) ? "s%d_" : "a%d", k);
        clg__str_printf(b, "%s = ", a);
        clg__red_combine(&r->body, b, d->kind, t, a, "v");
        clg__str_add(b, "; }\n");
    }
}

void clg__red_fold(clg__reducer *r, int k)
{
    const clg__reduction *d = &r->g->reductions[k];
    const clg_dtype t = clg__red_type(r->g, d);
    const char *e = clg__register(t);
    clg__str *b = &r->body.body;
    if (clg__red_is_sum(r, k)) {
        if (clg__red_owns(r, k))
            clg__sum_fold(r, k);
        return;
    }
    clg__str_printf(b, "%s f%d;\n", clg__red_is_arg(d->kind) ? "long" : e, k);
    clg__str_printf(b, "{ T_%s all = a%d;\n%s *t = (%s *)&all;\n", clg__suffix(t), k, e, e);
    if (clg__red_is_arg(d->kind)) {
        const char *op = d->kind == CLG__RED_ARGMAX ? ">" : "<";
        clg__str_printf(b,
                        "long *x = (long *)&x%d_;\nint w = 0;\n"
                        "for (int i = 1; i < 16; i++) {\n"
                        "const int nan = t[i] != t[i], old = t[w] != t[w];\n"
                        "const int better = nan ? !old || x[i] < x[w] : !old && (t[i] %s t[w] || "
                        "(t[i] == t[w] && x[i] < x[w]));\n"
                        "w = x[w] == LONG_MAX || (x[i] != LONG_MAX && better) ? i : w;\n}\n"
                        "f%d = x[w]; }\n",
                        k, op, k);
        return;
    }
    clg__str_add(b, "for (int h = 8; h > 0; h /= 2)\nfor (int i = 0; i < h; i++)\n");
    switch (d->kind) {
    case CLG__RED_SUM:
        clg__str_add(b, "t[i] = (long)((ulong)t[i] + (ulong)t[i + h]);\n"); // floating sums are folded above
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

void clg__red_local_fold(clg__reducer *r, int k)
{
    const clg__reduction *d = &r->g->reductions[k];
    const clg_dtype t = clg__red_type(r->g, d);
    clg__str *b = &r->body.body;
    if (clg__red_is_sum(r, k)) {
        if (clg__red_owns(r, k))
            clg__sum_local_fold(r, k);
        return;
    }
    clg__str_printf(b, "l%d[lid] = a%d;\n", k, k);
    if (clg__red_is_arg(d->kind)) {
        const char *op = d->kind == CLG__RED_ARGMAX ? ">" : "<";
        clg__str_printf(b, "lx%d[lid] = x%d_;\n" CLG__LOCAL_TREE "{\n", k, k);
        clg__str_printf(b,
                        "const int o = lid + h;\n"
                        "const int nan = l%d[o] != l%d[o], old = l%d[lid] != l%d[lid];\n"
                        "const int better = nan ? !old || lx%d[o] < lx%d[lid] : !old && "
                        "(l%d[o] %s l%d[lid] || (l%d[o] == l%d[lid] && lx%d[o] < lx%d[lid]));\n"
                        "if (lx%d[lid] == LONG_MAX || (lx%d[o] != LONG_MAX && better)) {\n"
                        "l%d[lid] = l%d[o];\nlx%d[lid] = lx%d[o];\n}\n}\n}\n",
                        k, k, k, k, k, k, k, op, k, k, k, k, k, k, k, k, k, k, k);
        clg__str_printf(b, "barrier(CLK_LOCAL_MEM_FENCE);\nx%d_ = lx%d[0];\n", k, k);
        return;
    }
    char x[24], y[24];
    clg__format(x, sizeof x, "l%d[lid]", k);
    clg__format(y, sizeof y, "l%d[lid + h]", k);
    clg__str_printf(b, CLG__LOCAL_TREE "%s = ", x);
    clg__red_combine(&r->body, b, d->kind, t, x, y);
    clg__str_printf(b, ";\n}\nbarrier(CLK_LOCAL_MEM_FENCE);\na%d = l%d[0];\n", k, k);
}

void clg__red_local(clg__reducer *r, clg__str *t, int k, int items)
{
    const clg__reduction *d = &r->g->reductions[k];
    const char *e = clg__register(clg__red_type(r->g, d));
    if (!clg__red_owns(r, k))
        return;
    clg__str_printf(t, "local %s l%d[%d];\n", e, k, items);
    if (clg__red_is_sum(r, k))
        clg__str_printf(t, "local %s lc%d[%d], ln%d[%d];\n", e, k, items, k, items);
    if (clg__red_is_arg(d->kind))
        clg__str_printf(t, "local long lx%d[%d];\n", k, items);
}
