// SPDX-License-Identifier: MIT
// Reductions. Elements are summed in blocks of at most 1024 per lane, blocks with compensation
// (Neumaier 1974); few results over much data are split in parts, summed in order by a second kernel.
// Splits depend on the shape alone, so the bits do not depend on the machine's cores. Whether there are
// parts, and whether items share a result, the first kernel is told: its text is that of every size.
#include "codegen/gen.h"

#include "base/alloc.h"
#include "base/format.h"

#include <string.h>

enum { BLOCK = 1024, LANES = 16 };

typedef struct reducer {
    clg__gen body, tail; // over the elements; over what is kept
    const clg__group *g;
    clg__kplan *p;
    int vec;
    bool row;            // the innermost dimension is reduced
    int kept[CLG_MAX_RANK], n_kept, outer[CLG_MAX_RANK], n_outer; // outer: reduced but the inner one
    int inner;           // the inner reduced dimension
    int64_t n_keep, n_outer_total, n_inner, blocks, parts;
    bool args;           // has argmax or argmin: never in parts
} reducer;

static bool is_arg(clg__reduce_kind k)
{
    return k == CLG__RED_ARGMAX || k == CLG__RED_ARGMIN;
}

// Type of the accumulator.
static clg_dtype acc_type(const clg__group *g, const clg__reduction *r)
{
    return r->kind == CLG__RED_ANY || r->kind == CLG__RED_ALL ? CLG_BOOL : g->insns[r->src].dtype;
}

static bool compensated(const clg__group *g, const clg__reduction *r)
{
    return r->kind == CLG__RED_SUM && clg_dtype_is_float(acc_type(g, r));
}

static const char *identity(clg__reduce_kind k, clg_dtype t)
{
    const bool low = k == CLG__RED_MAX || k == CLG__RED_ARGMAX;
    if (k == CLG__RED_SUM || k == CLG__RED_ANY)
        return "0";
    if (k == CLG__RED_ALL)
        return "1";
    if (clg_dtype_is_float(t))
        return low ? "-INFINITY" : "INFINITY";
    if (t == CLG_I32)
        return low ? "INT_MIN" : "INT_MAX";
    if (t == CLG_I64)
        return low ? "LONG_MIN" : "LONG_MAX";
    return low ? "0" : "255";
}

