// SPDX-License-Identifier: MIT
// Pointwise kernels. CPU class: a work-group walks rows in vectors of 16, all of them with the same
// instructions, so that an element's bits never depend on where it lies. GPU class: an element an item.
#include "codegen/gen.h"

#include "base/alloc.h"
#include "base/format.h"

#include <string.h>

// Items of a work-group of the GPU class.
static int items_of(const clg__caps *caps)
{
    int items = 256;
    while (items > 1 && items > caps->max_work_group)
        items /= 2;
    return items;
}

static const char *const partial_store =
    CLG__SELDOM "void NAME(st_@)(T_@ v, global $M *p, int m)\n{\n" CLG__EDGE
    "    for (int i = 0; i < m; i++)\n        p[i] = $P(((E_@ *)&v)[i]);\n}\n";

static void gen_stores(clg__gen *n, clg__lanes lanes)
{
    for (int i = 0; i < n->body->n_outputs; i++) {
        const clg__output *o = &n->body->outputs[i];
        const char *suffix = clg__suffix(o->dtype);
        if (n->vec == 1) {
            char put[24];
            clg__str_printf(&n->text, "q%d[at] = %sv%d%s;\n", i, clg__convert("PUT", o->dtype, put), o->insn,
                            clg__converted(o->dtype));
        } else if (lanes == CLG__FULL) {
            clg__need_type(n, o->dtype);
            clg__str_printf(&n->text, "ST_%s(v%d, q%d + at);\n", suffix, o->insn, i);
        } else {
            clg__need_function(n, partial_store, "st", o->dtype);
            clg__str_printf(&n->text, "NAME(st_%s)(v%d, q%d + at, m);\n", suffix, o->insn, i);
        }
    }
}

static void outer_dims(const clg__gen *n, int *dims)
{
    for (int d = 0; d < n->s.rank - 1; d++)
        dims[d] = d;
}

// CPU class: the innermost dimensions that make at least a vector together are a run, with one index.
static int run_of(const clg__space *s, int vec)
{
    const int last = s->rank - 1;
    int64_t n = s->dim[last];
    int run = last;
    while (vec > 1 && run > 0 && n > 0 && !clg__long_row(n))
        n *= s->dim[--run];
    return clg__long_row(n) ? run : last;
}

static int64_t length_from(const clg__space *s, int d)
{
    int64_t n = 1;
    for (; d < s->rank; d++)
        n *= s->dim[d];
    return n;
}

// Units of a row: the last one takes the rest, so that none is shorter than a vector.
static int64_t parts_of(int64_t inner)
{
    return inner < 2 * CLG__CHUNK ? 1 : inner / CLG__CHUNK;
}

// Geometry of a launch, from `base` on: the table of segments, an entry for each body and one more whose
// SEG_GROUP is the total; then for each body two words before its g[], g[UNITS] and g[GROUPS], dimensions and
// operands from g[0] on, at g[units_at] units, units per row, and of a run its elements and those in a step of its
// first dimension.
enum { SEG_GROUP, // first work-group
       SEG_G,     // where its g[] starts
       SEG_WORDS };
enum { UNITS = -2, GROUPS = -1, HEAD = 2 };

static void gen_cpu_body(clg__gen *n, int units_at)
{
    int dims[CLG_MAX_RANK];
    const int last = n->s.rank - 1;
    const bool run = n->run < last, whole = run || clg__long_row(n->s.dim[last]);
    n->rows = true;
    outer_dims(n, dims);
    clg__str_printf(&n->text, "const long n = g[%d], parts = g[%d];\n", run ? units_at + 2 : last, units_at + 1);
    if (run) {
        clg__str_printf(&n->text, "const long step = g[%d];\n", units_at + 3);
        clg__run_tables(n, NULL, "step", "i", "16");
    }
    clg__str_add(&n->text, "for (long u = first; u < stop; u++) {\n");
    clg__str_add(&n->text, whole ? "const long row = u / parts, from = (u % parts) * CHUNK;\n"
                                   "const long to = (u + 1) % parts ? from + CHUNK : n;\n"
                                 : "const long row = u, j = 0, at = row * n;\nconst int m = (int)n;\n");
    if (n->run > 0)
        clg__gen_decompose(n, "row", dims, n->run);
    clg__gen_bases(n, 0, n->run, NULL);
    if (run)
        clg__weave_begin(n);
    if (whole)
        clg__str_add(&n->text, "for (long k = from; k < to; k += 16) {\n"
                               "const long j = min(k, to - 16), at = row * n + j;\n");
    if (run) {
        clg__str_add(&n->text, "const long lead = j / step;\nconst int c = (int)(j - lead * step);\n");
        clg__run_lead(n, NULL);
        clg__run_place(n);
        clg__weave(n);
    }
    clg__gen_insns(n, 0, n->body->n_insns, whole ? CLG__FULL : CLG__PARTIAL);
    gen_stores(n, whole ? CLG__FULL : CLG__PARTIAL);
    clg__str_add(&n->text, whole ? "}\n}\n" : "}\n");
}

