// SPDX-License-Identifier: MIT
// The kernels around a reduction's body: parameters, which results a work-group computes, launches. Whether there
// are parts, and whether items share a result, the first kernel is told by its arguments, so its text does not
// depend on how large the reduction is.
#include "codegen/reduce.h"

#include "base/alloc.h"
#include "base/format.h"

// Sets j and at of the 16 results from k on, and which lanes [skip, m) of them count.
static void gen_lanes(clg__reducer *r, clg__str *b)
{
    clg__str_add(b, clg__red_lanes_kept(r) == CLG__FULL
                        ? "const long j = min(k, n - 16), at = row * n + j;\n"
                          "const int skip = (int)(k - j), m = 16;\n"
                        : "const long j = max(0L, min(k, n - 16)), at = j;\n"
                          "const int skip = (int)(k - j), m = (int)min(16L, n), whole = m == 16;\n");
}

void clg__red_vector(clg__reducer *r, clg__str *b)
{
    clg__str_add(b, "const long k = (left + w) * 16;\n");
    gen_lanes(r, b);
}

// Elements of the innermost kept dimension, or of all where lanes go along all results.
static void gen_extent(clg__reducer *r, clg__str *b, int pieces)
{
    clg__str_printf(b, "const long n_keep = g[%d], parts = g[%d], n = ", CLG__FROM_G(CLG__RED_RESULTS),
                    CLG__FROM_G(pieces));
    if (r->vec > 1 && clg__red_lanes_kept(r) == CLG__NEAR)
        clg__str_add(b, "n_keep;\n");
    else
        clg__str_printf(b, "ge[%d];\n", clg__red_last_kept(r));
}

// Sets kept indices, at, row, j of the unit's result(s).
static void gen_unit(clg__reducer *r, clg__str *b)
{
    if (clg__red_by_strips(r))
        gen_extent(r, b, CLG__RED_PARTS);
    else
        clg__str_printf(b, "const long n = ge[%d], n_keep = g[%d], parts = g[%d];\n", clg__red_last_kept(r),
                        CLG__FROM_G(CLG__RED_RESULTS), CLG__FROM_G(CLG__RED_PARTS));
    clg__str_printf(b, "const long blocks = g[%d];\n", CLG__FROM_G(CLG__RED_BLOCKS));
    if (r->packed)
        clg__str_printf(b, "const long row = u / parts, part = u %% parts, narrow = g[%d], rows = 16 / narrow;\n",
                        CLG__FROM_G(CLG__RED_NARROW));
    else if (r->flat) // a strip is a vector, and all results are one row; divisions where they divide alone
        clg__str_add(b, "const long part = parts > 1 ? u % parts : 0, left = parts > 1 ? u / parts : u, row = 0;\n"
                        "const int vectors = 1;\n");
    else if (clg__red_by_strips(r))
        clg__str_printf(b, "const long wide = (n + 15) / 16, strips = g[%d], part = u %% parts, strip = u / parts %% strips;\n"
                           "const long row = u / parts / strips, left = wide * strip / strips;\n"
                           "const int vectors = (int)(wide * (strip + 1) / strips - left);\n",
                        CLG__FROM_G(CLG__RED_STRIPS));
    else
        clg__str_add(b, "const long at = u / parts, part = u % parts;\n"
                        "const long row = at / max(n, 1L), j = at % max(n, 1L);\n");
    clg__str_add(b, "const long block0 = parts > 1 ? blocks * part / parts : 0;\n"
                    "const long block1 = parts > 1 ? blocks * (part + 1) / parts : blocks;\n");
}

