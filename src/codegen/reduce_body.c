// SPDX-License-Identifier: MIT
// A reduction's body, as text: the loop over the elements of a result, and what is done with its totals.
#include "codegen/reduce.h"

#include "base/format.h"

enum { TILE_ROW = 5, FEW_COLUMNS = 4 }; // elements of a row that is read by tiles; columns that are not

// GPU class: the elements of a block, every step-th.
static void gen_items(clg__reducer *r)
{
    clg__gen *n = &r->elements;
    clg__str *b = &n->text;
    if (r->inner_reduced) {
        clg__gen_bases(n, 0, n->run, clg__red_loop_skips);
        clg__str_add(b, "for (long j = e0 + lid; j < e1; j += step) {\n");
        clg__run_place(n);
        clg__gen_insns(n, 0, r->body->n_per_element, CLG__ONE);
        clg__red_accumulate(r, CLG__ONE, "(T_i64)(outer * inner + j)");
    } else {
        clg__str_add(b, "for (long e = e0 + lid; e < e1; e += step) {\n");
        clg__gen_decompose(n, "e", r->inner, r->n_inner_dims);
        clg__gen_bases(n, 0, n->s.rank - 1, clg__red_loop_skips);
        clg__gen_insns(n, 0, r->body->n_per_element, CLG__ONE);
        clg__red_accumulate(r, CLG__ONE, "(T_i64)(outer * inner + e)");
    }
    clg__str_add(b, "}\n");
}

// CPU class, lanes along a row. Those below `skip` were summed before.
static void gen_row(clg__reducer *r)
{
    clg__gen *n = &r->elements;
    clg__str *b = &n->text;
    n->rows = true;
    clg__gen_bases(n, 0, n->run, clg__red_loop_skips);
    clg__str_add(b, "for (long k = e0; k < e1; k += 16) {\n"
                    "const long j = min(k, inner - 16);\nconst int skip = (int)(k - j);\n");
    clg__run_place(n);
    clg__gen_insns(n, 0, r->body->n_per_element, CLG__FULL);
    clg__red_accumulate(r, CLG__FULL, "(T_i64)(outer * inner + j) + convert_long16(LANE16)");
    clg__str_add(b, "}\n");
}

// Rows of a narrow matrix, as many as a vector holds. What lies behind them may be read where there are more.
static void gen_packed(clg__reducer *r)
{
    clg__gen *n = &r->elements;
    clg__str *b = &n->text;
    n->rows = true;
    clg__gen_bases(n, 0, n->run, clg__red_loop_skips);
    clg__str_add(b, "for (long i = e0; i < e1; i += rows) {\nconst long j = i * narrow;\n"
                    "const int m = (int)(min(rows, e1 - i) * narrow), whole = j + 16 <= inner * narrow;\n");
    if (n->tables) {
        clg__str_add(b, "const long lead = i;\nconst int c = i + rows > inner;\n");
        clg__run_lead(n, clg__red_loop_skips);
    }
    clg__run_place(n);
    clg__gen_insns(n, 0, r->body->n_per_element, CLG__NEAR);
    clg__red_accumulate(r, CLG__NEAR, "(T_i64)(outer * inner + i) + row_of");
    clg__str_add(b, "}\n");
}

// Rows that are one dimension, whose elements lie side by side and which follow each other with one step: operands that
// lanes along rows read by tiles of 16 rows and 16 elements, turned in registers, and not element by element. The order
// of a sum is the same.
static bool find_tiles(clg__reducer *r)
{
    clg__gen *n = &r->elements;
    bool some = false;
    if (!r->flat || r->n_inner_dims != 1 || r->n_inner < TILE_ROW ||
        !clg__are_many(&n->s))
        return false;
    n->turned = r->inner[0];
    for (int k = 0; k < r->body->n_operands; k++) {
        const clg__access *a = &n->s.access[k];
        n->tile[k] = r->body->operands[k].kind == CLG__FROM_BUFFER && !n->split[k] && !a->windowed &&
                     !clg__red_loop_skips(n, k) && a->stride[r->inner[0]] == 1 && a->stride[n->s.rank - 1] > 1;
        some |= n->tile[k];
    }
    return some;
}

static bool is_no_tile(const clg__gen *n, int k)
{
    return !n->tile[k] || clg__red_loop_skips(n, k);
}

static bool is_tile(const clg__gen *n, int k)
{
    return n->tile[k] || clg__red_loop_skips(n, k);
}