// Operands that do not lie along the last dimension but, whole vectors of them, along another, are read by tiles of
// 16 by 16. A unit of work is 16 columns of some rows of that dimension: so sixteen long rows of the operand are read,
// and few lines of it lie in caches at a time.
enum { TILE_ROWS = 512 };

static bool is_step(int64_t stride)
{
    return stride == 1 || stride == -1;
}

static void find_turned(clg__gen *n)
{
    const clg__space *s = &n->s;
    const int last = s->rank - 1;
    n->turned = -1;
    if (n->vec == 1 || n->run < last || !clg__long_row(s->dim[last]))
        return;
    for (int k = 0; k < n->body->n_operands; k++) {
        const clg__access *a = &s->access[k];
        const bool apart = a->stride[last] > 1 || a->stride[last] < -1;
        if (n->body->operands[k].kind != CLG__FROM_BUFFER || a->windowed || !apart)
            continue;
        for (int d = 0; d < last && n->turned < 0; d++)
            n->turned = is_step(a->stride[d]) && clg__long_row(s->dim[d]) ? d : -1;
        n->tile[k] = n->turned >= 0 && is_step(a->stride[n->turned]);
    }
}

static bool is_tile(const clg__gen *n, int k)
{
    return n->tile[k];
}

static void gen_tiles(clg__gen *n)
{
    const clg__space *s = &n->s;
    const int last = s->rank - 1, d = n->turned;
    int dims[CLG_MAX_RANK], n_dims = 0;
    for (int i = 0; i < last; i++) {
        if (i != d)
            dims[n_dims++] = i;
    }
    clg__str_printf(&n->text, "const long n = g[%d], height = g[%d], tiles = (n + 15) / 16, blocks = (height + %d) / %d;\n",
                    last, d, TILE_ROWS - 1, TILE_ROWS);
    clg__str_printf(&n->text, "for (long u = first; u < stop; u++) {\nconst long j = min(u %% tiles * 16, n - 16);\n"
                    "const long from = u / tiles %% blocks * %d, to = min(height, from + %d);\n", TILE_ROWS, TILE_ROWS);
    if (n_dims > 0) {
        clg__str_add(&n->text, "const long outside = u / tiles / blocks;\n");
        clg__gen_decompose(n, "outside", dims, n_dims);
    }
    clg__str_add(&n->text, "for (long k = from; k < to; k += 16) {\nconst long top = min(k, height - 16);\n");
    for (int k = 0; k < n->body->n_operands; k++) {
        const clg_dtype t = n->body->operands[k].dtype;
        const int at = n->geo_at[k];
        if (!n->tile[k])
            continue;
        clg__need_type(n, t);
        clg__need_turn(n, t);
        clg__str_printf(&n->text, "T_%s tile%d[16];\n_Pragma(\"unroll\")\nfor (int r = 0; r < 16; r++)\n"
                        "tile%d[r] = LD_%s(b%d + (g[%d] %s + (j + r) * g[%d]", clg__suffix(t), k, k, clg__suffix(t), k,
                        at, s->access[k].stride[d] < 0 ? "- top - 15" : "+ top", at + 1 + last);
        for (int i = 0; i < n_dims; i++)
            clg__str_printf(&n->text, " + i%d * g[%d]", dims[i], at + 1 + dims[i]);
        clg__str_printf(&n->text, "));\nNAME(turn_%s)(tile%d);\n", clg__suffix(t), k);
    }
    clg__str_printf(&n->text, "for (int r = 0; r < 16; r++) {\nconst long i%d = top + r;\nlong row = i0;\n", d);
    for (int i = 1; i < last; i++)
        clg__str_printf(&n->text, "row = row * g[%d] + i%d;\n", i, i);
    clg__str_add(&n->text, "const long at = row * n + j;\n");
    clg__gen_bases(n, 0, last, is_tile);
    clg__gen_insns(n, 0, n->body->n_insns, CLG__FULL);
    gen_stores(n, CLG__FULL);
    clg__str_add(&n->text, "}\n}\n}\n");
}