// Indices of those kept dimensions that no lane runs along, and tables of the lanes' places along the others.
static void gen_kept(clg__reducer *r)
{
    clg__gen *n = &r->elements;
    if (r->packed) {
        int before = 0;
        while (before < r->n_kept && r->kept[before] < r->inner[0])
            before++;
        if (before > 0)
            clg__gen_decompose(n, "row", r->kept, before);
        char lanes[96]; // the second table: the rows that are left at the end of the last block
        clg__format(lanes, sizeof lanes, "(int)((i ? ((g[%d] - 1) %% %d + 1) %% rows : rows) * narrow)",
                    CLG__FROM_G(CLG__RED_INNER), CLG__BLOCK);
        clg__run_tables(n, clg__red_loop_skips, "2", "0L", lanes);
        return;
    }
    if (r->flat) {
        clg__run_tables(n, clg__red_loop_skips, "vectors", "max(0L, min((left + i) * 16, n - 16))", "(int)min(16L, n)");
        return;
    }
    if (r->n_kept == 0)
        return;
    if (r->inner_reduced)
        clg__gen_decompose(n, "at", r->kept, r->n_kept);
    else if (r->n_kept > 1) // lanes (or the item) run along the innermost one: j
        clg__gen_decompose(n, "row", r->kept, r->n_kept - 1);
}

// items: of a work-group
static void header(clg__reducer *r, clg__str *t, const char *entry, int items)
{
    clg__str_printf(t, "#pragma OPENCL FP_CONTRACT OFF\n%s",
                    r->vec > 1 ? "#define LANE16 (int16)(0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, "
                                 "13, 14, 15)\n" : "");
    if (clg__red_by_strips(r)) // flat: a vector
        clg__str_printf(t, "#define STRIP %d\n", r->flat ? 1 : CLG__STRIP);
    clg__str_add(t, clg__str_text(&r->elements.helpers));
    clg__str_printf(t, "__attribute__((reqd_work_group_size(%d, 1, 1)))\n"
                       "kernel void NAME(%s)(global const long *geo, int base, int epilogue", items, entry);
}

// Parameters of the operands that this stage uses.
static void stage_params(clg__reducer *r, clg__str *t, clg__launch *l, bool loop, bool epilogue)
{
    clg__body used = *r->body;
    if (!epilogue)
        used.n_outputs = 0;
    for (int k = 0; k < used.n_operands; k++) {
        const bool wanted = (loop && !clg__red_loop_skips(&r->elements, k)) ||
                            (epilogue && !clg__red_epilogue_skips(&r->epilogue, k));
        if (!wanted)
            used.operands[k].kind = CLG__FROM_IOTA; // no parameter
    }
    clg__gen_params(t, &used, "", true, true);
    clg__gen_args(r->p, l, &used, true);
}

// Parts in memory, of each reduction: its totals, and where they come from.
typedef struct parts {
    int totals[CLG__BODY_REDUCTIONS], indices[CLG__BODY_REDUCTIONS];
} parts;

// Without parts an argument that is not used.
static void place_parts(clg__reducer *r, parts *to)
{
    for (int k = 0; k < r->body->n_reductions; k++) {
        const clg__reduction *d = &r->body->reductions[k];
        const bool some = clg__red_in_parts(r);
        const int64_t n = some ? r->n_results * r->pieces : 1, arrays = some ? clg__red_arrays(r, k) : 1;
        if (!clg__red_owns(r, k))
            continue;
        to->totals[k] = clg__kplan_temp(r->p, (size_t) (n * arrays) * clg_dtype_size(clg__red_type(r->body, d)));
        if (clg__red_is_arg(d->kind))
            to->indices[k] = clg__kplan_temp(r->p, (size_t) n * sizeof(int64_t));
    }
}

static void part_params(clg__reducer *r, clg__str *t, clg__launch *l, const parts *from, bool write)
{
    for (int k = 0; k < r->body->n_reductions; k++) {
        const clg__reduction *d = &r->body->reductions[k];
        if (!clg__red_owns(r, k))
            continue;
        clg__str_printf(t, ", global %s%s *restrict part%d", write ? "" : "const ",
                        clg__register(clg__red_type(r->body, d)), k);
        clg__arg_temp(r->p, l, from->totals[k]);
        if (clg__red_is_arg(d->kind)) {
            clg__str_printf(t, ", global %slong *restrict index%d", write ? "" : "const ", k);
            clg__arg_temp(r->p, l, from->indices[k]);
        }
    }
}

