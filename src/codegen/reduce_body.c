// SPDX-License-Identifier: MIT
// A reduction's body, as text: the loop over the elements of a result, and what is done with its totals.
#include "codegen/reduce.h"

#include "base/format.h"

// The loop over the blocks [block0, block1) of one result (or 16 neighbouring ones).
void clg__red_loop(clg__reducer *r)
{
    clg__gen *n = &r->elements;
    clg__str *b = &n->text;
    clg__red_declare(r, b);
    clg__str_printf(b, "const long inner = g[%d], per = (inner + %d) / %d;\n", CLG__FROM_G(CLG__RED_INNER),
                    CLG__BLOCK - 1, CLG__BLOCK);
    clg__str_printf(b, "for (long block = block0; block < block1; block++) {\n"
                       "const long e0 = (block %% per) * %d, e1 = min(inner, e0 + %d);\n"
                       "const long outer = block / per;\n", CLG__BLOCK, CLG__BLOCK);
    if (r->n_outer)
        clg__gen_decompose(n, "outer", r->outer, r->n_outer);
    clg__red_begin_block(r, b);
    if (r->inner_reduced) {
        char index[96];
        const char *lanes = r->vec > 1 ? " + convert_long16(LANE16)" : "";
        clg__format(index, sizeof index, "(T_i64)(outer * inner + j)%s", lanes);
        clg__gen_bases(n, 0, n->run, clg__red_loop_skips);
        if (r->vec == 1)
            clg__str_add(b, "for (long j = e0 + lid; j < e1; j += step) {\n");
        else if (clg__long_row(r->n_inner)) // lanes below `skip` were summed before
            clg__str_add(b, "for (long k = e0; k < e1; k += 16) {\n"
                            "const long j = min(k, inner - 16);\nconst int skip = (int)(k - j);\n");
        else
            clg__str_add(b, "{\nconst long j = 0;\nconst int m = (int)inner;\n");
        const clg__lanes kind = r->vec == 1 ? CLG__ONE
                                : clg__long_row(r->n_inner) ? CLG__FULL : CLG__PARTIAL;
        clg__run_place(n);
        clg__gen_insns(n, 0, r->body->n_per_element, kind);
        clg__red_accumulate(r, kind, index);
        clg__str_add(b, "}\n");
    } else {
        clg__str_add(b, r->vec == 1 ? "for (long e = e0 + lid; e < e1; e += step) {\n"
                                    : "for (long e = e0; e < e1; e++) {\n");
        clg__gen_decompose(n, "e", r->inner, r->n_inner_dims);
        clg__gen_bases(n, 0, n->s.rank - 1, clg__red_loop_skips);
        const clg__lanes kind = clg__red_lanes_kept(r);
        clg__gen_insns(n, 0, r->body->n_per_element, kind);
        clg__red_accumulate(r, kind, "(T_i64)(outer * inner + e)");
        clg__str_add(b, "}\n");
    }
    clg__red_end_block(r, b);
    clg__str_add(b, "}\n");
}

// The reduced values "f{k}" as registers of the epilogue.
static void gen_results(clg__reducer *r, clg__str *b)
{
    for (int i = r->body->n_per_element; i < r->body->n_insns; i++) {
        const clg__insn *in = &r->body->insns[i];
        if (in->kind != CLG__I_REDUCED)
            continue;
        const char *s = clg__suffix(in->dtype);
        char round[24];
        clg__need_type(&r->elements, in->dtype);
        clg__str_printf(b, "const T_%s v%d = %s(T_%s)(f%d)%s;\n", s, i, clg__convert("RND", in->dtype, round), s,
                        in->operand, clg__converted(in->dtype));
    }
}

static const char *const lane_store =
    CLG__SELDOM "void NAME(put_@)(T_@ v, global $M *p, int skip, int m)\n{\n"
    "    if (skip == 0 && m == 16) {\n        ST_@(v, p);\n        return;\n    }\n" CLG__EDGE
    "    for (int i = skip; i < m; i++)\n        p[i] = $P(((E_@ *)&v)[i]);\n}\n";

// Lanes [skip, m) of `value` to to[at...].
static void store_lanes(clg__reducer *r, clg__str *b, clg_dtype t, const char *to, const char *value)
{
    clg__need_function(&r->elements, lane_store, "put", t);
    clg__str_printf(b, "NAME(put_%s)(%s, %s, skip, m);\n", clg__suffix(t), value, to);
}