static void gen_gpu_body(clg__gen *n, int units_at)
{
    int dims[CLG_MAX_RANK];
    const int last = n->s.rank - 1;
    outer_dims(n, dims);
    clg__str_printf(&n->text, "if (first >= g[%d])\n    return;\n", units_at);
    clg__str_printf(&n->text, "const long at = first, n = g[%d];\n", last);
    clg__str_add(&n->text, last > 0 ? "const long row = at / n, j = at % n;\n"
                                    : "const long j = at;\n");
    if (last > 0)
        clg__gen_decompose(n, "row", dims, last);
    clg__gen_bases(n, 0, last, NULL);
    clg__gen_insns(n, 0, n->body->n_insns, CLG__ONE);
    gen_stores(n, CLG__ONE);
}

static void gen_one(clg__gen *n, const clg__body *body, int vec, clg__kplan *p, int *units_at)
{
    memset(n, 0, sizeof *n);
    n->body = body;
    n->vec = vec;
    n->p = p;
    clg__collapse(body, &n->s);
    clg__run_split(n, run_of(&n->s, vec));
    n->tables = n->weave = true;
    find_turned(n);
    const int start = p->n_geo;
    clg__geo_body(n);
    *units_at = p->n_geo - start;
}

// The text of one body's function; false: out of memory.
static bool gen_text(clg__gen *n, int units_at, clg__str *out)
{
    if (n->turned >= 0)
        gen_tiles(n);
    else if (n->vec > 1)
        gen_cpu_body(n, units_at);
    else
        gen_gpu_body(n, units_at);
    clg__str_add(out, clg__str_text(&n->helpers));
    clg__str_printf(out, "static void NAME(work)(global const long *g, long first, long stop");
    clg__gen_params(out, n->body, "", true, false);
    clg__str_add(out, ")\n{\n");
    clg__gen_kept(n, out);
    clg__str_printf(out, "%s}\n", clg__str_text(&n->text));
    const bool ok = !out->failed && !n->helpers.failed && !n->text.failed;
    clg__str_free(&n->helpers);
    clg__str_free(&n->text);
    return ok;
}

static int64_t count_groups(const clg__gen *n, const clg__caps *caps, int vec, int64_t *units)
{
    const clg__space *s = &n->s;
    const int64_t numel = length_from(s, 0), inner = length_from(s, run_of(s, vec));
    if (vec == 1) {
        *units = numel;
        return (numel + items_of(caps) - 1) / items_of(caps);
    }
    *units = inner ? numel / inner * parts_of(inner) : 0;
    if (n->turned >= 0 && numel > 0) {
        const int64_t height = s->dim[n->turned];
        *units = numel / inner / height * ((inner + 15) / 16) * ((height + TILE_ROWS - 1) / TILE_ROWS);
    }
    int64_t groups = numel / 8192 + 1;
    const int64_t most = 4 * (int64_t) caps->compute_units;
    groups = groups > most ? most : groups;
    return groups > *units ? *units : groups;
}

// The argument that segment s has for `name`.
static void gen_choice(clg__str *out, int n, const char *name, int k)
{
    clg__str_add(out, ", ");
    for (int s = 0; s + 1 < n; s++)
        clg__str_printf(out, "s == %d ? g%d_%s%d : ", s, s, name, k);
    if (n > 1)
        clg__str_printf(out, "g%d_", n - 1);
    clg__str_printf(out, "%s%d", name, k);
}

// One call whatever the number of bodies, so that their text stands in the kernel once.
static void gen_call(clg__str *t, const clg__body *body, int n, int vec, int items)
{
    clg__str_printf(t, "int s = 0;\n" CLG__EDGE "while (s < %d && get_group_id(0) >= geo[base + %d * s + %d])\n"
                       "s++;\n", n - 1, SEG_WORDS, SEG_WORDS + SEG_GROUP);
    clg__str_printf(t, "const long wg = get_group_id(0) - geo[base + %d * s];\n"
                       "global const long *g = geo + geo[base + %d * s + %d];\n", SEG_WORDS, SEG_WORDS, SEG_G);
    if (vec > 1)
        clg__str_printf(t, "NAME(work)(g, g[%d] * wg / g[%d], g[%d] * (wg + 1) / g[%d]", UNITS, GROUPS, UNITS, GROUPS);
    else
        clg__str_printf(t, "NAME(work)(g, wg * %d + (long)get_local_id(0), 0", items);
    for (int k = 0; k < body->n_operands; k++) {
        const clg__operand *o = &body->operands[k];
        if (o->kind == CLG__FROM_BUFFER)
            gen_choice(t, n, "b", k);
        else if (o->kind == CLG__FROM_SCALAR)
            clg__str_printf(t, ", x%d", k);
        else if (o->kind == CLG__FROM_RANDOM)
            clg__str_printf(t, ", seed%d, counter%d", k, k);
    }
    for (int i = 0; i < body->n_outputs; i++)
        gen_choice(t, n, "q", i);
    clg__str_add(t, ");\n");
}