// Which units a work-group does. GPU class: items share the elements of a unit, every `step`-th from `lid` on, or
// each has a unit for itself.
static void gen_units(clg__reducer *r, clg__str *t, int items)
{
    if (r->vec > 1) {
        clg__str_printf(t, "const long wg = get_group_id(0), wgs = get_num_groups(0), units = g[%d];\n"
                           "for (long u = units * wg / wgs; u < units * (wg + 1) / wgs; u++) {\n",
                        CLG__FROM_G(CLG__RED_UNITS));
        return;
    }
    for (int k = 0; k < r->body->n_reductions; k++)
        clg__red_local(r, t, k, items);
    clg__str_printf(t, "const int alone = (int)g[%d], lid = alone ? 0 : (int)get_local_id(0);\n"
                       "const int step = alone ? 1 : %d;\n"
                       "const long units = g[%d], unit = alone ? get_global_id(0) : get_group_id(0);\n"
                       "const long u = min(unit, units - 1);\n{\n",
                    CLG__FROM_G(CLG__RED_ALONE), items, CLG__FROM_G(CLG__RED_UNITS));
}

static void stage_one(clg__reducer *r, const clg__caps *caps, const parts *to, int base, int epilogue_at)
{
    clg__str *b = &r->elements.text;
    const int64_t total = r->n_outer_total * r->n_inner, units = clg__red_count_units(r);
    int items = r->vec > 1 ? 1 : 128;
    while (items > caps->max_work_group)
        items /= 2;
    gen_unit(r, b);
    gen_kept(r);
    clg__str_add(b, r->vec == 1 ? "{\n" : "");
    const bool redo = clg__red_has_sums(r) && r->vec > 1;
    if (r->packed)
        clg__str_add(b, "const long16 row_of = convert_long16(LANE16 / (int16)((int)narrow));\n");
    clg__str_add(b, redo ? "int careful = 0, wrong;\ndo {\nwrong = 0;\n" : "");
    clg__red_loop(r);
    clg__red_totals(r, b);
    clg__str_add(b, redo ? "wrong &= !careful;\nif (wrong) {\ncareful = 1;\ncontinue;\n}\n" : "");
    clg__red_stores(r, b);
    clg__str_add(b, redo ? "} while (wrong);\n" : "");
    clg__str_add(b, r->vec == 1 ? "}\n" : "");

    clg__launch *l = clg__kplan_kernel(r->p, NULL, "reduce");
    clg__str *t = &l->text;
    header(r, t, "reduce", items);
    clg__arg_geo(r->p, l);
    clg__arg_i32(r->p, l, base);
    clg__arg_i32(r->p, l, epilogue_at);
    stage_params(r, t, l, true, !r->packed);
    part_params(r, t, l, to, true);
    clg__str_add(t, ")\n{\nglobal const long *g = geo + base, *ge = geo + epilogue;\n");
    int64_t groups = clg__red_is_alone(r) ? (units + items - 1) / items : units;
    if (r->vec > 1) {
        groups = total * r->n_results / 8192 + 1;
        groups = groups > 4 * caps->compute_units ? 4 * caps->compute_units : groups;
        groups = groups > units ? units : groups;
    }
    clg__gen_kept(&r->elements, t);
    gen_units(r, t, items);
    clg__str_add(t, clg__str_text(b));
    clg__str_add(t, "}\n}\n");
    clg__kplan_grid(l, (size_t) groups, 1, 1, (size_t) items, 1, 1);
    if (t->failed || b->failed || r->elements.helpers.failed)
        clg__fail(&r->p->err, CLG_ENOMEM, "codegen: out of host memory");
}