static void gen_store(clg__reducer *r, clg__str *b, bool one)
{
    for (int i = 0; i < r->body->n_outputs; i++) {
        const clg__output *o = &r->body->outputs[i];
        char to[32], value[16], put[24];
        const char *end = clg__converted(o->dtype);
        clg__convert("PUT", o->dtype, put);
        clg__format(to, sizeof to, "q%d + at", i);
        clg__format(value, sizeof value, "v%d", o->insn);
        if (r->vec == 1)
            clg__str_printf(b, "q%d[at] = %sv%d%s;\n", i, put, o->insn, end);
        else if (one)
            clg__str_printf(b, "q%d[at] = %sv%d.s0%s;\n", i, put, o->insn, end);
        else
            store_lanes(r, b, o->dtype, to, value);
    }
}

// The epilogue over the kept elements: row, j and at are set.
void clg__red_epilogue(clg__reducer *r, clg__str *b, clg__lanes lanes)
{
    clg__gen *t = &r->epilogue;
    clg__str_clear(&t->text);
    clg__str_add(&t->text, "global const long *g = ge;\n");
    gen_results(r, &t->text);
    int dims[CLG_MAX_RANK];
    for (int d = 0; d < t->s.rank - 1; d++)
        dims[d] = d;
    if (t->s.rank > 1)
        clg__gen_decompose(t, "row", dims, t->s.rank - 1);
    clg__gen_bases(t, 0, t->s.rank - 1, clg__red_epilogue_skips);
    // definitions belong in front of the one function
    clg__str saved = t->helpers;
    t->helpers = r->elements.helpers;
    clg__gen_insns(t, r->body->n_per_element, r->body->n_insns, lanes);
    r->elements.helpers = t->helpers;
    t->helpers = saved;
    gen_store(r, &t->text, lanes == CLG__ONE);
    clg__str_printf(b, "{\n%s}\n", clg__str_text(&t->text));
    b->failed |= t->text.failed;
}

static void gen_partial_store(clg__reducer *r, clg__str *b, bool one)
{
    static const char *const total[] = { "a", "c", "n" };
    const bool folded = r->inner_reduced && r->vec > 1;
    for (int k = 0; k < r->body->n_reductions; k++) {
        const bool sum = clg__red_is_sum(r, k), arg = clg__red_is_arg(r->body->reductions[k].kind);
        if (arg && one)
            clg__str_printf(b, "index%d[part * n_keep + at] = %s%d%s;\n", k, folded ? "f" : "x", k, folded ? "" : "_");
        else if (arg)
            clg__str_printf(b, CLG__EDGE "for (int i = skip; i < m; i++)\n"
                               "index%d[part * n_keep + at + i] = ((long *)&x%d_)[i];\n", k, k);
        for (int i = 0; i < clg__red_arrays(r, k) && clg__red_owns(r, k); i++) {
            char to[96], value[16];
            clg__format(to, sizeof to, "part%d + (part + %d * parts) * n_keep + at", k, i);
            if (folded)
                clg__format(value, sizeof value, "f%s%d", sum ? total[i] : arg ? "a" : "", k);
            else
                clg__format(value, sizeof value, "%s%d%s", total[i], k, i == 2 ? "_" : "");
            if (one)
                clg__str_printf(b, "*(%s) = %s;\n", to, value);
            else
                store_lanes(r, b, clg__red_type(r->body, &r->body->reductions[k]), to, value);
        }
    }
}

// f{k}: the results. element: one per unit, from folded totals.
void clg__red_values(clg__reducer *r, clg__str *b, bool element)
{
    for (int k = 0; k < r->body->n_reductions; k++) {
        const bool arg = clg__red_is_arg(r->body->reductions[k].kind);
        if (clg__red_is_sum(r, k))
            clg__sum_result(r, b, k, element, element ? "f" : "");
        else if (!element)
            clg__str_printf(b, "const T_%s f%d = %s%d%s;\n",
                            arg ? "i64" : clg__suffix(clg__red_type(r->body, &r->body->reductions[k])), k,
                            arg ? "x" : "a", k, arg ? "_" : "");
    }
}

// What the unit stores: its part, or the results.
void clg__red_stores(clg__reducer *r, clg__str *b)
{
    const bool one = r->inner_reduced || r->vec == 1;
    // u is clamped in the GPU class: no barrier may stand where some items do not come
    if (r->vec == 1)
        clg__str_add(b, "if (unit < units && lid == 0) {\n");
    clg__str_add(b, "if (parts > 1) {\n");
    gen_partial_store(r, b, one);
    clg__str_add(b, "} else {\n");
    clg__red_values(r, b, r->inner_reduced && r->vec > 1);
    clg__red_epilogue(r, b, one ? CLG__ONE : clg__red_lanes_kept(r));
    clg__str_add(b, "}\n");
    if (r->vec == 1)
        clg__str_add(b, "}\n");
}