// The numbers of all bodies, and the text of the first, which is that of all; *total: work-groups. Sets p->err.
static void add_segments(const clg__body *const *bodies, int n, const clg__caps *caps, int vec, clg__kplan *p,
                         clg__str *work, int64_t *total)
{
    const int table = p->n_geo;
    *total = 0;
    for (int k = 0; k < (n + 1) * SEG_WORDS && p->err.status >= 0; k++)
        clg__geo_add(p, 0);
    for (int k = 0; k < n && p->err.status >= 0; k++) {
        clg__gen gen;
        int units_at;
        int64_t units;
        for (int i = 0; i < HEAD; i++)
            clg__geo_add(p, 0);
        const int start = p->n_geo;
        gen_one(&gen, bodies[k], vec, p, &units_at);
        const int64_t count = count_groups(&gen, caps, vec, &units);
        clg__geo_add(p, units);
        clg__geo_add(p, parts_of(length_from(&gen.s, gen.run)));
        if (gen.run < gen.s.rank - 1) {
            clg__geo_add(p, length_from(&gen.s, gen.run));
            clg__geo_add(p, length_from(&gen.s, gen.run + 1));
        }
        if (p->err.status < 0)
            return;
        p->geo[start + UNITS] = units;
        p->geo[start + GROUPS] = count;
        int64_t *segment = &p->geo[table + SEG_WORDS * k];
        segment[SEG_GROUP] = *total;
        segment[SEG_G] = start;
        *total += count;
        segment[SEG_WORDS + SEG_GROUP] = *total;
        if (k == 0 && !gen_text(&gen, units_at, work))
            clg__fail(&p->err, CLG_ENOMEM, "codegen: out of host memory");
    }
}

clg_status clg__gen_pointwise(const clg__body *const *bodies, int n, const clg__caps *caps,
                              clg__kplan *p)
{
    const int vec = caps->cpu_class ? 16 : 1, items = vec > 1 ? 1 : items_of(caps), table = p->n_geo;
    clg__str work = { 0 };
    int64_t total;
    if (n > CLG__LAUNCH_BODIES)
        return clg__fail(&p->err, CLG_EINVAL, "codegen: %d bodies in one launch, at most %d are possible", n,
                         CLG__LAUNCH_BODIES);
    add_segments(bodies, n, caps, vec, p, &work, &total);
    if (p->err.status < 0 || total == 0) { // or nothing to compute
        clg__str_free(&work);
        return p->err.status;
    }
    clg__launch *l = clg__kplan_kernel(p, NULL, "pointwise");
    clg__str *t = &l->text;
    clg__str_printf(t, "#pragma OPENCL FP_CONTRACT OFF\n#define CHUNK %d\n%s", CLG__CHUNK,
                    clg__str_text(&work));
    clg__str_free(&work);
    clg__str_printf(t, "__attribute__((reqd_work_group_size(%d, 1, 1)))\n"
                       "kernel void NAME(pointwise)(global const long *geo, int base",
                    items);
    clg__arg_geo(p, l);
    clg__arg_i32(p, l, table);
    for (int k = 0; k < n; k++) {
        char prefix[16] = "";
        if (n > 1)
            clg__format(prefix, sizeof prefix, "g%d_", k);
        clg__gen_params(t, bodies[k], prefix, k == 0, true);
        clg__gen_args(p, l, bodies[k], k == 0);
    }
    clg__str_add(t, ")\n{\n");
    gen_call(t, bodies[0], n, vec, items);
    clg__str_add(t, "}\n");
    if (t->failed)
        clg__fail(&p->err, CLG_ENOMEM, "codegen: out of host memory");
    clg__kplan_grid(l, (size_t) total, 1, 1, (size_t) items, 1, 1);
    return p->err.status;
}

bool clg__codegen_text(const clg__body *body, const clg__caps *caps, clg__str *text)
{
    clg__kplan p;
    clg__kplan_init(&p);
    const bool ok = clg__gen_pointwise(&body, 1, caps, &p) >= 0;
    if (ok && p.n_launches == 1)
        clg__str_add(text, clg__str_text(&p.launches[0].text));
    clg__kplan_free(&p);
    return ok && !text->failed;
}