// "x op y" as text
static void combine(clg__gen *n, clg__str *out, clg__reduce_kind k, clg_dtype t, const char *x,
                    const char *y)
{
    const char *s = clg__suffix(t);
    if (k == CLG__RED_SUM)
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

static void declare(reducer *r, clg__str *b)
{
    for (int k = 0; k < r->g->n_reductions; k++) {
        const clg__reduction *d = &r->g->reductions[k];
        const clg_dtype t = acc_type(r->g, d);
        const char *s = clg__suffix(t);
        clg__need_type(&r->body, t);
        clg__str_printf(b, "T_%s a%d = (T_%s)((E_%s)(%s));\n", s, k, s, s, identity(d->kind, t));
        if (compensated(r->g, d))
            clg__str_printf(b, "T_%s c%d = (T_%s)(0);\n", s, k, s);
        if (is_arg(d->kind)) {
            clg__need_type(&r->body, CLG_I64);
            clg__str_printf(b, "T_i64 x%d_ = (T_i64)(LONG_MAX);\n", k);
        }
    }
}

static void begin_block(reducer *r, clg__str *b)
{
    for (int k = 0; k < r->g->n_reductions; k++) {
        if (compensated(r->g, &r->g->reductions[k]))
            clg__str_printf(b, "T_%s s%d_ = (T_%s)(0);\n",
                            clg__suffix(acc_type(r->g, &r->g->reductions[k])), k,
                            clg__suffix(acc_type(r->g, &r->g->reductions[k])));
    }
}

static void end_block(reducer *r, clg__str *b)
{
    for (int k = 0; k < r->g->n_reductions; k++) {
        const char *s = clg__suffix(acc_type(r->g, &r->g->reductions[k]));
        if (compensated(r->g, &r->g->reductions[k]))
            clg__str_printf(b, "{ const T_%s t = a%d + s%d_, z = t - a%d;\n"
                               "c%d += (a%d - (t - z)) + (s%d_ - z);\na%d = t; }\n",
                            s, k, k, k, k, k, k, k);
    }
}

// What was lost; nothing where an infinity made it a NaN.
static const char *correction(const reducer *r, int k, char text[64])
{
    clg__format(text, 64, "(c%d == c%d ? c%d : (T_%s)(0))", k, k, k,
             clg__suffix(acc_type(r->g, &r->g->reductions[k])));
    return text;
}

static void accumulate_arg(reducer *r, clg__str *b, int k, const char *index, const char *mask)
{
    const clg__reduction *d = &r->g->reductions[k];
    const clg_dtype t = acc_type(r->g, d);
    const char *s = clg__suffix(t), *op = d->kind == CLG__RED_ARGMAX ? ">" : "<";
    const char *wide = r->vec > 1 && strcmp(clg__suffix(t), "f64") && strcmp(clg__suffix(t), "i64")
                           ? "convert_long16" : "";
    clg__str_printf(b, "{ const T_%s v = v%d;\nconst T_i64 at = %s;\n", s, d->src, index);
    // the first NaN wins, else the first extreme; indices rise, so a tie keeps the older
    clg__str_printf(b, "const I_%s better = ((v %s a%d) | ((v != v) & (a%d == a%d)) |\n"
                       "CI_%s(x%d_ == (T_i64)(LONG_MAX)))%s;\n",
                    s, op, k, k, k, s, k, mask);
    clg__str_printf(b, "a%d = better ? v : a%d;\nx%d_ = %s(better) ? at : x%d_; }\n", k, k, k, wide,
                    k);
}

static void accumulate(reducer *r, clg__lanes lanes, const char *index)
{
    clg__str *b = &r->body.body;
    char mask[128];
    for (int k = 0; k < r->g->n_reductions; k++) {
        const clg__reduction *d = &r->g->reductions[k];
        const clg_dtype t = acc_type(r->g, d), from = r->g->insns[d->src].dtype;
        const char *s = clg__suffix(t);
        const bool masked = r->row && r->vec > 1;
        const char *part = lanes == CLG__FULL ? ">= (I_%s)(skip)" : "< (I_%s)(m)";
        char value[96], which[64];
        clg__format(which, sizeof which, part, s);
        clg__format(mask, sizeof mask, masked ? " & (CI_%s(LANE16) %s)" : "", s, which);
        if (is_arg(d->kind)) {
            accumulate_arg(r, b, k, index, mask);
            continue;
        }
        clg__format(value, sizeof value, "v%d", d->src);
        clg__str_printf(b, "{ T_%s v = ", s);
        clg__gen_cast(&r->body, b, from, t, value);
        clg__str_add(b, ";\n");
        if (masked)
            clg__str_printf(b, "v = (CI_%s(LANE16) %s) ? v : (T_%s)((E_%s)(%s));\n", s, which, s, s,
                            identity(d->kind, t));
        if (compensated(r->g, d)) {
            clg__str_printf(b, "s%d_ += v; }\n", k);
            continue;
        }
        char a[16];
        clg__format(a, sizeof a, "a%d", k);
        clg__str_printf(b, "a%d = ", k);
        combine(&r->body, b, d->kind, t, a, "v");
        clg__str_add(b, "; }\n");
    }
}

static bool body_skips(const clg__gen *n, int k)
{
    for (int i = 0; i < n->g->n_body; i++) {
        if (n->g->insns[i].kind == CLG__I_LOAD && n->g->insns[i].operand == k)
            return false;
    }
    return true;
}

static bool tail_skips(const clg__gen *n, int k)
{
    for (int i = n->g->n_body; i < n->g->n_insns; i++) {
        if (n->g->insns[i].kind == CLG__I_LOAD && n->g->insns[i].operand == k)
            return false;
    }
    return true;
}

// How lanes lie along the innermost kept dimension.
static clg__lanes lanes_kept(const reducer *r)
{
    if (r->vec == 1)
        return CLG__ONE;
    return clg__long_row(r->tail.s.dim[r->tail.s.rank - 1]) ? CLG__FULL : CLG__TAIL;
}

// The loop over the blocks [block0, block1) of one result (or 16 neighbouring ones).
static void gen_loop(reducer *r)
{
    clg__gen *n = &r->body;
    clg__str *b = &n->body;
    declare(r, b);
    clg__str_printf(b, "const long inner = g[%d], per = (inner + %d) / %d;\n", r->inner, BLOCK - 1,
                    BLOCK);
    clg__str_printf(b, "for (long block = block0; block < block1; block++) {\n"
                       "const long e0 = (block %% per) * %d, e1 = min(inner, e0 + %d);\n"
                       "const long outer = block / per;\n", BLOCK, BLOCK);
    if (r->n_outer)
        clg__gen_decompose(n, "outer", r->outer, r->n_outer);
    begin_block(r, b);
    if (r->row) {
        char index[96];
        const char *lanes = r->vec > 1 ? " + convert_long16(LANE16)" : "";
        clg__format(index, sizeof index, "(T_i64)(outer * inner + j)%s", lanes);
        clg__gen_bases(n, 0, n->s.rank - 1, body_skips);
        if (r->vec == 1)
            clg__str_add(b, "for (long j = e0 + LID; j < e1; j += STEP) {\n");
        else if (clg__long_row(r->n_inner)) // lanes below `skip` were summed before
            clg__str_add(b, "for (long k = e0; k < e1; k += 16) {\n"
                            "const long j = min(k, inner - 16);\nconst int skip = (int)(k - j);\n");
        else
            clg__str_add(b, "{\nconst long j = 0;\nconst int m = (int)inner;\n");
        const clg__lanes kind = r->vec == 1 ? CLG__ONE
                                : clg__long_row(r->n_inner) ? CLG__FULL : CLG__TAIL;
        clg__gen_insns(n, 0, r->g->n_body, kind);
        accumulate(r, kind, index);
        clg__str_add(b, "}\n");
    } else {
        clg__str_printf(b, "for (long e = e0 + ELID; e < e1; e += ESTEP) {\nconst long i%d = e;\n", r->inner);
        clg__gen_bases(n, 0, n->s.rank - 1, body_skips);
        const clg__lanes kind = lanes_kept(r);
        clg__gen_insns(n, 0, r->g->n_body, kind);
        accumulate(r, kind, "(T_i64)(outer * inner + e)");
        clg__str_add(b, "}\n");
    }
    end_block(r, b);
    clg__str_add(b, "}\n");
    char text[64];
    for (int k = 0; k < r->g->n_reductions; k++) {
        if (compensated(r->g, &r->g->reductions[k]))
            clg__str_printf(b, "a%d += %s;\n", k, correction(r, k, text));
    }
}

// One value from the 16 lanes, in a fixed tree.
static void gen_fold(reducer *r, int k)
{
    const clg__reduction *d = &r->g->reductions[k];
    const clg_dtype t = acc_type(r->g, d);
    const char *e = clg__cl_scalar(t);
    clg__str *b = &r->body.body;
    clg__str_printf(b, "%s f%d;\n", is_arg(d->kind) ? "long" : e, k);
    clg__str_printf(b, "{ T_%s all = a%d;\n%s *t = (%s *)&all;\n", clg__suffix(t), k, e, e);
    if (is_arg(d->kind)) {
        const char *op = d->kind == CLG__RED_ARGMAX ? ">" : "<";
        clg__str_printf(b, "long *x = (long *)&x%d_;\nint w = 0;\n"
                           "for (int i = 1; i < 16; i++) {\n"
                           "const int nan = t[i] != t[i], old = t[w] != t[w];\n"
                           "const int better = nan ? !old || x[i] < x[w] : !old && (t[i] %s t[w] || "
                           "(t[i] == t[w] && x[i] < x[w]));\n"
                           "w = x[w] == LONG_MAX || (x[i] != LONG_MAX && better) ? i : w;\n}\n"
                           "f%d = x[w]; }\n", k, op, k);
        return;
    }
    clg__str_add(b, "for (int h = 8; h > 0; h /= 2)\nfor (int i = 0; i < h; i++)\n");
    switch (d->kind) {
    case CLG__RED_SUM:
        clg__str_add(b, "t[i] = t[i] + t[i + h];\n");
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

static const char *const local_tree =
    "for (int h = get_local_size(0) / 2; h > 0; h /= 2) {\nbarrier(CLK_LOCAL_MEM_FENCE);\n"
    "if (lid < h)\n";

// GPU class: the items' values through local memory.
static void gen_local_fold(reducer *r, int k)
{
    const clg__reduction *d = &r->g->reductions[k];
    const clg_dtype t = acc_type(r->g, d);
    clg__str *b = &r->body.body;
    clg__str_printf(b, "l%d[lid] = a%d;\n", k, k);
    if (is_arg(d->kind)) {
        const char *op = d->kind == CLG__RED_ARGMAX ? ">" : "<";
        clg__str_printf(b, "lx%d[lid] = x%d_;\n%s{\n", k, k, local_tree);
        clg__str_printf(b, "const int o = lid + h;\n"
                           "const int nan = l%d[o] != l%d[o], old = l%d[lid] != l%d[lid];\n"
                           "const int better = nan ? !old || lx%d[o] < lx%d[lid] : !old && "
                           "(l%d[o] %s l%d[lid] || (l%d[o] == l%d[lid] && lx%d[o] < lx%d[lid]));\n"
                           "if (lx%d[lid] == LONG_MAX || (lx%d[o] != LONG_MAX && better)) {\n"
                           "l%d[lid] = l%d[o];\nlx%d[lid] = lx%d[o];\n}\n}\n}\n",
                        k, k, k, k, k, k, k, op, k, k, k, k, k, k, k, k, k, k, k);
        clg__str_printf(b, "barrier(CLK_LOCAL_MEM_FENCE);\nf%d = lx%d[0];\n", k, k);
        return;
    }
    char x[24], y[24];
    clg__format(x, sizeof x, "l%d[lid]", k);
    clg__format(y, sizeof y, "l%d[lid + h]", k);
    clg__str_printf(b, "%s%s = ", local_tree, x);
    combine(&r->body, b, d->kind, t, x, y);
    clg__str_printf(b, ";\n}\nbarrier(CLK_LOCAL_MEM_FENCE);\nf%d = l%d[0];\n", k, k);
}

// "r{k}": the reduced values as registers of the epilogue, from `name`{k}
static void gen_results(reducer *r, clg__str *b, const char *name)
{
    for (int i = r->g->n_body; i < r->g->n_insns; i++) {
        const clg__insn *in = &r->g->insns[i];
        if (in->kind != CLG__I_REDUCED)
            continue;
        const char *s = clg__suffix(in->dtype);
        clg__need_type(&r->body, in->dtype);
        clg__str_printf(b, "const T_%s v%d = (T_%s)(%s%d);\n", s, i, s, name, in->operand);
    }
}

static const char *const lane_store =
    "static inline void NAME(put_%s)(%s v, global %s *p, int skip, int m)\n{\n"
    "    if (skip == 0 && m == 16) {\n        ST_%s(v, p);\n        return;\n    }\n" CLG__EDGE
    "    for (int i = skip; i < m; i++)\n        p[i] = ((%s *)&v)[i];\n}\n";

// Lanes [skip, m) of `value` to to[at...].
static void store_lanes(reducer *r, clg__str *b, clg_dtype t, const char *to, const char *value)
{
    char type[16], mark[32] = "NAME(put_";
    const char *e = clg__cl_scalar(t), *suffix = clg__suffix(t);
    strcat(mark, suffix);
    clg__need_type(&r->body, t);
    if (!strstr(clg__str_text(&r->body.head), mark))
        clg__str_printf(&r->body.head, lane_store, suffix, clg__cl_type(t, 16, type), e, suffix, e);
    clg__str_printf(b, "NAME(put_%s)(%s, %s, skip, m);\n", suffix, value, to);
}

static void gen_store(reducer *r, clg__str *b, bool one)
{
    for (int i = 0; i < r->g->n_outputs; i++) {
        const clg__output *o = &r->g->outputs[i];
        char to[32], value[16];
        clg__format(to, sizeof to, "q%d + at", i);
        clg__format(value, sizeof value, "v%d", o->insn);
        if (r->vec == 1)
            clg__str_printf(b, "q%d[at] = v%d;\n", i, o->insn);
        else if (one)
            clg__str_printf(b, "q%d[at] = v%d.s0;\n", i, o->insn);
        else
            store_lanes(r, b, o->dtype, to, value);
    }
}

// The epilogue over the kept elements: row, j and at are set.
static void gen_epilogue(reducer *r, clg__str *b, clg__lanes lanes, const char *name)
{
    clg__gen *t = &r->tail;
    clg__str_clear(&t->body);
    clg__str_add(&t->body, "global const long *g = gt;\n");
    gen_results(r, &t->body, name);
    int dims[CLG_MAX_RANK];
    for (int d = 0; d < t->s.rank - 1; d++)
        dims[d] = d;
    if (t->s.rank > 1)
        clg__gen_decompose(t, "row", dims, t->s.rank - 1);
    clg__gen_bases(t, 0, t->s.rank - 1, tail_skips);
    // definitions belong in front of the one function
    clg__str saved = t->head;
    t->head = r->body.head;
    clg__gen_insns(t, r->g->n_body, r->g->n_insns, lanes);
    r->body.head = t->head;
    t->head = saved;
    gen_store(r, &t->body, lanes == CLG__ONE);
    clg__str_printf(b, "{\n%s}\n", clg__str_text(&t->body));
    b->failed |= t->body.failed;
}

static void gen_partial_store(reducer *r, clg__str *b, bool one)
{
    for (int k = 0; k < r->g->n_reductions; k++) {
        if (one)
            clg__str_printf(b, "part%d[part * n_keep + at] = f%d;\n", k, k);
        else {
            char to[64], value[16];
            clg__format(to, sizeof to, "part%d + part * n_keep + at", k);
            clg__format(value, sizeof value, "a%d", k);
            store_lanes(r, b, acc_type(r->g, &r->g->reductions[k]), to, value);
        }
    }
}

static void analyse(reducer *r, const clg__group *g, const clg__caps *caps, clg__kplan *p)
{
    memset(r, 0, sizeof *r);
    r->g = g;
    r->p = p;
    r->vec = caps->cpu_class ? LANES : 1;
    r->body.g = r->tail.g = g;
    r->body.vec = r->tail.vec = r->vec;
    r->body.p = r->tail.p = p;
    clg__collapse(g, &r->body.s);
    const clg__space *s = &r->body.s;
    r->n_keep = r->n_outer_total = r->n_inner = 1;
    r->inner = -1;
    for (int d = s->rank - 1; d >= 0; d--) {
        if (s->reduced[d] && r->inner < 0)
            r->inner = d;
    }
    r->tail.s = (clg__space) { .rank = 0 };
    for (int d = 0; d < s->rank; d++) {
        if (!s->reduced[d]) {
            const int k = r->tail.s.rank++;
            r->kept[r->n_kept++] = d;
            r->n_keep *= s->dim[d];
            r->tail.s.dim[k] = s->dim[d];
            for (int i = 0; i < g->n_operands; i++) {
                r->tail.s.geom[i].stride[k] = s->geom[i].stride[d];
                r->tail.s.geom[i].lo[k] = s->geom[i].lo[d];
                r->tail.s.geom[i].hi[k] = s->geom[i].hi[d];
            }
        } else if (d != r->inner) {
            r->outer[r->n_outer++] = d;
            r->n_outer_total *= s->dim[d];
        }
    }
    if (r->tail.s.rank == 0) {
        r->tail.s.rank = 1;
        r->tail.s.dim[0] = 1;
    }
    for (int i = 0; i < g->n_operands; i++) {
        r->tail.s.geom[i].offset = s->geom[i].offset;
        r->tail.s.geom[i].windowed = s->geom[i].windowed;
    }
    r->n_inner = r->inner >= 0 ? s->dim[r->inner] : 1;
    r->row = r->inner < 0 || r->inner == s->rank - 1;
    for (int k = 0; k < g->n_reductions; k++)
        r->args |= is_arg(g->reductions[k].kind);
    const int64_t total = r->n_outer_total * r->n_inner;
    r->blocks = r->n_outer_total * ((r->n_inner + BLOCK - 1) / BLOCK);
    r->parts = 1;
    // Results enough for the cores of a CPU need no parts, nor the kernel that adds them.
    const int64_t enough = r->vec > 1 && r->row ? 32 : 4096;
    if (!r->args && r->n_keep > 0 && r->n_keep < enough) {
        r->parts = r->row ? total / 32768 : total * r->n_keep / 65536;
        const int64_t most = 4096 / r->n_keep < 64 ? 4096 / r->n_keep : 64;
        r->parts = r->parts > most ? most : r->parts;
        r->parts = r->parts > r->blocks ? r->blocks : r->parts;
        r->parts = r->parts < 1 ? 1 : r->parts;
    }
}

// A reduction over dimensions of size 1 only: give it one to loop over.
static void ensure_inner(reducer *r)
{
    clg__space *s = &r->body.s;
    if (r->inner >= 0)
        return;
    r->inner = s->rank;
    if (s->rank == CLG_MAX_RANK) {
        clg__fail(&r->p->err, CLG_ESHAPE, "reduction: rank too high");
        return;
    }
    s->dim[s->rank] = 1;
    s->reduced[s->rank] = true;
    for (int i = 0; i < r->g->n_operands; i++) {
        s->geom[i].stride[s->rank] = 0;
        s->geom[i].lo[s->rank] = 0;
        s->geom[i].hi[s->rank] = 1;
    }
    s->rank++;
    r->row = true;
}

static int tail_last_dim(const reducer *r)
{
    return r->tail.s.rank - 1;
}

// Sets row, j, at of 16 neighbouring results and which lanes [skip, m) of them count.
static void gen_lanes(reducer *r, clg__str *b, const char *unit)
{
    clg__str_printf(b, "const long row = %s / wide, k = (%s %% wide) * 16;\n", unit, unit);
    clg__str_add(b, lanes_kept(r) == CLG__FULL
                        ? "const long j = min(k, n - 16), at = row * n + j;\n"
                          "const int skip = (int)(k - j), m = 16;\n"
                        : "const long j = k, at = row * n + j;\nconst int skip = 0, m = (int)n;\n");
}

// Sets kept indices, at, row, j of the unit's result(s).
static void gen_unit(reducer *r, clg__str *b)
{
    const int last = tail_last_dim(r);
    clg__str_printf(b, "const long n = gt[%d], n_keep = g[-3], parts = g[-2], blocks = g[-1];\n", last);
    if (r->row || r->vec == 1) {
        clg__str_add(b, "const long at = u / parts, part = u % parts;\n"
                        "const long row = at / max(n, 1L), j = at % max(n, 1L);\n");
    } else {
        clg__str_add(b, "const long wide = (n + 15) / 16, part = u % parts, w = u / parts;\n");
        gen_lanes(r, b, "w");
    }
    clg__str_add(b, "const long block0 = blocks * part / parts, block1 = blocks * (part + 1) / parts;\n");
}

static void gen_kept(reducer *r)
{
    clg__gen *n = &r->body;
    if (r->n_kept == 0)
        return;
    const int lanes_dim = !r->row ? r->kept[r->n_kept - 1] : -1;
    if (lanes_dim >= 0) { // lanes (or the item) run along the innermost kept dimension: j
        if (r->n_kept > 1)
            clg__gen_decompose(n, "row", r->kept, r->n_kept - 1);
        return;
    }
    clg__gen_decompose(n, "at", r->kept, r->n_kept);
}

// items: of a work-group; looping: over the elements, GPU class in steps that the launch says
static void header(reducer *r, clg__str *t, const char *entry, int items, bool looping)
{
    const bool gpu = r->vec == 1 && looping;
    clg__str_printf(t, "#define LID %s\n#define STEP %s\n#define ELID LID\n#define ESTEP %s\n",
                    gpu ? "lid" : "0", gpu ? "step" : r->vec > 1 ? "16" : "1", gpu ? "step" : "1");
    clg__str_printf(t, "#pragma OPENCL FP_CONTRACT OFF\n%s",
                    r->vec > 1 ? "#define LANE16 (int16)(0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, "
                                 "13, 14, 15)\n" : "");
    clg__str_add(t, clg__str_text(&r->body.head));
    clg__str_printf(t, "__attribute__((reqd_work_group_size(%d, 1, 1)))\n"
                       "kernel void NAME(%s)(global const long *geo, int base, int tail", items, entry);
}

// Parameters of the operands that this stage uses.
static void stage_params(reducer *r, clg__str *t, clg__launch *l, bool body, bool tail)
{
    clg__group used = *r->g;
    if (!tail)
        used.n_outputs = 0;
    for (int k = 0; k < used.n_operands; k++) {
        const bool wanted = (body && !body_skips(&r->body, k)) || (tail && !tail_skips(&r->tail, k));
        if (!wanted)
            used.operands[k].kind = CLG__FROM_IOTA; // no parameter
    }
    clg__gen_params(t, &used, "", true, true);
    clg__gen_args(r->p, l, &used, true);
}

static void partial_params(reducer *r, clg__str *t, clg__launch *l, const int *temps, bool write)
{
    for (int k = 0; k < r->g->n_reductions; k++) {
        clg__str_printf(t, ", global %s%s *restrict part%d", write ? "" : "const ",
                        clg__cl_scalar(acc_type(r->g, &r->g->reductions[k])), k);
        clg__arg_temp(r->p, l, temps[k]);
    }
}

static int64_t count_units(const reducer *r)
{
    const int64_t n = r->tail.s.dim[tail_last_dim(r)];
    if (r->row || r->vec == 1)
        return r->n_keep * r->parts;
    return n ? r->n_keep / n * ((n + 15) / 16) * r->parts : 0;
}

// GPU class: an item per result where results are many or short, else a work-group per result.
static bool is_alone(const reducer *r)
{
    const int64_t total = r->n_outer_total * r->n_inner;
    return r->vec == 1 && (total <= 128 || (!r->row && r->n_keep >= 2048 && r->parts == 1));
}

// f{k}: the unit's results.
static void gen_finals(reducer *r, clg__str *b)
{
    for (int k = 0; k < r->g->n_reductions; k++) {
        const bool arg = is_arg(r->g->reductions[k].kind);
        if (r->vec > 1 && r->row)
            gen_fold(r, k);
        else
            clg__str_printf(b, "T_%s f%d = %s%d%s;\n",
                            arg ? "i64" : clg__suffix(acc_type(r->g, &r->g->reductions[k])), k,
                            arg ? "x" : "a", k, arg ? "_" : "");
    }
    if (r->vec > 1)
        return;
    clg__str_add(b, "if (!alone) {\n");
    for (int k = 0; k < r->g->n_reductions; k++)
        gen_local_fold(r, k);
    clg__str_add(b, "}\n");
}

// What the unit stores: its part, or the results.
static void gen_ends(reducer *r, clg__str *b)
{
    const bool one = r->row || r->vec == 1;
    // u is clamped in the GPU class: no barrier may stand where some items do not come
    if (r->vec == 1)
        clg__str_add(b, "if (unit < units && lid == 0) {\n");
    if (!r->args) {
        clg__str_add(b, "if (parts > 1) {\n");
        gen_partial_store(r, b, one);
        clg__str_add(b, "} else\n");
    }
    gen_epilogue(r, b, one ? CLG__ONE : lanes_kept(r), "f");
    if (r->vec == 1)
        clg__str_add(b, "}\n");
}

// Which units a work-group does.
static void gen_units(reducer *r, clg__str *t, int items)
{
    if (r->vec > 1) {
        clg__str_add(t, "const long wg = get_group_id(0), wgs = get_num_groups(0), units = g[-4];\n"
                        "for (long u = units * wg / wgs; u < units * (wg + 1) / wgs; u++) {\n");
        return;
    }
    for (int k = 0; k < r->g->n_reductions; k++) {
        clg__str_printf(t, "local %s l%d[%d];\n",
                        clg__cl_scalar(acc_type(r->g, &r->g->reductions[k])), k, items);
        if (is_arg(r->g->reductions[k].kind))
            clg__str_printf(t, "local long lx%d[%d];\n", k, items);
    }
    clg__str_printf(t, "const int alone = (int)g[-5], lid = alone ? 0 : (int)get_local_id(0);\n"
                       "const int step = alone ? 1 : %d;\n"
                       "const long units = g[-4], unit = alone ? get_global_id(0) : get_group_id(0);\n"
                       "const long u = min(unit, units - 1);\n{\n", items);
}

static void stage_one(reducer *r, const clg__caps *caps, const int *temps, int base, int tail_at)
{
    clg__str *b = &r->body.body;
    const int64_t total = r->n_outer_total * r->n_inner, units = count_units(r);
    int items = r->vec > 1 ? 1 : 128;
    while (items > caps->max_work_group)
        items /= 2;
    gen_unit(r, b);
    gen_kept(r);
    clg__str_add(b, r->vec == 1 ? "{\n" : "");
    gen_loop(r);
    gen_finals(r, b);
    gen_ends(r, b);
    clg__str_add(b, r->vec == 1 ? "}\n" : "");

    clg__launch *l = clg__kplan_kernel(r->p, NULL, "reduce");
    clg__str *t = &l->text;
    header(r, t, "reduce", items, true);
    clg__arg_geo(r->p, l);
    clg__arg_i32(r->p, l, base);
    clg__arg_i32(r->p, l, tail_at);
    stage_params(r, t, l, true, true);
    if (!r->args)
        partial_params(r, t, l, temps, true);
    clg__str_add(t, ")\n{\nglobal const long *g = geo + base, *gt = geo + tail;\n");
    int64_t groups = is_alone(r) ? (units + items - 1) / items : units;
    if (r->vec > 1) {
        groups = units * (total / r->parts + 1) * (r->row ? 1 : 16) / 8192 + 1;
        groups = groups > 4 * caps->compute_units ? 4 * caps->compute_units : groups;
        groups = groups > units ? units : groups;
    }
    gen_units(r, t, items);
    clg__str_add(t, clg__str_text(b));
    clg__str_add(t, "}\n}\n");
    clg__kplan_grid(l, (size_t) groups, 1, 1, (size_t) items, 1, 1);
    if (t->failed || b->failed || r->body.head.failed)
        clg__fail(&r->p->err, CLG_ENOMEM, "codegen: out of host memory");
}

// Sum the parts in order and run the epilogue, lanes along the kept elements.
static void stage_two(reducer *r, const clg__caps *caps, const int *temps, int base, int tail_at)
{
    clg__str text = { 0 };
    clg__str *b = &text;
    const int last = tail_last_dim(r);
    const int items = r->vec > 1 ? 1 : clg__kplan_side(64, caps->max_work_group, false);
    clg__str_printf(b, "const long n = gt[%d], n_keep = g[-3], parts = g[-2];\n", last);
    if (r->vec > 1)
        clg__str_printf(b, "const long wide = (n + 15) / 16, rows = n_keep / max(n, 1L);\n"
                           "for (long u = get_group_id(0); u < rows * wide; u += get_num_groups(0)) {\n");
    if (r->vec > 1)
        gen_lanes(r, b, "u");
    else
        clg__str_add(b, "const long at = get_global_id(0), row = at / max(n, 1L), j = at % max(n, 1L);\n"
                        "if (at < n_keep) {\n");
    declare(r, b);
    clg__str_add(b, "for (long part = 0; part < parts; part++) {\n");
    for (int k = 0; k < r->g->n_reductions; k++) {
        const clg__reduction *d = &r->g->reductions[k];
        const clg_dtype t = acc_type(r->g, d);
        const char *s = clg__suffix(t), *e = clg__cl_scalar(t);
        if (r->vec > 1 && lanes_kept(r) == CLG__FULL)
            clg__str_printf(b, "const T_%s s%d_ = LD_%s(part%d + part * n_keep + at);\n", s, k, s, k);
        else if (r->vec > 1)
            clg__str_printf(b, "T_%s s%d_ = (T_%s)((E_%s)(%s));\n" CLG__EDGE
                               "for (int i = 0; i < m; i++)\n"
                               "((%s *)&s%d_)[i] = part%d[part * n_keep + at + i];\n",
                            s, k, s, s, identity(d->kind, t), e, k, k);
        else
            clg__str_printf(b, "const T_%s s%d_ = part%d[part * n_keep + at];\n", s, k, k);
        if (compensated(r->g, d))
            continue;
        char x[16], y[16];
        clg__format(x, sizeof x, "a%d", k);
        clg__format(y, sizeof y, "s%d_", k);
        clg__str_printf(b, "a%d = ", k);
        combine(&r->body, b, d->kind, t, x, y);
        clg__str_add(b, ";\n");
    }
    end_block(r, b);
    clg__str_add(b, "}\n");
    for (int k = 0; k < r->g->n_reductions; k++) {
        const char *s = clg__suffix(acc_type(r->g, &r->g->reductions[k]));
        char lost[64];
        const bool sum = compensated(r->g, &r->g->reductions[k]);
        clg__str_printf(b, "const T_%s f%d = a%d%s%s;\n", s, k, k, sum ? " + " : "",
                        sum ? correction(r, k, lost) : "");
    }
    gen_epilogue(r, b, lanes_kept(r), "f");
    clg__str_add(b, "}\n");
    clg__launch *l = clg__kplan_kernel(r->p, NULL, "reduce_parts");
    header(r, &l->text, "reduce_parts", items, false);
    clg__arg_geo(r->p, l);
    clg__arg_i32(r->p, l, base);
    clg__arg_i32(r->p, l, tail_at);
    stage_params(r, &l->text, l, false, true);
    partial_params(r, &l->text, l, temps, false);
    clg__str_printf(&l->text, ")\n{\nglobal const long *g = geo + base, *gt = geo + tail;\n%s}\n",
                    clg__str_text(b));
    const int64_t each = r->vec > 1 ? 64 : items, wide = (r->n_keep + each - 1) / each;
    clg__kplan_grid(l, (size_t) (r->vec > 1 ? (wide > 16 ? 16 : wide) : wide), 1, 1,
                    (size_t) items, 1, 1);
    if (l->text.failed || text.failed || r->body.head.failed)
        clg__fail(&r->p->err, CLG_ENOMEM, "codegen: out of host memory");
    clg__str_free(&text);
}

clg_status clg__gen_reduce(const clg__group *g, const clg__caps *caps, clg__kplan *p)
{
    reducer *r = clg__malloc(sizeof *r);
    int temps[CLG__GROUP_REDUCTIONS] = { 0 };
    if (!r)
        return clg__fail(&p->err, CLG_ENOMEM, "codegen: out of host memory");
    analyse(r, g, caps, p);
    ensure_inner(r);
    const int64_t head[5] = { is_alone(r), count_units(r), r->n_keep, r->parts, r->blocks };
    for (int i = 0; i < 5; i++)
        clg__geo_add(p, head[i]);
    const int base = p->n_geo;
    clg__geo_group(&r->body);
    const int tail_at = p->n_geo;
    clg__geo_group(&r->tail);
    for (int k = 0; k < g->n_reductions && !r->args; k++) // without parts an argument that is not used
        temps[k] = clg__kplan_temp(p, (size_t) (r->parts > 1 ? r->n_keep * r->parts : 1) *
                                          clg_dtype_size(acc_type(g, &g->reductions[k])));
    if (p->err.status >= 0 && r->n_keep > 0) {
        stage_one(r, caps, temps, base, tail_at);
        if (r->parts > 1)
            stage_two(r, caps, temps, base, tail_at);
    }
    for (int k = 0; k < g->n_operands; k++)
        p->bytes += (uint64_t) (g->operands[k].kind == CLG__FROM_BUFFER) *
                    (uint64_t) clg_numel(g->shape) * clg_dtype_size(g->operands[k].dtype);
    clg__str_free(&r->body.head);
    clg__str_free(&r->body.body);
    clg__str_free(&r->tail.head);
    clg__str_free(&r->tail.body);
    clg__free(r);
    return p->err.status;
}