// Join the parts in order and run the epilogue, lanes along the kept elements.
static void stage_two(clg__reducer *r, const clg__caps *caps, const parts *from, int base, int epilogue_at)
{
    clg__str text = { 0 };
    clg__str *b = &text;
    const int items = r->vec > 1 ? 1 : clg__kplan_side(64, caps->max_work_group, false);
    gen_extent(r, b, CLG__RED_PIECES);
    if (r->vec > 1)
        clg__str_printf(b, "const long wide = (n + 15) / 16, rows = n_keep / max(n, 1L);\n"
                           "for (long u = get_group_id(0); u < rows * wide; u += get_num_groups(0)) {\n"
                           "const long row = u / wide, k = (u %% wide) * 16;\n");
    if (r->vec > 1)
        gen_lanes(r, b);
    else
        clg__str_add(b, "const long at = get_global_id(0), row = at / max(n, 1L), j = at % max(n, 1L);\n"
                        "if (at < n_keep) {\n");
    clg__red_declare(r, b);
    clg__str_add(b, "for (long part = 0; part < parts; part++) {\n");
    clg__red_join_parts(r, b);
    clg__str_add(b, "}\n");
    clg__red_values(r, b, false);
    clg__red_epilogue(r, b, clg__red_lanes_kept(r));
    clg__str_add(b, "}\n");
    clg__launch *l = clg__kplan_kernel(r->p, NULL, "reduce_parts");
    header(r, &l->text, "reduce_parts", items);
    clg__arg_geo(r->p, l);
    clg__arg_i32(r->p, l, base);
    clg__arg_i32(r->p, l, epilogue_at);
    stage_params(r, &l->text, l, false, true);
    part_params(r, &l->text, l, from, false);
    clg__str_printf(&l->text, ")\n{\nglobal const long *g = geo + base, *ge = geo + epilogue;\n%s}\n",
                    clg__str_text(b));
    const int64_t each = r->vec > 1 ? 64 : items, wide = (r->n_results + each - 1) / each;
    clg__kplan_grid(l, (size_t) (r->vec > 1 ? (wide > 16 ? 16 : wide) : wide), 1, 1,
                    (size_t) items, 1, 1);
    if (l->text.failed || text.failed || r->elements.helpers.failed)
        clg__fail(&r->p->err, CLG_ENOMEM, "codegen: out of host memory");
    clg__str_free(&text);
}

clg_status clg__gen_reduce(const clg__body *body, const clg__caps *caps, clg__kplan *p)
{
    clg__reducer *r = clg__malloc(sizeof *r);
    parts joined = { 0 };
    if (!r)
        return clg__fail(&p->err, CLG_ENOMEM, "codegen: out of host memory");
    clg__red_analyse(r, body, caps, p);
    clg__sum_divisors(r);
    const int64_t head[CLG__RED_HEAD] = {
        [CLG__RED_INNER] = r->n_inner,      [CLG__RED_ALONE] = clg__red_is_alone(r),
        [CLG__RED_UNITS] = clg__red_count_units(r), [CLG__RED_RESULTS] = r->n_results,
        [CLG__RED_PARTS] = r->parts,        [CLG__RED_BLOCKS] = r->blocks,
        [CLG__RED_PIECES] = r->pieces,      [CLG__RED_GROUP] = r->group,
        [CLG__RED_OUTER] = r->n_outer_total, [CLG__RED_STRIPS] = r->strips,
        [CLG__RED_NARROW] = r->narrow,
    };
    for (int i = 0; i < CLG__RED_HEAD; i++)
        clg__geo_add(p, head[i]);
    const int base = p->n_geo;
    clg__geo_body(&r->elements);
    const int epilogue_at = p->n_geo;
    clg__geo_body(&r->epilogue);
    place_parts(r, &joined);
    if (p->err.status >= 0 && r->n_results > 0) {
        stage_one(r, caps, &joined, base, epilogue_at);
        if (clg__red_in_parts(r))
            stage_two(r, caps, &joined, base, epilogue_at);
    }
    clg__str_free(&r->elements.helpers);
    clg__str_free(&r->elements.text);
    clg__str_free(&r->epilogue.helpers);
    clg__str_free(&r->epilogue.text);
    clg__free(r);
    return p->err.status;
}