// Columns [column, column + columns) of 16 rows. A tile may read what lies behind its row where further rows follow.
static void gen_tiles(clg__reducer *r)
{
    clg__gen *n = &r->elements;
    clg__str *b = &n->text;
    clg__str_printf(b, "for (long column = from; column < to; column += 16) {\nconst int columns = (int)min(16L, to - column);\n");
    for (int k = 0; k < r->body->n_operands; k++) {
        if (n->tile[k])
            clg__str_printf(b, "T_%s tile%d[16];\n", clg__suffix(r->body->operands[k].dtype), k);
    }
    clg__str_add(b, "{\n");
    clg__gen_decompose(n, "column", r->inner, 1);
    clg__gen_bases(n, 0, n->run, is_no_tile);
    for (int k = 0; k < r->body->n_operands; k++) {
        const clg_dtype t = r->body->operands[k].dtype;
        const char *s = clg__suffix(t);
        if (!n->tile[k])
            continue;
        clg__need_type(n, t);
        clg__need_turn(n, t);
        clg__need_partial(n, t);
        clg__need_strided(n, "", "lds", t);
        clg__str_printf(b, "if (whole && columns > %d && (j + 15) * s%d + column + 16 <= (n - 1) * s%d + inner) {\n"
                           "_Pragma(\"unroll\")\nfor (int r = 0; r < 16; r++)\ntile%d[r] = LD_%s(p%d + (j + r) * s%d);\n"
                           "NAME(turn_%s)(tile%d);\n} else {\n" CLG__EDGE "for (int r = 0; r < columns; r++)\n"
                           "tile%d[r] = whole ? NAME(lds_%s)(p%d + r + j * s%d, s%d) : NAME(ld_%s)(p%d + r + j * s%d, s%d, m);\n}\n",
                        FEW_COLUMNS, k, k, k, s, k, k, s, k, k, s, k, k, k, s, k, k, k);
    }
    clg__str_add(b, "}\n");
}

// Lanes along results: some rows of all vectors of the strip, then the next rows, so that memory is read in order.
static void gen_strip(clg__reducer *r)
{
    clg__gen *n = &r->elements;
    clg__str *b = &n->text;
    const bool tiles = find_tiles(r);
    clg__str_add(b, "const long chunk = vectors > 1 ? 8 : 1024;\nfor (long from = e0; from < e1; from += chunk) {\n"
                    "const long to = min(from + chunk, e1);\nfor (int w = 0; w < vectors; w++) {\n");
    clg__red_vector(r, b);
    clg__red_arrays_load(r, b, CLG__RED_TOTALS | CLG__RED_OF_BLOCK);
    if (r->flat) {
        clg__str_add(b, "const long lead = 0;\nconst int c = w;\n");
        clg__run_lead(n, clg__red_loop_skips);
        clg__run_place(n);
    }
    if (tiles)
        gen_tiles(r);
    clg__str_add(b, tiles ? "for (int r = 0; r < columns; r++) {\nconst long e = column + r;\n"
                          : "for (long e = from; e < to; e++) {\n");
    clg__gen_decompose(n, "e", r->inner, r->n_inner_dims);
    clg__gen_bases(n, 0, r->flat ? n->run : n->s.rank - 1, is_tile);
    const clg__lanes kind = clg__red_lanes_kept(r);
    clg__gen_insns(n, 0, r->body->n_per_element, kind);
    clg__red_accumulate(r, kind, "(T_i64)(outer * inner + e)");
    clg__str_add(b, tiles ? "}\n}\n" : "}\n");
    clg__red_arrays_store(r, b, CLG__RED_TOTALS | CLG__RED_OF_BLOCK);
    clg__str_add(b, "}\n}\n");
}

static void for_strip(clg__reducer *r, void (*text)(clg__reducer *r, clg__str *b), int load, int store)
{
    clg__str *b = &r->elements.text;
    const bool strips = clg__red_by_strips(r);
    if (strips) {
        clg__str_add(b, "for (int w = 0; w < vectors; w++) {\n");
        clg__red_arrays_load(r, b, load);
    }
    text(r, b);
    if (strips) {
        clg__red_arrays_store(r, b, store);
        clg__str_add(b, "}\n");
    }
}

