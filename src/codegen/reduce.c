// SPDX-License-Identifier: MIT
// Reductions. Elements are combined in blocks of at most 1024 per lane; few results over much data are split
// in parts, joined in order by a second kernel.
// Splits depend on the shape alone, so the bits do not depend on the machine's cores. Whether there are
// parts, and whether items share a result, the first kernel is told: its text is that of every size.
#include "codegen/reduce.h"

#include "base/alloc.h"
#include "base/format.h"

#include <string.h>

enum { LANES = 16 };

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
static clg__lanes lanes_kept(const clg__reducer *r)
{
    if (r->vec == 1)
        return CLG__ONE;
    return clg__long_row(r->tail.s.dim[r->tail.s.rank - 1]) ? CLG__FULL : CLG__TAIL;
}

// The loop over the blocks [block0, block1) of one result (or 16 neighbouring ones).
static void gen_loop(clg__reducer *r)
{
    clg__gen *n = &r->body;
    clg__str *b = &n->body;
    clg__red_declare(r, b);
    clg__str_printf(b, "const long inner = g[-6], per = (inner + %d) / %d;\n", CLG__BLOCK - 1, CLG__BLOCK);
    clg__str_printf(b, "for (long block = block0; block < block1; block++) {\n"
                       "const long e0 = (block %% per) * %d, e1 = min(inner, e0 + %d);\n"
                       "const long outer = block / per;\n", CLG__BLOCK, CLG__BLOCK);
    if (r->n_outer)
        clg__gen_decompose(n, "outer", r->outer, r->n_outer);
    clg__red_begin_block(r, b);
    if (r->row) {
        char index[96];
        const char *lanes = r->vec > 1 ? " + convert_long16(LANE16)" : "";
        clg__format(index, sizeof index, "(T_i64)(outer * inner + j)%s", lanes);
        clg__gen_bases(n, 0, n->run, body_skips);
        if (r->vec == 1)
            clg__str_add(b, "for (long j = e0 + LID; j < e1; j += STEP) {\n");
        else if (clg__long_row(r->n_inner)) // lanes below `skip` were summed before
            clg__str_add(b, "for (long k = e0; k < e1; k += 16) {\n"
                            "const long j = min(k, inner - 16);\nconst int skip = (int)(k - j);\n");
        else
            clg__str_add(b, "{\nconst long j = 0;\nconst int m = (int)inner;\n");
        const clg__lanes kind = r->vec == 1 ? CLG__ONE
                                : clg__long_row(r->n_inner) ? CLG__FULL : CLG__TAIL;
        clg__run_place(n);
        clg__gen_insns(n, 0, r->g->n_body, kind);
        clg__red_accumulate(r, kind, index);
        clg__str_add(b, "}\n");
    } else {
        clg__str_add(b, "for (long e = e0 + ELID; e < e1; e += ESTEP) {\n");
        clg__gen_decompose(n, "e", r->inner, r->n_run);
        clg__gen_bases(n, 0, n->s.rank - 1, body_skips);
        const clg__lanes kind = lanes_kept(r);
        clg__gen_insns(n, 0, r->g->n_body, kind);
        clg__red_accumulate(r, kind, "(T_i64)(outer * inner + e)");
        clg__str_add(b, "}\n");
    }
    clg__red_end_block(r, b);
    clg__str_add(b, "}\n");
}

// "r{k}": the reduced values as registers of the epilogue, from `name`{k}
static void gen_results(clg__reducer *r, clg__str *b, const char *name)
{
    for (int i = r->g->n_body; i < r->g->n_insns; i++) {
        const clg__insn *in = &r->g->insns[i];
        if (in->kind != CLG__I_REDUCED)
            continue;
        const char *s = clg__suffix(in->dtype);
        char round[24];
        clg__need_type(&r->body, in->dtype);
        clg__str_printf(b, "const T_%s v%d = %s(T_%s)(%s%d)%s;\n", s, i, clg__convert("RND", in->dtype, round), s,
                        name, in->operand, clg__converted(in->dtype));
    }
}

static const char *const lane_store =
    "static inline void NAME(put_@)(T_@ v, global $M *p, int skip, int m)\n{\n"
    "    if (skip == 0 && m == 16) {\n        ST_@(v, p);\n        return;\n    }\n" CLG__EDGE
    "    for (int i = skip; i < m; i++)\n        p[i] = $P(((E_@ *)&v)[i]);\n}\n";