// The loop over the blocks [block0, block1) of one result, or of those of a vector or strip.
void clg__red_loop(clg__reducer *r)
{
    clg__gen *n = &r->elements;
    clg__str *b = &n->text;
    const bool sums = clg__red_has_sums(r);
    if (clg__red_by_strips(r))
        clg__red_arrays_declare(r, b, CLG__RED_TOTALS | CLG__RED_OF_BLOCK);
    for_strip(r, clg__red_declare, 0, CLG__RED_TOTALS);
    clg__str_printf(b, "const long inner = g[%d], per = (inner + %d) / %d;\n", CLG__FROM_G(CLG__RED_INNER),
                    CLG__BLOCK - 1, CLG__BLOCK);
    clg__str_printf(b, "for (long block = block0; block < block1; block++) {\n"
                       "const long line = per > 1 ? block / per : block, e0 = (block - line * per) * %d;\n"
                       "const long e1 = min(inner, e0 + %d);\n", CLG__BLOCK, CLG__BLOCK);
    clg__str_add(b, sums ? "int again = 0;\n" : "");
    if (clg__red_has_blocks(r))
        for_strip(r, clg__red_begin_block, 0, CLG__RED_OF_BLOCK);
    if (r->vec == 1 || r->n_outer == 0)
        clg__str_printf(b, "const long outer = line;\n%s", r->vec > 1 ? "{\n" : "");
    else
        clg__str_printf(b, "const long first = line * g[%d], stop = min(first + g[%d], g[%d]);\n"
                           "for (long outer = first; outer < stop; outer++) {\n", CLG__FROM_G(CLG__RED_GROUP),
                        CLG__FROM_G(CLG__RED_GROUP), CLG__FROM_G(CLG__RED_OUTER));
    if (r->n_outer)
        clg__gen_decompose(n, "outer", r->outer, r->n_outer);
    if (r->vec == 1)
        gen_items(r);
    else if (r->inner_reduced)
        gen_row(r);
    else if (r->packed)
        gen_packed(r);
    else
        gen_strip(r);
    clg__str_add(b, r->vec > 1 ? "}\n" : "");
    if (sums) {
        clg__str_add(b, r->vec > 1 ? "if (careful) {\n" : "");
        for_strip(r, clg__red_check_block, CLG__RED_TOTALS | CLG__RED_OF_BLOCK, CLG__RED_TOTALS);
        clg__str_printf(b, "if (again) {\nblock--;\ncontinue;\n}\n%s", r->vec > 1 ? "}\n" : "");
    }
    if (clg__red_has_blocks(r))
        for_strip(r, clg__red_end_block, CLG__RED_TOTALS | CLG__RED_OF_BLOCK, CLG__RED_TOTALS);
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
        clg__need_type(&r->epilogue, in->dtype);
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

// The epilogue over the kept elements: row, j and at are set. CLG__NEAR: over all results as one run.
void clg__red_epilogue(clg__reducer *r, clg__str *b, clg__lanes lanes)
{
    clg__gen *t = &r->epilogue;
    const bool run = lanes == CLG__NEAR;
    const int last = t->s.rank - 1;
    clg__str_clear(&t->text);
    clg__str_add(&t->text, "global const long *g = ge;\n");
    clg__run_split(t, run ? 0 : last);
    t->tables = run;
    // definitions belong in front of the one function
    clg__str saved = t->helpers;
    t->helpers = r->elements.helpers;
    gen_results(r, &t->text);
    int dims[CLG_MAX_RANK];
    for (int d = 0; d < last; d++)
        dims[d] = d;
    if (last > 0 && !run)
        clg__gen_decompose(t, "row", dims, last);
    clg__gen_bases(t, 0, t->run, clg__red_epilogue_skips);
    if (run) {
        clg__run_tables(t, clg__red_epilogue_skips, "1", "j", "m");
        clg__str_add(&t->text, "const long lead = 0;\nconst int c = 0;\n");
        clg__run_lead(t, clg__red_epilogue_skips);
        clg__run_place(t);
    }
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

// Each lane's total is a piece of its own.
static void gen_packed_store(clg__reducer *r, clg__str *b)
{
    clg__str_printf(b, "const long pieces = g[%d];\n" CLG__EDGE "for (int i = 0; i < rows * narrow; i++) {\n"
                       "const long to = (part * rows + i / narrow) * n_keep + row * narrow + i %% narrow;\n",
                    CLG__FROM_G(CLG__RED_PIECES));
    for (int k = 0; k < r->body->n_reductions; k++) {
        const char *e = clg__register(clg__red_type(r->body, &r->body->reductions[k]));
        if (!clg__red_owns(r, k))
            continue;
        clg__str_printf(b, "part%d[to] = ((%s *)&a%d)[i];\n", k, e, k);
        if (clg__red_is_sum(r, k))
            clg__str_printf(b, "part%d[to + pieces * n_keep] = ((%s *)&c%d)[i];\n"
                               "part%d[to + 2 * pieces * n_keep] = ((%s *)&n%d_)[i];\n", k, e, k, k, e, k);
        if (clg__red_is_arg(r->body->reductions[k].kind))
            clg__str_printf(b, "index%d[to] = ((long *)&x%d_)[i];\n", k, k);
    }
    clg__str_add(b, "}\n");
}

// What the unit stores: its part, or the results.
void clg__red_stores(clg__reducer *r, clg__str *b)
{
    const bool one = r->inner_reduced || r->vec == 1, strips = clg__red_by_strips(r);
    if (r->packed) {
        gen_packed_store(r, b);
        return;
    }
    if (strips) {
        clg__str_add(b, "for (int w = 0; w < vectors; w++) {\n");
        clg__red_vector(r, b);
        clg__red_arrays_load(r, b, CLG__RED_TOTALS);
    }
    // u is clamped in the GPU class: no barrier may stand where some items do not come
    if (r->vec == 1)
        clg__str_add(b, "if (unit < units && lid == 0) {\n");
    clg__str_add(b, "if (parts > 1) {\n");
    gen_partial_store(r, b, one);
    clg__str_add(b, "} else {\n");
    clg__red_values(r, b, r->inner_reduced && r->vec > 1);
    clg__red_epilogue(r, b, one ? CLG__ONE : clg__red_lanes_kept(r));
    clg__str_add(b, "}\n");
    if (r->vec == 1 || strips)
        clg__str_add(b, "}\n");
}