// Lanes [skip, m) of `value` to to[at...].
static void store_lanes(clg__reducer *r, clg__str *b, clg_dtype t, const char *to, const char *value)
{
    clg__need_function(&r->body, lane_store, "put", t);
    clg__str_printf(b, "NAME(put_%s)(%s, %s, skip, m);\n", clg__suffix(t), value, to);
}

static void gen_store(clg__reducer *r, clg__str *b, bool one)
{
    for (int i = 0; i < r->g->n_outputs; i++) {
        const clg__output *o = &r->g->outputs[i];
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
static void gen_epilogue(clg__reducer *r, clg__str *b, clg__lanes lanes, const char *name)
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

// Arrays of part{k}, each [parts, results]: totals of sums come with their remainders and scales.
static int arrays(const clg__reducer *r, int k)
{
    return clg__red_is_sum(r, k) ? 3 : 1;
}

static void gen_partial_store(clg__reducer *r, clg__str *b, bool one)
{
    static const char *const total[] = { "a", "c", "n" };
    const bool folded = r->row && r->vec > 1;
    for (int k = 0; k < r->g->n_reductions; k++) {
        const bool sum = clg__red_is_sum(r, k);
        for (int i = 0; i < arrays(r, k) && clg__red_owns(r, k); i++) {
            char to[96], value[16];
            clg__format(to, sizeof to, "part%d + (part + %d * parts) * n_keep + at", k, i);
            if (folded)
                clg__format(value, sizeof value, "f%s%d", sum ? total[i] : "", k);
            else
                clg__format(value, sizeof value, "%s%d%s", total[i], k, i == 2 ? "_" : "");
            if (one)
                clg__str_printf(b, "*(%s) = %s;\n", to, value);
            else
                store_lanes(r, b, clg__red_type(r->g, &r->g->reductions[k]), to, value);
        }
    }
}

// Which reductions share a total: sums, means and their rests of one value, squares and their roots.
static void find_owners(clg__reducer *r)
{
    const clg__reduction *all = r->g->reductions;
    for (int k = 0; k < r->g->n_reductions; k++) {
        const bool square = all[k].kind == CLG__RED_SQUARE || all[k].kind == CLG__RED_ROOT;
        r->owner[k] = k;
        for (int i = k - 1; i >= 0; i--) {
            const bool other = all[i].kind == CLG__RED_SQUARE || all[i].kind == CLG__RED_ROOT;
            if (clg__red_is_sum(r, k) && clg__red_is_sum(r, i) && square == other &&
                all[i].src == all[k].src)
                r->owner[k] = i;
        }
    }
}

static void analyse(clg__reducer *r, const clg__group *g, const clg__caps *caps, clg__kplan *p)
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
    int last = s->rank - 1;
    while (last >= 0 && !s->reduced[last])
        last--;
    int first = last;
    while (first > 0 && s->reduced[first - 1])
        first--;
    for (int d = first; d >= 0 && d <= last; d++) {
        r->inner[r->n_run++] = d;
        r->n_inner *= s->dim[d];
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
        } else if (d < first) {
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
    r->row = last < 0 || last == s->rank - 1;
    if (r->row && last >= 0)
        clg__run_split(&r->body, first);
    for (int k = 0; k < g->n_reductions; k++)
        r->args |= clg__red_is_arg(g->reductions[k].kind);
    find_owners(r);
    const int64_t total = r->n_outer_total * r->n_inner;
    r->single = r->vec > 1 && r->row && r->n_outer == 0 && !clg__long_row(r->n_inner);
    r->blocks = r->n_outer_total * ((r->n_inner + CLG__BLOCK - 1) / CLG__BLOCK);
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
static void ensure_inner(clg__reducer *r)
{
    clg__space *s = &r->body.s;
    if (r->n_run > 0)
        return;
    r->inner[r->n_run++] = r->body.run = s->rank;
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

static int tail_last_dim(const clg__reducer *r)
{
    return r->tail.s.rank - 1;
}

// Sets row, j, at of 16 neighbouring results and which lanes [skip, m) of them count.
static void gen_lanes(clg__reducer *r, clg__str *b, const char *unit)
{
    clg__str_printf(b, "const long row = %s / wide, k = (%s %% wide) * 16;\n", unit, unit);
    clg__str_add(b, lanes_kept(r) == CLG__FULL
                        ? "const long j = min(k, n - 16), at = row * n + j;\n"
                          "const int skip = (int)(k - j), m = 16;\n"
                        : "const long j = k, at = row * n + j;\nconst int skip = 0, m = (int)n;\n");
}

// Sets kept indices, at, row, j of the unit's result(s).
static void gen_unit(clg__reducer *r, clg__str *b)
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

static void gen_kept(clg__reducer *r)
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
static void header(clg__reducer *r, clg__str *t, const char *entry, int items, bool looping)
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
static void stage_params(clg__reducer *r, clg__str *t, clg__launch *l, bool body, bool tail)
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

static void partial_params(clg__reducer *r, clg__str *t, clg__launch *l, const int *temps, bool write)
{
    for (int k = 0; k < r->g->n_reductions; k++) {
        if (!clg__red_owns(r, k))
            continue;
        clg__str_printf(t, ", global %s%s *restrict part%d", write ? "" : "const ",
                        clg__register(clg__red_type(r->g, &r->g->reductions[k])), k);
        clg__arg_temp(r->p, l, temps[k]);
    }
}

static int64_t count_units(const clg__reducer *r)
{
    const int64_t n = r->tail.s.dim[tail_last_dim(r)];
    if (r->row || r->vec == 1)
        return r->n_keep * r->parts;
    return n ? r->n_keep / n * ((n + 15) / 16) * r->parts : 0;
}

// GPU class: an item per result where results are many or short, else a work-group per result.
static bool is_alone(const clg__reducer *r)
{
    const int64_t total = r->n_outer_total * r->n_inner;
    return r->vec == 1 && (total <= 128 || (!r->row && r->n_keep >= 2048 && r->parts == 1));
}

// The unit's totals: folded, or those of the lanes.
static void gen_finals(clg__reducer *r, clg__str *b)
{
    for (int k = 0; k < r->g->n_reductions && r->vec > 1; k++) {
        if (r->row)
            clg__red_fold(r, k);
        else if (clg__red_is_sum(r, k) && clg__red_owns(r, k))
            clg__sum_check(r, b, k);
    }
    if (r->vec > 1)
        return;
    clg__str_add(b, "if (!alone) {\n");
    for (int k = 0; k < r->g->n_reductions; k++)
        clg__red_local_fold(r, k);
    clg__str_add(b, "}\n");
}

// f{k}: the results, element: folded to one.
static void gen_values(clg__reducer *r, clg__str *b, bool element)
{
    for (int k = 0; k < r->g->n_reductions; k++) {
        const bool arg = clg__red_is_arg(r->g->reductions[k].kind);
        if (clg__red_is_sum(r, k))
            clg__sum_result(r, b, k, element, element ? "f" : "");
        else if (!element)
            clg__str_printf(b, "const T_%s f%d = %s%d%s;\n",
                            arg ? "i64" : clg__suffix(clg__red_type(r->g, &r->g->reductions[k])), k,
                            arg ? "x" : "a", k, arg ? "_" : "");
    }
}

// What the unit stores: its part, or the results.
static void gen_ends(clg__reducer *r, clg__str *b)
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
    clg__str_add(b, "{\n");
    gen_values(r, b, r->row && r->vec > 1);
    gen_epilogue(r, b, one ? CLG__ONE : lanes_kept(r), "f");
    clg__str_add(b, "}\n");
    if (r->vec == 1)
        clg__str_add(b, "}\n");
}

// Which units a work-group does.
static void gen_units(clg__reducer *r, clg__str *t, int items)
{
    if (r->vec > 1) {
        clg__str_add(t, "const long wg = get_group_id(0), wgs = get_num_groups(0), units = g[-4];\n"
                        "for (long u = units * wg / wgs; u < units * (wg + 1) / wgs; u++) {\n");
        return;
    }
    for (int k = 0; k < r->g->n_reductions; k++)
        clg__red_local(r, t, k, items);
    clg__str_printf(t, "const int alone = (int)g[-5], lid = alone ? 0 : (int)get_local_id(0);\n"
                       "const int step = alone ? 1 : %d;\n"
                       "const long units = g[-4], unit = alone ? get_global_id(0) : get_group_id(0);\n"
                       "const long u = min(unit, units - 1);\n{\n", items);
}

static void stage_one(clg__reducer *r, const clg__caps *caps, const int *temps, int base, int tail_at)
{
    clg__str *b = &r->body.body;
    const int64_t total = r->n_outer_total * r->n_inner, units = count_units(r);
    int items = r->vec > 1 ? 1 : 128;
    while (items > caps->max_work_group)
        items /= 2;
    gen_unit(r, b);
    gen_kept(r);
    clg__str_add(b, r->vec == 1 ? "{\n" : "");
    const bool redo = clg__red_has_sums(r) && r->vec > 1;
    clg__str_add(b, redo ? "int careful = 0, wrong;\ndo {\nwrong = 0;\n" : "");
    gen_loop(r);
    gen_finals(r, b);
    clg__str_add(b, redo ? "wrong &= !careful;\nif (wrong) {\ncareful = 1;\ncontinue;\n}\n" : "");
    gen_ends(r, b);
    clg__str_add(b, redo ? "} while (wrong);\n" : "");
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

static void gen_join_parts(clg__reducer *r, clg__str *b)
{
    for (int k = 0; k < r->g->n_reductions; k++) {
        const clg__reduction *d = &r->g->reductions[k];
        const clg_dtype t = clg__red_type(r->g, d);
        const char *s = clg__suffix(t), *e = clg__register(t);
        if (!clg__red_owns(r, k))
            continue;
        clg__str_add(b, "{\n");
        for (int i = 0; i < arrays(r, k); i++) {
            char from[96];
            clg__format(from, sizeof from, "part%d + (part + %d * parts) * n_keep + at", k, i);
            if (r->vec > 1 && lanes_kept(r) == CLG__FULL)
                clg__str_printf(b, "const T_%s t%d = LD_%s(%s);\n", s, i, s, from);
            else if (r->vec > 1)
                clg__str_printf(b, "T_%s t%d = (T_%s)((E_%s)(%s));\n" CLG__EDGE
                                   "for (int i = 0; i < m; i++)\n((%s *)&t%d)[i] = (%s)[i];\n",
                                s, i, s, s, i == 2 ? "1" : clg__red_identity(d->kind, t), e, i, from);
            else
                clg__str_printf(b, "const T_%s t%d = *(%s);\n", s, i, from);
        }
        if (clg__red_is_sum(r, k)) {
            clg__sum_meet(r, b, k, "t0", "t1", "t2");
        } else {
            char x[16];
            clg__format(x, sizeof x, "a%d", k);
            clg__str_printf(b, "a%d = ", k);
            clg__red_combine(&r->body, b, d->kind, t, x, "t0");
            clg__str_add(b, ";\n");
        }
        clg__str_add(b, "}\n");
    }
}

// Sum the parts in order and run the epilogue, lanes along the kept elements.
static void stage_two(clg__reducer *r, const clg__caps *caps, const int *temps, int base, int tail_at)
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
    clg__red_declare(r, b);
    clg__str_add(b, "for (long part = 0; part < parts; part++) {\n");
    gen_join_parts(r, b);
    clg__str_add(b, "}\n");
    gen_values(r, b, false);
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
    clg__reducer *r = clg__malloc(sizeof *r);
    int temps[CLG__GROUP_REDUCTIONS] = { 0 };
    if (!r)
        return clg__fail(&p->err, CLG_ENOMEM, "codegen: out of host memory");
    analyse(r, g, caps, p);
    ensure_inner(r);
    clg__sum_divisors(r);
    const int64_t head[CLG__HEAD] = { r->n_inner, is_alone(r), count_units(r), r->n_keep, r->parts, r->blocks };
    for (int i = 0; i < CLG__HEAD; i++)
        clg__geo_add(p, head[i]);
    const int base = p->n_geo;
    clg__geo_group(&r->body);
    const int tail_at = p->n_geo;
    clg__geo_group(&r->tail);
    for (int k = 0; k < g->n_reductions && !r->args; k++) { // without parts an argument that is not used
        if (clg__red_owns(r, k))
            temps[k] = clg__kplan_temp(p, (size_t) (r->parts > 1 ? r->n_keep * r->parts * arrays(r, k) : 1) *
                                              clg_dtype_size(clg__red_type(g, &g->reductions[k])));
    }
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
